#include "platforms/discord/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "platforms/discord/permissions.h"
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

TEST(ReadGuild, TakesRolesWithTheirPermissions) {
  const auto guild = read_guild(from(R"({"id":"1","name":"Club","owner_id":"2","roles":[
    {"id":"1","name":"@everyone","permissions":"6755399441056768"},{"id":"5","name":"Mod","permissions":"8",
    "tags":{"premium_subscriber":null}},{"name":"without id"}],"members":[{}],"joined_at":"x"})"));
  ASSERT_TRUE(guild);
  EXPECT_FALSE(guild->unavailable);
  EXPECT_EQ(guild->owner, DiscordUserId(2));
  ASSERT_EQ(guild->roles.size(), 2U);
  EXPECT_EQ(guild->roles[0].permissions, 6755399441056768U);
  EXPECT_EQ(guild->roles[1].name, "Mod");
}

TEST(ReadGuild, AnUnavailableOneIsJustItsId) {
  const auto guild = read_guild(from(R"({"id":"1","unavailable":true})"));
  ASSERT_TRUE(guild);
  EXPECT_TRUE(guild->unavailable);
}

TEST(ReadGuild, AnUpdateHoldsOnlyWhatIsThere) {
  const auto bare = read_guild_update(from(R"({"id":"1","name":null})"));
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->name, std::nullopt);
  EXPECT_EQ(bare->roles, std::nullopt);
  const auto full = read_guild_update(from(R"({"id":"1","name":"n","owner_id":"3","roles":[]})"));
  EXPECT_EQ(full->name, "n");
  EXPECT_EQ(full->owner, DiscordUserId(3));
  EXPECT_TRUE(full->roles.has_value());
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

TEST(FrameParserTest, ReadsFramesOneAfterTheOther) {
  FrameParser parser;
  for (int i = 0; i < 3; ++i) {
    const auto frame = parser.parse(R"({"t":"MESSAGE_CREATE","s":5,"op":0,"d":{"id":"1"},"new":1})");
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->op, Op::dispatch);
    EXPECT_EQ(frame->event, "MESSAGE_CREATE");
    EXPECT_EQ(frame->sequence, 5);
    EXPECT_EQ(json::id(*frame->data, "id"), 1);
    const auto ack = parser.parse(R"({"t":null,"s":null,"op":11,"d":null})");
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->sequence, std::nullopt);
    EXPECT_EQ(ack->event, "");
    EXPECT_TRUE(ack->data->is_null());
    EXPECT_FALSE(parser.parse("{"));
    EXPECT_FALSE(parser.parse("{} {}"));
    EXPECT_FALSE(parser.parse("{\"op\":\"zero\"}"));
    EXPECT_FALSE(parser.parse("\"\xff\""));
  }
}

TEST(FrameParserTest, MessagesLargerThanItsBufferAreNoTroubleHoweverMany) {
  std::string members;
  for (int i = 0; i < 20'000; ++i) members += R"({"id":"1"},)";
  const std::string text = R"({"op":0,"d":{"members":[)" + members + "{}]}}";
  FrameParser parser;
  for (int i = 0; i < 50; ++i) {
    const auto frame = parser.parse(text);
    ASSERT_TRUE(frame);
    EXPECT_EQ(json::array(*frame->data, "members").size(), 20'001U);
    EXPECT_FALSE(parser.parse(std::string_view(text).substr(0, text.size() / 2)));
  }
}

/// The vectors without channel overwrites: what the guild alone decides. Administrators and owners are
/// above overwrites, so theirs count too.
TEST(PermissionVectors, TheGuildLevelComputationsAgree) {
  std::ifstream file(GUILDHALL_SOURCE_DIR "/tests/fixtures/official/vectors.json");
  std::stringstream text;
  text << file.rdbuf();
  const json::Value vectors = from(text.str());
  EXPECT_EQ(json::id(vectors, "permissions_all"), static_cast<std::int64_t>(kAllPermissions));
  int checked = 0;
  for (const json::Value& vector : json::array(vectors, "permissions")) {
    const bool all = json::text(vector, "expected") == json::text(vectors, "permissions_all");
    const bool has_overwrites = !json::find(vector, "overwrites")->get_object().empty();
    if ((has_overwrites && !all) || json::boolean(vector, "timed_out").value_or(false)) continue;
    GuildSnapshot guild;
    guild.id = ServerId(1);
    guild.owner = DiscordUserId(json::boolean(vector, "owner").value_or(false) ? 7 : 8);
    guild.roles.push_back(
        {RoleId(1), "@everyone", static_cast<Permissions>(json::id(vector, "everyone").value())});
    guild.roles.push_back({RoleId(999), "not held", kAdministrator});
    std::vector<RoleId> held;
    for (const auto& role : json::find(vector, "roles")->get_object()) {
      held.emplace_back(static_cast<std::int64_t>(held.size()) + 100);
      guild.roles.push_back({held.back(), "", std::stoull(std::string(role.value().get_string()))});
    }
    EXPECT_EQ(guild_permissions(guild, DiscordUserId(7), held),
              static_cast<Permissions>(json::id(vector, "expected").value()))
        << json::text_or(vector, "name", "");
    ++checked;
  }
  EXPECT_EQ(checked, 3);
}

TEST(Permissions, RolesAddUpAndManagersAreTold) {
  GuildSnapshot guild;
  guild.id = ServerId(1);
  guild.owner = DiscordUserId(2);
  guild.roles = {{RoleId(1), "@everyone", 1024}, {RoleId(5), "a", 2048}, {RoleId(6), "b", kManageGuild}};
  const std::vector<RoleId> held = {RoleId(5), RoleId(6), RoleId(404)};
  EXPECT_EQ(guild_permissions(guild, DiscordUserId(3), held), 1024U + 2048U + kManageGuild);
  EXPECT_EQ(guild_permissions(guild, DiscordUserId(3), {}), 1024U);
  EXPECT_TRUE(may_manage(kManageGuild));
  EXPECT_TRUE(may_manage(kAdministrator));
  EXPECT_FALSE(may_manage(1024));
}

}  // namespace
}  // namespace guildhall::discord
