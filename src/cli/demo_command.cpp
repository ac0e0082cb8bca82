// guildhall demo
#include <fmt/format.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <memory>
#include <thread>

#include "cli/commands.h"
#include "cli/demo.h"
#include "cli/own_folder.h"
#include "cli/signals.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

struct Wanted {
  DemoOptions options;
  std::int64_t seconds = 0;  // 0: until stopped
};

Result<Wanted> read_wanted(const Arguments& arguments) {
  const auto speed = arguments.integer("--speed", 30, 1, 1000);
  const auto seconds = arguments.integer("--seconds", 0, 1, 86'400);
  const auto seed = arguments.integer("--seed", 1, 0, INT64_MAX / 4);
  const auto rate = arguments.integer("--rate", 6, 1, 100'000);
  for (const auto* value : {&speed, &seconds, &seed, &rate}) {
    if (!*value) return std::unexpected(value->error());
  }
  return Wanted{{static_cast<int>(*speed), *seed, *rate}, *seconds};
}

bool is_sound(const boost::json::object& counts) {
  return counts.at("ledger_mismatches").as_int64() == 0 && counts.at("foreign_rows").as_int64() == 0 &&
         counts.at("witness_mismatches").as_int64() == 0;
}

/// Until the time is over or somebody stops it: what was counted until then is as true.
Outcome run_counted(Demo& demo, const Arguments& arguments, std::int64_t seconds, Signals& signals) {
  const auto stopped = std::make_shared<std::atomic<bool>>(false);
  signals.on_stop([stopped](int) { *stopped = true; });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!*stopped && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const boost::json::object counts = demo.count();
  const std::string text = boost::json::serialize(counts);
  fmt::print("{}\n", text);
  if (is_sound(counts)) return std::nullopt;
  return fail(ErrorCode::failed, "the database is not what the platforms were told",
              arguments.json ? "The log above names what differs." : "");
}

/// How the person can call this program again from here.
std::string own_program() {
  std::error_code ignored;
  const auto file = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return file.empty() ? "guildhall" : std::filesystem::proximate(file, ignored).string();
}

void say_where(Demo& demo, int speed, const std::string& data_dir) {
  fmt::print(
      "\nThree simulated Discord servers and two Kick channels are alive, {} times as fast as real time.\n\n"
      "  Dashboard   {}\n              (the code in the address works once, for 15 minutes; another: "
      "{} login-code --data-dir {})\n"
      "  Data        {}\n\nCtrl+C ends the demo.\n",
      speed, demo.sign_in_url(), own_program(), data_dir, std::filesystem::absolute(data_dir).string());
}

Outcome run(const Arguments& arguments) {
  const auto wanted = read_wanted(arguments);
  if (!wanted) return std::unexpected(wanted.error());
  Config config = arguments.config;
  const bool named = config.sources.at("data.dir") != "default";
  std::optional<OwnFolder> own;  // what a counted run finds there is its own
  if (!named && wanted->seconds > 0) own.emplace("demo");
  if (!named) config.data_dir = own ? own->path() : "demo-data";
  Signals signals;
  auto demo = Demo::start(config, wanted->options);
  if (!demo) return std::unexpected(demo.error());
  if (wanted->seconds > 0) return run_counted(**demo, arguments, wanted->seconds, signals);
  if (arguments.json) {
    fmt::print("{}\n", boost::json::serialize(boost::json::object{
                           {"url", (*demo)->sign_in_url()},
                           {"control", (*demo)->control_url()},
                           {"data", std::filesystem::absolute(config.data_dir).string()}}));
  } else {
    say_where(**demo, wanted->options.speed, config.data_dir);
  }
  std::fflush(stdout);
  signals.on_stop([&](int) { (*demo)->app().stop(); });
  if (auto ended = (*demo)->app().wait(); !ended) return std::unexpected(ended.error());
  return std::nullopt;
}

}  // namespace

void add_demo_command(std::vector<Command>& commands) {
  commands.push_back(
      {{"demo"},
       "the demo world: simulated Discord and Kick, the real bot, the real dashboard",
       "guildhall demo --seconds 20 --json",
       {},
       {{"--listen", "ADDRESS:PORT", "where the dashboard listens (127.0.0.1:8080)", false, "web.listen"},
        {"--speed", "N", "how many times faster than real time (30)"},
        {"--seconds", "N", "run so long in a folder of its own, then print counts as one JSON object"},
        {"--seed", "N", "of the invented world (1)"},
        {"--rate", "N", "events per minute of the world's clock (6)"}},
       run});
}

}  // namespace guildhall::cli
