// What calls carry: paths, bodies, reasons, and whom their texts ping.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "platforms/discord/foresight.h"
#include "platforms/discord/rest_errors.h"
#include "platforms/discord/rest_testing.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::SizeIs;

constexpr ServerId kTestGuild(1);
constexpr DiscordChannelId kTestChannel(2);
constexpr DiscordUserId kUser(3);
constexpr RoleId kRole(4);
constexpr MessageId kMessage(5);

struct RestCallsTest : RestTest {
  std::vector<std::string> sent() {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < http.requests.size(); ++i)
      lines.push_back(http.requests[i].method + " " + path(i));
    return lines;
  }
  const net::HttpRequest& last() { return http.requests.back(); }
  json::Value last_body() { return *json::parse(last().body); }
};

TEST_F(RestCallsTest, ACallFillsItsRouteAndSaysWhy) {
  http.then(204, "");
  const auto added =
      start(client.call(routes::kAddMemberRole, {.reason = "für alle"}, kTestGuild, kUser, kRole));
  EXPECT_TRUE(added->value().value().is_null());
  EXPECT_THAT(sent(), ElementsAre("PUT /guilds/1/members/3/roles/4"));
  EXPECT_EQ(last().header("x-audit-log-reason"), "f%C3%BCr%20alle");
  EXPECT_EQ(last().header("content-type"), std::nullopt);
  EXPECT_EQ(last().body, "");
}

TEST_F(RestCallsTest, AReasonGoesOnlyWhereItIsShown) {
  start(client.call(routes::kReact, {.reason = "why"}, kTestChannel, kMessage, "👍"));
  EXPECT_EQ(last().header("x-audit-log-reason"), std::nullopt);
  start(client.call(routes::kKick, {.reason = std::string(600, 'x')}, kTestGuild, kUser));
  EXPECT_EQ(utf16_length(net::percent_decode(*last().header("x-audit-log-reason"))), 512U);
}

TEST_F(RestCallsTest, EmojisAndQueriesAreEncoded) {
  start(client.call(routes::kReact, {}, kTestChannel, kMessage, "👍"));
  start(client.call(routes::kUnreact, {}, kTestChannel, kMessage, "party:77"));
  start(client.call(routes::kSearchMembers, {.query = {{"query", "ä b"}, {"limit", "5"}}}, kTestGuild));
  start(client.call(routes::kMembers, {.query = {{"after", "9"}}}, kTestGuild));
  EXPECT_THAT(sent(), ElementsAre("PUT /channels/2/messages/5/reactions/%F0%9F%91%8D/@me",
                                  "DELETE /channels/2/messages/5/reactions/party%3A77/@me",
                                  "GET /guilds/1/members/search?limit=5&query=%C3%A4%20b",
                                  "GET /guilds/1/members?limit=1000&after=9"));
}

TEST_F(RestCallsTest, ABodyIsThereWhereDiscordWantsOne) {
  start(client.call(routes::kCreateInvite, {}, kTestChannel));
  EXPECT_EQ(last().body, "{}");
  start(client.call(routes::kUnban, {}, kTestGuild, kUser));
  EXPECT_EQ(last().method, "DELETE");
  EXPECT_EQ(last().body, "{}");
  EXPECT_EQ(last().header("content-type"), "application/json");
  start(client.call(routes::kPin, {}, kTestChannel, kMessage));
  EXPECT_EQ(last().body, "");
}

TEST_F(RestCallsTest, NoTextPingsAnybodyUnlessItSaysWhom) {
  const json::Value silent = *json::parse(R"({"content":"@everyone","allowed_mentions":{"parse":[]}})");
  const CallOptions text{.body = json::Object{{"content", "@everyone"}}};
  start(client.call(routes::kCreateMessage, text, kTestChannel));
  EXPECT_EQ(last_body(), silent);
  start(client.call(routes::kEditMessage, text, kTestChannel, kMessage));
  EXPECT_EQ(last_body(), silent);
  start(client.call(routes::kExecuteWebhook, text, WebhookId(6), "secret"));
  EXPECT_EQ(last_body(), silent);
  start(client.call(routes::kEditWebhookMessage, text, WebhookId(6), "secret", kMessage));
  EXPECT_EQ(last_body(), silent);
  start(client.call(routes::kEditAnswer, text, ApplicationId(7), "secret"));
  EXPECT_EQ(last_body(), silent);
  start(client.call(routes::kFollowUp, text, ApplicationId(7), "secret"));
  EXPECT_EQ(last_body(), silent);
  start(client.call(routes::kStartPost, {.body = json::Object{{"name", "n"}, {"message", *text.body}}},
                    kTestChannel));
  EXPECT_EQ(last_body().at("message"), silent);
  for (const int type : {4, 7}) {
    const CallOptions options{.body = json::Object{{"type", type}, {"data", *text.body}}};
    start(client.call(routes::kCallback, options, InteractionId(8), "secret"));
    EXPECT_EQ(last_body().at("data"), silent);
  }
  const json::Object whom{{"users", json::Array{"3"}}};
  const CallOptions one{.body = json::Object{{"content", "<@3>"}, {"allowed_mentions", whom}}};
  start(client.call(routes::kCreateMessage, one, kTestChannel));
  EXPECT_EQ(last_body().at("allowed_mentions"), json::Value(whom));
}

TEST_F(RestCallsTest, WhatIsNoMessageHasNoMentions) {
  const json::Object form{{"type", 9}, {"data", json::Object{{"title", "t"}, {"custom_id", "c"}}}};
  start(client.call(routes::kCallback, {.body = form}, InteractionId(8), "secret"));
  EXPECT_EQ(last_body(), json::Value(form));
}

TEST_F(RestCallsTest, ATextThatIsTooLongIsNotSent) {
  const json::Object text{{"content", std::string(kLongestMessage + 1, 'x')}};
  EXPECT_EQ(
      start(client.call(routes::kFollowUp, {.body = text}, ApplicationId(7), "s"))->value().error().code,
      ErrorCode::too_large);
  EXPECT_EQ(start(client.edit_message(kTestGuild, kTestChannel, kMessage, ""))->value().error().code,
            ErrorCode::invalid);
  EXPECT_THAT(http.requests, SizeIs(0));
}

TEST_F(RestCallsTest, WhatWouldHappenTwiceIsNotRepeated) {
  for (int i = 0; i < 2; ++i) http.then(502, "");
  EXPECT_FALSE(start(client.call(routes::kCreateRole, {}, kTestGuild))->value());
  const auto given = start(client.call(routes::kAddMemberRole, {}, kTestGuild, kUser, kRole));
  advance(10s);
  EXPECT_TRUE(given->value());
  EXPECT_THAT(sent(), ElementsAre("POST /guilds/1/roles", "PUT /guilds/1/members/3/roles/4",
                                  "PUT /guilds/1/members/3/roles/4"));
}

TEST(RestCallTest, ItsTurnDependsOnTheMajorParameters) {
  const auto major = [](const RouteSpec& route, std::initializer_list<std::string_view> arguments) {
    const RestCall call = *make_call(route, arguments, {});
    return std::string(call.lane().major);
  };
  EXPECT_EQ(major(routes::kAddMemberRole, {"1", "2", "3"}), "1");
  EXPECT_EQ(major(routes::kOverwriteGuildCommands, {"1", "2"}), "2");
  EXPECT_EQ(major(routes::kExecuteWebhook, {"1", "a/b"}), "1/a%2Fb");
  EXPECT_EQ(major(routes::kEditWebhookMessage, {"1", "a", "2"}), "1/a");
  EXPECT_EQ(major(routes::kLeaveGuild, {"1"}), "1");
  EXPECT_EQ(major(routes::kDeleteInvite, {"code"}), "");
}

TEST_F(RestCallsTest, OpensADirectChannel) {
  http.then(200, R"({"id":"88","type":1})");
  EXPECT_EQ(start(client.direct_channel(kUser))->value(), DiscordChannelId(88));
  EXPECT_EQ(last_body(), *json::parse(R"({"recipient_id":"3"})"));
}

TEST_F(RestCallsTest, AGuildsCommandsAreItsOwn) {
  http.then(200, "[]");
  EXPECT_TRUE(start(client.overwrite_guild_commands(ApplicationId(7), kTestGuild,
                                                    {{.name = "local", .description = "d"}}))
                  ->value());
  EXPECT_THAT(sent(), ElementsAre("PUT /applications/7/guilds/1/commands"));
  EXPECT_EQ(json::text(last_body().as_array().at(0), "name"), "local");
}

// Permissions --------------------------------------------------------------------------------------------

struct PermissionsOfCalls : RestCallsTest {
  /// The bot has role 7, which may do `own` and stands between roles 6 and 5.
  void arrive(Permissions own, Permissions everyone = kViewChannel | kReadMessageHistory) {
    state.session_began(DiscordUserId(99), {}, {kTestGuild});
    apply("GUILD_CREATE", fmt::format(R"({{"id":"1","owner_id":"50","roles":[
        {{"id":"1","permissions":"{}","position":0}},{{"id":"6","permissions":"0","position":1}},
        {{"id":"7","permissions":"{}","position":2}},{{"id":"5","permissions":"0","position":3}}],
        "members":[{{"user":{{"id":"99"}},"roles":["7"]}}]}})",
                                      everyone, own));
    client.foresee([this](const RestCall& call) { return foresee(state, call, timing->wall()); });
  }
  void apply(std::string_view event, const std::string& data) { state.apply(event, *json::parse(data)); }
  /// Channel 2 takes these from everybody.
  void deny(Permissions permissions, int type = 0) {
    state.remember_channel(
        kTestGuild,
        *json::parse(fmt::format(
            R"({{"id":"2","type":{},"permission_overwrites":[{{"id":"1","type":0,"deny":"{}"}}]}})", type,
            permissions)));
  }
  /// What a message to channel 2 is refused for, without being sent.
  std::string refused(NewMessage message = {.body = "hi"}) {
    const std::size_t before = http.requests.size();
    message.guild = kTestGuild;
    const auto sent = start(client.create_message(kTestChannel, std::move(message)));
    if (http.requests.size() != before) return "sent";
    return sent->value().error().code == ErrorCode::forbidden ? sent->value().error().message : "?";
  }
  std::string given(std::int64_t role) {
    const std::size_t before = http.requests.size();
    const auto done = start(client.call(routes::kAddMemberRole, {}, kTestGuild, kUser, RoleId(role)));
    return http.requests.size() == before ? done->value().error().message : "sent";
  }

  State state{{}, metrics};
};

TEST_F(PermissionsOfCalls, WhatIsMissingIsNamedAndNothingIsSent) {
  arrive(kSendMessages);
  deny(kSendMessages);
  EXPECT_EQ(refused(), "the bot lacks \"Send Messages\" in channel 2");
  deny(kViewChannel | kSendMessages);
  EXPECT_EQ(refused(), "the bot lacks \"View Channels\" and \"Send Messages\" in channel 2");
  deny(kReadMessageHistory);
  EXPECT_EQ(refused({.body = "hi", .reply_to = kMessage}),
            "the bot lacks \"Read Message History\" in channel 2");
  EXPECT_EQ(refused({.body = "hi", .files = {{.name = "n", .bytes = "x"}}}),
            "the bot lacks \"Attach Files\" in channel 2");
  EXPECT_EQ(refused(), "sent") << "the rest of the channel is open";
  deny(kEmbedLinks);
  NewMessage framed{.body = "hi"};
  framed.body.embeds.push_back({.title = "t"});
  EXPECT_EQ(refused(framed), "the bot lacks \"Embed Links\" in channel 2");
  EXPECT_EQ(refused(), "sent");
  deny(kConnect, 2);
  EXPECT_EQ(refused(), "the bot lacks \"Connect\" in channel 2");
}

TEST_F(PermissionsOfCalls, SoIsWhatIsMissingToChangeWhatIsThere) {
  arrive(kSendMessages);
  deny(0);
  const auto error = [](const std::shared_ptr<std::optional<Result<void>>>& done) {
    return done->value() ? "done" : done->value().error().message;
  };
  const MessageId young(1LL << 61);
  const MessageId younger((1LL << 61) + 1);
  EXPECT_EQ(error(start(client.modify_channel(kTestGuild, kTestChannel, {{"name", "n"}}, ""))),
            "the bot lacks \"Manage Channels\" in channel 2");
  EXPECT_EQ(error(start(client.delete_messages(kTestGuild, kTestChannel, {young, younger}, ""))),
            "the bot lacks \"Manage Messages\" in channel 2");
  deny(kViewChannel);
  EXPECT_EQ(error(start(client.edit_message(kTestGuild, kTestChannel, kMessage, "x"))),
            "the bot lacks \"View Channels\" in channel 2");
  EXPECT_THAT(http.requests, SizeIs(0));
}

TEST_F(PermissionsOfCalls, AnOverwriteThatGoesOpensTheChannelAtOnce) {
  arrive(kSendMessages);
  deny(kSendMessages);
  EXPECT_NE(refused(), "sent");
  apply("CHANNEL_UPDATE", R"({"guild_id":"1","id":"2","type":0,"permission_overwrites":[]})");
  EXPECT_EQ(refused(), "sent");
}

TEST_F(PermissionsOfCalls, NothingIsAssumed) {
  EXPECT_EQ(refused(), "sent") << "nothing is known";
  arrive(0);
  EXPECT_EQ(refused(), "sent") << "an overwrite may allow it";
  deny(0);
  EXPECT_EQ(refused(), "the bot lacks \"Send Messages\" in channel 2");
  apply("CHANNEL_DELETE", R"({"guild_id":"1","id":"2"})");
  EXPECT_EQ(refused(), "sent");
  arrive(kAdministrator);
  deny(kAllPermissions);
  EXPECT_EQ(refused(), "sent") << "administrators may do everything";
}

TEST_F(PermissionsOfCalls, ATimeoutIsTold) {
  arrive(kSendMessages);
  deny(0);
  const auto member = [](std::string until) {
    return fmt::format(R"({{"guild_id":"1","user":{{"id":"99"}},"communication_disabled_until":{}}})", until);
  };
  apply("GUILD_MEMBER_UPDATE", member("\"2127-01-01T00:00:00+00:00\""));
  EXPECT_EQ(refused(), "the bot is in a timeout in server 1");
  apply("GUILD_MEMBER_UPDATE", member("null"));
  EXPECT_EQ(refused(), "sent");
}

TEST_F(PermissionsOfCalls, ARoleIsGivenOnlyFromAbove) {
  arrive(0);
  EXPECT_EQ(given(6), "the bot lacks \"Manage Roles\" in server 1");
  arrive(kManageRoles);
  EXPECT_EQ(given(6), "sent");
  EXPECT_EQ(given(5), "role 5 in server 1 does not stand below the bot's own");
  EXPECT_EQ(given(404), "sent") << "nobody knows it";
}

TEST_F(PermissionsOfCalls, WhatDiscordRefusesIsNamedLikewise) {
  const auto refuse = [&](int code) { http.then(403, fmt::format(R"({{"code":{}}})", code)); };
  refuse(50013);
  const Error pin = start(client.call(routes::kPin, {}, kTestChannel, kMessage))->value().error();
  EXPECT_EQ(pin.message, "the bot lacks \"Pin Messages\" in channel 2 (Discord 50013)");
  EXPECT_EQ(pin.hint, "In Discord: Edit Channel > Permissions, allow \"Pin Messages\" for the bot's role.");
  refuse(50013);
  EXPECT_EQ(given(6), "sent");
  refuse(50013);
  const Error kick = start(client.call(routes::kKick, {}, kTestGuild, kUser))->value().error();
  EXPECT_EQ(kick.message,
            "the bot lacks \"Kick Members\" in server 1, or its role does not stand above what it deals with "
            "(Discord 50013)");
  refuse(160002);
  const Error reply =
      start(client.create_message(kTestChannel, {.body = "x", .reply_to = kMessage}))->value().error();
  EXPECT_EQ(reply.message, "the bot lacks \"Read Message History\" in channel 2 (Discord 160002)");
  EXPECT_EQ(api_code::of(reply), api_code::kNoMessageHistory);
  refuse(50013);
  const Error post = start(client.create_message(kTestChannel, {.body = "x"}))->value().error();
  EXPECT_EQ(
      post.message,
      "the bot lacks \"Send Messages\" in channel 2, in a thread \"Send Messages in Threads\", or is in a "
      "timeout (Discord 50013)");
  EXPECT_EQ(api_code::of(Error{ErrorCode::forbidden, "the bot is in a timeout"}), 0);
}

// Files --------------------------------------------------------------------------------------------------

struct FilesTest : RestCallsTest {
  /// The parts of the last request, heads included, without the boundaries.
  std::vector<std::string> parts() {
    const std::string type = last().header("content-type").value_or("");
    const std::string start = "multipart/form-data; boundary=";
    if (!type.starts_with(start)) return {};
    const std::string boundary = "--" + type.substr(start.size());
    std::string_view rest = last().body;
    std::vector<std::string> found;
    while (rest.starts_with(boundary + "\r\n")) {
      rest.remove_prefix(boundary.size() + 2);
      const auto end = rest.find("\r\n" + boundary);
      found.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end + 2);
    }
    EXPECT_EQ(rest, boundary + "--\r\n");
    return found;
  }
  json::Value payload() {
    const std::string part = parts().at(0);
    return *json::parse(part.substr(part.find("\r\n\r\n") + 4));
  }
  auto post_files(std::vector<Upload> files) {
    return start(client.create_message(kTestChannel, {.files = std::move(files)}));
  }
};

TEST_F(FilesTest, StandBesideTheirMessage) {
  http.then(200, std::string(kSent));
  const Upload picture{
      .name = "a \"b\"\r\n.png", .bytes = std::string("\0\r\n--x", 6), .content_type = "image/png"};
  const Upload list{.name = "ü.csv", .bytes = "1,2", .content_type = "text/csv", .description = "Numbers"};
  EXPECT_EQ(post_files({picture, list})->value(), MessageId(77));
  EXPECT_EQ(payload(), *json::parse(R"({"allowed_mentions":{"parse":[]},"attachments":[
      {"id":"0","filename":"a \"b\"\r\n.png"},{"id":"1","filename":"ü.csv","description":"Numbers"}]})"));
  ASSERT_THAT(parts(), SizeIs(3));
  EXPECT_EQ(parts()[1],
            "Content-Disposition: form-data; name=\"files[0]\"; filename=\"a %22b%22%0D%0A.png\"\r\n"
            "Content-Type: image/png\r\n\r\n" +
                picture.bytes);
  EXPECT_EQ(parts()[2],
            "Content-Disposition: form-data; name=\"files[1]\"; filename=\"ü.csv\"\r\n"
            "Content-Type: text/csv\r\n\r\n1,2");
}

TEST_F(FilesTest, AnEditKeepsWhatItLists) {
  const json::Object body{{"attachments", json::Array{json::Object{{"id", "900"}}}}};
  start(client.call(routes::kEditMessage, {.body = body, .files = {{.name = "n.txt", .bytes = "x"}}},
                    kTestChannel, kMessage));
  EXPECT_EQ(payload().at("attachments"), *json::parse(R"([{"id":"900"},{"id":"0","filename":"n.txt"}])"));
}

TEST_F(FilesTest, AnInteractionsAnswerHasThemInItsData) {
  const json::Object body{{"type", 4}, {"data", json::Object{{"content", "x"}}}};
  start(client.call(routes::kCallback, {.body = body, .files = {{.name = "n.txt", .bytes = "x"}}},
                    InteractionId(8), "secret"));
  EXPECT_EQ(json::array(payload().at("data"), "attachments").size(), 1U);
}

TEST_F(FilesTest, GoAgainAsTheyAre) {
  http.then(429, R"({"retry_after":0.1})");
  post_files({{.name = "n.txt", .bytes = "x"}});
  advance(1s);
  ASSERT_THAT(http.requests, SizeIs(2));
  EXPECT_EQ(http.requests[0].body, http.requests[1].body);
}

TEST_F(FilesTest, WhatDiscordWouldRefuseIsNotSent) {
  const auto refused = [&](std::vector<Upload> files) {
    return post_files(std::move(files))->value().error().code;
  };
  const Upload large{.name = "n", .bytes = std::string(kLargestFile, 'x')};
  Upload larger = large;
  larger.bytes += 'x';
  EXPECT_EQ(refused({larger}), ErrorCode::too_large);
  EXPECT_EQ(refused({large, large, large}), ErrorCode::too_large);
  EXPECT_EQ(refused(std::vector<Upload>(11, Upload{.name = "n", .bytes = "x"})), ErrorCode::too_large);
  EXPECT_EQ(refused({{.name = "", .bytes = "x"}}), ErrorCode::invalid);
  EXPECT_THAT(http.requests, SizeIs(0));
  start(client.call(routes::kFollowUp, {.files = {larger}, .largest_file = kLargestFile + 1},
                    ApplicationId(7), "s"));
  EXPECT_THAT(http.requests, SizeIs(1));
}

TEST_F(FilesTest, WithoutTheirPermissionTextsGoOn) {
  http.then(403, R"({"code":50013,"message":"Missing Permissions"})");
  post_files({{.name = "n.txt", .bytes = "x"}});
  EXPECT_EQ(post_files({{.name = "n.txt", .bytes = "x"}})->value().error().code, ErrorCode::forbidden);
  EXPECT_THAT(http.requests, SizeIs(1));
  EXPECT_TRUE(post(kTestChannel.value())->has_value());
  EXPECT_THAT(http.requests, SizeIs(2));
}

// Deleting many ------------------------------------------------------------------------------------------

struct DeletingTest : RestCallsTest {
  /// Messages from so long ago, one after the other.
  std::vector<MessageId> messages(std::chrono::minutes age, int count) {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(timing->wall()).time_since_epoch();
    const std::int64_t first = ((now - age).count() - 1'420'070'400'000) << 22;
    std::vector<MessageId> ids;
    for (int i = 0; i < count; ++i) ids.emplace_back(first + i);
    return ids;
  }
  auto erase(std::vector<MessageId> ids) {
    return start(client.delete_messages(kTestGuild, kTestChannel, std::move(ids), "cleaned"));
  }
  std::size_t together(std::size_t index) { return json::array(body(index), "messages").size(); }
};

TEST_F(DeletingTest, GoesTogetherInHundredsAndOldOnesAlone) {
  auto ids = messages(10min, 250);
  std::ranges::copy(messages(std::chrono::days(14) + 1min, 2), std::back_inserter(ids));
  ids.push_back(ids.front());
  const auto erased = erase(ids);
  advance(1min);
  EXPECT_TRUE(erased->value());
  ASSERT_THAT(http.requests, SizeIs(5));
  EXPECT_EQ(path(0), "/channels/2/messages/bulk-delete");
  EXPECT_EQ(together(0) + together(1) + together(2), 250U);
  EXPECT_EQ(together(0), 100U);
  EXPECT_EQ(http.requests[3].method, "DELETE");
  EXPECT_EQ(path(3), "/channels/2/messages/" + ids[251].str());
  EXPECT_EQ(http.requests[0].header("x-audit-log-reason"), "cleaned");
}

TEST_F(DeletingTest, OneLeftOverGoesAloneAsBulkNeedsTwo) {
  erase(messages(1min, 101));
  advance(1min);
  ASSERT_THAT(http.requests, SizeIs(2));
  EXPECT_EQ(together(0), 100U);
  EXPECT_EQ(http.requests[1].method, "DELETE");
  erase(messages(1min, 0));
  EXPECT_THAT(http.requests, SizeIs(2));
}

TEST_F(DeletingTest, GoneAlreadyIsDeletedAndARefusalEndsIt) {
  http.then(404, R"({"code":10008,"message":"Unknown Message"})");
  EXPECT_TRUE(erase(messages(1min, 1))->value());
  http.then(403, R"({"code":50013,"message":"Missing Permissions"})");
  EXPECT_EQ(erase(messages(1min, 150))->value().error().code, ErrorCode::forbidden);
  EXPECT_THAT(http.requests, SizeIs(2));
}

}  // namespace
}  // namespace guildhall::discord
