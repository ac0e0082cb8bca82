// What a server costs in memory: registry, dispatcher, settings, what is kept of Discord.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include "bench/bench.h"
#include "bench/served_bot.h"

namespace guildhall::bench {
namespace {

constexpr std::size_t kBefore = 50;  // so that what all servers share is there already
constexpr std::size_t kServers = 1'000;

double resident_kib() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1'024;
}

/// One event of each, so that each has its place on a loop and its settings.
void touch(ServedBot& bot, std::size_t first, std::size_t count) {
  std::vector<Dispatch> joins;
  for (std::size_t i = first; i < first + count; ++i) {
    joins.push_back(
        {"GUILD_MEMBER_ADD", fmt::format(R"({{"guild_id":"{}","user":{{"id":"{}","username":"member"}}}})",
                                         server_id(i), 5'000'000 + i)});
  }
  const auto before = bot.committed();
  bot.discord.send(std::move(joins));
  wait_until("joins", [&] { return bot.committed() - before == static_cast<std::int64_t>(count); });
}

}  // namespace

Figures measure_memory(Size) {
  progress("memory: a bot with 1,000 servers");
  ServedBot bot;
  bot.add_servers(kBefore);
  touch(bot, 0, kBefore);
  const double before = resident_kib();
  bot.add_servers(kServers);
  touch(bot, kBefore, kServers);
  Figure figure;
  figure.name = "memory";
  figure.value = (resident_kib() - before) / static_cast<double>(kServers);
  figure.unit = "KiB/server";
  figure.reference = "what Discord says of a server";
  figure.reference_value = static_cast<double>(ServedBot::server_json(0).size()) / 1'024;
  figure.direction = Figure::Bound::at_most;
  figure.bound = 20;
  figure.note = fmt::format("{} servers, resident", kServers);
  return {figure};
}

}  // namespace guildhall::bench
