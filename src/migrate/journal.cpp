#include "migrate/journal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/process.h"
#include "migrate/phases.h"
#include "migrate/target.h"
#include "store/quoting.h"

namespace guildhall::migrate {
namespace {

/// {t}: table, {v}: table of the version, {id}, {int}, {time}: types, {strict}: how the table ends.
constexpr std::string_view kTables = R"sql(
CREATE TABLE {t} (
  seq                 {id},
  name                TEXT NOT NULL,
  direction           TEXT NOT NULL CHECK (direction IN ('up', 'down', 'baseline', 'repair')),
  state               TEXT NOT NULL CHECK (state IN ('started', 'applied', 'failed', 'partial', 'skipped')),
  checksum            TEXT NOT NULL,
  norm_checksum       TEXT,
  down_checksum       TEXT,
  down_source         TEXT,
  down_script         TEXT,
  statements_total    {int},
  statements_done     {int},
  statement_checksums TEXT,
  started_at          {time} NOT NULL,
  applied_at          {time},
  duration_ms         {int},
  applied_by          TEXT NOT NULL,
  tool_version        TEXT NOT NULL,
  git_revision        TEXT,
  backup_file         TEXT,
  backup_sha256       TEXT,
  fingerprint_before  TEXT,
  fingerprint_after   TEXT,
  schema_changes      TEXT,
  lock_token          {int},
  error               TEXT,
  note                TEXT,
  batch_key           TEXT,
  batch_rows          {int}
) {strict};
CREATE TABLE {v} (version {int} NOT NULL, last_token {int} NOT NULL DEFAULT 0) {strict};
INSERT INTO {v} (version) VALUES (2);
)sql";

constexpr std::string_view kToVersion2 = R"sql(
ALTER TABLE {t} ADD COLUMN batch_key TEXT;
ALTER TABLE {t} ADD COLUMN batch_rows {int};
UPDATE {v} SET version = 2;
)sql";

constexpr std::string_view kPostgresGuard = R"sql(
CREATE FUNCTION guildhall.migration_journal_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.state IN ('started', 'partial') THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'the migration journal is only ever added to';
END $$;
CREATE TRIGGER migration_journal_guard BEFORE UPDATE OR DELETE ON guildhall.migration_journal
  FOR EACH ROW EXECUTE FUNCTION guildhall.migration_journal_guard();
)sql";

constexpr std::string_view kSqliteGuard = R"sql(
CREATE TRIGGER migration_journal_no_delete BEFORE DELETE ON migration_journal
BEGIN SELECT RAISE(ABORT, 'the migration journal is only ever added to'); END;
CREATE TRIGGER migration_journal_no_update BEFORE UPDATE ON migration_journal
WHEN OLD.state NOT IN ('started', 'partial')
BEGIN SELECT RAISE(ABORT, 'the migration journal is only ever added to'); END;
)sql";

/// The lock's one row; StreamBot's own tool looks for it under the same name and number.
constexpr std::string_view kLockTable = R"sql(
CREATE TABLE {l} (
  lock_id           {int} PRIMARY KEY CHECK (lock_id = 1),
  token             {int} NOT NULL,
  locked_by         TEXT NOT NULL,
  host              TEXT NOT NULL,
  os_pid            {int} NOT NULL,
  backend_pid       {int},
  locked_at         {time} NOT NULL,
  heartbeat_at      {time} NOT NULL,
  command           TEXT NOT NULL,
  current_migration TEXT
) {strict};
)sql";

/// For those who look where StreamBot's tool kept its own: what is applied, and who holds the lock. The first
/// can only be read; deleting the lock's row through the second is deleting it.
constexpr std::string_view kAppliedView = R"sql(
CREATE VIEW drizzle_migrations AS
SELECT DISTINCT j.name AS id, j.name || '.sql' AS filename, j.applied_at,
  CASE WHEN j.checksum LIKE '%:%' THEN substr(j.checksum, length(j.checksum) - 63) ELSE j.checksum END AS checksum
FROM {t} j
WHERE j.state = 'applied' AND j.direction IN ('up', 'baseline') AND NOT EXISTS (
  SELECT 1 FROM {t} later WHERE later.name = j.name AND later.seq > j.seq AND later.state = 'applied'
    AND later.direction <> 'repair');
)sql";
constexpr std::string_view kLockView = "CREATE VIEW migration_lock AS SELECT * FROM {l}";

std::string fill(std::string_view text, Dialect dialect) {
  const bool postgres = dialect == Dialect::postgres;
  std::string sql(text);
  const auto replace = [&sql](std::string_view mark, const std::string& with) {
    for (auto at = sql.find(mark); at != std::string::npos; at = sql.find(mark, at + with.size()))
      sql.replace(at, mark.size(), with);
  };
  replace("{t}", own_table(dialect, "migration_journal"));
  replace("{v}", own_table(dialect, "migration_journal_version"));
  replace("{l}", own_table(dialect, "migration_lock"));
  replace("{id}", postgres ? "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" : "INTEGER PRIMARY KEY");
  replace("{int}", postgres ? "BIGINT" : "INTEGER");
  replace("{time}", postgres ? "TIMESTAMPTZ" : "INTEGER");
  replace("{strict}", postgres ? "" : "STRICT");
  return sql;
}

struct TextColumn {
  const char* name;
  std::string JournalRow::* field;
  int since = 0;  // version of the journal
};
constexpr std::array<TextColumn, 20> kTexts{{{"name", &JournalRow::name},
                                             {"direction", &JournalRow::direction},
                                             {"state", &JournalRow::state},
                                             {"checksum", &JournalRow::checksum},
                                             {"norm_checksum", &JournalRow::token_checksum},
                                             {"down_checksum", &JournalRow::down_checksum},
                                             {"down_source", &JournalRow::down_source},
                                             {"down_script", &JournalRow::down_script, 1},
                                             {"statement_checksums", &JournalRow::statement_checksums, 1},
                                             {"applied_by", &JournalRow::applied_by},
                                             {"tool_version", &JournalRow::tool_version},
                                             {"git_revision", &JournalRow::git_revision},
                                             {"backup_file", &JournalRow::backup_file},
                                             {"backup_sha256", &JournalRow::backup_sha256},
                                             {"fingerprint_before", &JournalRow::fingerprint_before},
                                             {"fingerprint_after", &JournalRow::fingerprint_after},
                                             {"schema_changes", &JournalRow::schema_changes, 1},
                                             {"error", &JournalRow::error},
                                             {"note", &JournalRow::note, 1},
                                             {"batch_key", &JournalRow::batch_key, 2}}};

struct NumberColumn {
  const char* name;
  std::int64_t JournalRow::* field;
  int since = 0;
};
constexpr std::array<NumberColumn, 5> kNumbers{{{"statements_total", &JournalRow::statements_total},
                                                {"statements_done", &JournalRow::statements_done},
                                                {"duration_ms", &JournalRow::duration_ms},
                                                {"lock_token", &JournalRow::lock_token},
                                                {"batch_rows", &JournalRow::batch_rows, 2}}};

std::string micros_of(std::string_view column, Dialect dialect) {
  return dialect == Dialect::postgres ? fmt::format("(extract(epoch FROM {}) * 1000000)::bigint", column)
                                      : std::string(column);
}

bool is_finished(std::string_view state) { return state != "started" && state != "partial"; }

std::int64_t number_of(const std::string& text) { return text.empty() ? 0 : std::stoll(text); }

}  // namespace

std::string Journal::table() const { return own_table(dialect_, "migration_journal"); }

bool Journal::exists() const {
  const char* sql = dialect_ == Dialect::sqlite
                        ? "SELECT 1 FROM sqlite_schema WHERE name = 'migration_journal'"
                        : "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
                          "n.nspname = 'guildhall' AND c.relname = 'migration_journal'";
  return !session_.query(sql).empty();
}

JournalHead Journal::head() const {
  if (version().value_or(0) == 0) return {};
  const auto rows =
      session_.query(fmt::format("SELECT seq, name FROM {} ORDER BY seq DESC LIMIT 1", table()));
  return rows.empty() ? JournalHead{} : JournalHead{std::stoll(rows[0][0]), rows[0][1]};
}

std::optional<int> Journal::version() const {
  const char* sql =
      dialect_ == Dialect::sqlite
          ? "SELECT name FROM sqlite_schema WHERE type = 'table'"
          : "SELECT name FROM (SELECT relname AS name FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = relnamespace WHERE nspname = 'guildhall' AND relkind = 'r') t WHERE true";
  const auto tables =
      session_.query(fmt::format("{} AND name IN ('migration_journal', "
                                 "'migration_journal_version')",
                                 sql));
  if (tables.empty()) return std::nullopt;
  if (tables.size() == 1) return 0;
  const auto rows =
      session_.query(fmt::format("SELECT version FROM {}", own_table(dialect_, "migration_journal_version")));
  return rows.empty() ? 0 : std::stoi(rows[0][0]);
}

Outcome<void> Journal::check_version(int found) const {
  if (found <= kJournalVersion) return {};
  return stop(Exit::no_database, "MG-JOURNAL",
              fmt::format("the journal of '{}' has version {}, and this program knows {}", session_.name(),
                          found, kJournalVersion),
              "Use the newer version of Guildhall.");
}

Outcome<bool> Journal::prepare(bool with_views) {
  const auto found = version();
  if (found) {
    if (auto known = check_version(*found); !known) return std::unexpected(known.error());
    if (*found == kJournalVersion) return false;
    *found == 0 ? replace_oldest() : bring_to_version_2();
    return true;
  }
  if (dialect_ == Dialect::postgres) session_.execute("CREATE SCHEMA IF NOT EXISTS guildhall");
  make();
  if (with_views) make_views();
  return true;
}

void Journal::make() {
  session_.execute(fill(kTables, dialect_));
  session_.execute(std::string(dialect_ == Dialect::postgres ? kPostgresGuard : kSqliteGuard));
  session_.execute(fill(kLockTable, dialect_));
  session_.execute(std::string(readers_table(dialect_)));
}

/// Version 1 knew no batches and no programs that read.
void Journal::bring_to_version_2() {
  session_.execute(fill(kToVersion2, dialect_));
  session_.execute(std::string(readers_table(dialect_)));
}

/// Version 0: its times are microseconds in both databases, its checksums digits alone.
void Journal::replace_oldest() {
  const bool postgres = dialect_ == Dialect::postgres;
  const auto time = [postgres](std::string_view column) {
    return postgres ? fmt::format("to_timestamp({} / 1000000.0)", column) : std::string(column);
  };
  session_.execute(fmt::format(
      "CREATE TEMPORARY TABLE migration_journal_0 AS SELECT * FROM {0}; DROP TABLE {0}", table()));
  make();
  session_.execute(fmt::format(
      "INSERT INTO {} (seq, name, direction, state, checksum, started_at, applied_at, duration_ms, "
      "applied_by, "
      "tool_version, note) {} SELECT seq, name, direction, state, 'sha256:' || checksum, {}, {}, "
      "duration_ms, "
      "applied_by, tool_version, 'before the journal had a version' FROM migration_journal_0 ORDER BY seq; "
      "DROP TABLE migration_journal_0",
      table(), postgres ? "OVERRIDING SYSTEM VALUE" : "", time("started_at"), time("applied_at")));
  if (postgres) {
    session_.query(
        fmt::format("SELECT setval(pg_get_serial_sequence('{0}', 'seq'), max(seq)) FROM {0} HAVING "
                    "max(seq) > 0",
                    table()));
  }
}

/// Where the names are free, and the schema is not the tool's own.
void Journal::make_views() {
  if (dialect_ == Dialect::sqlite) {
    if (session_.query("SELECT 1 FROM sqlite_schema WHERE name = 'drizzle_migrations'").empty())
      session_.execute(fill(kAppliedView, dialect_));
    return;
  }
  const auto place = session_.query(
      "SELECT to_regclass('drizzle_migrations') IS NULL, to_regclass('migration_lock') IS NULL WHERE "
      "current_schema() <> 'guildhall' AND has_schema_privilege(current_schema(), 'CREATE')");
  if (place.empty()) return;
  if (place[0][0] == "t") session_.execute(fill(kAppliedView, dialect_));
  if (place[0][1] == "t") session_.execute(fill(kLockView, dialect_));
}

Outcome<std::vector<JournalRow>> Journal::read() const {
  std::vector<JournalRow> rows;
  const auto found = version();
  if (!found) return rows;
  if (auto known = check_version(*found); !known) return std::unexpected(known.error());
  const Dialect of_times = *found == 0 ? Dialect::sqlite : dialect_;
  // Who only reads makes nothing new of an older one.
  const auto selected = [&](const auto& column) {
    return fmt::format(", {}", column.since <= *found ? column.name : "NULL");
  };
  std::string sql =
      fmt::format("SELECT seq, {}, {}", micros_of("started_at", of_times), micros_of("applied_at", of_times));
  for (const auto& column : kTexts) sql += selected(column);
  for (const auto& column : kNumbers) sql += selected(column);
  for (const auto& cells : session_.query(fmt::format("{} FROM {} ORDER BY seq", sql, table()))) {
    JournalRow& row = rows.emplace_back();
    row.seq = number_of(cells[0]);
    row.started_at = from_micros(number_of(cells[1]));
    if (!cells[2].empty()) row.applied_at = from_micros(number_of(cells[2]));
    std::size_t at = 3;
    for (const auto& column : kTexts) row.*column.field = cells[at++];
    for (const auto& column : kNumbers) row.*column.field = number_of(cells[at++]);
    if (*found == 0) row.checksum = "sha256:" + row.checksum;
  }
  return rows;
}

Journal::Insertion Journal::insertion_of(const JournalRow& row) const {
  Insertion insertion;
  std::string names;
  std::string places;
  for (const auto& column : kTexts) {
    // NULL is what is not named.
    if ((row.*column.field).empty()) continue;
    insertion.values.push_back(row.*column.field);
    names += fmt::format("{}, ", column.name);
    places += fmt::format("${}, ", insertion.values.size());
  }
  for (const auto& column : kNumbers) {
    names += fmt::format("{}, ", column.name);
    places += fmt::format("{}, ", row.*column.field);
  }
  const std::string_view now = now_of(dialect_);
  const std::string started =
      dialect_ == Dialect::postgres
          ? fmt::format("{} - make_interval(secs => {}::float8 / 1000)", now, row.duration_ms)
          : fmt::format("{} - {} * 1000", now, row.duration_ms);
  insertion.sql = fmt::format("INSERT INTO {} ({}started_at, applied_at) VALUES ({}{}, {})", table(), names,
                              places, started, is_finished(row.state) ? now : "NULL");
  return insertion;
}

std::int64_t Journal::add(const JournalRow& row) {
  const Insertion insertion = insertion_of(row);
  const auto added = session_.query(insertion.sql + " RETURNING seq", insertion.values);
  return std::stoll(added.at(0).at(0));
}

void Journal::add_later(const JournalRow& row) {
  const Insertion insertion = insertion_of(row);
  session_.later(insertion.sql, insertion.values);
}

void Journal::set_progress(std::int64_t seq, std::int64_t statements_done) {
  session_.query(
      fmt::format("UPDATE {} SET statements_done = {} WHERE seq = {}", table(), statements_done, seq));
}

void Journal::set_batch_progress_later(std::int64_t seq, const std::string& batch_key,
                                       std::int64_t batch_rows) {
  session_.later(
      fmt::format("UPDATE {} SET batch_key = $1, batch_rows = {} WHERE seq = {}", table(), batch_rows, seq),
      {batch_key});
}

void Journal::finish(std::int64_t seq, const JournalRow& row) {
  session_.query(
      fmt::format(
          "UPDATE {} SET state = $1, error = nullif($2, ''), fingerprint_after = nullif($3, ''), "
          "schema_changes = nullif($7, ''), checksum = $4, norm_checksum = nullif($5, ''), "
          "statement_checksums = nullif($6, ''), down_source = nullif($8, ''), down_script = nullif($9, ''), "
          "down_checksum = nullif($10, ''), note = nullif($11, ''), "
          "statements_total = {}, statements_done = {}, duration_ms = {}, applied_at = {} WHERE seq = {}",
          table(), row.statements_total, row.statements_done, row.duration_ms,
          is_finished(row.state) ? now_of(dialect_) : "NULL", seq),
      {row.state, row.error, row.fingerprint_after, row.checksum, row.token_checksum, row.statement_checksums,
       row.schema_changes, row.down_source, row.down_script, row.down_checksum, row.note});
}

std::string journal_script(Dialect dialect, const std::vector<JournalRow>& rows) {
  std::string script = fill(kTables, dialect) +
                       std::string(dialect == Dialect::postgres ? kPostgresGuard : kSqliteGuard) +
                       fill(kLockTable, dialect) + std::string(readers_table(dialect)) + ";\n";
  for (const JournalRow& row : rows) {
    std::string names;
    std::string values;
    for (const auto& column : kTexts) {
      if ((row.*column.field).empty()) continue;
      names += fmt::format("{}, ", column.name);
      values += fmt::format("{}, ", store::quoted_text(row.*column.field));
    }
    for (const auto& column : kNumbers) {
      names += fmt::format("{}, ", column.name);
      values += fmt::format("{}, ", row.*column.field);
    }
    script += fmt::format("INSERT INTO {0} ({1}started_at, applied_at) VALUES ({2}{3}, {3});\n",
                          own_table(dialect, "migration_journal"), names, values, now_of(dialect));
  }
  return script;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

std::string who_runs(store::SchemaSession& session, Dialect dialect) {
  const std::string runner = fmt::format("user {} on {}, process {}", user_name(), host_name(), getpid());
  if (dialect == Dialect::sqlite) return runner;
  return fmt::format("role {}, {}", session.query("SELECT current_user").at(0).at(0), runner);
}

}  // namespace guildhall::migrate
