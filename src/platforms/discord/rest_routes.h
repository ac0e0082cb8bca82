// The HTTP calls that exist for us, a line each: what they are given, method, path, and what is special about
// them. Source: developer documentation, "Resources"; tests/contract checks each against Discord's own
// description.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platforms/discord/permissions.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

/// Who goes first when not everything can go at once.
enum class Urgency : std::uint8_t {
  person,  // somebody waits
  background,
};

/// By what right a call is made.
enum class Key : std::uint8_t {
  token,        // the bot's
  webhook,      // a secret in the path
  interaction,  // likewise; waits for no other: it does not count towards the bot's requests per second, and
                // each has a limit of its own
  callback,     // an interaction's first answer: outside all limits, and sent once whatever happens
};

/// Where in its body a call carries a message, whose mentions are then shut by default.
enum class Text : std::uint8_t { none, body, data, message };

/// May a call be sent again when nobody knows whether it arrived?
enum class Again : std::uint8_t { no, yes };

/// What is the same however often a call is made.
struct RouteSpec {
  std::string_view method;
  /// Below /v10, with the query that it always has. "{}" is an id or a secret, "{*}" one by which Discord
  /// tells limits apart (its "major parameters"); several of those stand side by side.
  std::string_view path;
  Again again = Again::no;
  Key key = Key::token;
  Urgency urgency = Urgency::background;
  Text text = Text::none;
  bool has_body = false;  // JSON, at least {}
  bool audited = false;   // a reason given is shown in the guild's audit log
  /// Of calls for which Discord keeps a limit beside the announced ones: they wait by themselves.
  std::string_view sublimit = {};
  /// The bot's permissions without which it is always refused; VIEW_CHANNEL goes without saying below
  /// /channels. Source: developer documentation, at each endpoint.
  Permissions needs = 0;

  constexpr bool with_token() const { return key == Key::token; }
  /// Counts towards the bot's requests per second?
  constexpr bool global() const { return key == Key::token || key == Key::webhook; }
  constexpr bool in_channel() const { return path.starts_with("/channels/{*}"); }
  constexpr bool in_guild() const { return path.starts_with("/guilds/{*}"); }
};

/// A route with what fills its braces.
template <class... Ids>
struct Route : RouteSpec {};

/// A role or a member in a channel's overwrites.
using OverwriteId = StrongId<struct OverwriteTag>;
using WebhookId = StrongId<struct WebhookTag>;

namespace routes {

using enum Again;
using Guild = ServerId;
using Channel = DiscordChannelId;
using UserId = DiscordUserId;
using Secret = std::string;
using Name = std::string;

// The bot itself -----------------------------------------------------------------------------------------

inline constexpr Route<> kGatewayInfo{{"GET", "/gateway/bot", yes, Key::token, Urgency::person}};
inline constexpr Route<> kApplication{{"GET", "/applications/@me", yes}};
inline constexpr Route<> kSelf{{"GET", "/users/@me", yes}};
inline constexpr Route<Guild> kLeaveGuild{{"DELETE", "/users/@me/guilds/{*}", yes}};
/// Body: recipient_id. The same channel each time.
inline constexpr Route<> kOpenDirect{
    {.method = "POST", .path = "/users/@me/channels", .again = yes, .has_body = true}};

// Guilds, members, roles ---------------------------------------------------------------------------------

inline constexpr Route<Guild> kGuild{{"GET", "/guilds/{*}", yes, Key::token, Urgency::person}};
/// Up to 1,000 by id; query: after. Needs the switch of the intent GUILD_MEMBERS.
inline constexpr Route<Guild> kMembers{{"GET", "/guilds/{*}/members?limit=1000", yes}};
inline constexpr Route<Guild, UserId> kMember{{"GET", "/guilds/{*}/members/{}", yes}};
/// Query: query (how the name or nickname begins), limit.
inline constexpr Route<Guild> kSearchMembers{{"GET", "/guilds/{*}/members/search", yes}};
/// `roles` replaces all of them: prefer kAddMemberRole.
inline constexpr Route<Guild, UserId> kModifyMember{
    {.method = "PATCH", .path = "/guilds/{*}/members/{}", .again = yes, .has_body = true, .audited = true}};
inline constexpr Route<Guild, UserId, RoleId> kAddMemberRole{{.method = "PUT",
                                                              .path = "/guilds/{*}/members/{}/roles/{}",
                                                              .again = yes,
                                                              .audited = true,
                                                              .needs = kManageRoles}};
inline constexpr Route<Guild, UserId, RoleId> kRemoveMemberRole{{.method = "DELETE",
                                                                 .path = "/guilds/{*}/members/{}/roles/{}",
                                                                 .again = yes,
                                                                 .audited = true,
                                                                 .needs = kManageRoles}};
inline constexpr Route<Guild, UserId> kKick{{.method = "DELETE",
                                             .path = "/guilds/{*}/members/{}",
                                             .again = yes,
                                             .audited = true,
                                             .needs = kKickMembers}};
/// Body: delete_message_seconds, at most 604800.
inline constexpr Route<Guild, UserId> kBan{{.method = "PUT",
                                            .path = "/guilds/{*}/bans/{}",
                                            .again = yes,
                                            .has_body = true,
                                            .audited = true,
                                            .needs = kBanMembers}};
inline constexpr Route<Guild, UserId> kUnban{{.method = "DELETE",
                                              .path = "/guilds/{*}/bans/{}",
                                              .again = yes,
                                              .has_body = true,
                                              .audited = true,
                                              .needs = kBanMembers}};
inline constexpr Route<Guild> kRoles{{"GET", "/guilds/{*}/roles", yes}};
/// How many members have each role, but for @everyone.
inline constexpr Route<Guild> kRoleCounts{{"GET", "/guilds/{*}/roles/member-counts", yes}};
inline constexpr Route<Guild> kCreateRole{{.method = "POST",
                                           .path = "/guilds/{*}/roles",
                                           .has_body = true,
                                           .audited = true,
                                           .needs = kManageRoles}};
inline constexpr Route<Guild, RoleId> kModifyRole{{.method = "PATCH",
                                                   .path = "/guilds/{*}/roles/{}",
                                                   .again = yes,
                                                   .has_body = true,
                                                   .audited = true,
                                                   .needs = kManageRoles}};
inline constexpr Route<Guild, RoleId> kDeleteRole{{.method = "DELETE",
                                                   .path = "/guilds/{*}/roles/{}",
                                                   .again = yes,
                                                   .audited = true,
                                                   .needs = kManageRoles}};
/// Query: action_type, user_id, limit, before, after. Kept for 45 days.
inline constexpr Route<Guild> kAuditLog{
    {.method = "GET", .path = "/guilds/{*}/audit-logs", .again = yes, .needs = kViewAuditLog}};

// Channels and invites -----------------------------------------------------------------------------------

/// All but threads.
inline constexpr Route<Guild> kChannels{{"GET", "/guilds/{*}/channels", yes}};
/// Also a thread. Says whose it is: `guild_id`, which a direct channel lacks.
inline constexpr Route<Channel> kChannel{{"GET", "/channels/{*}", yes}};
inline constexpr Route<Guild> kCreateChannel{{.method = "POST",
                                              .path = "/guilds/{*}/channels",
                                              .has_body = true,
                                              .audited = true,
                                              .needs = kManageChannels}};
/// Everything but name and topic.
inline constexpr Route<Channel> kModifyChannel{{.method = "PATCH",
                                                .path = "/channels/{*}",
                                                .again = yes,
                                                .has_body = true,
                                                .audited = true,
                                                .needs = kManageChannels}};
/// With a name or a topic: about twice in ten minutes, whatever the headers say.
inline constexpr Route<Channel> kRenameChannel{{.method = "PATCH",
                                                .path = "/channels/{*}",
                                                .again = yes,
                                                .has_body = true,
                                                .audited = true,
                                                .sublimit = "name",
                                                .needs = kManageChannels}};
/// Also a thread.
inline constexpr Route<Channel> kDeleteChannel{
    {.method = "DELETE", .path = "/channels/{*}", .again = yes, .audited = true, .needs = kManageChannels}};
/// Body: type (0 role, 1 member), allow and deny (decimal texts).
inline constexpr Route<Channel, OverwriteId> kSetOverwrite{{.method = "PUT",
                                                            .path = "/channels/{*}/permissions/{}",
                                                            .again = yes,
                                                            .has_body = true,
                                                            .audited = true,
                                                            .needs = kManageRoles}};
inline constexpr Route<Channel, OverwriteId> kDeleteOverwrite{{.method = "DELETE",
                                                               .path = "/channels/{*}/permissions/{}",
                                                               .again = yes,
                                                               .audited = true,
                                                               .needs = kManageRoles}};
/// With uses where the bot has MANAGE_GUILD, without where it has VIEW_AUDIT_LOG only.
inline constexpr Route<Guild> kInvites{{"GET", "/guilds/{*}/invites", yes}};
inline constexpr Route<Channel> kCreateInvite{{.method = "POST",
                                               .path = "/channels/{*}/invites",
                                               .has_body = true,
                                               .audited = true,
                                               .needs = kCreateInvites}};
inline constexpr Route<Name> kDeleteInvite{
    {.method = "DELETE", .path = "/invites/{}", .again = yes, .audited = true}};
inline constexpr Route<Guild> kVanityUrl{
    {.method = "GET", .path = "/guilds/{*}/vanity-url", .again = yes, .needs = kManageGuild}};

// Messages -----------------------------------------------------------------------------------------------

/// Newest first; query: limit, before, after or around. Empty without READ_MESSAGE_HISTORY.
inline constexpr Route<Channel> kMessages{{"GET", "/channels/{*}/messages", yes}};
/// May go again when its body has `enforce_nonce`.
inline constexpr Route<Channel> kCreateMessage{{.method = "POST",
                                                .path = "/channels/{*}/messages",
                                                .text = Text::body,
                                                .has_body = true,
                                                .needs = kSendMessages}};
inline constexpr Route<Channel, MessageId> kEditMessage{{.method = "PATCH",
                                                         .path = "/channels/{*}/messages/{}",
                                                         .again = yes,
                                                         .text = Text::body,
                                                         .has_body = true}};
inline constexpr Route<Channel, MessageId> kDeleteMessage{
    {.method = "DELETE", .path = "/channels/{*}/messages/{}", .again = yes, .audited = true}};
/// RestClient::delete_messages knows the rules.
inline constexpr Route<Channel> kBulkDelete{{.method = "POST",
                                             .path = "/channels/{*}/messages/bulk-delete",
                                             .again = yes,
                                             .has_body = true,
                                             .audited = true,
                                             .needs = kManageMessages}};
/// Needs PIN_MESSAGES.
inline constexpr Route<Channel, MessageId> kPin{{.method = "PUT",
                                                 .path = "/channels/{*}/messages/pins/{}",
                                                 .again = yes,
                                                 .audited = true,
                                                 .needs = kPinMessages}};
inline constexpr Route<Channel, MessageId> kUnpin{{.method = "DELETE",
                                                   .path = "/channels/{*}/messages/pins/{}",
                                                   .again = yes,
                                                   .audited = true,
                                                   .needs = kPinMessages}};
/// The emoji itself, or "name:id".
inline constexpr Route<Channel, MessageId, Name> kReact{{.method = "PUT",
                                                         .path = "/channels/{*}/messages/{}/reactions/{}/@me",
                                                         .again = yes,
                                                         .needs = kReadMessageHistory}};
inline constexpr Route<Channel, MessageId, Name> kUnreact{
    {"DELETE", "/channels/{*}/messages/{}/reactions/{}/@me", yes}};

// Threads and webhooks -----------------------------------------------------------------------------------

inline constexpr Route<Channel> kStartThread{
    {.method = "POST", .path = "/channels/{*}/threads", .has_body = true, .audited = true}};
inline constexpr Route<Channel, MessageId> kStartThreadAt{{.method = "POST",
                                                           .path = "/channels/{*}/messages/{}/threads",
                                                           .has_body = true,
                                                           .audited = true,
                                                           .needs = kCreatePublicThreads}};
/// In a forum: `message` stands inside.
inline constexpr Route<Channel> kStartPost{{.method = "POST",
                                            .path = "/channels/{*}/threads",
                                            .text = Text::message,
                                            .has_body = true,
                                            .audited = true,
                                            .needs = kSendMessages}};
inline constexpr Route<Channel> kWebhooks{
    {.method = "GET", .path = "/channels/{*}/webhooks", .again = yes, .needs = kManageWebhooks}};
inline constexpr Route<Channel> kCreateWebhook{{.method = "POST",
                                                .path = "/channels/{*}/webhooks",
                                                .has_body = true,
                                                .audited = true,
                                                .needs = kManageWebhooks}};
inline constexpr Route<WebhookId> kDeleteWebhook{
    {.method = "DELETE", .path = "/webhooks/{*}", .again = yes, .audited = true}};
/// Answers the message. Query: thread_id.
inline constexpr Route<WebhookId, Secret> kExecuteWebhook{{.method = "POST",
                                                           .path = "/webhooks/{*}/{*}?wait=true",
                                                           .key = Key::webhook,
                                                           .text = Text::body,
                                                           .has_body = true}};
inline constexpr Route<WebhookId, Secret, MessageId> kEditWebhookMessage{
    {.method = "PATCH",
     .path = "/webhooks/{*}/{*}/messages/{}",
     .again = yes,
     .key = Key::webhook,
     .text = Text::body,
     .has_body = true}};
inline constexpr Route<WebhookId, Secret, MessageId> kDeleteWebhookMessage{
    {"DELETE", "/webhooks/{*}/{*}/messages/{}", yes, Key::webhook}};

// Interactions and commands ------------------------------------------------------------------------------

inline constexpr Route<InteractionId, Secret> kCallback{{.method = "POST",
                                                         .path = "/interactions/{*}/{}/callback",
                                                         .key = Key::callback,
                                                         .text = Text::data,
                                                         .has_body = true}};
inline constexpr Route<ApplicationId, Secret> kEditAnswer{{.method = "PATCH",
                                                           .path = "/webhooks/{*}/{*}/messages/@original",
                                                           .again = yes,
                                                           .key = Key::interaction,
                                                           .text = Text::body,
                                                           .has_body = true}};
inline constexpr Route<ApplicationId, Secret> kDeleteAnswer{
    {"DELETE", "/webhooks/{*}/{*}/messages/@original", yes, Key::interaction}};
inline constexpr Route<ApplicationId, Secret> kFollowUp{{.method = "POST",
                                                         .path = "/webhooks/{*}/{*}",
                                                         .key = Key::interaction,
                                                         .text = Text::body,
                                                         .has_body = true}};
inline constexpr Route<ApplicationId> kCommands{
    {"GET", "/applications/{}/commands?with_localizations=true", yes}};
inline constexpr Route<ApplicationId> kApplicationEmojis{{"GET", "/applications/{}/emojis", yes}};
inline constexpr Route<ApplicationId> kOverwriteCommands{
    {.method = "PUT", .path = "/applications/{}/commands", .again = yes, .has_body = true}};
inline constexpr Route<ApplicationId, Guild> kGuildCommands{
    {"GET", "/applications/{}/guilds/{*}/commands?with_localizations=true", yes}};
/// Of the commands whose default a guild has changed: for whom and where. The application's own id: of all.
inline constexpr Route<ApplicationId, Guild> kCommandPermissions{
    {"GET", "/applications/{}/guilds/{*}/commands/permissions", yes}};
inline constexpr Route<ApplicationId, Guild> kOverwriteGuildCommands{
    {.method = "PUT", .path = "/applications/{}/guilds/{*}/commands", .again = yes, .has_body = true}};

}  // namespace routes
}  // namespace guildhall::discord
