// What became of a session's events: a session is resumed behind the last one up to which all are handled. So
// nothing is lost with a process that is killed, and what could not be handled, as the database was away, is
// asked for again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "platforms/discord/timing.h"

namespace guildhall::discord {

class Receipts;

/// Held by whoever has not finished with an event. When the last copy goes, on any thread, the event is
/// handled.
class Receipt {
 public:
  Receipt() = default;  // of an event that nobody counts

  /// It could not be handled, and nothing of it remains: it is to be told again.
  void refuse() const;

 private:
  friend class Receipts;
  struct Held;
  explicit Receipt(std::shared_ptr<Held> held) : held_(std::move(held)) {}
  std::shared_ptr<Held> held_;
};

class Receipts : public std::enable_shared_from_this<Receipts> {
 public:
  /// A session begins, or goes on behind that event. How many that were refused are lost by that.
  std::size_t begin(std::int64_t sequence);
  /// An event has come. False: it was told before, and is handled or on its way.
  bool take(std::int64_t sequence, SteadyTime now);
  /// For whoever handles the event, which is open until then.
  Receipt receipt(std::int64_t sequence);
  /// All up to it are handled.
  std::int64_t handled() const;
  /// When the oldest event came that was refused.
  std::optional<SteadyTime> refused_since() const;
  /// Those that were refused are not asked for any more; how many.
  std::size_t give_up();

 private:
  friend struct Receipt::Held;
  struct Event {
    SteadyTime came;
    bool refused = false;
  };

  void end(std::uint64_t session, std::int64_t sequence, bool refused);

  mutable std::mutex mutex_;
  std::uint64_t session_ = 0;             // receipts of an earlier one count no more
  std::int64_t last_ = 0;                 // that came
  SteadyTime came_;                       // when
  std::map<std::int64_t, Event> open_;    // by sequence
  std::atomic<std::size_t> refused_ = 0;  // of them; mostly none, which costs nothing to see
};

}  // namespace guildhall::discord
