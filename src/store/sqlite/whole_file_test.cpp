#include "store/sqlite/whole_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace guildhall::store {
namespace {

using testing::HasSubstr;

class WholeFile : public testing::Test {
 protected:
  std::unique_ptr<SchemaSession> open(const std::string& name) {
    return *open_any_session({.url = "sqlite:" + name, .may_make_file = true});
  }
  std::string count(const std::string& name) {
    return open(name)->query("SELECT count(*) FROM t").at(0).at(0);
  }
  test::TemporaryFolder folder_;
  const std::string file_ = (folder_.path() / "a.db").string();
  const std::string copy_ = (folder_.path() / "copy.db").string();
};

TEST_F(WholeFile, ACopyIsTheStateOfTheTransactionWhateverIsWrittenMeanwhile) {
  auto writer = open(file_);
  writer->execute("PRAGMA journal_mode=WAL; CREATE TABLE t (x BLOB)");
  writer->execute(
      "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT "
      "randomblob(1000) FROM n");
  auto reader = open(file_);
  reader->execute("BEGIN");
  ASSERT_EQ(reader->query("SELECT count(*) FROM t").at(0).at(0), "2000");
  std::int64_t told = 0;
  std::int64_t all = 0;
  ASSERT_TRUE(copy_sqlite(*reader, copy_, [&](std::int64_t copied, std::int64_t of) {
    if (told++ == 0) writer->execute("DELETE FROM t WHERE rowid > 10");
    all = of;
    return copied <= of;
  }));
  EXPECT_GT(told, 1);
  EXPECT_GT(all, 500);
  EXPECT_EQ(count(copy_), "2000");
  EXPECT_EQ(count(file_), "10");
}

TEST_F(WholeFile, ACopyCanBeEnded) {
  auto session = open(file_);
  session->execute("CREATE TABLE t (x)");
  EXPECT_FALSE(copy_sqlite(*session, copy_, [](std::int64_t, std::int64_t) { return false; }));
}

TEST_F(WholeFile, AKeyThatIsNoFirstColumnIsNotTakenForDamage) {
  open(file_)->execute(
      "CREATE TABLE t (word TEXT, server INTEGER NOT NULL, PRIMARY KEY (server, word)) WITHOUT ROWID; "
      "INSERT INTO t VALUES ('a', 1)");
  EXPECT_TRUE(open_any_session({.url = "sqlite:" + file_}));
}

TEST_F(WholeFile, AFileThatSomebodyHasOpenIsNotHeld) {
  auto other = open(file_);
  other->execute("PRAGMA journal_mode=WAL; CREATE TABLE t (x)");
  const auto refused = hold_sqlite(file_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("a.db"));
}

TEST_F(WholeFile, AHeldFileIsNobodyElses) {
  open(file_)->execute("PRAGMA journal_mode=WAL; CREATE TABLE t (x)");
  const auto hold = hold_sqlite(file_);
  ASSERT_TRUE(hold) << hold.error().message;
  EXPECT_FALSE(open_any_session({.url = "sqlite:" + file_}));
}

TEST_F(WholeFile, AHoldLeavesAloneWhatComesToLieAtItsName) {
  open(file_)->execute("PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  {
    const auto hold = *hold_sqlite(file_);
    std::filesystem::rename(file_, copy_);
    std::filesystem::remove(file_ + "-wal");
    auto next = open(file_);
    next->execute("PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (2), (3)");
    next.release();  // NOLINT(bugprone-unused-return-value): as a process that is killed, it leaves its log
  }
  EXPECT_TRUE(std::filesystem::exists(file_ + "-wal"));
  EXPECT_EQ(count(file_), "2");
  EXPECT_EQ(count(copy_), "1");
}

}  // namespace
}  // namespace guildhall::store
