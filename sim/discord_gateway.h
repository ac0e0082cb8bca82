// The simulated Discord gateway, version 10: HELLO, IDENTIFY, RESUME with replay, heartbeats, intents,
// limits and close codes as the documentation states them. Heartbeats, spacing and the life of a lost
// session are network matters and run in real time.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "net/http.h"
#include "net/websocket_client.h"
#include "sim/gateway_connection.h"
#include "sim/member_chunks.h"
#include "sim/stage.h"

namespace guildhall::sim {

struct GatewayOptions {
  std::chrono::milliseconds heartbeat_interval{41'250};
  std::chrono::milliseconds identify_spacing{5'000};
  std::chrono::seconds session_life{300};  // of one that lost its connection
  int identifies_per_day = 1'000;
  int shards = 1;              // as many as bots are told to have
  int identifies_at_once = 1;  // "max_concurrency"
};

class Gateway {
 public:
  Gateway(Stage& stage, GatewayOptions options, std::string token);

  /// Where clients connect; known once the server listens.
  void set_url(std::string url) { url_ = std::move(url); }
  const std::string& url() const { return url_; }

  /// One connection, until it ends.
  Task<void> serve(std::shared_ptr<net::WebSocket> socket, net::HttpRequest request);

  /// Tells every session of the server's shard that asked for such events; server 0 means shard 0.
  void dispatch(std::string_view event, Snowflake server, const json::Object& body, Snowflake about = 0);

  /// {total, remaining, reset_after, max_concurrency}
  json::Object start_limit() const;
  int shards() const { return options_.shards; }
  std::size_t connections() const;
  /// How often a session was begun while another one served the same shard: every event came twice then.
  std::int64_t served_twice() const { return served_twice_; }

  /// What a gateway does to its clients now and then, to all of them at once.
  void ask_reconnect();
  void invalidate(bool resumable);
  void ask_heartbeat();
  void close_all(std::uint16_t code);
  /// Connections of now say nothing more, nor answer a close.
  void fall_silent();

 private:
  using Time = std::chrono::steady_clock::time_point;

  /// A dispatch that lets its neighbour go first.
  struct Held {
    std::string event;
    Snowflake server = 0;
    json::Object body;
  };
  struct Session {
    std::string id;
    std::int64_t intents = 0;
    std::uint64_t shard = 0;
    std::uint64_t shards = 1;
    std::int64_t seq = 0;
    std::deque<std::string> replay;  // frames up to seq, in order
    std::shared_ptr<GatewayConnection> connection;
    Time left_at;
    std::map<Snowflake, Time> members_asked;  // full lists, by server
    std::optional<Held> held;
  };
  struct Peer {
    std::shared_ptr<GatewayConnection> connection;
    std::shared_ptr<Session> session;
    std::deque<Time> frames;  // of the last minute
    Time connected_at;
    Time last_beat;
  };

  /// A client that talks to a dead line, until it resumes elsewhere.
  Task<void> wait_out(std::shared_ptr<GatewayConnection> connection);
  /// Ends a connection that does not identify or stops beating.
  Task<void> watch(std::shared_ptr<Peer> peer);
  std::chrono::milliseconds beat_interval() const;
  bool open(Peer& peer, const net::HttpRequest& request);
  void leave(Peer& peer);
  void receive(Peer& peer, std::string_view text);
  /// The 4096 bytes and the 120 frames a minute.
  bool within_limits(Peer& peer, std::string_view text);
  void beat(Peer& peer);
  void identify(Peer& peer, const json::Value& data);
  /// Did another shard that has to keep its distance identify just before? Notes this one's moment if not.
  bool too_soon(const json::Value& data);
  /// The close code that the IDENTIFY deserves, or 0.
  std::uint16_t refusal(const json::Value& data) const;
  bool is_own_token(const json::Value& data) const;
  void start_session(Peer& peer, const json::Value& data);
  void note_twins(const Session& session);
  json::Array guilds_of(const Session& session) const;
  void send_guilds(Session& session);
  void resume(Peer& peer, const json::Value& data);
  /// What was missed, from `missed` dispatches ago on.
  void replay(Peer& peer, Session& session, std::size_t missed);
  /// What goes wrong right behind READY or RESUMED.
  void trouble(Peer& peer);
  void request_members(Peer& peer, const json::Value& data);
  /// Seconds until the full list may be asked for again, 0 for now; notes that it is.
  double list_pause(Session& session, Snowflake server);

  bool is_hidden(Snowflake id, std::string_view event, const json::Object& body) const;
  bool wants(const Session& session, std::string_view event, Snowflake server,
             const json::Object& body) const;
  bool of_shard(const Session& session, Snowflake server) const;
  json::Object visible(const Session& session, std::string_view event, Snowflake server,
                       json::Object body) const;
  /// Delivers, unless a fault loses the dispatch or lets another one overtake it.
  void pass_on(const std::shared_ptr<Session>& session, Snowflake server, std::string_view event,
               json::Object body);
  Task<void> release_soon(std::shared_ptr<Session> session);
  void release_held(Session& session);
  void deliver(Session& session, std::string_view event, json::Object body);
  void forget_lost_sessions();

  Stage& stage_;
  GatewayOptions options_;
  std::string token_;
  std::string url_;
  std::map<std::string, std::shared_ptr<Session>> sessions_;
  std::set<std::shared_ptr<Peer>> peers_;
  std::map<std::uint64_t, Time> last_identify_;  // by what the shard's index leaves by identifies_at_once
  Time day_started_;
  int identified_today_ = 0;
  std::int64_t served_twice_ = 0;
};

}  // namespace guildhall::sim
