#include "platforms/discord/gateway.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "platforms/discord/connection.h"
#include "platforms/discord/event_router.h"
#include "platforms/discord/member_requests.h"
#include "platforms/discord/parse.h"
#include "platforms/discord/session_keeper.h"

namespace guildhall::discord {
namespace {

namespace asio = boost::asio;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// A session that was identified counts as a success, so that the back-off begins anew, when it was up
/// for so long; one that was resumed, which costs nothing, at once.
constexpr seconds kHealthy{60};
/// So many attempts in a row without a success, and the session is taken for lost.
constexpr int kMostResumes = 5;
/// After we were cut off for sending too much (4008).
constexpr seconds kPauseAfterRateLimit{5};
/// How long to go without asking again while the identify budget is used up.
constexpr std::chrono::minutes kBudgetPause{10};
/// For an address, and for a connection; both have closer deadlines of their own.
constexpr std::chrono::minutes kLongestStep{2};
/// For the turn to identify, where other shards stand before this one, 5 s each.
constexpr std::chrono::hours kLongestLine{24};
/// How often it is put down how far the session is handled, while events come.
constexpr seconds kPutDown{10};
constexpr int kRateLimitedClose = 4008;
constexpr int kIntentsRefusedClose = 4014;

DiscordUserId self_of(const json::Value& ready) {
  const json::Value* user = json::find(ready, "user");
  return user == nullptr ? DiscordUserId() : read_id<DiscordUserId>(*user, "id").value_or(DiscordUserId());
}

std::string_view end_name(End why) {
  switch (why) {
    case End::closed: return "closed";
    case End::reconnect: return "reconnect";
    case End::session_invalid: return "session_invalid";
    case End::session_kept: return "session_kept";
    case End::silent: return "silent";
    case End::late: return "late";
    case End::unreadable: return "unreadable";
    case End::stopped: return "stopped";
  }
  return "closed";
}

}  // namespace

class Gateway::Impl {
 public:
  Impl(asio::io_context& loop, GatewayOptions options, GatewayHandler& handler, State& state,
       std::shared_ptr<SessionStore> store, std::shared_ptr<IdentifyTurns> turns, GatewayConnector connector,
       GatewayDiscovery discovery, std::shared_ptr<Timing> timing, Metrics& metrics);

  static Task<Result<void>> run(std::shared_ptr<Impl> self);
  void stop();
  GatewayHealth health() const;
  asio::io_context& loop() { return loop_; }

 private:
  // The road to a session.
  Result<void> check_options() const;
  Task<void> restore();
  /// One connection. How long to wait at least before the next; an Error ends the gateway.
  Task<Result<nanoseconds>> attempt();
  Task<Result<nanoseconds>> serve(std::unique_ptr<net::WebSocket> socket);
  /// Finds the address and waits for its turn; how long to pause instead, if it may not identify now.
  Task<Result<std::optional<nanoseconds>>> prepare_identify();
  Result<void> use_discovery(const Result<GatewayInfo>& info);
  void learn_budget(const std::optional<IdentifyBudget>& recorded);
  Task<void> pause_until(SteadyTime at);
  /// What something that goes over the network gives. Error `unavailable` when `stop` comes first, or
  /// nothing in time; then nobody listens to it any more.
  template <class T>
  Task<Result<T>> interruptible(Task<Result<T>> work, nanoseconds longest = kLongestStep);
  Task<std::string> greeting();
  Result<nanoseconds> settle(const Ending& ending, bool fruitless);
  Result<nanoseconds> settle_close(int code, bool fruitless);
  Result<nanoseconds> settle_refusal(int code);
  void go_without(Intents privileged);
  bool is_reduced(Intents intents) const;
  void go_without_compression();
  /// Discord asks for 1 to 5 s after an invalid session.
  nanoseconds pause_before_identify() {
    return nanoseconds(static_cast<std::int64_t>(1e9 + 4e9 * timing_->random()));
  }
  Intents intents() const { return options_.intents & ~refused_; }
  void forget_session();
  std::optional<SavedSession> session() const;
  void put_down();
  ConnectionHooks hooks();
  void heartbeat_answered(nanoseconds took);

  bool wants(std::string_view event) const;
  bool dispatch(const Frame& frame);
  bool asks_for_members() const { return state_.keeps_members() && (intents() & kGuildMembers) != 0; }
  bool has_old_presence() const { return session_ && session_->presence != options_.presence; }
  SteadyTime speaks_at() const;
  std::optional<std::string> speak(SteadyTime now);
  bool is_full();
  void begin_session(const json::Value& ready);
  void note_event(bool up);
  void note_disconnected();
  void count_start(std::string_view how);
  void count_end(std::string_view why);

  asio::io_context& loop_;
  GatewayOptions options_;
  std::shared_ptr<IdentifyTurns> turns_;
  GatewayConnector connector_;
  GatewayDiscovery discovery_;
  std::shared_ptr<Timing> timing_;
  Metrics& metrics_;
  State& state_;
  std::shared_ptr<Receipts> receipts_ = std::make_shared<Receipts>();
  GatewayHandler& handler_;
  EventRouter router_;
  MemberRequests members_;
  std::shared_ptr<SessionKeeper> keeper_;
  Histogram& heartbeat_seconds_;
  Counter& pauses_;
  std::shared_ptr<asio::steady_timer> pause_;

  std::string main_url_;
  std::optional<SavedSession> session_;  // its sequence and guilds are kept apart, they change all the time
  std::optional<std::int64_t> sequence_;
  SteadyTime put_down_at_;
  std::optional<IdentifyTurns::Turn> turn_;  // from before it connects to the IDENTIFY
  std::optional<IdentifyBudget> budget_;
  int identify_at_once_ = 1;
  Intents refused_ = 0;
  int failures_ = 0;
  bool stopping_ = false;
  std::optional<SteadyTime> full_since_;
  std::shared_ptr<Connection> connection_;

  mutable std::mutex health_mutex_;
  GatewayHealth health_;
};

Gateway::Impl::Impl(asio::io_context& loop, GatewayOptions options, GatewayHandler& handler, State& state,
                    std::shared_ptr<SessionStore> store, std::shared_ptr<IdentifyTurns> turns,
                    GatewayConnector connector, GatewayDiscovery discovery, std::shared_ptr<Timing> timing,
                    Metrics& metrics)
    : loop_(loop),
      options_(std::move(options)),
      turns_(std::move(turns)),
      connector_(std::move(connector)),
      discovery_(std::move(discovery)),
      timing_(std::move(timing)),
      metrics_(metrics),
      state_(state),
      handler_(handler),
      router_(handler, state, options_.shard, metrics, receipts_),
      members_(metrics),
      keeper_(std::make_shared<SessionKeeper>(loop, std::move(store))),
      heartbeat_seconds_(metrics.histogram("guildhall_discord_heartbeat_seconds",
                                           "How long heartbeats took to be answered.")),
      pauses_(metrics.counter("guildhall_discord_reading_pauses_total",
                              "How often nothing more was read, because too many events were under way.")),
      pause_(std::make_shared<asio::steady_timer>(loop)) {}

Task<Result<void>> Gateway::Impl::run(std::shared_ptr<Impl> self) {
  if (auto usable = self->check_options(); !usable) co_return usable;
  co_await self->restore();
  while (!self->stopping_) {
    const auto pause = co_await self->attempt();
    self->turn_.reset();
    self->note_disconnected();
    self->put_down();
    if (!pause || self->stopping_) {
      co_await self->keeper_->flush();
      if (!pause) co_return std::unexpected(pause.error());
      break;
    }
    const nanoseconds wait = std::max(*pause, backoff(self->failures_, self->timing_->random()));
    co_await self->pause_until(self->timing_->now() + wait);
  }
  co_return Result<void>{};
}

void Gateway::Impl::stop() {
  stopping_ = true;
  pause_->cancel();
  if (connection_) connection_->end(End::stopped);
}

GatewayHealth Gateway::Impl::health() const {
  const std::scoped_lock lock(health_mutex_);
  return health_;
}

Result<void> Gateway::Impl::check_options() const {
  if (options_.token.empty()) return fail(ErrorCode::configuration, "discord.token is not set");
  if (identify_frame(options_.token, options_.intents, options_.shard, options_.presence).size() >
      kLargestFrame)
    return fail(ErrorCode::configuration, "discord.token is too long to be a bot's token");
  return {};
}

/// A session of other shards is not taken up. Nor is one where channels or members are remembered: Discord
/// tells of each guild once in a session, and what was remembered went with the process. To ask for all of it
/// would take two calls for each guild, of fifty a second, and permissions would be wrong until then; a new
/// session brings everything at once for one of a thousand a day, and costs what happened in between.
Task<void> Gateway::Impl::restore() {
  std::optional<SavedSession> session = co_await keeper_->load();
  if (!session || session->shard != options_.shard || state_.is_filled_by_guilds()) co_return;
  if (session->intents != options_.intents && !is_reduced(session->intents)) co_return;
  session_ = std::move(session);
  if (session_->intents != options_.intents) go_without(options_.intents & ~session_->intents);
  sequence_ = session_->sequence;
  receipts_->begin(session_->sequence);
  router_.restore(session_->id, session_->guilds);
  state_.self_is(session_->self);
}

/// A session that began with other intents brings other events. After a start it is not taken up, so that
/// those that were switched on count.
bool Gateway::Impl::is_reduced(Intents intents) const {
  const Intents missing = options_.intents & ~intents;
  return options_.handed_over && (intents | missing) == options_.intents &&
         (missing & ~kPrivilegedIntents) == 0;
}

Task<Result<nanoseconds>> Gateway::Impl::attempt() {
  const bool resuming = session_.has_value();
  if (!resuming) {
    const auto obstacle = co_await prepare_identify();
    if (!obstacle) co_return std::unexpected(obstacle.error());
    if (*obstacle || stopping_) co_return obstacle->value_or(nanoseconds(0));
  }
  std::string address = gateway_address(resuming ? session_->resume_url : main_url_, options_.compression);
  auto socket = co_await interruptible(connector_(std::move(address)));
  if (stopping_) co_return nanoseconds(0);
  if (!socket) {
    log::warning("discord gateway unreachable", {log::field("error", socket.error().message)});
    count_end("unreachable");
    ++failures_;
    if (resuming) forget_session();
    co_return nanoseconds(0);
  }
  co_return co_await serve(std::move(*socket));
}

Task<Result<nanoseconds>> Gateway::Impl::serve(std::unique_ptr<net::WebSocket> socket) {
  const bool resuming = session_.has_value();
  connection_ =
      std::make_shared<Connection>(loop_, timing_, std::move(socket), options_.compression, hooks());
  const Ending ending = co_await Connection::run(connection_);
  const auto connection = std::exchange(connection_, nullptr);
  members_.connection_lost(timing_->now());
  const auto up_since = connection->up_since();
  const bool success = up_since && (resuming || timing_->now() - *up_since >= kHealthy);
  failures_ = success ? 0 : failures_ + 1;
  count_end(end_name(ending.why));
  log::info("discord gateway: connection ended",
            {log::field("why", end_name(ending.why)), log::field("code", ending.close_code)});
  if (!up_since && failures_ >= kMostResumes) forget_session();
  if (ending.why == End::unreadable && !up_since) go_without_compression();
  co_return settle(ending, resuming && !connection->progressed());
}

/// Something on the way, a proxy perhaps, spoils what is compressed.
void Gateway::Impl::go_without_compression() {
  log::warning("discord gateway: compression does not work here; going on without it",
               {log::field("compression", stream_name(options_.compression))});
  options_.compression = Compression::none;
}

/// `fruitless`: it was to be resumed, and nothing came of it.
Result<nanoseconds> Gateway::Impl::settle(const Ending& ending, bool fruitless) {
  switch (ending.why) {
    case End::session_invalid: forget_session(); return pause_before_identify();
    case End::session_kept: return pause_before_identify();
    case End::late:
      if (fruitless) forget_session();
      return nanoseconds(0);
    case End::closed: return settle_close(ending.close_code, fruitless);
    default: return nanoseconds(0);
  }
}

Result<nanoseconds> Gateway::Impl::settle_close(int code, bool fruitless) {
  const CloseAction action = close_action(code);
  if (action != CloseAction::resume || fruitless) forget_session();
  if (action == CloseAction::stop) return settle_refusal(code);
  return code == kRateLimitedClose ? kPauseAfterRateLimit : nanoseconds(0);
}

/// Refused intents are given up once; anything else is for the operator.
Result<nanoseconds> Gateway::Impl::settle_refusal(int code) {
  const Intents privileged = options_.intents & ~refused_ & kPrivilegedIntents;
  if (code != kIntentsRefusedClose || privileged == 0) return std::unexpected(close_error(code));
  go_without(privileged);
  return nanoseconds(0);
}

void Gateway::Impl::go_without(Intents privileged) {
  refused_ = privileged;
  log::error("discord gateway: privileged intents are not switched on for this bot; going on without them",
             {log::field("intents", privileged_names(privileged))});
  router_.intents_refused(privileged);
  note_disconnected();
}

Task<Result<std::optional<nanoseconds>>> Gateway::Impl::prepare_identify() {
  const auto info = co_await interruptible(discovery_());
  if (stopping_) co_return nanoseconds(0);
  if (auto usable = use_discovery(info); !usable) {
    if (usable.error().code == ErrorCode::token_refused) co_return std::unexpected(usable.error());
    log::warning("discord gateway: no address", {log::field("error", usable.error().message)});
    ++failures_;
    co_return nanoseconds(0);
  }
  auto turn = co_await interruptible(IdentifyTurns::take(turns_, options_.shard.index % identify_at_once_),
                                     kLongestLine);
  if (stopping_) co_return nanoseconds(0);
  if (!turn) {
    log::warning("discord gateway: no turn to identify", {log::field("error", turn.error().message)});
    ++failures_;
    co_return nanoseconds(0);
  }
  learn_budget(turn->budget());
  if (budget_ && budget_->exhausted(timing_->wall())) {
    log::error(
        "discord gateway: too many sessions started; waiting for Discord's limit to reset",
        {log::field("left", budget_->left), log::field("resets_at", format_rfc3339(budget_->resets_at))});
    co_return std::min<nanoseconds>(budget_->resets_at - timing_->wall(), kBudgetPause);
  }
  turn_.emplace(*std::move(turn));
  co_return std::nullopt;
}

/// Discord was asked before the others in the line had identified, so what is on record may be less. It is
/// the same limit's if it resets at about the same moment.
void Gateway::Impl::learn_budget(const std::optional<IdentifyBudget>& recorded) {
  if (!recorded) return;
  const bool same = budget_ && recorded->is_same(*budget_);
  if (!budget_ || (same && recorded->left < budget_->left)) budget_ = recorded;
}

/// Without an answer the address from before goes on to count, and of the budget what is on record.
Result<void> Gateway::Impl::use_discovery(const Result<GatewayInfo>& info) {
  if (!info && info.error().code == ErrorCode::token_refused) return std::unexpected(info.error());
  if (info) main_url_ = info->url;
  if (!options_.gateway_url.empty()) main_url_ = options_.gateway_url;
  budget_.reset();
  if (info && info->identifies) {
    identify_at_once_ = info->identifies->at_once;
    budget_ = IdentifyBudget{info->identifies->total, info->identifies->left,
                             timing_->wall() + info->identifies->resets_after};
  }
  if (!main_url_.empty()) return {};
  return info ? fail(ErrorCode::unavailable, "Discord named no gateway") : std::unexpected(info.error());
}

Task<void> Gateway::Impl::pause_until(SteadyTime at) {
  if (!stopping_ && timing_->now() < at) co_await timing_->wait(*pause_, at);
}

template <class T>
Task<Result<T>> Gateway::Impl::interruptible(Task<Result<T>> work, nanoseconds longest) {
  auto answer = std::make_shared<std::optional<Result<T>>>();
  asio::co_spawn(loop_, std::move(work), [answer, wake = pause_](std::exception_ptr error, Result<T> value) {
    error ? answer->emplace(fail(ErrorCode::unavailable, "the attempt broke off"))
          : answer->emplace(std::move(value));
    wake->cancel();
  });
  const SteadyTime give_up = timing_->now() + longest;
  while (!*answer && !stopping_ && timing_->now() < give_up) co_await timing_->wait(*pause_, give_up);
  if (!*answer) co_return fail(ErrorCode::unavailable, "no answer in time");
  co_return std::move(**answer);
}

Task<std::string> Gateway::Impl::greeting() {
  if (session_) {
    count_start("resume");
    SavedSession resumed = *session_;
    resumed.sequence = sequence_.value_or(0);
    co_return resume_frame(options_.token, resumed);
  }
  count_start("identify");
  sequence_.reset();
  if (budget_) budget_->spend(timing_->wall());
  co_await turn_->use(budget_);
  turn_.reset();
  co_return identify_frame(options_.token, intents(), options_.shard, options_.presence);
}

void Gateway::Impl::forget_session() {
  session_.reset();
  sequence_.reset();
}

std::optional<SavedSession> Gateway::Impl::session() const {
  std::optional<SavedSession> session = session_;
  if (session) {
    session->sequence = receipts_->handled();
    session->guilds = {router_.guilds().begin(), router_.guilds().end()};
  }
  return session;
}

ConnectionHooks Gateway::Impl::hooks() {
  // They are called only while `run` goes on.
  return {.greeting = [this] { return greeting(); },
          .wants = [this](std::string_view event) { return wants(event); },
          .dispatch = [this](const Frame& frame) { return dispatch(frame); },
          .sequence = [this] { return sequence_; },
          .answered = [this](nanoseconds took) { heartbeat_answered(took); },
          .full = [this] { return is_full(); },
          .speaks_at = [this] { return speaks_at(); },
          .speak = [this](SteadyTime now) { return speak(now); }};
}

bool Gateway::Impl::is_full() {
  const bool full = handler_.is_full();
  if (full && !full_since_) {
    pauses_.add();
    full_since_ = timing_->now();
  }
  if (!full && full_since_) {
    members_.wait_longer(timing_->now() - *full_since_);
    full_since_.reset();
  }
  return full;
}

bool Gateway::Impl::wants(std::string_view event) const {
  return router_.wants(event) || (event == "RATE_LIMITED" && asks_for_members());
}

SteadyTime Gateway::Impl::speaks_at() const {
  return has_old_presence() ? SteadyTime::min() : members_.due();
}

/// Lists of members first: they are what others wait for.
std::optional<std::string> Gateway::Impl::speak(SteadyTime now) {
  if (members_.due() <= now) return members_.next(now);
  if (!has_old_presence()) return std::nullopt;
  session_->presence = options_.presence;
  keeper_->save_soon(session());
  return presence_frame(options_.presence);
}

void Gateway::Impl::heartbeat_answered(nanoseconds took) {
  heartbeat_seconds_.observe(std::chrono::duration<double>(took).count());
  put_down();
  const std::scoped_lock lock(health_mutex_);
  health_.latency = took;
}

void Gateway::Impl::put_down() {
  put_down_at_ = timing_->now();
  keeper_->save_soon(session());
}

bool Gateway::Impl::dispatch(const Frame& frame) {
  if (frame.sequence) sequence_ = std::max(sequence_.value_or(0), *frame.sequence);
  if (frame.event == "READY") begin_session(*frame.data);
  // What is repeated after a resume is told once.
  const bool news = !frame.sequence || receipts_->take(*frame.sequence);
  if (news) router_.route(frame.event, frame.data, frame.sequence);
  if (news && frame.data != nullptr && asks_for_members())
    members_.follow(frame.event, *frame.data, timing_->now());
  const bool up = frame.event == "READY" || frame.event == "RESUMED";
  if (up) log::info("discord gateway: session is up", {log::field("by", frame.event)});
  if (up || timing_->now() - put_down_at_ >= kPutDown) put_down();
  note_event(up);
  return up;
}

void Gateway::Impl::begin_session(const json::Value& ready) {
  auto id = json::text(ready, "session_id");
  if (!id) return;
  receipts_->begin(0);
  session_ = SavedSession{std::move(*id),
                          json::text_or(ready, "resume_gateway_url", main_url_),
                          0,
                          intents(),
                          {},
                          options_.shard,
                          self_of(ready),
                          options_.presence};
}

void Gateway::Impl::note_event(bool up) {
  const TimePoint now = timing_->wall();
  const std::scoped_lock lock(health_mutex_);
  health_.connected = health_.connected || up;
  health_.last_event_at = now;
  health_.guilds = router_.guilds().size();
  health_.guilds_pending = router_.pending();
}

void Gateway::Impl::note_disconnected() {
  const std::scoped_lock lock(health_mutex_);
  health_.connected = false;
  health_.refused_intents = refused_;
}

void Gateway::Impl::count_start(std::string_view how) {
  metrics_
      .counter("guildhall_discord_sessions_total", "Sessions begun or resumed.",
               fmt::format("how=\"{}\"", how))
      .add();
}

void Gateway::Impl::count_end(std::string_view why) {
  metrics_
      .counter("guildhall_discord_disconnects_total", "Connections that ended, and why.",
               fmt::format("why=\"{}\"", why))
      .add();
}

Gateway::Gateway(asio::io_context& loop, GatewayOptions options, GatewayHandler& handler, State& state,
                 std::shared_ptr<SessionStore> store, std::shared_ptr<IdentifyTurns> turns,
                 GatewayConnector connector, GatewayDiscovery discovery, std::shared_ptr<Timing> timing,
                 Metrics& metrics)
    : impl_(std::make_shared<Impl>(loop, std::move(options), handler, state, std::move(store),
                                   std::move(turns), std::move(connector), std::move(discovery),
                                   std::move(timing), metrics)) {}

Gateway::~Gateway() = default;

Task<Result<void>> Gateway::run() { return Impl::run(impl_); }

void Gateway::stop() {
  asio::post(impl_->loop(), [impl = impl_] { impl->stop(); });
}

GatewayHealth Gateway::health() const { return impl_->health(); }

GatewayConnector websocket_connector(net::WebSocketOptions options) {
  return [options = std::move(options)](std::string url) {
    return net::connect_websocket(std::move(url), options);
  };
}

}  // namespace guildhall::discord
