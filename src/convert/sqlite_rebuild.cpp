#include "convert/sqlite_rebuild.h"

#include <optional>
#include <string>

#include "convert/sqlite_sums.h"
#include "convert/sqlite_switch.h"

namespace guildhall::convert {

namespace {

std::optional<SqliteReport> done_before(const Records& records) {
  const auto newest = records.newest();
  if (!newest || newest->state != State::contracted) return std::nullopt;
  return SqliteReport{.conversion = newest->number, .was_done = true};
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
  SumsOfBefore sums(session, scheme, options);
  if (auto taken = sums.take(); !taken) return std::unexpected(taken.error());
  options.at("write lock");
  SqliteTransaction transaction(session);
  if (auto done = done_before(records)) return *done;
  records.prepare();
  Conversion begun = conversion;
  begun.state = State::contracting;
  begun.home = scheme.home;
  const std::int64_t number = records.begin(begun);
  if (auto kept = sums.keep(records, number); !kept) return std::unexpected(kept.error());
  auto report = SqliteSwitch(session, scheme, *plan, records, options).run(number, {});
  if (!report) return report;
  options.at("commit");
  transaction.commit();
  return report;
} catch (const store::DatabaseError& error) {
  return std::unexpected(sqlite_problem(error));
}

}  // namespace guildhall::convert
