// Event subscriptions at a Kick that loses them, keeps too many and runs full: the simulated one.
#include "bot/kick_subscriptions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "bot/persons.h"
#include "net/http_client.h"
#include "tests/support/simulated_kick.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AtKick : public testing::Test {
 protected:
  AtKick() {
    kick_ = test::start_kick(loops_.main(), world_.clock, world_.config);
    const Config& config = world_.config;
    client_.emplace(kick::ClientOptions{config.kick_oauth_url, config.kick_api_url, config.kick_client_id,
                                        config.kick_client_secret},
                    [this](net::HttpRequest request) { return http_.send(std::move(request)); });
    subscriptions_.emplace(
        *client_, *world_.tenancy, hearing_, world_.clock, world_.metrics,
        [this](ServerId server, std::string problem) { problems_[server] = std::move(problem); });
    for (const auto& channel : kick_.sim->world().kick_channels)
      channels_.push_back(std::to_string(channel.broadcaster));
    loops_.start();
    world_.server(1);
    world_.server(2);
    listen(1, channels_[0]);
  }
  ~AtKick() override {
    kick_.sim->stop();
    loops_.drain(10s);
    world_.close(loops_);
  }

  template <class T>
  T run(Task<T> task) {
    return boost::asio::co_spawn(loops_.main(), std::move(task), boost::asio::use_future).get();
  }
  void listen(std::int64_t server, const std::string& channel) {
    world_.listen(server, channel, "slug" + channel);
  }
  std::vector<kick::Subscription> held() { return *run(client_->subscriptions()); }
  std::size_t held_of(const std::string& channel) {
    const auto all = held();
    return static_cast<std::size_t>(
        std::ranges::count(all, channel, &kick::Subscription::broadcaster_user_id));
  }
  void lose(std::vector<std::string> ids) { ASSERT_TRUE(run(client_->unsubscribe(std::move(ids)))); }
  void tell_kick(const std::string& path, const json::Value& body) {
    net::HttpRequest request{"POST", kick_.control + path};
    request.body = json::write(body);
    ASSERT_EQ(run(http_.send(std::move(request)))->status, 200);
  }
  void fault(const json::Value& faults) { tell_kick("/faults", faults); }
  /// Are there so many subscriptions of the first channel before so long has passed?
  bool held_becomes(std::size_t count, std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    std::this_thread::sleep_for(300ms);
    while (held_of(channels_[0]) != count && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(50ms);
    return held_of(channels_[0]) == count;
  }
  std::int64_t lost() {
    return world_.metrics
        .counter("guildhall_kick_subscriptions_lost_total",
                 "Event subscriptions that Kick had lost and was asked for again.")
        .value();
  }

  net::Loops loops_{1};
  test::TestWorld world_;
  test::SimulatedKick kick_;
  net::HttpClient http_{loops_.main(), {}};
  std::optional<kick::Client> client_;
  KickHearing hearing_{world_.tenancy->global()};
  std::map<ServerId, std::string> problems_;
  std::optional<KickSubscriptions> subscriptions_;
  std::vector<std::string> channels_;  // of the simulated Kick
};

TEST_F(AtKick, AChannelThatKickDoesNotKnowCostsTheOthersNothing) {
  listen(2, "1");  // before the other in every list
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 4U);
  EXPECT_EQ(problems_[ServerId(1)], "");
  EXPECT_NE(problems_[ServerId(2)], "");
}

TEST_F(AtKick, AfterSoManyRefusalsItIsNotAboutTheChannel) {
  fault({{"kick_subscription_cap", 1}});
  for (int i = 1; i <= 8; ++i) {
    world_.server(100 + i);
    listen(100 + i, std::to_string(i));
  }
  run(subscriptions_->reconcile());
  EXPECT_THAT(problems_[ServerId(108)], HasSubstr("no more subscriptions for now"));
  EXPECT_THAT(problems_[ServerId(101)], HasSubstr("Channel not found")) << "what is about it alone";
}

TEST_F(AtKick, AChannelThatIsListenedToSendsEverything) {
  ASSERT_TRUE(run(subscriptions_->ensure(channels_[0])));
  EXPECT_EQ(held_of(channels_[0]), 4U);
  EXPECT_EQ(problems_[ServerId(1)], "");
  run(subscriptions_->reconcile());
  EXPECT_EQ(held().size(), 4U);
  EXPECT_EQ(lost(), 0);
}

TEST_F(AtKick, WhatKickLosesIsAskedForAgain) {
  run(subscriptions_->reconcile());
  ASSERT_EQ(held().size(), 4U);
  const auto all = held();
  const auto id_of = [&](std::string_view event) {
    return std::ranges::find(all, event, &kick::Subscription::event)->id;
  };
  lose({id_of("chat.message.sent"), id_of("channel.subscription.gifts")});
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 4U);
  EXPECT_EQ(lost(), 2);
}

TEST_F(AtKick, WhatKickEndsAfterADayOfFailuresIsAskedForAgain) {
  run(subscriptions_->reconcile());
  tell_kick("/kick/webhook", {{"url", "http://127.0.0.1:1/nobody"}});
  const auto chat = [&] {
    tell_kick("/kick/chat", {{"slug", "lantern-live"}, {"user", "night-owl3"}, {"content", "hello"}});
  };
  chat();
  ASSERT_TRUE(held_becomes(4, 300ms)) << "a first failure changes nothing";
  world_.clock.advance(25h);
  chat();
  ASSERT_TRUE(held_becomes(3, 10s));
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 4U);
  EXPECT_EQ(lost(), 1);
}

TEST_F(AtKick, WhatSwitchingWebhooksOffEndedIsAskedForAgain) {
  run(subscriptions_->reconcile());
  tell_kick("/kick/webhook", {{"url", ""}});
  EXPECT_THAT(held(), IsEmpty());
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 4U);
  EXPECT_EQ(lost(), 3) << "of those that matter";
}

TEST_F(AtKick, BetweenTheLastLookAndTheNextOneIsAGapWhereSomethingWasLost) {
  const auto pass_ten_minutes = [&] {
    for (int i = 0; i < 5; ++i) {
      world_.clock.set(world_.clock.now() + 2min);
      run(hearing_.hear(world_.clock.now()));
    }
    return world_.clock.now();
  };
  run(subscriptions_->reconcile());
  const TimePoint seen = pass_ten_minutes();
  run(subscriptions_->reconcile());
  EXPECT_THAT(run(hearing_.gaps(channels_[0])), IsEmpty());
  lose({held().front().id});
  pass_ten_minutes();
  run(subscriptions_->reconcile());
  const auto gaps = run(hearing_.gaps(channels_[0]));
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0].from, seen);
  EXPECT_EQ(gaps[0].until, world_.clock.now());
  EXPECT_EQ(gaps[0].reason, "unsubscribed");
}

TEST_F(AtKick, WhatNobodyListensToIsTakenAway) {
  listen(2, channels_[1]);
  run(subscriptions_->reconcile());
  ASSERT_EQ(held().size(), 8U);
  net::run_to_end(world_.tenancy->channels().unbind(ServerId(2), kKick));
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[1]), 0U);
  EXPECT_EQ(held_of(channels_[0]), 4U);
  listen(2, channels_[1]);
  ASSERT_TRUE(run(subscriptions_->ensure(channels_[1])));
  EXPECT_EQ(held_of(channels_[1]), 4U) << "who comes back is not taken for one who never left";
  net::run_to_end(world_.tenancy->servers().left(ServerId(1), world_.clock.now()));
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 0U) << "the server has left";
}

TEST_F(AtKick, AChannelWhoseConsentIsTakenBackIsNotListenedTo) {
  run(subscriptions_->reconcile());
  ASSERT_EQ(held_of(channels_[0]), 4U);
  auto& grants = world_.tenancy->grants();
  const tenancy::ChannelKey key{kKick, channels_[0]};
  const auto version = net::run_to_end(grants.of(key))->token_version;
  net::run_to_end(grants.ended(key, version, tenancy::kRevoked, world_.clock.now()));
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 0U);
}

TEST_F(AtKick, WhatIsNotOursStays) {
  ASSERT_TRUE(run(client_->subscribe(channels_[0], {"channel.followed"})));
  ASSERT_TRUE(run(client_->subscribe(channels_[1], {"chat.message.sent"})));  // of whom we know nothing
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 5U);
  EXPECT_EQ(held_of(channels_[1]), 1U);
}

TEST_F(AtKick, AChannelOfTwoServersIsAskedForOnce) {
  listen(2, channels_[0]);
  run(subscriptions_->reconcile());
  EXPECT_EQ(held().size(), 4U);
  net::run_to_end(world_.tenancy->channels().unbind(ServerId(1), kKick));
  run(subscriptions_->reconcile());
  EXPECT_EQ(held().size(), 4U);
}

TEST_F(AtKick, AFullAppIsSaidToTheServersThatGetNothing) {
  fault({{"kick_subscription_cap", 3}});
  listen(2, channels_[1]);
  run(subscriptions_->reconcile());
  const std::string said = problems_[ServerId(1)] + problems_[ServerId(2)];
  EXPECT_THAT(said, HasSubstr("event subscription limit reached"));
  const auto gaps = run(hearing_.gaps(channels_[1]));
  EXPECT_THAT(gaps, IsEmpty()) << "what never came is none";
  EXPECT_EQ(subscriptions_->without_chat().size(), 1U);
  fault({{"kick_subscription_cap", 0}});
  run(subscriptions_->reconcile());
  EXPECT_EQ(problems_[ServerId(1)] + problems_[ServerId(2)], "");
  EXPECT_EQ(held().size(), 6U) << "titles are done without from then on";
}

TEST_F(AtKick, TitlesMakeRoomForWhatMatters) {
  run(subscriptions_->reconcile());
  ASSERT_EQ(held().size(), 4U);
  fault({{"kick_subscription_cap", 6}});
  listen(2, channels_[1]);
  run(subscriptions_->reconcile());
  EXPECT_THAT(problems_[ServerId(2)], HasSubstr("limit reached"));
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 3U);
  EXPECT_EQ(held_of(channels_[1]), 3U);
  EXPECT_EQ(problems_[ServerId(1)] + problems_[ServerId(2)], "");
}

TEST_F(AtKick, ATitleThatNobodyToldOfLeavesNoGap) {
  run(subscriptions_->reconcile());
  const auto all = held();
  lose({std::ranges::find(all, "livestream.metadata.updated", &kick::Subscription::event)->id});
  world_.clock.advance(2min);
  run(hearing_.hear(world_.clock.now()));
  run(subscriptions_->reconcile());
  EXPECT_EQ(held_of(channels_[0]), 4U);
  EXPECT_EQ(lost(), 0);
  EXPECT_THAT(run(hearing_.gaps(channels_[0])), IsEmpty()) << "the next look at the stream tells it as well";
}

TEST_F(AtKick, AChannelIsWithoutChatWhileKickKeepsNoSubscriptionToIt) {
  run(subscriptions_->reconcile());
  EXPECT_THAT(subscriptions_->without_chat(), IsEmpty());
  const auto all = held();
  lose({std::ranges::find(all, "chat.message.sent", &kick::Subscription::event)->id});
  fault({{"kick_chat_refused", true}});
  run(subscriptions_->reconcile());
  EXPECT_THAT(subscriptions_->without_chat(), ElementsAre(channels_[0]));
  fault({{"kick_chat_refused", false}});
  run(subscriptions_->reconcile());
  EXPECT_THAT(subscriptions_->without_chat(), IsEmpty());
}

/// A Kick that grants what it likes, inside a 200.
class AtAnotherKick : public AtKick {
 protected:
  Task<Result<net::HttpResponse>> answer(net::HttpRequest request) {
    if (request.url.ends_with("/oauth/token"))
      co_return net::make_response(200, "application/json", R"({"access_token":"app","expires_in":"60"})");
    if (request.method == "GET") co_return net::make_response(200, "application/json", R"({"data":[]})");
    ++asked_;
    co_return net::make_response(200, "application/json", granted_);
  }
  int asked_ = 0;
  std::string granted_;
  kick::Client other_kick_{{"https://id.test", "https://api.test", "app", "secret"},
                           [this](net::HttpRequest request) { return answer(std::move(request)); }};
  KickSubscriptions others_{
      other_kick_,    *world_.tenancy,
      hearing_,       world_.clock,
      world_.metrics, [this](ServerId server, std::string problem) { problems_[server] = problem; }};
};

TEST_F(AtAnotherKick, WhatIsNotGrantedIsRefused) {
  granted_ = R"({"data":[{"name":"chat.message.sent","subscription_id":"s1"},)"
             R"({"name":"livestream.status.updated","subscription_id":"s2"}]})";
  ASSERT_TRUE(run(others_.ensure(channels_[0])));
  EXPECT_THAT(problems_[ServerId(1)],
              HasSubstr("Kick refused the events channel.subscription.gifts (without a reason)"));
}

TEST_F(AtAnotherKick, AFullAppThatIsToldInsideA200IsAskedForNoTitles) {
  granted_ = R"({"data":[{"name":"chat.message.sent","error":"event subscription limit reached"}]})";
  run(others_.reconcile());
  EXPECT_THAT(problems_[ServerId(1)], HasSubstr("limit reached"));
  EXPECT_EQ(asked_, 1);
}

TEST_F(AtKick, ARefusalInsideA200IsMadeUpFor) {
  fault({{"kick_subscription_errors", 1}});
  ASSERT_TRUE(run(subscriptions_->ensure(channels_[0])));
  EXPECT_THAT(problems_[ServerId(1)],
              HasSubstr("Kick refused the events channel.subscription.gifts (internal error)"));
  run(subscriptions_->reconcile());
  EXPECT_EQ(problems_[ServerId(1)], "");
  EXPECT_EQ(held_of(channels_[0]), 4U);
}

}  // namespace
}  // namespace guildhall::bot
