// Channels that are connected, left, withdrawn and taken over, at the simulated Kick.
#include "bot/kick_bridge.h"

#include <atomic>
#include <future>

#include "base/log.h"
#include "tests/support/kick_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(InKick, ARefusedAttemptChangesNothing) {
  ASSERT_TRUE(connect(1, 0));
  go_live(1);
  ASSERT_TRUE(connect(2, 1, kFox));
  EXPECT_EQ(live_for(2), "1\n");
  const auto refused = connect(2, 0, kFox);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(live_for(2), "1\n") << "the stream that it watches goes on";
  EXPECT_THAT(servers_of(1), ElementsAre(ServerId(2)));
}

TEST_F(InKick, AServerThatTurnsToAnotherChannelIsDoneWithTheFirstStream) {
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  EXPECT_EQ(live_for(1), "1\n");
  ASSERT_TRUE(connect(1, 1));
  EXPECT_EQ(live_for(1), "0\n");
  EXPECT_EQ(shown(1), channels_[1].slug + "\n");
}

TEST_F(InKick, WhoComesBackDuringAStreamIsInItAgain) {
  set(1, "live_alert_enabled", "true");
  set(1, "live_alert_channel_id", "77");
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  world_.clock.advance(5min);
  ASSERT_TRUE(disconnect(1));
  EXPECT_EQ(live_for(1), "0\n");
  EXPECT_THAT(world_.dump("SELECT text FROM posts"), HasSubstr("was live"));
  world_.clock.advance(5min);
  ASSERT_TRUE(connect(1, 0));
  EXPECT_EQ(live_for(1), "1\n");
  EXPECT_THAT(world_.dump("SELECT text FROM posts"), HasSubstr("is live"));
  EXPECT_EQ(shown(1), channels_[0].slug + "\n");
}

TEST_F(InKick, AServerThatWasAwayWhenTheStreamEndedHearsOfItWhenItIsBack) {
  set(1, "live_alert_enabled", "true");
  set(1, "live_alert_channel_id", "77");
  for (const int server : {1, 2}) ASSERT_TRUE(connect(server, 0));
  wait_until([&] { return subscriptions(0) == "4\n"; });
  go_live(0);
  wait_until([&] { return live_for(1) == "1\n" && live_for(2) == "1\n"; });
  auto& servers = world_.tenancy->servers();
  ASSERT_TRUE(run(servers.left(ServerId(1), world_.clock.now())));
  act("/kick/offline", {{"slug", channels_[0].slug}});
  wait_until([&] { return live_for(2) == "0\n"; });
  EXPECT_EQ(live_for(1), "1\n");
  run(servers.arrived(ServerId(1), "One", world_.clock.now()));
  dispatcher_.refresh(*world_.tenancy->scopes().for_job(ServerId(1)));
  wait_until([&] { return live_for(1) == "0\n"; });
  EXPECT_THAT(world_.dump("SELECT text FROM posts"), HasSubstr("was live"));
}

TEST_F(InKick, WhatAProcessThatDiedDidNotEndIsOverForTheServerAfterwards) {
  go_live(0);
  for (const int server : {1, 2}) ASSERT_TRUE(connect(server, 0));
  const TimePoint now = world_.clock.now();
  auto& channels = world_.tenancy->channels();
  run(channels.know(key(1), channels_[1].slug, "Name", now));
  ASSERT_TRUE(run(world_.tenancy->grants().grant(key(1), kOwl, "", {}, ServerId(1), now)));
  run(channels.unbind(ServerId(2), kKick));
  make_bridge();
  bridge_->start();
  wait_until([&] { return live_for(2) == "0\n"; });
  EXPECT_EQ(live_for(1), "1\n") << "nobody has looked at its channel often enough";
  ASSERT_TRUE(connect(1, 1));
  world_.clock.advance(2min);
  ASSERT_TRUE(connect(1, 1));
  wait_until([&] { return live_for(1) == "0\n"; });
}

TEST_F(InKick, AStreamThatIsLiveGoesOnAfterARestart) {
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  make_bridge();
  bridge_->start();
  world_.clock.advance(2min);
  ASSERT_TRUE(connect(1, 0));
  topics_.publish(server_topic(ServerId(1), "settings"));
  ASSERT_TRUE(connect(2, 1));
  wait_until([&] { return subscriptions(1) == "4\n"; });
  EXPECT_EQ(live_for(1), "1\n");
}

TEST_F(InKick, AnAlertIsEditedAsSoonAsTheStreamIsCalledOtherwise) {
  set(1, "live_alert_enabled", "true");
  set(1, "live_alert_channel_id", "77");
  ASSERT_TRUE(connect(1, 0));
  wait_until([&] { return subscriptions(0) == "4\n"; });
  act("/kick/retitle", {{"slug", channels_[0].slug}, {"title", "Before it began"}});
  go_live(0);
  wait_until([&] { return live_for(1) == "1\n"; });
  act("/kick/retitle", {{"slug", channels_[0].slug}, {"title", "Called otherwise"}, {"category", "Chess"}});
  wait_until(
      [&] { return world_.dump("SELECT text FROM posts").find("Called otherwise") != std::string::npos; });
  EXPECT_EQ(world_.dump("SELECT count(*) FROM posts"), "1\n");
  EXPECT_EQ(live_for(1), "1\n");
}

TEST_F(InKick, AConsentThatIsTakenBackAtKickEndsTheListening) {
  set(1, "log_channel_id", "55");
  ASSERT_TRUE(connect(1, 0));
  ASSERT_TRUE(connect(2, 0));
  ASSERT_TRUE(connect(2, 1));
  wait_until([&] { return subscriptions(0) == "4\n"; });
  revoke(0);
  world_.clock.advance(3h);  // the token has to be renewed for the answer
  act("/kick/chat", {{"slug", channels_[0].slug}, {"user", viewer_}, {"content", "!points"}});
  wait_until([&] { return servers_of(0).empty() && shown(1).empty(); });
  EXPECT_THAT(servers_of(1), ElementsAre(ServerId(2))) << "that is another channel";
  EXPECT_THAT(world_.dump("SELECT body FROM outbox"), HasSubstr("no longer listens"));
  EXPECT_EQ(shown(2), channels_[1].slug + "\n");
  ASSERT_TRUE(connect(2, 0));
  EXPECT_THAT(servers_of(0), ElementsAre(ServerId(2))) << "a consent is for one server";
}

/// Whoever leaves the second channel makes the bridge look at all consents; that this one's cannot be renewed
/// stands in the log each time.
class InKickWithConsents : public InKick {
 protected:
  void SetUp() override {
    InKick::SetUp();
    for (int server = 3; server <= 9; ++server)
      world_.listen(server, key(1).platform_user_id, channels_[1].slug);
    ASSERT_TRUE(connect(2, 1));
    ASSERT_TRUE(connect(1, 0));
    set(1, "log_channel_id", "55");
    wait_until([&] { return subscriptions(0) == "4\n" && subscriptions(1) == "4\n"; });
    kick_.sim->stop();
  }
  /// All consents were looked at after so long.
  void look_after(Duration passed) {
    world_.clock.advance(passed);
    const int before = looks_;
    for (const int more : {1, 2}) {
      ASSERT_TRUE(disconnect(leaving_++));
      wait_until([&] { return looks_ >= before + more; });
    }
  }
  std::string notices(const std::string& words) {
    return world_.dump("SELECT count(*) FROM outbox WHERE body LIKE '%" + words + "%'");
  }

  /// Once by then, and once more a day later.
  void expect_said_once_a_day(const std::string& words, Duration first) {
    look_after(first);
    EXPECT_EQ(notices(words), "1\n");
    look_after(23h);
    EXPECT_EQ(notices(words), "1\n");
    look_after(2h);
    EXPECT_EQ(notices(words), "2\n");
  }

  std::atomic<int> looks_ = 0;
  std::int64_t leaving_ = 3;
  const log::Capture capture_{[this](std::string_view line) {
    const bool failed = line.find("tokens are not renewed") != std::string_view::npos;
    if (failed && line.find(key(1).platform_user_id) != std::string_view::npos) ++looks_;
  }};
};

TEST_F(InKickWithConsents, ThatKickDoesNotRenewOneIsSaidOnceADay) {
  expect_said_once_a_day("has not renewed the consent", 49h);
}

TEST_F(InKickWithConsents, ThatOneRanOutIsSaidOnceADay) {
  const auto version = run(world_.tenancy->grants().of(key(0)))->token_version;
  run(world_.tenancy->grants().ended(key(0), version, tenancy::kRanOut, world_.clock.now()));
  expect_said_once_a_day("has run out", 21h);
}

TEST_F(InKickWithConsents, ThatKickNoLongerAcceptsOneIsSaidOnceAndEndsTheListening) {
  const auto version = run(world_.tenancy->grants().of(key(0)))->token_version;
  run(world_.tenancy->grants().ended(key(0), version, tenancy::kRevoked, world_.clock.now()));
  look_after(21h);
  EXPECT_EQ(notices("no longer accepts the consent"), "1\n");
  EXPECT_THAT(servers_of(0), IsEmpty());
  look_after(25h);
  EXPECT_EQ(notices("consent"), "1\n");
}

TEST_F(InKick, AnotherOwnerTakesOverWhatWasTakenBackAndNotItsServers) {
  ASSERT_TRUE(connect(1, 0));
  revoke(0);
  ASSERT_TRUE(connect(2, 0, kFox)) << "Kick was asked whether the former consent still holds";
  EXPECT_THAT(servers_of(0), ElementsAre(ServerId(2)));
  wait_until([&] { return shown(1).empty(); });
  EXPECT_FALSE(connect(1, 0)) << "it is another's now";
}

TEST_F(InKick, WhatIsWaitedForCanBeLeft) {
  set(1, "kick_channel", "somebody");
  EXPECT_TRUE(disconnect(1));
  EXPECT_EQ(shown(1), "");
  const auto again = disconnect(1);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::not_found);
}

TEST_F(InKick, AFailureToConnectStandsInTheLog) {
  std::string log;
  const log::Capture capture([&](std::string_view line) { log += line; });
  const auto address = run(bridge_->start_connect(kBrowser, ServerId(1)));
  const net::Query query = net::parse_query(*address);
  const auto refused =
      run(bridge_->finish_connect(query.at("state"), "no code", {kBrowser, kOwl},
                                  [](ServerId) -> Task<Result<void>> { co_return Result<void>{}; }));
  ASSERT_FALSE(refused);
  EXPECT_THAT(log, HasSubstr("kick channel not connected"));
}

TEST_F(InKick, AStreamThatWasSaidToBeOverByMistakeGoesOn) {
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  world_.clock.advance(5min);
  const auto known = *world_.tenancy->channels().find(key(0));
  StreamStatus over{key(0), false, *known.live_since, world_.clock.now(), known.name};
  std::promise<Outcome> told;
  dispatcher_.submit(*world_.tenancy->scopes().for_job(ServerId(1)), over,
                     [&](Outcome outcome) { told.set_value(outcome); });
  ASSERT_EQ(told.get_future().get(), Outcome::committed);
  run(world_.tenancy->channels().set_live(key(0), false, known.live_since, world_.clock.now()));
  ASSERT_TRUE(connect(1, 0));
  ASSERT_TRUE(connect(1, 0));
  EXPECT_EQ(live_for(1), "0\n") << "looks that are almost one may be older than the end";
  world_.clock.advance(2min);
  ASSERT_TRUE(connect(1, 0));
  EXPECT_EQ(live_for(1), "1\n");
  EXPECT_EQ(world_.dump("SELECT live FROM channels WHERE live_since IS NOT NULL"), "live\n");
}

class InKickInWholeFiles : public InKick {
 protected:
  InKickInWholeFiles() : InKick(store::Layout::sqlite_per_server) {}
  std::string live() { return world_.dump("SELECT live FROM channels WHERE live_since IS NOT NULL"); }
};

TEST_F(InKickInWholeFiles, AStreamIsOverOnceEveryServerKnowsIt) {
  go_live(0);
  // So many that not all of them share the first one's thread.
  for (int server = 1; server <= 8; ++server) {
    world_.server(server);
    ASSERT_TRUE(connect(server, 0));
  }
  ASSERT_EQ(live(), "live\n");
  auto held = world_.database->hold_writer(1);
  act("/kick/offline", {{"slug", channels_[0].slug}});
  wait_until([&] {
    return world_.dump("SELECT count(*) FROM watch_conditions WHERE kind = 'live' AND until_us IS NULL") !=
           "8\n";
  });
  EXPECT_EQ(live(), "live\n") << "the first is to be told again";
  held.reset();
  for (int looks = 0; looks < 2; ++looks) {
    world_.clock.advance(2min);
    ASSERT_TRUE(connect(2, 0));
  }
  EXPECT_EQ(live_for(1), "0\n");
  EXPECT_EQ(live(), "offline\n");
}

TEST_F(InKickInWholeFiles, AServerThatCouldNotTakeTheEndIsToldAgain) {
  go_live(0);
  for (const int server : {1, 2}) ASSERT_TRUE(connect(server, 0));
  wait_until([&] { return subscriptions(0) == "4\n"; });
  world_.execute(
      "CREATE TRIGGER refuses BEFORE INSERT ON watch_conditions BEGIN SELECT RAISE(ABORT, 'no'); END", 1);
  act("/kick/offline", {{"slug", channels_[0].slug}});
  wait_until([&] { return live() == "offline\n"; });
  EXPECT_EQ(live_for(1), "1\n");
  EXPECT_EQ(live_for(2), "0\n");
  world_.execute("DROP TRIGGER refuses", 1);
  ASSERT_TRUE(connect(2, 0));  // which looks at the stream
  wait_until([&] { return live_for(1) == "0\n"; });
}

TEST_F(InKickInWholeFiles, AChannelThatIsCalledOtherwiseIsShownToEachServerAsSoonAsItCanBe) {
  for (const int server : {1, 2}) ASSERT_TRUE(connect(server, 0));
  world_.execute("CREATE TRIGGER refuses BEFORE INSERT ON settings BEGIN SELECT RAISE(ABORT, 'no'); END", 1);
  const std::string before = channels_[0].slug;
  act("/kick/rename", {{"user", before}, {"username", "Renamed"}});
  channels_[0].slug = "renamed";
  ASSERT_TRUE(connect(2, 0));
  wait_until([&] { return shown(2) == "renamed\n"; });
  EXPECT_EQ(shown(1), before + "\n");
  world_.execute("DROP TRIGGER refuses", 1);
  topics_.publish(server_topic(ServerId(1), "settings"));
  wait_until([&] { return shown(1) == "renamed\n"; });
}

TEST_F(InKickInWholeFiles, AChannelThatWasLeftIsShownNoLongerAsSoonAsThatCanBeStored) {
  for (const int server : {1, 2}) ASSERT_TRUE(connect(server, 0));
  world_.execute("CREATE TRIGGER refuses BEFORE DELETE ON settings BEGIN SELECT RAISE(ABORT, 'no'); END", 1);
  ASSERT_TRUE(disconnect(1));
  EXPECT_EQ(shown(1), channels_[0].slug + "\n");
  world_.execute("DROP TRIGGER refuses", 1);
  topics_.publish(server_topic(ServerId(1), "settings"));
  wait_until([&] { return shown(1).empty(); });
}

TEST_F(InKickInWholeFiles, WhatAServerWaitsForStaysWhateverBecomesOfItElsewhere) {
  const std::string slug = channels_[0].slug;
  world_.in(1, [&](store::Tx& tx) {
    return change_server_setting(tx, world_.declarations, ServerId(1),
                                 {.key = "kick_channel", .value = slug, .of_program = true},
                                 {"operator", "command_line"}, world_.clock.now());
  });
  ASSERT_TRUE(connect(2, 0));
  world_.execute("CREATE TRIGGER refuses BEFORE DELETE ON settings BEGIN SELECT RAISE(ABORT, 'no'); END", 2);
  ASSERT_TRUE(run(bridge_->withdraw(key(0), kOwl, std::nullopt)));
  world_.execute("DROP TRIGGER refuses", 2);
  for (const int server : {1, 2}) topics_.publish(server_topic(ServerId(server), "settings"));
  wait_until([&] { return shown(2).empty(); });
  EXPECT_EQ(shown(1), slug + "\n");
}

class InKickInFiles : public InKick {
 protected:
  InKickInFiles() : InKick(store::Layout::sqlite_per_server) {
    world_.listen(1, std::to_string(channels_[0].broadcaster), channels_[0].slug);
    world_.listen(2, std::to_string(channels_[0].broadcaster), channels_[0].slug);
    world_.touch(2);
    world_.execute("DROP TABLE server_marker", 1);
    world_.reopen();
  }
};

TEST_F(InKickInFiles, AServerWhoseFileIsUnusableIsNoReasonForKickToPostEverythingAgain) {
  wait_until([&] { return subscriptions(0) == "4\n"; });
  go_live(0);
  wait_until([&] { return live_for(2) == "1\n"; });
  wait_until([&] {
    return world_.metrics.text().find("webhooks_total{outcome=\"accepted\"} 1") != std::string::npos;
  });
}

TEST_F(InKickInFiles, AServerWhoseFileIsUnusableCostsTheOthersNothing) {
  wait_until([&] { return !shown(2).empty(); });
  EXPECT_TRUE(run(bridge_->withdraw(key(0), kOwl, std::nullopt))) << "nor does it keep a consent alive";
  EXPECT_THAT(servers_of(0), IsEmpty());
  wait_until([&] { return shown(2).empty(); });
}

}  // namespace
}  // namespace guildhall::bot
