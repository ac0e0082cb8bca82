#include "migrate/migrate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <map>

#include "base/crypto.h"
#include "base/log.h"
#include "store/database_error.h"
#include "store/sqlite/schema_session.h"

namespace guildhall::migrate {
namespace {

constexpr const char* kJournal = R"sql(
CREATE TABLE IF NOT EXISTS migration_journal (
  seq                INTEGER PRIMARY KEY,
  name               TEXT    NOT NULL,
  direction          TEXT    NOT NULL CHECK (direction IN ('up', 'down', 'baseline', 'repair')),
  state              TEXT    NOT NULL CHECK (state IN ('started', 'applied', 'failed', 'partial', 'skipped')),
  checksum           TEXT    NOT NULL,
  norm_checksum      TEXT,
  down_checksum      TEXT,
  down_source        TEXT,
  statements_total   INTEGER,
  statements_done    INTEGER,
  started_at         INTEGER NOT NULL,
  applied_at         INTEGER,
  duration_ms        INTEGER,
  applied_by         TEXT    NOT NULL,
  tool_version       TEXT    NOT NULL,
  git_revision       TEXT,
  backup_file        TEXT,
  backup_sha256      TEXT,
  fingerprint_before TEXT,
  fingerprint_after  TEXT,
  lock_token         INTEGER,
  error              TEXT
) STRICT)sql";

/// "0001_core.sqlite.sql" -> "0001_core"
std::string stem(std::string_view file) { return std::string(file.substr(0, file.find('.'))); }

std::string checksum(std::string_view content) { return hex(sha256(content)); }

std::string applied_by() {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  return fmt::format("uid {} on {}, process {}", getuid(), host, getpid());
}

class Run {
 public:
  Run(store::SchemaSession& session, std::span<const EmbeddedFile> files, TimePoint now)
      : session_(session), files_(files), now_(now) {}

  Result<Report> run() {
    session_.execute(kJournal);
    if (auto known = check(read_journal()); !known) return std::unexpected(known.error());
    if (pending(read_journal()).empty()) return Report{};
    // Again under the write lock: another process may have been here in between.
    session_.execute("BEGIN IMMEDIATE");
    Report report;
    for (const EmbeddedFile* file : pending(read_journal())) {
      if (auto applied = apply(*file); !applied) {
        if (session_.in_transaction()) session_.execute("ROLLBACK");
        return std::unexpected(applied.error());
      }
      report.applied.push_back(stem(file->name));
    }
    session_.execute("COMMIT");
    return report;
  }

 private:
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
    for (const EmbeddedFile& file : files_) {
      if (!journal.contains(stem(file.name))) files.push_back(&file);
    }
    return files;
  }

  Result<void> check(const std::map<std::string, std::string>& journal) const {
    std::map<std::string, std::string> known;
    for (const EmbeddedFile& file : files_) known[stem(file.name)] = checksum(file.content);
    for (const auto& [name, sum] : journal) {
      const auto found = known.find(name);
      if (found == known.end()) {
        return fail(ErrorCode::schema,
                    fmt::format("database '{}' is newer than this program: it has migration {}",
                                session_.file(), name),
                    "Start the newer version of Guildhall again.");
      }
      if (found->second != sum) {
        return fail(
            ErrorCode::schema,
            fmt::format("migration {} was changed after it had been applied to '{}'", name, session_.file()),
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
      session_.query(
          "INSERT INTO migration_journal (name, direction, state, checksum, started_at, applied_at, "
          "duration_ms, "
          "applied_by, tool_version) VALUES (?1, 'up', 'applied', ?2, CAST(?3 AS INTEGER), CAST(?3 AS "
          "INTEGER), "
          "CAST(?4 AS INTEGER), ?5, ?6)",
          {name, checksum(file.content), std::to_string(to_micros(now_)), std::to_string(duration),
           applied_by(), GUILDHALL_VERSION});
      log::debug("migration applied", {log::field("name", name), log::field("ms", duration)});
      return {};
    } catch (const store::DatabaseError& error) {
      return fail(ErrorCode::storage, fmt::format("migration {} failed on '{}' and was rolled back: {}",
                                                  file.name, session_.file(), error.what()));
    }
  }

  store::SchemaSession& session_;
  std::span<const EmbeddedFile> files_;
  TimePoint now_;
};

}  // namespace

Result<Report> bring_up_to_date(const std::string& url, const std::string& data_dir,
                                std::span<const EmbeddedFile> files, TimePoint now) {
  auto session = store::SchemaSession::open(url, data_dir);
  if (!session) return std::unexpected(session.error());
  try {
    return Run(*session, files, now).run();
  } catch (const store::DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("database '{}': {}", session->file(), error.what()));
  }
}

}  // namespace guildhall::migrate
