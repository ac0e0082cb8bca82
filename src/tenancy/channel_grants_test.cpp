// Whose a channel is, which servers it feeds, and who may ask for its next tokens.
#include "tenancy/channel_grants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_world.h"

namespace guildhall::tenancy {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const ChannelKey kChannel{"kick", "900001"};
const ChannelKey kOther{"kick", "900002"};
const Granter kOwl{"discord:1"};
const Granter kFox{"discord:2"};
const Granter kOperator{"operator", true};

class Grants : public testing::Test {
 protected:
  Grants() {
    for (const std::int64_t server : {1, 2, 3}) world_.server(server);
    for (const ChannelKey& channel : {kChannel, kOther})
      net::run_to_end(channels().know(channel, "slug" + channel.platform_user_id, "Name", now()));
  }
  ChannelDirectory& channels() { return world_.tenancy->channels(); }
  ChannelGrants& grants() { return world_.tenancy->grants(); }
  TimePoint now() const { return world_.clock.now(); }
  bool grant(const ChannelKey& channel, const Granter& by, std::int64_t server,
             const std::string& token = "t") {
    const SealedTokens tokens{store::Blob{token}, store::Blob{token}, now() + 2h};
    return net::run_to_end(grants().grant(channel, by, "chat:write", tokens, ServerId(server), now()));
  }
  ChannelGrant of(const ChannelKey& channel) { return *net::run_to_end(grants().of(channel)); }
  std::string consent(const ChannelKey& channel) {
    return std::string(consent_of(*channels().find(channel), now()));
  }
  bool begin(TimePoint until) {
    return net::run_to_end(grants().begin_renewal(kChannel, of(kChannel).token_version, now(), until));
  }

  test::TestWorld world_;
};

TEST_F(Grants, AChannelFeedsTheServersThatItsOwnerConsentedFor) {
  EXPECT_FALSE(net::run_to_end(grants().of(kChannel)));
  EXPECT_EQ(consent(kChannel), "none");
  EXPECT_TRUE(grant(kChannel, kOwl, 1));
  EXPECT_TRUE(grant(kChannel, kOwl, 2));
  EXPECT_THAT(channels().servers_of(kChannel), ElementsAre(ServerId(1), ServerId(2)));
  EXPECT_EQ(consent(kChannel), "connected");
  EXPECT_TRUE(grant(kOther, kFox, 2)) << "a server may turn to another channel";
  EXPECT_THAT(channels().servers_of(kChannel), ElementsAre(ServerId(1)));
  EXPECT_EQ(world_.dump("SELECT platform_user_id, bound_server_id, consented_by FROM channel_bindings "
                        "ORDER BY 1, 2"),
            "900001|1|discord:1\n900002|2|discord:2\n");
}

TEST_F(Grants, AnotherPersonWithTheSameAccountIsRefusedAndChangesNothing) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1, "owl"));
  EXPECT_FALSE(grant(kChannel, kFox, 2, "fox"));
  EXPECT_EQ(of(kChannel).grant_owner, "discord:1");
  EXPECT_EQ(of(kChannel).access_token->bytes, "owl");
  EXPECT_THAT(channels().servers_of(kChannel), ElementsAre(ServerId(1)));
}

TEST_F(Grants, OneThatHoldsNoMoreIsForWhoeverProvesTheAccount) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  net::run_to_end(grants().ended(kChannel, of(kChannel).token_version, kRevoked, now()));
  EXPECT_EQ(consent(kChannel), "revoked");
  EXPECT_TRUE(grant(kChannel, kFox, 2));
  EXPECT_EQ(of(kChannel).grant_owner, "discord:2");
  EXPECT_EQ(consent(kChannel), "connected");
}

TEST_F(Grants, WhatAFormerOwnerConsentedToIsNotTheNextOnes) {
  ASSERT_TRUE(grant(kChannel, kOperator, 3));
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  ASSERT_TRUE(grant(kChannel, kOwl, 2));
  ASSERT_TRUE(grant(kOther, kOwl, 2));
  world_.execute("UPDATE channel_bindings SET consented_by = '' WHERE bound_server_id = 3");
  net::run_to_end(grants().ended(kChannel, of(kChannel).token_version, kRanOut, now()));
  EXPECT_TRUE(grant(kChannel, kFox, 3)) << "the same server, by another";
  EXPECT_THAT(channels().servers_of(kChannel), ElementsAre(ServerId(3)));
  EXPECT_THAT(channels().servers_of(kOther), ElementsAre(ServerId(2)));
}

TEST_F(Grants, WhatNobodyWasAskedForStays) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  ASSERT_TRUE(grant(kChannel, kOperator, 2));
  world_.execute("UPDATE channel_bindings SET consented_by = '' WHERE bound_server_id = 1");
  world_.execute("UPDATE channels SET token_state = 'needs_reauth'");
  EXPECT_TRUE(grant(kChannel, kFox, 3));
  EXPECT_THAT(channels().servers_of(kChannel), ElementsAre(ServerId(1), ServerId(2), ServerId(3)));
}

TEST_F(Grants, WhatIsRevokedFeedsNobodyUntilItIsGrantedAnew) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  ASSERT_TRUE(grant(kOther, kFox, 2));
  EXPECT_FALSE(net::run_to_end(grants().unbind_revoked(kChannel))) << "it holds";
  net::run_to_end(grants().ended(kChannel, of(kChannel).token_version, kRevoked, now()));
  EXPECT_TRUE(net::run_to_end(grants().unbind_revoked(kChannel)));
  EXPECT_THAT(channels().servers_of(kChannel), IsEmpty());
  EXPECT_THAT(channels().servers_of(kOther), ElementsAre(ServerId(2)));
  ASSERT_TRUE(grant(kChannel, kOwl, 3));
  EXPECT_FALSE(net::run_to_end(grants().unbind_revoked(kChannel)));
}

/// From before it was noted why a grant ended, and when tokens were renewed.
TEST_F(Grants, WhatAnOlderProgramLeftIsUnderstood) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  world_.execute("UPDATE channels SET token_renewed_at = 0");
  net::run_to_end(channels().load());
  EXPECT_EQ(consent(kChannel), "connected");
  EXPECT_EQ(of(kChannel).token_renewed_at, now() + 2h) << "when the token ends";
  world_.clock.advance(51h);
  EXPECT_EQ(consent(kChannel), "expiring");
  world_.execute("UPDATE channels SET token_state = 'needs_reauth', grant_end = ''");
  net::run_to_end(channels().load());
  EXPECT_EQ(of(kChannel).grant_end, kRanOut);
  EXPECT_EQ(consent(kChannel), "needs_reauth");
}

TEST_F(Grants, TheOperatorsHandLeavesAChannelToItsOwner) {
  ASSERT_TRUE(grant(kChannel, kOperator, 1));
  EXPECT_TRUE(grant(kChannel, kOwl, 2)) << "the operator's session is nobody's account";
  EXPECT_TRUE(grant(kChannel, kOperator, 3));
  EXPECT_EQ(of(kChannel).grant_owner, "discord:1");
  EXPECT_THAT(channels().servers_of(kChannel), ElementsAre(ServerId(1), ServerId(2), ServerId(3)));
}

TEST_F(Grants, OneAtATimeAsksForTheNextTokens) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  EXPECT_TRUE(begin(now() + 30s));
  EXPECT_FALSE(begin(now() + 30s)) << "somebody is at it";
  world_.clock.advance(31s);
  EXPECT_TRUE(begin(now() + 30s)) << "who was at it has died";
  net::run_to_end(grants().give_up_renewal(kChannel, of(kChannel).token_version));
  EXPECT_TRUE(begin(now() + 30s));
}

TEST_F(Grants, TokensOfAnOlderGrantReplaceNothing) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  const auto before = of(kChannel).token_version;
  ASSERT_TRUE(grant(kChannel, kOwl, 1, "newer"));
  const SealedTokens late{store::Blob{"late"}, store::Blob{"late"}, now()};
  EXPECT_FALSE(net::run_to_end(grants().renewed(kChannel, before, late, now())));
  net::run_to_end(grants().ended(kChannel, before, kRevoked, now()));
  EXPECT_EQ(of(kChannel).access_token->bytes, "newer");
  EXPECT_EQ(consent(kChannel), "connected");
  EXPECT_TRUE(net::run_to_end(grants().renewed(kChannel, of(kChannel).token_version, late, now())));
  EXPECT_EQ(of(kChannel).access_token->bytes, "late");
}

TEST_F(Grants, WhatIsNotRenewedForDaysIsSaidToBe) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  world_.clock.advance(47h);
  EXPECT_EQ(consent(kChannel), "connected");
  world_.clock.advance(2h);
  EXPECT_EQ(consent(kChannel), "expiring");
}

TEST_F(Grants, AreWithdrawnByTheirOwnerAlone) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  ASSERT_TRUE(grant(kChannel, kOwl, 2));
  EXPECT_FALSE(net::run_to_end(grants().withdraw(kChannel, kFox, now())));
  EXPECT_FALSE(net::run_to_end(grants().withdraw_from(kChannel, kFox, ServerId(1))));
  EXPECT_EQ(channels().servers_of(kChannel).size(), 2U);
  EXPECT_TRUE(net::run_to_end(grants().withdraw_from(kChannel, kOwl, ServerId(1))));
  EXPECT_FALSE(net::run_to_end(grants().withdraw_from(kChannel, kOwl, ServerId(1)))) << "once";
  EXPECT_THAT(channels().servers_of(kChannel), ElementsAre(ServerId(2)));
  EXPECT_TRUE(net::run_to_end(grants().withdraw(kChannel, kOwl, now())));
  EXPECT_THAT(channels().servers_of(kChannel), IsEmpty());
  EXPECT_EQ(consent(kChannel), "none");
}

TEST_F(Grants, AreKeptUntilThePlatformKnowsAndNoLonger) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1, "secret"));
  const auto version = of(kChannel).token_version;
  net::run_to_end(grants().forget(kChannel, version));
  EXPECT_TRUE(of(kChannel).access_token) << "it is not withdrawn";
  ASSERT_TRUE(net::run_to_end(grants().withdraw(kChannel, kOwl, now())));
  EXPECT_TRUE(of(kChannel).refresh_token) << "with it the platform is told";
  net::run_to_end(grants().forget(kChannel, version));
  EXPECT_FALSE(net::run_to_end(grants().of(kChannel)));
  EXPECT_EQ(
      world_.dump("SELECT count(*) FROM channels WHERE access_token IS NOT NULL OR grant_owner <> '' AND "
                  "platform_user_id = '900001'"),
      "0\n");
}

TEST_F(Grants, AConsentThatComesBeforeThePlatformKnowsStays) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  const auto version = of(kChannel).token_version;
  ASSERT_TRUE(net::run_to_end(grants().withdraw(kChannel, kOwl, now())));
  ASSERT_TRUE(grant(kChannel, kOwl, 2, "anew"));
  net::run_to_end(grants().forget(kChannel, version));
  EXPECT_EQ(of(kChannel).access_token->bytes, "anew");
  EXPECT_EQ(consent(kChannel), "connected");
}

TEST_F(Grants, OneOfManyTellsServersOnceADay) {
  ASSERT_TRUE(grant(kChannel, kOwl, 1));
  const auto begin_notice = [&] {
    return net::run_to_end(grants().begin_notice(kChannel, now(), now() - 24h));
  };
  EXPECT_TRUE(begin_notice());
  EXPECT_FALSE(begin_notice());
  world_.clock.advance(25h);
  EXPECT_TRUE(begin_notice());
}

}  // namespace
}  // namespace guildhall::tenancy
