#include "bot/installation_checkup.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/run_to_end.h"

namespace guildhall::bot {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Installation : public testing::Test {
 protected:
  Installation() {
    config_.web_public_url = "https://bot.example.org";
    config_.kick_client_id = "app";
    config_.kick_client_secret = "secret";
    config_.discord_operators = "7";
    answers_ = {{"https://bot.example.org/healthz", here()},
                {"https://id.kick.com/oauth/token", json(R"({"access_token":"t","expires_in":3600})")},
                {"https://id.kick.com/oauth/authorize", net::make_response(302, "text/html", "")}};
    facts_ = {"this run", true, from_micros(1'800'000'000'000'000)};
  }

  static net::HttpResponse json(std::string body, int status = 200) {
    return net::make_response(status, "application/json", std::move(body));
  }
  net::HttpResponse here(std::string run = "this run") const {
    net::HttpResponse response = net::make_response(200, "text/plain", "ok\n");
    response.headers.emplace_back(kRunHeader, std::move(run));
    return response;
  }

  /// "warn address: ...", each line of it.
  std::vector<std::string> look() {
    InstallationCheckup checkup(config_, facts_,
                                [this](net::HttpRequest request) -> Task<Result<net::HttpResponse>> {
                                  const std::string to = request.url.substr(0, request.url.find('?'));
                                  const auto found = answers_.find(to);
                                  if (found == answers_.end())
                                    co_return fail(ErrorCode::unavailable, "connection refused");
                                  co_return found->second;
                                });
    std::vector<std::string> lines;
    for (const Finding& finding : net::run_to_end(checkup.run()))
      lines.push_back(
          fmt::format("{} {}: {} | {}", word_of(finding.level), finding.topic, finding.text, finding.hint));
    return lines;
  }
  std::vector<std::string> faults() {
    std::vector<std::string> lines = look();
    std::erase_if(lines, [](const std::string& line) { return line.starts_with("ok "); });
    return lines;
  }

  Config config_;
  InstallationCheckup::Facts facts_;
  std::map<std::string, net::HttpResponse> answers_;
};

TEST_F(Installation, ThatIsWholeHasNoFault) {
  EXPECT_THAT(faults(), IsEmpty());
  EXPECT_THAT(look(),
              Contains(HasSubstr("ok address: browsers reach the dashboard at https://bot.example.org")));
  EXPECT_THAT(
      look(),
      Contains(HasSubstr(
          "ok kick-redirect: Kick does not object to coming back to https://bot.example.org/auth/kick")));
  EXPECT_THAT(look(),
              Contains(HasSubstr("ok kick-webhooks: Kick posts what happens; the last at 2027-01-15T")));
}

TEST_F(Installation, WithoutHttpsNobodyCanSignIn) {
  config_.web_public_url = "http://bot.example.org";
  EXPECT_THAT(faults(), Contains(AllOf(HasSubstr("problem address:"), HasSubstr("https"))));
}

TEST_F(Installation, AnAddressThatIsNoneIsNamed) {
  config_.web_public_url = "bot.example.org";
  EXPECT_THAT(faults(),
              Contains(HasSubstr("problem address: web.public_url is no address: 'bot.example.org'")));
}

TEST_F(Installation, AnotherProgramAtTheAddressIsSeen) {
  answers_["https://bot.example.org/healthz"] = here("another run");
  config_.web_listen = "127.0.0.1:8080";
  EXPECT_THAT(faults(),
              Contains(AllOf(HasSubstr("another program answers"), HasSubstr("lead to 127.0.0.1:8080"))));
  answers_["https://bot.example.org/healthz"] = net::make_response(404, "text/html", "nginx");
  EXPECT_THAT(faults(), Contains(HasSubstr("another program answers")));
}

TEST_F(Installation, AnAddressThatLeadsNowhereIsWorthALook) {
  answers_.erase("https://bot.example.org/healthz");
  EXPECT_THAT(faults(), Contains(AllOf(HasSubstr("warn address:"), HasSubstr("connection refused"))));
}

TEST_F(Installation, OnThisMachineAloneKickCannotPost) {
  config_.web_public_url = "http://localhost:8080";
  answers_["http://localhost:8080/healthz"] = here();
  facts_.kick_heard.reset();
  EXPECT_THAT(faults(), Contains(HasSubstr("warn address: only browsers on this machine")));
  EXPECT_THAT(
      faults(),
      Contains(HasSubstr("warn kick-webhooks: Kick cannot post what happens to http://localhost:8080")));
}

TEST_F(Installation, WithoutKickNoChannelCanBeConnected) {
  config_.kick_client_secret = "";
  EXPECT_THAT(faults(), Contains(AllOf(HasSubstr("warn kick: no channel"), HasSubstr("docs/guide/kick.md"))));
}

TEST_F(Installation, AWrongSecretOfKicksApplicationIsNamed) {
  answers_["https://id.kick.com/oauth/token"] = json(R"({"error":"invalid_client"})", 401);
  EXPECT_THAT(faults(), Contains(HasSubstr("problem kick: Kick does not accept kick.client_id")));
  answers_.erase("https://id.kick.com/oauth/token");
  EXPECT_THAT(faults(), Contains(HasSubstr("warn kick:"))) << "that Kick does not answer is no fault of ours";
}

TEST_F(Installation, ARedirectAddressThatKickDoesNotKnowIsNamed) {
  answers_["https://id.kick.com/oauth/authorize"] = json(R"({"error":"invalid_request"})", 400);
  EXPECT_THAT(faults(), Contains(AllOf(HasSubstr("problem kick-redirect:"),
                                       HasSubstr("https://bot.example.org/auth/kick/callback"))));
  answers_["https://id.kick.com/oauth/authorize"] = net::make_response(403, "text/html", "robots");
  EXPECT_THAT(faults(), Contains(HasSubstr("warn kick-redirect:"))) << "robots are not let in there";
}

TEST_F(Installation, KicksPageDoesNotComeBackToAnAddressOfNumbers) {
  config_.web_public_url = "http://127.0.0.1:8080";
  answers_["http://127.0.0.1:8080/healthz"] = here();
  EXPECT_THAT(faults(), Contains(AllOf(HasSubstr("warn kick-redirect:"), HasSubstr("localhost"))));
}

TEST_F(Installation, SilenceOfKickIsWorthALookWhereSomebodyListens) {
  facts_.kick_heard.reset();
  EXPECT_THAT(faults(), Contains(AllOf(HasSubstr("warn kick-webhooks:"),
                                       HasSubstr("https://bot.example.org/webhooks/kick"))));
  facts_.listens = false;
  EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(Installation, WithoutAnOperatorACodeIsNeededEachTime) {
  config_.discord_operators = "";
  EXPECT_THAT(faults(), Contains(HasSubstr("warn operators:")));
}

TEST_F(Installation, TheDatabasesPasswordIsNotShown) {
  config_.database_url = "postgres://guildhall_app:hunter2@localhost/guildhall";
  EXPECT_THAT(look(), Not(Contains(HasSubstr("hunter2"))));
}

}  // namespace
}  // namespace guildhall::bot
