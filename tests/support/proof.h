// The isolation proof on a test's own world.
#pragma once

#include "doctor/isolation.h"
#include "migrate/migrate.h"
#include "tests/support/test_world.h"

namespace guildhall::test {

/// `gate`: in place of the real one, for tests that plant what it refuses.
inline doctor::Installation installation_of(TestWorld& world, const store::StatementGate& gate = {}) {
  return {world.declarations, world.clock, [&world, gate](tenancy::OpenOptions options, Metrics& metrics) {
            options.gate = gate;
            options.files.prepare = migrate::file_preparation();
            return tenancy::Tenancy::open(world.place(), world.declarations.statements,
                                          world.declarations.tables, &metrics, std::move(options));
          }};
}

inline doctor::Report prove(const doctor::Installation& installation) {
  const auto report = doctor::prove_isolation(installation, [](std::string_view) {});
  if (!report) throw ErrorException(report.error());
  return *report;
}

}  // namespace guildhall::test
