#include "base/graphemes.h"

#include <utf8proc.h>

#include "base/text.h"

namespace guildhall {
namespace {

constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kEllipsisLine = "\n…";

/// The code point at the beginning; `text` is not empty. A broken byte is one of its own.
struct CodePoint {
  explicit CodePoint(std::string_view text) {
    const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &code);
    if (used > 0) {
      bytes = static_cast<std::size_t>(used);
    } else {
      code = 0xFFFD;
    }
  }
  utf8proc_int32_t code = 0;
  std::size_t bytes = 1;
};

bool is_space(utf8proc_int32_t code) {
  if ((code >= 0x09 && code <= 0x0D) || code == 0x85) return true;
  const auto category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

/// A backslash escapes what follows, so one at the end would reach for the ellipsis.
std::string_view without_open_escape(std::string_view text) {
  const auto last = text.find_last_not_of('\\');
  const auto backslashes = text.size() - (last == std::string_view::npos ? 0 : last + 1);
  return text.substr(0, text.size() - backslashes % 2);
}

/// Where to cut: behind the last sign of that kind, if it does not stand too early.
std::size_t late_end(std::string_view head, char sign) {
  const auto at = head.rfind(sign);
  return at == std::string_view::npos || at < head.size() / 2 ? 0 : at;
}

}  // namespace

std::string_view first_graphemes(std::string_view text, std::size_t units) {
  std::size_t position = 0;
  std::size_t boundary = 0;  // the last one within the limit
  std::size_t used = 0;
  utf8proc_int32_t before = 0;
  utf8proc_int32_t state = 0;
  while (position < text.size()) {
    const CodePoint next(text.substr(position));
    if (position > 0 && utf8proc_grapheme_break_stateful(before, next.code, &state)) boundary = position;
    used += next.code > 0xFFFF ? 2 : 1;
    if (used > units) return text.substr(0, boundary);
    before = next.code;
    position += next.bytes;
  }
  return text;
}

std::string_view trim_unicode(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first(text);
    if (!is_space(first.code)) break;
    text.remove_prefix(first.bytes);
  }
  std::size_t end = 0;
  for (std::size_t position = 0; position < text.size();) {
    const CodePoint next(text.substr(position));
    position += next.bytes;
    if (!is_space(next.code)) end = position;
  }
  return text.substr(0, end);
}

std::string fit_text(std::string_view text, std::size_t units) {
  const std::string clean = clean_utf8(text);
  const std::string_view whole = trim_unicode(clean);
  if (utf16_length(whole) <= units) return std::string(whole);
  if (units == 0) return {};
  const std::string_view head = first_graphemes(whole, units - 1);
  const auto line = late_end(head, '\n');
  const auto end = line > 0 ? line : late_end(head, ' ');
  std::string kept(without_open_escape(trim_unicode(end > 0 ? head.substr(0, end) : head)));
  return kept.append(line > 0 && !kept.empty() ? kEllipsisLine : kEllipsis);
}

}  // namespace guildhall
