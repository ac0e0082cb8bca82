// Work that waits for the database, in one line per server. Whoever takes from it goes round the
// servers, so that a long line holds up nobody but itself; within a line order is kept.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace guildhall::store {

/// Not synchronised. Line 0 is the work that belongs to no server.
template <class Job>
class Lines {
 public:
  /// What waits for one server at most, and for all of them together.
  static constexpr std::size_t kLongestLine = 2'000;
  static constexpr std::size_t kMost = 20'000;

  /// False: the line is full, and nothing was put in.
  bool push(ServerId server, Job job) {
    Line& line = lines_[server];
    if (size_ >= kMost || line.jobs.size() >= kLongestLine) return false;
    line.jobs.push_back(std::move(job));
    ++size_;
    give_turn(server, line);
    return true;
  }

  struct Next {
    ServerId line;
    Job job;
  };

  /// The next job of the line whose turn it is; nothing when all are empty or held. With `held` the line
  /// gives nothing more until it is released.
  std::optional<Next> next(bool held = false) {
    if (turns_.empty()) return std::nullopt;
    const ServerId server = turns_.front();
    turns_.pop_front();
    Line& line = lines_.find(server)->second;
    line.has_turn = false;
    std::optional<Next> taken(Next{server, std::move(line.jobs.front())});
    line.jobs.pop_front();
    --size_;
    if (held) ++line.held;
    settle(server, line);
    return taken;
  }

  /// The next jobs of the line whose turn it is, at most so many; none when all are empty or held.
  std::vector<Job> next_of_one_line(std::size_t most) {
    std::vector<Job> taken;
    if (turns_.empty()) return taken;
    const ServerId server = turns_.front();
    turns_.pop_front();
    Line& line = lines_.find(server)->second;
    line.has_turn = false;
    for (; !line.jobs.empty() && taken.size() < most; --size_) {
      taken.push_back(std::move(line.jobs.front()));
      line.jobs.pop_front();
    }
    settle(server, line);
    return taken;
  }

  /// Nothing is taken from this line until it is released as often as it was held.
  void hold(ServerId server) {
    Line& line = lines_[server];
    ++line.held;
    if (!std::exchange(line.has_turn, false)) return;
    std::erase(turns_, server);
  }
  void release(ServerId server) {
    Line& line = lines_.find(server)->second;
    --line.held;
    settle(server, line);
  }

  std::size_t size() const { return size_; }
  std::size_t longest() const {
    std::size_t most = 0;
    for (const auto& [server, line] : lines_) most = std::max(most, line.jobs.size());
    return most;
  }
  bool has_next() const { return !turns_.empty(); }

 private:
  struct Line {
    std::deque<Job> jobs;
    int held = 0;
    bool has_turn = false;
  };

  void give_turn(ServerId server, Line& line) {
    if (line.held > 0 || line.has_turn) return;
    line.has_turn = true;
    turns_.push_back(server);
  }
  void settle(ServerId server, Line& line) {
    if (!line.jobs.empty()) {
      give_turn(server, line);
    } else if (line.held == 0) {
      lines_.erase(server);
    }
  }

  std::unordered_map<ServerId, Line> lines_;
  std::deque<ServerId> turns_;  // lines that have a job and are not held, each once
  std::size_t size_ = 0;
};

}  // namespace guildhall::store
