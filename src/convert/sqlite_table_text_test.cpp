#include "convert/sqlite_table_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string changed(const std::string& sql, const TableChange& change) {
  const auto text = read_table_text("t", sql);
  if (!text) return text.error().finding.text;
  const auto made = changed_table("t", *text, change, "new_t");
  return made ? made->text : made.error().finding.text;
}

class TableTextOfSqlite : public test::OnSqlite {
 protected:
  /// SQLite takes the text, and says what its keys are: "discord_id,guild_id" for each, sorted.
  std::string keys_of(const std::string& sql) {
    session().execute("DROP TABLE IF EXISTS new_t");
    session().execute(sql);
    std::string keys;
    for (const auto& row : session().query(R"(
SELECT (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) AS columns
  FROM pragma_index_list('new_t') AS l ORDER BY columns)"))
      keys += row[0] + ";";
    return keys;
  }
};

TEST_F(TableTextOfSqlite, KeysOfColumnsAndOfTheTableBeginWithTheServer) {
  const std::string sql =
      "CREATE TABLE t(a TEXT UNIQUE ON CONFLICT REPLACE, b INTEGER, c TEXT COLLATE NOCASE, "
      "PRIMARY KEY (b, c), CONSTRAINT twice UNIQUE(c COLLATE RTRIM))";
  const auto made = changed(sql, {.tenant = "guild_id"});
  EXPECT_EQ(keys_of(made), "guild_id,a;guild_id,b,c;guild_id,c;") << made;
  EXPECT_THAT(made, HasSubstr("UNIQUE (\"guild_id\", \"a\") ON CONFLICT REPLACE"));
  EXPECT_THAT(made, HasSubstr("CONSTRAINT twice UNIQUE (\"guild_id\", c COLLATE RTRIM)"));
  EXPECT_THAT(made, HasSubstr("\"guild_id\" INTEGER NOT NULL,"));
  EXPECT_THAT(made, Not(HasSubstr("DEFAULT")));
}

TEST_F(TableTextOfSqlite, WhatIsNotAKeyStaysWordForWord) {
  const std::string sql =
      "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, -- the number\n"
      "  name VARCHAR( 50 ) NOT NULL DEFAULT 'a,b)' COLLATE NOCASE CHECK (length(name) > 0),\n"
      "  half REAL DEFAULT -1.5, at DATETIME DEFAULT CURRENT_TIMESTAMP, n INT DEFAULT (1 + (2)),\n"
      "  twice INT GENERATED ALWAYS AS (n * 2) STORED, thrice AS (n * 3), [odd name] BLOB NULL,\n"
      "  CONSTRAINT small CHECK (n < 10) CHECK (half IS NOT 0))";
  const auto made = changed(sql, {.tenant = "guild_id"});
  EXPECT_EQ(keys_of(made), "");
  for (const char* part :
       {"id INTEGER PRIMARY KEY AUTOINCREMENT",
        "name VARCHAR( 50 ) NOT NULL DEFAULT 'a,b)' COLLATE NOCASE CHECK (length(name) > 0)",
        "half REAL DEFAULT -1.5", "at DATETIME DEFAULT CURRENT_TIMESTAMP", "n INT DEFAULT (1 + (2))",
        "twice INT GENERATED ALWAYS AS (n * 2) STORED", "thrice AS (n * 3)", "[odd name] BLOB NULL",
        "CONSTRAINT small CHECK (n < 10)", "CHECK (half IS NOT 0)"})
    EXPECT_THAT(made, HasSubstr(part));
}

TEST_F(TableTextOfSqlite, ANumberThatIsKeyOfTheTableStaysToo) {
  const std::string sql = "CREATE TABLE t(a TEXT, id INTEGER, PRIMARY KEY(id AUTOINCREMENT), UNIQUE(a))";
  const auto made = changed(sql, {.tenant = "guild_id", .keys = {{"id"}, {"a"}}});
  EXPECT_EQ(keys_of(made), "guild_id,a;guild_id,id;");
  EXPECT_THAT(made, HasSubstr("PRIMARY KEY(id AUTOINCREMENT)"));
  // Not a row's number, whatever it looks like.
  EXPECT_EQ(read_table_text("t", "CREATE TABLE t(id INT PRIMARY KEY)")->row_number(), nullptr);
  EXPECT_EQ(read_table_text("t", "CREATE TABLE t(id INTEGER PRIMARY KEY DESC)")->row_number(), nullptr);
  EXPECT_EQ(keys_of(changed("CREATE TABLE t(id INT PRIMARY KEY)", {.tenant = "guild_id"})), "guild_id,id;");
}

TEST_F(TableTextOfSqlite, StrictAndWithoutRowidStay) {
  const auto made = changed("CREATE TABLE t(k TEXT NOT NULL PRIMARY KEY, v INTEGER) STRICT, WITHOUT ROWID",
                            {.tenant = "guild_id"});
  EXPECT_EQ(keys_of(made), "guild_id,k;") << made;
  EXPECT_THAT(made, HasSubstr(") STRICT, WITHOUT ROWID"));
}

TEST_F(TableTextOfSqlite, APersonsIdAsKeyGetsTheServerAndANumberBeside) {
  const auto text = read_table_text("t", "CREATE TABLE t(discord_id INTEGER PRIMARY KEY, name TEXT)");
  ASSERT_TRUE(text);
  EXPECT_EQ(text->row_number()->column, "discord_id");
  const auto plain = changed("CREATE TABLE t(discord_id INTEGER PRIMARY KEY, name TEXT)",
                             {.tenant = "guild_id", .natural = true});
  EXPECT_EQ(keys_of(plain), "guild_id,discord_id;");
  EXPECT_THAT(plain, HasSubstr("PRIMARY KEY (\"guild_id\", \"discord_id\")"));
  EXPECT_THAT(plain, HasSubstr("discord_id INTEGER NOT NULL"));
  const auto numbered = changed("CREATE TABLE t(discord_id INTEGER PRIMARY KEY, name TEXT)",
                                {.tenant = "guild_id", .natural = true, .surrogate = "id"});
  EXPECT_EQ(keys_of(numbered), "guild_id,discord_id;");
  EXPECT_THAT(numbered, HasSubstr("\"id\" INTEGER PRIMARY KEY AUTOINCREMENT"));
}

TEST_F(TableTextOfSqlite, ReferencesToAParentWithAServerCarryIt) {
  TableChange change{.tenant = "guild_id"};
  change.parents = {{"users", "guild_id", {"id"}, {{"id"}, {"discord_id"}}, "id"}};
  const auto made = changed(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, "
      "other INTEGER REFERENCES catalogue(id), FOREIGN KEY (user_id) REFERENCES \"users\"(discord_id) "
      "DEFERRABLE INITIALLY DEFERRED)",
      change);
  EXPECT_THAT(made, HasSubstr("FOREIGN KEY (\"guild_id\", \"user_id\") REFERENCES \"users\" (\"guild_id\", "
                              "\"id\") ON DELETE CASCADE"));
  EXPECT_THAT(made,
              HasSubstr("REFERENCES \"users\" (\"guild_id\", \"discord_id\") DEFERRABLE INITIALLY DEFERRED"));
  EXPECT_THAT(made, HasSubstr("FOREIGN KEY (\"other\") REFERENCES \"catalogue\" (\"id\")"));
}

// ON DELETE SET NULL of both columns would take the row's server away.
TEST_F(TableTextOfSqlite, WhatAParentLeavesBehindKeepsItsServer) {
  TableChange change{.tenant = "guild_id"};
  change.parents = {{"p", "guild_id", {"id"}, {{"id"}}, "id"}};
  const auto made = changed(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p(id) ON DELETE SET NULL)", change);
  session().execute(
      "CREATE TABLE p(id INTEGER PRIMARY KEY, guild_id INTEGER NOT NULL, UNIQUE(guild_id, id))");
  session().execute(made);
  session().execute(
      "PRAGMA foreign_keys=ON; INSERT INTO p VALUES (1, 5); "
      "INSERT INTO new_t(id, p_id, guild_id) VALUES (7, 1, 5)");
  EXPECT_THROW(session().execute("INSERT INTO new_t(id, p_id, guild_id) VALUES (8, 1, 6)"),
               store::DatabaseError);
  session().execute("DELETE FROM p");
  EXPECT_EQ(session().query("SELECT id || '|' || guild_id || '|' || (p_id IS NULL) FROM new_t")[0][0],
            "7|5|1");
  change.parents[0].row_number = "";
  EXPECT_THAT(changed("CREATE TABLE t(p_id INTEGER REFERENCES p(id) ON DELETE SET NULL)", change),
              HasSubstr("would take the row's server"));
}

TEST_F(TableTextOfSqlite, AColumnThatWasAddedBareBecomesTheServersOwn) {
  const auto made = changed(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, guild_id TEXT DEFAULT '0' NULL, "
      "UNIQUE(a, guild_id))",
      {.tenant = "guild_id", .registry = "\"guilds\" (\"guild_id\")"});
  EXPECT_EQ(keys_of(made), "guild_id,a;");
  EXPECT_THAT(made, HasSubstr("\"guild_id\" INTEGER NOT NULL REFERENCES \"guilds\" (\"guild_id\")"));
  EXPECT_THAT(made, Not(HasSubstr("DEFAULT")));
}

TEST_F(TableTextOfSqlite, WhatIsNoColumnIsRefusedAndNotGuessed) {
  const auto text = read_table_text("t", "CREATE TABLE t(a TEXT, FOREIGN KEY (a))");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().finding.code, "CV-SQL");
  EXPECT_THAT(text.error().finding.text, HasSubstr("table t"));
}

TEST_F(TableTextOfSqlite, UniqueIndexesBeginWithTheServerAndOthersStay) {
  EXPECT_EQ(changed_index("CREATE UNIQUE INDEX \"by name\" ON t (lower(name), b DESC) WHERE b > 0", "g"),
            "CREATE UNIQUE INDEX \"by name\" ON t (\"g\", lower(name), b DESC) WHERE b > 0");
  EXPECT_EQ(changed_index("CREATE INDEX i ON t(b DESC)", "g"), "CREATE INDEX i ON t(b DESC)");
}

TEST(SqliteIndexText, WhatItIsOverIsToldWithoutCollationAndOrder) {
  EXPECT_EQ(indexed_values(
                "CREATE UNIQUE INDEX \"by ( name\" ON t (a, lower(b, ',') COLLATE NOCASE DESC, c % 2 asc, "
                "\"desc\", d /* e */ || e) WHERE (f, g) IS NOT NULL"),
            (std::vector<std::string>{"a", "lower(b, ',')", "c % 2", "\"desc\"", "d /* e */ || e"}));
  EXPECT_TRUE(indexed_values("CREATE INDEX").empty());
  EXPECT_TRUE(indexed_values("").empty()) << "of a key that is part of its table";
}

}  // namespace
}  // namespace guildhall::convert
