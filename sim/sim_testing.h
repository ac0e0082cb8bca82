// For the tests of this room: a simulation on a loop of the test's own, with a client beside it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "sim/sim.h"
#include "tests/contract/openapi_check.h"

namespace guildhall::sim {

/// An empty folder that goes when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "guildhall-sim-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline const contract::OpenApi& discord_api() {
  static const auto api =
      contract::OpenApi::load(GUILDHALL_SOURCE_DIR "/tests/fixtures/official/discord-openapi.json");
  return api.value();
}

class SimTest : public testing::Test {
 protected:
  /// Making an RSA key takes longer than most tests.
  static std::filesystem::path kept_key() {
    static const TemporaryFolder folder;
    return folder / "kick.pem";
  }

  SimTest() {
    options_.clock = &clock_;
    options_.key_file = kept_key();
  }
  ~SimTest() override { end(); }

  void start() {
    auto made = Simulation::start(loop_, options_);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    sim_ = std::move(*made);
    contract_ = *json::parse(sim_->contract_json());
  }
  /// Ends the simulation and lets everything on the loop come to rest.
  void end() {
    if (!sim_) return;
    sim_.reset();
    loop_.restart();
    loop_.run_for(std::chrono::milliseconds(50));
  }

  /// Runs one coroutine on the loop, beside the simulation, until it is done.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(loop_, std::move(task), [&](std::exception_ptr error, T value) {
      if (error) std::rethrow_exception(error);
      result.emplace(std::move(value));
    });
    loop_.restart();
    while (!result && loop_.run_one_for(std::chrono::seconds(10)) > 0) {
    }
    return std::move(result.value());
  }
  /// Runs the loop until `done`, at most for 10 seconds; false then.
  bool run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    loop_.restart();
    while (!done() && std::chrono::steady_clock::now() < deadline)
      loop_.run_one_for(std::chrono::milliseconds(20));
    return done();
  }

  net::HttpResponse send(net::HttpRequest request) {
    auto response = run(client_.send(std::move(request)));
    EXPECT_TRUE(response.has_value()) << response.error().message;
    return response.value_or(net::HttpResponse{0, {}, "", {}});
  }

  std::string text(std::string_view part, std::string_view key) const {
    return json::text_or(*json::find(contract_, part), key, "");
  }

  /// A call to the control interface; its answer.
  json::Value control(const std::string& method, const std::string& path, const json::Value& body = nullptr) {
    net::HttpRequest request{method, json::text_or(contract_, "control", "") + path};
    if (!body.is_null()) request.body = json::write(body);
    const auto response = send(std::move(request));
    EXPECT_EQ(response.status, 200) << path << ": " << response.body;
    return json::parse(response.body).value_or(json::Value(nullptr));
  }

  /// A call to Discord's REST interface with the bot's token. What comes back has the shape that Discord
  /// describes, whatever it is.
  net::HttpResponse rest(const std::string& method, const std::string& path,
                         const json::Value& body = nullptr) {
    net::HttpRequest request{method, text("discord", "rest") + "/v10/" + path};
    request.headers = {{"User-Agent", "DiscordBot (https://example.invalid, 1)"},
                       {"Authorization", "Bot " + text("discord", "token")}};
    if (!body.is_null()) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = json::write(body);
    }
    const auto response = send(std::move(request));
    const bool page = response.header("content-type").value_or("").starts_with("text/html");
    const bool known = discord_api().describes(method, "/" + path);
    if (!known) EXPECT_TRUE(response.status == 404 || response.status == 405) << path;
    // Of a 429 the code is left out, whatever the description says.
    if (!known || page || response.status >= 429) return response;
    EXPECT_THAT(discord_api().check_answer(method, "/" + path, response.status, response.body),
                testing::IsEmpty())
        << method << " " << path << " " << response.body;
    return response;
  }

  const Server& server(std::size_t index) { return sim_->world().servers[index]; }
  std::string id(Snowflake value) const { return std::to_string(value); }

  boost::asio::io_context loop_{1};
  ManualClock clock_{from_micros(1'780'000'000'000'000)};
  SimOptions options_;
  net::HttpClient client_{loop_, {}};
  std::unique_ptr<Simulation> sim_;
  json::Value contract_;
};

inline json::Value body_of(const net::HttpResponse& response) {
  return json::parse(response.body).value_or(json::Value(nullptr));
}
inline std::int64_t code_of(const net::HttpResponse& response) {
  return json::integer(body_of(response), "code").value_or(-1);
}

}  // namespace guildhall::sim
