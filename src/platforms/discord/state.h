// What is remembered of the guilds that a bot is in: as little as features ask for, in as little memory as
// it takes (a guild of 100 members, 15 channels and 10 roles: under 4 kB). It follows the gateway's events,
// so it is as right as those: any may come twice, late or never. Whoever acts on it must bear a refusal.
//
// Lives on the gateway's loop, like everything that asks it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/json.h"
#include "base/metrics.h"
#include "platforms/discord/name_pool.h"
#include "platforms/discord/permissions.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

/// What features ask for beside guilds, their owners and roles, and the bot's own roles. With either of these
/// a session from before a restart is not resumed, since it tells of no guild again. Of members GUILD_CREATE
/// tells all in small guilds only; the gateway asks for the others.
struct StateNeeds {
  bool channels = false;  // with their overwrites, threads too
  bool members = false;   // everybody that Discord tells of, with roles
};

struct ChannelInfo {
  DiscordChannelId id;
  DiscordChannelId parent;  // a category, or of a thread its channel; 0: none
  int type = 0;             // Discord's number
  std::string name;
};

class State {
 public:
  /// `metrics` outlives it.
  State(StateNeeds needs, Metrics& metrics);
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// A new session has begun: of the guilds of its shard those that are not listed are gone.
  void session_began(DiscordUserId self, Shard shard, const std::unordered_set<ServerId>& listed);
  void self_is(DiscordUserId self) { self_ = self; }
  DiscordUserId self() const { return self_; }
  /// Nobody tells of this shard's guilds any more.
  void forget(Shard shard) { session_began(self_, shard, {}); }
  /// Is more needed than what GET /guilds/{id} gives?
  bool is_filled_by_guilds() const { return needs_.channels || needs_.members; }
  bool keeps_members() const { return needs_.members; }
  /// Does this event change anything here?
  bool wants(std::string_view event) const;
  /// Takes an event over. What lacks its ids is passed over.
  void apply(std::string_view event, const json::Value& data);
  /// A guild as GUILD_CREATE or GET /guilds/{id} has it: what is absent there stays as it is known.
  void put_guild(const json::Value& guild);
  /// Remembers one channel of a known guild from now on, though not all are needed; before a thread its
  /// parent.
  void remember_channel(ServerId guild, const json::Value& channel);

  bool knows(ServerId guild) const { return guilds_.contains(guild); }
  /// Empty: the guild is not known.
  std::optional<Permissions> guild_permissions(ServerId guild, DiscordUserId user,
                                               std::span<const RoleId> roles) const;
  /// Empty: the guild is not known.
  std::optional<DiscordUserId> owner(ServerId guild) const;
  /// Those that are of use there. Empty: guild or channel is not known. A thread has its parent's overwrites.
  std::optional<Permissions> channel_permissions(ServerId guild, DiscordChannelId channel,
                                                 const Holder& holder) const;
  /// The bot's own. Empty also when its roles in that guild are not known.
  std::optional<Permissions> own_permissions(ServerId guild, DiscordChannelId channel, TimePoint now) const;
  /// Empty: not known, who may be a member all the same.
  std::optional<std::vector<RoleId>> roles_of(ServerId guild, DiscordUserId member) const;
  /// Those of `needed` that the bot lacks for certain, in a channel or (channel 0) in the guild as a whole.
  /// What is not known counts as held; timeouts are apart.
  Permissions own_lacks(ServerId guild, DiscordChannelId channel, Permissions needed) const;
  /// The bot may only read in this guild; as far as is known.
  bool is_timed_out(ServerId guild, TimePoint now) const;
  /// By id.
  std::vector<ChannelInfo> channels(ServerId guild) const;
  /// May the bot give and take this role: it is below the bot's own highest, and nobody else manages it?
  /// Empty: the guild, the role or the bot's own roles are not known.
  std::optional<bool> is_assignable(ServerId guild, RoleId role) const;

  std::size_t guild_count() const { return guilds_.size(); }
  std::size_t name_count() const { return names_.size(); }

 private:
  struct RoleEntry {
    RoleId id;  // 0: a slot that is free
    Permissions permissions = 0;
    std::int32_t position = 0;
    bool managed = false;
  };
  struct ChannelEntry {
    DiscordChannelId id;
    DiscordChannelId parent;
    NamePool::Id name = 0;
    std::uint32_t first = 0;  // of its overwrites
    std::uint32_t count = 0;
    std::uint8_t type = 0;
  };
  struct MemberEntry {
    DiscordUserId id;
    std::uint64_t roles = 0;  // bit n: the role in slot n
  };
  struct RoleBeyond {
    DiscordUserId id;  // the member's
    RoleId role;
  };
  struct Guild {
    DiscordUserId owner;
    std::vector<RoleEntry> roles;        // a role keeps its slot
    std::vector<ChannelEntry> channels;  // by id
    std::vector<Overwrite> overwrites;   // of all channels, each one's together
    std::vector<MemberEntry> members;    // by id
    std::vector<RoleBeyond> beyond;      // roles of members that have no bit
    std::optional<std::vector<RoleId>> own_roles;
    TimePoint own_timeout{};  // until then the bot may only read
  };
  /// Read by whoever looks at the metrics, on any thread, also when the state is gone.
  struct Counts {
    std::atomic<std::int64_t> guilds = 0;
    std::atomic<std::int64_t> channels = 0;
    std::atomic<std::int64_t> members = 0;
    std::atomic<std::int64_t> bytes = 0;
  };
  /// Keeps the counts right over a change of a guild.
  class Recount {
   public:
    Recount(State& state, const Guild& guild) : state_(state), guild_(guild) { state_.count(guild_, -1); }
    ~Recount() { state_.count(guild_, 1); }
    Recount(const Recount&) = delete;
    Recount& operator=(const Recount&) = delete;

   private:
    State& state_;
    const Guild& guild_;
  };
  struct Event {
    std::string_view name;
    void (State::*take)(const json::Value& data);
    bool StateNeeds::* need;  // null: always of use
  };
  static constexpr std::size_t kEventCount = 17;
  static const std::array<Event, kEventCount> kEvents;

  void guild_updated(const json::Value& data);
  void guild_deleted(const json::Value& data);
  void role_saved(const json::Value& data);
  void role_deleted(const json::Value& data);
  void channel_saved(const json::Value& data);
  void channel_deleted(const json::Value& data);
  void threads_listed(const json::Value& data);
  void member_saved(const json::Value& data);
  void member_removed(const json::Value& data);
  void members_listed(const json::Value& data);

  Guild* find(ServerId guild);
  const Guild* find(ServerId guild) const;
  Guild* guild_of(const json::Value& data);

  void put_roles(Guild& guild, const json::Array& roles);
  void put_role(Guild& guild, const json::Value& role);
  void remove_role(Guild& guild, RoleId role);
  void put_channels(Guild& guild, const json::Array& channels);
  void put_channel(Guild& guild, const json::Value& channel);
  void remove_channel(Guild& guild, DiscordChannelId channel);
  void remove_threads(Guild& guild, DiscordChannelId parent);
  void put_overwrites(Guild& guild, ChannelEntry& channel, const json::Array& overwrites);
  void put_members(Guild& guild, const json::Array& members);
  void put_member(Guild& guild, const json::Value& member);
  void note_self(Guild& guild, const json::Value& member);
  std::optional<MemberEntry> read_member(Guild& guild, const json::Value& member);
  void remove_guild(ServerId id);
  void count(const Guild& guild, std::int64_t sign);
  void show_totals();
  /// Of its lists, as much as they hold ready.
  static std::size_t bytes_of(const Guild& guild);

  /// Whose overwrites count in a channel, and how it is; null: it is not known, or its parent is not.
  struct Ruling {
    const ChannelEntry* entry = nullptr;
    ChannelKind kind = ChannelKind::text;
  };
  static Ruling ruling_of(const Guild& guild, DiscordChannelId channel);
  static Permissions permissions_by(const Guild& guild, ServerId id, const ChannelEntry& ruling,
                                    const Holder& holder);
  static const ChannelEntry* channel_of(const Guild& guild, DiscordChannelId id);
  static const RoleEntry* role_of(const Guild& guild, RoleId id);
  static Permissions permissions_in(const Guild& guild, ServerId id, DiscordUserId user,
                                    std::span<const RoleId> roles);

  StateNeeds needs_;
  DiscordUserId self_;
  NamePool names_;
  std::unordered_map<ServerId, Guild> guilds_;
  std::int64_t list_bytes_ = 0;
  std::shared_ptr<Counts> counts_;
};

}  // namespace guildhall::discord
