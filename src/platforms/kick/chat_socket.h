// The chats of many channels over one connection to the service that Kick's own site uses. It is no part of
// Kick's API and may change or vanish. What it is silent about means nothing.
//
// It comes back after every end but a refusal: after a pause of 5 s that doubles to a minute, or at once
// where the other side asks for that. A connection that says nothing is asked whether it lives.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/task.h"
#include "net/websocket_client.h"
#include "platforms/kick/pusher.h"

namespace guildhall::kick {

struct ChatSocketOptions {
  std::string url;  // origin, no path
  std::string app_key;
  std::string ca_file;
  // Real time, however fast the clock of the demo runs.
  std::chrono::milliseconds ping_after{30'000};  // of silence; earlier where the other side asks for that
  std::chrono::milliseconds patience{30'000};    // with the greeting, and with the answer to a ping
  std::chrono::milliseconds first_pause{5'000};
  std::chrono::milliseconds longest_pause{60'000};
  std::chrono::milliseconds look{1'000};  // how often it is looked whether something is due
};

/// Whose each is, by its number.
using Chatrooms = std::map<std::int64_t, User>;

/// Lives on one loop, which it does not outlive.
class ChatSocket {
 public:
  struct Hooks {
    std::function<void(ChatMessageSent)> chat;
    /// `hears`, `refusal` or `trouble` may answer otherwise from now on.
    std::function<void()> changed;
  };

  /// `clock` and `metrics` outlive it.
  ChatSocket(boost::asio::io_context& loop, const Clock& clock, Metrics& metrics, ChatSocketOptions options,
             Hooks hooks);

  void start();
  /// To these and no others; without any there is no connection.
  void listen_to(Chatrooms rooms);

  bool hears(std::int64_t chatroom) const { return heard_.contains(chatroom); }
  /// Why the other side does not want us; then it is not asked again. Empty: it has not said so.
  const std::string& refusal() const { return refusal_; }
  /// Why there is no connection at the moment. Empty: there is one, or it is not known yet.
  const std::string& trouble() const { return trouble_; }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// One connection, from its beginning to its end, and the pause behind it.
  Task<void> serve();
  Task<void> read_all();
  void end_connection(int close_code);
  std::chrono::milliseconds pause_after(int close_code, std::chrono::steady_clock::duration lived);
  void receive(std::string_view text);
  void greeted(const PusherFrame& greeting);
  void receive_chat(const PusherFrame& frame);
  void follow_rooms();
  void write(std::string frame);
  /// Says what is due, and ends a connection that is dead or of no use.
  Task<void> look_after();

  boost::asio::io_context& loop_;
  const Clock& clock_;
  ChatSocketOptions options_;
  Hooks hooks_;
  Chatrooms rooms_;

  // The present connection.
  std::shared_ptr<net::WebSocket> socket_;  // null: there is none
  bool greeted_ = false;
  std::chrono::milliseconds ping_after_;
  SteadyTime word_at_{};                  // its last one, or its beginning
  std::optional<SteadyTime> asked_at_{};  // a ping that has no answer yet
  std::set<std::int64_t> asked_for_;
  std::set<std::int64_t> heard_;
  std::string complaint_;

  std::chrono::milliseconds pause_;
  bool hurried_ = false;  // it came back at once, a short while ago
  std::string refusal_;
  std::string trouble_;
  Counter& messages_;
  Counter& unreadable_;
};

}  // namespace guildhall::kick
