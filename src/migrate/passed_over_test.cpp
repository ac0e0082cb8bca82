#include "migrate/passed_over.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migrate/run.h"
#include "tests/support/any_database.h"
#include "tests/support/counting_session.h"

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
    read(scripts);
    const RunReport report = up(target(), set_, {});
    EXPECT_FALSE(report.failed) << report.failed->finding.text;
    std::vector<std::string> texts;
    for (const Finding& one : report.findings) {
      EXPECT_EQ(one.code, "W-EXISTS");
      texts.push_back(fmt::format("{}:{} {}", one.name, one.line, one.text));
    }
    return texts;
  }
  /// The same without the prechecks, which refuse what they know before: of a run that did nothing.
  std::vector<std::string> compared(const std::string& sql) {
    read({sql});
    return look(facts());
  }
  void read(const std::vector<std::string>& scripts) {
    std::vector<EmbeddedFile> files;
    names_.clear();
    contents_ = scripts;
    for (std::size_t i = 0; i < scripts.size(); ++i) names_.push_back(fmt::format("000{}_step.sql", i + 1));
    for (std::size_t i = 0; i < scripts.size(); ++i) files.push_back({names_[i], contents_[i]});
    set_ = read_migrations(files, "test", target().dialect);
    pending_.clear();
    for (const Migration& one : set_.migrations) pending_.push_back({&one});
  }
  TableFacts facts() {
    session().execute("BEGIN");
    TableFacts found = read_table_facts(session(), target().dialect, pending_);
    session().execute("ROLLBACK");
    return found;
  }
  std::vector<std::string> look(const TableFacts& before) {
    test::CountingSession counting(session());
    std::vector<std::string> texts;
    for (const Finding& one : find_passed_over(counting, target().dialect, pending_, before))
      texts.push_back(one.text);
    EXPECT_FALSE(session().in_transaction());
    round_trips_ = counting.round_trips();
    return texts;
  }
  /// Runs them by hand, with the facts from before.
  std::vector<std::string> run_and_look(const std::vector<std::string>& scripts) {
    read(scripts);
    const TableFacts before = facts();
    for (const std::string& script : scripts) sql(script);
    return look(before);
  }
  void sql(const std::string& script) { session().execute(script); }

  std::vector<std::string> names_;
  std::vector<std::string> contents_;
  MigrationSet set_;
  std::vector<Pending> pending_;
  std::size_t round_trips_ = 0;  // of the last look
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

TEST_F(AnyDatabasePassedOver, WhatTheRunMadeIsAskedNothing) {
  EXPECT_THAT(
      run_and_look({"CREATE TABLE IF NOT EXISTS t (id integer PRIMARY KEY, a text);\nCREATE INDEX IF NOT "
                    "EXISTS i ON t (a);",
                    "CREATE TABLE IF NOT EXISTS u (id integer PRIMARY KEY);"}),
      IsEmpty());
  EXPECT_EQ(round_trips_, 0U);
  EXPECT_THAT(run_and_look({"CREATE TABLE IF NOT EXISTS t (id integer PRIMARY KEY);"}).size(), 1U);
  EXPECT_GT(round_trips_, 0U) << "it was there";
}

TEST_F(AnyDatabasePassedOver, WithoutFactsAllIsCompared) {
  sql("CREATE TABLE t (id integer PRIMARY KEY, b text)");
  read({"CREATE TABLE IF NOT EXISTS t (id integer PRIMARY KEY);"});
  EXPECT_EQ(look({}).size(), 1U);
}

TEST_F(PassedOverInPostgres, WhatIsAddedLaterBelongsToTheTable) {
  const std::vector<std::string> scripts{"CREATE TABLE IF NOT EXISTS t (id integer)",
                                         "ALTER TABLE t ADD COLUMN IF NOT EXISTS b integer CHECK (b > "
                                         "0);\nDO $$ BEGIN ALTER TABLE t ADD CONSTRAINT c "
                                         "UNIQUE (id); EXCEPTION WHEN duplicate_table THEN NULL; END $$"};
  EXPECT_THAT(passed_over(scripts), IsEmpty());
  EXPECT_THAT(run_and_look(scripts), IsEmpty()) << "nor the second time";
  sql("DROP TABLE t; CREATE TABLE t (id integer)");
  EXPECT_THAT(run_and_look(scripts), IsEmpty());
  sql("DROP TABLE t; CREATE TABLE t (id text, b text)");
  EXPECT_THAT(
      run_and_look(scripts),
      ElementsAre(AllOf(HasSubstr("t was there"), HasSubstr("column id text; not column id integer"),
                        testing::Not(HasSubstr("column b"))),
                  AllOf(HasSubstr("t.b was there"), HasSubstr("column b text; not column b integer"))));
}

TEST_F(PassedOverInPostgres, WhatTheRunAddsIsAskedNothing) {
  sql("CREATE TABLE there (id integer)");
  const std::string block =
      "DO $$ BEGIN ALTER TABLE {0} ADD CONSTRAINT {0}_c CHECK (id > 0); EXCEPTION WHEN duplicate_object THEN "
      "NULL; END "
      "$$;\nALTER TABLE {0} ADD COLUMN IF NOT EXISTS a integer;\n";
  const std::string mood =
      "DO $$ BEGIN CREATE TYPE mood AS ENUM ('good'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n";
  const std::vector<std::string> scripts{mood + "CREATE TABLE made (id integer);\n" +
                                         fmt::format(fmt::runtime(block), "made") +
                                         fmt::format(fmt::runtime(block), "there")};
  EXPECT_THAT(run_and_look(scripts), IsEmpty());
  EXPECT_EQ(round_trips_, 0U);
}

TEST_F(PassedOverInPostgres, WhatTheRunMadeInOtherWaysIsCompared) {
  const auto two = [&](const std::string& first, const std::string& second) {
    sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE old (id integer, a text)");
    return run_and_look({first, second}).size();
  };
  EXPECT_EQ(two("ALTER TABLE old RENAME TO t", "CREATE TABLE IF NOT EXISTS t (id integer)"), 1U);
  EXPECT_EQ(
      two("CREATE TABLE t AS SELECT 1 AS id, 'x' AS a", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a integer"),
      1U);
  EXPECT_EQ(two("CREATE TABLE t (id integer, a text)", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a integer"),
            1U);
  EXPECT_EQ(two("ALTER TABLE old RENAME a TO b", "ALTER TABLE old ADD COLUMN IF NOT EXISTS b integer"), 1U);
  EXPECT_EQ(two("DO $$ BEGIN EXECUTE 'CREATE TABLE t (id text)'; END $$",
                "CREATE TABLE IF NOT EXISTS t (id integer)"),
            1U);
  EXPECT_EQ(two("CREATE INDEX j ON old (a);\nALTER INDEX j RENAME TO i",
                "CREATE INDEX IF NOT EXISTS i ON old (id)"),
            1U);
  EXPECT_EQ(two("CREATE TABLE t (id integer, CONSTRAINT c CHECK (id > 1))",
                "DO $$ BEGIN ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0); EXCEPTION WHEN duplicate_object "
                "THEN NULL; END $$"),
            1U);
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
