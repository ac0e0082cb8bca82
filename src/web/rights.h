// What a session may do with a server: the operator everything; who signed in by Discord what Discord and the
// server's administrators say, asked anew at least every minute.
#pragma once

#include <map>
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

/// What each session was last seen to be to servers: to none anything, at first. Lives on one loop.
class SeenRights {
 public:
  void note(const std::string& session_hash, ServerId server, tenancy::Access access);
  /// Is any of it another than when the session got its present id?
  bool changed(const std::string& session_hash) const;
  void renewed(const std::string& before, const std::string& after);

 private:
  struct Seen {
    std::map<ServerId, tenancy::Access> access;
    bool changed = false;
  };
  std::map<std::string, Seen> seen_;
};

/// "viewer", "administrator", ...
std::string_view access_name(tenancy::Access access);

}  // namespace guildhall::web
