// What tells whether a migration is still the one that was applied, on two levels: its bytes, and its
// meaning. Neither depends on a path, a locale or the version of the tool; each value begins with the name of
// how it was made, and how that is stays readable for ever.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "migrate/dialect.h"

namespace guildhall::migrate {

/// "sha256:" and 64 hex digits, of the bytes as they are.
std::string checksum_of_bytes(std::string_view content);

/// "tokens1:" and 64 hex digits: SHA-256 over every token but comments, each as its length, ':', its text and
/// a line feed; words outside quotes in lower case, and CR LF as LF also within literals, so that neither a
/// re-indented file nor one with other line ends is another. Errors as of `lex`.
Result<std::string> checksum_of_tokens(std::string_view sql, Dialect dialect);

/// The 64 hex digits alone, as other tools store them.
std::string_view digits_of(std::string_view checksum);

/// SQL without the byte order mark that some editors put before it.
std::string_view without_byte_order_mark(std::string_view content);

}  // namespace guildhall::migrate
