#include "migrate/data_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

template <class Fixture>
class DataLossTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void SetUp() override {
    session().execute(
        "CREATE TABLE users (id integer PRIMARY KEY, name text, points integer DEFAULT 0);"
        "CREATE TABLE entries (id integer PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE "
        "CASCADE);"
        "CREATE TABLE blank (id integer PRIMARY KEY, note text);"
        "INSERT INTO users VALUES (1, 'ann', 5), (2, 'bob', 0), (3, NULL, 0);"
        "INSERT INTO entries VALUES (1, 1), (2, 1)");
  }
  std::string losses(const std::string& sql) {
    const auto statements = split_statements(sql, target().dialect);
    const std::string found = describe(count_losses(session(), *statements, target().dialect));
    EXPECT_FALSE(session().in_transaction());
    return found;
  }
  void sql(const std::string& script) { session().execute(script); }
};

using AnyDatabaseLosses = DataLossTest<test::OnAnyDatabase>;
using LossesInPostgres = DataLossTest<test::OnPostgres>;

TEST_F(AnyDatabaseLosses, TablesAndColumnsThatHoldSomething) {
  EXPECT_EQ(losses("DROP TABLE entries; DROP TABLE users;"), "table entries (2 rows), table users (3 rows)");
  EXPECT_EQ(losses("ALTER TABLE users DROP COLUMN name"), "column users.name (2 values)");
  EXPECT_EQ(losses("DROP TABLE blank; DROP TABLE IF EXISTS nowhere; ALTER TABLE blank DROP COLUMN note"), "");
  EXPECT_EQ(losses("DROP TABLE entries; DROP TABLE entries"), "table entries (2 rows)");
  EXPECT_EQ(losses("DROP VIEW IF EXISTS v; DROP INDEX IF EXISTS i"), "");
}

TEST_F(AnyDatabaseLosses, RowsThatAreDeleted) {
  EXPECT_EQ(losses("DELETE FROM entries"), "table entries (2 rows)");
  EXPECT_EQ(losses("DELETE FROM entries WHERE id = 2"), "1 rows of entries");
  EXPECT_EQ(losses("DELETE FROM entries WHERE id > 5"), "");
  EXPECT_EQ(losses("DELETE FROM entries AS e WHERE e.user_id IN (SELECT id FROM users WHERE name = 'ann')"),
            "2 rows of entries");
  EXPECT_EQ(
      losses(
          "WITH gone AS (SELECT 1 AS id) DELETE FROM entries WHERE id IN (SELECT id FROM gone) RETURNING id"),
      "1 rows of entries");
  EXPECT_EQ(losses("DELETE FROM entries WHERE made_later = 1"), "some rows of entries")
      << "a column of the run";
  EXPECT_EQ(losses("DELETE FROM blank WHERE made_later = 1"), "");
  EXPECT_EQ(losses("DELETE FROM nowhere WHERE id = 1"), "");
}

TEST_F(AnyDatabaseLosses, ValuesThatAreOverwritten) {
  EXPECT_EQ(losses("UPDATE users SET name = 'x'"), "2 values of users.name");
  EXPECT_EQ(losses("UPDATE users SET name = 'ann', points = 0 WHERE id = 1"), "1 values of users.points");
  EXPECT_EQ(losses("UPDATE users SET name = NULL WHERE id > 1"), "1 values of users.name");
  EXPECT_EQ(losses("UPDATE users AS u SET name = (SELECT CAST(max(e.id) AS text) FROM entries e WHERE "
                   "e.user_id = u.id)"),
            "2 values of users.name");
  EXPECT_EQ(losses("UPDATE users SET points = points + 1, name = lower(name)"), "");
  EXPECT_EQ(losses("UPDATE users SET (name, points) = ('a', 1) WHERE id = 1"),
            "1 values of users.name, 1 values of users.points");
  EXPECT_EQ(losses("UPDATE users SET name = CAST(e.id AS text) FROM entries AS e WHERE e.user_id = users.id "
                   "AND e.id = 2"),
            "1 values of users.name");
  EXPECT_EQ(losses("UPDATE users SET name = made_later"), "some values of users.name");
  EXPECT_EQ(losses("UPDATE blank SET note = 'x'"), "");
}

TEST_F(AnyDatabaseLosses, RowsThatMayBeReplaced) {
  EXPECT_EQ(
      losses(
          "INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name"),
      "some rows of users");
  EXPECT_EQ(losses("INSERT INTO users (id, name) VALUES (9, replace('x', 'y', 'z'))"), "");
  if (target().dialect == Dialect::sqlite) {
    EXPECT_EQ(losses("INSERT OR REPLACE INTO users (id) VALUES (1)"), "some rows of users");
    EXPECT_EQ(losses("REPLACE INTO users (id) VALUES (1)"), "some rows of users");
  }
}

TEST_F(LossesInPostgres, WhatGoesAlongByCascade) {
  sql("CREATE SCHEMA shop; CREATE TABLE shop.items (id integer); INSERT INTO shop.items VALUES (1), (2); "
      "CREATE TABLE "
      "shop.empty (id integer); CREATE TYPE shop.mood AS ENUM ('good'); ALTER TABLE users ADD COLUMN mood "
      "shop.mood; "
      "UPDATE users SET mood = 'good' WHERE id = 1; CREATE VIEW shop.v AS SELECT id FROM users");
  EXPECT_EQ(losses("DROP SCHEMA shop CASCADE"), "table shop.items (2 rows), column users.mood (1 values)");
  EXPECT_EQ(losses("DROP SCHEMA shop"), "") << "it is refused while something is in it";
  EXPECT_EQ(losses("DROP TYPE shop.mood CASCADE"), "column users.mood (1 values)");
  EXPECT_EQ(losses("DROP TYPE shop.mood"), "");
  EXPECT_EQ(losses("DROP TABLE users CASCADE"), "table users (3 rows)")
      << "of entries only the constraint goes";
  EXPECT_EQ(losses("DROP SCHEMA IF EXISTS nowhere CASCADE; DROP TYPE IF EXISTS nothing CASCADE"), "");
  EXPECT_EQ(losses("DO $$ BEGIN DROP SCHEMA shop CASCADE; END $$"),
            "table shop.items (2 rows), column users.mood (1 values)");
}

TEST_F(LossesInPostgres, ChildrenAndPartitionsAndWhatSomebodyOwns) {
  sql("CREATE TABLE parts (n integer, t text) PARTITION BY LIST (n); CREATE TABLE part1 PARTITION OF parts "
      "FOR VALUES "
      "IN (1); INSERT INTO parts VALUES (1, 'x'), (1, NULL); CREATE TABLE child () INHERITS (users); INSERT "
      "INTO child "
      "(id) VALUES (7)");
  EXPECT_EQ(losses("DROP TABLE parts"), "table parts (2 rows)");
  EXPECT_EQ(losses("DROP TABLE part1"), "table part1 (2 rows)");
  EXPECT_EQ(losses("ALTER TABLE parts DROP COLUMN t"), "column parts.t (1 values)");
  EXPECT_EQ(losses("DROP TABLE users CASCADE"), "table users (3 rows), table child (1 rows)");
  EXPECT_EQ(losses("DROP OWNED BY current_user"),
            "table users (3 rows), table entries (2 rows), table parts (2 rows), table child (1 rows)");
}

TEST_F(LossesInPostgres, RowsOfOthersThatGoAlong) {
  EXPECT_EQ(losses("TRUNCATE users CASCADE"), "table users (3 rows), table entries (2 rows)");
  EXPECT_EQ(losses("DELETE FROM users WHERE id = 1"), "1 rows of users, some rows of entries");
  EXPECT_EQ(losses("DELETE FROM users WHERE id = 9"), "");
  EXPECT_EQ(losses("DELETE FROM entries USING users WHERE users.id = user_id AND users.name = 'ann'"),
            "2 rows of entries");
  EXPECT_EQ(losses("MERGE INTO users USING entries ON users.id = entries.id WHEN MATCHED THEN DELETE"),
            "some rows of users");
  EXPECT_EQ(losses("MERGE INTO users USING entries ON users.id = entries.id WHEN MATCHED THEN DO NOTHING"),
            "");
}

TEST_F(LossesInPostgres, ColumnsWithADefaultAndNewTypes) {
  EXPECT_EQ(losses("ALTER TABLE users DROP COLUMN points"), "column users.points (1 values)");
  EXPECT_EQ(losses("UPDATE users SET points = 1"), "1 values of users.points") << "0 is the default";
  EXPECT_EQ(losses("UPDATE users SET points = DEFAULT"), "1 values of users.points");
  EXPECT_EQ(losses("ALTER TABLE users ALTER COLUMN points TYPE bigint"), "");
  EXPECT_EQ(losses("ALTER TABLE users ALTER COLUMN name TYPE varchar(2) USING left(name, 2)"),
            "2 values of users.name");
  EXPECT_EQ(losses("ALTER TABLE users ALTER COLUMN name TYPE integer USING length(name)"),
            "2 values of users.name");
}

}  // namespace
}  // namespace guildhall::migrate
