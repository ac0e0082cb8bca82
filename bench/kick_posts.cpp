#include "bench/kick_posts.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/crypto.h"

namespace guildhall::bench {
namespace {

constexpr std::size_t kPosting = 256;
constexpr std::size_t kViewers = 20;

std::string subscription_id(std::string_view event, std::size_t channel) {
  return fmt::format("{} of {}", event, channel);
}

std::string user(std::size_t channel) {
  return fmt::format(R"({{"is_anonymous":false,"user_id":{},"username":"Streamer{}"}})", 900'000 + channel,
                     channel);
}

}  // namespace

Task<void> listen_to_channels(ServedBot& bot, std::size_t servers) {
  auto& channels = bot.world.tenancy->channels();
  std::vector<kick::Subscription> held;
  for (std::size_t i = 0; i < servers; ++i) {
    const tenancy::ChannelKey key{bot::kKick, fmt::format("{}", 900'000 + i)};
    co_await channels.know(key, fmt::format("streamer{}", i), fmt::format("Streamer{}", i),
                           bot.world.clock.now());
    co_await bot.world.tenancy->grants().grant(key, {"discord:1"}, "chat:write", {}, ServerId(server_id(i)),
                                               bot.world.clock.now());
    for (const char* event : {"livestream.status.updated", "chat.message.sent"})
      held.push_back({subscription_id(event, i), key.platform_user_id, event});
  }
  co_await bot::KickRoutes(bot.world.tenancy->global()).add(std::move(held));
}

KickPosts::KickPosts(const ServedBot& bot, std::size_t channels)
    : bot_(bot), channels_(channels), now_(bot.world.clock.now()) {}

net::HttpRequest KickPosts::status(std::size_t channel) const {
  return signed_request("livestream.status.updated", channel, fmt::format("live{}", channel),
                        fmt::format(R"({{"broadcaster":{},"is_live":true,"title":"t","started_at":"{}"}})",
                                    user(channel), format_rfc3339(now_ - std::chrono::hours(1))));
}

net::HttpRequest KickPosts::message(std::size_t number) const {
  const std::size_t viewer = 2'000'000 + number / channels_ % kViewers;
  const TimePoint at = now_ - std::chrono::minutes(1) + Duration(number);
  return signed_request(
      "chat.message.sent", number % channels_, fmt::format("m{}", number),
      fmt::format(R"({{"message_id":"m{}","broadcaster":{},"sender":{{"is_anonymous":false,"user_id":{},)"
                  R"("username":"Viewer{}","identity":{{"badges":[{{"type":"subscriber","count":4}}]}}}},)"
                  R"("content":"what a game","emotes":[],"created_at":"{}"}})",
                  number, user(number % channels_), viewer, viewer, format_rfc3339(at)));
}

std::vector<net::HttpRequest> KickPosts::messages(std::size_t first, std::size_t count) const {
  std::vector<net::HttpRequest> requests;
  for (std::size_t i = 0; i < count; ++i) requests.push_back(message(first + i));
  return requests;
}

net::HttpRequest KickPosts::signed_request(std::string type, std::size_t channel, const std::string& id,
                                           std::string body) const {
  const std::string timestamp = format_rfc3339(now_);
  const std::string signature = bot_.signing_key.sign(kick::signed_text(id, timestamp, body));
  net::HttpRequest request{"POST", "/webhooks/kick"};
  request.headers = {{"kick-event-message-id", id},
                     {"kick-event-message-timestamp", timestamp},
                     {"kick-event-signature", base64(signature)},
                     {"kick-event-subscription-id", subscription_id(type, channel)},
                     {"kick-event-type", std::move(type)}};
  request.body = std::move(body);
  return request;
}

void Posting::run() {
  for (std::size_t i = 0; i < kPosting; ++i)
    net::spawn(bot_.loops().main(), "post", [this] { return post_until_done(); });
  wait_until("webhooks", [this] { return answered_ == requests_.size(); });
  if (refused_ > 0) throw std::runtime_error(fmt::format("{} webhooks were refused", refused_.load()));
}

Task<void> Posting::post_until_done() {
  while (next_ < requests_.size()) {
    const auto response = co_await bot_.kick().handle_webhook(std::move(requests_[next_++]));
    if (response.status != 200) ++refused_;
    ++answered_;
  }
}

}  // namespace guildhall::bench
