// Chat that Kick does not post, and comes through the socket of its own site: the simulated one's.
#include "bot/kick_chat_fallback.h"

#include "bot/process_state.h"
#include "sim/kick_socket.h"
#include "tests/support/kick_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class FromTheSocket : public InKick {
 protected:
  FromTheSocket() {
    const json::Value contract = *json::parse(kick_.sim->contract_json());
    const json::Value& kick = contract.at("kick");
    world_.config.kick_chat_socket_url = json::text_or(kick, "socket", "");
    world_.config.kick_chat_socket_site_url = json::text_or(kick, "site", "");
    world_.config.kick_chat_socket_app_key = json::text_or(kick, "socket_key", "");
  }

  json::Value ask(const std::string& what) {
    return *json::parse(run(http_.send({"GET", kick_.control + what}))->body);
  }
  void fault(const json::Value& faults) { act("/faults", faults); }
  /// Which chatrooms somebody listens to.
  std::size_t rooms() { return json::array(ask("/kick/socket"), "channels").size(); }
  /// Two servers listen to the first channel, of which Kick posts no chat.
  void listen_without_chat() {
    fault({{"kick_chat_refused", true}});
    ASSERT_TRUE(connect(1, 0));
    ASSERT_TRUE(connect(2, 0));
    wait_until([&] { return rooms() == 1; });
    wait_until([&] { return bridge_->channel_problem(ServerId(1)).ends_with("meanwhile"); });
  }
  /// Kick posts chat again, and nobody has told the bot.
  void post_chat_again() {
    fault({{"kick_chat_refused", false}});
    kick::Client client({world_.config.kick_oauth_url, world_.config.kick_api_url,
                         world_.config.kick_client_id, world_.config.kick_client_secret},
                        [this](net::HttpRequest request) { return http_.send(std::move(request)); });
    const auto asked = run(client.subscribe(key(0).platform_user_id, {"chat.message.sent"}));
    ASSERT_EQ(asked.value().granted.size(), 1U);
  }
  void chat(const std::string& content) {
    act("/kick/chat", {{"slug", channels_[0].slug}, {"user", viewer_}, {"content", content}});
  }
  /// What the bot said in the chat.
  std::size_t answers() { return ask("/kick/chat?slug=" + channels_[0].slug).as_array().size(); }
  std::int64_t counted(const char* name, const char* outcome) {
    return world_.metrics.counter(name, "", fmt::format("outcome=\"{}\"", outcome)).value();
  }
  std::string presence() { return world_.dump("SELECT count(*) FROM presence"); }
};

TEST_F(FromTheSocket, ChatHasOneEffectInEveryServerThatListens) {
  go_live(0);
  listen_without_chat();
  EXPECT_THAT(bridge_->channel_problem(ServerId(2)),
              AllOf(HasSubstr("Kick refused the events chat.message.sent"), HasSubstr("chat socket")));
  chat("hello");
  wait_until([&] { return presence() == "2\n"; });
  EXPECT_EQ(live_for(1), "1\n");
  chat("!points");
  wait_until([&] { return answers() == 2; });
  EXPECT_EQ(ask("/kick/socket").at("connections"), 1);
}

TEST_F(FromTheSocket, NobodyListensThereWhereKickPostsChat) {
  ASSERT_TRUE(connect(1, 0));
  wait_until([&] { return subscriptions(0) == "4\n"; });
  chat("hello");
  wait_until([&] { return presence() == "1\n"; });
  EXPECT_EQ(ask("/kick/socket").at("connections"), 0);
}

TEST_F(FromTheSocket, TheSocketIsLeftWhereKickPostsChatAgainAndNothingCountsTwice) {
  listen_without_chat();
  const auto posted = counted("guildhall_kick_webhooks_total", "accepted");
  post_chat_again();
  chat("!points");
  // The message and the two answers to it, both ways.
  wait_until([&] {
    return counted("guildhall_kick_webhooks_total", "accepted") - posted >= 3 &&
           counted("guildhall_kick_chat_socket_frames_total", "chat") >= 3;
  });
  EXPECT_EQ(answers(), 2U);
  EXPECT_EQ(presence(), "2\n");

  ASSERT_TRUE(connect(1, 0)) << "whoever connects looks at once";
  wait_until([&] { return rooms() == 0; });
  wait_until([&] { return ask("/kick/socket").at("connections") == 0; });
  EXPECT_EQ(bridge_->channel_problem(ServerId(1)), "");
  chat("hello");
  wait_until([&] { return counted("guildhall_kick_webhooks_total", "accepted") - posted >= 4; });
  EXPECT_EQ(counted("guildhall_kick_chat_socket_frames_total", "chat"), 3);
}

TEST_F(FromTheSocket, ASiteThatKeepsUsOutIsAskedAgainLaterAndSaysNothingOfTheStream) {
  fault({{"kick_site_403", true}, {"kick_chat_refused", true}});
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  wait_until([&] { return bridge_->channel_problem(ServerId(1)).ends_with("Kick's site answers 403"); });
  EXPECT_EQ(rooms(), 0U);
  EXPECT_EQ(live_for(1), "1\n");
  fault({{"kick_site_403", false}});
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(rooms(), 0U) << "not before the pause is over";
  world_.clock.advance(31s);
  wait_until([&] { return rooms() == 1; });
}

class ToldByTheOperator : public FromTheSocket {
 protected:
  ToldByTheOperator() {
    world_.config.kick_chat_socket_chatrooms =
        fmt::format("{}={}", channels_[0].slug, sim::chatroom_of(channels_[0].broadcaster));
  }
};

TEST_F(ToldByTheOperator, ANumberIsNotLookedUp) {
  fault({{"kick_site_403", true}});
  listen_without_chat();
  chat("hello");
  wait_until([&] { return presence() == "2\n"; });
}

class ToldOfAnotherChatroom : public FromTheSocket {
 protected:
  ToldOfAnotherChatroom() {
    world_.config.kick_chat_socket_chatrooms =
        fmt::format("{}={}", channels_[0].slug, sim::chatroom_of(channels_[1].broadcaster));
  }
};

TEST_F(ToldOfAnotherChatroom, AChatroomIsOneChannels) {
  fault({{"kick_chat_refused", true}});
  ASSERT_TRUE(connect(1, 0));
  ASSERT_TRUE(connect(2, 1, kFox));
  const auto problems = [&] {
    return bridge_->channel_problem(ServerId(1)) + bridge_->channel_problem(ServerId(2));
  };
  wait_until([&] { return problems().find("it is another channel's") != std::string::npos; });
  EXPECT_EQ(rooms(), 1U);
}

class FoundBefore : public FromTheSocket {
 protected:
  FoundBefore() {
    net::run_to_end(ProcessState(world_.tenancy->global())
                        .write("kick.chatrooms", fmt::format(R"({{"{}":{}}})", channels_[0].broadcaster,
                                                             sim::chatroom_of(channels_[0].broadcaster))));
  }
};

TEST_F(FoundBefore, ANumberHoldsWhateverTheSiteSaysNow) {
  fault({{"kick_site_403", true}});
  listen_without_chat();
  chat("hello");
  wait_until([&] { return presence() == "2\n"; });
}

class WithTheWrongKey : public FromTheSocket {
 protected:
  WithTheWrongKey() { world_.config.kick_chat_socket_app_key = "0123"; }
};

TEST_F(WithTheWrongKey, ARefusalIsTheChannelsProblem) {
  fault({{"kick_chat_refused", true}});
  ASSERT_TRUE(connect(1, 0));
  wait_until([&] {
    return bridge_->channel_problem(ServerId(1)).find("does not take us: 4001") != std::string::npos;
  });
}

}  // namespace
}  // namespace guildhall::bot
