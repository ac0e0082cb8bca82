#include "platforms/discord/permissions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "base/json.h"
#include "platforms/discord/parse.h"

namespace guildhall::discord {
namespace {

constexpr ServerId kGuild{1};
constexpr DiscordUserId kMember{7};
constexpr Permissions kBasics = kViewChannel | kSendMessages | kReadMessageHistory;

TEST(PermissionVectors, AllAgree) {
  std::ifstream file(GUILDHALL_SOURCE_DIR "/tests/fixtures/official/vectors.json");
  std::stringstream text;
  text << file.rdbuf();
  const json::Value vectors = *json::parse(text.str());
  EXPECT_EQ(read_permissions(vectors, "permissions_all"), kAllPermissions);
  std::size_t checked = 0;
  for (const json::Value& vector : json::array(vectors, "permissions")) {
    std::vector<RoleId> held;
    std::vector<std::string> names;
    Permissions bits = read_permissions(vector, "everyone");
    for (const auto& role : json::find(vector, "roles")->get_object()) {
      held.emplace_back(static_cast<std::int64_t>(held.size()) + 100);
      names.emplace_back(role.key());
      bits |= std::stoull(std::string(role.value().get_string()));
    }
    std::vector<Overwrite> overwrites;
    for (const auto& [key, value] : json::find(vector, "overwrites")->get_object()) {
      const auto role = std::ranges::find(names, std::string_view(key));
      Overwrite one{kGuild.value(), false, read_permissions(value, "allow"), read_permissions(value, "deny")};
      if (key == "member") one.id = kMember.value(), one.of_member = true;
      if (role != names.end()) one.id = held[static_cast<std::size_t>(role - names.begin())].value();
      overwrites.push_back(one);
    }
    const bool owner = json::boolean(vector, "owner").value_or(false);
    const Holder holder{kMember, held, json::boolean(vector, "timed_out").value_or(false)};
    EXPECT_EQ(channel_permissions(guild_permissions(owner, bits), kGuild, holder, overwrites),
              read_permissions(vector, "expected"))
        << json::text_or(vector, "name", "");
    ++checked;
  }
  EXPECT_EQ(checked, 8U);
}

TEST(Permissions, AreNamedAsDiscordNamesThem) {
  EXPECT_EQ(permission_names(kManageGuild), "\"Manage Server\"");
  EXPECT_EQ(permission_names(kPinMessages | kSendMessages | kViewChannel),
            "\"View Channels\", \"Send Messages\" and \"Pin Messages\"");
  EXPECT_EQ(permission_names(permission_bit(60)), "the permission of bit 60");
}

TEST(Permissions, WithoutSeeingOrSendingTheRestIsOfNoUse) {
  const auto in_channel = [](Permissions held, ChannelKind kind = ChannelKind::text) {
    return usable_permissions(held, kind);
  };
  EXPECT_EQ(in_channel(kSendMessages | kEmbedLinks), 0U);
  EXPECT_EQ(in_channel(kViewChannel | kEmbedLinks | kAttachFiles | kMentionEveryone | kSendTtsMessages),
            kViewChannel);
  EXPECT_EQ(in_channel(kBasics | kEmbedLinks), kBasics | kEmbedLinks);
  // In a thread it is another permission that lets one send.
  EXPECT_EQ(in_channel(kBasics | kEmbedLinks, ChannelKind::thread), kViewChannel | kReadMessageHistory);
  const Permissions in_threads = kViewChannel | kSendMessagesInThreads | kEmbedLinks;
  EXPECT_EQ(in_channel(in_threads, ChannelKind::thread), in_threads | kSendMessages);
  EXPECT_EQ(in_channel(kBasics, ChannelKind::voice), kViewChannel);
  EXPECT_EQ(in_channel(kBasics | kConnect, ChannelKind::voice), kBasics | kConnect);
}

TEST(Permissions, ManagersAreTold) {
  EXPECT_TRUE(may_manage(kManageGuild));
  EXPECT_TRUE(may_manage(kAdministrator));
  EXPECT_FALSE(may_manage(kViewChannel));
}

/// The documentation's own words, one step after the other, with the roles in any order.
Permissions by_the_book(Permissions in_guild, const Holder& holder,
                        const std::vector<Overwrite>& overwrites) {
  if ((in_guild & kAdministrator) != 0) return kAllPermissions;
  Permissions permissions = in_guild;
  for (const Overwrite& one : overwrites) {
    if (one.of_member || one.id != kGuild.value()) continue;
    permissions &= ~one.deny;
    permissions |= one.allow;
  }
  Permissions allow = 0;
  Permissions deny = 0;
  for (const RoleId role : holder.roles) {
    for (const Overwrite& one : overwrites) {
      if (one.of_member || one.id != role.value()) continue;
      allow |= one.allow;
      deny |= one.deny;
    }
  }
  permissions &= ~deny;
  permissions |= allow;
  for (const Overwrite& one : overwrites) {
    if (!one.of_member || one.id != holder.user.value()) continue;
    permissions &= ~one.deny;
    permissions |= one.allow;
  }
  return permissions;
}

TEST(Permissions, TheOrderOfOverwritesDoesNotMatter) {
  std::mt19937_64 random(1);
  // So that what is missing takes nothing else with it.
  const Permissions basics = kBasics | kConnect;
  const auto some = [&] { return random() & kAllPermissions & ~basics & ~kAdministrator; };
  for (int round = 0; round < 2'000; ++round) {
    std::vector<RoleId> held;
    std::vector<Overwrite> overwrites;
    if (random() % 2 == 0) overwrites.push_back({kGuild.value(), false, some(), some()});
    for (std::int64_t role = 100; role < 108; ++role) {
      if (random() % 2 == 0) held.emplace_back(role);
      if (random() % 2 == 0) overwrites.push_back({role, false, some(), some()});
    }
    if (random() % 2 == 0) overwrites.push_back({kMember.value(), true, some(), some()});
    overwrites.push_back({kMember.value() + 1, true, some(), some()});
    // A role with the member's number is no member.
    overwrites.push_back({kMember.value(), false, some(), some()});
    const Permissions in_guild = some() | basics;
    const Holder holder{kMember, held};
    const Permissions expected = by_the_book(in_guild, holder, overwrites);
    std::ranges::shuffle(overwrites, random);
    ASSERT_EQ(channel_permissions(in_guild, kGuild, holder, overwrites), expected);
    ASSERT_EQ(channel_permissions(in_guild | kAdministrator, kGuild, holder, overwrites), kAllPermissions);
  }
}

}  // namespace
}  // namespace guildhall::discord
