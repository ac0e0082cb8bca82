// The tables to be moved, as the target's own catalog describes them, and the SQL made of that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/schema_session.h"
#include "tenancy/table.h"

namespace guildhall::move {

struct Table {
  std::string name;
  store::TableHome home = store::TableHome::directory;
  std::vector<store::Column> columns;
  std::vector<std::size_t> key;  // positions of the primary key's columns, in its order
  /// Of numbers that the database gives out by itself and that go on after the last; "" without.
  std::string numbered_column;

  bool of_servers() const { return home == store::TableHome::server; }
};

/// Every table of the catalog but the journal of migrations, those that others refer to before the others.
std::vector<Table> read_tables(store::SchemaSession& target, store::Layout layout,
                               const tenancy::TableCatalog& catalog);

/// Up to `limit` rows in the order of the key, those behind `after` (values of a whole row). Of a table of
/// servers: of this server's.
std::vector<store::ValueRow> rows_after(store::SchemaSession& session, const Table& table, ServerId server,
                                        const std::optional<store::ValueRow>& after, std::size_t limit);
/// The last row in the order of the key.
std::optional<store::ValueRow> last_row(store::SchemaSession& session, const Table& table, ServerId server);

std::uint64_t count_rows(store::SchemaSession& session, const Table& table,
                         const std::string& condition = "true");

}  // namespace guildhall::move
