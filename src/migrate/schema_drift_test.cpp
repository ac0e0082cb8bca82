#include "migrate/schema_drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/run.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class AnyDatabaseDrift : public test::OnAnyDatabase {
 protected:
  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  void apply_two() {
    write("0001_people.sql",
          "CREATE TABLE people (id integer PRIMARY KEY, name text, age integer);\n"
          "CREATE INDEX people_name ON people (name);");
    write("0002_visits.sql", "CREATE TABLE visits (id integer PRIMARY KEY, person integer);");
    const auto set = *read_migrations(folder_.path().string(), target().dialect);
    const RunReport report = up(target(), set, {});
    ASSERT_FALSE(report.failed) << report.failed->finding.text;
  }
  void by_hand(const std::string& sql) { session().execute(sql); }
  Findings drift(const DriftOptions& options = {}) {
    set_ = *read_migrations(folder_.path().string(), target().dialect);
    const auto rows = *Journal(session(), target().dialect).read();
    return find_drift(session(), target(), rows, compare(set_, rows), options);
  }
  static std::vector<std::string> texts(const Findings& findings, const std::string& code) {
    std::vector<std::string> found;
    for (const Finding& one : findings) {
      if (one.code == code) found.push_back(one.text);
    }
    return found;
  }
  std::string text_type() const { return target().dialect == Dialect::postgres ? "text" : "TEXT"; }
  /// "people" as it is called in a title.
  std::string named(const std::string& table) const {
    return target().dialect == Dialect::postgres ? "public." + table : "\"" + table + "\"";
  }
  std::string named(const std::string& table, const std::string& column) const {
    return named(table) + (target().dialect == Dialect::postgres ? "." + column : ".\"" + column + "\"");
  }

  test::TemporaryFolder folder_;
  MigrationSet set_;
};

TEST_F(AnyDatabaseDrift, ASchemaThatIsAsItWasLeftHasNone) {
  EXPECT_THAT(drift(), IsEmpty()) << "the tool never changed it";
  apply_two();
  EXPECT_THAT(drift(), IsEmpty());
  EXPECT_THAT(drift({.strict_order = true}), IsEmpty());
}

TEST_F(AnyDatabaseDrift, EachObjectIsNamedWithItsDefinitionWhereTheFilesMakeItAgain) {
  apply_two();
  by_hand("DROP INDEX people_name; CREATE TABLE extra (x integer)");
  by_hand("DROP TABLE visits");
  by_hand("CREATE TABLE visits (id integer PRIMARY KEY, person text)");
  const auto findings = drift();
  EXPECT_THAT(texts(findings, "I-SCHEMA"), ElementsAre(HasSubstr("the 2 applied files make")));
  const auto named_ones = texts(findings, "E-SCHEMA");
  EXPECT_THAT(named_ones, SizeIs(3)) << testing::PrintToString(named_ones);
  const std::string all = testing::PrintToString(named_ones);
  EXPECT_THAT(all, HasSubstr("missing index"));
  EXPECT_THAT(all, HasSubstr("people_name"));
  EXPECT_THAT(all, HasSubstr("extra"));
  EXPECT_THAT(named_ones, testing::Contains(testing::AllOf(testing::StartsWith("changed column "),
                                                           HasSubstr("-> type " + text_type()))));
  for (const Finding& one : findings) {
    if (one.code == "E-SCHEMA") EXPECT_THAT(one.hint, Not(IsEmpty()));
  }
}

TEST_F(AnyDatabaseDrift, WithoutAFileObjectsAreComparedByTheNamesInTheJournalAndItIsSaidSo) {
  apply_two();
  by_hand("DROP INDEX people_name; CREATE TABLE extra (x integer)");
  std::filesystem::remove(folder_.path() / "0002_visits.sql");
  const auto findings = drift();
  EXPECT_THAT(texts(findings, "I-SCHEMA"),
              ElementsAre(testing::AllOf(HasSubstr("by names with the journal, since"),
                                         HasSubstr("the file of 0002_visits is gone"))));
  const auto found = texts(findings, "E-SCHEMA");
  EXPECT_THAT(found, testing::Contains("added table " + named("extra")));
  EXPECT_THAT(found, testing::Contains(
                         testing::AllOf(testing::StartsWith("missing index"), HasSubstr("people_name"))));
}

TEST_F(AnyDatabaseDrift, ADefinitionThatNobodyKnowsIsNotGuessed) {
  apply_two();
  by_hand("DROP TABLE visits");
  by_hand("CREATE TABLE visits (id integer PRIMARY KEY, person text)");
  std::filesystem::remove(folder_.path() / "0002_visits.sql");
  EXPECT_THAT(texts(drift(), "E-SCHEMA"), ElementsAre(HasSubstr("defined otherwise")));
}

TEST_F(AnyDatabaseDrift, WhatWasThereBeforeTheFirstMigrationIsNotCalledAdded) {
  by_hand("CREATE TABLE past (x integer)");
  apply_two();
  EXPECT_THAT(drift(), IsEmpty());
  by_hand("CREATE TABLE extra (x integer); DROP TABLE visits");
  const auto findings = drift();
  EXPECT_THAT(texts(findings, "I-SCHEMA"),
              ElementsAre(testing::AllOf(HasSubstr("does not know what was there before"),
                                         HasSubstr("make another schema"))));
  const auto found = texts(findings, "E-SCHEMA");
  EXPECT_THAT(found, testing::Contains("missing table " + named("visits")));
  EXPECT_THAT(testing::PrintToString(found), Not(HasSubstr("past")));
  EXPECT_THAT(testing::PrintToString(found), Not(HasSubstr("extra")));
}

TEST_F(AnyDatabaseDrift, TheOrderOfColumnsCountsWhereItIsAskedFor) {
  apply_two();
  by_hand("DROP INDEX people_name");
  by_hand("ALTER TABLE people DROP COLUMN name");
  by_hand("ALTER TABLE people ADD COLUMN name text");
  by_hand("CREATE INDEX people_name ON people (name)");
  EXPECT_THAT(drift(), IsEmpty());
  const auto found = texts(drift({.strict_order = true}), "E-SCHEMA");
  ASSERT_THAT(found, SizeIs(2)) << testing::PrintToString(found);
  EXPECT_THAT(found[0], testing::AllOf(HasSubstr(named("people", "age")), HasSubstr("position 2")));
  EXPECT_THAT(found[1], HasSubstr(named("people", "name")));
  std::filesystem::remove(folder_.path() / "0002_visits.sql");
  EXPECT_THAT(texts(drift({.strict_order = true}), "W-ORDER"), ElementsAre(HasSubstr("cannot be compared")));
}

TEST_F(AnyDatabaseDrift, WhatWasTakenBackIsNotMissed) {
  apply_two();
  write("0002_visits.down.sql", "DROP TABLE visits;");
  set_ = *read_migrations(folder_.path().string(), target().dialect);
  ASSERT_FALSE(down(target(), set_, {}).failed);
  EXPECT_THAT(drift(), IsEmpty());
  by_hand("CREATE TABLE visits (id integer PRIMARY KEY, person integer)");
  EXPECT_THAT(texts(drift(), "E-SCHEMA"), ElementsAre(HasSubstr("added table " + named("visits"))));
}

}  // namespace
}  // namespace guildhall::migrate
