// What a session may do with a server: the operator everything; who signed in by Discord what Discord and the
// server's administrators say, asked anew at least every minute.
#pragma once

#include <string>

#include "tenancy/scopes.h"
#include "web/doors.h"
#include "web/sessions.h"

namespace guildhall::web {

class Rights {
 public:
  /// `door` outlives it.
  explicit Rights(const DiscordDoor& door) : door_(door) {}

  bool is_operator(const Session& session) const;
  /// Is it one of the servers that he has anything to do with? Of others nobody is asked.
  bool is_listed(const Session& session, ServerId server) const;
  /// Without what his roles add there (DiscordDoor::Place::under), which only `under` knows. Error
  /// `unavailable`: Discord cannot be asked just now.
  struct Place {
    tenancy::SessionRights rights;
    std::function<tenancy::Access(const bot::Settings& settings)> under = {};
  };
  Task<Result<Place>> at(Session session, ServerId server) const;

 private:
  const DiscordDoor& door_;
};

/// "viewer", "administrator", ...
std::string_view access_name(tenancy::Access access);

}  // namespace guildhall::web
