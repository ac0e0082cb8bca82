// One connection of the gateway, from HELLO to its end: the heartbeat, requests of the other side, the
// watch over silence, what may go out and when. What the connection is for (identify or resume, events) is
// its owner's business.
//
// Of 120 frames in 60 s the heartbeats that are due always have theirs; IDENTIFY or RESUME comes next, then
// beats that are asked for, and what the owner has to say takes what is left, once the session is up.
//
// While the owner is full nothing is read: the other side keeps what it has to say, and beats go on. Then the
// answer to a beat may lie unread behind other messages, so a missing one counts as silence only where
// everything that came has been read since.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "net/websocket_client.h"
#include "platforms/discord/protocol.h"
#include "platforms/discord/window_limit.h"

namespace guildhall::discord {

/// Why a connection ended.
enum class End {
  closed,           // by the other side or on the way; `close_code` if there was one
  reconnect,        // we were asked to come back
  session_invalid,  // the session is gone
  session_kept,     // refused for now, but the session can be resumed
  silent,           // a heartbeat had no answer, or we were asleep for longer than the other side waits
  late,             // no HELLO, or no progress towards READY or RESUMED
  unreadable,       // the compressed stream is damaged
  stopped,          // by us
};

struct Ending {
  End why = End::closed;
  int close_code = 0;
};

/// What a connection asks of its owner.
struct ConnectionHooks {
  /// HELLO has come: the IDENTIFY or RESUME to send.
  std::function<Task<std::string>()> greeting;
  /// Is the data of such dispatches of any use?
  std::function<bool(std::string_view event)> wants;
  /// A dispatch, with its data if it is wanted; true when it says that the session is up.
  std::function<bool(const Frame&)> dispatch;
  std::function<std::optional<std::int64_t>()> sequence;
  /// A heartbeat was answered after that time.
  std::function<void(std::chrono::nanoseconds)> answered;
  /// No event more for now.
  std::function<bool()> full;
  /// When there is something to say to the session that is up; SteadyTime::max(): nothing. It may change with
  /// each dispatch.
  std::function<SteadyTime()> speaks_at;
  /// What there is to say by now, if it is anything; afterwards `speaks_at` is later, or there is more.
  std::function<std::optional<std::string>(SteadyTime now)> speak;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::io_context& loop, std::shared_ptr<Timing> timing,
             std::unique_ptr<net::WebSocket> socket, Compression compression, ConnectionHooks hooks);

  /// Serves the connection until it ends.
  static Task<Ending> run(std::shared_ptr<Connection> self);
  /// Ends it from our side; `run` returns soon after.
  void end(End why);

  /// When READY or RESUMED came, if it did.
  std::optional<SteadyTime> up_since() const { return up_since_; }
  /// At least one dispatch came.
  bool progressed() const { return progressed_; }

 private:
  static Task<void> watch(std::shared_ptr<Connection> self);
  static Task<void> write(std::shared_ptr<Connection> self, std::string frame);
  /// Inflates it if need be. Both return true for the first HELLO.
  bool receive(std::string_view message);
  bool receive_text(std::string_view text);
  bool greeted(const Frame& hello);
  void receive_dispatch(const Frame& frame);
  void answer_beat_request();
  void begin_reading() { reading_since_ = timing_->now(); }
  void end_reading();
  Task<void> wait_for_room();
  bool is_up() const { return heart_.started() && up_since_; }
  void look_at_the_time();
  bool overslept(SteadyTime now) const;
  void beat(SteadyTime now);
  bool is_silent(SteadyTime now) const;
  void speak(SteadyTime now);
  /// When the owner may say what it has to say.
  SteadyTime next_word(SteadyTime now) const;
  /// False: it is too large for Discord, and refused.
  bool send(std::string frame);
  SteadyTime next_look() const;
  Task<void> hang_up();

  boost::asio::io_context& loop_;
  std::shared_ptr<Timing> timing_;
  std::unique_ptr<net::WebSocket> socket_;
  std::unique_ptr<Inflater> inflater_;  // null: nothing is compressed
  ConnectionHooks hooks_;
  boost::asio::steady_timer alarm_;
  SteadyTime alarm_at_ = SteadyTime::max();
  FrameParser parser_;
  Heartbeat heart_;
  WindowLimit sends_;
  SteadyTime progress_due_;
  std::chrono::nanoseconds slept_;           // as of Timing, at the last scheduled beat
  std::optional<SteadyTime> reading_since_;  // while it waits for a message
  SteadyTime read_at_;                       // the present message
  SteadyTime caught_up_at_;                  // everything that had come by then was read
  std::optional<SteadyTime> up_since_;
  std::optional<Ending> ending_;
  bool greeted_ = false;
  bool progressed_ = false;
  bool hung_up_ = false;
};

}  // namespace guildhall::discord
