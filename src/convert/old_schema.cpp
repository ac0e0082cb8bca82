#include "convert/old_schema.h"

#include <algorithm>

namespace guildhall::convert {
namespace {

template <class Thing>
const Thing* named(const std::vector<Thing>& things, std::string_view name) {
  const auto found = std::ranges::find(things, name, &Thing::name);
  return found == things.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> Index::columns() const {
  std::vector<std::string> names;
  for (const IndexPart& part : parts) {
    if (part.column.empty()) return {};
    names.push_back(part.column);
  }
  return names;
}

bool Index::has_at(std::size_t place, std::string_view column) const {
  return place < parts.size() && parts[place].column == column;
}

bool Index::has(std::string_view column) const {
  return std::ranges::find(parts, column, &IndexPart::column) != parts.end();
}

bool ForeignKey::has(std::string_view column) const {
  return std::ranges::find(columns, column) != columns.end();
}

const Column* Table::column(std::string_view wanted) const { return named(columns, wanted); }
const Index* Table::index(std::string_view wanted) const { return named(indexes, wanted); }
const ForeignKey* Table::foreign_key(std::string_view wanted) const { return named(foreign_keys, wanted); }
const Check* Table::check(std::string_view wanted) const { return named(checks, wanted); }

const Table* OldSchema::find(std::string_view table) const {
  const auto found = tables.find(std::string(table));
  return found == tables.end() ? nullptr : &found->second;
}

OldSchema read_old_schema(store::SchemaSession& session, migrate::Dialect dialect) {
  return dialect == migrate::Dialect::postgres ? read_postgres_schema(session) : read_sqlite_schema(session);
}

}  // namespace guildhall::convert
