#include "sim/discord_gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sim/discord_shapes.h"
#include "sim/permissions.h"
#include "sim/router.h"

namespace guildhall::sim {
namespace {

using std::chrono::steady_clock;

enum Op : int {
  kDispatch = 0,
  kHeartbeat = 1,
  kIdentify = 2,
  kPresence = 3,
  kVoiceState = 4,
  kResume = 6,
  kReconnect = 7,
  kRequestMembers = 8,
  kInvalidSession = 9,
  kHello = 10,
  kHeartbeatAck = 11,
  kSoundboard = 31,
  kChannelInfo = 43,
};

enum CloseCode : std::uint16_t {
  kUnknownOp = 4001,
  kDecodeError = 4002,
  kNotAuthenticated = 4003,
  kAuthenticationFailed = 4004,
  kAlreadyAuthenticated = 4005,
  kInvalidSeq = 4007,
  kRateLimited = 4008,
  kSessionTimedOut = 4009,
  kInvalidShard = 4010,
  kInvalidVersion = 4012,
  kInvalidIntents = 4013,
  kDisallowedIntents = 4014,
};

constexpr std::int64_t kIntentGuilds = 1 << 0;
constexpr std::int64_t kIntentMembers = 1 << 1;
constexpr std::int64_t kIntentModeration = 1 << 2;
constexpr std::int64_t kIntentInvites = 1 << 6;
constexpr std::int64_t kIntentPresences = 1 << 8;
constexpr std::int64_t kIntentMessages = 1 << 9;
constexpr std::int64_t kIntentReactions = 1 << 10;
constexpr std::int64_t kIntentDirectMessages = 1 << 12;
constexpr std::int64_t kIntentDirectReactions = 1 << 13;
constexpr std::int64_t kIntentContent = 1 << 15;
/// Bits that have a meaning: 0 to 16, 20, 21, 24 and 25.
constexpr std::int64_t kIntentsKnown = 0x1FFFF | 3 << 20 | 3 << 24;

constexpr std::size_t kLargestFrame = 4'096;
constexpr std::size_t kFramesPerMinute = 120;
constexpr std::size_t kReplayKept = 10'000;
constexpr std::chrono::seconds kMemberListPause{30};
constexpr std::chrono::seconds kIdentifyWithin{30};
constexpr std::chrono::milliseconds kHeldBack{500};
constexpr std::chrono::milliseconds kZombieGlance{50};
constexpr std::chrono::minutes kZombieLife{2};

std::string frame(int op, const json::Value& data) {
  return json::write(json::Object{{"t", nullptr}, {"s", nullptr}, {"op", op}, {"d", data}});
}

/// The intent that an event needs, 0 for none.
std::int64_t intent_of(std::string_view event, bool direct) {
  if (event.starts_with("GUILD_MEMBER_")) return kIntentMembers;
  if (event.starts_with("GUILD_BAN_") || event.starts_with("GUILD_AUDIT_")) return kIntentModeration;
  if (event.starts_with("INVITE_")) return kIntentInvites;
  if (event.starts_with("MESSAGE_REACTION_")) return direct ? kIntentDirectReactions : kIntentReactions;
  if (event.starts_with("GUILD_") || event.starts_with("CHANNEL_") || event.starts_with("THREAD_"))
    return kIntentGuilds;
  if (event.starts_with("MESSAGE_")) return direct ? kIntentDirectMessages : kIntentMessages;
  return 0;
}

bool is_id_key(std::string_view key) { return key == "id" || key.ends_with("_id"); }

/// Ids as bare numbers, as they come now and then.
void make_ids_numbers(json::Value& value) {
  if (value.is_array()) {
    for (json::Value& inner : value.get_array()) make_ids_numbers(inner);
  }
  if (!value.is_object()) return;
  for (auto& [key, inner] : value.get_object()) {
    const auto number = inner.is_string() && is_id_key(key) ? number_of(inner.get_string()) : std::nullopt;
    if (number) {
      inner = *number;
    } else {
      make_ids_numbers(inner);
    }
  }
}

/// A server of which nothing is left but that it is told of at each start.
Snowflake dead_guild(const World& world) { return world.bot.id ^ 1; }

bool mentions(const json::Object& message, Snowflake user) {
  const auto* list = message.if_contains("mentions");
  if (list == nullptr || !list->is_array()) return false;
  for (const json::Value& one : list->get_array()) {
    if (json::text_or(one, "id", "") == std::to_string(user)) return true;
  }
  return false;
}

}  // namespace

Gateway::Gateway(Stage& stage, GatewayOptions options, std::string token)
    : stage_(stage), options_(options), token_(std::move(token)), day_started_(steady_clock::now()) {}

// Connections ---------------------------------------------------------------------------------------

Task<void> Gateway::serve(std::shared_ptr<net::WebSocket> socket, net::HttpRequest request) {
  const auto peer = std::make_shared<Peer>();
  const auto connection = std::make_shared<GatewayConnection>(stage_.loop, std::move(socket),
                                                              make_deflater(request.query["compress"]));
  peer->connection = connection;
  peer->connected_at = peer->last_beat = steady_clock::now();
  peers_.insert(peer);
  stage_.spawn("gateway writer", [connection] { return GatewayConnection::write_loop(connection); });
  if (open(*peer, request)) stage_.spawn("gateway watch", [this, peer] { return watch(peer); });
  for (;;) {
    const auto text = co_await connection->read();
    if (!text) break;
    if (connection->silent()) {
      co_await wait_out(connection);
      break;
    }
    if (!connection->closing()) receive(*peer, *text);
  }
  leave(*peer);
  peers_.erase(peer);
  connection->close(0);
}

Task<void> Gateway::wait_out(std::shared_ptr<GatewayConnection> connection) {
  const auto end = steady_clock::now() + kZombieLife;
  while (!connection->closing() && steady_clock::now() < end) {
    if (!co_await stage_.naps.rest(kZombieGlance)) co_return;
  }
}

bool Gateway::open(Peer& peer, const net::HttpRequest& request) {
  const auto value = [&](std::string_view name) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string() : found->second;
  };
  const std::string compress = value("compress");
  if (value("v") != "10") {
    peer.connection->close(kInvalidVersion);
  } else if (value("encoding") != "json" || (compress != "" && !make_deflater(compress))) {
    peer.connection->close(kDecodeError);
  } else if (stage_.faults.on(Fault::discord_down)) {
    peer.connection->close(0);
  } else if (stage_.faults.strikes(Fault::gateway_early_reconnects)) {
    peer.connection->send(frame(kReconnect, nullptr));
    peer.connection->close(0);
  } else {
    peer.connection->send(frame(kHello, json::Object{{"heartbeat_interval", beat_interval().count()},
                                                     {"_trace", json::Array{"[\"simulated\"]"}}}));
    if (stage_.faults.strikes(Fault::gateway_early_invalid))
      peer.connection->send(frame(kInvalidSession, false));
    return true;
  }
  return false;
}

void Gateway::leave(Peer& peer) {
  if (!peer.session || peer.session->connection != peer.connection) return;
  peer.session->connection = nullptr;
  peer.session->left_at = steady_clock::now();
  // A client that closes with 1000 or 1001 ends its session.
  const std::uint16_t code = peer.connection->peer_code();
  if (!peer.connection->closing() && (code == 1000 || code == 1001)) sessions_.erase(peer.session->id);
}

std::chrono::milliseconds Gateway::beat_interval() const {
  const std::chrono::milliseconds asked(stage_.faults.value(Fault::gateway_beat_ms));
  return asked.count() > 0 ? asked : options_.heartbeat_interval;
}

Task<void> Gateway::watch(std::shared_ptr<Peer> peer) {
  const auto interval = beat_interval();
  for (;;) {
    const bool on = co_await stage_.naps.rest(interval / 4);
    if (!on || peer->connection->closing() || peer->connection->silent()) co_return;
    const auto now = steady_clock::now();
    const bool mute = !peer->session && now - peer->connected_at > kIdentifyWithin;
    if (mute || now - peer->last_beat > interval * 2) peer->connection->close(kSessionTimedOut);
  }
}

bool Gateway::within_limits(Peer& peer, std::string_view text) {
  if (text.size() > kLargestFrame) {
    peer.connection->close(kDecodeError);
    return false;
  }
  const auto now = steady_clock::now();
  while (!peer.frames.empty() && now - peer.frames.front() > std::chrono::minutes(1)) peer.frames.pop_front();
  peer.frames.push_back(now);
  if (peer.frames.size() <= kFramesPerMinute) return true;
  peer.connection->close(kRateLimited);
  return false;
}

void Gateway::receive(Peer& peer, std::string_view text) {
  if (!within_limits(peer, text)) return;
  const auto message = json::parse(text);
  const auto op = message ? json::integer(*message, "op") : std::nullopt;
  if (!op) return peer.connection->close(kDecodeError);
  static const json::Value kNothing = json::Object{};
  const json::Value* given = json::find(*message, "d");
  const json::Value& data = given == nullptr ? kNothing : *given;
  if (*op == kHeartbeat) return beat(peer);
  if (*op == kIdentify) return identify(peer, data);
  if (*op == kResume) return resume(peer, data);
  if (!peer.session) return peer.connection->close(kNotAuthenticated);
  if (*op == kRequestMembers) return request_members(peer, data);
  const bool harmless = *op == kPresence || *op == kVoiceState || *op == kSoundboard || *op == kChannelInfo;
  if (!harmless) peer.connection->close(kUnknownOp);
}

void Gateway::beat(Peer& peer) {
  peer.last_beat = steady_clock::now();
  if (!stage_.faults.on(Fault::gateway_withhold_acks)) peer.connection->send(frame(kHeartbeatAck, nullptr));
}

// Sessions ------------------------------------------------------------------------------------------

/// Also with the prefix that it has in HTTP: that is nowhere written, but eris sends it so.
bool Gateway::is_own_token(const json::Value& data) const {
  const std::string token = json::text_or(data, "token", "");
  return token == token_ || token == "Bot " + token_;
}

std::uint16_t Gateway::refusal(const json::Value& data) const {
  if (!is_own_token(data)) return kAuthenticationFailed;
  const auto intents = json::integer(data, "intents");
  if (!intents || *intents < 0 || (*intents & ~kIntentsKnown) != 0) return kInvalidIntents;
  const std::int64_t privileged = kIntentMembers | kIntentPresences | kIntentContent;
  const bool switched_off = stage_.faults.on(Fault::gateway_no_privileged);
  if ((*intents & kIntentPresences) != 0 || (switched_off && (*intents & privileged) != 0))
    return kDisallowedIntents;
  if (json::find(data, "properties") == nullptr) return kDecodeError;
  const json::Array& shard = json::array(data, "shard");
  if (shard.empty()) return 0;
  const bool fits = shard.size() == 2 && shard[0].is_int64() && shard[1].is_int64() &&
                    shard[0].get_int64() >= 0 && shard[0].get_int64() < shard[1].get_int64();
  return fits ? 0 : kInvalidShard;
}

void Gateway::identify(Peer& peer, const json::Value& data) {
  if (peer.session) return peer.connection->close(kAlreadyAuthenticated);
  if (const auto code = refusal(data); code != 0) return peer.connection->close(code);
  const auto now = steady_clock::now();
  if (now - day_started_ > std::chrono::hours(24)) {
    day_started_ = now;
    identified_today_ = 0;
  }
  // Discord resets the token of a bot that identifies too often.
  if (++identified_today_ > options_.identifies_per_day) return peer.connection->close(kAuthenticationFailed);
  if (too_soon(data) || stage_.faults.strikes(Fault::gateway_refuse_identifies))
    return peer.connection->send(frame(kInvalidSession, false));
  start_session(peer, data);
}

bool Gateway::too_soon(const json::Value& data) {
  const json::Array& shard = json::array(data, "shard");
  const auto index = shard.empty() ? 0 : static_cast<std::uint64_t>(shard[0].get_int64());
  const std::uint64_t key = index % static_cast<std::uint64_t>(options_.identifies_at_once);
  const auto now = steady_clock::now();
  const auto last = last_identify_.find(key);
  if (last != last_identify_.end() && now - last->second < options_.identify_spacing) return true;
  last_identify_[key] = now;
  return false;
}

void Gateway::start_session(Peer& peer, const json::Value& data) {
  auto session = std::make_shared<Session>();
  session->id = stage_.mint.token(32);
  session->intents = *json::integer(data, "intents");
  if (const json::Array& shard = json::array(data, "shard"); shard.size() == 2) {
    session->shard = static_cast<std::uint64_t>(shard[0].get_int64());
    session->shards = static_cast<std::uint64_t>(shard[1].get_int64());
  }
  note_twins(*session);
  session->connection = peer.connection;
  peer.session = session;
  sessions_[session->id] = session;
  deliver(
      *session, "READY",
      {{"v", 10},
       {"user", shapes::user(stage_.world.bot)},
       {"guilds", guilds_of(*session)},
       {"session_id", session->id},
       {"session_type", "normal"},
       {"resume_gateway_url", url_},
       {"shard", json::Array{session->shard, session->shards}},
       {"application", {{"id", std::to_string(stage_.world.bot.id)}, {"flags", shapes::kApplicationFlags}}},
       {"private_channels", json::Array{}},
       {"relationships", json::Array{}},
       {"presences", json::Array{}},
       {"user_settings", json::Object{}},
       {"auth", json::Object{}},
       {"_trace", json::Array{"[\"simulated\"]"}}});
  send_guilds(*session);
  deliver(*session, "UNANNOUNCED_EVENT", {{"id", "0"}, {"of", "the future"}});
  trouble(peer);
}

void Gateway::note_twins(const Session& session) {
  for (const auto& [id, other] : sessions_) {
    const bool same = other->shard == session.shard && other->shards == session.shards;
    const auto& connection = other->connection;
    if (same && connection && !connection->closing() && !connection->silent()) ++served_twice_;
  }
}

json::Array Gateway::guilds_of(const Session& session) const {
  json::Array guilds;
  const auto add = [&](Snowflake id) {
    if (of_shard(session, id))
      guilds.push_back(json::Object{{"id", std::to_string(id)}, {"unavailable", true}});
  };
  for (const Server& server : stage_.world.servers) {
    if (server.bot_present) add(server.id);
  }
  if (stage_.faults.on(Fault::gateway_dead_guild)) add(dead_guild(stage_.world));
  return guilds;
}

void Gateway::send_guilds(Session& session) {
  if ((session.intents & kIntentGuilds) == 0) return;
  const Snowflake dead = dead_guild(stage_.world);
  if (stage_.faults.on(Fault::gateway_dead_guild) && of_shard(session, dead))
    deliver(session, "GUILD_DELETE", {{"id", std::to_string(dead)}});
  const bool created = stage_.faults.on(Fault::gateway_outage_creates);
  for (const Server& server : stage_.world.servers) {
    if (!server.bot_present || !of_shard(session, server.id)) continue;
    if (server.outage) {
      deliver(session, created ? "GUILD_CREATE" : "GUILD_DELETE",
              {{"id", std::to_string(server.id)}, {"unavailable", true}});
    } else {
      deliver(session, "GUILD_CREATE", shapes::guild_create(stage_.world, server));
    }
  }
}

void Gateway::resume(Peer& peer, const json::Value& data) {
  if (peer.session) return peer.connection->close(kAlreadyAuthenticated);
  if (!is_own_token(data)) return peer.connection->close(kAuthenticationFailed);
  forget_lost_sessions();
  const auto found = sessions_.find(json::text_or(data, "session_id", ""));
  const auto seq = json::integer(data, "seq");
  const bool refused = stage_.faults.on(Fault::gateway_refuse_resumes);
  if (found == sessions_.end() || refused || !seq)
    return peer.connection->send(frame(kInvalidSession, false));
  if (stage_.faults.strikes(Fault::gateway_later_resumes))
    return peer.connection->send(frame(kInvalidSession, true));
  Session& session = *found->second;
  if (*seq > session.seq || *seq < 0) return peer.connection->close(kInvalidSeq);
  const auto missed = static_cast<std::size_t>(session.seq - *seq);
  if (missed > session.replay.size()) return peer.connection->send(frame(kInvalidSession, false));
  if (session.connection) session.connection->close(0);
  session.connection = peer.connection;
  peer.session = found->second;
  replay(peer, session, missed);
}

void Gateway::replay(Peer& peer, Session& session, std::size_t missed) {
  const auto wanted = static_cast<std::size_t>(stage_.faults.value(Fault::gateway_replay_overlap));
  const std::size_t again = std::min(wanted, session.replay.size() - missed);
  const bool cut = missed > 1 && stage_.faults.strikes(Fault::gateway_cut_replays);
  const std::size_t end = session.replay.size() - (cut ? missed - missed / 2 : 0);
  for (std::size_t i = session.replay.size() - missed - again; i < end; ++i)
    peer.connection->send(session.replay[i]);
  if (cut) return peer.connection->close(0);
  deliver(session, "RESUMED", {{"_trace", json::Array{"[\"simulated\"]"}}});
  trouble(peer);
}

void Gateway::trouble(Peer& peer) {
  if (stage_.faults.strikes(Fault::gateway_reconnects)) peer.connection->send(frame(kReconnect, nullptr));
  if (stage_.faults.strikes(Fault::gateway_zombies)) peer.connection->fall_silent();
}

void Gateway::forget_lost_sessions() {
  const auto now = steady_clock::now();
  std::erase_if(sessions_, [&](const auto& entry) {
    return !entry.second->connection && now - entry.second->left_at > options_.session_life;
  });
}

void Gateway::request_members(Peer& peer, const json::Value& data) {
  Session& session = *peer.session;
  const auto request = read_member_request(data);
  if (!request) return peer.connection->close(kDecodeError);
  const Server* server = stage_.world.server(request->server);
  const bool known = server != nullptr && server->bot_present && !server->outage;
  // Nothing comes where nothing may be told.
  if (!known || !of_shard(session, server->id)) return;
  if (request->everyone()) {
    if ((session.intents & kIntentMembers) == 0) return;
    const double pause = list_pause(session, server->id);
    json::Object meta{{"guild_id", std::to_string(server->id)}};
    if (!request->nonce.empty()) meta["nonce"] = request->nonce;
    if (pause > 0) {
      return deliver(session, "RATE_LIMITED",
                     {{"opcode", kRequestMembers}, {"retry_after", pause}, {"meta", std::move(meta)}});
    }
  }
  for (json::Object& chunk : member_chunks(stage_.world, *server, *request)) {
    if (!stage_.faults.strikes(Fault::gateway_lost_chunks))
      deliver(session, "GUILD_MEMBERS_CHUNK", std::move(chunk));
  }
}

double Gateway::list_pause(Session& session, Snowflake server) {
  const auto now = steady_clock::now();
  const auto last = session.members_asked.find(server);
  if (last != session.members_asked.end() && last->second + kMemberListPause > now)
    return std::chrono::duration<double>(last->second + kMemberListPause - now).count();
  session.members_asked[server] = now;
  return 0;
}

// Dispatches ----------------------------------------------------------------------------------------

void Gateway::dispatch(std::string_view event, Snowflake server, const json::Object& body, Snowflake about) {
  if (is_hidden(server, event, body)) return;
  forget_lost_sessions();
  std::size_t told = 0;
  for (const auto& [id, session] : sessions_) {
    if (!of_shard(*session, server) || !wants(*session, event, server, body)) continue;
    pass_on(session, server, event, visible(*session, event, server, body));
    ++told;
  }
  stage_.witness.dispatched(event, server, about, told, stage_.clock.now());
}

/// Of a server that threw the bot out, or that is in an outage, nothing is heard but that; of what needs a
/// permission, nothing without it.
bool Gateway::is_hidden(Snowflake id, std::string_view event, const json::Object& body) const {
  using namespace permission;  // NOLINT: a list of bits
  const Server* server = stage_.world.server(id);
  if (server == nullptr) return false;
  const bool gone = !server->bot_present || server->outage;
  if (gone) return event != "GUILD_CREATE" && event != "GUILD_DELETE";
  const Snowflake bot = stage_.world.bot.id;
  const auto lacks = [&](std::uint64_t any) { return (server_permissions(*server, bot) & any) == 0; };
  if (event.starts_with("GUILD_AUDIT_")) return lacks(kViewAuditLog);
  if (event.starts_with("GUILD_BAN_")) return lacks(kBanMembers | kViewAuditLog);
  if (!event.starts_with("INVITE_")) return false;
  const Channel* channel = server->channel(static_cast<Snowflake>(json::id(body, "channel_id").value_or(0)));
  return channel != nullptr &&
         (effective_permissions(*server, bot, *channel, stage_.clock.now()) & kManageChannels) == 0;
}

bool Gateway::of_shard(const Session& session, Snowflake server) const {
  return (server >> 22) % session.shards == session.shard;
}

bool Gateway::wants(const Session& session, std::string_view event, Snowflake server,
                    const json::Object& body) const {
  const std::int64_t intent = intent_of(event, server == 0);
  if (intent == 0 || (session.intents & intent) != 0) return true;
  // What happens to the bot itself it hears without the intent.
  const auto* user = body.if_contains("user");
  return event == "GUILD_MEMBER_UPDATE" && user != nullptr &&
         json::text_or(*user, "id", "") == std::to_string(stage_.world.bot.id);
}

/// Without the MESSAGE_CONTENT intent the content is there but empty, except in the bot's own messages,
/// in direct ones and in those that mention it.
json::Object Gateway::visible(const Session& session, std::string_view event, Snowflake server,
                              json::Object body) const {
  const bool message = event == "MESSAGE_CREATE" || event == "MESSAGE_UPDATE";
  if (!message || server == 0 || (session.intents & kIntentContent) != 0) return body;
  const bool own = json::text_or(body["author"], "id", "") == std::to_string(stage_.world.bot.id);
  if (own || mentions(body, stage_.world.bot.id)) return body;
  body["content"] = "";
  for (const char* key : {"embeds", "attachments", "components"}) body[key] = json::Array{};
  return body;
}

void Gateway::pass_on(const std::shared_ptr<Session>& session, Snowflake server, std::string_view event,
                      json::Object body) {
  if (stage_.faults.strikes(Fault::gateway_lost)) return;
  if (session->held) {
    const bool overtakes = session->held->server != server;
    if (!overtakes) release_held(*session);
    deliver(*session, event, std::move(body));
    release_held(*session);
  } else if (stage_.faults.on(Fault::gateway_reorder)) {
    session->held = Held{std::string(event), server, std::move(body)};
    stage_.spawn("gateway held back", [this, session] { return release_soon(session); });
  } else {
    deliver(*session, event, std::move(body));
  }
}

Task<void> Gateway::release_soon(std::shared_ptr<Session> session) {
  if (co_await stage_.naps.rest(kHeldBack)) release_held(*session);
}

void Gateway::release_held(Session& session) {
  if (!session.held) return;
  Held held = *std::exchange(session.held, std::nullopt);
  deliver(session, held.event, std::move(held.body));
}

void Gateway::deliver(Session& session, std::string_view event, json::Object body) {
  json::Value data = std::move(body);
  if (stage_.faults.on(Fault::gateway_numeric_ids)) make_ids_numbers(data);
  const std::string text = json::write(data);
  const int times = stage_.faults.on(Fault::gateway_duplicates) ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    ++session.seq;
    session.replay.push_back(fmt::format(R"({{"t":"{}","s":{},"op":0,"d":{}}})", event, session.seq, text));
    if (session.connection) session.connection->send(session.replay.back());
    if (session.replay.size() > kReplayKept) session.replay.pop_front();
  }
}

// From outside --------------------------------------------------------------------------------------

json::Object Gateway::start_limit() const {
  const auto gone = steady_clock::now() - day_started_;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::hours(24) - gone);
  return {{"total", options_.identifies_per_day},
          {"remaining", std::max(0, options_.identifies_per_day - identified_today_)},
          {"reset_after", std::max<std::int64_t>(0, left.count())},
          {"max_concurrency", options_.identifies_at_once}};
}

std::size_t Gateway::connections() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(peers_, [](const auto& peer) { return !peer->connection->silent(); }));
}

void Gateway::ask_reconnect() {
  for (const auto& peer : peers_) peer->connection->send(frame(kReconnect, nullptr));
}

void Gateway::invalidate(bool resumable) {
  for (const auto& peer : peers_) {
    leave(*peer);
    peer->session = nullptr;
    peer->connection->send(frame(kInvalidSession, resumable));
  }
  if (!resumable) sessions_.clear();
}

void Gateway::ask_heartbeat() {
  for (const auto& peer : peers_) peer->connection->send(frame(kHeartbeat, nullptr));
}

void Gateway::fall_silent() {
  for (const auto& peer : peers_) peer->connection->fall_silent();
}

void Gateway::close_all(std::uint16_t code) {
  for (const auto& peer : peers_) peer->connection->close(code);
}

}  // namespace guildhall::sim
