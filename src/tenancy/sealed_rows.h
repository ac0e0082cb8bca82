// Every row of one server, whatever table it lies in: read as text or erased. The statements are made from
// the catalog of tables, two for each table whose rows belong to servers, so that a new table is in without
// anybody listing it.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tenancy/scope.h"
#include "tenancy/table.h"

namespace guildhall::tenancy {

/// A server's rows by table, each row as its columns in text, in order of that text: two are equal if and
/// only if the server has the same in both.
using ServerRows = std::map<std::string, std::vector<std::string>>;

struct OneServerParams {
  ServerId id;
};
BOOST_DESCRIBE_STRUCT(OneServerParams, (), (id))

/// Statements are known by their address: this object stays where it is.
class SealedRows {
 public:
  SealedRows() = default;
  SealedRows(const SealedRows&) = delete;
  SealedRows& operator=(const SealedRows&) = delete;

  /// Once, after every table was declared: makes the statements and registers them.
  void declare(store::StatementRegistry& statements, const TableCatalog& tables);

  /// In two units of work: what the server holds, and what the registry holds of it.
  Task<ServerRows> read(ServerScope scope, GlobalScope global) const;

  /// Erases everything that the server holds, then its place in the registry with what refers to it. Each
  /// is one transaction: interrupted between the two, the server is still there and can be erased again.
  /// Whoever holds a registry of servers loads it again afterwards.
  Task<void> erase(ServerScope scope, GlobalScope global) const;

 private:
  /// Of a table of class T or C: through the server's own scope.
  struct Own {
    std::string table;
    std::string names[2];
    std::string texts[2];
    store::Statement<store::NoParams, store::NoRow> read;
    store::Statement<store::NoParams, store::NoRow> erase;
  };
  /// Of a table of class R, which lies beside the servers.
  struct Beside {
    std::string table;
    std::string names[2];
    std::string texts[2];
    store::GlobalStatement<OneServerParams, store::NoRow> read;
    store::GlobalStatement<OneServerParams, store::NoRow> erase;
  };

  template <class Table>
  static void make(std::deque<Table>& tables, const std::string& table, std::string_view parameter,
                   store::StatementRegistry& statements);

  // In the order of declaration; erased from the end.
  std::deque<Own> own_;
  std::deque<Beside> beside_;
};

}  // namespace guildhall::tenancy
