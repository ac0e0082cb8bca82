#include "platforms/discord/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platforms/discord/protocol.h"

namespace guildhall::discord {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

json::Value from(std::string_view text) {
  auto parsed = json::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : json::Value();
}

TEST(ReadMessage, TakesWhatIsNeededAndIgnoresTheRest) {
  const auto message = read_message(from(R"({"id":"1258291266429386754","channel_id":"20","guild_id":"30",
    "author":{"id":"40","username":"max","global_name":"Max","avatar":null,"clan":{"x":1}},
    "member":{"roles":["50","51"],"nick":"Maxi","joined_at":"2026-01-01T00:00:00+00:00","flags":0},
    "content":"hello","type":19,"timestamp":"2026-02-01T03:45:06.206000+00:00","tts":false,"brand_new":[{}]})"));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, MessageId(1258291266429386754));
  EXPECT_EQ(message->channel, DiscordChannelId(20));
  EXPECT_EQ(message->guild, ServerId(30));
  EXPECT_EQ(message->author.id, DiscordUserId(40));
  EXPECT_EQ(message->author.name, "max");
  EXPECT_EQ(message->author.display_name, "Maxi");
  EXPECT_FALSE(message->author.bot);
  EXPECT_FALSE(message->webhook);
  EXPECT_THAT(message->roles, ElementsAre(RoleId(50), RoleId(51)));
  EXPECT_EQ(message->content, "hello");
  EXPECT_EQ(message->type, MessageType::reply);
  EXPECT_EQ(message->sent_at, *parse_rfc3339("2026-02-01T03:45:06.206Z"));
}

TEST(ReadMessage, IdsMayBeNumbersAndUnknownTypesAreKept) {
  const auto message = read_message(from(R"({"id":1,"channel_id":2,"author":{"id":3,"bot":true},
    "member":{"roles":[4,"x",null]},"webhook_id":"9","type":4711})"));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->author.id, DiscordUserId(3));
  EXPECT_TRUE(message->author.bot);
  EXPECT_TRUE(message->webhook);
  EXPECT_THAT(message->roles, ElementsAre(RoleId(4)));
  EXPECT_EQ(static_cast<int>(message->type), 4711);
  EXPECT_EQ(message->guild, std::nullopt);
  EXPECT_EQ(message->content, "");
  EXPECT_EQ(message->sent_at, std::nullopt);
}

TEST(ReadMessage, OddTypesAreAsGoodAsAbsent) {
  const auto message = read_message(from(
      R"({"id":"1","channel_id":"2","author":{"id":"3","username":5},"member":"x","content":{},"type":"y"})"));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->content, "");
  EXPECT_EQ(message->author.name, "");
  EXPECT_THAT(message->roles, IsEmpty());
}

TEST(ReadMessage, WithoutItsIdsItIsNone) {
  EXPECT_FALSE(read_message(from(R"({"id":"1","channel_id":"2"})")));
  EXPECT_FALSE(read_message(from(R"({"id":"x","channel_id":"2","author":{"id":"3"}})")));
  EXPECT_FALSE(read_message(from("null")));
  EXPECT_FALSE(read_message(from("[]")));
}

TEST(ReadGuild, AnUnavailableOneIsJustItsId) {
  const auto guild = read_guild(from(R"({"id":"1","unavailable":true})"));
  ASSERT_TRUE(guild);
  EXPECT_TRUE(guild->unavailable);
}

TEST(ReadMember, JoinAndLeave) {
  const auto join =
      read_member_join(from(R"({"guild_id":"1","user":{"id":"2","username":"a","global_name":"A"},
    "nick":null,"roles":[],"joined_at":"2026-02-01T03:45:06+00:00","pending":true})"));
  ASSERT_TRUE(join);
  EXPECT_EQ(join->guild, ServerId(1));
  EXPECT_EQ(join->user.display_name, "A");
  EXPECT_EQ(join->joined_at, *parse_rfc3339("2026-02-01T03:45:06Z"));
  const auto leave = read_member_leave(from(R"({"guild_id":"1","user":{"id":"2","username":"a"}})"));
  EXPECT_EQ(leave->user.display_name, "a");
  EXPECT_FALSE(read_member_join(from(R"({"guild_id":"1"})")));
  EXPECT_FALSE(read_member_leave(from(R"({"user":{"id":"2"}})")));
}

TEST(ReadInteraction, ACommandInAGuild) {
  const auto interaction = read_interaction(from(R"({"id":"1","application_id":98,"type":2,"token":"secret",
    "guild_id":"3","channel_id":"4","version":1,"locale":"de","app_permissions":"0","entitlements":[],
    "member":{"user":{"id":"5","username":"max","global_name":"Max"},"nick":null,"permissions":"2251799813685255","roles":[]},
    "data":{"id":"9","name":"points-add","type":1,
      "options":[{"name":"user","type":6,"value":"7"},{"name":"amount","type":4,"value":-25},
                 {"name":"quiet","type":5,"value":false},{"name":"share","type":10,"value":1.5},
                 {"name":"reason","type":3,"value":"für \"dich\""}],
      "resolved":{"users":{"7":{"id":"7","username":"anna"}},"members":{"7":{"nick":"Ann"}}}}})"));
  ASSERT_TRUE(interaction);
  EXPECT_EQ(interaction->application, ApplicationId(98));
  EXPECT_EQ(interaction->type, InteractionType::command);
  EXPECT_EQ(interaction->token, "secret");
  EXPECT_EQ(interaction->guild, ServerId(3));
  EXPECT_EQ(interaction->channel, DiscordChannelId(4));
  EXPECT_EQ(interaction->user.display_name, "Max");
  EXPECT_EQ(interaction->permissions, 2251799813685255U);
  EXPECT_EQ(interaction->command, "points-add");
  EXPECT_THAT(interaction->options,
              ElementsAre(Pair("amount", "-25"), Pair("quiet", "false"), Pair("reason", "für \"dich\""),
                          Pair("share", "1.5"), Pair("user", "7")));
  EXPECT_THAT(interaction->users, ElementsAre(Pair(DiscordUserId(7), "Ann")));
  EXPECT_EQ(interaction->locale, "de");
}

TEST(ReadInteraction, SubCommandsBelongToTheName) {
  const auto interaction =
      read_interaction(from(R"({"id":"1","type":2,"token":"t","member":{"user":{"id":"5"}},
    "data":{"name":"points","options":[{"name":"admin","type":2,"options":[{"name":"add","type":1,
      "options":[{"name":"amount","type":4,"value":1}]}]}]}})"));
  ASSERT_TRUE(interaction);
  EXPECT_EQ(interaction->command, "points admin add");
  EXPECT_THAT(interaction->options, ElementsAre(Pair("amount", "1")));
}

TEST(ReadInteraction, WithoutMemberItCameAsADirectMessage) {
  const auto interaction = read_interaction(
      from(R"({"id":"1","type":2,"token":"t","user":{"id":"5","username":"max"},"data":{"name":"points"}})"));
  ASSERT_TRUE(interaction);
  EXPECT_EQ(interaction->guild, std::nullopt);
  EXPECT_EQ(interaction->permissions, 0U);
}

TEST(ReadInteraction, UnknownKindsAreReadAllTheSame) {
  const auto ping = read_interaction(from(R"({"id":"1","type":77,"token":"t","user":{"id":"5"}})"));
  ASSERT_TRUE(ping);
  EXPECT_EQ(static_cast<int>(ping->type), 77);
  EXPECT_FALSE(read_interaction(from(R"({"id":"1","type":2,"user":{"id":"5"}})")));
  EXPECT_FALSE(read_interaction(from(R"({"id":"1","type":2,"token":"t"})")));
}

TEST(ReadReady, ListsTheGuilds) {
  const auto ready = read_ready(from(R"({"v":10,"user":{"id":"9","username":"g"},"application":{"id":"8"},
    "guilds":[{"id":"1","unavailable":true},{"id":2},{}],"_trace":[]})"));
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->application, ApplicationId(8));
  EXPECT_THAT(ready->guilds, ElementsAre(ServerId(1), ServerId(2)));
}

/// With its data, as whoever wants it has it.
std::optional<Frame> whole(FrameParser& parser, std::string_view text) {
  auto frame = parser.parse(text);
  return frame && parser.parse_data(*frame) ? frame : std::nullopt;
}

TEST(FrameParserTest, ReadsFramesOneAfterTheOther) {
  FrameParser parser;
  for (int i = 0; i < 3; ++i) {
    const auto frame = whole(parser, R"({"t":"MESSAGE_CREATE","s":5,"op":0,"d":{"id":"1"},"new":1})");
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->op, Op::dispatch);
    EXPECT_EQ(frame->event, "MESSAGE_CREATE");
    EXPECT_EQ(frame->sequence, 5);
    EXPECT_EQ(json::id(*frame->data, "id"), 1);
    const auto ack = whole(parser, R"({"t":null,"s":null,"op":11,"d":null})");
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->sequence, std::nullopt);
    EXPECT_EQ(ack->event, "");
    EXPECT_TRUE(ack->data->is_null());
    for (const char* wrong :
         {"{", "{} {}", R"({"op":"zero"})", "\"\xff\"", R"({"op":0,"s":1,"t":"A","d":{"x":}})",
          R"({"op":11,"d":{}}})", R"({"op":11,"d":null)", R"({"op":11,"d":null} x)", ""})
      EXPECT_FALSE(whole(parser, wrong)) << wrong;
  }
}

TEST(FrameParserTest, ReadsTheHeadInAnyOrderAndWithAnySpaces) {
  FrameParser parser;
  for (const char* text :
       {R"({"op":0,"s":7,"t":"A","d":{"x":1}})", R"({"d":{"x":1},"t":"A","s":7,"op":0})",
        R"( { "t" : "A" , "new" : [1,{}] , "op" : 0 , "s" : 7 , "d" : {"x":1} } )",
        R"({"t":"\u0041","s":7,"op":0,"d":{"x":1}})", R"({"op":0,"d":{"x":1},"s":7,"t":"A"})"}) {
    const auto frame = whole(parser, text);
    ASSERT_TRUE(frame) << text;
    EXPECT_EQ(frame->event, "A") << text;
    EXPECT_EQ(frame->sequence, 7) << text;
    EXPECT_EQ(json::integer(*frame->data, "x"), 1) << text;
  }
}

TEST(FrameParserTest, DataThatNobodyWantsIsNotEvenLookedAt) {
  FrameParser parser;
  const auto frame = parser.parse(R"({"t":"TYPING_START","s":8,"op":0,"d":{what is this})");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->event, "TYPING_START");
  EXPECT_EQ(frame->sequence, 8);
  EXPECT_EQ(frame->data, nullptr);
}

TEST(FrameParserTest, MessagesLargerThanItsBufferAreNoTroubleHoweverMany) {
  std::string members;
  for (int i = 0; i < 20'000; ++i) members += R"({"id":"1"},)";
  const std::string text = R"({"op":0,"d":{"members":[)" + members + "{}]}}";
  FrameParser parser;
  for (int i = 0; i < 50; ++i) {
    const auto frame = whole(parser, text);
    ASSERT_TRUE(frame);
    EXPECT_EQ(json::array(*frame->data, "members").size(), 20'001U);
    EXPECT_FALSE(whole(parser, std::string_view(text).substr(0, text.size() / 2)));
  }
}

TEST(Parse, AnArgumentThatIsBeingTyped) {
  const auto typing = read_interaction(from(R"({"id":"1","type":4,"token":"t","user":{"id":"5"},
      "data":{"name":"points","options":[{"type":1,"name":"add","options":[
        {"type":4,"name":"amount","value":"12","focused":true},{"type":3,"name":"reason","value":"x"}]}]}})"));
  ASSERT_TRUE(typing);
  EXPECT_EQ(typing->type, InteractionType::autocomplete);
  EXPECT_EQ(typing->command, "points add");
  EXPECT_EQ(typing->focused, "amount");
  EXPECT_THAT(typing->options, UnorderedElementsAre(Pair("amount", "12"), Pair("reason", "x")));
}

TEST(Parse, EveryKindOfOption) {
  const auto called = read_interaction(from(R"({"id":"1","type":2,"token":"t","user":{"id":"5"},
      "data":{"name":"all","options":[{"type":5,"name":"flag","value":true},{"type":10,"name":"rate","value":2},
        {"type":10,"name":"part","value":2.5},{"type":7,"name":"channel","value":"7"},
        {"type":8,"name":"role","value":"8"},{"type":9,"name":"who","value":"8"},{"type":11,"name":"file","value":"11"}],
       "resolved":{"roles":{"8":{"name":"Owls"}},"channels":{"7":{"name":"chat","type":0}},
        "attachments":{"11":{"filename":"a.png","content_type":"image/png","size":120,"url":"https://cdn/a"}}}}})"));
  ASSERT_TRUE(called);
  EXPECT_FALSE(called->focused);
  EXPECT_THAT(called->options, UnorderedElementsAre(Pair("flag", "true"), Pair("rate", "2"),
                                                    Pair("part", "2.5"), Pair("channel", "7"),
                                                    Pair("role", "8"), Pair("who", "8"), Pair("file", "11")));
  EXPECT_THAT(called->roles, ElementsAre(Pair(RoleId(8), "Owls")));
  EXPECT_THAT(called->channels, ElementsAre(Pair(DiscordChannelId(7), "chat")));
  const Attachment& file = called->attachments.at(AttachmentId(11));
  EXPECT_EQ(file.name + " " + file.type + " " + file.url, "a.png image/png https://cdn/a");
  EXPECT_EQ(file.bytes, 120);
}

TEST(Parse, APressAndAChoice) {
  const auto press = read_interaction(from(R"({"id":"1","type":3,"token":"t","member":{"user":{"id":"5"}},
      "message":{"id":"77"},"data":{"custom_id":"next","component_type":2,"id":0}})"));
  ASSERT_TRUE(press);
  EXPECT_EQ(press->type, InteractionType::component);
  EXPECT_EQ(press->custom_id, "next");
  EXPECT_EQ(press->component, 2);
  EXPECT_EQ(press->message, MessageId(77));
  EXPECT_THAT(press->values, IsEmpty());

  const auto choice = read_interaction(from(R"({"id":"1","type":3,"token":"t","member":{"user":{"id":"5"}},
      "message":{"id":"77"},"data":{"custom_id":"who","component_type":7,"values":["8","9"],
      "resolved":{"users":{"9":{"username":"ann","global_name":"Ann"}},"members":{"9":{"nick":"Annie"}},
       "roles":{"8":{"name":"Owls"}}}}})"));
  EXPECT_THAT(choice->values, ElementsAre("8", "9"));
  EXPECT_THAT(choice->roles, ElementsAre(Pair(RoleId(8), "Owls")));
  EXPECT_THAT(choice->users, IsEmpty()) << "a user without an id";
}

TEST(Parse, AFilledInModalOfTodayAndOfOld) {
  const auto today = read_interaction(from(R"({"id":"1","type":5,"token":"t","member":{"user":{"id":"5"}},
      "data":{"custom_id":"report","components":[
        {"type":18,"id":1,"component":{"type":4,"id":2,"custom_id":"reason","value":"so"}},
        {"type":18,"component":{"type":3,"custom_id":"kinds","values":["a","b"]}},
        {"type":18,"component":{"type":21,"custom_id":"one","value":"x"}},
        {"type":18,"component":{"type":21,"custom_id":"none","value":null}},
        {"type":18,"component":{"type":22,"custom_id":"any","values":[]}},
        {"type":18,"component":{"type":23,"custom_id":"sure","value":false}},
        {"type":18,"component":{"type":19,"custom_id":"file","values":["11"]}},
        {"type":10,"id":9}]}})"));
  ASSERT_TRUE(today);
  EXPECT_EQ(today->custom_id, "report");
  EXPECT_FALSE(today->message);
  EXPECT_THAT(
      today->fields,
      UnorderedElementsAre(Pair("reason", ElementsAre("so")), Pair("kinds", ElementsAre("a", "b")),
                           Pair("one", ElementsAre("x")), Pair("none", IsEmpty()), Pair("any", IsEmpty()),
                           Pair("sure", ElementsAre("false")), Pair("file", ElementsAre("11"))));
  const auto old = read_interaction(from(R"({"id":"1","type":5,"token":"t","user":{"id":"5"},
      "message":{"id":"77"},"data":{"custom_id":"report","components":[
        {"type":1,"components":[{"type":4,"custom_id":"reason","value":"so"}]},
        {"type":1,"components":[{"type":4,"custom_id":"more","value":""}]}]}})"));
  EXPECT_EQ(old->message, MessageId(77));
  EXPECT_THAT(old->fields,
              UnorderedElementsAre(Pair("reason", ElementsAre("so")), Pair("more", ElementsAre(""))));
}

TEST(Parse, MenusOfAUserAndOfAMessage) {
  const auto user = read_interaction(from(R"({"id":"1","type":2,"token":"t","member":{"user":{"id":"5"}},
      "data":{"name":"Show points","type":2,"target_id":"7",
      "resolved":{"users":{"7":{"id":"7","username":"ann"}},"members":{"7":{"nick":"Annie"}}}}})"));
  ASSERT_TRUE(user);
  EXPECT_EQ(user->kind, CommandKind::user_menu);
  EXPECT_EQ(user->command, "Show points");
  EXPECT_EQ(user->target, 7);
  EXPECT_THAT(user->users, ElementsAre(Pair(DiscordUserId(7), "Annie")));
  const auto message = read_interaction(from(R"({"id":"1","type":2,"token":"t","member":{"user":{"id":"5"}},
      "data":{"name":"Report","type":3,"target_id":"70","resolved":{"messages":{"70":{"id":"70","channel_id":"4",
      "content":"bad words","author":{"id":"8","username":"bob"}}}}}})"));
  EXPECT_EQ(message->kind, CommandKind::message_menu);
  ASSERT_TRUE(message->target_message);
  EXPECT_EQ(message->target_message->content, "bad words");
  EXPECT_EQ(message->target_message->author.id, DiscordUserId(8));
}

}  // namespace
}  // namespace guildhall::discord
