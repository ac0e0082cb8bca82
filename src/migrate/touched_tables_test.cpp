#include "migrate/touched_tables.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/run.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TouchedTablesInPostgres : public test::OnPostgres {
 protected:
  TouchedTablesInPostgres() {
    session().execute(
        "CREATE SCHEMA app; CREATE TABLE users (id integer PRIMARY KEY, name text);"
        "CREATE TABLE app.notes (id integer PRIMARY KEY, owner integer REFERENCES users ON DELETE CASCADE);"
        "CREATE TABLE app.lines (note integer REFERENCES app.notes ON DELETE SET NULL);"
        "CREATE TABLE log (users integer REFERENCES users); CREATE VIEW v AS SELECT id FROM users;"
        "INSERT INTO users VALUES (1, 'row of users'); INSERT INTO app.notes VALUES (7, 1); "
        "CREATE TABLE secrets (word text); INSERT INTO secrets VALUES ('row of secrets')");
  }

  /// Their names; or the code of the problem and the line.
  std::string touched(const std::string& sql) {
    Script script;
    script.file = "0001_a.sql";
    script.sql = sql;
    script.statements = *split_statements(script.sql, Dialect::postgres);
    const Script* const scripts[] = {&script};
    const auto tables = touched_tables(session(), scripts);
    if (tables) return fmt::format("{}", fmt::join(*tables, " "));
    return fmt::format("{} {}", tables.error().finding.code, tables.error().finding.line);
  }
  RunReport up(const std::string& sql) {
    std::ofstream(database_.folder() / "migrations" / "0001_a.sql") << sql;
    UpOptions options;
    options.backup.emplace();
    options.backup->folder = database_.folder() / "backups";
    options.backup->touched_only = true;
    return migrate::up(
        target(), *read_migrations((database_.folder() / "migrations").string(), Dialect::postgres), options);
  }
};

TEST_F(TouchedTablesInPostgres, AreThoseWrittenToAlteredEmptiedOrDroppedThatAreThere) {
  EXPECT_EQ(
      touched("INSERT INTO log SELECT id FROM secrets; CREATE TABLE n (a int); INSERT INTO n VALUES (1)"),
      "public.log");
  EXPECT_EQ(
      touched("ALTER TABLE app.lines ADD COLUMN a integer; TRUNCATE log; CREATE INDEX ON secrets (word)"),
      "app.lines public.log");
  EXPECT_EQ(touched("DROP TABLE IF EXISTS log, secrets CASCADE"), "public.log public.secrets");
  EXPECT_EQ(touched("CREATE TABLE n (a integer REFERENCES users)"), "");
  EXPECT_EQ(touched("DO $$ BEGIN UPDATE log SET users = 1; END $$"), "public.log");
}

TEST_F(TouchedTablesInPostgres, WithThoseThatAForeignKeyTakesAlong) {
  EXPECT_EQ(touched("DELETE FROM users WHERE id = 1"), "app.lines app.notes public.users");
}

TEST_F(TouchedTablesInPostgres, WhatDoesNotTellIsRefusedWithItsLine) {
  for (const char* sql :
       {"SELECT 1;\nDO $$ BEGIN EXECUTE 'UPDATE ' || current_user || ' SET a = 1'; END $$",
        "SELECT 1;\nCALL f()", "SELECT 1;\nTRUNCATE users CASCADE", "SELECT 1;\nDROP SCHEMA app CASCADE",
        "SELECT 1;\nDROP TYPE mood CASCADE", "SELECT 1;\nDELETE FROM v", "SELECT 1;\nSELECT wipe()"})
    EXPECT_EQ(touched(sql), "MG-TOUCHED 2") << sql;
}

TEST_F(TouchedTablesInPostgres, UpBacksUpTheirRowsTheJournalAndTheWholeSchema) {
  std::filesystem::create_directories(database_.folder() / "migrations");
  const auto refused = up("DO $$ BEGIN EXECUTE 'UPDATE ' || current_user || ' SET a = 1'; END $$");
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->exit, Exit::refused);
  EXPECT_EQ(session().query("SELECT count(*) FROM users").at(0).at(0), "1");

  const auto report = up("UPDATE users SET name = 'changed'");
  ASSERT_FALSE(report.failed) << report.failed->finding.text;
  EXPECT_FALSE(report.backup->record.is_whole());
  std::ifstream input(report.backup->file);
  const std::string dump(std::istreambuf_iterator<char>(input), {});
  EXPECT_THAT(dump, AllOf(HasSubstr("row of users"), HasSubstr("CREATE TABLE public.secrets"),
                          HasSubstr("COPY guildhall.migration_journal"), Not(HasSubstr("row of secrets"))));
}

TEST(TouchedTablesOfSqlite, AreNoBackup) {
  const test::AnyDatabase database(Dialect::sqlite);
  std::filesystem::create_directories(database.folder() / "migrations");
  std::ofstream(database.folder() / "migrations" / "0001_a.sql") << "CREATE TABLE t (a integer)";
  UpOptions options;
  options.backup.emplace();
  options.backup->touched_only = true;
  const auto report =
      up(database.target(), *read_migrations((database.folder() / "migrations").string(), Dialect::sqlite),
         options);
  ASSERT_TRUE(report.failed);
  EXPECT_EQ(report.failed->exit, Exit::usage);
}

}  // namespace
}  // namespace guildhall::migrate
