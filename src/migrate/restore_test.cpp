#include "migrate/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/support/foreign_database.h"
#include "tests/support/small_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"
#include "tests/support/test_world.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string read_file(const fs::path& file) {
  std::ifstream input(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(input), {}};
}

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::string columns_of_postgres(store::SchemaSession& session) {
  std::string text;
  for (const auto& row : session.query(
           "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = "
           "'public' ORDER BY 1, 2"))
    text += fmt::format("{}.{} {};", row[0], row[1], row[2]);
  return text;
}

std::string schema_of_sqlite(store::SchemaSession& session) {
  std::string text;
  for (const auto& row : session.query("SELECT sql FROM sqlite_schema ORDER BY name")) text += row[0] + ";";
  return text;
}

class RestoreTest : public testing::Test {
 protected:
  Backup take(const std::string& url, const FingerprintOf& fingerprint) {
    BackupOptions options;
    options.url = url;
    options.folder = backups_;
    options.fingerprint = fingerprint;
    options.clock = &clock_;
    options.proof = Proof::read;
    auto backup = take_backup(options);
    if (!backup) throw ErrorException(backup.error());
    clock_.set(*parse_rfc3339("2025-11-16T08:00:00Z"));
    return *std::move(backup);
  }
  RestoreOptions options_for(const std::string& url, const FingerprintOf& fingerprint) {
    RestoreOptions options;
    options.url = url;
    options.fingerprint = fingerprint;
    options.clock = &clock_;
    return options;
  }
  /// Everything that is no whole and unaltered backup, and what is said of it.
  void refuse_what_is_none(const fs::path& file, const RestoreOptions& options) {
    const std::string whole = read_file(file);
    const auto said = [&](const fs::path& path) {
      const auto refused = restore_backup(path, options);
      if (refused) return std::string("nothing");
      EXPECT_EQ(fault_of(refused.error()), Fault::failed);
      return refused.error().message;
    };
    write_file(file, whole.substr(0, whole.size() * 2 / 3));
    EXPECT_THAT(said(file), HasSubstr("was cut after it was written"));
    std::string altered = whole;
    altered[whole.size() / 2] ^= 1;
    write_file(file, altered);
    EXPECT_THAT(said(file), HasSubstr("was altered after it was written"));
    write_file(file, "");
    EXPECT_THAT(said(file), HasSubstr("is empty"));
    write_file(file, whole);
    EXPECT_THAT(said(backups_), HasSubstr("is no file"));
    EXPECT_THAT(said(backups_ / "none.sql"), HasSubstr("there is no backup"));
    write_file(folder_.path() / "letter.sql", "Dear Sir or Madam");
    EXPECT_THAT(said(folder_.path() / "letter.sql"), HasSubstr("letter.sql.json' is missing"));
    fs::copy_file(record_file(file), record_file(folder_.path() / "letter.sql"));
    EXPECT_THAT(said(folder_.path() / "letter.sql"), HasSubstr("was cut"));
    auto record = *load_record(file);
    write_file(folder_.path() / "letter.sql.json", letter_record(record));
    EXPECT_THAT(said(folder_.path() / "letter.sql"), HasSubstr("is no "));
    write_file(record_file(file), "{");
    EXPECT_THAT(said(file), HasSubstr("is not what was written beside the backup"));
    write_file(record_file(file), write_record(record));
  }
  std::string letter_record(BackupRecord record) const {
    record.sha256 = *sha256_of_file(folder_.path() / "letter.sql");
    record.size = fs::file_size(folder_.path() / "letter.sql");
    return write_record(record);
  }

  test::TemporaryFolder folder_;
  const fs::path backups_ = folder_.path() / "backups";
  ManualClock clock_{*parse_rfc3339("2025-11-15T10:30:00Z")};
};

class PostgresRestoreTest : public RestoreTest {
 protected:
  void SetUp() override {
    if (!test::has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
    database_.emplace();
    database_->execute(
        "CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'one'), (2, "
        "'two'); "
        "CREATE TABLE migration_lock (lock_id int); INSERT INTO migration_lock VALUES (1)");
    kept_ = database_->name() + "_before_2025-11-16T08-00-00";
  }
  Backup take() { return RestoreTest::take(database_->url(), columns_of_postgres); }
  RestoreOptions options() { return options_for(database_->url(), columns_of_postgres); }
  std::string rows() { return database_->dump("SELECT id, name FROM users ORDER BY id"); }
  static std::string rows_in(const std::string& database) {
    auto session = *store::open_any_session({.url = test::postgres_url("operator", database)});
    std::string text;
    for (const auto& row : session->query("SELECT id, name FROM users ORDER BY id"))
      text += row[0] + "|" + row[1] + "\n";
    return text;
  }
  std::string databases() {
    return test::ask_server(
        fmt::format("SELECT datname FROM pg_database WHERE starts_with(datname, '{}') OR "
                    "datname LIKE 'guildhall\\_restore%' ORDER BY 1",
                    database_->name()));
  }
  void expect_unchanged() {
    EXPECT_EQ(rows(), "2|changed\n3|later\n");
    EXPECT_EQ(databases(), database_->name() + "\n");
  }
  void write_later() {
    database_->execute(
        "DELETE FROM users WHERE id = 1; UPDATE users SET name = 'changed' WHERE id = 2; INSERT INTO users "
        "VALUES "
        "(3, 'later')");
  }

  std::optional<test::ForeignDatabase> database_;
  std::string kept_;
};

TEST_F(PostgresRestoreTest, BringsBackTheExactRowsAndRemovesLaterOnes) {
  const Backup backup = take();
  write_later();
  database_->execute("CREATE TABLE later (x int)");
  const auto restored = restore_backup(backup.file, options());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->name, database_->name());
  EXPECT_EQ(restored->kept_as, kept_);
  EXPECT_EQ(rows(), "1|one\n2|two\n");
  EXPECT_EQ(database_->dump("SELECT to_regclass('later') IS NULL, count(*) FROM migration_lock"), "t|0\n");
  EXPECT_EQ(rows_in(kept_), "2|changed\n3|later\n");
  EXPECT_EQ(databases(), database_->name() + "\n" + kept_ + "\n");
}

TEST_F(PostgresRestoreTest, WhatBelongsToTheDatabaseItselfIsKept) {
  const std::string name = database_->name();
  database_->execute(fmt::format(
      "REVOKE CONNECT ON DATABASE {0} FROM PUBLIC; GRANT CONNECT ON DATABASE {0} TO {1}; ALTER "
      "DATABASE {0} SET "
      "search_path TO \"A b\", public; ALTER DATABASE {0} SET application_name TO 'x, y'; ALTER ROLE {1} "
      "IN DATABASE {0} "
      "SET lock_timeout TO '3s'; ALTER DATABASE {0} CONNECTION LIMIT 17; COMMENT ON DATABASE {0} "
      "IS 'it''s ours'",
      name, database_->weak_login()));
  const std::string about = fmt::format(
      "SELECT pg_get_userbyid(datdba), (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(datacl) "
      "a), datconnlimit, datcollate, shobj_description(d.oid, "
      "'pg_database'), "
      "(SELECT string_agg(setrole::regrole::text || setconfig::text, ';' ORDER BY setrole) FROM "
      "pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '{}'",
      name);
  const std::string before = test::ask_server(about);
  const Backup backup = take();
  const auto restored = restore_backup(backup.file, options());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(test::ask_server(about), before);
  EXPECT_THAT(before, HasSubstr("application_name=x, y"));
}

TEST_F(PostgresRestoreTest, WhoIsConnectedIsNamedAndNothingIsDone) {
  const Backup backup = take();
  write_later();
  {
    auto own = database_->session();
    const auto weak = *store::open_any_session({.url = database_->weak_url()});
    const auto refused = restore_backup(backup.file, options());
    ASSERT_FALSE(refused);
    EXPECT_EQ(fault_of(refused.error()), Fault::refused);
    EXPECT_THAT(refused.error().message, HasSubstr("2 sessions are connected to database"));
    for (const auto& session : {own.get(), weak.get()}) {
      const auto row = session->query("SELECT current_user, pg_backend_pid()").at(0);
      EXPECT_THAT(refused.error().message, HasSubstr(fmt::format("{} (pid {}, guildhall)", row[0], row[1])));
    }
  }
  expect_unchanged();
}

TEST_F(PostgresRestoreTest, WhoIsConnectedIsEndedWhereThatIsAskedFor) {
  const Backup backup = take();
  write_later();
  auto session = database_->session();
  RestoreOptions options = this->options();
  options.terminate = true;
  const auto restored = restore_backup(backup.file, options);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THROW(session->query("SELECT 1"), store::DatabaseError);
  EXPECT_EQ(rows(), "1|one\n2|two\n");
  EXPECT_EQ(rows_in(kept_), "2|changed\n3|later\n");
}

/// A program whose pool connects again at once.
TEST_F(PostgresRestoreTest, WhoKeepsComingBackIsInNobodysWay) {
  const Backup backup = take();
  write_later();
  std::atomic<int> times = 0;
  const std::jthread program([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto session = store::open_any_session({.url = database_->url()});
      try {
        for (; session && !stop.stop_requested(); ++times) (*session)->query("SELECT 1");
      } catch (const store::DatabaseError&) {
        // It was ended, and comes back.
      }
    }
  });
  while (times == 0) std::this_thread::yield();
  RestoreOptions options = this->options();
  options.terminate = true;
  const auto restored = restore_backup(backup.file, options);
  EXPECT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(rows(), "1|one\n2|two\n");
}

/// Only who is a member of a role ends its sessions.
TEST_F(PostgresRestoreTest, WhoCannotBeEndedKeepsTheDatabaseWhereItIs) {
  const Backup backup = take();
  write_later();
  {
    const auto weak = *store::open_any_session({.url = database_->weak_url()});
    RestoreOptions options = this->options();
    options.terminate = true;
    const auto refused = restore_backup(backup.file, options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(fault_of(refused.error()), Fault::refused);
    EXPECT_THAT(refused.error().message, HasSubstr("must be a member of the role"));
  }
  expect_unchanged();
}

TEST_F(PostgresRestoreTest, WhenTheSecondRenameFailsEverythingIsAsItWas) {
  const Backup backup = take();
  write_later();
  // A session on the restored database keeps that from being renamed.
  std::unique_ptr<store::SchemaSession> in_the_way;
  RestoreOptions options = this->options();
  options.fingerprint = [&](store::SchemaSession& session) {
    const std::string made = session.query("SELECT current_database()").at(0).at(0);
    in_the_way = *store::open_any_session({.url = test::postgres_url("operator", made)});
    return columns_of_postgres(session);
  };
  const auto refused = restore_backup(backup.file, options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("cannot give way to the restored one"));
  expect_unchanged();
}

TEST_F(PostgresRestoreTest, BesideItNothingOfItChanges) {
  const Backup backup = take();
  write_later();
  const auto session = database_->session();  // is in nobody's way
  RestoreOptions options = this->options();
  options.into = database_->name() + "_copy";
  const auto restored = restore_backup(backup.file, options);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->kept_as, "");
  EXPECT_EQ(rows_in(options.into), "1|one\n2|two\n");
  EXPECT_EQ(rows(), "2|changed\n3|later\n");
  const auto refused = restore_backup(backup.file, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("exists already"));
  EXPECT_EQ(rows_in(options.into), "1|one\n2|two\n");
}

TEST_F(PostgresRestoreTest, ADatabaseThatIsGoneIsMadeAnew) {
  const Backup backup = take();
  auto server = *store::open_any_session({.url = test::postgres_url("operator", "postgres")});
  server->execute("DROP DATABASE " + database_->name() + " WITH (FORCE)");
  const auto restored = restore_backup(backup.file, options());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->kept_as, "");
  EXPECT_EQ(rows(), "1|one\n2|two\n");
}

TEST_F(PostgresRestoreTest, WhatIsNoWholeBackupIsRefusedAndNothingChanges) {
  const Backup backup = take();
  write_later();
  refuse_what_is_none(backup.file, options());
  expect_unchanged();
}

/// The sum is right, so only what comes of it tells.
TEST_F(PostgresRestoreTest, WhatComesOfItHasToBeWhatWasWrittenDown) {
  const Backup backup = take();
  write_later();
  BackupRecord record = *load_record(backup.file);
  const auto said_with = [&](const BackupRecord& changed) {
    write_file(record_file(backup.file), write_record(changed));
    const auto refused = restore_backup(backup.file, options());
    return refused ? std::string("nothing") : refused.error().message;
  };
  BackupRecord changed = record;
  changed.fingerprint = "f0";
  EXPECT_THAT(said_with(changed), HasSubstr("another schema"));
  changed = record;
  changed.tables.back().rows = 3;
  EXPECT_THAT(said_with(changed), HasSubstr("it has 2 rows of table public.users, which has 3"));
  changed = record;
  changed.tables.pop_back();
  EXPECT_THAT(said_with(changed), HasSubstr("table public.users does not belong there"));
  changed = record;
  changed.tables.back().has_data = false;
  EXPECT_THAT(said_with(changed), HasSubstr("it has 2 rows"));
  expect_unchanged();
}

TEST_F(PostgresRestoreTest, ABackupWithoutAllRowsDoesNotTakeTheDatabasesPlace) {
  BackupOptions taking;
  taking.url = database_->url();
  taking.folder = backups_;
  taking.coverage = Coverage::schema_and_touched;
  taking.touched = {"users"};
  taking.clock = &clock_;
  const auto backup = take_backup(taking);
  ASSERT_TRUE(backup) << backup.error().message;
  clock_.set(*parse_rfc3339("2025-11-16T08:00:00Z"));
  write_later();
  const auto refused = restore_backup(backup->file, options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::refused);
  EXPECT_THAT(refused.error().hint, HasSubstr("--into"));
  expect_unchanged();
  RestoreOptions options = this->options();
  options.into = database_->name() + "_copy";
  ASSERT_TRUE(restore_backup(backup->file, options));
  EXPECT_EQ(rows_in(options.into), "1|one\n2|two\n");
}

TEST_F(PostgresRestoreTest, WhoMayNotMakeDatabasesIsTold) {
  const Backup backup = take();
  RestoreOptions options = this->options();
  options.url = database_->weak_url();
  options.into = database_->name() + "_copy";
  const auto refused = restore_backup(backup.file, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::permission);
  EXPECT_THAT(refused.error().hint, HasSubstr("CREATEDB"));
}

/// Guildhall's own tables show their rows by policy, to their owner too.
TEST_F(PostgresRestoreTest, OfGuildhallsOwnDatabaseEveryServersRowsComeBack) {
  test::TestWorld world(store::Layout::postgres);
  world.server(5);
  world.execute("INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (5, 'a', '1', 0)");
  RestoreOptions options;
  options.url = world.place().migrate_url;
  options.clock = &clock_;
  options.reader = {.role = "guildhall_owner", .sees_all_by_policy = true};
  BackupOptions taking;
  taking.url = options.url;
  taking.folder = backups_;
  taking.clock = &clock_;
  taking.proof = Proof::read;
  taking.reader = options.reader;
  const auto backup = take_backup(taking);
  ASSERT_TRUE(backup) << backup.error().message;
  // Who migrates makes no databases.
  options.into = database_->name() + "_copy";
  EXPECT_EQ(fault_of(restore_backup(backup->file, options).error()), Fault::permission);
  options.url = test::postgres_url("operator", *database_of(options.url));
  const auto restored = restore_backup(backup->file, options);
  ASSERT_TRUE(restored) << restored.error().message;
  auto session = *store::open_any_session({.url = test::postgres_url("operator", options.into)});
  session->execute("SET ROLE guildhall_owner");
  EXPECT_EQ(session->query("SELECT value FROM guildhall.settings").at(0).at(0), "1");
}

TEST_F(PostgresRestoreTest, EndsWhenItIsAskedTo) {
  const Backup backup = take();
  write_later();
  std::stop_source source;
  RestoreOptions options = this->options();
  options.reporting.stop = source.get_token();
  options.fingerprint = [&](store::SchemaSession& session) {
    source.request_stop();
    return columns_of_postgres(session);
  };
  const auto refused = restore_backup(backup.file, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  expect_unchanged();
}

class SqliteRestoreTest : public RestoreTest {
 protected:
  SqliteRestoreTest() {
    fs::create_directories(file_.parent_path());
    execute(
        "PRAGMA journal_mode=WAL; CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users "
        "VALUES "
        "(1, 'one'), (2, 'two'); CREATE TABLE migration_lock (lock_id INT); INSERT INTO migration_lock "
        "VALUES (1)");
  }
  static std::unique_ptr<store::SchemaSession> open(const fs::path& file) {
    return *store::open_any_session({.url = "sqlite:" + file.string(), .may_make_file = true});
  }
  void execute(const std::string& sql) { open(file_)->execute(sql); }
  static std::string rows(const fs::path& file) {
    std::string text;
    for (const auto& row : open(file)->query("SELECT id, name FROM users ORDER BY id"))
      text += row[0] + "|" + row[1] + "\n";
    return text;
  }
  Backup take() { return RestoreTest::take("sqlite:" + file_.string(), schema_of_sqlite); }
  RestoreOptions options() { return options_for("sqlite:" + file_.string(), schema_of_sqlite); }
  void write_later() {
    execute(
        "DELETE FROM users WHERE id = 1; UPDATE users SET name = 'changed' WHERE id = 2; INSERT INTO users "
        "VALUES "
        "(3, 'later')");
  }
  void expect_unchanged() {
    EXPECT_EQ(rows(file_), "2|changed\n3|later\n");
    EXPECT_THAT(names_in(file_.parent_path()), ElementsAre("bot.db"));
  }
  const fs::path file_ = folder_.path() / "data" / "bot.db";
  const fs::path kept_ = folder_.path() / "data" / "bot_before_2025-11-16T08-00-00.db";
};

TEST_F(SqliteRestoreTest, BringsBackTheExactRowsAndRemovesLaterOnes) {
  const Backup backup = take();
  write_later();
  fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  const auto restored = restore_backup(backup.file, options());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->name, file_);
  EXPECT_EQ(restored->kept_as, kept_);
  EXPECT_EQ(rows(file_), "1|one\n2|two\n");
  EXPECT_EQ(rows(kept_), "2|changed\n3|later\n");
  EXPECT_EQ(open(file_)->query("SELECT count(*) FROM migration_lock").at(0).at(0), "0");
  EXPECT_EQ(fs::status(file_).permissions(),
            fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  EXPECT_EQ(*sha256_of_file(backup.file), backup.record.sha256);
}

/// What a killed program left in its log belongs to the old database, and is not taken for the new one's.
TEST_F(SqliteRestoreTest, TheLogOfAKilledProgramGoesAlong) {
  const Backup backup = take();
  auto killed = open(file_);
  killed->execute("PRAGMA wal_autocheckpoint=0; INSERT INTO users VALUES (3, 'in the log')");
  const fs::path copy = folder_.path() / "copy.db";
  for (const char* ending : {"", "-wal"}) fs::copy_file(file_.string() + ending, copy.string() + ending);
  killed.reset();
  for (const char* ending : {"", "-wal"}) fs::rename(copy.string() + ending, file_.string() + ending);
  ASSERT_GT(fs::file_size(file_.string() + "-wal"), 0U);
  const auto restored = restore_backup(backup.file, options());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_FALSE(fs::exists(file_.string() + "-wal"));
  EXPECT_EQ(rows(file_), "1|one\n2|two\n");
  EXPECT_EQ(rows(kept_), "1|one\n2|two\n3|in the log\n");
}

TEST_F(SqliteRestoreTest, ADamagedDatabaseIsReplacedAndKeptWithItsLog) {
  const Backup backup = take();
  const std::string damaged(8192, 'x');
  write_file(file_, damaged);
  write_file(file_.string() + "-wal", "log");
  const auto restored = restore_backup(backup.file, options());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(rows(file_), "1|one\n2|two\n");
  EXPECT_EQ(read_file(kept_), damaged);
  EXPECT_EQ(read_file(kept_.string() + "-wal"), "log");
}

TEST_F(SqliteRestoreTest, WhileSomebodyHasItOpenNothingIsDone) {
  const Backup backup = take();
  write_later();
  {
    auto other = open(file_);
    other->query("SELECT count(*) FROM users");
    const auto refused = restore_backup(backup.file, options());
    ASSERT_FALSE(refused);
    EXPECT_EQ(fault_of(refused.error()), Fault::refused);
    EXPECT_THAT(refused.error().message, HasSubstr("another process has the database file"));
  }
  expect_unchanged();
}

TEST_F(SqliteRestoreTest, BesideItNothingOfItChanges) {
  const Backup backup = take();
  write_later();
  RestoreOptions options = this->options();
  options.into = (folder_.path() / "copy.db").string();
  const auto restored = restore_backup(backup.file, options);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(rows(options.into), "1|one\n2|two\n");
  expect_unchanged();
  EXPECT_EQ(fault_of(restore_backup(backup.file, options).error()), Fault::refused);
}

TEST_F(SqliteRestoreTest, AFileThatIsGoneIsMadeAnew) {
  const Backup backup = take();
  fs::remove(file_);
  const auto restored = restore_backup(backup.file, options());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->kept_as, "");
  EXPECT_EQ(rows(file_), "1|one\n2|two\n");
}

TEST_F(SqliteRestoreTest, BehindALinkTheFileIsReplaced) {
  const Backup backup = take();
  write_later();
  const fs::path link = folder_.path() / "link.db";
  fs::create_symlink(file_, link);
  RestoreOptions options = this->options();
  options.url = "sqlite:" + link.string();
  ASSERT_TRUE(restore_backup(backup.file, options));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(rows(file_), "1|one\n2|two\n");
}

TEST_F(SqliteRestoreTest, WhatIsNoWholeBackupIsRefusedAndNothingChanges) {
  const Backup backup = take();
  write_later();
  refuse_what_is_none(backup.file, options());
  expect_unchanged();
}

TEST_F(SqliteRestoreTest, WhatComesOfItHasToBeWhatWasWrittenDown) {
  const Backup backup = take();
  write_later();
  BackupRecord record = *load_record(backup.file);
  record.fingerprint = "f0";
  write_file(record_file(backup.file), write_record(record));
  EXPECT_THAT(restore_backup(backup.file, options()).error().message, HasSubstr("another schema"));
  record = backup.record;
  record.tables.back().rows = 1;
  write_file(record_file(backup.file), write_record(record));
  EXPECT_THAT(restore_backup(backup.file, options()).error().message, HasSubstr("table users has 2 rows"));
  expect_unchanged();
}

TEST_F(SqliteRestoreTest, WithoutSpaceNothingIsLeftBehind) {
  execute(
      "WITH n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO users SELECT i, "
      "hex(randomblob(500)) FROM n");
  const Backup backup = take();
  const test::SmallDisk disk(folder_.path() / "disk", 64);
  if (!disk.is_mounted()) GTEST_SKIP() << "nothing may be mounted here";
  RestoreOptions options = this->options();
  options.into = (folder_.path() / "disk" / "bot.db").string();
  const auto refused = restore_backup(backup.file, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(fault_of(refused.error()), Fault::no_space);
  EXPECT_THAT(names_in(folder_.path() / "disk"), testing::IsEmpty());
}

TEST_F(SqliteRestoreTest, ANameThatIsTakenIsNotWrittenOver) {
  const Backup backup = take();
  write_later();
  write_file(kept_, "precious");
  const auto refused = restore_backup(backup.file, options());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(kept_.string()));
  EXPECT_EQ(read_file(kept_), "precious");
  fs::remove(kept_);
  expect_unchanged();
}

}  // namespace
}  // namespace guildhall::migrate
