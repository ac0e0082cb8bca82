// One shard of the gateway: keeps a session with Discord alive for as long as `run` lasts and hands
// every event to a GatewayHandler.
//
// A session is resumed wherever that is possible, over restarts too (session.h), and identified anew only
// within Discord's budget: when it is lost, or after a start where the state keeps channels or members, of
// which a resumed session would not tell again. What cannot be mended by trying again (a refused token,
// refused intents) ends `run` with an Error in words for the operator. After a resume Discord repeats events,
// and any event may come twice or never: handlers must be idempotent.
//
// Where the state keeps members, those of large guilds are asked for (member_requests.h). Deadlines, limits
// and beats are in steady time: a clock that is set forwards or back disturbs none of them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/metrics.h"
#include "base/task.h"
#include "net/websocket_client.h"
#include "platforms/discord/identify_turns.h"
#include "platforms/discord/inflate.h"
#include "platforms/discord/receipts.h"
#include "platforms/discord/session.h"
#include "platforms/discord/state.h"
#include "platforms/discord/timing.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

enum class GuildArrival {
  filled,  // the bot was in it already: after READY, or back from an outage
  joined,  // the bot was added to it
};

/// Called on the gateway's loop, one after the other. Must not block; what it throws is logged and
/// loses that one event. A receipt is kept until the event is handled: after a restart Discord is asked for
/// everything from the first that is not.
class GatewayHandler {
 public:
  virtual ~GatewayHandler() = default;
  /// A new session: all guilds of the bot by id, each to be followed by on_guild or on_guild_unavailable.
  /// A resumed session brings no READY and tells of no guild again.
  virtual void on_ready(Ready ready, Receipt receipt) = 0;
  /// These privileged intents are not switched on for the bot and their events will not come.
  virtual void on_intents_refused(Intents refused) = 0;
  virtual void on_guild(GuildSnapshot guild, GuildArrival arrival, Receipt receipt) = 0;
  virtual void on_guild_renamed(ServerId guild, std::string name, Receipt receipt) = 0;
  /// An outage on Discord's side: nothing has been removed.
  virtual void on_guild_unavailable(ServerId guild) = 0;
  /// The bot was removed. Discord may say so at every start for a dead guild: never delete data on it.
  virtual void on_guild_removed(ServerId guild, Receipt receipt) = 0;
  /// Roles, a channel, or the bot's own roles are others now: it may be allowed what it was not.
  virtual void on_permissions_changed(ServerId /*guild*/) {}
  virtual void on_member_joined(MemberJoin join, Receipt receipt) = 0;
  /// Left, kicked and banned look the same.
  virtual void on_member_left(MemberLeave leave, Receipt receipt) = 0;
  /// These two are for now or never: nobody waits for an answer to what was said before a restart.
  virtual void on_message(Message message) = 0;
  virtual void on_interaction(Interaction interaction) = 0;
  /// Too much is under way: when the event that is waited for has come, nothing more is read, and Discord
  /// keeps what it has to say, until this is false again. Asked at each event, and then every 50 ms.
  /// Interactions wait as well and are late after 3 s, so this is for events that must not be lost and cannot
  /// be taken.
  virtual bool is_full() const { return false; }
};

struct GatewayOptions {
  std::string token;
  Intents intents = kDefaultIntents;
  std::string gateway_url;  // instead of the one that Discord names
  Compression compression = Compression::zstd;
  Shard shard = {};
  /// Another process has kept the session going until now. Then one that began without privileged intents,
  /// which Discord refused, is taken up so: those that were switched on meanwhile count for the next session.
  bool handed_over = false;
  std::string presence = {};  // as presence_of (protocol.h) reads it
};

/// Opens the transport; the real one is websocket_connector.
using GatewayConnector = std::function<Task<Result<std::unique_ptr<net::WebSocket>>>(std::string url)>;
/// Asks GET /gateway/bot (RestClient::gateway_info). `token_refused` ends the gateway, any other error
/// is tried again.
using GatewayDiscovery = std::function<Task<Result<GatewayInfo>>()>;

struct GatewayHealth {
  bool connected = false;                           // the session is up
  std::optional<std::chrono::nanoseconds> latency;  // of the last heartbeat
  std::optional<TimePoint> last_event_at;           // real time
  std::size_t guilds = 0;                           // known to the session
  std::size_t guilds_pending = 0;                   // of READY's list, not yet told of
  Intents refused_intents = 0;
};

class Gateway {
 public:
  /// `handler`, `state` and `metrics` outlive the gateway. Everything happens on `loop`. The state has taken
  /// over an event before the handler hears of it; several gateways may share one, and all of one bot share
  /// the turns.
  Gateway(boost::asio::io_context& loop, GatewayOptions options, GatewayHandler& handler, State& state,
          std::shared_ptr<SessionStore> store, std::shared_ptr<IdentifyTurns> turns,
          GatewayConnector connector, GatewayDiscovery discovery, std::shared_ptr<Timing> timing,
          Metrics& metrics);
  ~Gateway();

  /// Returns after `stop`, or with what cannot be mended by trying again: `token_refused`,
  /// `configuration`. Called once, on the loop.
  Task<Result<void>> run();
  /// From any thread. Leaves the session so that it can be resumed; `run` returns as soon as that is on
  /// record and the connection is closed, within seconds.
  void stop();
  /// From any thread.
  GatewayHealth health() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

GatewayConnector websocket_connector(net::WebSocketOptions options);

}  // namespace guildhall::discord
