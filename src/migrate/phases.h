// Expand, backfill, contract: a table changes under programs that run. What is new is added beside the old
// (`phase=expand`), filled (`phase=backfill`), and only when no program needs the old any more is that taken
// away (`phase=contract`). Which programs do, they say themselves, each in a row of migration_readers beside
// the journal: its name, the newest migration that it is written for, and a heartbeat by the database's
// clock.
//
// Any program in any language keeps its row like this, every 30 seconds and first before it reads anything
// (in SQLite without "guildhall."), and takes it away at its end:
//
//   INSERT INTO guildhall.migration_readers (name, needs) VALUES ('bot@web1', '0005_entry_count')
//   ON CONFLICT (name) DO UPDATE SET needs = excluded.needs, heartbeat_at = excluded.heartbeat_at;
//
//   DELETE FROM guildhall.migration_readers WHERE name = 'bot@web1';
//
// Guildhall's own bot does the same (bot/schema_reader.h): where each server has a file of its own, in the
// directory alone, whose rows count for all of the files.
//
// The tool makes the table and only reads it. On PostgreSQL a program's role needs USAGE on the schema and
// SELECT, INSERT, UPDATE, DELETE on the table.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "migrate/table_facts.h"

namespace guildhall::migrate {

/// A program counts as running for so long after its heartbeat.
inline constexpr std::chrono::milliseconds kReaderCounts{120'000};

struct SchemaReader {
  std::string name;
  std::string needs;  // the newest migration that it is written for
  std::int64_t heartbeat_age_ms = 0;
};

/// "CREATE TABLE ...": it is made with the journal.
std::string_view readers_table(Dialect dialect);

/// Those that count as running, by name; none where there is no table. `also_in`: a SQLite file, those in
/// which count for this database too. Throws DatabaseError, and ErrorException where that file cannot be
/// opened.
std::vector<SchemaReader> read_readers(store::SchemaSession& session, Dialect dialect,
                                       const std::string& also_in = {});

/// Why contracts among those that are to run may not: errors, named by their files.
///   MG-READERS  a program that runs is written for an older schema than the contract leaves: older than the
///               last expand or backfill before it (where it `needs` some of those: than the last of them;
///               where there is none: than the migration before it)
///   MG-PHASE    its own expand is in the same run, and programs run that are not yet written for the
///   contract:
///               they have had no time to move over
Findings check_phases(const MigrationSet& set, std::span<const Pending> run,
                      const std::vector<SchemaReader>& readers);

/// Is a contract among them?
bool has_contract(std::span<const Pending> run);

}  // namespace guildhall::migrate
