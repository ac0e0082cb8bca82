#include "convert/sqlite_checks.h"

#include <fmt/format.h>

#include <filesystem>

#include "convert/sqlite_proof.h"
#include "convert/sqlite_run.h"

namespace guildhall::convert {
namespace {

using migrate::Level;

constexpr std::string_view kTried = "3.40.";

void look_at_settings(store::SchemaSession& session, SqliteHealth& health) {
  health.version = session.query("SELECT sqlite_version()").at(0).at(0);
  if (!health.version.starts_with(kTried))
    health.findings.push_back({"CV-VERSION", Level::warning, "", 0,
                               fmt::format("SQLite {} was not tried; 3.40 was", health.version), ""});
  health.journal_mode = session.query("PRAGMA journal_mode").at(0).at(0);
  if (health.journal_mode != "wal")
    health.findings.push_back(
        {"CV-JOURNAL", Level::warning, "", 0,
         fmt::format("the journal mode is {}: whoever reads the file waits for each write",
                     health.journal_mode),
         "PRAGMA journal_mode=WAL lets others read on meanwhile. It stays set in the file."});
}

/// A table whose reference leads to no key is no reason to stop: SQLite refuses to check it, and says so.
void look_at_references(store::SchemaSession& session, SqliteHealth& health) {
  for (const auto& row : session.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")) {
    try {
      health.dangling += static_cast<std::size_t>(
          number_of(session, "SELECT count(*) FROM pragma_foreign_key_check($1)", {row[0]}));
    } catch (const store::DatabaseError& error) {
      health.findings.push_back({"CV-DANGLING", Level::warning, row[0], 0,
                                 fmt::format("table {} cannot be checked: {}", row[0], error.what()), ""});
    }
  }
  if (health.dangling > 0)
    health.findings.push_back({"CV-DANGLING", Level::info, "", 0,
                               fmt::format("{} rows refer to a row that is not there", health.dangling),
                               "They stay as they are, and are listed one by one."});
}

}  // namespace

migrate::Outcome<SqliteHealth> check_sqlite(store::SchemaSession& session, std::chrono::milliseconds wait,
                                            const migrate::FreeSpaceOf& free_space) try {
  SqliteHealth health;
  look_at_settings(session, health);
  // Each row is looked for in each index: of a file that does not fit into memory page after page is read
  // again.
  const SqliteSettings settings(session, wait);
  if (auto sound = check_integrity(session); !sound) return std::unexpected(sound.error());
  look_at_references(session, health);
  health.bytes = static_cast<std::uintmax_t>(
      number_of(session, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"));
  const auto folder = std::filesystem::absolute(session.name()).parent_path();
  const auto free = free_space(folder);
  if (!free) return std::unexpected(migrate::problem_of(free.error()));
  health.free_bytes = *free;
  if (health.free_bytes < 2 * health.bytes)
    return migrate::stop(migrate::Exit::no_space, "CV-SPACE",
                         fmt::format("{} are free in {}, and {} are needed: twice the file",
                                     migrate::shown_bytes(health.free_bytes), folder.string(),
                                     migrate::shown_bytes(2 * health.bytes)),
                         "Make room there, or move the file to a larger disk.");
  const SqliteTransaction taken(session);
  return health;
} catch (const store::DatabaseError& error) {
  return std::unexpected(sqlite_problem(error));
}

}  // namespace guildhall::convert
