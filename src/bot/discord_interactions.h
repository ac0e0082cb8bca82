// Interactions of Discord: each becomes a call, and is answered in time, once, and to whom it may be shown.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "bot/dispatcher.h"
#include "platforms/discord/rest.h"
#include "tenancy/scope.h"

namespace guildhall::bot {

struct BridgeServices;

/// Lives on the bridge's loop.
class DiscordInteractions {
 public:
  /// All of it outlives this.
  DiscordInteractions(const BridgeServices& services, discord::RestClient& rest,
                      std::shared_ptr<discord::Timing> timing);
  ~DiscordInteractions();

  /// `scope`: of the server that it comes from, if we know that one. `told_again`: it may have come before,
  /// and an earlier process may have answered it.
  void take(std::optional<tenancy::ServerScope> scope, discord::Interaction interaction, bool told_again);

 private:
  class Pending;

  Task<void> take_up(tenancy::ServerScope scope, std::shared_ptr<Pending> pending,
                     discord::Interaction interaction);
  void call(tenancy::ServerScope scope, std::shared_ptr<Pending> pending, discord::Interaction interaction);
  std::string say_plainly(std::string_view key) const;

  const BridgeServices& services_;
  discord::RestClient& rest_;
  std::shared_ptr<discord::Timing> timing_;
};

}  // namespace guildhall::bot
