// How a bot's database is made multi-server when nothing is asked and nothing is looked at: add a column,
// fill it with the first server that is found, swap the keys. Each test is a trap in which that goes wrong;
// what Guildhall does there is the test of the same number in right_ways_test.cpp.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include "tests/support/any_database.h"
#include "tests/support/foreign_database.h"
#include "tests/support/old_kick.h"
#include "tests/support/questions.h"

namespace guildhall::convert {
namespace {

using test::OldKick;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::int64_t kHome = 900'000'000'000'000'001;
constexpr std::int64_t kOther = 900'000'000'000'000'002;
constexpr auto kDashboard = OldKick::Shape::with_dashboard;

const std::vector<std::string> kTables = {"user_points",        "points_watchtime_converted",
                                          "point_sales",        "watchtime",
                                          "gtb_sessions",       "clips",
                                          "watchtime_roles",    "pending_links",
                                          "oauth_notifications"};

/// The naive conversion, one statement after another, within its transaction.
std::vector<std::string> naive_statements() {
  std::vector<std::string> sql;
  for (const auto& table : kTables)
    sql.push_back(fmt::format("ALTER TABLE {} ADD COLUMN IF NOT EXISTS discord_server_id bigint", table));
  std::string fill;
  for (const auto& table : kTables)
    if (table != "watchtime_roles")
      fill += fmt::format("UPDATE {} SET discord_server_id = found WHERE discord_server_id IS NULL; ", table);
  sql.push_back(
      fmt::format("DO $$ DECLARE found bigint := (SELECT discord_server_id FROM servers LIMIT 1); "
                  "BEGIN IF found IS NULL THEN RAISE WARNING 'no server'; ELSE {} END IF; END $$",
                  fill));
  sql.push_back("ALTER TABLE user_points DROP CONSTRAINT IF EXISTS user_points_kick_username_key");
  sql.push_back("ALTER TABLE user_points DROP CONSTRAINT IF EXISTS user_points_pkey");
  sql.push_back(
      "ALTER TABLE user_points ADD CONSTRAINT user_points_key PRIMARY KEY (kick_username, "
      "discord_server_id)");
  sql.push_back("ALTER TABLE watchtime DROP CONSTRAINT IF EXISTS watchtime_pkey");
  sql.push_back(
      "ALTER TABLE watchtime ADD CONSTRAINT watchtime_key PRIMARY KEY (username, discord_server_id)");
  for (const auto& table : kTables)
    sql.push_back(fmt::format("CREATE INDEX IF NOT EXISTS idx_{0}_server ON {0} (discord_server_id)", table));
  return sql;
}

std::string naive_conversion() {
  return fmt::format("BEGIN; {}; COMMIT", fmt::join(naive_statements(), "; "));
}

/// The naive way back.
std::string naive_return() {
  std::string sql = "BEGIN; ";
  sql +=
      "ALTER TABLE user_points DROP CONSTRAINT IF EXISTS user_points_key; "
      "ALTER TABLE user_points ADD CONSTRAINT user_points_kick_username_key UNIQUE (kick_username); "
      "ALTER TABLE watchtime DROP CONSTRAINT IF EXISTS watchtime_key; "
      "ALTER TABLE watchtime ADD CONSTRAINT watchtime_pkey PRIMARY KEY (username); ";
  for (const auto& table : kTables)
    sql += fmt::format("ALTER TABLE {} DROP COLUMN IF EXISTS discord_server_id; ", table);
  return sql + "COMMIT";
}

auto is_error(const std::string& sqlstate, const std::string& part = "") {
  return AllOf(StartsWith(sqlstate), HasSubstr(part));
}

class NaiveWayInPostgres : public testing::Test, public test::Questions {
 protected:
  void SetUp() override {
    if (!test::has_postgres()) GTEST_SKIP() << "no PostgreSQL";
    database_ = std::make_unique<test::AnyDatabase>(migrate::Dialect::postgres);
  }
  store::SchemaSession& session() override { return database_->session(); }
  const migrate::Target& target() const { return database_->target(); }
  void make(OldKick database) {
    database.viewers = 300;
    execute(test::script(database));
  }

 private:
  std::unique_ptr<test::AnyDatabase> database_;
};

// There and not back.

TEST_F(NaiveWayInPostgres, T1a_WithoutAServerItEndsAtTheKeyOfNulls) {
  make({.shape = kDashboard, .servers = {}});
  EXPECT_THAT(
      error_of(naive_conversion()),
      is_error("23502", "column \"discord_server_id\" of relation \"user_points\" contains null values"));
  EXPECT_FALSE(has_column("user_points"));
}

TEST_F(NaiveWayInPostgres, T1b_WithoutAServerAndBalancesAllOtherRowsBecomeNobodys) {
  make({.shape = kDashboard, .servers = {}});
  execute("DELETE FROM user_points; DELETE FROM watchtime");
  EXPECT_EQ(error_of(naive_conversion()), "");
  EXPECT_FALSE(may_be_null("user_points"));
  EXPECT_TRUE(may_be_null("point_sales"));
  EXPECT_EQ(count("point_sales WHERE discord_server_id IS NULL"), count("point_sales"));
  EXPECT_GT(count("point_sales"), 0);
}

TEST_F(NaiveWayInPostgres, T1c_TheBotAloneHasNoTableOfServers) {
  make({});
  EXPECT_THAT(error_of(naive_conversion()), is_error("42P01", "relation \"servers\" does not exist"));
}

TEST_F(NaiveWayInPostgres, T2a_ItCannotBeRunTwice) {
  make({.shape = kDashboard});
  EXPECT_EQ(error_of(naive_conversion()), "");
  EXPECT_THAT(error_of(naive_conversion()), is_error("42P16", "multiple primary keys"));
}

TEST_F(NaiveWayInPostgres, T2b_ToIgnoreThatErrorLosesWhatWasMadeBefore) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  execute("BEGIN; CREATE TABLE giveaways (id serial PRIMARY KEY)");
  int ignored = 0;
  for (const std::string& statement : naive_statements()) try {
      execute(statement);
    } catch (const store::DatabaseError&) {
      ++ignored;
    }
  execute("COMMIT");
  EXPECT_GT(ignored, 1);
  EXPECT_EQ(count("pg_tables WHERE tablename = 'giveaways'"), 0);
}

TEST_F(NaiveWayInPostgres, T3a_TheFirstServerIsTheOneThatNobodyTouchedLast) {
  make({.shape = kDashboard, .servers = {kHome, kOther}});
  const std::string first = "SELECT discord_server_id FROM servers LIMIT 1";
  EXPECT_EQ(ask(first), std::to_string(kHome));
  execute(fmt::format("UPDATE servers SET server_name = 'renamed' WHERE discord_server_id = {}", kHome));
  EXPECT_EQ(ask(first), std::to_string(kOther));
}

TEST_F(NaiveWayInPostgres, T3b_BalancesOfTheOtherServersMembersAreStranded) {
  make({.shape = kDashboard, .servers = {kOther, kHome}});
  execute(naive_conversion());
  EXPECT_EQ(of_server("user_points", kOther), count("user_points"));
  const std::string linked = fmt::format(
      "user_points p JOIN links l ON l.kick_name = p.kick_username AND l.discord_server_id = {}", kHome);
  EXPECT_GT(count(linked), 100);
  EXPECT_EQ(count(linked + " AND p.discord_server_id = l.discord_server_id"), 0);
}

TEST_F(NaiveWayInPostgres, T3c_GuessesDisagreeWithTheirSession) {
  make({.shape = kDashboard, .servers = {kOther, kHome}, .nasty = false});
  EXPECT_EQ(of_server("gtb_sessions", kHome), 7);
  const auto of_other = of_server("gtb_sessions", kOther);
  execute(naive_conversion());
  EXPECT_EQ(of_server("gtb_sessions", kHome), 7);
  EXPECT_EQ(of_server("gtb_sessions", kOther), of_other + 5);
  EXPECT_GT(count("gtb_guesses g JOIN gtb_sessions s ON s.id = g.session_id "
                  "WHERE g.discord_server_id IS DISTINCT FROM s.discord_server_id"),
            100);
}

TEST_F(NaiveWayInPostgres, T4a_AForeignKeyToTheOldKeyEndsIt) {
  make({.shape = kDashboard});
  execute("CREATE TABLE pets (id serial PRIMARY KEY, owner integer REFERENCES user_points (id))");
  EXPECT_THAT(error_of(naive_conversion()), is_error("2BP01", "cannot drop constraint user_points_pkey"));
}

TEST_F(NaiveWayInPostgres, T4b_AUniqueOfAnotherNameSurvivesAndRefusesTheSecondServer) {
  make({.shape = kDashboard, .hand_made = true});
  execute(naive_conversion());
  EXPECT_THAT(
      error_of(fmt::format("INSERT INTO user_points (kick_username, discord_server_id) VALUES ('{}', {})",
                           test::viewer_name(1), kOther)),
      is_error("23505", "duplicate key value violates unique constraint \"user_points_name_once\""));
}

TEST_F(NaiveWayInPostgres, T4c_IdsAreUniqueNoMore) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  EXPECT_EQ(error_of(fmt::format("INSERT INTO user_points (id, kick_username, discord_server_id) "
                                 "VALUES (1, 'a', {0}), (1, 'b', {0}), (1, 'c', {0})",
                                 kHome)),
            "");
  EXPECT_EQ(count("user_points WHERE id = 1"), 4);
}

TEST_F(NaiveWayInPostgres, T4d_WhoForgetsTheServerMakesRowsOfNobody) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  for (const auto& table : kTables)
    EXPECT_EQ(may_be_null(table), table != "user_points" && table != "watchtime") << table;
  EXPECT_EQ(count("pg_constraint WHERE confrelid = 'servers'::regclass"), 0);
  EXPECT_EQ(error_of("INSERT INTO clips (kick_username, clip_duration) VALUES ('a', 30)"), "");
  EXPECT_EQ(count("clips WHERE discord_server_id IS NULL"), 1);
}

TEST_F(NaiveWayInPostgres, T4e_AHalfDoneStateIsTakenAsItIs) {
  make({.shape = kDashboard, .half_migrated = true, .servers = {kHome, kOther}});
  const auto of_home = of_server("user_points", kHome);
  const auto of_other = of_server("user_points", kOther);
  const auto of_none = count("user_points WHERE discord_server_id IS NULL");
  execute(naive_conversion());
  EXPECT_GT(of_other, 0);
  EXPECT_EQ(of_server("user_points", kOther), of_other);
  EXPECT_EQ(of_server("user_points", kHome), of_home + of_none);
  EXPECT_EQ(of_server("user_points", 0), 1);
}

TEST_F(NaiveWayInPostgres, T4f_NamesThatDifferInCaseAloneStayTwo) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  EXPECT_EQ(count("user_points WHERE LOWER(kick_username) = 'viewer_0000001'"), 2);
}

TEST_F(NaiveWayInPostgres, T5_TheOldBotStopsCounting) {
  const OldKick old = {.shape = kDashboard};
  make(old);
  execute(naive_conversion());
  std::vector<std::string> failed;
  for (const auto& statement : test::old_bot_statements(old)) {
    const std::string error = error_of(statement.sql, statement.values);
    if (!error.empty()) failed.push_back(statement.name + ": " + error.substr(0, 5));
  }
  EXPECT_THAT(failed, ElementsAre("watchtime: tick of a newcomer: 42P10", "watchtime: tick: 42P10",
                                  "watchtime: insert: 23502", "points: award to a newcomer: 42P10",
                                  "points: award: 42P10"));
}

TEST_F(NaiveWayInPostgres, T5b_TheNewBotFindsNothingItNeedsInTheBotsOwnTables) {
  make({});
  const std::string of_home = fmt::format("discord_server_id = {}", kHome);
  for (const char* from : {"point_settings", "gtb_guesses", "slot_requests"})
    EXPECT_THAT(error_of(fmt::format("SELECT FROM {} WHERE {}", from, of_home)), is_error("42703")) << from;
  EXPECT_THAT(error_of("SELECT FROM custom_commands WHERE " + of_home), is_error("42P01"));
}

TEST_F(NaiveWayInPostgres, T9_NobodyReadsUntilItIsOverAndTablesDouble) {
  make({.shape = kDashboard, .nasty = false});
  const auto size = [this] {
    return std::stoll(ask("SELECT pg_relation_size('points_watchtime_converted')"));
  };
  const auto before = size();
  const auto reader = *target().open("");
  const auto sees = [&](const std::string& table) {
    try {
      reader->execute(fmt::format("BEGIN; LOCK TABLE {} IN ACCESS SHARE MODE NOWAIT; ROLLBACK", table));
      return true;
    } catch (const store::DatabaseError&) {
      reader->execute("ROLLBACK");
      return false;
    }
  };
  execute("BEGIN");
  EXPECT_TRUE(sees("watchtime"));
  bool was_shut = false;
  for (const std::string& statement : naive_statements()) {
    execute(statement);
    const bool is_shut = !sees("watchtime");
    EXPECT_TRUE(is_shut || !was_shut) << statement;
    was_shut = is_shut;
  }
  EXPECT_TRUE(was_shut);
  execute("COMMIT");
  EXPECT_TRUE(sees("watchtime"));
  EXPECT_GE(size(), before * 2);
}

// And back.

TEST_F(NaiveWayInPostgres, T6_OneMemberOfTwoServersEndsTheWayBack) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  execute(fmt::format("INSERT INTO user_points (kick_username, discord_server_id) VALUES ('{}', {})",
                      test::viewer_name(1), kOther));
  EXPECT_THAT(error_of(naive_return()),
              is_error("23505", "could not create unique index \"user_points_kick_username_key\""));
}

TEST_F(NaiveWayInPostgres, T7a_TwoCommunitiesBecomeOnePot) {
  make({.shape = kDashboard, .nasty = false});
  execute(naive_conversion());
  execute(fmt::format(
      "INSERT INTO user_points (kick_username, points, discord_server_id) VALUES ('of_other', 7, {})",
      kOther));
  EXPECT_EQ(error_of(naive_return()), "");
  EXPECT_EQ(count("user_points"), 301);
  EXPECT_FALSE(has_column("user_points"));
}

TEST_F(NaiveWayInPostgres, T7b_TheKeyOfIdsDoesNotComeBack) {
  make({.shape = kDashboard});
  const std::string keys =
      "SELECT conname FROM pg_constraint WHERE conrelid = 'user_points'::regclass ORDER BY conname";
  EXPECT_THAT(list(keys), ElementsAre("user_points_kick_username_key", "user_points_pkey"));
  execute(naive_conversion());
  execute(naive_return());
  EXPECT_THAT(list(keys), ElementsAre("user_points_kick_username_key"));
}

TEST_F(NaiveWayInPostgres, T7c_ItTakesWhatItNeverBrought) {
  make({.shape = kDashboard});
  EXPECT_GT(of_server("gtb_sessions", kHome), 0);
  execute(naive_conversion());
  execute(naive_return());
  EXPECT_FALSE(has_column("gtb_sessions"));
  EXPECT_TRUE(has_column("gtb_guesses"));
}

TEST_F(NaiveWayInPostgres, T8_TheWayBackCannotBeRunTwiceEither) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  execute(naive_return());
  EXPECT_THAT(error_of(naive_return()),
              is_error("42P07", "relation \"user_points_kick_username_key\" already exists"));
}

// Settings, keys and whose they are.

TEST_F(NaiveWayInPostgres, T10a_ASettingOfAllServersCannotBeWritten) {
  make({.shape = kDashboard});
  EXPECT_THAT(error_of("INSERT INTO bot_settings (key, value) VALUES ('clip_duration', '60') "
                       "ON CONFLICT (key, discord_server_id) DO UPDATE SET value = EXCLUDED.value"),
              is_error("23502"));
  EXPECT_THAT(error_of(fmt::format("INSERT INTO bot_settings (key, value, discord_server_id) "
                                   "VALUES ('clip_duration', '60', {}) "
                                   "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
                                   kHome)),
              is_error("42P10"));
}

TEST_F(NaiveWayInPostgres, T10b_WithAUniqueInPlaceOfTheKeyItIsWrittenAgainAndAgain) {
  make({.shape = kDashboard, .nasty = false});
  execute(
      "ALTER TABLE bot_settings DROP CONSTRAINT bot_settings_pkey, ADD UNIQUE (key, discord_server_id), "
      "ALTER COLUMN discord_server_id DROP NOT NULL");
  for (const char* value : {"60", "90"})
    execute(
        fmt::format("INSERT INTO bot_settings (key, value) VALUES ('clip_duration', '{}') "
                    "ON CONFLICT (key, discord_server_id) DO UPDATE SET value = EXCLUDED.value",
                    value));
  EXPECT_EQ(count("bot_settings WHERE key = 'clip_duration'"), 3);
}

TEST_F(NaiveWayInPostgres, T10c_OldSettingsStayWithoutAServer) {
  make({.shape = kDashboard, .settings_before_december = true});
  EXPECT_EQ(error_of(naive_conversion()), "");
  EXPECT_THAT(error_of(fmt::format("SELECT value FROM bot_settings WHERE discord_server_id = {}", kHome)),
              is_error("42703"));
}

TEST_F(NaiveWayInPostgres, T11_OneSwitchOfAFeatureForAllServers) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  EXPECT_THAT(error_of("INSERT INTO feature_settings (feature_name, enabled) VALUES ('raffle', false)"),
              is_error("23505", "duplicate key value violates unique constraint \"feature_settings_pkey\""));
}

TEST_F(NaiveWayInPostgres, T12_WhoIsBannedInOneServerCannotBeInASecond) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  EXPECT_THAT(
      error_of("INSERT INTO slot_call_blacklist (kick_username) VALUES ('loud_one')"),
      is_error("23505", "duplicate key value violates unique constraint \"slot_call_blacklist_pkey\""));
}

TEST_F(NaiveWayInPostgres, T13_WhoLinksInOneServerCannotInASecond) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  EXPECT_THAT(
      error_of(fmt::format("INSERT INTO pending_links (discord_id, discord_server_id) VALUES ({}, {})",
                           test::viewer_id(3), kOther)),
      is_error("23505", "duplicate key value violates unique constraint \"pending_links_pkey\""));
}

TEST_F(NaiveWayInPostgres, T14_OneVerifiedAccountForAllServers) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  const auto claim = [&](const std::string& name, std::int64_t member) {
    return error_of(
        fmt::format("INSERT INTO raffle_shuffle_links (shuffle_username, kick_name, discord_id) "
                    "VALUES ('{}', 'a', {})",
                    name, member));
  };
  EXPECT_THAT(claim("another", test::viewer_id(7)), HasSubstr("raffle_shuffle_links_discord_id_key"));
  EXPECT_THAT(claim("shuffle7", 1), HasSubstr("raffle_shuffle_links_shuffle_username_key"));
}

TEST_F(NaiveWayInPostgres, T15_AGiftCountsInOneOfTwoServersOfTheSameChannel) {
  make({.shape = kDashboard, .servers = {kHome, kOther}});
  execute(naive_conversion());
  const std::string period =
      ask(fmt::format("SELECT id FROM raffle_periods WHERE discord_server_id = {}", kOther));
  EXPECT_THAT(
      error_of(fmt::format("INSERT INTO raffle_gifted_subs (period_id, gifter_kick_name, tickets_awarded, "
                           "kick_event_id) VALUES ({}, 'a', 15, 'event-4')",
                           period)),
      HasSubstr("raffle_gifted_subs_kick_event_id_key"));
}

TEST_F(NaiveWayInPostgres, T16_NothingHoldsATicketToTheServerOfItsPeriod) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  EXPECT_EQ(count("raffle_tickets t JOIN raffle_periods p ON p.id = t.period_id "
                  "WHERE t.discord_server_id <> p.discord_server_id"),
            1);
  EXPECT_EQ(count("raffle_tickets WHERE period_id IS NULL AND discord_id = 370000000000000002"), 2);
}

TEST_F(NaiveWayInPostgres, T17_OneActivePeriodOfAServerIsPromisedTooLate) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  EXPECT_THAT(
      error_of(
          "CREATE UNIQUE INDEX one_active ON raffle_periods (discord_server_id) WHERE status = 'active'"),
      is_error("23505", "could not create unique index"));
}

TEST_F(NaiveWayInPostgres, T18_RolesOfAllServersAreSeenByNone) {
  make({.shape = kDashboard, .nasty = false});
  execute(naive_conversion());
  EXPECT_EQ(of_server("watchtime_roles", kHome), 0);
  EXPECT_EQ(count("watchtime_roles"), 3);
  const std::string again = fmt::format(
      "INSERT INTO watchtime_roles (role_name, minutes_required, display_order, "
      "discord_server_id) VALUES ('Tier 1', 120, 1, {})",
      kHome);
  EXPECT_EQ(error_of(again), "");
  EXPECT_EQ(error_of(again), "");
}

TEST_F(NaiveWayInPostgres, T19_AConversionThatWasMadeTwiceCannotBeTold) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  EXPECT_EQ(
      count("points_watchtime_converted WHERE kick_username = 'viewer_0000004' AND minutes_converted = 5"),
      3);
}

TEST_F(NaiveWayInPostgres, T20_TicketsAreAwardedAndTheirRecordIsRefused) {
  make({.shape = kDashboard});
  execute(naive_conversion());
  const std::string award = fmt::format(
      "UPDATE raffle_tickets SET total_tickets = total_tickets + 10 WHERE period_id = 2 AND discord_id = {}",
      test::viewer_id(5));
  const std::string record = fmt::format(
      "INSERT INTO raffle_watchtime_converted (period_id, kick_name, minutes_converted, tickets_awarded) "
      "VALUES (2, '{}', 60, 10)",
      test::viewer_name(5));
  const std::string tickets = fmt::format(
      "SELECT total_tickets FROM raffle_tickets WHERE period_id = 2 AND discord_id = {}", test::viewer_id(5));
  const auto before = std::stoll(ask(tickets));
  for (int run = 0; run < 2; ++run) {
    EXPECT_EQ(session().run(award), 1);
    EXPECT_THAT(error_of(record), HasSubstr("raffle_watchtime_converted_period_id_kick_name_key"));
  }
  EXPECT_EQ(std::stoll(ask(tickets)), before + 20);
}

TEST_F(NaiveWayInPostgres, T21_WinnersCannotReferToTheirGiveaway) {
  make({.shape = kDashboard});
  execute("CREATE TABLE giveaways (id serial PRIMARY KEY, discord_server_id bigint NOT NULL)");
  EXPECT_THAT(
      error_of("CREATE TABLE giveaway_winners (giveaway_id integer, discord_server_id varchar(50), "
               "FOREIGN KEY (giveaway_id, discord_server_id) REFERENCES giveaways (id, discord_server_id))"),
      is_error("42830"));
}

TEST_F(NaiveWayInPostgres, T22_TwoRoutinesUndoEachOther) {
  make({.shape = kDashboard, .nasty = false});
  const std::string keys =
      "SELECT conname FROM pg_constraint WHERE conrelid = 'links'::regclass AND contype = 'u'";
  const std::string one = "ALTER TABLE links ADD CONSTRAINT links_once UNIQUE (kick_name, discord_server_id)";
  const std::string another = "ALTER TABLE links DROP CONSTRAINT links_once";
  execute("ALTER TABLE links DROP CONSTRAINT links_kick_name_discord_server_id_key");
  for (int start = 0; start < 2; ++start) {
    EXPECT_EQ(error_of(one), "");
    EXPECT_THAT(list(keys), ElementsAre("links_once"));
    EXPECT_EQ(error_of(another), "");
    EXPECT_THAT(list(keys), IsEmpty());
  }
}

TEST_F(NaiveWayInPostgres, T23_ServersOfOneChannelAreTakenForEachOther) {
  make({.shape = kDashboard, .servers = {kHome, kOther}, .nasty = false});
  execute("UPDATE bot_settings SET value = 'the_channel' WHERE key = 'kick_channel'");
  const std::string which =
      "SELECT discord_server_id FROM bot_settings WHERE key = 'kick_channel' AND value = 'the_channel' LIMIT "
      "1";
  const std::string before = ask(which);
  execute(fmt::format(
      "UPDATE bot_settings SET updated_at = NULL WHERE key = 'kick_channel' AND discord_server_id = {}",
      before));
  EXPECT_NE(ask(which), before);
}

TEST_F(NaiveWayInPostgres, T24_EveryStreamersTokenGoesToTheFirstServer) {
  make({.shape = kDashboard, .servers = {kOther, kHome}});
  execute(
      "ALTER TABLE kick_oauth_tokens ADD COLUMN discord_server_id bigint; "
      "UPDATE kick_oauth_tokens SET discord_server_id = (SELECT discord_server_id FROM servers LIMIT 1)");
  EXPECT_EQ(count("kick_oauth_tokens"), 2);
  EXPECT_EQ(of_server("kick_oauth_tokens", kOther), 2);
}

}  // namespace
}  // namespace guildhall::convert
