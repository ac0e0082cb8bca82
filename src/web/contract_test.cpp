// The API and its contract: whatever openapi.yaml describes is answered, and nothing else is.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

#include "base/json.h"
#include "tests/support/test_world.h"
#include "web/api.h"

namespace guildhall::web {
namespace {

using testing::HasSubstr;

constexpr std::string_view kBelowServer = "/api/v1/servers/{server}";

struct Operation {
  std::string method;
  std::string path;
  auto operator<=>(const Operation&) const = default;
};

/// The file is laid out in one way only: paths two blanks in, methods four.
std::set<Operation> contract() {
  std::ifstream file(std::string(GUILDHALL_SOURCE_DIR) + "/src/web/openapi.yaml");
  const std::regex path(R"(  (/\S+):)");
  const std::regex method("    (get|put|post|delete|patch|head|options):");
  std::set<Operation> operations;
  std::string line;
  std::string current;
  for (bool inside = false; std::getline(file, line);) {
    std::smatch found;
    if (!line.empty() && line[0] != ' ') inside = line == "paths:";
    if (!inside) continue;
    if (std::regex_match(line, found, path)) current = found[1];
    if (!std::regex_match(line, found, method)) continue;
    std::string name = found[1];
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    operations.insert({name, current});
  }
  return operations;
}

class Contract : public testing::Test {
 protected:
  Contract() {
    world_.server(1);
    const std::string code = net::run_to_end(sessions_.make_login_code({"operator", "command_line"}));
    session_id_ = *net::run_to_end(sessions_.sign_in(code));
    csrf_ = net::run_to_end(sessions_.find(session_id_))->csrf_token;
    loops_.start();
  }
  ~Contract() override { loops_.stop(); }

  net::HttpResponse call(Operation operation, std::string body = "{}") {
    net::HttpRequest request;
    request.method = std::move(operation.method);
    request.url = std::regex_replace(operation.path, std::regex(R"(\{server\})"), "1");
    request.url = std::regex_replace(request.url, std::regex(R"(\{key\})"), "points_per_5min");
    request.headers = {{"cookie", "guildhall_session=" + session_id_}, {"x-csrf-token", csrf_}};
    request.body = std::move(body);
    request.peer = peer_;
    return net::run_to_end(api_.handle(std::move(request)));
  }
  static std::string error_code(const net::HttpResponse& response) {
    const auto body = json::parse(response.body);
    const json::Value* error = body ? json::find(*body, "error") : nullptr;
    return error == nullptr ? "" : json::text_or(*error, "code", "");
  }

  net::Loops loops_{1};  // outlive the database, whose answers they carry
  test::TestWorld world_;
  bot::TopicHub topics_;
  bot::Dispatcher dispatcher_{loops_, world_.declarations, world_.clock, topics_, world_.metrics};
  Sessions sessions_{world_.tenancy->global(), world_.clock};
  const Doors doors_{.kick = {.gaps = [](ServerId) -> Task<std::vector<bot::ChannelGap>> {
                       const TimePoint from = from_micros(1'700'000'000'000'000);
                       co_return std::vector<bot::ChannelGap>{
                           {from, std::nullopt, "silent"}, {from, from + std::chrono::hours(1), "stopped"}};
                     }},
                     .unsent =
                         [](ServerId server) {
                           const Error error{ErrorCode::forbidden,
                                             "the bot lacks \"Send Messages\" in channel 5", "Allow it."};
                           return std::vector<Error>(server == ServerId(1) ? 1 : 0, error);
                         },
                     .checkup = []() -> Task<bot::Checkup> { co_return bot::Checkup{}; }};
  Api api_{loops_.main(), *world_.tenancy, world_.declarations, dispatcher_,
           topics_,       sessions_,       world_.clock,        doors_};
  std::string session_id_;
  std::string csrf_;
  std::string peer_ = "127.0.0.1";
};

TEST_F(Contract, HoldsEveryRouteThatAFeatureDeclares) {
  const auto described = contract();
  ASSERT_FALSE(world_.declarations.routes.all().empty());
  for (const bot::RouteSpec& route : world_.declarations.routes.all()) {
    EXPECT_TRUE(described.contains({route.method, std::string(kBelowServer) + route.path}))
        << route.owner << " declares " << route.method << ' ' << route.path
        << ", which openapi.yaml does not describe";
  }
}

TEST_F(Contract, EveryOperationIsAnswered) {
  const auto described = contract();
  ASSERT_GE(described.size(), 12U) << "openapi.yaml was not read";
  for (const Operation& operation : described) {
    if (operation == Operation{"DELETE", "/api/v1/session"}) continue;  // would end the others' session
    const auto response = call(operation);
    EXPECT_NE(response.status, 404) << operation.method << ' ' << operation.path;
  }
  EXPECT_EQ(call({"DELETE", "/api/v1/session"}).status, 204);
}

TEST_F(Contract, WhatItDoesNotDescribeIsNotThere) {
  const auto described = contract();
  for (const Operation& known : described) {
    for (const char* method : {"GET", "PUT", "POST", "DELETE", "PATCH"}) {
      const Operation operation{method, known.path};
      if (described.contains(operation)) continue;
      EXPECT_EQ(call(operation).status, 404) << method << ' ' << known.path;
    }
  }
  EXPECT_EQ(call({"GET", "/api/v1/nothing"}).status, 404);
  EXPECT_EQ(call({"GET", "/api/v1/servers/1/nothing"}).status, 404);
}

TEST_F(Contract, WithoutASessionEverythingIsClosed) {
  session_id_ = "wrong";
  for (const Operation& operation : contract()) {
    const auto response = call(operation);
    const bool sign_in = operation == Operation{"POST", "/api/v1/session"};
    const bool ways_in = operation == Operation{"GET", "/api/v1/sign-in"};
    EXPECT_EQ(response.status, ways_in   ? 200
                               : sign_in ? 400
                                         : 401)
        << operation.method << ' ' << operation.path;
  }
}

TEST_F(Contract, AChangeNeedsTheSessionsToken) {
  csrf_ = "wrong";
  for (const Operation& operation : contract()) {
    if (operation.method == "GET" || operation == Operation{"POST", "/api/v1/session"}) continue;
    const auto response = call(operation);
    EXPECT_EQ(response.status, 403) << operation.method << ' ' << operation.path;
    EXPECT_EQ(error_code(response), "forbidden");
  }
}

/// Histories, logs and pages of others get to see addresses.
TEST_F(Contract, ASessionInTheAddressOpensNothing) {
  net::HttpRequest request;
  request.url = "/api/v1/session";
  request.query = {{"guildhall_session", session_id_}, {"session", session_id_}, {"token", session_id_}};
  request.peer = "127.0.0.1";
  EXPECT_EQ(net::run_to_end(api_.handle(request)).status, 401);
  request.headers = {{"cookie", "guildhall_session=" + session_id_}};
  EXPECT_EQ(net::run_to_end(api_.handle(request)).status, 200);
  request.method = "DELETE";
  request.query = {{"csrf_token", csrf_}, {"x-csrf-token", csrf_}};
  EXPECT_EQ(net::run_to_end(api_.handle(request)).status, 403);
}

TEST_F(Contract, CallsOfOneAddressAndOfOneSessionAreLimited) {
  peer_ = "192.0.2.1";
  const auto refused = [&](int calls, const Operation& operation, const std::string& body) {
    int count = 0;
    for (int i = 0; i < calls; ++i) {
      const auto response = call(operation, body);
      count += response.status == 429 ? 1 : 0;
      EXPECT_EQ(response.status == 429, response.header("retry-after").has_value());
    }
    return count;
  };
  EXPECT_EQ(refused(12, {"POST", "/api/v1/session"}, R"({"code":"wrong"})"), 2);
  peer_ = "192.0.2.2";
  EXPECT_EQ(refused(1, {"POST", "/api/v1/session"}, R"({"code":"wrong"})"), 0) << "another's is his own";
  EXPECT_GT(refused(1'500, {"GET", "/api/v1/session"}, ""), 100) << "of one session, wherever it is";
  session_id_ = "none";
  EXPECT_EQ(call({"GET", "/api/v1/session"}).status, 401);
  EXPECT_GT(refused(6'000, {"GET", "/api/v1/session"}, ""), 100) << "of one address, whatever its session";
  peer_ = "192.0.2.3";
  EXPECT_EQ(call({"GET", "/api/v1/session"}).status, 401);
}

TEST_F(Contract, AServerIsToldWhyItsMessagesDoNotAppear) {
  world_.server(3);
  const auto unsent = [&](std::string server) {
    const auto body = json::parse(call({"GET", "/api/v1/servers/" + server}).body);
    return json::write(body->at("unsent"));
  };
  EXPECT_EQ(unsent("1"),
            R"([{"problem":"the bot lacks \"Send Messages\" in channel 5","way_out":"Allow it."}])");
  EXPECT_EQ(unsent("3"), "[]");
}

TEST_F(Contract, AServerIsToldWhenNotEverythingCame) {
  const auto body = json::parse(call({"GET", "/api/v1/servers/1"}).body);
  EXPECT_EQ(json::write(body->at("gaps")),
            R"([{"from":"2023-11-14T22:13:20Z","until":null,"reason":"silent"},)"
            R"({"from":"2023-11-14T22:13:20Z","until":"2023-11-14T23:13:20Z","reason":"stopped"}])");
}

TEST_F(Contract, ServersThatAreNotThereAndGarbageLookAlike) {
  for (const char* server : {"2", "0", "-1", "x", "99999999999999999999", "1%00"}) {
    const auto response = call({"GET", fmt::format("/api/v1/servers/{}", server)});
    EXPECT_EQ(response.status, 404) << server;
    EXPECT_EQ(error_code(response), "not_found") << server;
  }
}

TEST_F(Contract, BodiesThatCannotBeMeantAreRefusedInWords) {
  const Operation change{"PUT", "/api/v1/servers/{server}/settings/{key}"};
  for (const char* body : {"", "[", "[]", "{}", "null", R"({"value":5,"expected":null})",
                           R"({"value":"x","expected":null})", R"({"value":"-1","expected":null})"}) {
    const auto response = call(change, body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(error_code(response), "invalid") << body;
  }
  EXPECT_EQ(call(change, R"({"value":"5","expected":null})").status, 200);
  EXPECT_EQ(call(change, R"({"value":"6","expected":null})").status, 409) << "somebody else was first";
}

}  // namespace
}  // namespace guildhall::web
