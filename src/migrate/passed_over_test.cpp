#include "migrate/passed_over.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migrate/run.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <class Fixture>
class PassedOverTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  /// Warnings of a run of these, after `there` was made by somebody else.
  std::vector<std::string> passed_over(const std::vector<std::string>& scripts) {
    std::vector<EmbeddedFile> files;
    names_.clear();
    contents_ = scripts;
    for (std::size_t i = 0; i < scripts.size(); ++i) names_.push_back(fmt::format("000{}_step.sql", i + 1));
    for (std::size_t i = 0; i < scripts.size(); ++i) files.push_back({names_[i], contents_[i]});
    set_ = read_migrations(files, "test", target().dialect);
    const RunReport report = up(target(), set_, {});
    EXPECT_FALSE(report.failed) << report.failed->finding.text;
    std::vector<std::string> texts;
    for (const Finding& one : report.findings) {
      EXPECT_EQ(one.code, "W-EXISTS");
      texts.push_back(fmt::format("{}:{} {}", one.name, one.line, one.text));
    }
    return texts;
  }
  /// The same without the prechecks, which refuse what they know before.
  std::vector<std::string> compared(const std::string& sql) {
    const std::vector<EmbeddedFile> files{{"0001_step.sql", sql}};
    set_ = read_migrations(files, "test", target().dialect);
    const std::vector<Pending> pending{{&set_.migrations.at(0)}};
    std::vector<std::string> texts;
    for (const Finding& one : find_passed_over(session(), target().dialect, pending))
      texts.push_back(one.text);
    EXPECT_FALSE(session().in_transaction());
    return texts;
  }
  void sql(const std::string& script) { session().execute(script); }

  std::vector<std::string> names_;
  std::vector<std::string> contents_;
  MigrationSet set_;
};

using AnyDatabasePassedOver = PassedOverTest<test::OnAnyDatabase>;
using PassedOverInPostgres = PassedOverTest<test::OnPostgres>;

TEST_F(AnyDatabasePassedOver, WhatAnEarlierFileOfTheRunMadeOtherwiseIsNamed) {
  EXPECT_THAT(passed_over({"CREATE TABLE t (id integer PRIMARY KEY, a text NOT NULL);",
                           "\nCREATE TABLE IF NOT EXISTS t (id integer PRIMARY KEY, a text);"}),
              ElementsAre(AllOf(HasSubstr("0002_step.sql:2 t was there already with another definition"),
                                HasSubstr("a text NOT NULL"))));
}

TEST_F(AnyDatabasePassedOver, WhatIsTheSameIsNot) {
  EXPECT_THAT(
      passed_over(
          {"CREATE TABLE t (id integer PRIMARY KEY, a text DEFAULT 'x');\nCREATE INDEX i ON t (a);",
           "CREATE TABLE IF NOT EXISTS t (id integer PRIMARY KEY, a text DEFAULT 'x');\nCREATE INDEX IF "
           "NOT EXISTS i ON t (a);\nCREATE TABLE IF NOT EXISTS new (id integer PRIMARY KEY);"}),
      IsEmpty());
}

TEST_F(AnyDatabasePassedOver, WhatALaterStatementChangesIsLeftOut) {
  EXPECT_THAT(
      passed_over({"CREATE TABLE IF NOT EXISTS t (id integer PRIMARY KEY);\nALTER TABLE t ADD COLUMN a "
                   "integer;"}),
      IsEmpty());
}

TEST_F(AnyDatabasePassedOver, AnIndexOverAnotherColumn) {
  sql("CREATE TABLE t (id integer PRIMARY KEY, a text, b text); CREATE INDEX i ON t (b)");
  EXPECT_THAT(compared("CREATE INDEX IF NOT EXISTS i ON t (a)"),
              ElementsAre(HasSubstr("i was there already with another definition")));
  EXPECT_THAT(compared("CREATE INDEX IF NOT EXISTS i ON t (b)"), IsEmpty());
}

TEST_F(PassedOverInPostgres, ColumnsInTheServersOwnWords) {
  sql("CREATE TABLE t (id serial PRIMARY KEY, a varchar(20) DEFAULT 'x', b numeric NOT NULL)");
  EXPECT_THAT(compared("ALTER TABLE t ADD COLUMN IF NOT EXISTS a character varying(20) DEFAULT 'x'"),
              IsEmpty());
  EXPECT_THAT(compared("ALTER TABLE t ADD COLUMN IF NOT EXISTS a varchar(30) DEFAULT 'x'"),
              ElementsAre(HasSubstr("column a character varying(20) DEFAULT")));
  EXPECT_THAT(compared("ALTER TABLE t ADD COLUMN IF NOT EXISTS b numeric"),
              ElementsAre(HasSubstr("column b numeric NOT NULL; not column b numeric")));
  EXPECT_THAT(
      compared(
          "CREATE TABLE IF NOT EXISTS t (id serial PRIMARY KEY, a varchar(20) DEFAULT 'x', b decimal NOT "
          "NULL)"),
      IsEmpty());
}

TEST_F(PassedOverInPostgres, WithinBlocksThatSwallow) {
  sql("CREATE TABLE t (id integer PRIMARY KEY, x integer, CONSTRAINT c CHECK (x > 0)); CREATE TYPE mood AS "
      "ENUM "
      "('good', 'bad')");
  const auto block = [](const std::string& statement) {
    return fmt::format("DO $$ BEGIN {}; EXCEPTION WHEN duplicate_object THEN NULL; END $$", statement);
  };
  EXPECT_THAT(compared(block("ALTER TABLE t ADD CONSTRAINT c CHECK ((x) > 0)")), IsEmpty());
  EXPECT_THAT(
      compared(block("ALTER TABLE t ADD CONSTRAINT c CHECK (x >= 0)") + ";\n" +
               block("ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0)")),
      ElementsAre(AllOf(HasSubstr("t.c was there"), HasSubstr("CHECK ((x > 0)); not CHECK ((x >= 0))"))));
  EXPECT_THAT(compared(block("CREATE TYPE mood AS ENUM ('good', 'bad')")), IsEmpty());
  EXPECT_THAT(compared(block("CREATE TYPE mood AS ENUM ('good')")), ElementsAre(HasSubstr("'good', 'bad'")));
}

TEST_F(PassedOverInPostgres, IndexesWithTheirOrderAndTheirCondition) {
  sql("CREATE SCHEMA app; CREATE TABLE app.t (a integer, b text); CREATE UNIQUE INDEX i ON app.t (lower(b), "
      "a DESC) "
      "WHERE a > 0");
  EXPECT_THAT(compared("CREATE UNIQUE INDEX IF NOT EXISTS i ON app.t (lower(b), a DESC) WHERE (a > 0)"),
              IsEmpty());
  for (const char* other : {"INDEX IF NOT EXISTS i ON app.t (lower(b), a DESC) WHERE a > 0",
                            "UNIQUE INDEX IF NOT EXISTS i ON app.t (lower(b), a) WHERE a > 0",
                            "UNIQUE INDEX IF NOT EXISTS i ON app.t (lower(b), a DESC)"})
    EXPECT_EQ(compared(fmt::format("CREATE {}", other)).size(), 1U) << other;
}

TEST_F(PassedOverInPostgres, WhatCannotBeBuiltIsNotCompared) {
  sql("CREATE TABLE t (id integer)");
  EXPECT_THAT(compared("CREATE TABLE IF NOT EXISTS t (id no_such_type)"), IsEmpty());
}

}  // namespace
}  // namespace guildhall::migrate
