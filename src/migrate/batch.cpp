#include "migrate/batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/statement_reading.h"

namespace guildhall::migrate {
namespace {

std::unexpected<Error> cannot(std::string what) {
  return fail(ErrorCode::invalid, "a batch " + std::move(what));
}

/// Reads the one statement from its first word to its last.
class BatchReader {
 public:
  BatchReader(const SqlStatement& statement, Dialect dialect)
      : statement_(statement), tokens_(statement.tokens), dialect_(dialect) {}

  Result<BatchStatement> read() {
    const std::string tag = command_tag(statement_);
    if (!is(0, tag == "DELETE" ? "delete" : "update"))
      return cannot("is one UPDATE or DELETE, without WITH before it");
    at_ = 1;
    if (tag == "DELETE" && !skip("from")) return cannot("begins with DELETE FROM");
    batch_.only = skip("only");
    read_name();
    if (batch_.table.empty()) return cannot("names its table right at the beginning");
    skip("as");
    if (!is(at_, tag == "DELETE" ? "using" : "set") && is_name(at_) && !ends_name(at_))
      batch_.alias = text(at_++);
    if (tag == "UPDATE" && !skip("set")) return cannot("sets columns: UPDATE table SET ...");
    if (tag == "UPDATE") read_columns();
    if (auto split = split_at_condition(); !split) return std::unexpected(split.error());
    return std::move(batch_);
  }

 private:
  bool is(std::size_t at, std::string_view keyword) const {
    return at < tokens_.size() && is_keyword(tokens_[at], keyword);
  }
  bool symbol(std::size_t at, std::string_view symbol) const {
    return at < tokens_.size() && is_symbol(tokens_[at], symbol);
  }
  bool is_name(std::size_t at) const {
    return at < tokens_.size() &&
           (tokens_[at].kind == TokenKind::word || tokens_[at].kind == TokenKind::quoted_word);
  }
  bool ends_name(std::size_t at) const {
    return is(at, "where") || is(at, "returning") || is(at, "order") || is(at, "limit") ||
           is(at, "indexed") || is(at, "not");
  }
  std::string text(std::size_t at) const { return std::string(tokens_[at].text); }
  bool skip(std::string_view keyword) {
    if (!is(at_, keyword)) return false;
    ++at_;
    return true;
  }

  void read_name() {
    if (!is_name(at_)) return;
    batch_.alias = text(at_);
    batch_.table = text(at_++);
    while (symbol(at_, ".") && is_name(at_ + 1)) {
      batch_.alias = text(at_ + 1);
      batch_.table += "." + batch_.alias;
      at_ += 2;
    }
  }

  /// SET a = ..., (b, c) = ...
  void read_columns() {
    int depth = 0;
    bool is_first = true;  // a column's name comes, or a list of them
    bool in_list = false;
    for (std::size_t at = at_; at < tokens_.size(); ++at) {
      if (depth == 0 && (is(at, "where") || is(at, "from"))) return;
      if (symbol(at, "(")) {
        in_list = in_list || (depth == 0 && is_first);
        ++depth;
      } else if (symbol(at, ")")) {
        if (--depth == 0) in_list = false;
      } else if (symbol(at, ",")) {
        is_first = is_first || depth == 0;
      } else if (is_name(at) && ((depth == 0 && is_first) || (depth == 1 && in_list))) {
        batch_.sets.push_back(name_key(tokens_[at].text, dialect_));
      }
      if (depth == 0 && !symbol(at, ",")) is_first = false;
    }
  }

  /// What would end or widen the condition from within is refused.
  Result<void> split_at_condition() {
    int depth = 0;
    const Token* where = nullptr;
    for (std::size_t at = at_; at < tokens_.size(); ++at) {
      depth += symbol(at, "(") || symbol(at, "[") ? 1 : symbol(at, ")") || symbol(at, "]") ? -1 : 0;
      if (depth < 0) return cannot("has a parenthesis too much");
      if (depth > 0) continue;
      if (is(at, "returning") || is(at, "order") || is(at, "limit"))
        return cannot("has no RETURNING, ORDER BY or LIMIT");
      if (!is(at, "where")) continue;
      if (where != nullptr || (is(at + 1, "current") && is(at + 2, "of")))
        return cannot("has one condition of its own");
      where = &tokens_[at];
    }
    const std::string_view sql = statement_.text;
    if (where == nullptr) {
      batch_.before = std::string(sql) + "\n";
      return {};
    }
    const auto begin = static_cast<std::size_t>(where->text.data() - sql.data());
    batch_.before = sql.substr(0, begin);
    batch_.condition = sql.substr(begin + where->text.size());
    return {};
  }

  const SqlStatement& statement_;
  const std::vector<Token>& tokens_;
  Dialect dialect_;
  std::size_t at_ = 0;
  BatchStatement batch_;
};

/// Single columns that are unique and never null, the primary key first: (quoted name, is it the primary
/// key).
store::SchemaSession::Rows postgres_keys(store::SchemaSession& session, const std::string& table) {
  return session.query(
      "SELECT quote_ident(a.attname), i.indisprimary FROM pg_index i "
      "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
      "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 "
      "AND i.indpred IS NULL AND a.attnotnull ORDER BY i.indisprimary DESC, 1",
      {table});
}

/// A primary key that is not INTEGER may hold NULL there.
store::SchemaSession::Rows sqlite_keys(store::SchemaSession& session, const std::string& table) {
  return session.query(
      R"(WITH c AS (SELECT name, "notnull" OR (pk > 0 AND lower(type) = 'integer') AS filled, pk,
                           max(pk) OVER () AS parts FROM pragma_table_info($1)),
              u AS (SELECT i.name AS of, x.name FROM pragma_index_list($1) i, pragma_index_info(i.name) x
                     WHERE i."unique" AND NOT i.partial)
         SELECT '"' || replace(c.name, '"', '""') || '"', c.pk > 0 AND c.parts = 1 FROM c
          WHERE c.filled AND ((c.pk > 0 AND c.parts = 1) OR EXISTS (
                SELECT 1 FROM u WHERE u.name = c.name AND (SELECT count(*) FROM u o WHERE o.of = u.of) = 1))
          ORDER BY 2 DESC, 1)",
      {table});
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

}  // namespace

Result<BatchStatement> read_batch(const Script& script, Dialect dialect) {
  if (script.statements.size() != 1)
    return cannot(fmt::format("is one statement in a file, and here are {}", script.statements.size()));
  auto batch = BatchReader(script.statements[0], dialect).read();
  if (!batch) return batch;
  const BatchOption& option = *script.options.batch;
  batch->key = option.key;
  if (!option.table.empty() && name_key(option.table, dialect) != name_key(batch->table, dialect))
    return cannot(fmt::format("of {} changes {}", option.table, batch->table));
  if (contains(batch->sets, name_key(option.key, dialect)))
    return cannot(fmt::format("does not set its own key {}", option.key));
  return batch;
}

Outcome<std::string> batch_key(store::SchemaSession& session, const BatchStatement& statement,
                               Dialect dialect) {
  const bool postgres = dialect == Dialect::postgres;
  const auto keys = postgres ? postgres_keys(session, statement.table)
                             : sqlite_keys(session, name_key(last_part(statement.table), dialect));
  const bool any = !statement.key.empty();
  for (const auto& row : keys) {
    const bool fits = any ? name_key(row[0], dialect) == name_key(statement.key, dialect)
                          : row[1] == (postgres ? "t" : "1");
    if (!fits) continue;
    if (!contains(statement.sets, name_key(row[0], dialect))) return row[0];
    return stop(Exit::refused, "E-BATCH", fmt::format("the statement sets {}, its own key", row[0]),
                "Name another column with batch=TABLE(KEY).");
  }
  return stop(Exit::refused, "E-BATCH",
              any ? fmt::format("{} is no column of {} that is unique and NOT NULL by itself", statement.key,
                                statement.table)
                  : fmt::format("{} has no primary key of one column", statement.table),
              "Name a column with a unique index of its own and NOT NULL: -- guildhall: batch=TABLE(KEY)");
}

std::string slice_sql(const BatchStatement& statement, std::string_view key, const Slice& slice) {
  const std::string column = fmt::format("{}.{}", statement.alias, key);
  std::string within = fmt::format("{} <= {}", column, slice.to);
  if (!slice.from.empty()) within = fmt::format("{} > {} AND {}", column, slice.from, within);
  // On a line of its own, as a comment may be the last thing of the condition.
  return statement.condition.empty()
             ? fmt::format("{}WHERE {}", statement.before, within)
             : fmt::format("{}WHERE ({}\n) AND {}", statement.before, statement.condition, within);
}

std::string next_key_sql(const BatchStatement& statement, std::string_view key, const std::string& from,
                         std::int64_t size, Dialect dialect) {
  return fmt::format(
      "SELECT {0}(k) FROM (SELECT {1} AS k FROM {2}{3}{4} ORDER BY {1} LIMIT {5}) AS slice ORDER BY k DESC "
      "LIMIT 1",
      dialect == Dialect::postgres ? "quote_literal" : "quote", key, statement.only ? "ONLY " : "",
      statement.table, from.empty() ? "" : fmt::format(" WHERE {} > {}", key, from), size);
}

void BatchPace::took(std::chrono::milliseconds time) {
  if (time > kLong) size_ = std::max<std::int64_t>(1, size_ / 2);
  if (time < kQuick) size_ = std::min(most_, size_ * 2);
}

void BatchPace::waited_in_vain() { size_ = std::max<std::int64_t>(1, size_ / 2); }

std::chrono::milliseconds BatchPace::pause(std::chrono::milliseconds replica_lag) const {
  return replica_lag > kMostLag ? std::max(10 * pause_, std::chrono::milliseconds(1'000)) : pause_;
}

std::chrono::milliseconds replica_lag(store::SchemaSession& session) {
  const auto rows = session.query(
      "SELECT coalesce(max(extract(epoch FROM replay_lag) * 1000), 0)::bigint FROM pg_stat_replication");
  return std::chrono::milliseconds(std::stoll(rows.at(0).at(0)));
}

}  // namespace guildhall::migrate
