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

}  // namespace
}  // namespace guildhall::store::postgres
