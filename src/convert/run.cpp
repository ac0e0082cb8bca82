#include "convert/run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/clock.h"
#include "convert/ways.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;
using migrate::Exit;
using migrate::Outcome;

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

/// PostgreSQL has this command, and a SQLite file no use for it.
Outcome<void> check_postgres(const migrate::Target& target, std::string_view command, std::string hint) {
  if (target.dialect == Dialect::postgres) return {};
  return migrate::stop(Exit::refused, "CV-SQLITE", fmt::format("'convert {}' is for PostgreSQL", command),
                       std::move(hint));
}

}  // namespace

Outcome<Checked> check(store::SchemaSession& session, const migrate::Target& target, const Options& options,
                       VerifyOptions wish) {
  Records records(session, target.dialect);
  auto found = look(session, target.dialect, options);
  if (!found) return std::unexpected(found.error());
  if (!found->has_begun())
    return migrate::stop(Exit::refused, "CV-STATE", "no conversion has begun here",
                         "First: guildhall convert apply.");
  found->scheme.home = found->conversion->home;
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
    ConversionRun run(target, options, "apply");
    return target.dialect == Dialect::postgres ? expand_postgres(run) : convert_sqlite(run);
  });
}

Outcome<RunReport> contract(const migrate::Target& target, const ContractOptions& options) {
  return guarded([&]() -> Outcome<RunReport> {
    if (auto fits =
            check_postgres(target, "contract", "Of a SQLite file 'convert apply' has done all of it.");
        !fits)
      return std::unexpected(fits.error());
    ConversionRun run(target, options, "contract");
    return contract_postgres(run, options);
  });
}

Outcome<RunReport> rollback(const migrate::Target& target, const RollbackOptions& options) {
  return guarded([&] {
    ConversionRun run(target, options, "rollback");
    return target.dialect == Dialect::postgres ? roll_back_postgres(run, options)
                                               : roll_back_sqlite(run, options);
  });
}

Outcome<RunReport> restore(const migrate::Target& target, const Options& options) {
  return guarded([&]() -> Outcome<RunReport> {
    ConversionRun run(target, options, "restore");
    return target.dialect == Dialect::postgres ? bring_back_postgres(run) : bring_back_sqlite(run);
  });
}

}  // namespace guildhall::convert
