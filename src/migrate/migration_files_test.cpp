#include "migrate/migration_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/checksums.h"
#include "migrate/script_rules.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::migrate {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class MigrationFiles : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  MigrationSet read(Dialect dialect = Dialect::postgres, FileLayout layout = FileLayout::any) {
    auto set = read_migrations(folder_.path().string(), dialect, layout);
    EXPECT_TRUE(set) << (set ? "" : set.error().message);
    return *std::move(set);
  }
  /// "CODE name:line"
  static std::vector<std::string> codes(const MigrationSet& set) {
    std::vector<std::string> found;
    for (const Finding& one : set.findings)
      found.push_back(fmt::format("{} {}:{}", one.code, one.name, one.line));
    return found;
  }
  static std::vector<std::string> names(const MigrationSet& set) {
    std::vector<std::string> found;
    for (const Migration& one : set.migrations) found.push_back(one.name);
    return found;
  }

  test::TemporaryFolder folder_;
};

TEST_F(MigrationFiles, StandInTheOrderOfTheirNumbersAndGapsAreFine) {
  write("0010_last.sql", "SELECT 10");
  write("0000_first.sql", "SELECT 0");
  write("0003_middle.sql", "SELECT 3");
  write("0003_middle.down.sql", "SELECT -3");
  write("README.md", "not SQL");
  write("backup.sh", "rm -rf /");
  const auto set = read();
  EXPECT_THAT(names(set), ElementsAre("0000_first", "0003_middle", "0010_last"));
  EXPECT_THAT(codes(set), ElementsAre("I-GAP 0003_middle:0", "I-GAP 0010_last:0"));
  EXPECT_EQ(set.migrations[0].down, nullptr);
  ASSERT_NE(set.migrations[1].down, nullptr);
  EXPECT_EQ(set.migrations[1].down->sql, "SELECT -3");
}

TEST_F(MigrationFiles, WhatHasNoNameOfAMigrationIsNeverRun) {
  for (const char* name :
       {"fix-ai-model-config.sql", "001_short.sql", "0001.sql", "0001_Upper.sql", "0001-dash.sql",
        "0001_a.up.sql", "0001_ä.sql", ".sql", "1234567890123456789_long.sql"})
    write(name, "DROP TABLE users");
  const auto set = read();
  EXPECT_THAT(set.migrations, IsEmpty());
  EXPECT_THAT(set.findings, SizeIs(9));
  for (const Finding& one : set.findings) EXPECT_EQ(one.code, "W-STRAY") << one.name;
}

TEST_F(MigrationFiles, TwoOfOneNumberAreAnError) {
  write("0004_one.sql", "SELECT 1");
  write("00004_two.sql", "SELECT 1");
  EXPECT_THAT(codes(read()), ElementsAre("E-DUPNUM 0004_one:0"));
}

TEST_F(MigrationFiles, ANameMayBeLong) {
  const std::string name = "0001_" + std::string(195, 'x');
  write(name + ".sql", "SELECT 1");
  EXPECT_THAT(names(read()), ElementsAre(name));
}

TEST_F(MigrationFiles, AnEmptyDirectoryHasNone) { EXPECT_THAT(read().migrations, IsEmpty()); }

TEST_F(MigrationFiles, ADirectoryThatIsNotThereIsNamed) {
  const auto set = read_migrations("/nowhere/migrations", Dialect::postgres);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::not_found);
  EXPECT_THAT(set.error().message, HasSubstr("/nowhere/migrations"));
}

TEST_F(MigrationFiles, AFileThatLeavesTheDirectoryIsRefused) {
  test::TemporaryFolder elsewhere;
  std::ofstream(elsewhere.path() / "x.sql") << "SELECT 1";
  std::filesystem::create_symlink(elsewhere.path() / "x.sql", folder_.path() / "0001_away.sql");
  write("inside.txt", "SELECT 1");
  std::filesystem::create_symlink("inside.txt", folder_.path() / "0002_inside.sql");
  std::filesystem::create_directory(folder_.path() / "0003_folder.sql");
  const auto set = read();
  EXPECT_THAT(names(set), ElementsAre("0002_inside"));
  EXPECT_THAT(codes(set),
              testing::UnorderedElementsAre("E-SYMLINK 0001_away.sql:0", "E-NOFILE 0003_folder.sql:0"));
}

TEST_F(MigrationFiles, OneFileMayHoldBothWays) {
  write("0001_both.sql",
        "-- guildhall: lock_timeout=10s\n-- guildhall:up\nCREATE TABLE a (x int);\n"
        "SELECT '\n-- guildhall:down\n';\n\n-- guildhall:down\nDROP TABLE a;\n");
  const auto set = read();
  ASSERT_THAT(codes(set), IsEmpty());
  const Migration& migration = set.migrations.at(0);
  ASSERT_THAT(migration.up->statements, SizeIs(2));
  EXPECT_EQ(migration.up->statements[0].line, 3U);
  EXPECT_EQ(migration.up->options.lock_timeout, std::chrono::seconds(10));
  ASSERT_NE(migration.down, nullptr);
  ASSERT_THAT(migration.down->statements, SizeIs(1));
  EXPECT_EQ(migration.down->statements[0].text, "DROP TABLE a");
  EXPECT_EQ(migration.down->statements[0].line, 9U);
}

TEST_F(MigrationFiles, TheWayBackMayStandFirst) {
  write("0001_both.sql", "-- guildhall:down\nDROP TABLE a;\n-- guildhall:up\nCREATE TABLE a (x int);\n");
  const auto set = read();
  EXPECT_EQ(set.migrations.at(0).up->statements.at(0).text, "CREATE TABLE a (x int)");
  EXPECT_EQ(set.migrations.at(0).up->statements.at(0).line, 4U);
  EXPECT_EQ(set.migrations.at(0).down->statements.at(0).text, "DROP TABLE a");
}

TEST_F(MigrationFiles, AChangeOfOneWayIsNoChangeOfTheOther) {
  write("0001_both.sql", "CREATE TABLE a (x int);\n-- guildhall:down\nDROP TABLE a;\n");
  const auto before = read();
  write("0001_both.sql", "CREATE TABLE a (x int);\n-- guildhall:down\nDROP TABLE a CASCADE;\n");
  const auto after = read();
  EXPECT_EQ(before.migrations[0].up->checksum, after.migrations[0].up->checksum);
  EXPECT_NE(before.migrations[0].down->checksum, after.migrations[0].down->checksum);
}

TEST_F(MigrationFiles, TwoWaysBackOrOneFromNothingAreErrors) {
  write("0001_both.sql", "SELECT 1;\n-- guildhall:down\nSELECT 2;\n");
  write("0001_both.down.sql", "SELECT 2");
  write("0002_alone.down.sql", "SELECT 2");
  EXPECT_THAT(codes(read()),
              testing::UnorderedElementsAre("E-TWODOWNS 0001_both:0", "E-ORPHAN 0002_alone.down.sql:0"));
}

TEST_F(MigrationFiles, EachDatabaseMayHaveAnOwnVariant) {
  write("0001_core.postgres.sql", "CREATE TABLE a (x bigint)");
  write("0001_core.sqlite.sql", "CREATE TABLE a (x INTEGER) STRICT");
  write("0001_core.sqlite.down.sql", "DROP TABLE a");
  write("0002_only.postgres.sql", "SELECT 2");
  write("0003_here.sql", "-- guildhall: only=sqlite\nSELECT 3");
  EXPECT_THAT(names(read(Dialect::postgres)), ElementsAre("0001_core", "0002_only"));
  const auto sqlite = read(Dialect::sqlite);
  EXPECT_THAT(names(sqlite), ElementsAre("0001_core", "0003_here"));
  EXPECT_NE(sqlite.migrations[0].down, nullptr);
  EXPECT_THAT(dialects_of(folder_.path().string()), ElementsAre(Dialect::sqlite, Dialect::postgres));
  write("0001_core.sql", "SELECT 1");
  EXPECT_THAT(codes(read()), Contains("E-VARIANT 0001_core:0"));
}

TEST_F(MigrationFiles, OptionsAreReadAndNothingUnknownIsPassedOver) {
  write("0001_a.sql",
        "-- A comment of somebody's.\n-- guildhall: transaction=none statement_timeout=30min\n"
        "-- guildhall: allow=L03,L07 reason=\"empty since March\" phase=contract\n"
        "-- guildhall: needs=0000_z purpose=\"one, two\" risk=low\nSELECT 1;\n");
  write("0000_z.sql", "SELECT 0");
  const auto set = read();
  ASSERT_THAT(codes(set), IsEmpty());
  const MigrationOptions& options = set.migrations[1].up->options;
  EXPECT_FALSE(options.in_transaction);
  EXPECT_EQ(options.statement_timeout, std::chrono::minutes(30));
  EXPECT_THAT(options.allow, ElementsAre("L03", "L07"));
  EXPECT_EQ(options.reason, "empty since March");
  EXPECT_EQ(options.phase, Phase::contract);
  EXPECT_FALSE(options.batch);
  EXPECT_EQ(options.purpose, "one, two");

  write("0001_a.sql",
        "-- guildhall: transacton=none\n-- guildhall: transaction=some\n-- guildhall: lock_timeout=soon\n"
        "-- guildhall: allow=L03\n-- guildhall: purpose=\"open\n-- guildhall: needs=0009_never\n"
        "SELECT 1;\n-- guildhall: batch\n");
  const auto wrong = read();
  EXPECT_THAT(codes(wrong), testing::UnorderedElementsAre("E-OPTION 0001_a.sql:1", "E-OPTION 0001_a.sql:2",
                                                          "E-OPTION 0001_a.sql:3", "E-OPTION 0001_a.sql:1",
                                                          "E-OPTION 0001_a.sql:5", "E-OPTION 0001_a.sql:8",
                                                          "E-NEEDS 0001_a:0"));
  EXPECT_THAT(wrong.findings[0].hint, HasSubstr("transaction"));
}

TEST_F(MigrationFiles, ABatchSaysByWhichKeyHowManyRowsAndHowLongThePauseIs) {
  write("0001_a.sql", "-- guildhall: batch=app.\"T\"(id) size=250 pause=2s\nUPDATE app.\"T\" SET a = 1;\n");
  write("0002_b.sql", "-- guildhall: batch\nDELETE FROM t WHERE a = 1;\n");
  const auto set = read();
  ASSERT_THAT(codes(set), IsEmpty());
  const MigrationOptions& options = set.migrations[0].up->options;
  EXPECT_EQ(options.batch->table, "app.\"T\"");
  EXPECT_EQ(options.batch->key, "id");
  EXPECT_EQ(options.batch_size, 250);
  EXPECT_EQ(options.batch_pause, std::chrono::seconds(2));
  EXPECT_EQ(set.migrations[1].up->options.batch->key, "");
  EXPECT_FALSE(runs_in_transaction(*set.migrations[1].up, Dialect::postgres));

  write("0001_a.sql", "-- guildhall: batch=t size=0 pause=soon\nUPDATE t SET a = 1;\n");
  write("0002_b.sql", "-- guildhall: size=5\nDELETE FROM t WHERE a = 1;\n");
  write("0003_c.sql", "-- guildhall: batch\n\nINSERT INTO t VALUES (1);\n");
  EXPECT_THAT(codes(read()), testing::UnorderedElementsAre("E-OPTION 0001_a.sql:1", "E-OPTION 0001_a.sql:1",
                                                           "E-OPTION 0001_a.sql:1", "E-OPTION 0002_b.sql:1",
                                                           "E-BATCH 0003_c.sql:3"));
}

TEST_F(MigrationFiles, WhatNeedsComesLater) {
  write("0001_a.sql", "-- guildhall: needs=0002_b\nSELECT 1");
  write("0002_b.sql", "SELECT 2");
  EXPECT_THAT(codes(read()), ElementsAre("E-NEEDS 0001_a:0"));
}

TEST_F(MigrationFiles, WhatNoScriptMayHoldIsRefusedWithItsLine) {
  write("0001_psql.sql", "SELECT 1;\n\\d users\n");
  write("0002_copy.sql", "\n\nCOPY users FROM stdin;");
  write("0003_begin.sql", "BEGIN;\nSELECT 1;\nCOMMIT;");
  write("0004_index.sql", "CREATE TABLE a (x int);\nCREATE INDEX CONCURRENTLY i ON a (x);");
  write("0005_set.sql", "SET search_path = x;");
  write("0006_open.sql", "SELECT 1;\nSELECT 'never ends");
  write("0007_enum.sql", "ALTER TYPE mood ADD VALUE 'odd';\nINSERT INTO t VALUES ('odd');");
  write("0008_index_alone.sql", "CREATE INDEX CONCURRENTLY i ON a (x); DROP INDEX CONCURRENTLY j;");
  write("0009_end.sql", "SELECT 1; END;");
  write("0010_split.sql",
        "-- guildhall: transaction=none\nCREATE TABLE b (x int);\nCREATE INDEX CONCURRENTLY k ON b (x);");
  const auto set = read();
  EXPECT_THAT(codes(set), testing::UnorderedElementsAre(
                              "E-PSQL 0001_psql.sql:2", "E-COPY 0002_copy.sql:3", "E-TXCTL 0003_begin.sql:1",
                              "E-TXCTL 0003_begin.sql:3", "L01 0004_index.sql:2", "W-SET 0005_set.sql:1",
                              "E-SQL 0006_open.sql:2", "L01 0007_enum.sql:2", "E-TXCTL 0009_end.sql:1"));
  EXPECT_FALSE(runs_in_transaction(*set.find("0008_index_alone")->up, Dialect::postgres));
  EXPECT_FALSE(runs_in_transaction(*set.find("0010_split")->up, Dialect::postgres));
  EXPECT_TRUE(runs_in_transaction(*set.find("0005_set")->up, Dialect::postgres));
}

/// What of these has to run outside of a transaction.
std::vector<std::string> outside(const std::vector<std::string>& statements, Dialect dialect) {
  std::vector<std::string> found;
  for (const std::string& sql : statements) {
    if (needs_no_transaction(split_statements(sql, dialect)->at(0), dialect)) found.push_back(sql);
  }
  return found;
}

TEST(NeedsNoTransaction, InPostgres) {
  const std::vector<std::string> all{
      "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)",
      "DROP INDEX CONCURRENTLY i",
      "REINDEX INDEX CONCURRENTLY i",
      "REINDEX (CONCURRENTLY, VERBOSE) TABLE t",
      "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
      "VACUUM (ANALYZE) t",
      "CLUSTER",
      "CLUSTER VERBOSE",
      "CLUSTER (VERBOSE)",
      "REINDEX SCHEMA s",
      "REINDEX (VERBOSE) DATABASE d",
      "REINDEX SYSTEM d",
      "CREATE DATABASE d",
      "DROP DATABASE d",
      "CREATE TABLESPACE s LOCATION '/x'",
      "DROP TABLESPACE s",
      "ALTER DATABASE d SET TABLESPACE s",
      "ALTER SYSTEM SET work_mem = '1MB'",
      "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
      "DROP SUBSCRIPTION s",
      "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
      "ALTER SUBSCRIPTION s SET PUBLICATION p",
      "DISCARD ALL",
      "SELECT create_distributed_table_concurrently('t', 'discord_server_id')",
      "SELECT citus_move_shard_placement(1, 'a', 1, 'b', 1)",
      "SELECT pg_catalog.citus_split_shard_by_split_points(1, ARRAY['0'], ARRAY[1])",
      "SELECT isolate_tenant_to_new_shard('t', 5)",
      "SELECT rebalance_table_shards('t')",
      "SELECT * FROM citus_rebalance_start()",
      "SELECT Citus_Drain_Node('a', 1)",
      "CALL citus_cleanup_orphaned_resources()"};
  EXPECT_EQ(outside(all, Dialect::postgres), all);
  EXPECT_THAT(
      outside(
          {"CREATE INDEX i ON t (a)", "REFRESH MATERIALIZED VIEW CONCURRENTLY m", "CLUSTER t USING i",
           "CLUSTER (VERBOSE) t", "REINDEX TABLE t", "REINDEX (VERBOSE) INDEX i", "ANALYZE t",
           "ALTER TABLE t DETACH PARTITION p", "ALTER DATABASE d SET work_mem = '1MB'",
           "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)", "ALTER SUBSCRIPTION s DISABLE",
           "DISCARD TEMP", "ALTER TYPE mood ADD VALUE 'odd'", "SELECT create_distributed_table('t', 'a')",
           "SELECT 'rebalance_table_shards(1)'", "SELECT rebalance_table_shards FROM t"},
          Dialect::postgres),
      IsEmpty());
}

TEST(NeedsNoTransaction, InSqlite) {
  const std::vector<std::string> all{"VACUUM", "ATTACH 'x.db' AS x", "DETACH x", "PRAGMA journal_mode = WAL",
                                     "PRAGMA synchronous(1)"};
  EXPECT_EQ(outside(all, Dialect::sqlite), all);
  EXPECT_THAT(
      outside({"PRAGMA journal_mode", "PRAGMA user_version = 3", "REINDEX", "ANALYZE"}, Dialect::sqlite),
      IsEmpty());
}

TEST_F(MigrationFiles, ABreakpointWithinAStringIsData) {
  write("0001_text.sql",
        "INSERT INTO t VALUES ('a --> statement-breakpoint\nb');--> statement-breakpoint\nSELECT 1;");
  EXPECT_THAT(read().migrations.at(0).up->statements, SizeIs(2));
}

TEST_F(MigrationFiles, LineEndsMarkAndEncodingAreKnown) {
  write("0001_crlf.sql", "\xEF\xBB\xBF-- guildhall: phase=expand\r\nSELECT 1;\r\nSELECT 2;\r\n");
  write("0002_latin.sql", "SELECT 1;\nSELECT '\xE4';\n");
  const auto set = read();
  EXPECT_EQ(set.migrations[0].up->options.phase, Phase::expand);
  EXPECT_THAT(set.migrations[0].up->statements, SizeIs(2));
  EXPECT_THAT(codes(set), ElementsAre("E-ENCODING 0002_latin.sql:2"));
}

// --- Drizzle

TEST_F(MigrationFiles, DrizzlesListIsComparedAndNeverBelieved) {
  write("meta/_journal.json", R"({"version":"7","dialect":"postgresql","entries":[
    {"idx":0,"version":"7","when":1763000000000,"tag":"0000_first","breakpoints":true},
    {"idx":1,"version":"7","when":1762000000000,"tag":"0001_late","breakpoints":true},
    {"idx":7,"version":"7","when":1764000000000,"tag":"0002_gone","breakpoints":true}]})");
  write("meta/0000_snapshot.json", "{}");
  write("meta/0002_snapshot.json", "{}");
  write("0000_first.sql", "SELECT 0");
  write("0001_late.sql", "SELECT 1");
  write("0003_by_hand.sql", "SELECT 3");
  const auto set = read();
  EXPECT_THAT(names(set), ElementsAre("0000_first", "0001_late", "0003_by_hand"));
  EXPECT_THAT(codes(set), testing::UnorderedElementsAre(
                              "I-GAP 0003_by_hand:0", "W-WHEN 0001_late:0", "W-SNAPSHOT 0001_late:0",
                              "E-TAG 0002_gone:0", "W-INDEX 0002_gone:0", "I-HANDWRITTEN 0003_by_hand:0"));
  EXPECT_THAT(set.generated, SizeIs(3));
  EXPECT_THAT(codes(read(Dialect::sqlite)), Contains("E-DIALECT meta/_journal.json:0"));
  EXPECT_THAT(codes(read(Dialect::postgres, FileLayout::plain)), ElementsAre("I-GAP 0003_by_hand:0"));
}

TEST_F(MigrationFiles, ABrokenListOfDrizzlesIsAnError) {
  write("meta/_journal.json", "{\"version\":\"7\",");
  EXPECT_THAT(codes(read()), ElementsAre("E-LIST meta/_journal.json:0"));
  std::filesystem::remove_all(folder_.path() / "meta");
  EXPECT_THAT(codes(read()), IsEmpty());
  EXPECT_THAT(codes(read(Dialect::postgres, FileLayout::drizzle)),
              ElementsAre("E-LAYOUT meta/_journal.json:0"));
}

// --- checksums

TEST(Checksums, ReindentingAndLineEndsDoNotChangeTheMeaning) {
  const std::string tabs = "CREATE TABLE t (\n\tmodel text DEFAULT 'gpt-5-mini' NOT NULL -- a note\n);\n";
  const std::string spaces = "create table T (\r\n        model TEXT default 'gpt-5-mini' NOT NULL\r\n);\r\n";
  const std::string other = "CREATE TABLE t (\n\tmodel text DEFAULT 'gpt-4o' NOT NULL -- a note\n);\n";
  const auto tokens = [](const std::string& sql) { return *checksum_of_tokens(sql, Dialect::postgres); };
  EXPECT_NE(checksum_of_bytes(tabs), checksum_of_bytes(spaces));
  EXPECT_EQ(tokens(tabs), tokens(spaces));
  EXPECT_NE(tokens(tabs), tokens(other));
  EXPECT_EQ(tokens("SELECT '\r\n'"), tokens("SELECT '\n'"));
  EXPECT_NE(tokens("SELECT \"A\""), tokens("SELECT \"a\""));
  EXPECT_NE(tokens("SELECT 'A'"), tokens("SELECT 'a'"));
  EXPECT_EQ(tokens("\xEF\xBB\xBFSELECT 1"), tokens("SELECT 1"));
}

TEST(Checksums, SayHowTheyWereMadeAndStayWhatTheyAre) {
  // echo -n 'SELECT 1' | sha256sum
  EXPECT_EQ(checksum_of_bytes("SELECT 1"),
            "sha256:e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5");
  // printf '6:select\n1:1\n' | sha256sum
  EXPECT_EQ(*checksum_of_tokens("SELECT  1;", Dialect::postgres),
            *checksum_of_tokens("select 1 ;", Dialect::sqlite));
  EXPECT_THAT(digits_of(checksum_of_bytes("")), SizeIs(64));
}

TEST(Durations, AreReadAndShown) {
  using namespace std::chrono_literals;
  for (const auto& [text, length] : std::vector<std::pair<std::string, std::chrono::milliseconds>>{
           {"500ms", 500ms}, {"3s", 3s}, {"5min", 5min}, {"2h", 2h}, {"0s", 0s}}) {
    EXPECT_EQ(*parse_duration(text), length);
    EXPECT_EQ(show_duration(length), text);
  }
  for (const char* wrong : {"", "3", "s", "-1s", "3 s", "3m", "99999999999999999999s", "1.5s"})
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
}

}  // namespace
}  // namespace guildhall::migrate
