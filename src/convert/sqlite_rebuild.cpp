#include "convert/sqlite_rebuild.h"

#include <optional>
#include <string>

#include "convert/sqlite_switch.h"
#include "convert/sums.h"

namespace guildhall::convert {

namespace {

std::optional<SqliteReport> done_before(const Records& records) {
  const auto newest = records.newest();
  if (!newest || newest->state != State::contracted) return std::nullopt;
  return SqliteReport{.conversion = newest->number, .was_done = true};
}

/// Changes with each commit of somebody else.
std::string state_of(store::SchemaSession& session) {
  return session.query("PRAGMA data_version").at(0).at(0);
}

}  // namespace

migrate::Outcome<SqliteReport> rebuild_sqlite(store::SchemaSession& session, const Scheme& scheme,
                                              const Conversion& conversion,
                                              const SqliteOptions& options) try {
  Records records(session, migrate::Dialect::sqlite);
  const SqliteSettings settings(session, options.wait);
  if (auto done = done_before(records)) return *done;
  const auto plan = plan_sqlite(scheme, options.accepted);
  if (!plan) return std::unexpected(plan.error());
  // While others may still write: if nobody does, they hold.
  options.at("sums of before");
  const std::string measured = state_of(session);
  auto sums = take_sums_apart(session, scheme);
  if (!sums) return std::unexpected(sums.error());
  options.at("write lock");
  SqliteTransaction transaction(session);
  if (auto done = done_before(records)) return *done;
  records.prepare();
  Conversion begun = conversion;
  begun.state = State::contracting;
  begun.home = scheme.home;
  const std::int64_t number = records.begin(begun);
  if (state_of(session) != measured) {
    options.at("sums of before, as somebody wrote");
    sums = take_sums(session, scheme);
    if (!sums) return std::unexpected(sums.error());
  }
  remember(session, records, number, "before", *sums);
  auto report = SqliteSwitch(session, scheme, *plan, records, options).run(number, {});
  if (!report) return report;
  options.at("commit");
  transaction.commit();
  return report;
} catch (const store::DatabaseError& error) {
  return std::unexpected(sqlite_problem(error));
}

}  // namespace guildhall::convert
