#include "migrate/precheck_queries.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "migrate/precheck.h"

namespace guildhall::migrate {
namespace {

constexpr int kShownMembers = 100;  // rows of all groups together
constexpr std::size_t kShownIds = 3;

std::string joined(const std::vector<std::string>& parts, std::string_view between = ", ") {
  return fmt::format("{}", fmt::join(parts, between));
}

std::string quote_name(std::string_view column) {
  std::string text = "\"";
  for (const char c : column) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

void add_new(std::vector<std::string>& columns, const std::string& column) {
  const auto same = [&](const std::string& other) {
    return name_key(other, Dialect::postgres) == name_key(column, Dialect::postgres);
  };
  if (!column.empty() && std::ranges::none_of(columns, same)) columns.push_back(column);
}

bool is_time(const ColumnFact& column) {
  const std::string type = to_lower_ascii(column.type);
  return type.starts_with("timestamp") || type.starts_with("date") || column.name.ends_with("_at");
}

bool is_number(std::string_view type) {
  const std::string lower = to_lower_ascii(type);
  return lower.starts_with("int") || lower.starts_with("bigint") || lower.starts_with("smallint") ||
         lower.starts_with("numeric") || lower.starts_with("decimal") || lower.starts_with("real") ||
         lower.starts_with("double");
}
bool is_whole(std::string_view type) {
  const std::string lower = to_lower_ascii(type);
  return lower.starts_with("int") || lower.starts_with("bigint") || lower.starts_with("smallint");
}
bool is_text(std::string_view type) {
  const std::string lower = to_lower_ascii(type);
  return lower.starts_with("text") || lower.starts_with("char") || lower.starts_with("varchar");
}

/// The rows that a unique key is about: of a partial index, and those without NULL in it.
std::string subject_of(const UniqueKey& key) {
  std::vector<std::string> conditions;
  if (!key.where.empty()) conditions.push_back(fmt::format("({})", key.where));
  if (!key.nulls_not_distinct) {
    for (const std::string& one : key.keys) conditions.push_back(fmt::format("({}) IS NOT NULL", one));
  }
  return conditions.empty() ? "" : " WHERE " + joined(conditions, " AND ");
}

/// "1, 2, 3"
std::string places(std::size_t count) {
  std::vector<std::string> numbers;
  for (std::size_t i = 1; i <= count; ++i) numbers.push_back(std::to_string(i));
  return joined(numbers);
}

/// "lower(name) AS duplicate_key_1, ..."
std::string named_keys(const UniqueKey& key) {
  std::vector<std::string> named;
  for (std::size_t i = 0; i < key.keys.size(); ++i)
    named.push_back(fmt::format("{} AS duplicate_key_{}", key.keys[i], i + 1));
  return joined(named);
}

std::string newest_first(const AskedTable& table) {
  std::vector<std::string> order;
  if (const std::string time = table.time_column(); !time.empty()) order.push_back(time + " DESC NULLS LAST");
  for (const std::string& column : table.row_key()) order.push_back(column + " DESC");
  return joined(order);
}

/// The bound of "balance >= 0", as a value that satisfies it; "" of everything else.
std::string value_that_fits(const AskedTable& table, const std::string& expression, std::string& column) {
  auto tokens = lex(expression, table.dialect);
  if (!tokens) return "";
  std::erase_if(*tokens, [](const Token& t) { return is_symbol(t, "(") || is_symbol(t, ")"); });
  // "user_balances"."balance"
  while (tokens->size() > 2 && is_symbol((*tokens)[1], "."))
    tokens->erase(tokens->begin(), tokens->begin() + 2);
  const bool negative = tokens->size() == 4 && is_symbol((*tokens)[2], "-");
  if (tokens->size() != (negative ? 4U : 3U) || tokens->back().kind != TokenKind::number) return "";
  column = std::string((*tokens)[0].text);
  const ColumnFact* fact = table.fact.column(name_key(column, table.dialect));
  const std::string_view comparison = (*tokens)[1].text;
  if (fact == nullptr || !is_number(fact->type)) return "";
  const std::string bound = (negative ? "-" : "") + std::string(tokens->back().text);
  if (comparison == ">=" || comparison == "<=" || comparison == "=") return bound;
  if (comparison != ">" && comparison != "<") return "";
  return is_whole(fact->type) ? fmt::format("{} {} 1", bound, comparison == ">" ? "+" : "-") : "";
}

/// What a column of this type holds when it holds nothing of its own.
std::string neutral_value(const std::string& type) {
  if (is_number(type)) return "0";
  if (is_text(type)) return "''";
  if (to_lower_ascii(type).starts_with("bool")) return "false";
  if (to_lower_ascii(type).starts_with("timestamp")) return "CURRENT_TIMESTAMP";
  return "";
}

}  // namespace

std::vector<std::string> AskedTable::row_key() const {
  if (!fact.primary_key.empty()) return fact.primary_key;
  return {dialect == Dialect::postgres ? "ctid" : "rowid"};
}

std::string AskedTable::time_column() const {
  const auto rank = [](const ColumnFact& column) {
    if (!is_time(column)) return 0;
    if (column.name.starts_with("last_")) return 4;
    if (column.name == "updated_at") return 3;
    return column.name == "created_at" ? 2 : 1;
  };
  const auto best = std::ranges::max_element(fact.columns, {}, rank);
  return best == fact.columns.end() || rank(*best) == 0 ? "" : quote_name(best->name);
}

std::vector<std::string> AskedTable::columns_in(const std::string& sql) const {
  std::vector<std::string> columns;
  const auto tokens = lex(sql, dialect);
  if (!tokens) return columns;
  for (const Token& token : *tokens) {
    if (token.kind != TokenKind::word && token.kind != TokenKind::quoted_word) continue;
    if (const ColumnFact* column = fact.column(name_key(token.text, dialect)))
      add_new(columns, quote_name(column->name));
  }
  return columns;
}

// --- single rows

std::string count_of(const AskedTable& table, const Violation& violation) {
  return fmt::format("SELECT count(*) FROM {}{} WHERE {}", table.name, violation.alias, violation.condition);
}

std::vector<std::string> shown_columns(const AskedTable& table, const Violation& violation) {
  std::vector<std::string> columns = table.row_key();
  for (const std::string& column : violation.columns) add_new(columns, column);
  return columns;
}

std::string rows_of(const AskedTable& table, const Violation& violation) {
  return fmt::format("SELECT {} FROM {}{} WHERE {} ORDER BY {} LIMIT {}",
                     joined(shown_columns(table, violation)), table.name, violation.alias,
                     violation.condition, joined(table.row_key()), kShownKeys);
}

Violation violates_check(const AskedTable& table, const std::string& expression) {
  return {fmt::format("NOT ({})", expression), table.columns_in(expression)};
}

Violation lacks_value(const std::string& column) { return {column + " IS NULL", {column}}; }

Violation refers_to_nothing(const AskedTable&, const Constraint& constraint,
                            const std::vector<std::string>& referenced_key) {
  std::vector<std::string> conditions;
  std::vector<std::string> pairs;
  for (std::size_t i = 0; i < constraint.columns.size(); ++i) {
    conditions.push_back(fmt::format("origin.{} IS NOT NULL", constraint.columns[i]));
    pairs.push_back(fmt::format("referenced.{} = origin.{}", referenced_key[i], constraint.columns[i]));
  }
  conditions.push_back(fmt::format("NOT EXISTS (SELECT 1 FROM {} AS referenced WHERE {})",
                                   constraint.referenced, joined(pairs, " AND ")));
  return {joined(conditions, " AND "), constraint.columns, " AS origin"};
}

Violation does_not_fit(const AskedTable&, const std::string& column, const std::string& old_type,
                       const std::string& new_type) {
  const std::string name = to_lower_ascii(new_type.substr(0, new_type.find_first_of("( ")));
  const std::size_t open = new_type.find('(');
  const auto matches = [&](std::string_view pattern) {
    return Violation{fmt::format("{} !~ '{}'", column, pattern), {column}};
  };
  const auto outside = [&](std::string_view least, std::string_view most) {
    return Violation{fmt::format("{} NOT BETWEEN {} AND {}", column, least, most), {column}};
  };
  const bool is_integer = name == "integer" || name == "int" || name == "int4" || name == "bigint" ||
                          name == "int8" || name == "smallint" || name == "int2";
  if (is_text(old_type) && is_integer) return matches("^\\s*[+-]?\\d+\\s*$");
  if (is_text(old_type) && (name == "numeric" || name == "decimal"))
    return matches("^\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?\\s*$");
  if (is_text(old_type) && name == "uuid") return matches("^\\{?[0-9a-fA-F]{4}(-?[0-9a-fA-F]{4}){7}\\}?$");
  if (is_number(old_type) && (name == "integer" || name == "int" || name == "int4"))
    return outside("-2147483648", "2147483647");
  if (is_number(old_type) && (name == "smallint" || name == "int2")) return outside("-32768", "32767");
  if (is_text(name) && open != std::string::npos) {
    // Spaces at the end are cut off without a word.
    return {fmt::format("length(rtrim({}::text, ' ')) > {}", column, std::atoi(new_type.c_str() + open + 1)),
            {column}};
  }
  return {"", {column}};
}

// --- groups

std::string count_of_duplicates(const AskedTable& table, const UniqueKey& key) {
  return fmt::format(
      "SELECT count(*), coalesce(sum(members - 1), 0) FROM (SELECT {}, count(*) AS members FROM {}{} GROUP "
      "BY {} "
      "HAVING count(*) > 1) AS duplicates",
      named_keys(key), table.name, subject_of(key), places(key.keys.size()));
}

std::vector<std::string> shown_columns(const AskedTable& table, const UniqueKey& key) {
  std::vector<std::string> columns = key.keys;
  for (const std::string& column : table.row_key()) add_new(columns, column);
  std::size_t ids = 0;
  for (const ColumnFact& column : table.fact.columns) {
    if (ids == kShownIds || !column.name.ends_with("_id")) continue;
    const std::size_t before = columns.size();
    add_new(columns, quote_name(column.name));
    ids += columns.size() - before;
  }
  add_new(columns, table.time_column());
  return columns;
}

std::string duplicates_of(const AskedTable& table, const UniqueKey& key) {
  std::vector<std::string> same;
  const std::string_view equal = !key.nulls_not_distinct              ? "="
                                 : table.dialect == Dialect::postgres ? "IS NOT DISTINCT FROM"
                                                                      : "IS";
  for (std::size_t i = 0; i < key.keys.size(); ++i)
    same.push_back(fmt::format("({}) {} duplicate_key_{}", key.keys[i], equal, i + 1));
  const std::string subject = subject_of(key);
  const std::string groups = places(key.keys.size());
  // Not a join: where a row lies (ctid) can be asked of a single table only.
  return fmt::format(
      "WITH duplicates AS (SELECT {} FROM {}{} GROUP BY {} HAVING count(*) > 1 ORDER BY {} LIMIT {}) "
      "SELECT {} FROM {}{} EXISTS (SELECT 1 FROM duplicates WHERE {}) ORDER BY {}, {} LIMIT {}",
      named_keys(key), table.name, subject, groups, groups, kShownKeys, joined(shown_columns(table, key)),
      table.name, subject.empty() ? " WHERE" : subject + " AND", joined(same, " AND "), groups,
      newest_first(table), kShownMembers);
}

// --- repairs

std::string repair_duplicates(const AskedTable& table, const UniqueKey& key) {
  const std::string row_key = joined(table.row_key());
  const std::string wanted = table.row_key().size() == 1 ? row_key : fmt::format("({})", row_key);
  return fmt::format(
      "-- Keeps the newest row of each group{}.\n"
      "DELETE FROM {} WHERE {} IN (\n"
      "  SELECT {} FROM (\n"
      "    SELECT {}, row_number() OVER (PARTITION BY {} ORDER BY {}) AS place\n"
      "    FROM {}{}) AS ranked\n"
      "  WHERE place > 1);\n",
      table.time_column().empty() ? ", by its key" : " by " + table.time_column(), table.name, wanted,
      row_key, row_key, joined(key.keys), newest_first(table), table.name, subject_of(key));
}

std::string repair_by_hand(const AskedTable& table, const Violation& violation) {
  const std::string column = violation.columns.empty() ? "..." : violation.columns.front();
  return fmt::format(
      "-- Either give the rows a value that is right:\n-- UPDATE {0}{3} SET {1} = ... WHERE {2};\n"
      "-- or take them out:\n-- DELETE FROM {0}{3} WHERE {2};\n",
      table.name, column, violation.condition, violation.alias);
}

std::string repair_check(const AskedTable& table, const std::string& expression) {
  std::string column;
  const std::string value = value_that_fits(table, expression, column);
  if (value.empty()) return repair_by_hand(table, violates_check(table, expression));
  return fmt::format("UPDATE {} SET {} = {} WHERE NOT ({});\n", table.name, column, value, expression);
}

std::string repair_not_null(const AskedTable& table, const std::string& column) {
  const ColumnFact* fact = table.fact.column(name_key(column, table.dialect));
  const std::string value = fact == nullptr ? "" : neutral_value(fact->type);
  if (value.empty()) return repair_by_hand(table, lacks_value(column));
  return fmt::format("UPDATE {0} SET {1} = {2} WHERE {1} IS NULL;\n", table.name, column, value);
}

std::string repair_reference(const AskedTable& table, const Constraint& constraint,
                             const Violation& violation) {
  const auto must_have = [&](const std::string& column) {
    const ColumnFact* fact = table.fact.column(name_key(column, table.dialect));
    return fact == nullptr || fact->not_null;
  };
  if (std::ranges::any_of(constraint.columns, must_have))
    return fmt::format("DELETE FROM {} AS origin WHERE {};\n", table.name, violation.condition);
  std::vector<std::string> nothing;
  for (const std::string& column : constraint.columns) nothing.push_back(column + " = NULL");
  return fmt::format("UPDATE {} AS origin SET {} WHERE {};\n", table.name, joined(nothing),
                     violation.condition);
}

}  // namespace guildhall::migrate
