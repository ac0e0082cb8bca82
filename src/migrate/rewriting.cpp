#include "migrate/rewriting.h"

#include <algorithm>

#include "base/text.h"

namespace guildhall::migrate {
namespace {

/// As far as the names of PostgreSQL's own functions tell.
bool is_volatile(const std::string& expression, Dialect dialect) {
  static constexpr std::string_view kSame[] = {"now",
                                               "transaction_timestamp",
                                               "statement_timestamp",
                                               "current_timestamp",
                                               "localtimestamp",
                                               "numeric",
                                               "decimal",
                                               "varchar",
                                               "char",
                                               "lower",
                                               "upper",
                                               "md5",
                                               "coalesce",
                                               "nullif",
                                               "jsonb_build_object",
                                               "to_jsonb",
                                               "jsonb_build_array",
                                               "make_interval",
                                               "date_trunc",
                                               "current_setting",
                                               "bit",
                                               "timezone",
                                               "to_timestamp",
                                               "array_fill",
                                               "interval"};
  const auto tokens = lex(expression, dialect);
  if (!tokens) return false;
  for (std::size_t i = 0; i + 1 < tokens->size(); ++i) {
    const bool is_call = (*tokens)[i].kind == TokenKind::word && is_symbol((*tokens)[i + 1], "(");
    if (is_call && std::ranges::find(kSame, to_lower_ascii((*tokens)[i].text)) == std::end(kSame))
      return true;
  }
  return false;
}

bool is_serial(const std::string& type) {
  const std::string lower = to_lower_ascii(type);
  return lower == "serial" || lower == "bigserial" || lower == "smallserial";
}

struct TypeForm {
  std::string name;
  std::vector<int> sizes;
};

/// "character varying(20)" as ("varchar", 20).
TypeForm form_of(const std::string& type) {
  TypeForm form;
  const std::size_t open = type.find('(');
  form.name = to_lower_ascii(trim(std::string_view(type).substr(0, open)));
  if (form.name == "character varying") form.name = "varchar";
  if (form.name == "decimal") form.name = "numeric";
  if (form.name == "int" || form.name == "int4") form.name = "integer";
  if (form.name == "int8") form.name = "bigint";
  for (std::size_t at = open; at < type.size() && type[at] != ')';) {
    form.sizes.push_back(std::atoi(type.c_str() + at + 1));
    at = type.find_first_of(",)", at + 1);
  }
  return form;
}

}  // namespace

bool differs_from_row_to_row(const ColumnDefinition& column, Dialect dialect) {
  return fills_itself(column) || is_volatile(column.default_expression, dialect);
}

bool fills_itself(const ColumnDefinition& column) {
  return column.identity || column.generated || is_serial(column.type);
}

bool keeps_its_form(const std::string& from_type, const std::string& to_type) {
  const TypeForm from = form_of(from_type);
  const TypeForm to = form_of(to_type);
  const auto is_text = [](const TypeForm& one) { return one.name == "text" || one.name == "varchar"; };
  if (is_text(from) && is_text(to))
    return to.sizes.empty() || (!from.sizes.empty() && from.sizes[0] <= to.sizes[0]);
  if (from.name != to.name) return false;
  if (from.sizes == to.sizes || to.sizes.empty()) return true;
  if (from.name != "numeric" || from.sizes.empty()) return false;
  const auto scale = [](const TypeForm& one) { return one.sizes.size() > 1 ? one.sizes[1] : 0; };
  return from.sizes[0] <= to.sizes[0] && scale(from) == scale(to);
}

bool is_unlimited_text(const std::string& type) { return form_of(type).name == "text"; }

bool is_proven_not_null(const TableFact& table, const std::string& column, Dialect dialect) {
  const std::string wanted = loose_form("CHECK (" + column + " IS NOT NULL)", dialect);
  return std::ranges::any_of(table.validated_checks,
                             [&](const std::string& check) { return loose_form(check, dialect) == wanted; });
}

}  // namespace guildhall::migrate
