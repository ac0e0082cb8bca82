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
  request.headers[0].second = "";
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

TEST_F(DiscordRestTest, EveryAnswerTellsItsClock) {
  EXPECT_EQ(rest("GET", "users/@me").header("date"), "Thu, 28 May 2026 20:26:40 GMT");
  EXPECT_EQ(rest("GET", "no/such/thing").header("date"), "Thu, 28 May 2026 20:26:40 GMT");
}

TEST_F(DiscordRestTest, WhoSeesWhichCommandIsAsTheServersPeopleSaid) {
  const std::string path =
      "applications/" + id(sim_->world().bot.id) + "/guilds/" + id(server(0).id) + "/commands/permissions";
  EXPECT_EQ(rest("GET", path).body, "[]");
  const json::Object nobody{{"id", id(server(0).id)}, {"type", 1}, {"permission", false}};
  control("POST", "/discord/command-permissions",
          {{"guild", id(server(0).id)},
           {"permissions", json::Array{json::Object{{"id", "7"}, {"permissions", json::Array{nobody}}}}}});
  const json::Value told = body_of(rest("GET", path)).at(0);
  EXPECT_EQ(told.at("guild_id"), json::Value(id(server(0).id)));
  EXPECT_EQ(told.at("permissions").at(0), json::Value(nobody));
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

TEST_F(DiscordRestTest, FilesComeWithTheirMessage) {
  const auto upload = [&](const std::string& method, const std::string& path, const std::string& payload) {
    net::HttpRequest request{method, text("discord", "rest") + "/v10/" + path};
    request.headers = {{"User-Agent", "DiscordBot (x, 1)"},
                       {"Authorization", "Bot " + text("discord", "token")},
                       {"Content-Type", "multipart/form-data; boundary=\"b\""}};
    request.body = "--b\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n" + payload +
                   "\r\n--b\r\ncontent-disposition: form-data; name=\"files[0]\"; filename=\"a.txt\"\r\n"
                   "Content-Type: text/plain\r\n\r\n1\r\n--x\r\n--b--\r\n";
    return send(std::move(request));
  };
  const auto made = upload("POST", messages_of(0), R"({"attachments":[{"id":"0","description":"d"}]})");
  ASSERT_EQ(made.status, 200) << made.body;
  const json::Value first = json::array(body_of(made), "attachments").at(0);
  EXPECT_EQ(json::text(first, "filename"), "a.txt");
  EXPECT_EQ(json::integer(first, "size"), 6);
  EXPECT_EQ(json::text(first, "description"), "d");
  const std::string message = messages_of(0) + "/" + json::text_or(body_of(made), "id", "");
  const std::string kept = R"({"attachments":[{"id":")" + json::text_or(first, "id", "") + R"("},{"id":0}]})";
  EXPECT_THAT(json::array(body_of(upload("PATCH", message, kept)), "attachments"), SizeIs(2));
  EXPECT_THAT(json::array(body_of(rest("PATCH", message, {{"content", "x"}})), "attachments"), SizeIs(2));
  EXPECT_EQ(upload("POST", messages_of(0), R"({"attachments":[{"id":1}]})").status, 400) << "no such file";
  EXPECT_EQ(upload("POST", messages_of(0), "{").status, 400);
}

// What a bot does to a server -----------------------------------------------------------------------

class DiscordDeedsTest : public DiscordRestTest {
 protected:
  net::HttpResponse because(const std::string& method, const std::string& path, const std::string& reason) {
    net::HttpRequest request{method, text("discord", "rest") + "/v10/" + path};
    request.headers = {{"User-Agent", "DiscordBot (x, 1)"},
                       {"Authorization", "Bot " + text("discord", "token")},
                       {"X-Audit-Log-Reason", reason}};
    return send(std::move(request));
  }
  std::string guild(const std::string& rest_of_path) { return "guilds/" + id(server(0).id) + rest_of_path; }
  std::string channel(std::size_t index) { return "channels/" + id(server(0).channels[index].id); }
  /// The n-th member that has only roles below the bot's and is not the owner.
  Snowflake plain_member(std::size_t index) {
    for (const auto& [user, member] : server(0).members) {
      const bool plain = user != server(0).owner && member.roles.empty();
      if (plain && index-- == 0) return user;
    }
    return 0;
  }
  Snowflake moderator() {
    const auto& members = server(0).members;
    return std::find_if(members.begin(), members.end(),
                        [&](const auto& entry) {
                          return !entry.second.roles.empty() &&
                                 entry.second.roles[0] == server(0).roles[4].id;
                        })
        ->first;
  }
  std::string say(const std::string& content) {
    return json::text_or(body_of(rest("POST", messages_of(0), {{"content", content}})), "id", "");
  }
};

TEST(RateLimits, NamesChangeTwiceInTenMinutes) {
  RateLimits limits;
  const RateLimits::Time start = std::chrono::steady_clock::now();
  const auto rename = [&](const char* channel, std::chrono::seconds after) {
    RateLimits::Verdict verdict;
    limits.take_rename(channel, start + after, verdict);
    return verdict;
  };
  using std::chrono::seconds;
  EXPECT_TRUE(rename("1", seconds(0)).allowed);
  EXPECT_TRUE(rename("1", seconds(60)).allowed);
  const auto refused = rename("1", seconds(120));
  EXPECT_FALSE(refused.allowed);
  EXPECT_FALSE(refused.global);
  EXPECT_DOUBLE_EQ(refused.retry_after, 480);
  EXPECT_TRUE(rename("2", seconds(120)).allowed);
  EXPECT_TRUE(rename("1", seconds(600)).allowed);
  EXPECT_FALSE(rename("1", seconds(601)).allowed);
}

TEST_F(DiscordDeedsTest, TheLimitOfNamesShowsInNoHeader) {
  EXPECT_EQ(rest("PATCH", channel(0), {{"name", "hall"}}).status, 200);
  EXPECT_EQ(json::text(body_of(rest("PATCH", channel(0), {{"topic", "t"}})), "topic"), "t");
  const auto refused = rest("PATCH", channel(0), {{"name", "den"}});
  ASSERT_EQ(refused.status, 429);
  EXPECT_NE(refused.header("x-ratelimit-remaining"), "0");
  EXPECT_GT(*json::number(body_of(refused), "retry_after"), 300);
  EXPECT_EQ(rest("PATCH", channel(0), {{"rate_limit_per_user", 5}}).status, 200);
  EXPECT_EQ(server(0).channels[0].name, "hall");
}

TEST_F(DiscordDeedsTest, ChannelsComeAndGo) {
  EXPECT_EQ(rest("POST", guild("/channels"), json::Object{}).status, 400);
  const auto made = rest("POST", guild("/channels"), {{"name", "new"}});
  ASSERT_EQ(made.status, 201);
  const std::string path = "channels/" + json::text_or(body_of(made), "id", "");
  const json::Value closed{{"type", 0}, {"allow", "0"}, {"deny", "2048"}};
  EXPECT_EQ(rest("PUT", path + "/permissions/" + id(server(0).id), closed).status, 204);
  EXPECT_EQ(code_of(rest("POST", path + "/messages", {{"content", "x"}})), 50013);
  EXPECT_EQ(rest("DELETE", path + "/permissions/" + id(server(0).id)).status, 204);
  EXPECT_EQ(rest("POST", path + "/messages", {{"content", "x"}}).status, 200);
  EXPECT_EQ(rest("DELETE", path).status, 200);
  EXPECT_EQ(code_of(rest("GET", path)), 10003);
}

TEST_F(DiscordDeedsTest, RolesObeyTheirOrderAndTheBotsOwnRights) {
  const auto made = rest("POST", guild("/roles"), {{"name", "Reader"}, {"permissions", "1024"}});
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string path = guild("/roles/") + json::text_or(body_of(made), "id", "");
  EXPECT_EQ(json::text(body_of(rest("PATCH", path, {{"name", "Writer"}})), "name"), "Writer");
  EXPECT_EQ(code_of(rest("PATCH", path, {{"permissions", "8"}})), 50013)
      << "administrator, which the bot is not";
  EXPECT_EQ(rest("DELETE", path).status, 204);
  EXPECT_EQ(code_of(rest("DELETE", path)), 10011);
  EXPECT_EQ(code_of(rest("DELETE", guild("/roles/") + id(server(0).roles[4].id))), 50013)
      << "above the bot's";
  const json::Value counts = body_of(rest("GET", guild("/roles/member-counts")));
  EXPECT_EQ(json::integer(counts, id(server(0).roles[3].id)), 1) << "the bot's own";
  EXPECT_FALSE(counts.as_object().contains(id(server(0).id)));
}

TEST_F(DiscordDeedsTest, KicksAndBansAreEnteredWithTheirReason) {
  EXPECT_EQ(code_of(rest("DELETE", guild("/members/") + id(server(0).owner))), 50013);
  EXPECT_EQ(code_of(rest("DELETE", guild("/members/") + id(moderator()))), 50013);
  const std::string kicked = id(plain_member(0));
  EXPECT_EQ(because("DELETE", guild("/members/") + kicked, "f%C3%BCr%20immer").status, 204);
  EXPECT_EQ(code_of(rest("GET", guild("/members/") + kicked)), 10007);
  const std::string banned = guild("/bans/") + id(plain_member(1));
  EXPECT_EQ(rest("PUT", banned, {{"delete_message_seconds", 604'801}}).status, 400);
  EXPECT_EQ(rest("PUT", banned, {{"delete_message_seconds", 60}}).status, 204);
  EXPECT_EQ(rest("DELETE", banned).status, 204);
  EXPECT_EQ(code_of(rest("DELETE", banned)), 10026);
  const json::Value log = body_of(rest("GET", guild("/audit-logs?action_type=20")));
  ASSERT_THAT(json::array(log, "audit_log_entries"), SizeIs(1));
  EXPECT_EQ(json::text(json::array(log, "audit_log_entries").at(0), "reason"), "für immer");
  EXPECT_EQ(json::text(json::array(log, "audit_log_entries").at(0), "target_id"), kicked);
}

TEST_F(DiscordDeedsTest, MembersAreFoundByTheBeginningOfTheirName) {
  const std::string name = sim_->world().users.at(plain_member(0)).username;
  const json::Value found =
      body_of(rest("GET", guild("/members/search?limit=10&query=" + name.substr(0, 4))));
  ASSERT_FALSE(found.as_array().empty());
  for (const json::Value& member : found.as_array()) {
    EXPECT_TRUE(json::text_or(*json::find(member, "user"), "username", "").starts_with(name.substr(0, 4)));
  }
}

TEST_F(DiscordDeedsTest, ManyMessagesGoTogetherByTheirRules) {
  const auto remove = [&](json::Array ids) {
    return rest("POST", messages_of(0) + "/bulk-delete", {{"messages", std::move(ids)}});
  };
  const std::string first = say("a");
  const std::string second = say("b");
  EXPECT_EQ(code_of(remove({first})), 50016);
  EXPECT_EQ(code_of(remove({first, first})), 50035);
  EXPECT_EQ(code_of(remove({first, "100"})), 50034);
  EXPECT_EQ(remove({first, second}).status, 204);
  EXPECT_EQ(code_of(rest("GET", messages_of(0) + "/" + first)), 10008);
}

TEST_F(DiscordDeedsTest, PinsAndReactionsStandOnTheMessage) {
  const std::string message = say("a");
  EXPECT_EQ(rest("PUT", messages_of(0) + "/pins/" + message).status, 204);
  const std::string reaction = messages_of(0) + "/" + message + "/reactions/%F0%9F%91%8D/@me";
  EXPECT_EQ(rest("PUT", reaction).status, 204);
  json::Value shown = body_of(rest("GET", messages_of(0) + "/" + message));
  EXPECT_EQ(json::boolean(shown, "pinned"), true);
  ASSERT_THAT(json::array(shown, "reactions"), SizeIs(1));
  EXPECT_EQ(shown.at("reactions").at(0).at("emoji").at("name"), json::Value("👍"));
  EXPECT_EQ(rest("DELETE", reaction).status, 204);
  shown = body_of(rest("GET", messages_of(0) + "/" + message));
  EXPECT_THAT(json::array(shown, "reactions"), SizeIs(0));
}

TEST_F(DiscordDeedsTest, WebhooksWriteUntilTheyAreGone) {
  EXPECT_EQ(rest("POST", channel(0) + "/webhooks", {{"name", "my Discord"}}).status, 400);
  const json::Value made = body_of(rest("POST", channel(0) + "/webhooks", {{"name", "news"}}));
  const std::string own = "webhooks/" + json::text_or(made, "id", "");
  const std::string path = own + "/" + json::text_or(made, "token", "");
  const auto written = rest("POST", path + "?wait=true", {{"content", "x"}});
  ASSERT_EQ(written.status, 200) << written.body;
  EXPECT_EQ(json::text(body_of(written), "webhook_id"), json::text(made, "id"));
  EXPECT_EQ(rest("POST", path, {{"content", "x"}}).status, 204);
  const std::string message = path + "/messages/" + json::text_or(body_of(written), "id", "");
  EXPECT_EQ(json::text(body_of(rest("PATCH", message, {{"content", "y"}})), "content"), "y");
  EXPECT_EQ(rest("DELETE", message).status, 204);
  EXPECT_EQ(code_of(rest("POST", own + "/wrong", {{"content", "x"}})), 50027);
  EXPECT_EQ(rest("DELETE", own).status, 204);
  EXPECT_EQ(code_of(rest("POST", path, {{"content", "x"}})), 10015);
}

TEST_F(DiscordDeedsTest, InvitesShowTheirUsesToWhoMayManage) {
  const std::string code =
      json::text_or(body_of(rest("POST", channel(0) + "/invites", json::Object{})), "code", "");
  const json::Value listed = body_of(rest("GET", guild("/invites")));
  ASSERT_THAT(listed.as_array(), SizeIs(1));
  EXPECT_FALSE(listed.as_array().at(0).as_object().contains("uses")) << "only with MANAGE_GUILD";
  EXPECT_EQ(rest("DELETE", "invites/" + code).status, 200);
  EXPECT_EQ(code_of(rest("DELETE", "invites/" + code)), 10006);
}

TEST_F(DiscordDeedsTest, TheBotLeavesAServer) {
  EXPECT_EQ(rest("DELETE", "users/@me/guilds/" + id(server(0).id)).status, 204);
  EXPECT_EQ(code_of(rest("GET", guild(""))), 10004);
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
