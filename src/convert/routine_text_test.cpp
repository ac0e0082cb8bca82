#include "convert/routine_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::convert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RoutineText : public testing::Test {
 protected:
  void SetUp() override {
    schema_.schema = "public";
    schema_.tables["points"] = {
        .name = "points",
        .columns = {{.name = "name", .type = "text"}, {.name = "Server", .type = "bigint"}},
        .indexes = {{.name = "points_key", .parts = {{"name", "name"}}, .is_unique = true}}};
    scheme_.schema = &schema_;
    scheme_.tables = {{.rule = {.table = "points", .column = "server"}, .table = &schema_.tables["points"]}};
  }
  RoutineWrites read(const std::string& body) const {
    return writes_of({.name = "public.f()",
                      .writes = {"points"},
                      .text = "CREATE OR REPLACE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS "
                              "$function$" +
                              body + "$function$"},
                     scheme_);
  }

  OldSchema schema_;
  Scheme scheme_;
};

TEST_F(RoutineText, EachInsertHasToSayTheServer) {
  const std::string lacks = "its INSERT INTO points names no server";
  EXPECT_THAT(
      read("BEGIN SELECT server FROM points; INSERT INTO points (name) VALUES ('server'); END").failing,
      ElementsAre(lacks))
      << "it is named elsewhere alone";
  EXPECT_THAT(read("INSERT INTO public.Points AS p (name, SERVER) VALUES ('a', 7); INSERT INTO points (name) "
                   "SELECT server::text FROM other;")
                  .failing,
              ElementsAre(lacks));
  EXPECT_THAT(
      read("WITH x AS (INSERT INTO \"points\" (name) VALUES ('a') RETURNING 1) SELECT server FROM x").failing,
      ElementsAre(lacks));
  EXPECT_THAT(read("EXECUTE 'INSERT INTO points (name) VALUES ($1)' USING server").failing,
              ElementsAre(lacks));
  EXPECT_THAT(
      read("-- INSERT INTO points (name)\n INSERT INTO points (server, name) VALUES (7, 'a')").failing,
      IsEmpty());
  EXPECT_THAT(
      read("INSERT INTO elsewhere.points (name) VALUES (1); INSERT INTO logs (name) VALUES (2)").failing,
      IsEmpty());
}

TEST_F(RoutineText, AConflictHasToBeByAKeyWithTheServer) {
  const std::string old = "its ON CONFLICT of points is by a key without the server";
  const std::string insert = "INSERT INTO points (server, name) VALUES (7, 'a') ON CONFLICT ";
  EXPECT_THAT(read(insert + "(name) DO UPDATE SET server = 7").failing, ElementsAre(old));
  EXPECT_THAT(read(insert + "(lower(name)) WHERE server = 7 DO NOTHING").failing, ElementsAre(old));
  EXPECT_THAT(read(insert + "ON CONSTRAINT points_key DO NOTHING").failing, ElementsAre(old));
  EXPECT_THAT(read(insert + "(server, name) DO NOTHING").failing, IsEmpty());
  EXPECT_THAT(read(insert + "DO NOTHING").failing, IsEmpty());
  EXPECT_THAT(
      read("INSERT INTO points (server, name) SELECT 7, (SELECT 1); INSERT INTO logs (a) VALUES (1) ON "
           "CONFLICT (a) DO NOTHING")
          .failing,
      IsEmpty())
      << "that is of another statement";
}

TEST_F(RoutineText, WhatMayBeMeantForAllServersIsDoubtful) {
  const RoutineWrites found = read(
      "UPDATE points SET points = 0; DELETE FROM ONLY points; TRUNCATE TABLE points; INSERT INTO points "
      "VALUES "
      "(NEW.*); UPDATE points SET points = 1 WHERE server = 7; DELETE FROM points WHERE (server = 7)");
  EXPECT_THAT(found.failing, IsEmpty());
  EXPECT_THAT(
      found.doubtful,
      ElementsAre("its update of points names no server", "its delete of points names no server",
                  "its truncate of points names no server", "its INSERT INTO points names no columns"));
}

TEST_F(RoutineText, WhatIsSaidWithRaiseIsNotRun) {
  const std::string message = "'INSERT INTO points (name) VALUES (1) needs % of server'";
  const Routine silent{
      .name = "public.f()", .mentions = {"points"}, .text = "BEGIN RAISE INFO " + message + "; END"};
  for (const char* before : {"", "BEGIN ", "x := 1; ", "IF a THEN ", "ELSE ", "LOOP ", "<<here>> "})
    EXPECT_THAT(read(before + ("RAISE NOTICE " + message) + ", 'UPDATE points SET name = 1'; END").failing,
                IsEmpty())
        << before;
  EXPECT_THAT(read("BEGIN RAISE 'no' USING HINT = " + message + "; DELETE FROM points; END").doubtful,
              ElementsAre("its delete of points names no server"));
  EXPECT_FALSE(names_column(silent, scheme_.tables[0]));
  // A column may be called so, and what comes behind the statement is none of it.
  EXPECT_THAT(read("UPDATE logs SET raise = 'INSERT INTO points (name) VALUES (1)'").failing,
              ElementsAre("its INSERT INTO points names no server"));
  EXPECT_THAT(read("BEGIN RAISE NOTICE 'now'; EXECUTE 'INSERT INTO points (name) VALUES (1)'; END").failing,
              ElementsAre("its INSERT INTO points names no server"));
}

TEST_F(RoutineText, WhatIsNoSqlSaysNothing) {
  EXPECT_THAT(read("'").failing, IsEmpty());
  EXPECT_THAT(read("INSERT INTO").failing, IsEmpty());
  EXPECT_THAT(read("INSERT INTO points (").doubtful, ElementsAre("its INSERT INTO points names no columns"));
}

}  // namespace
}  // namespace guildhall::convert
