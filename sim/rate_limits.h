// Discord's rate limits, in real time: a bucket per route family and major parameter, and the global
// one. The sizes are small and odd on purpose, so that a client with numbers of its own is found out.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "net/http.h"

namespace guildhall::sim {

class RateLimits {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Verdict {
    bool allowed = true;
    bool global = false;
    double retry_after = 0;  // seconds
    net::Headers headers;    // X-RateLimit-*
  };

  /// One request of `route` ("POST channels/{}/messages") with that major parameter. What a person's token
  /// asks for has "Bearer" for its method, and the person for its major parameter. `counts_globally`:
  /// interaction callbacks and persons do not.
  Verdict take(std::string_view route, std::string_view major, bool counts_globally, Time now);

  /// A change of a channel's name or topic: the limit that no header shows. Refuses where `verdict` allowed.
  void take_rename(const std::string& channel, Time now, Verdict& verdict);

 private:
  struct Bucket {
    int left = 0;
    Time resets_at;
  };
  struct Family;
  static const Family& family_of(std::string_view route);
  bool take_global(Time now);
  void forget_old(Time now);

  std::map<std::string, Bucket> buckets_;
  std::map<std::string, std::deque<Time>> renames_;  // of each channel, in the last minutes
  Time second_started_;
  int this_second_ = 0;
};

}  // namespace guildhall::sim
