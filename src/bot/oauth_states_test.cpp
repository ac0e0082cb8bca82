// States of people who went to a platform.
#include "bot/oauth_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/oauth.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;

class ComingBack : public testing::Test {
 protected:
  OAuthStates::Begun begin() {
    OAuthStates::Intent intent{"kick.channel", "browser", ServerId(5), "/servers/5"};
    return net::run_to_end(states_.begin(std::move(intent)));
  }
  std::optional<OAuthStates::Returned> take(std::string state, std::string purpose = "kick.channel",
                                            std::string browser = "browser") {
    return net::run_to_end(states_.take(std::move(state), std::move(purpose), std::move(browser)));
  }

  test::TestWorld world_;
  OAuthStates states_{world_.tenancy->global(), world_.clock};
};

TEST_F(ComingBack, AStateBringsBackWhatWasBegun) {
  const auto begun = begin();
  const auto back = take(begun.state);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->server, ServerId(5));
  EXPECT_EQ(back->back_to, "/servers/5");
  EXPECT_EQ(net::pkce_challenge(back->verifier), begun.challenge);
}

TEST_F(ComingBack, AStateIsGoodOnceForTenMinutesInItsBrowserAndForItsPurpose) {
  const auto begun = begin();
  EXPECT_FALSE(take(begun.state, "discord.sign_in")) << "one who connects a channel does not sign in by it";
  EXPECT_FALSE(take(begun.state, "kick.channel", "another browser"));
  EXPECT_FALSE(take("x" + begun.state));
  EXPECT_TRUE(take(begun.state)) << "none of that has used it up";
  EXPECT_FALSE(take(begun.state));
  const auto late = begin();
  world_.clock.advance(10min);
  EXPECT_FALSE(take(late.state));
  begin();
  EXPECT_EQ(world_.dump("SELECT count(*) FROM oauth_states"), "1\n") << "what is too old goes away";
}

TEST_F(ComingBack, TheDatabaseHoldsNoState) {
  const auto begun = begin();
  EXPECT_THAT(world_.dump("SELECT state_hash FROM oauth_states"),
              testing::Not(testing::HasSubstr(begun.state)));
}

}  // namespace
}  // namespace guildhall::bot
