#include "platforms/discord/state.h"

#include <algorithm>
#include <utility>

#include "platforms/discord/parse.h"

namespace guildhall::discord {
namespace {

constexpr std::size_t kSlotsWithBit = 64;
constexpr RoleId kFreeSlot{};
/// What a hash table needs beside each entry: two links, its hash, its share of the heap's own books.
constexpr std::size_t kTableEntry = 32;

/// Threads of all sorts; source: developer documentation, "Channel Types".
constexpr bool is_thread(int type) { return type >= 10 && type <= 12; }
constexpr bool is_voice(int type) { return type == 2 || type == 13; }

ChannelKind kind_of(int type) {
  if (is_thread(type)) return ChannelKind::thread;
  return is_voice(type) ? ChannelKind::voice : ChannelKind::text;
}

template <class Entries, class Id>
auto place_of(Entries& entries, Id id) {
  return std::ranges::lower_bound(entries, id, {}, [](const auto& entry) { return entry.id; });
}

/// The entry with this id among those that lie by id, made if need be.
template <class Entries, class Id>
auto& entry_of(Entries& entries, Id id) {
  auto at = place_of(entries, id);
  if (at == entries.end() || at->id != id) {
    at = entries.emplace(at);
    at->id = id;
  }
  return *at;
}

template <class Entries, class Id>
auto* known_entry(Entries& entries, Id id) {
  const auto at = place_of(entries, id);
  return at != entries.end() && at->id == id ? &*at : nullptr;
}

std::optional<DiscordUserId> user_in(const json::Value& member) {
  const json::Value* user = json::find(member, "user");
  return user == nullptr ? std::nullopt : read_id<DiscordUserId>(*user, "id");
}

}  // namespace

/// The most frequent first.
const std::array<State::Event, State::kEventCount> State::kEvents{{
    {"GUILD_MEMBER_UPDATE", &State::member_saved, nullptr},
    {"GUILD_MEMBER_ADD", &State::member_saved, nullptr},
    {"GUILD_MEMBER_REMOVE", &State::member_removed, &StateNeeds::members},
    {"GUILD_MEMBERS_CHUNK", &State::members_listed, &StateNeeds::members},
    {"GUILD_CREATE", &State::put_guild, nullptr},
    {"GUILD_UPDATE", &State::guild_updated, nullptr},
    {"GUILD_DELETE", &State::guild_deleted, nullptr},
    {"GUILD_ROLE_CREATE", &State::role_saved, nullptr},
    {"GUILD_ROLE_UPDATE", &State::role_saved, nullptr},
    {"GUILD_ROLE_DELETE", &State::role_deleted, nullptr},
    {"CHANNEL_CREATE", &State::channel_saved, &StateNeeds::channels},
    {"CHANNEL_UPDATE", &State::channel_saved, &StateNeeds::channels},
    {"CHANNEL_DELETE", &State::channel_deleted, &StateNeeds::channels},
    {"THREAD_CREATE", &State::channel_saved, &StateNeeds::channels},
    {"THREAD_UPDATE", &State::channel_saved, &StateNeeds::channels},
    {"THREAD_DELETE", &State::channel_deleted, &StateNeeds::channels},
    {"THREAD_LIST_SYNC", &State::threads_listed, &StateNeeds::channels},
}};

State::State(StateNeeds needs, Metrics& metrics) : needs_(needs), counts_(std::make_shared<Counts>()) {
  const auto show = [&](std::string_view name, std::string_view help,
                        std::atomic<std::int64_t> Counts::* of) {
    metrics.gauge(name, help, [counts = counts_, of] { return static_cast<double>((*counts.*of).load()); });
  };
  show("guildhall_discord_guilds", "Guilds that are remembered.", &Counts::guilds);
  show("guildhall_discord_channels", "Channels and threads that are remembered.", &Counts::channels);
  show("guildhall_discord_members", "Members that are remembered.", &Counts::members);
  show("guildhall_discord_state_bytes", "Memory that all of them take.", &Counts::bytes);
}

// Events ------------------------------------------------------------------------------------------------

bool State::wants(std::string_view event) const {
  const auto known = std::ranges::find(kEvents, event, &Event::name);
  if (known == kEvents.end()) return false;
  const bool of_channels = known->need == &StateNeeds::channels;
  return known->need == nullptr || needs_.*known->need || (of_channels && counts_->channels > 0);
}

void State::apply(std::string_view event, const json::Value& data) {
  const auto known = std::ranges::find(kEvents, event, &Event::name);
  if (known != kEvents.end()) (this->*known->take)(data);
}

void State::session_began(DiscordUserId self, Shard shard, const std::unordered_set<ServerId>& listed) {
  self_ = self;
  std::vector<ServerId> gone;
  for (const auto& [id, guild] : guilds_) {
    if (shard.has(id) && !listed.contains(id)) gone.push_back(id);
  }
  for (const ServerId id : gone) remove_guild(id);
}

void State::put_guild(const json::Value& data) {
  const auto id = read_id<ServerId>(data, "id");
  if (!id || json::boolean(data, "unavailable").value_or(false)) return;
  Guild& guild = guilds_[*id];
  const Recount recount(*this, guild);
  if (const auto owner = read_id<DiscordUserId>(data, "owner_id")) guild.owner = *owner;
  if (json::find(data, "roles") != nullptr) put_roles(guild, json::array(data, "roles"));
  if (json::find(data, "channels") != nullptr) put_channels(guild, json::array(data, "channels"));
  if (needs_.channels) {
    for (const json::Value& thread : json::array(data, "threads")) put_channel(guild, thread);
  }
  if (json::find(data, "members") != nullptr) {  // anew: who left meanwhile is not told of
    guild.members.clear();
    guild.beyond.clear();
    put_members(guild, json::array(data, "members"));
  }
}

void State::guild_updated(const json::Value& data) {
  const auto id = read_id<ServerId>(data, "id");
  if (id && knows(*id)) put_guild(data);
}

/// An outage takes nothing away.
void State::guild_deleted(const json::Value& data) {
  const auto id = read_id<ServerId>(data, "id");
  if (id && !json::boolean(data, "unavailable").value_or(false)) remove_guild(*id);
}

void State::role_saved(const json::Value& data) {
  Guild* guild = guild_of(data);
  const json::Value* role = json::find(data, "role");
  if (guild == nullptr || role == nullptr) return;
  const Recount recount(*this, *guild);
  put_role(*guild, *role);
}

void State::role_deleted(const json::Value& data) {
  Guild* guild = guild_of(data);
  const auto role = read_id<RoleId>(data, "role_id");
  if (guild == nullptr || !role) return;
  const Recount recount(*this, *guild);
  remove_role(*guild, *role);
}

void State::channel_saved(const json::Value& data) {
  Guild* guild = guild_of(data);
  const auto channel = read_id<DiscordChannelId>(data, "id");
  if (guild == nullptr || !channel) return;
  if (!needs_.channels && channel_of(*guild, *channel) == nullptr) return;
  const Recount recount(*this, *guild);
  put_channel(*guild, data);
}

void State::remember_channel(ServerId id, const json::Value& channel) {
  Guild* guild = find(id);
  if (guild == nullptr) return;
  const Recount recount(*this, *guild);
  put_channel(*guild, channel);
}

/// The threads that are alive in some channels, or in all.
void State::threads_listed(const json::Value& data) {
  Guild* guild = guild_of(data);
  if (guild == nullptr || !needs_.channels) return;
  const Recount recount(*this, *guild);
  for (const json::Value& thread : json::array(data, "threads")) put_channel(*guild, thread);
}

void State::channel_deleted(const json::Value& data) {
  Guild* guild = guild_of(data);
  const auto channel = read_id<DiscordChannelId>(data, "id");
  if (guild == nullptr || !channel) return;
  const Recount recount(*this, *guild);
  remove_channel(*guild, *channel);
}

void State::member_saved(const json::Value& data) {
  Guild* guild = guild_of(data);
  if (guild == nullptr) return;
  const Recount recount(*this, *guild);
  put_member(*guild, data);
}

void State::member_removed(const json::Value& data) {
  Guild* guild = guild_of(data);
  const auto user = user_in(data);
  if (guild == nullptr || !user) return;
  const Recount recount(*this, *guild);
  std::erase_if(guild->beyond, [&](const RoleBeyond& one) { return one.id == *user; });
  const auto at = place_of(guild->members, *user);
  if (at != guild->members.end() && at->id == *user) guild->members.erase(at);
}

void State::members_listed(const json::Value& data) {
  Guild* guild = guild_of(data);
  if (guild == nullptr) return;
  const Recount recount(*this, *guild);
  put_members(*guild, json::array(data, "members"));
}

// Roles --------------------------------------------------------------------------------------------------

void State::put_roles(Guild& guild, const json::Array& roles) {
  guild.roles.reserve(roles.size());
  std::vector<RoleId> named;
  named.reserve(roles.size());
  for (const json::Value& role : roles) {
    if (const auto id = read_id<RoleId>(role, "id")) named.push_back(*id);
  }
  for (RoleEntry& known : guild.roles) {
    if (known.id != kFreeSlot && std::ranges::find(named, known.id) == named.end())
      remove_role(guild, known.id);
  }
  for (const json::Value& role : roles) put_role(guild, role);
}

void State::put_role(Guild& guild, const json::Value& role) {
  const auto id = read_id<RoleId>(role, "id");
  if (!id || *id == kFreeSlot) return;
  auto at = std::ranges::find(guild.roles, *id, &RoleEntry::id);
  if (at == guild.roles.end()) at = std::ranges::find(guild.roles, kFreeSlot, &RoleEntry::id);
  if (at == guild.roles.end()) at = guild.roles.emplace(at);
  *at = {*id, read_permissions(role, "permissions"),
         static_cast<std::int32_t>(json::integer(role, "position").value_or(0)),
         json::boolean(role, "managed").value_or(false)};
}

void State::remove_role(Guild& guild, RoleId role) {
  const auto at = std::ranges::find(guild.roles, role, &RoleEntry::id);
  if (role == kFreeSlot || at == guild.roles.end()) return;
  *at = {};
  const auto slot = static_cast<std::size_t>(at - guild.roles.begin());
  if (slot < kSlotsWithBit) {
    for (MemberEntry& member : guild.members) member.roles &= ~(std::uint64_t{1} << slot);
  }
  std::erase_if(guild.beyond, [&](const RoleBeyond& one) { return one.role == role; });
  if (guild.own_roles) std::erase(*guild.own_roles, role);
}

// Channels -----------------------------------------------------------------------------------------------

/// All of them anew, or where not all are needed those that are remembered; a guild has 500 at most.
void State::put_channels(Guild& guild, const json::Array& channels) {
  const std::vector<ChannelEntry> before = std::exchange(guild.channels, {});
  for (const ChannelEntry& known : before) names_.release(known.name);
  guild.overwrites.clear();
  if (needs_.channels) guild.channels.reserve(channels.size());
  for (const json::Value& channel : channels) {
    const auto id = read_id<DiscordChannelId>(channel, "id");
    if (needs_.channels || (id && known_entry(before, *id) != nullptr)) put_channel(guild, channel);
  }
}

void State::put_channel(Guild& guild, const json::Value& channel) {
  const auto id = read_id<DiscordChannelId>(channel, "id");
  if (!id) return;
  if (const json::Value* thread = json::find(channel, "thread_metadata");
      thread != nullptr && json::boolean(*thread, "archived").value_or(false))
    return remove_channel(guild, *id);
  const bool known = known_entry(guild.channels, *id) != nullptr;
  ChannelEntry& entry = entry_of(guild.channels, *id);
  const NamePool::Id name = names_.hold(json::text_or(channel, "name", ""));
  if (known) names_.release(entry.name);
  entry.name = name;
  entry.parent = read_id<DiscordChannelId>(channel, "parent_id").value_or(DiscordChannelId());
  entry.type = static_cast<std::uint8_t>(json::integer(channel, "type").value_or(0));
  put_overwrites(guild, entry, json::array(channel, "permission_overwrites"));
}

/// Those of before go, and the others move up.
void State::put_overwrites(Guild& guild, ChannelEntry& channel, const json::Array& overwrites) {
  if (channel.count > 0) {
    const auto first = guild.overwrites.begin() + channel.first;
    guild.overwrites.erase(first, first + channel.count);
    for (ChannelEntry& other : guild.channels) {
      if (other.first > channel.first) other.first -= channel.count;
    }
  }
  channel.first = static_cast<std::uint32_t>(guild.overwrites.size());
  for (const json::Value& one : overwrites) {
    const auto id = json::id(one, "id");
    if (!id) continue;
    guild.overwrites.push_back({*id, json::integer(one, "type") == 1, read_permissions(one, "allow"),
                                read_permissions(one, "deny")});
  }
  channel.count = static_cast<std::uint32_t>(guild.overwrites.size() - channel.first);
}

void State::remove_channel(Guild& guild, DiscordChannelId channel) {
  ChannelEntry* known = known_entry(guild.channels, channel);
  if (known == nullptr) return;
  put_overwrites(guild, *known, {});
  names_.release(known->name);
  guild.channels.erase(place_of(guild.channels, channel));
  remove_threads(guild, channel);
}

/// They go with their channel, without a word of Discord's.
void State::remove_threads(Guild& guild, DiscordChannelId parent) {
  std::vector<DiscordChannelId> threads;
  for (const ChannelEntry& one : guild.channels) {
    if (is_thread(one.type) && one.parent == parent) threads.push_back(one.id);
  }
  for (const DiscordChannelId thread : threads) remove_channel(guild, thread);
}

// Members ------------------------------------------------------------------------------------------------

void State::put_member(Guild& guild, const json::Value& member) {
  note_self(guild, member);
  if (!needs_.members) return;
  if (const auto read = read_member(guild, member)) {
    entry_of(guild.members, read->id) = *read;
    std::ranges::sort(guild.beyond, {}, &RoleBeyond::id);
  }
}

/// Many at once are put in order once. The last word about a member counts.
void State::put_members(Guild& guild, const json::Array& members) {
  std::vector<std::pair<MemberEntry, std::size_t>> fresh;  // and how many came before
  if (needs_.members) fresh.reserve(members.size());
  for (const json::Value& member : members) {
    note_self(guild, member);
    const auto read = needs_.members ? read_member(guild, member) : std::nullopt;
    if (read) fresh.emplace_back(*read, fresh.size());
  }
  std::ranges::sort(guild.beyond, {}, &RoleBeyond::id);
  std::ranges::sort(fresh, {}, [](const auto& one) { return std::pair(one.first.id, one.second); });
  std::vector<MemberEntry> merged;
  merged.reserve(guild.members.size() + fresh.size());
  auto old = guild.members.cbegin();
  for (const auto& [entry, order] : fresh) {
    for (; old != guild.members.cend() && old->id <= entry.id; ++old) merged.push_back(*old);
    if (merged.empty() || merged.back().id != entry.id) merged.emplace_back();
    merged.back() = entry;
  }
  merged.insert(merged.end(), old, guild.members.cend());
  guild.members = std::move(merged);
}

/// What an event does not say is as it was.
void State::note_self(Guild& guild, const json::Value& member) {
  const auto user = user_in(member);
  if (!user || *user != self_) return;
  if (json::find(member, "roles") != nullptr) guild.own_roles = read_role_ids(member);
  if (member.get_object().contains("communication_disabled_until"))
    guild.own_timeout = json::time(member, "communication_disabled_until").value_or(TimePoint());
}

/// Empty: it says nothing of roles. Roles without a bit are put behind the others; to be sorted.
std::optional<State::MemberEntry> State::read_member(Guild& guild, const json::Value& member) {
  const auto user = user_in(member);
  if (!user || json::find(member, "roles") == nullptr) return std::nullopt;
  const auto before = std::ranges::equal_range(guild.beyond, *user, {}, &RoleBeyond::id);
  guild.beyond.erase(before.begin(), before.end());
  MemberEntry entry{*user};
  for (const RoleId role : read_role_ids(member)) {
    const auto at = std::ranges::find(guild.roles, role, &RoleEntry::id);
    const auto slot = static_cast<std::size_t>(at - guild.roles.begin());
    if (role == kFreeSlot) continue;
    if (at != guild.roles.end() && slot < kSlotsWithBit) {
      entry.roles |= std::uint64_t{1} << slot;
    } else {  // there are more roles than bits, or this one's event is still on its way
      guild.beyond.push_back({*user, role});
    }
  }
  return entry;
}

// Questions ----------------------------------------------------------------------------------------------

std::optional<Permissions> State::guild_permissions(ServerId guild, DiscordUserId user,
                                                    std::span<const RoleId> roles) const {
  const Guild* known = find(guild);
  if (known == nullptr) return std::nullopt;
  return permissions_in(*known, guild, user, roles);
}

std::optional<DiscordUserId> State::owner(ServerId guild) const {
  const Guild* known = find(guild);
  return known == nullptr ? std::nullopt : std::optional(known->owner);
}

Permissions State::permissions_in(const Guild& guild, ServerId id, DiscordUserId user,
                                  std::span<const RoleId> roles) {
  Permissions held = 0;
  for (const RoleEntry& role : guild.roles) {
    const bool everyone = role.id.value() == id.value();
    if (everyone || std::ranges::find(roles, role.id) != roles.end()) held |= role.permissions;
  }
  return discord::guild_permissions(guild.owner == user, held);
}

std::optional<Permissions> State::channel_permissions(ServerId guild, DiscordChannelId channel,
                                                      const Holder& holder) const {
  const Guild* known = find(guild);
  const Ruling ruling = known == nullptr ? Ruling{} : ruling_of(*known, channel);
  if (ruling.entry == nullptr) return std::nullopt;
  return usable_permissions(permissions_by(*known, guild, *ruling.entry, holder), ruling.kind);
}

State::Ruling State::ruling_of(const Guild& guild, DiscordChannelId channel) {
  const ChannelEntry* asked = channel_of(guild, channel);
  if (asked == nullptr) return {};
  const ChannelKind kind = kind_of(asked->type);
  return {kind == ChannelKind::thread ? channel_of(guild, asked->parent) : asked, kind};
}

Permissions State::permissions_by(const Guild& guild, ServerId id, const ChannelEntry& ruling,
                                  const Holder& holder) {
  const std::span<const Overwrite> overwrites{guild.overwrites.data() + ruling.first, ruling.count};
  const Permissions in_guild = permissions_in(guild, id, holder.user, holder.roles);
  return discord::channel_permissions(in_guild, id, holder, overwrites);
}

Permissions State::own_lacks(ServerId guild, DiscordChannelId channel, Permissions needed) const {
  const Guild* known = find(guild);
  if (known == nullptr || !known->own_roles) return 0;
  const Holder self{self_, *known->own_roles};
  if (channel == DiscordChannelId()) return needed & ~permissions_in(*known, guild, self.user, self.roles);
  const Ruling ruling = ruling_of(*known, channel);
  if (ruling.entry == nullptr) return 0;
  return needed_in(ruling.kind, needed) & ~permissions_by(*known, guild, *ruling.entry, self);
}

bool State::is_timed_out(ServerId guild, TimePoint now) const {
  const Guild* known = find(guild);
  if (known == nullptr || now >= known->own_timeout || !known->own_roles) return false;
  return (permissions_in(*known, guild, self_, *known->own_roles) & kAdministrator) == 0;
}

std::optional<Permissions> State::own_permissions(ServerId guild, DiscordChannelId channel,
                                                  TimePoint now) const {
  const Guild* known = find(guild);
  if (known == nullptr || !known->own_roles) return std::nullopt;
  return channel_permissions(guild, channel, {self_, *known->own_roles, now < known->own_timeout});
}

std::optional<std::vector<RoleId>> State::roles_of(ServerId guild, DiscordUserId member) const {
  const Guild* known = find(guild);
  const MemberEntry* entry = known == nullptr ? nullptr : known_entry(known->members, member);
  if (entry == nullptr) return std::nullopt;
  std::vector<RoleId> roles;
  for (std::size_t slot = 0; slot < std::min(known->roles.size(), kSlotsWithBit); ++slot) {
    if ((entry->roles >> slot & 1) != 0) roles.push_back(known->roles[slot].id);
  }
  for (const RoleBeyond& one : std::ranges::equal_range(known->beyond, member, {}, &RoleBeyond::id))
    roles.push_back(one.role);
  return roles;
}

std::vector<ChannelInfo> State::channels(ServerId guild) const {
  std::vector<ChannelInfo> list;
  const Guild* known = find(guild);
  if (known == nullptr) return list;
  list.reserve(known->channels.size());
  for (const ChannelEntry& one : known->channels)
    list.push_back({one.id, one.parent, one.type, std::string(names_.text(one.name))});
  return list;
}

std::optional<bool> State::is_assignable(ServerId guild, RoleId role) const {
  const Guild* known = find(guild);
  const RoleEntry* asked = known == nullptr ? nullptr : role_of(*known, role);
  if (asked == nullptr || !known->own_roles) return std::nullopt;
  if (asked->managed || role.value() == guild.value()) return false;
  // Of two at the same height the older one is higher, as libraries have it.
  return std::ranges::any_of(*known->own_roles, [&](RoleId own) {
    const RoleEntry* mine = role_of(*known, own);
    return mine != nullptr &&
           (mine->position > asked->position || (mine->position == asked->position && mine->id < asked->id));
  });
}

// Within -------------------------------------------------------------------------------------------------

State::Guild* State::find(ServerId guild) {
  const auto known = guilds_.find(guild);
  return known == guilds_.end() ? nullptr : &known->second;
}

const State::Guild* State::find(ServerId guild) const { return const_cast<State*>(this)->find(guild); }

State::Guild* State::guild_of(const json::Value& data) {
  const auto id = read_id<ServerId>(data, "guild_id");
  return id ? find(*id) : nullptr;
}

const State::ChannelEntry* State::channel_of(const Guild& guild, DiscordChannelId id) {
  return known_entry(guild.channels, id);
}

const State::RoleEntry* State::role_of(const Guild& guild, RoleId id) {
  const auto at = std::ranges::find(guild.roles, id, &RoleEntry::id);
  return id == kFreeSlot || at == guild.roles.end() ? nullptr : &*at;
}

void State::remove_guild(ServerId id) {
  const auto known = guilds_.find(id);
  if (known == guilds_.end()) return;
  const Guild& guild = known->second;
  count(guild, -1);
  for (const ChannelEntry& channel : guild.channels) names_.release(channel.name);
  guilds_.erase(known);
  show_totals();
}

void State::count(const Guild& guild, std::int64_t sign) {
  counts_->channels += sign * static_cast<std::int64_t>(guild.channels.size());
  counts_->members += sign * static_cast<std::int64_t>(guild.members.size());
  list_bytes_ += sign * static_cast<std::int64_t>(bytes_of(guild));
  show_totals();
}

void State::show_totals() {
  counts_->guilds = static_cast<std::int64_t>(guilds_.size());
  const std::size_t tables = guilds_.size() * (sizeof(ServerId) + sizeof(Guild) + kTableEntry);
  counts_->bytes = list_bytes_ + static_cast<std::int64_t>(tables + names_.bytes());
}

std::size_t State::bytes_of(const Guild& guild) {
  const auto list = [](const auto& entries) { return entries.capacity() * sizeof(entries[0]); };
  return list(guild.roles) + list(guild.channels) + list(guild.overwrites) + list(guild.members) +
         list(guild.beyond) + (guild.own_roles ? list(*guild.own_roles) : 0);
}

}  // namespace guildhall::discord
