// What stands behind a button, a select or a form in Discord: its custom id, which everybody can read and
// send back, on another message, to another server, or years later. So it carries the call that it makes and
// a signature over that call and the server, and nothing has to be kept for it: it works as long as the key
// file has its key (base/secrets.h).
//
// "1:leaderboard:1:211:points,10,2:SIGNATURE": layout, command, its offer version, who may use it (empty:
// everybody), the arguments in the order of their declaration ("?": open, as it comes back with what was
// chosen or written), 128 bits of HMAC-SHA256 in base64url.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secrets.h"
#include "bot/commands.h"

namespace guildhall::bot {

class CustomIds {
 public:
  /// Both outlive it. What was made for one door is worth nothing at another: Door::button is that of buttons
  /// and selects, Door::slash that of the forms behind menus. Throws `std::invalid_argument` at any other.
  CustomIds(const Secrets& secrets, const CommandRegistry& commands, Door door);

  /// `user`: who alone may use it, by the platform's number. Empty: the arguments need more than the 100
  /// characters that Discord gives. Throws where no such command is open at that door.
  std::optional<std::string> make(ServerId server, const OfferedCall& call,
                                  const std::optional<std::string>& user) const;

  /// The call of what `user` used in `server`; its command is the slash name. Errors: `invalid` (not ours,
  /// altered, or of another server), `conflict` (what it called for is another thing today), `forbidden`
  /// (somebody else's).
  Result<OfferedCall> read(ServerId server, std::string_view user, std::string_view id) const;

 private:
  const Secrets& secrets_;
  const CommandRegistry& commands_;
  Door door_;
  std::string_view purpose_;
};

}  // namespace guildhall::bot
