#include "migrate/database_state.h"

#include <fmt/format.h>

#include <atomic>
#include <map>

#include "base/crypto.h"
#include "base/log.h"
#include "store/quoting.h"

namespace guildhall::migrate {
namespace {

using store::DatabaseError;
using store::quoted_name;
using store::quoted_text;
using store::SchemaSession;

constexpr std::string_view kScratch = "guildhall_scratch_";
constexpr std::chrono::days kScratchIsAbandoned{1};

/// What pg_dump takes for the user's own.
constexpr std::string_view kOwnTables =
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname <> 'information_schema' "
    "AND n.nspname NOT LIKE 'pg\\_%' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = "
    "'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

std::vector<std::string> tables_of(SchemaSession& session, Dialect dialect) {
  std::vector<std::string> tables;
  // A virtual table has no page of its own; what it stores are tables, too.
  const std::string sql =
      dialect == Dialect::sqlite
          ? "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE "
            "'sqlite\\_%' ESCAPE '\\' ORDER BY name"
          : fmt::format(
                "SELECT format('%I.%I', n.nspname, c.relname) {} AND c.relkind IN ('r', 'p') AND "
                "c.relpersistence <> 't' ORDER BY 1",
                kOwnTables);
  for (const auto& row : session.query(sql)) tables.push_back(row.at(0));
  return tables;
}

/// Those that are called like ours, are ours, belong to nobody's session and are old by their names.
void drop_abandoned(SchemaSession& session, TimePoint now) {
  const std::string latest = fmt::format("{}{}", kScratch, to_micros(now - kScratchIsAbandoned));
  const auto rows = session.query(
      "SELECT datname FROM pg_database d WHERE datname LIKE 'guildhall\\_scratch\\_%' AND datname < $1 AND "
      "pg_get_userbyid(datdba) = current_user AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datid "
      "= d.oid)",
      {latest});
  for (const auto& row : rows) session.execute("DROP DATABASE IF EXISTS " + quoted_name(row.at(0)));
}

}  // namespace

void begin_reading(SchemaSession& session, const Reader& reader) {
  session.execute(fmt::format(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; SET LOCAL "
      "idle_in_transaction_session_timeout = 0; SET LOCAL row_security = {}",
      reader.sees_all_by_policy ? "on" : "off"));
  if (!reader.role.empty()) session.execute("SET LOCAL ROLE " + quoted_name(reader.role));
}

std::vector<TableRows> count_rows(SchemaSession& session, Dialect dialect, const Reporting& reporting) {
  const auto names = tables_of(session, dialect);
  std::atomic<std::uintmax_t> done = 0;
  const Step step(
      reporting, "counting rows", [&] { return Step::Amount{done.load(), names.size()}; },
      session.canceller());
  std::vector<TableRows> tables;
  for (const std::string& name : names) {
    // Of a table with children, its own rows: theirs are counted with them.
    const std::string from = dialect == Dialect::sqlite ? quoted_name(name) : "ONLY " + name;
    tables.push_back({name, std::stoll(session.query("SELECT count(*) FROM " + from).at(0).at(0))});
    ++done;
  }
  return tables;
}

std::string difference(const std::vector<TableRows>& wanted, const std::vector<TableRows>& found) {
  std::map<std::string, std::int64_t> left;
  for (const TableRows& table : found) left[table.table] = table.rows;
  for (const TableRows& table : wanted) {
    const auto there = left.find(table.table);
    if (there == left.end()) return fmt::format("table {} is missing", table.table);
    const std::int64_t rows = table.has_data ? table.rows : 0;
    if (there->second != rows)
      return fmt::format("table {} has {} rows where {} belong", table.table, there->second, rows);
    left.erase(there);
  }
  return left.empty() ? "" : fmt::format("table {} does not belong there", left.begin()->first);
}

std::vector<std::string> missing_rights(SchemaSession& session) {
  const auto rows = session.query(fmt::format(
      "SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) {0} AND NOT "
      "has_schema_privilege(n.oid, 'USAGE') "
      "UNION SELECT format('GRANT SELECT ON %s %I.%I TO %I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE "
      "'TABLE' END, n.nspname, c.relname, current_user) {0} AND c.relkind IN ('r', 'p', 'f', 'm', 'v', 'S') "
      "AND NOT CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE "
      "has_table_privilege(c.oid, 'SELECT') END "
      "UNION SELECT format('ALTER ROLE %I BYPASSRLS', current_user) {0} AND c.relrowsecurity AND NOT (SELECT "
      "rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AND (c.relforcerowsecurity OR "
      "NOT "
      "pg_has_role(c.relowner, 'USAGE')) "
      "UNION SELECT format('GRANT SELECT ON LARGE OBJECT %s TO %I', l.oid, current_user) FROM "
      "pg_largeobject_metadata l WHERE NOT (pg_has_role(l.lomowner, 'USAGE') OR EXISTS (SELECT 1 FROM "
      "aclexplode(l.lomacl) a WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, "
      "'USAGE')))) ORDER BY 1",
      kOwnTables));
  std::vector<std::string> rights;
  for (const auto& row : rows) rights.push_back(row.at(0));
  return rights;
}

std::string create_database_like(SchemaSession& session, const std::string& like, const std::string& name) {
  // Columns that came with later versions are read as members.
  const auto row = session
                       .query(
                           "SELECT pg_encoding_to_char(encoding), datcollate, datctype, "
                           "coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'), coalesce(to_jsonb(d) ->> "
                           "'datlocale', to_jsonb(d) ->> 'daticulocale', '') FROM pg_database d WHERE "
                           "datname = $1",
                           {like})
                       .at(0);
  std::string provider;
  if (row[3] == "i") provider = " LOCALE_PROVIDER icu ICU_LOCALE " + quoted_text(row[4]);
  if (row[3] == "b") provider = " LOCALE_PROVIDER builtin BUILTIN_LOCALE " + quoted_text(row[4]);
  return fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}{}",
                     quoted_name(name), quoted_text(row[0]), quoted_text(row[1]), quoted_text(row[2]),
                     provider);
}

Result<ScratchDatabase> ScratchDatabase::make(const std::string& url, SchemaSession& like, TimePoint now) {
  auto session = store::open_any_session({.url = url, .settings = "-cstatement_timeout=0"});
  if (!session) return std::unexpected(session.error());
  // The time stands first in the name, so that older names are smaller.
  const std::string name = fmt::format("{}{}_{}", kScratch, to_micros(now), hex(random_bytes(4)));
  try {
    const auto role =
        (*session)
            ->query("SELECT rolname, rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
            .at(0);
    if (role[1] != "t") {
      return fail(ErrorCode::failed,
                  fmt::format("the backup cannot be proved by restoring it: role {} may not make a database "
                              "for that",
                              role[0]),
                  fmt::format("As an administrator: ALTER ROLE {} CREATEDB; or name a login that may, on "
                              "this or another server, with --scratch-url.",
                              quoted_name(role[0])));
    }
    drop_abandoned(**session, now);
    const std::string model = like.query("SELECT current_database()").at(0).at(0);
    (*session)->execute(create_database_like(like, model, name));
    return ScratchDatabase(*std::move(session), name);
  } catch (const DatabaseError& error) {
    return fail(error.code() == store::DbCode::full ? ErrorCode::too_large : ErrorCode::failed,
                fmt::format("the database in which the backup is proved cannot be made: {}", error.what()));
  }
}

ScratchDatabase::~ScratchDatabase() {
  if (!session_) return;
  try {
    session_->execute("DROP DATABASE IF EXISTS " + quoted_name(name_) + " WITH (FORCE)");
  } catch (const DatabaseError& error) {
    log::warning("a database that a backup was proved in is left behind",
                 {log::field("database", name_), log::field("error", error.what())});
  }
}

}  // namespace guildhall::migrate
