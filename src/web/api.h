// /api/v1, as openapi.yaml says: the session, the servers, and what features declare (bot/routes.h).
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <vector>

#include "bot/dispatcher.h"
#include "bot/feature.h"
#include "bot/topics.h"
#include "net/http.h"
#include "web/sessions.h"

namespace guildhall::web {

/// What the dashboard needs of a platform's bridge, when there is one.
struct KickDoor {
  struct Connected {
    ServerId server;   // for which it was begun
    std::string slug;  // of the streamer's channel
  };
  std::function<Task<Result<std::string>>(std::string session_hash, ServerId server)> start_connect;
  std::function<Task<Result<Connected>>(std::string state, std::string code, std::string session_hash)>
      finish_connect;
  std::function<std::string(ServerId server)> channel_problem;
};

/// Why a server's messages are not sent to Discord: what lacks, where, and the way out. May be null.
using UnsentDoor = std::function<std::vector<Error>(ServerId server)>;

class Api {
 public:
  Api(boost::asio::io_context& loop, tenancy::Tenancy& tenancy, const bot::Declarations& declarations,
      bot::Dispatcher& dispatcher, bot::TopicHub& topics, Sessions& sessions, const Clock& clock,
      KickDoor kick, UnsentDoor unsent);

  Task<net::HttpResponse> handle(net::HttpRequest request);

  /// The streamer came back from Kick: keeps the consent, and lets the server listen to the channel if it
  /// listened to none. Where the browser goes next.
  Task<Result<std::string>> finish_kick(Session session, std::string state, std::string code);

 private:
  Task<net::HttpResponse> sign_in(net::HttpRequest request);
  Task<net::HttpResponse> handle_signed_in(net::HttpRequest request, Session session);
  Task<net::HttpResponse> handle_server(net::HttpRequest request, Session session, std::string rest);
  Task<net::HttpResponse> run_route(const bot::RouteSpec& route, net::HttpRequest request, Session session,
                                    tenancy::ServerScope scope,
                                    std::map<std::string, std::string, std::less<>> path);
  Task<boost::json::object> overview(tenancy::ServerScope scope, bool detailed);

  boost::asio::io_context& loop_;
  tenancy::Tenancy& tenancy_;
  const bot::Declarations& declarations_;
  bot::Dispatcher& dispatcher_;
  bot::TopicHub& topics_;
  Sessions& sessions_;
  const Clock& clock_;
  KickDoor kick_;
  UnsentDoor unsent_;
  CallLimit sign_ins_{10, std::chrono::minutes(15)};
  CallLimit floods_{6'000, std::chrono::minutes(1)};
  /// Of one session. An open page of a busy server asks about ten times a second.
  CallLimit calls_{1'200, std::chrono::minutes(1)};
};

}  // namespace guildhall::web
