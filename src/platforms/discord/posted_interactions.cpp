#include "platforms/discord/posted_interactions.h"

#include <charconv>

#include "base/json.h"
#include "platforms/discord/parse.h"

namespace guildhall::discord {
namespace {

/// Older or newer is not believed: a recorded request cannot be posted again later.
constexpr Duration kLargestAge = std::chrono::minutes(5);

/// Unix seconds.
std::optional<TimePoint> read_timestamp(std::string_view text) {
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return TimePoint(std::chrono::seconds(seconds));
}

}  // namespace

Result<void> PostedInteractions::verify(const net::HttpRequest& request) const {
  const auto refused = [](const char* why) { return fail(ErrorCode::unauthenticated, why); };
  const std::string* digits = net::peek_header(request.headers, "x-signature-ed25519");
  const std::string* timestamp = net::peek_header(request.headers, "x-signature-timestamp");
  if (digits == nullptr || timestamp == nullptr) return refused("the signature is missing");
  const auto signature = hex_decode(*digits);
  const auto signed_at = read_timestamp(*timestamp);
  if (!signature || !signed_at) return refused("the signature cannot be read");
  const Duration age = clock_.now() - *signed_at;
  if (age > kLargestAge || age < -kLargestAge) return refused("the interaction is too old");
  if (!key_.verify(*timestamp + request.body, *signature)) return refused("the signature is wrong");
  return {};
}

Result<Interaction> PostedInteractions::read(const net::HttpRequest& request) const {
  if (auto genuine = verify(request); !genuine) return std::unexpected(std::move(genuine.error()));
  const auto body = json::parse(request.body);
  if (!body) return std::unexpected(body.error());
  if (json::integer(*body, "type") == static_cast<int>(InteractionType::ping)) {
    Interaction ping;
    ping.type = InteractionType::ping;
    return ping;
  }
  auto interaction = read_interaction(*body);
  if (!interaction) return fail(ErrorCode::invalid, "not an interaction");
  return *std::move(interaction);
}

}  // namespace guildhall::discord
