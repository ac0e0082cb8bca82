#include "tests/isolation/tables.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "doctor/ground.h"
#include "tenancy/catalog.h"
#include "tenancy/postgres_roles.h"
#include "tests/support/proof.h"

namespace guildhall::test {

void amid_two_servers(TestWorld& world, const std::function<void()>& body) {
  bool reached = false;
  const auto report = doctor::prove_isolation(installation_of(world), [&](std::string_view now) {
    if (now != "the same without the second server") return;
    reached = true;
    body();
  });
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(reached) << "the proof has no moment of this name any more";
}

std::vector<std::string> tables_with_rows(const TestWorld& world) {
  std::vector<std::string> names;
  for (const auto& [name, spec] : world.declarations.tables.all()) {
    if (tenancy::has_servers_rows(spec) && !spec.transient) names.push_back(name);
  }
  return names;
}

PostgresTrial::PostgresTrial(const TestWorld& world) : world_(world) {
  const std::string& url = world.place().url;
  auto session = store::open_postgres_session(postgres_url("postgres", url.substr(url.rfind('/') + 1)));
  if (!session) throw ErrorException(session.error());
  session_ = *std::move(session);
  session_->execute("SET search_path TO guildhall");
}

template <class F>
auto PostgresTrial::rolled_back(const std::string& damage, F look) {
  struct Rollback {
    store::SchemaSession& session;
    ~Rollback() { session.execute("ROLLBACK"); }
  };
  session_->execute("BEGIN");
  const Rollback rollback{*session_};
  if (!damage.empty()) session_->execute(damage);
  return look();
}

/// Does it get past what keeps servers apart, and touch a row? A key or a reference that is in the way then
/// is met by rows that were seen.
bool PostgresTrial::can(const std::string& sql) {
  session_->execute("SAVEPOINT before");
  bool touched = false;
  try {
    touched = session_->query(sql).at(0).at(0) != "0";
  } catch (const store::DatabaseError& error) {
    touched = error.code() == store::DbCode::unique || error.code() == store::DbCode::foreign_key ||
              error.code() == store::DbCode::check;
    if (!touched && error.code() != store::DbCode::sealed) throw;
  }
  session_->execute("ROLLBACK TO before");
  return touched;
}

Breach PostgresTrial::breach(const std::string& table, const std::string& damage) {
  const std::string own = doctor::kFirstServer.str();
  const std::string other = doctor::kSecondServer.str();
  return rolled_back(damage, [&] {
    session_->execute(fmt::format("SELECT set_config('guildhall.server_id', '{}', true); SET LOCAL ROLE {}",
                                  own, tenancy::kAppRole));
    const std::string others = fmt::format("{} t WHERE t.discord_server_id = {}", table, other);
    Breach breach;
    breach.owns = can(fmt::format("SELECT count(*) FROM {} WHERE discord_server_id = {}", table, own));
    breach.reads = can("SELECT count(*) FROM " + others);
    breach.changes = can(fmt::format(
        "WITH changed AS (UPDATE {} t SET discord_server_id = t.discord_server_id WHERE t.discord_server_id "
        "= {} RETURNING 1) SELECT count(*) FROM changed",
        table, other));
    breach.erases =
        can(fmt::format("WITH erased AS (DELETE FROM {} RETURNING 1) SELECT count(*) FROM erased", others));
    breach.inserts = can(fmt::format(
        "WITH put AS (INSERT INTO {0} SELECT (jsonb_populate_record(t, '{{\"discord_server_id\": {1}}}')).* "
        "FROM {0} t WHERE t.discord_server_id = {2} LIMIT 1 RETURNING 1) SELECT count(*) FROM put",
        table, other, own));
    return breach;
  });
}

std::vector<std::string> PostgresTrial::faults(const std::string& damage) {
  return rolled_back(damage, [&] {
    std::vector<std::string> said;
    for (const auto& fault :
         tenancy::find_postgres_faults(*session_, world_.declarations.tables,
                                       {std::string(tenancy::kAppRole)}, {std::string(tenancy::kTickRole)}))
      said.push_back(fault.table + ": " + fault.reason);
    return said;
  });
}

std::string PostgresTrial::error_of(const std::string& sql) {
  try {
    rolled_back(sql, [] {});
    return "";
  } catch (const store::DatabaseError& error) {
    return error.what();
  }
}

std::string PostgresTrial::error_without_scope(const std::string& table) {
  return error_of(fmt::format("SET LOCAL ROLE {}; SELECT count(*) FROM {}", tenancy::kAppRole, table));
}

std::vector<std::string> PostgresTrial::key_of(const std::string& table) {
  std::vector<std::string> columns;
  for (const auto& row : session_->query(
           "SELECT a.attname FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k(number, place) "
           "JOIN "
           "pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE i.indisprimary AND "
           "i.indrelid = $1::regclass ORDER BY k.place",
           {table})) {
    if (row[0] != store::kTenantColumn) columns.push_back(row[0]);
  }
  return columns;
}

}  // namespace guildhall::test
