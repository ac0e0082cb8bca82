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
UPDATE "we""ird (one" SET _rowid_ = _rowid_ + 1000 WHERE _rowid_ % 3 = 0;
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
    return all + dump("SELECT _rowid_, quote(\"rowid\") FROM \"we\"\"ird (one\" ORDER BY 1") +
           dump("SELECT name, seq FROM sqlite_sequence WHERE name = 'counted'");
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

/// A file that each test makes for itself.
class OddTablesOfSqlite : public test::SqliteConversion {
 protected:
  void make(const std::string& tables, const std::string& description) {
    execute("PRAGMA journal_mode=WAL");
    execute(tables);
    bot_ = std::move(*target().open(""));
    description_ =
        "tenant_column = \"guild_id\"\n[registry]\ntable = \"guilds\"\ncolumn = \"guild_id\"\n" + description;
    read(description_);
  }
  migrate::Outcome<SqliteReport> online(std::size_t batch, std::function<void(const std::string&)> at) {
    return convert_sqlite_online(session(), scheme_, {.description = "test"},
                                 {.batch = batch,
                                  .greatest_batch = batch,
                                  .pause = std::chrono::milliseconds(0),
                                  .at = std::move(at)});
  }
  /// Once, before such a step.
  std::function<void(const std::string&)> before(std::string step, std::function<void()> done) {
    return [step = std::move(step), done = std::move(done), is_done = false](const std::string& now) mutable {
      if (now == step && !std::exchange(is_done, true)) done();
    };
  }

  std::unique_ptr<store::SchemaSession> bot_;
  std::string description_;
};

constexpr const char* kTwoRows =
    "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT UNIQUE); INSERT INTO users(name) VALUES ('a'), "
    "('b')";
constexpr const char* kNote = "ALTER TABLE users ADD COLUMN note TEXT; UPDATE users SET note = 'n' || name";

TEST_F(OddTablesOfSqlite, AColumnThatTheOldProgramAddsWhileItsRowsAreCopiedIsNotLost) {
  make(kTwoRows, "[table.users]\nclass = \"tenant\"");
  const auto stopped = online(1, before("users: batch", [&] { bot_->execute(kNote); }));
  EXPECT_THAT(problem(stopped), HasSubstr("CV-CHANGED: table users was changed"));
  EXPECT_EQ(dump("SELECT * FROM users"), "1|a|na\n2|b|nb\n");
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name LIKE 'guildhall_passing%'"), "");
  read(description_);
  ASSERT_EQ(problem(online(1, [](const auto&) {})), "");
  EXPECT_EQ(dump("SELECT id, name, note FROM users"), "1|a|na\n2|b|nb\n");
}

TEST_F(OddTablesOfSqlite, AColumnThatTheOldProgramAddsAfterAKillIsCopiedToo) {
  make(kTwoRows, "[table.users]\nclass = \"tenant\"");
  EXPECT_THROW((void)online(1, before("users: batch", [] { throw Killed(); })), Killed);
  bot_->execute(kNote);
  read(description_);
  ASSERT_EQ(problem(online(1, [](const auto&) {})), "");
  EXPECT_EQ(dump("SELECT id, name, note FROM users"), "1|a|na\n2|b|nb\n");
}

TEST_F(OddTablesOfSqlite, AColumnThatIsAddedBeforeTheRebuildHasTheFileIsNotLost) {
  make(kTwoRows, "[table.users]\nclass = \"tenant\"");
  const auto stopped = rebuild({.at = before("write lock", [&] { bot_->execute(kNote); })});
  EXPECT_THAT(problem(stopped), HasSubstr("CV-CHANGED: table users was changed"));
  EXPECT_EQ(dump("SELECT * FROM users"), "1|a|na\n2|b|nb\n");
}

TEST_F(OddTablesOfSqlite, ARowThatIsPutAsideComesBackWithoutWhatIsMadeFromIt) {
  make(
      "CREATE TABLE days(name TEXT, n INTEGER, twice AS (n * 2), thrice AS (n * 3) STORED, PRIMARY KEY "
      "(name));"
      "INSERT INTO days VALUES ('a', 1), (NULL, 2)",
      "[table.days]\nclass = \"tenant\"\nnot_null = [\"name\"]");
  const std::string before = dump("SELECT * FROM days");
  ASSERT_EQ(problem(rebuild()), "");
  EXPECT_EQ(dump("SELECT name, thrice FROM days"), "a|3\n");
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
  EXPECT_EQ(dump("SELECT * FROM days"), before);
}

TEST_F(OddTablesOfSqlite, AViewThatWouldBreakIsToldBesideAWriterToo) {
  make(std::string(kTwoRows) +
           "; CREATE TABLE log(id INTEGER, name TEXT);"
           "CREATE VIEW names AS SELECT name FROM users; CREATE VIEW over AS SELECT * FROM names;"
           "CREATE VIEW both AS SELECT * FROM users UNION ALL SELECT * FROM log",
       "[table.users]\nclass = \"tenant\"");
  EXPECT_THAT(problem(online(9, [](const auto&) {})), HasSubstr("CV-VIEW: view both"));
  EXPECT_EQ(dump("SELECT * FROM both"), "1|a\n2|b\n");
  execute("DROP VIEW both");
  read(description_);
  const auto done = online(9, [](const auto&) {});
  ASSERT_EQ(problem(done), "");
  ASSERT_EQ(done->findings.size(), 1U);
  EXPECT_EQ(done->findings[0].text, "view names reads users, and shows the rows of all servers");
  EXPECT_EQ(dump("SELECT * FROM over"), "a\nb\n");
}

TEST_F(OddTablesOfSqlite, ATriggerOfAViewThatWritesWithoutTheServerIsToldOfAsThoseOfTables) {
  make(std::string(kTwoRows) +
           "; CREATE VIEW names AS SELECT name FROM users;"
           "CREATE TRIGGER added INSTEAD OF INSERT ON names BEGIN INSERT INTO users(name) VALUES (new.name); "
           "END",
       "[table.users]\nclass = \"tenant\"");
  EXPECT_THAT(problem(rebuild()), HasSubstr("CV-TRIGGER: trigger added writes rows into users without"));
  ASSERT_EQ(problem(rebuild({.accepted = {"added"}})), "");
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE type = 'trigger'"), "added\n");
}

// The column takes Bob and BOB for one, its key does not.
TEST_F(OddTablesOfSqlite, AWriteUnderAKeyOfAnotherCollationTakesNoOtherRowAway) {
  make(
      "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE); CREATE UNIQUE INDEX exact ON "
      "users(name COLLATE BINARY); INSERT INTO users(name) VALUES ('Bob'), ('Zoe'), ('Ann')",
      "[table.users]\nclass = \"tenant\"");
  ASSERT_EQ(
      problem(online(1, before("exchange",
                               [&] {
                                 bot_->execute(
                                     "INSERT INTO users(name) VALUES ('BOB'); UPDATE users SET name = 'ZOE' "
                                     "WHERE id = 3; INSERT OR REPLACE INTO users(name) VALUES ('Bob')");
                               }))),
      "");
  EXPECT_EQ(dump("SELECT id, name FROM users ORDER BY id"), "2|Zoe\n3|ZOE\n4|BOB\n5|Bob\n");
}

TEST_F(OddTablesOfSqlite, KeysWithZeroBytesAreCopiedOneByOneAndToldApart) {
  make(
      "CREATE TABLE words(word TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;"
      "INSERT INTO words VALUES ('a' || char(0) || 'b', 1), ('a' || char(0) || 'c', 2), ('b', 3), (x'6100', "
      "4)",
      "[table.words]\nclass = \"tenant\"");
  int steps = 0;
  ASSERT_EQ(problem(online(1,
                           [&](const std::string&) {
                             if (++steps > 200) throw Killed();
                           })),
            "");
  EXPECT_EQ(dump("SELECT n, typeof(word), hex(word) FROM words ORDER BY n"),
            "1|text|610062\n2|text|610063\n3|text|62\n4|blob|6100\n");
}

}  // namespace
}  // namespace guildhall::convert
