// The simulated Discord without its wires: what people and platform do, and the state it leaves.
// Every act tells the gateway what the real one would.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sim/command_store.h"
#include "sim/discord_gateway.h"
#include "sim/discord_messages.h"
#include "sim/discord_oauth.h"
#include "sim/interactions.h"
#include "sim/stage.h"

namespace guildhall::sim {

/// Discord's numbers of what an audit log tells. Source: developer documentation, "Audit Log Events".
namespace audit_action {
inline constexpr int kChannelCreate = 10;
inline constexpr int kChannelUpdate = 11;
inline constexpr int kChannelDelete = 12;
inline constexpr int kOverwriteCreate = 13;
inline constexpr int kOverwriteDelete = 15;
inline constexpr int kMemberKick = 20;
inline constexpr int kMemberBan = 22;
inline constexpr int kMemberUnban = 23;
inline constexpr int kMemberUpdate = 24;
inline constexpr int kMemberRoleUpdate = 25;
inline constexpr int kRoleCreate = 30;
inline constexpr int kRoleUpdate = 31;
inline constexpr int kRoleDelete = 32;
inline constexpr int kInviteCreate = 40;
inline constexpr int kInviteDelete = 42;
inline constexpr int kWebhookCreate = 50;
inline constexpr int kWebhookDelete = 52;
inline constexpr int kMessageDelete = 72;
inline constexpr int kMessageBulkDelete = 73;
inline constexpr int kMessagePin = 74;
inline constexpr int kMessageUnpin = 75;
inline constexpr int kThreadCreate = 110;
inline constexpr int kThreadUpdate = 111;
inline constexpr int kThreadDelete = 112;
}  // namespace audit_action

class Discord {
 public:
  Discord(Stage& stage, GatewayOptions gateway_options, InteractionDeadlines deadlines);

  /// The bot's token, derived from the seed.
  const std::string& token() const { return token_; }

  // People. Errors: `not_found` (no such server, member, channel, message, command), `conflict`
  // (already a member, a disabled button, ...), `forbidden` (may not write there).
  /// `invite`: its code, or the server's own address; its use counts. Where that was the last one, the
  /// invite is gone before the member is there.
  Result<void> join(Snowflake server, Snowflake user, std::string_view invite = {});
  Result<void> leave(Snowflake server, Snowflake user);
  Result<Snowflake> say(Snowflake server, Snowflake channel, Snowflake user, std::string content);
  /// What a person calls, or has begun to type.
  struct CommandWords {
    std::string name;
    json::Object options = {};  // name -> value; a sub-command is an object of its own options
    Snowflake target = 0;       // of a menu: the user or the message
    std::string focused = {};   // the option that is being typed
  };
  Result<Snowflake> command(Snowflake server, Snowflake channel, Snowflake user, const CommandWords& words);
  /// The option in focus is not finished: the bot is asked what it could be.
  Result<Snowflake> type(Snowflake server, Snowflake channel, Snowflake user, const CommandWords& words);
  /// Presses a button, or chooses from a select. `forged`: by a client that makes up custom_id and values,
  /// which Discord does not look at. Error `invalid`: the client does not let that through.
  Result<Snowflake> click(Snowflake server, Snowflake message, Snowflake user, const std::string& custom_id,
                          const json::Array& values, bool forged);
  /// What a person fills in: the form that answered an interaction.
  struct FormWords {
    Snowflake opened_by = 0;
    json::Object fields = {};    // custom id -> a text, or a list of values
    std::string forged_id = {};  // a client makes it up and checks nothing; so anybody can, anywhere
  };
  Result<Snowflake> submit(Snowflake server, Snowflake user, const FormWords& words);
  /// Changes nick and roles where they are given.
  Result<void> update_member(Snowflake server, Snowflake user, std::optional<std::string> nick,
                             std::optional<std::vector<Snowflake>> roles);

  // Moderators, of whom the bot is one. Errors: `forbidden` where `by` lacks the permission or stands no
  // higher. Each act is entered in the audit log.
  struct Deed {
    Snowflake by = 0;
    std::string reason = {};
  };
  Result<void> kick(Snowflake server, Snowflake user, const Deed& deed);
  Result<void> ban(Snowflake server, Snowflake user, const Deed& deed);
  /// Of `invite` the code and the moment are filled in. Its code.
  Result<std::string> create_invite(Snowflake server, Invite invite, const Deed& deed);
  Result<void> delete_invite(Snowflake server, std::string_view code, const Deed& deed);
  /// In place of the one that the role or member has there.
  Result<void> set_overwrite(Snowflake server, Snowflake channel, const Overwrite& overwrite);
  /// Gives a server another name, or another owner (0: the same).
  Result<void> update_server(Snowflake server, std::string name, Snowflake owner);
  /// Up to that moment the member may only read.
  Result<void> time_out(Snowflake server, Snowflake user, TimePoint until);
  /// Enters an act, and tells of it.
  void enter(Server& server, int action, Snowflake target, const Deed& deed);

  // Roles, by a moderator's hand.
  Result<Snowflake> create_role(Snowflake server, std::string name, std::uint64_t permissions);
  Result<void> change_role_permissions(Snowflake server, Snowflake role, std::uint64_t permissions);
  Result<void> rename_role(Snowflake server, Snowflake role, std::string name);
  Result<void> delete_role(Snowflake server, Snowflake role);

  // The platform.
  Result<void> bot_joins(Snowflake server);
  Result<void> bot_leaves(Snowflake server);
  Result<void> outage(Snowflake server, bool begins);

  /// The direct channel with a user; made at the first call.
  Snowflake direct_channel(Snowflake user);
  std::optional<Snowflake> direct_user(Snowflake channel) const;
  /// Somebody who is in no member list of the server.
  std::vector<Snowflake> outsiders(Snowflake server) const;

  /// How often REST answered with each status: what a bot must keep small is 401, 403 and 429.
  std::map<int, std::int64_t> answered;

  Stage& stage;
  Gateway gateway;
  Messages messages;
  CommandStore commands;
  Interactions interactions;
  DiscordOAuth oauth;

 private:
  Result<Server*> server_of(Snowflake id);
  Result<Member*> member_of(Server& server, Snowflake user);
  Result<Role*> role_of(Server& server, Snowflake id);
  Result<Snowflake> ask_command(int type, Snowflake server, Snowflake channel, Snowflake user,
                                const CommandWords& words);
  void tell_member_update(const Server& server, const Member& member);
  /// One more use; tells of the invite's end where it was the last.
  Result<void> use_invite(Server& server, std::string_view code);
  void forget_invite(Server& server, std::string_view code);
  /// Does that member hold the bits, and stand above `user`?
  static bool may_act_on(const Server& server, Snowflake by, std::uint64_t bits, Snowflake user);

  std::string token_;
  std::map<Snowflake, Snowflake> direct_channels_;  // user -> channel
};

}  // namespace guildhall::sim
