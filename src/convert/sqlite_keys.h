// Keys of a new table that are built once its rows are there: its index is then sorted and written from one
// end to the other, where row after row would look for its place in it.
//
// SQLite makes no table's own key (UNIQUE or PRIMARY KEY within its text) later than the table. But such a
// key is an index like any other, under a name of SQLite's own and without a text. So the rows go into a
// table without keys, each key is made as an index, and then what the schema says of both is changed to what
// it would have said: the table's text to the one with its keys, each index to the key's own. SQLite reads
// that anew at once, and refuses what does not fit together. All of it is part of the transaction.
#pragma once

#include <string>
#include <string_view>

#include "convert/sqlite_table_text.h"
#include "store/schema_session.h"

namespace guildhall::convert {

/// Makes the table, for rows to be put in: without its keys where they can be built later.
void make_to_be_filled(store::SchemaSession& session, const ChangedTable& table);
/// Once its rows are in; within a transaction. `name`: under which the table stands. Throws DatabaseError:
/// `unique` where rows have the same key.
void build_keys(store::SchemaSession& session, std::string_view name, const ChangedTable& table);

/// While it lives, what SQLite keeps of its schema is written like a table; then it reads it anew.
class WritableSchema {
 public:
  explicit WritableSchema(store::SchemaSession& session);
  WritableSchema(const WritableSchema&) = delete;
  WritableSchema& operator=(const WritableSchema&) = delete;
  /// Whether all of it is understood is told by the next statement.
  ~WritableSchema();

 private:
  store::SchemaSession& session_;
};

}  // namespace guildhall::convert
