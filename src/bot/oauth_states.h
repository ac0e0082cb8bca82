// People who are sent to a platform and come back: each time with a state that is good once, for ten minutes,
// in the browser that began, and for what was begun (RFC 6749 section 10.12, RFC 7636).
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "store/statement.h"
#include "tenancy/scope.h"

namespace guildhall::bot {

class OAuthStates {
 public:
  /// `clock`: people's own time, however fast the world runs.
  OAuthStates(tenancy::GlobalScope global, const Clock& clock) : global_(global), clock_(clock) {}

  /// What somebody comes back for.
  struct Intent {
    std::string purpose;       // "kick.channel", "discord.sign_in"
    std::string browser_hash;  // of a secret that the browser has in a cookie
    ServerId server = {};      // for which it is; 0: for none
    std::string back_to = {};  // where on the dashboard he goes then
  };
  /// What goes to the platform.
  struct Begun {
    std::string state;
    std::string challenge;
  };
  struct Returned {
    std::string verifier;
    ServerId server;
    std::string back_to;
  };

  Task<Begun> begin(Intent intent);
  /// Nothing: it was not begun here, in that browser and for that purpose, or is too old, or was used.
  Task<std::optional<Returned>> take(std::string state, std::string purpose, std::string browser_hash);

 private:
  tenancy::GlobalScope global_;
  const Clock& clock_;
};

/// The browser's secret has become another: what was begun with it goes on.
store::TxTask<void> move_oauth_states(store::GlobalTx& tx, std::string from_browser, std::string to_browser);

store::TxTask<void> rehearse_oauth_states(store::GlobalTx& tx, TimePoint now);
void declare_oauth_states(store::StatementRegistry& statements);

}  // namespace guildhall::bot
