// Who somebody is at Kick: he is sent there, says yes, and comes back in the same browser. Only his number
// and name are learned; the token that he granted for it is given back at once.
#pragma once

#include <string>

#include "base/config.h"
#include "bot/oauth_states.h"
#include "platforms/kick/client.h"

namespace guildhall::bot {

/// Where Kick sends everybody back to, whatever he went there for: the application's redirect address.
std::string kick_callback(const Config& config);

class KickAccounts {
 public:
  /// All of it outlives this. Calls of viewers do not wait for those of channels, nor those for them.
  KickAccounts(const Config& config, OAuthStates& states, kick::Client::Send send);

  /// Where he is asked. `browser_hash`: of a secret that the browser keeps; `server` and `back_to` come back.
  Task<std::string> begin(std::string browser_hash, ServerId server, std::string back_to);

  /// Who came back for that, before Kick is asked; nothing: he did not begin here, or it is too late.
  Task<std::optional<OAuthStates::Returned>> returned(std::string state, std::string browser_hash);
  /// Whose account it is. Errors: `unauthenticated` (the code is no good), `configuration` (the app's id or
  /// secret), `unavailable`.
  Task<Result<kick::User>> account(std::string code, std::string verifier);

 private:
  const Config& config_;
  OAuthStates& states_;
  kick::Client client_;
};

}  // namespace guildhall::bot
