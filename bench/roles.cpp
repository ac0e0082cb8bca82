// Roles for watch time: one tick finds everybody who has earned one, and the worker gives them as fast as
// Discord lets it. Hours of that pass in a moment: the client's time is a simulated one, which goes on
// whenever every server waits for Discord.
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <map>
#include <stdexcept>
#include <thread>

#include "bench/bench.h"
#include "bot/jobs.h"
#include "bot/role_changes.h"
#include "platforms/discord/rest.h"
#include "platforms/discord/rest_routes.h"
#include "platforms/discord/scripted.h"
#include "sim/rate_limits.h"
#include "tests/support/test_world.h"

namespace guildhall::bench {
namespace {

using namespace std::chrono_literals;

/// What Discord grants a bot in a second.
constexpr double kGranted = 50;
constexpr auto kOnTheWay = 60ms;
constexpr const char* kMinutes = "60";

/// Members who have all watched long enough, in servers that have just named a role for it.
std::string crowd(std::size_t servers, std::size_t members, TimePoint now) {
  const std::string all = fmt::format(
      "WITH RECURSIVE s(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM s WHERE s < {}), "
      "p(p) AS (SELECT 1 UNION ALL SELECT p + 1 FROM p WHERE p < {}) ",
      servers, members);
  const auto per_server = [&](std::string_view into, const std::string& values) {
    return fmt::format("{}INSERT INTO {} SELECT s, {} FROM s;", all, into, values);
  };
  const auto per_member = [&](std::string_view into, const std::string& values) {
    return fmt::format("{}INSERT INTO {} SELECT s, p, {} FROM s, p;", all, into, values);
  };
  const std::int64_t at = to_micros(now);
  return "BEGIN;" + per_server("servers", fmt::format("'Server ' || s, 'active', {}, NULL, 1", at)) +
         per_server("watchtime_roles", fmt::format("900000 + s, {}, '', 1", kMinutes)) +
         per_server("role_checks", "0, 0") + per_member("persons", fmt::format("'Member ' || p, {}", at)) +
         per_member("watchtime", fmt::format("{} * 60000000, 0, 0, 0", kMinutes)) +
         fmt::format(
             "{}INSERT INTO identities SELECT s, 'discord', s * 1000000 + p, p, p, 'Member ' || p, 'member ' "
             "|| "
             "p, {} FROM s, p;",
             all, at) +
         "COMMIT";
}

/// Discord, its limits and the client that keeps them, all in simulated time.
class Discord {
 public:
  explicit Discord(Metrics& metrics)
      : client_(
            time_.loop, {"https://discord.test/api", "bench", "https://guildhall.test"},
            [this](const net::HttpRequest& request) { return answer(request); }, time_.timing, metrics) {}

  /// For the worker; from any loop.
  Task<Result<bot::RoleAnswer>> change(ServerId server, bot::RoleChange change) {
    return boost::asio::co_spawn(time_.loop, call(server, std::move(change)), boost::asio::use_awaitable);
  }

  /// Lets time pass until every server has had so many changes; `clock` shows it. In simulated seconds.
  double run(std::size_t servers, std::size_t changes, ManualClock& clock) {
    open_ = servers;
    changes_ = changes;
    const auto begin = time_.timing->now();
    const TimePoint began = clock.now();
    for (time_.settle(); open_ > 0; time_.settle()) {
      if (failed_ > 0) throw std::runtime_error(fmt::format("{} roles were not given", failed_));
      if (waiting_ < open_) {
        std::this_thread::sleep_for(20us);  // the database's turn
        continue;
      }
      time_.timing->move_on(discord::SteadyTime::max());
      clock.set(began + std::chrono::duration_cast<Duration>(time_.timing->now() - begin));
    }
    return std::chrono::duration<double>(time_.timing->now() - begin).count();
  }

  std::size_t requests() const { return requests_; }
  std::size_t refused() const { return refused_; }

 private:
  Task<Result<bot::RoleAnswer>> call(ServerId server, bot::RoleChange change) {
    ++waiting_;
    discord::CallOptions options;
    options.reason = "watch time";
    options.urgency = discord::Urgency::background;
    options.guild = server;
    const auto told = co_await client_.call(discord::routes::kAddMemberRole, std::move(options), server,
                                            *DiscordUserId::parse(change.member_id),
                                            *discord::RoleId::parse(change.role_id));
    --waiting_;
    if (++done_[server] == changes_) --open_;
    if (told) co_return bot::RoleAnswer::done;
    ++failed_;
    co_return std::unexpected(told.error());
  }

  Task<Result<net::HttpResponse>> answer(const net::HttpRequest& request) {
    ++requests_;
    const auto at = request.url.find("/guilds/") + 8;
    const std::string server = request.url.substr(at, request.url.find('/', at) - at);
    auto verdict = limits_.take("PUT guilds/{}/members/{}/roles/{}", server, true, time_.timing->now());
    net::HttpResponse response = net::make_response(204, "application/json", "");
    if (!verdict.allowed) {
      ++refused_;
      response =
          net::make_response(429, "application/json",
                             fmt::format(R"({{"message":"You are being rate limited.","retry_after":{},)"
                                         R"("global":{}}})",
                                         verdict.retry_after, verdict.global));
    }
    for (auto& header : verdict.headers) response.headers.push_back(std::move(header));
    boost::asio::steady_timer timer(time_.loop);
    co_await time_.timing->wait(timer, time_.timing->now() + kOnTheWay);
    co_return response;
  }

  discord::TestLoop time_;
  sim::RateLimits limits_;
  discord::RestClient client_;
  std::size_t open_ = 0;     // servers with something left to do
  std::size_t changes_ = 0;  // of each server
  std::size_t waiting_ = 0;  // servers that wait for Discord
  std::map<ServerId, std::size_t> done_;
  std::size_t requests_ = 0;
  std::size_t refused_ = 0;
  std::size_t failed_ = 0;
};

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void expect(const test::TestWorld& world, const std::string& table, std::size_t rows) {
  const std::string counted = world.dump("SELECT count(*) FROM " + table);
  if (counted != fmt::format("{}\n", rows)) throw std::runtime_error("rows of " + table + ": " + counted);
}

}  // namespace

Figures measure_roles(Size size) {
  const std::size_t servers = size == Size::full ? 100 : 20;
  const std::size_t each = size == Size::full ? 1'000 : 500;
  const std::size_t members = servers * each;
  progress(fmt::format("roles: {} members in {} servers", members, servers));
  net::Loops loops(2);
  test::TestWorld world;
  world.execute(crowd(servers, each, world.clock.now()));
  world.reopen();
  bot::TickRunner ticks(*world.tenancy, world.declarations, world.clock, world.metrics);
  world.clock.advance(1min);
  const double found = seconds_of([&] { net::run_to_end(ticks.run_due()); });
  expect(world, "role_changes", members);

  progress("roles: they are given");
  Discord discord(world.metrics);
  bot::RoleWorker worker(
      loops, *world.tenancy, world.declarations, world.clock,
      [&](ServerId server, bot::RoleChange change) { return discord.change(server, std::move(change)); });
  loops.start();
  const double before = cpu_seconds();
  net::run_to_end(worker.sweep());
  const double took = discord.run(servers, each, world.clock);
  const double used = cpu_seconds() - before;
  worker.stop();
  loops.drain(10s);
  expect(world, "role_changes", 0);
  expect(world, "role_grants", members);
  if (discord.refused() > 0)
    throw std::runtime_error(fmt::format("Discord refused {} requests", discord.refused()));
  world.close(loops);
  const auto count = static_cast<double>(members);
  return {
      figure("roles", took, "simulated s", "what Discord grants, 50 a second", count / kGranted, 1.2, "",
             fmt::format(
                 "{} members of {} servers, {} requests, none beyond a limit; found by one tick in {:.2f} s",
                 members, servers, discord.requests(), found)),
      {.name = "roles-cpu",
       .value = count / used,
       .unit = "per core/s",
       .reference = "what Discord grants in a second",
       .reference_value = kGranted,
       .bound = 4,
       .note = fmt::format("{:.2f} ms of CPU for each, with the client and the simulated Discord",
                           used * 1'000 / count)}};
}

}  // namespace guildhall::bench
