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
  EXPECT_EQ(array_form("INSERT INTO t (s, a, b) VALUES (:server, :a, :b_2)").text,
            "INSERT INTO t (s, a, b) SELECT :server, unnest(:a), unnest(:b_2)");
  EXPECT_EQ(array_form("INSERT INTO t (s, a, b) VALUES (:server,'x', :b) ON CONFLICT (s, b) DO NOTHING").text,
            "INSERT INTO t (s, a, b) SELECT :server, 'x', unnest(:b) ON CONFLICT (s, b) DO NOTHING");
}

TEST(SqlText, AnInsertThatChangesWhatIsThereIsForManyRowsOfDifferentKeys) {
  const ArrayForm form = array_form(
      "INSERT INTO t (s, unit, a, b) VALUES (:server, 'x', :key, :b) ON CONFLICT (s, unit, a) DO UPDATE SET "
      "b = t.b + excluded.b WHERE t.b < 7");
  EXPECT_EQ(form.text,
            "INSERT INTO t (s, unit, a, b) SELECT :server, 'x', unnest(:key), unnest(:b) ON CONFLICT (s, "
            "unit, a) DO UPDATE SET b = t.b + excluded.b WHERE t.b < 7");
  EXPECT_THAT(form.distinct, ElementsAre("key"));
}

TEST(SqlText, WhatReadsOneTableForEachRunHasAFormForMany) {
  EXPECT_EQ(
      array_form("INSERT INTO t (s, a, b) SELECT :server, u.c - :less, :b FROM big u WHERE u.s = :server AND "
                 "u.k = :k")
          .text,
      "INSERT INTO t (s, a, b) SELECT :server, u.c - given.in_less, given.in_b FROM (SELECT unnest(:less) AS "
      "in_less, unnest(:b) AS in_b, unnest(:k) AS in_k) AS given CROSS JOIN big u WHERE u.s = :server AND "
      "u.k = "
      "given.in_k");
}

TEST(SqlText, AnUpdateOfOneRowHasAFormForManyOfDifferentKeys) {
  const ArrayForm form = array_form(
      "UPDATE t SET a = a + :more, c = 1 WHERE discord_server_id = :server AND k = :key AND a >= :least AND "
      "d IS "
      "NULL");
  EXPECT_EQ(
      form.text,
      "UPDATE t SET a = a + given.in_more, c = 1 FROM (SELECT unnest(:more) AS in_more, unnest(:key) AS "
      "in_key, unnest(:least) AS in_least) AS given WHERE t.discord_server_id = :server AND k = given.in_key "
      "AND a >= given.in_least AND d IS NULL");
  EXPECT_THAT(form.distinct, ElementsAre("key"));
}

TEST(SqlText, OtherStatementsHaveNone) {
  for (const std::string sql : {
           "INSERT INTO t (s, a) VALUES (:server, :a) ON CONFLICT (s) DO UPDATE SET a = excluded.a",
           "INSERT INTO t (s, a) VALUES (:server, :a) ON CONFLICT (s, b) DO UPDATE SET a = 1",
           "INSERT INTO t (s, a) VALUES (:server, :a) ON CONFLICT (s, a) DO UPDATE SET a = :a",
           "INSERT INTO t (s, a) VALUES (:server, :a) ON CONFLICT (s, a) DO UPDATE SET a = 1 RETURNING a",
           "INSERT INTO t (s, a) VALUES (:server, :a) ON CONFLICT (s, lower(a)) DO UPDATE SET a = 1",
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
           "INSERT INTO t (s, a) SELECT :server, a FROM t WHERE s = :server AND b = :b",
           "INSERT INTO t (s, a) SELECT :server, u.a FROM u, v WHERE u.s = :server AND u.b = :b",
           "INSERT INTO t (s, a) SELECT :server, max(a) FROM u WHERE s = :server AND b = :b",
           "INSERT INTO t (s, a) SELECT :server, a FROM u WHERE s = :server AND b = :b LIMIT 1",
           "INSERT INTO t (s, a) SELECT :server, :a WHERE :server = :server",
           "UPDATE t SET a = :a WHERE s = :server",
           "UPDATE t SET a = :a WHERE discord_server_id = :server",
           "UPDATE t SET a = :a WHERE discord_server_id = :server AND b > :b",
           "UPDATE t SET b = :a WHERE discord_server_id = :server AND b = :b",
           "UPDATE t SET a = 1, b = b + :a WHERE discord_server_id = :server AND b = :b",
           "UPDATE t SET a = :a WHERE discord_server_id = :server AND b = :b OR c = 1",
           "UPDATE t SET a = lower(:a) WHERE discord_server_id = :server AND b = :b",
           "UPDATE t SET a = :a WHERE discord_server_id = :server AND b = :b RETURNING a",
           "",
       }) {
    EXPECT_EQ(array_form(sql).text, "") << sql;
  }
}

}  // namespace
}  // namespace guildhall::store::postgres
