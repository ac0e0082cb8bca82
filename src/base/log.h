// Structured logs: one line per event on stderr, `time level event key=value ...`. They carry the
// server id and a request id where there is one, never a token, never text that a member wrote.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace guildhall::log {

enum class Level { debug, info, warning, error };

struct Field {
  std::string_view key;
  std::string value;
};

template <class T>
Field field(std::string_view key, const T& value) {
  return {key, fmt::format("{}", value)};
}

/// Events below `level` are dropped. Default: info.
void set_level(Level level);

void write(Level level, std::string_view event, std::initializer_list<Field> fields);

/// As long as it lives, every line of every level goes to `take` and none to stderr. One at a time; `take`
/// is called from any thread, never from two at once.
class Capture {
 public:
  explicit Capture(std::function<void(std::string_view line)> take);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture();
};

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

}  // namespace guildhall::log
