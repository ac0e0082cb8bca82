// guildhall sim: the simulated platforms alone.
#include <fmt/format.h>

#include <cstdio>
#include <semaphore>

#include "cli/commands.h"
#include "cli/signals.h"
#include "net/loops.h"
#include "sim/sim.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

Result<sim::SimOptions> read_options(const Arguments& arguments) {
  sim::SimOptions options;
  const auto seed = arguments.integer("--seed", 1, 0, INT64_MAX / 4);
  const auto rate = arguments.integer("--rate", 6, 1, 100'000);
  if (!seed) return std::unexpected(seed.error());
  if (!rate) return std::unexpected(rate.error());
  options.seed = static_cast<std::uint64_t>(*seed);
  options.events_per_minute = static_cast<double>(*rate);
  const auto shards = arguments.integer("--shards", 1, 1, 1'000);
  if (!shards) return std::unexpected(shards.error());
  options.gateway.shards = static_cast<int>(*shards);
  options.kick_webhook = arguments.get("--kick-webhook").value_or("");
  if (const auto folder = arguments.get("--keep")) {
    std::error_code error;
    std::filesystem::create_directories(*folder, error);
    options.log_file = std::filesystem::path(*folder) / "witness.jsonl";
    options.key_file = std::filesystem::path(*folder) / "kick.pem";
  }
  return options;
}

Outcome run(const Arguments& arguments) {
  const auto clock = arguments.has("--sim-clock")
                         ? parse_sim_clock(arguments.require("--sim-clock"))
                         : Result<std::unique_ptr<Clock>>(std::make_unique<SystemClock>());
  if (!clock) return std::unexpected(clock.error());
  auto options = read_options(arguments);
  if (!options) return std::unexpected(options.error());
  options->clock = clock->get();
  Signals signals;
  net::Loops loops(1);
  auto simulation = sim::Simulation::start(loops.main(), *options);
  if (!simulation) return std::unexpected(simulation.error());
  loops.start();
  if (arguments.has("--members")) (*simulation)->start_members();
  fmt::print("{}\n", (*simulation)->contract_json());
  std::fflush(stdout);
  std::binary_semaphore stopped(0);
  signals.on_stop([&](int) { stopped.release(); });
  stopped.acquire();
  (*simulation)->stop();
  return std::nullopt;
}

}  // namespace

void add_sim_command(std::vector<Command>& commands) {
  commands.push_back({{"sim"},
                      "runs the simulated Discord and Kick alone and prints how to reach them",
                      "guildhall sim --json --kick-webhook http://127.0.0.1:8080/webhooks/kick",
                      {},
                      {{"--kick-webhook", "URL", "where Kick's events are posted"},
                       {"--members", "", "members act from the start"},
                       {"--seed", "N", "of the invented world (1)"},
                       {"--rate", "N", "events per minute of its clock (6)"},
                       {"--shards", "N", "among how many the bot is told to divide its servers (1)"},
                       {"--sim-clock", "SPEED:ORIGIN", "a clock that runs faster since that second"},
                       {"--keep", "DIR", "keeps what was told, and Kick's key, over restarts"}},
                      run,
                      false});
}

}  // namespace guildhall::cli
