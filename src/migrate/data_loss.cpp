#include "migrate/data_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "migrate/changed_rows.h"
#include "migrate/looking.h"
#include "migrate/statement_reading.h"

namespace guildhall::migrate {
namespace {

using Kind = Loss::Kind;
using Rows = Looking::Rows;

constexpr std::chrono::milliseconds kOfEachQuestion{60'000};

bool has_words(const StatementReading& reading, std::initializer_list<std::string_view> words) {
  const auto matches = [](const Token& token, std::string_view word) { return is_keyword(token, word); };
  return !std::ranges::search(reading.statement.tokens, words, matches).empty();
}

/// What is dropped first, as (classid, objid, objsubid) of pg_depend; "" of what takes no data along. $1 is
/// its name, $2 a column of it.
std::string_view first_dropped(std::string_view tag) {
  static constexpr std::pair<std::string_view, std::string_view> kFirst[] = {
      {"DROP TABLE", "SELECT 'pg_class'::regclass::oid, to_regclass($1)::oid, 0 WHERE $2 = ''"},
      {"ALTER TABLE",
       "SELECT 'pg_class'::regclass::oid, attrelid, attnum::integer FROM pg_attribute WHERE attrelid = "
       "to_regclass($1) AND attname = (parse_ident($2))[1] AND NOT attisdropped"},
      {"DROP SCHEMA", "SELECT 'pg_namespace'::regclass::oid, to_regnamespace($1)::oid, 0 WHERE $2 = ''"},
      {"DROP TYPE", "SELECT 'pg_type'::regclass::oid, to_regtype($1)::oid, 0 WHERE $2 = ''"},
      {"DROP DOMAIN", "SELECT 'pg_type'::regclass::oid, to_regtype($1)::oid, 0 WHERE $2 = ''"},
      {"DROP EXTENSION",
       "SELECT 'pg_extension'::regclass::oid, oid, 0 FROM pg_extension WHERE extname = (parse_ident($1))[1] "
       "AND $2 = ''"},
      {"DROP OWNED",
       "SELECT classid, objid, 0 FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = "
       "CASE "
       "WHEN lower($1) IN ('current_user', 'current_role', 'session_user') THEN to_regrole(quote_ident("
       "current_user)) ELSE to_regrole($1) END::oid AND deptype = 'o' AND dbid = (SELECT oid FROM "
       "pg_database "
       "WHERE datname = current_database()) AND $2 = ''"}};
  const auto found = std::ranges::find(kFirst, tag, [](const auto& one) { return one.first; });
  return found == std::end(kFirst) ? "" : found->second;
}

/// With it goes what depends on it: without CASCADE only what is a part of it (pg_depend, manual 53.18). Of
/// tables and columns; partitions are in the count of what they are of.
constexpr std::string_view kDropped = R"(
WITH RECURSIVE gone (classid, objid, objsubid) AS (
  {}
   UNION
  SELECT d.classid, d.objid, d.objsubid
    FROM gone JOIN pg_depend d ON d.refclassid = gone.classid AND d.refobjid = gone.objid
     AND (gone.objsubid = 0 OR d.refobjsubid = gone.objsubid)
   WHERE $3::boolean OR d.deptype <> 'n')
SELECT c.oid::regclass::text, coalesce(quote_ident(a.attname), ''), c.relkind = 'p'
  FROM gone JOIN pg_class c ON gone.classid = 'pg_class'::regclass AND c.oid = gone.objid
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = gone.objsubid AND gone.objsubid > 0
 WHERE c.relkind IN ('r', 'p') AND coalesce(a.attgenerated, '') = ''
   AND (gone.objsubid = 0 OR NOT EXISTS (
         SELECT FROM gone AS whole WHERE whole.classid = gone.classid AND whole.objid = gone.objid AND whole.objsubid = 0))
   AND NOT (c.relispartition AND EXISTS (
         SELECT FROM pg_inherits i JOIN gone AS above ON above.classid = gone.classid AND above.objid = i.inhparent
          WHERE i.inhrelid = c.oid AND (above.objsubid = 0 OR above.objsubid = gone.objsubid)))
 ORDER BY gone.objsubid > 0, c.oid, a.attnum)";

/// Tables whose rows go along: with those that are deleted, or where all of a table are truncated.
constexpr std::string_view kFollowers = R"(
WITH RECURSIVE follower (oid) AS (
  SELECT to_regclass($1)::oid
   UNION
  SELECT conrelid FROM follower JOIN pg_constraint ON confrelid = follower.oid
   WHERE contype = 'f' AND ($2::boolean OR confdeltype = 'c'))
SELECT oid::regclass::text FROM follower WHERE oid <> to_regclass($1))";

class LossCounter {
 public:
  explicit LossCounter(Looking& looking) : looking_(looking) {}

  void take(const StatementReading& reading) {
    for (const StatementReading& inner : reading.inner) take(inner);
    if (reading.tag == "DELETE") return take_delete(reading);
    if (reading.tag == "UPDATE") return take_update(reading);
    if (reading.tag == "TRUNCATE") return take_truncate(reading);
    if (may_replace(reading)) {
      for (const std::string& table : reading.writes) add_some_rows(table);
    }
    const bool cascades = has_words(reading, {"cascade"});
    for (const std::string& name : dropped_names(reading)) take_drop(reading.tag, name, "", cascades);
    for (const TableAction& action : reading.actions) {
      if (action.kind == ActionKind::drop_column)
        take_drop(reading.tag, reading.table, action.name, cascades);
      if (action.kind == ActionKind::alter_type) take_type(reading.table, action);
    }
  }
  std::vector<Loss> losses() { return std::move(losses_); }

 private:
  bool postgres() const { return looking_.dialect() == Dialect::postgres; }
  std::string key(const std::string& name) const { return name_key(name, looking_.dialect()); }
  bool is_whole(const std::string& table) const { return whole_.contains(key(table)); }

  /// Nothing where that cannot be asked.
  std::optional<std::int64_t> count(const std::string& sql) {
    const auto rows = looking_.ask(sql);
    if (!rows || rows->empty()) return std::nullopt;
    return std::stoll(rows->front().at(0));
  }
  void add(Kind kind, const std::string& table, const std::string& column, std::int64_t rows) {
    losses_.push_back({kind, table, column, rows});
  }

  bool is_there(const std::string& table) {
    if (!postgres()) return looking_.ask(fmt::format("SELECT 1 FROM {} LIMIT 0", table)).has_value();
    const auto rows = looking_.ask("SELECT to_regclass($1)", {table});
    return rows && !rows->front()[0].empty();
  }
  bool holds_rows(const std::string& table) {
    const auto found = count(fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1) AS one", table));
    return found.value_or(1) > 0;
  }
  void add_some_rows(const std::string& table) {
    if (!is_whole(table) && is_there(table) && holds_rows(table)) add(Kind::rows, table, "", 0);
  }
  void add_table(const std::string& table, bool only) {
    if (is_whole(table) || !is_there(table)) return;
    whole_.insert(key(table));
    const auto rows = count(fmt::format("SELECT count(*) FROM {}{}", only ? "ONLY " : "", table));
    if (!rows) return add(Kind::rows, table, "", 0);
    if (*rows > 0) add(Kind::table, table, "", *rows);
  }

  // --- DROP

  static std::vector<std::string> dropped_names(const StatementReading& reading) {
    if (reading.tag != "DROP OWNED") return reading.names;
    std::vector<std::string> roles;
    for (const Token& token : reading.statement.tokens) {
      const bool is_role =
          token.kind == TokenKind::quoted_word ||
          (token.kind == TokenKind::word && !is_keyword(token, "drop") && !is_keyword(token, "owned") &&
           !is_keyword(token, "by") && !is_keyword(token, "cascade") && !is_keyword(token, "restrict"));
      if (is_role) roles.emplace_back(token.text);
    }
    return roles;
  }

  void take_drop(std::string_view tag, const std::string& name, const std::string& column, bool cascades) {
    if (!postgres()) {
      if (tag == "DROP TABLE") add_table(name, false);
      if (!column.empty()) add_column(name, column);
      return;
    }
    const std::string_view first = first_dropped(tag);
    if (first.empty()) return;
    const auto dropped =
        looking_.ask(fmt::format(fmt::runtime(kDropped), first), {name, column, cascades ? "true" : "false"});
    if (!dropped) return add(Kind::rows, name, column, 0);
    for (const auto& row : *dropped) {
      // One that is named itself is called as it is there.
      const std::string& table = key(row[0]) == key(name) ? name : row[0];
      row[1].empty() ? add_table(table, row[2] != "t") : add_column(table, row[1]);
    }
  }

  /// The condition under which a column holds something of its own; "" where there is no such column.
  std::string holds_something(const std::string& table, const std::string& column) {
    const std::string otherwise = column + " IS NOT NULL";
    if (!postgres()) {
      // SQLite itself reads the names: what is not there cannot be prepared. A name in quotes would be a
      // text.
      const auto there = looking_.ask("SELECT 1 FROM pragma_table_info($1) WHERE lower(name) = lower($2)",
                                      {key(table), key(column)});
      return there && !there->empty() ? otherwise : "";
    }
    const auto rows = looking_.ask(
        "SELECT coalesce(pg_get_expr(d.adbin, d.adrelid), '') FROM pg_attribute a LEFT JOIN pg_attrdef d ON "
        "d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated = '' WHERE a.attrelid = "
        "to_regclass($1) AND a.attname = (parse_ident($2))[1] AND NOT a.attisdropped",
        {table, column});
    if (!rows || rows->empty()) return "";
    const std::string& by_default = rows->front()[0];
    // A default that calls something is another value each time.
    if (by_default.empty() || by_default.find('(') != std::string::npos) return otherwise;
    return fmt::format("{} IS DISTINCT FROM ({})", column, by_default);
  }

  void add_column(const std::string& table, const std::string& column) {
    const std::string holds = is_whole(table) ? "" : holds_something(table, column);
    if (holds.empty() || !whole_.insert(key(table) + "." + key(column)).second) return;
    const auto rows = count(fmt::format("SELECT count(*) FROM {} WHERE {}", table, holds));
    if (!rows) return add(Kind::overwritten, table, column, 0);
    if (*rows > 0) add(Kind::column, table, column, *rows);
  }

  // --- rows

  static bool may_replace(const StatementReading& reading) {
    if (reading.tag == "REPLACE") return true;
    if (reading.tag == "MERGE") return has_words(reading, {"update"}) || has_words(reading, {"delete"});
    return reading.tag == "INSERT" &&
           (has_words(reading, {"do", "update"}) || has_words(reading, {"or", "replace"}));
  }

  void take_truncate(const StatementReading& reading) {
    for (const std::string& table : reading.names) {
      add_table(table, false);
      if (postgres() && has_words(reading, {"cascade"})) {
        for (const std::string& follower : followers_of(table, true)) add_table(follower, false);
      }
    }
  }

  std::vector<std::string> followers_of(const std::string& table, bool all) {
    std::vector<std::string> followers;
    const auto rows = looking_.ask(std::string(kFollowers), {table, all ? "true" : "false"});
    if (!rows) return followers;
    for (const auto& row : *rows) followers.push_back(row[0]);
    return followers;
  }

  void take_delete(const StatementReading& reading) {
    const std::string& table = reading.table;
    if (is_whole(table) || !is_there(table)) return;
    if (!reading.has_where && reading.writes.size() == 1) {
      add_table(table, false);
    } else {
      const auto asked = count_of_deleted(reading);
      const auto rows = asked ? count(*asked) : std::nullopt;
      if (rows && *rows == 0) return;
      if (!rows) return add_some_rows(table);
      add(Kind::rows, table, "", *rows);
    }
    if (!postgres()) return;  // foreign keys are off there while a migration runs
    for (const std::string& follower : followers_of(table, false)) add_some_rows(follower);
  }

  void take_update(const StatementReading& reading) {
    if (is_whole(reading.table) || !is_there(reading.table)) return;
    for (const Overwriting& one : overwritten_by(reading, looking_.dialect())) {
      const std::string holds = holds_something(reading.table, one.column);
      if (holds.empty()) continue;
      add_overwritten(reading.table, one.column,
                      count(one.count(fmt::format("{} AND {} IS NOT NULL", holds, one.column))));
    }
  }

  void add_overwritten(const std::string& table, const std::string& column,
                       std::optional<std::int64_t> rows) {
    if (rows && *rows == 0) return;
    if (!rows && !holds_rows(table)) return;
    add(Kind::overwritten, table, column, rows.value_or(0));
  }

  /// There and back again.
  void take_type(const std::string& table, const TableAction& action) {
    if (!postgres() || is_whole(table)) return;
    const auto before = looking_.ask(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass($1) AND "
        "attname "
        "= (parse_ident($2))[1] AND NOT attisdropped",
        {table, action.name});
    if (!before || before->empty()) return;
    const std::string& becomes = action.expression.empty() ? action.name : action.expression;
    add_overwritten(
        table, action.name,
        count(fmt::format("SELECT count(*) FROM {0} WHERE {1} IS NOT NULL AND ((({2})::{3})::{4})::text IS "
                          "DISTINCT FROM ({1})::text",
                          table, action.name, becomes, action.column->type, before->front()[0])));
  }

  Looking& looking_;
  std::vector<Loss> losses_;
  std::set<std::string> whole_;  // tables that are counted already, and columns as table.column
};

}  // namespace

std::vector<Loss> count_losses(store::SchemaSession& session, const std::vector<SqlStatement>& statements,
                               Dialect dialect, Interrupt* interrupt) {
  Looking looking(session, dialect, kOfEachQuestion, interrupt);
  LossCounter counter(looking);
  for (const SqlStatement& statement : statements) counter.take(read_statement(statement, dialect));
  return counter.losses();
}

std::string describe(const std::vector<Loss>& losses) {
  std::vector<std::string> parts;
  for (const Loss& loss : losses) {
    const std::string number = loss.rows == 0 ? "some" : std::to_string(loss.rows);
    switch (loss.kind) {
      case Kind::table: parts.push_back(fmt::format("table {} ({} rows)", loss.table, loss.rows)); break;
      case Kind::column:
        parts.push_back(fmt::format("column {}.{} ({} values)", loss.table, loss.column, loss.rows));
        break;
      case Kind::rows: parts.push_back(fmt::format("{} rows of {}", number, loss.table)); break;
      case Kind::overwritten:
        parts.push_back(fmt::format("{} values of {}.{}", number, loss.table, loss.column));
        break;
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace guildhall::migrate
