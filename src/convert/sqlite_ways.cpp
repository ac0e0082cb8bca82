// What the commands do on a SQLite file.
#include <fmt/format.h>

#include "convert/sqlite_archive.h"
#include "convert/sqlite_checks.h"
#include "convert/sqlite_file_way.h"
#include "convert/sqlite_online.h"
#include "convert/sqlite_rebuild.h"
#include "convert/sqlite_rollback.h"
#include "convert/ways.h"

namespace guildhall::convert {

using migrate::Outcome;

namespace {

/// A file that is being written waits for us no longer than for any other writer.
constexpr std::chrono::milliseconds kWait{10'000};

/// What a step throws when somebody pressed Ctrl-C; the transaction of it is taken back.
struct Interrupted {
  int signal;
};

SqliteOptions options_of(const ConversionRun& run) {
  SqliteOptions options;
  options.accepted = run.options().accepted;
  options.wait = kWait;
  options.sums = run.options().sums;
  options.at = [&run](const std::string& step) {
    const int signal = run.options().interrupt == nullptr ? 0 : run.options().interrupt->signal();
    if (signal != 0) throw Interrupted{signal};
    run.options().say(step);
  };
  return options;
}

Outcome<SqliteReport> convert(ConversionRun& run) {
  const Scheme& scheme = run.found().scheme;
  const SqliteOptions options = options_of(run);
  switch (run.options().way) {
    case SqliteWay::rebuild: return rebuild_sqlite(run.session(), scheme, run.conversion(), options);
    case SqliteWay::online: return convert_sqlite_online(run.session(), scheme, run.conversion(), options);
    case SqliteWay::file: return give_file_to_server(run.session(), scheme, run.conversion(), options);
  }
  std::unreachable();
}

template <class Function>
Outcome<RunReport> unless_interrupted(Function function) {
  try {
    return function();
  } catch (const Interrupted& interrupted) {
    return std::unexpected(
        migrate::interruption(interrupted.signal, "interrupted; the same command goes on, or begins again"));
  }
}

/// What is no reason to stop, and has to be known.
void say_findings(const ConversionRun& run, const SqliteReport& report) {
  for (const migrate::Finding& finding : report.findings)
    run.options().say(fmt::format("{}{}{}", finding.text, finding.hint.empty() ? "" : ". ", finding.hint));
}

Outcome<RunReport> finish(ConversionRun& run, const Outcome<SqliteReport>& done) {
  if (!done) return std::unexpected(done.error());
  say_findings(run, *done);
  if (auto looked = run.look_again(); !looked) return std::unexpected(looked.error());
  run.draft().steps = done->was_done ? 0 : done->tables;
  run.draft().is_of_one_server = run.options().way == SqliteWay::file;
  run.draft().untouched = done->untouched;
  return run.report();
}

/// Of a run that was killed when all was exchanged already.
Outcome<RunReport> clean_up(ConversionRun& run) {
  if (replaced_tables(run.session()).empty()) return run.report();
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  drop_replaced(run.session(), options_of(run));
  return run.report();
}

}  // namespace

Outcome<RunReport> convert_sqlite(ConversionRun& run) {
  return unless_interrupted([&]() -> Outcome<RunReport> {
    if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
    if (run.found().has_begun() && run.found().conversion->state != State::expanding) return clean_up(run);
    if (!run.found().has_begun()) {
      if (auto fits = run.examine(); !fits) return std::unexpected(fits.error());
    } else if (run.options().way != SqliteWay::online) {
      // The others begin and end in one transaction.
      return migrate::stop(migrate::Exit::refused, "CV-WAY",
                           "this conversion began beside the old program, with --way online",
                           "Go on with it: --way online; or take it back: guildhall convert rollback.");
    }
    if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
    const auto health = check_sqlite(run.session(), kWait);
    if (!health) return std::unexpected(health.error());
    for (const migrate::Finding& finding : health->findings) run.options().say(finding.text);
    if (!run.found().has_begun()) {
      if (auto backed_up = run.back_up(); !backed_up) return std::unexpected(backed_up.error());
    }
    return finish(run, convert(run));
  });
}

Outcome<RunReport> roll_back_sqlite(ConversionRun& run, const RollbackOptions& rolling_back) {
  return unless_interrupted([&]() -> Outcome<RunReport> {
    if (auto connected = run.connect(); !connected) return std::unexpected(connected.error());
    // By a run that was killed before it could say so, or long ago.
    if (const auto newest = run.newest(); newest && newest->state == State::rolled_back)
      return RunReport{.conversion = newest->number, .state = newest->state, .home = newest->home};
    if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
    if (!run.found().has_begun())
      return migrate::stop(migrate::Exit::refused, "CV-STATE", "no conversion has begun here",
                           "There is nothing to take back.");
    if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
    SqliteOptions options = options_of(run);
    options.archive = rolling_back.archive;
    const auto done = roll_back_sqlite(run.session(), options);
    if (!done) return std::unexpected(done.error());
    say_findings(run, *done);
    run.draft().state = State::rolled_back;
    run.draft().conversion = done->conversion;
    run.draft().steps = done->tables;
    run.draft().moved = done->moved;
    return run.draft();
  });
}

Outcome<RunReport> bring_back_sqlite(ConversionRun& run) {
  return unless_interrupted([&]() -> Outcome<RunReport> {
    if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
    if (auto fits = run.check_state({State::contracted},
                                    "More than one server has a place after 'guildhall convert apply', the "
                                    "way 'file' excepted.");
        !fits)
      return std::unexpected(fits.error());
    if (!has_sqlite_archive(run.session()))
      return migrate::stop(migrate::Exit::refused, "CV-ARCHIVE", "there is no archive here",
                           "Nothing is to be brought back.");
    if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
    const SqliteSettings settings(run.session(), kWait);
    SqliteTransaction transaction(run.session());
    auto moved = bring_back(run.session(), run.found().scheme);
    if (!moved) return std::unexpected(moved.error());
    options_of(run).at("commit");
    transaction.commit();
    run.draft().moved = *std::move(moved);
    return run.report();
  });
}

}  // namespace guildhall::convert
