// Kick's OAuth and public API, what the road needs of it. Rate limits are not published: 60 calls a minute
// where nothing else is said, and a 429 stops calls for as long as it says (at most a minute), or longer each
// time where it does not say. Each chat has such a limit of its own, all other calls share one: who chats a
// lot holds up nobody else.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/task.h"
#include "net/http.h"
#include "net/rate_limit.h"
#include "platforms/kick/types.h"

namespace guildhall::kick {

struct ClientOptions {
  std::string oauth_url;  // origin, no path
  std::string api_url;    // origin, no path
  std::string client_id;
  std::string client_secret;
  double calls_per_minute = 60;
};

/// What a streamer has to agree to, so that the bot can listen and answer.
inline constexpr const char* kChannelScopes = "user:read channel:read chat:write events:subscribe";

/// What a viewer has to agree to, so that we learn who he is.
inline constexpr const char* kViewerScopes = "user:read";
/// Longest text of one chat message, in characters.
inline constexpr std::size_t kLongestChat = 500;

class Client {
 public:
  using Send = std::function<Task<Result<net::HttpResponse>>(net::HttpRequest)>;
  using Time = std::chrono::steady_clock::time_point;

  Client(ClientOptions options, Send send)
      : options_(std::move(options)), send_(std::move(send)), pace_(options_.calls_per_minute) {}

  /// Where somebody is sent to consent.
  std::string authorize_url(std::string_view redirect_uri, std::string_view state, std::string_view challenge,
                            std::string_view scopes) const;
  /// Errors of the OAuth calls: `unauthenticated` (code or refresh token no longer good), `configuration`
  /// (the app's id or secret), `unavailable`.
  Task<Result<Tokens>> exchange_code(std::string code, std::string verifier, std::string redirect_uri);
  Task<Result<Tokens>> refresh(std::string refresh_token);
  Task<Result<Tokens>> app_token();
  /// Ends a consent by its refresh token. Error `refused_by_guard`: Kick knows no such token.
  Task<Result<void>> revoke(std::string refresh_token);

  /// Whose token it is.
  Task<Result<User>> own_user(std::string access_token);
  /// In any order; a channel that is gone is missing. At most 50 ids.
  Task<Result<std::vector<Channel>>> channels(std::vector<std::string> broadcaster_ids);
  Task<Result<std::string>> public_key();
  /// The app's, of one channel or (empty) of all.
  Task<Result<std::vector<Subscription>>> subscriptions(std::string broadcaster_id = {});
  Task<Result<void>> unsubscribe(std::vector<std::string> ids);
  /// Subscribes the app to the events of a channel. Error `refused_by_guard` where the app has as many as it
  /// may have.
  Task<Result<Subscribed>> subscribe(std::string broadcaster_id, std::vector<std::string> events);

  /// As the app's bot in the channel of the token's owner, or as that user himself (`type` "bot",
  /// "user"). Never repeated. Errors: `unauthenticated`, `rate_limited`, `forbidden` (whoever that is may
  /// not speak there), `refused_by_guard` (Kick does not want the text), `failed` (a 500, which is all that
  /// some apps hear of their bot), `unavailable`, `timeout` (Kick wants no calls until after `latest`).
  Task<Result<void>> send_chat(std::string access_token, std::string type, std::string broadcaster_id,
                               std::string text, Time latest = Time::max());

 private:
  /// How often calls of one kind go out.
  struct Pace {
    explicit Pace(double calls_per_minute) : bucket(calls_per_minute, std::chrono::minutes(1)) {}
    net::TokenBucket bucket;
    Time quiet_until{};  // Kick asked for that
    int refusals = 0;    // in a row
  };
  Task<Result<net::HttpResponse>> exchange(net::HttpRequest request, Pace& pace, Time latest);
  Task<Result<boost::json::value>> call(net::HttpRequest request);
  /// True: Kick may be called now. False: not before `latest`.
  static Task<bool> wait_for_turn(Pace& pace, Time latest);
  Task<Result<Tokens>> token_call(net::Query form);
  /// The app's own token, asked for anew when Kick no longer takes it.
  Task<Result<boost::json::value>> call_as_app(net::HttpRequest request);

  ClientOptions options_;
  Send send_;
  std::string app_token_;
  Pace pace_;
  std::map<std::string, Pace> chat_paces_;  // by broadcaster
};

}  // namespace guildhall::kick
