#include "migrate/journal.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "migrate/target.h"

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
  int since = 1;  // version of the journal
};
constexpr std::array<TextColumn, 20> kTexts{{{"name", &JournalRow::name},
                                             {"direction", &JournalRow::direction},
                                             {"state", &JournalRow::state},
                                             {"checksum", &JournalRow::checksum},
                                             {"norm_checksum", &JournalRow::token_checksum},
                                             {"down_checksum", &JournalRow::down_checksum},
                                             {"down_source", &JournalRow::down_source},
                                             {"down_script", &JournalRow::down_script},
                                             {"statement_checksums", &JournalRow::statement_checksums},
                                             {"applied_by", &JournalRow::applied_by},
                                             {"tool_version", &JournalRow::tool_version},
                                             {"git_revision", &JournalRow::git_revision},
                                             {"backup_file", &JournalRow::backup_file},
                                             {"backup_sha256", &JournalRow::backup_sha256},
                                             {"fingerprint_before", &JournalRow::fingerprint_before},
                                             {"fingerprint_after", &JournalRow::fingerprint_after},
                                             {"schema_changes", &JournalRow::schema_changes},
                                             {"error", &JournalRow::error},
                                             {"note", &JournalRow::note},
                                             {"batch_key", &JournalRow::batch_key, 2}}};

struct NumberColumn {
  const char* name;
  std::int64_t JournalRow::* field;
  int since = 1;
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

/// Problem `no_database` when it is newer.
Outcome<int> Journal::known_version() const {
  const auto rows =
      session_.query(fmt::format("SELECT version FROM {}", own_table(dialect_, "migration_journal_version")));
  const int found = rows.empty() ? 0 : std::stoi(rows[0][0]);
  if (found <= kJournalVersion) return found;
  return stop(Exit::no_database, "MG-JOURNAL",
              fmt::format("the journal of '{}' has version {}, and this program knows {}", session_.name(),
                          found, kJournalVersion),
              "Use the newer version of Guildhall.");
}

Outcome<void> Journal::prepare() {
  if (exists()) {
    const auto version = known_version();
    if (!version) return std::unexpected(version.error());
    if (*version < 2) session_.execute(fill(kToVersion2, dialect_));
    return {};
  }
  if (dialect_ == Dialect::postgres) session_.execute("CREATE SCHEMA IF NOT EXISTS guildhall");
  session_.execute(fill(kTables, dialect_));
  session_.execute(std::string(dialect_ == Dialect::postgres ? kPostgresGuard : kSqliteGuard));
  session_.execute(fill(kLockTable, dialect_));
  make_views();
  return {};
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
  if (!exists()) return rows;
  const auto version = known_version();
  if (!version) return std::unexpected(version.error());
  // Who only reads makes nothing new of an older one.
  const auto selected = [&](const auto& column) {
    return fmt::format(", {}", column.since <= *version ? column.name : "NULL");
  };
  std::string sql =
      fmt::format("SELECT seq, {}, {}", micros_of("started_at", dialect_), micros_of("applied_at", dialect_));
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
          "statement_checksums = nullif($6, ''), "
          "statements_total = {}, statements_done = {}, duration_ms = {}, applied_at = {} WHERE seq = {}",
          table(), row.statements_total, row.statements_done, row.duration_ms,
          is_finished(row.state) ? now_of(dialect_) : "NULL", seq),
      {row.state, row.error, row.fingerprint_after, row.checksum, row.token_checksum, row.statement_checksums,
       row.schema_changes});
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

std::string host_name() {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  return host;
}

std::string user_name() {
  const passwd* user = getpwuid(getuid());
  return user == nullptr ? fmt::format("uid {}", getuid()) : user->pw_name;
}

std::string who_runs(store::SchemaSession& session, Dialect dialect) {
  const std::string runner = fmt::format("user {} on {}, process {}", user_name(), host_name(), getpid());
  if (dialect == Dialect::sqlite) return runner;
  return fmt::format("role {}, {}", session.query("SELECT current_user").at(0).at(0), runner);
}

}  // namespace guildhall::migrate
