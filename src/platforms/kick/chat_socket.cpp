#include "platforms/kick/chat_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/pause.h"
#include "base/text.h"
#include "net/loops.h"

namespace guildhall::kick {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

/// How often it is looked whether a connection is wanted.
constexpr milliseconds kLookForRooms{200};
/// Far beyond any chat message.
constexpr std::size_t kLargestFrame = 256 * 1024;
/// It stands on the dashboard.
constexpr std::size_t kLongestComplaint = 120;
constexpr std::uint16_t kGoodbye = 1000;

Counter& frame_counter(Metrics& metrics, std::string_view outcome) {
  return metrics.counter(
      "guildhall_kick_chat_socket_frames_total",
      "Frames of Kick's chat socket that hold a chat message, or nothing that can be read.",
      fmt::format("outcome=\"{}\"", outcome));
}

std::string address_of(const ChatSocketOptions& options) {
  return fmt::format("{}/app/{}?protocol=7&client=js&version=8.4.0&flash=false", options.url,
                     options.app_key);
}

}  // namespace

ChatSocket::ChatSocket(boost::asio::io_context& loop, const Clock& clock, Metrics& metrics,
                       ChatSocketOptions options, Hooks hooks)
    : loop_(loop),
      clock_(clock),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      ping_after_(options_.ping_after),
      pause_(options_.first_pause),
      messages_(frame_counter(metrics, "chat")),
      unreadable_(frame_counter(metrics, "unreadable")) {}

void ChatSocket::start() {
  net::repeat(loop_, "kick chat socket", kLookForRooms, [this] { return serve(); });
  net::repeat(loop_, "kick chat socket watch", options_.look, [this] { return look_after(); });
}

void ChatSocket::listen_to(Chatrooms rooms) {
  rooms_ = std::move(rooms);
  follow_rooms();
}

Task<void> ChatSocket::serve() {
  if (rooms_.empty() || !refusal_.empty()) co_return;
  net::WebSocketOptions transport;
  transport.ca_file = options_.ca_file;
  transport.largest_message = kLargestFrame;
  const auto begun = Steady::now();
  int close_code = 0;
  auto connected = co_await net::connect_websocket(address_of(options_), transport);
  if (connected) {
    socket_ = *std::move(connected);
    word_at_ = Steady::now();
    co_await read_all();
    close_code = socket_->close_code();
    end_connection(close_code);
  } else {
    log::warning("kick chat socket cannot be reached", {log::field("error", connected.error().message)});
    trouble_ = connected.error().message;
    hooks_.changed();
  }
  if (!refusal_.empty() || rooms_.empty()) co_return;
  co_await net::sleep_for(pause_after(close_code, Steady::now() - begun));
}

Task<void> ChatSocket::read_all() {
  const auto socket = socket_;
  while (true) {
    const auto message = co_await socket->read();
    if (!message) co_return;
    word_at_ = Steady::now();
    asked_at_.reset();
    receive(*message);
  }
}

/// Nothing of it is left for the next one.
void ChatSocket::end_connection(int close_code) {
  socket_.reset();
  greeted_ = false;
  ping_after_ = options_.ping_after;
  asked_at_.reset();
  asked_for_.clear();
  heard_.clear();
  if (come_back_after(close_code) == ComeBack::never)
    refusal_ = fmt::format("{}{}{}", close_code, complaint_.empty() ? "" : ": ", complaint_);
  if (!rooms_.empty())
    log::warning("kick chat socket ended",
                 {log::field("code", close_code), log::field("complaint", complaint_)});
  complaint_.clear();
  hooks_.changed();
}

/// Whoever is sent away again and again does not come back at once each time.
milliseconds ChatSocket::pause_after(int close_code, Steady::duration lived) {
  if (lived >= options_.first_pause) hurried_ = false;
  if (come_back_after(close_code) == ComeBack::at_once && !std::exchange(hurried_, true))
    return milliseconds(0);
  const milliseconds pause = pause_;
  pause_ = std::min(2 * pause_, options_.longest_pause);
  return random_pause(pause, pause + pause / 4);
}

void ChatSocket::receive(std::string_view text) {
  const auto frame = read_frame(text);
  if (!frame) return unreadable_.add();
  if (frame->event == kGreeting) return greeted(*frame);
  if (frame->event == kPing) return write(plain_frame(kPong));
  if (frame->event == kPusherError)
    complaint_ = shorten(json::text_or(frame->data, "message", ""), kLongestComplaint);
  if (is_chat_event(frame->event)) return receive_chat(*frame);
  if (frame->event != kSubscribed) return;
  const auto room = chatroom_of(frame->channel);
  if (!room || !asked_for_.contains(*room) || !heard_.insert(*room).second) return;
  hooks_.changed();
}

void ChatSocket::greeted(const PusherFrame& greeting) {
  greeted_ = true;
  trouble_.clear();
  pause_ = options_.first_pause;
  const auto wished = json::integer(greeting.data, "activity_timeout").value_or(0);
  if (wished > 0 && wished < ping_after_ / std::chrono::seconds(1))
    ping_after_ = std::chrono::seconds(wished);
  follow_rooms();
}

void ChatSocket::receive_chat(const PusherFrame& frame) {
  const auto room = chatroom_of(frame.channel);
  const auto whose = room ? rooms_.find(*room) : rooms_.end();
  if (whose == rooms_.end()) return;  // one that was left a moment ago
  auto message = read_chat_event(frame.data, *room, whose->second, clock_.now());
  if (!message) return unreadable_.add();
  messages_.add();
  hooks_.chat(*std::move(message));
}

/// Asks for what is wanted and has not been asked for, and leaves what is not wanted any more.
void ChatSocket::follow_rooms() {
  if (!greeted_) return;
  const std::set<std::int64_t> asked = asked_for_;
  for (const auto& [room, whose] : rooms_) {
    if (asked_for_.insert(room).second) write(subscribe_frame(room));
  }
  for (const std::int64_t room : asked) {
    if (rooms_.contains(room)) continue;
    asked_for_.erase(room);
    heard_.erase(room);
    write(unsubscribe_frame(room));
  }
}

/// Never waited for: a stuck write must not keep anybody from noticing that the connection is dead, and the
/// reader sees the same end.
void ChatSocket::write(std::string frame) {
  net::spawn(loop_, "kick chat socket write",
             [socket = socket_, frame = std::move(frame)]() -> Task<void> { co_await socket->write(frame); });
}

Task<void> ChatSocket::look_after() {
  const auto socket = socket_;
  if (!socket) co_return;
  const auto now = Steady::now();
  const bool late = !greeted_ && now - word_at_ >= options_.patience;
  const bool dead = asked_at_ && now - *asked_at_ >= options_.patience;
  if (rooms_.empty() || late || dead) co_return co_await socket->close(kGoodbye);
  if (!greeted_ || asked_at_ || now - word_at_ < ping_after_) co_return;
  asked_at_ = now;
  write(plain_frame(kPing));
}

}  // namespace guildhall::kick
