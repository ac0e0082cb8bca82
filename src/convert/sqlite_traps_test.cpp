// What goes wrong when a SQLite database of one server is made one of many by hand: each way as it is done,
// and what the rebuild does instead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_rebuild.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using testing::HasSubstr;

constexpr const char* kClub = R"(
CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, discord_id INTEGER NOT NULL UNIQUE, username TEXT);
CREATE TABLE progress(discord_id INTEGER NOT NULL, manga_id INTEGER NOT NULL, title TEXT, rating REAL DEFAULT 0,
  status TEXT DEFAULT 'Not Started', PRIMARY KEY(discord_id, manga_id));
ALTER TABLE progress ADD COLUMN chapter INTEGER DEFAULT 0;
CREATE TABLE steam_users(discord_id INTEGER PRIMARY KEY, steam_id TEXT NOT NULL);
CREATE TABLE kept(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id));
INSERT INTO users(discord_id, username) VALUES (10, 'a'), (20, 'b'), (30, 'c');
INSERT INTO progress(discord_id, manga_id, title, rating, chapter) VALUES (10, 1, 'Title 8', 7.5, 31);
INSERT INTO steam_users VALUES (10, 'x'), (20, 'y');
INSERT INTO kept(user_id) VALUES (2), (99);
)";

constexpr const char* kDescription = R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.users]
class = "tenant"
[table.progress]
class = "tenant"
[table.steam_users]
class = "tenant"
natural = true
[table.kept]
class = "child"
parents = [{ table = "users", columns = ["user_id"], referenced = ["id"] }]
)";

class TrapsOfSqlite : public test::SqliteConversion {
 protected:
  void SetUp() override { execute(kClub); }
  void convert() {
    read(kDescription);
    ASSERT_EQ(problem(rebuild()), "");
  }
  /// What SQLite says to it; "" when it takes it.
  std::string said_to(const std::string& sql) {
    try {
      session().execute(sql);
      return "";
    } catch (const store::DatabaseError& error) {
      return error.what();
    }
  }
};

TEST_F(TrapsOfSqlite, NoAlterTableGivesATableItsServerAndItsKeys) {
  EXPECT_THAT(said_to("ALTER TABLE users ADD COLUMN g INTEGER PRIMARY KEY"),
              HasSubstr("Cannot add a PRIMARY KEY"));
  EXPECT_THAT(said_to("ALTER TABLE users ADD COLUMN g INTEGER UNIQUE"),
              HasSubstr("Cannot add a UNIQUE column"));
  EXPECT_THAT(said_to("ALTER TABLE users ADD COLUMN g INTEGER NOT NULL"),
              HasSubstr("Cannot add a NOT NULL column with default value NULL"));
  EXPECT_THAT(said_to("ALTER TABLE users ADD COLUMN at DATETIME DEFAULT CURRENT_TIMESTAMP"),
              HasSubstr("non-constant default"));
  EXPECT_THAT(said_to("ALTER TABLE users DROP COLUMN discord_id"), HasSubstr("cannot drop UNIQUE column"));
  convert();
  EXPECT_EQ(dump("SELECT \"notnull\", coalesce(dflt_value, 'none') FROM pragma_table_info('users') "
                 "WHERE name = 'guild_id'"),
            "1|none\n");
}

// A column with the home server as its default: who forgets the server writes into the home server.
TEST_F(TrapsOfSqlite, ADefaultServerIsALeakByOmission) {
  execute("BEGIN; ALTER TABLE progress ADD COLUMN guild_id INTEGER DEFAULT 700000000000000001");
  EXPECT_EQ(said_to("INSERT INTO progress(discord_id, manga_id) VALUES (5, 5)"), "");
  EXPECT_EQ(dump("SELECT guild_id FROM progress WHERE discord_id = 5"), "700000000000000001\n");
  execute("ROLLBACK");
  convert();
  EXPECT_THAT(said_to("INSERT INTO progress(discord_id, manga_id) VALUES (5, 5)"), HasSubstr("NOT NULL"));
}

// With the old key, the second server's REPLACE takes the first one's row.
TEST_F(TrapsOfSqlite, ReplaceTakesNoRowFromTheHomeServer) {
  execute("BEGIN; ALTER TABLE steam_users ADD COLUMN guild_id INTEGER DEFAULT 1");
  execute("INSERT OR REPLACE INTO steam_users VALUES (10, 'z', 2)");
  EXPECT_EQ(dump("SELECT count(*) FROM steam_users WHERE guild_id = 1"), "1\n");
  EXPECT_THAT(said_to("INSERT INTO users(discord_id) VALUES (10)"), HasSubstr("UNIQUE constraint failed"));
  EXPECT_THAT(
      said_to("INSERT INTO steam_users VALUES (10, 'z', 2) ON CONFLICT(discord_id, guild_id) DO NOTHING"),
      HasSubstr("ON CONFLICT clause does not match"));
  execute("ROLLBACK");
  convert();
  execute(
      "INSERT INTO guilds VALUES (2); INSERT OR REPLACE INTO steam_users(discord_id, steam_id, guild_id) "
      "VALUES (10, 'z', 2); INSERT INTO steam_users(discord_id, steam_id, guild_id) VALUES (10, 'z', 2) "
      "ON CONFLICT(discord_id, guild_id) DO NOTHING");
  EXPECT_EQ(dump("SELECT count(*) FROM steam_users WHERE guild_id = 700000000000000001"), "2\n");
}

// The stored order of columns is not the program's: SELECT * puts a chapter where a title belongs.
TEST_F(TrapsOfSqlite, ColumnsAreCopiedByNameAndStayInTheirPlaces) {
  execute(
      "BEGIN; CREATE TABLE n(discord_id INTEGER NOT NULL, manga_id INTEGER NOT NULL, chapter INTEGER DEFAULT "
      "0, "
      "title TEXT, rating REAL, status TEXT); INSERT INTO n SELECT * FROM progress");
  EXPECT_EQ(dump("SELECT chapter, title, status FROM n"), "Title 8|7.5|31\n");
  execute("ROLLBACK");
  convert();
  EXPECT_EQ(dump("SELECT chapter, title, rating FROM progress"), "31|Title 8|7.5\n");
  EXPECT_EQ(dump("SELECT * FROM progress"), "10|1|Title 8|7.5|Not Started|31|700000000000000001\n")
      << "who reads by place finds the old columns where they were";
}

// CREATE TABLE AS keeps no key, no default, no AUTOINCREMENT.
TEST_F(TrapsOfSqlite, ATableMadeFromAQueryHasLostItsKeys) {
  execute("BEGIN; CREATE TABLE n AS SELECT *, 1 AS guild_id FROM progress");
  EXPECT_EQ(said_to("INSERT INTO n SELECT * FROM n"), "");
  EXPECT_EQ(dump("SELECT count(*) FROM pragma_index_list('n')"), "0\n");
  execute("ROLLBACK");
  convert();
  EXPECT_THAT(said_to("INSERT INTO progress SELECT * FROM progress"), HasSubstr("UNIQUE constraint failed"));
}

// Renaming the old table out of the way takes references, triggers and views with it.
TEST_F(TrapsOfSqlite, NothingFollowsTheOldTable) {
  execute(
      "CREATE VIEW v AS SELECT username FROM users; CREATE TABLE log(x); CREATE TRIGGER t AFTER INSERT ON "
      "log "
      "BEGIN UPDATE users SET username = 'x' WHERE id = new.x; END");
  execute("BEGIN; ALTER TABLE users RENAME TO users_old");
  for (const char* name : {"v", "t", "kept"})
    EXPECT_THAT(dump(std::string("SELECT sql FROM sqlite_schema WHERE name = '") + name + "'"),
                HasSubstr("users_old"));
  execute("ROLLBACK");
  convert();
  EXPECT_EQ(dump("SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%users_old%' OR sql LIKE "
                 "'%guildhall_passing%'"),
            "0\n");
  execute("INSERT INTO log VALUES (1)");
  EXPECT_EQ(dump("SELECT username FROM v ORDER BY 1"), "b\nc\nx\n");
}

// Four commits instead of one: with a view in the way the renaming fails when the old table is gone already.
TEST_F(TrapsOfSqlite, StepsThatAreCommittedOneByOneLoseTheTable) {
  execute("CREATE VIEW v AS SELECT username FROM users");
  {
    test::AnyDatabase naive(migrate::Dialect::sqlite);
    auto& file = naive.session();
    file.execute(kClub);
    file.execute("CREATE VIEW v AS SELECT username FROM users");
    file.execute(
        "CREATE TABLE users_new(id INTEGER PRIMARY KEY, discord_id INTEGER, username TEXT, guild_id "
        "INTEGER)");
    file.execute("INSERT INTO users_new SELECT *, 1 FROM users");
    file.execute("DROP TABLE users");
    EXPECT_THROW(file.execute("ALTER TABLE users_new RENAME TO users"), store::DatabaseError);
    file.execute("DROP TABLE users_new");  // the clean-up of such scripts
    EXPECT_EQ(file.query("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'users%'")[0][0], "0");
  }
  convert();
  EXPECT_EQ(dump("SELECT count(*) FROM users"), "3\n");
}

// Fewer references dangle after a renumbering, which looks better and is worse.
TEST_F(TrapsOfSqlite, FewerDanglingReferencesAreNoProof) {
  execute(
      "DELETE FROM users WHERE id = 1; UPDATE kept SET user_id = 3 WHERE id = 2; INSERT INTO kept VALUES (3, "
      "1)");
  EXPECT_EQ(dump("SELECT count(*) FROM pragma_foreign_key_check"), "1\n");
  execute(
      "BEGIN; CREATE TABLE n(id INTEGER PRIMARY KEY AUTOINCREMENT, discord_id, username); INSERT INTO "
      "n(discord_id, "
      "username) SELECT discord_id, username FROM users; PRAGMA legacy_alter_table=ON; DROP TABLE users; "
      "ALTER TABLE n RENAME TO users");
  EXPECT_EQ(dump("SELECT count(*) FROM pragma_foreign_key_check('kept')"), "1\n");
  EXPECT_EQ(dump("SELECT k.id, discord_id FROM kept AS k JOIN users AS u ON u.id = k.user_id ORDER BY 1"),
            "1|30\n3|20\n")
      << "other people, and as many";
  execute("ROLLBACK; PRAGMA legacy_alter_table=OFF");
  convert();
  EXPECT_EQ(dump("SELECT k.id, discord_id FROM kept AS k JOIN users AS u ON u.id = k.user_id ORDER BY 1"),
            "1|20\n2|30\n");
}

// A reference of two columns to a key of one: SQLite refuses every DELETE of a parent.
TEST_F(TrapsOfSqlite, EveryReferenceLeadsToAKey) {
  execute(
      "CREATE TABLE bad(guild_id INTEGER, discord_id INTEGER, FOREIGN KEY(guild_id, discord_id) REFERENCES "
      "users(guild_id, discord_id))");
  EXPECT_THAT(said_to("SELECT * FROM pragma_foreign_key_check('bad')"), HasSubstr("foreign key mismatch"));
  convert();
  EXPECT_EQ(said_to("SELECT * FROM pragma_foreign_key_check('bad')"), "");
  execute("PRAGMA foreign_keys=ON; DELETE FROM users WHERE id = 3");
}

}  // namespace
}  // namespace guildhall::convert
