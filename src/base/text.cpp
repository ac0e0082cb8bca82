#include "base/text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace guildhall {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Calls `each(code point, bytes)`; a broken sequence is reported as (-1, its first byte).
template <class F>
void for_each_code_point(std::string_view text, F each) {
  const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  std::size_t position = 0;
  while (position < text.size()) {
    utf8proc_int32_t code = -1;
    const auto length =
        utf8proc_iterate(data + position, static_cast<utf8proc_ssize_t>(text.size() - position), &code);
    const auto used = length > 0 ? static_cast<std::size_t>(length) : 1;
    each(length > 0 ? code : -1, text.substr(position, used));
    position += used;
  }
}

/// Most texts are: without a sign that needs a second look.
bool is_plain_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > 0 && c < 0x80; });
}

}  // namespace

bool is_clean_utf8(std::string_view text) {
  bool clean = true;
  for_each_code_point(text, [&](int code, std::string_view) { clean = clean && code > 0; });
  return clean;
}

std::string clean_utf8(std::string_view text) {
  if (is_plain_ascii(text)) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for_each_code_point(text,
                      [&](int code, std::string_view bytes) { out += code > 0 ? bytes : kReplacement; });
  return out;
}

std::string fold_name(std::string_view name) {
  const std::string clean = clean_utf8(name);
  utf8proc_uint8_t* folded = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD |
                                                      UTF8PROC_IGNORE | UTF8PROC_STRIPCC);
  const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(clean.data()),
                                   static_cast<utf8proc_ssize_t>(clean.size()), &folded, options);
  if (length < 0) return std::string(trim(clean));
  std::string out(reinterpret_cast<const char*>(folded), static_cast<std::size_t>(length));
  free(folded);  // NOLINT: utf8proc allocates with malloc
  return std::string(trim(out));
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for_each_code_point(text, [&](int code, std::string_view) { units += code > 0xFFFF ? 2 : 1; });
  return units;
}

std::string shorten(std::string_view text, std::size_t limit) {
  std::size_t count = 0;
  std::size_t keep = 0;  // bytes of the first limit - 1 code points
  std::size_t bytes = 0;
  for_each_code_point(text, [&](int, std::string_view piece) {
    ++count;
    bytes += piece.size();
    if (count + 1 <= limit) keep = bytes;
  });
  if (count <= limit) return std::string(text);
  return std::string(text.substr(0, keep)) + "…";
}

std::vector<std::string> split_for_chat(std::string_view text, std::size_t limit) {
  std::vector<std::string> pieces;
  std::string_view rest = trim(text);
  while (!rest.empty()) {
    std::size_t count = 0;
    std::size_t end = 0;         // bytes of at most `limit` code points
    std::size_t last_space = 0;  // where a word ended within them
    for_each_code_point(rest, [&](int code, std::string_view bytes) {
      if (count >= limit) {
        if (count == limit && code == ' ') last_space = end;
        ++count;
        return;
      }
      if (code == ' ') last_space = end;
      end += bytes.size();
      ++count;
    });
    const std::size_t cut = count > limit && last_space > 0 ? last_space : end;
    pieces.emplace_back(trim(rest.substr(0, cut)));
    rest = trim(rest.substr(cut));
  }
  return pieces;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

namespace {

std::vector<std::string_view> split_at(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
    if (text.empty()) return words;
    const auto end = std::min(text.find_first_of(separators), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

}  // namespace

std::vector<std::string_view> split_words(std::string_view text) { return split_at(text, " \t\r\n\f\v"); }

std::vector<std::string_view> split_list(std::string_view text) { return split_at(text, ", \t\r\n\f\v"); }

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Result<std::int64_t> parse_amount(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range || value > kLargestAmount || value < -kLargestAmount) {
    return fail(ErrorCode::too_large, fmt::format("at most {} is allowed", kLargestAmount));
  }
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return fail(ErrorCode::invalid, "a whole number in plain digits is needed, such as 250");
  }
  return value;
}

std::optional<std::string> closest(std::string_view word, std::span<const std::string> candidates) {
  const auto distance = [](std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= b.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
        diagonal = above;
      }
    }
    return row.back();
  };
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (const auto d = distance(word, candidate); d < best_distance) {
      best = &candidate;
      best_distance = d;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string escape_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\*_~`|>#-[]()<@:").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string group_digits(std::int64_t number, std::string_view separator) {
  const std::string digits = fmt::format("{}", number < 0 ? -number : number);
  std::string out = number < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += separator;
    out += digits[i];
  }
  return out;
}

}  // namespace guildhall
