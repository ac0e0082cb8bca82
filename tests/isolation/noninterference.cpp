#include "tests/isolation/noninterference.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <future>
#include <random>

#include "bot/dispatcher.h"
#include "bot/jobs.h"
#include "tests/support/test_world.h"

namespace guildhall::test {
namespace {

using namespace std::chrono_literals;
using bot::Answer;
using bot::Outcome;

constexpr std::int64_t kServers = 3;
constexpr int kStepsPerServer = 60;
constexpr auto kSpan = std::chrono::minutes(60);

/// One thing that happens at one server. Everything it says is drawn before, from the server's own
/// randomness, so that it is the same whether others are there or not.
struct Step {
  TimePoint at;
  std::int64_t server = 0;
  int kind = 0;
  int person = 0;
  int number = 0;
  std::string id;
};

std::vector<Step> steps_of(std::int64_t server, std::uint64_t seed, TimePoint start) {
  std::mt19937_64 random(seed * 1'000 + static_cast<std::uint64_t>(server));
  const auto draw = [&](int most) { return static_cast<int>(random() % static_cast<std::uint64_t>(most)); };
  std::vector<Step> steps;
  for (int i = 0; i < kStepsPerServer; ++i) {
    Step step;
    step.at = start + std::chrono::seconds(draw(static_cast<int>(kSpan / 1s))) +
              std::chrono::microseconds(draw(1'000'000));
    step.server = server;
    step.kind = draw(12);
    step.person = 1 + draw(5);
    step.number = draw(1'000);
    step.id = fmt::format("id{}", draw(500));  // ids collide between servers, and sometimes within one
    steps.push_back(std::move(step));
  }
  return steps;
}

/// A whole bot without platforms.
class Bot {
 public:
  explicit Bot(const std::vector<std::int64_t>& servers) {
    for (const std::int64_t server : servers) {
      world_.server(server);
      dispatcher_.refresh(scope(server));
    }
    loops_.start();
    // The first reading of the settings opens conditions at its moment: before any clock moves.
    for (const std::int64_t server : servers) command({start_, server}, "no call at all");
    wait_for_all();
  }

  ~Bot() { world_.close(loops_); }
  Bot(const Bot&) = delete;
  Bot& operator=(const Bot&) = delete;

  TimePoint start() const { return start_; }

  /// The steps of one minute are under way together: servers share commits and overlap on the loops. The
  /// clock stands still meanwhile, so that it shows each server the same whoever else is there.
  void run(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      const TimePoint minute = start_ + (step.at - start_) / 1min * 1min;
      if (minute != world_.clock.now()) {
        wait_for_all();
        tick_until(minute);
        world_.clock.set(minute);
      }
      carry_out(step);
    }
    wait_for_all();
    tick_until(start_ + kSpan + 30min);
  }

  std::string rows(const std::string& table, std::int64_t server) const {
    return world_.database->rows(table, server);
  }

  std::vector<std::string> sealed_tables() const {
    std::vector<std::string> names;
    for (const auto& [name, spec] : world_.declarations.tables.all()) {
      if (spec.table_class == tenancy::TableClass::tenant || spec.table_class == tenancy::TableClass::child)
        names.push_back(name);
    }
    return names;
  }

 private:
  tenancy::ServerScope scope(std::int64_t server) {
    return *world_.tenancy->scopes().for_discord_event(ServerId(server));
  }

  void tick_until(TimePoint at) {
    for (; next_tick_ <= at; next_tick_ += 1min) {
      world_.clock.set(next_tick_);
      net::run_to_end(ticks_.run_due());
    }
  }

  std::shared_ptr<std::promise<void>> begun() {
    auto done = std::make_shared<std::promise<void>>();
    under_way_.push_back(done->get_future());
    return done;
  }
  void wait_for_all() {
    for (auto& one : under_way_) one.get();
    under_way_.clear();
  }

  template <class Event>
  void tell(std::int64_t server, Event event) {
    dispatcher_.submit(scope(server), std::move(event), [done = begun()](Outcome) { done->set_value(); });
  }
  void chat(const Step& step, std::string text) {
    bot::ChatMessage message{
        channel_,
        step.id,
        {fmt::format("{}", step.person), fmt::format("Viewer{}", step.person), step.number % 3 == 0},
        std::move(text),
        step.at,
        step.number % 5 != 0};
    dispatcher_.submit(scope(step.server), std::move(message),
                       [done = begun()](Outcome, std::optional<Answer>) { done->set_value(); });
  }
  void command(const Step& step, std::string line) {
    bot::CommandRequest request;
    request.door = bot::Door::prefix;
    request.caller = {
        {bot::kDiscord, fmt::format("{}", 100 + step.person), fmt::format("Member{}", step.person)},
        bot::Permission::administrator};
    request.place = "discord:1";
    request.operation_id = "discord:" + step.id;
    request.line = std::move(line);
    dispatcher_.submit(scope(step.server), std::move(request),
                       [done = begun()](Outcome, std::optional<Answer>) { done->set_value(); });
  }
  void setting(const Step& step, std::string key, std::string value) {
    const bot::SettingWish wish{std::move(key), std::move(value)};
    wait_for_all();  // what the command line does keeps no order with the events
    world_.in(scope(step.server), [&](store::Tx& tx) {
      return bot::change_server_setting(tx, world_.declarations, ServerId(step.server), wish,
                                        {"operator", "system"}, step.at);
    });
    dispatcher_.refresh(scope(step.server));
  }
  void link(const Step& step) {
    const bot::LinkRequest request{DiscordUserId(100 + step.person), bot::kKick,
                                   fmt::format("viewer{}", 1 + step.number % 5)};
    wait_for_all();
    world_.in(scope(step.server), [&](store::Tx& tx) -> store::TxTask<void> {
      if (step.number % 2 == 0) {
        co_await bot::link_member(tx, world_.declarations.on_move, request, {"operator", "system"}, step.at);
      } else {
        co_await bot::unlink_member(tx, world_.declarations.on_move, request.member, bot::kKick,
                                    {"operator", "system"}, step.at);
      }
    });
  }

  void carry_out(const Step& step) {
    switch (step.kind) {
      case 0: return tell(step.server, bot::StreamStatus{channel_, true, step.at, std::nullopt, "Nightowl"});
      case 1:
        return tell(step.server, bot::StreamStatus{channel_, false, step.at - 1min, step.at, "Nightowl"});
      case 2:
        return tell(step.server, bot::GiftedSubs{channel_, step.id, "Giver", 1 + step.number % 5, step.at});
      case 3:
        return tell(step.server, bot::MemberJoined{DiscordUserId(100 + step.person), "Member", step.at});
      case 4:
        return command(step, fmt::format("!points add {} {} because", 100 + step.person, 1 + step.number));
      case 5:
        return command(step,
                       fmt::format("!points remove {} {} because", 100 + step.person, 1 + step.number / 10));
      case 6: return setting(step, "points_per_5min", fmt::format("{}", step.number % 10));
      case 7:
        return setting(step, step.number % 2 == 0 ? "tracking_enabled" : "log_channel_id",
                       step.number % 2 == 0 ? (step.number % 4 == 0 ? "false" : "true") : "4242");
      case 8: return link(step);
      case 9: return chat(step, "!points");
      default: return chat(step, "hello");
    }
  }

  const tenancy::ChannelKey channel_{"kick", "900001"};
  net::Loops loops_{2};  // outlive the database, whose answers they carry
  TestWorld world_;
  bot::TopicHub topics_;
  bot::Dispatcher dispatcher_{loops_, world_.declarations, world_.clock, topics_, world_.metrics};
  bot::TickRunner ticks_{*world_.tenancy, world_.declarations, world_.clock, world_.metrics};
  std::vector<std::future<void>> under_way_;
  TimePoint start_ = world_.clock.now();
  TimePoint next_tick_ = start_;
};

}  // namespace

std::vector<Interference> find_interference(std::uint64_t seed) {
  std::vector<std::int64_t> all;
  std::vector<Step> mixed_steps;
  Bot mixed({1, 2, 3});
  for (std::int64_t server = 1; server <= kServers; ++server) {
    for (Step& step : steps_of(server, seed, mixed.start())) mixed_steps.push_back(std::move(step));
  }
  const auto by_time = [](const Step& a, const Step& b) { return a.at < b.at; };
  std::sort(mixed_steps.begin(), mixed_steps.end(), by_time);
  mixed.run(mixed_steps);
  std::vector<Interference> found;
  for (std::int64_t server = 1; server <= kServers; ++server) {
    Bot alone({server});
    std::vector<Step> steps = steps_of(server, seed, alone.start());
    std::sort(steps.begin(), steps.end(), by_time);
    alone.run(steps);
    for (const std::string& table : mixed.sealed_tables()) {
      const std::string one = alone.rows(table, server);
      const std::string other = mixed.rows(table, server);
      if (one != other) found.push_back({seed, table, server, one, other});
    }
  }
  return found;
}

}  // namespace guildhall::test
