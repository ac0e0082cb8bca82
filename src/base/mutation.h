// Faults put in on purpose, to see that a test catches them. They exist only in the programs that are
// compiled with GUILDHALL_MUTATIONS (tests/isolation/), which switch them on at run time.
#pragma once

#include <boost/describe/enum.hpp>

namespace guildhall {

// clang-format off
BOOST_DEFINE_ENUM_CLASS(Mutation,
  // The gate for statements (store/statement.cpp, tenancy/seal.cpp).
  statement_without_predicate,  // one statement loses its tenant predicate
  gate_open,                    // every statement passes
  parameters_unread,            // ... whatever it binds
  tables_unread,                // ... whatever tables it is on
  shape_unread,                 // ... whatever its text says
  accesses_unread,              // ... whatever the database says that it reaches
  plan_unread,                  // ... however it searches
  // The gate for tables, and scopes (tenancy/scopes.cpp, tenancy/registry.cpp).
  catalog_unread,     // nobody compares the catalog with what is declared
  scope_swapped,      // an event's scope is another server's
  session_unchecked,  // every session may have every server's scope
  channel_of_all,     // a channel's event is every server's
  inactive_served,    // events of servers that the bot has left are served
  reserved_known,     // the isolation proof's servers are servers like others
  // The road (bot/dispatcher.cpp).
  lane_shared,  // servers share settings, cooldowns and recent ids
  // The doors for strangers (bot/short_signature.cpp, bot/oauth_states.cpp, web/link_pages.cpp, web/discord_sign_in.cpp,
  // web/sessions.cpp, web/api.cpp, net/http.cpp).
  signature_unread,     // whoever writes an address by himself is believed
  state_of_any_browser, // what comes back counts in every browser
  state_for_anything,   // ... and for whatever it is used
  state_kept,           // ... as often as it comes
  press_from_anywhere,  // a form of another site is as good as ours
  visitor_unread,       // nobody looks who is signed in where a link is opened
  onward_anywhere,      // who has signed in is sent to any address
  session_kept,         // the session of before signing in goes on
  session_chosen,       // whoever signs in keeps the id that his browser came with
  session_in_address,   // the id may stand in an address, which histories and logs keep
  taken_asked_again,    // who tries somebody's account waits for Kick once more
  line_ends_pass,       // a header may begin another line
  csrf_unread,          // a request of another site is as good as the page's own
  // What Kick posts (platforms/kick/webhook.cpp, bot/kick_bridge.cpp, bot/dispatcher.cpp).
  webhook_signature_unread, // whoever signs is believed
  webhook_age_unread,       // ... whenever it was signed
  webhook_repeated,         // what was done already is done once more
  webhook_of_any_channel,   // ... for whatever channel its subscription is
  // Channels (bot/settings.cpp, tenancy/channel_grants.cpp).
  shown_settable,  // what only shows something can be set
  owner_unread,    // a channel is connected by whoever comes, whosever it is
  // SQLite (store/sqlite/connection.cpp, units.cpp, server_files.cpp).
  authorizer_off,     // running connections may do anything
  scope_kind_unread,  // a statement runs in a scope of any kind
  marker_unread,      // nobody compares a file's marker with its name
  pins_off,           // a server's file takes rows of any server
  file_shared,        // all servers have the same file
  // PostgreSQL (store/postgres/connection.cpp).
  scope_unsent,  // the database is not told whose scope it is
  scope_kept     // the scope outlives its transaction
)
// clang-format on

#ifdef GUILDHALL_MUTATIONS
bool mutated(Mutation mutation);
#else
constexpr bool mutated(Mutation) { return false; }
#endif

}  // namespace guildhall
