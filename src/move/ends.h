// The two ends of a move: sessions on what lies beside the servers and on each server's rows.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "move/move.h"
#include "move/tables.h"
#include "store/database.h"
#include "store/schema_session.h"

namespace guildhall::move {

/// The mark in the target, from the first row to the end of the comparison.
inline constexpr std::string_view kProgressTable = "move_progress";

/// How the source is named in the mark.
std::string mark_of(const store::DatabasePlace& source);

/// Throws ErrorException when sessions of Guildhall other than this one use the database; takes the bot's
/// lock, so that none begins while this session lasts. PostgreSQL only.
void keep_others_out(store::SchemaSession& session, std::chrono::milliseconds patience);

bool has_table(store::SchemaSession& session, store::Layout layout, std::string_view table);

/// Every method throws ErrorException.
class Source {
 public:
  /// Checks that it is a Guildhall database of this program's version, which nobody uses.
  Source(const store::DatabasePlace& place, std::chrono::milliseconds patience);

  store::SchemaSession& beside() { return *beside_; }
  store::Layout layout() const { return place_.layout; }
  const std::vector<ServerId>& servers() const { return servers_; }
  /// Where this server's rows are; nullptr when it has no file, and so no rows. Valid until the next call.
  store::SchemaSession* of(ServerId server);
  /// Throws when there are rows that lie in a wrong place or belong to no server.
  std::uint64_t count(const std::vector<Table>& tables);

 private:
  void check_version(store::SchemaSession& session);
  void check_file(store::SchemaSession& session, ServerId server);

  store::DatabasePlace place_;
  std::unique_ptr<store::SchemaSession> guard_;  // PostgreSQL: holds the bot's lock
  std::unique_ptr<store::SchemaSession> beside_;
  std::vector<ServerId> servers_;
  std::vector<ServerId> files_;
  ServerId open_server_{};
  std::unique_ptr<store::SchemaSession> open_file_;
};

/// Every method throws ErrorException. What is inserted is committed a batch of rows at a time, in order:
/// after a crash the rows of a table are there up to some row, and nothing of the tables behind.
class Target {
 public:
  /// Makes the schema, in a database that is not the source's.
  Target(Source& source, const store::DatabasePlace& place, const tenancy::TableCatalog& catalog,
         const Options& options);

  store::SchemaSession& beside() { return *beside_; }
  /// As in Source.
  store::SchemaSession* of(ServerId server);
  /// The same, after its file was made.
  store::SchemaSession& made(ServerId server);

  /// The source that the mark names; "" without a mark.
  std::string mark();
  void set_mark(const std::string& source, TimePoint now);
  void clear_mark();
  /// The name of a table that has rows, or of a file that is there; "" when there is none.
  std::string occupied(const std::vector<Table>& tables);
  std::uint64_t count(const std::vector<Table>& tables);
  std::vector<ServerId> files() const;

  void insert(store::SchemaSession& session, const Table& table, const std::vector<store::ValueRow>& rows);
  void commit();
  /// Numbers that the database gives out go on behind those that came.
  void continue_numbers(const std::vector<Table>& tables);
  /// PostgreSQL plans by what it knows of a table, and of these it knows that they are empty: until it has
  /// looked again by itself, a foreign key may be checked by reading the whole of the other table for every
  /// row.
  void look_at_rows(const std::vector<Table>& tables);

 private:
  void check_program();

  store::DatabasePlace place_;
  store::TableHomes homes_;
  const std::size_t rows_per_commit_;
  std::unique_ptr<store::SchemaSession> beside_;
  ServerId open_server_{};
  std::unique_ptr<store::SchemaSession> open_file_;
  store::SchemaSession* writing_ = nullptr;  // has a transaction open
  std::size_t uncommitted_ = 0;
};

}  // namespace guildhall::move
