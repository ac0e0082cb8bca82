#include <fmt/format.h>

#include <algorithm>

#include "migrate/passed_over.h"
#include "migrate/phases.h"
#include "migrate/preflight.h"
#include "migrate/proofs.h"
#include "migrate/runner.h"

namespace guildhall::migrate {
namespace {

Job up_job(const Standing& standing) {
  const Migration& migration = *standing.migration;
  Job job;
  job.name = migration.name;
  job.direction = "up";
  job.script = migration.up.get();
  job.script_checksum = migration.up->checksum;
  job.token_checksum = migration.up->token_checksum;
  job.down_source = migration.down ? "file" : "";
  job.down_checksum = migration.down ? migration.down->checksum : "";
  if (standing.state == State::partial) job.open = standing.row;
  return job;
}

class Up final : public Runner {
 public:
  Up(const Target& target, const MigrationSet& set, const UpOptions& options)
      : Runner(target, set, options, options.only_resume ? "resume" : "up"), up_(options) {}

 private:
  Outcome<std::vector<RunStep>> plan(const std::vector<Standing>& standings) override {
    const auto chosen = to_apply(standings, up_);
    if (!chosen) return std::unexpected(chosen.error());
    std::vector<RunStep> steps;
    pending_.clear();
    for (const Standing* one : *chosen) {
      steps.push_back({up_job(*one), nullptr});
      pending_.push_back(pending_of(*one));
    }
    return steps;
  }

  /// Guildhall itself uses the journal as it is now.
  Outcome<void> nothing_to_do() override {
    if (!target_.is_own || !Journal(*session_, target_.dialect).is_older()) return {};
    const auto lock = take_lock();
    return lock ? Outcome<void>{} : std::unexpected(lock.error());
  }

  /// What came late only now, under the lock, nobody has proved.
  Outcome<void> allow(const std::vector<Standing>& standings, const std::vector<RunStep>&) override {
    for (const std::string& name : late_of(standings)) {
      if (std::ranges::find(proved_, name) == proved_.end())
        return stop(Exit::drift, "E-LATE", fmt::format("{} became late just now", name), "Start again.");
    }
    return {};
  }

  Outcome<void> allow_now(const Job& job, store::SchemaSession& session) override {
    if (job.script->options.phase != Phase::contract) return {};
    const auto readers = read_readers(session, target_.dialect, target_.readers_file);
    for (const Finding& one : check_phases(set_, pending_, readers)) {
      if (one.name == job.script->file) return std::unexpected(Problem{Exit::refused, one});
    }
    return {};
  }

  void look_after_it(store::SchemaSession& session) override {
    for (Finding& one : find_passed_over(session, target_.dialect, pending_, facts_)) {
      up_.say(fmt::format("warning: {}: {} line {}: {}", one.code, one.name, one.line, one.text));
      report_.findings.push_back(std::move(one));
    }
  }

  static std::vector<std::string> late_of(const std::vector<Standing>& standings) {
    std::vector<std::string> names;
    for (const Standing& one : standings) {
      if (one.state == State::late) names.push_back(one.name);
    }
    return names;
  }

  bool allow_late() const override { return up_.allow_late; }
  bool together() const override { return up_.together; }

  Outcome<void> check_before_lock(const std::vector<Standing>& standings) override {
    if (proved_ = late_of(standings); !proved_.empty()) {
      if (auto same = prove_late(target_, standings, up_.backup ? up_.backup->scratch_url : ""); !same)
        return same;
    }
    for (const Pending& one : pending_) {
      if (!up_.together) break;
      const auto fits = check_together(one.migration->name, *one.migration->up, target_.dialect);
      if (!fits) return fits;
    }
    PreflightOptions options;
    options.interrupt = up_.interrupt;
    options.set = &set_;
    options.lint = up_.lint;
    options.readers_file = target_.readers_file;
    auto checked = check_before(*session_, target_.dialect, pending_, options, report_.findings);
    if (checked) {
      facts_ = *std::move(checked);
      return {};
    }
    for (const Pending& one : pending_) {
      if (checked.error().finding.name == one.migration->up->file) report_.failed_name = one.migration->name;
    }
    return std::unexpected(checked.error());
  }

  const UpOptions& up_;
  std::vector<std::string> proved_;  // late ones that may come late
};
}  // namespace

Outcome<std::vector<const Standing*>> to_apply(const std::vector<Standing>& standings,
                                               const UpOptions& options) {
  const Standing* last = nullptr;
  if (!options.to.empty()) {
    const auto found = find_standing(standings, options.to);
    if (!found) return std::unexpected(found.error());
    last = *found;
  }
  std::vector<const Standing*> chosen;
  for (const Standing& one : standings) {
    if (one.state == State::partial && one.row->direction != "up") {
      return stop(Exit::midway, "MG-MIDWAY", fmt::format("the way back of {} stopped midway", one.name),
                  "Finish it first: guildhall migrate down " + one.name);
    }
    const bool to_do = one.state == State::pending || one.state == State::failed || one.state == State::late;
    const bool wanted = one.state == State::partial || (!options.only_resume && to_do);
    const bool in_steps = !options.steps || chosen.size() < *options.steps;
    const bool in_reach = last == nullptr || &one <= last;
    if (wanted && in_steps && in_reach) chosen.push_back(&one);
  }
  return chosen;
}

Pending pending_of(const Standing& standing) {
  const bool midway = standing.state == State::partial && standing.row;
  return {standing.migration, midway ? static_cast<std::size_t>(standing.row->statements_done) : 0};
}

RunReport up(const Target& target, const MigrationSet& set, const UpOptions& options) {
  return Up(target, set, options).run();
}

}  // namespace guildhall::migrate
