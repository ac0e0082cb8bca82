// bench: how fast the product is, always beside a named reference measured in the same run.
//
//   main.cpp        the program `bench`: chooses, runs, prints, checks
//   served_bot.h    a whole bot with its bridges, and stub_discord.h the other end of its connections
//   raw_sqlite.h    the floor: the same rows, written by SQLite alone
//   events.cpp, tick.cpp, memory.cpp   what is measured
//
// Called by people and by `./test --all`. It promises: figures of the real code on a real file with
// full durability, and bounds on ratios only, so that a slow machine fails no check and a regression by
// an order of magnitude fails on every machine. It never touches another folder than its own temporary
// one, and no network but loopback.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace guildhall::bench {

struct Figure {
  enum class Bound { at_least, at_most };

  std::string name;
  double value = 0;
  std::string unit;  // of value and reference_value
  std::string reference;
  double reference_value = 0;
  Bound direction = Bound::at_least;
  double bound = 0;  // for value / reference_value
  std::string note;

  double ratio() const { return value / reference_value; }
  bool holds() const { return direction == Bound::at_least ? ratio() >= bound : ratio() <= bound; }
};

/// What is going on, on stderr.
void progress(std::string_view text);

/// GUILD_MEMBER_ADD over the gateway until the row of recent events is committed.
Figure measure_joins();
/// The slash command that corrects points, from the gateway until its answer has arrived at Discord.
Figure measure_corrections();
/// Signed chat webhooks until the moment of presence is committed and 200 is answered.
Figure measure_presence();
/// One due tick of 100,000 viewers in 1,000 servers, each of whom is paid.
Figure measure_tick();
/// One due tick of 10,000 viewers in 1,000 servers that have a file each.
Figure measure_tick_files();
/// Resident memory per server that is served. Meant for a process that has done nothing else before.
Figure measure_memory();

}  // namespace guildhall::bench
