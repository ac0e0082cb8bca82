#include "platforms/discord/state.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

namespace guildhall::discord {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr ServerId kGuild{1};
constexpr DiscordUserId kBot{99};
constexpr DiscordUserId kOwner{2};

class StateTest : public testing::Test {
 protected:
  void apply(std::string_view event, const std::string& data) { state_.apply(event, *json::parse(data)); }

  /// @everyone may see and send; role 5 manages the guild; the bot has role 7, which is in the middle.
  void arrive() {
    state_.session_began(kBot, {}, {kGuild});
    apply("GUILD_CREATE", R"({"id":"1","name":"Club","owner_id":"2",
      "roles":[{"id":"1","name":"@everyone","permissions":"3072","position":0},
               {"id":"5","name":"lead","permissions":"32","position":3},
               {"id":"6","name":"low","permissions":"0","position":1},
               {"id":"7","name":"bots","permissions":"0","position":2,"managed":true}],
      "channels":[{"id":"20","type":4,"name":"rooms"},
                  {"id":"21","type":0,"name":"general","parent_id":"20"},
                  {"id":"22","type":0,"name":"quiet","parent_id":"20","permission_overwrites":
                    [{"id":"1","type":0,"allow":"0","deny":"2048"},{"id":"7","type":0,"allow":"2048","deny":"0"},
                     {"id":"50","type":1,"allow":"0","deny":"1024"}]}],
      "threads":[{"id":"30","type":11,"name":"a thread","parent_id":"22"}],
      "members":[{"user":{"id":"99"},"roles":["7"]},{"user":{"id":"50"},"roles":["5","6"]}]})");
  }
  Permissions in(std::int64_t channel, std::int64_t user, std::vector<RoleId> roles = {}) {
    return state_.channel_permissions(kGuild, DiscordChannelId(channel), {DiscordUserId(user), roles})
        .value();
  }
  std::vector<RoleId> roles_of(std::int64_t user) {
    return state_.roles_of(kGuild, DiscordUserId(user)).value_or(std::vector<RoleId>{});
  }
  std::vector<std::string> channel_names() {
    std::vector<std::string> names;
    for (const ChannelInfo& channel : state_.channels(kGuild)) names.emplace_back(channel.name);
    return names;
  }

  Metrics metrics_;
  State state_{{.channels = true, .members = true}, metrics_};
};

TEST_F(StateTest, KnowsWhoMayDoWhat) {
  EXPECT_FALSE(state_.guild_permissions(kGuild, kOwner, {}));
  arrive();
  EXPECT_EQ(state_.guild_permissions(kGuild, kOwner, {}), kAllPermissions);
  const std::vector<RoleId> lead{RoleId(5)};
  EXPECT_EQ(state_.guild_permissions(kGuild, DiscordUserId(51), lead), 3072U + kManageGuild);
  EXPECT_EQ(in(21, 51), kViewChannel | kSendMessages);
  EXPECT_EQ(in(22, 51), kViewChannel);
  EXPECT_EQ(in(22, 50), 0U);
  EXPECT_EQ(in(22, 51, {RoleId(7)}), kViewChannel | kSendMessages);
  EXPECT_FALSE(state_.channel_permissions(kGuild, DiscordChannelId(404), {kOwner, {}}));
  EXPECT_FALSE(state_.channel_permissions(ServerId(404), DiscordChannelId(21), {kOwner, {}}));
}

TEST_F(StateTest, KnowsWhatTheBotItselfMay) {
  arrive();
  const TimePoint now = from_micros(1'800'000'000'000'000);
  const auto own = [&](std::int64_t channel) {
    return state_.own_permissions(kGuild, DiscordChannelId(channel), now);
  };
  EXPECT_EQ(own(22), kViewChannel | kSendMessages);
  // A thread has its parent's overwrites, and a permission of its own to send.
  EXPECT_EQ(own(30), kViewChannel);
  apply("GUILD_MEMBER_UPDATE", R"({"guild_id":"1","user":{"id":"99"},"roles":[]})");
  EXPECT_EQ(own(22), kViewChannel);
  apply(
      "GUILD_MEMBER_UPDATE",
      R"({"guild_id":"1","user":{"id":"99"},"roles":["7"],"communication_disabled_until":"2127-01-01T00:00:00+00:00"})");
  EXPECT_EQ(own(22), kViewChannel);
  // An event that is about something else leaves it so.
  apply("GUILD_MEMBER_UPDATE", R"({"guild_id":"1","user":{"id":"99"},"nick":"n"})");
  EXPECT_EQ(own(22), kViewChannel);
  apply("GUILD_MEMBER_UPDATE", R"({"guild_id":"1","user":{"id":"99"},"communication_disabled_until":null})");
  EXPECT_EQ(own(22), kViewChannel | kSendMessages);
  EXPECT_FALSE(own(404));
}

TEST_F(StateTest, OnlyRolesBelowTheBotsOwnCanBeGiven) {
  arrive();
  EXPECT_EQ(state_.is_assignable(kGuild, RoleId(6)), true);
  EXPECT_EQ(state_.is_assignable(kGuild, RoleId(5)), false) << "above";
  EXPECT_EQ(state_.is_assignable(kGuild, RoleId(7)), false) << "managed, and its own";
  EXPECT_EQ(state_.is_assignable(kGuild, RoleId(1)), false) << "@everyone";
  EXPECT_EQ(state_.is_assignable(kGuild, RoleId(404)), std::nullopt);
  EXPECT_EQ(state_.is_assignable(ServerId(404), RoleId(6)), std::nullopt);
  apply("GUILD_ROLE_UPDATE",
        R"({"guild_id":"1","role":{"id":"6","name":"low","permissions":"0","position":2}})");
  EXPECT_EQ(state_.is_assignable(kGuild, RoleId(6)), false) << "the same height, and the older one is higher";
}

/// Where features ask for none, those that something is posted to are remembered one by one.
TEST_F(StateTest, RemembersSingleChannels) {
  State few({}, metrics_);
  const auto tell = [&](std::string_view event, const std::string& data) {
    few.apply(event, *json::parse(data));
  };
  const std::string guild = R"({"id":"1","owner_id":"2","roles":[{"id":"1","permissions":"3072"}],
      "channels":[{"id":"21","type":0},{"id":"22","type":0,"permission_overwrites":
        [{"id":"1","type":0,"deny":"2048"}]}],"members":[{"user":{"id":"99"},"roles":[]}]})";
  few.session_began(kBot, {}, {kGuild});
  tell("GUILD_CREATE", guild);
  EXPECT_THAT(few.channels(kGuild), IsEmpty());
  EXPECT_FALSE(few.wants("CHANNEL_DELETE"));
  few.remember_channel(kGuild, *json::parse(R"({"id":"22","type":0})"));
  const auto lacks = [&] { return few.own_lacks(kGuild, DiscordChannelId(22), kSendMessages); };
  EXPECT_EQ(lacks(), 0U);
  tell("GUILD_CREATE", guild);
  EXPECT_EQ(lacks(), kSendMessages) << "a new session tells of it anew";
  tell("CHANNEL_UPDATE", R"({"guild_id":"1","id":"21","type":0})");
  ASSERT_EQ(few.channels(kGuild).size(), 1U);
  tell("CHANNEL_UPDATE", R"({"guild_id":"1","id":"22","type":0})");
  EXPECT_EQ(lacks(), 0U);
  EXPECT_TRUE(few.wants("CHANNEL_DELETE"));
  tell("CHANNEL_DELETE", R"({"guild_id":"1","id":"22"})");
  EXPECT_THAT(few.channels(kGuild), IsEmpty());
  EXPECT_FALSE(few.wants("CHANNEL_DELETE"));
}

TEST_F(StateTest, NamesWhatTheBotLacksInAThread) {
  arrive();
  EXPECT_EQ(state_.own_lacks(kGuild, DiscordChannelId(30), kViewChannel | kSendMessages),
            kSendMessagesInThreads);
  EXPECT_EQ(state_.own_lacks(kGuild, DiscordChannelId(), kManageRoles | kSendMessages), kManageRoles);
}

TEST_F(StateTest, FollowsRoles) {
  arrive();
  apply("GUILD_ROLE_CREATE",
        R"({"guild_id":"1","role":{"id":"8","name":"new","permissions":"64","position":1}})");
  const std::vector<RoleId> fresh{RoleId(8)};
  EXPECT_EQ(state_.guild_permissions(kGuild, DiscordUserId(51), fresh), 3072U + 64U);
  apply("GUILD_ROLE_DELETE", R"({"guild_id":"1","role_id":"5"})");
  EXPECT_THAT(roles_of(50), UnorderedElementsAre(RoleId(6)));
  // Its slot is given anew, and nobody has the new role by that.
  apply("GUILD_ROLE_CREATE",
        R"({"guild_id":"1","role":{"id":"9","name":"later","permissions":"8","position":1}})");
  EXPECT_THAT(roles_of(50), UnorderedElementsAre(RoleId(6)));
  // GUILD_UPDATE has all of them, but neither channels nor members.
  apply("GUILD_UPDATE",
        R"({"id":"1","owner_id":"51","roles":[{"id":"1","name":"@everyone","permissions":"1024"}]})");
  EXPECT_THAT(roles_of(50), IsEmpty());
  EXPECT_EQ(state_.guild_permissions(kGuild, kOwner, fresh), 1024U);
  EXPECT_EQ(channel_names().size(), 4U);
}

TEST_F(StateTest, FollowsMembers) {
  arrive();
  apply("GUILD_MEMBER_ADD", R"({"guild_id":"1","user":{"id":"60"},"roles":[]})");
  EXPECT_THAT(state_.roles_of(kGuild, DiscordUserId(60)), testing::Optional(IsEmpty()));
  // A role whose own event is still on its way.
  apply("GUILD_MEMBER_UPDATE", R"({"guild_id":"1","user":{"id":"60"},"roles":["5","77"]})");
  EXPECT_THAT(roles_of(60), UnorderedElementsAre(RoleId(5), RoleId(77)));
  apply(
      "GUILD_MEMBERS_CHUNK",
      R"({"guild_id":"1","members":[{"user":{"id":"61"},"roles":["6"]},{"user":{"id":"60"},"roles":["77"]}]})");
  EXPECT_THAT(roles_of(60), UnorderedElementsAre(RoleId(77)));
  EXPECT_THAT(roles_of(61), UnorderedElementsAre(RoleId(6)));
  apply("GUILD_MEMBER_REMOVE", R"({"guild_id":"1","user":{"id":"60"}})");
  EXPECT_FALSE(state_.roles_of(kGuild, DiscordUserId(60)));
}

/// 0 stands for a free slot within.
TEST_F(StateTest, ARoleZeroIsNone) {
  arrive();
  apply("GUILD_ROLE_DELETE", R"({"guild_id":"1","role_id":"5"})");
  apply("GUILD_ROLE_CREATE", R"({"guild_id":"1","role":{"id":"0","permissions":"8","position":9}})");
  apply("GUILD_ROLE_DELETE", R"({"guild_id":"1","role_id":"0"})");
  apply("GUILD_MEMBER_ADD", R"({"guild_id":"1","user":{"id":"60"},"roles":["0"]})");
  apply("GUILD_ROLE_CREATE", R"({"guild_id":"1","role":{"id":"9","permissions":"8","position":1}})");
  EXPECT_THAT(state_.roles_of(kGuild, DiscordUserId(60)), testing::Optional(IsEmpty()));
  EXPECT_EQ(state_.is_assignable(kGuild, RoleId()), std::nullopt);
}

/// Overwrites of all channels lie in one row: any order of events comes to what each channel was told last.
TEST_F(StateTest, OverwritesAreWhatEachChannelWasToldLast) {
  arrive();
  std::mt19937 random(1);
  std::map<std::int64_t, Permissions> denied;
  for (int step = 0; step < 3'000; ++step) {
    const std::int64_t channel = 100 + static_cast<std::int64_t>(random() % 12);
    if (random() % 4 == 0) {
      apply("CHANNEL_DELETE", fmt::format(R"({{"guild_id":"1","id":"{}"}})", channel));
      denied.erase(channel);
    } else {
      const Permissions deny = random() % 2 == 0 ? kSendMessages : 0;
      std::string overwrites = fmt::format(R"({{"id":"1","type":0,"allow":"0","deny":"{}"}})", deny);
      for (unsigned more = random() % 4; more > 0; --more)
        overwrites += R"(,{"id":"77","type":1,"allow":"0","deny":"1024"})";
      apply("CHANNEL_UPDATE",
            fmt::format(R"({{"guild_id":"1","id":"{}","type":0,"name":"c","permission_overwrites":[{}]}})",
                        channel, overwrites));
      denied[channel] = deny;
    }
    ASSERT_EQ(channel_names().size(), 4 + denied.size());
    for (const auto& [id, deny] : denied)
      ASSERT_EQ(in(id, 51), (kViewChannel | kSendMessages) & ~deny) << step;
  }
}

TEST_F(StateTest, ManyMembersInAnyOrderAreEachThereOnce) {
  arrive();
  std::string members;
  for (int i = 0; i < 5'000; ++i) {
    members += fmt::format(R"({}{{"user":{{"id":"{}"}},"roles":["{}"]}})", i == 0 ? "" : ",",
                           1'000 + i * 7'919 % 2'500, i < 2'500 ? 5 : 6);
  }
  apply("GUILD_MEMBERS_CHUNK", R"({"guild_id":"1","members":[)" + members + "]}");
  EXPECT_THAT(metrics_.text(), HasSubstr("guildhall_discord_members 2502\n"));
  for (int i = 0; i < 2'500; ++i) ASSERT_THAT(roles_of(1'000 + i), UnorderedElementsAre(RoleId(6)));
  EXPECT_THAT(roles_of(50), UnorderedElementsAre(RoleId(5), RoleId(6)));
}

TEST_F(StateTest, MoreRolesThanBitsAreKeptToo) {
  arrive();
  std::string roles;
  for (int i = 0; i < 200; ++i) {
    apply("GUILD_ROLE_CREATE",
          fmt::format(R"({{"guild_id":"1","role":{{"id":"{}","name":"r","permissions":"0","position":1}}}})",
                      1000 + i));
    roles += fmt::format(R"({}"{}")", i == 0 ? "" : ",", 1000 + i);
  }
  apply("GUILD_MEMBER_UPDATE", R"({"guild_id":"1","user":{"id":"50"},"roles":[)" + roles + "]}");
  EXPECT_EQ(roles_of(50).size(), 200U);
  apply("GUILD_ROLE_DELETE", R"({"guild_id":"1","role_id":"1199"})");
  EXPECT_EQ(roles_of(50).size(), 199U);
}

TEST_F(StateTest, FollowsChannels) {
  arrive();
  // The first ones' overwrites are replaced by more, and those of the others stay theirs.
  apply("CHANNEL_UPDATE", R"({"guild_id":"1","id":"21","type":0,"name":"general","permission_overwrites":
    [{"id":"1","type":0,"allow":"0","deny":"1024"}]})");
  EXPECT_EQ(in(21, 51), 0U);
  EXPECT_EQ(in(22, 51), kViewChannel);
  apply("CHANNEL_UPDATE", R"({"guild_id":"1","id":"22","type":0,"name":"loud"})");
  EXPECT_EQ(in(22, 51), kViewChannel | kSendMessages);
  EXPECT_EQ(in(21, 51), 0U);
  apply("CHANNEL_DELETE", R"({"guild_id":"1","id":"21"})");
  apply("THREAD_DELETE", R"({"guild_id":"1","id":"30"})");
  EXPECT_THAT(channel_names(), testing::ElementsAre("rooms", "loud"));
  apply("THREAD_LIST_SYNC", R"({"guild_id":"1","threads":[{"id":"31","type":11,"name":"one","parent_id":"22"},
    {"id":"32","type":11,"name":"two","parent_id":"22"}]})");
  apply("THREAD_UPDATE", R"({"guild_id":"1","id":"31","type":11,"name":"one","parent_id":"22",
    "thread_metadata":{"archived":true}})");
  EXPECT_THAT(channel_names(), testing::ElementsAre("rooms", "loud", "two"));
  apply("CHANNEL_DELETE", R"({"guild_id":"1","id":"22"})");
  EXPECT_THAT(channel_names(), testing::ElementsAre("rooms")) << "a thread goes with its channel";
  apply("CHANNEL_CREATE", R"({"guild_id":"1","id":"23","type":0,"name":"fresh"})");
  EXPECT_THAT(channel_names(), testing::ElementsAre("rooms", "fresh"));
}

TEST_F(StateTest, AnOutageTakesNothingAwayAndARemovalAll) {
  arrive();
  const std::size_t names = state_.name_count();
  EXPECT_EQ(names, 4U);
  apply("GUILD_DELETE", R"({"id":"1","unavailable":true})");
  apply("GUILD_CREATE", R"({"id":"1","unavailable":true})");
  EXPECT_EQ(channel_names().size(), 4U);
  arrive();
  EXPECT_EQ(state_.name_count(), names) << "names are held twice";
  apply("GUILD_DELETE", R"({"id":"1"})");
  EXPECT_FALSE(state_.knows(kGuild));
  EXPECT_EQ(state_.name_count(), 0U);
}

TEST_F(StateTest, GuildsOfItsShardThatReadyDoesNotListAreGone) {
  arrive();
  // 4194304 is of the other shard.
  apply("GUILD_CREATE", R"({"id":"4194304","owner_id":"2"})");
  state_.session_began(kBot, {0, 2}, {});
  EXPECT_FALSE(state_.knows(kGuild));
  EXPECT_TRUE(state_.knows(ServerId(4194304)));
}

TEST_F(StateTest, UnknownGuildsAndBrokenEventsAreHarmless) {
  for (const std::string event : {"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "GUILD_ROLE_CREATE",
                                  "GUILD_ROLE_DELETE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "GUILD_MEMBER_ADD",
                                  "GUILD_MEMBER_REMOVE", "GUILD_MEMBERS_CHUNK", "READY", "NOBODY_KNOWS"}) {
    for (const std::string data : {"{}", "null", "[]", R"({"guild_id":"5","id":"6","user":{},"role":{}})"})
      apply(event, data);
  }
  arrive();
  for (const std::string data :
       {R"({"guild_id":"1"})", R"({"guild_id":"1","user":3,"role":[],"members":{}})"}) {
    for (const std::string event :
         {"GUILD_ROLE_CREATE", "CHANNEL_UPDATE", "GUILD_MEMBER_ADD", "GUILD_MEMBERS_CHUNK"})
      apply(event, data);
  }
  EXPECT_EQ(channel_names().size(), 4U);
  EXPECT_FALSE(state_.knows(ServerId(5)));
}

TEST_F(StateTest, KeepsWhatIsAskedForAndNoMore) {
  State lean({}, metrics_);
  lean.session_began(kBot, {}, {kGuild});
  lean.apply(
      "GUILD_CREATE",
      *json::parse(R"({"id":"1","owner_id":"2","roles":[{"id":"1","name":"@everyone","permissions":"8"}],
    "channels":[{"id":"20","type":0,"name":"general"}],"members":[{"user":{"id":"50"},"roles":[]}]})"));
  EXPECT_EQ(lean.guild_permissions(kGuild, DiscordUserId(50), {}), kAllPermissions);
  EXPECT_THAT(lean.channels(kGuild), IsEmpty());
  EXPECT_FALSE(lean.roles_of(kGuild, DiscordUserId(50)));
}

TEST_F(StateTest, SaysHowMuchItKeeps) {
  arrive();
  EXPECT_THAT(metrics_.text(), HasSubstr("guildhall_discord_guilds 1\n"));
  EXPECT_THAT(metrics_.text(), HasSubstr("guildhall_discord_channels 4\n"));
  EXPECT_THAT(metrics_.text(), HasSubstr("guildhall_discord_members 2\n"));
  apply("GUILD_DELETE", R"({"id":"1"})");
  EXPECT_THAT(metrics_.text(), HasSubstr("guildhall_discord_guilds 0\n"));
  EXPECT_THAT(metrics_.text(), HasSubstr("guildhall_discord_members 0\n"));
}

/// As large as a server of a club: 10 roles, 15 channels with two overwrites each.
TEST_F(StateTest, AServerOfAHundredMembersTakesLessThan4kB) {
  const auto bytes = [&] {
    const std::string text = metrics_.text();
    const std::string name = "\nguildhall_discord_state_bytes ";
    return std::stol(text.substr(text.find(name) + name.size()));
  };
  const auto list = [](int count, const std::function<std::string(int)>& one) {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i == 0 ? "" : ",") + one(i);
    return all;
  };
  const std::string roles =
      list(10, [](int i) { return fmt::format(R"({{"id":"{}","name":"r","permissions":"0"}})", 100 + i); });
  const std::string channels = list(15, [](int i) {
    return fmt::format(
        R"({{"id":"{}","type":0,"name":"channel {}","permission_overwrites":[)"
        R"({{"id":"1","type":0,"allow":"0","deny":"1"}},{{"id":"100","type":0,"allow":"1","deny":"0"}}]}})",
        200 + i, i);
  });
  const std::string members = list(
      100, [](int i) { return fmt::format(R"({{"user":{{"id":"{}"}},"roles":["100","101"]}})", 1'000 + i); });
  const std::string lists =
      fmt::format(R"("roles":[{}],"channels":[{}],"members":[{}])", roles, channels, members);
  const auto before = bytes();
  for (int i = 1; i <= 20; ++i) apply("GUILD_CREATE", fmt::format(R"({{"id":"{}",{}}})", i, lists));
  EXPECT_LT(bytes() - before, 20 * 4'096);
  EXPECT_GT(bytes() - before, 20 * 100 * 16) << "an id and roles of each";
  for (int i = 1; i <= 20; ++i) apply("GUILD_DELETE", fmt::format(R"({{"id":"{}"}})", i));
  EXPECT_LT(bytes(), 4'096) << "but for free places of names";
}

TEST_F(StateTest, SaysWhatItTakesAfterAnyEvent) {
  arrive();
  for (int i = 0; i < 300; ++i) {
    apply("GUILD_ROLE_CREATE", fmt::format(R"({{"guild_id":"1","role":{{"id":"{}"}}}})", 300 + i));
    apply("CHANNEL_CREATE",
          fmt::format(R"({{"guild_id":"1","id":"{}","name":"a name of its own {}"}})", 900 + i, i));
    apply("GUILD_MEMBER_ADD",
          fmt::format(R"({{"guild_id":"1","user":{{"id":"{}"}},"roles":["7","{}"]}})", 99 + i, 300 + i));
  }
  const auto line = [&] {
    const std::string text = metrics_.text();
    return text.substr(text.find("\nguildhall_discord_state_bytes "));
  };
  const std::string grown = line();
  apply("GUILD_DELETE", R"({"id":"1"})");
  const std::string empty = line();
  EXPECT_NE(grown, empty);
  arrive();
  apply("GUILD_DELETE", R"({"id":"1"})");
  EXPECT_EQ(line(), empty) << "what comes goes";
}

TEST(NamePool, GivesEachNameOnceAndForgetsIt) {
  NamePool pool;
  const auto first = pool.hold("general");
  EXPECT_EQ(pool.hold("general"), first);
  const auto other = pool.hold("");
  pool.release(first);
  EXPECT_EQ(pool.text(first), "general");
  pool.release(first);
  EXPECT_EQ(pool.size(), 1U);
  EXPECT_EQ(pool.hold("something else entirely, longer than what fits in place"), first)
      << "the number is free";
  EXPECT_EQ(pool.text(other), "");
}

}  // namespace
}  // namespace guildhall::discord
