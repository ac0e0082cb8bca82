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
#include "sim/interactions.h"
#include "sim/stage.h"

namespace guildhall::sim {

class Discord {
 public:
  Discord(Stage& stage, GatewayOptions gateway_options, InteractionDeadlines deadlines);

  /// The bot's token, derived from the seed.
  const std::string& token() const { return token_; }

  // People. Errors: `not_found` (no such server, member, channel, message, command), `conflict`
  // (already a member, a disabled button, ...), `forbidden` (may not write there).
  Result<void> join(Snowflake server, Snowflake user);
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
  /// `forged`: by a client that makes up the custom_id, which Discord does not look at.
  Result<Snowflake> click(Snowflake server, Snowflake message, Snowflake user, const std::string& custom_id,
                          const json::Array& values, bool forged);
  /// Changes nick and roles where they are given.
  Result<void> update_member(Snowflake server, Snowflake user, std::optional<std::string> nick,
                             std::optional<std::vector<Snowflake>> roles);

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

  Stage& stage;
  Gateway gateway;
  Messages messages;
  CommandStore commands;
  Interactions interactions;

 private:
  Result<Server*> server_of(Snowflake id);
  Result<Member*> member_of(Server& server, Snowflake user);
  Result<Role*> role_of(Server& server, Snowflake id);
  Result<Snowflake> ask_command(int type, Snowflake server, Snowflake channel, Snowflake user,
                                const CommandWords& words);
  void tell_member_update(const Server& server, const Member& member);

  std::string token_;
  std::map<Snowflake, Snowflake> direct_channels_;  // user -> channel
};

}  // namespace guildhall::sim
