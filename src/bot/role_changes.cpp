#include "bot/role_changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "bot/find_servers.h"
#include "bot/outbox.h"

namespace guildhall::bot {
namespace {

using store::CrossServerStatement;
using store::NoParams;
using store::NoRow;
using store::Statement;
using store::Tx;
using store::TxTask;

/// Calls wait for Discord's limits.
constexpr Duration kRoleLease = std::chrono::minutes(5);
constexpr Duration kRest = std::chrono::minutes(10);
constexpr Duration kFirstPause = std::chrono::seconds(5);
constexpr std::int64_t kMostDoublings = 7;
/// What is held is due when it is released.
constexpr TimePoint kHeld = TimePoint::max();

struct DueParams {
  TimePoint now;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(DueParams, (), (now, until))

/// What is new goes first, so that nothing that fails again and again holds it up. A role rests as long as
/// the change does that was refused last. The outer condition once more: another process may have been
/// faster; its plus keeps SQLite from looking at all that is due.
constexpr Statement<DueParams, RoleChange> kLeaseNext{
    "role_changes.lease",
    "UPDATE role_changes SET lease_until = :until, attempts = attempts + 1 "
    "WHERE discord_server_id = :server AND +lease_until <= :now AND (member_id, role_id) IN ("
    "SELECT c.member_id, c.role_id FROM role_changes c WHERE c.discord_server_id = :server "
    "AND c.lease_until <= :now AND c.role_id NOT IN ("
    "SELECT r.role_id FROM role_changes r WHERE r.discord_server_id = :server AND r.lease_until > :now "
    "AND r.last_error <> '') ORDER BY c.lease_until, c.member_id, c.role_id LIMIT 1) "
    "RETURNING member_id, role_id, wanted, reason, role_group, role_rank, attempts"};

struct DoneParams {
  std::string member;
  std::string role;
  std::string wanted;
};
BOOST_DESCRIBE_STRUCT(DoneParams, (), (member, role, wanted))

constexpr Statement<DoneParams, NoRow> kDropDone{
    "role_changes.done",
    "DELETE FROM role_changes WHERE discord_server_id = :server AND member_id = :member AND role_id = :role "
    "AND wanted = :wanted"};

struct GrantParams {
  std::string member;
  std::string role;
  std::string reason;
  std::string group;
  std::int64_t rank;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(GrantParams, (), (member, role, reason, group, rank, now))

/// Unless something else is wanted of this role by now.
constexpr Statement<GrantParams, NoRow> kGrant{
    "role_changes.grant",
    "INSERT INTO role_grants (discord_server_id, member_id, role_id, reason, role_group, role_rank, "
    "granted_at) SELECT :server, :member, :role, :reason, :group, :rank, :now WHERE NOT EXISTS ("
    "SELECT 1 FROM role_changes c WHERE c.discord_server_id = :server AND c.member_id = :member "
    "AND c.role_id = :role) ON CONFLICT (discord_server_id, member_id, role_id) DO NOTHING"};

struct MemberRoleParams {
  std::string member;
  std::string role;
};
BOOST_DESCRIBE_STRUCT(MemberRoleParams, (), (member, role))

constexpr Statement<MemberRoleParams, NoRow> kRevoke{
    "role_changes.revoke",
    "DELETE FROM role_grants WHERE discord_server_id = :server AND member_id = :member AND role_id = :role"};

struct LesserParams {
  std::string member;
  std::string group;
  std::int64_t rank;
};
BOOST_DESCRIBE_STRUCT(LesserParams, (), (member, group, rank))

// Lesser roles of the group that are on their way. Before those that are held: what is held by now is no
// longer on its way.

/// Never tried, or refused each time: if the member has it all the same, somebody else gave it.
constexpr Statement<LesserParams, NoRow> kDropUntried{
    "role_changes.drop_untried",
    "DELETE FROM role_changes WHERE discord_server_id = :server AND member_id = :member "
    "AND role_group = :group AND role_rank < :rank AND wanted = 'add' AND attempts = 0"};
/// Discord may have done it already.
constexpr Statement<LesserParams, NoRow> kTurnRound{
    "role_changes.turn_round",
    "UPDATE role_changes SET wanted = 'remove', attempts = 0, lease_until = 0, last_error = '' "
    "WHERE discord_server_id = :server AND member_id = :member AND role_group = :group "
    "AND role_rank < :rank AND wanted = 'add'"};

struct MemberGroupParams {
  std::string member;
  std::string group;
};
BOOST_DESCRIBE_STRUCT(MemberGroupParams, (), (member, group))

constexpr Statement<MemberGroupParams, NoRow> kTakeLesser{
    "role_changes.take_lesser",
    "INSERT INTO role_changes (discord_server_id, member_id, role_id, wanted, reason, role_group, role_rank, "
    "attempts, lease_until, last_error) "
    "SELECT :server, g.member_id, g.role_id, 'remove', g.reason, g.role_group, g.role_rank, 0, 0, '' "
    "FROM role_grants g WHERE g.discord_server_id = :server AND g.member_id = :member "
    "AND g.role_group = :group AND g.role_rank < (SELECT max(h.role_rank) FROM role_grants h "
    "WHERE h.discord_server_id = :server AND h.member_id = :member AND h.role_group = :group) "
    "ON CONFLICT (discord_server_id, member_id, role_id) DO NOTHING"};

struct RankParams {
  std::string role;
  std::string reason;
  std::string group;
  std::int64_t rank;
};
BOOST_DESCRIBE_STRUCT(RankParams, (), (role, reason, group, rank))

constexpr Statement<RankParams, NoRow> kRank{
    "role_changes.rank",
    "UPDATE role_grants SET role_group = :group, role_rank = :rank "
    "WHERE discord_server_id = :server AND role_id = :role AND reason = :reason"};

struct RestoreParams {
  std::string member;
  std::string reason;
  std::string role;  // empty: each
  TimePoint from;
};
BOOST_DESCRIBE_STRUCT(RestoreParams, (), (member, reason, role, from))

constexpr Statement<RestoreParams, NoRow> kRestore{
    "role_changes.restore",
    "INSERT INTO role_changes (discord_server_id, member_id, role_id, wanted, reason, role_group, role_rank, "
    "attempts, lease_until, last_error) "
    "SELECT :server, g.member_id, g.role_id, 'add', g.reason, g.role_group, g.role_rank, 0, :from, '' "
    "FROM role_grants g WHERE g.discord_server_id = :server AND g.member_id = :member AND g.reason = :reason "
    "AND (:role = '' OR g.role_id = :role) ON CONFLICT (discord_server_id, member_id, role_id) DO NOTHING"};

struct RestoreAllParams {
  std::string reason;
  std::string role;  // empty: each
  TimePoint from;
};
BOOST_DESCRIBE_STRUCT(RestoreAllParams, (), (reason, role, from))

constexpr Statement<RestoreAllParams, NoRow> kRestoreAll{
    "role_changes.restore_all",
    "INSERT INTO role_changes (discord_server_id, member_id, role_id, wanted, reason, role_group, role_rank, "
    "attempts, lease_until, last_error) "
    "SELECT :server, g.member_id, g.role_id, 'add', g.reason, g.role_group, g.role_rank, 0, :from, '' "
    "FROM role_grants g WHERE g.discord_server_id = :server AND g.reason = :reason "
    "AND (:role = '' OR g.role_id = :role) ON CONFLICT (discord_server_id, member_id, role_id) DO NOTHING"};

struct CancelParams {
  std::string reason;
  std::string role;  // empty: each
};
BOOST_DESCRIBE_STRUCT(CancelParams, (), (reason, role))

constexpr Statement<CancelParams, NoRow> kCancel{
    "role_changes.cancel",
    "DELETE FROM role_changes WHERE discord_server_id = :server AND reason = :reason "
    "AND (:role = '' OR role_id = :role) AND wanted = 'add' AND NOT EXISTS (SELECT 1 FROM role_grants g "
    "WHERE g.discord_server_id = :server AND g.member_id = role_changes.member_id "
    "AND g.role_id = role_changes.role_id)"};
constexpr Statement<CancelParams, NoRow> kCancelOthers{
    "role_changes.cancel_others",
    "DELETE FROM role_changes WHERE discord_server_id = :server AND reason = :reason AND role_id <> :role "
    "AND wanted = 'add'"};

struct HoldParams {
  std::string reason;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(HoldParams, (), (reason, until))

constexpr Statement<HoldParams, NoRow> kHold{
    "role_changes.hold",
    "UPDATE role_changes SET lease_until = :until, last_error = '' "
    "WHERE discord_server_id = :server AND reason = :reason AND wanted = 'add'"};
constexpr Statement<HoldParams, NoRow> kRelease{
    "role_changes.release",
    "UPDATE role_changes SET lease_until = 0 "
    "WHERE discord_server_id = :server AND reason = :reason AND lease_until = :until"};

struct ForgetParams {
  std::string role;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(ForgetParams, (), (role, reason))

constexpr Statement<ForgetParams, NoRow> kForgetChanges{
    "role_changes.forget_changes",
    "DELETE FROM role_changes WHERE discord_server_id = :server AND role_id = :role AND reason = :reason"};
constexpr Statement<ForgetParams, NoRow> kForgetGrants{
    "role_changes.forget_grants",
    "DELETE FROM role_grants WHERE discord_server_id = :server AND role_id = :role AND reason = :reason"};

struct TroubleParams {
  std::string role;
  std::string trouble;
};
BOOST_DESCRIBE_STRUCT(TroubleParams, (), (role, trouble))
struct CountRow {
  std::int64_t told = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (told))

constexpr Statement<TroubleParams, CountRow> kTold{
    "role_changes.told",
    "SELECT count(*) AS told FROM role_changes WHERE discord_server_id = :server AND role_id = :role "
    "AND last_error = :trouble"};

struct RestParams {
  std::string member;
  std::string role;
  std::string trouble;
  TimePoint lease;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(RestParams, (), (member, role, trouble, lease, until))

/// What is refused was not done: it does not count as tried.
constexpr Statement<RestParams, NoRow> kLetRest{
    "role_changes.rest",
    "UPDATE role_changes SET lease_until = :until, last_error = :trouble, attempts = attempts - 1 "
    "WHERE discord_server_id = :server AND member_id = :member AND role_id = :role AND lease_until = :lease"};

struct PostponeParams {
  std::string member;
  std::string role;
  TimePoint lease;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(PostponeParams, (), (member, role, lease, until))

constexpr Statement<PostponeParams, NoRow> kPostpone{
    "role_changes.postpone",
    "UPDATE role_changes SET lease_until = :until "
    "WHERE discord_server_id = :server AND member_id = :member AND role_id = :role AND lease_until = :lease"};

constexpr Statement<NoParams, NoRow> kResume{
    "role_changes.resume",
    "UPDATE role_changes SET lease_until = 0 WHERE discord_server_id = :server AND last_error <> ''"};

struct WaitingParams {
  ServerId first;
  ServerId last;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(WaitingParams, (), (first, last, now))
struct ServerRow {
  ServerId discord_server_id;
};
BOOST_DESCRIBE_STRUCT(ServerRow, (), (discord_server_id))

constexpr CrossServerStatement<WaitingParams, ServerRow> kDueServers{
    "role_changes.due_servers", "finds the servers for whose members roles are due to be given or taken",
    "SELECT DISTINCT discord_server_id FROM role_changes "
    "WHERE discord_server_id BETWEEN :first AND :last AND lease_until <= :now"};

bool passes_by_itself(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::timeout || code == ErrorCode::rate_limited;
}

/// Every statement once, for the isolation proof.
TxTask<void> rehearse(Tx& tx, ServerContext& context) {
  const TimePoint now = context.now;
  const std::string why = "watchtime";
  const RoleChange lesser{"1", "11", "add", why, "g", 1};
  const RoleChange greater{"1", "12", "add", why, "g", 2};
  const RoleChange least{"1", "13", "add", why, "g", 0};
  for (const RoleChange& change : {lesser, greater, least})
    co_await tx.change(kGrant, {change.member_id, change.role_id, why, "g", change.role_rank, now});
  co_await restore_roles(tx, "1", {why});
  co_await hold_roles(tx, why);
  co_await release_roles(tx, why);
  const TimePoint lease = now + kRoleLease;
  co_await tx.one(kLeaseNext, {now, lease});
  co_await tx.change(kLetRest, {"1", "11", "roles.refused", lease, now + kRest});
  co_await tx.one(kTold, {"11", "roles.refused"});
  co_await tx.change(kResume);
  co_await tx.one(kLeaseNext, {now, lease});
  co_await tx.change(kPostpone, {"1", "11", lease, now + kFirstPause});
  co_await note_role_changed(tx, greater, now);
  co_await note_role_changed(tx, {"1", "11", "remove", why, "g", 1}, now);
  co_await rank_role(tx, "12", why, "g", 3);
  co_await restore_all_roles(tx, {why, "12"}, now);
  co_await tx.change(kForgetGrants, {"12", why});
  co_await cancel_roles(tx, why, "12");
  co_await tx.change(kGrant, {"1", "12", why, "g", 2, now});
  co_await restore_roles(tx, "1", {why, "12"});
  co_await cancel_other_roles(tx, why, "13");
  co_await forget_role(tx, "13", why);
}

}  // namespace

Result<std::string> normalise_role_id(std::string_view text) {
  if (text.starts_with("<@&") && text.ends_with('>')) text = text.substr(3, text.size() - 4);
  const auto id = StrongId<struct RoleTag>::parse(text);
  if (id && id->value() > 0) return id->str();
  return fail(ErrorCode::invalid, "must be a Discord role's id");
}

std::string role_mention(std::string_view role_id) { return fmt::format("<@&{}>", role_id); }

TxTask<std::int64_t> restore_roles(Tx& tx, std::string member_id, Restored what) {
  const TimePoint from = what.held ? kHeld : TimePoint();
  co_return co_await tx.change(kRestore, {std::move(member_id), what.reason, what.role, from});
}

TxTask<std::int64_t> restore_all_roles(Tx& tx, Restored what, TimePoint now) {
  co_return co_await tx.change(kRestoreAll, {what.reason, what.role, what.held ? kHeld : now});
}

TxTask<void> cancel_roles(Tx& tx, std::string reason, std::string role_id) {
  co_await tx.change(kCancel, {std::move(reason), std::move(role_id)});
}

TxTask<void> cancel_other_roles(Tx& tx, std::string reason, std::string role_id) {
  co_await tx.change(kCancelOthers, {std::move(reason), std::move(role_id)});
}

TxTask<void> hold_roles(Tx& tx, std::string reason) {
  co_await cancel_roles(tx, reason);
  co_await tx.change(kHold, {std::move(reason), kHeld});
}

TxTask<void> release_roles(Tx& tx, std::string reason) {
  co_await tx.change(kRelease, {std::move(reason), kHeld});
}

TxTask<void> forget_role(Tx& tx, std::string role_id, std::string reason) {
  co_await tx.change(kForgetChanges, {role_id, reason});
  co_await tx.change(kForgetGrants, {role_id, reason});
}

TxTask<void> rank_role(Tx& tx, std::string role_id, std::string reason, std::string group,
                       std::int64_t rank) {
  co_await tx.change(kRank, {std::move(role_id), std::move(reason), std::move(group), rank});
}

/// What was given is held, even if nobody wanted it any more when it was.
TxTask<bool> note_role_changed(Tx& tx, RoleChange change, TimePoint now) {
  const bool waited = co_await tx.change(kDropDone, {change.member_id, change.role_id, change.wanted}) > 0;
  if (change.wanted == "remove") {
    if (waited) co_await tx.change(kRevoke, {change.member_id, change.role_id});
    co_return false;
  }
  const GrantParams grant{change.member_id,  change.role_id,   change.reason,
                          change.role_group, change.role_rank, now};
  const bool noted = co_await tx.change(kGrant, grant) > 0;
  if ((!waited && !noted) || change.role_group.empty()) co_return noted;
  const LesserParams lesser{change.member_id, change.role_group, change.role_rank};
  co_await tx.change(kDropUntried, lesser);
  co_await tx.change(kTurnRound, lesser);
  co_await tx.change(kTakeLesser, {change.member_id, change.role_group});
  co_return noted;
}

RoleWorker::RoleWorker(net::Loops& loops, tenancy::Tenancy& tenancy, const Declarations& declarations,
                       const Clock& clock, Change change)
    : loops_(loops),
      tenancy_(tenancy),
      declarations_(declarations),
      clock_(clock),
      change_(std::move(change)) {}

void RoleWorker::wake(tenancy::ServerScope scope) {
  {
    const std::scoped_lock lock(mutex_);
    const auto [entry, idle] = draining_.emplace(scope.server(), false);
    entry->second = true;
    if (!idle) return;  // whoever drains looks once more
  }
  net::spawn(loops_.of(scope.server()), "roles", [this, scope] { return drain(scope); });
}

bool RoleWorker::woken_again(ServerId server) {
  const std::scoped_lock lock(mutex_);
  const auto entry = draining_.find(server);
  if (std::exchange(entry->second, false)) return true;
  draining_.erase(entry);
  return false;
}

Task<void> RoleWorker::sweep() {
  const TimePoint now = clock_.now();
  const auto find = [now](store::CrossTx& tx, store::ServerRange range) -> TxTask<std::vector<ServerId>> {
    std::vector<ServerId> servers;
    for (const ServerRow& row : co_await tx.all(kDueServers, {range.first, range.last, now}))
      servers.push_back(row.discord_server_id);
    co_return servers;
  };
  for (const ServerId server : co_await find_servers(tenancy_, "roles.sweep", now, find)) {
    if (const auto scope = tenancy_.scopes().for_job(server)) wake(*scope);
  }
}

Task<void> RoleWorker::drain(tenancy::ServerScope scope) {
  while (woken_again(scope.server())) {
    while (!stopping_ && co_await try_next(scope)) {
    }
  }
}

/// What the database does not take is due again when its lease is over.
Task<bool> RoleWorker::try_next(tenancy::ServerScope scope) {
  try {
    co_return co_await carry_out_next(scope);
  } catch (const std::exception& error) {
    log::error("role changes failed",
               {log::field("server", scope.server().str()), log::field("error", error.what())});
  }
  co_return false;
}

/// One at a time, so that whatever is decided meanwhile holds from the next one on.
Task<bool> RoleWorker::carry_out_next(tenancy::ServerScope scope) {
  const TimePoint now = clock_.now();
  const TimePoint lease = now + kRoleLease;
  const auto change = co_await scope.transact([now, lease](Tx& tx) -> TxTask<std::optional<RoleChange>> {
    co_return co_await tx.one(kLeaseNext, {now, lease});
  });
  if (!change) co_return false;
  const auto answer = co_await change_(scope.server(), *change);
  if (!answer && passes_by_itself(answer.error().code)) {
    co_await postpone(scope, *change, lease);
    co_return false;  // the others would hardly fare better
  }
  const bool gone = answer && *answer == RoleAnswer::no_role;
  if (answer && (!gone || change->wanted == "remove")) {
    co_await settle(scope, *change, *answer);  // one who left has it noted, and gets it when he comes back
  } else {
    co_await rest(scope, *change, lease, gone ? std::nullopt : std::optional(answer.error()));
  }
  co_return true;
}

Task<void> RoleWorker::settle(tenancy::ServerScope scope, RoleChange change, RoleAnswer answer) {
  const TimePoint now = clock_.now();
  const auto given = co_await given_by(scope.server(), change, answer);
  const bool outbox = co_await scope.transact([&](Tx& tx) -> TxTask<bool> {
    const bool first = co_await note_role_changed(tx, change, now);
    if (!first || !given) co_return false;
    co_return co_await tell(tx, scope.server(), *given, now);
  });
  if (outbox && wake_outbox_) wake_outbox_(scope);
}

/// What features are told when it is the first time; nothing: there is nothing to tell, or nobody.
Task<std::optional<RoleGiven>> RoleWorker::given_by(ServerId server, RoleChange change,
                                                    RoleAnswer answer) const {
  const auto member = DiscordUserId::parse(change.member_id);
  if (change.wanted != "add" || answer != RoleAnswer::done || !member || declarations_.on_role_given.empty())
    co_return std::nullopt;
  RoleGiven given{*member, change.role_id, "", change.reason, change.role_rank, ""};
  if (name_) given.role_name = co_await name_(server, change.role_id);
  if (const auto known = tenancy_.servers().find(server)) given.server_name = known->name;
  co_return given;
}

/// True: they have put something into the outbox.
TxTask<bool> RoleWorker::tell(Tx& tx, ServerId server, const RoleGiven given, TimePoint now) const {
  ServerContext context{server, now,
                        co_await load_settings(tx, declarations_.settings, *declarations_.config),
                        &declarations_.texts};
  for (const auto& handler : declarations_.on_role_given) co_await handler(tx, context, given);
  co_return context.outbox;
}

/// The role's other changes rest with this one, and it is said when the first of them does.
Task<void> RoleWorker::rest(tenancy::ServerScope scope, RoleChange change, TimePoint lease,
                            std::optional<Error> refused) {
  {
    const std::scoped_lock lock(mutex_);
    resting_.insert(scope.server());
  }
  const TimePoint now = clock_.now();
  const std::string key = refused ? "roles.refused" : "roles.gone";
  const bool said = co_await scope.transact([&](Tx& tx) -> TxTask<bool> {
    const auto told = co_await tx.one(kTold, {change.role_id, key});
    const RestParams rest{change.member_id, change.role_id, key, lease, now + kRest};
    if (co_await tx.change(kLetRest, rest) == 0 || told->told > 0) co_return false;
    ServerContext context{scope.server(), now,
                          co_await load_settings(tx, declarations_.settings, *declarations_.config),
                          &declarations_.texts};
    const Message note{key, {{"role", role_mention(change.role_id)}, {"id", change.role_id}}};
    co_await post_to_log_channel(tx, context, note);
    co_return true;
  });
  if (!said) co_return;
  log::warning("a role cannot be given or taken",
               {log::field("server", scope.server().str()), log::field("role", change.role_id),
                log::field("error", refused ? refused->message : "unknown role")});
  if (wake_outbox_) wake_outbox_(scope);
}

Task<void> RoleWorker::postpone(tenancy::ServerScope scope, RoleChange change, TimePoint lease) {
  const Duration pause =
      std::min<Duration>(kFirstPause * (std::int64_t{1} << std::min(change.attempts, kMostDoublings)), kRest);
  const PostponeParams postponed{change.member_id, change.role_id, lease, clock_.now() + pause};
  co_await scope.transact([postponed](Tx& tx) -> TxTask<void> { co_await tx.change(kPostpone, postponed); });
}

void RoleWorker::resume(tenancy::ServerScope scope) {
  {
    const std::scoped_lock lock(mutex_);
    if (resting_.erase(scope.server()) == 0) return;
  }
  net::spawn(loops_.of(scope.server()), "roles", [this, scope]() -> Task<void> {
    co_await scope.transact([](Tx& tx) -> TxTask<void> { co_await tx.change(kResume); });
    wake(scope);
  });
}

TxTask<void> leave_role_changes(Tx& tx, std::string own_role, TimePoint rehearsed_at) {
  for (const std::string& role : {std::string("11"), own_role})
    co_await tx.change(kGrant, {"1", role, "watchtime", "g", 1, rehearsed_at});
  co_await restore_roles(tx, "1", {"watchtime"});
  const TimePoint lease = rehearsed_at + kRoleLease;
  co_await tx.one(kLeaseNext, {rehearsed_at, lease});
  co_await tx.change(kLetRest, {"1", "11", "roles.refused", lease, TimePoint{}});
  co_await tx.change(kPostpone, {"1", own_role, TimePoint{}, lease});
}

void declare_role_changes(Declarations& declarations) {
  for (const char* table : {"role_changes", "role_grants"})
    declarations.tables.add({table, tenancy::TableClass::tenant, "bot", true});
  declarations.statements.add("role_changes", kLeaseNext, kDropDone, kGrant, kRevoke, kDropUntried,
                              kTurnRound, kTakeLesser, kRank, kRestore, kRestoreAll, kCancel, kCancelOthers,
                              kHold, kRelease, kForgetChanges, kForgetGrants, kTold, kLetRest, kPostpone,
                              kResume, kDueServers);
  declarations.rehearsals.server.push_back(rehearse);
}

}  // namespace guildhall::bot
