// Tables as people make them by hand: whatever SQLite takes goes there and back, on each way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_online.h"
#include "convert/sqlite_rebuild.h"
#include "convert/sqlite_rollback.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using testing::HasSubstr;

constexpr const char* kTables = R"(
CREATE TABLE down(word TEXT CONSTRAINT down_desc PRIMARY KEY DESC, n INTEGER) WITHOUT ROWID;
CREATE TABLE seasons(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE own_name(id INTEGER PRIMARY KEY, points INTEGER, deleted INTEGER DEFAULT 0,
  CHECK (own_name.points >= 0 AND main.own_name.points < 1000));
CREATE UNIQUE INDEX only_kept ON own_name(points DESC) WHERE own_name.deleted = 0;
CREATE INDEX kept ON own_name(points) WHERE main.own_name.deleted = 0 AND "own_name" . points > 1;
CREATE TABLE by_word(word TEXT COLLATE NOCASE, season INTEGER REFERENCES seasons(id), n REAL UNIQUE,
  note TEXT CHECK (by_word.note <> 'x'), PRIMARY KEY (word DESC), UNIQUE (season, note)) WITHOUT ROWID;
CREATE INDEX by_note ON by_word(note) WHERE by_word.n > 1;
CREATE TABLE exact(id INT NOT NULL, points REAL NOT NULL, data ANY, twice INT AS (points * 2) UNIQUE,
  thrice REAL AS (points * 3) STORED, PRIMARY KEY (id)) STRICT;
CREATE INDEX by_twice ON exact(twice, thrice DESC);
CREATE TABLE "we""ird (one"("rowid" TEXT UNIQUE COLLATE NOCASE, [a b] REAL DEFAULT 1.0, 'c' BLOB);
CREATE TABLE numbered(id "INTEGER" PRIMARY KEY, name TEXT UNIQUE);
CREATE INDEX some ON numbered(name) WHERE numbered.name > 'n2';
CREATE TABLE counted("id" INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE);
INSERT INTO down VALUES ('a', 1), ('b', 2), ('c', 3);
INSERT INTO seasons VALUES (1, 'spring'), (2, 'summer');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
INSERT INTO own_name(points, deleted) SELECT i, i % 2 FROM n;
INSERT INTO by_word SELECT 'Word' || points, 1 + points % 2, points, 'note' || points FROM own_name;
INSERT INTO exact(id, points, data) SELECT id, points, 'a' || points FROM own_name;
INSERT INTO "we""ird (one"("rowid", c) SELECT 'Name' || points, x'00ff' FROM own_name;
ALTER TABLE "we""ird (one" ADD COLUMN late TEXT DEFAULT 'was not there';
CREATE INDEX "by ""late" ON "we""ird (one"(late, lower("rowid"));
INSERT INTO "we""ird (one"("rowid", [a b], c, late) VALUES (NULL, 2, NULL, NULL), (NULL, 'text', 'text', 'z');
INSERT INTO numbered(name) SELECT 'n' || points FROM own_name;
INSERT INTO counted(name) SELECT 'n' || points FROM own_name;
DELETE FROM counted WHERE id > 25;
)";

constexpr const char* kDescription = R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.guilds]
class = "registry"
[table.seasons]
class = "global"
[table.own_name]
class = "tenant"
[table.by_word]
class = "tenant"
[table.exact]
class = "tenant"
[table."we\"ird (one"]
class = "tenant"
[table.numbered]
class = "tenant"
[table.down]
class = "tenant"
[table.counted]
class = "tenant"
)";

constexpr const char* kNames[] = {"own_name", "by_word", "exact", "we\"ird (one",
                                  "numbered", "counted", "down"};

class OddSchemasOfSqlite : public test::SqliteConversion {
 protected:
  void SetUp() override {
    execute("PRAGMA journal_mode=WAL");
    execute(kTables);
    read(kDescription);
    before_ = rows();
    schema_before_ = indexes();
  }

  migrate::Outcome<SqliteReport> online(std::function<void(const std::string&)> at = [](const auto&) {}) {
    return convert_sqlite_online(
        session(), scheme_, {.description = "test"},
        {.batch = 7, .greatest_batch = 7, .pause = std::chrono::milliseconds(0), .at = std::move(at)});
  }

  std::string rows() {
    std::string all;
    for (const char* name : kNames) {
      std::string columns;
      for (const auto& row : session().query(
               "SELECT name FROM pragma_table_xinfo($1) WHERE name <> 'guild_id' ORDER BY cid", {name}))
        columns += "quote(" + store::quoted_name(row[0]) + ") || ' ' || ";
      all += dump("SELECT " + columns + "'' FROM " + store::quoted_name(name) + " ORDER BY 1");
    }
    return all + dump("SELECT name, seq FROM sqlite_sequence WHERE name = 'counted'");
  }

  std::string indexes() {
    return dump(
        "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND "
        "tbl_name NOT LIKE 'guildhall%' ORDER BY 1");
  }

  /// All is there, under keys of many servers.
  void expect_converted() {
    EXPECT_EQ(rows(), before_);
    EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n");
    EXPECT_EQ(dump("PRAGMA foreign_key_check"), "");
    EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name LIKE 'guildhall_passing%'"), "");
    EXPECT_EQ(findings_of(verified()), "");
    execute(
        "INSERT INTO guilds VALUES (2); INSERT INTO own_name(points, guild_id) VALUES (2, 2);"
        "INSERT INTO numbered(name, guild_id) VALUES ('n1', 2); INSERT INTO counted(name, guild_id) VALUES "
        "('n1', 2); INSERT INTO by_word VALUES ('word1', 1, 1, 'note1', 2)");
    EXPECT_EQ(dump("SELECT id FROM counted WHERE guild_id = 2"), "31\n");
    EXPECT_EQ(dump("SELECT id FROM numbered WHERE guild_id = 2"), "31\n");
    EXPECT_THROW(execute("INSERT INTO own_name(points, guild_id) VALUES (2, 2)"), store::DatabaseError);
    EXPECT_THROW(execute("INSERT INTO own_name(points, guild_id) VALUES (-1, 2)"), store::DatabaseError);
    EXPECT_THROW(execute("INSERT INTO by_word VALUES ('other', 1, 3, 'x', 2)"), store::DatabaseError);
    execute(
        "DELETE FROM own_name WHERE guild_id = 2; DELETE FROM numbered WHERE guild_id = 2;"
        "DELETE FROM by_word WHERE guild_id = 2; DELETE FROM counted WHERE guild_id = 2;"
        "DELETE FROM guilds WHERE guild_id = 2; UPDATE sqlite_sequence SET seq = 30 WHERE name = 'counted'");
  }

  void expect_taken_back() {
    ASSERT_EQ(problem(roll_back_sqlite(session())), "");
    EXPECT_EQ(rows(), before_);
    EXPECT_EQ(indexes(), schema_before_);
    EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n");
    execute("INSERT INTO numbered(name) VALUES ('next')");
    EXPECT_EQ(dump("SELECT id FROM numbered WHERE name = 'next'"), "31\n");
    EXPECT_THROW(execute("INSERT INTO own_name(points) VALUES (-1)"), store::DatabaseError);
  }

  std::string before_;
  std::string schema_before_;
};

TEST_F(OddSchemasOfSqlite, AreRebuiltAndTakenBack) {
  ASSERT_EQ(problem(rebuild()), "");
  expect_converted();
  expect_taken_back();
}

TEST_F(OddSchemasOfSqlite, AreConvertedBesideAWriterAndTakenBackAndTheFileIsSoundAtEachMoment) {
  int steps = 0;
  ASSERT_EQ(problem(online([&](const std::string& step) {
              if (session().in_transaction()) return;
              ++steps;
              EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n") << step;
              EXPECT_EQ(dump("PRAGMA foreign_key_check"), "") << step;
            })),
            "");
  EXPECT_GT(steps, 40);
  expect_converted();
  expect_taken_back();
}

}  // namespace
}  // namespace guildhall::convert
