// The newest ids, so that what is told twice is done or answered once.
#pragma once

#include <deque>
#include <string>
#include <unordered_set>

namespace guildhall::bot {

class RecentIds {
 public:
  /// So many are remembered.
  explicit RecentIds(std::size_t most) : most_(most) {}

  /// False: seen before.
  bool add(const std::string& id) {
    if (!known_.insert(id).second) return false;
    order_.push_back(id);
    if (order_.size() > most_) {
      known_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }
  bool contains(const std::string& id) const { return known_.contains(id); }
  /// It may come again.
  void forget(const std::string& id) {
    if (known_.erase(id) > 0) std::erase(order_, id);
  }

 private:
  std::size_t most_;
  std::unordered_set<std::string> known_;
  std::deque<std::string> order_;
};

}  // namespace guildhall::bot
