#include "convert/sqlite_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "migrate/backup.h"
#include "tests/support/sqlite_conversion.h"

namespace guildhall::convert {
namespace {

using testing::HasSubstr;

class ChecksOfSqlite : public test::SqliteConversion {
 protected:
  void SetUp() override {
    execute(
        "CREATE TABLE p(id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE c(p INTEGER REFERENCES p(id));"
        "INSERT INTO c VALUES (1), (2)");
  }
  migrate::Outcome<SqliteHealth> check(std::uintmax_t free = 1 << 30) {
    return check_sqlite(session(), std::chrono::milliseconds(5),
                        [free](const auto&) -> Result<std::uintmax_t> { return free; });
  }
};

TEST_F(ChecksOfSqlite, ASoundFileIsFitAndWhatShouldBeKnownIsSaid) {
  const auto health = check();
  ASSERT_EQ(problem(health), "");
  EXPECT_EQ(health->journal_mode, "delete");
  EXPECT_EQ(health->dangling, 2U);
  EXPECT_EQ(health->findings.size(), 2U);
  EXPECT_EQ(health->bytes, std::filesystem::file_size(session().name()));
  EXPECT_FALSE(session().in_transaction());
}

TEST_F(ChecksOfSqlite, AReferenceToNoKeyIsSaidAndIsNoReasonToStop) {
  execute("CREATE TABLE broken(x TEXT REFERENCES p(x))");
  execute("INSERT INTO broken VALUES ('a')");
  const auto health = check();
  ASSERT_EQ(problem(health), "");
  EXPECT_THAT(health->findings[1].text, HasSubstr("foreign key mismatch"));
}

TEST_F(ChecksOfSqlite, TwiceTheFileHasToBeFree) {
  const auto bytes = std::filesystem::file_size(session().name());
  EXPECT_EQ(problem(check(2 * bytes)), "");
  const auto refused = check(2 * bytes - 1);
  EXPECT_THAT(problem(refused), HasSubstr("CV-SPACE"));
  EXPECT_EQ(refused.error().exit, migrate::Exit::no_space);
}

TEST_F(ChecksOfSqlite, AnotherWriterIsNamed) {
  auto other = target().open("");
  ASSERT_TRUE(other);
  (*other)->begin();
  const auto refused = check();
  EXPECT_THAT(problem(refused), HasSubstr("CV-BUSY"));
  EXPECT_EQ(refused.error().exit, migrate::Exit::timed_out);
}

TEST_F(ChecksOfSqlite, ADamagedFileIsNotConverted) {
  execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO p SELECT "
      "i, "
      "'some text of row ' || i FROM n; CREATE INDEX ix ON p(x)");
  {
    std::fstream file(session().name(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 20 + 100);
    for (int i = 0; i < 600; ++i) file.put('\x5a');
  }
  auto again = store::open_any_session({.url = target().url, .reads_through = false});
  ASSERT_TRUE(again);
  const auto refused = check_sqlite(**again, std::chrono::milliseconds(5));
  EXPECT_THAT(problem(refused), HasSubstr("CV-DAMAGED"));
  EXPECT_EQ(refused.error().exit, migrate::Exit::no_database);
}

// A copy of the file alone shows nothing of what its log holds.
TEST_F(ChecksOfSqlite, ABackupHasWhatACopyOfTheFileLacks) {
  execute(
      "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
      "SELECT "
      "i + 1 FROM n WHERE i < 10000) INSERT INTO p SELECT i, 'x' FROM n");
  const auto copy = database_.folder() / "copy.db";
  std::filesystem::copy_file(session().name(), copy);
  const auto count = [](const std::filesystem::path& file) {
    auto opened = store::open_any_session({"sqlite:" + file.string()});
    return opened ? (*opened)->query("SELECT count(*) FROM p")[0][0] : opened.error().message;
  };
  EXPECT_NE(count(copy), "10000");
  const SystemClock clock;
  const auto backup = migrate::take_backup({.url = target().url,
                                            .folder = database_.folder() / "backups",
                                            .reader = target().reader,
                                            .clock = &clock});
  ASSERT_TRUE(backup) << backup.error().message;
  EXPECT_EQ(count(backup->file), "10000");
}

}  // namespace
}  // namespace guildhall::convert
