#include "migrate/doctor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/run.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

template <class Fixture>
class DoctorTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  MigrationSet set() { return *read_migrations(folder_.path().string(), target().dialect); }
  /// "ok lock: free", "warn ...", "problem(5) files: ..."
  std::vector<std::string> report() {
    const MigrationSet all = set();
    options_.set = &all;
    options_.backups = folder_.path() / "backups";
    options_.now = SystemClock().now();
    std::vector<std::string> lines;
    for (const Checkup& one : examine(target(), options_)) {
      const std::string level = one.level == Level::info      ? "ok"
                                : one.level == Level::warning ? "warn"
                                                              : fmt::format("problem({})", int(one.exit));
      lines.push_back(fmt::format("{} {}: {} | {}", level, one.topic, one.text, one.hint));
    }
    return lines;
  }

  test::TemporaryFolder folder_;
  DoctorOptions options_;
};

using AnyDatabaseDoctor = DoctorTest<test::OnAnyDatabase>;
using DoctorInPostgres = DoctorTest<test::OnPostgres>;

TEST_F(AnyDatabaseDoctor, ASoundDatabaseHasNoProblemAndIsLeftAsItIs) {
  write("0001_a.sql", "CREATE TABLE t (x integer);");
  EXPECT_THAT(report(), Each(Not(StartsWith("problem"))));
  EXPECT_FALSE(Journal(session(), target().dialect).exists());
  UpOptions options;
  options.backup.emplace();
  options.backup->folder = folder_.path() / "backups";
  ASSERT_FALSE(up(target(), set(), options).failed);
  EXPECT_THAT(report(),
              AllOf(Each(StartsWith("ok ")),
                    Contains(StartsWith("ok files: 1 applied, 0 pending; files, journal and schema agree")),
                    Contains(StartsWith("ok lock: free")), Contains(StartsWith("ok backups: 1; the newest")),
                    Contains(AllOf(StartsWith("ok journal: 1 rows"), HasSubstr("0001_a up applied")))));
}

TEST_F(AnyDatabaseDoctor, WhatDoesNotAgreeIsNamed) {
  write("0001_a.sql", "CREATE TABLE t (x integer);");
  ASSERT_FALSE(up(target(), set(), {}).failed);
  session().execute("CREATE TABLE by_hand (x integer)");
  EXPECT_THAT(report(), Contains(AllOf(StartsWith("problem(5) files: E-SCHEMA"), HasSubstr("by_hand"))));
  write("0001_a.sql", "CREATE TABLE t (y integer);");
  EXPECT_THAT(report(), Contains(StartsWith("problem(5) files: E-CHANGED: 0001_a")));
}

TEST_F(AnyDatabaseDoctor, TheLastRunIsToldAndWhoHoldsTheLock) {
  write("0001_a.sql", "-- guildhall: transaction=none\nCREATE TABLE t (x integer);\nSELECT * FROM nowhere;");
  ASSERT_TRUE(up(target(), set(), {}).failed);
  EXPECT_THAT(report(), Contains(AllOf(StartsWith("problem(7) journal: "), HasSubstr("1 of 2 statements"),
                                       HasSubstr("guildhall migrate resume"))));
  const auto work = *target().open("");
  const auto lock = Lock::take(target(), *work, {"up"});
  ASSERT_TRUE(lock);
  EXPECT_THAT(report(), Contains(AllOf(StartsWith("warn lock: held by "), HasSubstr("(up, heartbeat"))));
}

TEST_F(AnyDatabaseDoctor, ABackupThatWasCutIsAProblem) {
  write("0001_a.sql", "CREATE TABLE t (x integer);");
  UpOptions options;
  options.backup.emplace();
  options.backup->folder = folder_.path() / "backups";
  const RunReport run = up(target(), set(), options);
  ASSERT_TRUE(run.backup);
  std::filesystem::resize_file(run.backup->file, 10);
  EXPECT_THAT(report(), Contains(AllOf(StartsWith("problem(8) backups"), HasSubstr("another size"))));
}

TEST_F(DoctorInPostgres, BrokenIndexesAndLongTransactionsAreInTheWay) {
  session().execute("CREATE TABLE t (x integer); INSERT INTO t VALUES (1), (1)");
  EXPECT_THROW(session().run("CREATE UNIQUE INDEX CONCURRENTLY t_x ON t (x)"), store::DatabaseError);
  EXPECT_THAT(report(), Contains(AllOf(StartsWith("warn indexes: public.t_x on t is INVALID"),
                                       HasSubstr("DROP INDEX CONCURRENTLY public.t_x"))));
  EXPECT_THAT(report(), Contains(StartsWith("ok transactions")));
  session().execute("BEGIN");
  session().query("SELECT 1");
  options_.long_transaction = std::chrono::seconds(0);
  EXPECT_THAT(report(), Contains(StartsWith("warn transactions: backend ")));
}

}  // namespace
}  // namespace guildhall::migrate
