// The journal: what was done to a database, one row each, never taken away. Table migration_journal, in
// schema guildhall on PostgreSQL; its triggers refuse DELETE and changes of finished rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "migrate/dialect.h"
#include "migrate/outcome.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// "" and nothing stand for NULL.
struct JournalRow {
  std::int64_t seq = 0;
  std::string name;
  std::string direction;  // up, down, baseline, repair
  std::string state;      // started, applied, failed, partial, skipped
  std::string checksum;
  std::string token_checksum;
  std::string down_checksum;
  std::string down_source;  // file, derived, none
  std::string down_script;  // derived ones: kept here, for nobody else has it
  std::int64_t statements_total = 0;
  std::int64_t statements_done = 0;
  std::string statement_checksums;  // of each statement's tokens, one a line; of a batch its key too
  std::string batch_key;            // of a batch: the last key that is done, as SQL has it
  std::int64_t batch_rows = 0;      // that it changed so far
  TimePoint started_at{};
  std::optional<TimePoint> applied_at;
  std::int64_t duration_ms = 0;
  std::string applied_by;
  std::string tool_version;
  std::string git_revision;
  std::string backup_file;
  std::string backup_sha256;
  std::string fingerprint_before;
  std::string fingerprint_after;
  std::string schema_changes;  // what it did to the schema, one line for each object
  std::int64_t lock_token = 0;
  std::string error;
  std::string note;  // why: of repair and of what was skipped, without a backup or a way back; the backup of
                     // who went on
};

/// Its newest row.
struct JournalHead {
  std::int64_t seq = 0;  // 0: there is none
  std::string name;
};

/// The journal's own shape; a newer one is not touched. Version 0 is that of Guildhall's databases from
/// before the tool: a table without a version, a guard or a lock beside it, its checksums of bytes alone.
inline constexpr int kJournalVersion = 2;

class Journal {
 public:
  Journal(store::SchemaSession& session, Dialect dialect) : session_(session), dialect_(dialect) {}

  /// Is there one? Creates nothing.
  bool exists() const;
  /// Nothing where there is no journal.
  std::optional<int> version() const;
  /// It was made by an older version of the tool. A runner brings it up to date under the lock.
  bool is_older() const { return version().value_or(kJournalVersion) < kJournalVersion; }
  /// Makes it, or brings it up to date; within the caller's transaction if there is one. Under the lock.
  /// `with_views`: also what other tools look for in its place, where that name is free. True: it was not yet
  /// what it is now. Problem `no_database`: it is newer than this program.
  Outcome<bool> prepare(bool with_views);
  /// Every row in order; nothing where there is no journal. Problem as above.
  Outcome<std::vector<JournalRow>> read() const;
  /// Its newest row alone; nothing of a journal from before the tool. Throws DatabaseError.
  JournalHead head() const;

  /// `row.started_at` is what now is, less `row.duration_ms`; `applied_at` is now where the state is a
  /// finished one. Gives its seq. Throws DatabaseError.
  std::int64_t add(const JournalRow& row);
  /// The same, together with the session's next statement (SchemaSession::later).
  void add_later(const JournalRow& row);
  /// Of a row that is `started` or `partial`: how far it is.
  void set_progress(std::int64_t seq, std::int64_t statements_done);
  /// The same of a batch, together with the session's next statement.
  void set_batch_progress_later(std::int64_t seq, const std::string& batch_key, std::int64_t batch_rows);
  /// Ends a row that is `started` or `partial`: everything that was not known when it was added.
  void finish(std::int64_t seq, const JournalRow& row);

 private:
  struct Insertion {
    std::string sql;
    std::vector<std::string> values;
  };
  Insertion insertion_of(const JournalRow& row) const;
  std::string table() const;
  void make();
  void make_views();
  void bring_to_version_2();
  void replace_oldest();
  Outcome<void> check_version(int found) const;

  store::SchemaSession& session_;
  Dialect dialect_;
};

/// SQL for an empty schema where somebody else is to run it: the journal, and a row for each of these,
/// applied at the moment at which it is run.
std::string journal_script(Dialect dialect, const std::vector<JournalRow>& rows);

/// Of a column that has one thing on each line.
std::vector<std::string> lines_of(const std::string& text);

/// "role app, user deploy on web1, process 4711", as the journal names who did it.
std::string who_runs(store::SchemaSession& session, Dialect dialect);

}  // namespace guildhall::migrate
