#include "sim/interaction_endpoint.h"

#include <fmt/format.h>

#include "base/crypto.h"

namespace guildhall::sim {
namespace {

/// So often a wrong signature goes ahead of an interaction.
constexpr std::size_t kTryAgainEvery = 25;
constexpr int kUnauthorized = 401;

std::string secret_of(std::uint64_t seed) { return sha256(fmt::format("interactions {}", seed)); }

}  // namespace

InteractionEndpoint::InteractionEndpoint(Stage& stage)
    : stage_(stage), key_(secret_of(stage.seed)), client_(stage.loop, {}) {}

void InteractionEndpoint::set(std::string url) {
  url_ = std::move(url);
  reason_.clear();
  state_ = url_.empty() ? State::none : State::trying;
  if (!url_.empty()) stage_.spawn("interaction endpoint", [this, url = url_] { return try_out(url); });
}

json::Object InteractionEndpoint::describe() const {
  static constexpr const char* kStates[] = {"none", "trying", "accepted", "refused"};
  return {{"url", url_}, {"state", kStates[static_cast<std::size_t>(state_)]}, {"reason", reason_}};
}

Task<void> InteractionEndpoint::try_out(std::string url) {
  std::string objection = co_await this->objection(url);
  if (url != url_) co_return;  // another one was named meanwhile
  reason_ = std::move(objection);
  state_ = reason_.empty() ? State::accepted : State::refused;
}

Task<std::string> InteractionEndpoint::objection(std::string url) {
  const Reply pong = co_await send(url, json::write(ping()), false);
  if (pong.status != 200 || json::integer(pong.body, "type") != 1)
    co_return fmt::format("a ping was answered {}", pong.status);
  const bool refuses = co_await refuses_forged(url);
  co_return refuses ? "" : "a wrong signature was not answered 401";
}

Task<bool> InteractionEndpoint::refuses_forged(std::string url) {
  const Reply reply = co_await send(std::move(url), json::write(ping()), true);
  co_return reply.status == kUnauthorized;
}

Task<InteractionEndpoint::Reply> InteractionEndpoint::post(std::string body) {
  const std::string url = url_;
  if (++posted_ % kTryAgainEvery == 0) {
    const bool refuses = co_await refuses_forged(url);
    if (!refuses && url == url_) {
      state_ = State::refused;
      reason_ = "a wrong signature was believed";
    }
  }
  co_return co_await send(url, std::move(body), false);
}

Task<InteractionEndpoint::Reply> InteractionEndpoint::send(std::string url, std::string body, bool forged) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(stage_.clock.now());
  const std::string timestamp = std::to_string(seconds.time_since_epoch().count());
  std::string signature = key_.sign(timestamp + body);
  if (forged) signature[0] = static_cast<char>(signature[0] ^ 1);
  net::HttpRequest request{"POST", std::move(url)};
  request.headers = {{"Content-Type", "application/json"},
                     {"X-Signature-Ed25519", hex(signature)},
                     {"X-Signature-Timestamp", timestamp}};
  request.body = std::move(body);
  const auto response = co_await client_.send(std::move(request));
  if (!response) co_return Reply{};
  Reply reply{response->status};
  const bool is_json = response->header("content-type").value_or("").starts_with("application/json");
  if (is_json) reply.body = json::parse(response->body).value_or(json::Value(nullptr));
  co_return reply;
}

json::Object InteractionEndpoint::ping() {
  return {{"id", std::to_string(stage_.mint.snowflake())},
          {"application_id", std::to_string(stage_.world.bot.id)},
          {"type", 1},
          {"token", stage_.mint.token(96)},
          {"version", 1}};
}

}  // namespace guildhall::sim
