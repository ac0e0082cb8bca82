// Signing in by Discord: what is asked for, and what is made of the answers.
#include "platforms/discord/sign_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platforms/discord/scripted.h"

namespace guildhall::discord {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const SignInOptions kOptions{"https://discord.test/api", "shh", "https://p.test"};
constexpr ApplicationId kClient(98);

class SigningIn : public testing::Test, protected TestLoop {
 protected:
  Result<SignedIn> finish() {
    SignInClient client(kOptions, [this](const net::HttpRequest& request) { return http.send(request); });
    return **start(
        client.finish(kClient, {"the code", "the verifier", "https://p.test/auth/discord/callback"}));
  }

  ScriptedHttp http{*this};
};

TEST(SignInAddress, AsksForNoMoreThanIsNeeded) {
  const std::string address =
      sign_in_address(kOptions, kClient, "https://p.test/back?x=1&y", "a state", "a challenge");
  EXPECT_TRUE(address.starts_with("https://discord.test/oauth2/authorize?")) << address;
  const net::Query query = net::parse_query(address.substr(address.find('?') + 1));
  const net::Query wanted{{"response_type", "code"},
                          {"client_id", "98"},
                          {"scope", "identify guilds"},
                          {"redirect_uri", "https://p.test/back?x=1&y"},
                          {"state", "a state"},
                          {"code_challenge", "a challenge"},
                          {"code_challenge_method", "S256"},
                          {"prompt", "none"}};
  EXPECT_EQ(query, wanted);
}

TEST_F(SigningIn, SaysWhoItIsAndWhere) {
  http.then(200, R"({"access_token":"t1","token_type":"Bearer","expires_in":604800})");
  http.then(200, R"({"id":"7","username":"owl","global_name":"Owl"})");
  http.then(200, R"([{"id":"1","name":"x","permissions":"8"},{"name":"without id"},{"id":"2","name":"y"}])");
  const auto signed_in = finish();
  ASSERT_TRUE(signed_in) << signed_in.error().message;
  EXPECT_EQ(signed_in->user.id, DiscordUserId(7));
  EXPECT_EQ(signed_in->user.display_name, "Owl");
  EXPECT_THAT(signed_in->servers, ElementsAre(ServerId(1), ServerId(2)));
  ASSERT_EQ(http.requests.size(), 3U);
  EXPECT_EQ(http.requests[0].url, "https://discord.test/api/oauth2/token");
  EXPECT_EQ(http.requests[0].header("content-type"), "application/x-www-form-urlencoded");
  const net::Query wanted{{"grant_type", "authorization_code"},
                          {"client_id", "98"},
                          {"client_secret", "shh"},
                          {"code", "the code"},
                          {"code_verifier", "the verifier"},
                          {"redirect_uri", "https://p.test/auth/discord/callback"}};
  EXPECT_EQ(net::parse_query(http.requests[0].body), wanted);
  EXPECT_EQ(http.requests[1].url, "https://discord.test/api/v10/users/@me");
  EXPECT_EQ(http.requests[2].url, "https://discord.test/api/v10/users/@me/guilds");
  for (const std::size_t call : {1, 2}) EXPECT_EQ(http.requests[call].header("authorization"), "Bearer t1");
  for (const auto& request : http.requests)
    EXPECT_THAT(request.header("user-agent").value_or(""), HasSubstr("DiscordBot ("));
}

TEST_F(SigningIn, SaysWhoseFaultItIs) {
  const auto code_of = [&](int status, std::string body) {
    http.then(status, std::move(body));
    return finish().error();
  };
  EXPECT_EQ(code_of(400, R"({"error":"invalid_grant"})").code, ErrorCode::invalid);
  EXPECT_EQ(code_of(401, R"({"error":"invalid_client"})").code, ErrorCode::configuration);
  EXPECT_EQ(code_of(429, R"({"message":"slow down"})").code, ErrorCode::rate_limited);
  EXPECT_EQ(code_of(502, "<html>").code, ErrorCode::unavailable);
  EXPECT_EQ(code_of(200, "{}").code, ErrorCode::unavailable);
  http.then_fail(ErrorCode::timeout);
  EXPECT_EQ(finish().error().code, ErrorCode::timeout);
}

TEST_F(SigningIn, NoSecretIsInAnError) {
  http.then(400, R"({"error":"invalid_grant","error_description":"shh the code"})");
  EXPECT_THAT(finish().error().message, Not(HasSubstr("shh")));
}

TEST_F(SigningIn, AnAnswerThatIsNoneIsAnError) {
  for (const char* self : {"[]", "null", R"({"username":"x"})"}) {
    http.answers.clear();
    http.then(200, R"({"access_token":"t"})");
    http.then(200, self);
    EXPECT_EQ(finish().error().code, ErrorCode::unavailable) << self;
  }
  http.answers.clear();
  http.then(200, R"({"access_token":"t"})");
  http.then(200, R"({"id":"7","username":"owl"})");
  http.then(200, "{}");
  EXPECT_EQ(finish().error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace guildhall::discord
