#include "migrate/batch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/run.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// --- what can be sliced

class Batches : public testing::TestWithParam<Dialect> {
 protected:
  /// The slice from 10 to 20 by column id, or what is wrong.
  std::string sliced(const std::string& sql, const std::string& option = "") {
    Script script;
    script.sql = sql;
    auto statements = split_statements(script.sql, GetParam());
    if (!statements) return statements.error().message;
    script.statements = *std::move(statements);
    script.options.batch = BatchOption{option, option.empty() ? "" : "id"};
    const auto batch = read_batch(script, GetParam());
    return batch ? slice_sql(*batch, "id", {"10", "20"}) : batch.error().message;
  }
};

INSTANTIATE_TEST_SUITE_P(Both, Batches, testing::Values(Dialect::sqlite, Dialect::postgres),
                         [](const auto& tested) {
                           return tested.param == Dialect::sqlite ? "Sqlite" : "Postgres";
                         });

TEST_P(Batches, ASliceOnlyNarrowsTheStatementsOwnCondition) {
  EXPECT_EQ(sliced("UPDATE t SET a = 1 WHERE a = 0 OR b = 2"),
            "UPDATE t SET a = 1 WHERE ( a = 0 OR b = 2\n) AND t.id > 10 AND t.id <= 20");
  EXPECT_EQ(sliced("UPDATE t SET a = 1;"), "UPDATE t SET a = 1\nWHERE t.id > 10 AND t.id <= 20");
  EXPECT_EQ(sliced("DELETE FROM main.t AS x WHERE x.a = 0"),
            "DELETE FROM main.t AS x WHERE ( x.a = 0\n) AND x.id > 10 AND x.id <= 20");
  EXPECT_EQ(
      sliced("UPDATE s.t SET a = (SELECT max(b) FROM u WHERE u.id = t.id) FROM v", "s.t"),
      "UPDATE s.t SET a = (SELECT max(b) FROM u WHERE u.id = t.id) FROM v\nWHERE t.id > 10 AND t.id <= 20");
  EXPECT_EQ(
      sliced("UPDATE \"T\" x SET (a, b) = (1, 2) WHERE a IN (SELECT 1 WHERE true) -- all\n", "\"T\""),
      "UPDATE \"T\" x SET (a, b) = (1, 2) WHERE ( a IN (SELECT 1 WHERE true)\n) AND x.id > 10 AND x.id <= "
      "20");
}

TEST_P(Batches, WhatCannotBeSlicedIsRefused) {
  EXPECT_THAT(sliced("UPDATE t SET a = 1; UPDATE t SET b = 1"), HasSubstr("one statement in a file"));
  EXPECT_THAT(sliced(""), HasSubstr("one statement in a file"));
  EXPECT_THAT(sliced("INSERT INTO t SELECT 1"), HasSubstr("one UPDATE or DELETE"));
  EXPECT_THAT(sliced("WITH w AS (SELECT 1) UPDATE t SET a = 1"), HasSubstr("one UPDATE or DELETE"));
  EXPECT_THAT(sliced("UPDATE t SET a = 1 WHERE true) OR (true"), HasSubstr("parenthesis"));
  EXPECT_THAT(sliced("UPDATE t SET a = 1 WHERE b = 1 RETURNING a"), HasSubstr("RETURNING"));
  EXPECT_THAT(sliced("UPDATE t SET a = 1 WHERE b = 1 ORDER BY a LIMIT 5"), HasSubstr("LIMIT"));
  EXPECT_THAT(sliced("UPDATE t SET a = 1 WHERE CURRENT OF c"), HasSubstr("condition of its own"));
  EXPECT_THAT(sliced("UPDATE t SET a = 1", "u"), HasSubstr("of u changes t"));
  EXPECT_THAT(sliced("UPDATE t SET a = 1, id = id + 1", "t"), HasSubstr("its own key"));
  EXPECT_THAT(sliced("UPDATE t SET (a, id) = (SELECT 1, 2)", "t"), HasSubstr("its own key"));
  EXPECT_THAT(sliced("UPDATE t SET a = f(1, id), b = id", "t"), HasSubstr("WHERE t.id > 10"));
}

TEST(BatchPace, FewerRowsWhileItIsSlowAndAsManyAsAskedForWhenItIsQuick) {
  BatchPace pace(100, 50ms);
  pace.took(2s);
  EXPECT_EQ(pace.size(), 50);
  pace.took(500ms);
  EXPECT_EQ(pace.size(), 50);
  pace.waited_in_vain();
  EXPECT_EQ(pace.size(), 25);
  for (int i = 0; i < 9; ++i) pace.waited_in_vain();
  EXPECT_EQ(pace.size(), 1);
  for (int i = 0; i < 9; ++i) pace.took(10ms);
  EXPECT_EQ(pace.size(), 100);
}

TEST(BatchPace, WaitsLongerWhileAReplicaIsBehind) {
  EXPECT_EQ(BatchPace(100, 50ms).pause(0ms), 50ms);
  EXPECT_EQ(BatchPace(100, 50ms).pause(11s), 1s);
  EXPECT_EQ(BatchPace(100, 500ms).pause(11s), 5s);
  EXPECT_EQ(BatchPace(100, 0ms).pause(11s), 1s);
}

// --- run

template <class Fixture>
class BatchRunTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  /// "OK", or exit and code.
  std::string up() {
    said_.clear();
    UpOptions options;
    options.limits.lock_timeout = 100ms;
    options.limits.first_pause = 1ms;
    options.limits.tries = 3;
    options.say = [this](const std::string& line) { said_ += line + "\n"; };
    const auto report =
        migrate::up(target(), *read_migrations(folder_.path().string(), target().dialect), options);
    if (!report.failed) return "OK";
    text_ = report.failed->finding.text + " " + report.failed->where();
    return fmt::format("{} {}", static_cast<int>(report.failed->exit), report.failed->finding.code);
  }
  JournalRow last_row() { return Journal(session(), target().dialect).read()->back(); }
  /// t: `count` rows with the ids 2, 4, 6, ...
  void fill(int count) {
    session().execute("CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL CHECK (n < 5))");
    for (int i = 1; i <= count; ++i) session().execute(fmt::format("INSERT INTO t VALUES ({}, 0)", 2 * i));
  }
  /// How many rows have each number: "0:3 1:7".
  std::string numbers() {
    std::string text;
    for (const auto& row : session().query("SELECT n, count(*) FROM t GROUP BY n ORDER BY n"))
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ", row[0], row[1]);
    return text;
  }

  test::TemporaryFolder folder_;
  std::string said_;
  std::string text_;
};

using BatchRun = BatchRunTest<test::OnAnyDatabase>;
using BatchRunInPostgres = BatchRunTest<test::OnPostgres>;

constexpr const char* kCount = "-- guildhall: batch=t(id) size=3 pause=0ms\nUPDATE t SET n = n + 1;\n";

TEST_F(BatchRun, EachRowIsChangedOnceAndTheJournalSaysHowMany) {
  fill(10);
  write("0001_count.sql", kCount);
  ASSERT_EQ(up(), "OK") << text_;
  EXPECT_EQ(numbers(), "1:10");
  EXPECT_THAT(said_, HasSubstr("10 rows in all, 4 slices"));
  const JournalRow row = last_row();
  EXPECT_EQ(row.state, "applied");
  EXPECT_EQ(row.statements_done, 1);
  EXPECT_EQ(row.batch_rows, 10);
  EXPECT_THAT(row.batch_key, HasSubstr("20"));
  EXPECT_EQ(up(), "OK");
  EXPECT_EQ(numbers(), "1:10") << "nothing is pending";
}

TEST_F(BatchRun, WhatFailsStopsThereAndGoesOnBehindWhatIsDone) {
  fill(10);
  session().execute("UPDATE t SET n = 4 WHERE id = 16");
  write("0001_count.sql", kCount);
  EXPECT_TRUE(up().starts_with("7 MG-")) << text_;
  EXPECT_THAT(text_, HasSubstr("0001_count.sql line 2"));
  EXPECT_EQ(numbers(), "0:3 1:6 4:1") << "the slice of the row is as it was";
  EXPECT_EQ(last_row().state, "partial");
  EXPECT_EQ(last_row().batch_rows, 6);
  write("0001_count.sql", "-- guildhall: batch=t(id) size=3 pause=0ms\nUPDATE t SET n = n + 2;\n");
  EXPECT_EQ(up(), "5 MG-RESUME") << "half of the rows would be otherwise";
  session().execute("UPDATE t SET n = 0 WHERE id = 16");
  write("0001_count.sql", "-- guildhall: batch=t(id) size=2 pause=0ms\nUPDATE t\nSET n = n + 1;\n");
  EXPECT_EQ(up(), "OK") << text_;
  EXPECT_EQ(numbers(), "1:10");
  EXPECT_EQ(last_row().batch_rows, 10);
}

TEST_F(BatchRun, TheConditionHoldsAndSlicesGoByTheTable) {
  fill(10);
  session().execute("UPDATE t SET n = 3 WHERE id IN (2, 18)");
  write("0001_reset.sql",
        "-- guildhall: batch size=4 pause=0ms\nDELETE FROM t WHERE n = 3 OR id = 10 -- these\n;\n");
  ASSERT_EQ(up(), "OK") << text_;
  EXPECT_EQ(numbers(), "0:7");
  EXPECT_THAT(said_, HasSubstr("3 rows in all, 3 slices"));
}

TEST_F(BatchRun, KeysOfTextAreTakenInTheDatabasesOrder) {
  session().execute("CREATE TABLE t (k text NOT NULL UNIQUE, n integer NOT NULL)");
  for (const char* key : {"''", "'a''b'", "'A'", "'\\'", "'z'", "'0'", "'\xC3\xA4'"})
    session().execute(fmt::format("INSERT INTO t VALUES ({}, 0)", key));
  write("0001_count.sql", "-- guildhall: batch=t(k) size=1 pause=0ms\nUPDATE t SET n = n + 1");
  ASSERT_EQ(up(), "OK") << text_;
  EXPECT_EQ(numbers(), "1:7");
}

TEST_F(BatchRun, WithoutAKeyNothingIsDone) {
  session().execute("CREATE TABLE t (a integer NOT NULL, b integer UNIQUE, n integer, PRIMARY KEY (a, n))");
  write("0001_count.sql", "-- guildhall: batch\nUPDATE t SET b = 1");
  EXPECT_EQ(up(), "6 E-BATCH");
  EXPECT_THAT(text_, HasSubstr("no primary key of one column"));
  write("0001_count.sql", "-- guildhall: batch=t(b)\nUPDATE t SET a = 1");
  EXPECT_EQ(up(), "6 E-BATCH");
  EXPECT_THAT(text_, HasSubstr("b is no column of t that is unique and NOT NULL"));
  EXPECT_EQ(Journal(session(), target().dialect).read()->size(), 0U);
}

TEST_F(BatchRun, TheKeyItselfIsNotSet) {
  fill(2);
  write("0001_count.sql", "-- guildhall: batch\nUPDATE t SET id = id + 1");
  EXPECT_EQ(up(), "6 E-BATCH");
  EXPECT_EQ(session().query("SELECT max(id) FROM t").at(0).at(0), "4");
}

TEST_F(BatchRun, WhatOthersReferToIsNotTakenAway) {
  fill(4);
  session().execute("CREATE TABLE u (t integer REFERENCES t (id)); INSERT INTO u VALUES (6)");
  write("0001_gone.sql",
        "-- guildhall: batch=t(id) size=1 pause=0ms allow=L03 reason=\"tested\"\nDELETE FROM t WHERE id > 0");
  EXPECT_TRUE(up().starts_with("7 MG-")) << text_;
  EXPECT_EQ(numbers(), "0:2") << "2 and 4 are gone, 6 is still there";
}

TEST_F(BatchRun, AJournalOfBeforeIsBroughtUpToDate) {
  write("0000_table.sql",
        "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL); INSERT INTO t VALUES (1, 0);");
  ASSERT_EQ(up(), "OK") << text_;
  const Dialect dialect = target().dialect;
  for (const char* column : {"batch_key", "batch_rows"})
    session().execute(
        fmt::format("ALTER TABLE {} DROP COLUMN {}", own_table(dialect, "migration_journal"), column));
  session().execute("DROP TABLE " + own_table(dialect, "migration_readers"));
  const std::string version = own_table(dialect, "migration_journal_version");
  session().execute(fmt::format("UPDATE {} SET version = 1", version));
  EXPECT_EQ(last_row().name, "0000_table") << "reading changes nothing";
  EXPECT_EQ(session().query("SELECT version FROM " + version).at(0).at(0), "1");
  write("0001_count.sql", kCount);
  ASSERT_EQ(up(), "OK") << text_;
  EXPECT_EQ(last_row().batch_rows, 1);
  EXPECT_EQ(session().query("SELECT version FROM " + version).at(0).at(0), "2");
}

TEST_F(BatchRunInPostgres, ALockedRowIsTriedAgainWithFewerRowsAndLeftForLater) {
  fill(10);
  const auto other = *target().open("");
  other->execute("BEGIN; UPDATE t SET n = n WHERE id = 16");
  write("0001_count.sql", kCount);
  EXPECT_EQ(up(), "7 MG-55P03") << text_;
  EXPECT_THAT(said_, HasSubstr("try 2 of 3 with 1 rows"));
  EXPECT_EQ(numbers(), "0:3 1:7") << "up to the row before";
  other->execute("ROLLBACK");
  EXPECT_EQ(up(), "OK") << text_;
  EXPECT_EQ(numbers(), "1:10");
}

TEST_F(BatchRunInPostgres, KeysOfAnyTypeThatHasAnOrder) {
  for (const char* type : {"uuid", "bytea", "timestamptz", "numeric", "double precision"}) {
    session().execute("DROP TABLE IF EXISTS t; DROP SCHEMA IF EXISTS guildhall CASCADE");
    session().execute(fmt::format("CREATE TABLE t (k {} PRIMARY KEY, n integer NOT NULL)", type));
    const std::string value = std::string(type) == "uuid"          ? "md5(i::text)::uuid"
                              : std::string(type) == "bytea"       ? "decode(md5(i::text), 'hex')"
                              : std::string(type) == "timestamptz" ? "now() + i * interval '0.000001 s'"
                                                                   : "i / 7.0";
    session().execute(fmt::format("INSERT INTO t SELECT {}, 0 FROM generate_series(1, 20) i", value));
    write("0001_count.sql", "-- guildhall: batch=t(k) size=3 pause=0ms\nUPDATE ONLY t AS x SET n = x.n + 1");
    ASSERT_EQ(up(), "OK") << type << ": " << text_;
    EXPECT_EQ(numbers(), "1:20") << type;
  }
}

}  // namespace
}  // namespace guildhall::migrate
