#include "migrate/baseline.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/checksums.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <class Fixture>
class BaselineTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void SetUp() override {
    write("0001_first.sql", "CREATE TABLE users (id integer PRIMARY KEY, name text);");
    write("0002_second.sql", "CREATE TABLE posts (id integer PRIMARY KEY);");
    write("0003_third.sql", "ALTER TABLE users ADD COLUMN age integer;");
  }
  void write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  MigrationSet set() { return *read_migrations(folder_.path().string(), target().dialect); }
  /// What counts as applied, or the code of the problem.
  std::vector<std::string> adopted(const BaselineOptions& options) {
    set_ = set();
    const auto report = baseline(target(), set_, options);
    if (!report) return {report.error().finding.code};
    report_ = *report;
    if (report->match && !report->match->is_found()) return {std::string(name_of(report->match->past))};
    std::vector<std::string> names;
    for (const Adopted& one : report->adopted)
      names.push_back(one.migration->name + (one.differs ? " differs" : ""));
    return names;
  }
  std::vector<std::string> states() {
    std::vector<std::string> lines;
    for (const Standing& one : compare(set(), *Journal(session(), target().dialect).read()))
      lines.push_back(fmt::format("{} {}", one.name, name_of(one.state)));
    return lines;
  }

  test::TemporaryFolder folder_;
  MigrationSet set_;
  BaselineReport report_;
};

using AnyDatabaseBaseline = BaselineTest<test::OnAnyDatabase>;
using BaselineInPostgres = BaselineTest<test::OnPostgres>;

TEST_F(AnyDatabaseBaseline, TheSchemaItselfSaysWhichFilesMadeIt) {
  session().execute(
      "CREATE TABLE users (id integer PRIMARY KEY, name text); CREATE TABLE posts (id integer PRIMARY KEY)");
  BaselineOptions options;
  options.match = true;
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0002_second"));
  EXPECT_THAT(report_.differences, IsEmpty());
  EXPECT_FALSE(report_.written);
  EXPECT_FALSE(Journal(session(), target().dialect).exists());
  options.accept = true;
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0002_second"));
  EXPECT_THAT(states(), ElementsAre("0001_first baseline", "0002_second baseline", "0003_third pending"));
  EXPECT_FALSE(up(target(), set(), {}).failed);
  EXPECT_THAT(states(), ElementsAre("0001_first baseline", "0002_second baseline", "0003_third applied"));
  EXPECT_THAT(adopted(options), ElementsAre("MG-ADOPTED"));
}

TEST_F(AnyDatabaseBaseline, OneThatWasPassedOverIsFound) {
  session().execute(
      "CREATE TABLE users (id integer PRIMARY KEY, name text); ALTER TABLE users ADD COLUMN age integer");
  BaselineOptions options;
  options.match = true;
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0003_third"));
  session().execute("ALTER TABLE users ADD COLUMN by_hand integer");
  options.accept = true;
  EXPECT_THAT(adopted(options), ElementsAre("unknown"));
  EXPECT_FALSE(Journal(session(), target().dialect).exists());
}

TEST_F(AnyDatabaseBaseline, OneThatCameAfterTheOthersIsFound) {
  write("0002_second.sql",
        "CREATE TABLE IF NOT EXISTS posts (id integer PRIMARY KEY, title text); CREATE TABLE extra (x "
        "integer);");
  write("0003_third.sql", "CREATE TABLE IF NOT EXISTS posts (id integer PRIMARY KEY);");
  session().execute(
      "CREATE TABLE users (id integer PRIMARY KEY, name text); CREATE TABLE posts (id integer PRIMARY KEY); "
      "CREATE TABLE extra (x integer)");
  BaselineOptions options;
  options.match = true;
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0003_third", "0002_second"));
  EXPECT_EQ(report_.match->past, Past::late);
  EXPECT_THAT(report_.match->from_number_order, ElementsAre(HasSubstr("missing column")));
}

TEST_F(AnyDatabaseBaseline, OneThatFailedAndLeftAPartIsFoundAndNotAdopted) {
  write("0002_second.sql",
        "CREATE TABLE extra (x integer);\nCREATE TABLE posts (id integer PRIMARY KEY, title text);\n"
        "CREATE TABLE last (x integer);");
  write("0003_third.sql", "CREATE TABLE IF NOT EXISTS posts (id integer PRIMARY KEY);");
  session().execute(
      "CREATE TABLE users (id integer PRIMARY KEY, name text); CREATE TABLE posts (id integer PRIMARY KEY); "
      "CREATE TABLE extra (x integer)");
  BaselineOptions options;
  options.match = true;
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0003_third"));
  EXPECT_EQ(report_.match->past, Past::torn);
  EXPECT_THAT(report_.match->odd_failure, HasSubstr("0002_second line 2"));
  EXPECT_THAT(report_.differences, ElementsAre(HasSubstr("added table")));
  // Who ran it on behind the failure has its last statement, too.
  session().execute("CREATE TABLE last (x integer)");
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0003_third"));
  EXPECT_EQ(report_.match->past, Past::torn);
}

TEST_F(AnyDatabaseBaseline, ASchemaWithoutChecksAndWithMoreIsOneThatWasPushed) {
  write("0002_second.sql",
        "CREATE TABLE posts (id integer PRIMARY KEY, CONSTRAINT positive CHECK (id > 0));");
  session().execute(
      "CREATE TABLE users (id integer PRIMARY KEY, name text, age integer); CREATE TABLE posts (id integer "
      "PRIMARY KEY); CREATE TABLE extra (x integer)");
  BaselineOptions options;
  options.match = options.accept = true;
  EXPECT_THAT(adopted(options), ElementsAre("pushed"));
  EXPECT_THAT(report_.differences,
              testing::UnorderedElementsAre(HasSubstr("missing constraint"), HasSubstr("added table")));
  EXPECT_FALSE(Journal(session(), target().dialect).exists());
}

TEST_F(AnyDatabaseBaseline, WhatDiffersIsNamedObjectByObject) {
  session().execute("CREATE TABLE users (id integer PRIMARY KEY, name text, by_hand integer)");
  BaselineOptions options;
  options.at = "0002";
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0002_second"));
  EXPECT_THAT(fmt::format("{}", fmt::join(report_.differences, "\n")),
              testing::AllOf(HasSubstr("added column"), HasSubstr("by_hand"), HasSubstr("missing table")));
}

TEST_F(AnyDatabaseBaseline, WithoutAnythingToImportItSaysSo) {
  BaselineOptions options;
  options.from = "drizzle";
  EXPECT_THAT(adopted(options), ElementsAre("E-NOTHING"));
}

TEST_F(AnyDatabaseBaseline, TheTableOfStreamBotsRunnerIsImportedAndLeftAsItIs) {
  session().execute(fmt::format(
      "CREATE TABLE users (id integer PRIMARY KEY, name text); CREATE TABLE posts (id integer PRIMARY KEY); "
      "CREATE TABLE drizzle_migrations (id varchar(255) PRIMARY KEY, filename text, applied_at timestamp, "
      "checksum "
      "text, rollback_sql text); INSERT INTO drizzle_migrations VALUES ('0001_first', '0001_first.sql', "
      "'2025-11-14', "
      "'{}', NULL), ('0002_second', '0002_second.sql', '2025-11-15', 'another', NULL), ('0009_gone', "
      "'0009_gone.sql', '2025-11-16', 'x', NULL)",
      digits_of(set().migrations[0].up->checksum)));
  BaselineOptions options;
  options.from = "drizzle";
  options.accept = true;
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0002_second differs"));
  EXPECT_THAT(report_.unknown, ElementsAre("0009_gone.sql"));
  EXPECT_THAT(report_.differences, IsEmpty());
  EXPECT_THAT(states(), ElementsAre("0001_first baseline", "0002_second changed", "0003_third pending"));
  EXPECT_EQ(session().query("SELECT count(*) FROM drizzle_migrations").at(0).at(0), "3");
}

TEST_F(BaselineInPostgres, DrizzleKitsTableIsImportedByHashAndByTime) {
  write("meta/_journal.json",
        R"({"version":"7","dialect":"postgresql","entries":[{"idx":1,"when":1000,"tag":"0001_first"},)"
        R"({"idx":2,"when":2000,"tag":"0002_second"}]})");
  session().execute(fmt::format(
      "CREATE TABLE users (id integer PRIMARY KEY, name text); CREATE TABLE posts (id integer PRIMARY KEY); "
      "CREATE "
      "SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, "
      "created_at bigint); INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('{}', 1000), "
      "('was "
      "another', 2000)",
      digits_of(set().migrations[0].up->checksum)));
  BaselineOptions options;
  options.from = "drizzle";
  EXPECT_THAT(adopted(options), ElementsAre("0001_first", "0002_second differs"));
}

}  // namespace
}  // namespace guildhall::migrate
