#include "migrate/migrate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <map>

#include "base/crypto.h"
#include "base/log.h"
#include "store/database_error.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::migrate {
namespace {

constexpr std::string_view kJournal = R"sql(
CREATE TABLE migration_journal (
  seq                {seq},
  name               TEXT    NOT NULL,
  direction          TEXT    NOT NULL CHECK (direction IN ('up', 'down', 'baseline', 'repair')),
  state              TEXT    NOT NULL CHECK (state IN ('started', 'applied', 'failed', 'partial', 'skipped')),
  checksum           TEXT    NOT NULL,
  norm_checksum      TEXT,
  down_checksum      TEXT,
  down_source        TEXT,
  statements_total   BIGINT,
  statements_done    BIGINT,
  started_at         BIGINT NOT NULL,
  applied_at         BIGINT,
  duration_ms        BIGINT,
  applied_by         TEXT    NOT NULL,
  tool_version       TEXT    NOT NULL,
  git_revision       TEXT,
  backup_file        TEXT,
  backup_sha256      TEXT,
  fingerprint_before TEXT,
  fingerprint_after  TEXT,
  lock_token         BIGINT,
  error              TEXT
))sql";

/// "0001_core.sqlite.sql" -> "0001_core"
std::string stem(std::string_view file) { return std::string(file.substr(0, file.find('.'))); }

std::string checksum(std::string_view content) { return hex(sha256(content)); }

std::string applied_by() {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  return fmt::format("uid {} on {}, process {}", getuid(), host, getpid());
}

std::string journal_table(Dialect dialect) {
  std::string sql(kJournal);
  const bool sqlite = dialect == Dialect::sqlite;
  sql.replace(sql.find("{seq}"), 5,
              sqlite ? "INTEGER PRIMARY KEY" : "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY");
  if (!sqlite) return sql;
  // SQLite's strict tables know one word for whole numbers.
  for (auto at = sql.find("BIGINT"); at != std::string::npos; at = sql.find("BIGINT"))
    sql.replace(at, 6, "INTEGER");
  return sql + " STRICT";
}

/// The files that are written for this database, in order.
std::vector<const EmbeddedFile*> files_for(Dialect dialect, std::span<const EmbeddedFile> all) {
  const std::string_view other = dialect == Dialect::sqlite ? ".postgres.sql" : ".sqlite.sql";
  std::vector<const EmbeddedFile*> files;
  for (const EmbeddedFile& file : all) {
    if (!file.name.ends_with(other)) files.push_back(&file);
  }
  return files;
}

std::string quoted_text(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

/// The row that says: applied.
std::string journal_entry(const EmbeddedFile& file, TimePoint now, std::int64_t duration_ms) {
  return fmt::format(
      "INSERT INTO migration_journal (name, direction, state, checksum, started_at, applied_at, duration_ms, "
      "applied_by, tool_version) VALUES ({0}, 'up', 'applied', '{1}', {2}, {2}, {3}, {4}, {5})",
      quoted_text(stem(file.name)), checksum(file.content), to_micros(now), duration_ms,
      quoted_text(applied_by()), quoted_text(GUILDHALL_VERSION));
}

class Run {
 public:
  Run(store::SchemaSession& session, Dialect dialect, std::span<const EmbeddedFile> files, TimePoint now)
      : session_(session), dialect_(dialect), files_(files_for(dialect, files)), now_(now) {}

  Result<Report> run(std::span<const std::string> afterwards) {
    if (has_journal()) {
      const auto journal = read_journal();
      if (auto known = check(journal); !known) return std::unexpected(known.error());
      if (pending(journal).empty()) return Report{};
    }
    // Again, now that nobody else can write: another process may have been here in between.
    session_.begin();
    auto report = apply_pending(afterwards);
    if (session_.in_transaction()) session_.execute(report ? "COMMIT" : "ROLLBACK");
    return report;
  }

  Result<void> check_version() {
    const auto journal = has_journal() ? read_journal() : std::map<std::string, std::string>{};
    if (auto known = check(journal); !known) return known;
    const auto missing = pending(journal);
    if (missing.empty()) return {};
    return fail(ErrorCode::schema,
                fmt::format("database '{}' is older than this program: it lacks migration {}",
                            session_.name(), stem(missing.front()->name)),
                dialect_ == Dialect::sqlite
                    ? "Open it once with this program, which brings it up to date: `guildhall server list`, "
                      "or for the file of one server `guildhall settings list --server ID`."
                    : "Set database.migrate_url, which may change the schema, and start again.");
  }

 private:
  bool has_journal() {
    const std::string sql =
        dialect_ == Dialect::sqlite
            ? "SELECT name FROM sqlite_schema WHERE name = 'migration_journal'"
            : "SELECT c.oid FROM pg_class c WHERE c.oid = to_regclass('migration_journal')";
    return !session_.query(sql).empty();
  }

  Result<Report> apply_pending(std::span<const std::string> afterwards) {
    if (!has_journal()) session_.execute(journal_table(dialect_));
    const auto journal = read_journal();
    if (auto known = check(journal); !known) return std::unexpected(known.error());
    Report report;
    for (const EmbeddedFile* file : pending(journal)) {
      if (auto applied = apply(*file); !applied) return std::unexpected(applied.error());
      report.applied.push_back(stem(file->name));
    }
    if (!report.applied.empty()) {
      for (const std::string& statement : afterwards) session_.execute(statement);
    }
    return report;
  }

  std::map<std::string, std::string> read_journal() {
    std::map<std::string, std::string> applied;
    for (const auto& row :
         session_.query("SELECT name, checksum FROM migration_journal WHERE state = 'applied' AND "
                        "direction IN ('up', 'baseline') ORDER BY seq")) {
      applied[row[0]] = row[1];
    }
    return applied;
  }

  std::vector<const EmbeddedFile*> pending(const std::map<std::string, std::string>& journal) const {
    std::vector<const EmbeddedFile*> files;
    for (const EmbeddedFile* file : files_) {
      if (!journal.contains(stem(file->name))) files.push_back(file);
    }
    return files;
  }

  Result<void> check(const std::map<std::string, std::string>& journal) const {
    std::map<std::string, std::string> known;
    for (const EmbeddedFile* file : files_) known[stem(file->name)] = checksum(file->content);
    for (const auto& [name, sum] : journal) {
      const auto found = known.find(name);
      if (found == known.end()) {
        return fail(ErrorCode::schema,
                    fmt::format("database '{}' is newer than this program: it has migration {}",
                                session_.name(), name),
                    "Start the newer version of Guildhall again.");
      }
      if (found->second != sum) {
        return fail(
            ErrorCode::schema,
            fmt::format("migration {} was changed after it had been applied to '{}'", name, session_.name()),
            "Use a build whose migration files are the released ones.");
      }
    }
    return {};
  }

  Result<void> apply(const EmbeddedFile& file) {
    const std::string name = stem(file.name);
    const auto begin = std::chrono::steady_clock::now();
    try {
      session_.execute(std::string(file.content));
      const auto took = std::chrono::steady_clock::now() - begin;
      const auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
      session_.execute(journal_entry(file, now_, duration));
      log::debug("migration applied", {log::field("name", name), log::field("ms", duration)});
      return {};
    } catch (const store::DatabaseError& error) {
      return fail(ErrorCode::storage, fmt::format("migration {} failed on '{}' and was rolled back: {}",
                                                  file.name, session_.name(), error.what()));
    }
  }

  store::SchemaSession& session_;
  Dialect dialect_;
  std::vector<const EmbeddedFile*> files_;
  TimePoint now_;
};

}  // namespace

Result<Report> bring_up_to_date(store::SchemaSession& session, Dialect dialect,
                                std::span<const EmbeddedFile> files, TimePoint now,
                                std::span<const std::string> afterwards) {
  try {
    return Run(session, dialect, files, now).run(afterwards);
  } catch (const store::DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("database '{}': {}", session.name(), error.what()));
  }
}

Result<void> check_version(store::SchemaSession& session, Dialect dialect,
                           std::span<const EmbeddedFile> files) {
  try {
    return Run(session, dialect, files, TimePoint{}).check_version();
  } catch (const store::DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("database '{}': {}", session.name(), error.what()));
  }
}

std::string schema_script(Dialect dialect, std::span<const EmbeddedFile> files, TimePoint now) {
  std::string script = journal_table(dialect) + ";\n";
  for (const EmbeddedFile* file : files_for(dialect, files))
    script += fmt::format("\n{}\n{};\n", file->content, journal_entry(*file, now, 0));
  return script;
}

Result<Report> prepare_schema(const store::DatabasePlace& place, const tenancy::TableCatalog& tables,
                              TimePoint now) {
  auto session = store::open_schema_session(place);
  if (!session) return std::unexpected(session.error());
  if (place.layout != store::Layout::postgres)
    return bring_up_to_date(**session, Dialect::sqlite, embedded_files(), now);
  if (!place.migrate_url.empty()) {
    // New tables are sealed in the transaction that makes them.
    return bring_up_to_date(**session, Dialect::postgres, embedded_files(), now,
                            tenancy::seal_tables(tables));
  }
  const auto checked = check_version(**session, Dialect::postgres, embedded_files());
  if (!checked) return std::unexpected(checked.error());
  return Report{};
}

std::function<Result<void>(store::SchemaSession&)> file_preparation(const Clock& clock) {
  return [&clock](store::SchemaSession& session) -> Result<void> {
    const auto report = bring_up_to_date(session, Dialect::sqlite, embedded_files(), clock.now());
    if (!report) return std::unexpected(report.error());
    return {};
  };
}

}  // namespace guildhall::migrate
