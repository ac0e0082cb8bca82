#include "convert/sqlite_keys.h"

#include <fmt/format.h>

#include "convert/sqlite_plan.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;

std::string passing_key(std::string_view table, std::size_t number) {
  return fmt::format("{}key_{}_{}", kPassingNames, number, table);
}

/// As SQLite calls a table's own keys, in the order of its text.
std::string own_key(std::string_view table, std::size_t number) {
  return fmt::format("sqlite_autoindex_{}_{}", table, number);
}

}  // namespace

WritableSchema::WritableSchema(store::SchemaSession& session) : session_(session) {
  session_.execute("PRAGMA writable_schema=ON");
}

WritableSchema::~WritableSchema() {
  try {
    session_.execute("PRAGMA writable_schema=RESET");
  } catch (const store::DatabaseError&) {
    // The session is of no use any more.
  }
}

void make_to_be_filled(store::SchemaSession& session, const ChangedTable& table) {
  session.execute(table.bare.empty() ? table.text : table.bare);
}

void build_keys(store::SchemaSession& session, std::string_view name, const ChangedTable& table) {
  if (table.bare.empty() || table.keys.empty()) return;
  for (std::size_t i = 0; i < table.keys.size(); ++i)
    session.execute(fmt::format("CREATE UNIQUE INDEX {} ON {} ({})", quoted_name(passing_key(name, i + 1)),
                                quoted_name(name), table.keys[i]));
  const WritableSchema writable(session);
  session.query("UPDATE sqlite_schema SET sql = $1 WHERE type = 'table' AND name = $2",
                {table.text, std::string(name)});
  for (std::size_t i = 0; i < table.keys.size(); ++i)
    session.query("UPDATE sqlite_schema SET name = $1, sql = NULL WHERE type = 'index' AND name = $2",
                  {own_key(name, i + 1), passing_key(name, i + 1)});
}

}  // namespace guildhall::convert
