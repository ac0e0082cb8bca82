// What an open page hears, and when it hears no more.
#include "web/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <set>

#include "tests/support/test_world.h"

namespace guildhall::web {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

struct Page final : net::EventStream {
  std::string text;
  bool there = true;

  Task<bool> send(std::string chunk) override {
    text += chunk;
    co_return there;
  }
};

class Live : public testing::Test {
 protected:
  ~Live() override {
    page_.there = false;
    reachable_ = true;
    open_.insert(ServerId(1));
    topics_.publish(bot::server_topic(ServerId(1), "overview"));
    wait_until([this] { return ended_; });
  }

  void open(bool is_operator, std::chrono::milliseconds every = 15s,
            std::chrono::milliseconds believes = 60s) {
    const std::string id =
        *net::run_to_end(sessions_.sign_in_member({DiscordUserId(7), "Owl", {ServerId(1), ServerId(3)}}));
    session_ = *net::run_to_end(sessions_.find(id));
    const LiveSources sources{loop_,
                              topics_,
                              sessions_,
                              [is_operator](const Session&) { return is_operator; },
                              [this](const Session&, ServerId server) { return may_see(server); },
                              place_,
                              believes,
                              every};
    response_ = stream_events(sources, {}, session_);
    boost::asio::co_spawn(loop_, response_.stream(page_), [this](std::exception_ptr) { ended_ = true; });
    wait_until([this] { return page_.text.find("retry:") != std::string::npos; });
  }
  void publish(std::int64_t server) { topics_.publish(bot::server_topic(ServerId(server), "points")); }
  void hear_of(std::int64_t server) {
    publish(server);
    wait_until([&] { return heard(bot::server_topic(ServerId(server), "points")); });
    page_.text.clear();
  }
  /// Longer than a page waits between two messages.
  void expect_unheard(std::int64_t server) {
    page_.text.clear();
    publish(server);
    loop_.restart();
    loop_.run_for(700ms);
    EXPECT_FALSE(heard(bot::server_topic(ServerId(server), "points")));
  }
  bool heard(std::string_view what) const { return page_.text.find(what) != std::string::npos; }
  void wait_until(const std::function<bool()>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!reached() && std::chrono::steady_clock::now() < deadline) {
      loop_.restart();
      loop_.run_for(10ms);
    }
    ASSERT_TRUE(reached()) << page_.text;
  }

  boost::asio::io_context loop_;  // outlives the database, whose answers it carries
  test::TestWorld world_;
  bot::TopicHub topics_;
  Sessions sessions_{world_.tenancy->global(), world_.clock};
  Session session_;
  std::set<ServerId> open_{ServerId(1)};
  Page page_;
  std::shared_ptr<void> place_ = std::make_shared<int>();
  net::HttpResponse response_;
  bool ended_ = false;
  bool reachable_ = true;  // whoever can say what is open

 private:
  Task<std::optional<bool>> may_see(ServerId server) {
    if (!reachable_) co_return std::nullopt;
    co_return open_.contains(server);
  }
};

TEST_F(Live, AMembersPageHearsOfHisServersAlone) {
  open(false);
  for (int i = 0; i < 3'000; ++i) publish(1'000 + i);  // the others are busy
  publish(2);
  publish(3);
  topics_.publish("servers");
  publish(1);
  wait_until([this] { return heard("server/1/points"); });
  EXPECT_THAT(page_.text, Not(HasSubstr("server/2")));
  EXPECT_THAT(page_.text, Not(HasSubstr("server/3"))) << "it is one of his, and is not open to him";
  EXPECT_EQ(page_.text.find("resync"), page_.text.rfind("resync")) << "one is open now; others make no gap";
  EXPECT_THAT(page_.text, HasSubstr(R"({"topic":"servers","version":1})"))
      << "the list he hears of when one of his changes, not when and how often any does";
}

TEST_F(Live, TheOperatorsPageHearsOfAll) {
  open(true);
  publish(2);
  topics_.publish("servers");
  wait_until([this] { return heard("server/2/points") && heard(R"("topic":"servers")"); });
}

TEST_F(Live, APageIsToldToLookAgainWhenAServerIsTakenFromIt) {
  open(false, 0ms);
  hear_of(1);
  open_.clear();
  wait_until([this] { return heard("event: resync"); });
  expect_unheard(1);
}

TEST_F(Live, ASettingMayOpenAServer) {
  open(false);
  hear_of(1);
  open_.insert(ServerId(3));
  topics_.publish(bot::server_topic(ServerId(3), "settings"));
  wait_until([this] { return heard("event: resync") && heard("server/3/settings"); });
}

TEST_F(Live, WhileNobodyCanSayNothingIsOpenedAndNothingIsTaken) {
  reachable_ = false;
  open(false, 0ms);
  expect_unheard(1);
  reachable_ = true;
  hear_of(1);
  reachable_ = false;
  publish(1);
  wait_until([this] { return heard("server/1/points"); });
  EXPECT_FALSE(heard("resync"));
}

TEST_F(Live, NobodyIsBelievedForEver) {
  open(false, 0ms, 0ms);
  hear_of(1);
  reachable_ = false;
  wait_until([this] { return heard("event: resync"); });
  expect_unheard(1);
}

TEST_F(Live, APageIsToldThatItsSessionHasEnded) {
  open(false);
  net::run_to_end(sessions_.sign_out(session_.hash));
  wait_until([this] { return heard("event: gone"); });
}

}  // namespace
}  // namespace guildhall::web
