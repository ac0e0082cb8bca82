#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <mutex>

namespace guildhall::log {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made =
        std::make_shared<spdlog::logger>("guildhall", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

struct Captured {
  std::atomic<bool> on = false;
  std::mutex mutex;
  std::function<void(std::string_view)> take;
};

Captured& captured() {
  static Captured instance;
  return instance;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// Quoted when it would not read back as one word; line breaks can never start a forged line, and nothing
/// reaches the terminal but text.
void append_value(std::string& line, std::string_view value) {
  const auto is_special = [](char c) {
    return is_control(c) || std::string_view(" \"=\\").find(c) != std::string_view::npos;
  };
  if (!value.empty() && std::none_of(value.begin(), value.end(), is_special)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '\n' || c == '\r') {
      line += "\\n";
      continue;
    }
    if (is_control(c)) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      continue;
    }
    if (c == '"' || c == '\\') line += '\\';
    line += c;
  }
  line += '"';
}

}  // namespace

void set_level(Level level) { logger().set_level(spdlog_level(level)); }

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!captured().on && !logger().should_log(spdlog_level(level))) return;
  std::string line(event);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  if (captured().on) {
    const std::scoped_lock lock(captured().mutex);
    if (captured().take) return captured().take(line);
  }
  logger().log(spdlog_level(level), "{}", line);
}

Capture::Capture(std::function<void(std::string_view line)> take) {
  const std::scoped_lock lock(captured().mutex);
  captured().take = std::move(take);
  captured().on = true;
}

Capture::~Capture() {
  const std::scoped_lock lock(captured().mutex);
  captured().on = false;
  captured().take = {};
}

}  // namespace guildhall::log
