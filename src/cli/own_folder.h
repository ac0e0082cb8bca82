// A temporary folder that goes with what was done in it.
#pragma once

#include <filesystem>
#include <string>

namespace guildhall::cli {

class OwnFolder {
 public:
  /// "guildhall-WHAT-" and something that nobody has yet; `path` stays empty where none can be made.
  explicit OwnFolder(const std::string& what) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / ("guildhall-" + what + "-XXXXXX")).string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  ~OwnFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace guildhall::cli
