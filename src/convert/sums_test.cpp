#include "convert/sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/comparing.h"
#include "tests/support/old_club.h"

namespace guildhall::convert {
namespace {

using testing::ElementsAre;
using testing::Pair;

using AnyDatabaseSums = ClubTest<test::OnAnyDatabase>;
using SumsInPostgres = ClubTest<test::OnPostgres>;
using SumsOfSqlite = ClubTest<test::OnSqlite>;

Amount rows_of(const Sums& sums, std::string_view table) { return all_of(sums.find(table)->all); }

/// Buckets that are not the same.
int differences(const Sums& one, const Sums& other, std::string_view table, std::string_view kind = "rows") {
  const Comparison compared = compare(*one.find(table, kind), *other.find(table, kind), {Writers::stopped});
  return static_cast<int>(compared.differences);
}

constexpr std::string_view kOwner = "parent raffles by raffle_id";

TEST_F(AnyDatabaseSums, NeitherTheOrderOfRowsNorOfColumnsCounts) {
  const Sums before = sums();
  run("DROP TABLE history; CREATE TABLE history (change integer, member text);"
      "INSERT INTO history VALUES (-2, 'bob'), (5, 'alice'), (5, 'alice')");
  const Sums after = sums();
  EXPECT_EQ(rows_of(before, "history"), rows_of(after, "history"));
  EXPECT_EQ(rows_of(before, "history").rows, 3);
}

TEST_F(AnyDatabaseSums, NothingAnEmptyTextAndTheWordNullAreThreeThings) {
  std::vector<Wide> hashes;
  for (const char* note : {"NULL", "''", "'NULL'"}) {
    run(fmt::format("UPDATE members SET note = {} WHERE id = 1", note));
    hashes.push_back(rows_of(sums(), "members").hash);
  }
  EXPECT_NE(hashes[0], hashes[1]);
  EXPECT_NE(hashes[0], hashes[2]);
  EXPECT_NE(hashes[1], hashes[2]);
}

TEST_F(AnyDatabaseSums, WhatOneColumnLosesAnotherDoesNotGain) {
  run("CREATE TABLE pairs (a text, b text, discord_server_id bigint)");
  run("INSERT INTO pairs (a, b) VALUES ('x', 'y,z')");
  const Sums before = sums();
  run("UPDATE pairs SET a = 'x,y', b = 'z'");
  EXPECT_NE(rows_of(before, "pairs"), rows_of(sums(), "pairs"));
}

TEST_F(AnyDatabaseSums, OneChangedValueChangesOneBucket) {
  const Sums before = sums();
  run("UPDATE members SET points = 31 WHERE name = 'bob'");
  EXPECT_EQ(differences(before, sums(), "members"), 1);
  EXPECT_EQ(differences(before, sums(), "tickets"), 0);
}

TEST_F(AnyDatabaseSums, AValueThatTwoRowsHaveSwappedIsSeenInTheSumOfAll) {
  const Sums before = sums();
  run("UPDATE members SET points = 80 - points WHERE name IN ('alice', 'bob')");
  EXPECT_NE(rows_of(before, "members").hash, rows_of(sums(), "members").hash);
  EXPECT_EQ(rows_of(before, "members").rows, rows_of(sums(), "members").rows);
}

TEST_F(AnyDatabaseSums, TheServerOfARowDoesNotCount) {
  const Sums before = sums();
  add_columns();
  const Sums after = sums(&before);
  for (const char* table : {"members", "raffles", "tickets", "settings", "history"})
    EXPECT_EQ(differences(before, after, table), 0) << table;
}

TEST_F(AnyDatabaseSums, EachServerIsAddedUpByItself) {
  const Sums before = sums();
  EXPECT_TRUE(before.find("members")->servers.empty());
  const auto& servers = before.find("raffles")->servers;
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(servers[0].server, std::to_string(kHome));
  EXPECT_EQ(servers[1].server, "NULL");
  Amount all = servers[0].amount;
  all += servers[1].amount;
  EXPECT_EQ(all, rows_of(before, "raffles"));
}

TEST_F(AnyDatabaseSums, TotalsAreExactHoweverGreat) {
  EXPECT_THAT(sums().find("members")->totals, ElementsAre(Pair("points", "100")));
  run("UPDATE members SET points = 9223372036854775807 WHERE id IN (1, 2)");
  run("UPDATE members SET points = -1 WHERE id = 3");
  EXPECT_THAT(sums().find("members")->totals, ElementsAre(Pair("points", "18446744073709551613")));
}

TEST_F(AnyDatabaseSums, NoRowsAddUpToNothing) {
  run("DELETE FROM history");
  const Sums empty = sums();
  EXPECT_EQ(rows_of(empty, "history"), Amount{});
  EXPECT_THAT(empty.find("history")->totals, ElementsAre(Pair("change", "0")));
}

TEST_F(AnyDatabaseSums, ManyRowsAreAddedUpOnceEach) {
  run("DELETE FROM history");
  run("INSERT INTO history WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5001) "
      "SELECT 'member ' || i, i FROM n");
  const Sums many = sums();
  EXPECT_EQ(rows_of(many, "history").rows, 5'001);
  EXPECT_THAT(many.find("history")->totals, ElementsAre(Pair("change", "12507501")));
}

// --- of whom a row is

TEST_F(AnyDatabaseSums, ParentsThatGotOtherNumbersAreSeenThoughAllCountsAreTheSame) {
  const Sums before = sums();
  run("UPDATE raffles SET id = 3 WHERE id = 1; UPDATE raffles SET id = 1 WHERE id = 2;"
      "UPDATE raffles SET id = 2 WHERE id = 3");
  const Sums after = sums(&before);
  EXPECT_EQ(rows_of(before, "tickets"), rows_of(after, "tickets"));
  EXPECT_EQ(rows_of(before, "raffles").rows, rows_of(after, "raffles").rows);
  EXPECT_GT(differences(before, after, "tickets", kOwner), 0);
}

TEST_F(AnyDatabaseSums, NumbersGivenAnewEverywhereLeaveEachRowWithItsOwner) {
  const Sums before = sums();
  run("UPDATE raffles SET id = id + 100; UPDATE tickets SET raffle_id = raffle_id + 100, id = id + 1000");
  const Sums after = sums(&before);
  EXPECT_EQ(differences(before, after, "tickets", kOwner), 0);
  EXPECT_GT(differences(before, after, "tickets"), 0);
}

TEST_F(AnyDatabaseSums, ARowWhoseParentIsGoneHasAnother) {
  const Sums before = sums();
  run("DELETE FROM raffles WHERE id = 2");
  EXPECT_EQ(differences(before, sums(&before), "tickets", kOwner), 2);
}

TEST_F(AnyDatabaseSums, AParentIsKnownByItsPersonWhereTheDescriptionSaysSo) {
  description_.tables["raffles"].person = {"label"};
  const Sums before = sums();
  EXPECT_THAT(before.find("tickets", kOwner)->measure.parent_columns, ElementsAre("label"));
  run("UPDATE raffles SET label = 'autumn' WHERE id = 1");
  EXPECT_EQ(differences(before, sums(&before), "tickets", kOwner), 2);
}

// --- kept

TEST_F(AnyDatabaseSums, WhatIsPutDownComesBackAndIsNeverOverwritten) {
  Records records(session(), dialect());
  records.prepare();
  EXPECT_FALSE(remembered_sums(records, 1, "before"));
  const Sums before = sums();
  remember(session(), records, 1, "before", before);
  run("DELETE FROM members");
  remember(session(), records, 1, "before", sums());
  const auto kept = remembered_sums(records, 1, "before");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->snapshot, before.snapshot);
  EXPECT_EQ(kept->measured.size(), before.measured.size());
  for (const Measured& one : before.measured) {
    const Measured* found = kept->find(one.measure.table, one.measure.kind);
    ASSERT_NE(found, nullptr) << one.measure.table;
    EXPECT_EQ(found->all, one.all);
    EXPECT_EQ(found->totals, one.totals);
    EXPECT_EQ(found->measure.columns, one.measure.columns);
    EXPECT_EQ(found->measure.parent_columns, one.measure.parent_columns);
    EXPECT_EQ(found->measure.key, one.measure.key);
    EXPECT_EQ(found->measure.buckets, one.measure.buckets);
    EXPECT_EQ(found->servers.size(), one.servers.size());
  }
  ASSERT_EQ(kept->shown.size(), 2U);
  EXPECT_EQ(kept->shown[0].rows.at(0).name, "alice");
  EXPECT_EQ(kept->shown[0].rows.at(0).value, "50");
  // And for whoever looks with SQL.
  const auto rows = records.sums(1, "before");
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows[0].table, "history");
  EXPECT_EQ(rows[0].totals, R"({"change":"8"})");
}

TEST_F(AnyDatabaseSums, InWhichWayTheyWereHashedIsKeptBesideThem) {
  Records records(session(), dialect());
  records.prepare();
  const Sums before = sums();
  EXPECT_EQ(before.hashing, hashing_of(dialect()));
  remember(session(), records, 1, "before", before);
  EXPECT_EQ(remembered_sums(records, 1, "before")->hashing, before.hashing);
  // Builds that did not say so hashed in the first way.
  run(fmt::format("DELETE FROM {}guildhall_conversion_facts WHERE kind = 'hashing'",
                  postgres() ? "guildhall." : ""));
  EXPECT_EQ(remembered_sums(records, 1, "before")->hashing, 1);
}

TEST_F(AnyDatabaseSums, WhoeverAsksToStopIsHeard) {
  std::stop_source source;
  source.request_stop();
  const auto taken = take_sums_apart(session(), scheme(), {nullptr, {.stop = source.get_token()}});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().exit, migrate::Exit::interrupted);
  EXPECT_FALSE(session().in_transaction());
}

TEST_F(AnyDatabaseSums, AColumnThatSomebodyTookAwayMeanwhileIsNamed) {
  const Sums before = sums();
  run("ALTER TABLE members DROP COLUMN note");
  const auto taken = take_sums_apart(session(), scheme(), {&before, {}});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().finding.code, "CV-GONE");
  EXPECT_THAT(taken.error().finding.text, testing::HasSubstr("members.note"));
}

TEST_F(AnyDatabaseSums, ItSaysHowFarItIs) {
  std::vector<std::string> said;
  SumOptions options;
  options.reporting.every = std::chrono::milliseconds(0);
  options.reporting.report = [&](const migrate::Progress& progress) {
    if (said.size() < 100) said.push_back(fmt::format("{} of {}", progress.step, progress.all));
  };
  // As often as it takes until the other thread was heard once.
  while (said.empty()) ASSERT_TRUE(take_sums_apart(session(), scheme(), options));
  EXPECT_EQ(said[0], "adding up the tables of 6");
}

// --- under writers

Comparison under_writers(const Sums& before, const Sums& after, std::string_view table,
                         std::string_view kind = "rows") {
  return compare(*before.find(table, kind), *after.find(table, kind), {Writers::running});
}

TEST_F(SumsInPostgres, WhatNobodyHasWrittenToIsProvedAndTheRestIsNot) {
  const Sums before = sums();
  run("UPDATE members SET points = points + 1 WHERE name = 'alice'");
  run("INSERT INTO members VALUES (10, 'new', 1, NULL)");
  run("DELETE FROM members WHERE name = 'eve'");
  add_columns();
  const Sums after = sums(&before);
  const Comparison members = under_writers(before, after, "members");
  EXPECT_EQ(members.verdict, Verdict::written);
  EXPECT_EQ(members.proven, 2);
  EXPECT_EQ(under_writers(before, after, "history").verdict, Verdict::equal);
}

TEST_F(SumsInPostgres, RowsThatOnlyCameAlongLeaveTheOldOnesProved) {
  const Sums before = sums();
  run("INSERT INTO history SELECT 'somebody', 1 FROM generate_series(1, 1000)");
  const Comparison history = under_writers(before, sums(&before), "history");
  EXPECT_EQ(history.verdict, Verdict::written);
  EXPECT_EQ(history.proven, 3);
}

/// A column that is dropped and added again has other values, and no row was written.
TEST_F(SumsInPostgres, ValuesThatChangedWithoutAWriteAreSeenUnderWriters) {
  const Sums before = sums();
  run("ALTER TABLE members DROP COLUMN points; ALTER TABLE members ADD COLUMN points bigint DEFAULT 7");
  const Comparison members = under_writers(before, sums(&before), "members");
  EXPECT_EQ(members.verdict, Verdict::differs);
  EXPECT_GT(members.differences, 0);
}

TEST_F(SumsInPostgres, WhoWasAtWorkWhenTheSnapshotWasTakenHasWrittenSince) {
  auto other = *target().open("");
  other->execute("BEGIN; UPDATE members SET points = 1 WHERE name = 'alice'");
  // Somebody who came later is done already.
  run("INSERT INTO history VALUES ('later', 1)");
  const Sums before = sums();
  other->execute("COMMIT");
  const Comparison members = under_writers(before, sums(&before), "members");
  EXPECT_EQ(members.verdict, Verdict::written);
  EXPECT_EQ(members.proven, 3);
}

TEST_F(SumsInPostgres, WhoeverWritesAParentWritesWhoItsRowsAreOf) {
  const Sums before = sums();
  run("UPDATE raffles SET label = 'winter' WHERE id = 1");
  const Comparison owners = under_writers(before, sums(&before), "tickets", kOwner);
  EXPECT_EQ(owners.verdict, Verdict::written);
  EXPECT_EQ(owners.proven, 2);
}

/// No key spans both, so that a row may have one parent in each.
TEST_F(SumsInPostgres, ARowThatHasAParentInATableThatInheritsAsWellIsCountedOnce) {
  const Sums before = sums();
  run("CREATE TABLE old_raffles (PRIMARY KEY (id)) INHERITS (raffles); INSERT INTO old_raffles SELECT * FROM "
      "raffles");
  const Sums after = sums(&before);
  EXPECT_EQ(rows_of(after, "tickets").rows, 4);
  EXPECT_EQ(differences(before, after, "tickets"), 0);
  EXPECT_EQ(after.find("tickets")->totals, before.find("tickets")->totals);
  EXPECT_GT(differences(before, after, "tickets", kOwner), 0) << "that is seen";
}

TEST_F(SumsInPostgres, WhatTheSessionIsToldOfTimesAndNumbersMakesNoDifference) {
  run("CREATE TABLE kinds (id integer PRIMARY KEY, at timestamptz, day date, long interval, bytes bytea, "
      "ratio double precision, discord_server_id bigint);"
      "INSERT INTO kinds VALUES (1, '2026-01-02 03:04:05.678+02', '2026-03-04', '1 year 2 days 03:00', "
      "'\\xdeadbeef', 0.1, NULL)");
  const Amount before = rows_of(sums(), "kinds");
  run("SET datestyle = 'German, DMY'; SET timezone = 'Asia/Tokyo'; SET intervalstyle = 'sql_standard'; "
      "SET extra_float_digits = -2; SET bytea_output = 'escape'");
  EXPECT_EQ(rows_of(sums(), "kinds"), before);
  EXPECT_EQ(session().query("SHOW timezone")[0][0], "Asia/Tokyo");
}

TEST_F(SumsInPostgres, AColumnThatWasWidenedHoldsTheSameValues) {
  run("CREATE TABLE widths (id smallint PRIMARY KEY, n smallint, m integer, word varchar(9), "
      "discord_server_id bigint);"
      "INSERT INTO widths VALUES (1, -32768, -2147483648, 'a', NULL), (2, 32767, 2147483647, '', NULL), "
      "(3, -1, -1, 'c', NULL), (4, 0, 0, NULL, NULL), (5, NULL, NULL, 'e', NULL)");
  const Sums before = sums();
  run("ALTER TABLE widths ALTER n TYPE integer, ALTER m TYPE bigint, ALTER word TYPE text;"
      "ALTER TABLE raffles ALTER id TYPE bigint; ALTER TABLE tickets ALTER id TYPE bigint");
  const Sums after = sums(&before);
  EXPECT_EQ(differences(before, after, "widths"), 0);
  EXPECT_EQ(differences(before, after, "tickets"), 0);
  EXPECT_EQ(differences(before, after, "tickets", kOwner), 0);
  run("ALTER TABLE widths ALTER id TYPE bigint, ALTER n TYPE bigint");
  EXPECT_EQ(differences(before, sums(&before), "widths"), 0);
}

/// PostgreSQL's own hash folds the halves of a number together, so that some pairs have one: with 0 and -1
/// those whose halves are alike, of two great ones those that change halves.
TEST_F(SumsInPostgres, GreatNumbersThatAreFoldedAlikeAreDifferent) {
  for (const auto& [one, other] : {std::pair{"0", "4294967297"},
                                   {"-1", "-4294967297"},
                                   {"2147483647", "-2147483648"},
                                   {"8589934595", "12884901890"}}) {
    run(fmt::format("UPDATE members SET points = {} WHERE name = 'bob'", one));
    const Sums before = sums();
    run(fmt::format("UPDATE members SET points = {} WHERE name = 'bob'", other));
    EXPECT_EQ(differences(before, sums(&before), "members"), 1) << one << ' ' << other;
  }
}

TEST_F(SumsInPostgres, ColumnsOfSeveralCollationsAreAddedUp) {
  run("CREATE TABLE words (a text COLLATE \"C\", b text COLLATE \"POSIX\", discord_server_id bigint);"
      "INSERT INTO words VALUES ('x', 'y', NULL)");
  EXPECT_EQ(rows_of(sums(), "words").rows, 1);
}

TEST_F(SumsInPostgres, DecimalsKeepTheirDigits) {
  run("CREATE TABLE wagers (id integer PRIMARY KEY, usd numeric(15,2), discord_server_id bigint);"
      "INSERT INTO wagers VALUES (1, 0.10, NULL), (2, 0.20, NULL), (3, NULL, NULL)");
  description_.tables["wagers"] = {.table = "wagers", .column = "discord_server_id", .sums = {"usd"}};
  EXPECT_THAT(sums().find("wagers")->totals, ElementsAre(Pair("usd", "0.30")));
}

TEST_F(SumsOfSqlite, EveryByteOfATextCounts) {
  run("UPDATE members SET note = 'a' || char(0) || 'b' WHERE id = 1");
  const Sums before = sums();
  run("UPDATE members SET note = 'a' || char(0) || 'c' WHERE id = 1");
  EXPECT_EQ(differences(before, sums(), "members"), 1);
}

TEST_F(SumsOfSqlite, ANumberAndItsDigitsAreTwoThings) {
  run("UPDATE members SET note = 5 WHERE id = 1");
  const Sums text = sums();
  run("UPDATE members SET note = CAST('5' AS BLOB) WHERE id = 1");
  EXPECT_EQ(differences(text, sums(), "members"), 1);
}

TEST_F(SumsOfSqlite, RealsCountToSixDecimals) {
  run("UPDATE history SET change = 0.1; UPDATE history SET change = -1.25 WHERE member = 'bob'");
  EXPECT_THAT(sums().find("history")->totals, ElementsAre(Pair("change", "-1.05")));
}

TEST_F(SumsOfSqlite, TablesWithoutRowidAreReadToTheirEnd) {
  run("CREATE TABLE keyed (name text PRIMARY KEY, n integer, discord_server_id bigint) WITHOUT ROWID");
  run("INSERT INTO keyed WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5001) "
      "SELECT 'member ' || i, i, NULL FROM n");
  EXPECT_EQ(rows_of(sums(), "keyed").rows, 5'001);
}

TEST_F(SumsOfSqlite, AColumnMayBeCalledRowid) {
  run("CREATE TABLE odd (rowid text, \"_rowid_\" text, discord_server_id bigint);"
      "INSERT INTO odd VALUES ('same', 'same', NULL), ('same', 'same', NULL)");
  EXPECT_EQ(rows_of(sums(), "odd").rows, 2);
}

TEST_F(SumsOfSqlite, ReferencesThatLeadNowhereAreCountedRowByRow) {
  run("CREATE TABLE parents (id integer PRIMARY KEY, discord_server_id bigint);"
      "CREATE TABLE children (id integer PRIMARY KEY, of integer REFERENCES parents (id), discord_server_id "
      "bigint);"
      "PRAGMA foreign_keys = OFF; INSERT INTO children VALUES (1, 99, NULL), (2, 98, NULL); "
      "INSERT INTO parents VALUES (1, NULL)");
  const Sums before = sums();
  ASSERT_TRUE(before.violations);
  EXPECT_EQ(before.violations->rows, 2);
  run("UPDATE children SET of = 1 WHERE id = 1; INSERT INTO children VALUES (3, 97, NULL)");
  EXPECT_EQ(sums().violations->rows, 2);
  EXPECT_NE(sums().violations, before.violations);
}

}  // namespace
}  // namespace guildhall::convert
