// The pages of linking (features/linking): where a member proves a stream account, and where a holder objects
// to losing his. Who opens one was given its address in Discord, in private; what it says is signed
// (bot/page_links.h).
//
// So that nobody is led to link his account to somebody else: the page names the member for whom it is,
// nothing happens before a press on the page itself, an address belongs to the first browser that goes on
// with it, what comes back from the platform counts in that browser alone, and a browser in which another
// member is signed in to the dashboard is refused.
#pragma once

#include <optional>
#include <string>

#include "base/metrics.h"
#include "bot/dispatcher.h"
#include "bot/page_links.h"
#include "features/linking/linking.h"
#include "net/http.h"
#include "tenancy/scopes.h"
#include "web/doors.h"
#include "web/sessions.h"
#include "web/visitor_page.h"

namespace guildhall::web {

class LinkPages {
 public:
  struct Clocks {
    const Clock& world;
    const Clock& people;
  };
  /// All of it outlives this.
  LinkPages(tenancy::Tenancy& tenancy, const bot::Declarations& declarations, bot::Dispatcher& dispatcher,
            Sessions& sessions, const bot::PageLinks& links, Clocks clocks, const AccountDoor& door,
            Metrics& metrics);

  /// /link/..., /link-objection/...
  static bool is_page(std::string_view path);
  Task<net::HttpResponse> handle(net::HttpRequest request);
  /// GET /auth/kick/callback. Nothing: whoever comes back did not go there from here.
  Task<std::optional<net::HttpResponse>> finish(net::HttpRequest request);

 private:
  /// A visitor with a good address, and the texts of the server that it names.
  struct Guest;
  template <class Body>
  Task<features::linking::Standing> change(tenancy::ServerScope scope, Body body);
  std::optional<tenancy::ServerScope> scope_of(ServerId server) const;
  Task<std::optional<Guest>> guest_of(const net::HttpRequest& request, std::string page,
                                      std::string token) const;
  Task<net::HttpResponse> link_page(net::HttpRequest request, std::string token);
  Task<net::HttpResponse> press(net::HttpRequest request, Guest guest);
  Task<net::HttpResponse> go_on(Guest guest);
  Task<net::HttpResponse> come_back_in_vain(Guest guest, std::string back_to, std::string trouble);
  Task<net::HttpResponse> objection_page(net::HttpRequest request, std::string token);
  net::HttpResponse show(const Guest& guest, const features::linking::Standing& standing,
                         std::string_view trouble) const;
  net::HttpResponse no_page(int status, std::string_view which) const;
  Task<bool> is_somebody_else(const net::HttpRequest& request, DiscordUserId member) const;
  bool is_own_press(const net::HttpRequest& request, const std::string& browser) const;

  tenancy::Tenancy& tenancy_;
  const bot::Declarations& declarations_;
  bot::Dispatcher& dispatcher_;
  Sessions& sessions_;
  const bot::PageLinks& links_;
  Clocks clocks_;
  const AccountDoor& door_;
  features::linking::Linking linking_;
  Counter& taken_;
  // Of one network address, behind which many members may be.
  CallLimit visits_{300, std::chrono::minutes(15)};
  CallLimit presses_{60, std::chrono::minutes(15)};
  CallLimit returns_{60, std::chrono::minutes(15)};
  /// Of one member, for the log.
  CallLimit failures_{3, std::chrono::minutes(15)};
};

}  // namespace guildhall::web
