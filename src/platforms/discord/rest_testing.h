// For the tests of the HTTP calls: a client in virtual time whose answers come from a script.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "platforms/discord/rest.h"
#include "platforms/discord/scripted.h"

namespace guildhall::discord {

/// A message that was created.
inline constexpr std::string_view kSent = R"({"id":"77"})";

struct RestTest : testing::Test, TestLoop {
  ScriptedHttp http{*this};
  Metrics metrics;
  RestClient client{
      loop,
      {.api_url = "https://discord.test/api", .token = "a-token", .project_url = "https://example.org"},
      [this](net::HttpRequest request) { return http.send(std::move(request)); },
      timing,
      metrics};

  auto post(std::int64_t channel, std::string text = "hi", std::string nonce = {}) {
    return start(
        client.create_message(DiscordChannelId(channel), NewMessage{std::move(text), std::move(nonce), {}}));
  }
  auto answer(std::int64_t interaction) {
    return start(client.answer({.id = InteractionId(interaction), .token = "secret"}, Say{"hi"}));
  }
  json::Value body(std::size_t index) { return *json::parse(http.requests.at(index).body); }
  std::string path(std::size_t index) {
    return http.requests.at(index).url.substr(std::string_view("https://discord.test/api/v10").size());
  }
  SteadyTime time(std::size_t index) { return http.times.at(index); }
};

inline net::Headers bucket(std::string hash, int left, std::string reset_after) {
  return {{"x-ratelimit-bucket", std::move(hash)},
          {"x-ratelimit-limit", "3"},
          {"x-ratelimit-remaining", std::to_string(left)},
          {"x-ratelimit-reset", "1777629600.123"},
          {"x-ratelimit-reset-after", std::move(reset_after)}};
}

}  // namespace guildhall::discord
