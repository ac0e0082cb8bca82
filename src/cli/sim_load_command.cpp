// guildhall sim load: how much a bot bears, of simulated Discord's events.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <filesystem>
#include <future>
#include <mutex>
#include <optional>
#include <ranges>
#include <thread>

#include "base/child_process.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/own_folder.h"
#include "cli/signals.h"
#include "net/loops.h"
#include "sim/load.h"
#include "sim/sim.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

/// Many servers take a while to be taken in for the first time.
constexpr std::chrono::seconds kPatience{120};

struct Wanted {
  sim::SimOptions world;
  sim::LoadOptions load;
  std::string bot;  // what to run; "": this program
};

/// "messages=80,commands=10,members=5,others=5", in any order; what is not named is 0.
Result<sim::LoadMix> read_mix(const std::string& text) {
  sim::LoadMix mix{0, 0, 0, 0};
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::usage, fmt::format("--mix: '{}' {}", text, why),
                "For example: --mix messages=70,commands=20,members=5,others=5");
  };
  for (const auto piece : std::views::split(text, ',')) {
    const std::string_view part(piece.begin(), piece.end());
    const auto equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    int* share = name == "messages"   ? &mix.messages
                 : name == "commands" ? &mix.commands
                 : name == "members"  ? &mix.members
                 : name == "others"   ? &mix.others
                                      : nullptr;
    if (share == nullptr) return wrong(fmt::format("names '{}', which there is not", name));
    const auto percent = parse_amount(equals == std::string_view::npos ? "" : part.substr(equals + 1));
    if (!percent || *percent < 0 || *percent > 100)
      return wrong(fmt::format("has no percentage of '{}'", name));
    *share = static_cast<int>(*percent);
  }
  if (mix.messages + mix.commands + mix.members + mix.others != 100) return wrong("does not add up to 100");
  return mix;
}

Result<Wanted> read_wanted(const Arguments& arguments) {
  Wanted wanted;
  const auto servers = arguments.integer("--servers", 100, 1, 20'000);
  const auto members = arguments.integer("--members", 20, 2, 10'000);
  const auto rate = arguments.integer("--rate", 1'000, 1, 100'000);
  const auto seconds = arguments.integer("--seconds", 10, 1, 86'400);
  const auto shards = arguments.integer("--shards", 1, 1, 1'000);
  const auto seed = arguments.integer("--seed", 1, 0, INT64_MAX / 4);
  for (const auto* value : {&servers, &members, &rate, &seconds, &shards, &seed}) {
    if (!*value) return std::unexpected(value->error());
  }
  if (const auto text = arguments.get("--mix")) {
    const auto mix = read_mix(*text);
    if (!mix) return std::unexpected(mix.error());
    wanted.load.mix = *mix;
  }
  wanted.world.seed = wanted.load.seed = static_cast<std::uint64_t>(*seed);
  wanted.world.size = {static_cast<std::size_t>(*servers), 1, static_cast<std::size_t>(*members), 1};
  wanted.world.gateway.shards = static_cast<int>(*shards);
  wanted.world.gateway.identifies_at_once = wanted.world.gateway.shards;
  wanted.load.events_per_second = static_cast<double>(*rate);
  wanted.load.lasts = std::chrono::seconds(*seconds);
  wanted.load.command = arguments.get("--command").value_or(wanted.load.command);
  wanted.bot = arguments.get("--bot").value_or("");
  return wanted;
}

// The bot -------------------------------------------------------------------------------------------

/// A bot in a process of its own, told by its environment where the simulated Discord is.
class BotProcess {
 public:
  BotProcess(const std::string& command, const std::string& contract) {
    std::error_code ignored;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", ignored);
    command_.arguments = {own.string(), "run"};
    if (!command.empty()) command_.arguments = {"sh", "-c", "exec " + command};
    command_.environment = environment(contract);
    command_.on_start = [this](std::int64_t process) { started_.set_value(process); };
    auto pid = started_.get_future();
    runner_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    pid_ = pid.get();
  }

  /// 0: it could not be started.
  std::int64_t pid() const { return pid_; }
  /// Once it has ended by itself: how, and what it said.
  std::optional<Error> ended() {
    const std::scoped_lock lock(mutex_);
    return ended_;
  }
  /// Ends it. Nothing: it did so in good order, or knows nothing of signals.
  std::optional<Error> stop() {
    runner_.request_stop();
    runner_.join();
    return in_order_ ? std::nullopt : ended_;
  }

 private:
  Environment environment(const std::string& contract) const {
    const auto parsed = json::parse(contract);
    const json::Value& discord = *json::find(*parsed, "discord");
    Environment variables = own_environment();
    variables["GUILDHALL_DISCORD_API_URL"] = json::text_or(discord, "rest", "");
    variables["GUILDHALL_DISCORD_GATEWAY_URL"] = json::text_or(discord, "gateway", "");
    variables["GUILDHALL_DISCORD_TOKEN"] = json::text_or(discord, "token", "");
    variables["GUILDHALL_DATA_DIR"] = folder_.path();
    variables["GUILDHALL_WEB_LISTEN"] = "127.0.0.1:0";
    return variables;
  }

  void run(const std::stop_token& stop) {
    const auto end = run_child(command_, stop);
    if (!end) started_.set_value(0);
    const std::scoped_lock lock(mutex_);
    if (!end) {
      ended_ = end.error();
      return;
    }
    in_order_ = end->ended_by_us && (end->signal == 0 ? end->status == 0 : end->signal == SIGTERM);
    const std::string how =
        end->signal == 0 ? fmt::format("{}", end->status) : fmt::format("signal {}", end->signal);
    ended_ = Error{ErrorCode::failed, "the bot ended with " + how, end->errors};
  }

  OwnFolder folder_{"load"};
  ChildCommand command_;
  std::promise<std::int64_t> started_;
  std::int64_t pid_ = 0;
  std::mutex mutex_;
  std::optional<Error> ended_;
  bool in_order_ = false;
  std::jthread runner_;  // the last: it uses the others
};

/// The value of what runs on the loop; where the bot ends before, how it ended, and the simulation is
/// stopped.
template <class T>
Result<T> wait_beside(BotProcess& bot, sim::Simulation& simulation, std::future<T> value) {
  while (value.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    const auto ended = bot.ended();
    if (!ended) continue;
    simulation.stop();
    value.wait();
    return std::unexpected(*ended);
  }
  return value.get();
}

// The report ----------------------------------------------------------------------------------------

struct Measured {
  sim::LoadReport load;
  ProcessUse bot_before;
  ProcessUse bot_after;
  double simulator_seconds = 0;  // of CPU time
};

double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1e6; }

std::string as_text(const Wanted& wanted, const Measured& measured) {
  const sim::LoadReport& load = measured.load;
  const double seconds = load.took.count();
  const double bot = measured.bot_after.cpu_seconds - measured.bot_before.cpu_seconds;
  std::string text = fmt::format(
      "{} events in {:.1f} s, {:.0f} a second ({:.0f} wanted), of {} servers with {} members each\n",
      load.events(), seconds, static_cast<double>(load.events()) / seconds, wanted.load.events_per_second,
      wanted.world.size.servers, wanted.world.size.members);
  text += fmt::format("  {} messages, {} commands, {} members who came or went, {} others\n", load.messages,
                      load.commands, load.members, load.others);
  text += fmt::format(
      "Answers: half of them within {:.1f} ms, 90 % {:.1f}, 99 % {:.1f}, 99.9 % {:.1f}; {} deferred, {} "
      "missing\n",
      load.percentile(0.5), load.percentile(0.9), load.percentile(0.99), load.percentile(0.999),
      load.deferred, load.unanswered());
  text += fmt::format(
      "The bot: {:.2f} of a core, {:.0f} us an event; {:.1f} MB before, {:.1f} after, {:.1f} at most\n",
      bot / seconds, bot * 1e6 / static_cast<double>(load.events()), megabytes(measured.bot_before.resident),
      megabytes(measured.bot_after.resident), megabytes(measured.bot_after.most_resident));
  text += fmt::format("The simulator: {:.2f} of a core\n", measured.simulator_seconds / seconds);
  return text;
}

json::Object as_json(const Wanted& wanted, const Measured& measured) {
  const sim::LoadReport& load = measured.load;
  return {{"servers", wanted.world.size.servers},
          {"members", wanted.world.size.members},
          {"wanted_per_second", wanted.load.events_per_second},
          {"seconds", load.took.count()},
          {"events",
           {{"messages", load.messages},
            {"commands", load.commands},
            {"members", load.members},
            {"others", load.others}}},
          {"answers",
           {{"in_time", load.answer_ms.size()},
            {"deferred", load.deferred},
            {"missing", load.unanswered()},
            {"p50_ms", load.percentile(0.5)},
            {"p90_ms", load.percentile(0.9)},
            {"p99_ms", load.percentile(0.99)},
            {"p999_ms", load.percentile(0.999)}}},
          {"bot",
           {{"cpu_seconds", measured.bot_after.cpu_seconds - measured.bot_before.cpu_seconds},
            {"resident_before", measured.bot_before.resident},
            {"resident_after", measured.bot_after.resident},
            {"most_resident", measured.bot_after.most_resident}}},
          {"simulator", {{"cpu_seconds", measured.simulator_seconds}}}};
}

// The command ---------------------------------------------------------------------------------------

Result<Measured> measure(const Wanted& wanted, boost::asio::io_context& loop, sim::Simulation& simulation,
                         sim::Load& load) {
  BotProcess bot(wanted.bot, simulation.contract_json());
  fmt::print(stderr, "The bot takes in {} servers.\n", wanted.world.size.servers);
  const auto ready = wait_beside(
      bot, simulation, boost::asio::co_spawn(loop, load.wait_for_bot(kPatience), boost::asio::use_future));
  if (!ready) return std::unexpected(ready.error());
  if (!*ready) return std::unexpected(ready->error());
  fmt::print(stderr, "{:.0f} events a second for {} s.\n", wanted.load.events_per_second,
             std::chrono::duration_cast<std::chrono::seconds>(wanted.load.lasts).count());
  Measured measured;
  measured.bot_before = use_of(bot.pid()).value_or(ProcessUse{});
  const double own_before = use_of(getpid())->cpu_seconds;
  auto report =
      wait_beside(bot, simulation, boost::asio::co_spawn(loop, load.run(), boost::asio::use_future));
  if (!report) return std::unexpected(report.error());
  measured.bot_after = use_of(bot.pid()).value_or(ProcessUse{});
  measured.simulator_seconds = use_of(getpid())->cpu_seconds - own_before;
  measured.load = *std::move(report);
  if (const auto trouble = bot.stop()) return std::unexpected(*trouble);
  return measured;
}

Outcome run(const Arguments& arguments) {
  auto wanted = read_wanted(arguments);
  if (!wanted) return std::unexpected(wanted.error());
  const SystemClock clock;
  wanted->world.clock = &clock;
  net::Loops loops(1);
  auto simulation = sim::Simulation::start(loops.main(), wanted->world);
  if (!simulation) return std::unexpected(simulation.error());
  sim::Load load((*simulation)->discord(), wanted->load);
  loops.start();
  Signals signals;
  signals.on_stop([&](int) { (*simulation)->stop(); });
  const auto measured = measure(*wanted, loops.main(), **simulation, load);
  (*simulation)->stop();
  loops.stop();
  if (!measured) return std::unexpected(measured.error());
  Answer answer{as_text(*wanted, *measured), as_json(*wanted, *measured)};
  if (measured->load.unanswered() > 0) {
    answer.problems = "guildhall: some commands were not answered within 3 seconds\n";
    answer.exit_code = static_cast<int>(ExitCode::failed);
  }
  return answer;
}

}  // namespace

void add_sim_load_command(std::vector<Command>& commands) {
  commands.push_back(
      {{"sim", "load"},
       "measures how much a bot bears: so many events a second, its answers, CPU time and memory",
       "guildhall sim load --servers 1000 --members 100 --rate 2000 --seconds 30",
       {},
       {{"--servers", "N", "of the invented world (100)"},
        {"--members", "N", "of each server (20)"},
        {"--rate", "N", "events a second (1000)"},
        {"--seconds", "N", "for so long (10)"},
        {"--mix", "SHARES", "of a hundred events (messages=80,commands=10,members=5,others=5)"},
        {"--command", "NAME", "the slash command that is called, one without options (points)"},
        {"--shards", "N", "among how many the bot is told to divide its servers (1)"},
        {"--seed", "N", "of the invented world (1)"},
        {"--bot", "COMMAND", "another bot than this program's; GUILDHALL_DISCORD_* tells it where and how"}},
       run,
       false});
}

}  // namespace guildhall::cli
