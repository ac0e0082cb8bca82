// Every request that our Discord client can send has the shape that Discord describes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platforms/discord/rest.h"
#include "platforms/discord/scripted.h"
#include "tests/contract/openapi_check.h"

namespace guildhall::contract {
namespace {

using namespace discord;  // NOLINT
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kBase = "https://discord.test/api/v10";

const OpenApi& discord_api() {
  static const auto api = OpenApi::load(GUILDHALL_SOURCE_DIR "/tests/fixtures/official/discord-openapi.json");
  return api.value();
}

struct DiscordShapes : testing::Test, TestLoop {
  ScriptedHttp http{*this};
  Metrics metrics;
  RestClient client{
      loop,
      {.api_url = "https://discord.test/api", .token = "t", .project_url = "https://example.org"},
      [this](net::HttpRequest request) { return http.send(std::move(request)); },
      timing,
      metrics};

  template <class... Arguments>
  void expect_call(Arguments&&... arguments) {
    start(client.call(std::forward<Arguments>(arguments)...));
    expect_described();
  }

  /// The last request is as described.
  void expect_described() {
    ASSERT_FALSE(http.requests.empty());
    const net::HttpRequest& request = http.requests.back();
    ASSERT_TRUE(request.url.starts_with(kBase));
    EXPECT_THAT(discord_api().check(request.method, request.url.substr(kBase.size()), request.body),
                IsEmpty())
        << request.method << " " << request.url << " " << request.body;
    EXPECT_EQ(request.header("content-type").has_value(), !request.body.empty());
  }
};

TEST_F(DiscordShapes, Reading) {
  start(client.gateway_info());
  expect_described();
  start(client.application());
  expect_described();
  start(client.self());
  expect_described();
  start(client.guild(ServerId(1)));
  expect_described();
  start(client.commands(ApplicationId(98)));
  expect_described();
}

TEST_F(DiscordShapes, Messages) {
  start(client.create_message(DiscordChannelId(1), {.body = std::string(kLongestMessage, 'x')}));
  expect_described();
  start(client.create_message(DiscordChannelId(1),
                              {.body = "x", .nonce = std::string(25, 'n'), .reply_to = MessageId(5)}));
  expect_described();
}

/// A message with everything that one can have.
MessageBody full_body() {
  MessageBody body("hi");
  Embed embed;
  embed.title = embed.description = embed.footer = embed.author = "x";
  embed.fields = {{"name", "value", true}};
  embed.color = 0xFFFFFF;
  embed.at = from_micros(1'777'629'600'000'000);
  body.embeds = {embed};
  body.rows = {ButtonRow{Button{"b", "Press"}, LinkButton{"https://example.org", "Open"}}};
  for (const SelectKind kind :
       {SelectKind::user, SelectKind::role, SelectKind::mentionable, SelectKind::channel})
    body.rows.emplace_back(Select{kind, "s" + std::to_string(static_cast<int>(kind))});
  std::get<Select>(body.rows.back()).channel_types = {0, 5};
  return body;
}

Select choice_of_words() {
  Select select{SelectKind::text, "words", {{"Owl", "owl", "a bird", true}, {"Fox", "fox"}}};
  select.placeholder = "One of them";
  return select;
}

TEST_F(DiscordShapes, WholeMessages) {
  start(client.create_message(DiscordChannelId(1), {.body = full_body()}));
  expect_described();
  MessageBody choice("which?");
  choice.rows = {choice_of_words()};
  start(client.create_message(DiscordChannelId(1), {.body = choice}));
  expect_described();
}

std::vector<FirstAnswer> answers_to_a_press() {
  Modal modal{"report", "Report", {}};
  modal.fields.push_back({"Text", "What happened", TextInput{"text", true, 5, 400, true, "so far", "here"}});
  modal.fields.push_back({"Words", "", choice_of_words()});
  modal.fields.push_back({"Kind", "", RadioGroup{"kind", {{"A", "a"}, {"B", "b"}}, false}});
  modal.fields.push_back({"Rules", "", CheckboxGroup{"rules", {{"One", "1"}}}});
  modal.fields.push_back({"File", "", FileUpload{"file", 0, 2}});
  Modal second{"more", "More", {{"Sure", "", Checkbox{"sure", true}}}};
  for (const SelectKind kind :
       {SelectKind::user, SelectKind::role, SelectKind::mentionable, SelectKind::channel})
    second.fields.push_back({"Who", "", Select{kind, "s" + std::to_string(static_cast<int>(kind))}});
  return {Say{full_body()},    Say{"hi", true}, Defer{true}, Defer{},    DeferUpdate{},
          Update{full_body()}, Update{"hi"},    Ask{modal},  Ask{second}};
}

TEST_F(DiscordShapes, InteractionAnswers) {
  for (const FirstAnswer& answer : answers_to_a_press()) {
    start(client.answer({InteractionId(1), "token", InteractionType::component, true}, answer));
    expect_described();
  }
  start(client.answer({InteractionId(1), "token", InteractionType::autocomplete}, Suggest{{{"Owl", "7"}}}));
  expect_described();
  start(client.edit_answer(ApplicationId(98), "token", full_body()));
  expect_described();
  start(client.follow_up(ApplicationId(98), "token", Say{full_body(), true}));
  expect_described();
  EXPECT_EQ(http.requests.size(), 12U) << "each of them was sent";
}

TEST_F(DiscordShapes, Commands) {
  std::vector<CommandDefinition> commands{{.name = "plain", .description = "Nothing else"}};
  CommandDefinition full{
      .name = "full", .description = "Everything", .translations = {{"de", "Alles"}, {"en-US", "All"}}};
  for (const OptionType type :
       {OptionType::text, OptionType::integer, OptionType::boolean, OptionType::user, OptionType::channel,
        OptionType::role, OptionType::mentionable, OptionType::number, OptionType::attachment}) {
    full.options.push_back({.type = type,
                            .name = "option-" + std::to_string(static_cast<int>(type)),
                            .description = "One",
                            .translations = {{"de", "Eins"}},
                            .required = true,
                            .names = {{"de", "eins"}}});
  }
  full.options[0].choices = {{"Gift", "gift", {{"de", "Geschenk"}}}, {"Prize", "prize"}};
  full.options[4].channel_types = {0, 5};
  full.options[1].least = -9'007'199'254'740'991;
  full.options[1].most = 9'007'199'254'740'991;
  full.default_permissions = Permissions{1} << 52;
  full.names = {{"de", "alles"}};
  commands.push_back(full);
  CommandOption sub{.type = OptionType::sub_command, .name = "sub", .description = "One"};
  sub.options = {{.name = "who", .description = "Whom", .least = 1, .most = 6'000, .autocomplete = true}};
  commands.push_back(
      {.name = "nested",
       .description = "Groups",
       .options = {{.type = OptionType::group, .name = "group", .description = "x", .options = {sub}}, sub}});
  for (const CommandKind kind : {CommandKind::user_menu, CommandKind::message_menu})
    commands.push_back({.name = "A menu", .names = {{"de", "Ein Menü"}}, .kind = kind});
  start(client.overwrite_commands(ApplicationId(98), commands));
  expect_described();
  start(client.overwrite_commands(ApplicationId(98), {}));
  expect_described();
  start(client.overwrite_guild_commands(ApplicationId(98), ServerId(1), commands));
  expect_described();
  start(client.call(routes::kGuildCommands, {}, ApplicationId(98), ServerId(1)));
  expect_described();
  start(client.call(routes::kCommandPermissions, {}, ApplicationId(98), ServerId(1)));
  expect_described();
}

constexpr ServerId kTestGuild(1);
constexpr DiscordChannelId kTestChannel(2);
constexpr DiscordUserId kUser(3);
constexpr RoleId kRole(4);
constexpr MessageId kMessage(5);

TEST_F(DiscordShapes, GuildsMembersAndRoles) {
  expect_call(routes::kLeaveGuild, CallOptions{}, kTestGuild);
  start(client.direct_channel(kUser));
  expect_described();
  expect_call(routes::kMembers, CallOptions{.query = {{"after", "7"}}}, kTestGuild);
  expect_call(routes::kMember, CallOptions{}, kTestGuild, kUser);
  expect_call(routes::kSearchMembers, CallOptions{.query = {{"query", "a"}, {"limit", "10"}}}, kTestGuild);
  const json::Object timed_out{{"communication_disabled_until", "2026-05-01T00:00:00+00:00"}};
  expect_call(routes::kModifyMember, CallOptions{.body = timed_out}, kTestGuild, kUser);
  expect_call(routes::kModifyMember, CallOptions{.body = json::Object{{"nick", nullptr}}}, kTestGuild, kUser);
  expect_call(routes::kAddMemberRole, CallOptions{}, kTestGuild, kUser, kRole);
  expect_call(routes::kRemoveMemberRole, CallOptions{}, kTestGuild, kUser, kRole);
  expect_call(routes::kKick, CallOptions{}, kTestGuild, kUser);
  const json::Object week{{"delete_message_seconds", 604'800}};
  expect_call(routes::kBan, CallOptions{.body = week}, kTestGuild, kUser);
  expect_call(routes::kUnban, CallOptions{}, kTestGuild, kUser);
  expect_call(routes::kRoles, CallOptions{}, kTestGuild);
  expect_call(routes::kRoleCounts, CallOptions{}, kTestGuild);
  const json::Object colors{
      {"primary_color", 0xff8800}, {"secondary_color", nullptr}, {"tertiary_color", nullptr}};
  const json::Object role{
      {"name", "Reader"}, {"permissions", "0"}, {"colors", colors}, {"hoist", true}, {"mentionable", false}};
  expect_call(routes::kCreateRole, CallOptions{.body = role}, kTestGuild);
  expect_call(routes::kModifyRole, CallOptions{.body = role}, kTestGuild, kRole);
  expect_call(routes::kDeleteRole, CallOptions{}, kTestGuild, kRole);
  const net::Query entries{{"action_type", "20"}, {"user_id", "3"}, {"limit", "50"}, {"after", "1"}};
  expect_call(routes::kAuditLog, CallOptions{.query = entries}, kTestGuild);
}

TEST_F(DiscordShapes, ChannelsAndInvites) {
  expect_call(routes::kChannels, CallOptions{}, kTestGuild);
  expect_call(routes::kChannel, CallOptions{}, kTestChannel);
  const json::Object channel{{"name", "hall"}, {"type", 0}, {"topic", "t"}, {"parent_id", "8"}};
  expect_call(routes::kCreateChannel, CallOptions{.body = channel}, kTestGuild);
  start(client.modify_channel(std::nullopt, kTestChannel, {{"name", "hall"}, {"topic", "t"}}, "why"));
  expect_described();
  start(client.modify_channel(std::nullopt, kTestChannel, {{"rate_limit_per_user", 5}}, "why"));
  expect_described();
  expect_call(routes::kDeleteChannel, CallOptions{}, kTestChannel);
  const json::Object overwrite{{"type", 0}, {"allow", "1024"}, {"deny", "2048"}};
  expect_call(routes::kSetOverwrite, CallOptions{.body = overwrite}, kTestChannel, OverwriteId(4));
  expect_call(routes::kDeleteOverwrite, CallOptions{}, kTestChannel, OverwriteId(4));
  expect_call(routes::kInvites, CallOptions{}, kTestGuild);
  expect_call(routes::kCreateInvite, CallOptions{}, kTestChannel);
  const json::Object invite{{"max_age", 604'800}, {"max_uses", 1}, {"unique", true}, {"temporary", false}};
  expect_call(routes::kCreateInvite, CallOptions{.body = invite}, kTestChannel);
  expect_call(routes::kDeleteInvite, CallOptions{}, "abc");
  expect_call(routes::kVanityUrl, CallOptions{}, kTestGuild);
}

TEST_F(DiscordShapes, MessagesOfChannels) {
  expect_call(routes::kMessages, CallOptions{.query = {{"before", "9"}, {"limit", "100"}}}, kTestChannel);
  start(client.edit_message(std::nullopt, kTestChannel, kMessage, "text"));
  expect_described();
  const json::Object embed{{"title", "t"}, {"description", "d"}, {"color", 5}};
  const CallOptions embeds{.body = json::Object{{"embeds", json::Array{embed}}}};
  expect_call(routes::kCreateMessage, embeds, kTestChannel);
  expect_call(routes::kEditMessage, embeds, kTestChannel, kMessage);
  expect_call(routes::kDeleteMessage, CallOptions{}, kTestChannel, kMessage);
  const CallOptions two{.body = json::Object{{"messages", json::Array{"5", "6"}}}};
  expect_call(routes::kBulkDelete, two, kTestChannel);
  expect_call(routes::kPin, CallOptions{}, kTestChannel, kMessage);
  expect_call(routes::kUnpin, CallOptions{}, kTestChannel, kMessage);
  expect_call(routes::kReact, CallOptions{}, kTestChannel, kMessage, "👍");
  expect_call(routes::kUnreact, CallOptions{}, kTestChannel, kMessage, "party:7");
}

TEST_F(DiscordShapes, MessagesWithFiles) {
  start(client.create_message(kTestChannel,
                              {.body = "x", .files = {{.name = "a", .bytes = "b", .description = "d"}}}));
  const net::HttpRequest& request = http.requests.back();
  const auto begin = request.body.find("\r\n\r\n") + 4;
  const std::string payload = request.body.substr(begin, request.body.find("\r\n--", begin) - begin);
  EXPECT_THAT(discord_api().check("POST", request.url.substr(kBase.size()), payload), IsEmpty()) << payload;
}

TEST_F(DiscordShapes, ThreadsAndWebhooks) {
  const CallOptions thread{.body = json::Object{{"name", "n"}, {"type", 11}, {"auto_archive_duration", 60}}};
  expect_call(routes::kStartThread, thread, kTestChannel);
  expect_call(routes::kStartThreadAt, CallOptions{.body = json::Object{{"name", "n"}}}, kTestChannel,
              kMessage);
  const json::Object post{{"name", "n"}, {"message", json::Object{{"content", "c"}}}};
  expect_call(routes::kStartPost, CallOptions{.body = post}, kTestChannel);
  expect_call(routes::kWebhooks, CallOptions{}, kTestChannel);
  expect_call(routes::kCreateWebhook, CallOptions{.body = json::Object{{"name", "news"}}}, kTestChannel);
  expect_call(routes::kDeleteWebhook, CallOptions{}, WebhookId(6));
  const json::Object text{{"content", "c"}, {"username", "u"}};
  expect_call(routes::kExecuteWebhook, CallOptions{.body = text, .query = {{"thread_id", "9"}}}, WebhookId(6),
              "s");
  const CallOptions edit{.body = json::Object{{"content", "c"}}};
  expect_call(routes::kEditWebhookMessage, edit, WebhookId(6), "s", kMessage);
  expect_call(routes::kDeleteWebhookMessage, CallOptions{}, WebhookId(6), "s", kMessage);
  expect_call(routes::kFollowUp, edit, ApplicationId(98), "s");
  expect_call(routes::kDeleteAnswer, CallOptions{}, ApplicationId(98), "s");
}

struct Wrong {
  std::string method;
  std::string path;
  std::string body;
  std::string complaint;
};

struct CheckerComplains : testing::TestWithParam<Wrong> {};

TEST_P(CheckerComplains, AboutEveryKindOfMistake) {
  const Wrong& wrong = GetParam();
  EXPECT_THAT(discord_api().check(wrong.method, wrong.path, wrong.body),
              Contains(HasSubstr(wrong.complaint)));
}

const std::string kMessages = "/channels/1/messages";
const std::string kCallback = "/interactions/1/token/callback";
const std::string kCommands = "/applications/98/commands";

INSTANTIATE_TEST_SUITE_P(
    Discord, CheckerComplains,
    testing::Values(
        Wrong{"GET", "/no/such/call", "", "not described"},
        Wrong{"DELETE", "/gateway/bot", "", "not described"},
        Wrong{"GET", kCommands + "?with_localisations=true", "", "query with_localisations"},
        Wrong{"POST", kMessages, "", "body is missing"}, Wrong{"POST", kMessages, "{", "not JSON"},
        Wrong{"POST", kMessages, R"({"contents":"x"})", "body.contents: is not described"},
        Wrong{"POST", kMessages, R"({"content":5})", "body.content: 5 is not of type"},
        Wrong{"POST", kMessages, R"({"nonce":"12345678901234567890123456"})", "too long"},
        Wrong{"POST", kMessages, R"({"message_reference":{}})", "message_id is missing"},
        Wrong{"POST", kMessages, R"({"message_reference":{"message_id":7}})", "is not of type"},
        Wrong{"POST", kMessages, R"({"message_reference":{"message_id":"07"}})", "pattern"},
        Wrong{"POST", kMessages, R"({"allowed_mentions":{"parse":["users","users"]}})", "an item twice"},
        Wrong{"POST", kMessages, R"({"allowed_mentions":{"parse":["nobody"]}})", "nobody"},
        Wrong{"POST", kCallback, R"({"data":{}})", "type is missing"},
        Wrong{"POST", kCallback, R"({"type":4,"data":{"nonce":"n"}})", "not described"},
        Wrong{"PUT", kCommands, R"([{"name":""}])", "too short"},
        Wrong{"PUT", kCommands, R"([{"name":"x","options":[{"type":3,"name":"a"}]}])",
              "description is missing"},
        Wrong{"PUT", kCommands,
              R"([{"name":"x","options":[{"type":4,"name":"a","description":"d","max_value":1e16}]}])",
              "max_value"},
        Wrong{"PUT", kCommands, R"([{"name":"x","default_member_permissions":"99999999999999999"}])",
              "out of range"},
        Wrong{"PUT", kCommands, R"([{"name":"x","contexts":[3]}])", "not among"},
        Wrong{"PUT", kCommands, R"([{"name":"x","contexts":[]}])", "too few"}));

TEST(Checker, PrefersTheLiteralPath) {
  EXPECT_THAT(discord_api().check("PATCH", "/webhooks/1/t/messages/@original", R"({"content":"x"})"),
              IsEmpty());
  EXPECT_THAT(discord_api().check("GET", "/users/@me", ""), IsEmpty());
  EXPECT_THAT(discord_api().check("GET", "/users/", ""), Not(IsEmpty()));
}

struct WrongAnswer {
  std::string method;
  std::string path;
  int status = 200;
  std::string body;
  std::string complaint;
};

struct CheckerComplainsOfAnswers : testing::TestWithParam<WrongAnswer> {};

TEST_P(CheckerComplainsOfAnswers, AboutEveryKindOfMistake) {
  const WrongAnswer& wrong = GetParam();
  EXPECT_THAT(discord_api().check_answer(wrong.method, wrong.path, wrong.status, wrong.body),
              Contains(HasSubstr(wrong.complaint)));
}

INSTANTIATE_TEST_SUITE_P(
    Discord, CheckerComplainsOfAnswers,
    testing::Values(WrongAnswer{"GET", "/no/such/call", 200, "{}", "not described"},
                    WrongAnswer{"GET", "/guilds/1/vanity-url", 204, "", "the status 204 is not described"},
                    WrongAnswer{"GET", "/guilds/1/vanity-url", 200, "<html>", "not JSON"},
                    WrongAnswer{"GET", "/guilds/1/vanity-url", 200, R"({"code":"a"})", "uses is missing"},
                    WrongAnswer{"GET", "/guilds/1/vanity-url", 200, R"({"code":5,"uses":1})",
                                "answer.code: 5 is not of type"},
                    WrongAnswer{"DELETE", "/guilds/1/members/2", 204, "{}", "no body is described"},
                    WrongAnswer{"GET", "/guilds/1/vanity-url", 403, R"({"code":50013})",
                                "message is missing"},
                    WrongAnswer{"GET", "/guilds/1/vanity-url", 429,
                                R"({"code":0,"message":"m","global":true})", "retry_after is missing"}));

TEST(Checker, AnAnswerMayHaveMoreThanIsDescribed) {
  EXPECT_THAT(discord_api().check_answer("GET", "/guilds/1/vanity-url", 200,
                                         R"({"code":null,"uses":0,"colour":"of the future"})"),
              IsEmpty());
}

}  // namespace
}  // namespace guildhall::contract
