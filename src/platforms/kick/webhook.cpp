#include "platforms/kick/webhook.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/mutation.h"
#include "base/text.h"
#include "platforms/kick/badges.h"

namespace guildhall::kick {
namespace {

/// Older or newer is not believed: a recorded request cannot be played again later.
constexpr Duration kLargestAge = std::chrono::seconds(600);
/// A wrong signature may mean that Kick changed its key; somebody who guesses must not make us ask for
/// it each time.
constexpr std::chrono::seconds kRefreshPause{30};
constexpr std::chrono::hours kKeyLife{24};
/// After a fetch that may have failed.
constexpr std::chrono::seconds kFetchPause{1};

std::unexpected<Error> missing(std::string_view field) {
  return fail(ErrorCode::invalid, fmt::format("the event has no usable '{}'", field));
}

/// user_id may be a number or text; every field of an anonymous user is null.
std::optional<User> read_user(const json::Value& object, std::string_view key) {
  const json::Value* user = json::find(object, key);
  if (user == nullptr || json::boolean(*user, "is_anonymous").value_or(false)) return std::nullopt;
  const auto id = json::id(*user, "user_id");
  if (!id || *id <= 0) return std::nullopt;
  return User{fmt::format("{}", *id), json::text_or(*user, "username", ""),
              json::text_or(*user, "channel_slug", "")};
}

Result<Event> read_chat(const json::Value& body, const User& broadcaster, TimePoint signed_at) {
  const auto sender = read_user(body, "sender");
  const auto id = json::text(body, "message_id");
  if (!sender) return missing("sender");
  if (!id || id->empty()) return missing("message_id");
  return ChatMessageSent{broadcaster,
                         *sender,
                         read_badges(body),
                         *id,
                         json::text_or(body, "content", ""),
                         json::time(body, "created_at").value_or(signed_at)};
}

Result<Event> read_status(const json::Value& body, const User& broadcaster, TimePoint signed_at) {
  const auto live = json::boolean(body, "is_live");
  if (!live) return missing("is_live");
  LivestreamStatusUpdated status{broadcaster, *live, json::text_or(body, "title", ""),
                                 json::time(body, "started_at").value_or(signed_at),
                                 json::time(body, "ended_at")};
  if (!*live && !status.ended_at) status.ended_at = signed_at;
  if (*live) status.ended_at.reset();
  return status;
}

Result<Event> read_metadata(const json::Value& body, const User& broadcaster) {
  const json::Value* metadata = json::find(body, "metadata");
  if (metadata == nullptr) return missing("metadata");
  const json::Value* category = json::find(*metadata, "category");
  return LivestreamMetadataUpdated{broadcaster, json::text_or(*metadata, "title", ""),
                                   category == nullptr ? "" : json::text_or(*category, "name", "")};
}

Result<Event> read_gifts(const json::Value& body, const User& broadcaster, TimePoint signed_at) {
  SubscriptionGifts gifts{
      broadcaster, read_user(body, "gifter"), {}, json::time(body, "created_at").value_or(signed_at)};
  for (const json::Value& giftee : json::array(body, "giftees")) {
    const json::Object wrapped{{"giftee", giftee}};
    if (auto user = read_user(wrapped, "giftee")) gifts.giftees.push_back(*std::move(user));
  }
  return gifts;
}

}  // namespace

std::string signed_text(std::string_view message_id, std::string_view timestamp, std::string_view body) {
  return fmt::format("{}.{}.{}", message_id, timestamp, body);
}

WebhookVerifier::WebhookVerifier(const Clock& clock, FetchKey fetch, std::optional<RsaPublicKey> pinned)
    : clock_(clock), fetch_(std::move(fetch)), pinned_(pinned.has_value()), key_(std::move(pinned)) {}

bool WebhookVerifier::may_refresh() const {
  return !pinned_ && (!key_ || std::chrono::steady_clock::now() - fetched_at_ > kRefreshPause);
}

Task<Result<void>> WebhookVerifier::refresh_key() {
  fetched_at_ = std::chrono::steady_clock::now();
  const auto pem = co_await fetch_();
  if (!pem)
    co_return fail(ErrorCode::unavailable, "Kick's public key cannot be fetched: " + pem.error().message);
  auto key = RsaPublicKey::from_pem(*pem);
  if (!key)
    co_return fail(ErrorCode::unavailable, "Kick's public key cannot be read: " + key.error().message);
  key_ = std::move(*key);
  co_return Result<void>{};
}

Task<Result<Delivery>> WebhookVerifier::verify(net::HttpRequest request) {
  const auto refused = [](std::string why) { return fail(ErrorCode::unauthenticated, std::move(why)); };
  const auto id = request.header("kick-event-message-id");
  const auto timestamp = request.header("kick-event-message-timestamp");
  const auto signature_text = request.header("kick-event-signature");
  if (!id || !timestamp || !signature_text) co_return refused("the signature is missing");
  const auto signature = base64_decode(*signature_text);
  const auto signed_at = parse_rfc3339(*timestamp);
  if (!signature || !signed_at) co_return refused("the signature cannot be read");
  const Duration age = clock_.now() - *signed_at;
  if ((age > kLargestAge || age < -kLargestAge) && !mutated(Mutation::webhook_age_unread))
    co_return fail(ErrorCode::timeout, "the event is too old, or not due yet");

  const bool stale = !pinned_ && std::chrono::steady_clock::now() - fetched_at_ > kKeyLife;
  if (!key_ || stale) {
    // One request at a time, whatever comes in meanwhile: strangers' posts must not use up our calls.
    const bool may_fetch = std::chrono::steady_clock::now() - fetched_at_ > kFetchPause;
    const Result<void> fetched = may_fetch
                                     ? co_await refresh_key()
                                     : fail(ErrorCode::unavailable, "Kick's public key is not here yet");
    if (!fetched && !key_) co_return std::unexpected(fetched.error());
  }
  const std::string text = signed_text(*id, *timestamp, request.body);
  bool genuine = key_->verify(text, *signature);
  if (!genuine && may_refresh()) {
    const auto fetched = co_await refresh_key();
    genuine = fetched && key_->verify(text, *signature);
  }
  if (!genuine && !mutated(Mutation::webhook_signature_unread)) co_return refused("the signature is wrong");
  co_return Delivery{*id, request.header("kick-event-subscription-id").value_or(""),
                     request.header("kick-event-type").value_or(""), *signed_at, std::move(request.body)};
}

Result<Event> parse_event(const Delivery& delivery) {
  const auto body = json::parse(delivery.body);
  if (!body) return std::unexpected(body.error());
  const bool known = delivery.type == "chat.message.sent" || delivery.type == "livestream.status.updated" ||
                     delivery.type == "livestream.metadata.updated" ||
                     delivery.type == "channel.subscription.gifts";
  if (!known) return OtherEvent{delivery.type};
  const auto broadcaster = read_user(*body, "broadcaster");
  if (!broadcaster) return missing("broadcaster");
  if (delivery.type == "chat.message.sent") return read_chat(*body, *broadcaster, delivery.signed_at);
  if (delivery.type == "livestream.status.updated")
    return read_status(*body, *broadcaster, delivery.signed_at);
  if (delivery.type == "livestream.metadata.updated") return read_metadata(*body, *broadcaster);
  return read_gifts(*body, *broadcaster, delivery.signed_at);
}

std::optional<std::string> broadcaster_of(const Event& event) {
  return std::visit(
      [](const auto& known) -> std::optional<std::string> {
        if constexpr (requires { known.broadcaster; }) return known.broadcaster.id;
        return std::nullopt;
      },
      event);
}

}  // namespace guildhall::kick
