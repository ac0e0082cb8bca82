// Interactions of Discord: each becomes a call, and is answered in time, once, and to whom it may be shown.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/secrets.h"
#include "base/task.h"
#include "bot/button_ids.h"
#include "bot/dispatcher.h"
#include "platforms/discord/rest.h"
#include "tenancy/scope.h"

namespace guildhall::bot {

struct BridgeServices;

/// Lives on the bridge's loop.
class DiscordInteractions {
 public:
  /// All of it outlives this.
  DiscordInteractions(const BridgeServices& services, const Secrets& secrets, discord::RestClient& rest,
                      std::shared_ptr<discord::Timing> timing);
  ~DiscordInteractions();

  /// `scope`: of the server that it comes from, if we know that one. `told_again`: it may have come before,
  /// and an earlier process may have answered it.
  void take(std::optional<tenancy::ServerScope> scope, discord::Interaction interaction, bool told_again);

  /// What is said to `user`, with its buttons.
  discord::MessageBody body_of(const Answer& answer, ServerId server, const std::string& user) const;

 private:
  class Pending;
  /// What an interaction asks for.
  struct Wish {
    CommandRequest request;
    bool private_answer = false;
  };

  /// Offers names to whoever is typing one. There is no putting off: late, it is of no use to anybody.
  Task<void> suggest(tenancy::ServerScope scope, discord::Interaction interaction);
  Wish wish_of(const discord::Interaction& interaction) const;
  Wish command_wish(const discord::Interaction& interaction) const;
  Wish button_wish(const discord::Interaction& interaction) const;

  Task<void> take_up(tenancy::ServerScope scope, std::shared_ptr<Pending> pending, CommandRequest request);
  void call(tenancy::ServerScope scope, std::shared_ptr<Pending> pending, CommandRequest request);
  std::string say_plainly(std::string_view key) const;

  const BridgeServices& services_;
  discord::RestClient& rest_;
  std::shared_ptr<discord::Timing> timing_;
  ButtonIds button_ids_;
};

}  // namespace guildhall::bot
