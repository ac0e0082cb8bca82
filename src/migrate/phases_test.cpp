#include "migrate/phases.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migrate/plan.h"
#include "migrate/run.h"
#include "tests/support/any_database.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Files = std::vector<std::pair<std::string, std::string>>;

/// A column that gets a new name while programs use it.
const Files kRename{
    {"0001_users.sql", "CREATE TABLE users (id integer PRIMARY KEY, nick text);"},
    {"0002_expand.sql", "-- guildhall: phase=expand\nALTER TABLE users ADD COLUMN name text;"},
    {"0003_fill.sql", "-- guildhall: phase=backfill\nUPDATE users SET name = nick WHERE name IS NULL;"},
    {"0004_other.sql", "CREATE TABLE other (id integer PRIMARY KEY);"},
    {"0005_contract.sql",
     "-- guildhall: phase=contract allow=L03 reason=\"no program reads it\"\nALTER TABLE users DROP COLUMN "
     "nick;"}};

class PhasesTest : public test::OnAnyDatabase {
 protected:
  MigrationSet set(const Files& files = kRename) {
    embedded_.clear();
    for (const auto& [name, content] : files) embedded_.push_back({name, content});
    return read_migrations(embedded_, "test", target().dialect);
  }
  /// "MG-READERS 0005_contract.sql"
  static std::vector<std::string> found(const MigrationSet& set, std::size_t from,
                                        const std::vector<SchemaReader>& readers) {
    std::vector<Pending> run;
    for (std::size_t i = from; i < set.migrations.size(); ++i) run.push_back({&set.migrations[i]});
    std::vector<std::string> lines;
    for (const Finding& one : check_phases(set, run, readers))
      lines.push_back(fmt::format("{} {}", one.code, one.name));
    return lines;
  }
  RunReport up(std::string to = "", std::function<void(const std::string&)> say = nullptr) {
    UpOptions options;
    options.to = std::move(to);
    options.lock = {200ms, 1200ms, 600s, 300s, 20ms};
    if (say) options.say = std::move(say);
    return migrate::up(target(), set_, options);
  }
  static std::string result(const RunReport& report) {
    if (!report.failed) return "OK";
    return fmt::format("{} {} {}", static_cast<int>(report.failed->exit), report.failed->finding.code,
                       report.failed_name);
  }
  /// By the statement of the manual.
  void announce(const std::string& name, const std::string& needs) {
    session().query(
        fmt::format("INSERT INTO {} (name, needs) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET "
                    "needs = excluded.needs, heartbeat_at = excluded.heartbeat_at",
                    own_table(target().dialect, "migration_readers")),
        {name, needs});
  }
  void retire(const std::string& name) {
    session().query(
        fmt::format("DELETE FROM {} WHERE name = $1", own_table(target().dialect, "migration_readers")),
        {name});
  }
  /// As if the heartbeat had been so many seconds earlier.
  void age(const std::string& name, int seconds) {
    session().query(
        fmt::format("UPDATE {} SET heartbeat_at = heartbeat_at - {} WHERE name = $1",
                    own_table(target().dialect, "migration_readers"),
                    target().dialect == Dialect::postgres ? fmt::format("interval '{} seconds'", seconds)
                                                          : fmt::format("{}000000", seconds)),
        {name});
  }

  std::vector<EmbeddedFile> embedded_;
  MigrationSet set_ = set();
};

// --- who runs

TEST_F(PhasesTest, ReadersAreThoseWhoseHeartbeatIsFresh) {
  EXPECT_THAT(read_readers(session(), target().dialect), IsEmpty()) << "no table yet";
  up("0001");
  announce("bot@a", "0001_users");
  announce("bot@b", "0001_users");
  announce("bot@c", "0001_users");
  age("bot@b", 119);
  age("bot@c", 121);
  const auto names = [&] {
    std::vector<std::string> found;
    for (const SchemaReader& one : read_readers(session(), target().dialect)) found.push_back(one.name);
    return found;
  };
  EXPECT_THAT(names(), ElementsAre("bot@a", "bot@b"));
  announce("bot@c", "0002_expand");
  EXPECT_THAT(names(), ElementsAre("bot@a", "bot@b", "bot@c"));
  EXPECT_EQ(read_readers(session(), target().dialect).back().needs, "0002_expand");
  retire("bot@a");
  EXPECT_THAT(names(), ElementsAre("bot@b", "bot@c"));
}

TEST_F(PhasesTest, TheRowsAreNoPartOfTheSchemaNorOfWhatAMigrationChanged) {
  const std::string empty = read_snapshot(session(), target().dialect).fingerprint();
  set_ = set({{"0001_nothing.sql", "CREATE TABLE t (id integer PRIMARY KEY); DROP TABLE t;"}});
  EXPECT_EQ(result(up()), "OK");
  EXPECT_EQ(read_snapshot(session(), target().dialect).fingerprint(), empty);
}

// --- the rule

TEST_F(PhasesTest, ProgramsHaveToBeWrittenForTheLastStepBeforeTheContract) {
  const auto files = set();
  EXPECT_THAT(found(files, 3, {}), IsEmpty());
  EXPECT_THAT(found(files, 3, {{"a", "0003_fill"}, {"b", "0004_other"}, {"c", "0009_newer"}}), IsEmpty());
  for (const char* older : {"0002_expand", "0001_users", "", "main"})
    EXPECT_THAT(found(files, 3, {{"a", "0003_fill"}, {"b", older}}),
                ElementsAre("MG-READERS 0005_contract.sql"))
        << older;
}

TEST_F(PhasesTest, NeedsSaysWhoseContractItIs) {
  Files files = kRename;
  files[3] = {"0004_other.sql", "-- guildhall: phase=expand\nCREATE TABLE other (id integer PRIMARY KEY);"};
  EXPECT_THAT(found(set(files), 4, {{"a", "0003_fill"}}), ElementsAre("MG-READERS 0005_contract.sql"));
  files[4].second = "-- guildhall: needs=0002_expand,0003_fill\n" + files[4].second;
  EXPECT_THAT(found(set(files), 4, {{"a", "0003_fill"}}), IsEmpty());
  EXPECT_THAT(found(set(files), 4, {{"a", "0002_expand"}}), ElementsAre("MG-READERS 0005_contract.sql"));
}

TEST_F(PhasesTest, WithoutAnExpandItIsTheMigrationBefore) {
  Files files = kRename;
  files.erase(files.begin() + 1, files.begin() + 3);
  EXPECT_THAT(found(set(files), 2, {{"a", "0004_other"}}), IsEmpty());
  EXPECT_THAT(found(set(files), 2, {{"a", "0001_users"}}), ElementsAre("MG-READERS 0005_contract.sql"));
}

TEST_F(PhasesTest, AContractIsNotInOneRunWithItsExpandUnlessNobodyReads) {
  const auto files = set();
  EXPECT_THAT(found(files, 1, {{"a", "0004_other"}}), ElementsAre("MG-PHASE 0005_contract.sql"));
  EXPECT_THAT(found(files, 2, {{"a", "0004_other"}}), IsEmpty());
  EXPECT_THAT(found(files, 1, {{"a", "0005_contract"}}), IsEmpty()) << "it is written for what comes out";
  EXPECT_THAT(found(files, 0, {}), IsEmpty());
}

TEST_F(PhasesTest, RowsOfAnotherFileCountToo) {
  test::TemporaryFolder folder;
  const std::string file = (folder.path() / "directory.db").string();
  up("0001");
  announce("bot@here", "0001_users");
  EXPECT_THROW(read_readers(session(), target().dialect, file), ErrorException) << "what is not there";
  (*store::open_schema_session(file))->execute("CREATE TABLE other (x INTEGER)");
  EXPECT_EQ(read_readers(session(), target().dialect, file).size(), 1U) << "without a table";
  (*store::open_schema_session(file))
      ->execute(std::string(readers_table(Dialect::sqlite)) +
                "; INSERT INTO migration_readers (name, needs) VALUES ('bot@beside', '0002_expand')");
  const auto found = read_readers(session(), target().dialect, file);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "bot@beside");
  EXPECT_EQ(found[1].name, "bot@here");
}

// --- in a run

TEST_F(PhasesTest, UpRefusesTheContractWhileAnOldProgramRunsAndRunsNothing) {
  up("0003");
  announce("bot@web1", "0001_users");
  const auto refused = up();
  EXPECT_EQ(result(refused), "6 MG-READERS 0005_contract");
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("bot@web1 (written for 0001_users, heartbeat "));
  EXPECT_THAT(refused.failed->finding.hint, HasSubstr("up --to 0004_other"));
  EXPECT_THAT(refused.applied, IsEmpty()) << "nothing is begun that cannot come to its end";
  EXPECT_EQ(refused.token, 0);
  EXPECT_EQ(result(up("0004")), "OK");
  EXPECT_EQ(result(up()), "6 MG-READERS 0005_contract");
  announce("bot@web1", "0003_fill");
  EXPECT_EQ(result(up()), "OK");
}

TEST_F(PhasesTest, WithoutProgramsAllOfItGoesThroughAtOnce) {
  EXPECT_EQ(result(up()), "OK");
  EXPECT_EQ(result(up()), "OK");
}

TEST_F(PhasesTest, AProgramThatComesWhileTheRunIsAtWorkIsSeenRightBeforeTheContract) {
  up("0003");
  const auto report = up("", [&](const std::string& line) {
    if (line.find("0004_other ... ok") != std::string::npos) announce("late@web2", "0001_users");
  });
  EXPECT_EQ(result(report), "6 MG-READERS 0005_contract");
  ASSERT_THAT(report.applied, testing::SizeIs(1));
  EXPECT_EQ(report.applied[0].name, "0004_other");
  EXPECT_THAT(session().query("SELECT nick FROM users"), IsEmpty()) << "the column is still there";
  retire("late@web2");
  EXPECT_EQ(result(up()), "OK");
}

TEST_F(PhasesTest, AllInOneTransactionIsHeldToItAsWell) {
  up("0003");
  announce("bot@web1", "0003_fill");
  UpOptions options;
  options.together = true;
  options.say = [&](const std::string& line) {
    if (line.find("lock: acquired") != std::string::npos) announce("late@web2", "0001_users");
  };
  const auto report = migrate::up(target(), set_, options);
  EXPECT_EQ(result(report), "6 MG-READERS 0005_contract");
  EXPECT_THAT(report.applied, IsEmpty());
}

TEST_F(PhasesTest, PlanSaysItBeforehand) {
  up("0003");
  announce("bot@web1", "0001_users");
  const std::vector<Pending> run{{set_.find("0004_other")}, {set_.find("0005_contract")}};
  PreflightOptions options;
  options.set = &set_;
  const auto plan = make_plan(run, look_before(session(), target().dialect, run, options), target().dialect);
  EXPECT_EQ(plan.errors, 1U);
  EXPECT_THAT(show(plan), HasSubstr("MG-READERS"));
}

}  // namespace
}  // namespace guildhall::migrate
