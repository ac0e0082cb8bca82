#include "cli/migrate_fleet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/migrate_answers.h"
#include "cli/migrate_run_options.h"
#include "cli/signals.h"
#include "migrate/fleet.h"

namespace guildhall::cli {
namespace {

using migrate::Exit;
using migrate::Fleet;
using migrate::FleetReport;
using migrate::MemberLook;
using migrate::MemberRun;
using migrate::MemberState;
using migrate::Outcome;
using migrate::Problem;

using Answered = Result<std::optional<Answer>>;

/// So many names stand in a line for people.
constexpr std::size_t kNamed = 5;

struct View {
  Fleet fleet;
  migrate::MigrationSet set;
};

Outcome<View> look(const Arguments& arguments) {
  auto fleet = is_own(arguments) ? migrate::own_fleet(*store::find_place(arguments.config))
                                 : migrate::find_fleet(*folder_of(arguments));
  if (!fleet) return std::unexpected(fleet.error());
  auto set = set_of(arguments, migrate::Dialect::sqlite);
  if (!set) return std::unexpected(set.error());
  return View{*std::move(fleet), *std::move(set)};
}

std::string some_of(const std::vector<std::string>& names) {
  const std::vector<std::string> first(names.begin(), names.begin() + std::min(kNamed, names.size()));
  const std::string more =
      names.size() > kNamed ? fmt::format(" and {} more", names.size() - kNamed) : std::string();
  return fmt::format("{}{}", fmt::join(first, ", "), more);
}

boost::json::object json_of(const Fleet& fleet) {
  return {{"folder", fleet.folder}, {"files", static_cast<std::int64_t>(fleet.members.size())}};
}

Problem of_member(const std::string& name, Problem problem) {
  problem.finding.text = fmt::format("{}: {}", name, problem.finding.text);
  return problem;
}

// --- status

std::vector<std::string> names_in(const std::vector<MemberLook>& looks, MemberState state) {
  std::vector<std::string> names;
  for (const MemberLook& one : looks) {
    if (one.state == state) names.push_back(one.name);
  }
  return names;
}

/// "up to date 412, pending 3, failed 1 (100200300)"
std::string summary_of(const std::vector<MemberLook>& looks) {
  std::string text = fmt::format("up to date {}, pending {}", names_in(looks, MemberState::up_to_date).size(),
                                 names_in(looks, MemberState::pending).size());
  for (const MemberState state : {MemberState::midway, MemberState::drift, MemberState::failed}) {
    const auto names = names_in(looks, state);
    if (names.empty() && state != MemberState::failed) continue;
    text += fmt::format(", {} {}", name_of(state), names.size());
    if (!names.empty()) text += fmt::format(" ({})", some_of(names));
  }
  return text;
}

std::string line_of(const MemberLook& one, std::size_t width) {
  std::string more = one.migration;
  if (one.state == MemberState::pending)
    more = fmt::format("{} of {}, next {}", one.pending, one.pending + one.applied, one.migration);
  if (one.problem) {
    more += fmt::format("{}{}: {}", more.empty() ? "" : ", ", one.problem->finding.code,
                        one.problem->finding.text);
  }
  return fmt::format("  {:<7}  {:<{}}  {}\n", name_of(one.state), one.name, width, more);
}

std::string text_of(const View& view, const std::vector<MemberLook>& looks, bool verbose) {
  const std::string holder = holder_of_fleet(view.fleet);
  std::string text = fmt::format("Folder: {} ({} files)   Directory: {} ({} files)\n", view.fleet.folder,
                                 view.fleet.members.size(), view.set.directory, view.set.migrations.size());
  std::size_t width = 4;
  for (const MemberLook& one : looks) width = std::max(width, one.name.size());
  for (const MemberLook& one : looks) {
    if (verbose && one.state != MemberState::up_to_date) text += line_of(one, width);
  }
  return text + fmt::format("{}. Lock: {}\n", summary_of(looks),
                            holder.empty() ? "free" : fmt::format("held by {}", holder));
}

boost::json::value json_of(const View& view, const std::vector<MemberLook>& looks) {
  boost::json::array behind;
  for (const MemberLook& one : looks) {
    if (one.state == MemberState::up_to_date) continue;
    behind.push_back({{"name", one.name},
                      {"state", name_of(one.state)},
                      {"applied", static_cast<std::int64_t>(one.applied)},
                      {"pending", static_cast<std::int64_t>(one.pending)},
                      {"migration", one.migration},
                      {"problem", one.problem ? to_json(*one.problem, one.migration) : nullptr}});
  }
  const auto count = [&](MemberState state) {
    return static_cast<std::int64_t>(names_in(looks, state).size());
  };
  const std::string holder = holder_of_fleet(view.fleet);
  return {{"command", "status"},
          {"ok", true},
          {"fleet", json_of(view.fleet)},
          {"lock", {{"held", !holder.empty()}, {"by", holder}}},
          {"counts",
           {{"up_to_date", count(MemberState::up_to_date)},
            {"pending", count(MemberState::pending)},
            {"midway", count(MemberState::midway)},
            {"drift", count(MemberState::drift)},
            {"failed", count(MemberState::failed)}}},
          {"files", std::move(behind)}};
}

/// A file that cannot be read is never passed over; the rest only counts where it is asked for.
Exit exit_of(const std::vector<MemberLook>& looks, bool check) {
  const auto any = [&](auto matches) { return std::ranges::any_of(looks, matches); };
  const auto unreadable = [](const MemberLook& one) {
    return one.state == MemberState::failed && one.migration.empty();
  };
  const auto is = [](MemberState state) {
    return [state](const MemberLook& one) { return one.state == state; };
  };
  if (any(unreadable)) return Exit::no_database;
  if (!check) return Exit::done;
  if (any(is(MemberState::midway))) return Exit::midway;
  if (any(is(MemberState::drift))) return Exit::drift;
  return any([](const MemberLook& one) { return one.state != MemberState::up_to_date; }) ? Exit::pending
                                                                                         : Exit::done;
}

// --- up, down

std::string line_of(const std::string& command, const MemberRun& one, std::size_t number, std::size_t of) {
  const std::string what =
      fmt::format("{} {}/{} {}{}", command, number, of, one.is_canary ? "canary " : "", one.name);
  if (one.report.failed)
    return fmt::format("{} ... FAILED after {} ms: {}", what, one.duration_ms,
                       one.report.failed->finding.code);
  return fmt::format("{} ... ok {} ms ({} {})", what, one.duration_ms, one.report.applied.size(),
                     command == "down" ? "taken back" : "applied");
}

std::string last_line(const std::string& command, const FleetReport& report) {
  if (report.runs.empty() && report.left.empty()) {
    if (report.failed) return "";
    return command == "down" ? std::string("Nothing to do: nothing newer is applied in any file.\n")
                             : fmt::format("Nothing to do: {} files are up to date.\n", report.idle);
  }
  std::vector<std::string> failed;
  for (const MemberRun* one : report.failures()) failed.push_back(one->name);
  std::string text = fmt::format("{}: {} files, {} migrations {}", report.left.empty() ? "Done" : "Stopped",
                                 report.runs.size() - failed.size(), report.migrations(),
                                 command == "down" ? "taken back" : "applied");
  if (!failed.empty()) text += fmt::format("; failed {} ({})", failed.size(), some_of(failed));
  if (!report.left.empty()) text += fmt::format("; left as they were {}", report.left.size());
  return text + fmt::format("; nothing to do in {}\n", report.idle);
}

boost::json::object json_of(const std::string& command, const MemberRun& one) {
  boost::json::array applied;
  for (const auto& migration : one.report.applied) applied.push_back(boost::json::value(migration.name));
  return {{"name", one.name},
          {"canary", one.is_canary},
          {"duration_ms", one.duration_ms},
          {command == "down" ? "reverted" : "applied", std::move(applied)},
          {"fingerprint", one.report.fingerprint},
          {"failed", one.report.failed ? to_json(*one.report.failed, one.report.failed_name) : nullptr},
          {"findings", to_json(one.report.findings)},
          {"backup", one.report.backup ? to_json(*one.report.backup) : nullptr}};
}

Answer answer_of_run(const std::string& command, const Fleet& fleet, const FleetReport& report) {
  Answer answer;
  answer.text = last_line(command, report);
  boost::json::array files;
  for (const MemberRun& one : report.runs) files.push_back(json_of(command, one));
  for (const MemberRun* one : report.failures()) {
    for (const auto& finding : one->report.findings) answer.problems += show(finding);
    answer.problems += show(of_member(one->name, *one->report.failed));
  }
  if (report.failed) {
    if (report.failed_member.empty()) answer.problems += show(*report.failed);
    answer.exit_code = static_cast<int>(report.failed->exit);
  }
  boost::json::array left;
  for (const std::string& name : report.left) left.push_back(boost::json::value(name));
  answer.json = {{"command", command},
                 {"ok", !report.failed},
                 {"exit", answer.exit_code},
                 {"fleet", json_of(fleet)},
                 {"files", std::move(files)},
                 {"left", std::move(left)},
                 {"idle", static_cast<std::int64_t>(report.idle)},
                 {"failed", report.failed ? to_json(*report.failed, report.failed_member) : nullptr}};
  return answer;
}

template <class Options>
using FleetFunction = FleetReport (*)(const Fleet&, const migrate::MigrationSet&, const Options&,
                                      const migrate::FleetOptions&);

/// With Ctrl-C led to what runs, and a line for each file.
template <class Options>
Answered run(const std::string& command, const Arguments& arguments, Options each,
             FleetFunction<Options> function) {
  const auto view = look(arguments);
  if (!view) return answer_of(command, view.error());
  migrate::FleetOptions options;
  options.canary = arguments.get("--canary").value_or("");
  const auto most = arguments.integer("--max-failures", 1, 1, 1'000'000);
  if (!most) return std::unexpected(most.error());
  options.max_failures = static_cast<std::size_t>(*most);
  std::size_t number = 0;
  options.done = [&, say = sayer(arguments)](const MemberRun& one, std::size_t of) {
    say(line_of(command, one, ++number, of));
  };
  if (!arguments.verbose) each.say = [](const std::string&) {};
  migrate::Interrupt interrupt;
  each.interrupt = &interrupt;
  Signals signals;
  signals.on_stop([&interrupt](int signal) { interrupt.raise(signal); });
  return answer_of_run(command, view->fleet, function(view->fleet, view->set, each, options));
}

}  // namespace

Answered migrate_fleet_status(const Arguments& arguments) {
  const auto view = look(arguments);
  if (!view) return answer_of("status", view.error());
  const auto looks = look_at_fleet(view->fleet, view->set);
  Answer answer;
  answer.text = text_of(*view, looks, arguments.verbose);
  answer.json = json_of(*view, looks);
  answer.exit_code = static_cast<int>(exit_of(looks, arguments.has("--check")));
  for (const MemberLook& one : looks) {
    if (one.problem && one.migration.empty()) answer.problems += show(of_member(one.name, *one.problem));
  }
  return answer;
}

Answered migrate_fleet_up(const Arguments& arguments) {
  migrate::UpOptions each;
  auto read = read_run_options(arguments, each);
  if (read) read = read_backup_wish(arguments, each);
  if (read) read = read_up_options(arguments, each);
  if (!read) return answer_of("up", read.error());
  return run("up", arguments, std::move(each), migrate::fleet_up);
}

Answered migrate_fleet_down(const Arguments& arguments) {
  migrate::DownOptions each;
  auto read = read_run_options(arguments, each);
  if (read) read = read_backup_wish(arguments, each);
  if (read) read = read_down_options(arguments, each);
  if (read && each.to.empty()) {
    read = migrate::stop(Exit::usage, "E-USAGE", "in a folder of databases, down needs --to NAME",
                         "What was applied last may be another one in each file.");
  }
  if (!read) return answer_of("down", read.error());
  return run("down", arguments, std::move(each), migrate::fleet_down);
}

Answered migrate_fleet_verify(const Arguments& arguments) {
  if (arguments.has("--roundtrip")) {
    return answer_of("verify", migrate::stop(Exit::usage, "E-USAGE", "--roundtrip needs one database",
                                             "Name one file of the folder: each has the same way.")
                                   .error());
  }
  const auto view = look(arguments);
  if (!view) return answer_of("verify", view.error());
  const auto options = verify_options_of(arguments);
  if (!options) return answer_of("verify", options.error());
  const auto verified = verify_fleet(view->fleet, view->set, *options);
  migrate::Findings findings = view->set.findings;
  findings.insert(findings.end(), verified.findings.begin(), verified.findings.end());
  Answer answer = answer_of_verify(std::move(findings), arguments.has("--strict"));
  if (verified.unreadable > 0) answer.exit_code = static_cast<int>(Exit::no_database);
  answer.json.as_object()["exit"] = answer.exit_code;
  return answer;
}

std::vector<OptionSpec> with_fleet(std::vector<OptionSpec> options) {
  options.push_back({"--canary", "NAME", "of a folder: this file first; else the last active one"});
  options.push_back({"--max-failures", "N", "of a folder: stop when so many files have failed; 1"});
  return options;
}

Outcome<void> refuse_fleet_options(const Arguments& arguments) {
  for (const char* option : {"--canary", "--max-failures"}) {
    if (!arguments.has(option)) continue;
    return migrate::stop(Exit::usage, "E-USAGE", fmt::format("{} is for a folder of databases", option),
                         "Name the folder: --url sqlite:FOLDER/");
  }
  return {};
}

}  // namespace guildhall::cli
