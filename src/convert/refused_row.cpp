#include "convert/refused_row.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "convert/rows.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

/// Numbers in quotes, so that reading them changes none.
std::string with_quoted_numbers(const std::string& text) {
  std::string out;
  bool in_text = false, in_number = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool begins_number = !in_text && !in_number && (c == '-' || (c >= '0' && c <= '9'));
    const bool ends_number = in_number && (c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n');
    if (begins_number || ends_number) out += '"';
    in_number = begins_number || (in_number && !ends_number);
    if (c == '"') in_text = !in_text;
    out += c;
    if (in_text && c == '\\' && i + 1 < text.size()) out += text[++i];
  }
  return out;
}

/// Rows that are looked for in one question.
constexpr std::size_t kRowsAtOnce = 200;
/// As SQL has it where a row holds nothing.
constexpr const char* kNothing = "NULL";

using Values = std::vector<std::string>;

/// 'it''s' as SQL has a text; anything else as it is.
std::string without_quotes(std::string_view literal) {
  if (literal.size() < 2 || !literal.starts_with('\'') || !literal.ends_with('\''))
    return std::string(literal);
  std::string text;
  for (std::size_t i = 1; i + 1 < literal.size(); ++i) {
    text += literal[i];
    if (literal[i] == '\'') ++i;
  }
  return text;
}

/// What a row held in those columns.
Values values_of(const Refused& row, const std::vector<std::string>& columns, migrate::Dialect dialect) {
  const json::Object object = parse_refused_row(row.row).value_or(json::Object());
  Values values;
  for (const std::string& column : columns) {
    const auto cell = object.find(column);
    const std::string value =
        cell == object.end() || cell->value().is_null() ? kNothing : std::string(cell->value().as_string());
    values.push_back(dialect == migrate::Dialect::sqlite ? without_quotes(value) : value);
  }
  return values;
}

/// SQL of a column of t in the words of a refused row.
std::string value_sql(const std::string& column, migrate::Dialect dialect) {
  return dialect == migrate::Dialect::postgres
             ? fmt::format("COALESCE(to_jsonb(t) ->> {}, '{}')", store::quoted_text(column), kNothing)
             : fmt::format("COALESCE(CAST({} AS text), '{}')", column_sql("t", column), kNothing);
}

/// Those of the rows that the table has.
std::set<Values> values_there(store::SchemaSession& session, const Scheme& scheme, const SchemeTable& table,
                              const std::vector<std::string>& columns, const std::vector<Values>& wanted) {
  std::vector<std::string> texts;
  for (const std::string& column : columns) texts.push_back(value_sql(column, scheme.schema->dialect));
  std::set<Values> there;
  for (std::size_t from = 0; from < wanted.size(); from += kRowsAtOnce) {
    Values rows, values;
    for (std::size_t i = from; i < std::min(from + kRowsAtOnce, wanted.size()); ++i) {
      Values places;
      for (const std::string& value : wanted[i]) {
        values.push_back(value);
        places.push_back(fmt::format("CAST(${} AS text)", values.size()));
      }
      rows.push_back(fmt::format("({})", fmt::join(places, ", ")));
    }
    for (auto& row : session.query(
             fmt::format("SELECT {0} FROM {1} t WHERE ({0}) IN (VALUES {2})", fmt::join(texts, ", "),
                         qualified(*scheme.schema, table.name()), fmt::join(rows, ", ")),
             values))
      there.insert(std::move(row));
  }
  return there;
}

/// Of a row, what the table has too; not its server.
std::vector<std::string> columns_of(const Refused& row, const SchemeTable& table) {
  std::vector<std::string> columns;
  for (const auto& [column, value] : parse_refused_row(row.row).value_or(json::Object())) {
    const std::string name(column);
    if (name != table.column() && table.table->column(name) != nullptr) columns.push_back(name);
  }
  return columns;
}

}  // namespace

std::vector<Refused> rows_not_there(store::SchemaSession& session, const Scheme& scheme,
                                    const SchemeTable& table, const std::vector<Refused>& refused) {
  // Rows of one table have the same columns, but for what was put down by different hands.
  std::map<std::vector<std::string>, std::vector<Refused>> by_columns;
  for (const Refused& row : refused) by_columns[columns_of(row, table)].push_back(row);
  std::vector<Refused> gone;
  for (const auto& [columns, rows] : by_columns) {
    std::vector<Values> wanted;
    for (const Refused& row : rows) wanted.push_back(values_of(row, columns, scheme.schema->dialect));
    const std::set<Values> there =
        columns.empty() ? std::set<Values>{} : values_there(session, scheme, table, columns, wanted);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!there.contains(wanted[i])) gone.push_back(rows[i]);
    }
  }
  return gone;
}

std::optional<boost::json::object> parse_refused_row(const std::string& row) {
  const auto parsed = json::parse(with_quoted_numbers(row));
  if (!parsed || !parsed->is_object()) return std::nullopt;
  json::Object object;
  for (const auto& [column, value] : parsed->as_object()) {
    if (value.is_null() || value.is_string()) {
      object[column] = value;
    } else {
      object[column] = json::write(value);
    }
  }
  return object;
}

}  // namespace guildhall::convert
