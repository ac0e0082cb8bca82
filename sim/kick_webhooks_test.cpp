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
  /// Of a call to the control interface that may be refused.
  int status_of(const std::string& path, const json::Value& body) {
    net::HttpRequest request{"POST", json::text_or(contract_, "control", "") + path};
    request.body = json::write(body);
    return send(std::move(request)).status;
  }
  /// A call as the application itself.
  net::HttpResponse as_app(const std::string& method, const std::string& path,
                           const json::Value& body = nullptr) {
    const std::string form = net::write_query({{"grant_type", "client_credentials"},
                                               {"client_id", text("kick", "client_id")},
                                               {"client_secret", text("kick", "client_secret")}});
    const json::Value token = body_of(send({"POST",
                                            text("kick", "oauth") + "/oauth/token",
                                            {},
                                            {{"Content-Type", "application/x-www-form-urlencoded"}},
                                            form}));
    net::HttpRequest request{method, text("kick", "api") + "/public/v1/" + path};
    request.headers = {{"Authorization", "Bearer " + json::text_or(token, "access_token", "")},
                       {"Content-Type", "application/json"}};
    if (!body.is_null()) request.body = json::write(body);
    return send(std::move(request));
  }
  void subscribe(std::size_t channel, const std::vector<std::string>& events) {
    json::Array wanted;
    for (const std::string& event : events) wanted.push_back({{"name", event}, {"version", 1}});
    const json::Value body{{"method", "webhook"},
                           {"broadcaster_user_id", sim_->world().kick_channels[channel].broadcaster},
                           {"events", std::move(wanted)}};
    EXPECT_EQ(as_app("POST", "events/subscriptions", body).status, 200);
  }
  std::vector<std::string> subscribed() {
    std::vector<std::string> events;
    const json::Value answer = body_of(as_app("GET", "events/subscriptions"));
    for (const json::Value& one : json::array(answer, "data"))
      events.push_back(json::text_or(one, "event", ""));
    return events;
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

TEST_F(KickWebhooksTest, AnEventThatFailsForMoreThanADayIsUnsubscribedEverywhere) {
  subscribe(0, {"chat.message.sent", "channel.followed"});
  subscribe(1, {"chat.message.sent"});
  answer_ = [](const net::HttpRequest& request) {
    return header(request, "type") == "chat.message.sent" ? 503 : 200;
  };
  chat("first");
  ASSERT_TRUE(wait_for(2)) << "the first attempt is over then";
  clock_.advance(std::chrono::hours(24));
  ASSERT_TRUE(wait_until_told());
  EXPECT_THAT(subscribed(), SizeIs(3)) << "a day, and not more";
  clock_.advance(std::chrono::seconds(1));
  chat("last");
  EXPECT_TRUE(run_until([&] { return subscribed() == std::vector<std::string>{"channel.followed"}; }));
}

TEST_F(KickWebhooksTest, OneThatIsTakenInBetweenEndsTheDay) {
  subscribe(0, {"chat.message.sent"});
  int taken = 0;
  answer_ = [&](const net::HttpRequest&) { return taken; };
  for (const int status : {503, 200, 503}) {
    taken = status;
    chat("again");
    clock_.advance(std::chrono::hours(23));
    ASSERT_TRUE(wait_until_told());
  }
  EXPECT_THAT(subscribed(), SizeIs(1));
}

TEST_F(KickWebhooksTest, SwitchingWebhooksOffEndsEverySubscription) {
  subscribe(0, {"chat.message.sent", "channel.followed"});
  control("POST", "/kick/webhook", {{"url", ""}});
  EXPECT_THAT(subscribed(), SizeIs(0));
}

TEST_F(KickWebhooksTest, AModeratorIsKnownByHisBadgeAndMayBan) {
  control("POST", "/kick/moderator",
          {{"slug", "lantern-live"}, {"user", "pixel-moth10"}, {"moderator", false}});
  EXPECT_EQ(
      status_of("/kick/ban", {{"slug", "lantern-live"}, {"by", "pixel-moth10"}, {"user", "night-owl3"}}),
      403);
  control("POST", "/kick/moderator", {{"slug", "lantern-live"}, {"user", "pixel-moth10"}});
  chat("I watch over you", "lantern-live", "pixel-moth10");
  ASSERT_TRUE(wait_for(1));
  const json::Value said = *json::parse(received_[0].body);
  const json::Array badges = json::array(*json::find(said, "sender", "identity"), "badges");
  EXPECT_EQ(json::text_or(badges.at(0), "type", ""), "moderator");

  control("POST", "/kick/ban",
          {{"slug", "lantern-live"}, {"by", "pixel-moth10"}, {"user", "night-owl3"}, {"minutes", 10}});
  ASSERT_TRUE(wait_for(2));
  EXPECT_EQ(header(received_[1], "type"), "moderation.banned");
  const json::Value told = *json::parse(received_[1].body);
  EXPECT_EQ(json::text_or(*json::find(told, "moderator"), "channel_slug", ""), "pixel-moth10");
  EXPECT_EQ(json::text_or(*json::find(told, "banned_user"), "channel_slug", ""), "night-owl3");
  EXPECT_TRUE(parse_rfc3339(json::text_or(*json::find(told, "metadata"), "expires_at", "")));
  EXPECT_EQ(
      status_of("/kick/chat", {{"slug", "lantern-live"}, {"user", "night-owl3"}, {"content", "let me"}}),
      403);
  clock_.advance(std::chrono::minutes(11));
  chat("back again");
  EXPECT_TRUE(wait_for(3));
}

TEST_F(KickWebhooksTest, ARedemptionIsToldAgainWhenItIsSettled) {
  const json::Value made = control("POST", "/kick/redeem",
                                   {{"slug", "lantern-live"},
                                    {"user", "night-owl3"},
                                    {"title", "Hydrate"},
                                    {"cost", 300},
                                    {"input", "now"}});
  const std::string id = json::text_or(made, "redemption", "");
  ASSERT_TRUE(wait_for(1));
  EXPECT_EQ(header(received_[0], "type"), "channel.reward.redemption.updated");
  const json::Value first = *json::parse(received_[0].body);
  EXPECT_EQ(json::text(first, "id"), id);
  EXPECT_EQ(json::text(first, "status"), "pending");
  EXPECT_EQ(json::integer(*json::find(first, "reward"), "cost"), 300);
  EXPECT_EQ(json::text(*json::find(first, "redeemer"), "channel_slug"), "night-owl3");
  control("POST", "/kick/redemption", {{"id", id}, {"accepted", false}});
  ASSERT_TRUE(wait_for(2));
  const json::Value second = *json::parse(received_[1].body);
  EXPECT_EQ(json::text(second, "id"), id);
  EXPECT_EQ(json::text(second, "status"), "rejected");
  EXPECT_EQ(json::text(second, "redeemed_at"), json::text(first, "redeemed_at"));
  EXPECT_EQ(status_of("/kick/redemption", {{"id", id}}), 409);
}

TEST_F(KickWebhooksTest, WhoIsCalledOtherwiseStaysWhoHeIs) {
  const KickId streamer = sim_->world().kick_channels[0].broadcaster;
  control("POST", "/kick/rename", {{"user", "lantern-live"}, {"username", "Beacon_Live"}});
  control("POST", "/kick/rename", {{"user", "night-owl3"}, {"username", "Day_Owl"}});
  control("POST", "/kick/rename", {{"user", "pixel-moth10"}, {"username", "night_owl3"}});
  EXPECT_EQ(status_of("/kick/rename", {{"user", "pixelmoss"}, {"username", "Beacon_live"}}), 409);
  chat("hi", "beacon-live", "day-owl");
  ASSERT_TRUE(wait_for(1));
  const json::Value body = *json::parse(received_[0].body);
  EXPECT_EQ(json::integer(*json::find(body, "broadcaster"), "user_id"), streamer);
  EXPECT_EQ(json::text_or(*json::find(body, "broadcaster"), "channel_slug", ""), "beacon-live");
  EXPECT_EQ(json::text_or(*json::find(body, "sender"), "username", ""), "Day_Owl");
  const json::Value found = body_of(as_app("GET", "channels?slug=beacon-live&slug=lantern-live"));
  EXPECT_THAT(json::array(found, "data"), SizeIs(1)) << "the old name leads nowhere";
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
