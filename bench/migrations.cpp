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
#include "migrate/journal.h"
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

using migrate::Dialect;

/// A table and an index; on PostgreSQL three of ten in another form that projects use.
std::string migration(int i, Dialect dialect) {
  const int form = dialect == Dialect::postgres ? i % 10 : 0;
  if (form == 3) {
    return fmt::format(
        "CREATE TABLE IF NOT EXISTS t{0} (id bigint PRIMARY KEY, name text NOT NULL, n integer DEFAULT 0);\n"
        "CREATE INDEX IF NOT EXISTS t{0}_name ON t{0} (name);\n",
        i);
  }
  const std::string column =
      form == 6 ? fmt::format("bigint REFERENCES t{} (id)", i - 1) : "integer DEFAULT 0";
  const std::string index = fmt::format("CREATE INDEX t{0}_name ON t{0} (name);", i);
  return fmt::format(
      "CREATE TABLE t{} (id bigint PRIMARY KEY, name text NOT NULL, n {});\n{}\n", i, column,
      form == 9 ? fmt::format("DO $$ BEGIN\n  IF to_regclass('t{}_name') IS NULL THEN {} END IF;\nEND $$;", i,
                              index)
                : index);
}

/// NNNN_tN.sql; and one script in which psql runs them, a transaction each.
void write_migrations(const fs::path& folder, int count, Dialect dialect) {
  fs::create_directories(folder / "migrations");
  std::ofstream all(folder / "all.psql");
  for (int i = 0; i < count; ++i) {
    const std::string name = fmt::format("{:04}_t{}.sql", i, i);
    std::ofstream(folder / "migrations" / name) << migration(i, dialect);
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
  const auto set = migrate::read_migrations((folder / "migrations").string(), Dialect::postgres);
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
  write_migrations(folder.path(), count, Dialect::postgres);
  double ours = 0;
  double psql = 0;
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds; ++round) {
    const test::AnyDatabase one(Dialect::postgres);
    psql += psql_seconds(one, folder.path() / "all.psql") / kRounds;
    const test::AnyDatabase other(Dialect::postgres);
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
  const auto set = migrate::read_migrations((folder / "migrations").string(), Dialect::sqlite);
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
  session->execute("BEGIN;" + migrate::journal_script(Dialect::sqlite, rows) + "COMMIT");
}

/// `guildhall migrate status` as a person calls it, from the start of the program to its end: the median of
/// some calls. The program is the one beside this one.
double status_seconds(const test::AnyDatabase& database, const fs::path& folder, int count) {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "guildhall";
  const fs::path answer = folder / "answer";
  const std::string command =
      fmt::format("'{}' migrate status --check --dir '{}' --url '{}' --backup-dir '{}' >'{}'",
                  program.string(), (folder / "migrations").string(), database.target().url,
                  (folder / "backups").string(), answer.string());
  std::vector<double> times;
  for (int round = 0; round < 7; ++round) {
    const auto begin = Clock::now();
    if (std::system(command.c_str()) != 0)
      throw std::runtime_error("migrations: " + program.string() + " migrate status failed");
    times.push_back(seconds_since(begin));
  }
  std::ifstream input(answer);
  int applied = 0;
  for (std::string line; std::getline(input, line);) applied += line.contains(" applied ") ? 1 : 0;
  if (applied < count) throw std::runtime_error("migrations: status does not show all as applied");
  std::ranges::nth_element(times, times.begin() + 3);
  return times[3];
}

double reading_seconds(const fs::path& folder) {
  const auto begin = Clock::now();
  std::size_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream input(entry.path(), std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(input), {});
    bytes += sha256(content).size();
  }
  if (bytes == 0) throw std::runtime_error("migrations: there is nothing to read");
  return seconds_since(begin);
}

/// Beside the least that has to be done on any machine; full: also beside what is promised of a quiet one.
Figures measure_status(int count, Size size) {
  progress("migrations: status of a large directory");
  const test::TemporaryFolder folder;
  write_migrations(folder.path(), count, Dialect::sqlite);
  const test::AnyDatabase database(Dialect::sqlite);
  journal_all(database, folder.path());
  Figure figure;
  figure.name = fmt::format("migrate-status-{}", count);
  figure.value = status_seconds(database, folder.path(), count);
  figure.unit = "s";
  figure.reference = "reading the files and SHA-256 of each";
  figure.reference_value = reading_seconds(folder.path() / "migrations");
  figure.direction = Figure::Bound::at_most;
  figure.bound = 10;
  figure.note = fmt::format("the whole command, {} files of two statements", count);
  figure.target = "under 0.3 s";
  if (size == Size::quick) return {figure};
  Figure promised = figure;
  promised.name = "migrate-status-promise";
  promised.reference = "what is promised of a quiet machine";
  promised.reference_value = 0.3;
  promised.bound = 1;
  return {figure, promised};
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
  write_migrations(ours.path(), kMigrations, Dialect::sqlite);
  make_files(ours.path(), files);
  const auto set = migrate::read_migrations((ours.path() / "migrations").string(), Dialect::sqlite);
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
  const auto statements = migrate::split_statements(sql, Dialect::postgres);
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
  Figures figures{measure_up(count)};
  for (Figure& one : measure_status(5'000, size)) figures.push_back(std::move(one));
  figures.push_back(measure_fleet(200));
  figures.push_back(measure_lexer());
  return figures;
}

}  // namespace guildhall::bench
