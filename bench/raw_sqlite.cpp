#include "bench/raw_sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <stdexcept>

#include "tests/support/temporary_folder.h"

namespace guildhall::bench {
namespace {

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};
using DatabasePtr = std::unique_ptr<sqlite3, Close>;
using StatementPtr = std::unique_ptr<sqlite3_stmt, Close>;
using Row = std::vector<std::unique_ptr<sqlite3_value, Close>>;

void expect(sqlite3* database, bool good) {
  if (!good) throw std::runtime_error(fmt::format("raw SQLite: {}", sqlite3_errmsg(database)));
}

DatabasePtr open(const std::string& file) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open(file.c_str(), &opened);
  DatabasePtr database(opened);
  expect(opened, result == SQLITE_OK);
  return database;
}

void execute(const DatabasePtr& database, const std::string& sql) {
  expect(database.get(), sqlite3_exec(database.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
}

StatementPtr prepare(const DatabasePtr& database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  expect(database.get(),
         sqlite3_prepare_v2(database.get(), sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  return StatementPtr(statement);
}

std::vector<Row> read(const DatabasePtr& database, const std::string& sql) {
  const StatementPtr statement = prepare(database, sql);
  std::vector<Row> rows;
  while (sqlite3_step(statement.get()) == SQLITE_ROW) {
    Row& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(statement.get()); ++i)
      row.emplace_back(sqlite3_value_dup(sqlite3_column_value(statement.get(), i)));
  }
  return rows;
}

/// One table's rows with the statement that writes them.
struct Table {
  std::vector<Row> rows;
  StatementPtr insert;

  void write(std::size_t event) const {
    const Row& row = rows[event % rows.size()];
    for (std::size_t i = 0; i < row.size(); ++i)
      sqlite3_bind_value(insert.get(), static_cast<int>(i) + 1, row[i].get());
    const int result = sqlite3_step(insert.get());
    expect(sqlite3_db_handle(insert.get()), result == SQLITE_DONE);
    sqlite3_reset(insert.get());
  }
};

Table copy_of(const std::string& name, const DatabasePtr& source, const DatabasePtr& target) {
  for (const Row& row :
       read(source, fmt::format("SELECT sql FROM sqlite_schema WHERE tbl_name = '{}' AND sql "
                                "IS NOT NULL ORDER BY type DESC",
                                name))) {
    execute(target, reinterpret_cast<const char*>(sqlite3_value_text(row.front().get())));
  }
  // Without what the table works out by itself.
  std::string columns;
  for (const Row& row : read(source, fmt::format("SELECT name FROM pragma_table_info('{}')", name))) {
    columns += columns.empty() ? "" : ", ";
    columns += reinterpret_cast<const char*>(sqlite3_value_text(row.front().get()));
  }
  Table table;
  table.rows = read(source, fmt::format("SELECT {} FROM {}", columns, name));
  if (table.rows.empty()) throw std::runtime_error("raw SQLite: no rows in " + name);
  // Events of many servers come in no order of any key.
  std::shuffle(table.rows.begin(), table.rows.end(), std::mt19937_64(1));
  std::string marks = "?";
  for (std::size_t i = 1; i < table.rows.front().size(); ++i) marks += ", ?";
  table.insert =
      prepare(target, fmt::format("INSERT OR REPLACE INTO {} ({}) VALUES ({})", name, columns, marks));
  return table;
}

}  // namespace

double raw_events_per_second(const RawLoad& load) {
  const test::TemporaryFolder folder;
  const DatabasePtr source = open(load.source);
  const DatabasePtr target = open((folder.path() / "raw.db").string());
  execute(target, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000");
  std::vector<Table> tables;
  for (const std::string& name : load.tables) tables.push_back(copy_of(name, source, target));

  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t event = 0; event < load.events;) {
    execute(target, "BEGIN IMMEDIATE");
    for (const std::size_t end = std::min(event + load.group, load.events); event < end; ++event) {
      for (const Table& table : tables) table.write(event);
    }
    execute(target, "COMMIT");
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(load.events) / taken.count();
}

double raw_seconds_of_files(const RawFiles& load) {
  const test::TemporaryFolder folder;
  const DatabasePtr source = open(load.source);
  struct File {
    DatabasePtr database;
    std::vector<Table> tables;
  };
  std::vector<File> files;
  for (std::size_t i = 0; i < load.files; ++i) {
    File& file = files.emplace_back();
    file.database = open((folder.path() / fmt::format("{}.db", i)).string());
    execute(file.database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    for (const std::string& name : load.tables) file.tables.push_back(copy_of(name, source, file.database));
  }
  double seconds = 0;
  for (int round = 0; round < 2; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (const File& file : files) {
      execute(file.database, "BEGIN IMMEDIATE");
      for (const Table& table : file.tables) {
        for (std::size_t row = 0; row < table.rows.size(); ++row) table.write(row);
      }
      execute(file.database, "COMMIT");
    }
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return seconds;
}

}  // namespace guildhall::bench
