#include "features/alerts/alerts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "bot/link_buttons.h"
#include "bot/persons.h"
#include "features/alerts/alert_text.h"
#include "tests/support/test_world.h"

namespace guildhall::features::alerts {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class LiveAlerts : public testing::Test {
 protected:
  LiveAlerts() {
    set("live_alert_enabled", "true");
    set("live_alert_channel_id", "77");
  }

  /// `of_program`: not by hand.
  Result<bot::SettingChange> set(std::string key, std::string value, bool of_program = false) {
    const bot::SettingWish wish{.key = std::move(key), .value = std::move(value), .of_program = of_program};
    return world_.in(1, [&](store::Tx& tx) {
      return bot::change_server_setting(tx, world_.declarations, ServerId(1), wish, {"tester", "system"},
                                        world_.clock.now());
    });
  }
  std::string refusal(std::string key, std::string value) {
    const auto changed = set(std::move(key), std::move(value));
    return changed ? "" : changed.error().message;
  }

  bot::StreamStatus word(TimePoint from, std::optional<TimePoint> until = std::nullopt) {
    bot::StreamStatus status{{"kick", "900001"}, !until, from, until, "Night_Owl"};
    status.title = title_;
    status.channel_slug = "night-owl";
    return status;
  }
  store::TxTask<void> handle(store::Tx& tx, bot::StreamStatus status) {
    const auto settings = co_await bot::load_settings(tx, world_.declarations.settings, world_.config);
    bot::ServerContext context{ServerId(1), world_.clock.now(), settings, &world_.declarations.texts};
    for (const auto& handler : world_.declarations.on_stream) co_await handler(tx, context, status);
  }
  void tell(const bot::StreamStatus& status) {
    world_.in(1, [&](store::Tx& tx) { return handle(tx, status); });
  }
  /// At that moment.
  void live(TimePoint from, TimePoint at) {
    world_.clock.set(at);
    tell(word(from));
  }
  void live(TimePoint from) { live(from, from); }
  void over(TimePoint from, TimePoint until) {
    world_.clock.set(until);
    tell(word(from, until));
  }

  std::string count() { return world_.dump("SELECT count(*) FROM posts"); }
  std::string text() { return world_.dump("SELECT text FROM posts ORDER BY name DESC LIMIT 1"); }
  std::string buttons() { return world_.dump("SELECT buttons FROM posts ORDER BY name DESC LIMIT 1"); }

  test::TestWorld world_;
  TimePoint start_ = world_.clock.now();
  std::string title_ = "Hello";
};

TEST_F(LiveAlerts, AStreamIsAnnouncedOnceHoweverOftenItIsTold) {
  for (int i = 0; i < 3; ++i) live(start_, start_ + i * 2min);
  EXPECT_EQ(count(), "1\n");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM outbox"), "1\n");
  EXPECT_EQ(text(), "🔴 **Night\\_Owl is live!**\nHello\nhttps://kick.com/night-owl\n");
  EXPECT_THAT(buttons(), HasSubstr(R"({"label":"Watch","url":"https://kick.com/night-owl"})"));
}

TEST_F(LiveAlerts, SeveralProcessesThatAreToldAtOnceAnnounceAStreamOnce) {
  const auto other = world_.beside();
  const tenancy::ServerScope scopes[] = {world_.server(1), *other->scopes().for_operator(ServerId(1))};
  boost::asio::io_context loop;
  int told = 0;
  for (int i = 0; i < 20; ++i) {
    auto body = [this, status = word(start_)](store::Tx& tx) { return handle(tx, status); };
    net::spawn(loop, "word", [&told, scope = scopes[i % 2], body]() -> Task<void> {
      co_await scope.transact(body);
      ++told;
    });
  }
  loop.run();
  EXPECT_EQ(told, 20);
  EXPECT_EQ(count(), "1\n");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM outbox"), "1\n");
  EXPECT_EQ(world_.dump("SELECT version FROM posts"), "1\n");
}

TEST_F(LiveAlerts, ItsEndIsEditedIn) {
  live(start_);
  over(start_, start_ + 125min);
  over(start_, start_ + 126min);
  EXPECT_EQ(count(), "1\n");
  EXPECT_THAT(text(), HasSubstr("was live for 2 h 5 min."));
  live(start_, start_ + 127min);
  EXPECT_THAT(text(), HasSubstr("was live for 2 h 5 min.")) << "a late word of its beginning";
}

TEST_F(LiveAlerts, AStreamThatIsResumedIsLiveAgain) {
  live(start_);
  over(start_, start_ + 5min);
  auto resumed = word(start_);
  resumed.resumed = true;
  world_.clock.set(start_ + 20min);
  tell(resumed);
  EXPECT_EQ(count(), "1\n");
  EXPECT_THAT(text(), HasSubstr("is live"));
  over(start_, start_ + 60min);
  EXPECT_THAT(text(), HasSubstr("for 1 h 0 min."));
}

TEST_F(LiveAlerts, ARestartWithinTenMinutesGoesOnWithTheSameMessage) {
  live(start_);
  over(start_, start_ + 30min);
  live(start_ + 39min);
  EXPECT_EQ(count(), "1\n");
  EXPECT_THAT(text(), HasSubstr("is live"));
  over(start_, start_ + 40min);
  EXPECT_THAT(text(), HasSubstr("is live")) << "an old word";
  over(start_ + 39min, start_ + 60min);
  EXPECT_THAT(text(), HasSubstr("for 1 h 0 min."));
  live(start_ + 70min);
  EXPECT_EQ(count(), "2\n");
}

TEST_F(LiveAlerts, ALostEndIsMadeUpForWhenTheNextStreamBegins) {
  live(start_);
  live(start_, start_ + 20min);
  live(start_ + 20min + 9min);
  EXPECT_EQ(count(), "1\n") << "it may have been live a moment ago";
  live(start_ + 2h);
  EXPECT_EQ(count(), "2\n");
  EXPECT_THAT(world_.dump("SELECT text FROM posts ORDER BY name LIMIT 1"), HasSubstr("for 29 min."));
}

TEST_F(LiveAlerts, AStreamOfWhichNobodyToldTheEndIsOverWhenThatIsKnown) {
  const auto nothing_is_live = [&] {
    const auto settings = world_.in(1, [&](store::Tx& tx) {
      return bot::load_settings(tx, world_.declarations.settings, world_.config);
    });
    world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
      bot::ServerContext context{ServerId(1), world_.clock.now(), settings, &world_.declarations.texts};
      for (const auto& handler : world_.declarations.on_streams_over) co_await handler(tx, context, {});
    });
  };
  nothing_is_live();
  EXPECT_EQ(count(), "0\n");
  live(start_);
  live(start_, start_ + 20min);
  world_.clock.set(start_ + 5h);
  for (int i = 0; i < 2; ++i) nothing_is_live();
  EXPECT_THAT(text(), HasSubstr("for 20 min."));
  EXPECT_EQ(count(), "1\n");
  EXPECT_EQ(world_.dump("SELECT version FROM posts"), "2\n");
}

TEST_F(LiveAlerts, WhatEndedBeforeItWasHeardOfIsNotAnnounced) {
  over(start_, start_ + 30min);
  live(start_, start_ + 31min);
  EXPECT_EQ(count(), "0\n");
  live(start_ + 41min);
  EXPECT_EQ(count(), "1\n");
  live(start_ - 5h, start_ + 42min);
  EXPECT_EQ(count(), "1\n") << "a stream of the past";
}

TEST_F(LiveAlerts, WhatBecomesKnownLaterIsEditedIn) {
  title_.clear();
  live(start_);
  title_ = "Now with *a title*";
  live(start_, start_ + 2min);
  EXPECT_THAT(text(), HasSubstr("Now with \\*a title\\*"));
  title_.clear();
  live(start_, start_ + 4min);
  EXPECT_THAT(text(), HasSubstr("Now with")) << "who does not know the title takes none away";
}

TEST_F(LiveAlerts, NothingIsPostedWhileTheyAreOff) {
  set("live_alert_enabled", "false");
  live(start_);
  EXPECT_EQ(count(), "0\n");
  set("live_alert_enabled", "true");
  live(start_, start_ + 2min);
  EXPECT_EQ(count(), "0\n") << "in the middle of a stream";
  set("live_alert_channel_id", "");
  live(start_ + 5h);
  EXPECT_EQ(count(), "0\n") << "there is no channel";
}

TEST_F(LiveAlerts, OfAWeekAgoAreForgotten) {
  const auto day = [&](int number) { return start_ + number * 24h; };
  for (const int begun : {0, 1, 2, 9}) {
    live(day(begun));
    over(day(begun), day(begun) + 1h);
  }
  EXPECT_EQ(count(), "2\n");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM live_alerts"), "2\n");
  live(day(0), day(9) + 2h);
  EXPECT_EQ(count(), "2\n") << "a late word";
  live(day(40));
  EXPECT_EQ(count(), "1\n");
}

TEST_F(LiveAlerts, SayWhatTheServerWants) {
  set("live_alert_title", "{streamer} ({channel})");
  set("live_alert_description", "{title} / {category}");
  set("live_alert_link_text", "to {channel}");
  set("live_alert_footer", "See you!");
  set("live_alert_end_text", "{streamer}: {duration}");
  set("live_alert_buttons",
      R"([{"label":"{streamer} live","url":"{url}","emoji":"⭐"},{"label":"Shop","url":"https://shop.example/"}])");
  title_ = "@everyone [x](https://evil.example) {url}\n# big <@1>";
  live(start_);
  EXPECT_EQ(text(),
            "Night\\_Owl (night\\-owl)\n\\@everyone \\[x\\]\\(https\\://evil.example\\) {url} \\# big "
            "\\<\\@1\\> /\n[to night\\-owl](https://kick.com/night-owl)\n-# See you!\n");
  EXPECT_EQ(buttons(), R"([{"label":"Night_Owl live","url":"https://kick.com/night-owl","emoji":"⭐"},)"
                       "{\"label\":\"Shop\",\"url\":\"https://shop.example/\"}]\n");
  over(start_, start_ + 5min);
  EXPECT_THAT(text(), HasSubstr("Night\\_Owl: 5 min\n"));
  set("live_alert_buttons", "[]");
  live(start_ + 5h);
  EXPECT_EQ(buttons(), "\n");
}

TEST_F(LiveAlerts, WhatCannotBeMeantIsRefusedWhenItIsSet) {
  EXPECT_THAT(refusal("live_alert_title", "{streamr} is live"),
              HasSubstr("knows no {streamr}, only {streamer}"));
  EXPECT_THAT(refusal("live_alert_title", "{duration}"), HasSubstr("knows no {duration}"));
  EXPECT_EQ(refusal("live_alert_end_text", "{duration} { {title}"),
            "live_alert_end_text: knows no { {title}, only "
            "{streamer} {channel} {title} {category} {url} "
            "{duration}");
  EXPECT_THAT(refusal("live_alert_buttons", R"([{"label":"a","url":"javascript:x"
}])"),
              HasSubstr("live_alert_buttons: button 1 needs an address"));
  EXPECT_THAT(refusal("live_alert_buttons", R"([{"label":"{x}","url":"{url}"}])"), HasSubstr("knows no {x}"));
  EXPECT_THAT(refusal("live_alert_channel_id", "general"), HasSubstr("channel's id"));
}

class LiveAlertTest : public LiveAlerts {
 protected:
  Result<bot::RouteAnswer> press() {
    const auto& routes = world_.declarations.routes.all();
    const auto route = std::ranges::find(routes, "/live-alert/test", &bot::RouteSpec::path);
    return net::run_to_end(route->handler({world_.server(1), world_.clock.now(), {"tester", "dashboard"}}));
  }
};

TEST_F(LiveAlertTest, IsPostedWithAMarkWhetherAlertsAreOnOrNot) {
  set("live_alert_enabled", "false");
  ASSERT_TRUE(set("kick_channel", "night-owl", true));
  const auto pressed = press();
  ASSERT_TRUE(pressed) << pressed.error().message;
  EXPECT_TRUE(pressed->outbox);
  const std::string posted = world_.dump("SELECT destination, body, buttons FROM outbox");
  EXPECT_THAT(posted, HasSubstr("discord:77|-# This is a test"));
  EXPECT_THAT(posted, HasSubstr("night\\-owl is live!"));
  EXPECT_THAT(posted, HasSubstr("https://kick.com/night-owl"));
  live(start_);
  EXPECT_EQ(count(), "0\n");
}

TEST_F(LiveAlertTest, NeedsAChannel) {
  set("live_alert_channel_id", "");
  const auto pressed = press();
  ASSERT_FALSE(pressed);
  EXPECT_EQ(pressed.error().code, ErrorCode::invalid);
  EXPECT_EQ(pressed.error().field, "live_alert_channel_id");
}

}  // namespace
}  // namespace guildhall::features::alerts
