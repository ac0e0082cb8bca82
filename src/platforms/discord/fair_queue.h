// Who goes next among those that wait: whoever somebody waits for; of equally urgent ones the guilds take
// turns; within a guild whoever came first. Every fifth turn goes to what can wait, so that it does not wait
// for ever.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "platforms/discord/rest_call.h"

namespace guildhall::discord {

class FairQueue {
 public:
  struct Waiter {
    Waiter(const boost::asio::any_io_executor& executor, const Lane& lane)
        : timer(executor), urgency(lane.urgency), share(lane.share) {}

    boost::asio::steady_timer timer;
    Urgency urgency;
    std::uint64_t share;
    bool granted = false;

    void let_go() {
      granted = true;
      timer.cancel();
    }
  };

  /// `waiter` stays where it is until it has been popped or removed.
  void push(Waiter& waiter) { line(waiter.urgency).push(waiter); }

  /// Null when nobody waits.
  Waiter* pop() {
    const bool background_first = ++turns_ % kTurnsOfOrder == 0;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      Line& line = lines_[background_first ? lines_.size() - 1 - i : i];
      if (!line.order.empty()) return line.pop();
    }
    return nullptr;
  }

  /// Whoever is next of the most urgent, without letting go; null when nobody waits.
  Waiter* peek() {
    for (Line& line : lines_) {
      if (!line.order.empty()) return line.of.at(line.order.front()).front();
    }
    return nullptr;
  }

  bool empty() const {
    return std::ranges::all_of(lines_, [](const Line& line) { return line.order.empty(); });
  }

  /// How many wait of one share.
  std::size_t waiting(std::uint64_t share) const {
    std::size_t sum = 0;
    for (const Line& line : lines_) {
      const auto found = line.of.find(share);
      if (found != line.of.end()) sum += found->second.size();
    }
    return sum;
  }

  /// No harm if it does not wait here.
  void remove(const Waiter& waiter) { line(waiter.urgency).remove(waiter); }

 private:
  static constexpr std::uint64_t kTurnsOfOrder = 5;

  struct Line {
    std::deque<std::uint64_t> order;  // each share that has somebody in the line, once
    std::unordered_map<std::uint64_t, std::deque<Waiter*>> of;

    void push(Waiter& waiter) {
      auto& queue = of[waiter.share];
      if (queue.empty()) order.push_back(waiter.share);
      queue.push_back(&waiter);
    }

    Waiter* pop() {
      const std::uint64_t share = order.front();
      order.pop_front();
      const auto queue = of.find(share);
      Waiter* first = queue->second.front();
      queue->second.pop_front();
      queue->second.empty() ? static_cast<void>(of.erase(queue)) : order.push_back(share);
      return first;
    }

    void remove(const Waiter& waiter) {
      const auto queue = of.find(waiter.share);
      if (queue == of.end()) return;
      std::erase(queue->second, &waiter);
      if (!queue->second.empty()) return;
      of.erase(queue);
      std::erase(order, waiter.share);
    }
  };

  Line& line(Urgency urgency) { return lines_[static_cast<std::size_t>(urgency)]; }

  std::array<Line, 2> lines_;  // by urgency
  std::uint64_t turns_ = 0;
};

}  // namespace guildhall::discord
