#include "convert/sqlite_rebuild.h"

#include "convert/sqlite_switch.h"
#include "convert/sums.h"

namespace guildhall::convert {

migrate::Outcome<SqliteReport> rebuild_sqlite(store::SchemaSession& session, const Scheme& scheme,
                                              const Conversion& conversion,
                                              const SqliteOptions& options) try {
  Records records(session, migrate::Dialect::sqlite);
  const SqliteSettings settings(session, options.wait);
  SqliteTransaction transaction(session);
  if (const auto newest = records.newest(); newest && newest->state == State::contracted)
    return SqliteReport{.conversion = newest->number, .was_done = true};
  const auto plan = plan_sqlite(scheme, options.accepted);
  if (!plan) return std::unexpected(plan.error());
  records.prepare();
  Conversion begun = conversion;
  begun.state = State::contracting;
  begun.home = scheme.home;
  const std::int64_t number = records.begin(begun);
  options.at("sums of before");
  const auto sums = take_sums(session, scheme);
  if (!sums) return std::unexpected(sums.error());
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
