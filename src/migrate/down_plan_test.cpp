#include "migrate/down_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AnyDatabaseDownPlan : public test::OnAnyDatabase {
 protected:
  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  void SetUp() override {
    write("0001_people.sql", "CREATE TABLE people (id integer PRIMARY KEY, name text);");
    write("0001_people.down.sql", "DROP TABLE people;");
    write("0002_visits.sql",
          "CREATE TABLE visits (id integer PRIMARY KEY);\nALTER TABLE people ADD COLUMN seen integer;");
    write("0002_visits.down.sql",
          "-- Back.\nDROP TABLE visits;\n\nALTER TABLE people DROP COLUMN seen; -- the last");
    write("0003_index.sql", "CREATE INDEX people_name ON people (name);");
    set_ = *read_migrations(folder_.path().string(), target().dialect);
    const RunReport report = up(target(), set_, {});
    ASSERT_FALSE(report.failed) << report.failed->finding.text;
    session().execute("INSERT INTO people VALUES (1, 'a', 5), (2, 'b', NULL)");
    session().execute("INSERT INTO visits VALUES (1), (2), (3)");
  }
  DownPlan plan(const DownOptions& options) {
    const std::string before = fingerprint();
    const auto rows = Journal(session(), target().dialect).read()->size();
    auto planned = plan_down(target(), set_, options);
    EXPECT_TRUE(planned) << (planned ? "" : planned.error().finding.text);
    EXPECT_EQ(fingerprint(), before) << "it only looks";
    EXPECT_EQ(Journal(session(), target().dialect).read()->size(), rows);
    EXPECT_EQ(session().query("SELECT count(*) FROM visits").at(0).at(0), "3");
    return *std::move(planned);
  }
  std::string fingerprint() { return read_snapshot(session(), target().dialect).fingerprint(); }

  test::TemporaryFolder folder_;
  MigrationSet set_;
};

TEST_F(AnyDatabaseDownPlan, TheLastOneAloneAndDerivedWhereNobodyWroteIt) {
  const DownPlan planned = plan({});
  ASSERT_THAT(planned.ways, SizeIs(1));
  const PlannedWayBack& way = planned.ways[0];
  EXPECT_EQ(way.planned.name, "0003_index");
  EXPECT_EQ(way.source, "derived");
  EXPECT_THAT(way.script, HasSubstr("DROP INDEX"));
  EXPECT_THAT(way.losses, IsEmpty());
  EXPECT_FALSE(planned.refused);
}

TEST_F(AnyDatabaseDownPlan, EachStatementWithItsLineAndSizeAndTheDataThatGo) {
  DownOptions options;
  options.name = "0002";
  options.cascade = true;
  const DownPlan planned = plan(options);
  ASSERT_THAT(planned.ways, SizeIs(2));
  EXPECT_EQ(planned.ways[0].planned.name, "0003_index") << "what came later goes first";
  const PlannedWayBack& way = planned.ways[1];
  EXPECT_EQ(way.source, "file");
  EXPECT_EQ(way.planned.file, "0002_visits.down.sql");
  ASSERT_THAT(way.planned.statements, SizeIs(2));
  EXPECT_EQ(way.planned.statements[0].line, 2U);
  EXPECT_EQ(way.planned.statements[0].rows, 3);
  EXPECT_EQ(way.planned.statements[1].line, 4U);
  EXPECT_EQ(way.planned.statements[1].table, "people");
  if (target().dialect == Dialect::postgres) {
    EXPECT_EQ(way.planned.statements[0].cost.lock, LockLevel::access_exclusive);
  }
  EXPECT_EQ(describe(way.losses), "table visits (3 rows), column people.seen (1 values)");
  ASSERT_TRUE(planned.refused) << "nobody confirmed that";
  EXPECT_EQ(planned.refused->finding.code, "MG-DATALOSS");
  const std::string text = show(planned);
  EXPECT_THAT(text, HasSubstr("takes with it: table visits (3 rows)"));
  EXPECT_THAT(text, HasSubstr("DROP TABLE visits;\nALTER TABLE people DROP COLUMN seen;\nCOMMIT;\n"));
  EXPECT_THAT(text, HasSubstr("plan: 2 to take back. Nothing was changed."));
  options.confirm_data_loss = true;
  EXPECT_FALSE(plan(options).refused);
}

TEST_F(AnyDatabaseDownPlan, WhatIsPrintedLeadsBackByHand) {
  const auto rows = *Journal(session(), target().dialect).read();
  DownOptions options;
  options.to = "0001";
  for (const PlannedWayBack& way : plan(options).ways) session().execute(way.script);
  EXPECT_EQ(fingerprint(), rows.at(0).fingerprint_after);
}

TEST_F(AnyDatabaseDownPlan, IsRefusedAsTheRunWouldBe) {
  DownOptions options;
  options.name = "0001";
  EXPECT_EQ(plan_down(target(), set_, options).error().finding.code, "MG-NEWER");
  options.name = "0009";
  EXPECT_EQ(plan_down(target(), set_, options).error().exit, Exit::usage);
  DownOptions all;
  all.name = "0001";
  all.cascade = all.confirm_data_loss = true;
  EXPECT_EQ(plan(all).refused->finding.code, "MG-FOUNDATION");
}

TEST_F(AnyDatabaseDownPlan, OfWhatStoppedMidwayTheRestIsShown) {
  write("0002_visits.down.sql",
        "-- guildhall: transaction=none\nALTER TABLE people DROP COLUMN seen;\nDROP TABLE nowhere;");
  set_ = *read_migrations(folder_.path().string(), target().dialect);
  DownOptions options;
  options.name = "0002";
  options.cascade = options.confirm_data_loss = true;
  ASSERT_EQ(down(target(), set_, options).failed->exit, Exit::midway);
  const DownPlan planned = plan({});
  ASSERT_THAT(planned.ways, SizeIs(1));
  ASSERT_THAT(planned.ways[0].planned.statements, SizeIs(1));
  EXPECT_EQ(planned.ways[0].planned.statements[0].number, 2U);
  EXPECT_EQ(planned.ways[0].script, "DROP TABLE nowhere;\n");
}

TEST_F(AnyDatabaseDownPlan, WithNothingAppliedThereIsNothing) {
  const test::AnyDatabase other(test::tested_dialect());
  const auto planned = plan_down(other.target(), set_, {});
  ASSERT_TRUE(planned) << planned.error().finding.text;
  EXPECT_EQ(show(*planned), "Nothing to do: nothing is applied.\n");
}

}  // namespace
}  // namespace guildhall::migrate
