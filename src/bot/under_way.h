// How much of what Discord tells is being handled: what must not be lost, and of each server the messages, so
// that no server's can take the places of the others.
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
  static constexpr std::size_t kMostOfAServer = 1'000;

  /// Taken until the last copy goes.
  using Place = std::shared_ptr<void>;

  /// For what must not be lost there is always one.
  Place take() {
    ++kept_;
    return {this, [self = shared_from_this()](void*) { --self->kept_; }};
  }

  /// Null: there are too many messages, of this server or of all.
  Place take_for_message(ServerId server) {
    const std::scoped_lock lock(mutex_);
    const auto known = of_server_.find(server);
    const bool room =
        messages_ < kMostMessages && (known == of_server_.end() || known->second < kMostOfAServer);
    if (!room) return nullptr;
    ++messages_;
    ++of_server_[server];
    return {this, [self = shared_from_this(), server](void*) { self->message_is_over(server); }};
  }

  /// What must not be lost.
  std::size_t kept() const { return kept_; }
  std::size_t all() const {
    const std::scoped_lock lock(mutex_);
    return kept_ + messages_;
  }

 private:
  void message_is_over(ServerId server) {
    const std::scoped_lock lock(mutex_);
    --messages_;
    const auto known = of_server_.find(server);
    if (--known->second == 0) of_server_.erase(known);
  }

  std::atomic<std::size_t> kept_ = 0;
  mutable std::mutex mutex_;
  std::size_t messages_ = 0;
  std::unordered_map<ServerId, std::size_t> of_server_;  // none that has no message under way
};

}  // namespace guildhall::bot
