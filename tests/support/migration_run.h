// Migrations in a folder, and runs of them on a database of the test's own.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "migrate/run.h"
#include "tests/support/any_database.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::migrate {

template <class Fixture>
class RunTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  void remove(const std::string& name) { std::filesystem::remove(folder_.path() / name); }
  MigrationSet set() { return *read_migrations(folder_.path().string(), target().dialect); }

  template <class Options>
  Options with_speed(Options options) {
    using namespace std::chrono_literals;
    options.lock = {200ms, 1200ms, 600s, 300s, 20ms};
    options.limits.first_pause = 5ms;
    options.say = [this, say = options.say](const std::string& line) {
      said_ += line + "\n";
      say(line);
    };
    return options;
  }
  RunReport up(UpOptions options = {}) { return migrate::up(target(), set(), with_speed(options)); }
  RunReport down(DownOptions options = {}) { return migrate::down(target(), set(), with_speed(options)); }

  static std::vector<std::string> names(const RunReport& report) {
    std::vector<std::string> found;
    for (const Applied& one : report.applied) found.push_back(one.name);
    return found;
  }
  /// "0000_first applied"
  std::vector<std::string> standings() {
    std::vector<std::string> lines;
    for (const Standing& one : compare(set(), *Journal(session(), target().dialect).read()))
      lines.push_back(fmt::format("{} {}", one.name, name_of(one.state)));
    return lines;
  }
  std::string fingerprint() { return read_snapshot(session(), target().dialect).fingerprint(); }
  /// "OK", or the exit code and the code of the problem.
  static std::string result(const RunReport& report) {
    if (!report.failed) return "OK";
    return fmt::format("{} {}", static_cast<int>(report.failed->exit), report.failed->finding.code);
  }

  /// Of the shape of the first three of StreamBot.
  void write_three() {
    write("0000_foundation.sql",
          "CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);\n--> statement-breakpoint\n"
          "CREATE TABLE links (id integer PRIMARY KEY, platform text NOT NULL, platform_user_id text NOT "
          "NULL);");
    write("0000_foundation.down.sql", "DROP TABLE links; DROP TABLE users;");
    write("0003_unique_link.sql", "CREATE UNIQUE INDEX links_once ON links (platform, platform_user_id);");
    write("0003_unique_link.down.sql", "DROP INDEX links_once;");
    write("0004_entry_count.sql",
          "ALTER TABLE users ADD COLUMN entry_count integer DEFAULT 0;\nCREATE TABLE attempts (id integer "
          "PRIMARY KEY, "
          "user_id integer);\nCREATE INDEX attempts_user ON attempts (user_id);");
    write("0004_entry_count.down.sql", "DROP TABLE attempts;\nALTER TABLE users DROP COLUMN entry_count;");
  }

  test::TemporaryFolder folder_;
  std::string said_;
};

using AnyDatabaseRun = RunTest<test::OnAnyDatabase>;
using RunInPostgres = RunTest<test::OnPostgres>;
using RunOfSqlite = RunTest<test::OnSqlite>;

}  // namespace guildhall::migrate
