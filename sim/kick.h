// The simulated Kick without its wires: what streamers and viewers do. Every act is told to the bot
// by webhook, and chat besides to whoever listens on the chat socket.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "base/error.h"
#include "sim/kick_socket.h"
#include "sim/kick_subscriptions.h"
#include "sim/kick_webhooks.h"
#include "sim/stage.h"

namespace guildhall::sim {

/// What the bot wrote into a chat.
struct SentChat {
  std::string message_id;
  std::string type;  // bot, user
  std::string content;
  std::string reply_to;
  TimePoint at;
};

class Kick {
 public:
  Kick(Stage& stage, KickWebhooks& webhooks, KickSubscriptions& subscriptions, KickSocket& socket);

  /// A stream that was live when an earlier run ended still is. Call it when the journal has been read.
  void resume_streams();
  /// A line that an earlier run wrote: of kind "kick_renamed" or "kick_moderator".
  void recall(std::string_view kind, const json::Value& line);
  /// Where events go from now on; empty: webhooks are switched off.
  void set_webhook(std::string url);

  // Viewers and streamers. Errors: `not_found` (no such channel or person), `conflict` (live already,
  // not live).
  /// The id of the message. Who is no viewer yet becomes one. Error besides: `forbidden` (banned).
  Result<std::string> chat(std::string_view slug, KickId user, std::string content);
  /// `gifter`: none is anonymous. The giftees are viewers without a subscription.
  Result<void> gift(std::string_view slug, std::optional<KickId> gifter, std::size_t count);
  /// New, or a renewal when the viewer is a subscriber already.
  Result<void> subscribe(std::string_view slug, KickId user);
  Result<void> follow(std::string_view slug, KickId user);
  Result<void> give_kicks(std::string_view slug, KickId user, int amount);
  /// What a viewer pays for with the points of the channel; the id of the redemption.
  struct Reward {
    std::string title;
    int cost = 0;
  };
  Result<std::string> redeem(std::string_view slug, KickId user, Reward reward, std::string input);
  /// The streamer accepts it, or gives the points back. Error besides: `conflict` (that was done already).
  Result<void> settle_redemption(const std::string& id, bool accepted);
  /// The streamer makes somebody his moderator, or takes that back.
  Result<void> set_moderator(std::string_view slug, KickId user, bool moderator);
  struct Ban {
    KickId moderator = 0;
    KickId user = 0;
    std::optional<std::chrono::minutes> length;  // none: for good
    std::string reason;
  };
  /// Error besides: `forbidden` (neither the streamer nor a moderator).
  Result<void> ban(std::string_view slug, Ban ban);
  /// Somebody is called otherwise from now on; all his ids stay. Error besides: `conflict` (so is another).
  Result<void> rename(KickId user, std::string username);
  Result<void> go_live(std::string_view slug, std::string title);
  Result<void> go_offline(std::string_view slug);
  Result<void> retitle(std::string_view slug, std::string title, std::string category);

  /// The application speaks in the channel, as itself or as the streamer; the id of the message.
  std::string speak(KickChannel& channel, bool as_bot, const std::string& content,
                    const std::string& reply_to);
  /// The last of what the application said, oldest first.
  const std::deque<SentChat>& sent(KickId broadcaster) const;

 private:
  /// A moment as the JSON shows it: the text, and what it says.
  struct Written {
    std::string text;
    TimePoint at;
  };
  Written written(TimePoint at);
  KickFact fact(std::string event, const KickChannel& channel, std::optional<KickId> actor,
                TimePoint at) const;
  void tell(KickFact fact, json::Object body);
  void tell_chat(KickChannel& channel, const KickUser& user, const Viewer& viewer,
                 const std::string& message_id, std::string content);
  void tell_redemption(const std::string& id);
  void tell_subscription(KickChannel& channel, const KickUser& user, bool renewal, int months);
  /// Who is no viewer yet becomes one.
  static Viewer& viewer_in(KickChannel& channel, KickId user);
  Result<KickChannel*> channel_of(std::string_view slug);
  Result<const KickUser*> user_of(KickId id) const;
  const KickUser& streamer(const KickChannel& channel) const;

  Stage& stage_;
  KickWebhooks& webhooks_;
  KickSubscriptions& subscriptions_;
  KickSocket& socket_;
  Random random_;
  std::map<KickId, std::deque<SentChat>> sent_;
  struct Redemption {
    KickId broadcaster = 0;
    KickId user = 0;
    Reward reward;
    std::string input;
    Written redeemed_at;
    std::string status = "pending";
  };
  std::map<std::string, Redemption> redemptions_;
};

}  // namespace guildhall::sim
