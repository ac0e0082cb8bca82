// How a feature declares its dashboard routes, without knowing web. Every route here is below
// /api/v1/servers/{server}; web checks the session and its rights there and opens the scope.
// web/openapi.yaml is the contract; a test compares the two.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/task.h"
#include "bot/context.h"
#include "tenancy/audit.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

struct RouteCall {
  tenancy::ServerScope scope;
  TimePoint now;
  tenancy::Actor actor;
  std::map<std::string, std::string, std::less<>> query;
  std::map<std::string, std::string, std::less<>> path;  // {key} segments
  boost::json::value body;                               // null without one
  std::string language;                                  // of the person who looks: "en", "de"
  std::string session;                                   // hash of the session's id

  std::string text_query(std::string_view name, std::string_view otherwise) const;
  /// Error `invalid` names the parameter.
  Result<std::int64_t> integer_query(std::string_view name, std::int64_t otherwise, std::int64_t least,
                                     std::int64_t most) const;
};

struct RouteAnswer {
  boost::json::value body;
  /// The server's settings are others now: everybody follows them at once.
  bool settings_changed = false;
  /// Something was put into the outbox.
  bool outbox = false;
};

/// A request that a server which has set nothing by itself answers with 200.
struct RouteExample {
  std::map<std::string, std::string, std::less<>> path = {};  // a value for each {key} segment
  std::map<std::string, std::string, std::less<>> query = {};
  boost::json::value body = nullptr;
};

struct RouteSpec {
  std::string owner;
  std::string method;  // GET, PUT, POST, DELETE
  std::string path;    // "/leaderboard", "/settings/{key}"
  /// The least that somebody must be to the server.
  tenancy::Access needs;
  std::function<Task<Result<RouteAnswer>>(RouteCall)> handler;
  /// None: the bare path, without query and body.
  std::vector<RouteExample> examples = {};
};

class RouteRegistry {
 public:
  void add(RouteSpec route) { routes_.push_back(std::move(route)); }
  const std::vector<RouteSpec>& all() const { return routes_; }

 private:
  std::vector<RouteSpec> routes_;
};

}  // namespace guildhall::bot
