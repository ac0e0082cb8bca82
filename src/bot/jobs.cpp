#include "bot/jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "net/all_of.h"

namespace guildhall::bot {
namespace {

using store::CrossServerStatement;
using store::CrossTx;
using store::NoRow;
using store::TxTask;

constexpr std::size_t kFirstChunk = 25;
constexpr std::size_t kLargestChunk = 200;
/// How many times as large as its predecessor a chunk may be.
constexpr std::size_t kGrowth = 4;
constexpr Duration kChunkTime = std::chrono::milliseconds(250);
constexpr Duration kLease = std::chrono::minutes(5);
constexpr Duration kLongestPause = std::chrono::minutes(30);

constexpr std::string_view kReason =
    "keeps and claims the tick's row of every active server in one statement";

struct EnsureParams {
  ServerId first;
  ServerId last;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(EnsureParams, (), (first, last, now))

struct ClaimParams {
  ServerId first;
  ServerId last;
  TimePoint now;
  TimePoint too_far;  // a clock that jumped back: what is due later than this is due now
  TimePoint lease;
};
BOOST_DESCRIBE_STRUCT(ClaimParams, (), (first, last, now, too_far, lease))

struct ServerRow {
  ServerId discord_server_id;
};
BOOST_DESCRIBE_STRUCT(ServerRow, (), (discord_server_id))

struct DoneParams {
  ServerId first;
  ServerId last;
  TimePoint now;
  TimePoint next;
};
BOOST_DESCRIBE_STRUCT(DoneParams, (), (first, last, now, next))

struct FailedParams {
  ServerId id;
  TimePoint now;
  std::string trouble;
  Duration longest;
};
BOOST_DESCRIBE_STRUCT(FailedParams, (), (id, now, trouble, longest))

constexpr CrossServerStatement<EnsureParams, NoRow> kEnsure{
    "jobs.ensure", kReason,
    "INSERT INTO jobs (discord_server_id, kind, due_at, lease_until, attempts) "
    "SELECT discord_server_id, 'minute', :now, 0, 0 FROM servers "
    "WHERE state = 'active' AND discord_server_id BETWEEN :first AND :last "
    "ON CONFLICT (discord_server_id, kind) DO NOTHING"};

constexpr CrossServerStatement<ClaimParams, ServerRow> kClaim{
    "jobs.claim", kReason,
    "UPDATE jobs SET lease_until = :lease WHERE kind = 'minute' "
    "AND (due_at <= :now OR due_at > :too_far) AND (lease_until <= :now OR lease_until > :too_far) "
    "AND discord_server_id BETWEEN :first AND :last "
    "AND discord_server_id IN (SELECT discord_server_id FROM servers WHERE state = 'active') "
    "RETURNING discord_server_id"};

constexpr CrossServerStatement<DoneParams, NoRow> kDone{
    "jobs.done", kReason,
    "UPDATE jobs SET due_at = :next, lease_until = 0, attempts = 0, last_success_at = :now, last_error = "
    "NULL "
    "WHERE discord_server_id BETWEEN :first AND :last AND kind = 'minute' AND lease_until > 0"};

/// One minute after the first failure, four after the second, nine, and so on up to the longest.
constexpr CrossServerStatement<FailedParams, NoRow> kFailed{
    "jobs.failed", kReason,
    "UPDATE jobs SET lease_until = 0, attempts = attempts + 1, last_error = :trouble, "
    "due_at = :now + CASE WHEN attempts >= 5 THEN :longest ELSE 60000000 * (attempts + 1) * (attempts + 1) "
    "END "
    "WHERE discord_server_id = :id AND kind = 'minute'"};

}  // namespace

TickRunner::TickRunner(tenancy::Tenancy& tenancy, const Declarations& declarations, const Clock& clock,
                       Metrics& metrics, std::size_t at_once)
    : tenancy_(tenancy),
      declarations_(declarations),
      clock_(clock),
      ticks_(metrics.counter("guildhall_ticks_total", "Ticks of servers that were committed.")),
      set_aside_(metrics.counter("guildhall_ticks_set_aside_total", "Ticks of single servers that failed.")),
      seconds_(metrics.histogram("guildhall_tick_chunk_seconds",
                                 "Time of one set-based tick of several servers.")),
      at_once_(at_once),
      chunk_(kFirstChunk) {}

/// On one file every chunk waits for the one writer. Servers' files have four; PostgreSQL has two connections
/// for the cross-server door, each with a process of its own.
std::size_t chunks_at_once(store::Layout layout) {
  switch (layout) {
    case store::Layout::sqlite: return 1;
    case store::Layout::sqlite_per_server: return 4;
    case store::Layout::postgres: return 2;
  }
  return 1;
}

Task<std::size_t> TickRunner::run_due() {
  const TimePoint now = clock_.now();
  const std::vector<ServerId> claimed = co_await claim(now);
  Backlog backlog = neighbours(claimed);
  std::ranges::reverse(backlog);  // taken from the back
  std::vector<Task<void>> workers;
  for (std::size_t i = 0; i < at_once_; ++i) workers.push_back(work_off(backlog, now));
  co_await net::all_of(std::move(workers));
  co_return claimed.size();
}

Task<void> TickRunner::work_off(Backlog& backlog, TimePoint now) {
  while (!backlog.empty()) co_await run_servers(take_chunk(backlog), now);
}

std::vector<ServerId> TickRunner::take_chunk(Backlog& backlog) const {
  auto& group = backlog.back();
  const auto end = group.begin() + static_cast<std::ptrdiff_t>(std::min(group.size(), chunk_));
  std::vector<ServerId> chunk(group.begin(), end);
  group.erase(group.begin(), end);
  if (group.empty()) backlog.pop_back();
  return chunk;
}

/// A chunk is a range of ids, so it ends where a known server was not claimed: one that was set aside
/// must not fail the others again.
TickRunner::Backlog TickRunner::neighbours(const std::vector<ServerId>& claimed) const {
  const std::set<ServerId> due(claimed.begin(), claimed.end());
  Backlog groups;
  bool open = false;
  for (const auto& server : tenancy_.servers().list()) {
    if (!due.contains(server.discord_server_id)) {
      open = false;
      continue;
    }
    if (!open) groups.emplace_back();
    groups.back().push_back(server.discord_server_id);
    open = true;
  }
  return groups;
}

/// A chunk that was quick never makes the next one smaller: a small one is mostly what every chunk costs.
void TickRunner::learn(std::size_t servers, Duration taken) {
  const auto in_time =
      taken <= Duration(0)
          ? kLargestChunk
          : static_cast<std::size_t>(static_cast<std::int64_t>(servers) * kChunkTime.count() / taken.count());
  chunk_ = taken > kChunkTime ? std::max<std::size_t>(in_time, 1)
                              : std::clamp(std::min(in_time, servers * kGrowth), chunk_, kLargestChunk);
}

Task<std::vector<ServerId>> TickRunner::claim(TimePoint now) {
  const auto& [first, last] = tenancy_.servers().range();
  const ClaimParams params{first, last, now, now + 2 * std::max<Duration>(kTickInterval, kLongestPause),
                           now + kLease};
  const auto rows = co_await tenancy_.door().transact(
      "tick.claim", now, [params](CrossTx& tx) -> TxTask<std::vector<ServerRow>> {
        co_await tx.change(kEnsure, {params.first, params.last, params.now});
        co_return co_await tx.all(kClaim, params);
      });
  std::vector<ServerId> servers;
  for (const ServerRow& row : rows) servers.push_back(row.discord_server_id);
  co_return servers;
}

Task<void> TickRunner::run_servers(std::vector<ServerId> servers, TimePoint now) {
  std::string trouble;
  try {
    co_await run_chunk(servers, now);
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  if (trouble.empty()) co_return;
  if (servers.size() == 1) {
    co_await set_aside(servers.front(), now, std::move(trouble));
    co_return;
  }
  const auto middle = servers.begin() + static_cast<std::ptrdiff_t>(servers.size() / 2);
  co_await run_servers({servers.begin(), middle}, now);
  co_await run_servers({middle, servers.end()}, now);
}

Task<void> TickRunner::run_chunk(std::vector<ServerId> servers, TimePoint now) {
  const auto begin = std::chrono::steady_clock::now();
  const TimePoint begun = clock_.now();
  const TickChunk chunk{servers.front(), servers.back(), now};
  const auto& stages = declarations_.minute_stages;
  co_await tenancy_.door().transact("tick.minute", now, {chunk.first, chunk.last},
                                    [chunk, &stages](CrossTx& tx) -> TxTask<void> {
                                      for (const TickStage& stage : stages) co_await stage(tx, chunk);
                                    });
  learn(servers.size(), std::chrono::duration_cast<Duration>(clock_.real(clock_.now() - begun)));
  // A commit of its own behind the work: a tick that is run again finds nothing left to settle.
  const DoneParams done{chunk.first, chunk.last, now, now + kTickInterval};
  co_await tenancy_.door().transact("tick.done", now,
                                    [done](CrossTx& tx) -> TxTask<void> { co_await tx.change(kDone, done); });
  seconds_.observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  ticks_.add(static_cast<std::int64_t>(servers.size()));
  if (told_) told_(servers);
}

Task<void> TickRunner::set_aside(ServerId server, TimePoint now, std::string trouble) {
  set_aside_.add();
  log::error("tick of a server failed", {log::field("server", server.str()), log::field("error", trouble)});
  const FailedParams params{server, now, std::move(trouble), kLongestPause};
  co_await tenancy_.door().transact(
      "tick.failed", now, [params](CrossTx& tx) -> TxTask<void> { co_await tx.change(kFailed, params); });
}

TxTask<void> rehearse_jobs(CrossTx& tx, const TickChunk& chunk) {
  co_await tx.change(kFailed, {chunk.first, chunk.now, "a rehearsal", kLongestPause});
}

void declare_jobs(store::StatementRegistry& statements) {
  statements.add("jobs", kEnsure, kClaim, kDone, kFailed);
}

}  // namespace guildhall::bot
