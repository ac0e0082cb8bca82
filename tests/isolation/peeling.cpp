#include "tests/isolation/peeling.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "doctor/ground.h"
#include "tests/isolation/matrix.h"
#include "tests/support/proof.h"

namespace guildhall::test {
namespace {

/// Which layer speaks, by what it says.
Outcome said_by(const std::string& message) {
  constexpr std::pair<const char*, const char*> kVoices[] = {
      {"the seal of '", kCatalogGate},
      {"statement '", kStatementGate},
      {"is marked as that of", kMarker},
      {"CHECK constraint failed: discord_server_id", kPins},
      {"file_server", kPins},
      {"own row of `servers` is missing", kOwnRow},
      {"UNIQUE constraint", kUniqueKeys},
      {"unique constraint", kUniqueKeys},
      {"guildhall.server_id", kPolicies},
      {"row-level security", kPolicies}};
  for (const auto& [voice, layer] : kVoices) {
    if (message.find(voice) != std::string::npos) return {layer, message};
  }
  return {"the work itself", message};
}

Outcome outcome_of(const doctor::Report& report) {
  Outcome outcome{kProof, {}};
  for (const doctor::Line& line : report.lines()) {
    if (line.leaks()) outcome.leaks.push_back(line.kind + " " + line.name);
  }
  if (!outcome.leaks.empty()) {
    outcome.what = report.text();
    return outcome;
  }
  if (!report.troubles().empty()) return said_by(report.troubles().front());
  return {kHeld, ""};
}

struct Switched {
  explicit Switched(const std::set<Mutation>& mutations) { switched_on() = mutations; }
  ~Switched() { switched_on().clear(); }
};

Outcome prove(TestWorld& world, const Damage& damage) {
  auto installation = installation_of(world);
  installation.open = [&world, &damage](tenancy::OpenOptions options, Metrics& metrics) {
    options.files.prepare = [&damage, prepare = world.file_preparation()](store::SchemaSession& file) {
      auto prepared = prepare(file);
      if (prepared && damage.file) damage.file(file);
      return prepared;
    };
    return tenancy::Tenancy::open(world.place(), world.declarations.statements, world.declarations.tables,
                                  &metrics, std::move(options));
  };
  const auto report = doctor::prove_isolation(installation, [](std::string_view) {});
  return report ? outcome_of(*report) : said_by(report.error().message);
}

}  // namespace

Damage operator+(Damage one, const Damage& other) {
  one.mutations.insert(other.mutations.begin(), other.mutations.end());
  one.sql += other.sql;
  if (other.plant) one.plant = other.plant;
  if (other.file) one.file = other.file;
  return one;
}

Outcome try_out(const Damage& damage) {
  const Switched switched(damage.mutations);
  try {
    TestWorld world;
    if (!damage.sql.empty()) world.execute(damage.sql);
    if (damage.plant) damage.plant(world);
    world.reopen();
    return prove(world, damage);
  } catch (const ErrorException& refused) {
    return said_by(refused.error().message);
  } catch (const store::DatabaseError& refused) {
    return said_by(refused.what());
  }
}

void peel(const std::string& mutation, const Damage& damage, const std::vector<Step>& steps) {
  Damage all = damage;
  std::string besides;
  for (const Step& step : steps) {
    all = all + step.damage;
    if (*step.besides != '\0') besides += fmt::format("{}{}", besides.empty() ? "" : ", ", step.besides);
    const Outcome outcome = try_out(all);
    EXPECT_EQ(outcome.layer, step.caught) << mutation << ", and with it " << besides << "\n" << outcome.what;
    write_to_matrix({mutation, besides.empty() ? "-" : besides, outcome.layer, this_test()});
  }
  EXPECT_STRNE(steps.back().caught, kHeld) << mutation << ": nothing sees that it is gone";
}

namespace {

std::string open_policies() {
  const TestWorld world;
  std::string sql;
  for (const auto& [name, spec] : world.declarations.tables.all()) {
    if (tenancy::has_servers_rows(spec))
      sql += fmt::format("ALTER POLICY server ON {} USING (true) WITH CHECK (true);", name);
  }
  return sql;
}

/// In a file that is everybody's, rows can refer to each of the proof's servers.
void add_servers(store::SchemaSession& file) {
  for (const ServerId server : {doctor::kFirstServer, doctor::kSecondServer}) {
    file.execute(fmt::format(
        "INSERT INTO servers SELECT {0}, 'isolation proof', 'active', 0, NULL, 1 WHERE NOT EXISTS (SELECT 1 "
        "FROM server_marker WHERE discord_server_id = {0}) ON CONFLICT DO NOTHING",
        server.str()));
  }
}

}  // namespace

std::optional<Wall> inner_wall() {
  switch (tested_layout()) {
    case store::Layout::sqlite: return std::nullopt;
    case store::Layout::sqlite_per_server:
      return Wall{
          "a file for each server, with its marker and pins",
          {{Mutation::file_shared, Mutation::marker_unread, Mutation::pins_off}, {}, {}, add_servers}};
    case store::Layout::postgres:
      return Wall{"catalog gate, policies", {{Mutation::catalog_unread}, open_policies()}};
  }
  return std::nullopt;
}

}  // namespace guildhall::test
