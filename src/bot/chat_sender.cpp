#include "bot/chat_sender.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "base/text.h"

namespace guildhall::bot {
namespace {

constexpr std::size_t kLongestQueue = 50;
constexpr std::chrono::seconds kPatience{60};
/// A token with less than this left is renewed before it is used.
constexpr Duration kRenewBefore = std::chrono::minutes(30);

std::string context_of(const tenancy::ChannelKey& channel, std::string_view column) {
  return token_context(channel.platform, channel.platform_user_id, column);
}

}  // namespace

ChatSender::ChatSender(boost::asio::io_context& loop, kick::Client& client,
                       tenancy::ChannelDirectory& channels, const Secrets& secrets, const Clock& clock,
                       Metrics& metrics)
    : loop_(loop),
      client_(client),
      channels_(channels),
      secrets_(secrets),
      clock_(clock),
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
    if (std::chrono::steady_clock::now() - line.queued < kPatience)
      sent = co_await try_line(channel, line.text);
    (sent ? sent_ : dropped_).add();
    if (!sent)
      log::warning("chat text dropped", {log::field("channel", channel.platform_user_id),
                                         log::field("error", sent.error().message)});
  }
  queue.sending = false;
}

/// A database error costs this line, never the queue.
Task<Result<void>> ChatSender::try_line(tenancy::ChannelKey channel, std::string text) {
  try {
    co_return co_await send_line(std::move(channel), std::move(text));
  } catch (const std::exception& error) {
    co_return fail(ErrorCode::storage, error.what());
  }
}

Task<Result<void>> ChatSender::send_line(tenancy::ChannelKey channel, std::string text) {
  const auto first = co_await token(channel, false);
  if (!first) co_return std::unexpected(first.error());
  auto spoken = co_await speak(channel, *first, text);
  if (spoken || spoken.error().code != ErrorCode::unauthenticated) co_return spoken;
  // Refused for its token, so it was not said: once more with a new one.
  const auto second = co_await token(channel, true);
  if (!second) co_return std::unexpected(second.error());
  co_return co_await speak(channel, *second, std::move(text));
}

Task<Result<void>> ChatSender::speak(tenancy::ChannelKey channel, std::string token, std::string text) {
  Queue& queue = queues_[channel];
  if (!queue.as_user) {
    auto spoken = co_await client_.send_chat(token, "bot", channel.platform_user_id, text);
    // Only a refusal says for sure that nothing was posted.
    if (spoken || spoken.error().code == ErrorCode::unauthenticated ||
        spoken.error().code == ErrorCode::unavailable || spoken.error().code == ErrorCode::timeout ||
        spoken.error().code == ErrorCode::rate_limited) {
      co_return spoken;
    }
    queue.as_user = true;
  }
  co_return co_await client_.send_chat(std::move(token), "user", channel.platform_user_id, std::move(text));
}

Task<void> ChatSender::keep(tenancy::ChannelKey channel, kick::Tokens tokens) {
  const TimePoint now = clock_.now();
  tenancy::SealedTokens sealed;
  sealed.access_token = store::Blob{secrets_.seal(tokens.access_token, context_of(channel, "access_token"))};
  sealed.refresh_token =
      store::Blob{secrets_.seal(tokens.refresh_token, context_of(channel, "refresh_token"))};
  sealed.token_expires_at = now + tokens.expires_in;
  co_await channels_.store_tokens(std::move(channel), std::move(sealed), "connected", now);
}

Task<Result<std::string>> ChatSender::token(tenancy::ChannelKey channel, bool renew) {
  const auto sealed = co_await channels_.tokens(channel);
  if (!sealed || !sealed->access_token || !sealed->refresh_token) {
    co_return fail(ErrorCode::unauthenticated, "the streamer has not connected the channel");
  }
  const auto known = channels_.find(channel);
  if (known && known->token_state == "needs_reauth") {
    co_return fail(ErrorCode::unauthenticated, "the streamer has to connect the channel again");
  }
  const TimePoint now = clock_.now();
  if (!renew && sealed->token_expires_at && *sealed->token_expires_at - kRenewBefore > now) {
    co_return secrets_.open(sealed->access_token->bytes, context_of(channel, "access_token"));
  }
  const auto refresh = secrets_.open(sealed->refresh_token->bytes, context_of(channel, "refresh_token"));
  if (!refresh) co_return std::unexpected(refresh.error());
  const auto tokens = co_await client_.refresh(*refresh);
  if (tokens) {
    co_await keep(channel, *tokens);
    co_return tokens->access_token;
  }
  if (tokens.error().code == ErrorCode::unauthenticated) {
    // The grant is gone for good; only the streamer can give a new one.
    co_await channels_.store_tokens(channel, *sealed, "needs_reauth", now);
  } else if (!renew && sealed->token_expires_at && *sealed->token_expires_at > now) {
    co_return secrets_.open(sealed->access_token->bytes, context_of(channel, "access_token"));
  }
  co_return std::unexpected(tokens.error());
}

}  // namespace guildhall::bot
