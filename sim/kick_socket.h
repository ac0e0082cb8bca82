// The chat socket of Kick's own site: a service of the Pusher protocol, version 7, on which every chat is
// heard by whoever asks for its chatroom. And the site's page data, where a chatroom's number stands.
//
// Nobody says here what he has taken, so that the witness knows nothing of it.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "net/websocket_client.h"
#include "sim/random.h"
#include "sim/router.h"
#include "sim/stage.h"

namespace guildhall::sim {

/// A chatroom's, a channel's and a streamer's number are three.
KickId chatroom_of(KickId broadcaster);

class KickSocket {
 public:
  explicit KickSocket(Stage& stage);

  const std::string& app_key() const { return app_key_; }

  /// Serves a connection until it ends.
  Task<void> serve(std::shared_ptr<net::WebSocket> socket, net::HttpRequest request);
  /// GET /api/v2/channels/SLUG of the site.
  net::HttpResponse answer(const net::HttpRequest& request);

  /// Somebody has written: to everybody who listens there.
  struct Said {
    const KickUser* sender = nullptr;
    json::Array badges;
    std::string message_id;
    std::string content;
    std::string created_at;
  };
  void tell_chat(const KickChannel& channel, Said said);

  /// To everybody: any frame; or all are sent away with that code.
  void send_all(const std::string& frame);
  void close_all(std::uint16_t code);

  /// {"connections", "pings", "pongs", "channels": [those that somebody listens to]}
  json::Object describe() const;

 private:
  struct Connection {
    std::shared_ptr<net::WebSocket> socket;
    std::set<std::string> channels;
    bool closing = false;
  };

  /// Why it is not served: code and message; nothing: it is.
  std::optional<std::pair<std::uint16_t, std::string>> refusal(const net::HttpRequest& request) const;
  void receive(Connection& connection, std::string_view text);
  void send(const Connection& connection, std::string frame);

  Stage& stage_;
  std::string app_key_;
  Random random_;
  std::list<Connection> connections_;
  std::int64_t pings_ = 0;  // that came
  std::int64_t pongs_ = 0;
};

}  // namespace guildhall::sim
