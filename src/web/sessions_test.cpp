#include "web/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/support/full_disk.h"
#include "tests/support/test_world.h"

namespace guildhall::web {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class SignIn : public testing::Test {
 protected:
  std::string code() { return net::run_to_end(sessions_.make_login_code({"operator", "command_line"})); }
  std::optional<std::string> sign_in(std::string with) {
    return net::run_to_end(sessions_.sign_in(std::move(with)));
  }
  std::optional<Session> find(std::string id) { return net::run_to_end(sessions_.find(std::move(id))); }

  test::TestWorld world_;
  Sessions sessions_{world_.tenancy->global(), world_.clock};
};

TEST_F(SignIn, ACodeOpensOneSession) {
  const std::string made = code();
  const auto id = sign_in(made);
  ASSERT_TRUE(id);
  const auto session = find(*id);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->principal, "operator");
  EXPECT_GE(session->csrf_token.size(), 32U);
  EXPECT_FALSE(sign_in(made)) << "a code works once";
}

TEST_F(SignIn, ACodeIsReadAsPeopleTypeIt) {
  std::string typed = " " + to_lower_ascii(code()) + "\n";
  std::replace(typed.begin(), typed.end(), '-', ' ');
  EXPECT_TRUE(sign_in(typed));
}

TEST_F(SignIn, WrongCodesOpenNothing) {
  code();
  for (const char* wrong : {"", "-", "AAAA-AAAA-AAAA-AAAA", "' OR 1=1 --"})
    EXPECT_FALSE(sign_in(wrong)) << wrong;
}

TEST_F(SignIn, ACodeLivesFifteenMinutes) {
  const std::string early = code();
  world_.clock.advance(15min - 1s);
  EXPECT_TRUE(sign_in(early));
  const std::string late = code();
  world_.clock.advance(15min);
  EXPECT_FALSE(sign_in(late));
}

TEST_F(SignIn, AFullDiskInSqliteKeepsNobodyFromLooking) {
  const auto id = sign_in(code());
  world_.clock.advance(1h);  // long enough that its last use were to be written
  const test::FullDisk full;
  EXPECT_TRUE(find(*id));
}

TEST_F(SignIn, ASessionEndsADayAfterItWasLastSeen) {
  const auto id = sign_in(code());
  for (int i = 0; i < 3; ++i) {
    world_.clock.advance(23h);
    EXPECT_TRUE(find(*id)) << "being seen keeps it";
  }
  world_.clock.advance(24h);
  EXPECT_FALSE(find(*id));
}

TEST_F(SignIn, ASessionEndsAfterSevenDaysHoweverOftenItIsSeen) {
  const auto id = sign_in(code());
  for (int hours = 12; hours < 7 * 24; hours += 12) {
    world_.clock.advance(12h);
    ASSERT_TRUE(find(*id)) << hours;
  }
  world_.clock.advance(12h);
  EXPECT_FALSE(find(*id));
}

TEST_F(SignIn, SigningOutEndsThatSessionForEveryPageAndNoOther) {
  const auto one = sign_in(code());
  const auto other = sign_in(code());
  const std::string hash = find(*one)->hash;
  net::run_to_end(sessions_.sign_out(hash));
  EXPECT_FALSE(find(*one));
  EXPECT_FALSE(net::run_to_end(sessions_.find_by_hash(hash))) << "an open page goes on";
  EXPECT_TRUE(find(*other));
}

TEST_F(SignIn, TheDatabaseHoldsHashesOnly) {
  const std::string made = code();
  const auto id = sign_in(made);
  const std::string held =
      world_.dump("SELECT * FROM login_codes") + world_.dump("SELECT session_hash FROM sessions");
  EXPECT_THAT(held, Not(HasSubstr(made)));
  EXPECT_THAT(held, Not(HasSubstr(*id)));
  EXPECT_FALSE(find(find(*id)->hash)) << "what the database holds opens nothing";
}

TEST_F(SignIn, EachUseIsInTheOperatorsLog) {
  sign_in(code());
  EXPECT_EQ(world_.dump("SELECT actor, action FROM operator_log ORDER BY entry_id"),
            "operator|login_code.made\noperator|login_code.used\n");
}

TEST_F(SignIn, AMembersSessionKnowsHimAndHisServers) {
  const std::string id =
      *net::run_to_end(sessions_.sign_in_member({DiscordUserId(7), "Owl <3", {ServerId(1), ServerId(-4)}}));
  const auto session = find(id);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->principal, "discord:7");
  EXPECT_EQ(session->member(), DiscordUserId(7));
  EXPECT_EQ(session->name, "Owl <3");
  EXPECT_EQ(session->servers, (std::vector{ServerId(1), ServerId(-4)}));
  EXPECT_EQ(world_.dump("SELECT actor, action FROM operator_log"), "discord:7|discord.signed_in\n");
}

TEST_F(SignIn, WhoSignedInByACodeIsNoMember) { EXPECT_FALSE(find(*sign_in(code()))->member()); }

TEST(SessionCookie, IsFoundAmongOthers) {
  const auto found = [](std::string cookies) {
    net::HttpRequest request;
    request.headers.emplace_back("cookie", std::move(cookies));
    return session_id_of(request);
  };
  EXPECT_EQ(found("guildhall_session=abc"), "abc");
  EXPECT_EQ(found("a=b;guildhall_session=abc; c=d"), "abc");
  EXPECT_EQ(found("xguildhall_session=abc"), "");
  EXPECT_EQ(found("guildhall_session"), "");
  EXPECT_EQ(found(";;= ;"), "");
}

TEST(SessionCookie, IsOutOfReachOfScriptsAndOtherSites) {
  for (const char* word : {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"})
    EXPECT_THAT(session_cookie("abc"), HasSubstr(word));
  EXPECT_THAT(session_cookie(""), HasSubstr("Max-Age=0"));
}

TEST(PlacesOfACaller, AreFreeAgainWhenNobodyKeepsThem) {
  std::shared_ptr<void> outlives;
  {
    Places places(2);
    auto first = places.take("a");
    outlives = places.take("a");
    EXPECT_TRUE(first && outlives);
    EXPECT_FALSE(places.take("a"));
    EXPECT_TRUE(places.take("b"));
    first.reset();
    EXPECT_TRUE(places.take("a"));
  }
  outlives.reset();
}

TEST(CallLimits, AreKeptPerCaller) {
  CallLimit limit(3, 1h);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take("a"), 0);
  EXPECT_GT(limit.take("a"), 0);
  EXPECT_EQ(limit.take("b"), 0);
}

TEST(CallLimits, OneCustomersAddressesAreOneCaller) {
  EXPECT_EQ(network_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), network_of("2001:db8:1:2::9"));
  EXPECT_NE(network_of("2001:db8:1:2::9"), network_of("2001:db8:1:3::9"));
  EXPECT_EQ(network_of("whoever"), "whoever");
}

}  // namespace
}  // namespace guildhall::web
