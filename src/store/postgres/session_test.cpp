#include "store/postgres/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_database.h"

namespace guildhall::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LaterInPostgres : public test::OnPostgres {
 protected:
  LaterInPostgres() { session().execute("CREATE TABLE t (a integer PRIMARY KEY, b text)"); }
  std::vector<std::vector<std::string>> rows() { return session().query("SELECT a, b FROM t ORDER BY a"); }
};

TEST_F(LaterInPostgres, GoesAheadOfTheNextStatementInOrder) {
  session().later("BEGIN");
  session().later("INSERT INTO t VALUES ($1, $2)", {"1", "it's"});
  session().later("UPDATE t SET b = b || '!'");
  EXPECT_TRUE(session().in_transaction()) << "it will be in one";
  EXPECT_EQ(session().run("INSERT INTO t VALUES (2), (3)"), 2);
  EXPECT_TRUE(session().in_transaction());
  session().execute("COMMIT");
  EXPECT_FALSE(session().in_transaction());
  EXPECT_THAT(rows(), ElementsAre(ElementsAre("1", "it's!"), ElementsAre("2", ""), ElementsAre("3", "")));
}

TEST_F(LaterInPostgres, GoesAheadOfEachKindOfCall) {
  session().later("INSERT INTO t VALUES (1)");
  EXPECT_THAT(session().query("SELECT count(*) FROM t WHERE a = $1", {"1"}), ElementsAre(ElementsAre("1")));
  session().later("INSERT INTO t VALUES (2)");
  EXPECT_EQ(session().read("SELECT a FROM t WHERE a = $1", {std::int64_t{2}}).size(), 1U);
  session().later("INSERT INTO t VALUES ($1)", {"3"});
  session().execute("INSERT INTO t VALUES (4); INSERT INTO t VALUES (5)");
  session().later("DELETE FROM t WHERE a = 5");
  session().insert("t", {{"a", ValueType::integer}}, {{std::int64_t{5}}, {std::int64_t{6}}});
  EXPECT_EQ(rows().size(), 6U);
}

TEST_F(LaterInPostgres, WhatFailsOfItIsThrownAndNothingAfterItRuns) {
  session().later("INSERT INTO t VALUES (1)");
  session().later("INSERT INTO t VALUES (1)");
  session().later("INSERT INTO t VALUES (2)");
  try {
    session().run("INSERT INTO t VALUES (3)");
    FAIL() << "it ran";
  } catch (const StatementError&) {
    FAIL() << "the next statement is blamed for it";
  } catch (const DatabaseError& error) {
    EXPECT_EQ(error.code(), DbCode::unique);
  }
  EXPECT_THAT(rows(), IsEmpty()) << "those of one round trip are one transaction";
  EXPECT_EQ(session().run("INSERT INTO t VALUES (4)"), 1) << "the session goes on";
}

TEST_F(LaterInPostgres, AStatementThatFailsBehindItIsAnsweredForItself) {
  session().later("BEGIN");
  try {
    session().run("INSERT INTO t VALUES (1, nobody)");
    FAIL() << "it ran";
  } catch (const StatementError& error) {
    EXPECT_EQ(error.account().position, std::string_view("INSERT INTO t VALUES (1, ").size());
    EXPECT_THAT(error.account().message, HasSubstr("nobody"));
  }
  EXPECT_TRUE(session().in_transaction());
  session().later("ROLLBACK");
  EXPECT_THAT(rows(), IsEmpty());
  EXPECT_FALSE(session().in_transaction());
}

TEST_F(LaterInPostgres, ALostConnectionIsToldAsOne) {
  const auto other = *target().open("");
  session().later("BEGIN");
  other->query("SELECT pg_terminate_backend($1::int)", {std::to_string(session().backend())});
  try {
    session().run("INSERT INTO t VALUES (1)");
    FAIL() << "it ran";
  } catch (const DatabaseError& error) {
    EXPECT_EQ(error.code(), DbCode::connection_lost) << error.what();
  }
}

}  // namespace
}  // namespace guildhall::store
