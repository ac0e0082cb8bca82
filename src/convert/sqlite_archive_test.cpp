#include "convert/sqlite_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_file_way.h"
#include "convert/sqlite_rebuild.h"
#include "convert/sqlite_rollback.h"
#include "convert/sums.h"
#include "tests/support/old_reading.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using test::kHome;
using test::kOther;
using testing::HasSubstr;

constexpr const char* kClub = R"(
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, points REAL);
CREATE TABLE sales(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), price INTEGER);
CREATE TABLE votes(manga INTEGER, voter INTEGER, vote, PRIMARY KEY(manga, voter));
CREATE TABLE settings(k TEXT PRIMARY KEY, v TEXT);
CREATE TABLE invites(code TEXT PRIMARY KEY, guild_id INTEGER NOT NULL);
CREATE TABLE notes(user_id INTEGER REFERENCES users(id));
CREATE TABLE log(what TEXT);
CREATE TRIGGER came AFTER INSERT ON users BEGIN INSERT INTO log VALUES ('came ' || new.name); END;
CREATE TRIGGER went AFTER DELETE ON users BEGIN INSERT INTO log VALUES ('went ' || old.name); END;
INSERT INTO users(name, points) VALUES ('a', 1.5), ('b', 2);
INSERT INTO sales(user_id, price) VALUES (1, 10), (2, 20);
INSERT INTO votes VALUES (1, 1, 1);
INSERT INTO settings VALUES ('prefix', '!'), ('color', 'red');
INSERT INTO invites VALUES ('home', 700000000000000001), ('other', 700000000000000002);
DELETE FROM log;
)";

constexpr const char* kDescription = R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
name = "name"
[table.guilds]
class = "registry"
[table.users]
class = "tenant"
sums = ["points"]
[table.sales]
class = "child"
parents = [{ table = "users", columns = ["user_id"], referenced = ["id"] }]
sums = ["price"]
[table.votes]
class = "tenant"
surrogate = "id"
sums = ["vote"]
[table.settings]
class = "override"
absent = "all"
[table.invites]
class = "tenant"
[table.notes]
class = "global"
)";

constexpr const char* kSecond = R"(
UPDATE guilds SET name = 'The second' WHERE guild_id = 700000000000000002;
INSERT INTO users(id, name, points, guild_id) VALUES (5, 'a', 3.25, 700000000000000002),
  (7, 'x' || char(0) || 'y', 'many', 700000000000000002);
INSERT INTO sales(id, user_id, price, guild_id) VALUES (10, 5, 30, 700000000000000002);
INSERT INTO votes(manga, voter, vote, guild_id) VALUES (1, 1, -1, 700000000000000002), (1, 9, x'00ff', 700000000000000002);
INSERT INTO settings(k, v, guild_id) VALUES ('prefix', '?', 700000000000000002), ('prefix', '#', 700000000000000001);
DELETE FROM log;
)";

class ArchiveOfSqlite : public test::SqliteConversion {
 protected:
  void SetUp() override {
    execute(kClub);
    convert();
    execute(kSecond);
  }
  void convert(std::int64_t home = kHome) {
    read(kDescription, home);
    ASSERT_EQ(problem(rebuild()), "");
  }
  std::string back() { return problem(roll_back_sqlite(session(), {.archive = true})); }
  std::string restore(std::int64_t home = kHome) {
    read(kDescription, home);
    execute("BEGIN");
    const auto done = bring_back(session(), scheme_);
    execute(done ? "COMMIT" : "ROLLBACK");
    return problem(done);
  }
  /// All rows, by server.
  std::string rows() {
    std::string text;
    for (const char* sql :
         {"SELECT guild_id, id, hex(name), quote(points), typeof(points) FROM users ORDER BY 2",
          "SELECT guild_id, id, user_id, price FROM sales ORDER BY 2",
          "SELECT guild_id, id, manga, voter, quote(vote) FROM votes ORDER BY 2",
          "SELECT guild_id, k, v FROM settings ORDER BY 1, 2", "SELECT * FROM invites ORDER BY 1",
          "SELECT * FROM guilds ORDER BY 1", "SELECT * FROM log"})
      text += dump(sql);
    return text;
  }
};

TEST_F(ArchiveOfSqlite, WhatWasPutAsideComesBackAsItWas) {
  const std::string before = rows();
  ASSERT_EQ(back(), "");
  EXPECT_EQ(dump("SELECT id, name, points FROM users ORDER BY id"), "1|a|1.5\n2|b|2.0\n");
  EXPECT_EQ(dump("SELECT * FROM sales"), "1|1|10\n2|2|20\n");
  EXPECT_EQ(dump("SELECT * FROM votes"), "1|1|1\n");
  EXPECT_EQ(dump("SELECT code FROM invites ORDER BY 1"), "home\nother\n") << "told apart anyway";
  EXPECT_EQ(dump("SELECT * FROM log"), "") << "no trigger was to see them go";
  EXPECT_EQ(dump("SELECT sql FROM sqlite_schema WHERE name = 'guildhall_archive_users'"),
            "CREATE TABLE \"guildhall_archive_users\" (\"id\", \"name\", \"points\", \"guild_id\")\n");
  convert();
  EXPECT_FALSE(scheme_.find("guildhall_archive_users")) << "the archive is nobody's table";
  ASSERT_EQ(restore(), "");
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name GLOB 'guildhall_archive*'"), "");
  EXPECT_EQ(dump("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), "2\n");
}

// A single server's settings are what counted for it; back among others they are its own, and those of all
// count for the rest.
TEST_F(ArchiveOfSqlite, TheHomesOwnSettingsCountAndTheOnesOfAllComeBack) {
  ASSERT_EQ(back(), "");
  EXPECT_EQ(dump("SELECT * FROM settings ORDER BY k"), "color|red\nprefix|#\n");
  EXPECT_EQ(dump("SELECT v, guild_id FROM guildhall_archive_settings ORDER BY 1"),
            "!|0\n?|700000000000000002\n");
  execute("UPDATE settings SET v = 'changed' WHERE k = 'prefix'");
  convert();
  EXPECT_EQ(dump("SELECT v FROM settings WHERE k = 'prefix' AND guild_id = 0"), "changed\n");
  ASSERT_EQ(restore(), "");
  EXPECT_EQ(dump("SELECT guild_id, v FROM settings WHERE k = 'prefix' ORDER BY 1"),
            "0|!\n700000000000000001|changed\n700000000000000002|?\n");
}

// Numbers of rows that are gone are not given out again: the old program counts on behind those put aside.
TEST_F(ArchiveOfSqlite, TheOldProgramCountsOnBehindWhatWasPutAside) {
  ASSERT_EQ(back(), "");
  execute("INSERT INTO users(name) VALUES ('c')");
  EXPECT_EQ(dump("SELECT id FROM users WHERE name = 'c'"), "8\n");
  convert();
  ASSERT_EQ(restore(), "");
  EXPECT_EQ(dump("SELECT id, points FROM users WHERE guild_id = 700000000000000002 ORDER BY 1"),
            "5|3.25\n7|many\n");
}

TEST_F(ArchiveOfSqlite, ANumberThatWasGivenOutAgainBecomesAnotherWhereNothingRefersToIt) {
  ASSERT_EQ(back(), "");
  execute("INSERT INTO votes VALUES (8, 8, 1), (9, 9, 1); INSERT INTO sales VALUES (10, 1, 99)");
  convert();
  ASSERT_EQ(restore(), "");
  EXPECT_EQ(
      dump("SELECT manga, voter, quote(vote) FROM votes WHERE guild_id = 700000000000000002 ORDER BY 2"),
      "1|1|-1\n1|9|X'00FF'\n");
  EXPECT_EQ(dump("SELECT count(DISTINCT id) FROM votes"), "5\n");
  EXPECT_EQ(dump("SELECT user_id, price FROM sales WHERE guild_id = 700000000000000002"), "5|30\n");
}

TEST_F(ArchiveOfSqlite, ANumberThatOthersReferToIsNotChanged) {
  ASSERT_EQ(back(), "");
  execute("INSERT INTO users(id, name) VALUES (5, 'five')");
  convert();
  const std::string before = rows();
  EXPECT_THAT(restore(), HasSubstr("CV-KEYS: 1 rows of users cannot come back: the id"));
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(dump("SELECT count(*) FROM guildhall_archive_users"), "2\n");
}

TEST_F(ArchiveOfSqlite, AServerThatHasRowsOfItsOwnMeanwhileIsNotMixedUp) {
  ASSERT_EQ(back(), "");
  convert();
  execute("INSERT INTO users(name, guild_id) VALUES ('meanwhile', 700000000000000002)");
  EXPECT_THAT(restore(), HasSubstr("CV-ARCHIVE: what came back into users is not what was put aside"));
  execute("UPDATE users SET name = 'a' WHERE name = 'meanwhile'");
  EXPECT_THAT(restore(), HasSubstr("CV-KEYS: what was put aside of users does not fit in any more"));
  execute("DELETE FROM users WHERE id = 8");
  EXPECT_EQ(restore(), "");
}

TEST_F(ArchiveOfSqlite, ItIsTheHomesThatItWasMadeBeside) {
  ASSERT_EQ(back(), "");
  convert(kOther);
  EXPECT_THAT(restore(kOther), HasSubstr("CV-HOME"));
}

TEST_F(ArchiveOfSqlite, ThereIsOneAtATime) {
  ASSERT_EQ(back(), "");
  convert();
  execute("INSERT INTO users(name, guild_id) VALUES ('z', 700000000000000002)");
  EXPECT_THAT(back(), HasSubstr("CV-ARCHIVE: there is a table guildhall_archive already"));
  execute("DELETE FROM users WHERE name = 'z'; DELETE FROM log");
  const std::string archive = dump("SELECT * FROM guildhall_archive_users");
  ASSERT_EQ(problem(roll_back_sqlite(session())), "") << "nothing is to be put aside";
  EXPECT_EQ(dump("SELECT * FROM guildhall_archive_users"), archive);
}

// Nobody knows whose its rows are, and they would lead nowhere.
TEST_F(ArchiveOfSqlite, RowsThatATableOfNobodyRefersToStay) {
  execute("INSERT INTO notes VALUES (5)");
  const std::string before = rows();
  EXPECT_THAT(back(), HasSubstr("CV-PARENT: 1 rows of notes refer to rows of other servers"));
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name GLOB 'guildhall_archive*'"), "");
}

TEST_F(ArchiveOfSqlite, WithoutOtherServersThereIsNone) {
  execute(
      "DELETE FROM users WHERE guild_id = 700000000000000002; DELETE FROM sales WHERE price = 30;"
      "DELETE FROM votes WHERE guild_id = 700000000000000002; DELETE FROM settings WHERE guild_id <> 0");
  ASSERT_EQ(back(), "");
  EXPECT_EQ(dump("SELECT name FROM sqlite_schema WHERE name GLOB 'guildhall_archive*'"), "");
}

TEST_F(ArchiveOfSqlite, TwinsUnderAnOldKeyArePutAsideToo) {
  execute("INSERT INTO invites VALUES ('home', 700000000000000002)");
  execute(
      "DELETE FROM users WHERE id > 2; DELETE FROM sales WHERE price = 30; DELETE FROM votes WHERE id > 1;"
      "DELETE FROM settings WHERE guild_id <> 0");
  EXPECT_THAT(problem(roll_back_sqlite(session())), HasSubstr("CV-KEYS"));
  ASSERT_EQ(back(), "");
  EXPECT_EQ(dump("SELECT * FROM invites"), "home|700000000000000001\n");
  convert();
  ASSERT_EQ(restore(), "");
  EXPECT_EQ(dump("SELECT count(*) FROM invites WHERE guild_id = 700000000000000002"), "2\n");
}

// A file of one server into which somebody wrote another's rows after all.
TEST_F(ArchiveOfSqlite, OfAFileOfOneServerItIsMadeTheSameWay) {
  ASSERT_EQ(back(), "");
  for (const auto& row :
       session().query("SELECT name FROM sqlite_schema WHERE name GLOB 'guildhall_archive*'"))
    execute("DROP TABLE " + row[0]);
  execute("DELETE FROM invites WHERE code = 'other'");
  read(kDescription);
  ASSERT_EQ(problem(give_file_to_server(session(), scheme_, {.description = "t"})), "");
  execute(
      "INSERT INTO users(id, name, guild_id) VALUES (50, 'z', 700000000000000002);"
      "INSERT INTO sales(id, user_id, guild_id) VALUES (50, 50, 700000000000000002); DELETE FROM log");
  EXPECT_THAT(problem(roll_back_sqlite(session())), HasSubstr("CV-OTHERS"));
  ASSERT_EQ(back(), "");
  EXPECT_EQ(dump("SELECT id FROM users"), "1\n2\n");
  EXPECT_EQ(dump("SELECT count(*) FROM sales WHERE id = 50"), "0\n");
  EXPECT_EQ(dump("SELECT * FROM log"), "");
  convert();
  ASSERT_EQ(restore(), "");
  EXPECT_EQ(dump("SELECT user_id FROM sales WHERE guild_id = 700000000000000002"), "50\n");
}

// The reading club's database with all that years leave behind, and a second club beside.
TEST_F(ArchiveOfSqlite, OfTheReadingClubEachServersSumsAreTheSame) {
  test::AnyDatabase club(migrate::Dialect::sqlite);
  auto& file = club.session();
  file.execute(test::script({.operator_made = true}));
  const auto look = [&] { read_of(file, *read_description("reading-club")); };
  const auto convert_club = [&] {
    look();
    ASSERT_EQ(problem(rebuild_sqlite(file, scheme_, {.description = "t"})), "");
    look();
  };
  convert_club();
  // The same people in the second club, with rows in every table that is of people.
  for (const char* table : {"users", "user_stats", "user_manga_progress", "achievements", "cached_stats",
                            "steam_users", "user_progress_checkpoint"}) {
    std::string columns;
    for (const auto& row :
         file.query("SELECT name FROM pragma_table_info($1) WHERE name NOT IN ('id', 'guild_id')", {table}))
      columns += ", " + row[0];
    file.execute(
        fmt::format("INSERT INTO {0} (guild_id{1}) SELECT 700000000000000002{1} FROM {0} WHERE guild_id = "
                    "700000000000000001",
                    table, columns));
  }
  file.execute(
      "INSERT INTO manga_challenges(guild_id, user_id, manga_id, title, total_chapters) SELECT guild_id, id, "
      "5, 't', 9 "
      "FROM users WHERE guild_id = 700000000000000002");
  const Sums before = *take_sums_apart(file, scheme_);
  const auto moved = roll_back_sqlite(file, {.archive = true});
  ASSERT_EQ(problem(moved), "");
  EXPECT_GE(moved->moved.size(), 8U);
  convert_club();
  file.execute("BEGIN");
  ASSERT_EQ(problem(bring_back(file, scheme_)), "");
  file.execute("COMMIT");
  const Sums after = *take_sums_apart(file, scheme_, {.before = &before});
  std::size_t compared = 0;
  for (const Measured& was : before.measured) {
    const auto& is = *after.find(was.measure.table, was.measure.kind);
    for (const ServerSum& sum : was.servers) {
      const auto found = std::ranges::find(is.servers, sum.server, &ServerSum::server);
      ASSERT_NE(found, is.servers.end()) << was.measure.table << " of " << sum.server;
      EXPECT_EQ(found->amount, sum.amount) << was.measure.table << " of " << sum.server;
      EXPECT_EQ(found->totals, sum.totals) << was.measure.table << " of " << sum.server;
      ++compared;
    }
  }
  EXPECT_GE(compared, 25U);
}

}  // namespace
}  // namespace guildhall::convert
