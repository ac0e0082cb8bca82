#include "platforms/discord/connection.h"

#include "base/log.h"
#include "net/loops.h"

namespace guildhall::discord {
namespace {

/// Discord cuts whoever sends more; source: gateway documentation, "Rate Limiting".
constexpr std::size_t kFramesPerMinute = 120;
constexpr std::size_t kFramesBeforeGreeting = 1;
/// Kept free of what the owner says, for beats that are asked for.
constexpr std::size_t kBeatsOnRequest = 5;
/// How often to look whether the owner takes events again.
constexpr std::chrono::milliseconds kLookForRoom{50};
/// A message that is waited for so long was not there yet: everything before it has been read. Longer than a
/// loop is busy with something else, and short enough for all but a flood, which is a sign of life itself.
constexpr std::chrono::milliseconds kCaughtUp{50};
/// An answer to a beat is there by then, if it comes.
constexpr std::chrono::seconds kAnswerOnTheWay{5};
/// Whoever looks at the clock later than that was busy with something else, and has not listened either.
constexpr std::chrono::seconds kPunctual{1};
/// With however short an interval, sleep that is no longer than this harms nothing.
constexpr std::chrono::seconds kNap{10};
/// How often to look whether the machine slept: no wait that it is in the middle of ends any sooner for that.
constexpr std::chrono::seconds kGlance{5};
constexpr std::chrono::seconds kHelloTimeout{10};
/// Between two messages on the way to READY or RESUMED.
constexpr std::chrono::seconds kProgressTimeout{60};
/// What is commonly seen; for a HELLO without a usable interval.
constexpr std::chrono::milliseconds kUsualInterval{41'250};
/// Any code but 1000 and 1001, which would end the session too.
constexpr std::uint16_t kKeepSession = 4000;

}  // namespace

Connection::Connection(boost::asio::io_context& loop, std::shared_ptr<Timing> timing,
                       std::unique_ptr<net::WebSocket> socket, Compression compression, ConnectionHooks hooks)
    : loop_(loop),
      timing_(std::move(timing)),
      socket_(std::move(socket)),
      inflater_(make_inflater(compression)),
      hooks_(std::move(hooks)),
      alarm_(loop),
      sends_(kFramesPerMinute, std::chrono::minutes(1)),
      progress_due_(timing_->now() + kHelloTimeout),
      slept_(timing_->slept()),
      caught_up_at_(timing_->now()) {}

Task<Ending> Connection::run(std::shared_ptr<Connection> self) {
  net::spawn(self->loop_, "discord heartbeat", [self] { return watch(self); });
  while (!self->ending_) {
    // HELLO and the greeting are no events, and Discord does not wait long for the greeting.
    if (self->greeted_ && self->hooks_.full()) {
      co_await self->wait_for_room();
      continue;
    }
    self->begin_reading();
    const auto message = co_await self->socket_->read();
    self->end_reading();
    if (!message) {
      if (!self->ending_) self->ending_ = Ending{End::closed, self->socket_->close_code()};
      break;
    }
    if (!self->receive(*message)) continue;
    std::string greeting = co_await self->hooks_.greeting();
    self->greeted_ = true;
    if (!self->send(std::move(greeting))) self->end(End::session_invalid);
  }
  self->alarm_.cancel();
  co_await self->hang_up();
  co_return *self->ending_;
}

void Connection::end(End why) {
  if (!ending_) ending_ = Ending{why, 0};
  alarm_.cancel();
}

void Connection::end_reading() {
  read_at_ = timing_->now();
  if (read_at_ - *reading_since_ >= kCaughtUp) caught_up_at_ = read_at_;
  reading_since_.reset();
}

/// Whoever stands still here is not late on the way to READY either.
Task<void> Connection::wait_for_room() {
  boost::asio::steady_timer timer(loop_);
  while (!ending_ && hooks_.full()) {
    progress_due_ = timing_->now() + kProgressTimeout;
    co_await timing_->wait(timer, timing_->now() + kLookForRoom);
  }
}

bool Connection::receive(std::string_view message) {
  if (!inflater_) return receive_text(message);
  const auto text = inflater_->add(message);
  if (!text) {
    log::warning(text.error().message);
    end(End::unreadable);
    return false;
  }
  return *text && receive_text(**text);
}

bool Connection::receive_text(std::string_view text) {
  auto frame = parser_.parse(text);
  const bool wanted = frame && (frame->op != Op::dispatch || hooks_.wants(frame->event));
  if (!frame || (wanted && !parser_.parse_data(*frame))) {
    log::warning("discord gateway: unreadable message", {log::field("bytes", text.size())});
    return false;
  }
  if (!up_since_) progress_due_ = timing_->now() + kProgressTimeout;
  switch (frame->op) {
    case Op::hello: return greeted(*frame);
    case Op::dispatch: receive_dispatch(*frame); break;
    case Op::heartbeat: answer_beat_request(); break;
    case Op::reconnect: end(End::reconnect); break;
    case Op::invalid_session:
      end(frame->data->is_bool() && frame->data->get_bool() ? End::session_kept : End::session_invalid);
      break;
    case Op::heartbeat_ack:
      if (const auto took = heart_.acknowledged(timing_->now())) hooks_.answered(*took);
      break;
    default: break;
  }
  return false;
}

bool Connection::greeted(const Frame& hello) {
  if (heart_.started()) return false;
  const auto millis = json::integer(*hello.data, "heartbeat_interval").value_or(0);
  const auto interval = millis > 0 ? std::chrono::milliseconds(millis) : kUsualInterval;
  heart_.start(timing_->now(), interval, timing_->random());
  alarm_.cancel();
  return true;
}

void Connection::receive_dispatch(const Frame& frame) {
  progressed_ = true;
  if (hooks_.dispatch(frame) && !up_since_) up_since_ = read_at_;
  if (up_since_ && next_word(read_at_) < alarm_at_) alarm_.cancel();
}

/// At once and beside the schedule, as long as room is left for the beats of the schedule and for the
/// greeting.
void Connection::answer_beat_request() {
  const SteadyTime now = timing_->now();
  const std::size_t spare = heart_.reserve() + (greeted_ ? 0 : kFramesBeforeGreeting);
  if (sends_.next(now, spare) <= now) send(heartbeat_frame(hooks_.sequence()));
}

Task<void> Connection::watch(std::shared_ptr<Connection> self) {
  while (!self->ending_) {
    self->look_at_the_time();
    if (self->ending_) break;
    self->alarm_at_ = self->next_look();
    co_await self->timing_->wait(self->alarm_, self->alarm_at_);
  }
  co_await self->hang_up();
}

void Connection::look_at_the_time() {
  const SteadyTime now = timing_->now();
  if (overslept(now)) return end(End::silent);
  if (!is_up() && now >= progress_due_) return end(End::late);
  if (heart_.started() && now >= heart_.due()) beat(now);
  // What it asks for would come behind what is not read yet.
  if (!ending_ && !hooks_.full()) speak(now);
}

/// Whoever was asleep for longer than an interval has missed a beat, and the other side has gone: a process
/// that was stopped, or a machine that slept, while which the clock of beats stood still.
bool Connection::overslept(SteadyTime now) const {
  const auto longest = std::max<std::chrono::nanoseconds>(heart_.interval(), kNap);
  const bool stopped = heart_.started() && now - heart_.due() > longest;
  return stopped || timing_->slept() - slept_ > longest;
}

void Connection::beat(SteadyTime now) {
  if (is_silent(now)) return end(End::silent);
  heart_.sent(now);
  slept_ = timing_->slept();
  send(heartbeat_frame(hooks_.sequence()));
}

bool Connection::is_silent(SteadyTime now) const {
  const auto since = heart_.unanswered_since();
  if (!since || now - heart_.due() > kPunctual) return false;
  const bool idle = reading_since_ && now - *reading_since_ >= kCaughtUp;
  const SteadyTime read_up_to = idle ? now : caught_up_at_;
  return read_up_to - *since >= std::min<std::chrono::nanoseconds>(kAnswerOnTheWay, heart_.interval() / 2);
}

void Connection::speak(SteadyTime now) {
  while (is_up() && next_word(now) <= now) {
    if (auto frame = hooks_.speak(now)) send(*std::move(frame));
  }
}

SteadyTime Connection::next_word(SteadyTime now) const {
  const SteadyTime wanted = hooks_.speaks_at();
  if (wanted == SteadyTime::max()) return wanted;
  return sends_.next(std::max(wanted, now), heart_.reserve() + kBeatsOnRequest);
}

SteadyTime Connection::next_look() const {
  const SteadyTime now = timing_->now();
  const SteadyTime next = heart_.started() ? std::min(heart_.due(), now + kGlance) : now + kGlance;
  if (!is_up()) return std::min(next, progress_due_);
  return std::min(next, std::max(next_word(now), hooks_.full() ? now + kLookForRoom : now));
}

/// Never waited for: a stuck write must not keep the watch from noticing the silence.
bool Connection::send(std::string frame) {
  if (frame.size() > kLargestFrame) {
    log::error("discord gateway: refused to send more than Discord takes in one frame",
               {log::field("bytes", frame.size()), log::field("most", kLargestFrame)});
    return false;
  }
  sends_.add(timing_->now());
  net::spawn(loop_, "discord gateway write",
             [self = shared_from_this(), frame = std::move(frame)] { return write(self, frame); });
  return true;
}

Task<void> Connection::write(std::shared_ptr<Connection> self, std::string frame) {
  // A failed write needs no action: the reader sees the same end, with its close code.
  co_await self->socket_->write(std::move(frame));
}

/// Drops the connection after a short grace. Does nothing more on one that is gone.
Task<void> Connection::hang_up() {
  if (hung_up_) co_return;
  hung_up_ = true;
  co_await socket_->close(kKeepSession);
}

}  // namespace guildhall::discord
