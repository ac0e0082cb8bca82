#include "migrate/fleet.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <map>

#include "base/process.h"
#include "migrate/fleet_lock.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

/// Databases in files/, all empty at first, the last active first: a, b, c, ...
class FleetTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(files_);
    fs::create_directory(migrations_);
    write("0001_notes.sql", "CREATE TABLE notes (id INTEGER PRIMARY KEY, n INTEGER);");
    write("0001_notes.down.sql", "DROP TABLE notes;");
    write("0002_seen.sql", "ALTER TABLE notes ADD COLUMN seen INTEGER;");
    write("0002_seen.down.sql", "ALTER TABLE notes DROP COLUMN seen;");
  }
  void write(const std::string& name, const std::string& sql) const {
    std::ofstream(migrations_ / name) << sql;
  }
  fs::path file(const std::string& name) const { return files_ / (name + ".db"); }
  void make(const std::string& names) {
    for (const char name : names) make_one(std::string(1, name), age_ += 1min);
  }
  void make_one(const std::string& name, std::chrono::minutes age) const {
    execute(name, "CREATE TABLE own (x INTEGER)");
    set_age(name, age);
  }
  void set_age(const std::string& name, std::chrono::seconds age) const {
    fs::last_write_time(file(name), fs::file_time_type::clock::now() - age);
  }
  std::unique_ptr<store::SchemaSession> open(const std::string& name) const {
    return *store::open_any_session({.url = "sqlite:" + file(name).string(), .may_make_file = true});
  }
  void execute(const std::string& name, const std::string& sql) const { open(name)->execute(sql); }
  void break_file(const std::string& name) const {
    std::ofstream(file(name), std::ios::binary) << std::string(8'192, 'x');
  }

  Fleet fleet() const { return *find_fleet(files_.string()); }
  MigrationSet set() const { return *read_migrations(migrations_.string(), Dialect::sqlite); }
  template <class Options>
  Options each(Options options = {}) {
    options.lock = {200ms, 1200ms, 600s, 300s, 20ms};
    options.say = [this](const std::string& line) { said_ += line + "\n"; };
    return options;
  }
  FleetReport up(FleetOptions options = {}, UpOptions of_each = {}) {
    return fleet_up(fleet(), set(), each(std::move(of_each)), options);
  }
  FleetReport down(const std::string& to) {
    DownOptions options;
    options.to = to;
    return fleet_down(fleet(), set(), each(std::move(options)), {});
  }
  /// "a up to date", ...
  std::vector<std::string> states() const {
    std::vector<std::string> lines;
    for (const MemberLook& one : look_at_fleet(fleet(), set()))
      lines.push_back(fmt::format("{} {}", one.name, name_of(one.state)));
    std::ranges::sort(lines);
    return lines;
  }
  static std::vector<std::string> tried(const FleetReport& report) {
    std::vector<std::string> names;
    for (const MemberRun& one : report.runs) names.push_back(one.name);
    return names;
  }
  static std::vector<std::string> failed(const FleetReport& report) {
    std::vector<std::string> names;
    for (const MemberRun* one : report.failures()) names.push_back(one->name);
    return names;
  }
  /// "OK", or the exit code and the code of the problem.
  static std::string result(const FleetReport& report) {
    if (!report.failed) return "OK";
    return fmt::format("{} {}", static_cast<int>(report.failed->exit), report.failed->finding.code);
  }

  test::TemporaryFolder folder_;
  const fs::path files_ = folder_.path() / "files";
  const fs::path migrations_ = folder_.path() / "migrations";
  std::chrono::minutes age_{0};
  std::string said_;
};

// --- which files

TEST_F(FleetTest, TheFilesOfAFolderTheLastActiveFirst) {
  make("ab");
  std::ofstream(files_ / "notes.txt") << "none";
  fs::create_directory(files_ / "folder.db");
  fs::rename(file("b"), files_ / "b.sqlite3");
  make_one("c", 1h);
  // What is written to the log has not reached the file.
  std::ofstream(file("c").string() + "-wal") << "";
  std::vector<std::string> names;
  for (const FleetMember& one : fleet().members) names.push_back(one.name);
  EXPECT_THAT(names, ElementsAre("c", "a", "b"));
}

TEST_F(FleetTest, FoldersThatAreNoFleet) {
  const auto problem = [](const fs::path& folder) {
    const auto found = find_fleet(folder.string());
    return found ? "" : found.error().finding.code + " " + found.error().finding.text;
  };
  EXPECT_THAT(problem(files_), HasSubstr("E-NOTFOUND there is no SQLite file"));
  EXPECT_THAT(problem(files_ / "nowhere"), HasSubstr("E-NOTFOUND the folder"));
  make("a");
  fs::copy_file(file("a"), files_ / "a.sqlite");
  EXPECT_THAT(problem(files_), testing::AllOf(HasSubstr("E-TWOFILES"), HasSubstr("a.sqlite")));
}

// --- up

TEST_F(FleetTest, EachFileGoesUpWithItsOwnJournal) {
  make("abc");
  EXPECT_THAT(states(), ElementsAre("a pending", "b pending", "c pending"));
  const auto report = up();
  EXPECT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_THAT(tried(report), UnorderedElementsAre("a", "b", "c"));
  EXPECT_EQ(report.migrations(), 6U);
  EXPECT_THAT(states(), ElementsAre("a up to date", "b up to date", "c up to date"));
  for (const char* name : {"a", "b", "c"}) {
    const auto session = open(name);
    EXPECT_THAT(*Journal(*session, Dialect::sqlite).read(), SizeIs(2));
    EXPECT_THAT(session->query("SELECT * FROM migration_lock"), IsEmpty());
  }
  EXPECT_FALSE(fs::exists(files_ / ".migrate-lock"));
}

TEST_F(FleetTest, TheCanaryIsTheLastActiveOneOrTheOneThatIsNamed) {
  make("abc");
  const auto first = up({.at_once = 1});
  EXPECT_THAT(tried(first), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(first.runs[0].is_canary);
  EXPECT_FALSE(first.runs[1].is_canary);
  write("0003_more.sql", "CREATE TABLE more (x INTEGER);");
  const auto named = up({.canary = "c", .at_once = 1});
  EXPECT_EQ(tried(named).at(0), "c");
  EXPECT_TRUE(named.runs[0].is_canary);
  EXPECT_EQ(result(up({.canary = "z"})), "2 E-CANARY");
}

TEST_F(FleetTest, ACanaryWithNothingToDoHasTheNextInItsPlace) {
  make("abc");
  up();
  make("yz");
  const auto report = up({.canary = "a", .at_once = 1});
  EXPECT_THAT(tried(report), SizeIs(2));
  EXPECT_TRUE(report.runs.at(0).is_canary);
}

TEST_F(FleetTest, ACanaryThatFailsEndsTheRunWhateverIsAllowed) {
  make("abc");
  execute("a", "CREATE TABLE more (y INTEGER)");
  write("0003_more.sql", "CREATE TABLE more (x INTEGER);");
  const auto report = up({.max_failures = 3});
  EXPECT_THAT(failed(report), ElementsAre("a"));
  EXPECT_THAT(report.left, UnorderedElementsAre("b", "c"));
  EXPECT_THAT(states(), ElementsAre("a pending", "b pending", "c pending")) << "a precheck stops it";
}

TEST_F(FleetTest, ARunStopsAtSoManyFailuresAndALaterOneGoesOn) {
  make("abcd");
  execute("b", "DROP TABLE own");
  set_age("b", 90s);
  write("0003_row.sql", "INSERT INTO own VALUES (1);");
  const auto stopped = up({.at_once = 1});
  EXPECT_EQ(stopped.failed_member, "b");
  EXPECT_EQ(stopped.failed->exit, Exit::failed) << stopped.failed->finding.text;
  EXPECT_THAT(tried(stopped), ElementsAre("a", "b"));
  EXPECT_THAT(stopped.left, ElementsAre("c", "d"));
  EXPECT_THAT(states(), ElementsAre("a up to date", "b failed", "c pending", "d pending"));
  // Where it failed before it is tried last, and is no canary: the others do not wait for it.
  const auto rest = up({.at_once = 1});
  EXPECT_THAT(tried(rest), ElementsAre("c", "d", "b"));
  EXPECT_THAT(failed(rest), ElementsAre("b"));
  EXPECT_EQ(rest.idle, 1U);
  EXPECT_THAT(states(), ElementsAre("a up to date", "b failed", "c up to date", "d up to date"));
  execute("b", "CREATE TABLE own (x INTEGER)");
  EXPECT_EQ(result(up()), "OK");
  for (const char* name : {"a", "b", "c", "d"})
    EXPECT_EQ(open(name)->query("SELECT count(*) FROM own")[0][0], "1") << name;
}

TEST_F(FleetTest, AFileThatIsNoDatabaseIsNamedAndTheOthersGoUp) {
  make("abc");
  break_file("a");  // also the last active one: a canary has to be one that can be read
  const auto report = up({.max_failures = 2});
  EXPECT_EQ(result(report), "3 MG-CONNECTION");
  EXPECT_THAT(failed(report), ElementsAre("a"));
  EXPECT_THAT(report.failed->finding.text, HasSubstr("a.db"));
  EXPECT_THAT(report.left, IsEmpty());
  EXPECT_THAT(states(), ElementsAre("a failed", "b up to date", "c up to date"));
  const auto again = up();
  EXPECT_THAT(failed(again), ElementsAre("a")) << "also where there is nothing else to do";
  EXPECT_EQ(again.idle, 2U);
}

TEST_F(FleetTest, AFileWhoseJournalIsDamagedIsNamedAndTheOthersGoUp) {
  make("abc");
  execute("b",
          "CREATE TABLE migration_journal_version (version TEXT); INSERT INTO migration_journal_version "
          "VALUES ('two'); CREATE TABLE migration_journal (x)");
  EXPECT_THAT(states(), ElementsAre("a pending", "b failed", "c pending"));
  const auto report = up({.max_failures = 2});
  EXPECT_EQ(result(report), "3 MG-JOURNAL");
  EXPECT_THAT(report.failed->finding.text, HasSubstr("b.db"));
  EXPECT_THAT(failed(report), ElementsAre("b"));
  EXPECT_THAT(report.left, IsEmpty());
  EXPECT_THAT(states(), ElementsAre("a up to date", "b failed", "c up to date"));
  EXPECT_EQ(result(up()), "3 MG-JOURNAL");
  const auto verified = verify_fleet(fleet(), set(), {});
  EXPECT_EQ(verified.unreadable, 1U);
  ASSERT_THAT(verified.findings, SizeIs(1));
  EXPECT_EQ(verified.findings[0].name, "b");
}

TEST_F(FleetTest, AFileThatSomebodyHoldsIsNamedAndTheOthersGoUp) {
  make("abc");
  up();
  const auto holder = open("b");
  holder->execute("PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE");
  const auto own = [&] {
    Fleet all = fleet();
    all.is_own = true;  // whose journals are looked at although nothing is pending
    return fleet_up(all, set(), each(UpOptions{}), {});
  };
  const auto report = own();
  EXPECT_THAT(failed(report), ElementsAre("b"));
  EXPECT_EQ(report.idle, 2U);
  EXPECT_EQ(static_cast<int>(report.failed->exit), static_cast<int>(Exit::timed_out));
  holder->execute("COMMIT");
  EXPECT_EQ(result(own()), "OK");
}

TEST_F(FleetTest, WhereNothingIsPendingNothingIsTouched) {
  make("ab");
  up();
  std::map<std::string, fs::file_time_type> before;
  for (const auto& entry : fs::directory_iterator(files_))
    before[entry.path().string()] = entry.last_write_time();
  said_.clear();
  UpOptions of_each;
  of_each.backup = BackupWish{.folder = folder_.path() / "backups"};
  const FileLock other((files_ / ".migrate-lock").string());
  const auto report = up({}, of_each);
  EXPECT_EQ(result(report), "OK");
  EXPECT_EQ(report.idle, 2U);
  EXPECT_THAT(report.runs, IsEmpty());
  EXPECT_EQ(said_, "");
  EXPECT_FALSE(fs::exists(folder_.path() / "backups"));
  std::map<std::string, fs::file_time_type> after;
  for (const auto& entry : fs::directory_iterator(files_))
    after[entry.path().string()] = entry.last_write_time();
  EXPECT_EQ(before, after);
}

TEST_F(FleetTest, EachFileHasABackupOfItsOwnThatIsProved) {
  make("ab");
  UpOptions of_each;
  of_each.backup = BackupWish{.folder = folder_.path() / "backups"};
  const auto report = up({}, of_each);
  ASSERT_EQ(result(report), "OK") << report.failed->finding.text;
  for (const MemberRun& one : report.runs) {
    ASSERT_TRUE(one.report.backup);
    EXPECT_EQ(one.report.backup->record.database, one.name);
    EXPECT_EQ(one.report.backup->record.verified, 3);
  }
  write("0003_more.sql", "CREATE TABLE more (x INTEGER);");
  of_each.backup->folder = files_ / ".." / "files";
  EXPECT_EQ(result(up({}, of_each)), "2 E-BACKUPDIR");
}

TEST_F(FleetTest, WhatIsWrongWithTheFilesOfAllIsSaidOnce) {
  make("ab");
  write("0002_again.sql", "SELECT 1;");
  const auto report = up();
  EXPECT_EQ(result(report), "5 E-DUPNUM");
  EXPECT_THAT(report.runs, IsEmpty());
}

TEST_F(FleetTest, AFileWhoseJournalDoesNotAgreeIsDrift) {
  make("ab");
  up();
  execute("b",
          "INSERT INTO migration_journal (name, direction, state, checksum, started_at, applied_by, "
          "tool_version) VALUES ('0000_gone', 'up', 'applied', 'x', 1, 'me', '1')");
  EXPECT_THAT(states(), ElementsAre("a up to date", "b drift"));
  write("0003_more.sql", "CREATE TABLE more (x INTEGER);");
  const auto report = up();
  EXPECT_EQ(result(report), "5 E-MISSING");
  EXPECT_EQ(report.failed_member, "b");
}

// --- two at once, and Ctrl-C

TEST_F(FleetTest, AnotherRunOnTheFolderIsRefusedAndNamed) {
  make("ab");
  UpOptions of_each;
  const auto lock = take_fleet(fleet(), "up", each(of_each));
  ASSERT_TRUE(lock);
  const auto refused = up();
  EXPECT_EQ(result(refused), "4 MG-LOCK");
  EXPECT_THAT(refused.failed->finding.text, HasSubstr(fmt::format("pid {} since", getpid())));
  EXPECT_THAT(refused.failed->finding.text, HasSubstr(holder_of_fleet(fleet())));
  EXPECT_THAT(states(), ElementsAre("a pending", "b pending"));
}

TEST_F(FleetTest, TheLockOfADeadHolderIsNobodys) {
  make("a");
  std::ofstream(files_ / ".migrate-lock") << fmt::format(
      R"({{"by": "me", "host": "{}", "pid": 4194305, "since": "x", "command": "up"}})", host_name());
  EXPECT_EQ(holder_of_fleet(fleet()), "");
  EXPECT_EQ(result(up()), "OK");
}

TEST_F(FleetTest, AnInterruptEndsTheRunAndWhatRanIsAsItWas) {
  make("abc");
  write("0003_long.sql",
        "CREATE TABLE long AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < "
        "2000000000) SELECT count(*) AS n FROM s;");
  Interrupt interrupt;
  UpOptions of_each;
  of_each.interrupt = &interrupt;
  std::jthread presses;
  UpOptions run = each(of_each);
  run.say = [&](const std::string& line) {
    if (line.find("0002_seen ... ok") != std::string::npos)
      presses = std::jthread([&] { interrupt.raise(SIGINT); });
  };
  const auto report = fleet_up(fleet(), set(), run, {});
  EXPECT_EQ(result(report), "130 MG-INTERRUPTED");
  EXPECT_THAT(report.left, SizeIs(3));
  EXPECT_THAT(report.failures(), IsEmpty());
}

// --- down

TEST_F(FleetTest, DownTakesEveryFileBackToOneMigration) {
  make("abc");
  up();
  UpOptions only_first;
  only_first.to = "0001";
  make("d");
  up({}, only_first);
  const auto report = down("0001");
  EXPECT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_THAT(tried(report), UnorderedElementsAre("a", "b", "c"));
  EXPECT_EQ(report.idle, 1U);
  for (const MemberLook& one : look_at_fleet(fleet(), set())) {
    EXPECT_EQ(one.applied, 1U) << one.name;
    EXPECT_EQ(one.migration, "0002_seen");
  }
  EXPECT_EQ(result(down("0009")), "2 E-NAME");
}

// --- verify

TEST_F(FleetTest, VerifyNamesFileAndObject) {
  make("abc");
  up();
  break_file("c");
  execute("b", "ALTER TABLE notes ADD COLUMN stray INTEGER");
  VerifyOptions options;
  options.schema = true;
  const auto verified = verify_fleet(fleet(), set(), options);
  EXPECT_EQ(verified.unreadable, 1U);
  std::vector<std::string> lines;
  for (const Finding& one : verified.findings) lines.push_back(fmt::format("{} {}", one.code, one.name));
  EXPECT_THAT(lines, ElementsAre("I-SCHEMA b", "E-SCHEMA b", "MG-CONNECTION c"));
}

}  // namespace
}  // namespace guildhall::migrate
