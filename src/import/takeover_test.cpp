// An old Kick bot's database in its shapes, taken over into every layout.
#include "import/takeover.h"

#include <gmock/gmock.h>

#include "bot/jobs.h"
#include "bot/links.h"
#include "features/points/points_import.h"
#include "tests/support/import_world.h"

namespace guildhall::importing {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST_P(ImportInto, BringsEveryMinuteAndPoint) {
  make(plain());
  const Report report = taken();
  EXPECT_EQ(std::to_string(minutes()), old_sum("minutes", "watchtime"));
  EXPECT_EQ(std::to_string(points()), old_sum("points", "user_points"));
  EXPECT_EQ(report.viewers, 13) << "those who are linked came with their links";
  EXPECT_EQ(points_of("VIEWER_0000003"), 39);
  EXPECT_EQ(world_.dump(fmt::format("SELECT count(*) FROM links WHERE discord_server_id = {}", made_.home)),
            ask("SELECT count(*) FROM links") + "\n");
}

TEST_P(ImportInto, AServerThatNoRowNamesIsTakenOnlyWhereItIsSaidToBeTheHome) {
  make(plain());
  const std::int64_t another = made_.home + 1;
  const auto refused = run(options(), {another, std::nullopt});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused_by_guard);
  EXPECT_THAT(refused.error().message, HasSubstr(std::to_string(made_.home)));
  const auto insisted = run(options(), {another, another});
  ASSERT_TRUE(insisted) << insisted.error().message;
  EXPECT_EQ(item(*insisted, "points").booked, 40);
}

TEST_P(ImportInto, SaysHowFarItIs) {
  make(plain());
  Options told = options();
  std::vector<std::string> lines;
  told.between_lines = std::chrono::milliseconds(0);
  told.say = [&](const std::string& line) { lines.push_back(line); };
  taken(told);
  EXPECT_THAT(lines, testing::IsSupersetOf(
                         {"watch time: 7 keys", "watch time: 40 keys", "points: 40 keys", "comparing ..."}));
}

TEST_P(ImportInto, ASecondRunBringsOnlyWhatIsNew) {
  make(plain());
  taken();
  const std::string before = rows();
  const Report again = taken();
  for (const ItemReport& one : again.items) EXPECT_EQ(one.booked, 0) << one.item;
  EXPECT_EQ(rows(), before);
  execute("UPDATE watchtime SET minutes = minutes + 5 WHERE username = 'viewer_0000003'");
  execute(
      "UPDATE user_points SET points = points - 9, total_spent = total_spent + 9 WHERE kick_username = "
      "'viewer_0000003'");
  execute("INSERT INTO watchtime VALUES ('viewer_new', 11, now())");
  const Report third = taken();
  EXPECT_EQ(item(third, "watchtime").booked, 2);
  EXPECT_EQ(item(third, "points").booked, 1);
  EXPECT_EQ(points_of("viewer_0000003"), 30);
  EXPECT_EQ(std::to_string(minutes()), old_sum("minutes", "watchtime"));
}

TEST_P(ImportInto, AViewerWhoWasRenamedThereTakesTheOldRowsAlong) {
  make(plain());
  taken();
  execute("UPDATE watchtime SET username = 'renamed' WHERE username = 'viewer_0000003'");
  execute("UPDATE user_points SET kick_username = 'renamed' WHERE kick_username = 'viewer_0000003'");
  taken();
  EXPECT_EQ(std::to_string(minutes()), old_sum("minutes", "watchtime"));
  EXPECT_EQ(points_of("viewer_0000003"), 0);
  EXPECT_EQ(points_of("renamed"), 39);
}

TEST_P(ImportInto, TimeoutsOfTheOldDatabaseDoNotEndItsReading) {
  make(plain(5));
  for (const char* timeout : {"statement_timeout", "idle_in_transaction_session_timeout"})
    execute(fmt::format("ALTER DATABASE \"{}\" SET {} = '1ms'", ask("SELECT current_database()"), timeout));
  taken();
  EXPECT_EQ(std::to_string(minutes()), old_sum("minutes", "watchtime"));
}

TEST(ImportOfUnreadableTablesInPostgres, IsRefusedWithTheTablesAndTheWayOut) {
  test::AnyDatabase old(migrate::Dialect::postgres);
  old.session().execute(test::script(plain(5)));
  old.session().execute(
      "DO $$ BEGIN CREATE ROLE poor_old_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$; "
      "GRANT poor_old_reader TO CURRENT_USER; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "
      "poor_old_reader; "
      "REVOKE SELECT ON watchtime, links FROM poor_old_reader; GRANT SELECT (kick_name) ON links TO "
      "poor_old_reader");
  const auto opened = OldDatabase::open(old.target().url + "?options=-crole%3Dpoor_old_reader", "kick", {});
  old.session().execute("DROP OWNED BY poor_old_reader");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::forbidden);
  EXPECT_THAT(opened.error().message, HasSubstr("may not read 2 of its tables: links, watchtime"));
  EXPECT_THAT(opened.error().hint, HasSubstr("TO \"poor_old_reader\""));
}

TEST_P(ImportInto, ADryRunWritesNothing) {
  make(plain());
  Options dry = options();
  dry.dry_run = true;
  auto old = open();
  const auto unknown = take_over(*old, world_.declarations, std::nullopt, world_.clock, dry);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(item(*unknown, "points").booked, 40);
  const auto known = run(dry);
  ASSERT_TRUE(known);
  EXPECT_EQ(item(*known, "points").new_credited, item(*unknown, "points").new_credited);
  EXPECT_EQ(rows(), "");
  EXPECT_EQ(points(), 0);
}

TEST_P(ImportInto, TwinsAreNeverMergedUnasked) {
  OldKick nasty = plain();
  nasty.nasty = true;
  make(nasty);
  Options careful = options();
  careful.merge_twins = false;
  const auto refused = run(careful);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused_by_guard);
  EXPECT_THAT(refused.error().message, HasSubstr("VIEWER_0000001 / Viewer_0000001 / viewer_0000001"));
  EXPECT_THAT(refused.error().message, HasSubstr("Cased_Only_Here / cased_only_here"));
  EXPECT_EQ(rows(), "");
  // A dry run shows all of it, and says what the run itself will do.
  careful.dry_run = true;
  const auto shown = run(careful);
  ASSERT_TRUE(shown) << shown.error().message;
  EXPECT_TRUE(shown->will_be_refused());
  EXPECT_GT(item(*shown, "points").booked, 40);
}

TEST_P(ImportInto, DataOfYearsAddsUpAndEachRefusedRowIsNamed) {
  OldKick nasty = plain();
  nasty.nasty = true;
  make(nasty);
  const Report report = taken();
  // The row without a name stays behind; the debt of 50 counts as 0.
  EXPECT_EQ(std::to_string(minutes()), old_sum("minutes", "watchtime", "username <> ''"));
  EXPECT_EQ(std::to_string(points() - 50), old_sum("points", "user_points", "kick_username <> ''"));
  EXPECT_EQ(points_of("cased_only_here"), 11);
  EXPECT_EQ(points_of("in_debt"), 0);
  EXPECT_EQ(points_of("richest"), 2'147'483'647);
  const auto names = [](const std::vector<Note>& notes) {
    std::vector<std::string> keys;
    for (const Note& note : notes) keys.push_back(note.key);
    return keys;
  };
  EXPECT_THAT(names(item(report, "points").refused), testing::ElementsAre(""));
  EXPECT_THAT(names(item(report, "points").remarks), testing::Contains("in_debt"));
  EXPECT_THAT(names(item(report, "links").refused),
              testing::IsSupersetOf({"360000000000000002", "360000000000000003", "360000000000000004"}));
  EXPECT_THAT(
      world_.dump("SELECT platform_user_id FROM identities WHERE platform_user_id = '9007199254740993'"),
      HasSubstr("9007199254740993"));
}

TEST_P(ImportInto, EveryShapeComesToTheSame) {
  std::optional<std::pair<std::int64_t, std::int64_t>> first;
  for (const OldKick::Shape shape : {OldKick::Shape::bot_only, OldKick::Shape::with_dashboard}) {
    for (int variant = 0; variant < 4; ++variant) {
      OldKick one = plain();
      one.shape = shape;
      one.settings_before_december = variant == 1;
      one.half_migrated = variant == 2;
      one.hand_made = variant == 3;
      one.home += variant + 10 * static_cast<int>(shape);
      one.servers = {one.home};
      old_.emplace(migrate::Dialect::postgres);
      make(one);
      const Report report = taken();
      EXPECT_EQ(report.server.value(), one.home);
      const std::pair sums{minutes(), points()};
      if (!first) first = sums;
      EXPECT_EQ(sums, *first) << variant;
    }
  }
}

TEST_P(ImportInto, AConvertedDatabaseGivesEachServerItsOwn) {
  OldKick two = plain();
  two.shape = OldKick::Shape::with_dashboard;
  two.servers = {two.home, 900'000'000'000'000'777};
  make(two);
  convert::Options converting;
  converting.description = *convert::read_description("kick");
  converting.server = two.home;
  converting.register_found = true;
  converting.backup_done = "a test's";
  const auto converted = convert::apply(old_->target(), converting);
  ASSERT_TRUE(converted) << converted.error().finding.text;
  execute(
      "INSERT INTO watchtime (username, minutes, discord_server_id) VALUES ('of_the_other', 123, "
      "900000000000000777)");
  const auto unsaid = run();
  ASSERT_FALSE(unsaid);
  EXPECT_EQ(unsaid.error().code, ErrorCode::refused_by_guard);
  EXPECT_THAT(unsaid.error().message, HasSubstr("900000000000000777"));
  const auto mistyped = run(options(), {900'000'000'000'000'778, std::nullopt});
  ASSERT_FALSE(mistyped);
  EXPECT_EQ(mistyped.error().code, ErrorCode::refused_by_guard);
  EXPECT_THAT(mistyped.error().message, HasSubstr("900000000000000777"));
  for (const std::int64_t server : two.servers) {
    const auto report = run(options(), {server, std::nullopt});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->adds_up()) << text_of(*report);
    EXPECT_TRUE(report->is_converted);
    made_.home = server;
    EXPECT_EQ(std::to_string(minutes()),
              old_sum("minutes", "watchtime", fmt::format("discord_server_id = {}", server)));
  }
  EXPECT_EQ(minutes(), 123);
}

TEST_P(ImportInto, TheNextTickPaysNothingAgain) {
  make(plain());
  taken();
  const std::int64_t before = points();
  bot::TickRunner ticks(*world_.tenancy, world_.declarations, world_.clock, world_.metrics);
  world_.clock.advance(1min);
  // Everybody watches on for a second.
  world_.execute(fmt::format("UPDATE watchtime SET watched_us = watched_us + 1000000, updated_at = {}",
                             to_micros(world_.clock.now())),
                 made_.home);
  net::run_to_end(ticks.run_due());
  EXPECT_EQ(points(), before);
}

TEST_P(ImportInto, WhatALinkedViewerHadGoesBackWhenTheLinkIsUndone) {
  make(plain());
  taken();
  const std::int64_t all = points();
  const std::int64_t watched = minutes();
  ASSERT_EQ(points_of("viewer_0000004"), 52);
  const auto undone = in([&](store::Tx& tx) {
    return bot::unlink_member(tx, world_.declarations.on_move, DiscordUserId(test::viewer_id(4)), bot::kKick,
                              {"operator", "command_line"}, world_.clock.now());
  });
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(undone->points, 52);
  EXPECT_EQ(undone->watched, Duration(148min));
  EXPECT_EQ(points_of("viewer_0000004"), 52);
  EXPECT_EQ(points(), all);
  EXPECT_EQ(minutes(), watched);
  EXPECT_TRUE(taken().adds_up());
}

TEST_P(ImportInto, AViewerWhoIsKnownByNumberIsTheSame) {
  make(plain());
  const PersonId known = in([&](store::Tx& tx) {
    return bot::person_of(tx, {bot::kKick, "77", "Viewer_0000003"}, world_.clock.now());
  });
  taken();
  EXPECT_EQ(in([&](store::Tx& tx) { return bot::balance_of(tx, bot::kPoints, known); }).balance, 39);
  // And one that was taken over is recognised when he is seen.
  const PersonId seen = in([&](store::Tx& tx) {
    return bot::person_of(tx, {bot::kKick, "78", "VIEWER_0000006"}, world_.clock.now());
  });
  EXPECT_EQ(in([&](store::Tx& tx) { return bot::balance_of(tx, bot::kPoints, seen); }).balance, 78);
}

TEST_P(ImportInto, WhatWasSpentHereMeanwhileIsNotTakenBack) {
  make(plain());
  taken();
  const PersonId viewer = in([&](store::Tx& tx) -> store::TxTask<PersonId> {
    co_return (co_await bot::find_identity_by_name(tx, bot::kKick, "viewer_0000003"))->person_id;
  });
  const bot::LedgerOperation spending{"spent", "test", "", "system", {{viewer, -30}}};
  ASSERT_TRUE(in([&](store::Tx& tx) { return bot::apply(tx, bot::kPoints, spending, world_.clock.now()); }));
  execute(
      "UPDATE user_points SET points = 0, total_spent = total_earned WHERE kick_username = 'viewer_0000003'");
  const Report report = taken();
  ASSERT_EQ(item(report, "points").refused.size(), 1U);
  EXPECT_THAT(item(report, "points").refused[0].text, HasSubstr("9 are left here"));
  EXPECT_EQ(points_of("viewer_0000003"), 9);
}

TEST_P(ImportInto, AStoppedRunGoesOnToTheSameEnd) {
  make(plain());
  for (int limit = 1; limit < 40; limit += 5) {
    Options stopping = options();
    int chunks = 0;
    stopping.is_stopped = [&] { return ++chunks > limit; };
    (void)run(stopping);
  }
  taken();
  EXPECT_EQ(std::to_string(minutes()), old_sum("minutes", "watchtime"));
  EXPECT_EQ(std::to_string(points()), old_sum("points", "user_points"));
}

TEST_P(ImportInto, SettingsThatAreChangedHereStayAsTheyAre) {
  make(plain());
  const Report report = taken();
  EXPECT_EQ(setting("kick_channel"), "the_channel\n");
  EXPECT_EQ(setting("sub_points_per_5min"), "2\n");
  EXPECT_THAT(item(report, "settings").waiting_keys, testing::Contains("clip_duration"));
  in([&](store::Tx& tx) {
    return bot::change_server_setting(tx, world_.declarations, ServerId(made_.home),
                                      {.key = "kick_channel", .value = "another", .of_program = true},
                                      {"operator", "command_line"}, world_.clock.now());
  });
  taken();
  EXPECT_EQ(setting("kick_channel"), "another\n");
  execute("UPDATE bot_settings SET value = 'a_third' WHERE key = 'kick_channel'");
  taken();
  EXPECT_EQ(setting("kick_channel"), "a_third\n");
  execute(
      "UPDATE bot_settings SET key = 'kick_live_alert_title', value = '{streamer} is on' "
      "WHERE key = 'clip_duration'");
  taken();
  EXPECT_EQ(setting("live_alert_title"), "{streamer} is on\n") << "by the name that it has here";
  execute(
      "UPDATE bot_settings SET key = 'stream_notification_title', value = 'Live!' "
      "WHERE key = 'kick_live_alert_title'");
  execute(
      "UPDATE bot_settings SET key = 'stream_notification_footer', value = 'Come in' WHERE key = "
      "'kick_channel'");
  taken();
  EXPECT_EQ(setting("live_alert_title"), "{streamer} is on\n") << "of two names the later one counts";
  EXPECT_EQ(setting("live_alert_footer"), "Come in\n");
  execute("UPDATE bot_settings SET value = 'Sit down' WHERE key = 'stream_notification_footer'");
  taken();
  EXPECT_EQ(setting("live_alert_footer"), "Sit down\n") << "what changes there comes along";
}

TEST_P(ImportInto, PanelAndLogOfLinksComeUpInTheSameChannels) {
  make(plain());
  taken();
  EXPECT_EQ(setting("link_panel_channel_id"), "910000000000000001\n") << "of whatever kind: nothing says it";
  EXPECT_EQ(setting("link_log_channel_id"), "910000000000000002\n");
  execute("ALTER TABLE link_panels ADD COLUMN panel_type text NOT NULL DEFAULT 'kick_link'");
  execute("UPDATE link_panels SET channel_id = 910000000000000003");
  execute(
      fmt::format("INSERT INTO link_panels (guild_id, channel_id, message_id, emoji, panel_type) "
                  "VALUES ({}, 910000000000000004, 1, '', 'rules')",
                  made_.home));
  execute("UPDATE link_logs_config SET channel_id = 910000000000000005, enabled = false");
  taken();
  EXPECT_EQ(setting("link_panel_channel_id"), "910000000000000003\n") << "that of the rules is none of ours";
  EXPECT_EQ(setting("link_log_channel_id"), "910000000000000002\n") << "one that is off says nothing";
}

TEST_P(ImportInto, RolesForWatchTimeComeAcrossWhereTheirRoleIsKnown) {
  make(plain());
  execute("ALTER TABLE watchtime_roles ADD COLUMN role_id bigint");
  execute("UPDATE watchtime_roles SET role_id = 100 WHERE role_name = 'Tier 1'");
  execute("UPDATE watchtime_roles SET role_id = 101, enabled = false WHERE role_name = 'Tier 2'");
  const auto here = [&] {
    return world_.dump(
        fmt::format("SELECT role_id, minutes, enabled FROM watchtime_roles WHERE discord_server_id = {} "
                    "ORDER BY role_id",
                    made_.home));
  };
  const Report report = taken();
  EXPECT_EQ(here(), "100|120|1\n");
  ASSERT_EQ(item(report, "watchtime_roles").refused.size(), 1U);
  EXPECT_THAT(item(report, "watchtime_roles").refused[0].text, HasSubstr("'Tier 3' by its name alone"));
  execute("UPDATE watchtime_roles SET minutes_required = 90 WHERE role_id = 100");
  execute("UPDATE watchtime_roles SET enabled = true WHERE role_id = 101");
  taken();
  EXPECT_EQ(here(), "100|90|1\n101|600|1\n");
  execute("UPDATE watchtime_roles SET role_id = 102 WHERE role_id = 100");
  execute("DELETE FROM watchtime_roles WHERE role_id = 101");
  taken();
  EXPECT_EQ(here(), "102|90|1\n");
}

TEST_P(ImportInto, AThresholdThatIsSetHereStays) {
  make(plain());
  execute("ALTER TABLE watchtime_roles ADD COLUMN role_id bigint");
  execute("UPDATE watchtime_roles SET role_id = 100 WHERE role_name = 'Tier 1'");
  world_.server(made_.home);
  world_.execute(fmt::format("INSERT INTO watchtime_roles VALUES ({}, '100', 7, '', 1)", made_.home),
                 made_.home);
  const Report report = taken();
  EXPECT_EQ(item(report, "watchtime_roles").refused.size(), 3U);
  EXPECT_EQ(world_.dump("SELECT minutes FROM watchtime_roles"), "7\n");
}

TEST_P(ImportInto, WhoHasEarnedARoleOrIsLinkedGetsItWithTheNextTick) {
  make(plain());
  execute("ALTER TABLE watchtime_roles ADD COLUMN role_id bigint");
  execute("UPDATE watchtime_roles SET role_id = 100 WHERE role_name = 'Tier 1'");
  execute(fmt::format(
      "INSERT INTO bot_settings (key, value, discord_server_id) VALUES ('kick_linked_role_id', '200', {})",
      made_.home));
  taken();
  bot::TickRunner ticks(*world_.tenancy, world_.declarations, world_.clock, world_.metrics);
  const auto wanted = [&](const std::string& role) {
    world_.clock.advance(1min);
    net::run_to_end(ticks.run_due());
    return world_.dump("SELECT count(*) FROM role_changes WHERE role_id = '" + role + "'");
  };
  EXPECT_EQ(wanted("200"), ask("SELECT count(*) FROM links") + "\n");
  const std::string watched =
      "SELECT count(*) FROM links l JOIN watchtime w ON lower(w.username) = lower(l.kick_name) AND w.minutes "
      ">= 120";
  EXPECT_EQ(wanted("100"), ask(watched) + "\n");
  execute(fmt::format("INSERT INTO links VALUES (370000000000000077, 'of_today', {})", made_.home));
  execute("INSERT INTO watchtime VALUES ('of_today', 500, now())");
  taken();
  EXPECT_EQ(wanted("100"), ask(watched) + "\n");
  EXPECT_EQ(wanted("200"), ask("SELECT count(*) FROM links") + "\n");
}

INSTANTIATE_TEST_SUITE_P(Layouts, ImportInto, kEachLayout, layout_name);

TEST(ImportOfPoints, TheThreeFiguresAreMadeToAgree) {
  const auto reckoned = [](std::int64_t points, std::int64_t earned, std::int64_t spent) {
    return features::points::reckon_points({.key = "a", .numbers = {points, earned, spent}});
  };
  EXPECT_EQ(reckoned(7, 10, 3).credited, 10);
  EXPECT_EQ(reckoned(7, 10, 3).debited, 3);
  EXPECT_EQ(reckoned(7, 10, 3).remark, "");
  for (const auto& [points, earned, spent] :
       {std::tuple{50, 10, 3}, {2, 10, 3}, {5, -4, 0}, {5, 4, -9}, {0, 0, 0}, {9, 0, 0}}) {
    const auto one = reckoned(points, earned, spent);
    EXPECT_EQ(one.credited - one.debited, points) << points;
    EXPECT_GE(one.credited, 0);
    EXPECT_GE(one.debited, 0);
  }
  EXPECT_EQ(reckoned(-50, 100, 150).credited, reckoned(-50, 100, 150).debited);
  EXPECT_THAT(reckoned(-50, 100, 150).remark, HasSubstr("counts as 0"));
}

}  // namespace
}  // namespace guildhall::importing
