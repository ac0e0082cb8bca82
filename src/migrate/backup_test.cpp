#include "migrate/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/crypto.h"
#include "migrate/run.h"
#include "tests/support/foreign_database.h"
#include "tests/support/small_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_world.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string read_file(const fs::path& file) {
  std::ifstream input(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(input), {}};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::string columns_of_postgres(store::SchemaSession& session) {
  std::string text;
  for (const auto& row : session.query(
           "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = "
           "'public' ORDER BY 1, 2"))
    text += fmt::format("{}.{} {};", row[0], row[1], row[2]);
  return hex(sha256(text)).substr(0, 8);
}

std::string schema_of_sqlite(store::SchemaSession& session) {
  std::string text;
  for (const auto& row : session.query("SELECT sql FROM sqlite_schema ORDER BY name")) text += row[0] + ";";
  return hex(sha256(text)).substr(0, 8);
}

class BackupTest : public testing::Test {
 protected:
  BackupOptions options_for(const std::string& url, const FingerprintOf& fingerprint) {
    BackupOptions options;
    options.url = url;
    options.folder = backups_;
    options.fingerprint = fingerprint;
    options.run_token = 7;
    options.clock = &clock_;
    options.wait = [this](Duration time) { clock_.advance(time); };
    return options;
  }
  static std::string rows_of(const BackupRecord& record) {
    std::string text;
    for (const TableRows& table : record.tables)
      text += fmt::format("{} {}{};", table.table, table.rows, table.has_data ? "" : " without");
    return text;
  }

  test::TemporaryFolder folder_;
  const fs::path backups_ = folder_.path() / "backups";
  ManualClock clock_{*parse_rfc3339("2025-11-15T10:30:00Z")};
};

class PostgresBackup : public BackupTest {
 protected:
  void SetUp() override {
    if (!test::has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
    database_.emplace();
    database_->execute(
        "CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, E'a\\nb\\\\.'), "
        "(2, "
        "NULL), (3, 'secretrow'); CREATE TABLE \"Odd name\" (user_id int REFERENCES users (id)); INSERT INTO "
        "\"Odd name\" VALUES (3); CREATE TABLE parts (n int) PARTITION BY LIST (n); CREATE TABLE part1 "
        "PARTITION "
        "OF parts FOR VALUES IN (1); INSERT INTO parts VALUES (1); SELECT lo_create(77); CREATE "
        "MATERIALIZED VIEW seen AS SELECT id FROM users; CREATE FUNCTION text() RETURNS text LANGUAGE sql AS "
        "$$ "
        "SELECT '\nCOPY public.none (a) FROM stdin;\n1\n\\.\n' $$");
  }
  BackupOptions options() { return options_for(database_->url(), columns_of_postgres); }
  Result<Backup> take() { return take_backup(options()); }
  std::string name(int second = 0) const {
    return fmt::format("{}_2025-11-15T10-30-{:02}.sql", database_->name(), second);
  }

  /// A program in place of one of PostgreSQL's; in `script` $real is that one.
  void replace(const std::string& program, const std::string& script) {
    const fs::path file = programs_ / program;
    fs::create_directories(programs_);
    std::ofstream(file) << "#!/bin/bash\nreal=" << *real(program)
                        << "\n[ \"$1\" = --version ] && exec $real \"$@\"\n"
                        << script << "\n";
    fs::permissions(file, fs::perms::owner_all);
  }
  BackupOptions with_replaced() {
    BackupOptions changed = options();
    changed.programs = program_folders();
    changed.programs.insert(changed.programs.begin(), programs_);
    return changed;
  }
  static Result<std::string> real(const std::string& program) {
    const auto found = find_program(program, {15, 0}, program_folders());
    return found ? Result<std::string>(found->path.string()) : std::unexpected(found.error());
  }
  void expect_nothing_left() {
    EXPECT_THAT(names_in(backups_), IsEmpty());
    EXPECT_EQ(test::ask_server("SELECT datname FROM pg_database WHERE datname LIKE 'guildhall\\_scratch%'"),
              "");
  }

  std::optional<test::ForeignDatabase> database_;
  const fs::path programs_ = folder_.path() / "programs";
};

TEST_F(PostgresBackup, IsProvedByRestoringIt) {
  const auto backup = take();
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(backup->file, backups_ / name());
  EXPECT_THAT(names_in(backups_), ElementsAre(name(), name() + ".json"));
  const auto record = load_record(backup->file);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->verified, 3);
  EXPECT_EQ(record->sha256, hex(sha256(read_file(backup->file))));
  EXPECT_EQ(record->size, fs::file_size(backup->file));
  EXPECT_EQ(record->database, database_->name());
  EXPECT_EQ(record->server_version,
            server_version(std::stoi(test::ask_server("SHOW server_version_num"))).text());
  EXPECT_GE(parse_program_version("(PostgreSQL) " + record->dump_version).major, 15);
  EXPECT_EQ(rows_of(*record), "public.\"Odd name\" 1;public.part1 1;public.parts 0;public.users 3;");
  EXPECT_EQ(record->fingerprint, columns_of_postgres(*database_->session()));
  EXPECT_EQ(record->journal_head.seq, 0) << "it has no journal";
  EXPECT_EQ(record->run_token, 7);
  EXPECT_EQ(test::ask_server("SELECT datname FROM pg_database WHERE datname LIKE 'guildhall\\_scratch%'"),
            "");
  EXPECT_TRUE(verify_backup(backup->file, options()));
}

TEST_F(PostgresBackup, TheNewestRowOfTheJournalIsWrittenDown) {
  const std::vector<EmbeddedFile> files{{"0003_links.sql", "CREATE TABLE links (id int PRIMARY KEY);"}};
  const MigrationSet set = read_migrations(files, "test", Dialect::postgres);
  UpOptions with_backup;
  with_backup.backup = BackupWish{.folder = backups_};
  const auto done = up(*any_target(database_->url(), Missing::is_an_error), set, with_backup);
  ASSERT_TRUE(done.backup);
  EXPECT_EQ(done.backup->record.journal_head.seq, 0) << "taken before it was applied";
  const auto after = take();
  ASSERT_TRUE(after) << after.error().message;
  const auto record = load_record(after->file);
  EXPECT_EQ(record->journal_head.seq, 1);
  EXPECT_EQ(record->journal_head.name, "0003_links");
}

TEST_F(PostgresBackup, ASecondInTheSameSecondHasTheNext) {
  ASSERT_TRUE(take());
  EXPECT_EQ(take()->file.filename(), name(1));
}

TEST_F(PostgresBackup, NoPasswordIsInTheArguments) {
  const std::string seen = (folder_.path() / "seen").string();
  for (const char* program : {"pg_dump", "psql"})
    replace(program, "echo \"$0 $*\" >>" + seen + "; env >>" + seen + "; exec $real \"$@\"");
  BackupOptions options = with_replaced();
  const auto at = options.url.find('@');
  options.url.insert(at, ":p%40ss w%25rd");
  const auto backup = take_backup(options);
  ASSERT_TRUE(backup) << backup.error().message;
  const std::string text = read_file(seen);
  EXPECT_THAT(text, HasSubstr("PGPASSWORD=p@ss w%rd\n"));
  std::istringstream lines(text);
  int programs = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(programs_.string())) continue;
    ++programs;
    EXPECT_THAT(line, Not(HasSubstr("p@ss")));
    EXPECT_THAT(line, Not(HasSubstr("w%rd")));
  }
  EXPECT_EQ(programs, 2);
}

TEST_F(PostgresBackup, RowsAndDumpAreOfOneState) {
  replace("pg_dump",
          fmt::format("{} -X -q -h \"$PGHOST\" -U operator -d {} -c \"INSERT INTO users VALUES (4)\"; "
                      "exec $real \"$@\"",
                      *real("psql"), database_->name()));
  const auto backup = take_backup(with_replaced());
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(database_->dump("SELECT count(*) FROM users"), "4\n");
  EXPECT_THAT(rows_of(backup->record), HasSubstr("public.users 3;"));
  EXPECT_THAT(read_file(backup->file), HasSubstr("secretrow\n\\.\n"));
}

TEST_F(PostgresBackup, OneThatIsNotProvedIsNone) {
  struct Case {
    std::string dump;  // what the dump goes through
    std::string why;
  };
  for (const Case& c :
       std::vector<Case>{{"head -c 2000", "last line is missing"},
                         {"sed /secretrow/d", "it has 2 rows of table public.users, which has 3"},
                         {"sed 's/public.users/public.losers/'", "table public.users is not in it"},
                         {"sed 's/name text/name varchar/'", "another schema"},
                         {"sed 's/name text/name texture/'", "psql cannot load it: "},
                         {"sed 's/^1$/1x/'", "psql cannot load it: "},
                         {"sed 's/^SET row_security/\\\\! true SET/'", "is a command for psql"}}) {
    replace("pg_dump", "$real \"$@\" | " + c.dump);
    const auto refused = take_backup(with_replaced());
    ASSERT_FALSE(refused) << c.dump;
    EXPECT_EQ(fault_of(refused.error()), Fault::failed) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr(c.why));
    expect_nothing_left();
  }
}

TEST_F(PostgresBackup, TheProofGoesAsFarAsIsAskedFor) {
  replace("pg_dump", "$real \"$@\" | sed 's/name text/name varchar/'");
  BackupOptions options = with_replaced();
  options.proof = Proof::read;
  auto backup = take_backup(options);
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(backup->record.verified, 2);
  EXPECT_FALSE(verify_backup(backup->file, this->options()));
  replace("pg_dump", "$real \"$@\" | sed /secretrow/d");
  EXPECT_FALSE(take_backup(options));
  options.proof = Proof::whole;
  backup = take_backup(options);
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(backup->record.verified, 1);
}

TEST_F(PostgresBackup, AProgramThatFailsIsHeard) {
  replace("pg_dump", "echo 'pg_dump: error: the sky fell' >&2; echo half; exit 1");
  const auto refused = take_backup(with_replaced());
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::failed);
  EXPECT_THAT(refused.error().message, HasSubstr("the sky fell"));
  expect_nothing_left();
}

TEST_F(PostgresBackup, AnOldProgramIsRefusedFirst) {
  fs::create_directories(programs_);
  std::ofstream(programs_ / "pg_dump") << "#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.9'\n";
  fs::permissions(programs_ / "pg_dump", fs::perms::owner_all);
  BackupOptions options = this->options();
  options.programs = {programs_};
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("pg_dump 14.9 is too old for the server's version 15."));
  EXPECT_FALSE(fs::exists(backups_));
}

TEST_F(PostgresBackup, AWeakRoleIsToldWhichRightItLacks) {
  BackupOptions options = this->options();
  options.url = database_->weak_url();
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::failed);
  EXPECT_THAT(refused.error().message, HasSubstr("lacks a permission"));
  EXPECT_THAT(refused.error().message, HasSubstr("permission denied for table"));
  EXPECT_THAT(refused.error().hint,
              HasSubstr(fmt::format("GRANT SELECT ON TABLE public.part1 TO {}", database_->weak_login())));
  expect_nothing_left();
}

TEST_F(PostgresBackup, WithoutTheRightToMakeADatabaseAnotherLoginProvesIt) {
  database_->execute(
      fmt::format("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", database_->weak_login()));
  BackupOptions options = this->options();
  options.url = database_->weak_url();
  const std::string grant = fmt::format("GRANT SELECT ON LARGE OBJECT 77 TO {}", database_->weak_login());
  EXPECT_THAT(take_backup(options).error().hint, HasSubstr(grant));
  database_->execute(grant);
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::failed);
  EXPECT_THAT(refused.error().hint,
              HasSubstr(fmt::format("ALTER ROLE \"{}\" CREATEDB", database_->weak_login())));
  EXPECT_THAT(refused.error().hint, HasSubstr("--scratch-url"));
  expect_nothing_left();
  options.scratch_url = database_->url();
  const auto backup = take_backup(options);
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(backup->record.verified, 3);
}

TEST_F(PostgresBackup, RowsThatAPolicyHidesAreNotMissingWithoutAWord) {
  database_->execute(fmt::format(
      "ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON users TO {0} USING (id = 1); GRANT "
      "SELECT ON ALL TABLES IN SCHEMA public TO {0}",
      database_->weak_login()));
  BackupOptions options = this->options();
  options.url = database_->weak_url();
  options.scratch_url = database_->url();
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().hint, HasSubstr("BYPASSRLS"));
  database_->execute(
      "ALTER TABLE users FORCE ROW LEVEL SECURITY; CREATE POLICY all_rows ON users TO operator USING (true)");
  options = this->options();
  EXPECT_FALSE(take_backup(options));
  options.reader.sees_all_by_policy = true;
  const auto backup = take_backup(options);
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_THAT(rows_of(backup->record), HasSubstr("public.users 3;"));
}

TEST_F(PostgresBackup, ActsAsAnotherRole) {
  database_->execute(fmt::format("GRANT {} TO CURRENT_USER", database_->weak_login()));
  BackupOptions options = this->options();
  options.reader.role = database_->weak_login();
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("permission denied for table"));
}

TEST_F(PostgresBackup, OfTheTouchedTablesAloneHasTheirRowsAndTheWholeSchema) {
  BackupOptions options = this->options();
  options.coverage = Coverage::schema_and_touched;
  options.touched = {"\"Odd name\"", "public.parts"};
  const auto backup = take_backup(options);
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(rows_of(backup->record),
            "public.\"Odd name\" 1;public.part1 1;public.parts 0;public.users 3 without;");
  EXPECT_EQ(backup->record.verified, 2);
  EXPECT_FALSE(backup->record.is_whole());
  EXPECT_THAT(read_file(backup->file), HasSubstr("CREATE TABLE public.users"));
  EXPECT_THAT(read_file(backup->file), Not(HasSubstr("secretrow")));
  EXPECT_TRUE(verify_backup(backup->file, options));
  options.touched = {"nowhere"};
  EXPECT_EQ(fault_of(take_backup(options).error()), Fault::usage);
}

TEST_F(PostgresBackup, ByAProgramOfTheOperatorsIsThatProgramsWord) {
  const std::string seen = (folder_.path() / "seen").string();
  BackupOptions options = this->options();
  options.coverage = Coverage::external;
  options.external = {"/bin/sh", "-c", "echo \"$PGDATABASE\" >" + seen};
  const auto backup = take_backup(options);
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(backup->file, "");
  EXPECT_EQ(read_file(seen), database_->name() + "\n");
  options.external = {"/bin/sh", "-c", "echo tape is full >&2; exit 4"};
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::failed);
  EXPECT_THAT(refused.error().message, HasSubstr("tape is full"));
}

TEST_F(PostgresBackup, WithoutSpaceNothingIsBegun) {
  const test::SmallDisk disk(backups_, 64);
  if (!disk.is_mounted()) GTEST_SKIP() << "nothing may be mounted here";
  const auto refused = take();
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::no_space);
  EXPECT_THAT(refused.error().message, HasSubstr("64.0 KiB are free"));
  EXPECT_THAT(refused.error().message, HasSubstr("the database has "));
  EXPECT_THAT(names_in(backups_), IsEmpty());
}

TEST_F(PostgresBackup, ADiskThatFillsUpMeanwhileLeavesNothingBehind) {
  BackupOptions options = this->options();
  options.folder = folder_.path() / "disk";
  const test::SmallDisk disk(options.folder, 128);
  if (!disk.is_mounted()) GTEST_SKIP() << "nothing may be mounted here";
  // By the last backup there is space.
  const auto small = take();
  ASSERT_TRUE(small);
  for (const char* ending : {"", ".json"})
    fs::copy_file(small->file.string() + ending, options.folder / (name() + ending));
  database_->execute("INSERT INTO users SELECT i, repeat('x', 100) FROM generate_series(10, 5000) i");
  clock_.advance(std::chrono::seconds(1));
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::no_space) << refused.error().message;
  EXPECT_THAT(refused.error().message, HasSubstr("No space left on device"));
  EXPECT_THAT(names_in(options.folder), ElementsAre(name(), name() + ".json"));
}

TEST_F(PostgresBackup, EndsWhenItIsAskedToAndLeavesNothing) {
  const std::string begun = (folder_.path() / "begun").string();
  replace("pg_dump", "echo half; touch " + begun + "; exec sleep 600");
  std::stop_source source;
  BackupOptions options = with_replaced();
  options.reporting.stop = source.get_token();
  options.reporting.every = std::chrono::milliseconds(1);
  std::vector<std::string> steps;
  options.reporting.report = [&](const Progress& progress) {
    if (steps.empty() || steps.back() != progress.step) steps.push_back(progress.step);
    if (fs::exists(begun)) source.request_stop();
  };
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(steps, ElementsAre("dumping"));
  expect_nothing_left();
}

TEST_F(PostgresBackup, WhatAKilledProcessLeftOnTheServerGoesWithTheNext) {
  const std::string old =
      fmt::format("guildhall_scratch_{}_00000000", to_micros(clock_.now() - std::chrono::hours(25)));
  const std::string fresh =
      fmt::format("guildhall_scratch_{}_00000000", to_micros(clock_.now() - std::chrono::hours(1)));
  database_->execute("CREATE DATABASE " + old);
  database_->execute("CREATE DATABASE " + fresh);
  const auto backup = take();
  const std::string left =
      test::ask_server("SELECT datname FROM pg_database WHERE datname LIKE 'guildhall\\_scratch%'");
  database_->execute("DROP DATABASE " + fresh);
  EXPECT_TRUE(backup);
  EXPECT_EQ(left, fresh + "\n");
}

/// Guildhall's own tables show their rows by policy, to their owner too.
TEST_F(PostgresBackup, OfGuildhallsOwnDatabaseHasEveryServersRows) {
  test::TestWorld world(store::Layout::postgres);
  world.server(5);
  world.server(6);
  world.execute(
      "INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (5, 'a', '1', 0), (6, 'a', "
      "'2', 0)");
  BackupOptions options = options_for(world.place().migrate_url, {});
  options.scratch_url = database_->url();
  EXPECT_FALSE(take_backup(options));
  options.reader = {.role = "guildhall_owner", .sees_all_by_policy = true};
  const auto backup = take_backup(options);
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(backup->record.verified, 3);
  EXPECT_THAT(rows_of(backup->record), HasSubstr("guildhall.settings 2;"));
}

class SqliteBackup : public BackupTest {
 protected:
  SqliteBackup() {
    open()->execute(
        "PRAGMA journal_mode=WAL; CREATE TABLE users (id INTEGER PRIMARY KEY, name); INSERT INTO users "
        "VALUES "
        "(1, 'a'), (2, x'00ff'), (3, 1.5); CREATE TABLE migration_lock (lock_id INT)");
  }
  std::unique_ptr<store::SchemaSession> open() {
    return *store::open_any_session({.url = "sqlite:" + file_.string(), .may_make_file = true});
  }
  BackupOptions options() { return options_for("sqlite:" + file_.string(), schema_of_sqlite); }
  const fs::path file_ = folder_.path() / "my bot.db";
  const std::string name_ = "my%20bot_2025-11-15T10-30-00.db";
};

TEST_F(SqliteBackup, IsACopyThatIsProved) {
  auto writer = open();  // the last rows are in its log
  writer->execute("INSERT INTO users VALUES (4, 'in the log')");
  const auto backup = take_backup(options());
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_THAT(names_in(backups_), ElementsAre(name_, name_ + ".json"));
  const auto record = load_record(backup->file);
  ASSERT_TRUE(record);
  EXPECT_EQ(rows_of(*record), "migration_lock 0;users 4;");
  EXPECT_EQ(record->verified, 3);
  EXPECT_EQ(record->sha256, hex(sha256(read_file(backup->file))));
  EXPECT_EQ(record->fingerprint, schema_of_sqlite(*writer));
  EXPECT_TRUE(verify_backup(backup->file, options()));
  EXPECT_THAT(names_in(backups_), ElementsAre(name_, name_ + ".json"));
}

TEST_F(SqliteBackup, WithoutSpaceNothingIsBegun) {
  open()->execute(
      "WITH n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO users SELECT "
      "i, randomblob(1000) FROM n");
  const test::SmallDisk disk(backups_, 64);
  if (!disk.is_mounted()) GTEST_SKIP() << "nothing may be mounted here";
  const auto refused = take_backup(options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::no_space);
  EXPECT_THAT(names_in(backups_), IsEmpty());
}

TEST_F(SqliteBackup, ADiskThatFillsUpMeanwhileLeavesNothingBehind) {
  BackupOptions options = this->options();
  options.folder = folder_.path() / "disk";
  const test::SmallDisk disk(options.folder, 128);
  if (!disk.is_mounted()) GTEST_SKIP() << "nothing may be mounted here";
  const auto small = take_backup(this->options());
  ASSERT_TRUE(small);
  for (const char* ending : {"", ".json"})
    fs::copy_file(small->file.string() + ending, options.folder / (name_ + ending));
  open()->execute(
      "WITH n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO users SELECT "
      "i, randomblob(1000) FROM n");
  clock_.advance(std::chrono::seconds(1));
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::no_space) << refused.error().message;
  EXPECT_THAT(names_in(options.folder), ElementsAre(name_, name_ + ".json"));
}

TEST_F(SqliteBackup, WhereNothingMayBeWrittenItIsAMatterOfPermission) {
  const test::SmallDisk disk(folder_.path() / "disk", 256);
  if (!disk.is_mounted()) GTEST_SKIP() << "nothing may be mounted here";
  disk.make_read_only();
  BackupOptions options = this->options();
  options.folder = folder_.path() / "disk" / "backups";
  const auto refused = take_backup(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::permission);
  EXPECT_THAT(refused.error().message, HasSubstr(options.folder.string()));
}

TEST_F(SqliteBackup, OfSomeTablesThereIsNone) {
  BackupOptions options = this->options();
  options.coverage = Coverage::schema_and_touched;
  EXPECT_EQ(fault_of(take_backup(options).error()), Fault::usage);
}

TEST_F(SqliteBackup, WhatHappensToACopyIsNoticed) {
  const auto backup = *take_backup(options());
  const std::string whole = read_file(backup.file);
  const auto refused_with = [&](const std::string& content) {
    std::ofstream(backup.file, std::ios::binary) << content;
    const auto refused = verify_backup(backup.file, options());
    return refused ? std::string("nothing") : refused.error().message;
  };
  EXPECT_THAT(refused_with(whole.substr(0, whole.size() / 2)), HasSubstr("was cut after it was written"));
  std::string altered = whole;
  altered[whole.size() - 1] ^= 1;
  EXPECT_THAT(refused_with(altered), HasSubstr("was altered after it was written"));
  EXPECT_THAT(refused_with(""), HasSubstr("is empty"));
  EXPECT_EQ(refused_with(whole), "nothing");
  fs::remove(record_file(backup.file));
  EXPECT_THAT(refused_with(whole), HasSubstr("without which nothing proves"));
  fs::remove(backup.file);
  EXPECT_THAT(verify_backup(backup.file, options()).error().message, HasSubstr("there is no backup"));
  EXPECT_THAT(verify_backup(backups_, options()).error().message, HasSubstr("is no file"));
}

TEST(DatabaseOf, IsNamedAsItsBackupsAre) {
  EXPECT_EQ(*database_of("sqlite:/x/y/bot.v2.db"), "bot.v2");
  EXPECT_EQ(*database_of("postgres://me@h/a%20b?sslmode=disable"), "a b");
  EXPECT_EQ(fault_of(database_of("mysql://h/d").error()), Fault::usage);
}

}  // namespace
}  // namespace guildhall::migrate
