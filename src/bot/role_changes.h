// Roles of members: what features want given or taken is a row of `role_changes`, put in by their own
// transaction or tick; it is done in Discord afterwards, at least once, and a change that is done is gone.
// Adding and removing come to the same when they are repeated, so a kill at any moment does no harm. What
// was given stands in `role_grants`: it is not given again, and a member who comes back gets it back.
//
// Of roles with the same group (not empty) a member keeps the one of the highest rank: as soon as it is given
// the others are taken. All other roles add up.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "bot/feature.h"
#include "net/loops.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

/// An id or a mention. Error `invalid`.
Result<std::string> normalise_role_id(std::string_view text);
/// As Discord shows a role by its name.
std::string role_mention(std::string_view role_id);

struct RoleChange {
  std::string member_id;
  std::string role_id;
  std::string wanted;  // add, remove
  std::string reason;  // watchtime, linked
  std::string role_group;
  std::int64_t role_rank = 0;
  std::int64_t attempts = 0;
};
BOOST_DESCRIBE_STRUCT(RoleChange, (), (member_id, role_id, wanted, reason, role_group, role_rank, attempts))

enum class RoleAnswer { done, no_member, no_role };

/// What is given again of what was given before.
struct Restored {
  std::string reason;
  std::string role = {};  // this one alone; empty: each
  bool held = false;      // not before the reason is released
};
/// Gives a member who came back what was given him; to how many roles that comes.
store::TxTask<std::int64_t> restore_roles(store::Tx& tx, std::string member_id, Restored what);
/// The same for everybody. What is new is given first.
store::TxTask<std::int64_t> restore_all_roles(store::Tx& tx, Restored what, TimePoint now);
/// Nobody gets for this reason what he is still waiting for, of this role or (empty) of each; what is given
/// again still is.
store::TxTask<void> cancel_roles(store::Tx& tx, std::string reason, std::string role_id = "");
/// For this reason nobody gets another role than this one, not even again.
store::TxTask<void> cancel_other_roles(store::Tx& tx, std::string reason, std::string role_id);
/// For this reason nobody gets anything before it is released; what is given again waits until then.
store::TxTask<void> hold_roles(store::Tx& tx, std::string reason);
store::TxTask<void> release_roles(store::Tx& tx, std::string reason);
/// Nothing is known of a role any more: what waits is dropped. Members keep it in Discord.
store::TxTask<void> forget_role(store::Tx& tx, std::string role_id, std::string reason);
/// Where in its group a role stands from now on, for who was given it already.
store::TxTask<void> rank_role(store::Tx& tx, std::string role_id, std::string reason, std::string group,
                              std::int64_t rank);
/// In Discord it is so now. Of a change that was turned round meanwhile nothing is noted. True: the role is
/// given to the member for the first time.
store::TxTask<bool> note_role_changed(store::Tx& tx, RoleChange change, TimePoint now);

/// Does in Discord what is wanted. One per process; lives on the servers' loops.
class RoleWorker {
 public:
  /// Changes one role of a member. Error `unavailable`, `timeout` or `rate_limited` = again later; any other:
  /// the server's people have to do something first.
  using Change = std::function<Task<Result<RoleAnswer>>(ServerId server, RoleChange change)>;
  /// What a role is called; empty: it is not known.
  using Name = std::function<Task<std::string>(ServerId server, std::string role_id)>;

  RoleWorker(net::Loops& loops, tenancy::Tenancy& tenancy, const Declarations& declarations,
             const Clock& clock, Change change);

  /// Called after something was put into the outbox.
  void on_outbox(std::function<void(tenancy::ServerScope)> wake) { wake_outbox_ = std::move(wake); }
  /// How features learn the names of roles that were given.
  void on_names(Name name) { name_ = std::move(name); }
  /// Something may be due for this server. From any thread.
  void wake(tenancy::ServerScope scope);
  /// Wakes every server for which something is due.
  Task<void> sweep();
  /// The bot may be allowed what it was not: what rests is tried at once. From any thread.
  void resume(tenancy::ServerScope scope);
  /// Begins nothing from now on.
  void stop() { stopping_ = true; }

 private:
  Task<void> drain(tenancy::ServerScope scope);
  bool woken_again(ServerId server);
  /// False: nothing left for now.
  Task<bool> try_next(tenancy::ServerScope scope);
  Task<bool> carry_out_next(tenancy::ServerScope scope);
  Task<void> settle(tenancy::ServerScope scope, RoleChange change, RoleAnswer answer);
  Task<std::optional<RoleGiven>> given_by(ServerId server, RoleChange change, RoleAnswer answer) const;
  store::TxTask<bool> tell(store::Tx& tx, ServerId server, RoleGiven given, TimePoint now) const;
  /// `refused`: why; nothing: the role is gone.
  Task<void> rest(tenancy::ServerScope scope, RoleChange change, TimePoint lease,
                  std::optional<Error> refused);
  Task<void> postpone(tenancy::ServerScope scope, RoleChange change, TimePoint lease);

  net::Loops& loops_;
  tenancy::Tenancy& tenancy_;
  const Declarations& declarations_;
  const Clock& clock_;
  Change change_;
  Name name_;
  std::function<void(tenancy::ServerScope)> wake_outbox_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::map<ServerId, bool> draining_;  // value: woken since it last looked
  std::set<ServerId> resting_;         // something of theirs waits for people
};

/// For the isolation proof: what each server ends with, so that another one's rehearsals would meet it.
/// `own_role` is the server's alone.
store::TxTask<void> leave_role_changes(store::Tx& tx, std::string own_role, TimePoint rehearsed_at);

void declare_role_changes(Declarations& declarations);

}  // namespace guildhall::bot
