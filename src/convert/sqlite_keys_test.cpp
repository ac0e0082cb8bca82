#include "convert/sqlite_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/sqlite_proof.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using testing::HasSubstr;

constexpr const char* kTables = R"(
CREATE TABLE members(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  email TEXT UNIQUE ON CONFLICT REPLACE, points REAL DEFAULT 0, CONSTRAINT twice UNIQUE (points DESC, name));
CREATE TABLE days(name TEXT, day TEXT COLLATE RTRIM, n INTEGER, PRIMARY KEY (name, day DESC));
CREATE TABLE words(word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE "odd ""one"""("a key" TEXT, UNIQUE("a key"));
CREATE TABLE marks(a INTEGER, b TEXT);
CREATE INDEX marks_a ON marks(a, b);
CREATE INDEX marks_few ON marks(b) WHERE a > 1;
INSERT INTO members(name, email, points) VALUES ('Zoe', 'z@x', 1.5), ('ann', NULL, 2), ('Bob', NULL, 1.5);
INSERT INTO days VALUES ('zoe', 'mon', 1), ('zoe', 'tue', 2), (NULL, 'mon', 3), (NULL, 'mon', 4), ('ann', 'wed', 5);
INSERT INTO words VALUES ('b'), ('a');
INSERT INTO "odd ""one""" VALUES ('z'), (NULL), (NULL), ('a');
INSERT INTO marks VALUES (1, 'one'), (2, 'two'), (3, 'three');
)";

constexpr const char* kDescription = R"(
tenant_column = "guild_id"
[registry]
table = "guilds"
column = "guild_id"
[table.members]
class = "tenant"
[table.days]
class = "tenant"
[table.words]
class = "tenant"
[table."odd \"one\""]
class = "tenant"
[table.marks]
class = "tenant"
)";

class KeysOfSqlite : public test::SqliteConversion {
 protected:
  void SetUp() override {
    execute(kTables);
    read(kDescription);
  }

  /// Each of a table's indexes: what it is of, and whose making.
  std::string indexes_of(const std::string& table) {
    return dump(fmt::format(
        R"(SELECT l."unique", l.origin, l.partial, (SELECT group_concat(x.cid || ' ' || x."desc" || ' ' || x.coll)
             FROM pragma_index_xinfo(l.name) AS x) FROM pragma_index_list('{}') AS l)",
        table));
  }
  /// What a table of the same text has, made in one go.
  std::string indexes_of_text(const std::string& table) {
    const std::string text =
        session().query("SELECT sql FROM sqlite_schema WHERE name = $1", {table}).at(0).at(0);
    execute("CREATE TABLE by_text" + text.substr(text.find(" (")));
    const std::string indexes = indexes_of("by_text");
    execute("DROP TABLE by_text");
    return indexes;
  }
  std::string checked(const std::string& table) { return problem(check_new_tables(session(), {table})); }
};

TEST_F(KeysOfSqlite, BuiltBehindTheCopyTheyAreWhatTheTextSays) {
  ASSERT_EQ(problem(rebuild()), "");
  for (const char* table : {"members", "days", "words", "odd \"one\""}) {
    EXPECT_EQ(indexes_of(table), indexes_of_text(table)) << table;
    EXPECT_NE(indexes_of(table), "") << table;
  }
  EXPECT_EQ(dump("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'guildhall_passing_%'"), "0\n");
  EXPECT_EQ(dump("PRAGMA integrity_check"), "ok\n");
}

TEST_F(KeysOfSqlite, AnotherProgramFindsThemAndMayWrite) {
  auto other = target().open("");
  ASSERT_TRUE(other);
  (*other)->query("SELECT count(*) FROM members");  // knows the old tables by then
  ASSERT_EQ(problem(rebuild()), "");
  (*other)->execute(fmt::format(
      "INSERT INTO members(name, points, guild_id) VALUES ('ZOE', 7, {0}) "
      "ON CONFLICT (guild_id, name) DO UPDATE SET points = points + 7; "
      "INSERT INTO members(name, email, guild_id) VALUES ('new', 'z@x', {0})",  // in the place of Zoe's row
      test::kHome));
  EXPECT_EQ((*other)->query("SELECT name FROM members ORDER BY id"),
            (store::SchemaSession::Rows{{"ann"}, {"Bob"}, {"new"}}));
  EXPECT_THROW((*other)->execute(fmt::format(
                   "INSERT INTO days(guild_id, name, day) VALUES ({}, 'zoe', 'mon  ')", test::kHome)),
               store::DatabaseError);
  EXPECT_EQ((*other)->query("PRAGMA integrity_check"), (store::SchemaSession::Rows{{"ok"}}));
}

TEST_F(KeysOfSqlite, ATableInNeedOfItsKeyAtOnceHasNoOtherText) {
  const auto made = [&](const std::string& sql) {
    return *changed_table("t", *read_table_text("t", sql), {.tenant = "guild_id"}, "new_t");
  };
  EXPECT_EQ(made("CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID").bare, "");
  EXPECT_EQ(made("CREATE TABLE t(guild_id INTEGER UNIQUE, a TEXT UNIQUE)").bare, "");
  EXPECT_EQ(made("CREATE TABLE t(guild_id BIGINT, a TEXT UNIQUE, PRIMARY KEY (guild_id))").bare, "");
  const ChangedTable plain =
      made("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT CHECK (b > 0))");
  EXPECT_THAT(plain.bare, HasSubstr("id INTEGER PRIMARY KEY")) << "the row's number";
  EXPECT_THAT(plain.bare, testing::AllOf(HasSubstr("CHECK (b > 0)"), testing::Not(HasSubstr("UNIQUE"))));
  EXPECT_THAT(plain.keys, testing::ElementsAre("\"guild_id\", \"a\""));
}

TEST_F(KeysOfSqlite, AnIndexWithoutTheEntryOfARowIsFound) {
  EXPECT_EQ(checked("marks"), "");
  execute("CREATE INDEX marks_b ON marks(b) WHERE a > 1; DROP INDEX marks_few");
  {
    const WritableSchema writable(session());
    execute("UPDATE sqlite_schema SET sql = 'CREATE INDEX marks_b ON marks(b)' WHERE name = 'marks_b'");
  }
  EXPECT_EQ(dump("PRAGMA quick_check"), "ok\n") << "SQLite's own quick look does not see it";
  EXPECT_THAT(checked("marks"), HasSubstr("CV-DAMAGED: the file is damaged: index marks_b of marks"));
}

TEST_F(KeysOfSqlite, AnIndexOfOtherValuesIsFound) {
  execute("DROP INDEX marks_few");
  {
    const WritableSchema writable(session());
    execute("UPDATE sqlite_schema SET sql = 'CREATE INDEX marks_a ON marks(b, a)' WHERE name = 'marks_a'");
  }
  EXPECT_THAT(checked("marks"), HasSubstr("index marks_a of marks has other entries than the table"));
}

TEST_F(KeysOfSqlite, AnIndexOfOtherValuesIsFoundOfAColumnBeyondThe63rd) {
  std::string columns = "c0 INTEGER";
  for (int i = 1; i < 70; ++i) columns += fmt::format(", c{} INTEGER", i);
  execute(
      fmt::format("CREATE TABLE wide({}); INSERT INTO wide(c1, c68, c69) VALUES (5, 1, 2), (6, 3, 4);"
                  "CREATE INDEX wide_1 ON wide(c1, c68)",
                  columns));
  EXPECT_EQ(checked("wide"), "");
  {
    const WritableSchema writable(session());
    execute("UPDATE sqlite_schema SET sql = replace(sql, 'c68', 'c69') WHERE name = 'wide_1'");
  }
  EXPECT_THAT(checked("wide"), HasSubstr("CV-DAMAGED"));
}

// SQLite reads the value of such a column out of the row, and not the index, whatever that holds.
TEST_F(KeysOfSqlite, AnIndexOfOtherValuesIsFoundOfAColumnThatIsMadeFromOthers) {
  execute(
      "CREATE TABLE made(a INTEGER, b INTEGER, same AS (a), twice INTEGER AS (a * 2) STORED);"
      "INSERT INTO made VALUES (1, 7), (2, 8); CREATE INDEX made_twice ON made(twice);"
      "CREATE INDEX made_same ON made(b)");
  EXPECT_EQ(checked("made"), "");
  {
    const WritableSchema writable(session());
    execute("UPDATE sqlite_schema SET sql = replace(sql, '(b)', '(same)') WHERE name = 'made_same'");
  }
  EXPECT_THAT(checked("made"),
              HasSubstr("CV-DAMAGED: the file is damaged: row 1 missing from index made_same"));
}

TEST_F(KeysOfSqlite, OfAPartOfTheRowsSQLiteItselfIsAsked) {
  {
    const WritableSchema writable(session());
    execute("UPDATE sqlite_schema SET sql = replace(sql, 'a > 1', 'a > 0') WHERE name = 'marks_few'");
  }
  EXPECT_THAT(checked("marks"), HasSubstr("CV-DAMAGED"));
}

TEST_F(KeysOfSqlite, AKeyThatIsNotTheFirstColumnIsNoDamage) {
  ASSERT_EQ(problem(rebuild()), "");
  // PRAGMA quick_check of SQLite 3.40 says that it is empty.
  EXPECT_EQ(checked("words"), "");
}

}  // namespace
}  // namespace guildhall::convert
