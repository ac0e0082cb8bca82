// A token bucket in real time: network limits do not care about the demo's fast clock.
#pragma once

#include <chrono>

namespace guildhall::net {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `size` at once, refilled evenly with `size` per `period`.
  TokenBucket(double size, std::chrono::duration<double> period)
      : size_(size), tokens_(size), period_(period) {}

  /// Takes one token if there is one; otherwise how long until there is.
  std::chrono::duration<double> take(Time now) {
    tokens_ = std::min(size_, tokens_ + (now - last_) / period_ * size_);
    last_ = now;
    if (tokens_ < 1) return (1 - tokens_) / size_ * period_;
    tokens_ -= 1;
    return std::chrono::duration<double>::zero();
  }

 private:
  double size_;
  double tokens_;
  std::chrono::duration<double> period_;
  Time last_ = std::chrono::steady_clock::now();
};

}  // namespace guildhall::net
