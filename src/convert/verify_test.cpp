#include "convert/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/comparing.h"
#include "convert/postgres_steps.h"
#include "tests/support/old_club.h"

namespace guildhall::convert {
namespace {

using migrate::Level;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <class Fixture>
class VerifyTest : public ClubTest<Fixture> {
 protected:
  using ClubTest<Fixture>::session;
  using ClubTest<Fixture>::dialect;

  /// Adds up what there is, and gives every row its server.
  void convert() {
    remember_sums();
    this->add_columns();
  }
  void remember_sums() {
    Records records(session(), dialect());
    records.prepare();
    remember(session(), records, 1, "before", this->sums());
  }
  void refuse(const Refused& row) { Records(session(), dialect()).refuse(1, row); }

  Verification verify(VerifyOptions options = {}) {
    const Scheme& scheme = this->scheme();
    Records records(session(), dialect());
    auto found = convert::verify(session(), scheme, records, 1, options);
    if (!found) throw std::runtime_error(found.error().finding.text);
    return *std::move(found);
  }
  Verification verify_at_rest() { return verify({.writers = Writers::stopped}); }

  static std::vector<std::string> errors(const Verification& found) {
    std::vector<std::string> codes;
    for (const migrate::Finding& finding : found.findings) {
      if (finding.level == Level::error) codes.push_back(finding.code);
    }
    return codes;
  }
  static const TableComparison& table(const Verification& found, std::string_view name) {
    return *std::ranges::find(found.tables, name, &TableComparison::table);
  }
  static Verdict verdict(const Verification& found, std::string_view name) {
    return table(found, name).verdict;
  }
};

using AnyDatabaseVerify = VerifyTest<test::OnAnyDatabase>;
using VerifyInPostgres = VerifyTest<test::OnPostgres>;
using VerifyOfSqlite = VerifyTest<test::OnSqlite>;

TEST_F(AnyDatabaseVerify, AConversionThatLostNothingIsGood) {
  convert();
  const Verification found = verify_at_rest();
  EXPECT_TRUE(found.ok);
  EXPECT_THAT(errors(found), IsEmpty());
  EXPECT_EQ(found.tables.size(), 5U);
  for (const TableComparison& one : found.tables) {
    EXPECT_EQ(one.verdict, Verdict::equal) << one.table;
    EXPECT_EQ(one.proven, one.rows_before) << one.table;
  }
  ASSERT_EQ(found.owners.size(), 1U);
  EXPECT_EQ(found.owners[0].parent, "raffles by raffle_id");
  EXPECT_EQ(found.owners[0].proven, 4);
  EXPECT_THAT(found.checks, testing::Each(testing::Field(&Answered::holds, true)));
  EXPECT_GE(found.checks.size(), 6U);
  EXPECT_FALSE(session().in_transaction());
}

TEST_F(AnyDatabaseVerify, WithoutSumsOfBeforeThereIsNothingToCompareWith) {
  Records records(session(), dialect());
  records.prepare();
  const auto found = convert::verify(session(), scheme(), records, 1, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().exit, migrate::Exit::refused);
  EXPECT_EQ(found.error().finding.code, "CV-NOSUMS");
}

TEST(TotalsOfRefusedRows, CountToTheLastDecimal) {
  const auto explained = [](const std::string& was, const std::string& is, const std::string& value) {
    const Measured before{.measure = {}, .all = {}, .totals = {{"coins", was}}};
    const Measured after{.measure = {}, .all = {}, .totals = {{"coins", is}}};
    const Refused row{.table = "wallets", .row = R"({"coins":")" + value + "\"}", .done = "put aside"};
    return are_totals_explained(before, after, {.duplicates = Duplicates::first}, {row});
  };
  EXPECT_TRUE(explained("2.00000001", "1.50000000", "0.50000001"));
  EXPECT_TRUE(explained("1.000000000000000000", "-0.5", "1.5"));
  EXPECT_FALSE(explained("2.00000001", "1.50000000", "0.50000000"));
  EXPECT_FALSE(explained("2.0000000000001", "2", "0.0000000000001")) << "more digits than it can tell";
}

TEST_F(AnyDatabaseVerify, SumsOfAnotherWayOfHashingAreNeitherComparedNorPassed) {
  convert();
  const std::string facts =
      postgres() ? "guildhall.guildhall_conversion_facts" : "guildhall_conversion_facts";
  run(fmt::format("UPDATE {} SET fact = '77' WHERE kind = 'hashing'", facts));
  Records records(session(), dialect());
  const auto found = convert::verify(session(), scheme(), records, 1, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().exit, migrate::Exit::refused);
  EXPECT_EQ(found.error().finding.code, "CV-HASHING");
  EXPECT_THAT(found.error().finding.text, HasSubstr("says nothing of the rows"));
  EXPECT_THAT(found.error().finding.hint, HasSubstr("convert rollback"));
  // What compares no rows does not need them.
  EXPECT_TRUE(verify({.proof = Proof::servers}).ok);
}

TEST_F(AnyDatabaseVerify, ALostRowIsSeen) {
  convert();
  run("DELETE FROM history WHERE member = 'bob'");
  const Verification found = verify_at_rest();
  EXPECT_FALSE(found.ok);
  EXPECT_THAT(errors(found), Contains("CV-SUM"));
  EXPECT_EQ(verdict(found, "history"), Verdict::differs);
  EXPECT_EQ(verdict(found, "members"), Verdict::equal);
}

TEST_F(AnyDatabaseVerify, AChangedValueIsSeenThoughAllCountsAndTotalsAreTheSame) {
  convert();
  run("UPDATE members SET points = points - 1 WHERE id = 1; UPDATE members SET points = points + 1 WHERE id "
      "= 2");
  const Verification found = verify_at_rest();
  EXPECT_EQ(table(found, "members").totals.at(0).after, "100");
  EXPECT_EQ(verdict(found, "members"), Verdict::differs);
}

TEST_F(AnyDatabaseVerify, ARowThatIsThereTwiceInsteadOfAnotherIsSeen) {
  convert();
  run("UPDATE history SET member = 'alice', change = 5 WHERE member = 'bob'");
  EXPECT_EQ(verdict(verify_at_rest(), "history"), Verdict::differs);
}

TEST_F(AnyDatabaseVerify, RowsThatBelongToSomebodyElseNowAreSeen) {
  convert();
  run("UPDATE raffles SET label = CASE id WHEN 1 THEN 'summer' ELSE 'spring' END");
  const Verification found = verify_at_rest();
  EXPECT_THAT(errors(found), Contains("CV-OWNER"));
  EXPECT_EQ(found.owners.at(0).verdict, Verdict::differs);
}

TEST_F(AnyDatabaseVerify, RowsWithoutAServerOrOfOneThatNobodyKnowsAreSeen) {
  remember_sums();
  EXPECT_THAT(errors(verify_at_rest()), Contains("CV-NOSERVER"));
  add_columns();
  EXPECT_TRUE(verify_at_rest().ok);
  run("UPDATE members SET discord_server_id = 4242 WHERE id = 1");
  EXPECT_THAT(errors(verify_at_rest()), Contains("CV-UNLISTED"));
  run("UPDATE members SET discord_server_id = 0 WHERE id = 1");
  EXPECT_THAT(errors(verify_at_rest()), Contains("CV-ZERO"));
  run("UPDATE members SET discord_server_id = -1 WHERE id = 1");
  EXPECT_THAT(errors(verify_at_rest()), Contains("CV-RANGE"));
}

TEST_F(AnyDatabaseVerify, RowsThatWentToAnotherServerAreSeenThoughNoneIsMissing) {
  convert();
  run(fmt::format("UPDATE members SET discord_server_id = {} WHERE id = 1", kOther));
  const Verification found = verify_at_rest();
  EXPECT_EQ(verdict(found, "members"), Verdict::equal);
  EXPECT_THAT(errors(found), ElementsAre("CV-SERVERSUM"));
}

TEST_F(AnyDatabaseVerify, SettingsOfAllServersStayThoseOfAll) {
  convert();
  EXPECT_THAT(errors(verify_at_rest()), IsEmpty());
  run("UPDATE settings SET value = 'x' WHERE discord_server_id = 0");
  EXPECT_EQ(verdict(verify_at_rest(), "settings"), Verdict::differs);
}

TEST_F(AnyDatabaseVerify, AChildOfAnotherServerThanItsParentIsSeen) {
  convert();
  run(fmt::format("UPDATE tickets SET discord_server_id = {} WHERE id = 1", kOther));
  const Verification found = verify_at_rest();
  EXPECT_THAT(errors(found), Contains("CV-CONTRADICT"));
  // It leads to no parent of its own server any more.
  EXPECT_THAT(errors(found), Contains("CV-OWNER"));
}

// --- refused rows

TEST_F(AnyDatabaseVerify, RowsThatGaveWayByARuleAreNoLoss) {
  convert();
  run("DELETE FROM members WHERE id = 3");
  EXPECT_THAT(errors(verify_at_rest()), Contains("CV-SUM"));
  refuse({"members", R"({"id":"3","name":"Bob","points":"20"})", "the same name twice", "merged"});
  const Verification found = verify_at_rest();
  EXPECT_EQ(verdict(found, "members"), Verdict::explained);
  EXPECT_EQ(table(found, "members").refused, 1);
  EXPECT_TRUE(found.ok);
}

TEST_F(AnyDatabaseVerify, MoreThanTheRefusedRowsHeldIsALoss) {
  convert();
  run("DELETE FROM members WHERE id = 3; UPDATE members SET points = 49 WHERE id = 1");
  refuse({"members", R"({"id":"3","name":"Bob","points":"20"})", "the same name twice", "merged"});
  EXPECT_EQ(verdict(verify_at_rest(), "members"), Verdict::differs);
}

TEST_F(AnyDatabaseVerify, WhereTheRuleIsToSumNothingMayGoFromTheTotals) {
  convert();
  description_.tables["members"].duplicates = Duplicates::sum;
  run("DELETE FROM members WHERE id = 3");
  refuse({"members", R"({"id":"3","name":"Bob","points":"20"})", "the same name twice", "merged"});
  EXPECT_EQ(verdict(verify_at_rest(), "members"), Verdict::differs);
  run("UPDATE members SET points = points + 20 WHERE name = 'bob'");
  EXPECT_EQ(verdict(verify_at_rest(), "members"), Verdict::explained);
}

TEST_F(AnyDatabaseVerify, ARefusedRowThatWasKeptExplainsNothing) {
  convert();
  run("DELETE FROM members WHERE id = 3");
  refuse({"members", R"({"id":"3","name":"Bob","points":"20"})", "no parent", "kept"});
  EXPECT_EQ(verdict(verify_at_rest(), "members"), Verdict::differs);
}

/// Else every row that got its parent's server would excuse the loss of another.
TEST_F(AnyDatabaseVerify, ARowThatOnlyWentToAnotherServerExplainsNoLoss) {
  convert();
  run("DELETE FROM raffles WHERE id = 2; UPDATE tickets SET raffle_id = 1, member = 'x' || id WHERE "
      "raffle_id = 2");
  refuse({"raffles", R"({"id":1,"label":"spring"})", "it got another server", "moved"});
  EXPECT_EQ(verdict(verify_at_rest(), "raffles"), Verdict::differs);
  refuse({"raffles", R"({"id":2,"label":"summer"})", "it gave way", "put aside"});
  EXPECT_EQ(verdict(verify_at_rest(), "raffles"), Verdict::explained);
}

TEST_F(AnyDatabaseVerify, MoreRowsThanBeforeAreNeverExplained) {
  convert();
  run(fmt::format("INSERT INTO history VALUES ('mallory', 1000000, {})", kHome));
  refuse({"history", R"({"member":"x","change":"-1000000"})", "", "merged"});
  EXPECT_EQ(verdict(verify_at_rest(), "history"), Verdict::differs);
}

// --- what people see

TEST_F(AnyDatabaseVerify, ListsShowTheSameNamesBeforeAndAfter) {
  convert();
  run("UPDATE members SET points = 1000 WHERE name = 'eve'; UPDATE members SET points = 49 WHERE name = "
      "'alice'");
  run("DELETE FROM members WHERE name = 'Bob'");
  const Verification found = verify();
  ASSERT_EQ(found.lists.size(), 2U);
  std::vector<std::string> rows;
  for (const ListRow& row : found.lists[0].rows)
    rows.push_back(fmt::format("{}: {} {}", row.name, row.before, row.after));
  EXPECT_THAT(rows, ElementsAre("alice: 50 49", "bob: 30 30", "Bob: 20 ", "eve: 0 1000"));
  EXPECT_EQ(found.lists[1].title, "Tickets");
  EXPECT_EQ(found.lists[1].rows.at(0).name, "1");
  EXPECT_EQ(found.lists[1].rows.at(0).before, "12");
  EXPECT_EQ(found.lists[1].rows.at(1).after, "24");
}

TEST_F(AnyDatabaseVerify, TwinsAndRefusedRowsAreToldAgain) {
  convert();
  refuse({"tickets", R"({"id":"9"})", "it has no raffle", "kept"});
  const Verification found = verify();
  ASSERT_EQ(found.twins.size(), 1U);
  EXPECT_THAT(found.twins[0].names, ElementsAre("Bob", "bob"));
  ASSERT_EQ(found.refused.size(), 1U);
  EXPECT_EQ(found.refused[0].reason, "it has no raffle");
}

// --- under writers

TEST_F(VerifyInPostgres, AColumnThatTheOldBotsOwnerWidenedIsNoChange) {
  convert();
  run("ALTER TABLE tickets ALTER id TYPE bigint, ALTER amount TYPE bigint");
  const Verification found = verify_at_rest();
  EXPECT_THAT(errors(found), IsEmpty());
  EXPECT_EQ(verdict(found, "tickets"), Verdict::equal);
  EXPECT_EQ(table(found, "tickets").totals.at(0).after, "36");
}

TEST_F(VerifyInPostgres, WhatOthersWroteMeanwhileIsNoFault) {
  remember_sums();
  run("UPDATE members SET points = points + 5 WHERE id = 1; INSERT INTO history VALUES ('alice', 5)");
  add_columns();
  const Verification found = verify();
  EXPECT_TRUE(found.ok);
  EXPECT_EQ(verdict(found, "members"), Verdict::written);
  EXPECT_EQ(table(found, "members").proven, 3);
  EXPECT_EQ(table(found, "history").proven, 3);
  EXPECT_EQ(table(found, "history").rows_after, 4);
  // Whoever says that nobody wrote is told otherwise.
  EXPECT_FALSE(verify_at_rest().ok);
}

TEST_F(VerifyInPostgres, FewerRowsUnderWritersAreToldAndCannotBeJudged) {
  convert();
  run("DELETE FROM history WHERE member = 'bob'");
  const Verification found = verify();
  EXPECT_TRUE(found.ok);
  EXPECT_THAT(found.findings, ElementsAre(testing::Field(&migrate::Finding::code, "CV-FEWER")));
}

TEST_F(VerifyInPostgres, ValuesThatChangedWithoutAWriteAreAFaultAlsoUnderWriters) {
  convert();
  run("ALTER TABLE members DROP COLUMN points; ALTER TABLE members ADD COLUMN points bigint DEFAULT 7");
  EXPECT_THAT(errors(verify()), Contains("CV-SUM"));
}

// --- the schema

TEST_F(VerifyInPostgres, KeysBetweenServersAreSeenOnceTheyHaveToBeGone) {
  convert();
  const auto keys = [&] {
    std::vector<std::string> found;
    for (const migrate::Finding& finding : verify({.contracted = true}).findings) {
      if (finding.code == "CV-KEY") found.push_back(finding.text);
    }
    return found;
  };
  EXPECT_THAT(errors(verify()), IsEmpty());
  const std::size_t before = keys().size();
  EXPECT_THAT(keys(), Contains(HasSubstr("members_name_key")));
  run("ALTER TABLE members DROP CONSTRAINT members_name_key, ADD UNIQUE (discord_server_id, name)");
  EXPECT_EQ(keys().size(), before - 1);
  run("ALTER TABLE raffles ADD UNIQUE (discord_server_id, id);"
      "ALTER TABLE tickets ADD CONSTRAINT between FOREIGN KEY (raffle_id) REFERENCES raffles (id)");
  EXPECT_THAT(keys(), Contains(HasSubstr("the foreign key between")));
  run("ALTER TABLE tickets DROP CONSTRAINT between, ADD CONSTRAINT within FOREIGN KEY (discord_server_id, "
      "raffle_id) REFERENCES raffles (discord_server_id, id)");
  EXPECT_THAT(keys(), testing::Not(Contains(HasSubstr("within"))));
}

TEST_F(VerifyInPostgres, WhatWasNeverCheckedIsSeen) {
  convert();
  run("ALTER TABLE members ADD CONSTRAINT named CHECK (name <> '') NOT VALID");
  EXPECT_THAT(errors(verify()), ElementsAre("CV-INVALID"));
  run("ALTER TABLE members VALIDATE CONSTRAINT named");
  run("ALTER TABLE members ADD CONSTRAINT known FOREIGN KEY (discord_server_id) REFERENCES servers NOT "
      "VALID");
  EXPECT_THAT(errors(verify()), ElementsAre("CV-INVALID"));
  run("ALTER TABLE members VALIDATE CONSTRAINT known");
  EXPECT_TRUE(verify().ok);
  // A unique index that could not be finished: two rows are alike.
  EXPECT_ANY_THROW(run("CREATE UNIQUE INDEX CONCURRENTLY once ON history (discord_server_id, member)"));
  EXPECT_THAT(errors(verify()), ElementsAre("CV-INVALID"));
}

// --- the seal

class SealInPostgres : public VerifyInPostgres {
 protected:
  void SetUp() override {
    VerifyInPostgres::SetUp();
    role_ = "club_" + session().query("SELECT current_database()")[0][0];
    run(fmt::format("CREATE ROLE {0} NOLOGIN; GRANT {0} TO CURRENT_USER", role_));
    convert();
    run(fmt::format("INSERT INTO history VALUES ('zoe', 1, {})", kOther));
    for (const char* name : {"members", "raffles", "tickets", "settings", "history"}) seal(name);
  }
  void TearDown() override { run(fmt::format("DROP OWNED BY {0}; DROP ROLE {0}", role_)); }

  void seal(const std::string& name) {
    const std::string own = "discord_server_id = current_setting('guildhall.server_id')::bigint";
    run(
        fmt::format("GRANT SELECT ON {0} TO {1}; CREATE POLICY sealed ON {0} TO {1} USING ({2}); "
                    "CREATE POLICY {3} ON {0} TO CURRENT_USER USING (true); "
                    "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
                    name, role_, own, kOwnerPolicy));
    if (name == "settings")
      run(
          fmt::format("CREATE POLICY defaults ON settings FOR SELECT TO {} USING (discord_server_id = 0 AND "
                      "current_setting('guildhall.server_id')::bigint > 0)",
                      role_));
  }
  std::vector<std::string> leaks() {
    std::vector<std::string> texts;
    for (const migrate::Finding& finding : verify({.role = role_}).findings) {
      if (finding.level == Level::error || finding.code == "CV-NOPROBE")
        texts.push_back(fmt::format("{}: {}", finding.code, finding.text));
    }
    return texts;
  }

  std::string role_;
};

TEST_F(SealInPostgres, WhatIsSealedIsTriedOutAndHolds) {
  EXPECT_THAT(leaks(), IsEmpty());
  EXPECT_EQ(session().query("SELECT current_user = session_user")[0][0], "t");
}

TEST_F(SealInPostgres, ATableWithoutForceOrPolicyIsSeen) {
  run("ALTER TABLE members NO FORCE ROW LEVEL SECURITY");
  EXPECT_THAT(leaks(), ElementsAre(HasSubstr("row security of members is not on and forced")));
  run("ALTER TABLE members FORCE ROW LEVEL SECURITY; ALTER TABLE raffles DISABLE ROW LEVEL SECURITY");
  EXPECT_THAT(leaks(), Contains(HasSubstr("rows of raffles can be read without naming a server")));
}

TEST_F(SealInPostgres, APolicyThatAnswersNothingInsteadOfRefusingIsSeen) {
  run(
      fmt::format("ALTER POLICY sealed ON members USING (discord_server_id = "
                  "nullif(current_setting('guildhall.server_id', true), '')::bigint)"));
  EXPECT_THAT(leaks(), ElementsAre(HasSubstr("members answers no rows, and no error")));
}

TEST_F(SealInPostgres, APolicyThatLetsOtherServersRowsThroughIsSeen) {
  run("ALTER POLICY sealed ON history USING (current_setting('guildhall.server_id')::bigint > 0)");
  EXPECT_THAT(leaks(), Contains(HasSubstr("1 rows of other servers in history can be read")));
}

TEST_F(SealInPostgres, APolicyThatHidesAServersOwnRowsIsSeen) {
  run("ALTER POLICY sealed ON history USING (current_setting('guildhall.server_id')::bigint < 0)");
  EXPECT_THAT(leaks(), ElementsAre(HasSubstr("cannot read its own rows of history")));
}

TEST_F(SealInPostgres, ARoleThatCannotBeTriedIsSaid) {
  run(fmt::format("REVOKE {} FROM CURRENT_USER", role_));
  EXPECT_THAT(leaks(), ElementsAre(HasSubstr("CV-NOPROBE")));
  run(fmt::format("GRANT {} TO CURRENT_USER", role_));
}

// --- SQLite

TEST_F(VerifyOfSqlite, TheNumberOfARowIsNoKeyBetweenServers) {
  convert();
  const auto of = [&](const Verification& found) {
    std::vector<std::string> texts;
    for (const migrate::Finding& finding : found.findings) texts.push_back(finding.text);
    return texts;
  };
  const auto keys = of(verify({.writers = Writers::stopped, .contracted = true}));
  // members.name, and the raffle with its member; no id.
  EXPECT_EQ(keys.size(), 2U) << fmt::format("{}", fmt::join(keys, "\n"));
}

TEST_F(VerifyOfSqlite, OtherReferencesThatLeadNowhereAreSeen) {
  run("CREATE TABLE notes (id integer PRIMARY KEY, of integer REFERENCES members (id));"
      "PRAGMA foreign_keys = OFF; INSERT INTO notes VALUES (1, 99), (2, 1)");
  convert();
  run(fmt::format("ALTER TABLE notes ADD COLUMN discord_server_id bigint DEFAULT {}", kHome));
  EXPECT_THAT(errors(verify_at_rest()), IsEmpty());
  run("UPDATE notes SET of = 100 - of");
  EXPECT_THAT(errors(verify_at_rest()), Contains("CV-REFERENCE"));
}

TEST_F(VerifyOfSqlite, AnIdThatWouldBeGivenAgainIsSeen) {
  run("CREATE TABLE counted (id integer PRIMARY KEY AUTOINCREMENT, discord_server_id bigint);"
      "INSERT INTO counted VALUES (1, NULL), (2, NULL), (3, NULL); DELETE FROM counted WHERE id = 3");
  convert();
  run(fmt::format("UPDATE counted SET discord_server_id = {}", kHome));
  EXPECT_THAT(errors(verify_at_rest()), IsEmpty());
  run("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'counted'");
  EXPECT_THAT(errors(verify_at_rest()), ElementsAre("CV-SEQUENCE"));
}

TEST_F(VerifyOfSqlite, UnderWritersEqualBucketsAreProofAndTheOthersNone) {
  convert();
  run("UPDATE members SET points = 1 WHERE id = 1");
  const Verification found = verify();
  EXPECT_TRUE(found.ok);
  EXPECT_EQ(verdict(found, "members"), Verdict::written);
  EXPECT_EQ(table(found, "members").proven, 3);
}

}  // namespace
}  // namespace guildhall::convert
