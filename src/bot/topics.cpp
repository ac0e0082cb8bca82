#include "bot/topics.h"

#include <fmt/format.h>

namespace guildhall::bot {

std::string server_topic(ServerId server, std::string_view what) {
  return fmt::format("server/{}/{}", server.str(), what);
}

std::optional<ServerId> server_of_topic(std::string_view topic) {
  constexpr std::string_view kBefore = "server/";
  if (!topic.starts_with(kBefore)) return std::nullopt;
  topic.remove_prefix(kBefore.size());
  return ServerId::parse(topic.substr(0, topic.find('/')));
}

void TopicHub::publish(const std::string& topic) {
  std::vector<std::shared_ptr<Listener>> listeners;
  std::uint64_t version = 0;
  {
    const std::scoped_lock lock(mutex_);
    version = ++versions_[topic];
    std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
    for (const auto& listener : listeners_) {
      if (auto alive = listener.lock()) listeners.push_back(std::move(alive));
    }
  }
  for (const auto& listener : listeners) (*listener)(topic, version);
}

std::shared_ptr<void> TopicHub::listen(Listener listener) {
  auto held = std::make_shared<Listener>(std::move(listener));
  const std::scoped_lock lock(mutex_);
  listeners_.push_back(held);
  return held;
}

}  // namespace guildhall::bot
