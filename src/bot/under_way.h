// How much of what Discord tells is being handled, messages and members' comings and goings, each counted for
// every server, so that none can take the places of the others.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ids.h"

namespace guildhall::bot {

/// Used from any thread.
class UnderWay : public std::enable_shared_from_this<UnderWay> {
 public:
  /// Discord lets fifty answers a second through, and one that has waited for a minute is given up
  /// (rest_sender.cpp): of so many commands the last would have none.
  static constexpr std::size_t kMostMessages = 4'000;
  static constexpr std::size_t kMostMessagesOfAServer = 1'000;
  /// Comings and goings that make it full: of all servers together, each counted up to its part, so that none
  /// alone makes the others wait, though it cannot be written for minutes.
  static constexpr std::size_t kMostKept = 4'000;
  static constexpr std::size_t kPartOfAServer = 1'000;
  /// What one server has beyond its part waits and holds up nobody, up to this. No more than three can be
  /// beyond theirs before it is full, so that is the bound of memory too.
  static constexpr std::size_t kMostKeptOfAServer = 10'000;

  /// Taken until the last copy goes.
  using Place = std::shared_ptr<void>;

  /// For a coming or going, which should not be lost. Null: there are too many of this server.
  Place take(ServerId server) {
    const std::scoped_lock lock(mutex_);
    std::size_t& kept = kept_of_[server];
    if (kept == kMostKeptOfAServer) return nullptr;
    if (++kept <= kPartOfAServer) ++kept_in_parts_;
    ++kept_;
    return {this, [self = shared_from_this(), server](void*) { self->kept_is_over(server); }};
  }

  /// Null: there are too many messages, of this server or of all.
  Place take_for_message(ServerId server) {
    const std::scoped_lock lock(mutex_);
    const auto known = messages_of_.find(server);
    const bool room =
        messages_ < kMostMessages && (known == messages_of_.end() || known->second < kMostMessagesOfAServer);
    if (!room) return nullptr;
    ++messages_;
    ++messages_of_[server];
    return {this, [self = shared_from_this(), server](void*) { self->message_is_over(server); }};
  }

  /// So many comings and goings that no more should be read.
  bool is_full() const { return kept_in_parts_ >= kMostKept; }
  std::size_t all() const {
    const std::scoped_lock lock(mutex_);
    return kept_ + messages_;
  }

 private:
  void kept_is_over(ServerId server) {
    const std::scoped_lock lock(mutex_);
    --kept_;
    const auto known = kept_of_.find(server);
    if (--known->second < kPartOfAServer) --kept_in_parts_;
    if (known->second == 0) kept_of_.erase(known);
  }
  void message_is_over(ServerId server) {
    const std::scoped_lock lock(mutex_);
    --messages_;
    const auto known = messages_of_.find(server);
    if (--known->second == 0) messages_of_.erase(known);
  }

  mutable std::mutex mutex_;
  std::size_t kept_ = 0;
  std::atomic<std::size_t> kept_in_parts_ = 0;  // asked for at each event
  std::size_t messages_ = 0;
  // None that has nothing under way.
  std::unordered_map<ServerId, std::size_t> kept_of_;
  std::unordered_map<ServerId, std::size_t> messages_of_;
};

}  // namespace guildhall::bot
