#include "store/sqlite/row_reading.h"

#include <stdexcept>

#include "store/sqlite/sqlite_session.h"

namespace guildhall::store {

void read_sqlite_rows(SchemaSession& session, const std::string& sql,
                      const std::function<bool(CellRow)>& see) {
  auto* file = dynamic_cast<sqlite::SqliteSession*>(&session);
  if (file == nullptr) throw std::logic_error("only the rows of a file are read as they are stored");
  file->connection().read_each(sql, see);
}

}  // namespace guildhall::store
