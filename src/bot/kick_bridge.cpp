#include "bot/kick_bridge.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mutation.h"
#include "bot/outbox.h"
#include "bot/persons.h"

namespace guildhall::bot {
namespace {

using tenancy::ChannelKey;

constexpr std::chrono::seconds kCommitPatience{3};
constexpr std::chrono::milliseconds kLookAtSettings{200};
constexpr std::chrono::seconds kRetryBinding{10};
constexpr Duration kPoll = std::chrono::seconds(120);
constexpr Duration kCompareSubscriptions = std::chrono::minutes(10);
/// Of Kick's API two answers that follow each other closely may be the same one.
constexpr Duration kLooksApart = std::chrono::minutes(1);
/// So often in a row a look has to say the same before it is believed against what was said before.
constexpr int kSure = 2;
/// So long after Kick's last word its live state counts as known.
constexpr Duration kWordHolds = std::chrono::minutes(10);
/// That a consent is of no use is said once a day.
constexpr Duration kTellAgain = std::chrono::hours(24);
constexpr Duration kNoteHearing = std::chrono::minutes(1);
/// So many people seldom say nothing for so long.
constexpr std::int64_t kAudience = 10;
constexpr Duration kSilence = std::chrono::minutes(15);
constexpr std::size_t kIdsPerCall = 50;
/// Of webhooks: two minutes of a busy evening. What comes again later does no harm either.
constexpr std::size_t kRemembered = 60'000;
const tenancy::Actor kProgram{"guildhall", "system"};
/// Of a message that nobody delivers again.
constexpr int kSocketAttempts = 3;
constexpr std::chrono::seconds kSocketPause{1};
/// What a streamer comes back for.
constexpr const char* kConnect = "kick.channel";

net::HttpResponse answer(int status, std::string text) {
  return net::make_response(status, "text/plain", std::move(text) + "\n");
}

kick::ClientOptions client_options(const Config& config) {
  return {config.kick_oauth_url, config.kick_api_url, config.kick_client_id, config.kick_client_secret};
}

Counter& webhook_counter(Metrics& metrics, std::string_view outcome) {
  return metrics.counter("guildhall_kick_webhooks_total", "Webhooks of Kick, by outcome.",
                         fmt::format("outcome=\"{}\"", outcome));
}

ChannelKey key_of(const kick::User& broadcaster) { return {kKick, broadcaster.id}; }

bool has_badge(const kick::ChatMessageSent& message, std::string_view badge) {
  return std::find(message.badges.begin(), message.badges.end(), badge) != message.badges.end();
}

ChatMessage normalised(const kick::ChatMessageSent& message, bool live_known) {
  const Chatter sender{message.sender.id, message.sender.name,
                       has_badge(message, "subscriber") || has_badge(message, "founder"),
                       message.sender.id == message.broadcaster.id, has_badge(message, "bot")};
  return {key_of(message.broadcaster), message.message_id, sender, message.content,
          message.created_at,          live_known};
}

/// A word of an older stream, or a repeated or late beginning of one that has ended, says nothing new.
bool is_old_word(const tenancy::Channel& known, const StreamStatus& status) {
  if (!known.live_since) return false;
  const bool over = status.started_at == *known.live_since && known.live == "offline" && status.live;
  return status.started_at < *known.live_since || over;
}

/// What it throws costs nobody else his turn.
Task<void> by_itself(const char* what, Task<void> work) {
  std::string trouble;
  try {
    co_await std::move(work);
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  if (!trouble.empty())
    log::error("kick bridge failed", {log::field("task", what), log::field("error", trouble)});
}

/// The same for the same gift, in whatever envelope it comes.
std::string gift_id(const kick::SubscriptionGifts& gifts, const std::string& message_id) {
  if (gifts.giftees.empty()) return message_id;
  std::string giftees;
  for (const kick::User& giftee : gifts.giftees) giftees += giftee.id + " ";
  return fmt::format("{}:{}:{}:{}", gifts.broadcaster.id, gifts.gifter ? gifts.gifter->id : "anonymous",
                     to_micros(gifts.created_at), hex(sha256(giftees)).substr(0, 16));
}

}  // namespace

/// Waits until every server's commit is in. The waiting coroutine owns the timer's loop; commits are
/// told from the servers' loops.
class CommitCount : public std::enable_shared_from_this<CommitCount> {
 public:
  explicit CommitCount(boost::asio::any_io_executor executor) : timer_(executor) {}

  /// One more to wait for; the returned function tells its outcome.
  std::function<void(Outcome)> expect() {
    ++open_;
    return [self = shared_from_this()](Outcome outcome) {
      boost::asio::post(self->timer_.get_executor(), [self, outcome] {
        self->committed_ = self->committed_ && outcome == Outcome::committed;
        self->done_ = self->done_ && (outcome == Outcome::committed || outcome == Outcome::failed);
        if (--self->open_ == 0) self->timer_.cancel();
      });
    };
  }

  /// True: all are done with it in time. What failed for good at one of them would fail again, and telling it
  /// once more would keep it from the others.
  Task<bool> wait() {
    timer_.expires_after(kCommitPatience);
    if (open_ > 0) co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return open_ == 0 && done_;
  }

  /// Of those that have told.
  bool all_committed() const { return committed_; }

 private:
  boost::asio::steady_timer timer_;
  int open_ = 0;
  bool done_ = true;
  bool committed_ = true;
};

KickBridge::Webhooks::Webhooks(Metrics& metrics)
    : accepted(webhook_counter(metrics, "accepted")),
      repeated(webhook_counter(metrics, "repeated")),
      foreign(webhook_counter(metrics, "foreign")),
      stale(webhook_counter(metrics, "stale")),
      forged(webhook_counter(metrics, "forged")),
      busy(webhook_counter(metrics, "busy")) {}

KickBridge::KickBridge(BridgeServices services, const Secrets& secrets, OAuthStates& states,
                       std::optional<RsaPublicKey> pinned_key)
    : services_(services),
      states_(states),
      client_(client_options(services.config),
              [&http = services.http](net::HttpRequest request) { return http.send(std::move(request)); }),
      verifier_(
          services.clock, [this] { return client_.public_key(); }, std::move(pinned_key)),
      tokens_(client_, services.tenancy.grants(), secrets, services.clock, services.metrics,
              [this](const ChannelKey& channel) {
                keep_grants_at_ = std::chrono::steady_clock::now();
                changed(services_.tenancy.channels().servers_of(channel));
              }),
      attempts_(services.tenancy.global(), secrets, services.clock),
      accounts_(services.config, states,
                [&http = services.http](net::HttpRequest request) { return http.send(std::move(request)); }),
      hearing_(services.tenancy.global()),
      subscriptions_(
          client_, services.tenancy, hearing_, services.clock, services.metrics,
          [this](ServerId server, std::string problem) { set_problem(server, std::move(problem)); }),
      chat_(services.loop, client_, tokens_, services.metrics),
      begun_(services.clock.now()),
      done_(kRemembered),
      webhooks_(services.metrics),
      taken_(services.metrics.counter("guildhall_kick_channels_taken_total",
                                      "Attempts to connect a channel that somebody else has connected.")) {
  if (!services_.config.kick_chat_socket_app_key.empty())
    socket_chat_ = std::make_unique<KickChatFallback>(services_, chat_hooks());
  const auto now = std::chrono::steady_clock::now();
  compare_subscriptions_at_ = now;  // one call for all, before each server's channel is looked at
  for (const auto& server : services_.tenancy.servers().list()) {
    due_[server.discord_server_id] = now;
    owed_.insert(server.discord_server_id);  // the process before may have died before it told
  }
  // What was known before this start holds until Kick can be asked again: no guessing meanwhile.
  for (const auto& channel : services_.tenancy.channels().list()) {
    if (channel.live != "unknown")
      live_known_until_[channel.platform_user_id] = services_.clock.now() + kWordHolds;
  }
  listening_ = services_.topics.listen([this](const std::string& topic, std::uint64_t) {
    const auto server = server_of_topic(topic);
    if (!server || topic != server_topic(*server, "settings")) return;
    const std::scoped_lock lock(mutex_);
    due_[*server] = std::chrono::steady_clock::now();
    owed_.insert(*server);  // it may have come back, and was told nothing meanwhile
  });
}

KickBridge::~KickBridge() = default;

KickChatFallback::Hooks KickBridge::chat_hooks() {
  return {[this](kick::ChatMessageSent message) {
            net::spawn(services_.loop, "kick.socket_chat",
                       [this, message = std::move(message)] { return take_from_socket(message); });
          },
          [this](const std::string& broadcaster, std::string word) {
            note_socket(broadcaster, std::move(word));
          }};
}

void KickBridge::stop() {
  if (socket_chat_) socket_chat_->stop();
}

void KickBridge::start() {
  if (socket_chat_) socket_chat_->start();
  net::repeat(services_.loop, "kick.hearing", services_.clock.real(kNoteHearing),
              [this] { return note_hearing(); });
  net::repeat(services_.loop, "kick.settings", kLookAtSettings, [this] { return follow_settings(); });
  net::repeat(services_.loop, "kick.grants", kLookAtSettings, [this] { return keep_grants(); });
  net::repeat(services_.loop, "kick.streams", services_.clock.real(kPoll),
              [this] { return check_streams(); });
}

/// Subscriptions are compared in between, so that what one asks for the other does not take away.
Task<void> KickBridge::follow_settings() {
  const auto now = std::chrono::steady_clock::now();
  const bool compares = now >= compare_subscriptions_at_;
  if (compares) {
    compare_subscriptions_at_ = now + services_.clock.real(kCompareSubscriptions);
    co_await by_itself("subscriptions", subscriptions_.reconcile());
  }
  std::vector<ServerId> servers;
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(due_, [&](const auto& entry) {
      if (entry.second <= now) servers.push_back(entry.first);
      return entry.second <= now;
    });
  }
  for (const ServerId server : servers) {
    const auto done = co_await try_reconcile(server);
    if (done) continue;
    set_problem(server, done.error().message);
    // Where Kick has said no, the next comparison asks again.
    const bool refused = done.error().code == ErrorCode::refused_by_guard;
    const std::scoped_lock lock(mutex_);
    if (!refused) due_.emplace(server, now + kRetryBinding);
  }
  if (compares || !servers.empty()) follow_chats();
}

/// Where Kick posts no chat it comes from the socket, and where Kick does, from Kick alone.
void KickBridge::follow_chats() {
  if (!socket_chat_) return;
  std::vector<tenancy::Channel> channels;
  for (const std::string& broadcaster : subscriptions_.without_chat()) {
    if (auto channel = services_.tenancy.channels().find({kKick, broadcaster}))
      channels.push_back(*std::move(channel));
  }
  socket_chat_->listen_to(channels);
}

void KickBridge::note_socket(const std::string& broadcaster, std::string word) {
  {
    const std::scoped_lock lock(mutex_);
    std::string& known = socket_words_[broadcaster];
    if (known == word) return;
    known = word;
  }
  log::info("kick chat socket", {log::field("channel", broadcaster), log::field("word", word)});
  changed(services_.tenancy.channels().servers_of({kKick, broadcaster}));
}

void KickBridge::set_problem(ServerId server, std::string problem) {
  const std::scoped_lock lock(mutex_);
  std::string& known = problems_[server];
  if (known == problem) return;
  known = std::move(problem);
  if (!known.empty())
    log::warning("kick channel", {log::field("server", server.str()), log::field("problem", known)});
  services_.topics.publish(server_topic(server, "overview"));
}

std::string KickBridge::channel_problem(ServerId server) const {
  const auto channel = services_.tenancy.channels().of_server(server, kKick);
  {
    const std::scoped_lock lock(mutex_);
    const auto found = problems_.find(server);
    const auto word = channel ? socket_words_.find(channel->platform_user_id) : socket_words_.end();
    if (found != problems_.end() && !found->second.empty())
      return found->second + (word == socket_words_.end() || word->second.empty() ? "" : "; " + word->second);
  }
  return channel ? attempts_.warning(channel->key()) : "";
}

/// A server whose database is unusable is looked at again later, like one for which Kick cannot be asked.
Task<Result<void>> KickBridge::try_reconcile(ServerId server) {
  try {
    co_return co_await reconcile(server);
  } catch (const std::exception& error) {
    log::error("kick channel not looked at",
               {log::field("server", server.str()), log::field("error", error.what())});
    co_return fail(ErrorCode::storage, "this server's data cannot be reached");
  }
}

Task<Result<void>> KickBridge::reconcile(ServerId server) {
  const bool told = co_await tell_owed(server);
  const auto channel = services_.tenancy.channels().of_server(server, kKick);
  Result<void> heard{};
  if (channel) {
    co_await show_channel(server, channel->slug, kProgram);
    heard = co_await subscriptions_.ensure(channel->platform_user_id);
  } else {
    co_await finish_leaving(server);
    set_problem(server, "");
  }
  if (heard && !told) co_return fail(ErrorCode::storage, "the end of the stream is not stored yet");
  co_return heard;
}

Task<bool> KickBridge::show_channel(ServerId server, std::optional<std::string> slug, tenancy::Actor actor) {
  const auto scope = services_.tenancy.scopes().for_job(server);
  if (!scope) co_return false;
  SettingWish wish{std::string(kKickChannel.key), std::move(slug)};
  wish.of_program = true;
  const auto shown = co_await scope->transact([this, server, wish, actor](store::Tx& tx) {
    return change_server_setting(tx, services_.declarations, server, wish, actor, services_.clock.now());
  });
  if (!shown || shown->before == shown->after) co_return false;
  services_.dispatcher.refresh(*scope);
  co_return true;
}

/// The server has turned away from the channel: where that is live, the stream ends for it now.
Task<void> KickBridge::end_here(ServerId server, tenancy::Channel channel) {
  const auto scope = services_.tenancy.scopes().for_job(server);
  const TimePoint now = services_.clock.now();
  if (scope && channel.live == "live") {
    const StreamStatus end{channel.key(), false, channel.live_since.value_or(now), now, channel.name};
    services_.dispatcher.submit(*scope, end, [](Outcome) {});
  }
  co_await tell_over(server);
}

/// Who is owed nothing, or listens to a channel that may be live, is not told.
Task<bool> KickBridge::tell_owed(ServerId server) {
  const auto channel = services_.tenancy.channels().of_server(server, kKick);
  {
    const std::scoped_lock lock(mutex_);
    if (!owed_.contains(server) || (channel && !is_over(channel->key()))) co_return true;
  }
  co_return co_await tell_over(server);
}

/// Owed until it is stored. Who is served again later is told then.
Task<bool> KickBridge::tell_over(ServerId server) {
  const auto scope = services_.tenancy.scopes().for_job(server);
  if (!scope) co_return true;
  {
    const std::scoped_lock lock(mutex_);
    owed_.erase(server);
  }
  auto count = std::make_shared<CommitCount>(services_.loop.get_executor());
  services_.dispatcher.submit(*scope, StreamsOver{}, count->expect());
  const bool done = co_await count->wait();
  const bool stored = done && count->all_committed();
  if (!stored) owe_end(server);
  co_return stored;
}

/// Kick said so, or looked at it was so for a while.
bool KickBridge::is_over(const ChannelKey& channel) const {
  const auto found = offline_.find(channel.platform_user_id);
  return found != offline_.end() && found->second.times >= kSure;
}

void KickBridge::owe_end(ServerId server) {
  const std::scoped_lock lock(mutex_);
  owed_.insert(server);
  due_.emplace(server, std::chrono::steady_clock::now() + kRetryBinding);
}

/// The channel's stream is over; those of its servers that may not know it are told.
void KickBridge::look_at_owed(const ChannelKey& channel) {
  const auto servers = services_.tenancy.channels().servers_of(channel);
  const std::scoped_lock lock(mutex_);
  for (const ServerId server : servers)
    if (owed_.contains(server)) due_[server] = std::chrono::steady_clock::now();
}

void KickBridge::changed(const std::vector<ServerId>& servers) {
  services_.topics.publish("servers");
  for (const ServerId server : servers) services_.topics.publish(server_topic(server, "overview"));
}

/// What owners have withdrawn is told to Kick, what is not used is kept alive, and servers hear of what
/// ended.
Task<void> KickBridge::keep_grants() {
  const auto now = std::chrono::steady_clock::now();
  if (now < keep_grants_at_) co_return;
  keep_grants_at_ = now + services_.clock.real(kCompareSubscriptions);
  co_await by_itself("withdrawn consents", tokens_.end_withdrawn());
  co_await by_itself("idle tokens", tokens_.renew_idle());
  co_await by_itself("notices of consents", tell_of_grants());
  co_await by_itself("attempts", attempts_.load(services_.tenancy.channels().list()));
}

Task<void> KickBridge::tell_of_grants() {
  const TimePoint now = services_.clock.now();
  for (const auto& channel : services_.tenancy.channels().list()) {
    const std::string consent(tenancy::consent_of(channel, now));
    const auto servers = services_.tenancy.channels().servers_of(channel.key());
    if (channel.platform != kKick || servers.empty() || consent == "connected" || consent == "none") continue;
    const bool ours = co_await services_.tenancy.grants().begin_notice(channel.key(), now, now - kTellAgain);
    if (ours) {
      for (const ServerId server : servers)
        co_await by_itself("notice of a consent", tell_server(server, channel, consent));
    }
    if (consent == tenancy::kRevoked) co_await end_revoked(channel);
  }
}

/// Without a consent nobody listens; another one is for the server alone for which it is given.
Task<void> KickBridge::end_revoked(tenancy::Channel channel) {
  auto servers = services_.tenancy.channels().servers_of(channel.key());
  const bool ended = co_await services_.tenancy.grants().unbind_revoked(channel.key());
  if (ended) co_await let_go(std::move(servers), std::move(channel), kProgram);
}

Task<void> KickBridge::tell_server(ServerId server, tenancy::Channel channel, std::string consent) {
  const auto scope = services_.tenancy.scopes().for_job(server);
  if (!scope) co_return;
  const Message note{"kick.consent_" + consent, {{"channel", channel.slug}}};
  co_await scope->transact([this, server, note](store::Tx& tx) -> store::TxTask<void> {
    ServerContext context{server, services_.clock.now(),
                          co_await load_settings(tx, services_.declarations.settings, services_.config),
                          &services_.declarations.texts};
    co_await post_to_log_channel(tx, context, note);
  });
  services_.dispatcher.wake_outbox(*scope);
}

Task<void> KickBridge::note_hearing() {
  for (const std::string& broadcaster : co_await hearing_.hear(services_.clock.now())) {
    log::warning("kick was not heard while nothing ran here", {log::field("channel", broadcaster)});
    changed(services_.tenancy.channels().servers_of({kKick, broadcaster}));
  }
}

/// A stream that is watched and of which nothing comes: perhaps what Kick posts does not reach us.
Task<void> KickBridge::watch_for_silence(kick::Channel seen) {
  const TimePoint now = services_.clock.now();
  const std::string& broadcaster = seen.broadcaster_user_id;
  const auto heard = heard_at_.find(broadcaster);
  const TimePoint since =
      std::max({begun_, seen.live_since.value_or(now), heard == heard_at_.end() ? begun_ : heard->second});
  if (seen.viewers < kAudience || now - since < kSilence || silent_.contains(broadcaster)) co_return;
  const bool doubted = co_await hearing_.doubt(broadcaster, since, kSilent);
  if (!doubted) co_return;
  silent_.insert(broadcaster);
  log::warning("kick posts nothing of a stream that is watched", {log::field("channel", broadcaster)});
  changed(services_.tenancy.channels().servers_of({kKick, broadcaster}));
}

Task<void> KickBridge::note_heard(std::string broadcaster) {
  heard_at_[broadcaster] = services_.clock.now();
  if (!silent_.contains(broadcaster)) co_return;
  co_await hearing_.trust(broadcaster, services_.clock.now());
  silent_.erase(broadcaster);
  changed(services_.tenancy.channels().servers_of({kKick, broadcaster}));
}

Task<std::vector<ChannelGap>> KickBridge::gaps(ServerId server) const {
  const auto channel = services_.tenancy.channels().of_server(server, kKick);
  if (!channel) co_return std::vector<ChannelGap>{};
  co_return co_await hearing_.gaps(channel->platform_user_id);
}

Task<void> KickBridge::check_streams() {
  auto known = services_.tenancy.channels().list();
  std::erase_if(known, [this](const tenancy::Channel& channel) {
    return services_.tenancy.channels().servers_of(channel.key()).empty();
  });
  for (std::size_t i = 0; i < known.size(); i += kIdsPerCall) {
    std::vector<std::string> ids;
    for (std::size_t j = i; j < std::min(i + kIdsPerCall, known.size()); ++j)
      ids.push_back(known[j].platform_user_id);
    const auto seen = co_await client_.channels(std::move(ids));
    if (!seen) {
      log::warning("kick streams unknown", {log::field("error", seen.error().message)});
      continue;
    }
    for (const kick::Channel& channel : *seen) co_await by_itself("a look at a stream", look_at(channel));
  }
}

Task<void> KickBridge::look_at(kick::Channel seen) {
  const auto known = services_.tenancy.channels().find({kKick, seen.broadcaster_user_id});
  if (!known) co_return;
  co_await follow_name(seen, *known);
  co_await apply_stream(seen, *known);
  if (seen.is_live.value_or(false)) co_await watch_for_silence(std::move(seen));
}

/// A streamer may call his channel otherwise; it stays the same one. Each server shows that by itself.
Task<void> KickBridge::follow_name(kick::Channel seen, tenancy::Channel known) {
  if (seen.slug.empty() || seen.slug == known.slug) co_return;
  co_await services_.tenancy.channels().know(known.key(), seen.slug, known.name, services_.clock.now());
  const auto servers = services_.tenancy.channels().servers_of(known.key());
  for (const ServerId server : servers) look_again(server);
  changed(servers);
}

/// What a look at the channel tells, where the webhooks may have told nothing.
Task<void> KickBridge::apply_stream(kick::Channel seen, tenancy::Channel known,
                                    std::optional<ServerId> joined) {
  if (!seen.is_live) co_return;
  const TimePoint now = services_.clock.now();
  live_known_until_[seen.broadcaster_user_id] = now + kWordHolds;
  StreamStatus status{known.key(),  *seen.is_live, seen.live_since.value_or(now),
                      std::nullopt, known.name,    seen.title,
                      seen.slug,    seen.category};
  times_seen(offline_[seen.broadcaster_user_id], !*seen.is_live);
  if (!*seen.is_live) {
    if (is_over(known.key())) look_at_owed(known.key());
    // Offline twice in a row, while we believe that it is live: its end was lost.
    const bool lost = known.live == "live" && is_over(known.key());
    if (known.live == "unknown")
      co_await services_.tenancy.channels().set_live(known.key(), false, std::nullopt, now);
    if (!lost) co_return;
    status.started_at = known.live_since.value_or(now);
    status.ended_at = now;
  }
  const bool over = status.live && known.live == "offline" && known.live_since == status.started_at;
  const int revived = times_seen(revived_[seen.broadcaster_user_id], over);
  std::vector<ServerId> resumed;
  if (joined && status.live && !is_old_word(known, status)) resumed = {*joined};
  // Live twice in a row, when we believe that it is over: that word was wrong.
  if (revived >= kSure) resumed = services_.tenancy.channels().servers_of(known.key());
  auto count = std::make_shared<CommitCount>(services_.loop.get_executor());
  route_status(status, count, resumed);
  const bool done = co_await count->wait();
  if (done) co_await note_live(std::move(status), !resumed.empty());
}

/// How often in a row, by looks that are not almost the same one.
int KickBridge::times_seen(Sight& sight, bool seen) const {
  const TimePoint now = services_.clock.now();
  if (!seen) sight = {};
  if (!seen || (sight.times > 0 && now - sight.at < kLooksApart)) return sight.times;
  sight.at = now;
  return ++sight.times;
}

bool KickBridge::is_live_known(const ChannelKey& channel) const {
  const auto known = live_known_until_.find(channel.platform_user_id);
  return known != live_known_until_.end() && known->second > services_.clock.now();
}

Task<net::HttpResponse> KickBridge::handle_webhook(net::HttpRequest request) {
  auto delivery = co_await verifier_.verify(std::move(request));
  if (!delivery) co_return refuse(delivery.error());
  if (done_.contains(delivery->message_id) && !mutated(Mutation::webhook_repeated)) {
    webhooks_.repeated.add();
    co_return answer(200, "done already");
  }
  const auto subscription = co_await subscriptions_.route_of(delivery->subscription_id);
  if (!subscription) co_return refuse(subscription.error());
  if (!*subscription) {
    webhooks_.foreign.add();
    co_return answer(200, "nobody here asked for that");
  }
  co_return co_await receive(*std::move(delivery), **subscription);
}

net::HttpResponse KickBridge::refuse(const Error& why) {
  switch (why.code) {
    case ErrorCode::unauthenticated: webhooks_.forged.add(); break;
    case ErrorCode::timeout: webhooks_.stale.add(); break;
    case ErrorCode::refused_by_guard: webhooks_.foreign.add(); break;
    default: webhooks_.busy.add(); return answer(503, why.message);
  }
  log::warning("kick webhook refused", {log::field("reason", why.message)});
  return answer(401, why.message);
}

Task<net::HttpResponse> KickBridge::receive(kick::Delivery delivery, kick::Subscription subscription) {
  auto event = kick::parse_event(delivery);
  const bool useful = event.has_value();
  const auto broadcaster = event ? kick::broadcaster_of(*event) : std::nullopt;
  const bool of_another = broadcaster && *broadcaster != subscription.broadcaster_user_id &&
                          !mutated(Mutation::webhook_of_any_channel);
  if (delivery.type != subscription.event || of_another) {
    co_return refuse({ErrorCode::refused_by_guard, "the event is not what its subscription is for"});
  }
  if (!useful) {
    // Genuine but of no use to us: asking for it again would bring the same.
    log::warning("kick event ignored",
                 {log::field("type", delivery.type), log::field("reason", event.error().message)});
  }
  const bool done = !useful || co_await route(*std::move(event), delivery.message_id);
  if (!done) co_return refuse({ErrorCode::unavailable, "busy, please deliver it again"});
  done_.add(delivery.message_id);
  co_await note_heard(subscription.broadcaster_user_id);
  webhooks_.accepted.add();
  co_return answer(200, useful ? "ok" : "ignored");
}

Task<bool> KickBridge::route(kick::Event event, std::string message_id) {
  auto count = std::make_shared<CommitCount>(co_await boost::asio::this_coro::executor);
  std::optional<StreamStatus> live;
  if (const auto* message = std::get_if<kick::ChatMessageSent>(&event)) route_chat(*message, count);
  if (const auto* status = std::get_if<kick::LivestreamStatusUpdated>(&event)) {
    const StreamStatus normal{
        key_of(status->broadcaster), status->is_live, status->started_at,      status->ended_at,
        status->broadcaster.name,    status->title,   status->broadcaster.slug};
    live_known_until_[status->broadcaster.id] = services_.clock.now() + kWordHolds;
    route_status(normal, count, {});
    live = normal;
  }
  if (const auto* metadata = std::get_if<kick::LivestreamMetadataUpdated>(&event))
    route_metadata(*metadata, count);
  if (const auto* gifts = std::get_if<kick::SubscriptionGifts>(&event)) {
    const GiftedSubs normal{key_of(gifts->broadcaster), gift_id(*gifts, message_id),
                            gifts->gifter ? std::optional(gifts->gifter->name) : std::nullopt,
                            static_cast<std::int64_t>(gifts->giftees.size()), gifts->created_at};
    for (const auto& scope : services_.tenancy.scopes().for_channel_event(normal.channel)) {
      services_.dispatcher.submit(scope, normal, count->expect());
    }
  }
  const bool done = co_await count->wait();
  if (done && live) co_await note_live(*std::move(live), false);
  co_return done;
}

bool KickBridge::route_chat(const kick::ChatMessageSent& message, const std::shared_ptr<CommitCount>& count) {
  const ChatMessage normal = normalised(message, is_live_known(key_of(message.broadcaster)));
  const auto scopes = services_.tenancy.scopes().for_channel_event(normal.channel);
  const bool shared = scopes.size() > 1;
  for (const auto& scope : scopes) {
    const auto server = services_.tenancy.servers().find(scope.server());
    // Each server answers for itself; where several listen, it says which one speaks.
    const std::string prefix = shared && server ? fmt::format("[{}] ", server->name) : "";
    auto told = count->expect();
    services_.dispatcher.submit(
        scope, normal,
        [this, channel = normal.channel, prefix, told](Outcome outcome, std::optional<Answer> said) {
          told(outcome);
          if (said && !said->text.empty()) chat_.send(channel, prefix + said->text);
        });
  }
  return !scopes.empty();
}

/// Nobody delivers it again, so it is tried a few times.
Task<void> KickBridge::take_from_socket(kick::ChatMessageSent message) {
  for (int attempt = 0; attempt < kSocketAttempts; ++attempt) {
    if (attempt > 0) co_await net::sleep_for(kSocketPause);
    auto count = std::make_shared<CommitCount>(services_.loop.get_executor());
    route_chat(message, count);
    if (co_await count->wait()) co_return;
  }
  log::warning("kick chat of the socket not taken", {log::field("channel", message.broadcaster.id)});
}

/// It is told of channels that are not live as well, and does not say of which it is.
void KickBridge::route_metadata(const kick::LivestreamMetadataUpdated& metadata,
                                const std::shared_ptr<CommitCount>& count) {
  const auto known = services_.tenancy.channels().find(key_of(metadata.broadcaster));
  if (!known || known->live != "live" || !known->live_since) return;
  route_status({known->key(), true, *known->live_since, std::nullopt, metadata.broadcaster.name,
                metadata.title, metadata.broadcaster.slug, metadata.category},
               count, {});
}

void KickBridge::route_status(const StreamStatus& status, const std::shared_ptr<CommitCount>& count,
                              const std::vector<ServerId>& resumed) {
  if (status.live) note_beginning(status);
  for (const auto& scope : services_.tenancy.scopes().for_channel_event(status.channel)) {
    StreamStatus told = status;
    told.resumed = std::ranges::find(resumed, scope.server()) != resumed.end();
    services_.dispatcher.submit(
        scope, std::move(told),
        [this, server = scope.server(), ends = !status.live, tell = count->expect()](Outcome outcome) {
          // Who could not take it is told nothing of that stream again.
          if (ends && outcome != Outcome::committed) owe_end(server);
          tell(outcome);
        });
  }
}

/// From here on no end of a stream before counts, however late it comes.
void KickBridge::note_beginning(const StreamStatus& status) {
  const std::string& broadcaster = status.channel.platform_user_id;
  TimePoint& newest = begun_at_.try_emplace(broadcaster, status.started_at).first->second;
  newest = std::max(newest, status.started_at);
  offline_.erase(broadcaster);
}

/// What the channel is said to be since, once its servers know it: until then the next look tells them again.
Task<void> KickBridge::note_live(StreamStatus status, bool resumed) {
  auto& channels = services_.tenancy.channels();
  const auto known = channels.find(status.channel);
  if (!known || (!resumed && is_old_word(*known, status))) co_return;
  const auto begun = begun_at_.find(status.channel.platform_user_id);
  const bool is_another_on = begun != begun_at_.end() && begun->second > status.started_at;
  if (!status.live && !is_another_on) {
    offline_[status.channel.platform_user_id] = {kSure, services_.clock.now()};
    look_at_owed(status.channel);
  }
  if (known->live == (status.live ? "live" : "offline") && known->live_since == status.started_at) co_return;
  co_await channels.set_live(status.channel, status.live, status.started_at, services_.clock.now());
  services_.topics.publish("servers");
  for (const ServerId server : channels.servers_of(status.channel))
    services_.topics.publish(server_topic(server, "overview"));
}

std::optional<TimePoint> KickBridge::last_heard() const {
  std::optional<TimePoint> last;
  for (const auto& [broadcaster, at] : heard_at_) last = std::max(last.value_or(at), at);
  return last;
}

Task<Result<std::string>> KickBridge::start_connect(std::string session_hash, ServerId server) {
  if (services_.config.kick_client_id.empty()) {
    co_return fail(ErrorCode::configuration, "kick.client_id is not set",
                   "Enter the Kick app's id and secret in the configuration.");
  }
  OAuthStates::Intent intent{kConnect, std::move(session_hash), server};
  const auto begun = co_await states_.begin(std::move(intent));
  co_return client_.authorize_url(kick_callback(services_.config), begun.state, begun.challenge,
                                  kick::kChannelScopes);
}

Task<Result<ServerId>> KickBridge::finish_connect(std::string state, std::string code, Visitor visitor,
                                                  std::function<Task<Result<void>>(ServerId)> allowed) {
  const auto begun = co_await states_.take(std::move(state), kConnect, std::move(visitor.session_hash));
  if (!begun)
    co_return fail(ErrorCode::invalid, "this sign-in was not started here, or is too old",
                   "Start it again from the server's page.");
  const auto may = co_await allowed(begun->server);
  if (!may) co_return std::unexpected(may.error());
  const auto tokens =
      co_await client_.exchange_code(std::move(code), begun->verifier, kick_callback(services_.config));
  Result<void> taken;
  if (!tokens) taken = std::unexpected(tokens.error());
  if (tokens) taken = co_await take_or_revoke(begun->server, std::move(visitor), *tokens);
  if (taken) co_return begun->server;
  log::warning("kick channel not connected",
               {log::field("server", begun->server.str()), log::field("error", taken.error().message)});
  co_return std::unexpected(taken.error());
}

/// What is of no use here shall be of none to anybody.
Task<Result<void>> KickBridge::take_or_revoke(ServerId server, Visitor visitor, kick::Tokens tokens) {
  Result<void> taken;
  std::exception_ptr broken;
  try {
    taken = co_await take_consent(server, std::move(visitor), tokens);
  } catch (...) {
    broken = std::current_exception();
  }
  if (broken || !taken) co_await client_.revoke(tokens.refresh_token);
  if (broken) std::rethrow_exception(broken);
  co_return taken;
}

Task<Result<void>> KickBridge::take_consent(ServerId server, Visitor visitor, kick::Tokens tokens) {
  const auto user = co_await client_.own_user(tokens.access_token);
  if (!user) co_return std::unexpected(user.error());
  const auto seen = co_await client_.channels({user->id});
  if (!seen) co_return std::unexpected(seen.error());
  if (seen->empty()) co_return fail(ErrorCode::not_found, "this Kick account has no channel");
  const kick::Channel channel = seen->front();
  auto& channels = services_.tenancy.channels();
  const ChannelKey key{kKick, user->id};
  const Listening before{channels.of_server(server, kKick), channels.servers_of(key)};
  const tenancy::Actor actor{visitor.granter.principal, "dashboard"};
  const auto grant = [&]() -> Task<bool> {
    co_await channels.know(key, channel.slug, user->name, services_.clock.now());
    co_return co_await services_.tenancy.grants().grant(
        key, visitor.granter, tokens.scope, tokens_.seal(key, tokens), server, services_.clock.now());
  };
  bool granted = co_await grant();
  if (!granted && !co_await tokens_.are_good(key)) granted = co_await grant();
  if (!granted) {
    // Whoever waits for the answer does not wait for that.
    net::spawn(services_.loop, "kick.attempt",
               [this, server, key, visitor] { return note_attempt(server, key, visitor); });
    co_return fail(ErrorCode::conflict, "this Kick channel is connected by somebody else",
                   "Whoever connected it can withdraw it on the page \"My channels\".");
  }
  log::info("kick channel connected",
            {log::field("server", server.str()), log::field("channel", key.platform_user_id)});
  // The channel may be called otherwise by now.
  for (const ServerId listening : channels.servers_of(key)) look_again(listening);
  // The one before may send for nobody now.
  if (before.channel && before.channel->key() != key)
    compare_subscriptions_at_ = std::chrono::steady_clock::now();
  co_await by_itself("a new consent", follow_consent(server, channel, before, actor));
  changed(channels.servers_of(key));
  co_return Result<void>{};
}

/// The server for which it was tried reads who did; those that listen to the channel read only that it was
/// tried, and hear of it when it is an alarm.
Task<void> KickBridge::note_attempt(ServerId server, ChannelKey channel, Visitor visitor) {
  taken_.add();
  log::warning(
      "a channel that is another's was to be connected",
      {log::field("channel", channel.platform_user_id), log::field("actor", visitor.granter.principal)});
  const auto noted = co_await attempts_.note(channel, visitor.granter.principal, visitor.address);
  const auto known = services_.tenancy.channels().find(channel);
  const std::string slug = known ? known->slug : "";
  const tenancy::Actor actor{visitor.granter.principal, "dashboard"};
  co_await by_itself("a note of an attempt", note_at(server, {actor, "channel.taken", slug, {}, {}}, {}));
  const std::string attempts = fmt::format("{}", noted.attempts);
  std::optional<Message> alarm;
  if (noted.alarm) alarm = Message{"kick.channel_attempts", {{"channel", slug}, {"attempts", attempts}}};
  const auto listening = services_.tenancy.channels().servers_of(channel);
  for (const ServerId one : listening)
    co_await by_itself("a note of an attempt",
                       note_at(one, {kProgram, "channel.wanted", slug, {}, attempts}, alarm));
}

Task<void> KickBridge::note_at(ServerId server, tenancy::AuditEntry entry, std::optional<Message> alarm) {
  const auto scope = services_.tenancy.scopes().for_job(server);
  if (!scope) co_return;
  co_await scope->transact([this, server, entry, alarm](store::Tx& tx) -> store::TxTask<void> {
    co_await tenancy::audit(tx, services_.clock.now(), entry);
    if (!alarm) co_return;
    ServerContext context{server, services_.clock.now(),
                          co_await load_settings(tx, services_.declarations.settings, services_.config),
                          &services_.declarations.texts};
    co_await post_to_log_channel(tx, context, *alarm);
  });
  if (alarm) services_.dispatcher.wake_outbox(*scope);
  services_.topics.publish(server_topic(server, "overview"));
}

/// The consent holds; what follows from it is made up for where it fails.
Task<void> KickBridge::follow_consent(ServerId server, kick::Channel channel, Listening before,
                                      tenancy::Actor actor) {
  auto& channels = services_.tenancy.channels();
  const auto now = channels.find({kKick, channel.broadcaster_user_id});
  if (!now) co_return;  // withdrawn in the meantime
  if (before.channel && before.channel->key() != now->key()) co_await end_here(server, *before.channel);
  const bool unheard = before.servers.empty();
  // The former owner's consents ended with his grant.
  std::erase_if(before.servers, [after = channels.servers_of(now->key())](ServerId listening) {
    return std::ranges::find(after, listening) != after.end();
  });
  if (!before.servers.empty()) co_await let_go(std::move(before.servers), *now, kProgram);
  co_await show_channel(server, channel.slug, std::move(actor));
  // Nobody looked at a channel without listeners.
  if (unheard && channel.is_live == false)
    co_await channels.set_live(now->key(), false, std::nullopt, services_.clock.now());
  co_await apply_stream(std::move(channel), *now, server);
}

/// Its subscriptions are asked for by follow_settings, which does one thing after the other.
void KickBridge::look_again(ServerId server) {
  const std::scoped_lock lock(mutex_);
  due_[server] = std::chrono::steady_clock::now();
}

Task<Result<void>> KickBridge::disconnect(ServerId server, tenancy::Actor actor) {
  const auto channel = services_.tenancy.channels().of_server(server, kKick);
  if (channel) {
    co_await services_.tenancy.channels().unbind(server, kKick);
    co_await let_go({server}, *channel, std::move(actor));
    co_return Result<void>{};
  }
  // What it waited for is waited for no more.
  const bool waited = co_await show_channel(server, std::nullopt, std::move(actor));
  if (!waited) co_return fail(ErrorCode::not_found, "this server listens to no Kick channel");
  changed({server});
  co_return Result<void>{};
}

Task<Result<void>> KickBridge::withdraw(ChannelKey channel, tenancy::Granter granter,
                                        std::optional<ServerId> server) {
  auto& grants = services_.tenancy.grants();
  const auto grant = co_await grants.of(channel);
  const auto known = services_.tenancy.channels().find(channel);
  const bool his = grant && known && (granter.is_operator || grant->grant_owner == granter.principal);
  auto servers = services_.tenancy.channels().servers_of(channel);
  if (server) std::erase_if(servers, [&](ServerId listening) { return listening != *server; });
  if (!his || (server && servers.empty())) co_return fail(ErrorCode::not_found, "there is no such consent");
  const bool withdrawn = server ? co_await grants.withdraw_from(channel, granter, *server)
                                : co_await grants.withdraw(channel, granter, services_.clock.now());
  if (!withdrawn) co_return fail(ErrorCode::not_found, "there is no such consent");
  co_await let_go(std::move(servers), *known, {granter.principal, "dashboard"});
  co_return Result<void>{};
}

/// They listen to that channel no more. Kick is told soon, of subscriptions and of tokens.
Task<void> KickBridge::let_go(std::vector<ServerId> servers, tenancy::Channel channel, tenancy::Actor actor) {
  for (const ServerId server : servers) {
    set_problem(server, "");
    co_await by_itself("a server without a channel", leave(server, channel, actor));
  }
  compare_subscriptions_at_ = keep_grants_at_ = std::chrono::steady_clock::now();
  changed(servers);
}

/// What of this cannot be stored now is made up for when the server is looked at, as long as this process
/// lives.
Task<void> KickBridge::leave(ServerId server, tenancy::Channel channel, tenancy::Actor actor) {
  owe_end(server);
  const auto another = services_.tenancy.channels().of_server(server, kKick);
  if (another) {
    co_await show_channel(server, another->slug, std::move(actor));
    co_return;
  }
  {
    const std::scoped_lock lock(mutex_);
    left_.insert_or_assign(server, std::move(actor));
  }
  co_await end_here(server, std::move(channel));
  co_await finish_leaving(server);
}

/// The setting shows nothing of a channel that the server has left. What it waits for since an import stays.
Task<void> KickBridge::finish_leaving(ServerId server) {
  std::optional<tenancy::Actor> actor;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = left_.find(server); found != left_.end()) actor = found->second;
  }
  if (!actor) co_return;
  co_await show_channel(server, std::nullopt, *actor);
  const std::scoped_lock lock(mutex_);
  left_.erase(server);
}

}  // namespace guildhall::bot
