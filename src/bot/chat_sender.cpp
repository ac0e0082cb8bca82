#include "bot/chat_sender.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "base/text.h"

namespace guildhall::bot {
namespace {

constexpr std::size_t kLongestQueue = 50;
constexpr std::chrono::seconds kPatience{60};
/// Some apps hear nothing but 500 of their bot (KickDevDocs #343); so many in a row are no accident.
constexpr int kBotFailures = 3;
constexpr std::chrono::hours kBotRests{1};

}  // namespace

ChatSender::ChatSender(boost::asio::io_context& loop, kick::Client& client, KickTokens& tokens,
                       Metrics& metrics)
    : loop_(loop),
      client_(client),
      tokens_(tokens),
      sent_(metrics.counter("guildhall_chat_sent_total", "Texts sent to stream chats.")),
      dropped_(
          metrics.counter("guildhall_chat_dropped_total", "Texts for stream chats that were not sent.")) {}

void ChatSender::send(tenancy::ChannelKey channel, std::string text) {
  boost::asio::post(loop_,
                    [this, channel = std::move(channel), text = std::move(text)] { enqueue(channel, text); });
}

void ChatSender::enqueue(tenancy::ChannelKey channel, std::string text) {
  Queue& queue = queues_[channel];
  const auto now = std::chrono::steady_clock::now();
  for (std::string& piece : split_for_chat(text, kick::kLongestChat)) {
    if (queue.lines.size() >= kLongestQueue) {
      dropped_.add();
      log::warning("chat queue full", {log::field("channel", channel.platform_user_id)});
      break;
    }
    queue.lines.push_back({std::move(piece), now});
  }
  if (std::exchange(queue.sending, true)) return;
  net::spawn(loop_, "kick.chat", [this, channel = std::move(channel)] { return drain(channel); });
}

Task<void> ChatSender::drain(tenancy::ChannelKey channel) {
  Queue& queue = queues_[channel];
  while (!queue.lines.empty()) {
    const Line line = std::move(queue.lines.front());
    queue.lines.pop_front();
    Result<void> sent = fail(ErrorCode::timeout, "it waited too long");
    if (std::chrono::steady_clock::now() - line.queued < kPatience) sent = co_await try_line(channel, line);
    if (!sent && sent.error().code == ErrorCode::rate_limited) {  // it was not said
      queue.lines.push_front(line);
      continue;
    }
    (sent ? sent_ : dropped_).add();
    if (!sent)
      log::warning("chat text dropped", {log::field("channel", channel.platform_user_id),
                                         log::field("error", sent.error().message)});
  }
  queue.sending = false;
}

/// A database error costs this line, never the queue.
Task<Result<void>> ChatSender::try_line(tenancy::ChannelKey channel, Line line) {
  try {
    co_return co_await send_line(std::move(channel), std::move(line));
  } catch (const std::exception& error) {
    co_return fail(ErrorCode::storage, error.what());
  }
}

Task<Result<void>> ChatSender::send_line(tenancy::ChannelKey channel, Line line) {
  const auto first = co_await tokens_.access(channel);
  if (!first) co_return std::unexpected(first.error());
  auto spoken = co_await speak(channel, *first, line);
  if (spoken || spoken.error().code != ErrorCode::unauthenticated) co_return spoken;
  // Refused for its token, so it was not said: once more with a new one.
  const auto second = co_await tokens_.access(channel, *first);
  if (!second) co_return std::unexpected(second.error());
  co_return co_await speak(channel, *second, std::move(line));
}

Task<Result<void>> ChatSender::speak(tenancy::ChannelKey channel, std::string token, Line line) {
  Queue& queue = queues_[channel];
  const std::string& streamer = channel.platform_user_id;
  const auto latest = line.queued + kPatience;
  if (bot_speaks(queue)) {
    auto spoken = co_await client_.send_chat(token, "bot", streamer, line.text, latest);
    note_bot(queue, spoken);
    // Only this says for sure that it is not about the text, and that nothing was posted.
    if (spoken || spoken.error().code != ErrorCode::forbidden) co_return spoken;
  }
  co_return co_await client_.send_chat(std::move(token), "user", streamer, std::move(line.text), latest);
}

bool ChatSender::bot_speaks(const Queue& queue) {
  return !queue.bot_refused && std::chrono::steady_clock::now() >= queue.bot_rests_until;
}

/// A bot that rested and fails once more rests again.
void ChatSender::note_bot(Queue& queue, const Result<void>& spoken) {
  if (spoken) {
    queue.bot_failures = 0;
  } else if (spoken.error().code == ErrorCode::forbidden) {
    queue.bot_refused = true;
  } else if (spoken.error().code == ErrorCode::failed && ++queue.bot_failures >= kBotFailures) {
    queue.bot_rests_until = std::chrono::steady_clock::now() + kBotRests;
  }
}

}  // namespace guildhall::bot
