#include "migrate/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "store/sqlite/schema_session.h"
#include "tests/support/test_world.h"

namespace guildhall::migrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Migrate : public testing::Test {
 protected:
  Result<Report> run(std::vector<EmbeddedFile> files) {
    return bring_up_to_date("sqlite:test.db", folder_.path().string(), files,
                            from_micros(1'800'000'000'000'000));
  }
  std::string journal() {
    std::string text;
    auto session = store::SchemaSession::open("sqlite:test.db", folder_.path().string());
    for (const auto& row : session->query("SELECT name, state FROM migration_journal ORDER BY seq"))
      text += row[0] + " " + row[1] + "\n";
    return text;
  }
  test::TemporaryFolder folder_;
  const EmbeddedFile first_{"0001_first.sqlite.sql", "CREATE TABLE a (x INTEGER) STRICT;"};
  const EmbeddedFile second_{"0002_second.sqlite.sql",
                             "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES (1);"};
};

TEST_F(Migrate, AppliesWhatIsPendingOnce) {
  EXPECT_THAT(run({first_})->applied, ElementsAre("0001_first"));
  EXPECT_THAT(run({first_, second_})->applied, ElementsAre("0002_second"));
  EXPECT_THAT(run({first_, second_})->applied, IsEmpty());
  EXPECT_EQ(journal(), "0001_first applied\n0002_second applied\n");
}

TEST_F(Migrate, AFailureLeavesNothing) {
  const auto failed = run(
      {first_,
       {"0002_broken.sqlite.sql", "CREATE TABLE b (x INTEGER) STRICT; CREATE TABLE a (x INTEGER) STRICT;"}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::storage);
  EXPECT_THAT(failed.error().message, HasSubstr("0002_broken"));
  EXPECT_EQ(journal(), "");
  EXPECT_THAT(run({first_, second_})->applied, ElementsAre("0001_first", "0002_second"));
}

TEST_F(Migrate, AChangedFileStopsTheStart) {
  ASSERT_TRUE(run({first_}));
  const auto refused = run({{"0001_first.sqlite.sql", "CREATE TABLE a (y INTEGER) STRICT;"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::schema);
  EXPECT_THAT(refused.error().message, HasSubstr("0001_first was changed"));
}

TEST_F(Migrate, ANewerDatabaseStopsTheStart) {
  ASSERT_TRUE(run({first_, second_}));
  const auto refused = run({first_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::schema);
  EXPECT_THAT(refused.error().message, HasSubstr("newer than this program"));
}

TEST_F(Migrate, TwoProcessesAtOnceApplyOnce) {
  std::vector<Result<Report>> results(4, Report{});
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) threads.emplace_back([&] { result = run({first_, second_}); });
  }
  for (const auto& result : results) EXPECT_TRUE(result) << (result ? "" : result.error().message);
  EXPECT_EQ(journal(), "0001_first applied\n0002_second applied\n");
}

TEST_F(Migrate, ADamagedFileIsNamedWithTheWayOut) {
  std::ofstream(folder_.path() / "test.db") << "this is no database, however long it may be";
  const auto refused = run({first_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::storage);
  EXPECT_THAT(refused.error().message, HasSubstr("test.db' is damaged"));
  EXPECT_THAT(refused.error().hint, HasSubstr(".recover"));
}

TEST_F(Migrate, AFolderThatCannotBeWrittenIsNamed) {
  const auto refused =
      bring_up_to_date("sqlite:/proc/nowhere/test.db", "", std::vector<EmbeddedFile>{first_}, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/proc/nowhere/test.db"));
}

TEST_F(Migrate, UnknownStoragesAreSaidToBe) {
  const auto refused = bring_up_to_date("mysql://x", "", std::vector<EmbeddedFile>{first_}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::configuration);
}

}  // namespace
}  // namespace guildhall::migrate
