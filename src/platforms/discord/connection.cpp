#include "platforms/discord/connection.h"

#include "base/log.h"
#include "net/loops.h"

namespace guildhall::discord {
namespace {

/// Discord cuts whoever sends more; source: gateway documentation, "Rate Limiting".
constexpr std::size_t kFramesPerMinute = 120;
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
      progress_due_(timing_->now() + kHelloTimeout) {}

Task<Ending> Connection::run(std::shared_ptr<Connection> self) {
  net::spawn(self->loop_, "discord heartbeat", [self] { return watch(self); });
  while (!self->ending_) {
    const auto message = co_await self->socket_->read();
    if (!message) {
      if (!self->ending_) self->ending_ = Ending{End::closed, self->socket_->close_code()};
      break;
    }
    if (!self->receive(*message)) continue;
    std::string greeting = co_await self->hooks_.greeting();
    self->send(std::move(greeting));
  }
  self->alarm_.cancel();
  co_await self->hang_up();
  co_return *self->ending_;
}

void Connection::end(End why) {
  if (!ending_) ending_ = Ending{why, 0};
  alarm_.cancel();
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
  if (hooks_.dispatch(frame) && !up_since_) up_since_ = timing_->now();
}

/// At once and beside the schedule, as long as room is left for the beats of the schedule.
void Connection::answer_beat_request() {
  if (sends_.count(timing_->now()) + heart_.reserve() < kFramesPerMinute)
    send(heartbeat_frame(hooks_.sequence()));
}

Task<void> Connection::watch(std::shared_ptr<Connection> self) {
  while (!self->ending_) {
    self->look_at_the_time();
    if (self->ending_) break;
    co_await self->timing_->wait(self->alarm_, self->next_look());
  }
  co_await self->hang_up();
}

void Connection::look_at_the_time() {
  const SteadyTime now = timing_->now();
  if (!up_since_ && now >= progress_due_) return end(End::late);
  if (!heart_.started() || now < heart_.due()) return;
  if (heart_.unanswered()) return end(End::silent);
  heart_.sent(now);
  send(heartbeat_frame(hooks_.sequence()));
}

SteadyTime Connection::next_look() const {
  if (!heart_.started()) return progress_due_;
  return up_since_ ? heart_.due() : std::min(heart_.due(), progress_due_);
}

/// Never waited for: a stuck write must not keep the watch from noticing the silence.
void Connection::send(std::string frame) {
  sends_.add(timing_->now());
  net::spawn(loop_, "discord gateway write",
             [self = shared_from_this(), frame = std::move(frame)] { return write(self, frame); });
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
