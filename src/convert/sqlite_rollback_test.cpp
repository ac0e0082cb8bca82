#include "convert/sqlite_rollback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/run.h"
#include "convert/sqlite_file_way.h"
#include "convert/sqlite_online.h"
#include "convert/sqlite_rebuild.h"
#include "tests/support/old_reading.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using test::kHome;
using test::kOther;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kClub = R"(
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, discord_id INTEGER NOT NULL UNIQUE, username TEXT);
CREATE TABLE progress(discord_id INTEGER, manga_id INTEGER, chapter REAL DEFAULT 0.5, PRIMARY KEY(discord_id, manga_id));
CREATE TABLE steam(discord_id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE words(word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX by_name ON users(username DESC);
CREATE TABLE log(what TEXT);
CREATE TRIGGER logging AFTER INSERT ON users BEGIN INSERT INTO log VALUES (new.username); END;
CREATE VIEW names AS SELECT username FROM users;
INSERT INTO users(id, discord_id, username) VALUES (3, 30, 'a'), (7, 70, 'b'), (9, 90, 'c');
DELETE FROM users WHERE id = 9;
INSERT INTO progress VALUES (30, 1, 2.25), (30, 2, 'text'), (NULL, 5, 1), (NULL, 5, 2);
INSERT INTO steam VALUES (30, 'x'), (70, NULL);
INSERT INTO words VALUES ('w');
)";

constexpr const char* kDescription = R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.guilds]
class = "registry"
[table.users]
class = "tenant"
[table.progress]
class = "tenant"
surrogate = "id"
not_null = ["discord_id"]
[table.steam]
class = "tenant"
natural = true
surrogate = "id"
[table.words]
class = "tenant"
)";

/// A table that has named its servers all along, and one whose rows are its rows' own.
constexpr const char* kInvites = R"(
CREATE TABLE invites(code TEXT PRIMARY KEY, guild_id INTEGER NOT NULL);
CREATE TABLE invite_uses(code TEXT, member INTEGER);
INSERT INTO invites VALUES ('home', 700000000000000001), ('other', 700000000000000002);
INSERT INTO invite_uses VALUES ('home', 1), ('other', 2);
)";
constexpr const char* kInvitesDescription = R"(
[table.invites]
class = "tenant"
[table.invite_uses]
class = "child"
parents = [{ table = "invites", columns = ["code"], referenced = ["code"] }]
)";

class WayBackOfSqlite : public test::SqliteConversion {
 protected:
  void SetUp() override {
    execute(kClub);
    read(kDescription);
    before_ = contents();
  }

  /// Texts as SQLite has them after a renaming, and all rows in the order of their numbers.
  std::string contents() {
    std::string text =
        dump(
            "SELECT type, name, tbl_name, replace(replace(coalesce(sql, ''), '\"', ''), ' (', '(') FROM "
            "sqlite_schema WHERE "
            "tbl_name NOT LIKE 'guildhall_conversion%' AND name <> 'sqlite_sequence' AND type <> 'index' "
            "ORDER BY 1, 2") +
        dump(
            "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
            "ORDER BY 1");
    for (const char* sql :
         {"SELECT id, discord_id, username FROM users ORDER BY id",
          "SELECT discord_id, name FROM steam ORDER BY 1",
          "SELECT quote(discord_id), manga_id, quote(chapter) FROM progress ORDER BY 1, 2, 3",
          "SELECT word FROM words", "SELECT seq FROM sqlite_sequence WHERE name = 'users'",
          "SELECT * FROM log", "PRAGMA user_version", "PRAGMA integrity_check"})
      text += dump(sql);
    return text;
  }

  std::string before_;
};

TEST_F(WayBackOfSqlite, ARebuildIsTakenBackToTheLetter) {
  ASSERT_EQ(problem(rebuild()), "");
  EXPECT_NE(contents(), before_);
  EXPECT_EQ(dump("SELECT count(*) FROM progress"), "2\n");
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
  EXPECT_EQ(contents(), before_);
}

TEST_F(WayBackOfSqlite, TheOnlineWayIsTakenBackToo) {
  ASSERT_EQ(problem(convert_sqlite_online(session(), scheme_, {.description = "t"},
                                          {.pause = std::chrono::milliseconds(0)})),
            "");
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
  EXPECT_EQ(contents(), before_);
}

TEST_F(WayBackOfSqlite, AnUnfinishedOnlineRunLeavesNothing) {
  int left = 6;
  try {
    (void)convert_sqlite_online(
        session(), scheme_, {.description = "t"},
        {.batch = 1, .pause = std::chrono::milliseconds(0), .at = [&](const std::string&) {
           if (left-- == 0) throw Killed();
         }});
    FAIL() << "was to be stopped";
  } catch (const Killed&) {
  }
  EXPECT_NE(contents(), before_);
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
  EXPECT_EQ(contents(), before_);
}

// Killed when all was exchanged, and the old tables were still to be dropped.
TEST_F(WayBackOfSqlite, TablesThatWereReplacedAndNotDroppedYetGoAway) {
  try {
    (void)convert_sqlite_online(session(), scheme_, {.description = "t"},
                                {.pause = std::chrono::milliseconds(0), .at = [](const std::string& step) {
                                   if (step.ends_with(": drop")) throw Killed();
                                 }});
    FAIL() << "was to be stopped";
  } catch (const Killed&) {
  }
  ASSERT_FALSE(replaced_tables(session()).empty());
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
  EXPECT_EQ(contents(), before_);
}

TEST_F(WayBackOfSqlite, TheFileOfOneServerIsTakenBack) {
  ASSERT_EQ(problem(give_file_to_server(session(), scheme_, {.description = "t"})), "");
  EXPECT_NE(contents(), before_);
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
  EXPECT_EQ(contents(), before_);
}

TEST_F(WayBackOfSqlite, WhatWasWrittenSinceStays) {
  ASSERT_EQ(problem(rebuild()), "");
  execute(
      "INSERT INTO users(discord_id, username, guild_id) VALUES (1000, 'new', 700000000000000001);"
      "UPDATE progress SET chapter = 99 WHERE manga_id = 1; DELETE FROM steam WHERE discord_id = 70;"
      "CREATE INDEX since ON users(username); CREATE INDEX of_server ON users(guild_id, username)");
  const auto report = roll_back_sqlite(session());
  ASSERT_EQ(problem(report), "");
  EXPECT_EQ(dump("SELECT id, username FROM users ORDER BY id"), "3|a\n7|b\n10|new\n");
  EXPECT_EQ(dump("SELECT chapter FROM progress WHERE manga_id = 1"), "99.0\n");
  EXPECT_EQ(dump("SELECT count(*) FROM steam"), "1\n");
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name IN ('since', 'of_server')"), "since\n");
  ASSERT_EQ(report->findings.size(), 1U);
  EXPECT_THAT(report->findings[0].text, HasSubstr("of_server is gone"));
}

// Tables of one server would give the second one's rows to the first, or refuse them.
TEST_F(WayBackOfSqlite, RowsOfASecondServerAreNotMixedIn) {
  ASSERT_EQ(problem(rebuild()), "");
  execute(
      "INSERT INTO guilds VALUES (700000000000000002);"
      "INSERT INTO users(discord_id, username, guild_id) VALUES (30, 'a', 700000000000000002)");
  const std::string converted = contents();
  const std::string text = problem(roll_back_sqlite(session()));
  EXPECT_THAT(text, HasSubstr("CV-OTHERS: rows of several servers"));
  EXPECT_THAT(text, HasSubstr("users: 1 of server 700000000000000002"));
  EXPECT_THAT(text, HasSubstr("users: 2 of server 700000000000000001"));
  EXPECT_EQ(contents(), converted);
  execute("DELETE FROM users WHERE guild_id = 700000000000000002");
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
}

// They are told apart by a column that was there before, and is there afterwards.
TEST_F(WayBackOfSqlite, RowsThatNamedTheirServerBeforeAreNoneThatWouldBeMixedIn) {
  execute(kInvites);
  read(std::string(kDescription) + kInvitesDescription);
  const std::string rows = "SELECT code, guild_id FROM invites ORDER BY 1";
  const std::string uses = "SELECT code, member FROM invite_uses ORDER BY 1, 2";
  const std::string invites = dump(rows) + dump(uses);
  ASSERT_EQ(problem(rebuild()), "");
  EXPECT_EQ(dump("SELECT count(DISTINCT guild_id) FROM invite_uses"), "2\n");
  execute("INSERT INTO users(discord_id, username, guild_id) VALUES (30, 'a', 700000000000000002)");
  const std::string text = problem(roll_back_sqlite(session()));
  EXPECT_THAT(text, HasSubstr("CV-OTHERS"));
  EXPECT_THAT(text, Not(HasSubstr("invite")));
  execute("DELETE FROM users WHERE guild_id = 700000000000000002");
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
  EXPECT_EQ(dump(rows) + dump(uses), invites);
}

TEST_F(WayBackOfSqlite, ColumnsThatCameSinceAreNotLost) {
  ASSERT_EQ(problem(rebuild()), "");
  execute("ALTER TABLE users ADD COLUMN theme TEXT; UPDATE users SET theme = 'dark'");
  EXPECT_THAT(problem(roll_back_sqlite(session())),
              HasSubstr("CV-COLUMNS: table users has the column theme"));
}

TEST_F(WayBackOfSqlite, StoppedAtAnyStepTheFileIsAsItWasBefore) {
  ASSERT_EQ(problem(rebuild()), "");
  const std::string converted = contents();
  for (int step = 0;; ++step) {
    int left = step;
    try {
      ASSERT_EQ(problem(roll_back_sqlite(session(), {.at =
                                                         [&](const std::string&) {
                                                           if (left-- == 0) throw Killed();
                                                         }})),
                "");
      EXPECT_GT(step, 8);
      break;
    } catch (const Killed&) {
      ASSERT_EQ(contents(), converted) << "stopped at step " << step;
    }
  }
  EXPECT_EQ(contents(), before_);
}

TEST_F(WayBackOfSqlite, ThereAndBackAndThereAgain) {
  ASSERT_EQ(problem(rebuild()), "");
  const std::string converted = contents();
  ASSERT_EQ(problem(roll_back_sqlite(session())), "");
  EXPECT_THAT(problem(roll_back_sqlite(session())), HasSubstr("CV-NONE"));
  read(kDescription);
  ASSERT_EQ(problem(rebuild()), "");
  EXPECT_EQ(contents(), converted);
}

// The whole of an operator's L1 database, nasty rows and all; its invites are of two servers already.
TEST_F(WayBackOfSqlite, TheReadingClubComesBackWithEveryRow) {
  test::AnyDatabase club(migrate::Dialect::sqlite);
  auto& file = club.session();
  file.execute(test::script({.operator_made = true}));
  const auto all = [&] {
    std::string text;
    for (const auto& table :
         file.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                    "'guildhall_conversion%' AND name <> 'sqlite_sequence' ORDER BY 1")) {
      std::string columns;
      for (const auto& column : file.query("SELECT name FROM pragma_table_info($1)", {table[0]}))
        columns += (columns.empty() ? "" : " || ',' || ") + ("quote(" + store::quoted_name(column[0]) + ")");
      text += table[0] + "\n";
      for (const auto& row :
           file.query("SELECT " + columns + " FROM " + store::quoted_name(table[0]) + " ORDER BY 1"))
        text += row[0] + "\n";
    }
    return text;
  };
  read_of(file, *read_description("reading-club"));
  const std::string alone = all();
  ASSERT_EQ(problem(rebuild_sqlite(file, scheme_, {.description = "t"})), "");
  ASSERT_EQ(problem(roll_back_sqlite(file)), "");
  EXPECT_EQ(all(), alone);
}

// The commands say it: an index, a trigger or a view of one's own is not missed silently.
TEST_F(WayBackOfSqlite, WhatNeedsTheServerIsSaidThereAndBack) {
  std::string said;
  RollbackOptions options;
  options.description = *parse_description(kDescription, "test.toml");
  options.server = kHome;
  options.backup_done = "of a test";
  options.say = [&](const std::string& line) { said += line + "\n"; };
  const auto applied = apply(target(), options);
  ASSERT_EQ(problem(applied), "");
  EXPECT_THAT(said, HasSubstr("view names reads users, and shows the rows of all servers. Make it anew"));
  said.clear();
  execute(
      "CREATE INDEX of_server ON users(guild_id, username);"
      "CREATE VIEW by_server AS SELECT guild_id, count(*) AS n FROM users GROUP BY 1");
  ASSERT_EQ(problem(rollback(target(), options)), "");
  EXPECT_THAT(said, HasSubstr("the index of_server is gone: it needs the server. CREATE INDEX of_server ON "
                              "users(guild_id, username)\n"));
  EXPECT_THAT(said,
              HasSubstr("the view by_server cannot be read any more: it needs the server. Make it anew"));
}

// Another table's column of the same name is none of this table's.
TEST_F(WayBackOfSqlite, ATriggerSinceThatNeedsNoServerStays) {
  execute("CREATE TABLE audit(what TEXT, guild_id INTEGER)");
  read(kDescription);
  ASSERT_EQ(problem(rebuild()), "");
  execute(
      "CREATE TRIGGER audited AFTER INSERT ON users BEGIN INSERT INTO audit(what, guild_id) VALUES "
      "(new.username, 5); END;"
      "CREATE TRIGGER told AFTER INSERT ON users BEGIN "
      "INSERT INTO audit VALUES (new.username, new.guild_id); END;"
      "DROP TRIGGER logging; CREATE TRIGGER logging AFTER DELETE ON users BEGIN SELECT old.guild_id; END");
  const auto report = roll_back_sqlite(session());
  ASSERT_EQ(problem(report), "");
  ASSERT_EQ(report->findings.size(), 1U);
  EXPECT_EQ(report->findings[0].text, "the trigger told is gone: it needs the server");
  execute("INSERT INTO users(discord_id, username) VALUES (1, 'new')");
  EXPECT_EQ(dump("SELECT * FROM audit"), "new|5\n");
  EXPECT_EQ(dump("SELECT * FROM log WHERE what = 'new'"), "new\n") << "what it was before";
}

// Each later write to them would fail, and nobody would know why.
TEST_F(WayBackOfSqlite, TriggersOfOtherTablesThatNeedTheServerAreNamed) {
  execute(
      "CREATE TABLE jobs(name TEXT); CREATE TABLE audit(what TEXT, guild_id INTEGER);"
      // Broken before the conversion too, and nobody's but its author's to drop.
      "CREATE TRIGGER counted AFTER DELETE ON steam BEGIN SELECT count(guild_id) FROM users; END");
  read(kDescription);
  ASSERT_EQ(problem(rebuild()), "");
  execute(
      "CREATE TRIGGER swept AFTER DELETE ON jobs BEGIN DELETE FROM users WHERE guild_id = 5; END;"
      "CREATE TRIGGER added AFTER INSERT ON jobs BEGIN INSERT INTO words VALUES (5, new.name); END;"
      "CREATE TRIGGER named INSTEAD OF INSERT ON names BEGIN "
      "INSERT INTO users(username, discord_id, guild_id) VALUES (new.username, 1, 5); END;"
      "CREATE TRIGGER noted AFTER UPDATE ON jobs BEGIN INSERT INTO audit VALUES (new.name, 5); END;"
      // What it sets off fails, by no fault of its own.
      "CREATE TRIGGER cleared AFTER DELETE ON audit BEGIN DELETE FROM jobs; END");
  const std::string all = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY 1";
  const std::string triggers = dump(all);
  const auto report = roll_back_sqlite(session());
  ASSERT_EQ(problem(report), "");
  std::string said;
  for (const auto& finding : report->findings)
    said += finding.code + " " + finding.text + ". " + finding.hint + "\n";
  const auto line = [](const std::string& trigger, const std::string& table) {
    return "CV-PART the trigger " + trigger + " of " + table +
           " cannot run any more: it needs the server. "
           "Writes to " +
           table + " that it is about fail. Make it anew without it, or drop it.\n";
  };
  EXPECT_EQ(said, line("added", "jobs") + line("counted", "steam") + line("named", "names") +
                      line("swept", "jobs"));
  EXPECT_EQ(dump(all), triggers);
  execute("UPDATE jobs SET name = name");
  EXPECT_THROW(execute("DELETE FROM jobs"), store::DatabaseError);
}

// quote() ends a text at its first zero byte, and would take these two for the same.
TEST_F(WayBackOfSqlite, ATextIsComparedBehindAZeroByteToo) {
  execute("UPDATE users SET username = CAST(x'610062' AS TEXT) WHERE id = 3");
  ASSERT_EQ(problem(rebuild()), "");
  const auto report = roll_back_sqlite(
      session(), {.at = [&](const std::string& step) {
        if (step == "users: comparison")
          execute("UPDATE guildhall_passing_new_users SET username = CAST(x'610063' AS TEXT) WHERE id = 3");
      }});
  EXPECT_EQ(problem(report), "CV-ROWS: table users: 1 rows would not be what they are; nothing was changed");
}

}  // namespace
}  // namespace guildhall::convert
