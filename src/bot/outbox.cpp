#include "bot/outbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/log.h"
#include "bot/find_servers.h"
#include "tenancy/counters.h"

namespace guildhall::bot {
namespace {

using store::CrossServerStatement;
using store::NoRow;
using store::Statement;
using store::Tx;
using store::TxTask;

/// Beyond that: a post that was not sent yet is news for an hour, and what stands in Discord is put right for
/// a day.
constexpr Duration kNewsLife = std::chrono::minutes(50);
constexpr Duration kEditLife = std::chrono::hours(24);
constexpr Duration kLease = std::chrono::minutes(1);
// Where a row goes: to a channel, to a member, or to a message that is to be deleted ("CHANNEL/MESSAGE").
constexpr std::string_view kChannel = "discord:";
constexpr std::string_view kMember = "member:";
constexpr std::string_view kTakeAway = "take_away:";
/// So long a mention stands there in place of a direct message.
constexpr Duration kMentionStands = std::chrono::minutes(1);

struct InsertParams {
  std::string destination;
  std::int64_t sequence;
  std::string body;
  std::string buttons;
  std::string post;
  std::string fallback;
  std::string pings;
  std::string nonce;
  TimePoint now;
  TimePoint from;
  TimePoint expires;
};
BOOST_DESCRIBE_STRUCT(InsertParams, (),
                      (destination, sequence, body, buttons, post, fallback, pings, nonce, now, from,
                       expires))

struct RenewParams {
  std::string destination;
  std::string post;
  TimePoint expires;
};
BOOST_DESCRIBE_STRUCT(RenewParams, (), (destination, post, expires))

struct LeaseParams {
  TimePoint now;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(LeaseParams, (), (now, until))

struct OutboxRow {
  std::string destination;
  std::int64_t sequence = 0;
  std::string body;
  std::string buttons;
  std::string post;      // whose turn it is; then the two above are empty
  std::string fallback;  // of a direct message: the channel where the member is mentioned instead
  std::string pings;     // of such a mention: the member
  std::string nonce;
  TimePoint expires_at;
  std::int64_t attempts = 0;
};
BOOST_DESCRIBE_STRUCT(OutboxRow, (),
                      (destination, sequence, body, buttons, post, fallback, pings, nonce, expires_at,
                       attempts))

struct KeyParams {
  std::string destination;
  std::int64_t sequence;
};
BOOST_DESCRIBE_STRUCT(KeyParams, (), (destination, sequence))

struct RangeParams {
  ServerId first;
  ServerId last;
};
BOOST_DESCRIBE_STRUCT(RangeParams, (), (first, last))

struct ServerRow {
  ServerId discord_server_id;
};
BOOST_DESCRIBE_STRUCT(ServerRow, (), (discord_server_id))

constexpr Statement<InsertParams, NoRow> kInsert{
    "outbox.insert",
    "INSERT INTO outbox (discord_server_id, destination, sequence, body, buttons, post, fallback, pings, "
    "nonce, "
    "created_at, expires_at, lease_until, attempts) "
    "VALUES (:server, :destination, :sequence, :body, :buttons, :post, :fallback, :pings, :nonce, :now, "
    ":expires, :from, 0)"};

/// A post that waits already goes out as it is when its turn comes.
constexpr Statement<RenewParams, NoRow> kRenew{
    "outbox.renew",
    "UPDATE outbox SET expires_at = :expires "
    "WHERE discord_server_id = :server AND destination = :destination AND post = :post"};

/// The oldest message of a destination that nobody is sending to: a destination is leased, not a row,
/// so that order holds with several senders. The least tried first: one that cannot be reached must not
/// hold up the others.
constexpr Statement<LeaseParams, OutboxRow> kLeaseNext{
    "outbox.lease_next",
    "UPDATE outbox SET lease_until = :until, attempts = attempts + 1 "
    "WHERE discord_server_id = :server AND (destination, sequence) IN ("
    "SELECT o.destination, min(o.sequence) FROM outbox o WHERE o.discord_server_id = :server "
    "GROUP BY o.destination HAVING max(o.lease_until) <= :now ORDER BY max(o.attempts), 1 LIMIT 1) "
    "RETURNING destination, sequence, body, buttons, post, fallback, pings, nonce, expires_at, attempts"};

constexpr Statement<KeyParams, NoRow> kDelete{"outbox.delete",
                                              "DELETE FROM outbox WHERE discord_server_id = :server AND "
                                              "destination = :destination AND sequence = :sequence"};

constexpr Statement<KeyParams, NoRow> kRelease{
    "outbox.release",
    "UPDATE outbox SET lease_until = 0 "
    "WHERE discord_server_id = :server AND destination = :destination AND sequence = :sequence"};

constexpr CrossServerStatement<RangeParams, ServerRow> kWaiting{
    "outbox.waiting_servers",
    "finds the servers for which messages wait that an earlier process left or that must be tried again",
    "SELECT DISTINCT discord_server_id FROM outbox WHERE discord_server_id BETWEEN :first AND :last"};

/// False: there were none.
bool drop_emojis(PostBody& body) {
  bool any = false;
  for (LinkButton& button : body.buttons) any = !std::exchange(button.emoji, "").empty() || any;
  return any;
}

bool is_temporary(ErrorCode code) {
  return code == ErrorCode::unavailable || code == ErrorCode::timeout || code == ErrorCode::rate_limited;
}

/// What a row holds besides its place in line.
struct Letter {
  std::string destination;
  PostBody body = {};
  std::string post = {};
  std::string fallback = {};
  std::string pings = {};
  Duration life = kMessageLife;
};

TxTask<void> insert(Tx& tx, ServerId server, TimePoint now, Letter letter) {
  const auto sequence = co_await tenancy::next_number(tx, "outbox:" + letter.destination);
  const std::string identity = fmt::format("{}/{}/{}", server.str(), letter.destination, sequence);
  const std::string nonce = base64url(sha256(identity)).substr(0, 25);  // Discord's limit
  const InsertParams row{std::move(letter.destination),
                         sequence,
                         letter.body.text,
                         write_link_buttons(letter.body.buttons),
                         std::move(letter.post),
                         std::move(letter.fallback),
                         std::move(letter.pings),
                         nonce,
                         now,
                         TimePoint(),
                         now + letter.life};
  co_await tx.change(kInsert, row);
}

TxTask<void> insert(Tx& tx, ServerContext& context, Letter letter) {
  co_await insert(tx, context.server, context.now, std::move(letter));
  context.outbox = true;
}

/// Nothing stands in line there, so it needs no number.
TxTask<void> take_away_at(Tx& tx, std::string channel_id, std::string message_id, TimePoint now,
                          TimePoint then) {
  const InsertParams row{fmt::format("{}{}/{}", kTakeAway, channel_id, message_id),
                         1,
                         "",
                         "",
                         "",
                         "",
                         "",
                         "",
                         now,
                         then,
                         then + kMessageLife};
  co_await tx.change(kInsert, row);
}

}  // namespace

struct LeasedMessage {
  bool is_direct() const { return row.destination.starts_with(kMember); }
  bool takes_away() const { return row.destination.starts_with(kTakeAway); }
  /// The channel's id, the member's, or channel and message.
  std::string target() const { return row.destination.substr(row.destination.find(':') + 1); }
  std::int64_t version() const { return post ? post->version : 0; }
  /// A post that was not sent yet.
  bool is_news() const { return post && post->message_id.empty(); }
  TimePoint expires_at() const {
    if (!post) return row.expires_at;
    return row.expires_at + (is_news() ? kNewsLife : kEditLife);
  }
  /// The post is another channel's now, or there is none any more.
  bool is_superseded() const { return !row.post.empty() && (!post || post->channel_id != target()); }
  Outgoing outgoing() const {
    if (post) return {target(), post->body, row.nonce, post->message_id};
    Outgoing message{target(), {row.body, read_link_buttons(row.buttons)}, row.nonce, ""};
    message.pings = row.pings;
    if (is_direct()) message.member = std::exchange(message.channel_id, "");
    if (takes_away()) {
      const auto slash = message.channel_id.find('/');
      message.edits = message.channel_id.substr(slash + 1);
      message.channel_id.resize(slash);
      message.takes_away = true;
    }
    return message;
  }

  OutboxRow row;
  std::optional<Post> post = {};
};

namespace {

TxTask<std::optional<LeasedMessage>> lease_next(Tx& tx, TimePoint now) {
  auto row = co_await tx.one(kLeaseNext, {now, now + kLease});
  if (!row) co_return std::nullopt;
  LeasedMessage leased{*std::move(row)};
  if (!leased.row.post.empty()) leased.post = co_await read_post(tx, leased.row.post);
  co_return leased;
}

/// A new message that was tried before may be there already, as it was then: its nonce keeps another out, and
/// what has changed since is to be edited in.
bool is_in_doubt(const LeasedMessage& leased, const std::string& message_id) {
  return leased.version() > 1 && leased.row.attempts > 1 && leased.post->message_id != message_id;
}

/// `message_id`: empty when nothing was sent.
TxTask<void> end(Tx& tx, LeasedMessage leased, std::string message_id, TimePoint now) {
  bool again = false;
  if (leased.post && !leased.is_superseded()) {
    const bool in_doubt = !message_id.empty() && is_in_doubt(leased, message_id);
    again =
        co_await settle_post(tx, {leased.row.post, leased.target(), leased.version(), message_id, in_doubt});
  }
  if (!leased.row.pings.empty() && !message_id.empty())
    co_await take_away_at(tx, leased.target(), message_id, now, now + kMentionStands);
  const KeyParams key{leased.row.destination, leased.row.sequence};
  co_await tx.change(again ? kRelease : kDelete, key);
}

/// He takes no direct messages.
TxTask<void> mention_instead(Tx& tx, ServerId server, LeasedMessage leased, TimePoint now) {
  const KeyParams key{leased.row.destination, leased.row.sequence};
  co_await tx.change(kDelete, key);
  if (leased.row.fallback.empty()) co_return;
  const PostBody body{fmt::format("<@{}> {}", leased.target(), leased.row.body),
                      read_link_buttons(leased.row.buttons)};
  Letter letter{std::string(kChannel) + leased.row.fallback, body, "", "", leased.target()};
  co_await insert(tx, server, now, std::move(letter));
}

}  // namespace

Result<std::string> normalise_channel_id(std::string_view text) {
  if (text.starts_with("<#") && text.ends_with('>')) text = text.substr(2, text.size() - 3);
  const auto id = DiscordChannelId::parse(text);
  if (id && id->value() > 0) return id->str();
  return fail(ErrorCode::invalid, "must be a Discord channel's id");
}

TxTask<void> post_to_channel(Tx& tx, ServerContext& context, std::string channel_id, Message message) {
  return post_to_channel(tx, context, std::move(channel_id),
                         PostBody{context.texts->render(context.language(), message, Markup::discord)});
}

TxTask<void> post_to_channel(Tx& tx, ServerContext& context, std::string channel_id, PostBody body) {
  return insert(tx, context, {std::string(kChannel) + channel_id, std::move(body)});
}

TxTask<void> post_to_member(Tx& tx, ServerContext& context, DiscordUserId member, PostBody body,
                            std::string fallback_channel, Duration life) {
  Letter letter{std::string(kMember) + member.str(), std::move(body), "", std::move(fallback_channel)};
  letter.life = life;
  return insert(tx, context, std::move(letter));
}

TxTask<void> take_away(Tx& tx, ServerContext& context, std::string channel_id, std::string message_id) {
  co_await take_away_at(tx, std::move(channel_id), std::move(message_id), context.now, context.now);
  context.outbox = true;
}

TxTask<void> bring_post(Tx& tx, ServerContext& context, std::string channel_id, std::string name) {
  const RenewParams waiting{std::string(kChannel) + channel_id, name, context.now + kMessageLife};
  if (co_await tx.change(kRenew, waiting) > 0) {
    context.outbox = true;
  } else {
    Letter letter{std::string(kChannel) + channel_id, {}, std::move(name)};
    co_await insert(tx, context, std::move(letter));
  }
}

TxTask<void> post_to_log_channel(Tx& tx, ServerContext& context, Message message) {
  const std::string channel = context.settings->get(kLogChannel);
  if (channel.empty()) co_return;
  co_await post_to_channel(tx, context, channel, std::move(message));
}

OutboxSender::OutboxSender(net::Loops& loops, tenancy::Tenancy& tenancy, const Clock& clock, Metrics& metrics,
                           Send send, std::chrono::milliseconds retry)
    : loops_(loops),
      tenancy_(tenancy),
      clock_(clock),
      send_(std::move(send)),
      retry_(retry),
      sent_(metrics.counter("guildhall_outbox_sent_total", "Messages of the outbox that were sent.")),
      dropped_(metrics.counter("guildhall_outbox_dropped_total",
                               "Messages of the outbox that expired or were refused.")) {}

void OutboxSender::wake(tenancy::ServerScope scope) {
  {
    const std::scoped_lock lock(mutex_);
    const auto [entry, idle] = draining_.emplace(scope.server(), false);
    entry->second = true;
    if (!idle) return;  // whoever drains looks once more
  }
  net::spawn(loops_.of(scope.server()), "outbox", [this, scope] { return drain(scope); });
}

bool OutboxSender::woken_again(ServerId server) {
  const std::scoped_lock lock(mutex_);
  const auto entry = draining_.find(server);
  if (std::exchange(entry->second, false)) return true;
  draining_.erase(entry);
  return false;
}

Task<void> OutboxSender::sweep() {
  const auto find = [](store::CrossTx& tx, store::ServerRange range) -> TxTask<std::vector<ServerId>> {
    std::vector<ServerId> servers;
    for (const ServerRow& row : co_await tx.all(kWaiting, {range.first, range.last}))
      servers.push_back(row.discord_server_id);
    co_return servers;
  };
  for (const ServerId server : co_await find_servers(tenancy_, "outbox.sweep", clock_.now(), find)) {
    if (const auto scope = tenancy_.scopes().for_job(server)) wake(*scope);
  }
}

Task<void> OutboxSender::drain(tenancy::ServerScope scope) {
  while (woken_again(scope.server())) {
    bool more = true;
    while (more) more = co_await try_next(scope);
  }
}

Task<bool> OutboxSender::try_next(tenancy::ServerScope scope) {
  try {
    co_return co_await send_next(scope);
  } catch (const std::exception& error) {
    log::error("outbox failed",
               {log::field("server", scope.server().str()), log::field("error", error.what())});
  }
  if (stopping_) co_return false;
  co_await net::sleep_for(retry_);
  co_return true;
}

std::optional<OutboxSender::Sent> OutboxSender::sent_before(ServerId server, const LeasedMessage& leased) {
  const std::scoped_lock lock(mutex_);
  const auto sent = sent_untold_.find({server, leased.row.destination});
  if (sent == sent_untold_.end() || sent->second.sequence != leased.row.sequence) return std::nullopt;
  return sent->second;
}

/// Something of this server's arrives: what was given up elsewhere may never be tried again, for people may
/// have chosen another channel, and is no news any more.
void OutboxSender::note_sent(ServerId server, const LeasedMessage& leased, const std::string& message_id) {
  {
    const std::scoped_lock lock(mutex_);
    sent_untold_[{server, leased.row.destination}] = {leased.row.sequence, leased.version(), message_id};
    const auto of_server = resting_.find(server);
    if (of_server == resting_.end()) return;
    if (std::erase_if(of_server->second, [](const auto& entry) { return !entry.second.sequence; }) == 0)
      return;
    if (of_server->second.empty()) resting_.erase(of_server);
  }
  tell_refusals(server);
}

void OutboxSender::note_lost(ServerId server) {
  const std::scoped_lock lock(mutex_);
  lost_posts_.insert(server);
}

/// The lease stays for its minute, so that nobody tries before; the same at each try is told once.
void OutboxSender::rest(ServerId server, const std::string& destination, std::int64_t sequence,
                        const Error& error) {
  {
    const std::scoped_lock lock(mutex_);
    Resting& resting = resting_[server][destination];
    resting.sequence = sequence;
    if (std::exchange(resting.why, error).message == error.message) return;
  }
  log::warning("outbox message rests until the bot may send it",
               {log::field("server", server.str()), log::field("destination", destination),
                log::field("error", error.message), log::field("way_out", error.hint)});
  tell_refusals(server);
}

std::string OutboxSender::end_rest(ServerId server, const std::string& destination, bool given_up) {
  std::string why;
  {
    const std::scoped_lock lock(mutex_);
    const auto of_server = resting_.find(server);
    if (of_server == resting_.end()) return {};
    const auto entry = of_server->second.find(destination);
    if (entry == of_server->second.end()) return {};
    why = entry->second.why.message;
    entry->second.sequence.reset();
    if (given_up) return why;
    of_server->second.erase(entry);
    if (of_server->second.empty()) resting_.erase(of_server);
  }
  tell_refusals(server);
  return why;
}

std::vector<Error> OutboxSender::refusals(ServerId server) const {
  const std::scoped_lock lock(mutex_);
  std::vector<Error> all;
  const auto of_server = resting_.find(server);
  if (of_server == resting_.end()) return all;
  for (const auto& [destination, resting] : of_server->second) {
    if (std::ranges::find(all, resting.why.message, &Error::message) == all.end()) all.push_back(resting.why);
  }
  return all;
}

void OutboxSender::tell_refusals(ServerId server) const {
  if (refusals_listener_) refusals_listener_(server);
}

void OutboxSender::resume(tenancy::ServerScope scope) {
  std::map<std::string, Resting> rested;
  bool lost = false;
  {
    const std::scoped_lock lock(mutex_);
    if (auto entry = resting_.extract(scope.server())) rested = std::move(entry.mapped());
    lost = lost_posts_.erase(scope.server()) > 0;
  }
  if (lost && lost_posts_listener_) lost_posts_listener_(scope);
  if (rested.empty()) return;
  tell_refusals(scope.server());
  net::spawn(loops_.of(scope.server()), "outbox",
             [this, scope, rested = std::move(rested)] { return release(scope, rested); });
}

Task<void> OutboxSender::release(tenancy::ServerScope scope, std::map<std::string, Resting> rested) {
  co_await scope.transact([rested](Tx& tx) -> TxTask<void> {
    for (const auto& [destination, resting] : rested) {
      if (resting.sequence) co_await tx.change(kRelease, {destination, *resting.sequence});
    }
  });
  wake(scope);
}

/// A message that is gone is sent anew; one that is refused for its buttons' emojis, as it may be, goes
/// without.
Task<Result<std::string>> OutboxSender::bring(ServerId server, LeasedMessage leased) {
  Outgoing message = leased.outgoing();
  auto sent = co_await send_(server, message);
  const bool gone = !message.edits.empty() && !sent && sent.error().code == ErrorCode::not_found;
  if (gone && message.takes_away) co_return sent;
  if (gone) {
    message.edits.clear();
    sent = co_await send_(server, message);
  }
  const bool refused = !sent && sent.error().code == ErrorCode::invalid;
  if (!refused || !drop_emojis(message.body)) co_return sent;
  log::warning("outbox message goes without the emojis of its buttons",
               {log::field("server", server.str()), log::field("error", sent.error().message)});
  co_return co_await send_(server, std::move(message));
}

Task<void> OutboxSender::finish(tenancy::ServerScope scope, LeasedMessage leased, std::string message_id) {
  const TimePoint now = clock_.now();
  co_await scope.transact([leased, message_id, now](Tx& tx) { return end(tx, leased, message_id, now); });
  const std::scoped_lock lock(mutex_);
  sent_untold_.erase({scope.server(), leased.row.destination});
}

Task<bool> OutboxSender::send_next(tenancy::ServerScope scope) {
  const TimePoint now = clock_.now();
  auto leased = co_await scope.transact([now](Tx& tx) { return lease_next(tx, now); });
  if (!leased) co_return false;
  const std::string& destination = leased->row.destination;
  if (leased->is_superseded()) {
    co_await finish(scope, *leased, "");
    co_return true;
  }
  const auto before = sent_before(scope.server(), *leased);
  const bool sent_already = before && before->version == leased->version();
  if (before && leased->post) leased->post->message_id = before->message_id;
  const bool expired = !sent_already && leased->expires_at() <= now;
  Result<std::string> sent = before ? before->message_id : "";
  if (!sent_already && !expired) sent = co_await bring(scope.server(), *leased);
  const bool refused = !sent && sent.error().code == ErrorCode::forbidden;
  if (refused && leased->is_direct()) {
    co_await scope.transact([leased = *leased, server = scope.server(), now](Tx& tx) {
      return mention_instead(tx, server, leased, now);
    });
    co_return true;
  }
  if (refused) {
    rest(scope.server(), destination, leased->row.sequence, sent.error());
    co_return true;
  }
  if (!sent && is_temporary(sent.error().code)) {
    log::warning("outbox message waits",
                 {log::field("server", scope.server().str()), log::field("error", sent.error().message)});
    if (!stopping_) co_await net::sleep_for(retry_);
    const KeyParams key{destination, leased->row.sequence};
    co_await scope.transact([key](Tx& tx) -> TxTask<void> { co_await tx.change(kRelease, key); });
    co_return !stopping_;
  }
  const std::string rested = end_rest(scope.server(), destination, expired);
  if (expired) sent = fail(ErrorCode::invalid, rested.empty() ? "expired" : "expired: " + rested);
  if (!sent) {
    dropped_.add();
    log::warning("outbox message dropped",
                 {log::field("server", scope.server().str()), log::field("error", sent.error().message)});
  } else if (!sent_already) {
    note_sent(scope.server(), *leased, *sent);
    sent_.add();
  }
  co_await finish(scope, *leased, sent.value_or(""));
  if (!rested.empty() && leased->is_news() && !sent) note_lost(scope.server());
  co_return true;
}

void declare_outbox(store::StatementRegistry& statements, SettingRegistry& settings) {
  statements.add("outbox", kInsert, kRenew, kLeaseNext, kRelease, kDelete, kWaiting);
  settings.add("bot", kLogChannel);
}

}  // namespace guildhall::bot
