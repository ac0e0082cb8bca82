#include "migrate/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/run.h"
#include "migrate/try_out.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// --- locks, from PostgreSQL's manual

std::string cost(const std::string& sql, const TableFacts& facts = {}, Dialect dialect = Dialect::postgres) {
  const auto statements = split_statements(sql, dialect);
  const StatementCost found = cost_of(read_statement(statements->at(0), dialect), facts, dialect);
  return fmt::format("{}{}{}{}", name_of(found.lock), found.scans ? " scan" : "",
                     found.rewrites ? " rewrite" : "", found.builds_index ? " index" : "");
}

TEST(StatementCosts, AlterTable) {
  const auto alter = [](const std::string& action) { return cost("ALTER TABLE t " + action); };
  EXPECT_EQ(alter("ADD COLUMN a integer"), "ACCESS EXCLUSIVE");
  EXPECT_EQ(alter("ADD COLUMN a uuid DEFAULT gen_random_uuid()"), "ACCESS EXCLUSIVE rewrite");
  EXPECT_EQ(alter("DROP COLUMN a"), "ACCESS EXCLUSIVE");
  EXPECT_EQ(alter("ALTER a SET NOT NULL"), "ACCESS EXCLUSIVE scan");
  EXPECT_EQ(alter("ALTER a TYPE bigint"), "ACCESS EXCLUSIVE rewrite");
  EXPECT_EQ(alter("ADD CHECK (a > 0)"), "ACCESS EXCLUSIVE scan");
  EXPECT_EQ(alter("ADD CHECK (a > 0) NOT VALID"), "ACCESS EXCLUSIVE");
  EXPECT_EQ(alter("ADD FOREIGN KEY (a) REFERENCES u"), "SHARE ROW EXCLUSIVE scan");
  EXPECT_EQ(alter("VALIDATE CONSTRAINT c"), "SHARE UPDATE EXCLUSIVE scan");
  EXPECT_EQ(alter("ADD UNIQUE (a)"), "ACCESS EXCLUSIVE index");
  EXPECT_EQ(alter("ADD PRIMARY KEY USING INDEX i"), "ACCESS EXCLUSIVE");
  EXPECT_EQ(alter("SET (fillfactor = 70)"), "SHARE UPDATE EXCLUSIVE");
  EXPECT_EQ(alter("DISABLE TRIGGER x"), "SHARE ROW EXCLUSIVE");
  EXPECT_EQ(alter("SET LOGGED"), "ACCESS EXCLUSIVE rewrite");
  EXPECT_EQ(alter("ATTACH PARTITION p DEFAULT"), "SHARE UPDATE EXCLUSIVE scan");
  EXPECT_EQ(alter("ALTER a SET STATISTICS 10, VALIDATE CONSTRAINT c"), "SHARE UPDATE EXCLUSIVE scan");
}

TEST(StatementCosts, WhatIsKnownOfTheTableSparesWork) {
  TableFacts facts;
  facts.tables["t"].columns = {{"a", "character varying(20)"}};
  facts.tables["t"].validated_checks = {"CHECK ((a IS NOT NULL))"};
  EXPECT_EQ(cost("ALTER TABLE t ALTER a TYPE text", facts), "ACCESS EXCLUSIVE");
  EXPECT_EQ(cost("ALTER TABLE t ALTER a SET NOT NULL", facts), "ACCESS EXCLUSIVE");
}

TEST(StatementCosts, OtherStatements) {
  EXPECT_EQ(cost("CREATE UNIQUE INDEX i ON t (a)"), "SHARE index");
  EXPECT_EQ(cost("CREATE INDEX CONCURRENTLY i ON t (a)"), "SHARE UPDATE EXCLUSIVE index");
  EXPECT_EQ(cost("DROP INDEX i"), "ACCESS EXCLUSIVE");
  EXPECT_EQ(cost("REFRESH MATERIALIZED VIEW CONCURRENTLY m"), "EXCLUSIVE rewrite");
  EXPECT_EQ(cost("UPDATE t SET a = 1"), "ROW EXCLUSIVE scan");
  EXPECT_EQ(cost("TRUNCATE t"), "ACCESS EXCLUSIVE");
  EXPECT_EQ(cost("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE"), "SHARE ROW EXCLUSIVE");
  EXPECT_EQ(cost("LOCK t"), "ACCESS EXCLUSIVE");
  EXPECT_EQ(cost("VACUUM FULL t"), "ACCESS EXCLUSIVE rewrite");
  EXPECT_EQ(cost("GRANT SELECT ON t TO PUBLIC"), "");
  EXPECT_EQ(cost("DO $$ BEGIN ALTER TABLE t ADD CHECK (a > 0); END $$"), "ACCESS EXCLUSIVE scan");
  EXPECT_EQ(cost("CREATE INDEX i ON t (a)", {}, Dialect::sqlite), "EXCLUSIVE index");
  EXPECT_EQ(cost("SELECT 1", {}, Dialect::sqlite), "");
  EXPECT_EQ(kept_out_by(LockLevel::share_update_exclusive), "");
  EXPECT_EQ(kept_out_by(LockLevel::share), "writers");
}

// --- plans and runs

template <class Fixture>
class PlanTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  void read() {
    set_ = *read_migrations(folder_.path().string(), target().dialect);
    pending_.clear();
    for (const Migration& migration : set_.migrations) pending_.push_back({&migration});
  }
  Plan plan() {
    read();
    return make_plan(pending_, look_before(session(), target().dialect, pending_), target().dialect);
  }
  RunReport up() {
    read();
    return migrate::up(target(), set_, UpOptions{});
  }
  std::string fingerprint() { return read_snapshot(session(), target().dialect).fingerprint(); }
  void sql(const std::string& script) { session().execute(script); }
  std::string value(const std::string& query) { return session().query(query).at(0).at(0); }

  /// Of the shape of StreamBot's, with data that its migrations 0003 and 0004 cannot bear.
  void make_streambot() {
    sql("CREATE TABLE platform_connections (id integer PRIMARY KEY, user_id text NOT NULL, platform text NOT "
        "NULL, "
        "platform_user_id text NOT NULL, last_connected_at timestamp);"
        "CREATE TABLE user_balances (id integer PRIMARY KEY, balance integer NOT NULL, total_earned integer "
        "NOT "
        "NULL, total_spent integer NOT NULL);"
        "INSERT INTO platform_connections VALUES (1, 'u1', 'twitch', '5', '2025-11-01 10:00:00'),"
        "(2, 'u2', 'twitch', '5', '2025-11-02 10:00:00'), (3, 'u3', 'kick', '5', NULL);"
        "INSERT INTO user_balances VALUES (1, -5, 0, 0), (2, 7, 7, 0)");
  }

  test::TemporaryFolder folder_;
  MigrationSet set_;
  std::vector<Pending> pending_;
};

using AnyDatabasePlan = PlanTest<test::OnAnyDatabase>;
using PlanInPostgres = PlanTest<test::OnPostgres>;

TEST_F(AnyDatabasePlan, EveryStatementWithItsTableAndItsLock) {
  make_streambot();
  write("0003_unique.sql",
        "-- one account, one user\nCREATE UNIQUE INDEX links_once\n  ON platform_connections (platform, "
        "platform_user_id);\nCREATE TABLE attempts (id integer PRIMARY KEY);\nCREATE INDEX a ON attempts "
        "(id);");
  const Plan found = plan();
  ASSERT_EQ(found.migrations.size(), 1U);
  const auto& statements = found.migrations[0].statements;
  ASSERT_EQ(statements.size(), 3U);
  EXPECT_EQ(statements[0].line, 2U);
  EXPECT_EQ(statements[0].text,
            "CREATE UNIQUE INDEX links_once ON platform_connections (platform, platform_us...");
  EXPECT_EQ(statements[0].text.size(), 80U);
  EXPECT_EQ(statements[0].table, "platform_connections");
  EXPECT_EQ(statements[0].rows, 3);
  EXPECT_TRUE(statements[0].cost.builds_index);
  EXPECT_TRUE(statements[1].is_new_table);
  EXPECT_TRUE(statements[2].is_new_table);
  EXPECT_EQ(statements[2].stall_ms, 0);
  ASSERT_EQ(found.migrations[0].prechecks.size(), 1U);
  EXPECT_EQ(found.errors, 1U);
  const std::string text = show(found);
  EXPECT_THAT(text, HasSubstr("0003_unique.sql (one transaction"));
  EXPECT_THAT(text, HasSubstr("P-UNIQUE: line 2: 1 group of rows"));
  EXPECT_THAT(text, HasSubstr("plan: 1 pending, 1 errors"));
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}

TEST_F(AnyDatabasePlan, NothingPendingIsSaid) {
  EXPECT_EQ(show(plan()), "Nothing to do: nothing is pending.\n");
}

TEST_F(AnyDatabasePlan, TheRefusalNamesTheFileOfTheErrorAndNotOfAnEarlierWarning) {
  make_streambot();
  session().execute(
      "CREATE TABLE other (id integer PRIMARY KEY, a integer); INSERT INTO other VALUES (1, 1), (2, 1)");
  write("0003_mended.sql",
        "UPDATE platform_connections SET platform = id;\nCREATE UNIQUE INDEX links_once ON "
        "platform_connections "
        "(platform, platform_user_id);");
  write("0004_unique.sql", "CREATE UNIQUE INDEX other_once ON other (a);");
  const RunReport report = up();
  ASSERT_TRUE(report.failed);
  ASSERT_EQ(std::ranges::count(report.findings, "P-UNIQUE", &Finding::code), 2) << "a warning and an error";
  EXPECT_EQ(report.failed->finding.hint, "See: guildhall migrate precheck 0004_unique");
  EXPECT_EQ(report.failed_name, "0004_unique");
}

TEST_F(AnyDatabasePlan, DuplicateLinksStopUpBeforeTheLock) {
  make_streambot();
  write("0003_unique.sql",
        "CREATE UNIQUE INDEX links_once ON platform_connections (platform, platform_user_id);");
  const std::string before = fingerprint();
  const RunReport report = up();
  ASSERT_TRUE(report.failed);
  EXPECT_EQ(report.failed->exit, Exit::refused);
  EXPECT_EQ(report.failed->finding.code, "P-UNIQUE");
  EXPECT_EQ(report.failed->finding.hint, "See: guildhall migrate precheck 0003_unique");
  EXPECT_EQ(report.token, 0) << "the lock was never asked for";
  EXPECT_THAT(report.findings, testing::Not(IsEmpty()));
  EXPECT_EQ(fingerprint(), before);
  EXPECT_FALSE(Journal(session(), target().dialect).exists());
  EXPECT_EQ(value("SELECT count(*) FROM platform_connections"), "3");
}

TEST_F(AnyDatabasePlan, ErrorsOfLintStopUpAndAreAllNamed) {
  make_streambot();
  write("0005_gone.sql", "DELETE FROM user_balances;\nDROP TABLE platform_connections;");
  const RunReport report = up();
  ASSERT_TRUE(report.failed);
  EXPECT_EQ(report.failed->exit, Exit::refused);
  EXPECT_EQ(report.failed->finding.code, "L03");
  EXPECT_THAT(report.failed->finding.text, HasSubstr("and 1 more"));
  std::vector<std::size_t> lines;
  for (const Finding& one : report.findings) {
    if (one.code == "L03") lines.push_back(one.line);
  }
  EXPECT_THAT(lines, ElementsAre(1, 2));
  EXPECT_EQ(value("SELECT count(*) FROM user_balances"), "2");
  write("0005_gone.sql", "-- guildhall: allow=L03 reason=\"moved\"\nDELETE FROM user_balances;");
  EXPECT_FALSE(up().failed);
  EXPECT_EQ(value("SELECT count(*) FROM user_balances"), "0");
}

TEST_F(AnyDatabasePlan, WarningsDoNotStopUp) {
  make_streambot();
  write("0004_backfill.sql",
        "CREATE TABLE IF NOT EXISTS x (a integer);\nUPDATE user_balances SET total_spent = 1;");
  EXPECT_GE(plan().migrations[0].lint.size(), 3U);
  EXPECT_FALSE(up().failed);
}

TEST_F(AnyDatabasePlan, ARunThatIsTriedOutLeavesNothing) {
  make_streambot();
  write("0006_column.sql",
        "ALTER TABLE user_balances ADD COLUMN note text; UPDATE user_balances SET note = 'x';");
  write("0007_table.sql", "CREATE TABLE fresh (id integer PRIMARY KEY);");
  read();
  const std::string before = fingerprint();
  const auto tried = try_out(session(), target(), pending_);
  ASSERT_TRUE(tried) << tried.error().finding.text;
  EXPECT_EQ(fingerprint(), before);
  EXPECT_FALSE(session().in_transaction());
  const RunReport report = up();
  EXPECT_EQ(report.fingerprint, *tried);
}

TEST_F(AnyDatabasePlan, WhatFailsWhenItIsTriedOutIsNamedAndLeavesNothing) {
  write("0006_table.sql",
        "CREATE TABLE fresh (id integer PRIMARY KEY);\nINSERT INTO fresh (nothing) VALUES (1);");
  read();
  const std::string before = fingerprint();
  const auto tried = try_out(session(), target(), pending_);
  ASSERT_FALSE(tried);
  EXPECT_EQ(tried.error().where(), "at 0006_table.sql line 2, statement 2 of 2");
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(AnyDatabasePlan, WhatIsNotOneTransactionIsNotTriedOut) {
  write("0006_table.sql", "-- guildhall: transaction=none\nCREATE TABLE fresh (id integer PRIMARY KEY);");
  read();
  const auto tried = try_out(session(), target(), pending_);
  ASSERT_FALSE(tried);
  EXPECT_EQ(tried.error().exit, Exit::refused);
}

TEST_F(AnyDatabasePlan, SqlThatIsRefusedByItsRowsLaterIsNotRefusedBefore) {
  make_streambot();
  write("0002_dedupe.sql", "DELETE FROM platform_connections WHERE id = 1;");
  write("0003_unique.sql",
        "CREATE UNIQUE INDEX links_once ON platform_connections (platform, platform_user_id);");
  const RunReport report = up();
  EXPECT_FALSE(report.failed) << report.failed->finding.text;
  EXPECT_EQ(report.applied.size(), 2U);
}

TEST_F(PlanInPostgres, NegativeBalancesStopUpBeforeTheLock) {
  make_streambot();
  std::string blocks;
  for (const char* column : {"balance", "total_earned", "total_spent"})
    blocks += fmt::format(
        "DO $$ BEGIN\n ALTER TABLE \"user_balances\" ADD CONSTRAINT \"user_balances_{0}_check\" CHECK "
        "(\"user_balances\".\"{0}\" >= 0);\nEXCEPTION\n WHEN duplicate_object THEN null;\nEND $$;\n",
        column);
  write("0004_improvements.sql", blocks);
  const std::string before = fingerprint();
  const RunReport refused = up();
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->exit, Exit::refused);
  EXPECT_EQ(refused.failed->finding.code, "P-CHECK");
  EXPECT_EQ(refused.failed->where(), "at 0004_improvements.sql line 2");
  EXPECT_EQ(fingerprint(), before);
  EXPECT_EQ(value("SELECT balance FROM user_balances WHERE id = 1"), "-5");
  sql("UPDATE user_balances SET balance = 0 WHERE balance < 0");
  EXPECT_FALSE(up().failed);
}

TEST_F(PlanInPostgres, TheStallIsEstimatedFromBytesAndLastsToTheEndOfTheTransaction) {
  sql("CREATE TABLE t (id integer, a text); INSERT INTO t SELECT i, repeat('x', 1000) FROM "
      "generate_series(1, 20000) "
      "AS i");
  write("0001_a.sql",
        "ALTER TABLE t ADD COLUMN b integer;\nALTER TABLE t ALTER id TYPE bigint;\nUPDATE t SET b = 1;");
  const Plan found = plan();
  const auto& migration = found.migrations.at(0);
  const auto& statements = migration.statements;
  EXPECT_EQ(statements[0].stall_ms, 0);
  EXPECT_EQ(statements[1].stall_ms, statements[1].bytes * 1'000 / kWriteBytesPerSecond);
  EXPECT_GT(statements[1].stall_ms, 0);
  EXPECT_EQ(statements[2].stall_ms, 0) << "ROW EXCLUSIVE alone keeps nobody out";
  EXPECT_GT(migration.stall_ms, statements[1].stall_ms) << "but the locks of before last through it";
  EXPECT_EQ(statements[0].space_bytes, 0);
  EXPECT_EQ(found.space_bytes, statements[1].bytes * 13 / 10);
  EXPECT_THAT(show(found), HasSubstr("MiB of space beside the data"));
  EXPECT_THAT(show(found), HasSubstr("ACCESS EXCLUSIVE"));
  EXPECT_THAT(show(found), HasSubstr("rewrite"));
}

TEST_F(PlanInPostgres, AnIndexBesideTheWritersStallsNobody) {
  sql("CREATE TABLE t (id integer, a text); INSERT INTO t SELECT i, repeat('x', 1000) FROM "
      "generate_series(1, 20000) "
      "AS i");
  write("0001_a.sql", "CREATE INDEX CONCURRENTLY i ON t (id);");
  const Plan found = plan();
  EXPECT_FALSE(found.migrations.at(0).in_transaction);
  EXPECT_EQ(found.migrations.at(0).stall_ms, 0);
  EXPECT_EQ(found.errors, 0U);
}

TEST_F(PlanInPostgres, ATableThatSomebodyHoldsDoesNotHoldUpTheLook) {
  make_streambot();
  write("0003_unique.sql",
        "CREATE UNIQUE INDEX links_once ON platform_connections (platform, platform_user_id);");
  const auto holder = *target().open("");
  holder->execute("BEGIN; LOCK TABLE platform_connections");
  sql("SET lock_timeout = '20ms'");
  const Plan found = plan();
  ASSERT_EQ(found.migrations.at(0).prechecks.size(), 1U);
  EXPECT_EQ(found.migrations.at(0).prechecks[0].finding.code, "P-UNKNOWN");
  EXPECT_EQ(found.errors, 0U);
}

}  // namespace
}  // namespace guildhall::migrate
