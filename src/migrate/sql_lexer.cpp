#include "migrate/sql_lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace guildhall::migrate {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kOperatorChars = "~!@#^&|`?+-*/%<>=";
/// An operator that has one of these may end in + or -; every other gives them back: "=-1" is "=" and "-1".
constexpr std::string_view kOddOperatorChars = "~!@#^&|`?%";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) { return begins_word(c) || is_digit(c) || c == '$'; }

class Lexer {
 public:
  Lexer(std::string_view sql, Dialect dialect) : sql_(sql), dialect_(dialect) {}

  Result<std::vector<Token>> run() {
    while (true) {
      at_ = end_of_space(at_);
      if (at_ >= sql_.size()) return std::move(tokens_);
      const TokenKind kind = next();
      if (!trouble_.empty())
        return fail(ErrorCode::invalid, fmt::format("line {}: {}", line_of(at_), trouble_));
      tokens_.push_back({kind, sql_.substr(at_, end_ - at_), line_of(at_)});
      at_ = end_;
    }
  }

 private:
  bool is_postgres() const { return dialect_ == Dialect::postgres; }
  bool looks_at(std::string_view text, std::size_t i) const { return sql_.substr(i).starts_with(text); }
  char peek(std::size_t i) const { return i < sql_.size() ? sql_[i] : '\0'; }

  /// A byte order mark is white space for SQLite; PostgreSQL takes it for a letter.
  std::size_t end_of_space(std::size_t i) const {
    while (i < sql_.size()) {
      if (is_space(sql_[i])) {
        ++i;
      } else if (!is_postgres() && looks_at(kByteOrderMark, i)) {
        i += kByteOrderMark.size();
      } else {
        break;
      }
    }
    return i;
  }

  std::size_t line_of(std::size_t position) {
    line_ += static_cast<std::size_t>(std::count(sql_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                                 sql_.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
    counted_ = position;
    return line_;
  }

  /// The token that begins at `at_`: sets `end_`, or `trouble_`.
  TokenKind next() {
    const char c = sql_[at_];
    if (looks_at("--", at_)) return line_comment();
    if (looks_at("/*", at_)) return block_comment();
    if (is_digit(c) || (c == '.' && is_digit(peek(at_ + 1)))) return number();
    if (c == '\'') return string(at_, false);
    if (c == '"') return quoted(at_, '"');
    if (begins_word(c)) return word();
    if (is_postgres()) {
      if (c == '$') return dollar();
      if (c == '\\') return psql_command();
    } else {
      if (c == '[') return quoted(at_, ']');
      if (c == '`') return quoted(at_, '`');
      if (c == '?' || ((c == ':' || c == '@' || c == '$') && continues_word(peek(at_ + 1))))
        return parameter();
    }
    return symbol();
  }

  /// For PostgreSQL a carriage return alone ends a line, too; for SQLite it belongs to it.
  std::size_t end_of_line(std::size_t i) const {
    const std::size_t end = std::min(sql_.find_first_of(is_postgres() ? "\r\n" : "\n", i), sql_.size());
    return end > i && sql_[end - 1] == '\r' ? end - 1 : end;
  }

  TokenKind line_comment() {
    end_ = end_of_line(at_);
    return TokenKind::comment;
  }

  /// PostgreSQL's comments hold comments; SQLite's end at the first end, or with the text.
  TokenKind block_comment() {
    int depth = 1;
    std::size_t i = at_ + 2;
    while (depth > 0) {
      const std::size_t found =
          std::min(sql_.find("*/", i), is_postgres() ? sql_.find("/*", i) : std::string_view::npos);
      if (found == std::string_view::npos) {
        end_ = sql_.size();
        if (is_postgres()) trouble_ = "a comment has no end";
        return TokenKind::comment;
      }
      depth += sql_[found] == '/' ? 1 : -1;
      i = found + 2;
    }
    end_ = i;
    return TokenKind::comment;
  }

  TokenKind number() {
    std::size_t i = at_;
    const auto digits = [&] {
      while (is_digit(peek(i))) ++i;
    };
    if (!is_postgres() && (looks_at("0x", i) || looks_at("0X", i))) {
      i += 2;
      while (is_digit(peek(i)) || ((peek(i) | 0x20) >= 'a' && (peek(i) | 0x20) <= 'f')) ++i;
      return found(TokenKind::number, i);
    }
    digits();
    if (peek(i) == '.' && peek(i + 1) != '.') {
      ++i;
      digits();
    }
    const bool has_sign = peek(i + 1) == '+' || peek(i + 1) == '-';
    if ((peek(i) == 'e' || peek(i) == 'E') && is_digit(peek(i + (has_sign ? 2 : 1)))) {
      i += has_sign ? 2 : 1;
      digits();
    }
    return found(TokenKind::number, i);
  }

  /// Words, and literals with a letter before the quote.
  TokenKind word() {
    const char first = static_cast<char>(sql_[at_] | 0x20);
    if (is_postgres() && peek(at_ + 1) == '\'' &&
        (first == 'e' || first == 'b' || first == 'x' || first == 'n'))
      return string(at_ + 1, first == 'e');
    if (is_postgres() && first == 'u' && peek(at_ + 1) == '&') {
      if (peek(at_ + 2) == '\'') return string(at_ + 2, false);
      if (peek(at_ + 2) == '"') return quoted(at_ + 2, '"');
    }
    if (!is_postgres() && first == 'x' && peek(at_ + 1) == '\'') return string(at_ + 1, false);
    std::size_t i = at_;
    while (i < sql_.size() && continues_word(sql_[i])) ++i;
    return found(TokenKind::word, i);
  }

  /// From the quote at `open` on; `escapes`: a backslash takes the next character's meaning.
  TokenKind string(std::size_t open, bool escapes) {
    std::size_t i = open + 1;
    while (true) {
      while (i < sql_.size() && sql_[i] != '\'' && !(escapes && sql_[i] == '\\')) ++i;
      if (i >= sql_.size()) {
        trouble_ = "a text in quotes has no end";
        return TokenKind::literal;
      }
      if (sql_[i] == '\\' || peek(i + 1) == '\'') {
        i += 2;
        continue;
      }
      const std::size_t more = is_postgres() ? continuation(i + 1) : std::string_view::npos;
      if (more == std::string_view::npos) return found(TokenKind::literal, i + 1);
      i = more + 1;
    }
  }

  /// A literal goes on behind white space with a line feed in it, and comments to the end of a line: where
  /// the next quote is, or npos.
  std::size_t continuation(std::size_t i) const {
    bool has_line_feed = false;
    while (i < sql_.size()) {
      if (is_space(sql_[i])) {
        has_line_feed = has_line_feed || sql_[i] == '\n' || sql_[i] == '\r';
        ++i;
      } else if (looks_at("--", i)) {
        i = end_of_line(i);
      } else {
        break;
      }
    }
    return has_line_feed && peek(i) == '\'' ? i : std::string_view::npos;
  }

  /// A name in quotes; `close` twice stands for itself, but for SQLite's brackets.
  TokenKind quoted(std::size_t open, char close) {
    std::size_t i = open + 1;
    while (true) {
      i = sql_.find(close, i);
      if (i == std::string_view::npos) {
        trouble_ = "a name in quotes has no end";
        return TokenKind::quoted_word;
      }
      if (close == ']' || peek(i + 1) != close) return found(TokenKind::quoted_word, i + 1);
      i += 2;
    }
  }

  TokenKind dollar() {
    std::size_t i = at_ + 1;
    if (is_digit(peek(i))) {
      while (is_digit(peek(i))) ++i;
      return found(TokenKind::parameter, i);
    }
    while (begins_word(peek(i)) || (i > at_ + 1 && is_digit(peek(i)))) ++i;
    if (peek(i) != '$') {
      trouble_ = "'$' begins neither a parameter nor a text";
      return TokenKind::literal;
    }
    const std::string_view tag = sql_.substr(at_, i + 1 - at_);
    const std::size_t end = sql_.find(tag, i + 1);
    if (end == std::string_view::npos) {
      trouble_ = fmt::format("a text in {} has no end", tag);
      return TokenKind::literal;
    }
    return found(TokenKind::literal, end + tag.size());
  }

  TokenKind psql_command() {
    line_comment();
    return TokenKind::psql_command;
  }

  TokenKind parameter() {
    std::size_t i = at_ + 1;
    while (i < sql_.size() && continues_word(sql_[i])) ++i;
    return found(TokenKind::parameter, i);
  }

  TokenKind symbol() {
    const char c = sql_[at_];
    if (kOperatorChars.find(c) == std::string_view::npos) {
      if (std::string_view("()[],;.:").find(c) == std::string_view::npos)
        trouble_ = fmt::format("no SQL has the character {}", shown(c));
      return found(TokenKind::symbol, at_ + (looks_at("::", at_) || looks_at(":=", at_) ? 2 : 1));
    }
    std::size_t i = at_;
    while (i < sql_.size() && kOperatorChars.find(sql_[i]) != std::string_view::npos && !looks_at("--", i) &&
           !looks_at("/*", i))
      ++i;
    const bool is_odd = sql_.substr(at_, i - at_).find_first_of(kOddOperatorChars) != std::string_view::npos;
    while (!is_odd && i > at_ + 1 && (sql_[i - 1] == '+' || sql_[i - 1] == '-')) --i;
    return found(TokenKind::symbol, i);
  }

  static std::string shown(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7F ? fmt::format("'{}'", c) : fmt::format("0x{:02X}", byte);
  }

  TokenKind found(TokenKind kind, std::size_t end) {
    end_ = end;
    return kind;
  }

  std::string_view sql_;
  Dialect dialect_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::size_t line_ = 1;     // of `counted_`
  std::size_t counted_ = 0;  // position up to which line feeds are counted
  std::string trouble_;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> lex(std::string_view sql, Dialect dialect) { return Lexer(sql, dialect).run(); }

bool is_keyword(const Token& token, std::string_view keyword) {
  return token.kind == TokenKind::word && token.text.size() == keyword.size() &&
         to_lower_ascii(token.text) == keyword;
}

bool is_symbol(const Token& token, std::string_view symbol) {
  return token.kind == TokenKind::symbol && token.text == symbol;
}

}  // namespace guildhall::migrate
