#include <fmt/format.h>

#include <algorithm>

#include "migrate/backup_checks.h"
#include "migrate/checksums.h"
#include "migrate/data_loss.h"
#include "migrate/preflight.h"
#include "migrate/proofs.h"
#include "migrate/rights.h"
#include "migrate/runner.h"

namespace guildhall::migrate {
namespace {

class Down final : public Runner {
 public:
  Down(const Target& target, const MigrationSet& set, const DownOptions& options)
      : Runner(target, set, options, "down"), down_(options) {}

  Outcome<DownPreview> preview() {
    auto session = target_.open("");
    if (!session) return std::unexpected(problem_of(session.error()));
    session_ = *std::move(session);
    const auto steps = look();
    if (!steps) return std::unexpected(steps.error());
    DownPreview preview;
    for (const RunStep& step : *steps) {
      const std::size_t done = step.job.open ? static_cast<std::size_t>(step.job.open->statements_done) : 0;
      // What stands in the set is not ours to delete.
      auto script = step.derived ? step.derived
                                 : std::shared_ptr<const Script>(std::shared_ptr<void>(), step.job.script);
      preview.ways.push_back({step.job.name, step.job.down_source, std::move(script), done});
    }
    if (auto allowed = allow({}, *steps); !allowed) preview.refused = allowed.error();
    return preview;
  }

 private:
  Outcome<std::vector<RunStep>> plan(const std::vector<Standing>& standings) override {
    auto chosen = choose(standings);
    if (!chosen) return std::unexpected(chosen.error());
    std::vector<RunStep> steps;
    pending_.clear();
    for (const Standing* one : *chosen) {
      auto step = step_of(*one);
      if (!step) return std::unexpected(step.error());
      const auto done = one->state == State::partial ? one->row->statements_done : 0;
      pending_.push_back({one->migration, static_cast<std::size_t>(done), step->job.script});
      steps.push_back(*std::move(step));
    }
    return steps;
  }

  Outcome<void> check_before_lock(const std::vector<Standing>&) override {
    if (target_.dialect == Dialect::sqlite) return {};
    Looking looking(*session_, target_.dialect, PreflightOptions{}.statement_timeout, down_.interrupt);
    facts_ = read_table_facts(*session_, target_.dialect, pending_);
    return refuse_missing_rights(find_missing_rights(looking, pending_, facts_));
  }

  /// In the order in which they go.
  Outcome<std::vector<const Standing*>> choose(const std::vector<Standing>& standings) {
    for (const Standing& one : standings) {
      if (one.state != State::partial) continue;
      if (one.row->direction == "down") return std::vector<const Standing*>{&one};
      return stop(Exit::midway, "MG-MIDWAY", fmt::format("{} stopped midway", one.name),
                  "Finish it first: guildhall migrate resume");
    }
    const auto applied = in_order_of_application(standings);
    if (applied.empty()) return std::vector<const Standing*>{};
    if (!down_.to.empty()) return all_above(standings, applied);
    if (down_.name.empty()) return std::vector<const Standing*>{applied.back()};
    const auto found = find_standing(standings, down_.name);
    if (!found) return std::unexpected(found.error());
    const auto at = std::ranges::find(applied, *found);
    if (at == applied.end())
      return stop(Exit::usage, "E-NAME", fmt::format("{} is not applied", (*found)->name));
    if (down_.only) return std::vector<const Standing*>{*found};
    std::vector<const Standing*> newest_first(at, applied.end());
    std::ranges::reverse(newest_first);
    if (newest_first.size() == 1 || down_.cascade) return newest_first;
    return stop(Exit::refused, "MG-NEWER",
                fmt::format("newer ones were applied after {}: {}", (*found)->name, names_of(newest_first)),
                "--cascade takes them back first; --only takes back just this one.");
  }

  Outcome<std::vector<const Standing*>> all_above(const std::vector<Standing>& standings,
                                                  const std::vector<const Standing*>& applied) {
    const auto found = find_standing(standings, down_.to);
    if (!found) return std::unexpected(found.error());
    const auto at = std::ranges::find(applied, *found);
    if (at == applied.end())
      return stop(Exit::usage, "E-NAME", fmt::format("{} is not applied", (*found)->name));
    std::vector<const Standing*> newest_first(at + 1, applied.end());
    std::ranges::reverse(newest_first);
    return newest_first;
  }

  static std::string names_of(const std::vector<const Standing*>& newest_first) {
    std::vector<std::string> names;
    for (const Standing* one : newest_first) names.push_back(one->name);
    names.pop_back();
    return fmt::format("{}", fmt::join(names, ", "));
  }

  Outcome<RunStep> step_of(const Standing& one) const {
    RunStep step;
    step.job.name = one.name;
    step.job.direction = "down";
    const JournalRow& applied = one.applied ? *one.applied : *one.row;
    // With later ones still there it cannot be the schema of before; then it is what it did that has to be
    // undone.
    if (!down_.only) step.job.expected = applied.fingerprint_before;
    step.job.undoes_changes = !applied.fingerprint_after.empty();
    step.job.expected_changes = lines_of(applied.schema_changes);
    if (one.state == State::partial) step.job.open = one.row;
    if (one.migration != nullptr && one.migration->down) {
      step.job.script = one.migration->down.get();
      step.job.down_source = "file";
    } else if (!applied.down_script.empty()) {
      step.derived = parse_derived(applied);
      step.job.script = step.derived.get();
      step.job.down_source = "derived";
    } else {
      return stop(Exit::refused, "MG-NOWAY", fmt::format("no way back for {}", one.name),
                  applied.backup_file.empty()
                      ? "Write a down script beside it."
                      : fmt::format("Restore with: guildhall migrate restore {}", applied.backup_file));
    }
    step.job.script_checksum = step.job.script->checksum;
    step.job.token_checksum = step.job.script->token_checksum;
    return step;
  }

  std::shared_ptr<const Script> parse_derived(const JournalRow& applied) const {
    auto script = std::make_shared<Script>();
    script->file = applied.name + " (derived way back)";
    script->sql = applied.down_script;
    script->checksum = checksum_of_bytes(script->sql);
    script->token_checksum = checksum_of_tokens(script->sql, target_.dialect).value_or("");
    if (auto statements = split_statements(script->sql, target_.dialect))
      script->statements = *std::move(statements);
    return script;
  }

  Outcome<void> allow(const std::vector<Standing>&, const std::vector<RunStep>& steps) override {
    if (down_.in_scratch) return {};
    for (const RunStep& step : steps) {
      const auto losses =
          count_losses(*session_, step.job.script->statements, target_.dialect, down_.interrupt);
      if (losses.empty()) continue;
      if (!set_.migrations.empty() && step.job.name == set_.migrations.front().name) {
        if (auto allowed = allow_foundation(step.job.name, describe(losses)); !allowed) return allowed;
      }
      if (down_.confirm_data_loss || down_.confirm_all) continue;
      return stop(Exit::refused, "MG-DATALOSS",
                  fmt::format("{} down will drop: {}", step.job.name, describe(losses)),
                  "If that is meant: --confirm-data-loss");
    }
    return {};
  }

  /// Two words of the operator's are not enough to bring everything back.
  Outcome<void> allow_foundation(const std::string& name, const std::string& losses) {
    if (!down_.confirm_all) {
      return stop(Exit::refused, "MG-FOUNDATION",
                  fmt::format("{} is what all others stand on, and would drop: {}", name, losses),
                  "If everything is meant to go: --confirm-data-loss=all");
    }
    const auto& wish = down_.backup;
    if (wish && wish->external.empty() && !wish->touched_only) return {};
    const auto recent =
        has_recent_backup(down_.earlier_backups, target_.database, target_.dialect, SystemClock().now(), {});
    if (!recent) return std::unexpected(problem_of_backup(recent.error()));
    if (*recent) return {};
    return stop(Exit::refused, "MG-FOUNDATION",
                fmt::format("{} is what all others stand on, and in '{}' is no verified backup of the last "
                            "hour with all of '{}'",
                            name, down_.earlier_backups.string(), target_.database),
                "Take one: guildhall migrate backup; or leave --no-backup, --backup-by and "
                "--backup=schema+touched away.");
  }

  const DownOptions& down_;
};
}  // namespace

Outcome<DownPreview> preview_down(const Target& target, const MigrationSet& set, const DownOptions& options) {
  return Down(target, set, options).preview();
}

RunReport down(const Target& target, const MigrationSet& set, const DownOptions& options) {
  return Down(target, set, options).run();
}

}  // namespace guildhall::migrate
