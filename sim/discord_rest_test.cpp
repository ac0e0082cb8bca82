#include "sim/discord_rest.h"

#include <gmock/gmock.h>

#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

using testing::SizeIs;

class DiscordRestTest : public SimTest {
 protected:
  DiscordRestTest() { start(); }

  std::string messages_of(std::size_t channel) {
    return "channels/" + id(server(0).channels[channel].id) + "/messages";
  }
  std::string first_error(const net::HttpResponse& response, auto... path) {
    const json::Value body = body_of(response);
    const json::Value* leaf = json::find(body, "errors", path...);
    return leaf == nullptr ? "" : json::text_or(json::array(*leaf, "_errors").at(0), "code", "");
  }
};

// Buckets -------------------------------------------------------------------------------------------

TEST(RateLimits, CountDownPerMajorParameterAndRefill) {
  RateLimits limits;
  const RateLimits::Time start = std::chrono::steady_clock::now();
  const auto take = [&](const char* channel, std::chrono::milliseconds after) {
    return limits.take("POST channels/{}/messages", channel, true, start + after);
  };
  using std::chrono::milliseconds;
  const auto first = take("1", milliseconds(0));
  const int size = std::stoi(*net::find_header(first.headers, "X-RateLimit-Limit"));
  for (int i = 1; i < size; ++i) EXPECT_TRUE(take("1", milliseconds(i)).allowed);
  const auto refused = take("1", milliseconds(100));
  EXPECT_FALSE(refused.allowed);
  EXPECT_FALSE(refused.global);
  EXPECT_EQ(*net::find_header(refused.headers, "X-RateLimit-Remaining"), "0");
  EXPECT_TRUE(take("2", milliseconds(100)).allowed) << "another channel has its own bucket";
  const auto after =
      std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(refused.retry_after));
  EXPECT_TRUE(take("1", milliseconds(101) + after).allowed);
}

TEST(RateLimits, GlobalLimitSparesInteractions) {
  RateLimits limits;
  const auto now = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) limits.take("GET guilds/{}", std::to_string(i), true, now);
  EXPECT_TRUE(limits.take("GET guilds/{}", "51", true, now).global);
  EXPECT_TRUE(limits.take("PATCH webhooks/{}/{}/messages/{}", "52", false, now).allowed);
}

TEST_F(DiscordRestTest, HeadersTellTheBucketAndTheEndComesAs429) {
  net::HttpResponse response = rest("GET", messages_of(0));
  EXPECT_NE(response.header("x-ratelimit-reset-after")->find('.'), std::string::npos);
  const std::string bucket = *response.header("x-ratelimit-bucket");
  EXPECT_EQ(*rest("GET", messages_of(1)).header("x-ratelimit-bucket"), bucket)
      << "the hash has no major parameter";
  while (response.status == 200) response = rest("GET", messages_of(0));
  ASSERT_EQ(response.status, 429);
  EXPECT_EQ(response.header("x-ratelimit-scope"), "user");
  EXPECT_EQ(response.header("x-ratelimit-remaining"), "0");
  EXPECT_TRUE(response.header("retry-after").has_value());
  EXPECT_GT(*json::number(body_of(response), "retry_after"), 0);
  EXPECT_EQ(json::boolean(body_of(response), "global"), false);
}

TEST_F(DiscordRestTest, FaultsStrikeAsOftenAsAsked) {
  control("POST", "/faults", {{"discord_cdn_429", 1}});
  const auto cdn = rest("GET", "users/@me");
  EXPECT_EQ(cdn.status, 429);
  EXPECT_FALSE(cdn.header("x-ratelimit-scope").has_value());
  EXPECT_EQ(code_of(cdn), -1) << "HTML";
  control("POST", "/faults", {{"discord_global_429", 1}, {"discord_5xx", 2}});
  EXPECT_EQ(rest("GET", "users/@me").header("x-ratelimit-global"), "true");
  EXPECT_EQ(rest("GET", "users/@me").status / 100, 5);
  EXPECT_EQ(rest("GET", "users/@me").status / 100, 5);
  EXPECT_EQ(rest("GET", "users/@me").status, 200);
}

// The way in ----------------------------------------------------------------------------------------

TEST_F(DiscordRestTest, TokenVersionAndUserAgentAreChecked) {
  net::HttpRequest request{"GET", text("discord", "rest") + "/v10/users/@me"};
  request.headers = {{"User-Agent", "DiscordBot (x, 1)"}, {"Authorization", text("discord", "token")}};
  EXPECT_EQ(send(request).status, 401) << "without the Bot prefix";
  request.headers[1].second = "Bot " + text("discord", "token");
  EXPECT_EQ(send(request).status, 200);
  request.headers[0].second = "Mozilla/5.0";
  EXPECT_EQ(code_of(send(request)), 40333);
  request.headers[0].second = "DiscordBot (x, 1)";
  request.url = text("discord", "rest") + "/users/@me";
  EXPECT_EQ(code_of(send(request)), 50041);
  EXPECT_EQ(rest("GET", "no/such/thing").status, 404);
  EXPECT_EQ(rest("DELETE", "users/@me").status, 405);
}

TEST_F(DiscordRestTest, MembersComeOneAtATimeUnlessAsked) {
  const std::string path = "guilds/" + id(server(0).id) + "/members";
  EXPECT_THAT(body_of(rest("GET", path)).as_array(), SizeIs(1));
  const json::Value some = body_of(rest("GET", path + "?limit=5"));
  ASSERT_THAT(some.as_array(), SizeIs(5));
  const std::string last = json::text_or(*json::find(some.as_array().back(), "user"), "id", "");
  const json::Value rest_of_them = body_of(rest("GET", path + "?limit=1000&after=" + last));
  EXPECT_EQ(rest_of_them.as_array().size(), server(0).members.size() - 5);
  EXPECT_EQ(rest("GET", path + "?limit=0").status, 400);
  EXPECT_EQ(code_of(rest("GET", path + "/1")), 10007);
  EXPECT_EQ(code_of(rest("GET", "guilds/1")), 10004);
}

// Messages ------------------------------------------------------------------------------------------

TEST_F(DiscordRestTest, BadMessagesAreRefusedFieldByField) {
  EXPECT_EQ(code_of(rest("POST", messages_of(0), {{"content", "  "}})), 50006);
  std::string flames;
  for (int i = 0; i < 1'001; ++i) flames += "\U0001F525";  // two UTF-16 units each
  const auto long_one = rest("POST", messages_of(0), {{"content", flames}});
  EXPECT_EQ(code_of(long_one), 50035);
  EXPECT_EQ(first_error(long_one, "content"), "BASE_TYPE_MAX_LENGTH");
  const auto mentions =
      rest("POST", messages_of(0),
           {{"content", "x"}, {"allowed_mentions", {{"parse", {"users"}}, {"users", {"1"}}}}});
  EXPECT_EQ(first_error(mentions, "allowed_mentions"), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE");
  const json::Value row{{"type", 1},
                        {"components",
                         {{{"type", 2}, {"style", 1}, {"label", "a"}, {"custom_id", "c"}},
                          {{"type", 2}, {"style", 1}, {"label", "b"}, {"custom_id", "c"}}}}};
  const auto twice = rest("POST", messages_of(1), {{"content", "x"}, {"components", json::Array{row}}});
  EXPECT_EQ(first_error(twice, "components", "0", "components", "1", "custom_id"),
            "COMPONENT_CUSTOM_ID_DUPLICATED");
}

TEST_F(DiscordRestTest, NonceMakesARetryHarmless) {
  const json::Value body{{"content", "once"}, {"nonce", "n1"}, {"enforce_nonce", true}};
  const json::Value first = body_of(rest("POST", messages_of(0), body));
  const json::Value second = body_of(rest("POST", messages_of(0), body));
  EXPECT_EQ(first.at("id"), second.at("id"));
  EXPECT_THAT(body_of(rest("GET", messages_of(0))).as_array(), SizeIs(1));
  const json::Value other{{"content", "twice"}, {"nonce", "n1"}};
  EXPECT_NE(body_of(rest("POST", messages_of(0), other)).at("id"), first.at("id")) << "only when enforced";
}

TEST_F(DiscordRestTest, MentionsFollowTheAllowance) {
  const std::string user = id(server(0).owner);
  const std::string content = "<@" + user + "> @everyone";
  const json::Value open = body_of(rest("POST", messages_of(0), {{"content", content}}));
  EXPECT_THAT(json::array(open, "mentions"), SizeIs(1));
  EXPECT_EQ(json::boolean(open, "mention_everyone"), false) << "the bot lacks the permission";
  const json::Value closed = body_of(
      rest("POST", messages_of(0), {{"content", content}, {"allowed_mentions", {{"parse", json::Array{}}}}}));
  EXPECT_THAT(json::array(closed, "mentions"), SizeIs(0));
}

TEST_F(DiscordRestTest, PermissionsDecide) {
  EXPECT_EQ(code_of(rest("POST", messages_of(4), {{"content", "x"}})), 50013) << "rules: may read, not write";
  EXPECT_EQ(code_of(rest("POST", messages_of(5), {{"content", "x"}})), 50001) << "staff: not even seen";
  EXPECT_EQ(code_of(rest("POST", "channels/1/messages", {{"content", "x"}})), 10003);
  const std::string member = "guilds/" + id(server(0).id) + "/members/" + id(server(0).owner) + "/roles/";
  EXPECT_EQ(rest("PUT", member + id(server(0).roles[1].id)).status, 204);
  EXPECT_EQ(code_of(rest("PUT", member + id(server(0).roles[4].id))), 50013) << "above the bot's own";
  EXPECT_EQ(code_of(rest("PUT", member + "1")), 10011);
}

TEST_F(DiscordRestTest, ClosedDirectMessagesAreSaid) {
  const auto& users = sim_->world().users;
  const auto closed = std::find_if(users.begin(), users.end(),
                                   [](const auto& entry) { return entry.second.closed_messages; });
  ASSERT_NE(closed, users.end());
  const json::Value channel =
      body_of(rest("POST", "users/@me/channels", {{"recipient_id", id(closed->first)}}));
  const std::string path = "channels/" + json::text_or(channel, "id", "") + "/messages";
  EXPECT_EQ(code_of(rest("POST", path, {{"content", "hi"}})), 50007);
}

// Commands ------------------------------------------------------------------------------------------

class DiscordCommandsTest : public DiscordRestTest {
 protected:
  DiscordCommandsTest() : path_("applications/" + text("discord", "application_id") + "/commands") {}
  static json::Value command(const std::string& name, json::Object more = {}) {
    json::Object out{{"name", name}, {"description", "d"}};
    for (auto& [key, value] : more) out[key] = value;
    return out;
  }
  net::HttpResponse put(json::Array commands) { return rest("PUT", path_, commands); }

  std::string path_;
};

TEST_F(DiscordCommandsTest, DefaultsAreAddedAndIdsStay) {
  const json::Value first = body_of(put({command("points")})).as_array().at(0);
  EXPECT_EQ(json::boolean(first, "nsfw"), false);
  EXPECT_TRUE(first.at("contexts").is_null());
  EXPECT_NE(json::text_or(first, "version", ""), "");
  const json::Value second = body_of(put({command("shop"), command("points")})).as_array().at(1);
  EXPECT_EQ(first.at("id"), second.at("id"));
}

TEST_F(DiscordCommandsTest, LocalisationsAreShownOnRequest) {
  put({command("points", {{"description_localizations", {{"de", "Punkte"}}}})});
  EXPECT_FALSE(
      body_of(rest("GET", path_)).as_array().at(0).as_object().contains("description_localizations"));
  const json::Value full = body_of(rest("GET", path_ + "?with_localizations=true"));
  EXPECT_EQ(full.as_array().at(0).at("description_localizations").at("de"), json::Value("Punkte"));
}

TEST_F(DiscordCommandsTest, BadDefinitionsAreRefusedFieldByField) {
  EXPECT_EQ(first_error(put({command("ok"), command("Points")}), "1", "name"),
            "APPLICATION_COMMAND_INVALID_NAME");
  const json::Value option = command("o", {{"type", 99}});
  EXPECT_EQ(first_error(put({command("c", {{"options", json::Array{option}}})}), "0", "options", "0", "type"),
            "BASE_TYPE_CHOICES");
  json::Array many;
  for (int i = 0; i < 26; ++i) many.push_back(command("o" + std::to_string(i), {{"type", 3}}));
  EXPECT_EQ(first_error(put({command("c", {{"options", many}})}), "0", "options"), "BASE_TYPE_BAD_LENGTH");
}

TEST_F(DiscordCommandsTest, RequiredOptionsComeFirst) {
  const json::Array options{command("a", {{"type", 3}}), command("b", {{"type", 3}, {"required", true}})};
  EXPECT_EQ(first_error(put({command("c", {{"options", options}})}), "0", "options", "1"),
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID");
}

TEST_F(DiscordCommandsTest, ServersHaveTheirOwn) {
  const std::string own =
      "applications/" + text("discord", "application_id") + "/guilds/" + id(server(0).id) + "/commands";
  EXPECT_EQ(rest("POST", own, command("local")).status, 201);
  EXPECT_EQ(rest("POST", own, command("local")).status, 200);
  EXPECT_THAT(body_of(rest("GET", path_)).as_array(), SizeIs(0));
  EXPECT_THAT(control("GET", "/discord/commands").as_array(), SizeIs(1));
}

}  // namespace
}  // namespace guildhall::sim
