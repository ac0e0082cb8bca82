#include "migrate/dump_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "base/text.h"
#include "migrate/sql_statements.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::migrate {
namespace {

constexpr std::string_view kCopyBegin = "COPY ";
constexpr std::string_view kCopyEnd = " FROM stdin;";
constexpr std::string_view kEndOfRows = "\\.";
constexpr std::string_view kTrailer = "-- PostgreSQL database dump complete";
/// Behind the trailer stands an \unrestrict with its key.
constexpr std::size_t kTrailerLies = 512;

using Tokens = std::span<const Token>;

/// One part of a name as it is, from how it is written.
std::optional<std::string> name_part(const Token& token) {
  if (token.kind == TokenKind::word) return to_lower_ascii(token.text);
  if (token.kind != TokenKind::quoted_word) return std::nullopt;
  std::string name;
  const std::string_view inner = token.text.substr(1, token.text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    name += inner[i];
    if (inner[i] == '"') ++i;  // written twice
  }
  return name;
}

/// Of the name that these begin with.
std::string key_of(Tokens tokens) {
  std::string key;
  for (std::size_t i = 0; i < tokens.size(); i += 2) {
    const auto part = name_part(tokens[i]);
    if (!part) return "";
    key += (key.empty() ? "" : ".") + tenancy::quoted_name(*part);
    if (i + 1 >= tokens.size() || !is_symbol(tokens[i + 1], ".")) return key;
  }
  return "";
}

class DumpReader {
 public:
  explicit DumpReader(std::string_view dump) : dump_(dump) {}

  Result<DumpContents> read() {
    std::size_t looked_at = 0;
    while (true) {
      const auto copy = find_copy(looked_at);
      const std::size_t end = copy ? end_of_line(*copy) : dump_.size();
      auto last = read_statements(dump_.substr(begin_, end - begin_));
      if (!last && !copy) {
        return fail(ErrorCode::invalid,
                    fmt::format("counted from its line {} on: {}", line_, last.error().message));
      }
      if (!copy) return found_;
      if (!last && last.error().code != ErrorCode::invalid) return std::unexpected(last.error());
      if (!last || !*last) {
        looked_at = end;  // within a literal or the body of a function
        continue;
      }
      if (auto rows = read_rows(**last, end); !rows) return std::unexpected(rows.error());
      looked_at = begin_;
    }
  }

 private:
  std::size_t end_of_line(std::size_t at) const { return std::min(dump_.find('\n', at), dump_.size()); }

  /// The next line that looks like the head of rows.
  std::optional<std::size_t> find_copy(std::size_t from) const {
    while (true) {
      std::size_t at = from;
      if (from > 0 || !dump_.starts_with(kCopyBegin)) {
        at = dump_.find("\nCOPY ", from == 0 ? 0 : from - 1);
        if (at == std::string_view::npos) return std::nullopt;
        ++at;
      }
      const std::size_t end = end_of_line(at);
      if (dump_.substr(at, end - at).ends_with(kCopyEnd)) return at;
      from = end + 1;
      if (from >= dump_.size()) return std::nullopt;
    }
  }

  /// The table of the COPY that this text ends with, if it ends with one. What is found in a text that
  /// turns out to go on is found again.
  Result<std::optional<std::string>> read_statements(std::string_view text) {
    auto statements = split_statements(text, Dialect::postgres);
    if (!statements) return std::unexpected(statements.error());
    std::optional<std::string> copied;
    for (SqlStatement& statement : *statements) {
      if (auto kept = drop_restrictions(statement); !kept) return std::unexpected(kept.error());
      copied.reset();
      if (statement.tokens.empty()) continue;
      const std::string tag = command_tag(statement);
      if (tag == "CREATE TABLE") add_table(statement.tokens);
      if (tag == "COPY") copied = key_of(Tokens(statement.tokens).subspan(1));
    }
    return copied;
  }

  Result<void> drop_restrictions(SqlStatement& statement) {
    for (const Token& token : statement.tokens) {
      if (token.kind != TokenKind::psql_command) continue;
      if (!token.text.starts_with("\\restrict ") && !token.text.starts_with("\\unrestrict ")) {
        return fail(ErrorCode::forbidden,
                    fmt::format("line {}: '{}' is a command for psql, which no dump of one database holds",
                                line_ + token.line - 1, shorten(clean_utf8(token.text), 40)));
      }
      found_.is_restricted = true;
    }
    std::erase_if(statement.tokens, [](const Token& t) { return t.kind == TokenKind::psql_command; });
    return {};
  }

  void add_table(Tokens tokens) {
    const auto table = std::ranges::find_if(tokens, [](const Token& t) { return is_keyword(t, "table"); });
    const std::string key = key_of(tokens.subspan(static_cast<std::size_t>(table - tokens.begin()) + 1));
    if (!key.empty()) found_.tables.insert(key);
  }

  /// Counts the lines behind the head, which ends at `head_end`.
  Result<void> read_rows(const std::string& table, std::size_t head_end) {
    const std::size_t head =
        line_ + static_cast<std::size_t>(std::ranges::count(dump_.substr(begin_, head_end - begin_), '\n'));
    std::int64_t rows = 0;
    for (std::size_t at = head_end + 1; at < dump_.size(); ++rows) {
      const std::size_t end = end_of_line(at);
      if (dump_.substr(at, end - at) == kEndOfRows) {
        found_.rows[table] += rows;
        begin_ = std::min(end + 1, dump_.size());
        line_ = head + static_cast<std::size_t>(rows) + 2;
        return {};
      }
      at = end + 1;
    }
    return fail(ErrorCode::invalid, fmt::format("line {}: the rows of {} have no end", head, table));
  }

  std::string_view dump_;
  std::size_t begin_ = 0;  // of what was not read yet
  std::size_t line_ = 1;   // of that
  DumpContents found_;
};

}  // namespace

std::string table_key(std::string_view name) {
  const auto tokens = lex(name, Dialect::postgres);
  return tokens ? key_of(*tokens) : "";
}

bool has_trailer(std::string_view dump) {
  const std::string_view end = dump.substr(dump.size() - std::min(dump.size(), kTrailerLies));
  const auto at = end.find(kTrailer);
  return at != std::string_view::npos && end.find('\n', at) != std::string_view::npos;
}

Result<DumpContents> read_dump(std::string_view dump) {
  auto found = DumpReader(dump).read();
  if (!found) {
    Error error = found.error();
    error.code = ErrorCode::invalid;
    return std::unexpected(std::move(error));
  }
  return found;
}

}  // namespace guildhall::migrate
