// Between Kick's client and the bot: webhooks, and chat that comes otherwise, become events of every server
// that listens to the channel, answers become chat, and a streamer's consent becomes a binding and sealed
// tokens.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/secrets.h"
#include "bot/channel_attempts.h"
#include "bot/chat_sender.h"
#include "bot/discord_bridge.h"
#include "bot/kick_accounts.h"
#include "bot/kick_chat_fallback.h"
#include "bot/kick_hearing.h"
#include "bot/kick_subscriptions.h"
#include "bot/kick_tokens.h"
#include "bot/oauth_states.h"
#include "bot/recent_ids.h"
#include "platforms/kick/client.h"
#include "platforms/kick/webhook.h"

namespace guildhall::bot {

class KickBridge {
 public:
  /// `secrets` and `states` outlive it.
  KickBridge(BridgeServices services, const Secrets& secrets, OAuthStates& states,
             std::optional<RsaPublicKey> pinned_key);
  ~KickBridge();

  /// From here on consents are kept alive, servers are told of those that end, and Kick is asked now and then
  /// whether streams are live, for what its webhooks lose.
  void start();
  /// Takes nothing more that nobody would deliver again.
  void stop();

  /// POST /webhooks/kick. The subscription says of which channel it is, and so for which servers. 200 when
  /// its effects are committed in every one of them whose data can be used, also when it comes again, or when
  /// nobody asked for it: another application's, or a channel's that nobody listens to. 401 for a forged or
  /// stale one, or one that is not what its subscription is for. 503 when the commits take longer than three
  /// seconds, or nobody knows the subscription yet: Kick delivers it again then, which does no harm.
  Task<net::HttpResponse> handle_webhook(net::HttpRequest request);

  /// Where a streamer consents; `session` and `server` come back with finish_connect.
  Task<Result<std::string>> start_connect(std::string session_hash, ServerId server);
  /// Who came back, in which browser and from where.
  struct Visitor {
    std::string session_hash;
    tenancy::Granter granter;
    std::string address;
  };
  /// The streamer came back: the server listens to his channel from now on. `allowed`: may a channel be
  /// connected for that server? Errors: its own, `invalid` (state unknown, used, too old or of another
  /// session), `conflict` (the channel is another person's), `unauthenticated`, `unavailable`.
  Task<Result<ServerId>> finish_connect(std::string state, std::string code, Visitor visitor,
                                        std::function<Task<Result<void>>(ServerId)> allowed);

  /// The server turns away from its channel; what the streamer granted stays his. Error `not_found`.
  Task<Result<void>> disconnect(ServerId server, tenancy::Actor actor);
  /// The streamer takes back what he granted, for one server or (nothing) altogether. Error `not_found`, also
  /// where it is not his.
  Task<Result<void>> withdraw(tenancy::ChannelKey channel, tenancy::Granter granter,
                              std::optional<ServerId> server);

  /// Of viewers who prove who they are.
  KickAccounts& accounts() { return accounts_; }

  /// Why the server's channel does not send everything, or who else wants it; empty when there is no trouble.
  std::string channel_problem(ServerId server) const;
  /// When Kick last posted anything of any channel, since the start. On the bridge's loop.
  std::optional<TimePoint> last_heard() const;
  /// When not everything of the server's channel reached us.
  Task<std::vector<ChannelGap>> gaps(ServerId server) const;

 private:
  Task<void> follow_settings();
  Task<void> check_streams();
  Task<void> look_at(kick::Channel seen);
  /// `joined`: listens to it since a moment ago.
  Task<void> apply_stream(kick::Channel seen, tenancy::Channel known,
                          std::optional<ServerId> joined = std::nullopt);
  /// What looks at a channel have found, one after the other.
  struct Sight {
    int times = 0;
    TimePoint at{};
  };
  int times_seen(Sight& sight, bool seen) const;
  Task<void> note_hearing();
  Task<void> watch_for_silence(kick::Channel seen);
  Task<void> note_heard(std::string broadcaster);

  /// Everything of one server's channel that may have been left undone.
  Task<Result<void>> reconcile(ServerId server);
  Task<Result<void>> try_reconcile(ServerId server);
  Task<void> keep_grants();
  Task<void> tell_of_grants();
  Task<void> tell_server(ServerId server, tenancy::Channel channel, std::string consent);
  Task<void> end_revoked(tenancy::Channel channel);
  Task<Result<void>> take_consent(ServerId server, Visitor visitor, kick::Tokens tokens);
  Task<Result<void>> take_or_revoke(ServerId server, Visitor visitor, kick::Tokens tokens);
  Task<void> note_attempt(ServerId server, tenancy::ChannelKey channel, Visitor visitor);
  Task<void> note_at(ServerId server, tenancy::AuditEntry entry, std::optional<Message> alarm);
  /// Before a consent: what its server listened to, and who listened to its channel.
  struct Listening {
    std::optional<tenancy::Channel> channel;
    std::vector<ServerId> servers;
  };
  Task<void> follow_consent(ServerId server, kick::Channel channel, Listening before, tenancy::Actor actor);
  /// The setting kick_channel shows what the server listens to; it decides nothing. False: it showed that.
  Task<bool> show_channel(ServerId server, std::optional<std::string> slug, tenancy::Actor actor);
  Task<void> end_here(ServerId server, tenancy::Channel channel);
  /// Tells the server that nothing is live, where it may not know that. False: it waits for its next turn.
  Task<bool> tell_owed(ServerId server);
  Task<bool> tell_over(ServerId server);
  bool is_over(const tenancy::ChannelKey& channel) const;
  void owe_end(ServerId server);
  void look_at_owed(const tenancy::ChannelKey& channel);
  void look_again(ServerId server);
  Task<void> let_go(std::vector<ServerId> servers, tenancy::Channel channel, tenancy::Actor actor);
  Task<void> leave(ServerId server, tenancy::Channel channel, tenancy::Actor actor);
  Task<void> finish_leaving(ServerId server);
  Task<void> follow_name(kick::Channel seen, tenancy::Channel known);
  void changed(const std::vector<ServerId>& servers);
  void set_problem(ServerId server, std::string problem);
  KickChatFallback::Hooks chat_hooks();
  void follow_chats();
  void note_socket(const std::string& broadcaster, std::string word);
  Task<void> take_from_socket(kick::ChatMessageSent message);

  net::HttpResponse refuse(const Error& why);
  Task<net::HttpResponse> receive(kick::Delivery delivery, kick::Subscription subscription);
  Task<bool> route(kick::Event event, std::string message_id);
  bool route_chat(const kick::ChatMessageSent& message, const std::shared_ptr<class CommitCount>& count);
  void route_metadata(const kick::LivestreamMetadataUpdated& metadata,
                      const std::shared_ptr<class CommitCount>& count);
  /// To `resumed` it begins anew, although they know its end.
  void route_status(const StreamStatus& status, const std::shared_ptr<class CommitCount>& count,
                    const std::vector<ServerId>& resumed);
  void note_beginning(const StreamStatus& status);
  Task<void> note_live(StreamStatus status, bool resumed);
  bool is_live_known(const tenancy::ChannelKey& channel) const;

  BridgeServices services_;
  OAuthStates& states_;
  kick::Client client_;
  kick::WebhookVerifier verifier_;
  KickTokens tokens_;
  ChannelAttempts attempts_;
  KickAccounts accounts_;
  KickHearing hearing_;
  KickSubscriptions subscriptions_;
  std::chrono::steady_clock::time_point compare_subscriptions_at_;
  std::chrono::steady_clock::time_point keep_grants_at_{};
  ChatSender chat_;
  std::unique_ptr<KickChatFallback> socket_chat_;  // where it is configured
  std::shared_ptr<void> listening_;
  std::map<std::string, TimePoint> live_known_until_;  // by broadcaster
  std::map<std::string, Sight> offline_;               // by broadcaster
  std::map<std::string, TimePoint> begun_at_;  // by broadcaster: the newest stream that servers were told of
  std::map<std::string, Sight> revived_;       // live, although it is over as far as we know
  TimePoint begun_;
  std::map<std::string, TimePoint> heard_at_;  // by broadcaster: when Kick last posted anything
  std::set<std::string> silent_;
  mutable std::mutex mutex_;
  std::set<ServerId> owed_;  // servers for which a stream may be open that is over
  std::map<ServerId, tenancy::Actor>
      left_;  // servers whose setting may show a channel that they left, by whom
  std::map<ServerId, std::chrono::steady_clock::time_point> due_;  // when to look at a server
  std::map<ServerId, std::string> problems_;
  std::map<std::string, std::string> socket_words_;  // by broadcaster: of his chat, where Kick posts none
  RecentIds done_;                                   // what was answered 200, by the message's id
  /// What was posted, by what became of it.
  struct Webhooks {
    explicit Webhooks(Metrics& metrics);
    Counter& accepted;
    Counter& repeated;
    Counter& foreign;
    Counter& stale;
    Counter& forged;
    Counter& busy;
  } webhooks_;
  Counter& taken_;
};

}  // namespace guildhall::bot
