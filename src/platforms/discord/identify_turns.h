// Whose turn it is to identify. Shards whose indexes leave the same rest by `max_concurrency` must identify
// at least 5 s apart, and all identifies of a bot are counted together: whoever uses them up, about 1000 a
// day, loses the token. Source: gateway documentation, "Rate Limiting" and "Session Start Limit".
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/task.h"
#include "platforms/discord/timing.h"

namespace guildhall::discord {

/// How many sessions may still be started before `resets_at` (real time).
struct IdentifyBudget {
  int total = 0;
  int left = 0;
  TimePoint resets_at;

  /// Stops well before zero: a twentieth is kept for the operator's own restarts.
  bool exhausted(TimePoint now) const { return now < resets_at && left <= (total + 19) / 20; }
  void spend(TimePoint now);
  /// Of the same limit, by the moment when it resets, of which nobody knows more than how long it is until
  /// then.
  bool is_same(const IdentifyBudget& other) const;

  friend bool operator==(const IdentifyBudget&, const IdentifyBudget&) = default;
};

/// To be put on record when one was spent: `left` are left behind it by what its shard knew, and others may
/// have spent since `recorded` was read for it.
IdentifyBudget spent(const std::optional<IdentifyBudget>& recorded, IdentifyBudget left);

/// It as one JSON text, for records that keep texts. Anything unreadable is no budget.
std::string write_budget(const IdentifyBudget& budget);
std::optional<IdentifyBudget> read_budget(std::string_view text);

/// What all processes of a bot must agree on. Called on the turns' loop; what it throws makes the turn fail.
class IdentifyRecord {
 public:
  virtual ~IdentifyRecord() = default;
  enum class Claim {
    taken,      // by another process
    ours,       // until it is released
    inherited,  // ours, from a process that died and may have identified just before
  };
  virtual Task<Claim> claim(int key) = 0;
  virtual Task<void> release(int key) = 0;
  virtual Task<std::optional<IdentifyBudget>> budget() = 0;
  /// Replaces what is on record with `spent` of it, in one step.
  virtual Task<void> write(IdentifyBudget left) = 0;
};

class IdentifyTurns {
 public:
  /// For all gateways of the process, which live on `loop`. Without a record there is no other process, and
  /// the next start knows nothing.
  IdentifyTurns(boost::asio::io_context& loop, std::shared_ptr<Timing> timing,
                std::shared_ptr<IdentifyRecord> record = nullptr);

  /// Nobody else of the same key identifies while it lives, nor within 5 s of its use.
  class Turn {
   public:
    Turn() = default;  // nobody's
    Turn(std::shared_ptr<IdentifyTurns> turns, int key) : turns_(std::move(turns)), key_(key) {}
    Turn(Turn&&) = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

    /// As it was last put on record.
    const std::optional<IdentifyBudget>& budget() const { return budget_; }
    /// To be called before the IDENTIFY goes out: `left`, what is left behind it, is on record then, or a
    /// crash loop would not see it shrink. A record that fails is logged.
    Task<void> use(std::optional<IdentifyBudget> left);

   private:
    friend class IdentifyTurns;
    std::shared_ptr<IdentifyTurns> turns_;
    int key_ = 0;
    std::optional<IdentifyBudget> budget_;
    bool claimed_ = false;
    bool used_ = false;
  };

  /// Waits for the turn, in the order of asking. Error `unavailable`: the record cannot be reached.
  static Task<Result<Turn>> take(std::shared_ptr<IdentifyTurns> self, int key);

 private:
  struct Waiter;
  struct Line {
    bool taken = false;
    std::deque<Waiter*> waiting;
  };

  Task<void> wait_in_line(int key);
  Task<void> claim(int key);
  static Task<void> finish(std::shared_ptr<IdentifyTurns> self, int key, bool claimed, bool used);
  Task<bool> release(int key);
  void give_on(int key);
  Task<void> pause(std::chrono::nanoseconds time);

  boost::asio::io_context& loop_;
  std::shared_ptr<Timing> timing_;
  std::shared_ptr<IdentifyRecord> record_;
  std::map<int, Line> lines_;
  std::optional<IdentifyBudget> budget_;  // without a record
};

}  // namespace guildhall::discord
