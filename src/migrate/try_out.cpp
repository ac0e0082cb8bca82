#include "migrate/try_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "migrate/kept_settings.h"
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

/// What only its end brought.
Problem problem_at_end(const store::DatabaseError& error, const Pending& pending) {
  Problem problem = problem_of(error);
  problem.finding.name = pending.migration->name;
  problem.place.file = pending.migration->up->file;
  problem.was_run = true;
  return problem;
}

/// In the transaction that is open; elsewhere they would have no meaning.
void limit(store::SchemaSession& session, const MigrationOptions& options) {
  if (options.lock_timeout)
    session.execute(fmt::format("SET LOCAL lock_timeout = {}", options.lock_timeout->count()));
  if (options.statement_timeout)
    session.execute(fmt::format("SET LOCAL statement_timeout = {}", options.statement_timeout->count()));
}

Outcome<void> run_statements(store::SchemaSession& session, const Pending& pending) {
  const auto& statements = pending.migration->up->statements;
  for (std::size_t i = pending.done; i < statements.size(); ++i) {
    try {
      session.run(std::string(statements[i].text));
    } catch (const store::DatabaseError& error) {
      return std::unexpected(problem_at(error, pending, i));
    }
  }
  return {};
}

Outcome<void> check_foreign_keys(store::SchemaSession& session, const Pending& pending) {
  const auto broken = session.query("PRAGMA foreign_key_check");
  if (broken.empty()) return {};
  auto problem = stop(Exit::failed, "MG-FOREIGNKEY",
                      fmt::format("{} rows of {} refer to rows of {} that are not there", broken.size(),
                                  broken[0][0], broken[0][2]),
                      "Mend the rows within the migration.");
  problem.error().finding.name = pending.migration->name;
  problem.error().place.file = pending.migration->up->file;
  problem.error().was_run = true;
  return problem;
}

/// All of it but a commit; the session is then as it was.
Outcome<void> run_script(store::SchemaSession& session, const Pending& pending, Dialect dialect) {
  if (dialect == Dialect::sqlite) {
    if (auto done = run_statements(session, pending); !done) return done;
    return check_foreign_keys(session, pending);
  }
  const KeptSettings settings(session);
  if (session.in_transaction()) limit(session, pending.migration->up->options);
  if (auto done = run_statements(session, pending); !done) return done;
  try {
    settings.restore();
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_at_end(error, pending));
  }
  return {};
}

/// What a commit would look at. Each constraint by its name: after ALL IMMEDIATE those that a later script
/// makes would not wait for its end either.
void check_deferred(store::SchemaSession& session) {
  const auto names = session.query(
      "SELECT string_agg(name, ', '), string_agg(name, ', ') FILTER (WHERE waits) FROM (SELECT "
      "format('%I.%I', nspname, conname) AS name, bool_and(condeferrable) AND bool_or(condeferred) AS waits "
      "FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace WHERE has_schema_privilege(n.oid, "
      "'USAGE') AND NOT pg_is_other_temp_schema(n.oid) GROUP BY nspname, conname HAVING "
      "bool_or(condeferrable)) c");
  const auto& [all, waiting] = std::tie(names.at(0).at(0), names.at(0).at(1));
  if (!all.empty()) session.execute(fmt::format("SET CONSTRAINTS {} IMMEDIATE", all));
  if (!waiting.empty()) session.execute(fmt::format("SET CONSTRAINTS {} DEFERRED", waiting));
}

/// In the transaction that is open.
Outcome<void> run_all(store::SchemaSession& session, std::span<const Pending> pending, Dialect dialect,
                      bool together) {
  for (const Pending& one : pending) {
    if (auto done = run_script(session, one, dialect); !done) return done;
    const bool ends = !together || &one == &pending.back();
    if (dialect == Dialect::sqlite || !ends) continue;
    try {
      check_deferred(session);
    } catch (const store::DatabaseError& error) {
      return std::unexpected(problem_at_end(error, one));
    }
  }
  return {};
}

/// As a run would, each with its own transaction where it has one.
Outcome<void> run_each(store::SchemaSession& session, std::span<const Pending> pending, Dialect dialect) {
  if (dialect == Dialect::sqlite) session.execute("PRAGMA foreign_keys=OFF");
  for (const Pending& one : pending) {
    const bool in_transaction = one.done == 0 && runs_in_transaction(*one.migration->up, dialect);
    if (in_transaction) session.execute("BEGIN");
    if (auto done = run_script(session, one, dialect); !done) return done;
    if (!in_transaction) continue;
    try {
      session.execute("COMMIT");
    } catch (const store::DatabaseError& error) {
      return std::unexpected(problem_at_end(error, one));
    }
  }
  return {};
}

/// In the copy, where names are found as in the database itself.
Outcome<std::unique_ptr<store::SchemaSession>> open_in_copy(const Target& target, const Target& copy,
                                                            const ApplyLimits& limits) {
  auto session = open_work_session(copy, limits);
  if (!session || target.dialect == Dialect::sqlite) return session;
  const auto live = open_work_session(target, limits);
  if (!live) return std::unexpected(live.error());
  (*session)->query("SELECT set_config('search_path', $1, false)",
                    (*live)->query("SELECT current_setting('search_path')").at(0));
  return session;
}

}  // namespace

bool fits_one_transaction(std::span<const Pending> pending, Dialect dialect) {
  return std::ranges::all_of(pending, [&](const Pending& one) {
    return one.done == 0 && runs_in_transaction(*one.migration->up, dialect);
  });
}

Outcome<std::string> try_out_in_copy(const Target& target, std::span<const Pending> pending,
                                     const TrialOptions& options) {
  const auto copy = copy_schema(target, options.scratch_url);
  if (!copy) return std::unexpected(copy.error());
  const auto session = open_in_copy(target, (*copy)->target(), options.limits);
  if (!session) return std::unexpected(session.error());
  if (options.together) return try_out(**session, target, pending, options);
  if (auto done = run_each(**session, pending, target.dialect); !done) return std::unexpected(done.error());
  return read_snapshot(**session, target.dialect, target.snapshot).fingerprint();
}

Outcome<std::string> try_out(store::SchemaSession& session, const Target& target,
                             std::span<const Pending> pending, const TrialOptions& options) {
  for (const Pending& one : pending) {
    if (runs_in_transaction(*one.migration->up, target.dialect) && one.done == 0) continue;
    return stop(Exit::refused, "MG-NOTRIAL",
                fmt::format("{} is not one transaction: it could not be taken back", one.migration->name),
                "Look at it with `guildhall migrate plan`, or leave it out with --to.");
  }
  const Trial trial(session, target.dialect);
  if (auto done = run_all(session, pending, target.dialect, options.together); !done)
    return std::unexpected(done.error());
  return read_snapshot(session, target.dialect, target.snapshot).fingerprint();
}

}  // namespace guildhall::migrate
