// /api/v1, as openapi.yaml says: the session, the servers, and what features declare (bot/routes.h).
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bot/dispatcher.h"
#include "bot/feature.h"
#include "bot/topics.h"
#include "net/http.h"
#include "web/doors.h"
#include "web/rights.h"
#include "web/sessions.h"

namespace guildhall::web {

class Api {
 public:
  /// All of it outlives this.
  Api(boost::asio::io_context& loop, tenancy::Tenancy& tenancy, const bot::Declarations& declarations,
      bot::Dispatcher& dispatcher, bot::TopicHub& topics, Sessions& sessions, const Clock& clock,
      const Doors& doors);

  Task<net::HttpResponse> handle(net::HttpRequest request);

  /// The streamer came back from Kick: the server for which he consented listens to his channel. Where the
  /// browser goes next.
  Task<Result<std::string>> finish_kick(Session session, std::string state, std::string code,
                                        std::string address);

 private:
  Task<net::HttpResponse> sign_in(net::HttpRequest request);
  Task<net::HttpResponse> handle_signed_in(net::HttpRequest request, Session session);
  /// A server that is open to a session, as far as `access` goes: to look at least.
  struct Opened {
    tenancy::ServerScope scope;
    tenancy::Access access;
  };
  /// Error `not_found`, whether it does not exist or is not theirs; `unavailable`.
  Task<Result<Opened>> open(Session session, ServerId server);
  Task<Result<Opened>> look_up(Session session, ServerId server);
  Task<void> renew(std::string hash, net::HttpResponse& response);
  /// Nothing: nobody can say just now.
  Task<std::optional<bool>> may_see(Session session, ServerId server);
  Task<Result<void>> may_change(Session session, ServerId server);
  tenancy::Granter granter(const Session& session) const;
  Task<net::HttpResponse> list_channels(Session session);
  boost::json::object grant_json(const tenancy::ChannelGrant& grant, const tenancy::Channel& channel) const;
  Task<net::HttpResponse> withdraw(Session session, std::string rest);
  Task<void> list_server(Session session, ServerId server, std::vector<boost::json::object>& rows,
                         std::optional<Error>& trouble);
  Task<net::HttpResponse> list_servers(Session session);
  net::HttpResponse listen(const net::HttpRequest& request, Session session);
  Task<net::HttpResponse> check_setup(Session session);
  Task<net::HttpResponse> handle_server(net::HttpRequest request, Session session, std::string rest);
  Task<net::HttpResponse> change_channel(net::HttpRequest request, Session session, ServerId server);
  Task<net::HttpResponse> run_route(const bot::RouteSpec& route, net::HttpRequest request, Session session,
                                    tenancy::ServerScope scope,
                                    std::map<std::string, std::string, std::less<>> path);
  Task<boost::json::object> overview(Opened opened, bool detailed);

  boost::asio::io_context& loop_;
  tenancy::Tenancy& tenancy_;
  const bot::Declarations& declarations_;
  bot::Dispatcher& dispatcher_;
  bot::TopicHub& topics_;
  Sessions& sessions_;
  const Clock& clock_;
  const Doors& doors_;
  Rights rights_;
  SeenRights seen_;
  CallLimit sign_ins_{10, std::chrono::minutes(15)};
  CallLimit floods_{6'000, std::chrono::minutes(1)};
  /// Of one session. An open page of a busy server asks about ten times a second.
  CallLimit calls_{1'200, std::chrono::minutes(1)};
  /// Each asks Discord and Kick a few things.
  CallLimit checkups_{10, std::chrono::minutes(1)};
  /// Of one session; the tabs of one browser share one.
  Places streams_{20};
};

}  // namespace guildhall::web
