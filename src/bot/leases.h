// What only one of several processes may do at a time, by kind and name: serve a shard of Discord, identify,
// ...
//
// A holder shows that it lives by a counter that it raises every few seconds. Whoever sees the same holder
// and count for kSilence of its own steady time takes the holder for dead, and may take the lease over. So no
// clocks of machines are compared, and setting one does no harm.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tenancy/scope.h"

namespace guildhall::bot {

struct Lease {
  std::string kind;
  std::string name;
  std::string holder;  // empty: nobody
  std::int64_t beats = 0;
};

/// Not for several threads at once. Every call may throw DatabaseError.
class Leases {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  /// Beats come every kBeat; a holder that could not beat for kFence must stop by itself what its leases
  /// allow, for others take it for dead a moment later.
  static constexpr std::chrono::seconds kBeat{5};
  static constexpr std::chrono::seconds kFence{15};
  static constexpr std::chrono::seconds kSilence{20};

  /// `holder` is this process. Holders whose name begins with `predecessors` are dead for sure, because this
  /// process could not run beside them; empty: none is.
  Leases(tenancy::GlobalScope global, std::string holder, std::string predecessors,
         std::function<SteadyTime()> now);

  const std::string& holder() const { return holder_; }

  /// Adds those that are missing, as nobody's.
  Task<void> make(std::string kind, std::vector<std::string> names);
  /// All of a kind, by name. To be called about every second by whoever waits for one.
  Task<std::vector<Lease>> look(std::string kind);

  enum class State { free, ours, others, dead };
  /// As of the last look.
  State state_of(const Lease& seen) const;

  /// Takes one that is free, whose holder is dead, or that is ours: what is kept there, for its next holder
  /// to go on from. Nothing: it is not any more as it was seen.
  Task<std::optional<std::string>> take(Lease seen);
  /// Puts down what the next holder goes on from; nothing happens when it is not ours any more.
  Task<void> keep(std::string kind, std::string name, std::string kept);
  /// The same.
  Task<void> give_back(std::string kind, std::string name);
  /// Shows that we live. The leases, by kind and name, that are still ours.
  Task<std::set<std::pair<std::string, std::string>>> beat();
  /// Deletes one that is as it was seen.
  Task<void> remove(Lease seen);

 private:
  struct Sight {
    std::string holder;
    std::int64_t beats = 0;
    SteadyTime since;
  };
  bool is_predecessor(const std::string& holder) const;

  tenancy::GlobalScope global_;
  std::string holder_;
  std::string predecessors_;
  std::function<SteadyTime()> now_;
  std::map<std::pair<std::string, std::string>, Sight> sights_;
};

store::TxTask<void> rehearse_leases(store::GlobalTx& tx, TimePoint now);

void declare_leases(store::StatementRegistry& statements);

}  // namespace guildhall::bot
