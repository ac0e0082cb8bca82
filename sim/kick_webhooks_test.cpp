#include "sim/kick_webhooks.h"

#include <gmock/gmock.h>

#include "base/crypto.h"
#include "sim/kick_shapes.h"
#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

/// A bot's webhook address that keeps what it gets and answers as told.
class KickWebhooksTest : public SimTest {
 protected:
  KickWebhooksTest() {
    net::HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    hook_ =
        *net::HttpServer::start(loop_, options, [this](net::HttpRequest request) -> Task<net::HttpResponse> {
          received_.push_back(std::move(request));
          co_return net::make_response(answer_(received_.back()), "text/plain", "");
        });
    options_.kick_webhook = "http://127.0.0.1:" + std::to_string(hook_->port()) + "/hook";
    start();
  }
  ~KickWebhooksTest() override { end(); }

  void chat(const std::string& content, const std::string& slug = "lantern-live",
            const std::string& user = "night-owl3") {
    control("POST", "/kick/chat", {{"slug", slug}, {"user", user}, {"content", content}});
  }
  bool wait_for(std::size_t count) {
    return run_until([&] { return received_.size() >= count; });
  }
  bool wait_until_told() {
    return run_until([&] { return json::integer(control("GET", "/healthz"), "webhooks_waiting") == 0; });
  }
  std::vector<std::string> contents() const {
    std::vector<std::string> out;
    for (const auto& request : received_)
      out.push_back(json::text_or(*json::parse(request.body), "content", ""));
    return out;
  }
  static std::string header(const net::HttpRequest& request, std::string_view name) {
    return request.header("kick-event-" + std::string(name)).value_or("");
  }
  bool is_signed(const net::HttpRequest& request) const {
    const auto key = RsaPublicKey::from_pem(text("kick", "public_key"));
    const auto signature = base64_decode(header(request, "signature"));
    return key->verify(
        header(request, "message-id") + "." + header(request, "message-timestamp") + "." + request.body,
        *signature);
  }
  json::Value channel_report() {
    const json::Value report = control("GET", "/witness");
    return json::array(report, "channels").at(0);
  }

  std::unique_ptr<net::HttpServer> hook_;
  std::vector<net::HttpRequest> received_;
  std::function<int(const net::HttpRequest&)> answer_ = [](const net::HttpRequest&) { return 200; };
};

TEST_F(KickWebhooksTest, AreSignedOverIdTimeAndBody) {
  chat("hello [emote:1:Wave]");
  ASSERT_TRUE(wait_for(1));
  const net::HttpRequest& request = received_[0];
  EXPECT_EQ(header(request, "type"), "chat.message.sent");
  EXPECT_EQ(header(request, "version"), "1");
  EXPECT_THAT(header(request, "message-id"), SizeIs(26));
  EXPECT_EQ(*parse_rfc3339(header(request, "message-timestamp")), clock_.now());
  EXPECT_TRUE(is_signed(request));
  net::HttpRequest altered = request;
  altered.body[10] = altered.body[10] == 'x' ? 'y' : 'x';
  EXPECT_FALSE(is_signed(altered));
}

TEST_F(KickWebhooksTest, SenderCarriesHisBadges) {
  chat("hi");
  chat("hi", "lantern-live", "lantern-live");
  ASSERT_TRUE(wait_for(2));
  const auto badge = [&](std::size_t index) {
    const json::Value body = *json::parse(received_[index].body);
    return json::text_or(json::array(*json::find(body, "sender", "identity"), "badges").at(0), "type", "");
  };
  EXPECT_EQ(badge(0), "subscriber");
  EXPECT_EQ(badge(1), "broadcaster");
}

TEST_F(KickWebhooksTest, ComeAgainInOrderUntilTheyAreTaken) {
  int refusals = 1;
  answer_ = [&](const net::HttpRequest&) { return refusals-- > 0 ? 503 : 200; };
  chat("one");
  chat("two");
  chat("three");
  ASSERT_TRUE(wait_for(4));
  ASSERT_TRUE(wait_until_told());
  EXPECT_THAT(contents(), ElementsAre("one", "one", "two", "three"));
  EXPECT_EQ(header(received_[0], "message-id"), header(received_[1], "message-id"));
  EXPECT_EQ(received_[0].body, received_[1].body);
  const json::Value viewer = json::array(channel_report(), "viewers").at(0);
  EXPECT_THAT(json::array(viewer, "messages"), SizeIs(3));
}

TEST_F(KickWebhooksTest, AreGivenUpWhenTheyAreTenMinutesOld) {
  answer_ = [&](const net::HttpRequest&) {
    clock_.advance(std::chrono::minutes(11));
    return 503;
  };
  chat("too late");
  ASSERT_TRUE(wait_until_told());
  EXPECT_THAT(received_, SizeIs(1));
  EXPECT_THAT(json::array(channel_report(), "viewers"), SizeIs(0));
  EXPECT_EQ(json::integer(*json::find(channel_report(), "counts", "chat.message.sent"), "refused"), 1);
}

TEST_F(KickWebhooksTest, DuplicatesAreTheSameToTheByte) {
  control("POST", "/faults", {{"kick_duplicates", true}});
  chat("twice");
  ASSERT_TRUE(wait_for(2));
  EXPECT_EQ(received_[0].body, received_[1].body);
  EXPECT_EQ(header(received_[0], "message-id"), header(received_[1], "message-id"));
  ASSERT_TRUE(wait_until_told());
  EXPECT_THAT(json::array(json::array(channel_report(), "viewers").at(0), "messages"), SizeIs(1));
}

TEST_F(KickWebhooksTest, ForgedCopiesComeFirstAndAreCountedWhenTaken) {
  control("POST", "/faults", {{"kick_wrong_signature", true}});
  chat("careful");
  ASSERT_TRUE(wait_for(2));
  EXPECT_FALSE(is_signed(received_[0]));
  EXPECT_TRUE(is_signed(received_[1]));
  EXPECT_EQ(json::integer(control("GET", "/witness"), "forged_accepted"), 1)
      << "this receiver takes everything";
}

TEST_F(KickWebhooksTest, NeighboursChangePlaces) {
  control("POST", "/faults", {{"kick_reorder", true}});
  for (const char* content : {"one", "two", "three", "four"}) chat(content);
  ASSERT_TRUE(wait_for(4));
  EXPECT_THAT(contents(), ElementsAre("two", "one", "four", "three"));
}

TEST_F(KickWebhooksTest, DelayedOnesAreOvertaken) {
  control("POST", "/faults", {{"kick_delay_ms", 200}});
  std::vector<std::string> all;
  for (char letter = 'a'; letter <= 'z'; ++letter) chat(all.emplace_back(1, letter));
  ASSERT_TRUE(wait_until_told());
  EXPECT_NE(contents(), all);
  EXPECT_THAT(contents(), testing::UnorderedElementsAreArray(all));
}

TEST_F(KickWebhooksTest, LateAndSpacedOnesAreSignedAsTheyAre) {
  control("POST", "/faults", {{"kick_late_seconds", 900}, {"kick_spaces", true}});
  chat("a: b, c");
  ASSERT_TRUE(wait_for(1));
  EXPECT_TRUE(is_signed(received_[0]));
  EXPECT_EQ(*parse_rfc3339(header(received_[0], "message-timestamp")),
            clock_.now() - std::chrono::seconds(900));
  EXPECT_NE(received_[0].body.find(":  "), std::string::npos);
  EXPECT_EQ(contents()[0], "a: b, c");
}

TEST_F(KickWebhooksTest, NoAnswerLeavesItUncertain) {
  control("POST", "/kick/webhook", {{"url", "http://127.0.0.1:1/nobody"}});
  chat("hello?");
  run_until([&] { return !json::array(channel_report(), "viewers").empty(); });
  const json::Value viewer = json::array(channel_report(), "viewers").at(0);
  EXPECT_THAT(json::array(viewer, "messages"), SizeIs(0));
  EXPECT_THAT(json::array(viewer, "uncertain"), SizeIs(1));
}

TEST_F(KickWebhooksTest, AnonymousGiftersAreNobody) {
  control("POST", "/kick/gift", {{"slug", "lantern-live"}, {"count", 2}});
  ASSERT_TRUE(wait_for(1));
  const json::Value body = *json::parse(received_[0].body);
  EXPECT_EQ(header(received_[0], "type"), "channel.subscription.gifts");
  EXPECT_EQ(json::boolean(*json::find(body, "gifter"), "is_anonymous"), true);
  EXPECT_TRUE(body.at("gifter").at("user_id").is_null());
  EXPECT_THAT(json::array(body, "giftees"), SizeIs(2));
}

TEST(KickShapes, SpacesKeepTheMeaning) {
  const json::Value value{{"a", "x: \"y\", \\"}, {"b", {1, 2, nullptr}}};
  const std::string spaced = kick_shapes::with_spaces(json::write(value));
  EXPECT_GT(spaced.size(), json::write(value).size());
  EXPECT_EQ(*json::parse(spaced), value);
}

TEST(KickShapes, TimesVaryAndMeanTheSame) {
  Random random(1);
  const TimePoint at = from_micros(1'780'000'000'123'456);
  std::set<std::string> spellings;
  for (int i = 0; i < 30; ++i) {
    const std::string text = kick_shapes::time_text(at, random);
    spellings.insert(text);
    EXPECT_LT(at - *parse_rfc3339(text), std::chrono::seconds(1));
    EXPECT_GE(at, *parse_rfc3339(text));
  }
  EXPECT_EQ(spellings.size(), 3U);
}

}  // namespace
}  // namespace guildhall::sim
