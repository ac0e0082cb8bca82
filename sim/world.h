// The invented world: Discord servers with members, Kick channels with viewers. Made from a seed: the
// same seed gives the same world. Names collide on purpose: the same people are in several servers,
// channels and roles are called alike everywhere, viewers of one name exist twice on Kick with
// different ids and spellings, and some people watch both channels.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sim/mint.h"

namespace guildhall::sim {

struct DiscordUser {
  Snowflake id = 0;
  std::string username;
  std::string display_name;  // empty: none
  bool bot = false;
  bool closed_messages = false;  // takes no direct messages
};

struct Role {
  Snowflake id = 0;
  std::string name;
  std::uint64_t permissions = 0;
  int position = 0;
  bool managed = false;
};

struct Overwrite {
  Snowflake id = 0;  // a role or a member
  bool is_member = false;
  std::uint64_t allow = 0;
  std::uint64_t deny = 0;
};

struct Channel {
  Snowflake id = 0;
  std::string name;
  int type = 0;  // 0 text, 2 voice, 4 category, 11 and 12 a public and a private thread
  int position = 0;
  std::vector<Overwrite> overwrites;
  std::string topic = {};
  // Of threads.
  Snowflake parent = 0;
  Snowflake starter = 0;
  bool archived = false;
  TimePoint archive_changed_at = {};

  bool is_thread() const { return type >= 10 && type <= 12; }
};

struct Invite {
  std::string code;
  Snowflake channel = 0;
  int uses = 0;
  int max_uses = 0;               // 0: any number
  std::int64_t max_age = 86'400;  // seconds, 0: for ever
  TimePoint created_at;
  Snowflake inviter = 0;

  bool expired(TimePoint now) const {
    return max_age > 0 && now >= created_at + std::chrono::seconds(max_age);
  }
};

/// One line of a server's audit log.
struct AuditEntry {
  Snowflake id = 0;
  int action = 0;  // Discord's number
  Snowflake user = 0;
  Snowflake target = 0;
  std::string reason;  // empty: none
};

struct Member {
  Snowflake user = 0;
  std::string nick;  // empty: none
  std::vector<Snowflake> roles;
  TimePoint joined_at;
  TimePoint timed_out_until = {};
};

struct Server {
  Snowflake id = 0;  // also the id of its @everyone role
  std::string name;
  Snowflake owner = 0;
  std::vector<Role> roles;
  std::vector<Channel> channels;
  std::map<Snowflake, Member> members;  // the bot included while it is there
  TimePoint bot_joined_at;
  bool bot_present = true;
  bool outage = false;
  std::string suggested_channel;  // slug of the Kick channel it would bind
  std::set<Snowflake> bans = {};
  std::vector<Invite> invites = {};
  std::vector<AuditEntry> audit_log = {};  // oldest first
  std::vector<Channel> threads = {};
  std::string vanity_code = {};  // empty: none
  int vanity_uses = 0;

  const Role* role(Snowflake id) const;
  /// A channel or a thread.
  const Channel* channel(Snowflake id) const;
  Channel* channel(Snowflake id);
  /// The first text channel that everyone may write in.
  const Channel& chat() const;
};

using KickId = std::int64_t;

struct KickUser {
  KickId id = 0;
  std::string username;
  std::string slug;  // lower case, '-' for '_', unique
};

struct Viewer {
  KickId user = 0;
  int subscriber_months = 0;  // 0: no subscriber
  bool moderator = false;
  bool bot = false;
};

struct KickChannel {
  KickId broadcaster = 0;
  std::string slug;
  std::string title;
  std::string category;
  std::optional<std::string> live_since;                 // as the platform writes it
  std::vector<Viewer> viewers;                           // the broadcaster himself is the first
  std::map<KickId, std::optional<TimePoint>> bans = {};  // until when; nothing: for good

  Viewer* viewer(KickId user);
  bool is_banned(KickId user, TimePoint now) const;
};

struct World {
  DiscordUser bot;  // its id is the application's too
  std::map<Snowflake, DiscordUser> users;
  std::vector<Server> servers;
  std::map<KickId, KickUser> kick_users;
  std::map<std::string, KickId, std::less<>> kick_slugs;
  KickUser kick_bot;  // who speaks when the application posts as "bot"
  std::vector<KickChannel> kick_channels;

  Server* server(Snowflake id);
  /// The server that has the channel, or nullptr.
  Server* server_of_channel(Snowflake channel);
  const DiscordUser* user(Snowflake id) const;
  KickChannel* kick_channel(std::string_view slug);
  KickChannel* kick_channel(KickId broadcaster);
  const KickUser* kick_user(KickId id) const;
  const KickUser* kick_user(std::string_view slug) const;
  /// Somebody is called otherwise from now on, and his channel with him. False: another is called so.
  bool rename_kick_user(KickId id, std::string username);
};

struct WorldSize {
  std::size_t servers = 3;
  std::size_t kick_channels = 2;
  std::size_t members = 12;  // per server, without the bot
  std::size_t viewers = 25;  // per Kick channel
};

World make_world(std::uint64_t seed, WorldSize size);

}  // namespace guildhall::sim
