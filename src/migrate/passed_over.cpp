#include "migrate/passed_over.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "migrate/text_array.h"

namespace guildhall::migrate {
namespace {

using store::SchemaSession;
using Lines = std::set<std::string>;

constexpr std::string_view kBuilt = "pg_temp.guildhall_compared";

/// A table ($1), or a column of it ($2), as lines that say the same of the same, in the server's own words;
/// and whether they are of these columns and constraints ($3). Of what numbers itself the default names a
/// sequence of its own.
constexpr std::string_view kShape = R"(
SELECT format('column %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
         CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
         CASE WHEN d.adbin IS NULL OR a.attgenerated <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN ''
              ELSE ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END),
       a.attname = ANY ($3::text[])
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND ($2 = '' OR quote_ident(a.attname) = $2)
 UNION ALL
SELECT replace(pg_get_constraintdef(oid), ' NOT VALID', ''),
       conname = ANY ($3::text[]) OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = conrelid
                                             AND a.attnum = ANY (conkey) AND a.attname = ANY ($3::text[]))
  FROM pg_constraint
 WHERE conrelid = to_regclass($1) AND contype IN ('c', 'u', 'p') AND $2 = '')";

constexpr std::string_view kConstraint =
    "SELECT replace(pg_get_constraintdef(oid), ' NOT VALID', '') FROM pg_constraint WHERE conrelid = "
    "to_regclass($1) AND conname = $2 AND contype IN ('c', 'u', 'p')";

constexpr std::string_view kIndex =
    "SELECT format('%s(%s)%s', CASE WHEN i.indisunique THEN 'unique ' ELSE '' END, (SELECT "
    "string_agg(pg_get_indexdef(i.indexrelid, k, true) || ' ' || i.indoption[k - 1], ', ' ORDER BY k) FROM "
    "generate_series(1, i.indnkeyatts) AS k), coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '')) "
    "FROM "
    "pg_index i WHERE i.indexrelid = to_regclass($1)";

constexpr std::string_view kEnum =
    "SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = "
    "to_regtype($1) HAVING count(*) > 0";

Lines lines_of(const SchemaSession::Rows& rows) {
  Lines lines;
  for (const auto& row : rows) lines.insert(row.at(0));
  return lines;
}

std::string definition_of(const Constraint& constraint) {
  const std::string columns = fmt::format("({})", fmt::join(constraint.columns, ", "));
  switch (constraint.kind) {
    case ConstraintKind::check: return fmt::format("CHECK ({})", constraint.expression);
    case ConstraintKind::unique:
      return (constraint.nulls_not_distinct ? "UNIQUE NULLS NOT DISTINCT " : "UNIQUE ") + columns;
    case ConstraintKind::primary_key: return "PRIMARY KEY " + columns;
    default: return "";
  }
}

/// A column, as far as a table of its own can have it.
std::string definition_of(const ColumnDefinition& column) {
  std::string sql = fmt::format("{} {}", column.name, column.type);
  if (column.not_null || column.identity) sql += " NOT NULL";
  if (!column.default_expression.empty()) sql += fmt::format(" DEFAULT {}", column.default_expression);
  return sql;
}

/// "column a text; not column a integer": what is on one side alone. `meant_later`: may be there too.
std::string difference(const Lines& there, const Lines& meant, const Lines& meant_later = {}) {
  std::vector<std::string> parts;
  const auto add = [&](const Lines& one, const Lines& other, std::string_view mark) {
    for (const std::string& line : one) {
      if (!other.contains(line)) parts.push_back(fmt::format("{}{}", mark, line));
    }
  };
  Lines expected = meant;
  expected.insert(meant_later.begin(), meant_later.end());
  add(there, expected, "");
  add(meant, there, "not ");
  return fmt::format("{}", fmt::join(parts, "; "));
}

/// What stands behind the table of a CREATE INDEX: its method, its keys with their order, its condition.
std::string_view behind_table(const SqlStatement& statement) {
  const auto on =
      std::ranges::find_if(statement.tokens, [](const Token& token) { return is_keyword(token, "on"); });
  const auto rest = std::find_if(on, statement.tokens.end(), [](const Token& token) {
    return is_symbol(token, "(") || is_keyword(token, "using");
  });
  if (rest == statement.tokens.end()) return "";
  const auto begin = static_cast<std::size_t>(rest->text.data() - statement.text.data());
  return statement.text.substr(begin);
}

/// What is there otherwise; "" where it is the same, or where that cannot be told.
class PostgresComparer {
 public:
  explicit PostgresComparer(SchemaSession& session) : session_(session) {}

  /// `later`: columns and constraints that later statements add to it.
  std::string compare(const StatementReading& reading, const std::vector<std::string>& later) {
    if (reading.tag == "CREATE TABLE" && reading.has_own_shape) return compare_table(reading, later);
    if (reading.index) return compare_index(reading);
    return reading.tag == "CREATE TYPE" ? compare_enum(reading) : "";
  }

  std::string compare(const StatementReading& reading, const TableAction& action) {
    if (action.kind == ActionKind::add_column) {
      const std::string column = name_key(action.name, Dialect::postgres);
      return in_temporary_table(fmt::format("({})", definition_of(*action.column)), [&] {
        const auto quoted = session_.query("SELECT quote_ident($1)", {column}).at(0);
        return difference(lines_of(shape(reading.table, quoted[0])), lines_of(shape(kBuilt, quoted[0])));
      });
    }
    const std::string definition = action.constraint ? definition_of(*action.constraint) : "";
    if (definition.empty() || action.name.empty()) return "";
    return in_temporary_table(fmt::format("(LIKE {})", reading.table), [&] {
      session_.execute(fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", kBuilt, action.name, definition));
      const std::string name = name_key(action.name, Dialect::postgres);
      const auto there = session_.query(std::string(kConstraint), {reading.table, name});
      if (there.empty()) return std::string();
      return difference(lines_of(there),
                        lines_of(session_.query(std::string(kConstraint), {std::string(kBuilt), name})));
    });
  }

 private:
  template <class Compare>
  std::string in_temporary_table(const std::string& shape, Compare&& compare) {
    session_.execute("BEGIN");
    std::string found;
    try {
      session_.execute(fmt::format("CREATE TEMPORARY TABLE guildhall_compared {}", shape));
      found = compare();
    } catch (const store::DatabaseError& error) {
      if (error.code() == store::DbCode::connection_lost) throw;
    }
    session_.execute("ROLLBACK");
    return found;
  }

  SchemaSession::Rows shape(std::string_view table, const std::string& column,
                            const std::vector<std::string>& later = {}) {
    return session_.query(std::string(kShape), {std::string(table), column, text_array(later)});
  }

  std::string compare_table(const StatementReading& reading, const std::vector<std::string>& later) {
    std::vector<std::string> parts;
    const auto add = [&](const Constraint& one) {
      if (const std::string sql = definition_of(one); !sql.empty()) parts.push_back(sql);
    };
    for (const ColumnDefinition& column : reading.columns) parts.push_back(definition_of(column));
    for (const ColumnDefinition& column : reading.columns) std::ranges::for_each(column.constraints, add);
    std::ranges::for_each(reading.constraints, add);
    return in_temporary_table(fmt::format("({})", fmt::join(parts, ", ")), [&] {
      const auto there = shape(reading.table, "", later);
      if (there.empty()) return std::string("it is no table");
      auto added = there;
      std::erase_if(added, [](const auto& row) { return row.at(1) != "t"; });
      return difference(lines_of(there), lines_of(shape(kBuilt, "")), lines_of(added));
    });
  }

  std::string compare_index(const StatementReading& reading) {
    const IndexDefinition& index = *reading.index;
    if (index.name.empty()) return "";
    return in_temporary_table(fmt::format("(LIKE {})", index.table), [&] {
      session_.execute(fmt::format("CREATE {}INDEX guildhall_compared_index ON {} {}",
                                   index.unique ? "UNIQUE " : "", kBuilt, behind_table(reading.statement)));
      // An index lies where its table does.
      const auto name = session_.query(
          "SELECT format('%I.%I', n.nspname, $2::text) FROM pg_class c JOIN pg_namespace n ON n.oid = "
          "c.relnamespace WHERE c.oid = to_regclass($1)",
          {index.table, name_key(index.name, Dialect::postgres)});
      const auto there = session_.query(std::string(kIndex), {name.at(0).at(0)});
      if (there.empty()) return std::string("it is no index");
      return difference(lines_of(there),
                        lines_of(session_.query(std::string(kIndex), {"pg_temp.guildhall_compared_index"})));
    });
  }

  std::string compare_enum(const StatementReading& reading) {
    std::vector<std::string> values;
    for (const Token& token : reading.statement.tokens) {
      if (token.kind == TokenKind::literal) values.emplace_back(token.text);
    }
    const auto there = session_.query(std::string(kEnum), {reading.object});
    if (there.empty() || values.empty()) return "";
    return difference(lines_of(there), {fmt::format("{}", fmt::join(values, ", "))});
  }

  SchemaSession& session_;
};

class SqliteComparer {
 public:
  explicit SqliteComparer(SchemaSession& session) : session_(session) {}

  /// SQLite keeps the statement, with another beginning. There nothing is added with IF NOT EXISTS.
  std::string compare(const StatementReading& reading, const std::vector<std::string>&) {
    const auto rows = session_.query("SELECT coalesce(sql, '') FROM sqlite_schema WHERE lower(name) = $1",
                                     {name_key(reading.object, Dialect::sqlite)});
    if (rows.empty() || form(rows[0][0]) == form(reading.statement.text)) return "";
    return rows[0][0];
  }
  std::string compare(const StatementReading& reading, const TableAction& action) {
    if (action.kind != ActionKind::add_column) return "";
    const auto rows = session_.query(
        "SELECT type, \"notnull\", coalesce(dflt_value, '') FROM pragma_table_info($1) WHERE lower(name) = "
        "$2",
        {name_key(reading.table, Dialect::sqlite), name_key(action.name, Dialect::sqlite)});
    if (rows.empty()) return "";
    const ColumnDefinition& column = *action.column;
    const bool same =
        to_lower_ascii(rows[0][0]) == to_lower_ascii(column.type) && (rows[0][1] == "1") == column.not_null &&
        loose_form(rows[0][2], Dialect::sqlite) == loose_form(column.default_expression, Dialect::sqlite);
    return same ? ""
                : fmt::format("column {} {}{}{}{}", action.name, rows[0][0],
                              rows[0][1] == "1" ? " NOT NULL" : "", rows[0][2].empty() ? "" : " DEFAULT ",
                              rows[0][2]);
  }

 private:
  static std::string form(std::string_view sql) {
    std::string text = loose_form(sql, Dialect::sqlite);
    for (const std::string_view passed : {" if not exists", " main ."}) {
      if (const std::size_t at = text.find(passed); at != std::string::npos) text.erase(at, passed.size());
    }
    return text;
  }

  SchemaSession& session_;
};

/// Adds columns and constraints that have a name and may be there already, and nothing else.
bool only_adds(const StatementReading& reading) {
  return !reading.actions.empty() && std::ranges::all_of(reading.actions, [&](const TableAction& action) {
    const bool adds = action.kind == ActionKind::add_column || action.kind == ActionKind::add_constraint;
    return adds && !action.name.empty() && (action.tolerant || reading.swallows);
  });
}

/// Those of a later statement are not what the earlier one met.
class LaterChanges {
 public:
  LaterChanges(std::span<const StatementReading* const> readings, Dialect dialect) : dialect_(dialect) {
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const StatementReading& one = *readings[i];
      if (only_adds(one)) {
        for (const TableAction& action : one.actions)
          added_[key(one.table)].emplace_back(i, key(action.name));
      } else if (one.tag.starts_with("ALTER ")) {
        last_[key(one.object)] = i;
      }
      if (one.tag.starts_with("DROP ")) {
        for (const std::string& name : one.names) last_[key(name)] = i;
      }
      if (one.opaque) opaque_ = i;
    }
  }
  bool come_after(const std::string& name, std::size_t at) const {
    const auto found = last_.find(key(name));
    return opaque_ > at || (found != last_.end() && found->second > at);
  }
  /// Columns and constraints.
  std::vector<std::string> added_after(const std::string& table, std::size_t at) const {
    std::vector<std::string> names;
    if (const auto found = added_.find(key(table)); found != added_.end()) {
      for (const auto& [i, name] : found->second) {
        if (i > at) names.push_back(name);
      }
    }
    return names;
  }

 private:
  std::string key(const std::string& name) const { return name_key(name, dialect_); }

  Dialect dialect_;
  std::map<std::string, std::size_t> last_;
  std::map<std::string, std::vector<std::pair<std::size_t, std::string>>> added_;
  std::size_t opaque_ = 0;
};

/// What may have been there when a statement ran.
class WasThere {
 public:
  WasThere(const TableFacts& before, Dialect dialect)
      : before_(before), run_(before, dialect), dialect_(dialect), knows_(before.known) {}

  void take(const StatementReading& reading) {
    run_.take(reading);
    const bool copies =
        reading.tag == "CREATE TABLE AS" ||
        (reading.tag == "CREATE TABLE" && (!reading.has_own_shape || reading.columns.empty()));
    const bool renames = reading.tag.starts_with("ALTER ") && reading.tag != "ALTER TABLE" &&
                         std::ranges::any_of(reading.statement.tokens,
                                             [](const Token& one) { return is_keyword(one, "rename"); });
    // From here on the words do not tell all that is there.
    if (reading.opaque || copies || renames) knows_ = false;
  }
  bool object(const std::string& name) const {
    return !knows_ || before_.may_take(key(name)) || run_.makes(name) || run_.makes_table(name);
  }
  bool part(const std::string& table, const TableAction& action) const {
    if (!knows_) return true;
    const bool is_column = action.kind == ActionKind::add_column;
    if (is_column ? run_.makes_column(table, action.name) : run_.makes(action.name)) return true;
    const TableFact* fact = before_.find(key(table));
    if (fact == nullptr) return false;
    return is_column ? fact->column(key(action.name)) != nullptr
                     : fact->constraints.contains(key(action.name));
  }

 private:
  std::string key(const std::string& name) const { return name_key(name, dialect_); }

  const TableFacts& before_;
  RunTrace run_;
  Dialect dialect_;
  bool knows_;
};

bool may_pass_over(const StatementReading& reading) {
  return reading.tag.starts_with("CREATE ") && (reading.tolerant || reading.swallows) && !reading.replaces &&
         !reading.temporary && !reading.object.empty() && reading.tag != "CREATE SCHEMA" &&
         reading.tag != "CREATE EXTENSION";
}

template <class Comparer>
class Search {
 public:
  Search(SchemaSession& session, Dialect dialect, const TableFacts& before)
      : comparer_(session), was_there_(before, dialect), dialect_(dialect) {}

  Findings run(std::span<const Pending> applied) {
    std::vector<std::vector<StatementReading>> scripts;
    std::vector<const StatementReading*> all;
    for (const Pending& one : applied) scripts.push_back(read_pending(one, dialect_));
    for (const auto& script : scripts) std::ranges::copy(with_inner(script), std::back_inserter(all));
    const LaterChanges later(all, dialect_);
    std::size_t at = 0;
    for (std::size_t i = 0; i < scripts.size(); ++i) {
      file_ = applied[i].script().file;
      for (const StatementReading* reading : with_inner(scripts[i])) {
        look_at(*reading, later, at++);
        was_there_.take(*reading);
      }
    }
    return std::move(findings_);
  }

 private:
  void look_at(const StatementReading& reading, const LaterChanges& later, std::size_t at) {
    const bool changes = later.come_after(reading.object, at) ||
                         (!reading.table.empty() && later.come_after(reading.table, at));
    if (changes) return;
    if (may_pass_over(reading) && was_there_.object(reading.object))
      add(reading, reading.object, comparer_.compare(reading, later.added_after(reading.object, at)));
    for (const TableAction& action : reading.actions) {
      const bool adds = action.kind == ActionKind::add_column || action.kind == ActionKind::add_constraint;
      if (adds && (action.tolerant || reading.swallows) && was_there_.part(reading.table, action))
        add(reading, fmt::format("{}.{}", reading.table, action.name), comparer_.compare(reading, action));
    }
  }

  void add(const StatementReading& reading, const std::string& name, const std::string& found) {
    if (found.empty()) return;
    findings_.push_back(
        {"W-EXISTS", Level::warning, file_, reading.line(),
         fmt::format("{} was there already with another definition, and was passed over: {}", name, found),
         "Bring it to what is meant with a migration of its own."});
  }

  Comparer comparer_;
  WasThere was_there_;
  Dialect dialect_;
  std::string file_;
  Findings findings_;
};

}  // namespace

Findings find_passed_over(SchemaSession& session, Dialect dialect, std::span<const Pending> applied,
                          const TableFacts& before) {
  if (dialect == Dialect::postgres) return Search<PostgresComparer>(session, dialect, before).run(applied);
  return Search<SqliteComparer>(session, dialect, before).run(applied);
}

}  // namespace guildhall::migrate
