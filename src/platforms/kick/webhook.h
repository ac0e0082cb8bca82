// What Kick posts to us. Headers and signature: Kick's public documentation, "Webhook security".
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/task.h"
#include "net/http.h"
#include "platforms/kick/types.h"

namespace guildhall::kick {

/// A webhook that was verified. Only WebhookVerifier makes one.
struct Delivery {
  std::string message_id;  // unique per event, the same when it is delivered again
  // Said beside what is signed.
  std::string subscription_id;
  std::string type;
  TimePoint signed_at;
  std::string body;
};

/// The two things that a signature needs besides the body, as the headers hold them.
std::string signed_text(std::string_view message_id, std::string_view timestamp, std::string_view body);

class WebhookVerifier {
 public:
  /// Fetches Kick's public key (PEM).
  using FetchKey = std::function<Task<Result<std::string>>()>;

  /// With `pinned_pem` the key is never fetched.
  WebhookVerifier(const Clock& clock, FetchKey fetch, std::optional<RsaPublicKey> pinned);

  /// Errors: `unauthenticated` (signature missing or wrong), `timeout` (older or newer than ten minutes),
  /// `unavailable` (no key could be fetched: Kick may try again).
  Task<Result<Delivery>> verify(net::HttpRequest request);

 private:
  Task<Result<void>> refresh_key();
  bool may_refresh() const;

  const Clock& clock_;
  FetchKey fetch_;
  bool pinned_;
  std::optional<RsaPublicKey> key_;
  std::chrono::steady_clock::time_point fetched_at_{};
};

/// Reads an event. Error `invalid` when a field is missing that the event means nothing without.
Result<Event> parse_event(const Delivery& delivery);
/// Whose channel it is about; nothing: of a type that is not read.
std::optional<std::string> broadcaster_of(const Event& event);

}  // namespace guildhall::kick
