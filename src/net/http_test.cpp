// Client and server against each other over loopback, with and without TLS.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <future>

#include "base/log.h"
#include "net/all_of.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loops.h"
#include "net/oauth.h"
#include "net/url.h"
#include "net/websocket_client.h"
#include "net/websocket_server.h"

namespace guildhall::net {
namespace {

using testing::HasSubstr;

/// Whoever looks up this name hears nothing until then.
constexpr std::string_view kSilentName = "silent.test";
std::promise<void> silence_over;
const std::shared_future<void> silence = silence_over.get_future().share();

}  // namespace
}  // namespace guildhall::net

/// In front of the system's, for every look-up of this program.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  static const auto system =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));  // NOLINT
  if (name == nullptr || name != guildhall::net::kSilentName) return system(name, service, hints, found);
  guildhall::net::silence.wait_for(std::chrono::seconds(10));
  return EAI_AGAIN;
}

namespace guildhall::net {
namespace {

class Http : public testing::Test {
 protected:
  Http() {
    HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.largest_body = 1'000;
    options.trusted_proxies = {"127.0.0.1"};
    options.on_oversized = [this](std::string_view target) { oversized_ = target; };
    server_ = std::move(
        *HttpServer::start(loops_.main(), options, [this](HttpRequest request) -> Task<HttpResponse> {
          if (request.url == "/held") {
            held_.set_value();
            while (!released_) co_await sleep_for(std::chrono::milliseconds(1));
          }
          if (request.url == "/peer") co_return make_response(200, "text/plain", request.peer);
          if (request.url == "/onward") {
            HttpResponse response;
            response.status = 303;
            response.headers = {{"location", request.query["to"]}};
            co_return response;
          }
          if (request.url.starts_with("/throw")) throw std::runtime_error("the secret reason");
          if (request.url == "/stream") {
            HttpResponse response;
            response.headers = {{"content-type", "text/event-stream"}};
            response.stream = [](EventStream& out) -> Task<void> {
              for (int i = 0; i < 3; ++i) co_await out.send("data: " + std::to_string(i) + "\n\n");
            };
            co_return response;
          }
          co_return make_response(
              200, "text/plain",
              request.method + " " + request.url + " " + request.query["q"] + " " + request.body);
        }));
    loops_.start();
  }

  std::string base() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  Result<HttpResponse> send(std::string method, std::string path, std::string body = "") {
    HttpRequest request;
    request.method = std::move(method);
    request.url = base() + path;
    request.body = std::move(body);
    return run_to_end(client_.send(std::move(request)));
  }

  /// Raw bytes to the server, and whatever comes back.
  std::string raw(std::string bytes) {
    boost::asio::io_context loop;
    boost::asio::ip::tcp::socket socket(loop);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), server_->port()});
    boost::asio::write(socket, boost::asio::buffer(bytes));
    socket.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
    std::string answer;
    boost::system::error_code ignored;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), ignored);
    return answer;
  }

  std::promise<void> held_;
  std::atomic<bool> released_ = false;
  std::string oversized_;
  Loops loops_{1};
  std::unique_ptr<HttpServer> server_;
  HttpClient client_{loops_.main(), {}};
};

TEST_F(Http, CarriesMethodPathQueryAndBody) {
  EXPECT_EQ(send("POST", "/a%20b?q=x+y%21", "body")->body, "POST /a b x y! body");
}

TEST_F(Http, AHeadCannotBeginAnotherRequest) {
  HttpRequest request;
  request.url = base() + "/";
  request.headers.emplace_back("x-note", "a\r\nGET /other HTTP/1.1");
  EXPECT_EQ(run_to_end(client_.send(request)).error().code, ErrorCode::invalid);
  request.headers.clear();
  request.url += "?a=\r\nx-note: b";
  EXPECT_EQ(run_to_end(client_.send(request)).error().code, ErrorCode::invalid);
}

TEST_F(Http, AnAnswersHeadCannotBeginAnotherLine) {
  EXPECT_THAT(raw("GET /onward?to=/a HTTP/1.1\r\nhost: x\r\n\r\n"), HasSubstr("location: /a\r\n"));
  const std::string answer = raw("GET /onward?to=/a%0d%0aset-cookie:%20x=1 HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_THAT(answer, testing::AllOf(HasSubstr("500 "), testing::Not(HasSubstr("set-cookie"))));
}

/// Limits stand on it: what is believed is what the nearest proxy has seen.
TEST_F(Http, WhoIsBehindAProxyIsWhomTheProxyNamesLast) {
  const auto peer = [&](const std::string& lines) {
    const std::string answer = raw("GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + lines + "\r\n");
    return answer.substr(answer.find("\r\n\r\n") + 4);
  };
  EXPECT_EQ(peer(""), "127.0.0.1");
  EXPECT_EQ(peer("x-forwarded-for: 192.0.2.1\r\n"), "192.0.2.1");
  EXPECT_EQ(peer("x-forwarded-for: 192.0.2.9, 192.0.2.2\r\n"), "192.0.2.2");
  EXPECT_EQ(peer("x-forwarded-for: 192.0.2.9\r\nX-Forwarded-For: 192.0.2.3\r\n"), "192.0.2.3");
}

TEST(HttpRequests, ArriveAsTheyWereGiven) {
  Loops loops(1);
  HttpRequest seen;
  auto server =
      std::move(*HttpServer::start(loops.main(), {.listen = {"127.0.0.1", 0}, .trusted_proxies = {}},
                                   [&](HttpRequest request) -> Task<HttpResponse> {
                                     seen = std::move(request);
                                     co_return HttpResponse{.status = 204};
                                   }));
  loops.start();
  HttpClient client(loops.main(), {});
  HttpRequest request;
  request.method = "DELETE";
  request.url = "http://127.0.0.1:" + std::to_string(server->port()) + "/a?b=c";
  request.body = std::string(300'000, 'x');
  request.headers.emplace_back("x-forwarded-for", "192.0.2.1");
  ASSERT_EQ(run_to_end(client.exchange(request))->status, 204);
  EXPECT_EQ(seen.method, "DELETE");
  EXPECT_EQ(seen.body, request.body);
  EXPECT_EQ(seen.header("host"), "127.0.0.1:" + std::to_string(server->port()));
  EXPECT_EQ(seen.header("user-agent"), "Guildhall");
  EXPECT_EQ(seen.peer, "127.0.0.1") << "who is no proxy says nothing about it";
  request.headers.emplace_back("User-Agent", "Another");
  request.body.clear();
  ASSERT_EQ(run_to_end(client.exchange(request))->status, 204);
  EXPECT_EQ(seen.header("user-agent"), "Another");
  EXPECT_EQ(seen.header("content-length"), std::nullopt);
}

TEST_F(Http, KeepsItsConnection) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send("GET", "/")->status, 200);
  EXPECT_EQ(client_.connections_opened(), 1U);
}

/// So many callers at once, each so often in turn; the connections that were opened for them.
std::size_t connections_for(boost::asio::io_context& loop, const std::string& url, int callers, int turns) {
  HttpClient client(loop, {.least_patience = std::chrono::minutes(1)});
  const auto call = [](HttpClient* client, std::string url, int turns) -> Task<void> {
    HttpRequest request;
    request.url = std::move(url);
    for (int turn = 0; turn < turns; ++turn) EXPECT_EQ((co_await client->exchange(request))->status, 200);
  };
  std::vector<Task<void>> all;
  for (int i = 0; i < callers; ++i) all.push_back(call(&client, url, turns));
  boost::asio::co_spawn(loop, all_of(std::move(all)), boost::asio::use_future).get();
  return client.connections_opened();
}

TEST_F(Http, ABurstWaitsForTheConnectionThatIsThere) {
  EXPECT_EQ(connections_for(loops_.main(), base() + "/", 20, 1), 1U);
}

/// Whoever has just got an answer asks again before those that waited have woken up.
TEST_F(Http, OneAfterTheOtherIsNoBurstBesideThoseThatWait) {
  EXPECT_EQ(connections_for(loops_.main(), base() + "/", 3, 5), 1U);
}

TEST_F(Http, ASlowExchangeHoldsNobodyUp) {
  auto slow = std::async(std::launch::async, [this] { return send("GET", "/held"); });
  held_.get_future().wait();
  EXPECT_EQ(send("GET", "/")->status, 200);
  EXPECT_EQ(client_.connections_opened(), 2U);
  released_ = true;
  EXPECT_EQ(slow.get()->status, 200);
}

constexpr std::string_view kRight = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nright";
constexpr std::string_view kWrong = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong";

/// Answers the first request of each connection, and keeps that open.
Task<void> answer_each(std::shared_ptr<boost::asio::ip::tcp::acceptor> acceptor, std::string answer,
                       std::shared_ptr<std::deque<boost::asio::ip::tcp::socket>> sockets) {
  for (;;) {
    auto& socket = sockets->emplace_back(co_await acceptor->async_accept(boost::asio::use_awaitable));
    std::string request;
    co_await boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(request), "\r\n\r\n",
                                           boost::asio::use_awaitable);
    co_await boost::asio::async_write(socket, boost::asio::buffer(answer), boost::asio::use_awaitable);
  }
}

/// The words that are answered to two requests, one after the other; `with` comes right behind each answer,
/// `after` comes on the first connection when its answer has been read.
std::vector<std::string> answers_with_surplus(std::string_view with, std::string_view after) {
  using boost::asio::ip::tcp;
  Loops loops(1);
  const auto acceptor = std::make_shared<tcp::acceptor>(
      loops.main(), tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
  const auto sockets = std::make_shared<std::deque<tcp::socket>>();
  boost::asio::co_spawn(loops.main(), answer_each(acceptor, std::string(kRight).append(with), sockets),
                        boost::asio::detached);
  loops.start();
  HttpClient client(loops.main(), {});
  std::vector<std::string> heard;
  for (int i = 0; i < 2; ++i) {
    HttpRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(acceptor->local_endpoint().port());
    const auto response = run_to_end(client.send(std::move(request)));
    heard.push_back(response ? response->body : response.error().message);
    if (i == 0) boost::asio::write(sockets->front(), boost::asio::buffer(after));
  }
  EXPECT_EQ(client.connections_opened(), 2U);
  return heard;
}

TEST(HttpConnections, WhatComesBehindAnAnswerIsNoAnswer) {
  EXPECT_THAT(answers_with_surplus(kWrong, ""), testing::Each("right"));
  EXPECT_THAT(answers_with_surplus("", kWrong), testing::Each("right"));
}

TEST(Lookups, HaveAnEnd) {
  Loops loops(1);
  loops.start();
  HttpClient client(loops.main(), {.connect_timeout = std::chrono::milliseconds(20)});
  HttpRequest request;
  request.url = "http://" + std::string(kSilentName);
  EXPECT_EQ(run_to_end(client.send(std::move(request))).error().code, ErrorCode::timeout);
  auto socket = boost::asio::co_spawn(loops.main(),
                                      connect_websocket("ws://" + std::string(kSilentName),
                                                        {.connect_timeout = std::chrono::milliseconds(20)}),
                                      boost::asio::use_future);
  EXPECT_EQ(socket.get().error().code, ErrorCode::timeout);
  silence_over.set_value();
}

TEST_F(Http, AnOversizedBodyIsRefusedAndAFaultTellsNothing) {
  EXPECT_EQ(send("POST", "/large?x", std::string(1'001, 'x'))->status, 413);
  EXPECT_EQ(oversized_, "/large?x");
  EXPECT_EQ(send("POST", "/", std::string(1'000, 'x'))->status, 200);
  const auto fault = send("GET", "/throw");
  EXPECT_EQ(fault->status, 500);
  EXPECT_THAT(fault->body, testing::Not(HasSubstr("secret reason")));
  std::string log;
  const log::Capture capture([&](std::string_view line) { log += line; });
  EXPECT_EQ(send("GET", "/throw/signed")->status, 500);
  EXPECT_THAT(log, testing::AllOf(HasSubstr("/throw/..."), testing::Not(HasSubstr("signed"))))
      << "an address may be a secret";
}

TEST_F(Http, WhoSendsFarTooMuchStillHearsTheRefusal) {
  const std::string body(4'000'000, 'x');
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n" + body),
                HasSubstr("413"));
  }
}

TEST_F(Http, StreamsEvents) { EXPECT_EQ(send("GET", "/stream")->body, "data: 0\n\ndata: 1\n\ndata: 2\n\n"); }

TEST_F(Http, GarbageDoesNoHarm) {
  EXPECT_THAT(raw("not http at all\r\n\r\n"), testing::AnyOf(HasSubstr("400"), testing::IsEmpty()));
  EXPECT_THAT(raw("GET / HTTP/1.1\r\nx: " + std::string(20'000, 'a') + "\r\n\r\n"), HasSubstr("431"));
  EXPECT_EQ(raw(""), "");
  EXPECT_EQ(send("GET", "/")->status, 200);
}

TEST_F(Http, SaysThatAPortIsTaken) {
  HttpServerOptions options;
  options.listen = {"127.0.0.1", server_->port()};
  const auto second = HttpServer::start(loops_.main(), options,
                                        [](HttpRequest) -> Task<HttpResponse> { co_return HttpResponse{}; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::port_in_use);
}

TEST_F(Http, NobodyThereIsUnavailable) {
  HttpRequest request;
  request.url = "http://127.0.0.1:1/";
  EXPECT_EQ(run_to_end(client_.send(request)).error().code, ErrorCode::unavailable);
  request.url = "nonsense";
  EXPECT_EQ(run_to_end(client_.send(request)).error().code, ErrorCode::invalid);
}

TEST(WebSockets, CarryMessagesBothWaysAndTellTheCloseCode) {
  Loops loops(1);
  auto server = std::move(
      *WebSocketServer::start(loops.main(), {"127.0.0.1", 0},
                              [](std::shared_ptr<WebSocket> socket, HttpRequest request) -> Task<void> {
                                co_await socket->write("hello " + request.query["v"]);
                                auto message = co_await socket->read();
                                if (message) co_await socket->write("echo " + std::string(*message));
                                co_await socket->close(4004);
                              }));
  loops.start();
  std::vector<std::string> heard;
  std::uint16_t code = 0;
  run_to_end([](std::uint16_t port, std::vector<std::string>* into, std::uint16_t* close_code) -> Task<void> {
    auto socket = co_await connect_websocket("ws://127.0.0.1:" + std::to_string(port) + "/?v=10", {});
    for (;;) {
      auto message = co_await (*socket)->read();
      if (!message) break;
      into->emplace_back(*message);
      if (into->size() == 1) co_await (*socket)->write("you");
    }
    *close_code = (*socket)->close_code();
  }(server->port(), &heard, &code));
  EXPECT_THAT(heard, testing::ElementsAre("hello 10", "echo you"));
  EXPECT_EQ(code, 4004);
}

TEST(Urls, AreReadAndWritten) {
  const auto url = *parse_url("https://example.test/a/b?c=d#e");
  EXPECT_EQ(url.origin(), "https://example.test:443");
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(parse_url("ws://[::1]:81")->host, "::1");
  EXPECT_EQ(parse_url("ws://[::1]:81")->port, 81);
  for (const char* text : {"", "example.test", "ftp://x", "http://", "http://x:99999", "http://me@x"})
    EXPECT_FALSE(parse_url(text)) << text;
  for (const char* text :
       {"http://x:y/revoke?token=secret", "x.test/?token=secret", "http://secret@x.test/"}) {
    const Error error = parse_url(text).error();
    EXPECT_THAT(error.message, testing::AllOf(HasSubstr("x"), testing::Not(HasSubstr("secret"))));
  }
  EXPECT_EQ(percent_encode("a b/ü"), "a%20b%2F%C3%BC");
  EXPECT_EQ(percent_decode("a%20b%2"), "a b%2");
  EXPECT_EQ(write_query({{"a", "1"}, {"b", "x y"}}), "a=1&b=x%20y");
  EXPECT_EQ(parse_query("a=1&b=x+y&c&=z").at("b"), "x y");
}

TEST(Pkce, IsTheStandardsOwn) {
  EXPECT_EQ(pkce_challenge("abcdefghijklmnopqrstuvwxyz-0123456789._~ABCDEFG"),
            "glfhHan678wOrFGFEqIBxUgfrV-qm_0rrfZP2OLnqog");
  EXPECT_EQ(make_pkce_verifier().size(), 43U);
  EXPECT_NE(make_pkce_verifier(), make_pkce_verifier());
}

}  // namespace
}  // namespace guildhall::net
