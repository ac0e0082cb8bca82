#include "migrate/postgres_programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_folder.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

TEST(ProgramVersion, IsReadFromWhatTheProgramSays) {
  EXPECT_EQ(parse_program_version("pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"),
            (ProgramVersion{15, 20}));
  EXPECT_EQ(parse_program_version("psql (PostgreSQL) 18devel\n"), (ProgramVersion{18, 0}));
  EXPECT_EQ(parse_program_version("pg_dump: command not found"), (ProgramVersion{0, 0}));
  EXPECT_EQ(server_version(150'020), (ProgramVersion{15, 20}));
}

TEST(ProgramVersion, RestrictIsKnownSinceTheSameDayInEveryMajorVersion) {
  for (const auto& [version, knows] : std::vector<std::pair<ProgramVersion, bool>>{{{12, 22}, false},
                                                                                   {{15, 13}, false},
                                                                                   {{15, 14}, true},
                                                                                   {{17, 5}, false},
                                                                                   {{17, 6}, true},
                                                                                   {{18, 0}, true}}) {
    EXPECT_EQ(knows_restrict(version), knows) << version.text();
  }
}

class Programs : public testing::Test {
 protected:
  fs::path put(const std::string& folder, const std::string& version) {
    const fs::path path = folder_.path() / folder;
    fs::create_directories(path);
    std::ofstream(path / "pg_dump") << "#!/bin/sh\necho 'pg_dump (PostgreSQL) " << version << "'\n";
    fs::permissions(path / "pg_dump", fs::perms::owner_all);
    return path;
  }
  test::TemporaryFolder folder_;
};

TEST_F(Programs, TheNewestIsTakenAndOfEqualOnesTheFirst) {
  const std::vector<fs::path> folders{put("a", "15.2"), put("b", "16.1"), put("c", "16.1"),
                                      folder_.path() / "none"};
  EXPECT_EQ(find_program("pg_dump", {15, 9}, folders)->path, folders[1] / "pg_dump");
}

TEST_F(Programs, OneThatIsTooOldIsNamedWithTheWayOut) {
  const auto refused = find_program("pg_dump", {16, 1}, {put("a", "15.20"), put("b", "14.1")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::failed);
  EXPECT_THAT(refused.error().message, HasSubstr("a/pg_dump 15.20 is too old for the server's version 16.1"));
  EXPECT_THAT(refused.error().hint, HasSubstr("postgresql-client-16"));
}

TEST_F(Programs, NoneAtAllIsSaid) {
  const auto refused = find_program("pg_dump", {15, 0}, {folder_.path()});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the program pg_dump is neither in PATH"));
}

TEST(ProgramEnvironment, HasTheAddressAndTheOwnVariables) {
  const auto environment = *program_environment("postgres://me:word@h:5/d?sslmode=disable", "other");
  EXPECT_THAT(environment, Contains(Pair("PGPASSWORD", "word")));
  EXPECT_THAT(environment, Contains(Pair("PGDATABASE", "other")));
  EXPECT_THAT(environment, Contains(Pair("LC_ALL", "C")));
  EXPECT_THAT(environment, Contains(Pair("PATH", own_environment().at("PATH"))));
}

}  // namespace
}  // namespace guildhall::migrate
