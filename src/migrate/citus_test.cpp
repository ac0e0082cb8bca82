#include "migrate/citus.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migrate/run.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using testing::HasSubstr;

/// A database that looks as one of Citus does to who asks its catalog.
class CitusInPostgres : public test::OnPostgres {
 protected:
  void pretend(int group) {
    session().execute(fmt::format("CREATE TABLE pg_dist_local_group AS SELECT {} AS groupid", group));
  }
  RunReport up(const std::string& propagation) {
    const std::vector<EmbeddedFile> files{{"0001_table.sql", "CREATE TABLE t (x integer PRIMARY KEY);"}};
    set_ = read_migrations(files, "test", Dialect::postgres);
    Target there = target();
    there.open = [&](const std::string& settings) {
      return target().open(fmt::format("{} -ccitus.enable_ddl_propagation={}", settings, propagation));
    };
    return migrate::up(there, set_, {});
  }
  void expect_refused(const RunReport& report, const std::string& text) {
    ASSERT_TRUE(report.failed);
    EXPECT_EQ(report.failed->exit, Exit::refused);
    EXPECT_EQ(report.failed->finding.code, "MG-CITUS");
    EXPECT_THAT(report.failed->finding.text, HasSubstr(text));
    EXPECT_EQ(report.token, 0) << "the lock was never asked for";
    EXPECT_EQ(session().query("SELECT to_regclass('t')").at(0).at(0), "");
  }

  MigrationSet set_;
};

TEST_F(CitusInPostgres, AWorkerIsRefused) {
  pretend(3);
  expect_refused(up("on"), "is a worker of Citus (group 3)");
}

TEST_F(CitusInPostgres, ChangesThatStayOnTheCoordinatorAreRefused) {
  pretend(0);
  expect_refused(up("off"), "citus.enable_ddl_propagation is off");
  EXPECT_FALSE(up("on").failed);
}

TEST_F(CitusInPostgres, WithoutCitusItsSettingsSayNothing) { EXPECT_FALSE(up("off").failed); }

}  // namespace
}  // namespace guildhall::migrate
