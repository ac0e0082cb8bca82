#include "migrate/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <tuple>

#include "migrate/fleet_lock.h"
#include "migrate/migrate.h"
#include "migrate/spread.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::array<std::string_view, 3> kEndings{".sqlite", ".sqlite3", ".db"};
/// Reading many files is waiting for the disk more than work.
constexpr std::size_t kReaders = 4;

TimePoint time_of(fs::file_time_type time) {
  return std::chrono::time_point_cast<Duration>(std::chrono::file_clock::to_sys(time));
}

/// What is in the write-ahead log is not yet in the file.
TimePoint last_activity(const fs::path& file) {
  std::error_code error;
  TimePoint latest{};
  for (const char* ending : {"", "-wal"}) {
    const auto written = fs::last_write_time(file.string() + ending, error);
    if (!error) latest = std::max(latest, time_of(written));
  }
  return latest;
}

Outcome<std::vector<FleetMember>> read_members(const std::string& folder) {
  std::error_code error;
  std::vector<FleetMember> members;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& file = entry->path();
    std::error_code ignored;
    const bool named = std::ranges::find(kEndings, file.extension().string()) != kEndings.end();
    if (named && entry->is_regular_file(ignored))
      members.push_back({file.stem().string(), file.string(), last_activity(file)});
  }
  if (!error) return members;
  const bool forbidden = error == std::errc::permission_denied;
  return stop(forbidden ? Exit::no_permission : Exit::usage, forbidden ? "E-ACCESS" : "E-NOTFOUND",
              fmt::format("the folder '{}' cannot be read: {}", folder, error.message()),
              "--url sqlite:FOLDER/ names a folder of SQLite files.");
}

/// The last active comes first.
bool is_sooner(const FleetMember& one, const FleetMember& other) {
  return std::tie(other.last_activity, one.name) < std::tie(one.last_activity, other.name);
}

Result<Target> target_of(const Fleet& fleet, const FleetMember& member) {
  if (fleet.is_own) return own_file(member.file, fleet.readers_file);
  return any_target("sqlite:" + member.file, Missing::is_an_error);
}

/// What stands there is no journal of ours, or one that was damaged.
Problem unreadable_journal(const FleetMember& member, const std::exception& error) {
  return stop(Exit::no_database, "MG-JOURNAL",
              fmt::format("the journal of '{}' cannot be read: {}", member.file, error.what()),
              "Restore a backup of this file, or move it away.")
      .error();
}

/// A file's journal against the files of all.
struct Reading {
  std::vector<Standing> standings;  // by name
  bool has_older_journal = false;
};

/// Without its schema: what a look at a fleet and the choice of a run begin with. Whatever is wrong with a
/// file is that file's problem, and nobody else's.
Outcome<Reading> read_member(const FleetMember& member, const MigrationSet& set) {
  const auto unreadable = [](Problem problem) {
    problem.exit = problem.exit == Exit::failed ? Exit::no_database : problem.exit;
    return std::unexpected(std::move(problem));
  };
  try {
    const auto session = store::open_any_session({.url = "sqlite:" + member.file, .reads_through = false});
    if (!session) return unreadable(problem_of(session.error()));
    const Journal journal(**session, Dialect::sqlite);
    const auto rows = journal.read();
    if (!rows) return std::unexpected(rows.error());
    return Reading{compare(set, *rows), journal.is_older()};
  } catch (const store::DatabaseError& error) {
    return unreadable(problem_of(error));
  } catch (const std::exception& error) {
    return unreadable(unreadable_journal(member, error));
  }
}

// --- looking

Problem last_failure(const Standing& one) {
  return {Exit::failed, {"MG-FAILED", Level::error, one.name, 0, one.row ? one.row->error : "", ""}};
}

/// The first that is in such a state decides where the file stands.
void judge(MemberLook& look, const MigrationSet& set, const std::vector<Standing>& standings) {
  const auto first = [&](auto matches) -> const Standing* {
    const auto found = std::ranges::find_if(standings, matches);
    return found == standings.end() ? nullptr : &*found;
  };
  const auto is = [](State state) { return [state](const Standing& one) { return one.state == state; }; };
  const auto take = [&](MemberState state, const Standing* one) {
    look.state = state;
    look.migration = one->name;
  };
  if (const auto* partial = first(is(State::partial))) return take(MemberState::midway, partial);
  if (const auto* drift = first([](const Standing& one) { return is_drift(one.state); })) {
    if (auto agreed = check_agreement(set, standings, false); !agreed) look.problem = agreed.error();
    return take(MemberState::drift, drift);
  }
  if (const auto* failed = first(is(State::failed))) {
    look.problem = last_failure(*failed);
    return take(MemberState::failed, failed);
  }
  if (const auto* pending = first(is(State::pending))) take(MemberState::pending, pending);
}

MemberLook look_at(const FleetMember& member, const MigrationSet& set) {
  MemberLook look;
  look.name = member.name;
  const auto reading = read_member(member, set);
  if (!reading) {
    look.state = MemberState::failed;
    look.problem = reading.error();
    return look;
  }
  const auto& standings = reading->standings;
  look.applied = static_cast<std::size_t>(
      std::ranges::count_if(standings, [](const Standing& one) { return is_applied(one.state); }));
  look.pending = standings.size() - look.applied;
  judge(look, set, standings);
  return look;
}

// --- running

/// What is done to each file.
struct Action {
  std::string command;
  /// Whether there is anything to do, as it stands; a problem is one that the run of the file will meet, too.
  std::function<Outcome<bool>(const Reading&)> has_work;
  std::function<RunReport(const Target&, Interrupt&, std::function<void(const std::string&)> say)> run;
};

class FleetRun {
 public:
  FleetRun(const Fleet& fleet, const MigrationSet& set, const RunOptions& each, const FleetOptions& options,
           Action action)
      : fleet_(fleet), set_(set), each_(each), options_(options), action_(std::move(action)) {}

  FleetReport run() {
    if (auto done = perform(); !done) report_.failed = done.error();
    return std::move(report_);
  }

 private:
  Outcome<void> perform() {
    if (auto possible = check(); !possible) return possible;
    choose();
    if (!has_work_) {
      // Nothing can be done to them; they are told, and nobody has to wait.
      for (const auto& [member, problem] : broken_) note(failure_of(*member, problem));
      return {};
    }
    const auto lock = take_fleet(fleet_, action_.command, each_);
    if (!lock) return std::unexpected(lock.error());
    if (each_.interrupt != nullptr) each_.interrupt->set_cancel([this] { pass_on(); });
    work();
    if (each_.interrupt != nullptr) each_.interrupt->set_cancel(nullptr);
    return signal() == 0 ? Outcome<void>{} : std::unexpected(interrupted());
  }

  // --- before

  Outcome<void> check() const {
    // What is wrong with the files themselves is wrong for everyone.
    if (auto sound = check_agreement(set_, {}, true); !sound) return sound;
    if (!options_.canary.empty() &&
        std::ranges::find(fleet_.members, options_.canary, &FleetMember::name) == fleet_.members.end()) {
      return stop(Exit::usage, "E-CANARY",
                  fmt::format("there is no '{}' in '{}'", options_.canary, fleet_.folder),
                  "Name a file of the folder without its ending.");
    }
    std::error_code ignored;
    if (each_.backup && fs::equivalent(each_.backup->folder, fleet_.folder, ignored)) {
      return stop(Exit::usage, "E-BACKUPDIR", "the backups would lie among the files that are migrated",
                  "Name another folder with --backup-dir.");
    }
    return {};
  }

  /// Of one file, as the run finds it.
  struct Choice {
    Outcome<bool> work = false;
    bool failed_before = false;
  };
  Choice look_at(const FleetMember& member) const {
    const auto reading = read_member(member, set_);
    if (!reading) return {std::unexpected(reading.error())};
    const auto& standings = reading->standings;
    const bool failed = std::ranges::find(standings, State::failed, &Standing::state) != standings.end();
    return {action_.has_work(*reading), failed};
  }

  /// Who has something to do: the canary first, and last those in which it failed before.
  void choose() {
    std::vector<Choice> choices(fleet_.members.size());
    spread(choices.size(), kReaders, [&](std::size_t i) { choices[i] = look_at(fleet_.members[i]); });
    std::vector<const FleetMember*> again;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const auto& [work, failed_before] = choices[i];
      if (work && !*work) {
        ++report_.idle;
        continue;
      }
      if (!work) broken_.emplace(&fleet_.members[i], work.error());
      has_work_ = has_work_ || work.has_value();
      (failed_before ? again : queue_).push_back(&fleet_.members[i]);
    }
    queue_.insert(queue_.end(), again.begin(), again.end());
    auto canary =
        std::ranges::find(queue_, options_.canary, [](const FleetMember* one) { return one->name; });
    // None was named, or it has nothing to do.
    if (canary == queue_.end())
      canary = std::ranges::find_if(queue_, [&](const FleetMember* one) { return !broken_.contains(one); });
    if (canary == queue_.end()) return;
    canary_ = *canary;
    std::rotate(queue_.begin(), canary, canary + 1);
  }

  // --- the work

  void work() {
    if (canary_ != nullptr) {
      run_next(interrupts_[0]);
      if (report_.failed) next_ = queue_.size();
    }
    const std::size_t workers = std::clamp<std::size_t>(options_.at_once, 1, interrupts_.size());
    spread(workers, workers, [this](std::size_t i) {
      while (run_next(interrupts_[i])) {
      }
    });
    for (const FleetMember* member : queue_) {
      const auto tried = std::ranges::find(report_.runs, member->name, &MemberRun::name);
      if (tried == report_.runs.end()) report_.left.push_back(member->name);
    }
  }

  /// False: there is none, or none may be begun.
  bool run_next(Interrupt& interrupt) {
    const FleetMember* member = nullptr;
    {
      const std::scoped_lock lock(mutex_);
      if (next_ >= queue_.size() || failures_ >= options_.max_failures || signal() != 0) return false;
      member = queue_[next_++];
    }
    MemberRun one = run_one(*member, interrupt);
    const std::scoped_lock lock(mutex_);
    // What did not come to its end because of the interrupt is as it was.
    if (one.report.failed && signal() != 0) return false;
    note(std::move(one));
    return true;
  }

  MemberRun run_one(const FleetMember& member, Interrupt& interrupt) {
    const auto begun = steady_clock::now();
    MemberRun one;
    one.name = member.name;
    one.is_canary = &member == canary_;
    const auto target = target_of(fleet_, member);
    if (!target) return failure_of(member, problem_of(target.error()));
    try {
      one.report = action_.run(*target, interrupt, [&](const std::string& line) {
        const std::scoped_lock lock(mutex_);
        each_.say(member.name + ": " + line);
      });
    } catch (const std::exception& error) {
      const auto known = broken_.find(&member);
      one.report.failed =
          known != broken_.end() ? known->second : stop(Exit::failed, "MG-FAILED", error.what()).error();
    }
    const auto took = steady_clock::now() - begun;
    one.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    return one;
  }

  static MemberRun failure_of(const FleetMember& member, Problem problem) {
    MemberRun one;
    one.name = member.name;
    one.report.failed = std::move(problem);
    return one;
  }

  void note(MemberRun one) {
    if (one.report.failed) {
      ++failures_;
      if (!report_.failed) {
        report_.failed = one.report.failed;
        report_.failed_member = one.name;
      }
    }
    report_.runs.push_back(std::move(one));
    options_.done(report_.runs.back(), queue_.size());
  }

  // --- Ctrl-C

  int signal() const { return each_.interrupt == nullptr ? 0 : each_.interrupt->signal(); }
  void pass_on() {
    for (Interrupt& one : interrupts_) one.raise(signal());
  }
  Problem interrupted() {
    report_.failed_member.clear();
    return stop(signal() == SIGTERM ? Exit::terminated : Exit::interrupted, "MG-INTERRUPTED",
                "interrupted; what ran at that moment was rolled back",
                fmt::format("`guildhall migrate {}` goes on.", action_.command))
        .error();
  }

  const Fleet& fleet_;
  const MigrationSet& set_;
  const RunOptions& each_;
  const FleetOptions& options_;
  Action action_;
  std::map<const FleetMember*, Problem> broken_;  // that cannot even be looked at
  std::vector<const FleetMember*> queue_;
  const FleetMember* canary_ = nullptr;
  bool has_work_ = false;
  std::array<Interrupt, 16> interrupts_;  // of each thread
  std::mutex mutex_;                      // of what follows, and of what the caller is told
  std::size_t next_ = 0;
  std::size_t failures_ = 0;
  FleetReport report_;
};

/// As `down --to` sees it.
Outcome<bool> has_above(const std::vector<Standing>& standings, const std::string& to) {
  const auto found = find_standing(standings, to);
  if (!found) return std::unexpected(found.error());
  const auto applied = in_order_of_application(standings);
  const auto at = std::ranges::find(applied, *found);
  if (at != applied.end()) return at + 1 != applied.end();
  return std::ranges::any_of(applied, [&](const Standing* one) { return one > *found; });
}

template <class Options>
Action action_of(std::string command, RunReport (*run)(const Target&, const MigrationSet&, const Options&),
                 const MigrationSet& set, const Options& each) {
  Action action;
  action.command = std::move(command);
  action.run = [run, &set, &each](const Target& target, Interrupt& interrupt, auto say) {
    Options options = each;
    options.interrupt = &interrupt;
    options.say = std::move(say);
    return run(target, set, options);
  };
  return action;
}

}  // namespace

std::string_view name_of(MemberState state) {
  switch (state) {
    case MemberState::up_to_date: return "up to date";
    case MemberState::pending: return "pending";
    case MemberState::midway: return "midway";
    case MemberState::drift: return "drift";
    case MemberState::failed: return "failed";
  }
  return "";
}

Outcome<Fleet> find_fleet(const std::string& folder) {
  auto members = read_members(folder);
  if (!members) return std::unexpected(members.error());
  if (members->empty()) {
    return stop(Exit::usage, "E-NOTFOUND", fmt::format("there is no SQLite file in '{}'", folder),
                "Its files end in .sqlite, .sqlite3 or .db.");
  }
  std::ranges::sort(*members, {}, &FleetMember::file);
  std::map<std::string, const FleetMember*> names;
  for (const FleetMember& one : *members) {
    const auto [other, is_new] = names.emplace(one.name, &one);
    if (is_new) continue;
    return stop(Exit::usage, "E-TWOFILES",
                fmt::format("'{}' and '{}' have one name", other->second->file, one.file),
                "Their backups could not be told apart: rename one, or move it away.");
  }
  std::ranges::sort(*members, is_sooner);
  return Fleet{folder, *std::move(members)};
}

Outcome<Fleet> own_fleet(const store::DatabasePlace& place) {
  std::error_code ignored;
  if (!fs::exists(place.file(), ignored)) {
    return stop(Exit::no_database, "MG-CONNECTION", fmt::format("there is no database '{}'", place.file()),
                "`guildhall run` makes it; --data-dir and --url say where.");
  }
  const auto servers = store::servers_with_file(place);
  if (!servers) return std::unexpected(problem_of(servers.error()));
  Fleet fleet{place.path, {{"directory", place.file(), last_activity(place.file())}}, true, place.file()};
  for (const ServerId server : *servers) {
    const std::string file = place.file_of(server);
    fleet.members.push_back({server.str(), file, last_activity(file)});
  }
  std::ranges::sort(fleet.members, is_sooner);
  return fleet;
}

std::vector<MemberLook> look_at_fleet(const Fleet& fleet, const MigrationSet& set) {
  std::vector<MemberLook> looks(fleet.members.size());
  spread(looks.size(), kReaders, [&](std::size_t i) { looks[i] = look_at(fleet.members[i], set); });
  return looks;
}

FleetFindings verify_fleet(const Fleet& fleet, const MigrationSet& set, const VerifyOptions& options) {
  std::vector<Outcome<Findings>> found(fleet.members.size());
  spread(found.size(), kReaders, [&](std::size_t i) {
    const auto target = target_of(fleet, fleet.members[i]);
    try {
      found[i] =
          target ? verify_database(*target, set, options) : std::unexpected(problem_of(target.error()));
    } catch (const std::exception& error) {
      found[i] = std::unexpected(unreadable_journal(fleet.members[i], error));
    }
  });
  FleetFindings all;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string& name = fleet.members[i].name;
    if (!found[i]) {
      ++all.unreadable;
      Finding finding = found[i].error().finding;
      finding.name = name;
      all.findings.push_back(std::move(finding));
      continue;
    }
    for (Finding& one : *found[i]) {
      one.name = one.name.empty() || one.name == name ? name : fmt::format("{} {}", name, one.name);
      all.findings.push_back(std::move(one));
    }
  }
  return all;
}

std::vector<const MemberRun*> FleetReport::failures() const {
  std::vector<const MemberRun*> found;
  for (const MemberRun& one : runs) {
    if (one.report.failed) found.push_back(&one);
  }
  return found;
}

std::size_t FleetReport::migrations() const {
  std::size_t count = 0;
  for (const MemberRun& one : runs) count += one.report.applied.size();
  return count;
}

FleetReport fleet_up(const Fleet& fleet, const MigrationSet& set, const UpOptions& each,
                     const FleetOptions& options) {
  Action action = action_of("up", up, set, each);
  action.has_work = [&](const Reading& reading) -> Outcome<bool> {
    if (auto agreed = check_agreement(set, reading.standings, each.allow_late); !agreed)
      return std::unexpected(agreed.error());
    const auto chosen = to_apply(reading.standings, each);
    if (!chosen) return std::unexpected(chosen.error());
    return !chosen->empty() || (fleet.is_own && reading.has_older_journal);
  };
  return FleetRun(fleet, set, each, options, std::move(action)).run();
}

FleetReport fleet_down(const Fleet& fleet, const MigrationSet& set, const DownOptions& each,
                       const FleetOptions& options) {
  Action action = action_of("down", down, set, each);
  action.has_work = [&](const Reading& reading) -> Outcome<bool> {
    const auto& standings = reading.standings;
    if (auto agreed = check_agreement(set, standings, false); !agreed) return std::unexpected(agreed.error());
    const bool midway = std::ranges::find(standings, State::partial, &Standing::state) != standings.end();
    return midway ? Outcome<bool>(true) : has_above(standings, each.to);
  };
  return FleetRun(fleet, set, each, options, std::move(action)).run();
}

}  // namespace guildhall::migrate
