#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

constexpr std::array<std::string_view, 20> kFirst = {
    "night", "pixel",  "moss",  "copper", "velvet", "quiet", "solar", "mango", "frost", "turbo",
    "lemon", "cosmic", "rusty", "dizzy",  "amber",  "noisy", "tiny",  "maple", "ghost", "salty"};
constexpr std::array<std::string_view, 17> kSecond = {
    "owl",  "moth",   "badger", "kettle", "otter", "comet",  "waffle", "raven", "noodle",
    "lynx", "pickle", "harbor", "beetle", "sloth", "rocket", "teapot", "walrus"};
constexpr std::array<std::string_view, 3> kServerNames = {"Lantern Harbor", "Moss and Pixels",
                                                          "The Quiet Arcade"};
constexpr std::array<std::string_view, 2> kStreamers = {"Lantern_Live", "PixelMoss"};
constexpr std::array<std::string_view, 6> kTextChannels = {"general", "bot-commands", "raffles",
                                                           "clips",   "rules",        "staff"};
constexpr std::size_t kSharedMembers = 5;  // are in every server
constexpr std::size_t kSharedViewers = 4;  // one account, both channels
constexpr TimePoint kPast = from_micros(1'600'000'000'000'000);

/// Kinds of ids are set apart by more than any world holds of one kind.
enum class IdSpace : int { bot = 0, user = 1, server = 2, channel = 3, role = 4 };

Snowflake world_id(std::uint64_t seed, IdSpace space, std::size_t index) {
  const auto offset = std::chrono::milliseconds(mix(seed) % 100'000'000);
  const auto at = kPast + std::chrono::hours(300) * static_cast<int>(space) + offset +
                  std::chrono::milliseconds(977) * static_cast<std::int64_t>(index);
  return snowflake_at(at) | (mix(seed + index) & 0xFFFFF);
}

/// "night_owl7": every index has its own.
std::string handle(std::size_t index) {
  constexpr std::size_t kRound = std::size_t{20} * 17 * 91;  // then the numbers go on
  return fmt::format("{}_{}{}", kFirst[index % kFirst.size()], kSecond[index % kSecond.size()],
                     3 + index * 7 % 91 + 91 * (index / kRound));
}

std::string slug_of(std::string_view username) {
  std::string slug = to_lower_ascii(username);
  std::replace(slug.begin(), slug.end(), '_', '-');
  return slug;
}

/// The same handle as another person spells it.
std::string respelled(std::string name, std::size_t style) {
  if (style % 3 != 1) name[0] = static_cast<char>(name[0] - 'a' + 'A');
  if (style % 3 == 1) name.erase(name.find('_'), 1);
  if (style % 3 == 2)
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return name;
}

class Builder {
 public:
  Builder(std::uint64_t seed, WorldSize size) : seed_(seed), size_(size), random_(mix(seed)) {}

  World build() {
    world_.bot = {world_id(seed_, IdSpace::bot, 0), "guildhall", "", true, false};
    world_.users[world_.bot.id] = world_.bot;
    for (std::size_t i = 0; i < size_.servers; ++i) add_server(i);
    world_.kick_bot = {kick_id(0), "GuildhallBot", "guildhallbot"};
    world_.kick_users[world_.kick_bot.id] = world_.kick_bot;
    world_.kick_slugs[world_.kick_bot.slug] = world_.kick_bot.id;
    for (std::size_t i = 0; i < size_.kick_channels; ++i) add_kick_channel(i);
    suggest_bindings();
    return std::move(world_);
  }

 private:
  const DiscordUser& user(std::size_t index) {
    const Snowflake id = world_id(seed_, IdSpace::user, index);
    if (const auto found = world_.users.find(id); found != world_.users.end()) return found->second;
    DiscordUser made{id, handle(index), index % 3 == 0 ? "" : fmt::format("{} ({})", handle(index), index),
                     false, index % 11 == 10};
    return world_.users.emplace(id, std::move(made)).first->second;
  }

  void add_server(std::size_t index) {
    Server server;
    server.id = world_id(seed_, IdSpace::server, index);
    server.name =
        index < kServerNames.size() ? std::string(kServerNames[index]) : fmt::format("Server {}", index + 1);
    server.bot_joined_at = kPast + std::chrono::days(900);
    add_roles(server, index);
    add_channels(server, index);
    add_members(server, index);
    world_.servers.push_back(std::move(server));
  }

  void add_roles(Server& server, std::size_t index) const {
    using namespace permission;  // NOLINT: a list of bits
    const auto everyone = kViewChannel | kSendMessages | kReadMessageHistory | kAddReactions | kEmbedLinks |
                          kUseApplicationCommands | kAttachFiles | kCreatePublicThreads | kSendInThreads;
    const auto bot = everyone | kManageRoles | kManageMessages | kManageChannels | kManageWebhooks |
                     kKickMembers | kBanMembers | kCreateInvite | kViewAuditLog | kPinMessages;
    const auto moderator = everyone | kManageGuild | kManageMessages | kKickMembers | kBanMembers;
    server.roles.push_back({server.id, "@everyone", everyone, 0, false});
    const auto add = [&](std::string name, std::uint64_t bits, bool managed) {
      const std::size_t position = server.roles.size();
      server.roles.push_back({world_id(seed_, IdSpace::role, index * 16 + position), std::move(name), bits,
                              static_cast<int>(position), managed});
    };
    add("Regular", everyone, false);
    add("Subscriber", everyone, false);
    add("Guildhall", bot, true);
    add("Moderator", moderator, false);
  }

  void add_channels(Server& server, std::size_t index) const {
    const auto id = [&](std::size_t position) {
      return world_id(seed_, IdSpace::channel, index * 16 + position);
    };
    for (std::size_t i = 0; i < kTextChannels.size(); ++i) {
      server.channels.push_back({id(i), std::string(kTextChannels[i]), 0, static_cast<int>(i), {}});
    }
    server.channels.push_back(
        {id(kTextChannels.size()), "Lounge", 2, static_cast<int>(kTextChannels.size()), {}});
    // Nobody but moderators writes the rules or sees the staff's channel; the bot is none of them.
    const Snowflake moderator = server.roles[4].id;
    server.channels[4].overwrites = {{server.id, false, 0, permission::kSendMessages},
                                     {moderator, false, permission::kSendMessages, 0}};
    server.channels[5].overwrites = {{server.id, false, 0, permission::kViewChannel},
                                     {moderator, false, permission::kViewChannel, 0}};
  }

  void add_members(Server& server, std::size_t index) {
    for (std::size_t i = 0; i < size_.members; ++i) {
      const std::size_t own = kSharedMembers + index * size_.members + i;
      const DiscordUser& person = user(i < kSharedMembers ? i : own);
      Member member{person.id, i % 6 == 5 ? fmt::format("captain {}", i) : "", {}, joined(i)};
      if (i == 0) server.owner = person.id;
      if (i == 1) member.roles.push_back(server.roles[4].id);
      if (i % 3 == 2) member.roles.push_back(server.roles[1].id);
      server.members[person.id] = std::move(member);
    }
    server.members[world_.bot.id] = {world_.bot.id, "", {server.roles[3].id}, server.bot_joined_at};
  }

  TimePoint joined(std::size_t index) const {
    return kPast + std::chrono::days(300) + std::chrono::hours(31) * static_cast<std::int64_t>(index);
  }

  KickId kick_id(std::size_t index) const {
    return static_cast<KickId>(100'000 + mix(seed_) % 800'000 + index * 13);
  }

  const KickUser& add_kick_user(std::string username) {
    std::string slug = slug_of(username);
    while (world_.kick_slugs.contains(slug)) slug += "-2";
    const KickId id = kick_id(world_.kick_users.size());
    world_.kick_slugs[slug] = id;
    return world_.kick_users.emplace(id, KickUser{id, std::move(username), std::move(slug)}).first->second;
  }

  void add_kick_channel(std::size_t index) {
    KickChannel channel;
    const KickUser& streamer = add_kick_user(
        index < kStreamers.size() ? std::string(kStreamers[index]) : fmt::format("Streamer_{}", index + 1));
    channel.broadcaster = streamer.id;
    channel.slug = streamer.slug;
    channel.title = fmt::format("{} plays on", streamer.username);
    channel.category = "Just Chatting";
    channel.viewers.push_back({streamer.id, 0, false, false});
    for (std::size_t i = 0; i < size_.viewers; ++i) channel.viewers.push_back(make_viewer(index, i));
    world_.kick_channels.push_back(std::move(channel));
  }

  Viewer make_viewer(std::size_t channel, std::size_t index) {
    const bool shared = index < kSharedViewers && channel > 0;
    const bool bot = index + 1 == size_.viewers;
    Viewer viewer;
    viewer.user = shared ? world_.kick_channels[0].viewers[index + 1].user
                         : add_kick_user(bot            ? fmt::format("HelperBot{}", channel + 1)
                                         : channel == 0 ? handle(index)
                                                        : respelled(handle(index), index + channel))
                               .id;
    viewer.bot = bot;
    viewer.moderator = index == 1;
    viewer.subscriber_months = !bot && index % 3 == 0 ? static_cast<int>(random_.between(1, 30)) : 0;
    return viewer;
  }

  /// The first two servers share a channel; the others take the rest in turn.
  void suggest_bindings() {
    if (world_.kick_channels.empty()) return;
    for (std::size_t i = 0; i < world_.servers.size(); ++i) {
      const std::size_t channel = i < 2 ? 0 : (i - 1) % world_.kick_channels.size();
      world_.servers[i].suggested_channel = world_.kick_channels[channel].slug;
    }
  }

  std::uint64_t seed_;
  WorldSize size_;
  Random random_;
  World world_;
};

template <class Items, class Test>
auto* first_where(Items& items, Test test) {
  const auto found = std::find_if(items.begin(), items.end(), test);
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const Role* Server::role(Snowflake wanted) const {
  return first_where(roles, [&](const Role& role) { return role.id == wanted; });
}

const Channel* Server::channel(Snowflake wanted) const {
  const auto is_it = [&](const Channel& channel) { return channel.id == wanted; };
  const Channel* found = first_where(channels, is_it);
  return found == nullptr ? first_where(threads, is_it) : found;
}

Channel* Server::channel(Snowflake wanted) {
  const auto is_it = [&](const Channel& channel) { return channel.id == wanted; };
  Channel* found = first_where(channels, is_it);
  return found == nullptr ? first_where(threads, is_it) : found;
}
const Channel& Server::chat() const { return channels.front(); }

Viewer* KickChannel::viewer(KickId user) {
  return first_where(viewers, [&](const Viewer& viewer) { return viewer.user == user; });
}

bool KickChannel::is_banned(KickId user, TimePoint now) const {
  const auto ban = bans.find(user);
  return ban != bans.end() && (!ban->second || now < *ban->second);
}

Server* World::server(Snowflake id) {
  return first_where(servers, [&](const Server& server) { return server.id == id; });
}

Server* World::server_of_channel(Snowflake channel) {
  return first_where(servers, [&](const Server& server) { return server.channel(channel) != nullptr; });
}

const DiscordUser* World::user(Snowflake id) const {
  const auto found = users.find(id);
  return found == users.end() ? nullptr : &found->second;
}

KickChannel* World::kick_channel(std::string_view slug) {
  return first_where(kick_channels, [&](const KickChannel& channel) { return channel.slug == slug; });
}

KickChannel* World::kick_channel(KickId broadcaster) {
  return first_where(kick_channels,
                     [&](const KickChannel& channel) { return channel.broadcaster == broadcaster; });
}

const KickUser* World::kick_user(KickId id) const {
  const auto found = kick_users.find(id);
  return found == kick_users.end() ? nullptr : &found->second;
}

const KickUser* World::kick_user(std::string_view slug) const {
  const auto found = kick_slugs.find(slug);
  return found == kick_slugs.end() ? nullptr : kick_user(found->second);
}

bool World::rename_kick_user(KickId id, std::string username) {
  const std::string slug = slug_of(username);
  const auto holder = kick_slugs.find(slug);
  if (holder != kick_slugs.end() && holder->second != id) return false;
  KickUser& user = kick_users.at(id);
  for (Server& server : servers) {
    if (server.suggested_channel == user.slug) server.suggested_channel = slug;
  }
  if (KickChannel* channel = kick_channel(id)) channel->slug = slug;
  kick_slugs.erase(user.slug);
  kick_slugs[slug] = id;
  user = {id, std::move(username), slug};
  return true;
}

World make_world(std::uint64_t seed, WorldSize size) { return Builder(seed, size).build(); }

}  // namespace guildhall::sim
