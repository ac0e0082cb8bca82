#include "bench/served_bot.h"

#include <fmt/format.h>

#include <stdexcept>
#include <thread>

#include "base/log.h"

namespace guildhall::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 120s;
constexpr auto kCalm = 300ms;

Counter& events_counter(Metrics& metrics, std::string_view outcome) {
  return metrics.counter("guildhall_events_total", "Events handled, by outcome.",
                         fmt::format("outcome=\"{}\"", outcome));
}

}  // namespace

std::int64_t server_id(std::size_t number) {
  return 1'100'000'000'000'000'000 + static_cast<std::int64_t>(number) * 4'194'304;
}

void wait_until(std::string_view what, const std::function<bool()>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!reached()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error(fmt::format("{}: nothing moves any more", what));
    std::this_thread::sleep_for(500us);
  }
}

ServedBot::ServedBot(const std::function<void(Config&)>& configure) {
  log::set_level(log::Level::error);
  world.config.discord_token = "bench";
  world.config.discord_api_url = discord.api_url();
  world.config.discord_gateway_url = discord.gateway_url();
  world.config.discord_compression = "none";  // the stub knows none
  if (configure) configure(world.config);
  const auto key_file = world.config.key_file();
  if (auto made = Secrets::create(key_file); !made) throw ErrorException(made.error());
  secrets_ = std::make_unique<Secrets>(*Secrets::load(key_file));
  connect();
}

ServedBot::~ServedBot() {
  discord_bridge_->stop();
  loops_.stop();
}

void ServedBot::connect() {
  const bot::BridgeServices services{loops_.main(), world.config,   world.clock,
                                     world.metrics, *world.tenancy, world.declarations,
                                     dispatcher_,   topics_,        http_};
  discord_bridge_ = std::make_unique<bot::DiscordBridge>(services, *secrets_, "bench", "bench");
  kick_ = std::make_unique<bot::KickBridge>(services, *secrets_, oauth_states_,
                                            *RsaPublicKey::from_pem(signing_key.public_pem()));
  net::spawn(loops_.main(), "discord", [this] { return run_discord(); });
  loops_.start();
  wait_until("gateway", [this] { return discord.has_session(); });
}

Task<void> ServedBot::run_discord() { co_await discord_bridge_->run(); }

void ServedBot::add_servers(std::size_t count) {
  std::vector<Dispatch> arrivals;
  for (std::size_t i = 0; i < count; ++i) arrivals.push_back({"GUILD_CREATE", server_json(servers_ + i)});
  servers_ += count;
  discord.send(std::move(arrivals));
  wait_until("servers", [this] { return world.tenancy->servers().list().size() == servers_; });
  settle();
}

void ServedBot::settle() {
  auto units = commits().units;
  auto since = std::chrono::steady_clock::now();
  wait_until("rest", [&] {
    const auto now = std::chrono::steady_clock::now();
    if (commits().units != units) {
      units = commits().units;
      since = now;
    }
    return now - since > kCalm;
  });
}

std::string ServedBot::server_json(std::size_t number) {
  const std::int64_t id = server_id(number);
  std::string roles = fmt::format(R"({{"id":"{}","name":"@everyone","permissions":"104324673"}})", id);
  std::string channels;
  for (int i = 1; i <= 10; ++i) {
    roles += fmt::format(
        R"(,{{"id":"{}","name":"Role {}","color":3447003,"position":{},"permissions":"104324673","hoist":false}})",
        id + i, i, i);
  }
  for (int i = 1; i <= 20; ++i) {
    channels += fmt::format(R"({}{{"id":"{}","type":0,"name":"channel-{}","position":{},"topic":null}})",
                            i == 1 ? "" : ",", id + 100 + i, i, i);
  }
  return fmt::format(
      R"({{"id":"{}","name":"Server {}","owner_id":"{}","member_count":250,"roles":[{}],"channels":[{}]}})",
      id, number, id + 1'000, roles, channels);
}

std::int64_t ServedBot::committed() {
  const auto lost =
      events_counter(world.metrics, "failed").value() + events_counter(world.metrics, "overloaded").value();
  if (lost > 0) throw std::runtime_error(fmt::format("{} events were not handled", lost));
  return events_counter(world.metrics, "committed").value();
}

ServedBot::Commits ServedBot::commits() {
  Commits commits;
  commits.units = world.metrics.counter("guildhall_db_units_total", "Units of work committed.").value();
  const auto& seconds = world.metrics.histogram("guildhall_db_commit_seconds", "Time of one group commit.");
  for (const auto& count : seconds.counts) commits.groups += count;
  return commits;
}

}  // namespace guildhall::bench
