#include "tenancy/postgres_roles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace guildhall::tenancy {
namespace {

const std::vector<std::string> kRead{"SELECT"};
/// TRUNCATE is not among them: no policy covers it.
const std::vector<std::string> kChange{"DELETE", "INSERT", "SELECT", "UPDATE"};

std::string create_policy(const TableSpec& table, const Policy& policy) {
  const std::string check =
      policy.command == "SELECT" ? "" : fmt::format(" WITH CHECK ({})", policy.condition);
  return fmt::format("CREATE POLICY {} ON {} FOR {} TO {} USING ({}){}", policy.name, table.name,
                     policy.command, fmt::join(policy.roles, ", "), policy.condition, check);
}

}  // namespace

std::vector<Policy> policies_of(const TableSpec& table) {
  if (!has_servers_rows(table)) return {};
  const std::string own(kServerCondition);
  std::vector<Policy> policies{
      {"server", "ALL", {std::string(kAppRole)}, own},
      {"migration", "ALL", {std::string(kMigrateRole), std::string(kOwnerRole)}, "true"},
      {"backup", "SELECT", {std::string(kReadRole)}, "true"}};
  if (table.cross_server) policies.push_back({"tick", "ALL", {std::string(kTickRole)}, "true"});
  return policies;
}

std::map<std::string, std::vector<std::string>> rights_of(const TableSpec& table) {
  std::map<std::string, std::vector<std::string>> rights{{std::string(kAppRole), kChange},
                                                         {std::string(kReadRole), kRead}};
  // A process only says of itself that it runs; the rest is the migrator's.
  if (table.name.starts_with("migration_") && table.name != "migration_readers")
    rights[std::string(kAppRole)] = kRead;
  if (table.table_class == TableClass::global) {
    if (table.shared) rights[std::string(kTickRole)] = kRead;
  } else if (table.cross_server) {
    rights[std::string(kTickRole)] = kChange;
  }
  return rights;
}

std::vector<std::string> seal_table(const TableSpec& table) {
  std::vector<std::string> sql;
  const bool sealed = has_servers_rows(table);
  if (sealed) {
    sql.push_back(fmt::format("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", table.name));
    sql.push_back(fmt::format("ALTER TABLE {} FORCE ROW LEVEL SECURITY", table.name));
    sql.push_back(
        fmt::format("DO $$ DECLARE p name; BEGIN FOR p IN SELECT polname FROM pg_policy WHERE polrelid = "
                    "'{0}'::regclass LOOP EXECUTE format('DROP POLICY %I ON {0}', p); END LOOP; END $$",
                    table.name));
    for (const Policy& policy : policies_of(table)) sql.push_back(create_policy(table, policy));
  }
  sql.push_back(
      fmt::format("REVOKE ALL ON {} FROM PUBLIC, {}, {}, {}", table.name, kAppRole, kTickRole, kReadRole));
  for (const auto& [role, rights] : rights_of(table))
    sql.push_back(fmt::format("GRANT {} ON {} TO {}", fmt::join(rights, ", "), table.name, role));
  return sql;
}

std::string let_backups_read_sequences() {
  return fmt::format("GRANT SELECT ON ALL SEQUENCES IN SCHEMA guildhall TO {}", kReadRole);
}

std::vector<std::string> seal_tables(const TableCatalog& catalog) {
  std::vector<std::string> sql;
  for (const auto& [name, table] : catalog.all()) {
    for (std::string& statement : seal_table(table)) sql.push_back(std::move(statement));
  }
  sql.push_back(let_backups_read_sequences());
  return sql;
}

std::vector<std::string> create_roles(const std::vector<std::string>& existing,
                                      const RolePasswords& passwords) {
  std::vector<std::string> sql;
  for (const std::string_view role : kAllRoles) {
    const bool known = std::find(existing.begin(), existing.end(), role) != existing.end();
    const auto password = passwords.find(role);
    if (known && password == passwords.end()) continue;
    const std::string login =
        password == passwords.end() ? "NOLOGIN" : "LOGIN PASSWORD " + store::quoted_text(password->second);
    sql.push_back(fmt::format("{} ROLE {} {}", known ? "ALTER" : "CREATE", role, login));
  }
  // Who sets up makes the database in the owner's name; who migrates acts as the owner.
  sql.push_back(fmt::format("GRANT {} TO {}, CURRENT_USER", kOwnerRole, kMigrateRole));
  return sql;
}

std::vector<std::string> create_database(const std::string& name) {
  return {fmt::format("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
                      quoted_name(name), kOwnerRole)};
}

std::vector<std::string> prepare_database(const std::string& name) {
  const std::string database = quoted_name(name);
  const std::string logins = fmt::format("{}, {}, {}, {}", kAppRole, kTickRole, kMigrateRole, kReadRole);
  return {fmt::format("SET ROLE {}", kOwnerRole),
          fmt::format("REVOKE ALL ON DATABASE {} FROM PUBLIC", database),
          fmt::format("GRANT CONNECT ON DATABASE {} TO {}", database, logins),
          fmt::format("CREATE SCHEMA IF NOT EXISTS guildhall AUTHORIZATION {}", kOwnerRole),
          fmt::format("GRANT USAGE ON SCHEMA guildhall TO {}", logins)};
}

}  // namespace guildhall::tenancy
