// guildhall move
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "bot/feature.h"
#include "cli/commands.h"
#include "cli/instance_lock.h"
#include "cli/workspace.h"
#include "move/move.h"

namespace guildhall::cli {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// One line on a terminal that tells how far it is; nothing for what is over within two seconds.
class ProgressLine {
 public:
  void show(const move::Progress& progress) {
    const auto now = steady_clock::now();
    if (progress.step != step_) {
      step_ = progress.step;
      since_ = now;
      first_ = progress.rows;
    }
    if (!terminal_ || now - began_ < 2s || now - shown_ < 200ms) return;
    shown_ = now;
    const double spent = std::chrono::duration<double>(now - since_).count();
    const auto done = static_cast<double>(progress.rows - std::min(first_, progress.rows));
    const auto left = static_cast<double>(progress.of - std::min(progress.rows, progress.of));
    fmt::print(stderr, "\r{} {} of {} rows ({} %), about {:.0f} s left\x1b[K",
               step_ == move::Progress::Step::copying ? "copied" : "compared", progress.rows, progress.of,
               progress.of == 0 ? 100 : 100 * progress.rows / progress.of,
               done > 0 ? spent / done * left : 0.0);
    std::fflush(stderr);
  }
  ~ProgressLine() {
    if (shown_ != steady_clock::time_point{}) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) == 1;
  const steady_clock::time_point began_ = steady_clock::now();
  steady_clock::time_point since_ = began_;
  steady_clock::time_point shown_{};
  move::Progress::Step step_ = move::Progress::Step::copying;
  std::uint64_t first_ = 0;
};

Result<store::DatabasePlace> place_of(const Arguments& arguments, const std::string& option) {
  const std::string url = arguments.require(option);
  auto place = store::find_place(url, arguments.config.data_dir);
  if (place) return place;
  return fail(ErrorCode::usage, fmt::format("{}: '{}' is none of sqlite:FILE, sqlite-per-server:DIR and "
                                            "postgres://USER@HOST/DATABASE",
                                            option, store::shown_url(url)));
}

/// No bot runs on these files while this lives. On PostgreSQL the move itself takes the bot's lock.
Result<std::unique_ptr<InstanceLock>> hold(const store::DatabasePlace& place) {
  if (place.layout == store::Layout::postgres) return nullptr;
  std::error_code ignored;  // the lock says what is wrong with the folder
  std::filesystem::create_directories(std::filesystem::path(place.path).parent_path(), ignored);
  return InstanceLock::take(place, Exclusive::bot);
}

Answer answer_of(const move::Report& report, const store::DatabasePlace& from,
                 const store::DatabasePlace& to) {
  Answer answer;
  answer.text = fmt::format(
      "Moved {} rows of {} servers from '{}' to '{}'; every table has the same rows on both sides.\n"
      "Now give the bot the new place: {}. The old one is as it was.\n",
      report.rows, report.servers, from.name(), to.name(),
      to.layout == store::Layout::postgres
          ? "the three addresses below [database] that belong to that database"
          : fmt::format("url = \"{}\" below [database]", to.url));
  boost::json::object tables;
  for (const auto& table : report.tables)
    tables[table.table] = {{"rows", static_cast<std::int64_t>(table.rows)}, {"checksum", table.checksum}};
  answer.json = {{"from", from.name()},
                 {"to", to.name()},
                 {"resumed", report.resumed},
                 {"servers", static_cast<std::int64_t>(report.servers)},
                 {"rows", static_cast<std::int64_t>(report.rows)},
                 {"tables", std::move(tables)}};
  return answer;
}

Result<std::optional<Answer>> move_command(const Arguments& arguments) {
  if (auto prepared = prepare_data_dir(arguments.config); !prepared) return std::unexpected(prepared.error());
  const auto from = place_of(arguments, "--from");
  if (!from) return std::unexpected(from.error());
  const auto to = place_of(arguments, "--to");
  if (!to) return std::unexpected(to.error());
  if (auto checked = move::check_places(*from, *to); !checked) return std::unexpected(checked.error());
  const auto held_from = hold(*from);
  if (!held_from) return std::unexpected(held_from.error());
  const auto held_to = hold(*to);
  if (!held_to) return std::unexpected(held_to.error());
  const SystemClock clock;
  const auto declarations = declare_everything(arguments.config);
  move::Options options;
  options.resume = arguments.has("--resume");
  ProgressLine line;
  options.on_progress = [&line](const move::Progress& progress) { line.show(progress); };
  const auto report = move::move_database(*from, *to, declarations->tables, clock, options);
  if (!report) return std::unexpected(report.error());
  return answer_of(*report, *from, *to);
}

}  // namespace

void add_move_command(std::vector<Command>& commands) {
  commands.push_back(
      {{"move"},
       "moves the whole database to another place or layout, and compares the two; the bot is stopped",
       "guildhall move --from sqlite:guildhall.db --to postgres://guildhall_migrate@db.example.org/guildhall",
       {},
       {{"--from", "URL",
         "where the data is: sqlite:FILE, sqlite-per-server:DIR or postgres://...; it is only read. Of "
         "PostgreSQL the address of guildhall_ro or guildhall_migrate",
         true},
        {"--to", "URL",
         "where it goes, the same forms; has to be empty. Of PostgreSQL the address of guildhall_migrate",
         true},
        {"--resume", "", "go on with a move that was interrupted"}},
       move_command});
}

}  // namespace guildhall::cli
