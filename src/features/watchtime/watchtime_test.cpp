#include "features/watchtime/watchtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>
#include <set>

#include "bot/jobs.h"
#include "bot/ledger.h"
#include "tests/support/test_world.h"

namespace guildhall::features::watchtime {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const tenancy::ChannelKey kChannel{"kick", "900001"};

class Watchtime : public testing::Test {
 protected:
  Watchtime() { follow_settings(1); }

  bot::SettingsPtr settings(std::int64_t server) {
    return world_.in(server, [&](store::Tx& tx) {
      return bot::load_settings(tx, world_.declarations.settings, world_.config);
    });
  }

  /// A message is told when it was written, or later.
  void tell(std::int64_t server, const bot::ChatMessage& event) {
    world_.clock.set(std::max(world_.clock.now(), event.at));
    tell<bot::ChatMessage>(server, event);
  }
  template <class Event>
  void tell(std::int64_t server, const Event& event) {
    const auto loaded = settings(server);
    world_.in(server, [&](store::Tx& tx) -> store::TxTask<void> {
      bot::ServerContext context{ServerId(server), world_.clock.now(), loaded, &world_.declarations.texts};
      for (const auto& handler : world_.declarations.handlers<Event>()) co_await handler(tx, context, event);
    });
  }

  void follow_settings(std::int64_t server) {
    const auto loaded = settings(server);
    world_.in(server, [&](store::Tx& tx) -> store::TxTask<void> {
      bot::ServerContext context{ServerId(server), world_.clock.now(), loaded, &world_.declarations.texts};
      for (const auto& handler : world_.declarations.on_settings) co_await handler(tx, context);
    });
  }

  void set(std::int64_t server, std::string key, std::string value) {
    const bot::SettingWish wish{std::move(key), std::move(value)};
    world_.in(server, [&](store::Tx& tx) {
      return bot::change_server_setting(tx, world_.declarations, ServerId(server), wish, {"tester", "system"},
                                        world_.clock.now());
    });
  }

  bot::ChatMessage message(std::string viewer, TimePoint at, bool subscriber = false) {
    bot::ChatMessage chat;
    chat.channel = kChannel;
    chat.message_id = viewer + std::to_string(to_micros(at));
    chat.sender = {viewer, "viewer " + viewer, subscriber};
    chat.text = "hello";
    chat.at = at;
    return chat;
  }
  void chat(std::string viewer, TimePoint at, bool subscriber = false) {
    tell(1, message(std::move(viewer), at, subscriber));
  }
  void live(TimePoint from, std::optional<TimePoint> until = std::nullopt) {
    bot::StreamStatus status{kChannel, !until, from, until, "Nightowl"};
    tell(1, status);
  }

  void tick() { net::run_to_end(ticks_.run_due()); }
  void tick_at(TimePoint at) {
    world_.clock.set(at);
    tick();
  }

  /// Settled seconds by viewer, (all, as subscriber).
  std::string settled() {
    return world_.dump(
        "SELECT i.platform_user_id, w.watched_us / 1000000, w.subscribed_us / 1000000 FROM watchtime w "
        "JOIN identities i ON i.discord_server_id = w.discord_server_id AND i.person_id = w.person_id "
        "WHERE i.platform = 'kick' ORDER BY 1");
  }

  test::TestWorld world_;
  bot::TickRunner ticks_{*world_.tenancy, world_.declarations, world_.clock, world_.metrics};
  TimePoint start_ = world_.clock.now();
};

TEST_F(Watchtime, OneMessageStandsForTwoMinutes) {
  live(start_);
  chat("1", start_ + 10s);
  tick_at(start_ + 10min);
  EXPECT_EQ(settled(), "1|120|0\n");
}

/// Their rows are held as long as it takes.
TEST_F(Watchtime, ServersWithManyViewersAreNotSettledTogether) {
  for (const std::int64_t server : {2, 3, 4}) {
    world_.touch(server);
    const std::int64_t at = to_micros(start_);
    const std::string people =
        "WITH RECURSIVE p(p) AS (SELECT 1 UNION ALL SELECT p + 1 FROM p WHERE p < 6000) INSERT INTO ";
    world_.execute(
        fmt::format("BEGIN; {0} persons SELECT {1}, p, 'V', 0 FROM p; {0} presence SELECT {1}, p, {2}, 0 "
                    "FROM p; INSERT INTO watch_spans VALUES ({1}, {2}, {3}); COMMIT",
                    people, server, at, at + 600'000'000),
        server);
  }
  std::vector<std::size_t> sizes;
  ticks_.on_ticked([&](const std::vector<ServerId>& servers) { sizes.push_back(servers.size()); });
  tick_at(start_ + 10min);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM watchtime WHERE watched_us = 120000000"), "18000\n");
  const std::size_t rows_together = world_.place().layout == store::Layout::sqlite_per_server ? 4 : 2;
  EXPECT_LE(std::ranges::max(sizes), rows_together);
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), 4U);
}

TEST_F(Watchtime, OverlappingMessagesAreAUnion) {
  live(start_);
  for (const auto at : {10s, 60s, 100s, 400s}) chat("1", start_ + at);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|330|0\n");  // 10..220 and 400..520
}

TEST_F(Watchtime, TheSameMessageTwiceCountsOnce) {
  live(start_);
  chat("1", start_ + 10s);
  chat("1", start_ + 10s);
  tick_at(start_ + 10min);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|120|0\n");
}

TEST_F(Watchtime, NothingCountsWhileTheStreamIsOffline) {
  chat("1", start_ + 10s);
  tick_at(start_ + 10min);
  EXPECT_EQ(settled(), "");
}

TEST_F(Watchtime, IsCutToTheStream) {
  live(start_ + 60s, start_ + 200s);
  chat("1", start_);         // 60..120
  chat("2", start_ + 150s);  // 150..200
  chat("3", start_ + 250s);  // nothing
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|60|0\n2|50|0\n");
}

TEST_F(Watchtime, WordsOfTheStreamInAnyOrderComeToTheSame) {
  chat("1", start_ + 100s);
  live(start_ + 50s, start_ + 160s);  // the end is told first
  live(start_ + 50s);
  live(start_ + 50s, start_ + 160s);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|60|0\n");
}

TEST_F(Watchtime, ALostEndIsTheNextBeginning) {
  live(start_);
  chat("1", start_ + 100s);
  live(start_ + 150s);
  chat("1", start_ + 200s);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|220|0\n");  // both streams touch: 100..320
  EXPECT_EQ(world_.dump("SELECT count(*) FROM watch_conditions WHERE kind = 'live' AND until_us IS NULL"),
            "1\n");
}

TEST_F(Watchtime, AnEndThatIsToldAgainLengthensNothing) {
  live(start_);
  chat("1", start_ + 10s);
  live(start_, start_ + 60s);
  chat("1", start_ + 70s);
  live(start_, start_ + 200s);
  live(start_ + 300s);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|50|0\n");
}

TEST_F(Watchtime, AStreamOfWhichNobodyToldTheEndIsOverWhenThatIsKnown) {
  const auto conditions = [&] {
    return world_.dump("SELECT count(*), count(until_us) FROM watch_conditions WHERE kind = 'live'");
  };
  tell(1, bot::StreamsOver{});
  EXPECT_EQ(conditions(), "0|0\n");
  live(start_);
  chat("1", start_ + 10s);
  world_.clock.set(start_ + 60s);
  for (int i = 0; i < 2; ++i) tell(1, bot::StreamsOver{});
  EXPECT_EQ(conditions(), "1|1\n");
  chat("1", start_ + 70s);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|50|0\n");
}

/// The server turned away from the channel and came back to it.
TEST_F(Watchtime, AStreamThatIsResumedCountsFromThereOn) {
  live(start_);
  chat("1", start_ + 10s);
  live(start_, start_ + 60s);
  const auto resume = [&](TimePoint at) {
    world_.clock.set(at);
    bot::StreamStatus status{kChannel, true, start_, std::nullopt, "Nightowl"};
    status.resumed = true;
    tell(1, status);
  };
  const auto running = [&] {
    return world_.dump("SELECT count(*) FROM watch_conditions WHERE kind = 'live' AND until_us IS NULL");
  };
  live(start_);
  EXPECT_EQ(running(), "0\n") << "a late word of its beginning";
  tick_at(start_ + 8min);
  EXPECT_EQ(settled(), "1|50|0\n");
  for (int i = 0; i < 2; ++i) resume(start_ + 10min);
  EXPECT_EQ(running(), "1\n");
  live(start_);
  chat("1", start_ + 11min);
  live(start_, start_ + 12min);
  live(start_);
  chat("1", start_ + 13min);
  tick_at(start_ + 30min);
  EXPECT_EQ(settled(), "1|110|0\n");
}

TEST_F(Watchtime, IsCutToTheTimeOfTracking) {
  live(start_);
  chat("1", start_ + 10s);
  world_.clock.set(start_ + 60s);
  set(1, "tracking_enabled", "false");
  world_.clock.set(start_ + 90s);
  set(1, "tracking_enabled", "true");
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|90|0\n");  // 10..60 and 90..130
}

TEST_F(Watchtime, TheOverrideCountsWithoutAStream) {
  set(1, "tracking_force_override", "true");
  chat("1", start_ + 10s);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|120|0\n");
}

TEST_F(Watchtime, SubscriberTimeFollowsTheLastBadge) {
  live(start_);
  chat("1", start_ + 0s, true);
  chat("1", start_ + 30s, false);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|150|30\n");
}

TEST_F(Watchtime, TicksAtAnyTimeSettleTheSame) {
  live(start_);
  for (int i = 0; i < 20; ++i) chat("1", start_ + i * 90s);
  for (int i = 0; i < 300; ++i) tick_at(start_ + i * 61s);
  EXPECT_EQ(settled(), "1|1830|0\n");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM presence"), "0\n");
}

TEST_F(Watchtime, WhatComesAfterItsTimeWasSettledCountsFromThereOn) {
  live(start_);
  tick_at(start_ + 5min);    // settled until start + 180 s
  chat("1", start_ + 120s);  // 120..240, of which 180..240 is still open
  tick_at(start_ + 15min);
  EXPECT_EQ(settled(), "1|60|0\n");
}

TEST_F(Watchtime, AClockThatJumpsBackTakesNothingAndGivesNothingTwice) {
  live(start_);
  chat("1", start_ + 10s);
  tick_at(start_ + 10min);
  tick_at(start_ - 50min);
  chat("1", start_ + 10s);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "1|120|0\n");
}

TEST_F(Watchtime, BotsTheBroadcasterAndNamedViewersNeverCount) {
  live(start_);
  auto bot = message("1", start_ + 10s);
  bot.sender.bot = true;
  auto broadcaster = message("2", start_ + 10s);
  broadcaster.sender.broadcaster = true;
  set(1, "watchtime_excluded", "helper, VIEWER3");
  auto named = message("3", start_ + 10s);
  named.sender.name = "Viewer3";
  for (const auto& m : {bot, broadcaster, named}) tell(1, m);
  tick_at(start_ + 20min);
  EXPECT_EQ(settled(), "");
}

TEST_F(Watchtime, WithoutAWordOfThePlatformTheChatTells) {
  auto alone = message("1", start_);
  alone.live_known = false;
  auto first = message("1", start_ + 1h);
  first.live_known = false;
  auto second = message("2", start_ + 1h + 30s);
  second.live_known = false;
  for (const auto& m : {alone, first, second}) tell(1, m);
  tick_at(start_ + 2h);
  // From the second person's message on, until the first one's is five minutes old.
  EXPECT_EQ(settled(), "1|90|0\n2|120|0\n");
}

TEST_F(Watchtime, ServersWithTheSameViewersDoNotMeet) {
  world_.server(2);
  follow_settings(2);
  live(start_);
  tell(2, bot::StreamStatus{kChannel, true, start_, std::nullopt, ""});
  chat("1", start_ + 10s);
  tell(2, message("1", start_ + 10s));
  tell(2, message("1", start_ + 300s));
  tick_at(start_ + 20min);
  EXPECT_EQ(world_.dump("SELECT discord_server_id, watched_us / 1000000 FROM watchtime ORDER BY 1"),
            "1|120\n2|240\n");
}

TEST_F(Watchtime, PointsPayWholeIntervalsOnce) {
  live(start_);
  for (int i = 0; i < 12; ++i) chat("1", start_ + i * 60s);        // 780 s
  for (int i = 0; i < 12; ++i) chat("2", start_ + i * 60s, true);  // 780 s as a subscriber
  for (int i = 3; i < 30; ++i) tick_at(start_ + i * 60s);
  EXPECT_EQ(world_.dump("SELECT holder_id, balance FROM balances ORDER BY 1"), "1|2\n2|4\n");
  EXPECT_EQ(world_.in(1, [](store::Tx& tx) { return bot::count_ledger_mismatches(tx); }), 0);
  chat("1", start_ + 31min);  // 120 s more: 900 s in all
  tick_at(start_ + 40min);
  EXPECT_EQ(world_.dump("SELECT holder_id, balance FROM balances ORDER BY 1"), "1|3\n2|4\n");
}

TEST_F(Watchtime, RatesAreReadWhenTheyArePaid) {
  live(start_);
  for (int i = 0; i < 5; ++i) chat("1", start_ + i * 60s);  // 360 s
  set(1, "points_per_5min", "7");
  tick_at(start_ + 20min);
  EXPECT_EQ(world_.dump("SELECT balance FROM balances"), "7\n");
}

TEST_F(Watchtime, TimeWhilePointsAreOffIsUsedUpWithoutPay) {
  live(start_);
  set(1, "points_enabled", "false");
  for (int i = 0; i < 5; ++i) chat("1", start_ + i * 60s);
  tick_at(start_ + 20min);
  set(1, "points_enabled", "true");
  for (int i = 0; i < 5; ++i) chat("1", start_ + 21min + i * 60s);  // 360 s more: 720 s in all
  tick_at(start_ + 40min);
  EXPECT_EQ(world_.dump("SELECT balance FROM balances"), "1\n");
}

/// The definition of watch time once more, written the slow way: second by second.
std::map<std::string, std::pair<int, int>> brute_force(const std::vector<bot::ChatMessage>& messages,
                                                       const std::vector<std::pair<int, int>>& live_seconds,
                                                       TimePoint start, int until) {
  std::map<std::string, std::pair<int, int>> result;
  std::map<std::string, std::map<int, bool>> by_viewer;  // second -> badge of the message
  for (const auto& m : messages)
    by_viewer[m.sender.id][static_cast<int>((m.at - start) / 1s)] = m.sender.subscriber;
  for (const auto& [viewer, moments] : by_viewer) {
    for (int second = 0; second < until; ++second) {
      const auto next = moments.upper_bound(second);
      if (next == moments.begin()) continue;
      const auto last = std::prev(next);
      const bool present = second < last->first + 120;
      const bool counts = std::any_of(live_seconds.begin(), live_seconds.end(), [&](const auto& span) {
        return second >= span.first && second < span.second;
      });
      if (!present || !counts) continue;
      result[viewer].first += 1;
      result[viewer].second += last->second ? 1 : 0;
    }
  }
  return result;
}

/// Random chats, repeated, delayed by up to the settle delay and reordered, with ticks in between.
TEST_F(Watchtime, AgreesWithTheDefinitionSecondBySecond) {
  constexpr int kSeconds = 3'600;
  for (int server = 10; server < 18; ++server) {
    world_.clock.set(start_);
    world_.server(server);
    follow_settings(server);
    std::mt19937 random(static_cast<unsigned>(server));
    const auto number = [&](int least, int most) {
      return std::uniform_int_distribution<int>(least, most)(random);
    };
    const std::vector<std::pair<int, int>> spans{{number(0, 300), number(900, 1'500)},
                                                 {number(1'600, 1'900), kSeconds}};
    struct Arrival {
      int second;
      bot::ChatMessage message;
    };
    std::vector<Arrival> arrivals;
    std::vector<bot::ChatMessage> messages;
    for (int i = 0; i < 200; ++i) {
      const int second = number(0, kSeconds - 200);
      messages.push_back(
          message(std::to_string(number(1, 6)), start_ + std::chrono::seconds(second), number(0, 1) == 1));
      for (int copy = number(1, 2); copy > 0; --copy)
        arrivals.push_back({second + number(0, 60), messages.back()});
    }
    // Two messages of one viewer in the same second could carry different badges; the first to arrive wins.
    std::map<std::pair<std::string, TimePoint>, bool> badges;
    for (auto& arrival : arrivals)
      arrival.message.sender.subscriber =
          badges
              .try_emplace({arrival.message.sender.id, arrival.message.at}, arrival.message.sender.subscriber)
              .first->second;
    for (auto& m : messages) m.sender.subscriber = badges[{m.sender.id, m.at}];
    std::sort(arrivals.begin(), arrivals.end(),
              [](const auto& a, const auto& b) { return a.second < b.second; });
    for (const auto& [from, until] : spans)
      tell(server, bot::StreamStatus{kChannel, false, start_ + std::chrono::seconds(from),
                                     start_ + std::chrono::seconds(until), ""});
    int next_tick = 60;
    for (const auto& arrival : arrivals) {
      for (; next_tick < arrival.second; next_tick += number(40, 200))
        tick_at(start_ + std::chrono::seconds(next_tick));
      world_.clock.set(start_ + std::chrono::seconds(arrival.second));
      tell(server, arrival.message);
    }
    tick_at(start_ + 3h);
    for (const auto& [viewer, seconds] : brute_force(messages, spans, start_, kSeconds)) {
      const std::string row = world_.dump(
          "SELECT w.watched_us / 1000000, w.subscribed_us / 1000000 FROM watchtime w JOIN identities i ON "
          "i.discord_server_id = w.discord_server_id AND i.person_id = w.person_id WHERE w.discord_server_id "
          "= " +
          std::to_string(server) + " AND i.platform_user_id = '" + viewer + "'");
      EXPECT_EQ(row, std::to_string(seconds.first) + "|" + std::to_string(seconds.second) + "\n")
          << "server " << server << ", viewer " << viewer;
    }
  }
}

TEST(CountingSpans, AreTrackingAndAnyReasonToBeLive) {
  const auto at = [](int s) { return from_micros(s * 1'000'000LL); };
  const std::vector<Condition> conditions{{"live", at(10), at(20)},
                                          {"chat", at(15), at(30)},
                                          {"forced", at(50), kForever},
                                          {"tracking", at(0), at(25)},
                                          {"tracking", at(40), at(60)}};
  EXPECT_THAT(counting_spans(conditions, at(0)), ElementsAre(Span{at(10), at(25)}, Span{at(50), at(60)}));
  EXPECT_THAT(counting_spans(conditions, at(12)), ElementsAre(Span{at(12), at(25)}, Span{at(50), at(60)}));
  EXPECT_THAT(counting_spans({{"live", at(0), at(9)}}, at(0)), IsEmpty());
}

}  // namespace
}  // namespace guildhall::features::watchtime
