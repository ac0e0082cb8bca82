// What the process says of itself to whoever changes the schema: that it runs, and which migration it is
// written for. It is a row of migration_readers (migrate/phases.h), beside the journal of what belongs to no
// server; while its heartbeat is fresh, what this program still needs is not taken away.
#pragma once

#include <chrono>
#include <string>

#include "tenancy/scope.h"

namespace guildhall::bot {

/// How often its row has to be renewed: four times before it counts as gone.
inline constexpr std::chrono::seconds kSchemaHeartbeat{30};

class SchemaReader {
 public:
  /// `needs`: the newest migration that this program is written for.
  SchemaReader(tenancy::GlobalScope global, std::string needs);

  /// Before anything else is read. The rows of bots that ended without a word go: there is one per database,
  /// and this one holds its lock. Throws DatabaseError.
  Task<void> begin() const;
  /// Throws DatabaseError.
  Task<void> renew() const;
  /// Once nothing is read any more. Throws DatabaseError.
  Task<void> end() const;

  /// "guildhall@web1 pid 4711 5Zx0aQ": no other process has it.
  const std::string& name() const { return name_; }

 private:
  tenancy::GlobalScope global_;
  std::string name_;
  std::string needs_;
};

store::TxTask<void> rehearse_schema_reader(store::GlobalTx& tx, TimePoint now);

void declare_schema_reader(store::StatementRegistry& statements);

}  // namespace guildhall::bot
