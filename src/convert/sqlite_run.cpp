#include "convert/sqlite_run.h"

#include <fmt/format.h>

#include "store/quoting.h"

namespace guildhall::convert {
namespace {

/// Pages in memory while tables are made anew (negative: KiB). What does not fit is written out, and read
/// back again for each comparison.
constexpr int kCache = -256 * 1024;

}  // namespace

SqliteSettings::SqliteSettings(store::SchemaSession& session, std::chrono::milliseconds wait)
    : session_(session) {
  if (session.in_transaction())
    throw store::DatabaseError(store::DbCode::other, "", "a conversion cannot begin within a transaction");
  foreign_keys_ = session.query("PRAGMA foreign_keys").at(0).at(0);
  legacy_ = session.query("PRAGMA legacy_alter_table").at(0).at(0);
  busy_ = session.query("PRAGMA busy_timeout").at(0).at(0);
  cache_ = session.query("PRAGMA cache_size").at(0).at(0);
  session.execute(fmt::format(
      "PRAGMA foreign_keys=OFF; PRAGMA legacy_alter_table=ON; PRAGMA busy_timeout={}; PRAGMA cache_size={}",
      wait.count(), kCache));
}

SqliteSettings::~SqliteSettings() {
  try {
    session_.execute(fmt::format(
        "PRAGMA foreign_keys={}; PRAGMA legacy_alter_table={}; PRAGMA busy_timeout={}; PRAGMA cache_size={}",
        foreign_keys_, legacy_, busy_, cache_));
  } catch (const store::DatabaseError&) {
    // The session is of no use any more.
  }
}

SqliteTransaction::SqliteTransaction(store::SchemaSession& session) : session_(session) { session.begin(); }

SqliteTransaction::~SqliteTransaction() {
  try {
    if (session_.in_transaction()) session_.execute("ROLLBACK");
  } catch (const store::DatabaseError&) {
    // The file takes back what was not committed when it is opened next.
  }
}

void SqliteTransaction::commit() { session_.execute("COMMIT"); }

TriggersAside::TriggersAside(store::SchemaSession& session, const std::string& table) : session_(session) {
  for (const auto& row : session.query(
           "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = $1 COLLATE NOCASE",
           {table})) {
    texts_.push_back(row[1]);
    session.execute(fmt::format("DROP TRIGGER {}", store::quoted_name(row[0])));
  }
}

void TriggersAside::put_back() const {
  for (const std::string& text : texts_) session_.execute(text);
}

migrate::Problem sqlite_problem(const store::DatabaseError& error) {
  if (error.code() != store::DbCode::busy) return migrate::problem_of(error);
  return migrate::stop(migrate::Exit::timed_out, "CV-BUSY",
                       "another program was writing into the file all the time; nothing was changed",
                       "Run this again, or stop the bot for that long.")
      .error();
}

std::string written_state(store::SchemaSession& session) {
  return session.query("PRAGMA data_version").at(0).at(0);
}

std::int64_t number_of(store::SchemaSession& session, const std::string& sql,
                       const std::vector<std::string>& values) {
  const auto rows = session.query(sql, values);
  return rows.empty() || rows[0][0].empty() ? 0 : std::stoll(rows[0][0]);
}

}  // namespace guildhall::convert
