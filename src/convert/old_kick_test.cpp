// The old Kick bot's database as tests make it: every shape is a database, with the rows that are to be met,
// and the old bot's own statements work on it.
#include "tests/support/old_kick.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/support/any_database.h"
#include "tests/support/foreign_database.h"

namespace guildhall::convert {
namespace {

using test::OldKick;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::int64_t kHome = 900'000'000'000'000'001;
constexpr std::int64_t kOther = 900'000'000'000'000'002;

/// Every shape by itself, and the worst of them together.
std::vector<std::pair<std::string, OldKick>> all_shapes() {
  std::vector<std::pair<std::string, OldKick>> shapes;
  for (const auto shape : {OldKick::Shape::bot_only, OldKick::Shape::with_dashboard}) {
    const std::string name = shape == OldKick::Shape::bot_only ? "BotOnly" : "WithDashboard";
    const auto add = [&](const std::string& what, OldKick database) {
      database.shape = shape;
      database.viewers = 200;
      shapes.emplace_back(name + what, database);
    };
    add("", {});
    add("Tame", {.nasty = false});
    add("SettingsBeforeDecember", {.settings_before_december = true});
    add("HalfMigrated", {.half_migrated = true});
    add("HandMade", {.hand_made = true});
    add("NoServer", {.servers = {}});
    add("TwoServers", {.servers = {kOther, kHome}});
    add("TwoServersHalfMigratedHandMade", {.settings_before_december = true,
                                           .half_migrated = true,
                                           .hand_made = true,
                                           .servers = {kHome, kOther}});
  }
  return shapes;
}

class OldKickOfPostgres : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::has_postgres()) GTEST_SKIP() << "no PostgreSQL";
    database_ = std::make_unique<test::AnyDatabase>(migrate::Dialect::postgres);
  }
  store::SchemaSession& session() { return database_->session(); }
  void make(const OldKick& database) { session().execute(test::script(database)); }
  std::string ask(const std::string& sql) { return session().query(sql).at(0).at(0); }
  /// The first column.
  std::vector<std::string> list(const std::string& sql) {
    std::vector<std::string> values;
    for (const auto& row : session().query(sql)) values.push_back(row.at(0));
    return values;
  }
  std::string count(const std::string& from) { return ask("SELECT count(*) FROM " + from); }

 private:
  std::unique_ptr<test::AnyDatabase> database_;
};

class EveryOldKickOfPostgres : public OldKickOfPostgres,
                               public testing::WithParamInterface<std::pair<std::string, OldKick>> {};

TEST_P(EveryOldKickOfPostgres, IsMadeAndServesTheOldBotTwice) {
  const OldKick& old = GetParam().second;
  make(old);
  for (const int round : {1, 2})
    for (const auto& statement : test::old_bot_statements(old, round))
      EXPECT_NO_THROW(session().query(statement.sql, statement.values)) << statement.name;
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryOldKickOfPostgres, testing::ValuesIn(all_shapes()),
                         [](const auto& shape) { return shape.param.first; });

TEST_F(OldKickOfPostgres, IsTheSameEachTime) {
  const OldKick old = {
      .shape = OldKick::Shape::with_dashboard, .half_migrated = true, .servers = {kHome, kOther}};
  make(old);
  std::map<std::string, std::string> sums;
  for (const std::string& table : list("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
    sums[table] = ask(fmt::format("SELECT sum(hashtextextended(t::text, 0)) FROM {} t", table));
  session().execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  make(old);
  for (const auto& [table, sum] : sums)
    EXPECT_EQ(ask(fmt::format("SELECT sum(hashtextextended(t::text, 0)) FROM {} t", table)), sum) << table;
}

TEST_F(OldKickOfPostgres, OfTheBotAloneHasNoServersAndHardlyAServerColumn) {
  make({.viewers = 100});
  EXPECT_EQ(count("pg_tables WHERE schemaname = 'public'"), "32");
  EXPECT_THAT(list("SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND "
                   "column_name = 'discord_server_id' ORDER BY 1"),
              ElementsAre("bot_settings", "links", "raffle_draws", "raffle_periods", "raffle_tickets"));
}

TEST_F(OldKickOfPostgres, WithTheDashboardHasItsTablesAndHalfFilledColumns) {
  make({.shape = OldKick::Shape::with_dashboard, .viewers = 100});
  EXPECT_EQ(count("pg_tables WHERE schemaname = 'public'"), "37");
  EXPECT_THAT(list("SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND "
                   "column_name = 'discord_server_id' AND is_nullable = 'YES' ORDER BY 1"),
              ElementsAre("custom_commands", "gtb_guesses", "gtb_sessions", "point_settings",
                          "point_shop_items", "shuffle_slots", "slot_requests", "timed_messages"));
  for (const std::string& table : {"custom_commands", "gtb_guesses", "gtb_sessions", "point_settings",
                                   "point_shop_items", "shuffle_slots", "slot_requests", "timed_messages"}) {
    EXPECT_NE(count(table + " WHERE discord_server_id IS NULL"), "0") << table;
    EXPECT_NE(count(fmt::format("{} WHERE discord_server_id = {}", table, kHome)), "0") << table;
  }
}

TEST_F(OldKickOfPostgres, HasTheKeysUnderTheNamesThatPostgresGaveThem) {
  make({.viewers = 10});
  EXPECT_THAT(list("SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN "
                   "('user_points'::regclass, 'watchtime'::regclass, 'raffle_tickets'::regclass, "
                   "'gtb_sessions'::regclass)"),
              UnorderedElementsAre(
                  "user_points_pkey PRIMARY KEY (id)", "user_points_kick_username_key UNIQUE (kick_username)",
                  "watchtime_pkey PRIMARY KEY (username)", "raffle_tickets_pkey PRIMARY KEY (id)",
                  "raffle_tickets_period_id_discord_id_key UNIQUE (period_id, discord_id)",
                  "raffle_tickets_period_id_fkey FOREIGN KEY (period_id) REFERENCES raffle_periods(id) "
                  "ON DELETE CASCADE",
                  "gtb_sessions_pkey PRIMARY KEY (id)",
                  "gtb_sessions_status_check CHECK ((status = ANY (ARRAY['open'::text, 'closed'::text, "
                  "'completed'::text])))"));
}

TEST_F(OldKickOfPostgres, MadeByHandHasIndexesInPlaceOfUniquesAndFewerForeignKeys) {
  make({.hand_made = true, .viewers = 10});
  EXPECT_THAT(
      list("SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisunique "
           "AND c.relnamespace = 'public'::regnamespace "
           "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)"),
      UnorderedElementsAre("links_name_once", "watchtime_name_once", "user_points_name_once",
                           "one_row_per_member"));
  EXPECT_EQ(count("pg_constraint WHERE contype = 'f'"), "6");
  EXPECT_EQ(count("pg_constraint WHERE conrelid = 'watchtime'::regclass"), "0");
}

TEST_F(OldKickOfPostgres, OfBeforeDecemberHasSettingsByKeyAlone) {
  make({.settings_before_december = true, .viewers = 10});
  EXPECT_THAT(list("SELECT column_name FROM information_schema.columns WHERE table_name = 'bot_settings' AND "
                   "table_schema = 'public' ORDER BY ordinal_position"),
              ElementsAre("key", "value", "updated_at"));
}

TEST_F(OldKickOfPostgres, HalfMigratedHasRowsOfServersAndRowsOfNone) {
  make({.half_migrated = true, .servers = {kHome, kOther}, .viewers = 120});
  EXPECT_THAT(list("SELECT coalesce(discord_server_id::text, 'none') FROM user_points GROUP BY 1 ORDER BY 1"),
              ElementsAre("0", std::to_string(kHome), std::to_string(kOther), "none"));
  EXPECT_EQ(count("clips WHERE discord_server_id IS NOT NULL"), "0");
  EXPECT_EQ(count("oauth_notifications WHERE discord_server_id IS NULL"), "0");
  EXPECT_EQ(count("pg_class WHERE relname IN ('idx_user_points_server', 'idx_watchtime_server')"), "2");
}

TEST_F(OldKickOfPostgres, HoldsWhatDataOfYearsHolds) {
  make({.shape = OldKick::Shape::with_dashboard, .viewers = 200});
  const std::pair<const char*, const char*> expected[] = {
      {"(SELECT FROM watchtime GROUP BY lower(username) HAVING count(*) > 1) twins", "2"},
      {"(SELECT FROM user_points GROUP BY lower(kick_username) HAVING count(*) > 1) twins", "3"},
      {"user_points WHERE points IS NULL OR points < 0 OR points = 2147483647", "3"},
      {"watchtime WHERE username ~ '[^ -~]' OR username ~ '[''\"\\\\%]' OR username IN ('', 'NULL')", "11"},
      {"watchtime WHERE length(username) > 255", "1"},
      {"links WHERE discord_server_id = 0", "3"},
      {"links WHERE kick_name IS NULL", "2"},
      {"links WHERE discord_id = 9007199254740993", "1"},
      {"raffle_tickets t JOIN raffle_periods p ON p.id = t.period_id "
       "WHERE t.discord_server_id <> p.discord_server_id",
       "1"},
      {"raffle_draws d JOIN raffle_periods p ON p.id = d.period_id "
       "WHERE d.discord_server_id <> p.discord_server_id",
       "1"},
      {"(SELECT FROM raffle_tickets WHERE period_id IS NULL GROUP BY discord_id HAVING count(*) = 2) twice",
       "1"},
      {"(SELECT FROM points_watchtime_converted GROUP BY kick_username, minutes_converted, points_awarded, "
       "converted_at HAVING count(*) > 1) twice",
       "1"},
      {"(SELECT FROM raffle_periods WHERE status = 'active' GROUP BY discord_server_id HAVING count(*) > 1) "
       "two",
       "1"},
      {"(SELECT FROM watchtime_roles GROUP BY role_name HAVING count(*) > 1) twice", "1"},
      {"raffle_shuffle_wagers WHERE total_wager_usd = 9999999999999.99", "1"},
      {"raffle_exclusions WHERE discord_id !~ '^[0-9]+$'", "3"},
      {"(SELECT FROM custom_commands GROUP BY command HAVING count(*) FILTER (WHERE discord_server_id IS "
       "NULL) > 1) "
       "twins",
       "1"},
      {"slot_requests WHERE discord_server_id = 0", "1"},
      {"gtb_guesses g JOIN gtb_sessions s ON s.id = g.session_id "
       "WHERE g.discord_server_id <> s.discord_server_id",
       "4"},
      {"timer_panels", "0"},
  };
  for (const auto& [from, rows] : expected) EXPECT_EQ(count(from), rows) << from;
  // Some ids would not survive a double.
  EXPECT_NE(count("links WHERE discord_id::double precision::numeric::bigint <> discord_id"), "0");
  // The newest sale was deleted: its number must not be given out again.
  EXPECT_EQ(
      count(
          "(SELECT max(id) AS newest FROM point_sales) s, point_sales_id_seq q WHERE q.last_value > newest"),
      "1");
}

TEST_F(OldKickOfPostgres, TameHoldsNothingThatContradicts) {
  make({.shape = OldKick::Shape::with_dashboard, .viewers = 200, .nasty = false});
  EXPECT_EQ(count("(SELECT FROM user_points GROUP BY lower(kick_username) HAVING count(*) > 1) twins"), "0");
  EXPECT_EQ(count("raffle_tickets t LEFT JOIN raffle_periods p ON p.id = t.period_id "
                  "WHERE t.discord_server_id IS DISTINCT FROM p.discord_server_id"),
            "0");
  EXPECT_THAT(list("SELECT discord_server_id FROM links UNION SELECT discord_server_id FROM bot_settings"),
              ElementsAre(std::to_string(kHome)));
}

TEST_F(OldKickOfPostgres, OfTwoServersHasRowsOfTheOther) {
  make({.shape = OldKick::Shape::with_dashboard, .servers = {kOther, kHome}, .viewers = 200});
  EXPECT_THAT(list("SELECT discord_server_id FROM servers"),
              ElementsAre(std::to_string(kOther), std::to_string(kHome)));
  for (const char* table : {"links", "bot_settings", "raffle_periods", "raffle_tickets", "gtb_sessions",
                            "custom_commands", "point_shop_items"})
    EXPECT_NE(count(fmt::format("{} WHERE discord_server_id = {}", table, kOther)), "0") << table;
  EXPECT_NE(count(fmt::format("point_sales s JOIN point_shop_items i ON i.id = s.item_id "
                              "WHERE i.discord_server_id = {}",
                              kOther)),
            "0");
}

TEST_F(OldKickOfPostgres, GrowsWithItsViewers) {
  make({.viewers = 2'000, .nasty = false});
  for (const char* table : {"watchtime", "user_points", "points_watchtime_converted", "point_sales",
                            "raffle_watchtime_converted", "gtb_guesses"})
    EXPECT_EQ(count(table), "2000") << table;
  EXPECT_EQ(count("links"), "1334");
  EXPECT_EQ(count(fmt::format("links WHERE kick_name = '{}' AND discord_id = {}", test::viewer_name(1999),
                              test::viewer_id(1999))),
            "1");
}

}  // namespace
}  // namespace guildhall::convert
