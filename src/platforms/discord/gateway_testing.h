// For tests of the gateway: a handler that is told of everything and does nothing.
#pragma once

#include <string>

#include "platforms/discord/gateway.h"

namespace guildhall::discord {

struct DeafHandler : GatewayHandler {
  void on_ready(Ready, Receipt) override {}
  void on_intents_refused(Intents) override {}
  void on_guild(GuildSnapshot, GuildArrival, Receipt) override {}
  void on_guild_renamed(ServerId, std::string, Receipt) override {}
  void on_guild_unavailable(ServerId) override {}
  void on_guild_removed(ServerId, Receipt) override {}
  void on_member_joined(MemberJoin, Receipt) override {}
  void on_member_left(MemberLeave, Receipt) override {}
  void on_message(Message) override {}
  void on_interaction(Interaction) override {}
};

}  // namespace guildhall::discord
