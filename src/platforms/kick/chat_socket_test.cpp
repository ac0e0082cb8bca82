// The chat socket over real connections, at a service whose every word the test says.
#include "platforms/kick/chat_socket.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

#include "net/loops.h"
#include "net/websocket_server.h"

namespace guildhall::kick {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const User kOwl{"900001", "Owl", "owl"};
const User kFox{"900002", "Fox", "fox"};
constexpr const char* kHello =
    R"({"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":120}"})";

std::string succeeded(std::int64_t room) {
  return fmt::format(
      R"({{"event":"pusher_internal:subscription_succeeded","data":"{{}}","channel":"chatrooms.{}.v2"}})",
      room);
}

std::string chat(std::int64_t room, std::string_view id,
                 std::string_view event = "App\\\\Events\\\\ChatMessageEvent") {
  return fmt::format(
      R"({{"event":"{}","channel":"chatrooms.{}.v2","data":"{{\"id\":\"{}\",\"chatroom_id\":{},)"
      R"(\"content\":\"hi\",\"sender\":{{\"id\":7,\"username\":\"V\",\"slug\":\"v\"}}}}"}})",
      event, room, id, room);
}

class AtTheSocket : public testing::Test {
 protected:
  /// One connection, as the service sees it.
  struct Peer {
    std::shared_ptr<net::WebSocket> socket;
    std::vector<std::string> said;  // to it
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
    bool gone = false;
  };

  AtTheSocket() {
    auto started = net::WebSocketServer::start(
        loop_, {"127.0.0.1", 0}, [this](std::shared_ptr<net::WebSocket> socket, net::HttpRequest request) {
          asked_ = request;
          return serve(std::move(socket));
        });
    if (!started) throw ErrorException(started.error());
    server_ = *std::move(started);
    options_.url = fmt::format("ws://127.0.0.1:{}", server_->port());
    options_.app_key = "thekey";
    options_.first_pause = 50ms;
    options_.longest_pause = 200ms;
    options_.look = 10ms;
  }
  ~AtTheSocket() override { loop_.stop(); }

  Task<void> serve(std::shared_ptr<net::WebSocket> socket) {
    Peer& peer = peers_.emplace_back(Peer{socket, {}});
    while (true) {
      const auto message = co_await socket->read();
      if (!message) break;
      peer.said.emplace_back(*message);
    }
    peer.gone = true;
  }

  void start(Chatrooms rooms) {
    ChatSocket::Hooks hooks;
    hooks.chat = [this](ChatMessageSent message) { heard_.push_back(std::move(message)); };
    hooks.changed = [this] { ++changes_; };
    socket_.emplace(loop_, clock_, metrics_, options_, std::move(hooks));
    socket_->listen_to(std::move(rooms));
    socket_->start();
  }
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds patience = 10s) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done() && std::chrono::steady_clock::now() < end) {
      loop_.restart();
      loop_.run_one_for(10ms);
    }
    return done();
  }
  bool connected(std::size_t times = 1) {
    return run_until([&] { return peers_.size() >= times; });
  }
  void say(std::string text) {
    net::spawn(loop_, "say", [socket = peers_.back().socket, text = std::move(text)]() -> Task<void> {
      co_await socket->write(text);
    });
  }
  void close(std::uint16_t code) {
    net::spawn(loop_, "close",
               [socket = peers_.back().socket, code]() -> Task<void> { co_await socket->close(code); });
  }
  const std::vector<std::string>& said() { return peers_.back().said; }
  /// Brought up, with these chatrooms heard.
  void come_up(std::vector<std::int64_t> rooms) {
    ASSERT_TRUE(connected());
    say(kHello);
    for (const std::int64_t room : rooms) say(succeeded(room));
    ASSERT_TRUE(run_until(
        [&] { return std::ranges::all_of(rooms, [&](std::int64_t room) { return socket_->hears(room); }); }));
  }
  std::int64_t unreadable() {
    return metrics_.counter("guildhall_kick_chat_socket_frames_total", "", "outcome=\"unreadable\"").value();
  }
  std::vector<std::string> ids() {
    std::vector<std::string> all;
    for (const ChatMessageSent& message : heard_) all.push_back(message.message_id);
    return all;
  }

  boost::asio::io_context loop_;
  std::list<Peer> peers_;
  std::unique_ptr<net::WebSocketServer> server_;
  net::HttpRequest asked_;
  ManualClock clock_{from_micros(1'777'629'600'000'000)};
  Metrics metrics_;
  ChatSocketOptions options_;
  std::vector<ChatMessageSent> heard_;
  int changes_ = 0;
  std::optional<ChatSocket> socket_;
};

TEST_F(AtTheSocket, OneConnectionCarriesTheChatsOfSeveralChannels) {
  start({{668, kOwl}, {12, kFox}});
  come_up({668, 12});
  EXPECT_EQ(asked_.url, "/app/thekey");
  EXPECT_EQ(asked_.query.at("protocol"), "7");
  EXPECT_THAT(said(), ElementsAre(subscribe_frame(12), subscribe_frame(668)));
  say(chat(668, "one"));
  say(chat(12, "two", "ChatMessageEvent"));
  ASSERT_TRUE(run_until([&] { return heard_.size() == 2; }));
  EXPECT_EQ(heard_[0].broadcaster.id, kOwl.id);
  EXPECT_EQ(heard_[1].broadcaster.id, kFox.id);
  EXPECT_EQ(heard_[1].created_at, clock_.now());
  EXPECT_THAT(peers_, SizeIs(1));
}

TEST_F(AtTheSocket, WithoutAChatroomThereIsNoConnection) {
  start({});
  EXPECT_FALSE(run_until([&] { return !peers_.empty(); }, 300ms));
  socket_->listen_to({{668, kOwl}});
  come_up({668});
  socket_->listen_to({});
  EXPECT_TRUE(run_until([&] { return peers_.back().gone; }));
  EXPECT_FALSE(run_until([&] { return peers_.size() > 1; }, 500ms));
}

TEST_F(AtTheSocket, WhatIsNotWantedAnyMoreIsLeftAndNotHeard) {
  start({{668, kOwl}, {12, kFox}});
  come_up({668, 12});
  socket_->listen_to({{12, kFox}});
  say(chat(668, "late"));
  say(chat(12, "now"));
  ASSERT_TRUE(run_until([&] { return !heard_.empty() && said().size() == 3; }));
  EXPECT_THAT(ids(), ElementsAre("now"));
  EXPECT_EQ(said().back(), unsubscribe_frame(668));
  EXPECT_FALSE(socket_->hears(668));
}

TEST_F(AtTheSocket, BrokenAndUnknownFramesAreSurvived) {
  start({{668, kOwl}});
  come_up({668});
  for (const char* frame :
       {"{", "[]", R"({"event":"App\\Events\\FutureEvent","data":"{}","channel":"chatrooms.668.v2"})",
        R"({"event":"App\\Events\\ChatMessageEvent","channel":"chatrooms.668.v2","data":"{\"id\":\"x\"}"})",
        R"({"event":"App\\Events\\ChatMessageEvent","channel":"chatrooms.668.v2","data":"{{"})",
        R"({"event":"App\\Events\\ChatMessageEvent","data":"{}"})"})
    say(frame);
  say(chat(668, "after all that"));
  ASSERT_TRUE(run_until([&] { return !heard_.empty(); }));
  EXPECT_THAT(ids(), ElementsAre("after all that"));
  EXPECT_EQ(unreadable(), 4);
  EXPECT_THAT(peers_, SizeIs(1));
}

TEST_F(AtTheSocket, AFrameBeyondAllMeasureEndsTheConnectionAlone) {
  start({{668, kOwl}});
  come_up({668});
  say(std::string(300 * 1024, 'x'));
  ASSERT_TRUE(connected(2));
  come_up({668});
}

TEST_F(AtTheSocket, PingsAreAnsweredAndSilenceIsBrokenByOne) {
  options_.ping_after = 50ms;
  start({{668, kOwl}});
  come_up({668});
  say(R"({"event":"pusher:ping","data":"{}"})");
  EXPECT_TRUE(run_until([&] { return std::ranges::count(said(), plain_frame(kPong)) == 1; }));
  EXPECT_TRUE(run_until([&] { return said().back() == plain_frame(kPing); }));
  const auto pings = std::ranges::count(said(), plain_frame(kPing));
  say(R"({"event":"pusher:pong","data":"{}"})");
  EXPECT_TRUE(run_until([&] { return std::ranges::count(said(), plain_frame(kPing)) > pings; }));
  EXPECT_THAT(peers_, SizeIs(1));
}

TEST_F(AtTheSocket, TheOtherSideMayWishForPingsEarlier) {
  start({{668, kOwl}});
  ASSERT_TRUE(connected());
  say(R"({"event":"pusher:connection_established","data":"{\"socket_id\":\"1\",\"activity_timeout\":1}"})");
  EXPECT_TRUE(run_until([&] { return std::ranges::count(said(), plain_frame(kPing)) == 1; }, 5s));
}

TEST_F(AtTheSocket, OneThatAnswersNoPingIsDead) {
  options_.ping_after = 50ms;
  options_.patience = 100ms;
  start({{668, kOwl}});
  ASSERT_TRUE(connected());
  say(kHello);
  ASSERT_TRUE(connected(2));
  EXPECT_TRUE(peers_.front().gone);
}

TEST_F(AtTheSocket, OneThatDoesNotGreetIsLeft) {
  options_.patience = 100ms;
  start({{668, kOwl}});
  ASSERT_TRUE(connected(2));
  EXPECT_TRUE(peers_.front().gone);
  EXPECT_THAT(peers_.front().said, IsEmpty());
}

TEST_F(AtTheSocket, ARefusalIsNotTriedAgain) {
  start({{668, kOwl}});
  ASSERT_TRUE(connected());
  say(R"({"event":"pusher:error","data":{"code":4001,"message":"App key not in this cluster"}})");
  close(4001);
  ASSERT_TRUE(run_until([&] { return !socket_->refusal().empty(); }));
  EXPECT_THAT(socket_->refusal(), HasSubstr("4001: App key not in this cluster"));
  EXPECT_EQ(changes_, 1);
  EXPECT_FALSE(run_until([&] { return peers_.size() > 1; }, 700ms));
}

TEST_F(AtTheSocket, WhoIsAskedToComeBackAtOnceDoes) {
  options_.first_pause = 30s;
  start({{668, kOwl}});
  come_up({668});
  close(4200);
  ASSERT_TRUE(connected(2));
  close(4200);
  EXPECT_FALSE(run_until([&] { return peers_.size() > 2; }, 700ms)) << "nor does it do so again and again";
}

TEST_F(AtTheSocket, AfterAnyOtherEndItComesBackWithAllChatrooms) {
  start({{668, kOwl}});
  come_up({668});
  close(4100);
  ASSERT_TRUE(connected(2));
  EXPECT_FALSE(socket_->hears(668));
  EXPECT_GE(peers_.back().since - peers_.front().since, options_.first_pause);
  come_up({668});
  EXPECT_THAT(said(), ElementsAre(subscribe_frame(668)));
}

}  // namespace
}  // namespace guildhall::kick
