#include "convert/run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/clock.h"
#include "convert/archive.h"
#include "convert/schema_text.h"
#include "convert/sql_names.h"
#include "migrate/apply.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;
using migrate::Exit;
using migrate::Level;
using migrate::Outcome;

/// What steps that found each other's leavings may need at most; more would be a step that does not do what
/// it says.
constexpr int kMostRounds = 5;

/// Session, lock and records of one run.
class Run {
 public:
  Run(const migrate::Target& target, const Options& options, std::string command)
      : target_(target), options_(options), command_(std::move(command)) {}

  /// The session, what is there, and the home.
  Outcome<void> open() {
    migrate::ApplyLimits limits;
    limits.lock_timeout = options_.limits.lock_timeout;
    limits.statement_timeout = std::chrono::milliseconds(0);
    auto session = migrate::open_work_session(target_, limits);
    if (!session) return std::unexpected(session.error());
    session_ = *std::move(session);
    if (!session_->stays_the_same())
      return migrate::stop(
          Exit::refused, "MG-POOLER",
          fmt::format("between us and the server of '{}' stands a connection pooler", target_.name),
          "Name the server itself with --url.");
    return look_again();
  }

  /// Whether it may begin: what the scheme found, and what the rows say.
  Outcome<void> examine() {
    if (auto fits = check_findings(found_.scheme); !fits) return fits;
    survey(*session_, found_, options_);
    return check_findings(found_.scheme);
  }

  Outcome<void> take_lock() {
    migrate::LockWish wish;
    wish.command = "convert " + command_;
    wish.wait = options_.lock_wait;
    wish.timings = options_.lock;
    wish.interrupt = options_.interrupt;
    wish.say = options_.say;
    auto lock = migrate::Lock::take(target_, *session_, wish);
    if (!lock) return std::unexpected(lock.error());
    lock_ = *std::move(lock);
    records_.emplace(*session_, target_.dialect);
    records_->prepare();
    return look_again();
  }

  Outcome<void> look_again() {
    auto found = look(*session_, target_.dialect, options_);
    if (!found) return std::unexpected(found.error());
    found_ = *std::move(found);
    const auto home = choose_home(found_, options_);
    if (!home) return std::unexpected(home.error());
    found_.scheme.home = *home;
    found_.facts = read_row_facts(*session_, found_.scheme);
    report_.home = *home;
    return {};
  }

  /// Proved, or nothing is changed.
  Outcome<void> back_up() {
    if (!options_.backup) {
      if (!options_.backup_done.empty()) return {};
      return migrate::stop(Exit::no_backup, "CV-BACKUP", "nothing is changed without a backup",
                           "Leave --no-backup out, or say what was taken: --backup-done TOKEN.");
    }
    auto backup =
        migrate::take_before_run(migrate::backup_options_of(target_, *options_.backup, lock_->token(),
                                                            migrate::free_space, options_.say),
                                 options_.interrupt, options_.say);
    if (!backup) return std::unexpected(backup.error());
    report_.backup = *std::move(backup);
    return {};
  }

  /// A row for this conversion, and beside it how everything was and what it adds up to, in one transaction
  /// that sees one state.
  Outcome<void> begin() {
    Conversion conversion;
    conversion.description = write_description(found_.scheme.description);
    conversion.home = found_.scheme.home;
    conversion.backup_file = report_.backup ? report_.backup->file.filename().string() : options_.backup_done;
    conversion.tool_version = GUILDHALL_VERSION;
    session_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
    conversion.number = records_->begin(conversion);
    records_->remember(conversion.number, {{"schema", "", "", schema_text(*found_.schema)}});
    std::vector<std::int64_t> added;
    if (!found_.facts.home_is_registered) added.push_back(conversion.home);
    for (const auto& [server, rows] : found_.facts.unregistered) added.push_back(server);
    for (const std::int64_t server : added)
      records_->remember(conversion.number,
                         {{"server", found_.scheme.description.registry.table, std::to_string(server), ""}});
    auto sums = take_sums(*session_, found_.scheme, {.before = nullptr, .reporting = reporting()});
    if (!sums) {
      session_->execute("ROLLBACK");
      return std::unexpected(sums.error());
    }
    convert::remember(*session_, *records_, conversion.number, "before", *sums);
    lock_->check_later(*session_);
    session_->execute("COMMIT");
    found_.conversion = conversion;
    return {};
  }

  /// Nothing is lost, and everything is what it has to be by now.
  Outcome<void> verify(Writers writers) {
    const auto checked = check(*session_, target_, options_, writers);
    if (!checked) return std::unexpected(checked.error());
    options_.say(verdict_sentence(checked->found));
    if (checked->found.ok) return {};
    for (const migrate::Finding& finding : checked->found.findings) {
      if (finding.level == Level::error)
        return migrate::stop(
            Exit::failed, finding.code, finding.text,
            "All that was found: guildhall convert verify. The way back: guildhall convert rollback.");
    }
    return migrate::stop(Exit::failed, "CV-SUM", "the verification found a difference",
                         "guildhall convert verify shows it.");
  }

  /// Asks for the steps, runs them and asks again, until none is left.
  template <class Function>
  Outcome<void> run_until_done(Function steps_of) {
    for (int round = 0; round < kMostRounds; ++round) {
      const Steps steps = steps_of(found_);
      if (steps.empty()) return {};
      StepRunner runner({.session = *session_,
                         .lock = *lock_,
                         .limits = options_.limits,
                         .interrupt = options_.interrupt,
                         .say = options_.say},
                        number());
      auto done = runner.run(steps);
      report_.tries_lost += runner.tries_lost();
      if (!done) return done;
      report_.steps += steps.size();
      if (auto looked = look_again(); !looked) return looked;
    }
    const Steps left = steps_of(found_);
    if (left.empty()) return {};
    return migrate::stop(
        Exit::failed, "CV-STEPS",
        fmt::format("after {} rounds there is still to be done: {}", kMostRounds, left.front().name()),
        "Somebody changes the schema meanwhile? Run the same command again.");
  }

  /// In one transaction: all of it, or nothing.
  Outcome<void> archive(const std::set<std::string>& lost, const OldSchema& before) {
    if (lost.empty()) return {};
    const auto tables = tables_to_clear(found_.scheme, lost);
    return in_transaction([&] { return archive_others(*session_, found_.scheme, before, tables); });
  }
  Outcome<void> restore() {
    return in_transaction([&] { return restore_archive(*session_, found_.scheme); });
  }

  /// Those that the conversion put into a registry that was there before.
  void remove_added_servers() {
    const Registry& registry = found_.scheme.description.registry;
    if (found_.scheme.registry() == nullptr) return;
    for (const Before& thing : records_->before(number())) {
      if (thing.kind == "server")
        session_->query(
            fmt::format("DELETE FROM {} WHERE {} = $1::bigint", qualified(*found_.schema, registry.table),
                        store::quoted_name(registry.column)),
            {thing.name});
    }
  }

  void set_state(State state) {
    if (found_.conversion->state == state) return;
    records_->set_state(number(), state);
    found_.conversion->state = state;
  }

  RunReport report() {
    report_.conversion = number();
    report_.state = found_.conversion->state;
    return report_;
  }

  template <class Function>
  Outcome<void> in_transaction(Function function) {
    session_->execute(fmt::format("BEGIN; SET LOCAL lock_timeout = {}", options_.limits.patience.count()));
    Outcome<Archived> moved = std::unexpected(migrate::Problem{});
    try {
      moved = function();
      if (moved) {
        lock_->check_later(*session_);
        session_->execute("COMMIT");
      }
    } catch (const store::DatabaseError& error) {
      moved = std::unexpected(migrate::problem_of(error));
    }
    if (!moved) {
      if (session_->in_transaction()) session_->execute("ROLLBACK");
      return std::unexpected(moved.error());
    }
    report_.moved = *std::move(moved);
    return look_again();
  }

  migrate::Reporting reporting() const {
    return {.report = [this](const migrate::Progress& progress) {
      options_.say(progress.all == 0
                       ? fmt::format("{} ...", progress.step)
                       : fmt::format("{} {} %", progress.step, 100 * progress.done / progress.all));
    }};
  }
  std::int64_t number() const { return found_.conversion->number; }
  const Look& found() const { return found_; }
  store::SchemaSession& session() { return *session_; }

 private:
  const migrate::Target& target_;
  const Options& options_;
  std::string command_;
  std::unique_ptr<store::SchemaSession> session_;
  std::unique_ptr<migrate::Lock> lock_;
  std::optional<Records> records_;
  Look found_;
  RunReport report_;
};

/// What the database refuses becomes a problem.
template <class Function>
Outcome<RunReport> guarded(Function function) {
  try {
    return function();
  } catch (const store::DatabaseError& error) {
    return std::unexpected(migrate::problem_of(error));
  } catch (const ErrorException& error) {
    return std::unexpected(migrate::problem_of(error.error()));
  }
}

Outcome<void> check_state(const Look& found, std::initializer_list<State> wanted, const std::string& hint) {
  if (found.has_begun() && std::ranges::find(wanted, found.conversion->state) != wanted.end()) return {};
  return migrate::stop(Exit::refused, "CV-STATE",
                       found.has_begun()
                           ? fmt::format("the conversion is {}", name_of(found.conversion->state))
                           : std::string("no conversion has begun here"),
                       hint);
}

Outcome<RunReport> expand(Run& run) {
  if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
  if (run.found().has_begun()) {
    if (auto fits = check_state(run.found(), {State::expanding, State::expanded},
                                "'guildhall convert status' shows where it stands.");
        !fits)
      return std::unexpected(fits.error());
    if (auto fits = check_findings(run.found().scheme); !fits) return std::unexpected(fits.error());
  } else if (auto fits = run.examine(); !fits) {
    return std::unexpected(fits.error());
  }
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (!run.found().has_begun()) {
    if (auto backed_up = run.back_up(); !backed_up) return std::unexpected(backed_up.error());
    if (auto begun = run.begin(); !begun) return std::unexpected(begun.error());
  }
  const auto steps = [](const Look& found) { return expand_steps(found.scheme, found.facts); };
  if (auto done = run.run_until_done(steps); !done) return std::unexpected(done.error());
  if (run.found().conversion->state == State::expanded && run.report().steps == 0) return run.report();
  if (auto verified = run.verify(Writers::running); !verified) return std::unexpected(verified.error());
  run.set_state(State::expanded);
  return run.report();
}

/// Programs in the database that write as the old program did.
Outcome<void> check_routines(const Look& found, const ContractOptions& options) {
  std::vector<std::string> names;
  for (const Routine& routine : found.schema->routines) {
    const bool names_tables = std::ranges::any_of(
        routine.mentions, [&](const auto& table) { return found.scheme.find(table) != nullptr; });
    if (names_tables && !routine.name.starts_with("guildhall.") && !options.accepted.contains(routine.name))
      names.push_back(routine.name);
  }
  if (names.empty()) return {};
  return migrate::stop(Exit::refused, "CV-ROUTINE",
                       fmt::format("these name converted tables, and may write rows that say no server: {}",
                                   fmt::join(names, ", ")),
                       "Look at each, then say so: --accept NAME.");
}

Outcome<void> check_role(store::SchemaSession& session, const Seal& seal, const Scheme& scheme) {
  const auto rows = session.query(
      "SELECT CASE WHEN rolsuper OR rolbypassrls THEN 'yes' ELSE '' END FROM pg_roles WHERE rolname = $1",
      {seal.role});
  if (rows.empty())
    return migrate::stop(Exit::refused, "CV-ROLE", fmt::format("there is no role '{}'", seal.role),
                         "Make it first: CREATE ROLE ... LOGIN.");
  if (!rows[0][0].empty())
    return migrate::stop(
        Exit::refused, "CV-ROLE",
        fmt::format(
            "the role '{}' is a superuser, or bypasses row security: nothing would be sealed off from it",
            seal.role),
        "Give the new program a role of its own.");
  for (const SchemeTable& one : scheme.tables) {
    if (one.table->owner == store::quoted_name(seal.role) || one.table->owner == seal.role)
      return migrate::stop(
          Exit::refused, "CV-ROLE",
          fmt::format("the role '{}' owns {}, and its owner sees all rows", seal.role, one.name()),
          "Give the new program a role of its own.");
  }
  return {};
}

Outcome<RunReport> contract(Run& run, const ContractOptions& options) {
  if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
  if (auto checked = check_findings(run.found().scheme); !checked) return std::unexpected(checked.error());
  const std::initializer_list<State> fitting{State::expanded, State::contracting, State::contracted};
  if (auto fits = check_state(run.found(), fitting, "First: guildhall convert apply."); !fits)
    return std::unexpected(fits.error());
  if (auto checked = check_routines(run.found(), options); !checked) return std::unexpected(checked.error());
  if (options.seal) {
    if (auto checked = check_role(run.session(), *options.seal, run.found().scheme); !checked)
      return std::unexpected(checked.error());
  }
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (run.found().conversion->state == State::expanded) {
    // Whatever came since: rows of a server that the registry lacks, tables that were made.
    const Steps missing = expand_steps(run.found().scheme, run.found().facts);
    if (!missing.empty())
      return migrate::stop(Exit::refused, "CV-STATE",
                           fmt::format("there is still to be done before: {}", missing.front().name()),
                           "First: guildhall convert apply.");
  }
  run.set_state(State::contracting);
  const auto settle = [](const Look& found) { return settle_steps(found.scheme, found.facts); };
  if (auto done = run.run_until_done(settle); !done) return std::unexpected(done.error());
  if (options.seal)
    Records(run.session(), Dialect::postgres).remember(run.number(), {{"seal", "", options.seal->role, ""}});
  const auto steps = [&](const Look& found) { return contract_steps(found.scheme, options.seal); };
  if (auto done = run.run_until_done(steps); !done) return std::unexpected(done.error());
  if (auto verified = run.verify(Writers::running); !verified) return std::unexpected(verified.error());
  run.set_state(State::contracted);
  return run.report();
}

/// Once its column is gone, would anything still tell whose a row is?
bool is_told_without(const Look& found, const SchemeTable& one, const OldSchema& before) {
  const Table* old = before.find(one.name());
  if (old == nullptr || old->column(one.column()) != nullptr) return true;
  return std::ranges::any_of(one.rule.parents, [&](const Parent& parent) {
    const SchemeTable* other = found.scheme.find(parent.table);
    return other != nullptr && other->name() != one.name() && is_told_without(found, *other, before);
  });
}

/// Of values that this key would not let stand beside each other.
std::int64_t count_twins(store::SchemaSession& session, const Look& found, const SchemeTable& one,
                         const Index& key) {
  std::vector<std::string> parts;
  std::vector<std::string> conditions;
  for (const IndexPart& part : key.parts) {
    parts.push_back(part.column.empty() ? part.sql : store::quoted_name(part.column));
    if (!key.nulls_not_distinct) conditions.push_back(fmt::format("{} IS NOT NULL", parts.back()));
  }
  if (!key.predicate.empty()) conditions.push_back(key.predicate);
  const auto rows = session.query(
      fmt::format("SELECT count(*) FROM (SELECT 1 FROM {}{}{} GROUP BY {} HAVING count(*) > 1) twins",
                  qualified(*found.schema, one.name()), conditions.empty() ? "" : " WHERE ",
                  fmt::join(conditions, " AND "), fmt::join(parts, ", ")));
  return std::stoll(rows[0][0]);
}

/// What a single-server schema has no place for.
struct Lost {
  std::set<std::string> tables;
  std::vector<std::string> others;  // rows of other servers, which would be the home's after it
  std::vector<std::string> twins;   // rows that the old keys would not let stand beside each other
};

Lost find_lost(store::SchemaSession& session, const Look& found, const OldSchema& before) {
  Lost lost;
  for (const SchemeTable& one : found.scheme.tables) {
    const ServerCounts* counts = found.facts.find(one.name());
    if (counts == nullptr || counts->others == 0) continue;
    if (!is_told_without(found, one, before)) {
      lost.others.push_back(fmt::format("{} in {}", counts->others, one.name()));
      lost.tables.insert(one.name());
    }
    const Table* old = before.find(one.name());
    for (const Index& key : old == nullptr ? std::vector<Index>{} : old->indexes) {
      if (!key.is_unique || key.has(one.column()) || one.table->index(key.name) != nullptr) continue;
      const std::int64_t count = count_twins(session, found, one, key);
      if (count == 0) continue;
      lost.twins.push_back(fmt::format("{} of {} in {}", count, key.name, one.name()));
      lost.tables.insert(one.name());
    }
  }
  return lost;
}

Outcome<void> check_lost(const Look& found, const Lost& lost) {
  if (lost.tables.empty()) return {};
  return migrate::stop(
      Exit::refused, lost.others.empty() ? "CV-TWINS" : "CV-OTHERS",
      lost.others.empty()
          ? fmt::format("two servers have rows with the same key, and the old keys allow one: {}",
                        fmt::join(lost.twins, ", "))
          : fmt::format("other servers than {} have rows, which would be the home's then: {}",
                        found.scheme.home, fmt::join(lost.others, ", ")),
      "With --archive they are put aside, and 'guildhall convert restore' brings them back after a later "
      "conversion. "
      "Nothing was changed.");
}

Outcome<OldSchema> remembered_schema(Run& run) {
  for (const Before& thing : Records(run.session(), Dialect::postgres).before(run.number())) {
    if (thing.kind == "schema") return parse_schema(thing.definition);
  }
  return migrate::stop(Exit::failed, "CV-BEFORE", "how the schema was before is not remembered here");
}

Outcome<RunReport> roll_back(Run& run, const RollbackOptions& options) {
  if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
  const std::initializer_list<State> fitting{State::expanding, State::expanded, State::contracting,
                                             State::contracted, State::rolling_back};
  if (auto fits = check_state(run.found(), fitting, "There is nothing to take back."); !fits)
    return std::unexpected(fits.error());
  const auto before = remembered_schema(run);
  if (!before) return std::unexpected(before.error());
  const auto check = [&] { return check_lost(run.found(), find_lost(run.session(), run.found(), *before)); };
  if (auto fits = check(); !fits && !options.archive) return std::unexpected(fits.error());
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (options.archive) {
    if (auto archived = run.archive(find_lost(run.session(), run.found(), *before).tables, *before);
        !archived)
      return std::unexpected(archived.error());
  }
  if (auto fits = check(); !fits) return std::unexpected(fits.error());
  run.set_state(State::rolling_back);
  const auto steps = [&](const Look& found) { return rollback_steps(found.scheme, *before); };
  if (auto done = run.run_until_done(steps); !done) return std::unexpected(done.error());
  run.remove_added_servers();
  run.set_state(State::rolled_back);
  return run.report();
}

Outcome<RunReport> bring_back(Run& run) {
  if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
  if (auto fits = check_state(run.found(), {State::contracted},
                              "More than one server has a place after 'guildhall convert contract'.");
      !fits)
    return std::unexpected(fits.error());
  if (!has_archive(run.session()))
    return migrate::stop(Exit::refused, "CV-ARCHIVE", "there is no archive here",
                         "Nothing is to be brought back.");
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (auto restored = run.restore(); !restored) return std::unexpected(restored.error());
  return run.report();
}

}  // namespace

Outcome<Checked> check(store::SchemaSession& session, const migrate::Target& target, const Options& options,
                       Writers writers) {
  Records records(session, target.dialect);
  auto found = look(session, target.dialect, options);
  if (!found) return std::unexpected(found.error());
  if (!found->has_begun())
    return migrate::stop(Exit::refused, "CV-STATE", "no conversion has begun here",
                         "First: guildhall convert apply.");
  found->scheme.home = found->conversion->home;
  VerifyOptions wish;
  wish.writers = writers;
  wish.contracted =
      found->conversion->state == State::contracted || found->conversion->state == State::contracting;
  for (const Before& thing : records.before(found->conversion->number)) {
    if (thing.kind == "seal") wish.role = thing.name;
  }
  auto verified = verify(session, found->scheme, records, found->conversion->number, wish);
  if (!verified) return std::unexpected(verified.error());
  return Checked{.head = {.database = target.name,
                          .made_at = fmt::format(
                              "{:%F %T}", std::chrono::floor<std::chrono::seconds>(SystemClock().now())),
                          .conversion = *found->conversion,
                          .registry = found->scheme.description.registry.table,
                          .servers = server_names(session, found->scheme)},
                 .found = *std::move(verified)};
}

Outcome<RunReport> apply(const migrate::Target& target, const Options& options) {
  return guarded([&] {
    Run run(target, options, "apply");
    return expand(run);
  });
}

Outcome<RunReport> contract(const migrate::Target& target, const ContractOptions& options) {
  return guarded([&] {
    Run run(target, options, "contract");
    return contract(run, options);
  });
}

Outcome<RunReport> rollback(const migrate::Target& target, const RollbackOptions& options) {
  return guarded([&] {
    Run run(target, options, "rollback");
    return roll_back(run, options);
  });
}

Outcome<RunReport> restore(const migrate::Target& target, const Options& options) {
  return guarded([&] {
    Run run(target, options, "restore");
    return bring_back(run);
  });
}

}  // namespace guildhall::convert
