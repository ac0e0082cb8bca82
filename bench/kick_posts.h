// What Kick posts to a bot, signed before the measuring begins.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "bench/served_bot.h"

namespace guildhall::bench {

/// Each server listens to a channel of its own, and Kick is subscribed to.
Task<void> listen_to_channels(ServedBot& bot, std::size_t servers);

class KickPosts {
 public:
  /// For that many channels. It outlives neither.
  KickPosts(const ServedBot& bot, std::size_t channels);

  /// The channel is live.
  net::HttpRequest status(std::size_t channel) const;
  /// The n-th message: of the next channel each time, by one of twenty viewers.
  net::HttpRequest message(std::size_t number) const;
  std::vector<net::HttpRequest> messages(std::size_t first, std::size_t count) const;

 private:
  net::HttpRequest signed_request(std::string type, std::size_t channel, const std::string& id,
                                  std::string body) const;

  const ServedBot& bot_;
  std::size_t channels_;
  TimePoint now_;
};

/// Posts all of them, so many at a time.
class Posting {
 public:
  Posting(ServedBot& bot, std::vector<net::HttpRequest> requests)
      : bot_(bot), requests_(std::move(requests)) {}

  void run();

 private:
  Task<void> post_until_done();

  ServedBot& bot_;
  std::vector<net::HttpRequest> requests_;
  std::size_t next_ = 0;  // on the loop
  std::atomic<std::size_t> answered_ = 0;
  std::atomic<int> refused_ = 0;
};

}  // namespace guildhall::bench
