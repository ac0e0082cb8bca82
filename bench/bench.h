// bench: how fast the product is, always beside a named reference measured in the same run.
//
//   main.cpp           the program `bench`: chooses, runs, prints, checks
//   served_bot.h       a whole bot with its bridges, and stub_discord.h the other end of its connections
//   raw_sqlite.h       the floor: the same rows, written by SQLite alone
//   raw_postgres.h     the same for PostgreSQL: libpq and nothing around it
//   postgres_server.h  a PostgreSQL of this run's own
//   turns.h            times of several ways to do the same, taken in turns
//   events.cpp, webhooks.cpp, memory.cpp   the bot; kick_posts.h: what Kick posts to it
//   linking.cpp                        members who link their accounts, all at once
//   roles.cpp                          roles for watch time, as fast as Discord lets them be given
//   tick.cpp                           the minute's tick on each layout
//   migrations.cpp                     the migration tool, against psql
//   convert.cpp, convert_sqlite.cpp    an old bot's database becomes one of many servers
//   import.cpp                         an old bot's data is taken over
//   sealed.cpp, group_commit.cpp, batches.cpp   storage: what the seal costs, and what commits in groups and
//                                      many rows at once are worth
//   gateway_client/    a program of its own: the Discord client alone, for comparisons with others' clients
//
// Called by people and by `./test --all`. It promises: figures of the real code on a real file with
// full durability (where it is not, the note says so), and bounds on ratios only, so that a slow machine
// fails no check and a regression by an order of magnitude fails on every machine; with --full, which wants
// a quiet machine, two promises in seconds are held too. It never touches another
// folder than its own temporary one, and no network but loopback. Figures of PostgreSQL come from a server
// that it starts for itself, or from the one whose address GUILDHALL_TEST_POSTGRES holds; without either they
// are left out, and it says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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
  double bound = 0;  // for value / reference_value; what every machine keeps
  std::string note;
  std::string target = {};  // what a quiet machine should show, as text

  double ratio() const { return value / reference_value; }
  bool holds() const { return direction == Bound::at_least ? ratio() >= bound : ratio() <= bound; }
};

/// One that is to be `at_most` times its reference.
inline Figure figure(std::string name, double value, std::string unit, std::string reference,
                     double reference_value, double at_most, std::string target, std::string note = {}) {
  return {.name = std::move(name),
          .value = value,
          .unit = std::move(unit),
          .reference = std::move(reference),
          .reference_value = reference_value,
          .direction = Figure::Bound::at_most,
          .bound = at_most,
          .note = std::move(note),
          .target = std::move(target)};
}
using Figures = std::vector<Figure>;

/// How much is measured: what fits into a check, or also what takes minutes.
enum class Size { quick, full };

/// What a call of the program asks for.
struct Request {
  Size size = Size::quick;
  std::int64_t rows = 0;            // in each big table of `convert` and `import`; 0: as the size says
  std::string_view reference = {};  // a file with another way to do what `convert` does; "": without
};

/// What is going on, on stderr.
void progress(std::string_view text);

/// Resident memory per server that is served. Meant for a process that has done nothing else before.
Figures measure_memory(Size size);
/// GUILD_MEMBER_ADD over the gateway until the row of recent events is committed.
Figures measure_joins(Size size);
/// The slash command that corrects points, from the gateway until its answer has arrived at Discord.
Figures measure_corrections(Size size);
/// Signed chat webhooks until the moment of presence is committed and 200 is answered.
Figures measure_presence(Size size);
/// Kick's webhooks per second of one core, and how long they wait for their answer at 500 a second over HTTP:
/// quick for some seconds, full for a minute, which is held against the promise.
Figures measure_webhooks(Size size);
/// Members who link their accounts at once, from the press on the panel's button in Discord over our pages
/// and the simulated Kick to the page that says so: 500; full: also 1,000, more than Kick answers at once.
Figures measure_linking(Size size);
/// Roles for watch time, quick of 10,000 members and full of 100,000 in a hundred servers: found by one tick,
/// then given in the time of a simulated Discord, which refuses what is beyond its limits.
Figures measure_roles(Size size);
/// One due tick of 1,000 servers in one file, of 1,000 and of 100,000 viewers, each of whom is paid; full:
/// also of a million.
Figures measure_tick(Size size);
/// The same on PostgreSQL.
Figures measure_tick_postgres(Size size);
/// One due tick of 10,000 viewers in 1,000 servers that have a file each.
Figures measure_tick_files(Size size);
/// Single statements on one server's rows, behind the seal and without one, on PostgreSQL; and one trip
/// against four.
Figures measure_sealed(Size size);
/// The same on SQLite.
Figures measure_sealed_sqlite(Size size);
/// 64 writers at once on one file.
Figures measure_group_commit(Size size);
/// Many rows by one statement on PostgreSQL, in each way that it knows.
Figures measure_batches(Size size);
/// Small migrations, a table and an index each, against psql; full: 500 of them. `guildhall migrate status`
/// of 5,000 files; full: also beside the 0.3 s that are promised. SQL read by the lexer.
Figures measure_migrations(Size size);
/// The conversion of an old bot's database, quick of 20,000 rows a table and full of a million: beside the
/// plain build of its indexes, and a script where one is named; what the bot meets meanwhile; inspect and
/// plan of 200 tables.
Figures measure_convert(const Request& request);
/// The same of a SQLite file: beside what is done without it, and what a writer meets meanwhile.
Figures measure_convert_sqlite(const Request& request);
/// `guildhall import kick` of an old bot's database, quick of 20,000 viewers and full of a million, into
/// SQLite and PostgreSQL: beside COPY and plain inserts, its memory, and with --follow beside the old bot at
/// work.
Figures measure_import(const Request& request);

}  // namespace guildhall::bench
