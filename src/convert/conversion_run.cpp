#include "convert/conversion_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/pause.h"
#include "convert/postgres_keys.h"
#include "convert/put_back.h"
#include "convert/schema_text.h"
#include "convert/sql_names.h"
#include "convert/step_runner.h"
#include "migrate/apply.h"

namespace guildhall::convert {

using migrate::Dialect;
using migrate::Exit;
using migrate::Level;
using migrate::Outcome;

namespace {

/// What steps that found each other's leavings may need at most; more would be a step that does not do what
/// it says.
constexpr int kMostRounds = 5;

}  // namespace

Outcome<void> ConversionRun::open() {
  if (auto connected = connect(); !connected) return connected;
  see_sealed_rows();
  return look_again();
}

Outcome<void> ConversionRun::connect() {
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
  return {};
}

std::optional<Conversion> ConversionRun::newest() const {
  return Records(*session_, target_.dialect).newest();
}

/// The session takes rows that a policy hides for an error. Those that a contraction seals off it sees by its
/// own policy.
void ConversionRun::see_sealed_rows() {
  if (target_.dialect != Dialect::postgres) return;
  const auto known = newest();
  if (known && known->state != State::expanding && known->state != State::rolled_back)
    session_->execute("SET row_security = on");
}

Outcome<void> ConversionRun::examine() {
  if (auto fits = check_findings(found_.scheme); !fits) return fits;
  if (auto attributed = attribute(); !attributed) return attributed;
  if (auto fits = check_findings(found_.scheme); !fits) return fits;
  survey(*session_, found_, options_);
  if (auto fits = look_at_server(); !fits) return fits;
  return check_findings(found_.scheme);
}

Outcome<void> ConversionRun::look_at_server() {
  if (target_.dialect != Dialect::postgres) return {};
  const std::size_t known = found_.scheme.findings.size();
  preflight(*session_, found_, facts(), options_);
  for (std::size_t at = known; at < found_.scheme.findings.size(); ++at) {
    const migrate::Finding& finding = found_.scheme.findings[at];
    if (finding.level == Level::warning)
      options_.say(fmt::format("{}: {}\nhint: {}", finding.code, finding.text, finding.hint));
  }
  return check_findings(found_.scheme);
}

Outcome<void> ConversionRun::attribute() {
  facts_.reset();
  return attribute_rows(*session_, found_, options_);
}

Outcome<void> ConversionRun::take_lock() {
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

Outcome<void> ConversionRun::look_again() {
  auto found = look(*session_, target_.dialect, options_);
  if (!found) return std::unexpected(found.error());
  found_ = *std::move(found);
  // Before anything is asked of rows that may not be read, or whose columns are none.
  if (!found_.has_begun()) {
    if (auto fits = check_findings(found_.scheme); !fits) return fits;
  }
  const auto home = choose_home(found_, options_);
  if (!home) return std::unexpected(home.error());
  found_.scheme.home = *home;
  facts_.reset();
  report_.home = *home;
  return {};
}

const RowFacts& ConversionRun::facts() {
  if (!facts_) facts_ = read_row_facts(*session_, found_.scheme);
  return *facts_;
}

Outcome<void> ConversionRun::back_up() {
  if (!options_.backup) {
    if (!options_.backup_done.empty()) return {};
    return migrate::stop(
        Exit::no_backup, "CV-BACKUP", "nothing is changed without a backup",
        "Say where it goes, --backup-dir DIR, or which was taken otherwise, --backup-done TOKEN.");
  }
  auto backup = migrate::take_before_run(migrate::backup_options_of(target_, *options_.backup, lock_->token(),
                                                                    migrate::free_space, options_.say),
                                         options_.interrupt, options_.say);
  if (!backup) return std::unexpected(backup.error());
  report_.backup = *std::move(backup);
  return {};
}

/// Rows may have come while the backup was taken.
Outcome<void> ConversionRun::attribute_again() {
  if (!options_.attribution.is_on()) return {};
  if (auto looked = look_again(); !looked) return looked;
  if (auto attributed = attribute(); !attributed) return attributed;
  return check_findings(found_.scheme);
}

Conversion ConversionRun::conversion() const {
  Conversion conversion;
  conversion.description = write_description(found_.scheme.description);
  conversion.home = found_.scheme.home;
  conversion.backup_file = report_.backup ? report_.backup->file.filename().string() : options_.backup_done;
  conversion.tool_version = GUILDHALL_VERSION;
  return conversion;
}

Outcome<void> ConversionRun::begin() {
  if (auto attributed = attribute_again(); !attributed) return attributed;
  // The sums see one state; apart, since the heartbeat of the lock goes on while they are taken, and whoever
  // looks at the lock within that state could not write behind it.
  const auto begin = std::chrono::steady_clock::now();
  session_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
  auto sums = take_sums(*session_, found_.scheme, {.before = nullptr, .reporting = reporting()});
  session_->execute("ROLLBACK");
  report_.proving += std::chrono::steady_clock::now() - begin;
  if (!sums) return std::unexpected(sums.error());
  Conversion conversion = this->conversion();
  const RowFacts& known = facts();
  session_->execute("BEGIN");
  conversion.number = records_->begin(conversion);
  records_->remember(conversion.number, {{"schema", "", "", schema_text(*found_.schema)}});
  std::vector<std::int64_t> added;
  if (!known.home_is_registered) added.push_back(conversion.home);
  for (const auto& [server, rows] : known.unregistered) added.push_back(server);
  for (const std::int64_t server : added)
    records_->remember(conversion.number,
                       {{"server", found_.scheme.description.registry.table, std::to_string(server), ""}});
  convert::remember(*session_, *records_, conversion.number, "before", *sums);
  if (found_.scheme.attribution.is_on())
    keep_attribution(*session_, *records_, conversion.number, options_.attribution,
                     found_.scheme.attribution);
  lock_->check_later(*session_);
  session_->execute("COMMIT");
  found_.conversion = conversion;
  return {};
}

Outcome<void> ConversionRun::verify(Proof proof) {
  const auto begin = std::chrono::steady_clock::now();
  const auto checked = check(*session_, target_, options_, {.proof = proof, .with_twins = false});
  report_.proving += std::chrono::steady_clock::now() - begin;
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

Outcome<void> ConversionRun::run(const Steps& steps) {
  StepRunner runner({.session = *session_,
                     .lock = *lock_,
                     .limits = options_.limits,
                     .interrupt = options_.interrupt,
                     .say = options_.say},
                    number());
  const auto begin = std::chrono::steady_clock::now();
  auto done = runner.run(steps);
  report_.stepping += std::chrono::steady_clock::now() - begin;
  report_.tries_lost += runner.tries_lost();
  if (done) report_.steps += steps.size();
  return done;
}

Outcome<void> ConversionRun::run_until_done(const std::function<Steps()>& steps_of) {
  for (int round = 0; round < kMostRounds; ++round) {
    const Steps steps = steps_of();
    if (steps.empty()) return {};
    if (auto done = run(steps); !done) return done;
    if (auto looked = look_again(); !looked) return looked;
  }
  const Steps left = steps_of();
  if (left.empty()) return {};
  return migrate::stop(
      Exit::failed, "CV-STEPS",
      fmt::format("after {} rounds there is still to be done: {}", kMostRounds, left.front().name()),
      "Somebody changes the schema meanwhile? Run the same command again.");
}

Outcome<void> ConversionRun::archive(const std::set<std::string>& lost, const OldSchema& before) {
  if (lost.empty()) return {};
  const auto tables = tables_to_clear(found_.scheme, lost);
  const auto copies = copy_steps(*session_, found_.scheme, before, tables);
  if (!copies) return std::unexpected(copies.error());
  if (auto copied = run(*copies); !copied) return copied;
  return in_transaction([&] { return archive_others(*session_, found_.scheme, before, tables); });
}
Outcome<void> ConversionRun::restore() {
  return in_transaction([&] { return restore_archive(*session_, found_.scheme); });
}

void ConversionRun::remember_new_tables() {
  OldSchema known;
  for (const Before& thing : records_->before(number())) {
    if (thing.kind == "schema" || thing.kind == "table")
      known.tables.merge(parse_schema(thing.definition).tables);
  }
  for (const SchemeTable& one : found_.scheme.tables) {
    if (known.find(one.name()) != nullptr) continue;
    OldSchema alone;
    alone.tables[one.name()] = *one.table;
    records_->remember(number(), {Before{"table", one.name(), "", schema_text(alone)}});
  }
}

void ConversionRun::remember_replaced() {
  for (const SchemeTable& one : found_.scheme.tables) {
    OldSchema alone;
    alone.tables[one.name()] = *one.table;
    records_->remember(number(), {Before{"replaced", one.name(), "", schema_text(alone)}});
  }
  OldSchema alone;
  alone.views = found_.schema->views;
  records_->remember(number(), {Before{"replaced", "", "", schema_text(alone)}});
}

void ConversionRun::say_unfilled() {
  const auto rows = session_->query(
      "SELECT name, definition FROM guildhall.guildhall_conversion_before WHERE conversion = $1::bigint AND "
      "kind = 'made ' || $2 AND EXISTS (SELECT FROM pg_class WHERE NOT relispopulated AND oid = "
      "to_regclass(format('%I.%I', $3::text, name))) ORDER BY name",
      {std::to_string(number()), std::string(kUnfillable), found_.schema->schema});
  for (const auto& row : rows)
    options_.say(
        fmt::format("materialised view {} is empty: its rows could not be read ({}); once they can: "
                    "REFRESH MATERIALIZED VIEW {}",
                    row[0], row[1], qualified(*found_.schema, row[0])));
}

void ConversionRun::remove_added_servers() {
  if (found_.scheme.registry() == nullptr) return;
  for (const Before& thing : records_->before(number())) {
    if (thing.kind != "server") continue;
    if (const auto reason = remove_server(*session_, found_.scheme, thing.name); !reason.empty())
      options_.say(fmt::format("server {} stays in {}, where the conversion had put it: {}", thing.name,
                               found_.scheme.description.registry.table, reason));
  }
}

void ConversionRun::set_state(State state) {
  if (found_.conversion->state == state) return;
  records_->set_state(number(), state);
  found_.conversion->state = state;
}

void ConversionRun::end_way_back() {
  // What is deferred would be refused by the commit, when nothing can be said of it any more.
  session_->execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE");
  let_others_in(*session_);
  put_back_rows(*session_, *records_, number(), *found_.schema, options_.say);
  set_state(State::rolled_back);
  lock_->check_later(*session_);
  session_->execute("COMMIT");
}

RunReport ConversionRun::report() {
  report_.conversion = number();
  report_.state = found_.conversion->state;
  return report_;
}

Outcome<void> ConversionRun::in_transaction(const std::function<Outcome<Archived>()>& function) {
  // Whoever writes is not made to wait behind us for long: rather we ask again.
  const auto until = std::chrono::steady_clock::now() + options_.limits.patience;
  for (;;) {
    session_->execute(
        fmt::format("BEGIN; SET LOCAL lock_timeout = {}", options_.limits.lock_timeout.count()));
    std::optional<Outcome<Archived>> moved;
    bool may_go_later = false;
    try {
      moved = function();
      if (*moved) {
        lock_->check_later(*session_);
        session_->execute("COMMIT");
      }
    } catch (const store::DatabaseError& error) {
      may_go_later = is_worth_a_try(error) && std::chrono::steady_clock::now() < until &&
                     (options_.interrupt == nullptr || options_.interrupt->signal() == 0);
      moved = std::unexpected(migrate::problem_of(error));
    }
    if (*moved) {
      report_.moved = **std::move(moved);
      return look_again();
    }
    if (session_->in_transaction()) session_->execute("ROLLBACK");
    if (!may_go_later) return std::unexpected(moved->error());
    ++report_.tries_lost;
    std::this_thread::sleep_for(
        random_pause(options_.limits.longest_pause / 4, options_.limits.longest_pause));
  }
}

migrate::Reporting ConversionRun::reporting() const {
  return {.report = [this](const migrate::Progress& progress) {
    options_.say(progress.all == 0
                     ? fmt::format("{} ...", progress.step)
                     : fmt::format("{} {} %", progress.step, 100 * progress.done / progress.all));
  }};
}

Outcome<void> ConversionRun::check_state(std::initializer_list<State> wanted, const std::string& hint) const {
  if (found_.has_begun() && std::ranges::find(wanted, found_.conversion->state) != wanted.end()) return {};
  return migrate::stop(Exit::refused, "CV-STATE",
                       found_.has_begun()
                           ? fmt::format("the conversion is {}", name_of(found_.conversion->state))
                           : std::string("no conversion has begun here"),
                       hint);
}

}  // namespace guildhall::convert
