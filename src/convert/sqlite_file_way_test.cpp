#include "convert/sqlite_file_way.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_rebuild.h"
#include "convert/sqlite_rollback.h"
#include "convert/verify.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using test::kHome;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kDescription = R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.users]
class = "tenant"
[table.invites]
class = "tenant"
[table.settings]
class = "override"
absent = "all"
)";

class FileWayOfSqlite : public test::SqliteConversion {
 protected:
  void SetUp() override {
    execute(
        "CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE);"
        "CREATE TABLE invites(code TEXT PRIMARY KEY, guild_id INTEGER);"
        "CREATE TABLE settings(k TEXT PRIMARY KEY, v TEXT);"
        "INSERT INTO users(name) VALUES ('a'), ('b'); INSERT INTO settings VALUES ('k', 'v');"
        "INSERT INTO invites VALUES ('x', NULL), ('y', 700000000000000001)");
    read(kDescription);
  }
  migrate::Outcome<SqliteReport> convert(const SqliteOptions& options = {}) {
    return give_file_to_server(session(), scheme_, {.description = "test"}, options);
  }
  static std::string texts_of(const SqliteReport& report) {
    std::string texts;
    for (const auto& finding : report.findings) texts += finding.code + " " + finding.text + "\n";
    return texts;
  }
  std::string findings(migrate::Level level = migrate::Level::error) {
    return findings_of(verified(false), level);
  }
};

TEST_F(FileWayOfSqlite, TheFileIsMarkedAndEveryRowHasItsServer) {
  const auto report = convert();
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(dump("SELECT * FROM server_marker"), "700000000000000001\n");
  EXPECT_EQ(dump("SELECT DISTINCT guild_id FROM users UNION SELECT guild_id FROM invites"),
            "700000000000000001\n");
  EXPECT_EQ(dump("SELECT guild_id FROM settings"), "0\n");
  EXPECT_THROW(execute("INSERT INTO server_marker VALUES (5)"), store::DatabaseError);
}

// Adding a column with a constant writes one row of the schema: no page of the table.
TEST_F(FileWayOfSqlite, NoRowIsWrittenAnew) {
  execute("PRAGMA journal_mode=WAL");
  execute("PRAGMA wal_autocheckpoint=0");
  execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
      "INSERT INTO users(name) SELECT 'user' || i FROM n");
  session().query("PRAGMA wal_checkpoint(TRUNCATE)");
  const auto pages = [&] { return std::stoll(session().query("PRAGMA wal_checkpoint(PASSIVE)")[0][1]); };
  ASSERT_EQ(pages(), 0);
  ASSERT_EQ(problem(convert()), "");
  const auto written = pages();
  EXPECT_GT(written, 0);
  EXPECT_LT(written * 3, std::stoll(session().query("PRAGMA page_count")[0][0]));
}

TEST_F(FileWayOfSqlite, TheOldProgramsStatementsWorkOn) {
  ASSERT_EQ(problem(convert()), "");
  execute("INSERT INTO users(name) VALUES ('a') ON CONFLICT(name) DO UPDATE SET name = 'c'");
  EXPECT_EQ(dump("SELECT name, guild_id FROM users ORDER BY id"),
            "c|700000000000000001\nb|700000000000000001\n");
}

TEST_F(FileWayOfSqlite, RowsOfAnotherServerAreCountedAndRefused) {
  execute("INSERT INTO invites VALUES ('z', 700000000000000002), ('q', 700000000000000002)");
  const std::string before = whole_file();
  EXPECT_THAT(problem(convert()), HasSubstr("CV-OTHERS"));
  EXPECT_THAT(problem(convert()), HasSubstr("invites: 2 of server 700000000000000002"));
  EXPECT_EQ(whole_file(), before);
}

TEST_F(FileWayOfSqlite, AnothersFileIsNotTaken) {
  ASSERT_EQ(problem(convert()), "");
  read(kDescription);
  EXPECT_TRUE(convert()->was_done);
  read(kDescription, test::kOther);
  EXPECT_THAT(problem(convert()), HasSubstr("CV-OTHERS"));
  execute("DELETE FROM users; DELETE FROM invites");
  EXPECT_THAT(problem(convert()),
              HasSubstr("CV-MARKER: the file is marked as that of server 700000000000000001"));
}

TEST_F(FileWayOfSqlite, WithoutSumsItIsVerifiedByWhatItIsAndSaysSo) {
  ASSERT_EQ(problem(convert()), "");
  const Verification found = verified(false);
  EXPECT_TRUE(found.ok);
  EXPECT_FALSE(found.is_compared);
  EXPECT_TRUE(found.tables.empty());
  EXPECT_THAT(findings(migrate::Level::warning), HasSubstr("CV-NOSUMS"));
  for (const auto& check : found.checks) EXPECT_THAT(check.title, Not(HasSubstr("lost")));

  // Each of what it asks, wrong by itself.
  const auto is_found = [&](const std::string& sql, const std::string& expected) {
    execute(sql);
    EXPECT_THAT(findings(), HasSubstr(expected));
  };
  is_found("UPDATE users SET guild_id = 5 WHERE name = 'a'", "CV-UNLISTED 1 rows of users");
  is_found("DELETE FROM server_marker", "CV-MARKER the file is marked as that of server ?");
  is_found("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'users'",
           "CV-SEQUENCE users had counted its ids up to 2 and is at 1");
  is_found("ALTER TABLE settings DROP COLUMN v", "CV-SHAPE settings has no 'v TEXT' any more");
  is_found(
      "DROP TABLE settings; CREATE TABLE settings(k TEXT PRIMARY KEY, v TEXT, guild_id INTEGER DEFAULT 7)",
      "CV-SHAPE settings.guild_id has not the default that it got");
  is_found("DROP TABLE settings", "CV-SHAPE settings is gone");
}

TEST_F(FileWayOfSqlite, WithSumsEveryRowIsCompared) {
  ASSERT_EQ(problem(convert({.sums = true})), "");
  const Verification found = verified(false);
  EXPECT_TRUE(found.ok);
  EXPECT_TRUE(found.is_compared);
  EXPECT_EQ(found.tables.size(), 3U);
  EXPECT_EQ(findings(migrate::Level::warning), "");
  execute("UPDATE users SET name = 'x' WHERE name = 'b'");
  EXPECT_THAT(findings(), HasSubstr("CV-SUM users"));
}

// Who names no server yet is looked for while others may write; and again, if somebody did.
TEST_F(FileWayOfSqlite, WhatSomebodyWritesMeanwhileIsLookedAtToo) {
  const auto other = std::move(*target().open(""));
  const auto write_at = [&](const std::string& step, const std::string& sql) {
    return SqliteOptions{.sums = true, .at = [&other, step, sql](const std::string& at) {
                           if (at == step) other->execute(sql);
                         }};
  };
  const std::string before = whole_file();
  EXPECT_THAT(problem(convert(write_at("write lock", "INSERT INTO invites VALUES ('z', 5)"))),
              HasSubstr("CV-OTHERS"));
  other->execute("DELETE FROM invites WHERE code = 'z'");
  EXPECT_EQ(whole_file(), before);
  ASSERT_EQ(problem(convert(write_at("write lock", "INSERT INTO invites VALUES ('z', NULL)"))), "");
  EXPECT_EQ(dump("SELECT count(*) FROM invites WHERE guild_id IS NULL"), "0\n");
  EXPECT_EQ(findings(), "");
}

TEST_F(FileWayOfSqlite, SuchAFileMayBecomeOneOfManyServersLater) {
  ASSERT_EQ(problem(convert()), "");
  read(kDescription);
  ASSERT_EQ(problem(rebuild()), "");
  EXPECT_EQ(dump("SELECT name, guild_id FROM users ORDER BY id"),
            "a|700000000000000001\nb|700000000000000001\n");
  EXPECT_THROW(execute("INSERT INTO users(name) VALUES ('q')"), store::DatabaseError)
      << "the default is gone";
}

TEST_F(FileWayOfSqlite, NoTriggerHearsOfRowsThatGetTheirServer) {
  execute(
      "CREATE TABLE log(what TEXT); CREATE TRIGGER used AFTER UPDATE ON invites BEGIN INSERT INTO log VALUES "
      "(new.code); END");
  ASSERT_EQ(problem(convert()), "");
  EXPECT_EQ(dump("SELECT * FROM log"), "");
  execute("UPDATE invites SET code = 'z' WHERE code = 'x'");
  EXPECT_EQ(dump("SELECT * FROM log"), "z\n") << "it is there again";
}

TEST_F(FileWayOfSqlite, AViewThatWouldBreakIsTold) {
  execute(
      "CREATE TABLE former(id INTEGER, name TEXT); CREATE VIEW everybody AS SELECT * FROM users UNION ALL "
      "SELECT * FROM former");
  read(kDescription);
  EXPECT_THAT(problem(convert()), HasSubstr("CV-VIEW: view everybody could not be read any more"));
  EXPECT_EQ(dump("SELECT * FROM everybody"), "1|a\n2|b\n");
}

TEST_F(FileWayOfSqlite, WhatOthersMadeWithTheServerSinceDoesNotStandInTheWayBack) {
  ASSERT_EQ(problem(convert()), "");
  execute(
      "CREATE INDEX of_server ON users(guild_id, name); CREATE INDEX by_name ON users(name);"
      "CREATE TRIGGER moved AFTER UPDATE OF guild_id ON users BEGIN SELECT 1; END;"
      "CREATE VIEW by_server AS SELECT guild_id FROM users");
  const auto back = roll_back_sqlite(session());
  ASSERT_EQ(problem(back), "");
  EXPECT_EQ(texts_of(*back),
            "CV-PART the index of_server is gone: it needs the server\n"
            "CV-PART the trigger moved is gone: it needs the server\n"
            "CV-PART the view by_server cannot be read any more: it needs the server\n");
  EXPECT_EQ(dump("SELECT * FROM users"), "1|a\n2|b\n");
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name IN ('by_name', 'of_server')"), "by_name\n");
}

// Another table's column of the same name is none of this table's.
TEST_F(FileWayOfSqlite, OnlyTriggersThatNeedTheServerAreGoneOnTheWayBack) {
  execute(
      "CREATE TABLE audit(what TEXT, guild_id INTEGER);"
      "CREATE TRIGGER joined AFTER INSERT ON users BEGIN "
      "INSERT INTO audit(what, guild_id) VALUES (new.name, 5); END");
  read(kDescription);
  ASSERT_EQ(problem(convert()), "");
  execute(
      "CREATE TRIGGER renamed AFTER UPDATE OF guild_id, name ON users BEGIN "
      "INSERT INTO audit(what, guild_id) SELECT old.name, guild_id FROM audit WHERE what = old.name; END;"
      "CREATE TRIGGER moved AFTER UPDATE OF guild_id ON users BEGIN SELECT 1; END;"
      "CREATE TRIGGER told AFTER INSERT ON users WHEN new.guild_id > 0 BEGIN SELECT 1; END;"
      // SQLite would take a quoted name that is no column's for a text.
      "CREATE TRIGGER quoted AFTER DELETE ON users BEGIN "
      "INSERT INTO audit SELECT name, \"guild_id\" FROM users; END;"
      // Whose function is the program's own: SQLite alone cannot tell whether it runs.
      "CREATE TRIGGER foreign_function AFTER DELETE ON users BEGIN SELECT own(old.guild_id); END");
  const std::string kept =
      "SELECT name, sql FROM sqlite_schema WHERE name IN ('joined', 'renamed') ORDER BY 1";
  const std::string texts = dump(kept);
  const auto back = roll_back_sqlite(session());
  ASSERT_EQ(problem(back), "");
  EXPECT_EQ(texts_of(*back),
            "CV-PART whether the trigger foreign_function of users runs without the server is not known: "
            "SQLite alone cannot run it\n"
            "CV-PART the trigger moved is gone: it needs the server\n"
            "CV-PART the trigger quoted is gone: it needs the server\n"
            "CV-PART the trigger told is gone: it needs the server\n");
  EXPECT_EQ(dump(kept), texts);
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY 1"),
            "foreign_function\njoined\nrenamed\n");
  execute("INSERT INTO users(name) VALUES ('c'); UPDATE users SET name = 'd' WHERE name = 'c'");
  EXPECT_EQ(dump("SELECT * FROM audit"), "c|5\nc|5\n");
}

TEST_F(FileWayOfSqlite, TriggersOfOtherTablesThatNeedTheServerAreNamed) {
  execute("CREATE TABLE jobs(name TEXT); CREATE VIEW people AS SELECT id, name FROM users");
  read(kDescription);
  ASSERT_EQ(problem(convert()), "");
  execute(
      "CREATE TRIGGER swept AFTER DELETE ON jobs BEGIN DELETE FROM users WHERE guild_id = 5; END;"
      "CREATE TRIGGER changed INSTEAD OF UPDATE OF name ON people BEGIN "
      "UPDATE users SET name = new.name WHERE id = new.id AND guild_id > 0; END;"
      "CREATE TRIGGER added INSTEAD OF INSERT ON people BEGIN "
      "INSERT INTO users(name) VALUES (new.name); END");
  const auto back = roll_back_sqlite(session());
  ASSERT_EQ(problem(back), "");
  EXPECT_EQ(texts_of(*back),
            "CV-PART the trigger changed of people cannot run any more: it needs the server\n"
            "CV-PART the trigger swept of jobs cannot run any more: it needs the server\n");
  execute("INSERT INTO people(name) VALUES ('c')");
  EXPECT_THROW(execute("UPDATE people SET name = 'd'"), store::DatabaseError);
}

}  // namespace
}  // namespace guildhall::convert
