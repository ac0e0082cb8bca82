#include "convert/sqlite_file_way.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_rebuild.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using test::kHome;
using testing::HasSubstr;

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
  migrate::Outcome<SqliteReport> convert() {
    return give_file_to_server(session(), scheme_, {.description = "test"});
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
  EXPECT_THAT(problem(convert()), HasSubstr("CV-SERVERS"));
  EXPECT_THAT(problem(convert()), HasSubstr("invites: 2 of server 700000000000000002"));
  EXPECT_EQ(whole_file(), before);
}

TEST_F(FileWayOfSqlite, AnothersFileIsNotTaken) {
  ASSERT_EQ(problem(convert()), "");
  read(kDescription);
  EXPECT_TRUE(convert()->was_done);
  read(kDescription, test::kOther);
  EXPECT_THAT(problem(convert()), HasSubstr("CV-SERVERS"));
  execute("DELETE FROM users; DELETE FROM invites");
  EXPECT_THAT(problem(convert()),
              HasSubstr("CV-MARKER: the file is marked as that of server 700000000000000001"));
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

}  // namespace
}  // namespace guildhall::convert
