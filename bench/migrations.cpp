// The migration tool: many small migrations against psql with the same files, status of a large directory,
// many SQLite files, and how fast SQL is read.
#include <fmt/format.h>
#include <pg_query.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/crypto.h"
#include "bench/bench.h"
#include "bench/postgres_server.h"
#include "migrate/fleet.h"
#include "migrate/history.h"
#include "migrate/lock.h"
#include "migrate/run.h"
#include "tests/support/any_database.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// NNNN_tN.sql, each with a table and an index; and one script in which psql runs them, a transaction each.
void write_migrations(const fs::path& folder, int count) {
  fs::create_directories(folder / "migrations");
  std::ofstream all(folder / "all.psql");
  for (int i = 0; i < count; ++i) {
    const std::string name = fmt::format("{:04}_t{}.sql", i, i);
    std::ofstream(folder / "migrations" / name) << fmt::format(
        "CREATE TABLE t{0} (id bigint PRIMARY KEY, name text NOT NULL, n integer DEFAULT 0);\n"
        "CREATE INDEX t{0}_name ON t{0} (name);\n",
        i);
    all << fmt::format("BEGIN;\n\\i {}\nCOMMIT;\n", (folder / "migrations" / name).string());
  }
}

double psql_seconds(const test::AnyDatabase& database, const fs::path& script) {
  const std::string command =
      fmt::format("/usr/lib/postgresql/15/bin/psql -X -q -v ON_ERROR_STOP=1 -f '{}' '{}'", script.string(),
                  database.target().url);
  const auto begin = Clock::now();
  if (std::system(command.c_str()) != 0) throw std::runtime_error("migrations: psql failed");
  return seconds_since(begin);
}

double tool_seconds(const test::AnyDatabase& database, const fs::path& folder, std::size_t count) {
  const auto begin = Clock::now();
  const auto set = migrate::read_migrations((folder / "migrations").string(), migrate::Dialect::postgres);
  if (!set) throw std::runtime_error(set.error().message);
  const auto report = migrate::up(database.target(), *set, {});
  const double seconds = seconds_since(begin);
  if (report.failed || report.applied.size() != count)
    throw std::runtime_error("migrations: " + (report.failed ? report.failed->finding.text : "too few"));
  return seconds;
}

Figure measure_up(int count) {
  progress("migrations: a directory of small ones");
  const test::TemporaryFolder folder;
  write_migrations(folder.path(), count);
  double ours = 0;
  double psql = 0;
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    const test::AnyDatabase one(migrate::Dialect::postgres);
    psql += psql_seconds(one, folder.path() / "all.psql") / kRounds;
    const test::AnyDatabase other(migrate::Dialect::postgres);
    ours += tool_seconds(other, folder.path(), static_cast<std::size_t>(count)) / kRounds;
  }
  Figure figure;
  figure.name = fmt::format("migrate-up-{}", count);
  figure.value = ours;
  figure.unit = "s";
  figure.reference = "psql with the same files, a transaction each";
  figure.reference_value = psql;
  figure.direction = Figure::Bound::at_most;
  // Of few the lock and the first look at the schema are a part that counts.
  figure.bound = count >= 500 ? 1.5 : 2;
  figure.note = "with journal, lock and a fingerprint after each";
  figure.target = "1.5 times at most";
  return figure;
}

/// As if all of them had been applied.
void journal_all(const test::AnyDatabase& database, const fs::path& folder) {
  const auto set = migrate::read_migrations((folder / "migrations").string(), migrate::Dialect::sqlite);
  std::vector<migrate::JournalRow> rows;
  for (const migrate::Migration& one : set->migrations) {
    migrate::JournalRow& row = rows.emplace_back();
    row.name = one.name;
    row.direction = "up";
    row.state = "applied";
    row.checksum = one.up->checksum;
    row.token_checksum = one.up->token_checksum;
    row.applied_by = "the bench";
    row.tool_version = GUILDHALL_VERSION;
  }
  auto session = *database.target().open("");
  session->execute("BEGIN;" + migrate::journal_script(migrate::Dialect::sqlite, rows) + "COMMIT");
}

Figure measure_status(int count) {
  progress("migrations: status of a large directory");
  const test::TemporaryFolder folder;
  write_migrations(folder.path(), count);
  const test::AnyDatabase database(migrate::Dialect::sqlite);
  journal_all(database, folder.path());
  const auto begin = Clock::now();
  const auto set =
      migrate::read_migrations((folder.path() / "migrations").string(), migrate::Dialect::sqlite);
  auto session = *database.target().open("");
  const auto rows = migrate::Journal(*session, migrate::Dialect::sqlite).read();
  const auto standings = migrate::compare(*set, *rows);
  if (migrate::look_at_lock(*session, migrate::Dialect::sqlite).held ||
      std::ranges::count(standings, migrate::State::applied, &migrate::Standing::state) != count)
    throw std::runtime_error("migrations: not all are applied");
  const double ours = seconds_since(begin);
  const auto again = Clock::now();
  std::size_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "migrations")) {
    std::ifstream input(entry.path(), std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(input), {});
    bytes += sha256(content).size();
  }
  Figure figure;
  figure.name = fmt::format("migrate-status-{}", count);
  figure.value = ours;
  figure.unit = "s";
  figure.reference = "reading the files and SHA-256 of each";
  figure.reference_value = seconds_since(again);
  figure.direction = Figure::Bound::at_most;
  figure.bound = 10;
  figure.note = fmt::format("{} files of two statements, {} bytes of sums", count, bytes);
  figure.target = "under 0.3 s";
  return figure;
}

/// Empty SQLite files in folder/files.
std::vector<std::string> make_files(const fs::path& folder, int count) {
  fs::create_directories(folder / "files");
  std::vector<std::string> urls;
  for (int i = 0; i < count; ++i) {
    urls.push_back(fmt::format("sqlite:{}/files/{}.db", folder.string(), i));
    if (!store::open_any_session({.url = urls.back(), .may_make_file = true}))
      throw std::runtime_error("migrations: cannot make " + urls.back());
  }
  return urls;
}

Figure measure_fleet(int files) {
  progress("migrations: a folder of SQLite files");
  constexpr int kMigrations = 3;
  const test::TemporaryFolder ours;
  write_migrations(ours.path(), kMigrations);
  make_files(ours.path(), files);
  const auto set = migrate::read_migrations((ours.path() / "migrations").string(), migrate::Dialect::sqlite);
  const auto begin = Clock::now();
  const auto report = migrate::fleet_up(*migrate::find_fleet((ours.path() / "files").string()), *set, {}, {});
  Figure figure;
  figure.value = seconds_since(begin);
  if (report.failed || report.migrations() != static_cast<std::size_t>(files * kMigrations))
    throw std::runtime_error("migrations: the folder did not come through");
  const test::TemporaryFolder bare;
  const auto urls = make_files(bare.path(), files);
  const auto again = Clock::now();
  for (const std::string& url : urls) {
    const auto session = *store::open_any_session({.url = url});
    for (const migrate::Migration& one : set->migrations)
      session->execute(fmt::format("BEGIN;{}COMMIT", one.up->sql));
  }
  figure.reference_value = seconds_since(again);
  figure.name = fmt::format("migrate-fleet-{}", files);
  figure.unit = "s";
  figure.reference = "SQLite with the same files one after the other, a transaction each";
  figure.direction = Figure::Bound::at_most;
  figure.bound = 6;
  figure.note =
      fmt::format("{} migrations in each file, with journal, lock and fingerprints, no backup", kMigrations);
  figure.target = "seconds";
  return figure;
}

Figure measure_lexer() {
  progress("migrations: the lexer");
  std::string sql;
  for (const auto& entry : fs::directory_iterator(fs::path(GUILDHALL_SOURCE_DIR) / "tests/sql_corpus")) {
    std::ifstream input(entry.path(), std::ios::binary);
    sql += std::string(std::istreambuf_iterator<char>(input), {}) + "\n";
  }
  const std::string once = sql;
  while (sql.size() < 2'000'000) sql += once;
  const auto begin = Clock::now();
  const auto statements = migrate::split_statements(sql, migrate::Dialect::postgres);
  const double ours = seconds_since(begin);
  if (!statements) throw std::runtime_error("lexer: " + statements.error().message);
  const auto again = Clock::now();
  const PgQuerySplitResult split = pg_query_split_with_scanner(sql.c_str());
  const double reference = seconds_since(again);
  pg_query_free_split_result(split);
  Figure figure;
  figure.name = "migrate-lexer";
  figure.value = static_cast<double>(sql.size()) / 1e6 / ours;
  figure.unit = "MB/s";
  figure.reference = "libpg-query's split with PostgreSQL's scanner";
  figure.reference_value = static_cast<double>(sql.size()) / 1e6 / reference;
  figure.bound = 0.3;
  figure.note = fmt::format("{} statements", statements->size());
  return figure;
}

}  // namespace

Figures measure_migrations(Size size) {
  need_postgres();
  const int count = size == Size::full ? 500 : 100;
  return {measure_up(count), measure_status(5'000), measure_fleet(200), measure_lexer()};
}

}  // namespace guildhall::bench
