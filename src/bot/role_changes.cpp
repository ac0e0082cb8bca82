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

/// For all of a batch: calls wait for Discord's limits.
constexpr Duration kRoleLease = std::chrono::minutes(5);
constexpr Duration kRest = std::chrono::minutes(10);
constexpr Duration kFirstPause = std::chrono::seconds(5);
constexpr std::int64_t kMostDoublings = 7;

struct DueParams {
  TimePoint now;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(DueParams, (), (now, until))

/// The outer condition once more: another process may have been faster.
constexpr Statement<DueParams, RoleChange> kLeaseRoles{
    "role_changes.lease",
    "UPDATE role_changes SET lease_until = :until, attempts = attempts + 1 "
    "WHERE discord_server_id = :server AND lease_until <= :now AND (member_id, role_id) IN ("
    "SELECT c.member_id, c.role_id FROM role_changes c WHERE c.discord_server_id = :server "
    "AND c.lease_until <= :now ORDER BY c.lease_until, c.member_id, c.role_id LIMIT 20) "
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

constexpr Statement<GrantParams, NoRow> kGrant{
    "role_changes.grant",
    "INSERT INTO role_grants (discord_server_id, member_id, role_id, reason, role_group, role_rank, "
    "granted_at) VALUES (:server, :member, :role, :reason, :group, :rank, :now) "
    "ON CONFLICT (discord_server_id, member_id, role_id) DO NOTHING"};

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

/// Lesser roles of the group that are on their way. Before those that are held: what is held by now is no
/// longer on its way.
constexpr Statement<LesserParams, NoRow> kTurnRound{
    "role_changes.turn_round",
    "UPDATE role_changes SET wanted = 'remove', attempts = 0, lease_until = 0, last_error = '' "
    "WHERE discord_server_id = :server AND member_id = :member AND role_group = :group "
    "AND role_rank < :rank AND wanted = 'add'"};

constexpr Statement<LesserParams, NoRow> kTakeLesser{
    "role_changes.take_lesser",
    "INSERT INTO role_changes (discord_server_id, member_id, role_id, wanted, reason, role_group, role_rank, "
    "attempts, lease_until, last_error) "
    "SELECT :server, g.member_id, g.role_id, 'remove', g.reason, g.role_group, g.role_rank, 0, 0, '' "
    "FROM role_grants g WHERE g.discord_server_id = :server AND g.member_id = :member "
    "AND g.role_group = :group AND g.role_rank < :rank "
    "ON CONFLICT (discord_server_id, member_id, role_id) DO NOTHING"};

struct RestoreParams {
  std::string member;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(RestoreParams, (), (member, reason))

constexpr Statement<RestoreParams, NoRow> kRestore{
    "role_changes.restore",
    "INSERT INTO role_changes (discord_server_id, member_id, role_id, wanted, reason, role_group, role_rank, "
    "attempts, lease_until, last_error) "
    "SELECT :server, g.member_id, g.role_id, 'add', g.reason, g.role_group, g.role_rank, 0, 0, '' "
    "FROM role_grants g WHERE g.discord_server_id = :server AND g.member_id = :member AND g.reason = :reason "
    "ON CONFLICT (discord_server_id, member_id, role_id) DO NOTHING"};

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
  std::string role;
  std::string trouble;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(RestParams, (), (role, trouble, until))

constexpr Statement<RestParams, NoRow> kRestRole{
    "role_changes.rest",
    "UPDATE role_changes SET lease_until = :until, last_error = :trouble "
    "WHERE discord_server_id = :server AND role_id = :role"};

struct PostponeParams {
  TimePoint lease;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(PostponeParams, (), (lease, until))

constexpr Statement<PostponeParams, NoRow> kPostpone{
    "role_changes.postpone",
    "UPDATE role_changes SET lease_until = :until "
    "WHERE discord_server_id = :server AND lease_until = :lease"};

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
  const RoleChange lesser{"1", "11", "add", "watchtime", "g", 1};
  const RoleChange greater{"1", "12", "add", "watchtime", "g", 2};
  for (const RoleChange& change : {lesser, greater})
    co_await tx.change(kGrant, {change.member_id, change.role_id, change.reason, "g", change.role_rank, now});
  co_await restore_roles(tx, "1", "watchtime");
  co_await tx.all(kLeaseRoles, {now, now + kRoleLease});
  co_await tx.change(kRestRole, {"11", "roles.refused", now + kRest});
  co_await tx.one(kTold, {"11", "roles.refused"});
  co_await tx.change(kResume);
  co_await tx.change(kPostpone, {now + kRoleLease, now});
  co_await note_role_changed(tx, greater, now);
  co_await note_role_changed(tx, {"1", "11", "remove", "watchtime", "g", 1}, now);
  co_await tx.change(kGrant, {"1", "11", "watchtime", "g", 1, now});
  co_await tx.change(kTakeLesser, {"1", "g", 2});
  co_await forget_role(tx, "11", "watchtime");
}

}  // namespace

Result<std::string> normalise_role_id(std::string_view text) {
  if (text.starts_with("<@&") && text.ends_with('>')) text = text.substr(3, text.size() - 4);
  const auto id = StrongId<struct RoleTag>::parse(text);
  if (id && id->value() > 0) return id->str();
  return fail(ErrorCode::invalid, "must be a Discord role's id");
}

std::string role_mention(std::string_view role_id) { return fmt::format("<@&{}>", role_id); }

TxTask<void> restore_roles(Tx& tx, std::string member_id, std::string reason) {
  co_await tx.change(kRestore, {std::move(member_id), std::move(reason)});
}

TxTask<void> forget_role(Tx& tx, std::string role_id, std::string reason) {
  co_await tx.change(kForgetChanges, {role_id, reason});
  co_await tx.change(kForgetGrants, {role_id, reason});
}

TxTask<bool> note_role_changed(Tx& tx, RoleChange change, TimePoint now) {
  if (co_await tx.change(kDropDone, {change.member_id, change.role_id, change.wanted}) == 0) co_return false;
  if (change.wanted == "remove") {
    co_await tx.change(kRevoke, {change.member_id, change.role_id});
    co_return false;
  }
  const auto given = co_await tx.change(
      kGrant, {change.member_id, change.role_id, change.reason, change.role_group, change.role_rank, now});
  if (!change.role_group.empty()) {
    co_await tx.change(kTurnRound, {change.member_id, change.role_group, change.role_rank});
    co_await tx.change(kTakeLesser, {change.member_id, change.role_group, change.role_rank});
  }
  co_return given > 0;
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
    while (!stopping_ && co_await try_batch(scope)) {
    }
  }
}

/// What the database does not take is due again when its lease is over.
Task<bool> RoleWorker::try_batch(tenancy::ServerScope scope) {
  try {
    co_return co_await carry_out_batch(scope);
  } catch (const std::exception& error) {
    log::error("role changes failed",
               {log::field("server", scope.server().str()), log::field("error", error.what())});
  }
  co_return false;
}

Task<bool> RoleWorker::carry_out_batch(tenancy::ServerScope scope) {
  const TimePoint now = clock_.now();
  const TimePoint lease = now + kRoleLease;
  const auto changes = co_await scope.transact([now, lease](Tx& tx) -> TxTask<std::vector<RoleChange>> {
    co_return co_await tx.all(kLeaseRoles, {now, lease});
  });
  std::set<std::string> resting;  // one refusal of a role is enough
  for (const RoleChange& change : changes) {
    if (stopping_) co_return false;
    if (resting.contains(change.role_id)) continue;
    const auto answer = co_await change_(scope.server(), change);
    if (!answer && passes_by_itself(answer.error().code)) {
      co_await postpone(scope, lease, change.attempts);
      co_return false;
    }
    const bool gone = answer && *answer == RoleAnswer::no_role;
    if (answer && !gone) {  // one who left has it noted, and gets it when he comes back
      co_await settle(scope, change, *answer);
      continue;
    }
    resting.insert(change.role_id);
    co_await rest(scope, change.role_id, gone ? "roles.gone" : "roles.refused",
                  gone ? "unknown role" : answer.error().message);
  }
  co_return !changes.empty();
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

/// All of a role's changes rest, and it is said when the first of them does.
Task<void> RoleWorker::rest(tenancy::ServerScope scope, std::string role_id, std::string key,
                            std::string trouble) {
  {
    const std::scoped_lock lock(mutex_);
    resting_.insert(scope.server());
  }
  const TimePoint now = clock_.now();
  const bool said = co_await scope.transact([&](Tx& tx) -> TxTask<bool> {
    const auto told = co_await tx.one(kTold, {role_id, key});
    co_await tx.change(kRestRole, {role_id, key, now + kRest});
    if (told->told > 0) co_return false;
    ServerContext context{scope.server(), now,
                          co_await load_settings(tx, declarations_.settings, *declarations_.config),
                          &declarations_.texts};
    const Message note{key, {{"role", role_mention(role_id)}}};
    co_await post_to_log_channel(tx, context, note);
    co_return true;
  });
  if (!said) co_return;
  log::warning("a role cannot be given or taken",
               {log::field("server", scope.server().str()), log::field("role", role_id),
                log::field("error", trouble)});
  if (wake_outbox_) wake_outbox_(scope);
}

Task<void> RoleWorker::postpone(tenancy::ServerScope scope, TimePoint lease, std::int64_t attempts) {
  const Duration pause =
      std::min<Duration>(kFirstPause * (std::int64_t{1} << std::min(attempts, kMostDoublings)), kRest);
  const TimePoint until = clock_.now() + pause;
  co_await scope.transact(
      [lease, until](Tx& tx) -> TxTask<void> { co_await tx.change(kPostpone, {lease, until}); });
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
  co_await restore_roles(tx, "1", "watchtime");
  co_await tx.change(kRestRole, {"11", "roles.refused", TimePoint{}});
  co_await tx.change(kRestRole, {own_role, "", rehearsed_at + kRoleLease});
}

void declare_role_changes(Declarations& declarations) {
  for (const char* table : {"role_changes", "role_grants"})
    declarations.tables.add({table, tenancy::TableClass::tenant, "bot", true});
  declarations.statements.add("role_changes", kLeaseRoles, kDropDone, kGrant, kRevoke, kTurnRound,
                              kTakeLesser, kRestore, kForgetChanges, kForgetGrants, kTold, kRestRole,
                              kPostpone, kResume, kDueServers);
  declarations.rehearsals.server.push_back(rehearse);
}

}  // namespace guildhall::bot
