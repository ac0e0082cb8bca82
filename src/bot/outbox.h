// Messages that must survive a crash: a row of the same transaction as what they tell of, keyed
// (server, destination, sequence), sent afterwards in that order, at least once; Discord's nonce makes
// it once. Rows expire after ten minutes. What is changed later where it stands is a post (posts.h), of which
// only the name waits here, for longer. Direct messages have a channel to fall back on. Answers to somebody
// who waits do not go through here.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/messages.h"
#include "base/metrics.h"
#include "bot/context.h"
#include "bot/posts.h"
#include "net/loops.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

/// Where corrections and notices are told, if anywhere.
Result<std::string> normalise_channel_id(std::string_view text);
inline constexpr TextSetting kLogChannel{"log_channel_id", "", false, normalise_channel_id};

/// Puts a message for a Discord channel into the outbox.
store::TxTask<void> post_to_channel(store::Tx& tx, ServerContext& context, std::string channel_id,
                                    Message message);
store::TxTask<void> post_to_channel(store::Tx& tx, ServerContext& context, std::string channel_id,
                                    PostBody body);
/// The same for the server's log channel; nothing when it has none.
store::TxTask<void> post_to_log_channel(store::Tx& tx, ServerContext& context, Message message);

/// Puts a message for one member into the outbox, to be read in private. If he takes none, he is mentioned
/// with it in that channel, and the mention is taken away a minute later; empty: nowhere.
/// `life`: so long it is tried.
inline constexpr Duration kMessageLife = std::chrono::minutes(10);
store::TxTask<void> post_to_member(store::Tx& tx, ServerContext& context, DiscordUserId member, PostBody body,
                                   std::string fallback_channel, Duration life = kMessageLife);
/// Deletes a message of the bot's own.
store::TxTask<void> take_away(store::Tx& tx, ServerContext& context, std::string channel_id,
                              std::string message_id);

/// For posts.h: that a post has to be brought to its channel, as it is when its turn comes.
store::TxTask<void> bring_post(store::Tx& tx, ServerContext& context, std::string channel_id,
                               std::string name);

/// A message on its way to Discord.
struct Outgoing {
  std::string channel_id;
  PostBody body;
  std::string nonce;
  std::string edits;        // the message whose place it takes; empty: it is a new one
  std::string member = {};  // who reads it in private, in place of a channel
  std::string pings = {};   // the one whom a mention in it pings; empty: it pings nobody
  bool takes_away = false;  // it says nothing: `edits` is to be deleted
};

/// A row of the outbox that nobody else sends now (outbox.cpp).
struct LeasedMessage;

/// Sends what lies in the outbox. One per process; lives on the servers' loops.
class OutboxSender {
 public:
  /// Sends one message and returns its id; error `unavailable`, `timeout` or `rate_limited` = again later,
  /// `forbidden` = its destination rests (resume), `not_found` of a message that is edited = it is gone, any
  /// other = never.
  using Send = std::function<Task<Result<std::string>>(ServerId server, Outgoing message)>;

  /// `retry`: how long it waits before it goes on after what failed for now.
  OutboxSender(net::Loops& loops, tenancy::Tenancy& tenancy, const Clock& clock, Metrics& metrics, Send send,
               std::chrono::milliseconds retry = std::chrono::seconds(2));

  /// Something was put in for this server. From any thread.
  void wake(tenancy::ServerScope scope);
  /// Wakes every server for which something waits: what an earlier process left, what was leased by
  /// one that died. At start and every minute. A server whose database is unusable is reported, and the
  /// others' are looked at.
  Task<void> sweep();
  /// The bot may be allowed what it was not: what rests for a permission is tried at once, which it otherwise
  /// is every minute or two. From any thread.
  void resume(tenancy::ServerScope scope);
  /// Why this server's messages are not sent: what destinations refused last for want of a permission,
  /// until something is sent there or the bot may be allowed more. From any thread.
  std::vector<Error> refusals(ServerId server) const;
  /// Told, on any thread, when that may be another answer. Set before the first message.
  void on_refusals(std::function<void(ServerId)> listener) { refusals_listener_ = std::move(listener); }
  /// Told when the bot may be allowed what it was not, and a post of this server was forgotten for that:
  /// whoever wants it to stand there puts it up again. Set before the first message.
  void on_lost_posts(std::function<void(tenancy::ServerScope)> listener) {
    lost_posts_listener_ = std::move(listener);
  }
  /// Tries no message again from now on: what cannot be sent at once stays for the next start.
  void stop() { stopping_ = true; }

 private:
  struct Resting {
    std::optional<std::int64_t> sequence;  // none: its messages expired meanwhile
    Error why;
  };

  /// Of a message that was sent: in which version, and as which message in Discord.
  struct Sent {
    std::int64_t sequence = 0;
    std::int64_t version = 0;
    std::string message_id;
  };

  Task<void> drain(tenancy::ServerScope scope);
  bool woken_again(ServerId server);
  /// A database error is only a pause.
  Task<bool> try_next(tenancy::ServerScope scope);
  /// False: nothing left for now.
  Task<bool> send_next(tenancy::ServerScope scope);
  Task<Result<std::string>> bring(ServerId server, LeasedMessage leased);
  Task<void> finish(tenancy::ServerScope scope, LeasedMessage leased, std::string message_id);
  /// The same message was sent before, and the database could not be told.
  std::optional<Sent> sent_before(ServerId server, const LeasedMessage& leased);
  void note_sent(ServerId server, const LeasedMessage& leased, const std::string& message_id);
  void rest(ServerId server, const std::string& destination, std::int64_t sequence, const Error& error);
  /// Its oldest message rests no more: it was given up, or what it was refused for is over. Why it rested;
  /// empty: it did not.
  std::string end_rest(ServerId server, const std::string& destination, bool given_up);
  void tell_refusals(ServerId server) const;
  void note_lost(ServerId server);
  Task<void> release(tenancy::ServerScope scope, std::map<std::string, Resting> rested);

  net::Loops& loops_;
  tenancy::Tenancy& tenancy_;
  const Clock& clock_;
  Send send_;
  std::chrono::milliseconds retry_;
  Counter& sent_;
  Counter& dropped_;
  std::atomic<bool> stopping_ = false;
  std::function<void(ServerId)> refusals_listener_;
  std::function<void(tenancy::ServerScope)> lost_posts_listener_;
  mutable std::mutex mutex_;
  std::map<ServerId, bool> draining_;  // value: woken since it last looked
  /// The message of each destination that was sent, until the database is told. When it could not be (its
  /// disk was full), the message is leased once more, and must not go out again.
  std::map<std::pair<ServerId, std::string>, Sent> sent_untold_;
  /// By destination: that may not be sent to, so that the oldest message keeps its lease.
  std::map<ServerId, std::map<std::string, Resting>> resting_;
  std::set<ServerId> lost_posts_;  // of whom a post that was never sent was given up for want of a permission
};

void declare_outbox(store::StatementRegistry& statements, SettingRegistry& settings);

}  // namespace guildhall::bot
