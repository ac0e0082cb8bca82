// Who may do what in PostgreSQL, so that the database itself refuses the wrong server:
//
//   guildhall_owner    owns the tables, under forced row-level security; nobody signs in as it
//   guildhall_app      the bot: one server's rows at a time, those of the scope that is set
//   guildhall_tick     the cross-server door: every server's rows, of the tables that ticks need
//   guildhall_migrate  changes the schema, acting as the owner
//   guildhall_ro       backups: reads everything
//
// None is a superuser and none bypasses policies: what the last four may see is written down as policies
// of their own. The statements below are made from the declared class of each table; the catalog gate
// (catalog.h) compares the database with the same declarations.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "store/quoting.h"
#include "tenancy/table.h"

namespace guildhall::tenancy {

inline constexpr std::string_view kOwnerRole = "guildhall_owner";
inline constexpr std::string_view kAppRole = "guildhall_app";
inline constexpr std::string_view kTickRole = "guildhall_tick";
inline constexpr std::string_view kMigrateRole = "guildhall_migrate";
inline constexpr std::string_view kReadRole = "guildhall_ro";
inline constexpr std::array kAllRoles{kOwnerRole, kAppRole, kTickRole, kMigrateRole, kReadRole};

/// The condition of the policy that every sealed table has. Without a scope it is an error, never an
/// empty answer: a setting that was never made is unknown, and one that ended is no number.
inline constexpr std::string_view kServerCondition =
    "discord_server_id = current_setting('guildhall.server_id')::bigint";

/// The same as the catalog holds it.
inline constexpr std::string_view kStoredServerCondition =
    "(discord_server_id = (current_setting('guildhall.server_id'::text))::bigint)";

/// One policy as it should be.
struct Policy {
  std::string name;
  std::string command;  // ALL or SELECT
  std::vector<std::string> roles;
  std::string condition;  // of USING, and of WITH CHECK where rows can be written
};

/// The policies of a table of class T or C; none for the others.
std::vector<Policy> policies_of(const TableSpec& table);
/// The rights of each role on a table, as words of GRANT.
std::map<std::string, std::vector<std::string>> rights_of(const TableSpec& table);

/// What makes one table as it should be, whatever it was: row-level security, policies, rights. For the
/// owner.
std::vector<std::string> seal_table(const TableSpec& table);
/// Backups read the numbers that the database gives out, too.
std::string let_backups_read_sequences();
/// The same for all tables, and that.
std::vector<std::string> seal_tables(const TableCatalog& catalog);

/// Passwords of the roles that sign in, or verifiers of them (scram_verifier).
using RolePasswords = std::map<std::string, std::string, std::less<>>;

/// Makes the roles; for a login with CREATEROLE. A role that exists stays as it is, but for a new password.
std::vector<std::string> create_roles(const std::vector<std::string>& existing,
                                      const RolePasswords& passwords);
/// Makes the database, connected to another one; for a login with CREATEDB.
std::vector<std::string> create_database(const std::string& name);
/// Makes the schema and lets the roles in, connected to the new database.
std::vector<std::string> prepare_database(const std::string& name);

using store::quoted_name;

}  // namespace guildhall::tenancy
