// guildhall run, login-code
#include <fmt/format.h>
#include <unistd.h>

#include <mutex>

#include "base/text.h"
#include "bot/process_state.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/signals.h"
#include "migrate/interrupt.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

/// A clock that runs faster, for a bot at simulated platforms: "SPEED:ORIGIN", ORIGIN in seconds since 1970.
Result<std::unique_ptr<Clock>> read_clock(const Arguments& arguments) {
  const auto text = arguments.get("--sim-clock");
  if (!text) return std::unique_ptr<Clock>(std::make_unique<SystemClock>());
  return parse_sim_clock(*text);
}

/// Where a signal goes: until the bot runs, to a change of the schema, which is then rolled back.
class FirstSignal {
 public:
  FirstSignal() {
    signals_.on_stop([this](int signal) { pass_on(signal); });
  }
  migrate::Interrupt& interrupt() { return interrupt_; }
  /// From now on to the bot; also one that has come already. Nothing: to nobody any more.
  void lead_to(App* app) {
    const std::scoped_lock lock(mutex_);
    app_ = app;
    if (app_ != nullptr && interrupt_.signal() != 0) app_->stop();
  }

 private:
  void pass_on(int signal) {
    const std::scoped_lock lock(mutex_);
    app_ == nullptr ? interrupt_.raise(signal) : app_->stop();
  }

  std::mutex mutex_;
  App* app_ = nullptr;
  migrate::Interrupt interrupt_;
  Signals signals_;  // the last: it uses the others
};

/// Ended as a shell says it of a program that a signal ended.
Answer interrupted(const Error& error, int signal) {
  Answer answer;
  answer.json = {{"error", error.message}};
  answer.problems = fmt::format("guildhall: {}\nhint: {}\n", error.message, error.hint);
  answer.exit_code = 128 + signal;
  return answer;
}

Result<Role> read_role(const Arguments& arguments) {
  const auto text = arguments.get("--roles");
  if (!text) return Role::everything;
  if (*text == "discord") return Role::discord;
  return fail(ErrorCode::usage, fmt::format("--roles: there is no role '{}'", *text), "There is: discord.");
}

/// Where whoever sets it up sees what is left to do. The code lets him in; it is for his eyes, not for a log.
void tell_first_run(App& app) {
  std::string way = fmt::format("{}/setup", app.public_url());
  if (isatty(STDERR_FILENO) == 1) {
    const std::string code = net::run_to_end(app.sessions().make_login_code(command_line_operator()));
    way = fmt::format("{}/sign-in?code={} (good for 15 minutes, once)", app.public_url(), code);
  }
  fmt::print(stderr, "No server has come yet. What is left to set up: {}\n", way);
}

Outcome run(const Arguments& arguments) {
  const auto clock = read_clock(arguments);
  if (!clock) return std::unexpected(clock.error());
  const auto role = read_role(arguments);
  if (!role) return std::unexpected(role.error());
  FirstSignal signal;
  auto app = App::start(arguments.config, **clock, &signal.interrupt(), *role);
  if (!app && signal.interrupt().signal() != 0) return interrupted(app.error(), signal.interrupt().signal());
  if (!app) return std::unexpected(app.error());
  signal.lead_to(app->get());
  if (*role == Role::discord) {
    fmt::print(stderr, "Guildhall takes its share of Discord's shards.\n");
  } else {
    fmt::print(stderr, "Guildhall runs. Dashboard: {}   sign-in code: guildhall login-code\n",
               (*app)->public_url());
    if ((*app)->is_first_run()) tell_first_run(**app);
  }
  const auto ended = (*app)->wait();
  signal.lead_to(nullptr);
  if (!ended) return std::unexpected(ended.error());
  return std::nullopt;
}

Outcome login_code(const Arguments& arguments) {
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  web::Sessions sessions((*workspace)->tenancy().global(), clock);
  const std::string code = net::run_to_end(sessions.make_login_code(command_line_operator()));
  const std::string running =
      net::run_to_end(bot::ProcessState((*workspace)->tenancy().global()).read(kWebUrl));
  const std::string url =
      fmt::format("{}/sign-in?code={}", running.empty() ? arguments.config.public_url() : running, code);
  return Answer{fmt::format("{}\nGood for 15 minutes, once: {}\n", code, url),
                {{"code", code}, {"url", url}}};
}

}  // namespace

Result<std::unique_ptr<Clock>> parse_sim_clock(const std::string& text) {
  const auto colon = text.find(':');
  const auto speed = parse_amount(text.substr(0, colon));
  const auto origin =
      colon == std::string::npos ? Result<std::int64_t>(0) : parse_amount(text.substr(colon + 1));
  if (!speed || !origin || *speed < 1 || *speed > 1000 || *origin <= 0) {
    return fail(ErrorCode::usage,
                fmt::format("--sim-clock: '{}' is not of the form SPEED:SECONDS_SINCE_1970", text));
  }
  const TimePoint start = from_micros(*origin * 1'000'000);
  return std::unique_ptr<Clock>(std::make_unique<ScaledClock>(start, start, static_cast<int>(*speed)));
}

void add_run_commands(std::vector<Command>& commands) {
  commands.push_back(
      {{"run"},
       "runs the bot, its webhooks and its dashboard",
       "guildhall run --config /etc/guildhall.toml",
       {},
       {{"--listen", "ADDRESS:PORT", "where dashboard and webhooks listen", false, "web.listen"},
        {"--roles", "discord", "beside another process on PostgreSQL: only shares Discord's shards with it"},
        {"--sim-clock", "SPEED:ORIGIN", "for simulated platforms: a clock that runs faster"}},
       run});
  commands.push_back({{"login-code"},
                      "prints a one-time code for the dashboard (15 minutes, single use, logged)",
                      "guildhall login-code",
                      {},
                      {},
                      login_code});
}

}  // namespace guildhall::cli
