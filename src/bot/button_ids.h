// What stands behind a button in Discord: its custom id, which everybody can read and send back, on another
// message, to another server, or years later. So it carries the call that it makes and a signature over that
// call and the server, and nothing has to be kept for it: a button works as long as the key file has its key
// (base/secrets.h).
//
// "1:leaderboard:1:211:points,10,2:SIGNATURE": form, command, its button version, who may press it (empty:
// everybody), the arguments in the order of their declaration, 128 bits of HMAC-SHA256 in base64url.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secrets.h"
#include "bot/commands.h"

namespace guildhall::bot {

class ButtonIds {
 public:
  /// Both outlive it.
  ButtonIds(const Secrets& secrets, const CommandRegistry& commands)
      : secrets_(secrets), commands_(commands) {}

  /// `user`: who alone may press it, by the platform's number. Empty: the arguments need more than the 100
  /// characters that Discord gives. Throws where no such command is open at Door::button.
  std::optional<std::string> make(ServerId server, const ButtonCall& call,
                                  const std::optional<std::string>& user) const;

  /// The call of a button that `user` pressed in `server`; its command is the slash name. Errors: `invalid`
  /// (not ours, altered, or of another server), `conflict` (what it called for is another thing today),
  /// `forbidden` (somebody else's).
  Result<ButtonCall> read(ServerId server, std::string_view user, std::string_view id) const;

 private:
  const Secrets& secrets_;
  const CommandRegistry& commands_;
};

}  // namespace guildhall::bot
