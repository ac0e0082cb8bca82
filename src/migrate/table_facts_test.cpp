#include "migrate/table_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_database.h"
#include "tests/support/counting_session.h"

namespace guildhall::migrate {
namespace {

using testing::ElementsAre;

template <class Fixture>
class TableFactsTest : public Fixture {
 protected:
  TableFacts facts(const std::string& sql) {
    const std::vector<EmbeddedFile> files{{"0001_up.sql", sql}};
    set_ = read_migrations(files, "test", this->target().dialect);
    const std::vector<Pending> pending{{&set_.migrations.at(0)}};
    test::CountingSession counting(this->session());
    this->session().execute("BEGIN");
    TableFacts found = read_table_facts(counting, this->target().dialect, pending);
    this->session().execute("COMMIT");
    round_trips_ = counting.round_trips();
    return found;
  }

  MigrationSet set_;
  std::size_t round_trips_ = 0;
};

using TableFactsAnywhere = TableFactsTest<test::OnAnyDatabase>;
using TableFactsInPostgres = TableFactsTest<test::OnPostgres>;

TEST_F(TableFactsAnywhere, NamesThatAreTaken) {
  session().execute(
      "CREATE TABLE t (id integer); CREATE INDEX i ON t (id); CREATE VIEW v AS SELECT id FROM t; CREATE "
      "TABLE "
      "\"odd \\ name\" (id integer)");
  const TableFacts found = facts(
      "CREATE TABLE IF NOT EXISTS t (id integer); CREATE INDEX i ON t (id); CREATE VIEW v AS SELECT 1; "
      "CREATE "
      "TABLE fresh (id integer); CREATE TABLE \"odd \\ name\" (id integer)");
  EXPECT_EQ(found.taken.size(), 4U);
  for (const char* name : {"t", "i", "v"}) EXPECT_TRUE(found.may_take(name)) << name;
  EXPECT_FALSE(found.may_take("fresh"));
  EXPECT_TRUE(TableFacts{}.may_take("fresh")) << "nobody has looked";
}

TEST_F(TableFactsInPostgres, TypesTakeNamesTooAndConstraintsAreKnown) {
  session().execute(
      "CREATE TYPE mood AS ENUM ('good'); CREATE SCHEMA app; CREATE TABLE app.t (id integer PRIMARY KEY, "
      "CONSTRAINT \"Odd\" CHECK (id > 0))");
  const TableFacts found = facts("CREATE TYPE mood AS ENUM ('good'); CREATE TABLE app.t (id integer)");
  EXPECT_TRUE(found.may_take("mood"));
  EXPECT_TRUE(found.may_take("app.t"));
  EXPECT_THAT(found.find("app.t")->constraints, ElementsAre("Odd", "t_pkey"));
}

TEST_F(TableFactsInPostgres, ATableIsMeasuredInOneRoundTrip) {
  session().execute(
      "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (id integer); INSERT INTO a SELECT * FROM "
      "generate_series(1, 20); INSERT INTO b SELECT * FROM generate_series(1, 10001)");
  const TableFacts none = facts("SELECT 1");
  const std::size_t without = round_trips_;
  const TableFacts found = facts("ALTER TABLE a ADD x integer; ALTER TABLE b ADD x integer");
  EXPECT_EQ(round_trips_, without + 2);
  EXPECT_EQ(found.find("a")->rows, 20);
  EXPECT_FALSE(found.find("a")->is_estimate);
  EXPECT_GT(found.find("a")->index_bytes, 0);
  EXPECT_GT(found.find("a")->bytes, 0);
  EXPECT_EQ(found.find("b")->rows, kSmallTable + 1);
  EXPECT_TRUE(found.find("b")->is_estimate);
}

TEST_F(TableFactsInPostgres, WhatCannotBeCountedIsNotTakenForEmpty) {
  session().execute(
      "CREATE TABLE t (id integer); ANALYZE t; INSERT INTO t VALUES (1); CREATE FUNCTION fails() RETURNS "
      "boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'; ALTER TABLE t ENABLE ROW LEVEL "
      "SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (fails())");
  const TableFacts found = facts("ALTER TABLE t ADD x integer");
  EXPECT_EQ(found.find("t")->rows, 1);
  EXPECT_TRUE(found.find("t")->is_estimate);
}

}  // namespace
}  // namespace guildhall::migrate
