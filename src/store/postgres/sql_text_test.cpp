#include "store/postgres/sql_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::store::postgres {
namespace {

using testing::ElementsAre;

TEST(SqlText, EachNameGetsOneNumber) {
  const auto sql = number_parameters("SELECT :a, b FROM t WHERE s = :server AND (a = :a OR :b2 = 1)");
  EXPECT_EQ(sql.text, "SELECT $1, b FROM t WHERE s = $2 AND (a = $1 OR $3 = 1)");
  EXPECT_THAT(sql.names, ElementsAre("a", "server", "b2"));
}

TEST(SqlText, LeavesTextCommentsAndCastsAlone) {
  const auto sql = number_parameters("SELECT ':a', 'it''s :b', \":c\" -- :d\n, x::bigint, :e::text, ':");
  EXPECT_EQ(sql.text, "SELECT ':a', 'it''s :b', \":c\" -- :d\n, x::bigint, $1::text, ':");
  EXPECT_THAT(sql.names, ElementsAre("e"));
  EXPECT_EQ(number_parameters("a :").text, "a :");
}

TEST(SqlText, AnInsertOfOneRowHasAFormForMany) {
  EXPECT_EQ(array_form("INSERT INTO t (s, a, b) VALUES (:server, :a, :b_2)"),
            "INSERT INTO t (s, a, b) SELECT :server, unnest(:a), unnest(:b_2)");
  EXPECT_EQ(array_form("INSERT INTO t (s, a, b) VALUES (:server,'x', :b) ON CONFLICT (s, b) DO NOTHING"),
            "INSERT INTO t (s, a, b) SELECT :server, 'x', unnest(:b) ON CONFLICT (s, b) DO NOTHING");
}

TEST(SqlText, OtherStatementsHaveNone) {
  for (const std::string sql : {
           "INSERT INTO t (s, a) VALUES (:server, :a) ON CONFLICT (s) DO UPDATE SET a = excluded.a",
           "INSERT INTO t (s, a) VALUES (:server, :a) ON CONFLICT (s) DO UPDATE SET a = 1 WHERE t.b = 'DO "
           "NOTHING'",
           "INSERT INTO t (s, a) VALUES (:server, :a) RETURNING a",
           "INSERT INTO t (s, a) VALUES (:server, :a + 1)",
           "INSERT INTO t (s, a) VALUES (:server, lower(:a))",
           "INSERT INTO t (s, a, b) VALUES (:server, ':a,', :b)",
           "INSERT INTO t (s, a, b) VALUES (:server, ')', :b)",
           "INSERT INTO t (s, a) VALUES (:server, :a), (:server, :b)",
           "INSERT INTO t (s, a) VALUES (:server, 1)",
           "INSERT INTO t (s, a, b) VALUES (:server, :a, DEFAULT)",
           "INSERT INTO t (s, a, b) VALUES (:server, :a, CASE WHEN :b IS NULL THEN 0 ELSE 1 END)",
           "INSERT INTO t (s, a, b) VALUES (:server, :a, :b IS NULL)",
           "INSERT INTO t (s, a, b) VALUES (:server, :a, NOT :b)",
           "INSERT INTO t (s, a, b) VALUES (:server, :a, :b::text)",
           "INSERT INTO t (s, a) VALUES (:server, :a) ON CONFLICT (a) WHERE s = :server DO NOTHING",
           "INSERT INTO t (s, a) VALUES (:server, :a",
           "INSERT INTO t (s, a",
           "INSERT INTO t VALUES (:server, :a)",
           "INSERT INTO t (s, a) SELECT :server, a FROM u WHERE s = :server",
           "UPDATE t SET a = :a WHERE s = :server",
           "",
       }) {
    EXPECT_EQ(array_form(sql), "") << sql;
  }
}

}  // namespace
}  // namespace guildhall::store::postgres
