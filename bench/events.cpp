// The road of an event and of a command, from the bytes that come in to the commit on the file.
#include <fmt/format.h>

#include <atomic>
#include <optional>
#include <stdexcept>

#include "bench/bench.h"
#include "bench/kick_posts.h"
#include "bench/raw_sqlite.h"
#include "bench/served_bot.h"

namespace guildhall::bench {
namespace {

constexpr std::size_t kServers = 200;
constexpr std::size_t kJoins = 20'000;
constexpr std::size_t kCorrections = 6'000;
/// As many people as may be waiting for an answer at once on a busy evening.
constexpr std::size_t kAsking = 64;
constexpr std::size_t kMessages = 6'000;
/// What one commit holds when there is always more to do.
constexpr std::size_t kFullGroup = 256;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Runs `work` and puts its pace beside that of the same rows alone, in groups of that size or, without
/// one, in groups as large as those that there were.
Figure against_raw(ServedBot& bot, std::string name, std::size_t events, std::vector<std::string> tables,
                   const std::function<void()>& work, std::optional<std::size_t> raw_group = std::nullopt) {
  const auto before = bot.commits();
  const Stopwatch watch;
  work();
  const double seconds = watch.seconds();
  const auto after = bot.commits();
  const auto groups = std::max<std::int64_t>(after.groups - before.groups, 1);
  const auto group =
      static_cast<std::size_t>(std::max<std::int64_t>((after.units - before.units) / groups, 1));

  Figure figure;
  figure.name = std::move(name);
  figure.value = static_cast<double>(events) / seconds;
  figure.unit = "events/s";
  figure.reference = "the same rows by SQLite alone";
  progress(figure.name + ": the same rows by SQLite alone");
  figure.reference_value = raw_events_per_second(
      {bot.world.database_file(), std::move(tables), events, raw_group.value_or(group)});
  figure.note = fmt::format("{} events of {} servers, {} per commit", events, kServers, group);
  return figure;
}

Dispatch join(std::size_t number) {
  return {"GUILD_MEMBER_ADD",
          fmt::format(R"({{"guild_id":"{}","user":{{"id":"{}","username":"member{}","global_name":null}},)"
                      R"("nick":null,"roles":[],"joined_at":"2027-01-15T08:00:00+00:00"}})",
                      server_id(number % kServers), 5'000'000 + number, number)};
}

Dispatch correction(std::size_t number) {
  const std::size_t member = 7'000'000 + number / kServers % 50;
  return {"INTERACTION_CREATE",
          fmt::format(
              R"({{"id":"{}","application_id":"2","type":2,"token":"t{}","guild_id":"{}","channel_id":"4",)"
              R"("locale":"en-GB","member":{{"permissions":"8","user":{{"id":"9","username":"moderator"}}}},)"
              R"("data":{{"name":"points-add","options":[{{"name":"user","type":6,"value":"{}"}},)"
              R"({{"name":"amount","type":4,"value":5}},{{"name":"reason","type":3,"value":"raid"}}],)"
              R"("resolved":{{"users":{{"{}":{{"id":"{}","username":"viewer"}}}}}}}}}})",
              10'000'000 + number, number, server_id(number % kServers), member, member, member)};
}

}  // namespace

Figures measure_joins(Size) {
  progress("joins: a bot with 200 servers");
  ServedBot bot;
  bot.add_servers(kServers);
  std::vector<Dispatch> joins;
  for (std::size_t i = 0; i < kJoins; ++i) joins.push_back(join(i));
  const auto before = bot.committed();
  Figure figure = against_raw(
      bot, "joins", kJoins, {"activity", "counters"},
      [&] {
        bot.discord.send(std::move(joins));
        wait_until("joins", [&] { return bot.committed() - before == static_cast<std::int64_t>(kJoins); });
      },
      kFullGroup);
  figure.bound = 0.1;
  return {figure};
}

Figures measure_corrections(Size) {
  progress("corrections: a bot with 200 servers");
  ServedBot bot;
  bot.add_servers(kServers);
  std::atomic<std::size_t> sent = 0;
  bot.discord.follow_answers_with([&]() -> std::optional<Dispatch> {
    const std::size_t number = sent++;
    return number < kCorrections ? std::optional(correction(number)) : std::nullopt;
  });
  const std::vector<std::string> tables{"balances", "ledger", "audit_log", "activity", "counters"};
  Figure figure = against_raw(bot, "corrections", kCorrections, tables, [&] {
    std::vector<Dispatch> first;
    while (first.size() < kAsking) first.push_back(correction(sent++));
    bot.discord.send(std::move(first));
    wait_until("answers", [&] { return bot.discord.answers() == static_cast<std::int64_t>(kCorrections); });
    bot.committed();
  });
  figure.bound = 0.04;
  return {figure};
}

Figures measure_presence(Size) {
  progress("presence: a bot with 200 servers and channels");
  ServedBot bot;
  bot.add_servers(kServers);
  net::run_to_end(listen_to_channels(bot, kServers));
  const KickPosts kick(bot, kServers);
  std::vector<net::HttpRequest> streams;
  for (std::size_t i = 0; i < kServers; ++i) streams.push_back(kick.status(i));
  Posting(bot, std::move(streams)).run();
  progress("presence: signing messages");
  // Everybody has written before: what is measured is an evening, not its first minute.
  constexpr std::size_t kEverybody = kServers * 20;
  Posting(bot, kick.messages(0, kEverybody)).run();
  Posting measured(bot, kick.messages(kEverybody, kMessages));
  Figure figure = against_raw(bot, "presence", kMessages, {"presence"}, [&] { measured.run(); });
  figure.bound = 0.07;
  return {figure};
}

}  // namespace guildhall::bench
