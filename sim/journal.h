// The simulation's memory across restarts: a file of JSON lines, {"kind": ..., ...}, appended as things
// happen and read back at start. Without a file it forgets.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "base/json.h"

namespace guildhall::sim {

class Journal {
 public:
  using Reader = std::function<void(std::string_view kind, const json::Value& line)>;

  /// Opens `file` (empty: none) and hands every line that is there to `reader`. A last line that was
  /// cut off by a crash is dropped. Errors: `failed` (cannot be opened), `invalid` (names the line).
  Result<void> open(const std::filesystem::path& file, const Reader& reader);

  /// Appends `line` with that kind; it is with the operating system when this returns.
  void write(std::string_view kind, json::Object line);

 private:
  std::ofstream out_;
};

}  // namespace guildhall::sim
