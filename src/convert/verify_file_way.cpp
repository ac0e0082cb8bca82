#include "convert/verify_file_way.h"

#include <fmt/format.h>

#include <algorithm>

#include "convert/sqlite_plan.h"
#include "convert/sqlite_switch.h"

namespace guildhall::convert {
namespace {

const Before* find(const std::vector<Before>& things, std::string_view kind, std::string_view table) {
  const auto found = std::ranges::find_if(
      things, [&](const Before& thing) { return thing.kind == kind && thing.table == table; });
  return found == things.end() ? nullptr : &*found;
}

/// As it is written, in words of one form.
std::string written(const ItemText& item) {
  std::string text = item.head;
  for (const ClauseText& clause : item.clauses) text += " " + clause.sql;
  return text;
}

bool is_there(const ItemText& item, const TableText& text) {
  return std::ranges::any_of(text.items,
                             [&](const ItemText& other) { return written(other) == written(item); });
}

bool has_constant(const TableText& text, const SchemeTable& table, std::int64_t home) {
  const ItemText* column = text.column(table.column());
  return column != nullptr && std::ranges::any_of(column->clauses, [&](const ClauseText& clause) {
           return clause.kind == ClauseText::Kind::default_value &&
                  clause.sql.ends_with(fmt::format(" {}", table.absent_value(home)));
         });
}

void compare(const SchemeTable& table, const Before& was, bool got_column, std::int64_t home,
             std::vector<std::string>& wrong) {
  const auto then = read_table_text(table.name(), was.definition);
  const auto now = read_table_text(table.name(), table.table->sql);
  if (!then || !now) {
    wrong.push_back(fmt::format("the text of {} is not understood", table.name()));
    return;
  }
  for (const ItemText& item : then->items) {
    if (!is_there(item, *now))
      wrong.push_back(fmt::format("{} has no '{}' any more", table.name(), written(item)));
  }
  if (got_column && !has_constant(*now, table, home))
    wrong.push_back(fmt::format("{}.{} has not the default that it got", table.name(), table.column()));
}

}  // namespace

bool is_file_way(const std::vector<Before>& things) {
  return std::ranges::find(things, "marker", &Before::kind) != things.end();
}

std::vector<std::string> wrong_marks(store::SchemaSession& session, const Scheme& scheme) {
  if (number_of(session, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1",
                {std::string(kServerMarker)}) == 0)
    return {"the file has no marker"};
  const auto rows = session.query(fmt::format("SELECT * FROM {}", kServerMarker));
  if (rows.size() == 1 && rows[0][0] == std::to_string(scheme.home)) return {};
  return {fmt::format("the file is marked as that of server {}", rows.empty() ? "?" : rows[0][0])};
}

std::vector<std::string> changed_tables(const Scheme& scheme, const std::vector<Before>& things) {
  std::vector<std::string> wrong;
  for (const Before& thing : things) {
    if (thing.kind != "table") continue;
    const SchemeTable* table = scheme.find(thing.table);
    if (table == nullptr)
      wrong.push_back(fmt::format("{} is gone", thing.table));
    else
      compare(*table, thing, find(things, "column", thing.table) != nullptr, scheme.home, wrong);
  }
  return wrong;
}

std::vector<std::string> lower_counters(store::SchemaSession& session, const std::vector<Before>& things) {
  std::vector<std::string> wrong;
  const auto counters = read_counters(session);
  for (const Before& thing : things) {
    if (thing.kind != "counter") continue;
    const auto now = counters.find(thing.table);
    if (now == counters.end() || now->second < std::stoll(thing.definition))
      wrong.push_back(fmt::format("{} had counted its ids up to {} and is at {}", thing.table,
                                  thing.definition, now == counters.end() ? 0 : now->second));
  }
  return wrong;
}

}  // namespace guildhall::convert
