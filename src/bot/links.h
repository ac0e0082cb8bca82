// Joining two identities: a Discord member and a stream viewer become one person. A link is a booked,
// reversible transfer plus a re-pointed identity: what the viewer had earned moves to the member's
// person, with ledger rows; undoing it moves the same back, as far as it is still there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "bot/persons.h"
#include "store/tx.h"
#include "tenancy/audit.h"

namespace guildhall::bot {

/// What moved between two persons, for features that keep more than points and minutes.
struct PersonMove {
  PersonId from;
  PersonId to;
  Duration watched{0};
  Duration subscribed{0};
  bool undo = false;
};

using MoveHandler = std::function<store::TxTask<void>(store::Tx&, PersonMove)>;

struct LinkRequest {
  DiscordUserId member;
  std::string platform;  // "kick"
  std::string name;      // of the viewer; unknown so far: a provisional identity is made
  /// Of the viewer, where it is known for certain; then the name is what he is called now.
  std::string user_id = {};
  std::string member_name = {};  // as Discord shows it; empty: not known
};

struct LinkOutcome {
  PersonId person;  // the member's
  std::int64_t points = 0;
  Duration watched{0};
  bool provisional = false;
};

/// Errors, with nothing changed: `invalid` (no name), `conflict` (either side is linked already).
store::TxTask<Result<LinkOutcome>> link_member(store::Tx& tx, const std::vector<MoveHandler>& handlers,
                                               LinkRequest request, tenancy::Actor actor, TimePoint now);

/// Error `not_found` when the member has no such link.
store::TxTask<Result<LinkOutcome>> unlink_member(store::Tx& tx, const std::vector<MoveHandler>& handlers,
                                                 DiscordUserId member, std::string platform,
                                                 tenancy::Actor actor, TimePoint now);

/// The account of that platform that is linked to the member here.
store::TxTask<std::optional<Identity>> linked_account(store::Tx& tx, DiscordUserId member,
                                                      std::string platform);
/// The member to whom the account is linked here.
store::TxTask<std::optional<Identity>> linked_member(store::Tx& tx, Identity account);
/// When a link of this member to another account was last undone by that actor.
store::TxTask<std::optional<TimePoint>> undone_to_others(store::Tx& tx, DiscordUserId member,
                                                         Identity account, std::string actor);

/// Links that were made elsewhere, before, many at once.
struct KnownLink {
  DiscordUserId member;
  std::string name;
  std::string refused = {};  // by link_known: why it was not made
};
/// As link_member. Where neither of the two was known here nothing has to be moved: those links are made in a
/// few statements, and none of them is in the audit log by itself.
store::TxTask<std::vector<KnownLink>> link_known(store::Tx& tx, const std::vector<MoveHandler>& handlers,
                                                 std::string platform, std::vector<KnownLink> links,
                                                 tenancy::Actor actor, TimePoint now);

/// What came later for a viewer who was linked by then, and went to the member's person: when the link is
/// undone it goes back with the rest.
struct Brought {
  PersonId viewer;  // the identity's home
  std::int64_t points = 0;
  Duration watched{0};
};
store::TxTask<void> note_brought(store::Tx& tx, std::vector<Brought> brought);

void declare_links(store::StatementRegistry& statements);

}  // namespace guildhall::bot
