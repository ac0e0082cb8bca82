#include "bot/schema_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migrate/fleet.h"
#include "migrate/migrate.h"
#include "migrate/phases.h"
#include "migrate/run.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kReaders = "SELECT name FROM migration_readers ORDER BY name";

class SchemaReaders : public testing::Test {
 protected:
  explicit SchemaReaders(store::Layout layout = test::tested_layout()) : world_(layout) {}

  SchemaReader reader(
      std::string needs = migrate::own_migrations(migrate::Dialect::sqlite).migrations.back().name) {
    return {world_.tenancy->global(), std::move(needs)};
  }
  /// A column of a table that belongs to no server, which comes in one migration and goes in the next.
  migrate::MigrationSet set() {
    files_.assign(migrate::embedded_files().begin(), migrate::embedded_files().end());
    files_.push_back(
        {"0901_more.sql", "-- guildhall: phase=expand\nALTER TABLE setting_defaults ADD COLUMN more TEXT;"});
    files_.push_back({"0902_less.sql",
                      "-- guildhall: phase=contract allow=L03 reason=\"nobody reads it\"\n"
                      "ALTER TABLE setting_defaults DROP COLUMN more;"});
    return migrate::read_migrations(files_, "the test's", dialect_);
  }
  static std::string result(const std::optional<migrate::Problem>& failed) {
    return failed ? fmt::format("{} {}", static_cast<int>(failed->exit), failed->finding.code) : "OK";
  }
  /// Of one file, where each server has its own.
  std::string up(const std::string& to = "", std::int64_t server = 0) {
    migrate::UpOptions options;
    options.to = to;
    const auto target = server == 0 ? migrate::own_target(world_.place(), world_.declarations.tables)
                                    : migrate::own_file(world_.file_of(server), world_.database_file());
    const auto report = migrate::up(target, set(), options);
    said_ = report.failed ? report.failed->finding.text : "";
    return result(report.failed);
  }

  test::TestWorld world_;
  const migrate::Dialect dialect_ = migrate::dialect_of(world_.place().layout);
  std::vector<EmbeddedFile> files_;
  std::string said_;
};

TEST_F(SchemaReaders, ItsRowIsThereFromBeginToEnd) {
  const SchemaReader one = reader();
  net::run_to_end(one.begin());
  EXPECT_EQ(world_.dump("SELECT name, needs FROM migration_readers"),
            fmt::format("{}|{}\n", one.name(), migrate::own_migrations(dialect_).migrations.back().name));
  EXPECT_THAT(one.name(), AllOf(HasSubstr("guildhall@"), HasSubstr(fmt::format(" pid {} ", getpid()))));
  EXPECT_NE(one.name(), reader().name()) << "containers may have one name and one number";
  net::run_to_end(one.end());
  EXPECT_THAT(world_.dump(kReaders), IsEmpty());
}

TEST_F(SchemaReaders, ItIsRenewedAndComesBackWhereSomebodyTookItAway) {
  const SchemaReader one = reader();
  net::run_to_end(one.begin());
  const bool files = world_.place().layout != store::Layout::postgres;
  world_.execute(fmt::format("UPDATE migration_readers SET heartbeat_at = heartbeat_at - {}",
                             files ? "100000000" : "interval '100 seconds'"));
  const auto age = [&] {
    return migrate::read_readers(**store::open_schema_session(world_.place()), dialect_)
        .at(0)
        .heartbeat_age_ms;
  };
  EXPECT_GE(age(), 100'000);
  net::run_to_end(one.renew());
  EXPECT_LT(age(), 100'000);
  world_.execute("DELETE FROM migration_readers");
  net::run_to_end(one.renew());
  EXPECT_EQ(world_.dump(kReaders), one.name() + "\n");
}

TEST_F(SchemaReaders, ItsPredecessorsRowGoesAndNobodyElses) {
  world_.execute(
      "INSERT INTO migration_readers (name, needs) VALUES ('guildhall@web1 pid 1 AAAA', '0001_core'), "
      "('guildhall of another kind', '0001_core'), ('stats@web1', '0001_core')");
  const SchemaReader one = reader();
  net::run_to_end(one.begin());
  EXPECT_EQ(world_.dump(kReaders), "guildhall of another kind\n" + one.name() + "\nstats@web1\n");
}

TEST_F(SchemaReaders, WhileTheBotRunsNothingThatItNeedsIsTakenAway) {
  const SchemaReader one = reader();
  net::run_to_end(one.begin());
  EXPECT_EQ(up(), "6 MG-PHASE") << "not even together with what comes in its place";
  EXPECT_EQ(up("0901"), "OK");
  EXPECT_EQ(up(), "6 MG-READERS");
  EXPECT_THAT(said_, HasSubstr(one.name()));
  net::run_to_end(one.end());
  EXPECT_EQ(up(), "OK");
}

class SchemaReadersInFiles : public SchemaReaders {
 protected:
  SchemaReadersInFiles() : SchemaReaders(store::Layout::sqlite_per_server) {}
};

TEST_F(SchemaReadersInFiles, TheDirectorysRowCountsForEveryOne) {
  world_.touch(7);
  const SchemaReader one = reader();
  net::run_to_end(one.begin());
  EXPECT_EQ(up("0901", 7), "OK");
  EXPECT_EQ(up("", 7), "6 MG-READERS");
  EXPECT_THAT(said_, HasSubstr(one.name()));

  const auto fleet = migrate::own_fleet(world_.place());
  ASSERT_TRUE(fleet);
  migrate::FleetOptions options;
  options.canary = "7";
  const auto refused = migrate::fleet_up(*fleet, set(), {}, options);
  EXPECT_EQ(result(refused.failed), "6 MG-READERS");
  EXPECT_EQ(refused.failed_member, "7");
  net::run_to_end(one.end());
  EXPECT_EQ(result(migrate::fleet_up(*fleet, set(), {}, options).failed), "OK");
}

/// A file that lagged behind the directory, opened by the bot whose program brings the contract along.
TEST_F(SchemaReaders, TheBotThatBringsTheContractIsNotInItsOwnWay) {
  const SchemaReader newer = reader("0902_less");
  net::run_to_end(newer.begin());
  EXPECT_EQ(up(), "OK");
}

}  // namespace
}  // namespace guildhall::bot
