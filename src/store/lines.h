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
  /// `at_once`: a line that is held as often gives nothing more.
  explicit Lines(int at_once = 1) : at_once_(at_once) {}

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
  /// is held until it is released.
  std::optional<Next> next(bool held = false) {
    for (std::size_t barred = 0; barred < turns_.size() && is_barred(turns_.front()); ++barred) {
      turns_.push_back(turns_.front());
      turns_.pop_front();
    }
    if (turns_.empty() || is_barred(turns_.front())) return std::nullopt;
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

  /// One of its jobs that was taken as held is done.
  void release(ServerId server) {
    Line& line = lines_.find(server)->second;
    --line.held;
    settle(server, line);
  }

  /// The same for every server with first <= id <= last, whether something waits for it or not.
  void bar(ServerId first, ServerId last) { barred_.emplace_back(first, last); }
  void unbar(ServerId first, ServerId last) {
    barred_.erase(std::find(barred_.begin(), barred_.end(), std::pair{first, last}));
  }

  /// Takes out everything for which `gone(job)` holds, whatever its turn.
  template <class F>
  std::vector<Job> take_if(F gone) {
    std::vector<Job> taken;
    for (auto at = lines_.begin(); at != lines_.end();) {
      Line& line = (at++)->second;
      std::deque<Job> kept;
      for (Job& job : line.jobs) {
        if (gone(job)) {
          taken.push_back(std::move(job));
        } else {
          kept.push_back(std::move(job));
        }
      }
      line.jobs = std::move(kept);
    }
    size_ -= taken.size();
    std::erase_if(turns_, [this](ServerId server) {
      Line& line = lines_.find(server)->second;
      line.has_turn = !line.jobs.empty();
      return !line.has_turn;
    });
    std::erase_if(lines_,
                  [](const auto& entry) { return entry.second.jobs.empty() && entry.second.held == 0; });
    return taken;
  }

  std::size_t size() const { return size_; }
  std::size_t size(ServerId server) const {
    const auto found = lines_.find(server);
    return found == lines_.end() ? 0 : found->second.jobs.size();
  }
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

  bool is_barred(ServerId server) const {
    return std::any_of(barred_.begin(), barred_.end(),
                       [&](const auto& range) { return range.first <= server && server <= range.second; });
  }
  void give_turn(ServerId server, Line& line) {
    if (line.held >= at_once_ || line.has_turn) return;
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

  int at_once_;
  std::unordered_map<ServerId, Line> lines_;
  std::deque<ServerId> turns_;  // lines that have a job and are not held, each once
  std::vector<std::pair<ServerId, ServerId>> barred_;
  std::size_t size_ = 0;
};

}  // namespace guildhall::store
