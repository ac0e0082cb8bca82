#include "convert/conflicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/merging.h"
#include "tests/support/old_club.h"

namespace guildhall::convert {
namespace {

using migrate::Level;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

template <class Fixture>
class ConflictsTest : public ClubTest<Fixture> {
 protected:
  Conflicts look(std::int64_t home = kHome) {
    const Scheme& scheme = this->scheme(home);
    migrate::Looking looking(this->session(), this->dialect(), 60s);
    return find_conflicts(looking, scheme);
  }
  /// "code table rows", of errors and warnings.
  std::vector<std::string> codes() {
    std::vector<std::string> codes;
    for (const Conflict& one : look().list) {
      if (one.level != Level::info) codes.push_back(fmt::format("{} {} {}", one.code, one.table, one.rows));
    }
    return codes;
  }
};

using AnyDatabaseConflicts = ConflictsTest<test::OnAnyDatabase>;
using ConflictsInPostgres = ConflictsTest<test::OnPostgres>;
using ConflictsOfSqlite = ConflictsTest<test::OnSqlite>;

TEST_F(AnyDatabaseConflicts, RowsWithoutAServerAreCountedAndStandInNobodysWay) {
  const Conflicts found = look();
  EXPECT_TRUE(found.can_go_on());
  ASSERT_NE(found.find("CV-NOSERVER", "raffles"), nullptr);
  EXPECT_EQ(found.find("CV-NOSERVER", "raffles")->rows, 1);
  ASSERT_NE(found.find("CV-NOSERVER", "settings"), nullptr);
  EXPECT_EQ(found.find("CV-NOSERVER", "members"), nullptr);
}

TEST_F(AnyDatabaseConflicts, NothingIsChangedAndNoTransactionStaysOpen) {
  look();
  EXPECT_FALSE(session().in_transaction());
  EXPECT_EQ(session().query("SELECT count(*) FROM raffles WHERE discord_server_id IS NULL")[0][0], "1");
}

TEST_F(AnyDatabaseConflicts, AServerOfZeroStandsInTheWayUntilSomebodySaysWhoseItIs) {
  run("UPDATE raffles SET discord_server_id = 0 WHERE id = 1");
  EXPECT_THAT(codes(), testing::Contains("CV-ZERO raffles 1"));
  EXPECT_FALSE(look().can_go_on());
  description_.tables["raffles"].zero = Zero::home;
  EXPECT_TRUE(look().can_go_on());
  EXPECT_NE(look().find("CV-ZERO", "raffles"), nullptr);
}

TEST_F(AnyDatabaseConflicts, SettingsOfServerZeroAreAllServers) {
  run("UPDATE settings SET discord_server_id = 0 WHERE discord_server_id IS NULL");
  EXPECT_EQ(look().find("CV-ZERO", "settings"), nullptr);
}

TEST_F(AnyDatabaseConflicts, ServersBelowZeroAndServersThatNobodyKnowsAreNamed) {
  run("UPDATE raffles SET discord_server_id = -5 WHERE id = 1; INSERT INTO raffles VALUES (3, 'autumn', "
      "4242)");
  const Conflicts found = look();
  EXPECT_FALSE(found.can_go_on());
  ASSERT_NE(found.find("CV-RANGE", "raffles"), nullptr);
  EXPECT_THAT(found.find("CV-RANGE", "raffles")->examples, ElementsAre("id 1: -5"));
  ASSERT_NE(found.find("CV-UNLISTED", "raffles"), nullptr);
  EXPECT_THAT(found.find("CV-UNLISTED", "raffles")->examples, ElementsAre("id 3: 4242"));
}

TEST_F(AnyDatabaseConflicts, WithoutARegistryTheHomeAloneIsKnown) {
  run("DROP TABLE servers");
  EXPECT_THAT(codes(), testing::Not(testing::Contains(HasSubstr("CV-UNLISTED"))));
  run(fmt::format("UPDATE raffles SET discord_server_id = {} WHERE id = 1", kOther));
  EXPECT_THAT(codes(), testing::Contains("CV-UNLISTED raffles 1"));
}

TEST_F(AnyDatabaseConflicts, TheHomeJoinsTheRegistryByItself) {
  run(fmt::format("DELETE FROM servers; UPDATE raffles SET discord_server_id = {} WHERE id = 1", kHome));
  EXPECT_THAT(codes(), testing::Not(testing::Contains(HasSubstr("CV-UNLISTED"))));
}

TEST_F(AnyDatabaseConflicts, RowsThatContradictTheirParentAreFoundByValue) {
  run("ALTER TABLE tickets ADD COLUMN discord_server_id bigint");
  run(fmt::format("UPDATE tickets SET discord_server_id = {} WHERE id IN (1, 3)", kOther));
  run(fmt::format("UPDATE tickets SET discord_server_id = {} WHERE id IN (2)", kHome));
  const Conflicts found = look();
  const Conflict* contradicting = found.find("CV-CONTRADICT", "tickets");
  ASSERT_NE(contradicting, nullptr);
  // Raffle 2 names no server, and so will be the home's.
  EXPECT_EQ(contradicting->rows, 2);
  EXPECT_EQ(contradicting->level, Level::warning);
  EXPECT_EQ(contradicting->examples.at(0), fmt::format("id 1: server {}, its parent {}", kOther, kHome));
}

TEST_F(AnyDatabaseConflicts, RowsWithoutAParentAreCountedByWhy) {
  run("INSERT INTO tickets VALUES (5, 77, 'bob', 1), (6, NULL, 'bob', 1), (7, NULL, 'eve', 1)");
  const Conflicts found = look();
  const Conflict* orphans = found.find("CV-ORPHAN", "tickets");
  ASSERT_NE(orphans, nullptr);
  EXPECT_EQ(orphans->rows, 3);
  EXPECT_THAT(orphans->examples, ElementsAre("id 5", "id 6", "id 7"));
  EXPECT_THAT(found.findings,
              testing::Contains(testing::Field(&migrate::Finding::text,
                                               HasSubstr("1 name one that is not there, 2 name none"))));
}

// --- keys

TEST_F(AnyDatabaseConflicts, ARowWithoutAServerBesideItsTwinOfTheHomeIsADuplicate) {
  run("CREATE TABLE links (id integer, name text, discord_server_id bigint, UNIQUE (name, "
      "discord_server_id));"
      "INSERT INTO links VALUES (1, 'alice', NULL), (3, 'bob', NULL)");
  run(fmt::format("INSERT INTO links VALUES (2, 'alice', {0}), (4, 'alice', {1})", kHome, kOther));
  const Conflicts found = look();
  const Conflict* twice = found.find("CV-DUPLICATE", "links");
  ASSERT_NE(twice, nullptr);
  EXPECT_EQ(twice->level, Level::error);
  EXPECT_EQ(twice->rows, 2);
  EXPECT_EQ(twice->groups, 1);
  EXPECT_THAT(twice->examples, ElementsAre("alice (2 rows)"));
  description_.tables["links"] = {
      .table = "links", .column = "discord_server_id", .duplicates = Duplicates::first};
  EXPECT_EQ(look().find("CV-DUPLICATE", "links")->level, Level::warning);
}

TEST_F(AnyDatabaseConflicts, ZeroThatIsTheHomesIsATwinToo) {
  run("CREATE TABLE links (name text, discord_server_id bigint, PRIMARY KEY (name, discord_server_id))");
  run(fmt::format("INSERT INTO links VALUES ('alice', 0), ('alice', {})", kHome));
  description_.tables["links"] = {.table = "links", .column = "discord_server_id"};
  EXPECT_EQ(look().find("CV-DUPLICATE", "links"), nullptr);
  description_.tables["links"].zero = Zero::home;
  EXPECT_NE(look().find("CV-DUPLICATE", "links"), nullptr);
}

TEST_F(AnyDatabaseConflicts, AKeyThatTheOldProgramOnlyPromisedIsAskedOfTheRows) {
  description_.tables["history"].duplicates = Duplicates::refuse;
  description_.tables["history"].unique = {{"member", "change"}};
  const Conflicts found = look();
  ASSERT_NE(found.find("CV-DUPLICATE", "history"), nullptr);
  EXPECT_THAT(found.find("CV-DUPLICATE", "history")->examples, ElementsAre("alice, 5 (2 rows)"));
  description_.tables["history"].duplicates = Duplicates::keep_all;
  EXPECT_EQ(look().find("CV-DUPLICATE", "history"), nullptr);
}

TEST_F(AnyDatabaseConflicts, NothingIsNotTwiceTheSame) {
  run("DELETE FROM history; INSERT INTO history VALUES (NULL, 1), (NULL, 1)");
  description_.tables["history"].duplicates = Duplicates::refuse;
  description_.tables["history"].unique = {{"member"}};
  EXPECT_EQ(look().find("CV-DUPLICATE", "history"), nullptr);
}

TEST_F(AnyDatabaseConflicts, AKeyOfSomeRowsIsAskedOfThose) {
  run("CREATE TABLE periods (id integer, status text, discord_server_id bigint);"
      "CREATE UNIQUE INDEX one_active ON periods (discord_server_id) WHERE status = 'active'");
  run(fmt::format("INSERT INTO periods VALUES (1, 'active', {0}), (2, 'over', {0}), (3, 'over', NULL)",
                  kHome));
  EXPECT_EQ(look().find("CV-DUPLICATE", "periods"), nullptr);
  run("UPDATE periods SET status = 'active' WHERE id = 3");
  EXPECT_NE(look().find("CV-DUPLICATE", "periods"), nullptr);
}

TEST_F(AnyDatabaseConflicts, FiveExamplesAreEnough) {
  run("DELETE FROM history");
  run("INSERT INTO history WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 15) "
      "SELECT 'member ' || (i / 2), 1 FROM n");
  description_.tables["history"].duplicates = Duplicates::refuse;
  description_.tables["history"].unique = {{"member"}};
  const Conflicts found = look();
  const Conflict* twice = found.find("CV-DUPLICATE", "history");
  ASSERT_NE(twice, nullptr);
  EXPECT_EQ(twice->groups, 8);
  EXPECT_EQ(twice->rows, 16);
  EXPECT_EQ(twice->examples.size(), 5U);
  EXPECT_THAT(found.findings.back().text + found.findings[found.findings.size() - 2].text,
              HasSubstr("; ...)"));
}

// --- names

std::vector<std::vector<std::string>> names_of(const Conflicts& found) {
  std::vector<std::vector<std::string>> names;
  for (const Twins& twins : found.twins) names.push_back(twins.names);
  return names;
}

TEST_F(AnyDatabaseConflicts, NamesThatDifferInCaseAloneAreToldAndKeptApart) {
  const Conflicts found = look();
  EXPECT_THAT(names_of(found), ElementsAre(ElementsAre("Bob", "bob")));
  ASSERT_NE(found.find("CV-TWINS", "members"), nullptr);
  EXPECT_EQ(found.find("CV-TWINS", "members")->level, Level::warning);
  EXPECT_EQ(found.find("CV-TWINS", "members")->rows, 2);
}

TEST_F(AnyDatabaseConflicts, FoldingIsTheHousesAndNotTheDatabases) {
  run("DELETE FROM members WHERE id = 3");
  run("INSERT INTO members VALUES (10, 'JÄGER', 0, ''), (11, 'jäger', 0, ''), (12, 'ja\u0308ger', 0, ''), "
      "(13, 'Kelvin', 0, ''), (14, '\u212Aelvin', 0, ''), (15, '  alice\t', 0, ''), (16, 'straße', 0, ''), "
      "(17, 'STRASSE', 0, ''), (18, 'émile', 0, '')");
  EXPECT_THAT(names_of(look()), UnorderedElementsAre(UnorderedElementsAre("JÄGER", "jäger", "ja\u0308ger"),
                                                     UnorderedElementsAre("Kelvin", "\u212Aelvin"),
                                                     UnorderedElementsAre("alice", "  alice\t"),
                                                     UnorderedElementsAre("straße", "STRASSE")));
}

TEST_F(AnyDatabaseConflicts, AlikeNamesOfTwoServersAreNoTwins) {
  run("CREATE TABLE commands (name text, discord_server_id bigint)");
  run(fmt::format("INSERT INTO commands VALUES ('Hello', {}), ('hello', {})", kHome, kOther));
  description_.tables["commands"] = {.table = "commands", .column = "discord_server_id", .folded = {"name"}};
  EXPECT_EQ(look().find("CV-TWINS", "commands"), nullptr);
  run(fmt::format("UPDATE commands SET discord_server_id = NULL WHERE discord_server_id = {}", kOther));
  EXPECT_NE(look().find("CV-TWINS", "commands"), nullptr);
}

// --- types

TEST_F(ConflictsInPostgres, ServersThatAreTextAreNamedWithWhatIsNoNumberAmongThem) {
  run("CREATE TABLE exclusions (id integer PRIMARY KEY, discord_server_id text);"
      "INSERT INTO exclusions VALUES (1, '900000000000000001'), (2, 'mine'), (3, NULL), (4, ''), "
      "(5, '9223372036854775808'), (6, '0')");
  const Conflicts found = look();
  EXPECT_FALSE(found.can_go_on());
  ASSERT_NE(found.find("CV-TEXTID", "exclusions"), nullptr);
  EXPECT_EQ(found.find("CV-TEXTID", "exclusions")->rows, 2);
  EXPECT_THAT(found.find("CV-TEXTID", "exclusions")->examples, ElementsAre("id 2: mine", "id 4"));
  ASSERT_NE(found.find("CV-RANGE", "exclusions"), nullptr);
  EXPECT_THAT(found.find("CV-RANGE", "exclusions")->examples,
              ElementsAre("id 5: 9223372036854775808", "id 6: 0"));
}

/// Its operator class and its order are nothing to group by, and its collation decides what is the same.
TEST_F(ConflictsInPostgres, AKeyOverAnExpressionIsAskedForWhatItCompares) {
  run("CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "CREATE TABLE links (name text, word text, discord_server_id bigint);"
      "CREATE UNIQUE INDEX ON links (discord_server_id, lower(name) COLLATE \"C\" text_pattern_ops DESC);"
      "CREATE UNIQUE INDEX ON links (word COLLATE any_case DESC NULLS LAST, discord_server_id);"
      "INSERT INTO links VALUES ('alice', 'a', NULL), ('bob', 'A', NULL)");
  run(fmt::format("INSERT INTO links VALUES ('Alice', 'c', {})", kHome));
  description_.tables["links"] = {
      .table = "links", .column = "discord_server_id", .duplicates = Duplicates::first};
  const Conflicts found = look();
  EXPECT_EQ(found.find("CV-UNKNOWN", "links"), nullptr);
  std::vector<std::string> examples;
  for (const Conflict& one : found.list) {
    if (one.code == "CV-DUPLICATE") examples.insert(examples.end(), one.examples.begin(), one.examples.end());
  }
  EXPECT_THAT(examples, testing::UnorderedElementsAre("alice (2 rows)", testing::StrCaseEq("a (2 rows)")));
  const Scheme& now = scheme();
  const SchemeTable& links = *now.find("links");
  const auto keys = keys_with_server(links);
  ASSERT_EQ(keys.size(), 2U);
  for (const RowKey& key : keys)
    EXPECT_EQ(session().query(ask_for_duplicates(now, links, key)).size(), 1U) << key.name();
}

TEST_F(ConflictsInPostgres, WhatCannotBeLookedAtInTimeIsSaid) {
  auto other = *target().open("");
  const Scheme& all = scheme();
  other->execute("BEGIN; LOCK TABLE raffles IN ACCESS EXCLUSIVE MODE");
  migrate::Looking looking(session(), dialect(), 100ms);
  const Conflicts found = find_conflicts(looking, all);
  ASSERT_NE(found.find("CV-UNKNOWN", "raffles"), nullptr);
  EXPECT_EQ(found.find("CV-UNKNOWN", "members"), nullptr);
  EXPECT_NE(found.find("CV-NOSERVER", "settings"), nullptr);
}

TEST_F(ConflictsInPostgres, ALoginThatDoesNotSeeEveryRowIsToldSo) {
  const std::string role = "club_" + session().query("SELECT current_database()")[0][0];
  run(fmt::format("CREATE ROLE {0} NOLOGIN; GRANT {0} TO CURRENT_USER", role));
  run(fmt::format("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", role));
  run("ALTER TABLE members ENABLE ROW LEVEL SECURITY");
  const Scheme& all = scheme();
  {
    migrate::Looking looking(session(), dialect(), 60s);
    session().execute("SET LOCAL ROLE " + role);
    EXPECT_NE(find_conflicts(looking, all).find("CV-POLICY", "members"), nullptr);
  }
  EXPECT_EQ(look().find("CV-POLICY", "members"), nullptr);
  run(fmt::format("DROP OWNED BY {0}; DROP ROLE {0}", role));
}

TEST_F(ConflictsOfSqlite, AKeyOverAnExpressionIsAskedForWhatItCompares) {
  run("CREATE TABLE links (name text, word text, discord_server_id bigint);"
      "CREATE UNIQUE INDEX by_name ON links (discord_server_id, lower(name) COLLATE RTRIM DESC);"
      "CREATE UNIQUE INDEX by_word ON links (word COLLATE NOCASE, discord_server_id DESC);"
      "INSERT INTO links VALUES ('alice', 'a', NULL), ('bob', 'A', NULL)");
  EXPECT_EQ(look().find("CV-DUPLICATE", "links")->groups, 1) << "a and A";
  run(fmt::format("UPDATE links SET word = name; INSERT INTO links VALUES ('Alice ', 'c', {})", kHome));
  const Conflicts found = look();
  EXPECT_EQ(found.find("CV-UNKNOWN", "links"), nullptr);
  ASSERT_NE(found.find("CV-DUPLICATE", "links"), nullptr);
  EXPECT_THAT(found.find("CV-DUPLICATE", "links")->examples, testing::Each(testing::StartsWith("alice")));
}

TEST_F(ConflictsOfSqlite, ServersThatAreTextAreFoundWhateverTheColumnIs) {
  run("UPDATE raffles SET discord_server_id = 'mine' WHERE id = 1; INSERT INTO raffles VALUES (3, 'x', 1.5)");
  const Conflicts found = look();
  ASSERT_NE(found.find("CV-TEXTID", "raffles"), nullptr);
  EXPECT_THAT(found.find("CV-TEXTID", "raffles")->examples, ElementsAre("id 1: mine", "id 3: 1.5"));
  EXPECT_EQ(found.find("CV-UNLISTED", "raffles"), nullptr);
}

}  // namespace
}  // namespace guildhall::convert
