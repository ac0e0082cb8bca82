#include "convert/sqlite_rebuild.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_rows.h"
#include "convert/verify.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using test::kHome;
using test::kOther;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kClub = R"(
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, discord_id INTEGER NOT NULL UNIQUE,
  username TEXT, note TEXT DEFAULT 'none');
CREATE TABLE progress(discord_id INTEGER NOT NULL, manga_id INTEGER NOT NULL, chapter INTEGER DEFAULT 0,
  PRIMARY KEY(discord_id, manga_id));
CREATE TABLE user_progress(id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, item INTEGER NOT NULL,
  chapters_read INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT 'in_progress',
  FOREIGN KEY(user_id) REFERENCES users(id));
CREATE TABLE steam_users(discord_id INTEGER PRIMARY KEY, steam_id TEXT NOT NULL);
CREATE TABLE "operator's ""own"""(x, y TEXT UNIQUE);
INSERT INTO users(id, discord_id, username) VALUES (2, 20, 'Ann'), (5, 50, 'bob'), (9, 90, ''), (11, 110, NULL);
INSERT INTO users(id, discord_id, username) VALUES (40, 400, 'gone');
DELETE FROM users WHERE id = 40;
INSERT INTO progress VALUES (20, 1, 31), (20, 2, 4), (50, 1, 7);
INSERT INTO user_progress VALUES (1, 2, 100, 3, 'in_progress'), (2, 5, 100, 3, 'in_progress'),
  (3, 9, 100, 8, 'completed'), (4, 77, 100, 1, 'in_progress');
INSERT INTO steam_users VALUES (20, '76561198000000001'), (50, '76561198000000002');
INSERT INTO "operator's ""own""" VALUES (1, 'a');
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
sums = ["chapter"]
[table.user_progress]
class = "child"
parents = [{ table = "users", columns = ["user_id"], referenced = ["id"], mistaken = "discord_id" }]
[table.steam_users]
class = "tenant"
natural = true
surrogate = "id"
)";

class RebuildOfSqlite : public test::SqliteConversion {
 protected:
  void make_club() {
    execute(kClub);
    read(kDescription);
  }
  void convert() {
    ASSERT_EQ(problem(rebuild()), "");
    EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n");
  }
  std::vector<Refused> refused() {
    Records records(session(), migrate::Dialect::sqlite);
    return records.refused(records.newest()->number);
  }
};

TEST_F(RebuildOfSqlite, EveryRowIsTheHomeServersWithItsNumberAndItsValues) {
  make_club();
  const std::string before = dump("SELECT id, discord_id, username, note FROM users ORDER BY id");
  convert();
  EXPECT_EQ(dump("SELECT id, discord_id, username, note FROM users ORDER BY id"), before);
  EXPECT_EQ(
      dump("SELECT DISTINCT guild_id FROM users UNION SELECT guild_id FROM progress UNION SELECT guild_id "
           "FROM user_progress UNION SELECT guild_id FROM steam_users"),
      std::to_string(kHome) + "\n");
  EXPECT_EQ(dump("SELECT * FROM guilds"), std::to_string(kHome) + "\n");
  EXPECT_EQ(dump("SELECT discord_id, steam_id, typeof(steam_id), id FROM steam_users ORDER BY discord_id"),
            "20|76561198000000001|text|1\n50|76561198000000002|text|2\n");
}

// A rebuild that copies no ids counts the same rows, and gives them to other people.
TEST_F(RebuildOfSqlite, AChildKeepsItsPersonWhereCopyingWithoutIdsGivesItToAnother) {
  make_club();
  const std::string people =
      "SELECT c.id, u.discord_id FROM user_progress AS c LEFT JOIN users AS u ON u.id = c.user_id ORDER BY "
      "c.id";
  const std::string before = dump(people);
  execute(
      "BEGIN; CREATE TABLE n(id INTEGER PRIMARY KEY AUTOINCREMENT, discord_id INTEGER NOT NULL UNIQUE, "
      "username TEXT); INSERT INTO n(discord_id, username) SELECT discord_id, username FROM users; "
      "PRAGMA legacy_alter_table=ON; DROP TABLE users; ALTER TABLE n RENAME TO users");
  EXPECT_NE(dump(people), before);
  execute("ROLLBACK; PRAGMA legacy_alter_table=OFF");
  convert();
  EXPECT_EQ(dump(people), before);
}

TEST_F(RebuildOfSqlite, TheSecondServerRegistersTheSamePeople) {
  make_club();
  EXPECT_THROW(execute("INSERT INTO users(discord_id) VALUES (20)"), store::DatabaseError);
  convert();
  execute(
      "PRAGMA foreign_keys=ON; INSERT INTO guilds VALUES (700000000000000002);"
      "INSERT INTO users(discord_id, guild_id, username) VALUES (20, 700000000000000002, 'Ann');"
      "INSERT OR REPLACE INTO steam_users(discord_id, guild_id, steam_id) VALUES (20, 700000000000000002, "
      "'x')");
  EXPECT_EQ(dump("SELECT steam_id FROM steam_users WHERE discord_id = 20 ORDER BY guild_id"),
            "76561198000000001\nx\n");
  execute(
      "INSERT INTO users(discord_id, guild_id) VALUES (20, 700000000000000002) "
      "ON CONFLICT (discord_id, guild_id) DO UPDATE SET note = 'again'");
  EXPECT_THROW(execute("INSERT INTO users(discord_id, guild_id) VALUES (20, 700000000000000002)"),
               store::DatabaseError);
}

// A constant default would put what forgets its server into the home server without a word.
TEST_F(RebuildOfSqlite, ARowThatNamesNoServerIsRefused) {
  make_club();
  convert();
  EXPECT_THROW(execute("INSERT INTO progress(discord_id, manga_id) VALUES (1, 1)"), store::DatabaseError);
  EXPECT_THROW(execute("INSERT INTO users(discord_id) VALUES (1)"), store::DatabaseError);
}

TEST_F(RebuildOfSqlite, AChildCannotBelongToAnotherServersRow) {
  make_club();
  convert();
  execute("PRAGMA foreign_keys=ON; INSERT INTO guilds VALUES (700000000000000002)");
  EXPECT_THROW(
      execute("INSERT INTO user_progress(user_id, item, guild_id) VALUES (2, 1, 700000000000000002)"),
      store::DatabaseError);
  execute("INSERT INTO user_progress(user_id, item, guild_id) VALUES (2, 1, 700000000000000001)");
}

// The new table's counter is the greatest number copied: a deleted member's would be given out again.
TEST_F(RebuildOfSqlite, TheNumberOfADeletedMemberIsNotGivenOutAgain) {
  make_club();
  EXPECT_EQ(dump("SELECT max(id) FROM users"), "11\n");
  convert();
  execute("INSERT INTO users(discord_id, guild_id) VALUES (1000, 700000000000000001)");
  EXPECT_EQ(dump("SELECT max(id) FROM users"), "41\n");
}

TEST_F(RebuildOfSqlite, TheCounterOfATableWithoutRowsIsKeptToo) {
  make_club();
  execute("DELETE FROM user_progress; UPDATE sqlite_sequence SET seq = 1234 WHERE name = 'user_progress'");
  read(kDescription);
  convert();
  EXPECT_EQ(dump("SELECT seq FROM sqlite_sequence WHERE name = 'user_progress'"), "1234\n");
}

// DROP TABLE takes indexes and triggers with it without a word.
TEST_F(RebuildOfSqlite, IndexesTriggersAndViewsAreThereAsTheyWere) {
  make_club();
  execute(
      "CREATE INDEX plain ON users(username); CREATE INDEX down ON users(username COLLATE NOCASE DESC);"
      "CREATE INDEX some ON users(note) WHERE note <> 'none'; CREATE INDEX folded ON users(lower(username));"
      "CREATE UNIQUE INDEX once ON progress(manga_id, discord_id);"
      "CREATE TABLE counts(n INTEGER); INSERT INTO counts VALUES (0);"
      "CREATE TRIGGER counting AFTER INSERT ON users BEGIN UPDATE counts SET n = n + 1; END;"
      "CREATE TRIGGER elsewhere AFTER INSERT ON counts BEGIN UPDATE users SET note = 'x' WHERE id = new.n; "
      "END;"
      "CREATE VIEW v_points AS SELECT username, chapter FROM users JOIN progress USING (discord_id);"
      "CREATE VIEW v_of_view AS SELECT count(*) AS n FROM v_points");
  const std::string kept =
      "SELECT name, tbl_name, sql FROM sqlite_schema WHERE name IN ('plain', 'down', 'some', "
      "'folded', 'counting', 'elsewhere', 'v_points', 'v_of_view', 'counts') ORDER BY name";
  const std::string before = dump(kept);
  const std::string views = dump("SELECT * FROM v_points ORDER BY 1, 2") + dump("SELECT * FROM v_of_view");
  read(kDescription);
  convert();
  EXPECT_EQ(dump(kept), before);
  EXPECT_EQ(dump("SELECT * FROM v_points ORDER BY 1, 2") + dump("SELECT * FROM v_of_view"), views);
  EXPECT_EQ(dump("SELECT sql FROM sqlite_schema WHERE name = 'once'"),
            "CREATE UNIQUE INDEX once ON progress (\"guild_id\", manga_id, discord_id) \n");
  EXPECT_EQ(dump("SELECT n FROM counts"), "0\n") << "copied rows are no news";
  execute("INSERT INTO users(discord_id, guild_id) VALUES (1000, 700000000000000001)");
  EXPECT_EQ(dump("SELECT n FROM counts"), "1\n");
}

// Dropping and renaming fails where a view mentions the table, with the old table gone already.
TEST_F(RebuildOfSqlite, AViewThatBreaksOrdinaryRenamingIsNoTrouble) {
  make_club();
  execute("CREATE VIEW v_points AS SELECT * FROM users");
  execute("BEGIN; CREATE TABLE n AS SELECT * FROM users; DROP TABLE users");
  EXPECT_THROW(execute("ALTER TABLE n RENAME TO users"), store::DatabaseError);
  execute("ROLLBACK");
  read(kDescription);
  const auto report = rebuild();
  ASSERT_EQ(problem(report), "");
  EXPECT_THAT(dump("SELECT group_concat(name) FROM pragma_table_info('v_points')"), HasSubstr("username"));
  ASSERT_FALSE(report->findings.empty());
  EXPECT_THAT(report->findings.front().text, HasSubstr("shows the rows of all servers"));
}

TEST_F(RebuildOfSqlite, ForeignKeysAreOffThoughTheSessionHadThemOn) {
  make_club();
  execute("DELETE FROM user_progress WHERE id = 4; PRAGMA foreign_keys=ON; BEGIN; PRAGMA foreign_keys=OFF");
  EXPECT_THROW(execute("DROP TABLE users"), store::DatabaseError) << "ignored within a transaction";
  execute("ROLLBACK");
  convert();
  EXPECT_EQ(dump("PRAGMA foreign_keys"), "1\n");
  EXPECT_EQ(dump("PRAGMA legacy_alter_table"), "0\n");
}

TEST_F(RebuildOfSqlite, WhatDangledBeforeStillDoesAndNothingElse) {
  make_club();
  convert();
  EXPECT_EQ(dump("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check"), "user_progress|4|users\n");
  const auto rows = refused();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].done, "kept");
  EXPECT_THAT(rows[0].row, HasSubstr(R"("user_id":"77")"));
}

// A Discord id where the surrogate belongs is set right; a number that is a person's own already is not.
TEST_F(RebuildOfSqlite, AMistakenDiscordIdLeadsToItsPerson) {
  make_club();
  execute(
      "UPDATE user_progress SET user_id = 90 WHERE id = 4; INSERT INTO users(id, discord_id) VALUES (20, 2)");
  execute("UPDATE user_progress SET user_id = 20 WHERE id = 2");
  read(kDescription);
  convert();
  EXPECT_EQ(dump("SELECT id, user_id FROM user_progress ORDER BY id"), "1|2\n2|20\n3|9\n4|9\n");
  EXPECT_EQ(dump("SELECT * FROM pragma_foreign_key_check"), "");
  ASSERT_EQ(refused().size(), 1U);
  EXPECT_EQ(refused()[0].reason, "its user_id was 90, and is 9 now");
}

TEST_F(RebuildOfSqlite, UnknownTablesStayAndAreListed) {
  make_club();
  const std::string table = "operator's \"own\"";
  const auto report = rebuild();
  ASSERT_EQ(problem(report), "");
  EXPECT_THAT(report->untouched, testing::ElementsAre(table));
  EXPECT_EQ(dump("SELECT sql FROM sqlite_schema WHERE name = 'operator''s \"own\"'"),
            "CREATE TABLE \"operator's \"\"own\"\"\"(x, y TEXT UNIQUE)\n");
}

TEST_F(RebuildOfSqlite, RowsWithQuotedNamesOddValuesAndEveryKindOfColumnArrive) {
  execute(R"(
CREATE TABLE "or""der"("se lect" TEXT COLLATE NOCASE UNIQUE, n INTEGER, r REAL, b BLOB, twice AS (n * 2) STORED,
  CHECK (n IS NULL OR n <> 13));
INSERT INTO "or""der" VALUES ('A', 9223372036854775807, 0.1, x'00ff'), ('b', 'text in it', 3, NULL),
  (CAST(x'ff' AS TEXT), 1.5, 1e300, zeroblob(3)), (NULL, NULL, NULL, ''), (NULL, 2, 2, 2);
CREATE TABLE strict_one(k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID;
INSERT INTO strict_one VALUES ('k', 1), ('l', '1'), ('m', x'31');
)");
  const std::string values =
      "SELECT rowid, quote(\"se lect\"), typeof(n), quote(n), quote(r), quote(b), twice FROM "
      "\"or\"\"der\" ORDER BY rowid";
  const std::string before = dump(values);
  read(R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.'or"der']
class = "tenant"
[table.strict_one]
class = "tenant"
)");
  convert();
  EXPECT_EQ(dump(values), before);
  EXPECT_EQ(dump("SELECT k, typeof(v) FROM strict_one ORDER BY k"), "k|integer\nl|text\nm|blob\n");
  EXPECT_THROW(execute("INSERT INTO \"or\"\"der\"(\"se lect\", guild_id) VALUES ('a', 700000000000000001)"),
               store::DatabaseError)
      << "NOCASE is lost";
  EXPECT_THROW(execute("INSERT INTO \"or\"\"der\"(n, guild_id) VALUES (13, 700000000000000001)"),
               store::DatabaseError);
}

TEST_F(RebuildOfSqlite, DuplicatesAreRefusedUntilARuleSaysWhichStays) {
  make_club();
  execute(
      "INSERT INTO user_progress VALUES (5, 2, 100, 9, 'in_progress'), (6, 2, 100, 9, 'completed'), "
      "(7, 2, 100, 9, 'completed')");
  std::string description(kDescription);
  const std::string child = "mistaken = \"discord_id\" }]\n";
  description.insert(description.find(child) + child.size(), "unique = [[\"user_id\", \"item\"]]\n");
  read(description);
  const std::string before = whole_file();
  EXPECT_THAT(problem(rebuild()), HasSubstr("CV-DUPLICATES: table user_progress: 3 rows"));
  EXPECT_EQ(whole_file(), before);
  description.insert(
      description.find(child) + child.size(),
      "duplicates = \"best\"\nbest_by = [\"chapters_read DESC\", \"status = 'completed' DESC\", "
      "\"id\"]\n");
  read(description);
  convert();
  EXPECT_EQ(dump("SELECT id FROM user_progress ORDER BY id"), "2\n3\n4\n6\n");
  int aside = 0;
  for (const Refused& row : refused()) aside += row.done == "put aside" ? 1 : 0;
  EXPECT_EQ(aside, 3);
  EXPECT_THROW(
      execute("INSERT INTO user_progress(user_id, item, guild_id) VALUES (2, 100, 700000000000000001)"),
      store::DatabaseError);
}

TEST_F(RebuildOfSqlite, RowsThatAreSummedUpLeaveTheTotalAsItWas) {
  execute(
      "CREATE TABLE points(name TEXT, points INTEGER, at TEXT); "
      "INSERT INTO points VALUES ('a', 5, '1'), ('b', 1, '1'), ('a', 7, '3'), ('a', NULL, '2')");
  read(R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.points]
class = "tenant"
unique = [["name"]]
sums = ["points"]
duplicates = "sum"
newest_by = "at"
)");
  convert();
  EXPECT_EQ(dump("SELECT name, points, at FROM points ORDER BY name"), "a|12|3\nb|1|1\n");
  const auto now = verified();
  ASSERT_EQ(now.tables.size(), 1U);
  EXPECT_EQ(now.tables[0].totals.at(0).before, "13");
  EXPECT_EQ(now.tables[0].totals.at(0).after, "13");
}

TEST_F(RebuildOfSqlite, RowsWithoutAKeyGoToQuarantineAndComeBackFromItAsTheyWere) {
  execute(
      "CREATE TABLE achievements(discord_id INTEGER, achievement TEXT, at DATETIME DEFAULT "
      "CURRENT_TIMESTAMP, "
      "PRIMARY KEY(discord_id, achievement)); INSERT INTO achievements VALUES (NULL, 'a', '1'), (NULL, 'a', "
      "'2'), "
      "(7, NULL, x'00'), (7, 'it''s \"so\"', 0.1), (NULL, CAST(x'c3' AS TEXT), 1)");
  const std::string order = " ORDER BY hex(achievement), quote(at)";
  const std::string values = "SELECT quote(discord_id), quote(achievement), quote(at) FROM ";
  const std::string before =
      dump(values + "achievements WHERE discord_id IS NULL OR achievement IS NULL" + order);
  read(R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.achievements]
class = "tenant"
not_null = ["discord_id", "achievement"]
)");
  convert();
  EXPECT_EQ(dump("SELECT achievement FROM achievements"), "it's \"so\"\n");
  execute("CREATE TABLE back(discord_id, achievement, at)");
  for (const Refused& row : refused()) {
    EXPECT_EQ(row.done, "put aside");
    execute(*insert_again("back", row.row));
  }
  EXPECT_EQ(dump(values + "back" + order), before);
}

TEST_F(RebuildOfSqlite, AFilledNameIsReported) {
  make_club();
  std::string description(kDescription);
  description.insert(description.find("[table.progress]"), "fill = { username = \"'user-' || id\" }\n");
  read(description);
  convert();
  EXPECT_EQ(dump("SELECT username FROM users ORDER BY id"), "Ann\nbob\n\nuser-11\n") << "a blank name stays";
  EXPECT_THAT(refused().front().reason, HasSubstr("was NULL, and is 'user-11' now"));
}

TEST_F(RebuildOfSqlite, ServersThatRowsNameAreKeptAndEmptyOnesAreTheHomes) {
  execute(
      "CREATE TABLE invites(invite_code TEXT PRIMARY KEY, guild_id TEXT); INSERT INTO invites VALUES "
      "('a', '700000000000000002'), ('b', NULL), ('c', ''), ('d', 'my club'), ('e', 700000000000000003)");
  read(R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.invites]
class = "tenant"
)");
  convert();
  EXPECT_EQ(dump("SELECT invite_code, guild_id, typeof(guild_id) FROM invites ORDER BY invite_code"),
            "a|700000000000000002|integer\nb|700000000000000001|integer\nc|700000000000000001|integer\n"
            "e|700000000000000003|integer\n");
  EXPECT_EQ(dump("SELECT count(*) FROM guilds"), "3\n");
  ASSERT_EQ(refused().size(), 1U);
  EXPECT_EQ(refused()[0].reason, "its guild_id is no server: 'my club'");
}

TEST_F(RebuildOfSqlite, AServerOfZeroIsNotTakenForTheHome) {
  execute("CREATE TABLE t(a TEXT, guild_id INTEGER); INSERT INTO t VALUES ('a', 0)");
  read(
      "tenant_column = \"guild_id\"\n[registry]\ntable = \"guilds\"\ncolumn = \"guild_id\"\n[table.t]\n"
      "class = \"tenant\"\n");
  EXPECT_THAT(problem(rebuild()), HasSubstr("CV-ZERO"));
}

TEST_F(RebuildOfSqlite, ACountThatOthersOverwroteIsMended) {
  execute(
      "CREATE TABLE uses(id INTEGER PRIMARY KEY, guild_id INTEGER NOT NULL, inviter_id INTEGER);"
      "CREATE TABLE stats(user_id INTEGER PRIMARY KEY, guild_id INTEGER NOT NULL, total INTEGER DEFAULT 0);"
      "INSERT INTO uses VALUES (1, 5, 20), (2, 5, 20), (3, 6, 20), (4, 5, 30);"
      "INSERT INTO stats VALUES (20, 5, 1), (30, 5, 9)");
  read(R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.uses]
class = "tenant"
[table.stats]
class = "tenant"
natural = true
recount = { column = "total", table = "uses", columns = ["user_id"], counted = ["inviter_id"] }
)");
  convert();
  EXPECT_EQ(dump("SELECT user_id, total FROM stats ORDER BY user_id"), "20|2\n30|9\n");
  EXPECT_EQ(refused().size(), 2U);
}

TEST_F(RebuildOfSqlite, ATriggerThatWritesWithoutTheServerIsRefusedUntilItIsAccepted) {
  make_club();
  execute(
      "CREATE TRIGGER \"first steps\" AFTER INSERT ON users BEGIN "
      "INSERT INTO progress(discord_id, manga_id) VALUES (new.discord_id, 1); END");
  read(kDescription);
  EXPECT_THAT(problem(rebuild()), HasSubstr("CV-TRIGGER: trigger first steps writes rows into progress"));
  ASSERT_EQ(problem(rebuild({.accepted = {"first steps"}})), "");
}

TEST_F(RebuildOfSqlite, AKeyOfWhichNothingIsSaidIsAskedFor) {
  execute("CREATE TABLE steam_users(discord_id INTEGER PRIMARY KEY, steam_id TEXT)");
  read(
      "tenant_column = \"guild_id\"\n[registry]\ntable = \"guilds\"\ncolumn = \"guild_id\"\n"
      "[table.steam_users]\nclass = \"tenant\"\n");
  const auto report = rebuild();
  EXPECT_THAT(problem(report), HasSubstr("CV-KEY: table steam_users"));
  EXPECT_THAT(report.error().finding.hint, HasSubstr("natural = true"));
}

TEST_F(RebuildOfSqlite, WithoutAHomeNothingIsDone) {
  make_club();
  read(kDescription, 0);
  EXPECT_THAT(problem(rebuild()), HasSubstr("CV-HOME"));
}

TEST_F(RebuildOfSqlite, TheSecondTimeThereIsNothingToDo) {
  make_club();
  convert();
  const std::string after = whole_file();
  const auto again = rebuild();
  ASSERT_EQ(problem(again), "");
  EXPECT_TRUE(again->was_done);
  EXPECT_EQ(whole_file(), after);
  EXPECT_EQ(dump("PRAGMA user_version"), "1\n");
  EXPECT_EQ(dump("SELECT count(*) FROM guildhall_conversion"), "1\n");
}

TEST_F(RebuildOfSqlite, AVersionThatAnotherProgramCountsIsLeftToIt) {
  make_club();
  execute("PRAGMA user_version=42");
  convert();
  EXPECT_EQ(dump("PRAGMA user_version"), "42\n");
}

// The sums are taken before the lock: what is written in between is measured again.
TEST_F(RebuildOfSqlite, WhatIsWrittenBetweenTheSumsAndTheLockIsInThem) {
  make_club();
  execute("DELETE FROM user_progress WHERE id = 4");
  read(kDescription);
  auto bot = target().open("");
  ASSERT_TRUE(bot);
  std::vector<std::string> steps;
  ASSERT_EQ(problem(rebuild({.at =
                                 [&](const std::string& step) {
                                   steps.push_back(step);
                                   if (step == "write lock")
                                     (*bot)->execute(
                                         "INSERT INTO users(discord_id, username) VALUES (123, 'late')");
                                 }})),
            "");
  EXPECT_THAT(steps, testing::Contains("sums of before, as somebody wrote"));
  EXPECT_EQ(dump("SELECT username FROM users WHERE discord_id = 123"), "late\n");
  EXPECT_TRUE(verified().ok);
}

// As the file would be found by the next program after a kill at each step.
TEST_F(RebuildOfSqlite, StoppedAtAnyStepTheFileIsAsItWas) {
  make_club();
  execute("CREATE INDEX i ON users(username); CREATE VIEW v AS SELECT * FROM users");
  const std::string before = whole_file();
  read(kDescription);
  int steps = 0;
  ASSERT_NO_THROW({
    for (bool done = false; !done; ++steps) {
      int left = steps;
      try {
        ASSERT_EQ(problem(rebuild({.at =
                                       [&](const std::string&) {
                                         if (left-- == 0) throw Killed();
                                       }})),
                  "");
        done = true;
      } catch (const Killed&) {
        ASSERT_EQ(whole_file(), before) << "stopped at step " << steps;
        ASSERT_FALSE(session().in_transaction());
      }
    }
  });
  EXPECT_GT(steps, 15);
  EXPECT_EQ(dump("SELECT count(*) FROM users WHERE guild_id = 700000000000000001"), "4\n");
}

TEST_F(RebuildOfSqlite, AnotherProgramsWriteIsWaitedForAndThenNamed) {
  make_club();
  auto other = target().open("");
  ASSERT_TRUE(other);
  (*other)->begin();
  EXPECT_THAT(problem(rebuild({.wait = std::chrono::milliseconds(5)})), HasSubstr("CV-BUSY"));
  (*other)->execute("ROLLBACK");
  ASSERT_EQ(problem(rebuild()), "");
}

TEST_F(RebuildOfSqlite, AVerificationFindsWhatWasThere) {
  make_club();
  execute("DELETE FROM user_progress WHERE id = 4");
  read(kDescription);
  convert();
  const auto found = verified();
  EXPECT_TRUE(found.ok);
  EXPECT_EQ(found.tables.size(), 4U);
  for (const TableComparison& table : found.tables) EXPECT_EQ(table.verdict, Verdict::equal) << table.table;
  // One row that is given to somebody else is seen.
  execute("UPDATE user_progress SET user_id = 9 WHERE id = 1");
  EXPECT_FALSE(verified().ok);
}

// Two rows are kept otherwise than they were: no more than that is excused by them.
TEST_F(RebuildOfSqlite, RowsThatWereSetRightExcuseNoOthers) {
  const auto verdict_after = [&](const std::string& change) {
    execute(change);
    const auto found = verified();
    const auto table = std::ranges::find(found.tables, "user_progress", &TableComparison::table);
    EXPECT_EQ(found.ok, table->verdict == Verdict::explained) << change;
    return table->verdict;
  };
  make_club();
  execute(
      "UPDATE user_progress SET user_id = 90 WHERE id = 1; DELETE FROM user_progress WHERE id = 4; "
      "UPDATE user_progress SET user_id = 50 WHERE id = 2");
  read(kDescription);
  convert();
  ASSERT_EQ(refused().size(), 2U);
  EXPECT_EQ(verdict_after(""), Verdict::explained);
  const std::string more = "UPDATE user_progress SET chapters_read = chapters_read + 1 WHERE id = ";
  const std::string less = "UPDATE user_progress SET chapters_read = chapters_read - 1 WHERE id = ";
  EXPECT_EQ(verdict_after(more + "3"), Verdict::differs) << "a row of no rule";
  EXPECT_EQ(verdict_after(less + "3; " + more + "1"), Verdict::differs) << "one that was set right";
  EXPECT_EQ(verdict_after(less + "1; UPDATE user_progress SET user_id = 90 WHERE id = 1"), Verdict::differs)
      << "one that is again what it was";
  EXPECT_EQ(verdict_after("UPDATE user_progress SET user_id = 9 WHERE id = 1"), Verdict::explained);
}

TEST_F(RebuildOfSqlite, AnIndexThatMissesARowIsSeenByAVerification) {
  make_club();
  convert();
  EXPECT_TRUE(verified().ok);
  execute("CREATE INDEX by_item ON user_progress(item) WHERE id > 1");
  execute(
      "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX by_item ON "
      "user_progress(item)' "
      "WHERE name = 'by_item'; PRAGMA writable_schema=RESET");
  const auto found = verified();
  EXPECT_FALSE(found.ok);
  EXPECT_TRUE(std::ranges::any_of(found.findings, [](const auto& one) { return one.code == "CV-DAMAGED"; }));
}

}  // namespace
}  // namespace guildhall::convert
