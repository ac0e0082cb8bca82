// What changed, for every open page: topics with versions, no content. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace guildhall::bot {

/// "server/123/points"
std::string server_topic(ServerId server, std::string_view what);
/// Nothing: of no server.
std::optional<ServerId> server_of_topic(std::string_view topic);

class TopicHub {
 public:
  /// Called with (topic, version) on the publisher's thread: it only passes the news on.
  using Listener = std::function<void(const std::string& topic, std::uint64_t version)>;

  void publish(const std::string& topic);
  /// Listens as long as the returned object lives.
  std::shared_ptr<void> listen(Listener listener);

 private:
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> versions_;
  std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace guildhall::bot
