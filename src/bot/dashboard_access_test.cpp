// What Discord's word makes of people on the dashboard.
#include "bot/dashboard_access.h"

#include "tests/support/discord_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using tenancy::Access;
using testing::ElementsAre;

class Standings : public testing::Test, protected discord::TestLoop {
 protected:
  using Answer = Result<std::optional<DashboardAccess::Standing>>;

  std::shared_ptr<std::optional<Result<DashboardPlace>>> ask(std::int64_t server = 1) {
    return start(access_.of(ServerId(server), DiscordUserId(7)));
  }
  Access said() { return (**ask())->access; }

  Answer answer_ = DashboardAccess::Standing{};
  std::chrono::seconds takes_{0};
  bool breaks_ = false;
  int asked_ = 0;
  DashboardAccess access_{loop, timing, [this](ServerId, DiscordUserId) { return answer(); }};

 private:
  Task<Answer> answer() {
    ++asked_;
    if (breaks_) throw std::runtime_error("broken");
    boost::asio::steady_timer timer(loop);
    if (takes_.count() > 0) co_await timing->wait(timer, timing->now() + takes_);
    co_return answer_;
  }
};

TEST_F(Standings, DecideOfWhatSomebodyMayDo) {
  const auto with = [&](Answer answer) {
    answer_ = std::move(answer);
    advance(1min);
    return said();
  };
  EXPECT_EQ(with(std::nullopt), Access::none);
  EXPECT_EQ(with(DashboardAccess::Standing{}), Access::member);
  EXPECT_EQ(with(DashboardAccess::Standing{.permissions = discord::kManageMessages}), Access::member);
  EXPECT_EQ(with(DashboardAccess::Standing{.permissions = discord::kManageGuild}), Access::moderator);
  EXPECT_EQ(with(DashboardAccess::Standing{.permissions = discord::kAdministrator}), Access::administrator);
  EXPECT_EQ(with(DashboardAccess::Standing{true, discord::kAllPermissions}), Access::owner);
}

TEST_F(Standings, AreAskedForOnceAMinuteForEachServer) {
  for (int i = 0; i < 5; ++i) ask();
  EXPECT_EQ(asked_, 1);
  ask(2);
  EXPECT_EQ(asked_, 2);
  answer_ = std::nullopt;
  advance(59s);
  EXPECT_EQ(said(), Access::none) << "what is taken away in Discord is gone within the minute";
}

TEST_F(Standings, AreAskedForOnceByManyAtATime) {
  takes_ = 2s;
  const auto first = ask();
  const auto second = ask();
  EXPECT_FALSE(first->has_value());
  advance(2s);
  EXPECT_EQ((**first)->access, Access::member);
  EXPECT_EQ((**second)->access, Access::member);
  EXPECT_EQ(asked_, 1);
}

TEST_F(Standings, NoAnswerIsNotKept) {
  answer_ = fail(ErrorCode::timeout, "no answer");
  EXPECT_EQ((**ask()).error().code, ErrorCode::unavailable);
  breaks_ = true;
  EXPECT_EQ((**ask()).error().code, ErrorCode::unavailable);
  breaks_ = false;
  answer_ = DashboardAccess::Standing{};
  EXPECT_EQ(said(), Access::member);
}

TEST_F(Standings, NobodyWaitsForLongerThanFiveSeconds) {
  takes_ = 40s;
  const auto first = ask();
  advance(4s);
  const auto second = ask();
  EXPECT_FALSE(first->has_value());
  advance(1s);
  EXPECT_EQ((**first).error().code, ErrorCode::unavailable);
  EXPECT_FALSE(second->has_value());
  advance(35s);
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(said(), Access::member) << "the answer is there for whoever asks again";
  advance(5s);
  ask();
  EXPECT_EQ(asked_, 2) << "and was as old as its question";
}

TEST(DashboardRoles, OpenItToLookForMembersAlone) {
  test::TestWorld world;
  const auto settings = [&](std::string roles) {
    return Settings(world.declarations.settings, world.config, {{"dashboard_roles", std::move(roles)}}, {});
  };
  const std::vector<discord::RoleId> roles{discord::RoleId(5), discord::RoleId(6)};
  EXPECT_EQ(with_roles(Access::member, roles, settings("4,6")), Access::viewer);
  EXPECT_EQ(with_roles(Access::member, roles, settings("4")), Access::member);
  EXPECT_EQ(with_roles(Access::member, roles, settings("")), Access::member);
  EXPECT_EQ(with_roles(Access::none, roles, settings("6")), Access::none);
  EXPECT_EQ(with_roles(Access::moderator, roles, settings("6")), Access::moderator);
}

TEST(DashboardRoles, AreIds) {
  EXPECT_EQ(normalise_roles(" 5, 6  5,7"), "5,6,7");
  EXPECT_EQ(normalise_roles(""), "");
  for (const char* wrong : {"@Mods", "5;6", "-5", "0"})
    EXPECT_EQ(normalise_roles(wrong).error().code, ErrorCode::invalid) << wrong;
  std::string many;
  for (int i = 1; i <= 21; ++i) many += std::to_string(i) + ",";
  EXPECT_EQ(normalise_roles(many).error().code, ErrorCode::invalid);
}

class StandingInDiscord : public InDiscord {
 protected:
  std::optional<DashboardAccess::Standing> standing(std::size_t server, sim::Snowflake user) {
    const auto told = bot_->on_loop(bot_->bridge().standing(ServerId(servers_[server].id),
                                                            DiscordUserId(static_cast<std::int64_t>(user))));
    if (!told) throw ErrorException(told.error());
    return *told;
  }
};

TEST_F(StandingInDiscord, IsWhatDiscordSays) {
  const auto owner = standing(0, servers_[0].owner);
  ASSERT_TRUE(owner);
  EXPECT_TRUE(owner->owner);
  const auto moderator = standing(0, member(0, 0));
  ASSERT_TRUE(moderator);
  EXPECT_NE(moderator->permissions & discord::kManageGuild, 0U);
  const auto plain = standing(0, member(0, 1));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->owner);
  EXPECT_EQ(plain->permissions & (discord::kAdministrator | discord::kManageGuild), 0U);
  EXPECT_FALSE(standing(0, 4'711)) << "nobody of that number is there";
}

}  // namespace
}  // namespace guildhall::bot
