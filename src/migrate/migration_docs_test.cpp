#include "migrate/migration_docs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/new_migration.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::migrate {
namespace {

using testing::HasSubstr;

class MigrationDocs : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  MigrationSet set() { return *read_migrations(folder_.path().string(), Dialect::postgres); }
  MigrationNote note(const std::vector<JournalRow>& journal = {}) {
    const MigrationSet all = set();
    return describe(all, compare(all, journal), Dialect::postgres).at(0);
  }

  test::TemporaryFolder folder_;
};

TEST_F(MigrationDocs, WhatAFileSaysOfItselfIsToldInEitherForm) {
  write("0001_a.sql",
        "-- guildhall: purpose=\"entries | counted\" date=2025-11-15 risk=medium impact=\"a second\"\n"
        "CREATE TABLE a (x integer);");
  write("0001_a.down.sql", "DROP TABLE a;");
  EXPECT_EQ(
      as_markdown({note()}, false),
      "| migration | purpose | date | changes | way back | risk | impact |\n"
      "| --- | --- | --- | --- | --- | --- | --- |\n"
      "| 0001_a | entries \\| counted | 2025-11-15 | table a | 0001_a.down.sql | medium | a second |\n");
  write("0001_a.sql",
        "-- Migration 0001\n--\n-- Purpose: entries: counted\n--   Risk:  LOW\n\nCREATE TABLE a (x int);\n"
        "-- Impact: too late");
  EXPECT_EQ(note().purpose, "entries: counted");
  EXPECT_EQ(note().risk, "LOW");
  EXPECT_EQ(note().impact, "");
}

TEST_F(MigrationDocs, WhatItChangesIsNamedAndOfManyCounted) {
  write(
      "0001_a.sql",
      "ALTER TABLE a ADD COLUMN b integer, DROP COLUMN c; CREATE INDEX a_b ON a (b); DROP TABLE d; UPDATE a "
      "SET b = 1; COMMENT ON TABLE a IS 'x'; DO $$ BEGIN CREATE INDEX a_b ON a (b); END $$;");
  EXPECT_EQ(note().changes, "column a.b, drops column a.c, index a_b, drops table d, rows of a");
  EXPECT_EQ(note().way_back, "none");
  std::string many;
  for (int i = 0; i < 8; ++i) many += "CREATE TABLE t" + std::to_string(i) + " (x integer);";
  write("0001_a.sql", many + "CREATE INDEX t_x ON t1 (x);");
  EXPECT_EQ(note().changes, "8 tables, 1 index");
}

TEST_F(MigrationDocs, TheJournalSaysWhereItStandsAndGeneratorsTheDay) {
  write("0001_a.sql", "CREATE TABLE a (x integer);");
  write(
      "meta/_journal.json",
      R"({"version":"7","dialect":"postgresql","entries":[{"idx":1,"when":1763125000000,"tag":"0001_a"}]})");
  JournalRow row;
  row.name = "0001_a";
  row.direction = "up";
  row.state = "applied";
  row.checksum = set().migrations[0].up->checksum;
  row.down_script = "DROP TABLE a";
  const MigrationNote applied = note({row});
  EXPECT_EQ(applied.date, "2025-11-14");
  EXPECT_EQ(applied.way_back, "derived");
  EXPECT_THAT(as_markdown({applied}, true), HasSubstr("| 0001_a | applied | - |"));
}

TEST_F(MigrationDocs, ANewFileHasItsLines) {
  const MigrationSet none = set();
  ASSERT_TRUE(make_migration(none, {}, "Add \"entry\"\ncount", "2026-01-05"));
  const MigrationNote made = note();
  EXPECT_EQ(made.date, "2026-01-05");
  EXPECT_EQ(made.risk, "low");
  EXPECT_EQ(made.impact, "none");
  EXPECT_EQ(made.purpose, "Add 'entry' count");
  EXPECT_THAT(set().findings, testing::Each(testing::Field(&Finding::level, testing::Ne(Level::error))));
}

}  // namespace
}  // namespace guildhall::migrate
