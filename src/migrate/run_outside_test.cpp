#include "migrate/run_outside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RunOutsideInPostgres : public test::OnPostgres {
 protected:
  Outcome<void> run(const std::string& sql, const OutsideOptions& options = {}) {
    const auto statements = split_statements(sql, Dialect::postgres);
    return run_outside(session(), statements->at(0), Dialect::postgres, options);
  }
  static OutsideOptions resumed() {
    OutsideOptions options;
    options.may_be_done = true;
    return options;
  }
  std::string indexes() {
    return session()
        .query(
            "SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY 1) FROM pg_index WHERE indrelid = "
            "'t'::regclass")
        .at(0)
        .at(0);
  }
  /// What a REINDEX that was ended leaves behind.
  void leave_copy(const std::string& name) {
    EXPECT_THROW(session().execute("CREATE UNIQUE INDEX CONCURRENTLY " + name + " ON t (y)"),
                 store::DatabaseError);
  }
};

TEST_F(RunOutsideInPostgres, WhatIsThereAlreadyIsDoneOnlyForARunThatGoesOn) {
  session().execute("CREATE TABLE t (x integer); CREATE INDEX t_x ON t (x)");
  EXPECT_THROW(run("CREATE INDEX CONCURRENTLY t_x ON t (x)"), store::DatabaseError);
  EXPECT_TRUE(run("CREATE INDEX CONCURRENTLY t_x ON t (x)", resumed()));
  EXPECT_THROW(run("DROP INDEX CONCURRENTLY t_y"), store::DatabaseError);
  EXPECT_TRUE(run("DROP INDEX CONCURRENTLY t_y", resumed()));
  EXPECT_TRUE(run("DROP INDEX CONCURRENTLY t_x", resumed()));
  EXPECT_EQ(indexes(), "");
  EXPECT_TRUE(run("CREATE DATABASE postgres", resumed()));
  EXPECT_THROW(run("CREATE DATABASE postgres"), store::DatabaseError);
}

TEST_F(RunOutsideInPostgres, CopiesThatAReindexLeftBehindAreTakenAway) {
  session().execute(
      "CREATE TABLE t (x integer, y integer); CREATE INDEX t_x ON t (x); INSERT INTO t VALUES (1, 1), (2, "
      "1)");
  for (const char* statement :
       {"REINDEX INDEX CONCURRENTLY t_x", "REINDEX (VERBOSE) TABLE CONCURRENTLY t",
        "REINDEX (CONCURRENTLY) TABLE public.t", "REINDEX SCHEMA CONCURRENTLY public"}) {
    leave_copy("t_x_ccnew");
    leave_copy("t_x_ccold1");
    EXPECT_TRUE(run(statement)) << statement;
    EXPECT_EQ(indexes(), "t_x") << statement;
  }
}

TEST_F(RunOutsideInPostgres, APartitionThatIsHalfOutIsTakenOut) {
  session().execute(
      "CREATE TABLE p (x integer) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); "
      "SET statement_timeout = 200");
  const auto reader = *target().open("");
  reader->execute("BEGIN; SELECT * FROM p");
  const std::string detach = "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY";
  EXPECT_THROW(session().run(detach), store::DatabaseError);
  EXPECT_EQ(session().query("SELECT inhdetachpending FROM pg_inherits").at(0).at(0), "t");
  reader->execute("COMMIT");
  EXPECT_TRUE(run(detach));
  EXPECT_THAT(session().query("SELECT 1 FROM pg_inherits"), IsEmpty());
  EXPECT_TRUE(run(detach, resumed()));
  EXPECT_THROW(run(detach), store::DatabaseError);
}

TEST_F(RunOutsideInPostgres, WhoIsInTheWayIsNamed) {
  session().execute("CREATE TABLE t (x integer)");
  const auto reader = *target().open("");
  reader->execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class");
  std::string said;
  OutsideOptions options;
  options.worth_a_line = std::chrono::milliseconds(0);
  options.say = [&](const std::string& line) {
    said = line;
    reader->execute("COMMIT");
  };
  EXPECT_TRUE(run("CREATE INDEX CONCURRENTLY t_x ON t (x)", options));
  EXPECT_THAT(said, HasSubstr("SELECT count(*) FROM pg_class"));
}

}  // namespace
}  // namespace guildhall::migrate
