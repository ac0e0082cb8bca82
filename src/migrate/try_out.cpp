#include "migrate/try_out.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/schema_copy.h"
#include "migrate/script_rules.h"

namespace guildhall::migrate {
namespace {

/// Open while it lives, and then gone.
class Trial {
 public:
  Trial(store::SchemaSession& session, Dialect dialect) : session_(session) {
    if (dialect == Dialect::sqlite) session_.execute("PRAGMA foreign_keys=OFF");
    session_.execute(dialect == Dialect::postgres ? "BEGIN" : "BEGIN IMMEDIATE");
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial() {
    try {
      if (session_.in_transaction()) session_.execute("ROLLBACK");
    } catch (const store::DatabaseError&) {
      // With the connection the transaction is gone too.
    }
  }

 private:
  store::SchemaSession& session_;
};

Problem problem_at(const store::DatabaseError& error, const Pending& pending, std::size_t number) {
  const Script& script = *pending.migration->up;
  Problem problem = problem_of(error);
  problem.finding.name = pending.migration->name;
  problem.finding.line = script.statements[number].line;
  problem.place = {script.file, number + 1, script.statements.size()};
  problem.was_run = true;
  return problem;
}

Outcome<void> run_script(store::SchemaSession& session, const Pending& pending, Dialect dialect) {
  const auto& script = *pending.migration->up;
  if (dialect == Dialect::postgres) {
    const auto& options = script.options;
    if (options.lock_timeout)
      session.execute(fmt::format("SET LOCAL lock_timeout = {}", options.lock_timeout->count()));
    if (options.statement_timeout)
      session.execute(fmt::format("SET LOCAL statement_timeout = {}", options.statement_timeout->count()));
  }
  for (std::size_t i = pending.done; i < script.statements.size(); ++i) {
    try {
      session.run(std::string(script.statements[i].text));
    } catch (const store::DatabaseError& error) {
      return std::unexpected(problem_at(error, pending, i));
    }
  }
  // As after each migration of a run.
  if (dialect == Dialect::postgres) session.execute("RESET ALL");
  return {};
}

}  // namespace

bool fits_one_transaction(std::span<const Pending> pending, Dialect dialect) {
  return std::ranges::all_of(pending, [&](const Pending& one) {
    return one.done == 0 && runs_in_transaction(*one.migration->up, dialect);
  });
}

Outcome<std::string> try_out_in_copy(const Target& target, std::span<const Pending> pending,
                                     const std::string& scratch_url) {
  const auto copy = copy_schema(target, scratch_url);
  if (!copy) return std::unexpected(copy.error());
  const auto session = (*copy)->target().open("");
  if (!session) return std::unexpected(problem_of(session.error()));
  if (target.dialect == Dialect::sqlite) (*session)->execute("PRAGMA foreign_keys=OFF");
  for (const Pending& one : pending) {
    const bool together = one.done == 0 && runs_in_transaction(*one.migration->up, target.dialect);
    if (together) (*session)->execute("BEGIN");
    if (auto done = run_script(**session, one, target.dialect); !done) return std::unexpected(done.error());
    if (together) (*session)->execute("COMMIT");
  }
  return read_snapshot(**session, target.dialect, target.snapshot).fingerprint();
}

Outcome<std::string> try_out(store::SchemaSession& session, std::span<const Pending> pending, Dialect dialect,
                             const SnapshotOptions& options) {
  for (const Pending& one : pending) {
    if (runs_in_transaction(*one.migration->up, dialect) && one.done == 0) continue;
    return stop(Exit::refused, "MG-NOTRIAL",
                fmt::format("{} is not one transaction: it could not be taken back", one.migration->name),
                "Look at it with `guildhall migrate plan`, or leave it out with --to.");
  }
  const Trial trial(session, dialect);
  for (const Pending& one : pending) {
    if (auto done = run_script(session, one, dialect); !done) return std::unexpected(done.error());
  }
  if (dialect == Dialect::sqlite) {
    const auto broken = session.query("PRAGMA foreign_key_check");
    if (!broken.empty())
      return stop(Exit::failed, "MG-FOREIGNKEY",
                  fmt::format("{} rows of {} refer to rows of {} that are not there", broken.size(),
                              broken[0][0], broken[0][2]),
                  "Mend the rows within the migration.");
  }
  return read_snapshot(session, dialect, options).fingerprint();
}

}  // namespace guildhall::migrate
