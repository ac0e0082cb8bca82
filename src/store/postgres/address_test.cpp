#include "store/postgres/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::store {
namespace {

using testing::Contains;
using testing::Eq;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

constexpr const char* kUrl =
    "postgresql://me%40home:p%25w%2Fd%3F@db.example:6000/a%20b?sslmode=require&options=-cgeqo%3Doff";

TEST(PostgresAddress, IsTakenApartAndDecoded) {
  const auto parameters = *connection_parameters(kUrl);
  EXPECT_THAT(parameters, Contains(Pair("user", "me@home")));
  EXPECT_THAT(parameters, Contains(Pair("password", "p%w/d?")));
  EXPECT_THAT(parameters, Contains(Pair("host", "db.example")));
  EXPECT_THAT(parameters, Contains(Pair("port", "6000")));
  EXPECT_THAT(parameters, Contains(Pair("dbname", "a b")));
  EXPECT_THAT(parameters, Not(Contains(Key("channel_binding"))));
}

TEST(PostgresAddress, BecomesTheVariablesOfLibpq) {
  const auto variables = *connection_environment(kUrl);
  EXPECT_THAT(variables, Contains(Pair("PGUSER", "me@home")));
  EXPECT_THAT(variables, Contains(Pair("PGPASSWORD", "p%w/d?")));
  EXPECT_THAT(variables, Contains(Pair("PGHOST", "db.example")));
  EXPECT_THAT(variables, Contains(Pair("PGPORT", "6000")));
  EXPECT_THAT(variables, Contains(Pair("PGDATABASE", "a b")));
  EXPECT_THAT(variables, Contains(Pair("PGSSLMODE", "require")));
  EXPECT_THAT(variables, Contains(Pair("PGOPTIONS", "-cgeqo=off")));
  EXPECT_THAT(*connection_environment("postgres://h/d?keepalives_idle=5"),
              Not(Contains(Key("keepalives_idle"))));
}

TEST(PostgresAddress, APasswordOfAKeyCannotBeGivenInSecret) {
  const auto refused = connection_environment("postgres://h/d?sslpassword=word");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("sslpassword"));
}

TEST(PostgresAddress, AnotherDatabaseIsReachedTheSameWay) {
  auto expected = *connection_parameters(kUrl);
  expected["dbname"] = "other/db?x";
  EXPECT_THAT(*connection_parameters(*address_of_database(kUrl, "other/db?x")), Eq(expected));
  expected = {{"host", "/tmp/a b"}, {"user", "u"}, {"dbname", "d"}};
  EXPECT_THAT(*connection_parameters(*address_of_database("postgres://u@%2Ftmp%2Fa%20b/x?dbname=y", "d")),
              Eq(expected));
}

TEST(PostgresAddress, WhatCannotBeReadIsNotQuoted) {
  const auto refused = connection_parameters("postgres://me:secret%zz@h/d");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::usage);
  EXPECT_THAT(refused.error().message + refused.error().hint, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace guildhall::store
