#include "migrate/proofs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/clock.h"
#include "migrate/database_state.h"
#include "migrate/pooled_session.h"
#include "store/postgres/address.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

class ScratchFile final : public ScratchTarget {
 public:
  Outcome<void> open() {
    std::string pattern = (fs::temp_directory_path() / "guildhall-scratch-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      return stop(Exit::no_permission, "E-SCRATCH",
                  fmt::format("no folder can be made in '{}'", fs::temp_directory_path().string()),
                  "TMPDIR names another place.");
    folder_ = pattern;
    auto target = any_target("sqlite:" + (fs::path(folder_) / "scratch.db").string(), Missing::is_made);
    if (!target) return std::unexpected(problem_of(target.error()));
    target_ = *std::move(target);
    return {};
  }
  ~ScratchFile() override {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }

 private:
  std::string folder_;
};

class ScratchOnServer final : public ScratchTarget {
 public:
  Outcome<void> open(const Target& target, const std::string& scratch_url) {
    const auto like = target.open("");
    if (!like) return std::unexpected(problem_of(like.error()));
    if (is_pooled(**like)) {
      return stop(
          Exit::refused, "MG-POOLER",
          fmt::format("between us and the server of '{}' stands a connection pooler: a database to try "
                      "things in cannot be made through it",
                      target.name),
          "Name the server itself with --direct-url.");
    }
    const std::string& url = scratch_url.empty() ? target.url : scratch_url;
    auto made = ScratchDatabase::make(url, **like, SystemClock().now());
    if (!made) {
      Problem problem = problem_of_backup(made.error());
      if (problem.exit == Exit::no_backup) problem.exit = Exit::refused;
      problem.finding.code = "MG-SCRATCH";
      return std::unexpected(std::move(problem));
    }
    database_.emplace(*std::move(made));
    const auto address = store::address_of_database(url, database_->name());
    if (!address) return std::unexpected(problem_of(address.error()));
    auto scratch = any_target(*address, Missing::is_an_error);
    if (!scratch) return std::unexpected(problem_of(scratch.error()));
    target_ = *std::move(scratch);
    return {};
  }

 private:
  std::optional<ScratchDatabase> database_;
};

/// The problem of a run in a scratch database, as far as it matters there.
std::string text_of(const RunReport& report) {
  return report.failed ? fmt::format("{}: {}", report.failed->finding.code, report.failed->finding.text) : "";
}

/// Applies these in this order, whatever their numbers; the fingerprint that comes of it.
Outcome<std::string> build(const Target& target, const std::vector<const Migration*>& order,
                           const std::string& scratch_url) {
  auto scratch = ScratchTarget::make(target, scratch_url);
  if (!scratch) return std::unexpected(scratch.error());
  const auto session = (*scratch)->target().open("");
  if (!session) return std::unexpected(problem_of(session.error()));
  for (const Migration* one : order) {
    for (const SqlStatement& statement : one->up->statements) {
      try {
        (*session)->run(std::string(statement.text));
      } catch (const store::DatabaseError& error) {
        return stop(Exit::drift, "E-LATE",
                    fmt::format("{} cannot be applied in that order: {}", one->name, error.what()),
                    "Give it a higher number, and make it fit to what is there.");
      }
    }
  }
  return read_snapshot(**session, target.dialect).fingerprint();
}

}  // namespace

Outcome<std::unique_ptr<ScratchTarget>> ScratchTarget::make(const Target& target,
                                                            const std::string& scratch_url) {
  try {
    if (target.dialect == Dialect::sqlite) {
      auto file = std::make_unique<ScratchFile>();
      if (auto opened = file->open(); !opened) return std::unexpected(opened.error());
      return file;
    }
    auto database = std::make_unique<ScratchOnServer>();
    if (auto opened = database->open(target, scratch_url); !opened) return std::unexpected(opened.error());
    return database;
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_of(error));
  }
}

Outcome<Findings> prove_round_trips(const Target& target, const MigrationSet& set,
                                    const std::string& scratch_url,
                                    const std::function<void(const std::string&)>& say) {
  const auto scratch = ScratchTarget::make(target, scratch_url);
  if (!scratch) return std::unexpected(scratch.error());
  Findings findings;
  const auto report = [&](std::string code, Level level, const Migration& one, std::string text,
                          std::string hint) {
    findings.push_back({std::move(code), level, one.name, 0, std::move(text), std::move(hint)});
  };
  UpOptions one_up;
  one_up.steps = 1;
  DownOptions one_down;
  one_down.in_scratch = true;
  for (const Migration& one : set.migrations) {
    const RunReport there = up((*scratch)->target(), set, one_up);
    if (there.failed) {
      report("E-ROUNDTRIP", Level::error, one, "does not go up in an empty database: " + text_of(there), "");
      return findings;
    }
    const RunReport back = down((*scratch)->target(), set, one_down);
    if (back.failed && back.failed->finding.code == "MG-NOWAY") {
      report("W-NOWAY", Level::warning, one, "has no way back", fmt::format("Write {}.down.sql.", one.name));
      continue;
    }
    const RunReport again = back.failed ? RunReport{} : up((*scratch)->target(), set, one_up);
    const bool same = !back.failed && !again.failed && again.fingerprint == there.fingerprint;
    say(fmt::format("{} {}", one.name, same ? "up, down, up: the same" : "does not come back"));
    if (same) continue;
    report("E-ROUNDTRIP", Level::error, one,
           back.failed    ? text_of(back)
           : again.failed ? "does not go up a second time: " + text_of(again)
                          : "leaves another schema the second time",
           "Mend its way back.");
    if (back.failed || again.failed) return findings;
  }
  return findings;
}

Outcome<void> prove_late(const Target& target, const std::vector<Standing>& standings,
                         const std::string& scratch_url) {
  std::vector<const Migration*> as_it_was;
  for (const Standing* one : in_order_of_application(standings)) {
    if (one->migration != nullptr) as_it_was.push_back(one->migration);
  }
  std::vector<const Migration*> by_number;
  for (const Standing& one : standings) {
    if (one.migration == nullptr) continue;
    if (is_applied(one.state) || one.state == State::late) by_number.push_back(one.migration);
    if (one.state == State::late) as_it_was.push_back(one.migration);
  }
  const auto now = build(target, as_it_was, scratch_url);
  if (!now) return std::unexpected(now.error());
  const auto then = build(target, by_number, scratch_url);
  if (!then) return std::unexpected(then.error());
  if (*now == *then) return {};
  return stop(Exit::drift, "E-LATE",
              fmt::format("applied late the schema becomes {}, in the order of the numbers {}",
                          now->substr(0, 8), then->substr(0, 8)),
              "Give the late ones higher numbers, and make them fit to what is there.");
}

}  // namespace guildhall::migrate
