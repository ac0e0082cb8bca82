// A small generator (splitmix64): the same seed gives the same numbers on every machine, which the
// standard library's distributions do not promise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace guildhall::sim {

constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    const std::uint64_t number = mix(state_);
    state_ += 0x9e3779b97f4a7c15ULL;
    return number;
  }
  /// In [0, bound); bound > 0.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  /// In [least, most].
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::size_t>(most - least + 1)));
  }
  bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
  template <class Container>
  auto& pick(Container& items) {
    return items[below(items.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace guildhall::sim
