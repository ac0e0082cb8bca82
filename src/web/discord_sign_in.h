// Signing in by Discord: the browser goes there and comes back with a code, in the browser that began, once,
// in ten minutes. Nothing that a link carries can sign anybody in by itself.
#pragma once

#include <string>
#include <string_view>

#include "bot/oauth_states.h"
#include "net/http.h"
#include "tenancy/scopes.h"
#include "web/doors.h"
#include "web/sessions.h"

namespace guildhall::web {

class DiscordSignIn {
 public:
  /// All of it outlives this.
  DiscordSignIn(tenancy::Tenancy& tenancy, Sessions& sessions, bot::OAuthStates& states,
                const DiscordDoor& door)
      : tenancy_(tenancy), sessions_(sessions), states_(states), door_(door) {}

  bool is_offered() const { return door_.address != nullptr; }
  /// GET /auth/discord/start?to=/servers/5: on to Discord.
  Task<net::HttpResponse> start(net::HttpRequest request);
  /// GET /auth/discord/callback: back to where he wanted to go, signed in; or to the sign-in page with what
  /// went wrong.
  Task<net::HttpResponse> finish(net::HttpRequest request);

 private:
  Task<net::HttpResponse> admit(net::HttpRequest request, bot::OAuthStates::Returned begun);

  tenancy::Tenancy& tenancy_;
  Sessions& sessions_;
  bot::OAuthStates& states_;
  const DiscordDoor& door_;
  CallLimit starts_{10, std::chrono::minutes(15)};
  CallLimit returns_{10, std::chrono::minutes(15)};
  /// Of one Discord user.
  CallLimit accounts_{10, std::chrono::minutes(15)};
};

/// The path if it leads to a page of the dashboard and nowhere else, "/" otherwise.
std::string local_path(std::string_view wanted);

}  // namespace guildhall::web
