// The minute's tick: claimed in the database per server, run set-based for many servers at once. While a
// chunk of them runs, whoever wants to write their rows waits (on one SQLite file: whoever wants to write),
// so a chunk has as many servers as its predecessors have shown to be done within a quarter of a second, and
// 200 at most. Where chunks do not wait for each other anyway, some run at once. A chunk that fails is halved
// until one server is left, which is set aside and reported while the others go on.
#pragma once

#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "bot/feature.h"
#include "store/place.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

inline constexpr Duration kTickInterval = std::chrono::seconds(60);

/// How many chunks this layout can work on at once.
std::size_t chunks_at_once(store::Layout layout);

class TickRunner {
 public:
  TickRunner(tenancy::Tenancy& tenancy, const Declarations& declarations, const Clock& clock,
             Metrics& metrics, std::size_t at_once = 1);

  /// Called with the servers of each chunk after its commit.
  void on_ticked(std::function<void(const std::vector<ServerId>&)> told) { told_ = std::move(told); }

  /// Claims and runs what is due now; returns how many servers were ticked.
  Task<std::size_t> run_due();

 private:
  /// Groups of neighbours that are still to be ticked.
  using Backlog = std::vector<std::vector<ServerId>>;

  Task<std::vector<ServerId>> claim(TimePoint now);
  Backlog neighbours(const std::vector<ServerId>& claimed) const;
  std::vector<ServerId> take_chunk(Backlog& backlog) const;
  Task<void> work_off(Backlog& backlog, TimePoint now);
  void learn(std::size_t servers, Duration taken);
  Task<void> run_servers(std::vector<ServerId> servers, TimePoint now);
  Task<void> run_chunk(std::vector<ServerId> servers, TimePoint now);
  Task<void> set_aside(ServerId server, TimePoint now, std::string trouble);

  tenancy::Tenancy& tenancy_;
  const Declarations& declarations_;
  const Clock& clock_;
  std::function<void(const std::vector<ServerId>&)> told_;
  Counter& ticks_;
  Counter& set_aside_;
  Histogram& seconds_;
  const std::size_t at_once_;
  std::size_t chunk_;  // servers of the next chunk, at most
};

/// A tick that fails is noted at its server.
store::TxTask<void> rehearse_jobs(store::CrossTx& tx, const TickChunk& chunk);

void declare_jobs(store::StatementRegistry& statements);

}  // namespace guildhall::bot
