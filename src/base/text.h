// Text that comes from outside: valid UTF-8, folded names, numbers typed by people, and suggestions
// for typing errors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace guildhall {

/// Valid UTF-8 without U+0000? (U+0000 is valid UTF-8, but no database text may hold it.)
bool is_clean_utf8(std::string_view text);

/// Replaces each broken byte sequence and each U+0000 by U+FFFD.
std::string clean_utf8(std::string_view text);

/// The key under which a name is stored and compared: Unicode NFC, trimmed, case-folded without
/// regard to locale. "  Max_ÄRGER " and "max_ärger" have the same key.
std::string fold_name(std::string_view name);

/// Number of UTF-16 code units: how Discord counts most of its limits.
std::size_t utf16_length(std::string_view text);

/// At most `limit` code points, cut at a code point and marked with an ellipsis when cut.
std::string shorten(std::string_view text, std::size_t limit);

/// Cuts text into pieces of at most `limit` code points, at spaces where there are any.
std::vector<std::string> split_for_chat(std::string_view text, std::size_t limit);

std::string_view trim(std::string_view text);
std::vector<std::string_view> split_words(std::string_view text);
/// What stands between commas and blanks.
std::vector<std::string_view> split_list(std::string_view text);
std::string to_lower_ascii(std::string_view text);

/// An amount as a person types it: ASCII digits with an optional leading '-', nothing else.
/// Refused with a reason: empty, "1e3", "1.5", full-width digits, anything beyond ±9e15.
Result<std::int64_t> parse_amount(std::string_view text);
inline constexpr std::int64_t kLargestAmount = 9'000'000'000'000'000;

/// The candidate that is closest to a mistyped word, if one is close enough to be meant.
std::optional<std::string> closest(std::string_view word, std::span<const std::string> candidates);

/// Backslash-escapes what Discord would read as Markdown or as a mention.
std::string escape_markdown(std::string_view text);

/// 1234567 -> "1,234,567" (or with another separator).
std::string group_digits(std::int64_t number, std::string_view separator);

}  // namespace guildhall
