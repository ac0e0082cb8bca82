// Which events of which channels Kick posts to us. Kick loses subscriptions without a word, drops them where
// we have failed for a day, and keeps them for channels that nobody listens to any more; each counts against
// the app's limit (1,000, or 10,000 of a verified app). So what it has is compared with what is wanted, every
// ten minutes and when a server chooses a channel. The app is this program's alone: what it has beside that
// is taken away.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "bot/kick_hearing.h"
#include "bot/kick_routes.h"
#include "platforms/kick/client.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

/// Lives on the bridge's loop; one call at a time.
class KickSubscriptions {
 public:
  /// `listener` is told why a server's channel does not send everything; empty: it does.
  using Listener = std::function<void(ServerId server, std::string problem)>;

  /// All of it outlives this.
  KickSubscriptions(kick::Client& client, tenancy::Tenancy& tenancy, KickHearing& hearing, const Clock& clock,
                    Metrics& metrics, Listener listener);

  /// A server has begun to listen to that channel. Error: Kick cannot be asked.
  Task<Result<void>> ensure(std::string broadcaster);
  /// Everything that Kick has, against all that is wanted.
  Task<void> reconcile();

  /// Channels of which Kick posts no chat, although it was asked to: by its last word.
  const std::set<std::string>& without_chat() const { return without_chat_; }

  /// What comes under that subscription; nothing: it is none of ours. At any time. Error `unavailable`:
  /// nobody can say so at the moment.
  Task<Result<std::optional<kick::Subscription>>> route_of(std::string subscription_id);

 private:
  using Events = std::set<std::string>;
  std::map<std::string, Events> wanted() const;
  /// Takes away what nobody wants, and what is there twice. What is left.
  Task<std::vector<kick::Subscription>> tidy(std::vector<kick::Subscription> held,
                                             std::map<std::string, Events> wanted);
  Task<void> take_away(std::vector<std::string> ids);
  Task<void> note_loss(std::string broadcaster, Events missing);
  Task<Result<void>> ask_for(std::string broadcaster, Events missing);
  Task<void> ask_for_titles(std::vector<std::string> broadcasters);
  void note_chat(const std::string& broadcaster, const Events& missing);
  void tell(const std::string& broadcaster, const std::string& problem) const;

  kick::Client& client_;
  tenancy::Tenancy& tenancy_;
  KickHearing& hearing_;
  const Clock& clock_;
  Listener listener_;
  KickRoutes routes_;
  std::chrono::steady_clock::time_point look_again_at_{};
  std::set<std::string> promised_;  // channels of which everything comes, by the last word of Kick
  std::set<std::string> without_chat_;
  std::set<std::string> spared_;  // that wait for the next comparison
  bool full_ = false;      // Kick has said that the app has all that it may have: what it can do without goes
  TimePoint compared_at_;  // what is missing now may have been lost since then
  std::int64_t held_ = 0;
  Counter& lost_;
};

}  // namespace guildhall::bot
