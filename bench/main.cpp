// bench [--json] [--check] [--full] [--rows N] [--reference FILE] [NAME...]
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cstdio>
#include <exception>
#include <optional>

#include "bench/bench.h"
#include "bench/postgres_server.h"

namespace guildhall::bench {
namespace {

struct Measurement {
  std::string_view name;
  std::string_view summary;
  Figures (*measure)(const Request&);
  bool on_postgres = false;
};

template <Figures (*kMeasure)(Size)>
Figures by_size(const Request& request) {
  return kMeasure(request.size);
}

/// Memory first: it is about a process that has done nothing else.
constexpr Measurement kMeasurements[] = {
    {"memory", "resident memory per server that is served", by_size<measure_memory>},
    {"joins", "members who join: gateway frame -> commit", by_size<measure_joins>},
    {"corrections", "points-add: gateway frame -> commit -> answer at Discord", by_size<measure_corrections>},
    {"presence", "chat messages: signed webhook -> commit -> 200", by_size<measure_presence>},
    {"webhooks", "Kick's webhooks per core, and their answers at 500 a second", by_size<measure_webhooks>},
    {"linking", "members link their accounts at once: button -> pages -> Kick -> done",
     by_size<measure_linking>},
    {"roles", "roles for watch time, within Discord's limits, in simulated time", by_size<measure_roles>},
    {"tick", "a due tick of 1,000 servers in one file", by_size<measure_tick>},
    {"tick-files", "a due tick of 1,000 servers that have a file each", by_size<measure_tick_files>},
    {"tick-postgres", "a due tick of 1,000 servers on PostgreSQL", by_size<measure_tick_postgres>, true},
    {"sealed", "statements behind the seal and without one, on PostgreSQL", by_size<measure_sealed>, true},
    {"sealed-sqlite", "the same on SQLite", by_size<measure_sealed_sqlite>},
    {"group-commit", "64 writers at once on one file", by_size<measure_group_commit>},
    {"batches", "many rows by one statement, on PostgreSQL", by_size<measure_batches>, true},
    {"migrations", "small migrations against psql, status of many files, a folder of SQLite files, the lexer",
     by_size<measure_migrations>, true},
    {"convert", "an old bot's database becomes one of many servers, on PostgreSQL", measure_convert, true},
    {"convert-sqlite", "the same of a SQLite file", measure_convert_sqlite},
    {"import", "an old bot's data is taken over while it writes, into SQLite and PostgreSQL", measure_import,
     true},
};

struct Options {
  bool help = false;
  bool json = false;
  bool check = false;
  Request request;
  std::vector<std::string_view> names;  // none: everything

  bool wants(const Measurement& measurement) const {
    return names.empty() || std::ranges::find(names, measurement.name) != names.end();
  }
};

/// What one table may hold: from 100 to 9,999,999.
bool is_rows(std::string_view text, std::int64_t& rows) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rows);
  return error == std::errc() && end == text.data() + text.size() && rows >= 100 && rows <= 9'999'999;
}

/// Nothing: a word that means nothing here; it has been said.
std::optional<Options> read(const std::vector<std::string_view>& words) {
  Options options;
  for (auto at = words.begin(); at != words.end(); ++at) {
    const std::string_view word = *at;
    const std::string_view value = at + 1 == words.end() ? "" : at[1];
    if (word == "--reference" && !value.empty()) {
      options.request.reference = *++at;
    } else if (word == "--rows" && is_rows(value, options.request.rows)) {
      ++at;
    } else if (word == "--help" || word == "-h") {
      options.help = true;
    } else if (word == "--json") {
      options.json = true;
    } else if (word == "--check") {
      options.check = true;
    } else if (word == "--full") {
      options.request.size = Size::full;
    } else if (std::ranges::find(kMeasurements, word, &Measurement::name) != std::end(kMeasurements)) {
      options.names.push_back(word);
    } else {
      fmt::print(stderr, "bench: unknown argument '{}'\nhint: `bench --help` lists what can be measured\n",
                 word);
      return std::nullopt;
    }
  }
  return options;
}

void print_help() {
  fmt::print(
      "Usage: bench [--json] [--check] [--full] [--rows N] [--reference FILE] [NAME...]\n\nMeasures the "
      "product beside a named reference, "
      "in one "
      "run.\n"
      "Without names: everything.\n\n");
  for (const Measurement& measurement : kMeasurements)
    fmt::print("  {:<13} {}\n", measurement.name, measurement.summary);
  fmt::print(
      "\n  --json        one JSON object on stdout\n"
      "  --check       exit code 1 when a ratio is beyond its bound\n"
      "  --full        also what takes minutes: a million viewers, millions of rows\n"
      "  --rows N      convert, convert-sqlite, import: so many rows in each table\n"
      "  --reference FILE  convert: SQL that does the same, to be measured beside it\n"
      "  --help        this text\n\nExample:\n  build/release/bench --check joins tick\n");
}

std::string bound_text(const Figure& figure) {
  return fmt::format("{} {:g}", figure.direction == Figure::Bound::at_least ? ">=" : "<=", figure.bound);
}

void print_table(const Figures& figures) {
  fmt::print("{:<16} {:>10} {:<11} {:>9} {:<9} {:<18} {}\n", "what", "figure", "unit", "ratio", "bound",
             "target", "reference; what was done");
  for (const Figure& figure : figures) {
    fmt::print("{:<16} {:>10.1f} {:<11} {:>9.3f} {:<9} {:<18} {}: {:.1f}; {}\n", figure.name, figure.value,
               figure.unit, figure.ratio(), bound_text(figure), figure.target, figure.reference,
               figure.reference_value, figure.note);
  }
}

void print_json(const Figures& figures) {
  boost::json::array rows;
  for (const Figure& figure : figures) {
    rows.push_back({{"name", figure.name},
                    {"value", figure.value},
                    {"unit", figure.unit},
                    {"reference", figure.reference},
                    {"reference_value", figure.reference_value},
                    {"ratio", figure.ratio()},
                    {figure.direction == Figure::Bound::at_least ? "at_least" : "at_most", figure.bound},
                    {"holds", figure.holds()},
                    {"target", figure.target},
                    {"note", figure.note}});
  }
  fmt::print("{}\n", boost::json::serialize(boost::json::object{{"figures", std::move(rows)}}));
}

/// How many figures are beyond their bounds; names them. With --json stdout is the one object's.
int check(const Figures& figures, int skipped, bool json) {
  int broken = 0;
  for (const Figure& figure : figures) {
    if (figure.holds()) continue;
    ++broken;
    fmt::print(stderr, "bench: {}: the ratio to '{}' is {:.4f}, and should be {}\n", figure.name,
               figure.reference, figure.ratio(), bound_text(figure));
  }
  fmt::print(json ? stderr : stdout, "PASSED {} FAILED {} SKIPPED {}\n",
             static_cast<int>(figures.size()) - broken, broken, skipped);
  return broken;
}

int run(const std::vector<std::string_view>& words) {
  const auto options = read(words);
  if (!options) return 2;
  if (options->help) {
    print_help();
    return 0;
  }
  Figures figures;
  int skipped = 0;
  for (const Measurement& measurement : kMeasurements) {
    if (!options->wants(measurement)) continue;
    if (measurement.on_postgres && !has_postgres()) {
      ++skipped;
      progress(
          fmt::format("{}: left out: PostgreSQL 15 is not installed, and GUILDHALL_TEST_POSTGRES is not set",
                      measurement.name));
      continue;
    }
    const Figures measured = measurement.measure(options->request);
    figures.insert(figures.end(), measured.begin(), measured.end());
  }
  options->json ? print_json(figures) : print_table(figures);
  return options->check && check(figures, skipped, options->json) > 0 ? 1 : 0;
}

}  // namespace

void progress(std::string_view text) { fmt::print(stderr, "bench: {}\n", text); }

}  // namespace guildhall::bench

int main(int argc, char** argv) {
  try {
    return guildhall::bench::run(std::vector<std::string_view>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
}
