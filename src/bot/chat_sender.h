// Sends to a stream's chat with the streamer's own token: one queue per channel, in order, each text
// at most once, split where it is too long, dropped when it has waited for a minute. What Kick wants later is
// said later, within that minute. The app's bot speaks, or the streamer himself where Kick does not let it.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "bot/kick_tokens.h"
#include "net/loops.h"
#include "platforms/kick/client.h"
#include "tenancy/channels.h"

namespace guildhall::bot {

class ChatSender {
 public:
  /// All of it outlives this.
  ChatSender(boost::asio::io_context& loop, kick::Client& client, KickTokens& tokens, Metrics& metrics);

  /// From any thread.
  void send(tenancy::ChannelKey channel, std::string text);

 private:
  struct Line {
    std::string text;
    std::chrono::steady_clock::time_point queued;
  };
  struct Queue {
    std::deque<Line> lines;
    bool sending = false;
    bool bot_refused = false;  // Kick does not let the app's bot speak here
    int bot_failures = 0;      // in a row
    /// Until then the streamer speaks in place of a bot that has failed too often.
    std::chrono::steady_clock::time_point bot_rests_until{};
  };

  void enqueue(tenancy::ChannelKey channel, std::string text);
  Task<void> drain(tenancy::ChannelKey channel);
  Task<Result<void>> try_line(tenancy::ChannelKey channel, Line line);
  Task<Result<void>> send_line(tenancy::ChannelKey channel, Line line);
  Task<Result<void>> speak(tenancy::ChannelKey channel, std::string token, Line line);
  static bool bot_speaks(const Queue& queue);
  static void note_bot(Queue& queue, const Result<void>& spoken);

  boost::asio::io_context& loop_;
  kick::Client& client_;
  KickTokens& tokens_;
  std::map<tenancy::ChannelKey, Queue> queues_;
  Counter& sent_;
  Counter& dropped_;
};

}  // namespace guildhall::bot
