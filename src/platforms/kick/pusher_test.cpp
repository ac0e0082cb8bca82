#include "platforms/kick/pusher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "net/loops.h"
#include "platforms/kick/chatroom.h"

namespace guildhall::kick {
namespace {

using testing::ElementsAre;

const User kStreamer{"900001", "StreamerOne", "streamerone"};
const TimePoint kNow = from_micros(1'777'629'600'000'000);

constexpr const char* kWritten =
    R"({"id":"3f6c0c5e-0000-4000-8000-000000000001","chatroom_id":668,"content":"!points [emote:1:Wave]",
  "type":"reply","created_at":"2026-05-01T10:00:00+00:00","sender":{"id":900002,"username":"Viewer_Two",
  "slug":"viewer-two","identity":{"color":"#75FD46","badges":[{"type":"moderator","text":"Moderator"},
  {"type":"subscriber","text":"Subscriber","count":4}]}},"metadata":{"original_message":{"id":"x"}}})";

Result<ChatMessageSent> read_chat(const std::string& data, std::int64_t room = 668) {
  return read_chat_event(*json::parse(data), room, kStreamer, kNow);
}

TEST(Pusher, DataIsReadOutOfItsText) {
  const auto frame = read_frame(
      R"({"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":120}"})");
  ASSERT_TRUE(frame) << frame.error().message;
  EXPECT_EQ(frame->event, kGreeting);
  EXPECT_EQ(json::integer(frame->data, "activity_timeout"), 120);
  const auto plain = read_frame(R"({"event":"pusher:error","data":{"code":4001,"message":"no"}})");
  EXPECT_EQ(json::integer(plain->data, "code"), 4001);
  const auto bare = read_frame(R"({"event":"pusher:pong","channel":"chatrooms.1.v2","data":""})");
  EXPECT_TRUE(bare->data.is_null());
  EXPECT_EQ(bare->channel, "chatrooms.1.v2");
}

TEST(Pusher, WhatIsNoFrameIsRefused) {
  for (const char* text : {"", "not json", "[]", "{}", R"({"event":5})", R"({"event":"x","data":"{broken"})"})
    EXPECT_FALSE(read_frame(text)) << text;
}

TEST(Pusher, AChatroomIsAskedForByItsChannel) {
  EXPECT_EQ(subscribe_frame(668),
            R"({"event":"pusher:subscribe","data":{"auth":"","channel":"chatrooms.668.v2"}})");
  EXPECT_EQ(unsubscribe_frame(668),
            R"({"event":"pusher:unsubscribe","data":{"channel":"chatrooms.668.v2"}})");
  EXPECT_EQ(plain_frame(kPong), R"({"event":"pusher:pong","data":{}})");
  EXPECT_EQ(chatroom_of("chatrooms.668.v2"), 668);
  for (const char* other : {"", "chatrooms.668", "chatrooms.v2", "chatrooms..v2", "chatrooms.-1.v2",
                            "chatrooms.6x.v2", "channel.668"})
    EXPECT_FALSE(chatroom_of(other)) << other;
}

TEST(Pusher, TheCodeOfACloseSaysWhetherToComeBack) {
  EXPECT_EQ(come_back_after(4001), ComeBack::never);
  EXPECT_EQ(come_back_after(4099), ComeBack::never);
  EXPECT_EQ(come_back_after(4100), ComeBack::later);
  EXPECT_EQ(come_back_after(4200), ComeBack::at_once);
  EXPECT_EQ(come_back_after(1006), ComeBack::later);
  EXPECT_EQ(come_back_after(0), ComeBack::later);
}

TEST(Pusher, AChatMessageIsTheSameAsThePostedOne) {
  const auto message = read_chat(kWritten);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->broadcaster.id, "900001");
  EXPECT_EQ(message->message_id, "3f6c0c5e-0000-4000-8000-000000000001");
  EXPECT_EQ(message->sender.id, "900002");
  EXPECT_EQ(message->sender.name, "Viewer_Two");
  EXPECT_EQ(message->sender.slug, "viewer-two");
  EXPECT_THAT(message->badges, ElementsAre("moderator", "subscriber"));
  EXPECT_EQ(message->content, "!points [emote:1:Wave]");
  EXPECT_EQ(format_rfc3339(message->created_at), "2026-05-01T10:00:00Z");
}

TEST(Pusher, WhatAMessageIsNothingWithoutHasToBeThere) {
  EXPECT_FALSE(read_chat("{}"));
  EXPECT_FALSE(read_chat(R"({"id":"","sender":{"id":1}})"));
  EXPECT_FALSE(read_chat(R"({"id":"x"})"));
  EXPECT_FALSE(read_chat(R"({"id":"x","sender":{"id":0}})"));
  EXPECT_FALSE(read_chat(kWritten, 669)) << "it is of another chatroom";
  EXPECT_EQ(read_chat(R"({"id":"x","sender":{"id":"7"}})")->created_at, kNow);
}

TEST(Pusher, NamesOfEventsComeWithAPrefixAndWithout) {
  EXPECT_TRUE(is_chat_event("App\\Events\\ChatMessageEvent"));
  EXPECT_TRUE(is_chat_event("ChatMessageEvent"));
  EXPECT_FALSE(is_chat_event("App\\Events\\ChatMessageDeletedEvent"));
  EXPECT_FALSE(is_chat_event("pusher:ping"));
}

/// The site answers so; what is asked for is the channel of 900001.
Result<std::int64_t> find(int status, std::string body, std::string* asked = nullptr) {
  return net::run_to_end(find_chatroom(
      [&](net::HttpRequest request) -> Task<Result<net::HttpResponse>> {
        if (asked != nullptr) *asked = request.url;
        co_return net::make_response(status, "application/json", body);
      },
      "https://kick.test", "streamer one", "900001"));
}

TEST(Chatroom, IsFoundOnTheSite) {
  std::string asked;
  EXPECT_EQ(find(200, R"({"id":1,"user_id":900001,"slug":"s","chatroom":{"id":668,"channel_id":1}})", &asked),
            668);
  EXPECT_EQ(asked, "https://kick.test/api/v2/channels/streamer%20one");
}

TEST(Chatroom, OfSomebodyElseIsRefused) {
  EXPECT_EQ(find(200, R"({"id":1,"user_id":900009,"chatroom":{"id":668}})").error().code,
            ErrorCode::conflict);
}

TEST(Chatroom, AClosedDoorIsNoAnswer) {
  EXPECT_EQ(find(403, "<html>").error().code, ErrorCode::forbidden);
  EXPECT_EQ(find(404, "{}").error().code, ErrorCode::not_found);
  EXPECT_EQ(find(429, "").error().code, ErrorCode::rate_limited);
  EXPECT_EQ(find(520, "").error().code, ErrorCode::unavailable);
  for (const char* odd :
       {"<html>", "{}", R"({"user_id":900001})", R"({"user_id":900001,"chatroom":{"id":0}})"})
    EXPECT_EQ(find(200, odd).error().code, ErrorCode::unavailable) << odd;
}

}  // namespace
}  // namespace guildhall::kick
