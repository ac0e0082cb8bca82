#include "platforms/kick/webhook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "net/loops.h"

namespace guildhall::kick {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

json::Value vectors() {
  std::ifstream input(std::string(GUILDHALL_SOURCE_DIR) + "/tests/fixtures/official/vectors.json");
  std::stringstream text;
  text << input.rdbuf();
  return *json::parse(text.str());
}

/// A request as the vector has it, with anything exchanged.
net::HttpRequest delivery(const json::Value& vector) {
  net::HttpRequest request;
  request.method = "POST";
  request.headers = {{"kick-event-message-id", *json::text(vector, "message_id")},
                     {"kick-event-message-timestamp", *json::text(vector, "timestamp")},
                     {"kick-event-signature", *json::text(vector, "signature_base64")},
                     {"kick-event-type", "chat.message.sent"}};
  request.body = *json::text(vector, "body");
  return request;
}

void replace_header(net::HttpRequest& request, std::string_view name, std::string value) {
  for (auto& [header, held] : request.headers) {
    if (header == name) held = value;
  }
}

class Signature : public testing::Test {
 protected:
  Signature() {
    const json::Value all = vectors();
    vector_ = *json::find(all, "kick_webhook");
    clock_.set(*parse_rfc3339(*json::text(vector_, "timestamp")));
  }

  WebhookVerifier verifier() {
    return {clock_,
            [this]() -> Task<Result<std::string>> {
              ++fetched_;
              co_return served_pem_;
            },
            pinned_ ? std::optional(*RsaPublicKey::from_pem(*json::text(vector_, "public_key_pem")))
                    : std::nullopt};
  }
  Result<Delivery> verify(net::HttpRequest request) {
    auto one = verifier();
    return net::run_to_end(one.verify(std::move(request)));
  }

  ManualClock clock_{from_micros(0)};
  json::Value vector_;
  bool pinned_ = true;
  int fetched_ = 0;
  std::string served_pem_;
};

TEST_F(Signature, TheOfficialVectorVerifies) {
  const auto verified = verify(delivery(vector_));
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->message_id, *json::text(vector_, "message_id"));
}

TEST_F(Signature, EveryAlteredOneFails) {
  const net::HttpRequest good = delivery(vector_);
  for (std::size_t i = 0; i < good.body.size(); ++i) {
    auto altered = good;
    altered.body[i] = static_cast<char>(altered.body[i] ^ 1);
    EXPECT_FALSE(verify(altered)) << "byte " << i;
  }
  auto shorter = good;
  shorter.body.erase(shorter.body.find("  "), 1);  // one space fewer
  EXPECT_FALSE(verify(shorter));
  for (const char* name : {"kick-event-message-id", "kick-event-message-timestamp", "kick-event-signature"}) {
    auto other = good;
    replace_header(other, name, *other.header(name) + "A");
    EXPECT_FALSE(verify(other)) << name;
    auto without = good;
    std::erase_if(without.headers, [&](const auto& header) { return header.first == name; });
    EXPECT_THAT(verify(without).error().message, HasSubstr("missing")) << name;
  }
  auto garbage = good;
  replace_header(garbage, "kick-event-signature", "!!!!");
  EXPECT_EQ(verify(garbage).error().code, ErrorCode::unauthenticated);
}

TEST_F(Signature, OldAndFutureOnesFailAlthoughGenuine) {
  const TimePoint signed_at = clock_.now();
  for (const auto age : {std::chrono::seconds(601), std::chrono::seconds(-601)}) {
    clock_.set(signed_at + age);
    EXPECT_EQ(verify(delivery(vector_)).error().code, ErrorCode::timeout);
  }
  clock_.set(signed_at + std::chrono::seconds(599));
  EXPECT_TRUE(verify(delivery(vector_)));
}

TEST_F(Signature, AFetchedKeyIsKeptAndAWrongOneIsAskedForAgainOnlyNowAndThen) {
  pinned_ = false;
  served_pem_ = *json::text(vector_, "public_key_pem");
  auto one = verifier();
  EXPECT_TRUE(net::run_to_end(one.verify(delivery(vector_))));
  EXPECT_TRUE(net::run_to_end(one.verify(delivery(vector_))));
  EXPECT_EQ(fetched_, 1);
  auto forged = delivery(vector_);
  forged.body += " ";
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(net::run_to_end(one.verify(forged)));
  EXPECT_EQ(fetched_, 1) << "somebody who guesses must not make us ask Kick each time";
}

TEST_F(Signature, WithoutAKeyNothingIsBelieved) {
  pinned_ = false;
  served_pem_ = "no key";
  EXPECT_EQ(verify(delivery(vector_)).error().code, ErrorCode::unavailable);
}

Result<Event> parse(std::string type, std::string body) {
  return parse_event({"01J0", "01S0", std::move(type), from_micros(1'777'629'600'000'000), std::move(body)});
}

constexpr const char* kChat = R"({"message_id":"3f6c0c5e-0000-4000-8000-000000000001","replies_to":null,
  "broadcaster":{"is_anonymous":false,"user_id":900001,"username":"StreamerOne","channel_slug":"streamerone","identity":null},
  "sender":{"is_anonymous":false,"user_id":900002,"username":"Viewer_Two","channel_slug":"viewer-two",
    "identity":{"username_color":"#75FD46","badges":[{"text":"Moderator","type":"moderator"},{"text":"Subscriber","type":"subscriber","count":4},{"text":"?","type":"future"}]}},
  "content":"!points [emote:1:Wave]","emotes":[{"emote_id":1,"positions":[{"s":8,"e":21}]}],"created_at":"2026-05-01T21:00:00+11:00","new_field":{}})";

TEST(KickEvents, ReadsChat) {
  const auto event = parse("chat.message.sent", kChat);
  ASSERT_TRUE(event) << event.error().message;
  const auto& chat = std::get<ChatMessageSent>(*event);
  EXPECT_EQ(chat.broadcaster.id, "900001");
  EXPECT_EQ(chat.sender.id, "900002");
  EXPECT_EQ(chat.sender.name, "Viewer_Two");
  EXPECT_THAT(chat.badges, ElementsAre("moderator", "subscriber", "future"));
  EXPECT_EQ(chat.content, "!points [emote:1:Wave]");
  EXPECT_EQ(format_rfc3339(chat.created_at), "2026-05-01T10:00:00Z");
}

TEST(KickEvents, ReadsTheStreamsState) {
  const auto live = parse(
      "livestream.status.updated",
      R"({"broadcaster":{"user_id":"900001","username":"S"},"is_live":true,"title":"t","started_at":"2026-05-01T10:00:00Z","ended_at":null})");
  EXPECT_FALSE(std::get<LivestreamStatusUpdated>(*live).ended_at);
  const auto ended = parse(
      "livestream.status.updated",
      R"({"broadcaster":{"user_id":900001},"is_live":false,"title":"","started_at":"2026-05-01T10:00:00Z","ended_at":"2026-05-01T11:00:00.5Z"})");
  EXPECT_EQ(format_rfc3339(*std::get<LivestreamStatusUpdated>(*ended).ended_at), "2026-05-01T11:00:00.5Z");
  // An end without its moment ends when Kick said so.
  const auto bare =
      parse("livestream.status.updated", R"({"broadcaster":{"user_id":900001},"is_live":false})");
  EXPECT_EQ(format_rfc3339(*std::get<LivestreamStatusUpdated>(*bare).ended_at), "2026-05-01T10:00:00Z");
}

TEST(KickEvents, ReadsWhatAStreamIsCalledNow) {
  const auto event = parse(
      "livestream.metadata.updated",
      R"({"broadcaster":{"user_id":900001,"username":"S","channel_slug":"s"},"metadata":{"title":"New title","language":"en","has_mature_content":true,"category":{"id":15,"name":"Just Chatting","thumbnail":""},"Category":{"id":15}}})");
  ASSERT_TRUE(event) << event.error().message;
  const auto& metadata = std::get<LivestreamMetadataUpdated>(*event);
  EXPECT_EQ(metadata.broadcaster.slug, "s");
  EXPECT_EQ(metadata.title, "New title");
  EXPECT_EQ(metadata.category, "Just Chatting");
  const auto bare = parse("livestream.metadata.updated",
                          R"({"broadcaster":{"user_id":900001},"metadata":{"title":"t","category":null}})");
  EXPECT_EQ(std::get<LivestreamMetadataUpdated>(*bare).category, "");
  EXPECT_FALSE(parse("livestream.metadata.updated", R"({"broadcaster":{"user_id":900001}})"));
}

TEST(KickEvents, ReadsGiftsOfTheNamedAndTheAnonymous) {
  const auto named = parse(
      "channel.subscription.gifts",
      R"({"broadcaster":{"user_id":1},"gifter":{"is_anonymous":false,"user_id":2,"username":"Giver"},"giftees":[{"user_id":3,"username":"a"},{"user_id":4,"username":"b"}],"created_at":"2026-05-01T10:00:00Z"})");
  EXPECT_EQ(std::get<SubscriptionGifts>(*named).gifter->name, "Giver");
  EXPECT_EQ(std::get<SubscriptionGifts>(*named).giftees.size(), 2U);
  const auto anonymous = parse(
      "channel.subscription.gifts",
      R"({"broadcaster":{"user_id":1},"gifter":{"is_anonymous":true,"user_id":null,"username":null},"giftees":[{"user_id":3}],"created_at":"2026-05-01T10:00:00Z"})");
  EXPECT_FALSE(std::get<SubscriptionGifts>(*anonymous).gifter);
}

TEST(KickEvents, UnknownTypesAreNotErrorsAndUselessOnesAre) {
  EXPECT_TRUE(std::holds_alternative<OtherEvent>(*parse("kicks.gifted", "{}")));
  EXPECT_TRUE(std::holds_alternative<OtherEvent>(*parse("event.of.the.future", R"({"a":1})")));
  EXPECT_FALSE(parse("chat.message.sent", "{}"));
  EXPECT_FALSE(parse("chat.message.sent", R"({"broadcaster":{"user_id":1},"message_id":"x"})"));
  EXPECT_FALSE(parse("livestream.status.updated", R"({"broadcaster":{"user_id":1}})"));
  EXPECT_FALSE(parse("chat.message.sent", "not json"));
  EXPECT_FALSE(parse("chat.message.sent", "[1,2"));
}

TEST(KickEvents, BrokenTextIsMended) {
  std::string body = kChat;
  body.replace(body.find("!points"), 7, R"(\u0000a\ud800)");
  const auto event = parse("chat.message.sent", body);
  if (event) EXPECT_EQ(std::get<ChatMessageSent>(*event).content.find('\0'), std::string::npos);
}

}  // namespace
}  // namespace guildhall::kick
