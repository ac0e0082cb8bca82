#include "store/sqlite/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/log.h"
#include "base/mutation.h"
#include "base/pause.h"
#include "store/failure.h"
#include "store/sqlite/connection.h"

namespace guildhall::store::sqlite {
namespace {

/// Does this work run where one server's rows lie, or beside the servers?
bool is_on_servers(const WorkScope& scope) { return scope.access == Access::server || scope.range; }

/// A statement in the wrong place would find empty tables there, and tell nobody.
void refuse_misplaced(const StatementInfo& info, const StatementHome& home, const WorkScope& scope) {
  if (mutated(Mutation::scope_kind_unread)) return;
  if (info.access != scope.access)
    throw std::logic_error(fmt::format("statement '{}' was run in a scope of another kind", info.name));
  if (!is_on_servers(scope) && home.servers)
    throw std::logic_error(
        fmt::format("statement '{}' is on servers' rows, and its work names no range of "
                    "servers",
                    info.name));
  if (is_on_servers(scope) && (home.directory || home.writes_copied))
    throw std::logic_error(
        fmt::format("statement '{}' is on rows beside the servers, and its work is on "
                    "servers' rows",
                    info.name));
}

/// Answers a body's statements at once, on the thread that runs the body.
class Driver final : public TxDriver {
 public:
  Driver(const StatementRegistry& statements, const std::vector<StatementHome>& homes, Connection& connection,
         Unit& unit)
      : statements_(statements), homes_(homes), connection_(connection), unit_(unit) {}

  bool start(Execution& execution) override {
    const StatementInfo& info = statements_.all()[execution.statement];
    const StatementHome& home = homes_.at(execution.statement);
    try {
      refuse_misplaced(info, home, unit_.scope);
      connection_.run(info, unit_.scope, execution);
      wrote_copied |= home.writes_copied || home.writes_revision;
      unit_.raised_revision |= home.writes_revision;
    } catch (...) {
      execution.error = std::current_exception();
    }
    return true;
  }
  std::size_t index_of(const void* key) const override { return statements_.index_of(key); }

  bool wrote_copied = false;

 private:
  const StatementRegistry& statements_;
  const std::vector<StatementHome>& homes_;
  Connection& connection_;
  Unit& unit_;
};

StatementHome home_of(const StatementFacts& facts, const TableHomes& tables) {
  StatementHome home;
  for (const StatementFacts::Access& access : facts.accesses) {
    const auto table = tables.find(access.table);
    if (table == tables.end()) continue;
    const bool writes = access.touch != StatementFacts::Touch::read;
    switch (table->second) {
      case TableHome::server: home.servers = true; break;
      case TableHome::directory: home.directory = true; break;
      case TableHome::copied:
        if (!writes) break;
        (access.touch == StatementFacts::Touch::update && access.table == "servers" &&
                 access.column == "revision"
             ? home.writes_revision
             : home.writes_copied) = true;
        break;
    }
  }
  return home;
}

}  // namespace

void finish(Unit& unit) {
  // A completion holds its loop open as long as it exists.
  auto done = std::move(unit.done);
  if (!unit.error && unit.work != nullptr) unit.work->keep();
  if (done) done(unit.error);
}

bool is_busy(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const DatabaseError& e) {
    return e.code() == DbCode::busy;
  } catch (...) {
    return false;
  }
}

void pause_with_jitter(int attempt) { std::this_thread::sleep_for(pause_after(attempt)); }

void UnitQueue::push(Unit unit) {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) throw DatabaseError(DbCode::overloaded, "", "the database is closing");
    if (!lines_.push(unit.line, std::move(unit)))
      throw DatabaseError(DbCode::overloaded, "", "too much is waiting for this server");
  }
  ready_.notify_one();
}

void UnitQueue::wait_for_work(std::unique_lock<std::mutex>& lock) {
  ready_.wait(lock, [&] { return closed_ || lines_.has_next(); });
}

std::vector<Unit> UnitQueue::take(std::size_t most) {
  std::unique_lock lock(mutex_);
  wait_for_work(lock);
  std::vector<Unit> taken;
  while (taken.size() < most && lines_.has_next()) taken.push_back(std::move(lines_.next()->job));
  return taken;
}

std::optional<Unit> UnitQueue::take_held() {
  std::unique_lock lock(mutex_);
  wait_for_work(lock);
  auto next = lines_.next(true);
  if (!next) return std::nullopt;
  if (next->line == ServerId{}) lines_.release(next->line);
  return std::move(next->job);
}

void UnitQueue::release(ServerId line) {
  if (line == ServerId{}) return;
  {
    const std::scoped_lock lock(mutex_);
    lines_.release(line);
  }
  ready_.notify_one();
}

std::vector<Unit> UnitQueue::take_of_one_line(std::size_t most) {
  std::unique_lock lock(mutex_);
  wait_for_work(lock);
  return lines_.next_of_one_line(most);
}

void UnitQueue::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  ready_.notify_all();
}

std::size_t UnitQueue::size() const {
  const std::scoped_lock lock(mutex_);
  return lines_.size();
}

std::size_t UnitQueue::longest() const {
  const std::scoped_lock lock(mutex_);
  return lines_.longest();
}

Result<std::vector<StatementHome>> check_statements(const std::string& file, const DatabaseOptions& options) {
  try {
    Connection check(file, Role::checker);
    std::vector<StatementHome> homes;
    for (const StatementInfo& info : options.statements->all()) {
      std::optional<std::string> refusal;
      try {
        const StatementFacts facts = check.inspect(info.sqlite);
        refusal = options.gate(info, facts);
        homes.push_back(home_of(facts, options.tables));
      } catch (const DatabaseError& error) {
        refusal = error.what();
      }
      if (refusal) {
        return fail(ErrorCode::refused_by_guard,
                    fmt::format("statement '{}' of {} is refused: {}", info.name, info.owner, *refusal));
      }
    }
    return homes;
  } catch (const DatabaseError& error) {
    return std::unexpected(failure_of(fmt::format("database '{}'", file), error));
  }
}

UnitRunner::UnitRunner(const DatabaseOptions& options, std::vector<StatementHome> homes,
                       std::function<void(Connection&)> copied_changed)
    : statements_(*options.statements), homes_(std::move(homes)), copied_changed_(std::move(copied_changed)) {
  if (options.metrics == nullptr) return;
  commit_seconds_ = &options.metrics->histogram("guildhall_db_commit_seconds", "Time of one group commit.");
  committed_ = &options.metrics->counter("guildhall_db_units_total", "Units of work committed.");
}

void UnitRunner::run_body(Connection& connection, Unit& unit) {
  unit.raised_revision = false;
  if (unit.chore) return unit.chore(connection);
  Driver driver(statements_, homes_, connection, unit);
  auto body = unit.work->start(driver);
  body.resume();
  if (!body.done())
    throw std::logic_error("a transaction body waited for something else than its statements");
  body.take();
  if (driver.wrote_copied && copied_changed_ && !is_on_servers(unit.scope)) copied_changed_(connection);
}

namespace {

/// What cannot even be rolled back stays open, and the next BEGIN fails: its work is refused, not the
/// program ended.
void roll_back(Connection& connection) noexcept {
  try {
    if (connection.in_transaction()) connection.execute("ROLLBACK");
  } catch (const std::exception& error) {
    log::error("a transaction could not be rolled back", {log::field("error", error.what())});
  }
}

}  // namespace

void UnitRunner::read(Connection& connection, Unit& unit) {
  try {
    connection.execute("BEGIN");
    run_body(connection, unit);
  } catch (...) {
    unit.error = std::current_exception();
  }
  roll_back(connection);
}

void UnitRunner::commit(Connection& connection, std::vector<Unit>& group) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Unit*> units;
  for (Unit& unit : group) units.push_back(&unit);
  if (!try_group(connection, units)) {
    // The whole transaction was lost (disk full, I/O error): each alone, so that only the guilty fail.
    for (Unit* unit : units) {
      if (unit->error) continue;
      std::vector<Unit*> alone{unit};
      try_group(connection, alone);
    }
  }
  if (commit_seconds_ == nullptr) return;
  commit_seconds_->observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  committed_->add(std::count_if(group.begin(), group.end(), [](const Unit& unit) { return !unit.error; }));
}

/// True: each unit of the group is committed or carries its error. False: the group's transaction is
/// gone although some of its units carry no error; nothing of them remains.
bool UnitRunner::try_group(Connection& connection, std::vector<Unit*>& group) {
  const auto give_up = [&](const std::exception_ptr& error) {
    roll_back(connection);
    for (Unit* unit : group) {
      if (!unit->error) unit->error = error;
    }
    return true;
  };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    try {
      connection.execute("BEGIN IMMEDIATE");
      for (Unit* unit : group) {
        if (unit->error) continue;
        connection.execute("SAVEPOINT unit");
        try {
          run_body(connection, *unit);
        } catch (...) {
          unit->error = std::current_exception();
          if (!connection.in_transaction()) return group.size() == 1;
          connection.execute("ROLLBACK TO unit");
        }
        connection.execute("RELEASE unit");
      }
      // Where nothing remains, nothing has to reach the disk.
      const bool nothing =
          std::ranges::all_of(group, [](const Unit* unit) { return unit->error != nullptr; });
      connection.execute(nothing ? "ROLLBACK" : "COMMIT");
      return true;
    } catch (...) {
      const auto error = std::current_exception();
      roll_back(connection);
      if (!is_busy(error)) return group.size() > 1 ? false : give_up(error);
      if (attempt + 1 == kAttempts) return give_up(error);
    }
    pause_with_jitter(attempt);
  }
  return true;
}

void VersionWatch::look(Connection& connection) {
  try {
    seen_ = connection.data_version();
  } catch (const DatabaseError& error) {  // the next look sees the same
    log::warning("the database's version cannot be read", {log::field("error", error.what())});
  }
}

void show_waiting(Metrics& metrics, std::function<std::size_t()> waiting,
                  std::function<std::size_t()> longest) {
  metrics.gauge("guildhall_db_waiting", "Units of work that wait for the writer.",
                [waiting = std::move(waiting)] { return static_cast<double>(waiting()); });
  metrics.gauge("guildhall_db_longest_line", "Units of work that wait for one server, at most.",
                [longest = std::move(longest)] { return static_cast<double>(longest()); });
  metrics.gauge("guildhall_db_line_limit", "Units of work that may wait for one server.",
                [] { return static_cast<double>(Lines<Unit>::kLongestLine); });
}

}  // namespace guildhall::store::sqlite
