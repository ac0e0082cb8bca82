#include "migrate/checksums.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/text.h"
#include "migrate/sql_lexer.h"

namespace guildhall::migrate {
namespace {

std::string with_plain_line_ends(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    plain += text[i];
  }
  return plain;
}

}  // namespace

std::string checksum_of_bytes(std::string_view content) { return "sha256:" + hex(sha256(content)); }

Result<std::string> checksum_of_tokens(std::string_view sql, Dialect dialect) {
  const auto tokens = lex(without_byte_order_mark(sql), dialect);
  if (!tokens) return std::unexpected(tokens.error());
  std::string stream;
  stream.reserve(sql.size());
  for (const Token& token : *tokens) {
    if (token.kind == TokenKind::comment) continue;
    const std::string text =
        token.kind == TokenKind::word ? to_lower_ascii(token.text) : with_plain_line_ends(token.text);
    stream += fmt::format("{}:{}\n", text.size(), text);
  }
  return "tokens1:" + hex(sha256(stream));
}

std::string_view digits_of(std::string_view checksum) { return checksum.substr(checksum.find(':') + 1); }

std::string_view without_byte_order_mark(std::string_view content) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return content.starts_with(kMark) ? content.substr(kMark.size()) : content;
}

}  // namespace guildhall::migrate
