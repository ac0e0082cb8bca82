#include "sim/kick_oauth.h"

#include "net/oauth.h"
#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

class KickOAuthTest : public SimTest {
 protected:
  KickOAuthTest() { start(); }

  net::Query consent() const {
    return {{"response_type", "code"},
            {"client_id", text("kick", "client_id")},
            {"redirect_uri", "http://localhost:1/back?x=1"},
            {"scope", "user:read chat:write events:subscribe"},
            {"state", "st&te"},
            {"code_challenge", net::pkce_challenge(verifier_)},
            {"code_challenge_method", "S256"}};
  }
  net::HttpResponse authorize(const net::Query& query) {
    return send({"GET", text("kick", "oauth") + "/oauth/authorize?" + net::write_query(query)});
  }
  /// Where the consent of that streamer leads back to.
  net::Query consent_of(const std::string& slug) {
    net::Query query = consent();
    query["as"] = slug;
    const auto response = authorize(query);
    EXPECT_EQ(response.status, 302) << response.body;
    const std::string location = response.header("location").value_or("");
    EXPECT_TRUE(location.starts_with("http://localhost:1/back?x=1&")) << location;
    return net::parse_query(location.substr(location.find('?') + 1));
  }
  net::HttpResponse token(net::Query form) {
    form["client_id"] = text("kick", "client_id");
    form["client_secret"] = text("kick", "client_secret");
    return send({"POST",
                 text("kick", "oauth") + "/oauth/token",
                 {},
                 {{"Content-Type", "application/x-www-form-urlencoded"}},
                 net::write_query(form)});
  }
  net::Query code_form() {
    return {{"grant_type", "authorization_code"},
            {"code", consent_of("lantern-live")["code"]},
            {"redirect_uri", "http://localhost:1/back?x=1"},
            {"code_verifier", verifier_}};
  }
  json::Value granted(const net::HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    return body_of(response);
  }
  net::HttpResponse refresh(const json::Value& tokens) {
    return token(
        {{"grant_type", "refresh_token"}, {"refresh_token", json::text_or(tokens, "refresh_token", "")}});
  }
  net::HttpResponse api(const std::string& path, const json::Value& tokens, const std::string& method = "GET",
                        const json::Value& body = nullptr) {
    net::HttpRequest request{method, text("kick", "api") + "/public/v1/" + path};
    request.headers = {{"Authorization", "Bearer " + json::text_or(tokens, "access_token", "")},
                       {"Content-Type", "application/json"}};
    if (!body.is_null()) request.body = json::write(body);
    return send(std::move(request));
  }
  static std::string error_of(const net::HttpResponse& response) {
    return json::text_or(body_of(response), "error", "");
  }

  std::string verifier_ = net::make_pkce_verifier();
};

TEST_F(KickOAuthTest, CodeBecomesATokenThatSpeaksForItsOwner) {
  EXPECT_EQ(consent_of("pixelmoss")["state"], "st&te");
  const json::Value tokens = granted(token(code_form()));
  EXPECT_EQ(json::integer(tokens, "expires_in"), 7'200);
  EXPECT_EQ(json::text_or(tokens, "scope", ""), "user:read chat:write events:subscribe");
  const json::Value users = body_of(api("users", tokens));
  EXPECT_EQ(json::text_or(json::array(users, "data")[0], "name", ""), "Lantern_Live");
}

TEST_F(KickOAuthTest, ConsentPageListsTheStreamers) {
  const auto response = authorize(consent());
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("as=lantern-live"), std::string::npos);
  EXPECT_NE(response.body.find("as=pixelmoss"), std::string::npos);
}

TEST_F(KickOAuthTest, ConsentNeedsEveryParameter) {
  for (const char* name : {"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
                           "code_challenge_method"}) {
    net::Query query = consent();
    query.erase(name);
    EXPECT_EQ(authorize(query).status, 400) << name;
  }
  net::Query query = consent();
  query["code_challenge_method"] = "plain";
  EXPECT_EQ(authorize(query).status, 400);
}

TEST_F(KickOAuthTest, VerifierRedirectAndCodeMustFit) {
  net::Query form = code_form();
  form["code_verifier"] = net::make_pkce_verifier();
  EXPECT_EQ(error_of(token(form)), "invalid_grant");
  form["code_verifier"] = verifier_;
  EXPECT_EQ(error_of(token(form)), "invalid_grant") << "a code works once, even when the first use failed";
  form = code_form();
  form["redirect_uri"] = "http://localhost:2/back";
  EXPECT_EQ(error_of(token(form)), "invalid_grant");
  form = code_form();
  granted(token(form));
  EXPECT_EQ(error_of(token(form)), "invalid_grant");
}

TEST_F(KickOAuthTest, CredentialsBelongIntoTheForm) {
  net::HttpRequest request{"POST", text("kick", "oauth") + "/oauth/token"};
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Authorization", "Basic YTpi"}};
  request.body = "grant_type=client_credentials";
  EXPECT_EQ(send(request).status, 400);
  request.headers = {{"Content-Type", "application/json"}};
  EXPECT_EQ(send(request).status, 400);
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(error_of(send(request)), "invalid_client");
}

TEST_F(KickOAuthTest, TokensEndWithTheirTime) {
  const json::Value tokens = granted(token(code_form()));
  clock_.advance(std::chrono::seconds(7'199));
  EXPECT_EQ(api("users", tokens).status, 200);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(api("users", tokens).status, 401);
  const json::Value newer = granted(refresh(tokens));
  EXPECT_EQ(api("users", newer).status, 200);
  clock_.advance(std::chrono::hours(24 * 30));
  EXPECT_EQ(error_of(refresh(newer)), "invalid_grant");
}

TEST_F(KickOAuthTest, RefreshTokensWorkOnceOnlyWhenTheFaultIsOn) {
  const json::Value tokens = granted(token(code_form()));
  granted(refresh(tokens));
  granted(refresh(tokens));
  control("POST", "/faults", {{"kick_single_use_refresh", true}});
  const json::Value newer = granted(token(code_form()));
  granted(refresh(newer));
  EXPECT_EQ(error_of(refresh(newer)), "invalid_grant");
}

TEST_F(KickOAuthTest, UsedRefreshTokensWorkOnForAsLongAsTheFaultSays) {
  const json::Value tokens = granted(token(code_form()));
  control("POST", "/faults", {{"kick_refresh_grace_seconds", 60}});
  const json::Value newer = granted(refresh(tokens));
  clock_.advance(std::chrono::seconds(60));
  granted(refresh(tokens));
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(error_of(refresh(tokens)), "invalid_grant");
  granted(refresh(newer));
}

TEST_F(KickOAuthTest, AccessEndsAndIsRenewed) {
  const json::Value tokens = granted(token(code_form()));
  control("POST", "/kick/end-access", {{"user", "lantern-live"}});
  EXPECT_EQ(api("users", tokens).status, 401);
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(api("users", granted(refresh(tokens))).status, 200);
  const json::Value consents = control("GET", "/kick/consents");
  EXPECT_EQ(json::integer(consents.at(0), "renewals"), 1);
  EXPECT_EQ(json::boolean(consents.at(0), "revoked"), false);
}

TEST_F(KickOAuthTest, TheControlKnowsWhatIsNobodysToRead) {
  const net::Query form = code_form();
  const json::Value tokens = granted(token(form));
  const json::Value known = control("GET", "/kick/secrets");
  for (const std::string& secret :
       {form.at("code"), *json::text(tokens, "access_token"), *json::text(tokens, "refresh_token")})
    EXPECT_NE(std::ranges::find(known.as_array(), json::Value(secret)), known.as_array().end());
}

TEST_F(KickOAuthTest, WhatAStreamerTakesBackIsOver) {
  const json::Value tokens = granted(token(code_form()));
  control("POST", "/kick/take-back", {{"user", "lantern-live"}});
  EXPECT_EQ(api("users", tokens).status, 401);
  EXPECT_EQ(error_of(refresh(tokens)), "invalid_grant");
  EXPECT_EQ(json::boolean(control("GET", "/kick/consents").at(0), "revoked"), true);
}

TEST_F(KickOAuthTest, WhoDeniesGoesBackWithoutACode) {
  net::Query query = consent();
  EXPECT_NE(authorize(query).body.find("&amp;deny=1"), std::string::npos);
  query["deny"] = "1";
  const std::string location = authorize(query).header("location").value_or("");
  const net::Query back = net::parse_query(location.substr(location.find('?') + 1));
  EXPECT_EQ(back.at("error"), "access_denied");
  EXPECT_EQ(back.at("state"), "st&te");
  EXPECT_FALSE(back.contains("code"));
}

TEST_F(KickOAuthTest, ARefusalForTooManyCallsMaySayForHowLong) {
  const json::Value tokens = granted(token(code_form()));
  control("POST", "/faults", {{"kick_429", 2}});
  EXPECT_FALSE(api("users", tokens).header("retry-after"));
  control("POST", "/faults", {{"kick_retry_after", 3}});
  const auto refused = api("users", tokens);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "3");
}

TEST_F(KickOAuthTest, NamesAndModeratorsOutliveARestart) {
  const TemporaryFolder folder;
  end();
  options_.log_file = folder / "journal";
  start();
  control("POST", "/kick/rename", {{"user", "lantern-live"}, {"username", "Beacon_Live"}});
  control("POST", "/kick/moderator", {{"slug", "beacon-live"}, {"user", "night-owl3"}});
  end();
  start();
  const KickChannel& channel = sim_->world().kick_channels[0];
  EXPECT_EQ(channel.slug, "beacon-live");
  EXPECT_EQ(sim_->world().kick_user("beacon-live")->username, "Beacon_Live");
  EXPECT_TRUE(channel.viewers[1].moderator);
}

TEST_F(KickOAuthTest, RevocationEndsTheWholeGrant) {
  const json::Value tokens = granted(token(code_form()));
  const auto revoked =
      send({"POST", text("kick", "oauth") + "/oauth/revoke?" +
                        net::write_query({{"token", json::text_or(tokens, "refresh_token", "")},
                                          {"token_hint_type", "refresh_token"}})});
  EXPECT_EQ(revoked.body, "OK");
  EXPECT_EQ(api("users", tokens).status, 401);
  EXPECT_EQ(error_of(refresh(tokens)), "invalid_grant");
}

TEST_F(KickOAuthTest, TokensOutliveARestart) {
  const json::Value tokens = granted(token(code_form()));
  end();
  start();
  EXPECT_EQ(api("users", tokens).status, 200);
  json::Value altered = tokens;
  json::Value& access = altered.as_object()["access_token"];
  access = "00" + std::string(access.get_string()).substr(2);
  EXPECT_EQ(api("users", altered).status, 401);
}

// The API behind the tokens -------------------------------------------------------------------------

TEST_F(KickOAuthTest, ChatSpeaksInTheOwnersChannel) {
  const json::Value tokens = granted(token(code_form()));
  const json::Value sent = body_of(api("chat", tokens, "POST", {{"type", "bot"}, {"content", "hello"}}));
  EXPECT_EQ(json::boolean(*json::find(sent, "data"), "is_sent"), true);
  const json::Value chat = control("GET", "/kick/chat?slug=lantern-live");
  EXPECT_EQ(json::text_or(chat.as_array().at(0), "content", ""), "hello");
  EXPECT_EQ(api("chat", tokens, "POST", {{"type", "bot"}, {"content", std::string(501, 'x')}}).status, 400);
  EXPECT_EQ(api("chat", tokens, "POST", {{"type", "user"}, {"content", "x"}}).status, 400);
  const json::Value app = granted(token({{"grant_type", "client_credentials"}}));
  EXPECT_EQ(api("chat", app, "POST", {{"type", "bot"}, {"content", "x"}}).status, 401);
  control("POST", "/faults", {{"kick_bot_chat_500", 1}});
  EXPECT_EQ(api("chat", tokens, "POST", {{"type", "bot"}, {"content", "x"}}).status, 500);
  EXPECT_EQ(api("chat", tokens, "POST", {{"type", "bot"}, {"content", "x"}}).status, 200);
}

TEST_F(KickOAuthTest, ChannelsAreFoundByRepeatedKeys) {
  const json::Value app = granted(token({{"grant_type", "client_credentials"}}));
  const auto& channels = sim_->world().kick_channels;
  const auto found = [&](const std::string& query) {
    return json::array(body_of(api("channels" + query, app)), "data").size();
  };
  EXPECT_EQ(found("?slug=lantern-live&slug=pixelmoss&slug=nobody"), 2U);
  EXPECT_EQ(found(fmt::format("?broadcaster_user_id={}&broadcaster_user_id={}", channels[0].broadcaster,
                              channels[1].broadcaster)),
            2U);
  EXPECT_EQ(api("channels?slug=pixelmoss&broadcaster_user_id=1", app).status, 400);
  control("POST", "/kick/live", {{"slug", "pixelmoss"}});
  EXPECT_EQ(json::array(body_of(api("livestreams", app)), "data").size(), 1U);
}

TEST_F(KickOAuthTest, SubscriptionsFailOneByOneAndHaveACap) {
  const json::Value tokens = granted(token(code_form()));
  const json::Value wanted{{"method", "webhook"},
                           {"events",
                            {{{"name", "chat.message.sent"}, {"version", 1}},
                             {{"name", "chat.message.unsent"}, {"version", 1}},
                             {{"name", "channel.followed"}, {"version", 1}}}}};
  const auto response = api("events/subscriptions", tokens, "POST", wanted);
  ASSERT_EQ(response.status, 200);
  const json::Array lines = json::array(body_of(response), "data");
  EXPECT_NE(json::text_or(lines.at(0), "subscription_id", ""), "");
  EXPECT_NE(json::text_or(lines.at(1), "error", ""), "");
  EXPECT_EQ(json::array(body_of(api("events/subscriptions", tokens)), "data").size(), 2U);
  const std::string first = json::text_or(lines.at(0), "subscription_id", "");
  EXPECT_EQ(api("events/subscriptions?id=" + first, tokens, "DELETE").status, 204);
  EXPECT_EQ(json::array(body_of(api("events/subscriptions", tokens)), "data").size(), 1U);
  control("POST", "/faults", {{"kick_subscription_cap", 1}});
  const auto full = api("events/subscriptions", tokens, "POST", wanted);
  EXPECT_EQ(full.status, 400);
  EXPECT_EQ(json::text_or(body_of(full), "data", ""), "event subscription limit reached");
}

}  // namespace
}  // namespace guildhall::sim
