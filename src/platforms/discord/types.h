// What we read from Discord. An absent field is an empty optional or an empty text; numbers of an
// enum that is not known here are kept as they are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace guildhall::discord {

using RoleId = StrongId<struct RoleTag>;
using MessageId = StrongId<struct MessageTag>;
using InteractionId = StrongId<struct InteractionTag>;
using AttachmentId = StrongId<struct AttachmentTag>;
using ApplicationId = StrongId<struct ApplicationTag>;

/// Bits of permissions.h. Unknown bits are kept.
using Permissions = std::uint64_t;

struct GuildSnapshot {
  ServerId id;
  bool unavailable = false;  // an outage on Discord's side; nothing below is known then
  std::string name;
};

struct User {
  DiscordUserId id;
  std::string name;          // the account's
  std::string display_name;  // as people see it: the nickname in the guild, if there is one
  bool bot = false;
};

struct MemberJoin {
  ServerId guild;
  User user;
  std::optional<TimePoint> joined_at;
};

struct MemberLeave {
  ServerId guild;
  User user;
  std::string event_id;  // "session:sequence"; the same when Discord repeats it
};

/// Discord's numbers; others exist and are passed on.
enum class MessageType : int { plain = 0, reply = 19 };

struct Message {
  MessageId id;
  DiscordChannelId channel;
  std::optional<ServerId> guild;  // none: a direct message
  User author;                    // of a webhook's message no real user
  bool webhook = false;
  std::vector<RoleId> roles;  // the author's, in a guild
  std::string content;        // empty without the MESSAGE_CONTENT intent
  std::optional<TimePoint> sent_at;
  MessageType type = MessageType::plain;
};

/// Source: documentation "Application Command Types". Menus are those of a user and of a message.
enum class CommandKind : int { slash = 1, user_menu = 2, message_menu = 3 };

enum class InteractionType : int { ping = 1, command = 2, component = 3, autocomplete = 4, modal = 5 };

struct Attachment {
  std::string name;
  std::string type;  // "image/png", as whoever sent it says
  std::int64_t bytes = 0;
  std::string url;  // ends after some hours
};

struct Interaction {
  InteractionId id;
  ApplicationId application;
  InteractionType type = InteractionType::command;
  std::string token;  // a secret: whoever has it can answer for 15 minutes
  std::optional<ServerId> guild;
  std::optional<DiscordChannelId> channel;
  User user;
  Permissions permissions = 0;  // the caller's effective bits in that channel; 0 outside a guild
  std::string locale;           // of the caller, "de"

  // Of a command, and of one that is being typed: then any option may be missing or half written.
  std::string command;                                      // with sub-commands: "points add"
  std::map<std::string, std::string, std::less<>> options;  // values as text; ids too
  std::optional<std::string> focused;                       // the option that is being typed
  CommandKind kind = CommandKind::slash;
  std::optional<std::int64_t> target;     // of a menu: the user's or the message's id
  std::optional<Message> target_message;  // with its text, whatever the intents

  // Of a component, and of a modal.
  std::string custom_id;
  std::optional<MessageId> message;  // that the component is of; a modal may have been opened from one
  int component = 0;                 // Discord's number of its kind
  std::vector<std::string> values;   // what was chosen in a select
  std::map<std::string, std::vector<std::string>, std::less<>> fields;  // of a modal, by custom id

  // What options, values and fields name by id, as far as Discord describes it.
  std::map<DiscordUserId, std::string> users;        // display names
  std::map<RoleId, std::string> roles;               // names
  std::map<DiscordChannelId, std::string> channels;  // names
  std::map<AttachmentId, Attachment> attachments;
};

/// One of the connections among which Discord divides a bot's guilds; source: gateway documentation,
/// "Sharding".
struct Shard {
  int index = 0;
  int count = 1;

  /// Do this guild's events come to it? Those without a guild come to the first.
  bool has(ServerId guild) const {
    return (static_cast<std::uint64_t>(guild.value()) >> 22) % static_cast<std::uint64_t>(count) ==
           static_cast<std::uint64_t>(index);
  }

  friend bool operator==(const Shard&, const Shard&) = default;
};

struct Ready {
  User self;
  ApplicationId application;
  Shard shard;
  std::vector<ServerId> guilds;  // all of this shard; whoever is missing there has removed the bot
};

/// How many sessions may still be started. Source: gateway documentation, "Session Start Limit".
struct IdentifyLimit {
  int total = 0;
  int left = 0;
  std::chrono::milliseconds resets_after{0};
  int at_once = 1;  // "max_concurrency": so many shards may identify in the same 5 s
};

/// GET /gateway/bot.
struct GatewayInfo {
  std::string url;
  int shards = 1;  // as many as Discord thinks right for this bot
  std::optional<IdentifyLimit> identifies;
};

struct Application {
  ApplicationId id;
  std::string name;
  std::uint64_t flags = 0;
  std::string public_key = {};              // hex, with which it signs what it posts
  std::string interactions_url = {};        // where it posts interactions; empty: they come over the gateway
  std::vector<std::string> redirects = {};  // to which people who sign in may come back
};

}  // namespace guildhall::discord
