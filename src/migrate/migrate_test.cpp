#include "migrate/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/support/test_world.h"

namespace guildhall::migrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Migrate : public testing::Test {
 protected:
  Result<Report> run(std::vector<EmbeddedFile> files) {
    auto session = store::open_schema_session(file());
    if (!session) return std::unexpected(session.error());
    return bring_up_to_date(**session, Dialect::sqlite, files, from_micros(1'800'000'000'000'000));
  }
  std::string file() const { return (folder_.path() / "test.db").string(); }
  std::string journal() {
    std::string text;
    auto session = *store::open_schema_session(file());
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
  EXPECT_THAT((*store::open_schema_session(file()))->query("SELECT name FROM sqlite_schema"), IsEmpty());
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
  const auto refused = store::open_schema_session("/proc/nowhere/test.db");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/proc/nowhere/test.db"));
}

TEST_F(Migrate, AFileForTheOtherDatabaseIsPassedOver) {
  const EmbeddedFile other{"0001_first.postgres.sql", "CREATE SCHEMA no_such_thing_here;"};
  EXPECT_THAT(run({other, first_})->applied, ElementsAre("0001_first"));
}

TEST_F(Migrate, WhoMayNotChangeTheSchemaIsToldThatItIsOld) {
  ASSERT_TRUE(run({first_}));
  auto session = *store::open_schema_session(file());
  EXPECT_TRUE(check_version(*session, Dialect::sqlite, std::vector<EmbeddedFile>{first_}));
  const auto refused = check_version(*session, Dialect::sqlite, std::vector<EmbeddedFile>{first_, second_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::schema);
  EXPECT_THAT(refused.error().message, HasSubstr("lacks migration 0002_second"));
}

}  // namespace
}  // namespace guildhall::migrate
