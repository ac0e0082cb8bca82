// Which of a session's events are handled: a session is put down up to the first that is not, so that nothing
// is lost with a process that is killed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>

namespace guildhall::discord {

class Receipts;

/// Held by whoever has not finished with an event. When the last copy goes, on any thread, the event is
/// handled.
class Receipt {
 public:
  Receipt() = default;  // of an event that nobody counts

 private:
  friend class Receipts;
  struct Held;
  explicit Receipt(std::shared_ptr<Held> held) : held_(std::move(held)) {}
  std::shared_ptr<Held> held_;
};

class Receipts : public std::enable_shared_from_this<Receipts> {
 public:
  /// A session begins, or goes on behind that event. Receipts of an earlier one count no more.
  void begin(std::int64_t sequence);
  /// An event has come. False: it was told before, and is handled or on its way.
  bool take(std::int64_t sequence);
  /// For whoever handles the event, which is open until then.
  Receipt receipt(std::int64_t sequence);
  /// All up to it are handled.
  std::int64_t handled() const;

 private:
  friend struct Receipt::Held;
  void end(std::uint64_t session, std::int64_t sequence);

  mutable std::mutex mutex_;
  std::uint64_t session_ = 0;
  std::int64_t last_ = 0;  // that came
  std::set<std::int64_t> open_;
};

}  // namespace guildhall::discord
