#include "base/clock.h"

#include <fmt/format.h>

#include <optional>

namespace guildhall {
namespace {

/// Reads exactly `digits` digits at `position` and moves it on.
std::optional<int> read_number(std::string_view text, std::size_t& position, std::size_t digits) {
  if (position + digits > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = text[position + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  position += digits;
  return value;
}

bool read_char(std::string_view text, std::size_t& position, std::string_view allowed) {
  if (position >= text.size() || allowed.find(text[position]) == std::string_view::npos) return false;
  ++position;
  return true;
}

std::optional<Duration> read_fraction(std::string_view text, std::size_t& position) {
  if (position >= text.size() || text[position] != '.') return Duration{0};
  ++position;
  std::int64_t micros = 0;
  std::size_t digits = 0;
  for (; position < text.size() && text[position] >= '0' && text[position] <= '9'; ++position, ++digits) {
    if (digits < 6) micros = micros * 10 + (text[position] - '0');
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  for (; digits < 6; ++digits) micros *= 10;
  return Duration{micros};
}

std::optional<Duration> read_offset(std::string_view text, std::size_t& position) {
  if (read_char(text, position, "Zz")) return Duration{0};
  if (position >= text.size()) return std::nullopt;
  const int sign = text[position] == '-' ? -1 : 1;
  if (!read_char(text, position, "+-")) return std::nullopt;
  const auto hours = read_number(text, position, 2);
  const bool colon = read_char(text, position, ":");
  const auto minutes = read_number(text, position, 2);
  if (!hours || !colon || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (std::chrono::hours(*hours) + std::chrono::minutes(*minutes));
}

std::optional<TimePoint> read_time(std::string_view text) {
  std::size_t p = 0;
  const auto year = read_number(text, p, 4);
  if (!year || !read_char(text, p, "-")) return std::nullopt;
  const auto month = read_number(text, p, 2);
  if (!month || !read_char(text, p, "-")) return std::nullopt;
  const auto day = read_number(text, p, 2);
  if (!day || !read_char(text, p, "Tt ")) return std::nullopt;
  const auto hour = read_number(text, p, 2);
  if (!hour || !read_char(text, p, ":")) return std::nullopt;
  const auto minute = read_number(text, p, 2);
  if (!minute || !read_char(text, p, ":")) return std::nullopt;
  const auto second = read_number(text, p, 2);
  if (!second) return std::nullopt;
  const auto fraction = read_fraction(text, p);
  if (!fraction) return std::nullopt;
  const auto offset = read_offset(text, p);
  if (!offset || p != text.size()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  // Second 60 is a leap second; it is read as the first moment of the next minute.
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return TimePoint(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + *fraction - *offset;
}

}  // namespace

TimePoint SystemClock::now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

TimePoint ScaledClock::now() const {
  const auto real_now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  return start_ + (real_now - origin_) * speed_;
}

std::string format_rfc3339(TimePoint at) {
  const auto days = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss time(at - days);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 time.hours().count(), time.minutes().count(), time.seconds().count());
  if (const auto micros = time.subseconds().count(); micros != 0) {
    text += fmt::format(".{:06}", micros);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

Result<TimePoint> parse_rfc3339(std::string_view text) {
  if (const auto at = read_time(text)) return *at;
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a time like 2026-05-01T10:00:00Z", text));
}

}  // namespace guildhall
