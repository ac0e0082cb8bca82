// Text cut where a reader sees a character end: never within a letter and its accents, a flag, or an
// emoji of several code points (extended grapheme clusters, Unicode annex 29).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace guildhall {

/// The longest beginning of valid UTF-8 that has at most `units` UTF-16 code units and ends between two
/// characters. Empty when the first of them is longer than that.
std::string_view first_graphemes(std::string_view text, std::size_t units);

/// Without white space at both ends, as Unicode means it.
std::string_view trim_unicode(std::string_view text);

/// Any text as valid UTF-8 (base/text.h: clean_utf8), trimmed, of at most `units` UTF-16 code units. What
/// is too long is cut behind a line or a word, if one ends in its latter half, else behind a character,
/// and ends in an ellipsis. A backslash that would have escaped what was cut goes as well.
std::string fit_text(std::string_view text, std::size_t units);

}  // namespace guildhall
