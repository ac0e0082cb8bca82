#include "sim/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/json.h"
#include "base/text.h"
#include "sim/members.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

std::vector<std::string> names(const World& world) {
  std::vector<std::string> out;
  for (const auto& [id, user] : world.users)
    out.push_back(std::to_string(id) + user.username + user.display_name);
  for (const Server& server : world.servers) out.push_back(std::to_string(server.id) + server.name);
  for (const KickChannel& channel : world.kick_channels) {
    for (const Viewer& viewer : channel.viewers) {
      out.push_back(std::to_string(viewer.user) + world.kick_user(viewer.user)->username +
                    std::to_string(viewer.subscriber_months));
    }
  }
  return out;
}

constexpr TimePoint kNow = from_micros(1'780'000'000'000'000);

std::vector<Step> steps(std::uint64_t seed, std::size_t count) {
  Script script(seed, {}, 6);
  std::vector<Step> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(script.next());
  return out;
}

TEST(World, FollowsFromTheSeed) {
  EXPECT_EQ(names(make_world(1, {})), names(make_world(1, {})));
  EXPECT_NE(names(make_world(1, {})), names(make_world(2, {})));
}

TEST(World, HoldsWhatTheSizeSays) {
  const World world = make_world(7, {5, 3, 8, 10});
  EXPECT_EQ(world.servers.size(), 5U);
  EXPECT_EQ(world.servers[4].members.size(), 9U);  // and the bot
  EXPECT_EQ(world.kick_channels.size(), 3U);
  EXPECT_EQ(world.kick_channels[2].viewers.size(), 11U);  // and the streamer
}

TEST(World, FirstTwoServersShareAChannelAndTheThirdDoesNot) {
  const World world = make_world(1, {});
  EXPECT_EQ(world.servers[0].suggested_channel, world.servers[1].suggested_channel);
  EXPECT_NE(world.servers[0].suggested_channel, world.servers[2].suggested_channel);
}

TEST(World, PeopleAndNamesCollide) {
  World world = make_world(1, {});
  std::size_t in_both_servers = 0;
  for (const auto& [id, member] : world.servers[0].members)
    in_both_servers += world.servers[2].members.contains(id);
  EXPECT_GT(in_both_servers, 3U);
  EXPECT_EQ(world.servers[0].channels[0].name, world.servers[1].channels[0].name);

  std::map<std::string, std::set<KickId>> by_name;
  std::size_t in_both_channels = 0;
  for (const KickChannel& channel : world.kick_channels) {
    for (const Viewer& viewer : channel.viewers)
      by_name[fold_name(world.kick_user(viewer.user)->username)].insert(viewer.user);
  }
  for (const Viewer& viewer : world.kick_channels[0].viewers)
    in_both_channels += world.kick_channels[1].viewer(viewer.user) != nullptr;
  const auto twice = std::count_if(by_name.begin(), by_name.end(),
                                   [](const auto& entry) { return entry.second.size() > 1; });
  EXPECT_GT(twice, 5);
  EXPECT_GT(in_both_channels, 2U);
}

TEST(World, EveryIdIsThereOnce) {
  const World world = make_world(3, {20, 5, 30, 40});
  std::set<Snowflake> ids;
  std::size_t count = 0;
  const auto add = [&](Snowflake id) {
    ids.insert(id);
    ++count;
  };
  for (const auto& [id, user] : world.users) add(id);
  for (const Server& server : world.servers) {
    add(server.id);
    for (const Channel& channel : server.channels) add(channel.id);
    for (std::size_t i = 1; i < server.roles.size(); ++i) add(server.roles[i].id);
  }
  EXPECT_EQ(ids.size(), count);
  EXPECT_EQ(world.kick_slugs.size(), world.kick_users.size());
}

TEST(World, TheBotSeesMostChannelsAndWritesInFewer) {
  const World world = make_world(1, {});
  const Server& server = world.servers[0];
  const auto bits = [&](std::string_view name) {
    for (const Channel& channel : server.channels) {
      if (channel.name == name) return effective_permissions(server, world.bot.id, channel, kNow);
    }
    return std::uint64_t{0};
  };
  EXPECT_NE(bits("general") & permission::kSendMessages, 0U);
  EXPECT_NE(bits("rules") & permission::kViewChannel, 0U);
  EXPECT_EQ(bits("rules") & permission::kSendMessages, 0U);
  EXPECT_EQ(bits("staff"), 0U);
  EXPECT_EQ(effective_permissions(server, server.owner, server.channels[5], kNow), permission::kAll);
}

/// A server with the member 7 and the roles, overwrites and rights that the vector names.
Server server_of(const json::Value& vector) {
  const auto bits = [](const json::Value& object, std::string_view key) {
    return static_cast<std::uint64_t>(json::id(object, key).value_or(0));
  };
  Server server;
  server.id = 1;
  server.owner = json::boolean(vector, "owner").value_or(false) ? 7 : 8;
  server.roles = {{1, "@everyone", bits(vector, "everyone"), 0, false}};
  Member& member = server.members[7] = {7, "", {}, kNow};
  if (json::boolean(vector, "timed_out").value_or(false))
    member.timed_out_until = kNow + std::chrono::minutes(1);
  std::map<std::string, Snowflake, std::less<>> ids{{"everyone", 1}, {"member", 7}};
  const json::Value& roles = vector.at("roles");
  for (const auto& role : roles.get_object()) {
    const Snowflake id = ids[std::string(role.key())] = 100 + ids.size();
    server.roles.push_back({id, "", bits(roles, role.key()), 1, false});
    member.roles.push_back(id);
  }
  Channel channel{2, "hall", 0, 0, {}};
  for (const auto& [key, value] : vector.at("overwrites").get_object()) {
    channel.overwrites.push_back(
        {ids.find(key)->second, key == "member", bits(value, "allow"), bits(value, "deny")});
  }
  server.channels = {channel};
  return server;
}

TEST(ServerPermissions, AgreeWithTheVectors) {
  std::ifstream file(GUILDHALL_SOURCE_DIR "/tests/fixtures/official/vectors.json");
  std::stringstream text;
  text << file.rdbuf();
  const json::Value vectors = *json::parse(text.str());
  for (const json::Value& vector : json::array(vectors, "permissions")) {
    const Server server = server_of(vector);
    // The vectors do not say what is void where nothing may be sent.
    auto expected = static_cast<std::uint64_t>(json::id(vector, "expected").value_or(0));
    if ((expected & permission::kSendMessages) == 0) expected &= ~permission::kEmbedLinks;
    EXPECT_EQ(effective_permissions(server, 7, server.channels[0], kNow), expected)
        << json::text_or(vector, "name", "");
  }
  EXPECT_THAT(json::array(vectors, "permissions"), testing::SizeIs(8));
}

TEST(ServerPermissions, AThreadFollowsItsChannelAndHasARightToWriteOfItsOwn) {
  using namespace permission;  // NOLINT: a list of bits
  World world = make_world(1, {});
  Server& server = world.servers[0];
  const auto bits = [&](std::size_t channel) {
    Channel thread{9, "talk", 11, 0, {}};
    thread.parent = server.channels[channel].id;
    return effective_permissions(server, world.bot.id, thread, kNow);
  };
  EXPECT_NE(bits(4) & kSendMessages, 0U) << "among the rules, where nothing but threads may be written in";
  EXPECT_EQ(bits(5), 0U);
  server.roles[0].permissions &= ~kSendInThreads;
  server.roles[3].permissions &= ~kSendInThreads;
  EXPECT_EQ(bits(0) & kSendMessages, 0U);
}

TEST(ServerPermissions, TheOwnerStandsAboveAllAndTheOlderRoleAboveTheYounger) {
  World world = make_world(1, {});
  Server& server = world.servers[0];
  EXPECT_TRUE(is_above(server, server.owner, world.bot.id));
  EXPECT_FALSE(is_above(server, world.bot.id, server.owner));
  EXPECT_TRUE(is_above_role(server, world.bot.id, server.roles[1]));
  EXPECT_FALSE(is_above_role(server, world.bot.id, server.roles[3])) << "its own";
  const int position = server.roles[3].position;
  EXPECT_FALSE(is_above_role(server, world.bot.id, {server.roles[3].id - 1, "older", 0, position, false}));
  EXPECT_TRUE(is_above_role(server, world.bot.id, {server.roles[3].id + 1, "younger", 0, position, false}));
}

TEST(Script, FollowsFromTheSeed) {
  EXPECT_EQ(steps(1, 2'000), steps(1, 2'000));
  EXPECT_NE(steps(1, 50), steps(2, 50));
}

TEST(Script, FirstStreamGoesLiveAtOnceAndStreamsTakeTurns) {
  const auto list = steps(1, 5'000);
  EXPECT_EQ(list[0].what, Step::What::go_live);
  EXPECT_EQ(list[0].place, 0U);
  std::array<bool, 2> live{};
  for (const Step& step : list) {
    if (step.what == Step::What::go_live) EXPECT_FALSE(std::exchange(live[step.place], true));
    if (step.what == Step::What::go_offline) EXPECT_TRUE(std::exchange(live[step.place], false));
  }
}

TEST(Script, KeepsTheWantedRate) {
  const auto list = steps(4, 20'000);
  Duration total{0};
  for (const Step& step : list) total += step.after;
  const double per_minute = 20'000 / std::chrono::duration<double, std::ratio<60>>(total).count();
  EXPECT_NEAR(per_minute, 6, 0.6);
}

/// Watch time is a union of two-minute windows: a test of it needs windows that overlap and gaps.
TEST(Script, WindowsOfAViewerOverlapAndDoNot) {
  std::map<std::pair<std::size_t, std::size_t>, Duration> last;
  Duration now{0};
  std::size_t overlapping = 0;
  std::size_t apart = 0;
  for (const Step& step : steps(1, 3'000)) {
    now += step.after;
    if (step.what != Step::What::kick_chat) continue;
    const auto [before, first] = last.try_emplace({step.place, step.person}, now);
    if (!first) (now - before->second < std::chrono::seconds(120) ? overlapping : apart) += 1;
    before->second = now;
  }
  EXPECT_GT(overlapping, 200U);
  EXPECT_GT(apart, 200U);
}

TEST(Mint, IdsAreUniqueAndCarryTheClock) {
  ManualClock clock(from_micros(1'780'000'000'000'000));
  Mint mint(clock, 1);
  std::set<std::string> seen;
  for (int i = 0; i < 3'000; ++i) {
    seen.insert(mint.ulid());
    seen.insert(mint.uuid());
    seen.insert(std::to_string(mint.snowflake()));
  }
  EXPECT_EQ(seen.size(), 9'000U);
  EXPECT_EQ(mint.snowflake() >> 22, snowflake_at(clock.now()) >> 22);
  clock.advance(std::chrono::seconds(1));
  Mint restarted(clock, 1);
  EXPECT_FALSE(seen.contains(restarted.ulid()));
  EXPECT_FALSE(seen.contains(std::to_string(restarted.snowflake())));
}

}  // namespace
}  // namespace guildhall::sim
