// Between Kick's client and the bot: webhooks become events of every server that listens to the
// channel, answers become chat; settings become bindings; a streamer's consent becomes sealed tokens.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/secrets.h"
#include "bot/chat_sender.h"
#include "bot/discord_bridge.h"
#include "bot/kick_subscriptions.h"
#include "bot/oauth_states.h"
#include "platforms/kick/client.h"
#include "platforms/kick/webhook.h"

namespace guildhall::bot {

class KickBridge {
 public:
  /// `secrets` and `states` outlive it.
  KickBridge(BridgeServices services, const Secrets& secrets, OAuthStates& states,
             std::optional<RsaPublicKey> pinned_key);
  ~KickBridge();

  /// From here on bindings are kept in line with the settings, and Kick is asked now and then whether
  /// streams are live, for what its webhooks lose.
  void start();

  /// POST /webhooks/kick. 200 when the event's effects are committed in every server that listens (or
  /// nobody listens), 401 for a forged or stale one, 503 when the commits take longer than three
  /// seconds: Kick delivers it again then, which does no harm.
  Task<net::HttpResponse> handle_webhook(net::HttpRequest request);

  /// Where a streamer consents; `session` and `server` come back with finish_connect.
  Task<Result<std::string>> start_connect(std::string session_hash, ServerId server);
  struct Connected {
    ServerId server;
    std::string slug;
  };
  /// The streamer came back. `allowed`: may a channel be connected for that server? Errors: its own,
  /// `invalid` (state unknown, used, too old or of another session), `unauthenticated`, `unavailable`.
  Task<Result<Connected>> finish_connect(std::string state, std::string code, std::string session_hash,
                                         std::function<Task<Result<void>>(ServerId)> allowed);

  /// Why the server's channel could not be found; empty when there is no trouble.
  std::string channel_problem(ServerId server) const;

 private:
  Task<void> follow_settings();
  Task<void> check_streams();
  Task<void> apply_stream(kick::Channel seen, tenancy::Channel known);

  /// Brings one server's binding into line with its setting kick_channel.
  Task<Result<void>> reconcile(ServerId server);
  Task<Result<void>> bind(ServerId server, std::string slug);
  Task<void> end_here(tenancy::ServerScope scope, tenancy::Channel channel);
  void set_problem(ServerId server, std::string problem);

  Task<bool> route(kick::Event event, std::string message_id);
  bool route_chat(const kick::ChatMessageSent& message, const std::shared_ptr<class CommitCount>& count);
  Task<void> route_status(StreamStatus status, std::shared_ptr<class CommitCount> count);
  bool is_live_known(const tenancy::ChannelKey& channel) const;
  std::string redirect_uri() const;

  BridgeServices services_;
  OAuthStates& states_;
  kick::Client client_;
  kick::WebhookVerifier verifier_;
  KickSubscriptions subscriptions_;
  std::chrono::steady_clock::time_point compare_subscriptions_at_;
  ChatSender chat_;
  std::shared_ptr<void> listening_;
  std::map<std::string, TimePoint> live_known_until_;  // by broadcaster
  std::map<std::string, int> offline_polls_;
  mutable std::mutex mutex_;
  std::map<ServerId, std::chrono::steady_clock::time_point> due_;  // when to look at a server's setting
  std::map<ServerId, std::string> problems_;
  Counter& events_;
  Counter& refused_;
};

}  // namespace guildhall::bot
