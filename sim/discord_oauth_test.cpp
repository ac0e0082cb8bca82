#include "sim/discord_oauth.h"

#include "base/crypto.h"
#include "net/oauth.h"
#include "sim/permissions.h"
#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kBack = "http://localhost:8080/signed-in?from=discord";

class DiscordOAuthTest : public SimTest {
 protected:
  DiscordOAuthTest() { start(); }

  std::string origin() const {
    const std::string rest = text("discord", "rest");
    return rest.substr(0, rest.size() - std::string_view("/api").size());
  }
  /// Owns every server; moderates every server; is in the first one alone, and nothing more there.
  Snowflake owner() { return server(0).owner; }
  Snowflake moderator() {
    return std::ranges::find_if(server(0).members,
                                [&](const auto& entry) {
                                  return std::ranges::count(entry.second.roles, server(0).roles[4].id) > 0;
                                })
        ->first;
  }
  Snowflake local() {
    return std::ranges::find_if(server(0).members,
                                [&](const auto& entry) {
                                  return !server(1).members.contains(entry.first) &&
                                         entry.second.roles.empty();
                                })
        ->first;
  }

  net::Query consent() const {
    return {{"response_type", "code"},
            {"client_id", text("discord", "client_id")},
            {"redirect_uri", kBack},
            {"scope", "identify guilds"},
            {"state", "st&te"},
            {"code_challenge", net::pkce_challenge(verifier_)},
            {"code_challenge_method", "S256"}};
  }
  /// Of those without a proof.
  net::Query plain_consent() const {
    net::Query query = consent();
    query.erase("code_challenge");
    query.erase("code_challenge_method");
    return query;
  }
  net::HttpResponse authorize(const net::Query& query) {
    net::HttpRequest request{"GET", origin() + "/oauth2/authorize?" + net::write_query(query)};
    request.headers = {{"User-Agent", "Mozilla/5.0"}};
    return send(std::move(request));
  }
  /// What the application is told when its question leads back.
  net::Query told(const net::Query& query) {
    const auto response = authorize(query);
    EXPECT_EQ(response.status, 302) << response.body;
    const std::string location = response.header("location").value_or("");
    EXPECT_TRUE(location.starts_with(std::string(kBack) + "&")) << location;
    return net::parse_query(location.substr(location.find('?') + 1));
  }
  net::Query consent_of(Snowflake user, net::Query query) {
    query["as"] = id(user);
    return told(query);
  }

  net::HttpResponse post(const std::string& path, const net::Query& form, net::Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    return send({"POST", origin() + path, {}, std::move(headers), net::write_query(form)});
  }
  net::Query with_client(net::Query form) const {
    form["client_id"] = text("discord", "client_id");
    form["client_secret"] = text("discord", "client_secret");
    return form;
  }
  net::HttpResponse token(const net::Query& form) { return post("/api/oauth2/token", with_client(form)); }
  net::Query code_form(Snowflake user) {
    return {{"grant_type", "authorization_code"},
            {"code", consent_of(user, consent())["code"]},
            {"redirect_uri", kBack},
            {"code_verifier", verifier_}};
  }
  json::Value granted(const net::HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    return body_of(response);
  }
  json::Value sign_in(Snowflake user) { return granted(token(code_form(user))); }
  json::Value sign_in(Snowflake user, const std::string& scope) {
    net::Query query = plain_consent();
    query["scope"] = scope;
    return granted(token({{"grant_type", "authorization_code"},
                          {"code", consent_of(user, query)["code"]},
                          {"redirect_uri", kBack}}));
  }
  net::HttpResponse refresh(const json::Value& tokens) {
    return token(
        {{"grant_type", "refresh_token"}, {"refresh_token", json::text_or(tokens, "refresh_token", "")}});
  }
  net::HttpResponse revoke(const std::string& token) {
    return post("/api/oauth2/token/revoke", with_client({{"token", token}}));
  }
  static std::string access(const json::Value& tokens) { return json::text_or(tokens, "access_token", ""); }

  /// A call with the token of a person. What comes back has the shape that Discord describes.
  net::HttpResponse with_token(const std::string& token, const std::string& path) {
    net::HttpRequest request{"GET", text("discord", "rest") + "/v10/" + path};
    request.headers = {{"Authorization", "Bearer " + token}};
    const auto response = send(std::move(request));
    if (response.status >= 429) return response;
    EXPECT_THAT(discord_api().check_answer("GET", "/" + path, response.status, response.body), IsEmpty())
        << path << " " << response.body;
    return response;
  }
  net::HttpResponse as_person(const json::Value& tokens, const std::string& path) {
    return with_token(access(tokens), path);
  }
  static std::string error_of(const net::HttpResponse& response) {
    return json::text_or(body_of(response), "error", "");
  }
  static void expect_refused(const net::HttpResponse& response, int status, const std::string& error) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(error_of(response), error);
    EXPECT_NE(json::text_or(body_of(response), "error_description", ""), "");
  }

  std::string verifier_ = net::make_pkce_verifier();
};

TEST_F(DiscordOAuthTest, CodeBecomesATokenThatSpeaksForItsOwner) {
  EXPECT_EQ(consent_of(owner(), consent())["state"], "st&te");
  const json::Value tokens = sign_in(moderator());
  EXPECT_EQ(json::text(tokens, "token_type"), "Bearer");
  EXPECT_EQ(json::integer(tokens, "expires_in"), 604'800);
  EXPECT_EQ(json::text(tokens, "scope"), "guilds identify") << "not in the order of the question";
  const json::Value user = body_of(as_person(tokens, "users/@me"));
  EXPECT_EQ(json::text(user, "id"), id(moderator()));
  EXPECT_EQ(json::text(user, "username"), sim_->world().user(moderator())->username);
  EXPECT_FALSE(user.as_object().contains("email"));
  EXPECT_EQ(json::text(body_of(rest("GET", "users/@me")), "id"), id(sim_->world().bot.id))
      << "the bot is still the bot";
}

// Consent -------------------------------------------------------------------------------------------

TEST_F(DiscordOAuthTest, ConsentPageOffersEverybodyButTheBot) {
  const auto response = authorize(consent());
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.header("content-type").value_or("").starts_with("text/html"));
  for (const auto& [user, known] : sim_->world().users) {
    if (known.bot) continue;
    EXPECT_THAT(response.body, HasSubstr("&amp;as=" + id(user) + "\""));
    EXPECT_THAT(response.body, HasSubstr(known.display_name));
    EXPECT_THAT(response.body, HasSubstr("@" + known.username));
  }
  EXPECT_THAT(response.body, Not(HasSubstr("as=" + id(sim_->world().bot.id))));
  EXPECT_THAT(response.body, HasSubstr("&amp;cancel=1\">Cancel</a>"));
  net::Query query = consent();
  for (const Snowflake nobody : {sim_->world().bot.id, Snowflake{7}}) {
    query["as"] = id(nobody);
    EXPECT_EQ(authorize(query).status, 400);
  }
}

TEST_F(DiscordOAuthTest, ToCancelLeadsBackToo) {
  net::Query query = consent();
  query["cancel"] = "1";
  net::Query answer = told(query);
  EXPECT_EQ(answer["error"], "access_denied");
  EXPECT_EQ(answer["state"], "st&te");
  EXPECT_FALSE(answer.contains("code"));
}

TEST_F(DiscordOAuthTest, AWrongApplicationOrAddressLeadsNowhere) {
  const auto expect_page = [&](const std::string& name, const std::string& value) {
    net::Query query = consent();
    query["as"] = id(owner());
    query[name] = value;
    const auto response = authorize(query);
    EXPECT_EQ(response.status, 400) << name << " " << value;
    EXPECT_TRUE(response.header("content-type").value_or("").starts_with("text/html"));
    EXPECT_FALSE(response.header("location").has_value());
  };
  expect_page("client_id", "1");
  expect_page("client_id", "");
  for (const char* address :
       {"", "/back", "https://localhost/back", "http://example.org/back", "http://localhost.example.org/",
        "http://localhost@example.org/", "http://localhost/#here", "http://localhost/\r\nSet-Cookie: a=b",
        "ws://localhost/"})
    expect_page("redirect_uri", address);
}

TEST_F(DiscordOAuthTest, OtherMistakesAreToldToTheApplication) {
  const auto error = [&](const std::string& name, const std::string& value) {
    net::Query query = consent();
    query["as"] = id(owner());
    query[name] = value;
    net::Query answer = told(query);
    EXPECT_EQ(answer["state"], query["state"]) << name;
    EXPECT_FALSE(answer.contains("code"));
    return answer["error"];
  };
  EXPECT_EQ(error("response_type", "token"), "unsupported_response_type");
  EXPECT_EQ(error("scope", ""), "invalid_scope");
  EXPECT_EQ(error("scope", "identify email"), "invalid_scope");
  EXPECT_EQ(error("code_challenge_method", "plain"), "invalid_request");
  EXPECT_EQ(error("state", ""), "invalid_request");
}

TEST_F(DiscordOAuthTest, RegisteredAddressesCountToTheLetter) {
  const json::Array uris{"https://guildhall.example.org/back", kBack};
  control("POST", "/discord/redirect-uris", {{"uris", uris}});
  EXPECT_EQ(control("GET", "/discord/redirect-uris").at("uris"), json::Value(uris));
  EXPECT_EQ(body_of(rest("GET", "applications/@me")).at("redirect_uris"), json::Value(uris));
  net::Query query = consent();
  EXPECT_EQ(authorize(query).status, 200);
  for (const char* other : {"http://localhost:8080/signed-in", "https://guildhall.example.org/back/",
                            "https://guildhall.example.org/BACK"}) {
    query["redirect_uri"] = other;
    EXPECT_EQ(authorize(query).status, 400) << other;
  }
  net::HttpRequest wrong{"POST", json::text_or(contract_, "control", "") + "/discord/redirect-uris"};
  for (const char* body : {R"({"uris":["http://localhost/","no address"]})", R"({"uris":[5]})", "{}"}) {
    wrong.body = body;
    EXPECT_EQ(send(wrong).status, 400) << body;
  }
  EXPECT_EQ(control("GET", "/discord/redirect-uris").at("uris"), json::Value(uris)) << "nothing has changed";
  control("POST", "/discord/redirect-uris", {{"uris", json::Array{}}});
  query["redirect_uri"] = "http://[::1]:9/";
  EXPECT_EQ(authorize(query).status, 200);
}

// Tokens --------------------------------------------------------------------------------------------

TEST_F(DiscordOAuthTest, CodeVerifierAndAddressMustFit) {
  const auto expect_grant_refused = [&](const std::string& name, const std::string& value) {
    net::Query form = code_form(owner());
    const net::Query right = form;
    form[name] = value;
    expect_refused(token(form), 400, "invalid_grant");
    if (name != "code") expect_refused(token(right), 400, "invalid_grant");
  };
  expect_grant_refused("code", "made-up");
  expect_grant_refused("redirect_uri", "http://localhost:8080/signed-in");
  expect_grant_refused("code_verifier", net::make_pkce_verifier());
  expect_grant_refused("code_verifier", "");
  net::Query form = code_form(owner());
  form["code"] = consent_of(owner(), plain_consent())["code"];
  expect_refused(token(form), 400, "invalid_grant");  // a verifier where there was no challenge
  for (const char* name : {"code", "redirect_uri"}) {
    form = code_form(owner());
    form.erase(name);
    expect_refused(token(form), 400, "invalid_request");
  }
}

TEST_F(DiscordOAuthTest, ACodeWorksForTenMinutes) {
  net::Query form = code_form(owner());
  clock_.advance(std::chrono::seconds(599));
  granted(token(form));
  form = code_form(owner());
  clock_.advance(std::chrono::minutes(10));
  expect_refused(token(form), 400, "invalid_grant");
}

TEST_F(DiscordOAuthTest, ASecondUseOfACodeEndsWhatTheFirstGave) {
  const json::Value other = sign_in(owner());
  const net::Query form = code_form(owner());
  const json::Value tokens = granted(token(form));
  const json::Value newer = granted(refresh(tokens));
  EXPECT_EQ(as_person(newer, "users/@me").status, 200);
  expect_refused(token(form), 400, "invalid_grant");
  EXPECT_EQ(as_person(tokens, "users/@me").status, 401);
  EXPECT_EQ(as_person(newer, "users/@me").status, 401);
  expect_refused(refresh(newer), 400, "invalid_grant");
  EXPECT_EQ(as_person(other, "users/@me").status, 200) << "another consent of the same person";
}

TEST_F(DiscordOAuthTest, ClientsProveWhoTheyAreInTheFormOrTheHeader) {
  const std::string name = text("discord", "client_id");
  const std::string secret = text("discord", "client_secret");
  const net::Query form = code_form(owner());
  const auto with = [&](const std::string& client, const std::string& proof) {
    net::Query filled = form;
    filled["client_id"] = client;
    filled["client_secret"] = proof;
    return post("/api/oauth2/token", filled);
  };
  const auto basic = [&](const std::string& credentials) {
    return post("/api/v10/oauth2/token", form, {{"Authorization", "Basic " + base64(credentials)}});
  };
  expect_refused(with(name, "wrong"), 401, "invalid_client");
  expect_refused(with("1", secret), 401, "invalid_client");
  expect_refused(with("", ""), 401, "invalid_client");
  expect_refused(basic(name + ":wrong"), 401, "invalid_client");
  expect_refused(post("/api/oauth2/token/revoke", {{"token", "x"}}), 401, "invalid_client");
  granted(basic(name + ":" + secret));  // nobody has used up the code
}

TEST_F(DiscordOAuthTest, OnlyFormsAreRead) {
  const json::Object fields{{"grant_type", "authorization_code"},
                            {"client_id", text("discord", "client_id")},
                            {"client_secret", text("discord", "client_secret")},
                            {"code", consent_of(owner(), plain_consent())["code"]},
                            {"redirect_uri", kBack}};
  for (const char* path : {"/api/oauth2/token", "/api/oauth2/token/revoke"}) {
    net::HttpRequest request{"POST", origin() + path};
    request.headers = {{"Content-Type", "application/json"}};
    request.body = json::write(fields);
    expect_refused(send(request), 400, "invalid_request");
    request.method = "PUT";
    EXPECT_EQ(send(request).status, 405);
  }
  expect_refused(token({{"grant_type", "client_credentials"}}), 400, "unsupported_grant_type");
  expect_refused(token({}), 400, "invalid_request");
  EXPECT_EQ(code_of(post("/api/v9/oauth2/token", {})), 50041);
}

TEST_F(DiscordOAuthTest, RefreshGivesANewPairAndEndsTheOldRefreshToken) {
  const json::Value tokens = sign_in(owner());
  const json::Value newer = granted(refresh(tokens));
  EXPECT_NE(access(newer), access(tokens));
  EXPECT_EQ(json::text(newer, "scope"), json::text(tokens, "scope"));
  EXPECT_EQ(as_person(newer, "users/@me").status, 200);
  expect_refused(refresh(tokens), 400, "invalid_grant");
  const json::Object swapped{{"refresh_token", access(newer)},
                             {"access_token", json::text_or(newer, "refresh_token", "")}};
  expect_refused(refresh(swapped), 400, "invalid_grant");
  EXPECT_EQ(as_person(swapped, "users/@me").status, 401);
  granted(refresh(newer));
}

TEST_F(DiscordOAuthTest, TokensEndWithTheirTime) {
  const json::Value tokens = sign_in(owner());
  clock_.advance(std::chrono::seconds(604'799));
  EXPECT_EQ(as_person(tokens, "users/@me").status, 200);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(as_person(tokens, "users/@me").status, 401);
  EXPECT_EQ(as_person(granted(refresh(tokens)), "users/@me").status, 200);
}

TEST_F(DiscordOAuthTest, RevocationEndsTheWholeConsent) {
  const json::Value other = sign_in(owner());
  for (const char* named : {"access_token", "refresh_token"}) {
    const json::Value tokens = sign_in(owner());
    const auto revoked = revoke(json::text_or(tokens, named, ""));
    EXPECT_EQ(revoked.status, 200);
    EXPECT_EQ(revoked.body, "{}");
    EXPECT_EQ(as_person(tokens, "users/@me").status, 401);
    expect_refused(refresh(tokens), 400, "invalid_grant");
  }
  EXPECT_EQ(as_person(other, "users/@me").status, 200);
  EXPECT_EQ(revoke("of nobody").status, 200);
  expect_refused(revoke(""), 400, "invalid_request");
}

// What a token reaches ------------------------------------------------------------------------------

TEST_F(DiscordOAuthTest, ScopesDecide) {
  const json::Value identify = sign_in(owner(), "identify");
  EXPECT_EQ(as_person(identify, "users/@me").status, 200);
  EXPECT_EQ(as_person(identify, "users/@me/guilds").status, 401);
  const json::Value guilds = sign_in(owner(), "guilds");
  EXPECT_EQ(as_person(guilds, "users/@me/guilds").status, 200);
  EXPECT_EQ(as_person(guilds, "users/@me").status, 401);
  EXPECT_EQ(as_person(guilds, "gateway/bot").status, 401) << "the bot's alone";
  EXPECT_EQ(with_token("made-up", "users/@me").status, 401);
  EXPECT_EQ(with_token("", "users/@me").status, 401);
}

TEST_F(DiscordOAuthTest, ServersAreThePersonsOwnWithTheirRightsThere) {
  control("POST", "/discord/guild-leave", {{"guild", id(server(2).id)}});
  control("POST", "/discord/member-leave", {{"guild", id(server(1).id)}, {"user", id(moderator())}});
  const auto listed = [&](Snowflake user) { return body_of(as_person(sign_in(user), "users/@me/guilds")); };
  const json::Value owned = listed(owner());
  ASSERT_THAT(owned.as_array(), SizeIs(3)) << "the one that the bot has left, too";
  for (const json::Value& guild : owned.as_array()) {
    EXPECT_EQ(json::boolean(guild, "owner"), true);
    EXPECT_EQ(json::text(guild, "permissions"), std::to_string(permission::kAll));
  }
  EXPECT_EQ(json::text(owned.at(0), "name"), server(0).name);
  const json::Value moderated = listed(moderator());
  ASSERT_THAT(moderated.as_array(), SizeIs(2)) << "not the one that the moderator has left";
  EXPECT_EQ(json::text(moderated.at(1), "id"), id(server(2).id));
  EXPECT_EQ(json::boolean(moderated.at(0), "owner"), false);
  EXPECT_EQ(json::id(moderated.at(0), "permissions").value_or(0) & std::int64_t{permission::kManageGuild},
            std::int64_t{permission::kManageGuild});
  const json::Value only = listed(local());
  ASSERT_THAT(only.as_array(), SizeIs(1));
  EXPECT_EQ(json::id(only.at(0), "permissions"), static_cast<std::int64_t>(server(0).roles[0].permissions));
}

TEST_F(DiscordOAuthTest, ATokenTellsWhatItIs) {
  const json::Value about = body_of(as_person(sign_in(owner()), "oauth2/@me"));
  EXPECT_EQ(json::text(*json::find(about, "application"), "id"), text("discord", "client_id"));
  EXPECT_EQ(about.at("scopes"), json::Value(json::Array{"guilds", "identify"}));
  EXPECT_EQ(json::time(about, "expires"), clock_.now() + std::chrono::seconds(604'800));
  EXPECT_EQ(json::text(*json::find(about, "user"), "id"), id(owner()));
  const json::Value unnamed = body_of(as_person(sign_in(owner(), "guilds"), "oauth2/@me"));
  EXPECT_EQ(json::find(unnamed, "user"), nullptr);
}

TEST_F(DiscordOAuthTest, PersonsHaveLimitsOfTheirOwn) {
  const json::Value tokens = sign_in(owner());
  net::HttpResponse response = as_person(tokens, "users/@me/guilds");
  for (int calls = 1; response.status == 200 && calls < 10; ++calls)
    response = as_person(tokens, "users/@me/guilds");
  ASSERT_EQ(response.status, 429);
  EXPECT_EQ(response.header("x-ratelimit-scope"), "user");
  EXPECT_GT(*json::number(body_of(response), "retry_after"), 0);
  EXPECT_EQ(as_person(tokens, "users/@me").status, 200);
  EXPECT_EQ(as_person(sign_in(local()), "users/@me/guilds").status, 200) << "another person";
  EXPECT_EQ(rest("GET", "users/@me/guilds").status, 200) << "the bot";
}

// Restarts and faults -------------------------------------------------------------------------------

TEST_F(DiscordOAuthTest, TokensOutliveARestart) {
  const json::Value tokens = sign_in(owner());
  end();
  start();
  EXPECT_EQ(as_person(tokens, "users/@me").status, 200);
  EXPECT_EQ(with_token("00" + access(tokens).substr(2), "users/@me").status, 401) << "altered";
  end();
  options_.seed = 2;
  start();
  EXPECT_EQ(as_person(tokens, "users/@me").status, 401) << "of another world";
}

TEST_F(DiscordOAuthTest, WhatEndedBeforeARestartHasEndedAfterIt) {
  end();
  const TemporaryFolder folder;
  options_.log_file = folder / "witness.jsonl";
  start();
  control("POST", "/discord/redirect-uris", {{"uris", json::Array{kBack}}});
  const json::Value revoked = sign_in(owner());
  revoke(access(revoked));
  const json::Value used = sign_in(owner());
  refresh(used);
  end();
  clock_.advance(std::chrono::seconds(1));
  start();
  EXPECT_EQ(as_person(revoked, "users/@me").status, 401);
  EXPECT_EQ(as_person(used, "users/@me").status, 200);
  expect_refused(refresh(used), 400, "invalid_grant");
  EXPECT_EQ(control("GET", "/discord/redirect-uris").at("uris"), json::Value(json::Array{kBack}));
}

TEST_F(DiscordOAuthTest, FaultsMakeSigningInFail) {
  const net::Query form = code_form(owner());
  control("POST", "/faults", {{"discord_token_5xx", 1}});
  EXPECT_EQ(token(form).status, 500);
  granted(token(form));  // the code is still good
  control("POST", "/faults", {{"discord_down", true}});
  EXPECT_EQ(authorize(consent()).status, 503);
  EXPECT_EQ(token(form).status, 503);
}

}  // namespace
}  // namespace guildhall::sim
