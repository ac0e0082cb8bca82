// Rows of one server that cannot stand beside each other become one, by the rule of their table.
#include "convert/merging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "convert/run.h"
#include "tests/support/old_club.h"
#include "tests/support/old_kick.h"
#include "tests/support/questions.h"

namespace guildhall::convert {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

/// The small club's database, and the commands of convert on it.
class Club {
 public:
  Club() { run(std::string(kOldClub)); }

  store::SchemaSession& session() { return database_.session(); }
  const migrate::Target& target() const { return database_.target(); }
  void run(const std::string& sql) { session().execute(sql); }
  TableRule& rule(const std::string& table) {
    TableRule& rule = description_.tables[table];
    rule.table = table;
    rule.column = description_.tenant_column;
    return rule;
  }

  template <class AnyOptions = Options>
  AnyOptions options() {
    AnyOptions options;
    options.description = description_;
    options.server = kHome;
    options.backup_done = "of a test";
    options.say = [this](const std::string& line) { said_.push_back(line); };
    return options;
  }
  /// The state that it comes to, or "CODE text" of what is in the way.
  static std::string outcome(const migrate::Outcome<RunReport>& report) {
    return report ? std::string(name_of(report->state))
                  : report.error().finding.code + " " + report.error().finding.text;
  }
  std::string expanded() { return outcome(apply(target(), options())); }
  std::string contracted() { return outcome(contract(target(), options<ContractOptions>())); }
  std::string taken_back() { return outcome(rollback(target(), options<RollbackOptions>())); }

  /// Rows, each "a|b".
  std::vector<std::string> rows(const std::string& sql) {
    std::vector<std::string> rows;
    for (const auto& row : session().query(sql)) rows.push_back(fmt::format("{}", fmt::join(row, "|")));
    return rows;
  }
  std::string ask(const std::string& sql) { return session().query(sql).at(0).at(0); }
  std::vector<std::string> members() { return rows("SELECT name, points FROM members ORDER BY name"); }
  /// What was put down of the rows that gave way.
  std::vector<std::string> gone() {
    return rows("SELECT done, row_text, reason FROM guildhall.guildhall_conversion_refused ORDER BY seq");
  }
  /// What is wrong by the verification of all rows.
  std::vector<std::string> wrong() {
    std::vector<std::string> texts;
    const auto checked = check(session(), target(), options(), {.writers = Writers::stopped});
    if (!checked) return {checked.error().finding.text};
    for (const migrate::Finding& finding : checked->found.findings) {
      if (finding.level == migrate::Level::error) texts.push_back(finding.text);
    }
    return texts;
  }

  Description description_ = club_description();
  std::vector<std::string> said_;

 private:
  test::AnyDatabase database_{migrate::Dialect::postgres};
};

class MergesInPostgres : public testing::Test, public Club {
 protected:
  /// Names of members that are one are made one.
  void merge_names(Duplicates how) {
    rule("members").twins = TwinNames::merge;
    rule("members").duplicates = how;
  }
};

TEST_F(MergesInPostgres, NamesThatAreOneHaveTheSumsOnceTheOldProgramHasStopped) {
  merge_names(Duplicates::sum);
  ASSERT_EQ(expanded(), "expanded");
  EXPECT_THAT(members(), ElementsAre("Bob|20", "alice|50", "bob|30", "eve|0"));
  ASSERT_EQ(contracted(), "contracted");
  EXPECT_THAT(members(), ElementsAre("alice|50", "bob|50", "eve|0"));
  EXPECT_THAT(gone(),
              ElementsAre(AllOf(
                  StartsWith("merged|"), HasSubstr("\"name\": \"Bob\""), HasSubstr("\"points\": 20"),
                  HasSubstr("its name differs in case alone from bob, which has the sums of both now"))));
  EXPECT_THAT(wrong(), IsEmpty());
  EXPECT_EQ(contract(target(), options<ContractOptions>())->steps, 0U) << "a second run finds nothing to do";
  // They live on in the row that they were added to.
  ASSERT_EQ(taken_back(), "rolled back");
  EXPECT_THAT(members(), ElementsAre("alice|50", "bob|50", "eve|0"));
  EXPECT_THAT(said_, Contains(StartsWith("members: 1 rows were added to others")));
  EXPECT_EQ(gone().size(), 1U);
}

TEST_F(MergesInPostgres, RowsThatWerePutAsideComeBackAsTheyWereUnlessTheirPlaceIsTaken) {
  merge_names(Duplicates::first);
  run("INSERT INTO members VALUES (5, 'EVE', 3, 'an ''other''')");
  rule("history").duplicates = Duplicates::first;
  rule("history").unique = {{"member", "change"}};
  const auto everything = [this] {
    return std::pair(rows("SELECT to_jsonb(m) FROM members m WHERE name <> 'Bob' ORDER BY id"),
                     rows("SELECT to_jsonb(h) FROM history h ORDER BY 1"));
  };
  const auto before = everything();
  ASSERT_EQ(expanded(), "expanded");
  ASSERT_EQ(contracted(), "contracted");
  EXPECT_THAT(members(), ElementsAre("alice|50", "bob|30", "eve|0"));
  EXPECT_THAT(rows("SELECT member, change FROM history ORDER BY 1"), ElementsAre("alice|5", "bob|-2"));
  EXPECT_THAT(gone(), UnorderedElementsAre(AllOf(StartsWith("put aside|"), HasSubstr("\"name\": \"Bob\"")),
                                           AllOf(StartsWith("put aside|"), HasSubstr("\"name\": \"EVE\"")),
                                           AllOf(StartsWith("put aside|"),
                                                 HasSubstr("it has the same member, change as another "
                                                           "row of its server, which stays"))));
  EXPECT_THAT(wrong(), IsEmpty());
  run(fmt::format("INSERT INTO members VALUES (9, 'Bob', 7, 'new', {})", kHome));
  ASSERT_EQ(taken_back(), "rolled back");
  EXPECT_EQ(everything(), before);
  EXPECT_THAT(rows("SELECT id FROM members WHERE name = 'Bob'"), ElementsAre("9"));
  EXPECT_THAT(said_, Contains(StartsWith("members: of 1 the place is taken by now")));
  EXPECT_EQ(gone().size(), 3U);
}

TEST_F(MergesInPostgres, ARowThatIsNotLetInAnyMoreIsNamedBeforeAnythingIsTakenBack) {
  run("INSERT INTO history VALUES ('bob', -2); "
      "ALTER TABLE history ADD CONSTRAINT of_member FOREIGN KEY (member) REFERENCES members (name) "
      "DEFERRABLE "
      "INITIALLY DEFERRED");
  rule("history").duplicates = Duplicates::first;
  rule("history").unique = {{"member", "change"}};
  ASSERT_EQ(expanded(), "expanded");
  ASSERT_EQ(contracted(), "contracted");
  ASSERT_EQ(gone().size(), 2U);
  run("DELETE FROM history WHERE member = 'alice'; DELETE FROM members WHERE name = 'alice'; "
      "ALTER TABLE history ADD CONSTRAINT small_change CHECK (change < 5)");
  const std::string refused = taken_back();
  EXPECT_THAT(refused, StartsWith("CV-PLACE "));
  EXPECT_THAT(refused, HasSubstr("\"member\": \"alice\""));
  EXPECT_THAT(refused, HasSubstr("of history: the check small_change;"));
  EXPECT_THAT(refused, HasSubstr("of history: the row of members that it belongs to is gone (of_member)"));
  EXPECT_THAT(refused, Not(HasSubstr("\"bob\"")));
  EXPECT_EQ(ask("SELECT state FROM guildhall.guildhall_conversion"), "contracted");
  // In the end each for itself.
  auto leaving = options<RollbackOptions>();
  leaving.leave_aside = true;
  ASSERT_EQ(outcome(rollback(target(), leaving)), "rolled back");
  EXPECT_THAT(rows("SELECT member, change FROM history"), ElementsAre("bob|-2", "bob|-2"));
  EXPECT_THAT(said_, Contains(StartsWith("history: of 1 the place is taken by now, or closed")));
  EXPECT_EQ(gone().size(), 2U);
}

/// What somebody writes to a row while it is made one with another is not lost, nor is it there twice.
TEST_F(MergesInPostgres, WhatIsWrittenMeanwhileIsKept) {
  merge_names(Duplicates::sum);
  expanded();
  const auto writer = *target().open("");
  const auto watcher = *target().open("");
  writer->execute("BEGIN; UPDATE members SET points = points + 1000 WHERE name = 'Bob'");
  std::atomic<bool> is_done = false;
  std::jthread contracting([&] {
    EXPECT_EQ(contracted(), "contracted");
    is_done = true;
  });
  // By then its rows were found as they had been.
  const std::string waits =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  while (!is_done && watcher->query(waits).empty()) std::this_thread::sleep_for(1ms);
  writer->execute("COMMIT");
  contracting.join();
  EXPECT_THAT(members(), ElementsAre("alice|50", "bob|1050", "eve|0"));
  EXPECT_THAT(gone(), ElementsAre(HasSubstr("\"points\": 1020")));
}

TEST_F(MergesInPostgres, HoweverManyAndBrokenOffInTheMiddleTheyAddUp) {
  merge_names(Duplicates::sum);
  run("INSERT INTO members SELECT 100 + n, (ARRAY['name ', 'Name ', 'NAME '])[1 + n % 3] || n / 3, n, '' "
      "FROM generate_series(0, 1799) n");
  const std::string points = ask("SELECT sum(points) FROM members");
  expanded();
  auto options = this->options<ContractOptions>();
  options.say = [](const std::string& line) {
    if (line.contains("become one")) throw ErrorException(Error{ErrorCode::failed, "broken off"});
  };
  EXPECT_THAT(outcome(contract(target(), options)), HasSubstr("broken off"));
  const int left = std::stoi(ask("SELECT count(*) FROM members"));
  EXPECT_LT(left, 1804);
  EXPECT_GT(left, 603);
  EXPECT_EQ(ask("SELECT sum(points) FROM members"), points);
  ASSERT_EQ(contracted(), "contracted");
  EXPECT_EQ(ask("SELECT count(*) FROM members"), "603");
  EXPECT_EQ(ask("SELECT sum(points) FROM members"), points);
  EXPECT_EQ(ask("SELECT count(DISTINCT row_text) || ' of ' || count(*) FROM "
                "guildhall.guildhall_conversion_refused"),
            "1201 of 1201");
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(MergesInPostgres, WhatTogetherIsMoreThanTheirColumnHoldsStaysAsItIsUntilThatIsGreater) {
  merge_names(Duplicates::sum);
  run("UPDATE members SET points = 9223372036854775807 WHERE name = 'bob'");
  expanded();
  EXPECT_THAT(contracted(), AllOf(StartsWith("CV-TOOMUCH"), HasSubstr("members")));
  EXPECT_EQ(members().size(), 4U);
  run("ALTER TABLE members ALTER COLUMN points TYPE numeric");
  // Whatever else keeps it does so without a point too many.
  run("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
      "CREATE TRIGGER keep BEFORE DELETE ON members FOR EACH ROW EXECUTE FUNCTION keep()");
  EXPECT_THAT(contracted(), AllOf(StartsWith("CV-KEPT"), HasSubstr("members")));
  EXPECT_THAT(members(), ElementsAre("Bob|20", "alice|50", "bob|9223372036854775807", "eve|0"));
  EXPECT_THAT(gone(), IsEmpty());
  run("DROP TRIGGER keep ON members");
  ASSERT_EQ(contracted(), "contracted");
  EXPECT_THAT(members(), Contains("bob|9223372036854775827"));
}

TEST_F(MergesInPostgres, NoRowIsTakenFromThoseThatReferToIt) {
  merge_names(Duplicates::sum);
  run("CREATE TABLE pets (id integer PRIMARY KEY, owner integer REFERENCES members (id) ON DELETE CASCADE)");
  EXPECT_THAT(expanded(), AllOf(StartsWith("CV-MERGE"), HasSubstr("to which rows of pets refer")));
  // Rows of no server, under a key of the database's own.
  run("DROP TABLE pets;"
      "CREATE TABLE commands (id integer PRIMARY KEY, name text, discord_server_id bigint, UNIQUE (name, "
      "discord_server_id));"
      "CREATE TABLE uses (command integer REFERENCES commands (id) ON DELETE CASCADE);"
      "INSERT INTO commands VALUES (1, 'a', NULL), (2, 'a', NULL); INSERT INTO uses VALUES (2)");
  rule("commands").duplicates = Duplicates::first;
  EXPECT_THAT(expanded(), AllOf(StartsWith("CV-MERGE"), HasSubstr("rows of uses refer to commands")));
  EXPECT_EQ(ask("SELECT count(*) FROM commands"), "2");
  EXPECT_EQ(members().size(), 4U);
}

TEST_F(MergesInPostgres, NamesAreToldBeforeWithWhatBecomesOfThem) {
  merge_names(Duplicates::sum);
  const auto planned = plan(session(), migrate::Dialect::postgres, options());
  ASSERT_TRUE(planned);
  const auto& findings = planned->look.scheme.findings;
  const auto twins = std::ranges::find(findings, "CV-TWINS", &migrate::Finding::code);
  ASSERT_NE(twins, findings.end());
  EXPECT_THAT(twins->hint, HasSubstr("they become one once the old program has stopped"));
  EXPECT_THAT(planned->later, Contains(Field(&Step::what, "rows of the same name in any case become one")));
  EXPECT_THAT(planned->steps, Not(Contains(Field(&Step::kind, StepKind::merge))));

  const std::string text =
      "tenant_column = \"discord_server_id\"\n[registry]\ntable = \"servers\"\ncolumn = "
      "\"discord_server_id\"\n"
      "[table.history]\nclass = \"tenant\"\nfolded = [\"member\"]\ntwins = \"merge\"\n";
  const auto without = parse_description(text, "my.toml");
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().finding.text, AllOf(HasSubstr("table.history.twins"), HasSubstr("duplicates")));
  description_ = *parse_description(text + "duplicates = \"first\"\n", "my.toml");
  EXPECT_THAT(write_description(description_), HasSubstr("twins = \"merge\""));
  EXPECT_THAT(expanded(), AllOf(StartsWith("CV-FILE"), HasSubstr("line 5"), HasSubstr("no unique key")));
}

/// A database with rows of every kind that become one, converted once for all of these.
class MergedInPostgres : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    club_ = std::make_unique<Club>();
    make_rows();
    say_rules();
    EXPECT_EQ(club().expanded(), "expanded");
    club().run("INSERT INTO history (member, change) VALUES ('bob', 100), (NULL, 1), (NULL, 1)");
    EXPECT_EQ(club().contracted(), "contracted");
  }
  static void TearDownTestSuite() { club_.reset(); }
  static Club& club() { return *club_; }

 private:
  static void make_rows() {
    club().run(
        "ALTER TABLE members ADD COLUMN seen timestamp;"
        "UPDATE members SET seen = '2025-11-02' WHERE name = 'Bob';"
        "INSERT INTO members VALUES (10, 'JÄGER', 1, ''), (11, 'jäger', 2, ''), (12, 'ja\u0308ger', 4, ''), "
        "(13, 'Kelvin', 8, ''), (14, '\u212Aelvin', NULL, ''), (15, ' it''s \t', 16, ''), (16, 'IT''S', 32, "
        "'')");
    club().run(
        "INSERT INTO tickets VALUES (5, 1, 'ALICE', 100), (6, 1, 'Eve', 200), (7, NULL, 'alice', 400)");
    club().run(
        "ALTER TABLE settings ADD COLUMN changed integer; UPDATE settings SET changed = 1;"
        "INSERT INTO settings VALUES ('prefix', '%', NULL, 3), ('prefix', '&', NULL, 2), ('prefix', '-', 0, "
        "NULL)");
    club().run(fmt::format(
        "CREATE TABLE uses (name text, uses integer, discord_server_id bigint, UNIQUE (name, "
        "discord_server_id));"
        "INSERT INTO uses VALUES ('Hello', 1, {0}), ('hello', 2, {1}), ('HELLO', 4, NULL);"
        "CREATE TABLE commands (id integer PRIMARY KEY, name text, discord_server_id bigint, UNIQUE (name, "
        "discord_server_id));"
        "INSERT INTO commands VALUES (1, 'a', NULL), (2, 'a', {0}), (3, 'b', NULL), (4, 'b', NULL), (5, 'c', "
        "{1})",
        kHome, kOther));
  }
  static void say_rules() {
    club().rule("members").newest_by = "seen";
    club().rule("tickets").folded = {"member"};
    club().rule("uses").folded = {"name"};
    club().rule("uses").sums = {"uses"};
    for (const char* table : {"members", "tickets", "uses"}) {
      club().rule(table).twins = TwinNames::merge;
      club().rule(table).duplicates = Duplicates::sum;
    }
    club().rule("history").unique = {{"member"}};
    club().rule("history").duplicates = Duplicates::sum;
    club().rule("settings").newest_by = "changed";
    club().rule("settings").duplicates = Duplicates::newest;
    club().rule("commands").duplicates = Duplicates::first;
  }
  static inline std::unique_ptr<Club> club_;
};

TEST_F(MergedInPostgres, OfNamesThatAreOneTheNewestStays) {
  EXPECT_THAT(club().rows("SELECT name, points FROM members WHERE id < 10 ORDER BY id"),
              ElementsAre("alice|50", "Bob|50", "eve|0"));
}

TEST_F(MergedInPostgres, NamesAreOneAsTheHouseFoldsThemAndNotAsTheDatabaseDoes) {
  EXPECT_THAT(club().rows("SELECT id, points FROM members WHERE id >= 10 ORDER BY id"),
              ElementsAre("10|7", "13|8", "15|48"));
}

TEST_F(MergedInPostgres, NamesOfTwoServersStayApart) {
  EXPECT_THAT(club().rows("SELECT uses, discord_server_id FROM uses ORDER BY 1"),
              ElementsAre(fmt::format("2|{}", kOther), fmt::format("5|{}", kHome)));
}

TEST_F(MergedInPostgres, NamesAreOneWithinTheRestOfTheirKeyAlone) {
  EXPECT_THAT(club().rows("SELECT id, member, amount FROM tickets ORDER BY id"),
              ElementsAre("1|alice|105", "2|bob|7", "3|alice|11", "4|eve|13", "6|Eve|200", "7|alice|400"));
}

TEST_F(MergedInPostgres, AKeyThatWasOnlyPromisedHoldsAndRefusedTheOldProgramNothing) {
  EXPECT_THAT(club().rows("SELECT coalesce(member, '-'), change FROM history ORDER BY 1, 2"),
              ElementsAre("-|1", "-|1", "alice|10", "bob|98"));
  const auto insert = fmt::format("INSERT INTO history VALUES ('bob', 1, {})", kHome);
  EXPECT_THROW(club().run(insert), store::DatabaseError);
}

TEST_F(MergedInPostgres, OfSettingsThatNameNoServerTheNewestCountsForAll) {
  EXPECT_THAT(club().rows("SELECT value, discord_server_id FROM settings ORDER BY 2"),
              ElementsAre("%|0", fmt::format("?|{}", kHome)));
}

TEST_F(MergedInPostgres, RowsOfNoServerGiveWayToTheHomesAndToEachOther) {
  EXPECT_THAT(club().rows("SELECT id, name FROM commands ORDER BY 1"), ElementsAre("2|a", "3|b", "5|c"));
}

using NamesInSqlite = ClubTest<test::OnSqlite>;

TEST_F(NamesInSqlite, AreNotPassedOverWhereNobodyMakesThemOne) {
  description_.tables["members"].twins = TwinNames::merge;
  description_.tables["members"].duplicates = Duplicates::sum;
  EXPECT_THAT(scheme().findings,
              Contains(Field(&migrate::Finding::text,
                             HasSubstr("twins = \"merge\", which is for PostgreSQL alone"))));
  EXPECT_FALSE(scheme().can_go_on());
}

// --- the old Kick bot's database

class MergesOfOldKickInPostgres : public test::OnPostgres, public test::Questions {
 protected:
  store::SchemaSession& session() override { return OnPostgres::session(); }
};

/// Points, minutes, roles and conversions that are there twice, by the rules of one description.
TEST_F(MergesOfOldKickInPostgres, T4f_T18_T19_WhatIsOneIsMadeOneByADeclaredRule) {
  const test::OldKick old = {.shape = test::OldKick::Shape::with_dashboard, .viewers = 60};
  execute(test::script(old));
  ContractOptions options;
  options.description = *read_description("kick");
  options.server = old.home;
  options.register_found = true;
  options.backup_done = "of a test";
  auto& tables = options.description->tables;
  for (const auto& [table, time] : {std::pair{"user_points", "last_updated"}, {"watchtime", "last_active"}}) {
    tables[table].twins = TwinNames::merge;
    tables[table].duplicates = Duplicates::sum;
    tables[table].newest_by = time;
  }
  tables["watchtime_roles"].unique = {{"role_name"}};
  tables["watchtime_roles"].duplicates = Duplicates::first;
  tables["points_watchtime_converted"].unique = {{"kick_username", "minutes_converted", "converted_at"}};
  tables["points_watchtime_converted"].duplicates = Duplicates::first;
  const std::string totals =
      "SELECT sum(points) || ' ' || sum(total_earned) || ' ' || sum(total_spent) || ' ' || (SELECT "
      "sum(minutes) "
      "FROM watchtime) FROM user_points";
  const std::string before = ask(totals);

  const auto applied = apply(target(), options);
  ASSERT_TRUE(applied) << applied.error().finding.text;
  execute("BEGIN");
  for (const test::OldStatement& statement : test::old_bot_statements(old))
    EXPECT_NO_THROW(session().query(statement.sql, statement.values)) << statement.name;
  execute("ROLLBACK");
  const auto contracted = contract(target(), options);
  ASSERT_TRUE(contracted) << contracted.error().finding.text;

  EXPECT_EQ(ask(totals), before);
  EXPECT_THAT(list("SELECT kick_username || ' ' || points FROM user_points WHERE lower(kick_username) IN "
                   "('viewer_0000001', 'cased_only_here') ORDER BY 1"),
              ElementsAre("Cased_Only_Here 11", "viewer_0000001 413"));
  EXPECT_EQ(count("watchtime WHERE lower(username) = 'viewer_0000001'"), 1);
  EXPECT_EQ(count("watchtime_roles WHERE role_name = 'Tier 1'"), 1);
  EXPECT_THAT(error_of("INSERT INTO watchtime_roles (role_name, minutes_required, display_order, "
                       "discord_server_id) VALUES ('Tier 1', 1, 1, 0)"),
              StartsWith("23505"));
  EXPECT_EQ(
      count("points_watchtime_converted WHERE kick_username = 'viewer_0000004' AND minutes_converted = 5"),
      1);
  const auto checked = check(session(), target(), options, {.writers = Writers::stopped});
  ASSERT_TRUE(checked) << checked.error().finding.text;
  for (const migrate::Finding& finding : checked->found.findings)
    EXPECT_NE(finding.level, migrate::Level::error) << finding.text;
}

}  // namespace
}  // namespace guildhall::convert
