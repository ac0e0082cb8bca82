// What is there before a migration runs: the tables that it names, how large they are, and who may be named
// as an owner. Read from a live database; nothing is known where there is none.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "migrate/migration_files.h"
#include "migrate/statement_reading.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// A script that is to run, or the rest of one that stopped midway.
struct Pending {
  const Migration* migration = nullptr;
  std::size_t done = 0;              // statements that it has behind it
  const Script* way_back = nullptr;  // what runs is this and not the migration, which may have lost its file

  const Script& script() const { return way_back != nullptr ? *way_back : *migration->up; }
  const std::string& name() const { return migration != nullptr ? migration->name : script().file; }
};

/// Up to here rows are counted, beyond they are estimated; and a table of no more rows is a small one.
inline constexpr std::int64_t kSmallTable = 10'000;

struct ColumnFact {
  std::string name;  // as a name_key
  std::string type;  // "character varying(20)"
  bool not_null = false;
};

struct TableFact {
  std::int64_t rows = 0;
  bool is_estimate = false;
  std::int64_t bytes = 0;  // without indexes; 0 where it cannot be told
  std::int64_t index_bytes = 0;
  std::string tablespace = {};  // PostgreSQL: the folder that it lies in; "": the server's data directory
  std::vector<ColumnFact> columns = {};
  std::vector<std::string> primary_key = {};       // names as they are written in SQL
  std::vector<std::string> validated_checks = {};  // "CHECK ((name IS NOT NULL))"
  std::set<std::string> constraints = {};          // PostgreSQL: their names, as name_keys

  const ColumnFact* column(std::string_view key) const;
};

struct TableFacts {
  bool known = false;
  std::map<std::string, TableFact> tables = {};  // that exist, by name_key
  /// Of the names that are made, without their schemas, those that a relation or a type has in some schema.
  std::set<std::string> taken = {};
  std::set<std::string> roles = {};
  std::set<std::string> extensions = {};            // that are installed here
  std::set<std::string> available_extensions = {};  // that could be

  const TableFact* find(const std::string& key) const;
  /// Something of this name (a name_key that is made) may be there; otherwise nothing is.
  bool may_take(const std::string& key) const;
};

/// The statements of a migration that are still to run.
std::vector<StatementReading> read_pending(const Pending& pending, Dialect dialect);

/// Of the tables that these migrations name. In the transaction that is open. Throws DatabaseError.
TableFacts read_table_facts(store::SchemaSession& session, Dialect dialect, std::span<const Pending> pending);

/// What a run has done so far, one statement after another, as far as their words tell: of what is made
/// within the run nothing can be asked beforehand, and what is written within it will be otherwise.
class RunTrace {
 public:
  RunTrace(const TableFacts& facts, Dialect dialect) : facts_(facts), dialect_(dialect) {}

  void take(const StatementReading& reading);

  /// Made within the run, and so empty before it.
  bool makes_table(std::string_view table) const;
  bool makes_column(std::string_view table, std::string_view column) const;
  /// A table, index, constraint, ... of this name was dropped or renamed: the name is free.
  bool frees(std::string_view name) const;
  /// An object, constraint, role, extension of this name was made.
  bool makes(std::string_view name) const;
  /// Its rows may be others by then: also where rows of another table were deleted, which may take its own
  /// along.
  bool writes(std::string_view table) const;
  /// Something was dropped that may have taken more along: indexes with their table, views with CASCADE.
  bool drops() const { return drops_ || opaque_; }

 private:
  std::string key(std::string_view name) const { return name_key(name, dialect_); }
  void take_table(const StatementReading& reading);
  void take_action(const StatementReading& reading, const TableAction& action);

  const TableFacts& facts_;
  Dialect dialect_;
  std::set<std::string> tables_;
  std::set<std::string> columns_;  // "table.column"
  std::set<std::string> freed_;
  std::set<std::string> made_;
  std::set<std::string> written_;
  bool opaque_ = false;
  bool deletes_ = false;
  bool drops_ = false;
};

}  // namespace guildhall::migrate
