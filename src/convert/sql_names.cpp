#include "convert/sql_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>

#include "convert/rows.h"
#include "migrate/sql_lexer.h"

namespace guildhall::convert {

using store::quoted_name;

namespace {

using migrate::is_keyword;
using migrate::is_symbol;
using Tokens = std::span<const migrate::Token>;

std::string_view text_of(Tokens tokens) {
  if (tokens.empty()) return {};
  const std::string_view first = tokens.front().text, last = tokens.back().text;
  return {first.data(), static_cast<std::size_t>(last.data() + last.size() - first.data())};
}

/// How many of them are an expression of an index: the catalog puts brackets around all but calls.
std::size_t length_of_expression(Tokens tokens) {
  int open = 0;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    if (is_symbol(tokens[at], "(")) ++open;
    if (is_symbol(tokens[at], ")") && --open == 0) return at + 1;
  }
  return tokens.size();
}

/// COLLATE with its name, where they begin so.
Tokens collation_at(Tokens tokens) {
  if (tokens.size() < 2 || !is_keyword(tokens[0], "collate")) return {};
  const bool has_schema = tokens.size() > 3 && is_symbol(tokens[2], ".");
  return tokens.first(has_schema ? 4 : 2);
}

}  // namespace

std::string qualified(const OldSchema& schema, std::string_view name) {
  return schema.schema.empty() ? quoted_name(name)
                               : fmt::format("{}.{}", quoted_name(schema.schema), quoted_name(name));
}

std::string column_list(const std::vector<std::string>& columns, std::string_view prefix) {
  std::vector<std::string> names;
  for (const std::string& column : columns) names.push_back(fmt::format("{}{}", prefix, quoted_name(column)));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string compared_sql(const IndexPart& part, std::string_view alias) {
  const auto lexed = migrate::lex(part.sql, migrate::Dialect::postgres);
  const Tokens tokens = lexed ? Tokens(*lexed) : Tokens();
  const std::size_t length = part.column.empty() ? length_of_expression(tokens) : 1;
  const Tokens collation = tokens.size() < length ? Tokens() : collation_at(tokens.subspan(length));
  return fmt::format(
      "{}{}{}",
      part.column.empty() ? std::string(text_of(tokens.first(length))) : column_sql(alias, part.column),
      collation.empty() ? "" : " ", text_of(collation));
}

std::string parent_joins(const Scheme& scheme, const SchemeTable& child, std::string_view alias) {
  std::vector<std::string> joins;
  for (std::size_t at = 0; at < child.rule.parents.size(); ++at) {
    const Parent& parent = child.rule.parents[at];
    std::vector<std::string> equal;
    for (std::size_t key = 0; key < parent.columns.size(); ++key)
      equal.push_back(fmt::format("p{}.{} = {}.{}", at, quoted_name(parent.referenced[key]), alias,
                                  quoted_name(parent.columns[key])));
    joins.push_back(fmt::format("LEFT JOIN {} p{} ON {}", qualified(*scheme.schema, parent.table), at,
                                fmt::join(equal, " AND ")));
  }
  return fmt::format("{}", fmt::join(joins, " "));
}

std::string has_no_parent(const Scheme& scheme, const SchemeTable& child, std::string_view alias) {
  std::vector<std::string> none;
  for (const Parent& parent : child.rule.parents) {
    std::vector<std::string> equal;
    for (std::size_t key = 0; key < parent.columns.size(); ++key)
      equal.push_back(fmt::format("p.{} = {}.{}", quoted_name(parent.referenced[key]), alias,
                                  quoted_name(parent.columns[key])));
    none.push_back(fmt::format("NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
                               qualified(*scheme.schema, parent.table), fmt::join(equal, " AND ")));
  }
  return none.empty() ? "true" : fmt::format("{}", fmt::join(none, " AND "));
}

std::string map_key_sql(const std::vector<std::string>& key, std::string_view alias) {
  std::vector<std::string> texts;
  for (const std::string& column : key)
    texts.push_back(fmt::format("{}.{}::text", alias, quoted_name(column)));
  return fmt::format("ARRAY[{}]", fmt::join(texts, ", "));
}

std::string is_mapped(const Scheme& scheme, const SchemeTable& table, std::string_view map) {
  return fmt::format("{0}.conversion = {1} AND {0}.table_name = {2}", map, scheme.attribution.conversion,
                     store::quoted_text(table.name()));
}

std::string mapped_server(const Scheme& scheme, const SchemeTable& table, std::string_view alias) {
  const auto* key = scheme.attribution.find(table.name());
  if (key == nullptr) return "";
  return fmt::format("(SELECT map.server FROM {} map WHERE {} AND map.row_key = {})",
                     scheme.attribution.relation, is_mapped(scheme, table, "map"), map_key_sql(*key, alias));
}

std::string server_of_parents(const Scheme& scheme, const SchemeTable& child, bool by_then) {
  std::string cases;
  for (std::size_t at = 0; at < child.rule.parents.size(); ++at) {
    const Parent& parent = child.rule.parents[at];
    const SchemeTable* other = scheme.find(parent.table);
    std::string server = std::to_string(scheme.home);
    if (other != nullptr && (by_then || other->has_column()))
      server = fmt::format("coalesce(nullif(p{}.{}, 0), {})", at, quoted_name(other->column()), scheme.home);
    if (other != nullptr && !by_then && scheme.attribution.find(other->name()) != nullptr &&
        scheme.attribution.stage != Attribution::Stage::done)
      server = fmt::format("coalesce({}, {})", mapped_server(scheme, *other, fmt::format("p{}", at)), server);
    cases +=
        fmt::format(" WHEN p{}.{} IS NOT NULL THEN {}", at, quoted_name(parent.referenced.front()), server);
  }
  return fmt::format("(CASE{} END)", cases);
}

}  // namespace guildhall::convert
