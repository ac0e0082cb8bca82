// Bodies of Kick's webhooks. The first line of the input is the event's type.
#include "base/text.h"
#include "platforms/kick/webhook.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {
namespace {

using namespace kick;

void require_text(const std::string& text) { require(is_clean_utf8(text), "broken text got through"); }

void require_user(const User& user) {
  require(!user.id.empty(), "a user without id got through");
  require_text(user.name);
}

struct Look {
  void operator()(const ChatMessageSent& message) const {
    require_user(message.broadcaster);
    require_user(message.sender);
    require_text(message.content);
    require(!message.message_id.empty(), "a message without id got through");
  }
  void operator()(const LivestreamStatusUpdated& status) const {
    require_user(status.broadcaster);
    require_text(status.title);
    require(status.is_live != status.ended_at.has_value(),
            "a live stream has ended, or an ended one has not");
  }
  void operator()(const LivestreamMetadataUpdated& metadata) const {
    require_user(metadata.broadcaster);
    require_text(metadata.title);
    require_text(metadata.category);
  }
  void operator()(const SubscriptionGifts& gifts) const {
    require_user(gifts.broadcaster);
    if (gifts.gifter) require_text(gifts.gifter->name);
  }
  void operator()(const OtherEvent&) const {}
};

}  // namespace

void fuzz_webhook(std::string_view input) {
  const auto line = std::min(input.find('\n'), input.size());
  Delivery delivery;
  delivery.message_id = "01J0";
  delivery.type = input.substr(0, line);
  delivery.signed_at = from_micros(1'777'629'600'000'000);
  delivery.body = input.substr(std::min(line + 1, input.size()));
  const auto event = parse_event(delivery);
  if (event) std::visit(Look{}, *event);
}

}  // namespace guildhall::fuzz
