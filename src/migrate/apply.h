// One migration in one direction: its statements, its row in the journal and the fingerprint of what came of
// it, in one transaction; or, where it cannot be one, statement by statement, each of them in the journal.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "migrate/interrupt.h"
#include "migrate/journal.h"
#include "migrate/lock.h"
#include "migrate/migration_files.h"
#include "migrate/schema_watch.h"

namespace guildhall::migrate {

struct ApplyLimits {
  std::chrono::milliseconds lock_timeout{3'000};
  std::chrono::milliseconds statement_timeout{300'000};
  std::chrono::milliseconds index_timeout{1'800'000};  // of an index that is built beside the writers
  int tries = 5;                                       // for a lock; the pause doubles after each
  std::chrono::milliseconds first_pause{1'000};
};

/// What all migrations of a run share.
struct Workbench {
  const Target& target;
  store::SchemaSession* session;
  Lock* lock = nullptr;
  ApplyLimits limits;
  Interrupt* interrupt = nullptr;
  std::function<void(const std::string&)> say = [](const std::string&) {};
  std::unique_ptr<SchemaWatch> watch;  // the schema as it is now
  std::string applied_by;
  std::string git_revision;
  std::string backup_file;
  std::string backup_sha256;
  std::string note;
  std::atomic<std::size_t> at_statement = 0;  // of the one that runs, from 1: for whoever shows it
};

/// The session of the work, with the limits set, the clock in UTC, and nobody kept waiting. Its search_path
/// is that of the login and the database, with "$user" written out (session_settings.h). Rows that a policy
/// would hide are an error and not left out (row_security is off), but in Guildhall's own databases, where a
/// policy lets the owner see all. Problems `no_database`: the server only reads; `refused` (MG-POOLER): a
/// pooler stands before it, and the target is not one `behind_pooler`.
Outcome<std::unique_ptr<store::SchemaSession>> open_work_session(const Target& target,
                                                                 const ApplyLimits& limits);

struct Job {
  std::string name;
  std::string direction;  // up, down
  const Script* script = nullptr;
  std::string script_checksum;  // journaled with it
  std::string token_checksum;
  std::string down_checksum;
  std::string down_source;
  std::string expected;  // fingerprint that must come of a way back; "": its changes decide
  bool undoes_changes = false;
  std::vector<std::string> expected_changes;  // that it undoes then, as journaled
  std::optional<JournalRow> open;  // of a run that stopped midway: goes on behind its last statement
};

struct Applied {
  std::string name;
  std::int64_t statements = 0;
  std::int64_t duration_ms = 0;
  std::string fingerprint_after;
};

/// Problems: `failed` (rolled back), `midway`, `locked`, `timed_out`, `drift` (not what it should have
/// become), `interrupted` and `terminated`. The database is as it was before, but after `midway`.
Outcome<Applied> apply(Workbench& bench, const Job& job);

/// All of them in one transaction, or none: each with its row. They all have to be ones that run in a
/// transaction. Problems as above but `midway`; `finding.name` says which one failed.
Outcome<std::vector<Applied>> apply_together(Workbench& bench, std::span<const Job* const> jobs);

}  // namespace guildhall::migrate
