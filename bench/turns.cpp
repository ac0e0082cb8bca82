#include "bench/turns.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "net/loops.h"

namespace guildhall::bench {
namespace {

using Times = std::vector<std::vector<double>>;

Task<void> take_turns(std::size_t rounds, const std::vector<Way>& ways, Times& times) {
  const std::size_t uncounted = rounds / 10;
  for (std::size_t round = 0; round < uncounted + rounds; ++round) {
    for (std::size_t turn = 0; turn < ways.size(); ++turn) {
      const std::size_t i = (round + turn) % ways.size();
      const auto begin = std::chrono::steady_clock::now();
      co_await ways[i]();
      const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begin;
      if (round >= uncounted) times[i].push_back(taken.count());
    }
  }
}

}  // namespace

OneCore::OneCore() {
  if (sched_getaffinity(0, sizeof before_, &before_) != 0) throw std::runtime_error("no set of cores");
  int core = 0;
  while (!CPU_ISSET(core, &before_)) ++core;
  CPU_SET(core, &one_);
  sched_setaffinity(0, sizeof one_, &one_);
}

OneCore::~OneCore() { sched_setaffinity(0, sizeof before_, &before_); }

bool OneCore::bring(pid_t process) const { return sched_setaffinity(process, sizeof one_, &one_) == 0; }

std::vector<double> microseconds_in_turns(std::size_t rounds, const std::vector<Way>& ways) {
  Times times(ways.size());
  net::run_to_end(take_turns(rounds, ways, times));
  std::vector<double> result;
  for (auto& of_way : times) {
    const auto tenth = of_way.begin() + static_cast<std::ptrdiff_t>(of_way.size() / 10);
    std::nth_element(of_way.begin(), tenth, of_way.end());
    result.push_back(*tenth);
  }
  return result;
}

}  // namespace guildhall::bench
