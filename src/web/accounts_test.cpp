#include "web/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_world.h"
#include "web/sessions.h"

namespace guildhall::web {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr DiscordUserId kOwl(7);
constexpr DiscordUserId kWren(8);

class DisabledAccounts : public testing::Test {
 protected:
  std::optional<std::string> sign_in(DiscordUserId member) {
    return net::run_to_end(sessions_.sign_in_member({member, "Somebody", {}}));
  }
  bool is_in(const std::string& id) { return net::run_to_end(sessions_.find(id)).has_value(); }
  bool disable(DiscordUserId member, std::string reason = "sold points") {
    return net::run_to_end(accounts_.disable(member, std::move(reason), operator_));
  }
  bool enable(DiscordUserId member) { return net::run_to_end(accounts_.enable(member, operator_)); }

  const tenancy::Actor operator_{"operator", "command_line"};
  test::TestWorld world_;
  Sessions sessions_{world_.tenancy->global(), world_.clock};
  Accounts accounts_{world_.tenancy->global(), world_.clock};
};

TEST_F(DisabledAccounts, HaveNoSessionAndGetNone) {
  const std::string phone = *sign_in(kOwl);
  const std::string desk = *sign_in(kOwl);
  const std::string other = *sign_in(kWren);
  EXPECT_TRUE(disable(kOwl));
  EXPECT_FALSE(is_in(phone));
  EXPECT_FALSE(is_in(desk));
  EXPECT_TRUE(is_in(other)) << "another's goes on";
  EXPECT_FALSE(sign_in(kOwl));
}

TEST_F(DisabledAccounts, ASessionThatBeganAtTheSameMomentIsNone) {
  const std::string id = *sign_in(kOwl);
  // As where the sign-in was committed after the account was disabled, and had not seen that.
  world_.execute(
      "INSERT INTO disabled_accounts (principal, disabled_at, disabled_by, reason) "
      "VALUES ('discord:7', 1, 'operator', '')");
  EXPECT_FALSE(is_in(id));
}

TEST_F(DisabledAccounts, CanBeEnabledAgainAndSignIn) {
  const std::string before = *sign_in(kOwl);
  disable(kOwl);
  EXPECT_TRUE(enable(kOwl));
  EXPECT_FALSE(is_in(before)) << "what ended stays ended";
  EXPECT_TRUE(is_in(*sign_in(kOwl)));
  EXPECT_FALSE(enable(kOwl)) << "he was not disabled";
}

TEST_F(DisabledAccounts, AreListedWithTheReasonOfThen) {
  disable(kOwl);
  EXPECT_FALSE(disable(kOwl, "another reason"));
  const auto listed = net::run_to_end(accounts_.disabled());
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_EQ(listed[0].principal, "discord:7");
  EXPECT_EQ(listed[0].disabled_by, "operator");
  EXPECT_EQ(listed[0].reason, "sold points");
}

TEST_F(DisabledAccounts, TheOperatorsLogKeepsWhoDidItAndWhy) {
  disable(kOwl);
  enable(kOwl);
  enable(kOwl);
  EXPECT_EQ(world_.dump("SELECT actor, action, subject, after FROM operator_log ORDER BY entry_id"),
            "operator|account.disabled|discord:7|sold points\noperator|account.enabled|discord:7|\n");
}

}  // namespace
}  // namespace guildhall::web
