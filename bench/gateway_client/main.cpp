// A bot that does next to nothing, made of the product's own Discord client: what an event costs before any
// feature sees it. It counts messages, answers "!marker X" with the message "marker X COUNT", and the slash
// command "ping" with a callback; so it can be measured beside clients that others wrote.
//
//   FAKE_REST     the HTTP API, without its version
//   FAKE_GW       the gateway
//   G             how many guilds there are; a shard holds 2,500
//   COMPRESS      1 or zlib: zlib-stream, zstd: zstd-stream; none otherwise
//   SSL_CERT_FILE certificate authorities instead of the system's
//
// `guildhall sim load --command ping --bot build/release/gateway_client` tells it the first two and a token
// by GUILDHALL_DISCORD_API_URL, GUILDHALL_DISCORD_GATEWAY_URL and GUILDHALL_DISCORD_TOKEN.
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/http_client.h"
#include "net/loops.h"
#include "platforms/discord/gateway.h"
#include "platforms/discord/rest.h"

namespace guildhall::bench {
namespace {

constexpr int kGuildsPerShard = 2500;

/// The first of them that is set.
std::string environment(std::initializer_list<const char*> names, const char* otherwise = "") {
  for (const char* name : names) {
    if (const char* value = std::getenv(name)) return value;
  }
  return otherwise;
}

discord::Compression compression() {
  const std::string wish = environment({"COMPRESS"});
  if (wish == "zstd") return discord::Compression::zstd;
  return wish == "1" || wish == "zlib" ? discord::Compression::zlib : discord::Compression::none;
}

/// Nothing is remembered: each run begins anew.
struct Forgetful : discord::SessionStore {
  Task<std::optional<discord::SavedSession>> load() override { co_return std::nullopt; }
  Task<void> save(std::optional<discord::SavedSession>) override { co_return; }
};

class Client : public discord::GatewayHandler {
 public:
  Client(boost::asio::io_context& loop, discord::RestClient& rest) : loop_(loop), rest_(rest) {}

  void on_message(discord::Message message) override {
    ++messages_;
    if (!message.content.starts_with("!marker ")) return;
    const std::string text = "marker " + message.content.substr(8) + " " + std::to_string(messages_);
    net::spawn(loop_, "marker", [this, channel = message.channel, text]() -> Task<void> {
      discord::NewMessage answer;
      answer.body = text;
      co_await rest_.create_message(channel, std::move(answer));
    });
  }

  void on_interaction(discord::Interaction interaction) override {
    if (interaction.command != "ping") return;
    net::spawn(loop_, "ping",
               [this, id = interaction.id, token = std::move(interaction.token)]() -> Task<void> {
                 discord::Asked asked;
                 asked.id = id;
                 asked.token = token;
                 discord::FirstAnswer pong = discord::Say{"pong"};
                 co_await rest_.answer(std::move(asked), std::move(pong));
               });
  }

  void on_ready(discord::Ready ready, discord::Receipt) override {
    net::spawn(loop_, "commands", [this, application = ready.application]() -> Task<void> {
      std::vector<discord::CommandDefinition> commands(1);
      commands.front().name = "ping";
      commands.front().description = "Answers pong.";
      co_await rest_.overwrite_commands(application, std::move(commands));
    });
  }
  void on_intents_refused(discord::Intents) override {}
  void on_guild(discord::GuildSnapshot, discord::GuildArrival, discord::Receipt) override {}
  void on_guild_renamed(ServerId, std::string, discord::Receipt) override {}
  void on_guild_unavailable(ServerId) override {}
  void on_guild_removed(ServerId, discord::Receipt) override {}
  void on_member_joined(discord::MemberJoin, discord::Receipt) override {}
  void on_member_left(discord::MemberLeave, discord::Receipt) override {}

 private:
  boost::asio::io_context& loop_;
  discord::RestClient& rest_;
  std::size_t messages_ = 0;
};

int run() {
  log::set_level(log::Level::warning);
  boost::asio::io_context loop(1);
  Metrics metrics;
  const auto timing = discord::system_timing();
  net::HttpClient http(loop, {});
  const std::string token = environment({"GUILDHALL_DISCORD_TOKEN"}, "AAAA.BBBB.CCCC");
  discord::RestClient rest(
      loop, {environment({"FAKE_REST", "GUILDHALL_DISCORD_API_URL"}), token, "https://example.org"},
      discord::http_sender(http), timing, metrics);
  Client client(loop, rest);
  discord::State state({.channels = true, .members = true}, metrics);
  const int guilds = std::max(1, std::atoi(environment({"G"}).c_str()));
  const int shards = (guilds + kGuildsPerShard - 1) / kGuildsPerShard;
  const auto turns = std::make_shared<discord::IdentifyTurns>(loop, timing);
  std::vector<std::unique_ptr<discord::Gateway>> gateways;
  for (int shard = 0; shard < shards; ++shard) {
    discord::GatewayOptions options;
    options.token = token;
    options.gateway_url = environment({"FAKE_GW", "GUILDHALL_DISCORD_GATEWAY_URL"});
    options.compression = compression();
    options.shard = {shard, shards};
    gateways.push_back(std::make_unique<discord::Gateway>(
        loop, std::move(options), client, state, std::make_shared<Forgetful>(), turns,
        discord::websocket_connector({}), [&rest] { return rest.gateway_info(); }, timing, metrics));
    net::spawn(loop, "gateway", [gateway = gateways.back().get()]() -> Task<void> {
      const auto ended = co_await gateway->run();
      if (!ended) std::fprintf(stderr, "gateway_client: %s\n", ended.error().message.c_str());
    });
  }
  loop.run();
  return 0;
}

}  // namespace
}  // namespace guildhall::bench

int main() { return guildhall::bench::run(); }
