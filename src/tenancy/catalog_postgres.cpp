#include <array>
#include <map>
#include <set>

#include "tenancy/catalog_keys.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::tenancy {
namespace {

using By = Remedy::By;

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= list.size() && !list.empty();) {
    const auto end = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

/// As a text that PostgreSQL reads as an array of names.
std::string array_of(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + quoted_name(name);
  return "{" + text + "}";
}

Remedy as_owner(std::string_view sql) {
  return {By::owner, fmt::format("SET ROLE {}; SET search_path TO guildhall; {}", kOwnerRole, sql)};
}
/// For whoever owns it.
Remedy as_role(const std::string& role, std::string_view sql) {
  if (role == kOwnerRole) return as_owner(sql);
  return {By::administrator,
          fmt::format("SET ROLE {}; SET search_path TO guildhall; {}", quoted_name(role), sql)};
}
Remedy as_administrator(std::string sql) { return {By::administrator, std::move(sql)}; }
Remedy by_hand(std::string sentence) { return {By::hand, std::move(sentence)}; }

Remedy seal_again(const TableSpec& table) {
  return as_owner(fmt::format("{}", fmt::join(seal_table(table), "; ")));
}

/// A policy as the catalog holds it.
struct StoredPolicy {
  std::string name;
  std::string command;
  bool permissive = true;
  std::vector<std::string> roles;  // sorted
  std::string condition;
  std::string check;
};

bool is_as_declared(const StoredPolicy& stored, const Policy& declared) {
  std::vector<std::string> roles = declared.roles;
  std::sort(roles.begin(), roles.end());
  const std::string condition(declared.condition == kServerCondition ? kStoredServerCondition
                                                                     : declared.condition);
  return stored.permissive && stored.command == declared.command && stored.roles == roles &&
         stored.condition == condition && stored.check == (declared.command == "SELECT" ? "" : condition);
}

class PostgresCatalog {
 public:
  PostgresCatalog(store::SchemaSession& session, const TableCatalog& tables)
      : session_(session), tables_(tables) {}

  CatalogFaults find(const ConnectedLogin& bot, const ConnectedLogin& cross_server) {
    // Everything as of one moment: a migration beside us is seen whole or not at all. Who has begun a
    // transaction asks about what is in it.
    const bool own = !session_.in_transaction();
    if (own) session_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    look_at_login("database.url", bot, kAppRole);
    look_at_login("database.tick_url", cross_server, kTickRole);
    look_at_roles({bot.role, cross_server.role});
    look_at_memberships({bot.role, cross_server.role});
    look_at_schema();
    look_at_tables();
    look_at_tenant_columns();
    look_at_policies();
    look_at_rights();
    look_at_foreign_keys();  // first: they stand on indexes
    look_at_indexes();
    look_at_programs();
    look_at_views();
    look_at_functions();
    if (own) session_.execute("COMMIT");
    return std::move(faults_);
  }

 private:
  void add(const std::string& table, std::string reason, Remedy remedy) {
    faults_.push_back({table, std::move(reason), std::move(remedy)});
  }
  const TableSpec* sealed(const std::string& table) const {
    return tables_.is_sealed(table) ? tables_.find(table) : nullptr;
  }

  // Roles ------------------------------------------------------------------------------------------------

  void look_at_login(std::string_view key, const ConnectedLogin& login, std::string_view role) {
    if (login.role != role) {
      add(login.role, fmt::format("is who {} signs in as; that should be {}", key, role),
          by_hand(fmt::format("Name {} in {}; `guildhall setup postgres --new-passwords` prints the address.",
                              role, key)));
    }
    if (login.scope.empty()) return;
    add(login.role, fmt::format("its sessions begin in the scope of server {}", login.scope),
        as_administrator(fmt::format("ALTER ROLE {0} RESET guildhall.server_id; ALTER ROLE {0} IN DATABASE "
                                     "{1} RESET guildhall.server_id; ALTER DATABASE {1} RESET "
                                     "guildhall.server_id",
                                     quoted_name(login.role), database())));
  }

  std::string database() { return session_.query("SELECT quote_ident(current_database())").at(0).at(0); }

  void look_at_roles(std::set<std::string> names) {
    for (const auto role : kAllRoles) names.emplace(role);
    const std::array powers{"SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION", "CREATEDB"};
    std::set<std::string> present;
    for (const auto& row :
         session_.query("SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication, rolcreatedb, "
                        "rolcanlogin FROM pg_roles WHERE rolname = ANY($1::text[]) ORDER BY rolname",
                        {array_of(names)})) {
      present.insert(row[0]);
      for (std::size_t i = 0; i < powers.size(); ++i) {
        if (row[i + 1] == "t") {
          add(row[0], fmt::format("is a role with {}", powers[i]),
              as_administrator(fmt::format("ALTER ROLE {} NO{}", quoted_name(row[0]), powers[i])));
        }
      }
      if (row[0] == kOwnerRole && row[6] == "t") {
        add(row[0], "owns the tables and may sign in",
            as_administrator(fmt::format("ALTER ROLE {} NOLOGIN", kOwnerRole)));
      }
    }
    for (const std::string& name : names) {
      if (!present.contains(name))
        add(name, "is a role that is missing", by_hand("Run `guildhall setup postgres`."));
    }
  }

  /// Who is in another role can act as it. The owner's members are those that change the schema.
  void look_at_memberships(std::set<std::string> names) {
    for (const auto role : {kAppRole, kTickRole, kReadRole}) names.emplace(role);
    for (const auto& row :
         session_.query("SELECT m.rolname, r.rolname FROM pg_roles m JOIN pg_roles r ON r.oid <> m.oid AND "
                        "pg_has_role(m.oid, r.oid, 'MEMBER') WHERE NOT m.rolsuper AND m.rolname = "
                        "ANY($1::text[]) ORDER BY 1, 2",
                        {array_of(names)})) {
      add(row[0], fmt::format("is a member of {} and can act as it", row[1]),
          as_administrator(fmt::format("REVOKE {} FROM {}", quoted_name(row[1]), quoted_name(row[0]))));
    }
  }

  void look_at_schema() {
    for (const auto& row : session_.query(
             "SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END "
             "FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x WHERE "
             "n.nspname = 'guildhall' AND x.privilege_type = 'CREATE' AND x.grantee <> n.nspowner")) {
      add("schema guildhall", fmt::format("{} may make tables there", row[0]),
          as_owner(fmt::format("REVOKE CREATE ON SCHEMA guildhall FROM {}", row[0])));
    }
    for (const auto& row : session_.query(
             "SELECT r.rolname FROM pg_roles r WHERE NOT r.rolsuper AND r.rolname = "
             "ANY($1::text[]) AND has_database_privilege(r.oid, current_database(), 'CREATE')",
             {array_of({std::string(kAppRole), std::string(kTickRole), std::string(kReadRole)})})) {
      add(row[0], "may make schemas in the database",
          as_owner(
              fmt::format("REVOKE CREATE ON DATABASE {} FROM PUBLIC, {}", database(), quoted_name(row[0]))));
    }
  }

  // Tables -----------------------------------------------------------------------------------------------

  void look_at_tables() {
    for (const auto& row : session_.query(
             "SELECT c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, "
             "pg_get_userbyid(c.relowner), EXISTS (SELECT 1 FROM pg_inherits i WHERE c.oid IN (i.inhparent, "
             "i.inhrelid)) FROM pg_class c WHERE c.relnamespace = 'guildhall'::regnamespace AND c.relkind IN "
             "('r', 'p', 'f') ORDER BY 1")) {
      present_.insert(row[0]);
      if (const TableSpec* spec = tables_.find(row[0])) {
        look_at_table(*spec, row);
      } else {
        add(row[0], "is a table of no declared class",
            by_hand("Move it to a schema of its own: only Guildhall's tables may lie in this one."));
      }
    }
    for (const auto& [name, spec] : tables_.all()) {
      if (!present_.contains(name))
        add(name, "is missing", by_hand("Put back a copy of the database from before it was dropped."));
    }
  }

  /// `row`: name, kind, row-level security, forced, owner, inherits.
  void look_at_table(const TableSpec& spec, const std::vector<std::string>& row) {
    const auto alter = [&](std::string_view what) {
      return as_owner(fmt::format("ALTER TABLE {} {}", spec.name, what));
    };
    if (row[1] != "r" || row[5] == "t")
      add(spec.name, "is not a plain table", by_hand("Make it anew as its migration says."));
    if (row[4] != kOwnerRole) {
      add(spec.name, fmt::format("belongs to {}, not to {}", row[4], kOwnerRole),
          as_administrator(fmt::format("ALTER TABLE guildhall.{} OWNER TO {}", spec.name, kOwnerRole)));
    }
    if (has_servers_rows(spec)) {
      if (row[2] != "t") add(spec.name, "row-level security is off", alter("ENABLE ROW LEVEL SECURITY"));
      if (row[3] != "t") {
        add(spec.name, "row-level security is not forced on the owner", alter("FORCE ROW LEVEL SECURITY"));
      }
    } else if (row[2] == "t") {
      add(spec.name, "has row-level security, which its class does not", alter("DISABLE ROW LEVEL SECURITY"));
    }
  }

  void look_at_tenant_columns() {
    for (const auto& row :
         session_.query("SELECT c.relname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef, "
                        "a.attgenerated, a.attidentity FROM pg_attribute a JOIN pg_class c ON c.oid = "
                        "a.attrelid WHERE c.relnamespace = 'guildhall'::regnamespace AND c.relkind IN ('r', "
                        "'p') AND a.attname = $1 AND NOT a.attisdropped ORDER BY 1",
                        {std::string(kTenantColumn)})) {
      with_tenant_.insert(row[0]);
      const TableSpec* spec = tables_.find(row[0]);
      if (spec == nullptr) continue;
      if (spec->table_class == TableClass::global) {
        add(row[0], fmt::format("is declared to belong to no server, but has the column {}", kTenantColumn),
            by_hand("Declare its class."));
      } else {
        look_at_tenant_column(*spec, row);
      }
    }
    for (const auto& [name, spec] : tables_.all()) {
      if (sealed(name) != nullptr && present_.contains(name) && !with_tenant_.contains(name))
        add(name, fmt::format("has no column {}", kTenantColumn),
            by_hand("Make it anew as its migration says."));
    }
  }

  /// `row`: table, type, not null, has a default or an expression, generated, identity.
  void look_at_tenant_column(const TableSpec& spec, const std::vector<std::string>& row) {
    const auto alter = [&](std::string_view what) {
      return fmt::format("ALTER TABLE {} ALTER COLUMN {} {}", spec.name, kTenantColumn, what);
    };
    const auto column = [&](std::string_view what) { return fmt::format("{} {}", kTenantColumn, what); };
    if (row[1] != "bigint") {
      // No type changes below a policy.
      const auto seal = seal_table(spec);
      const std::string policies =
          has_servers_rows(spec) ? fmt::format("DROP POLICY IF EXISTS server ON {}; ", spec.name) : "";
      add(spec.name, column(fmt::format("is {}, not bigint", row[1])),
          as_owner(fmt::format("{}{}; {}", policies, alter("TYPE bigint"), fmt::join(seal, "; "))));
    }
    if (row[2] != "t") add(spec.name, column("may be NULL"), as_owner(alter("SET NOT NULL")));
    if (!row[4].empty()) {
      add(spec.name, column("is generated"), as_owner(alter("DROP EXPRESSION")));
    } else if (row[3] == "t") {
      add(spec.name, column("has a default"), as_owner(alter("DROP DEFAULT")));
    }
    if (!row[5].empty()) add(spec.name, column("counts by itself"), as_owner(alter("DROP IDENTITY")));
  }

  // Policies and rights ----------------------------------------------------------------------------------

  std::map<std::string, std::vector<StoredPolicy>> read_policies() {
    const std::map<std::string, std::string> commands{
        {"*", "ALL"}, {"r", "SELECT"}, {"a", "INSERT"}, {"w", "UPDATE"}, {"d", "DELETE"}};
    std::map<std::string, std::vector<StoredPolicy>> stored;
    for (const auto& row : session_.query(
             "SELECT c.relname, p.polname, p.polcmd, p.polpermissive, (SELECT string_agg(CASE r WHEN 0 THEN "
             "'PUBLIC' ELSE pg_get_userbyid(r) END, ',' ORDER BY CASE r WHEN 0 THEN 'PUBLIC' ELSE "
             "pg_get_userbyid(r)::text END COLLATE \"C\") FROM unnest(p.polroles) r), "
             "coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, "
             "p.polrelid), '') FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = "
             "'guildhall'::regnamespace ORDER BY 1, 2")) {
      stored[row[0]].push_back({row[1], commands.at(row[2]), row[3] == "t", split(row[4]), row[5], row[6]});
    }
    return stored;
  }

  void look_at_policies() {
    auto stored = read_policies();
    for (const auto& [name, spec] : tables_.all()) {
      // Without its column there is nothing that a policy could compare.
      if (!present_.contains(name) || (has_servers_rows(spec) && !with_tenant_.contains(name))) continue;
      std::vector<StoredPolicy>& found = stored[name];
      for (const Policy& declared : policies_of(spec)) {
        const auto same = std::find_if(found.begin(), found.end(),
                                       [&](const StoredPolicy& one) { return one.name == declared.name; });
        if (same == found.end()) {
          add(name, fmt::format("the policy {} is missing", declared.name), seal_again(spec));
          continue;
        }
        if (!is_as_declared(*same, declared)) {
          add(name,
              fmt::format("the policy {} is another one: {}FOR {} TO {} USING ({}) WITH CHECK ({})",
                          same->name, same->permissive ? "" : "AS RESTRICTIVE ", same->command,
                          fmt::join(same->roles, ", "), same->condition, same->check),
              seal_again(spec));
        }
        found.erase(same);
      }
      for (const StoredPolicy& extra : found) {
        add(name, fmt::format("the policy {} is not one of ours", extra.name),
            as_owner(fmt::format("DROP POLICY {} ON {}", quoted_name(extra.name), name)));
      }
    }
  }

  void look_at_rights() {
    // Rights of each role on each table as GRANT says them, sorted.
    std::map<std::string, std::map<std::string, std::vector<std::string>>> granted;
    for (const auto& row : session_.query(
             "SELECT c.relname, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END, "
             "string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, "
             "',' ORDER BY x.privilege_type COLLATE \"C\") FROM pg_class c, aclexplode(coalesce(c.relacl, "
             "acldefault('r', c.relowner))) x WHERE c.relnamespace = 'guildhall'::regnamespace AND c.relkind "
             "IN ('r', 'p', 'f') AND x.grantee <> c.relowner GROUP BY 1, 2")) {
      granted[row[0]][row[1]] = split(row[2]);
    }
    for (const auto& [name, spec] : tables_.all()) {
      if (!present_.contains(name)) continue;
      const auto declared = rights_of(spec);
      auto& found = granted[name];
      for (const auto& [role, rights] : declared) found.try_emplace(role);
      for (const auto& [role, rights] : found) {
        const auto wanted = declared.find(role);
        const std::vector<std::string> none;
        look_at_right(spec, role, rights, wanted == declared.end() ? none : wanted->second);
      }
    }
    look_at_column_rights();
  }

  void look_at_right(const TableSpec& spec, const std::string& role, const std::vector<std::string>& found,
                     const std::vector<std::string>& declared) {
    if (found == declared) return;
    const std::string grantee = role == "PUBLIC" ? role : quoted_name(role);
    const auto words = [](const std::vector<std::string>& rights) {
      return rights.empty() ? std::string("nothing") : fmt::format("{}", fmt::join(rights, ", "));
    };
    std::string sql = fmt::format("REVOKE ALL ON {} FROM {}", spec.name, grantee);
    if (!declared.empty()) sql += fmt::format("; GRANT {} ON {} TO {}", words(declared), spec.name, grantee);
    add(spec.name, fmt::format("{} may {}, and should {}", role, words(found), words(declared)),
        as_owner(sql));
  }

  void look_at_column_rights() {
    for (const auto& row : session_.query(
             "SELECT c.relname, a.attname, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE "
             "quote_ident(pg_get_userbyid(x.grantee)) END, string_agg(x.privilege_type, ', ') FROM "
             "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid, aclexplode(a.attacl) x WHERE "
             "c.relnamespace = 'guildhall'::regnamespace AND a.attacl IS NOT NULL GROUP BY 1, 2, 3")) {
      add(row[0],
          fmt::format("{} may {} its column {}, and rights are on whole tables", row[2], row[3], row[1]),
          as_owner(fmt::format("REVOKE ALL ({}) ON {} FROM {}", quoted_name(row[1]), quoted_name(row[0]),
                               row[2])));
    }
  }

  // Keys -------------------------------------------------------------------------------------------------

  void look_at_indexes() {
    std::set<std::string> with_key;
    for (const auto& row : session_.query(
             "SELECT t.relname, i.relname, x.indisprimary, x.indisexclusion, am.amname, coalesce(a.attname, "
             "''), coalesce(quote_ident(k.conname), ''), coalesce(pg_get_constraintdef(k.oid), ''), "
             "pg_get_indexdef(i.oid), coalesce(k.conexclop[1] = 'pg_catalog.=(bigint,bigint)'::regoperator, "
             "true) FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = "
             "x.indexrelid JOIN pg_am am ON am.oid = i.relam LEFT JOIN pg_attribute a ON a.attrelid = t.oid "
             "AND a.attnum = x.indkey[0] LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.conrelid = "
             "t.oid AND k.contype IN ('p', 'u', 'x') WHERE t.relnamespace = 'guildhall'::regnamespace AND "
             "(x.indisunique OR x.indisexclusion) ORDER BY 1, 2")) {
      if (row[2] == "t") with_key.insert(row[0]);
      if (sealed(row[0]) == nullptr || (row[5] == kTenantColumn && row[9] == "t")) continue;
      look_at_index(row);
    }
    for (const auto& [name, spec] : tables_.all()) {
      if (sealed(name) != nullptr && present_.contains(name) && !with_key.contains(name))
        add(name, "has no primary key", by_hand("Make its key as its migration says."));
    }
  }

  /// `row`: table, index, primary, exclusion, method, first column, constraint, its text, the index's text.
  void look_at_index(const std::vector<std::string>& row) {
    const bool exclusion = row[3] == "t";
    const std::string kind = row[2] == "t" ? "primary key" : exclusion ? "exclusion" : "unique index";
    const std::string reason = fmt::format("its {} {} does not begin with {}", kind, row[1], kTenantColumn);
    if (exclusion && (row[4] != "btree" || row[5] == kTenantColumn)) {
      return add(row[0], reason,
                 by_hand(fmt::format("Make it anew with {} WITH = as its first part.", kTenantColumn)));
    }
    if (row[6].empty()) {
      return add(row[0], reason,
                 as_owner(fmt::format("DROP INDEX {}; {}", quoted_name(row[1]), with_tenant_first(row[8]))));
    }
    add(row[0], reason,
        as_owner(fmt::format("ALTER TABLE {0} DROP CONSTRAINT {1}; ALTER TABLE {0} ADD CONSTRAINT {1} {2}",
                             quoted_name(row[0]), row[6],
                             with_tenant_first(row[7], exclusion ? " WITH =" : ""))));
  }

  void look_at_foreign_keys() {
    for (const auto& row : session_.query(
             "SELECT t.relname, quote_ident(k.conname), f.relname, f.relnamespace = t.relnamespace, (SELECT "
             "string_agg(a.attname, ',' ORDER BY u.n) FROM unnest(k.conkey) WITH ORDINALITY u (num, n) JOIN "
             "pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num), (SELECT string_agg(a.attname, "
             "',' ORDER BY u.n) FROM unnest(k.confkey) WITH ORDINALITY u (num, n) JOIN pg_attribute a ON "
             "a.attrelid = k.confrelid AND a.attnum = u.num), pg_get_constraintdef(k.oid) FROM pg_constraint "
             "k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid WHERE k.contype "
             "= 'f' AND t.relnamespace = 'guildhall'::regnamespace ORDER BY 1, 2")) {
      const TableSpec* spec = tables_.find(row[0]);
      if (spec == nullptr) continue;
      const ForeignKey key{row[1], row[0], row[2], split(row[4]), split(row[5])};
      if (row[3] != "t") {
        add(row[0], fmt::format("its foreign key {} leads out of the schema", row[1]), drop(key));
      } else if (const std::string why = why_open(key, *spec, tables_); !why.empty()) {
        add(row[0], why, spec->table_class == TableClass::global ? drop(key) : make_anew(key, row[6]));
      }
    }
  }

  static Remedy drop(const ForeignKey& key) {
    return as_owner(fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", quoted_name(key.table), key.name));
  }

  /// The same key with the tenant columns in front; what follows its columns (ON DELETE ...) stays.
  static Remedy make_anew(const ForeignKey& key, const std::string& definition) {
    std::vector<std::string> from{std::string(kTenantColumn)};
    std::vector<std::string> to{std::string(kTenantColumn)};
    for (std::size_t i = 0; i < key.from.size(); ++i) {
      const bool tenant_here = key.from[i] == kTenantColumn;
      if (tenant_here != (key.to[i] == kTenantColumn))
        return by_hand(fmt::format("Make it anew with {0} leading to {0}.", kTenantColumn));
      if (tenant_here) continue;
      from.push_back(quoted_name(key.from[i]));
      to.push_back(quoted_name(key.to[i]));
    }
    const auto tail = definition.find(')', definition.find(')') + 1) + 1;
    return as_owner(
        fmt::format("ALTER TABLE {0} DROP CONSTRAINT {1}; ALTER TABLE {0} ADD CONSTRAINT {1} "
                    "FOREIGN KEY ({2}) REFERENCES {3} ({4}){5}",
                    quoted_name(key.table), key.name, fmt::join(from, ", "), quoted_name(key.target),
                    fmt::join(to, ", "), definition.substr(tail)));
  }

  // What acts or reads with other rights --------------------------------------------------------------------

  void look_at_programs() {
    for (const auto& row : session_.query(
             "SELECT c.relname, 'TRIGGER', t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
             "WHERE NOT t.tgisinternal AND c.relnamespace = 'guildhall'::regnamespace UNION ALL SELECT "
             "c.relname, 'RULE', r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE "
             "c.relnamespace = 'guildhall'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1, 2, 3")) {
      if (row[1] == "TRIGGER" && is_guard_of_journal(row[0], row[2])) continue;
      add(row[0],
          fmt::format("has the {} {}: what it does, statements do not show",
                      row[1] == "RULE" ? "rule" : "trigger", row[2]),
          as_owner(fmt::format("DROP {} {} ON {}", row[1], quoted_name(row[2]), quoted_name(row[0]))));
    }
  }

  /// Views anywhere over our sealed tables, through other views too.
  void look_at_views() {
    std::set<std::string> names;
    for (const auto& [name, spec] : tables_.all()) {
      if (sealed(name) != nullptr) names.insert(name);
    }
    for (const auto& row : session_.query(
             "WITH RECURSIVE above (oid, below) AS (SELECT c.oid, c.relname FROM pg_class c WHERE "
             "c.relnamespace = 'guildhall'::regnamespace AND c.relname = ANY($1::text[]) UNION SELECT "
             "r.ev_class, a.below FROM above a JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND "
             "d.refobjid = a.oid AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite r ON r.oid = "
             "d.objid) "
             "SELECT c.oid::regclass, c.relkind, coalesce((SELECT o.option_value::boolean FROM "
             "pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker'), false), "
             "min(a.below), pg_get_userbyid(c.relowner) FROM above a JOIN pg_class c ON c.oid = a.oid WHERE "
             "c.relkind IN ('v', 'm') GROUP "
             "BY c.oid ORDER BY 1",
             {array_of(names)})) {
      if (row[1] == "m") {
        add(row[0], fmt::format("is a materialised view over {}, which no policy covers", row[3]),
            as_role(row[4], fmt::format("DROP MATERIALIZED VIEW {}", row[0])));
      } else if (row[2] != "t") {
        add(row[0], fmt::format("is a view over {} with its owner's rights", row[3]),
            as_role(row[4], fmt::format("ALTER VIEW {} SET (security_invoker = true)", row[0])));
      }
    }
  }

  void look_at_functions() {
    std::set<std::string> roles;
    for (const auto role : kAllRoles) roles.emplace(role);
    for (const auto& row : session_.query(
             "SELECT p.oid::regprocedure, r.rolname FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner "
             "WHERE p.prosecdef AND p.pronamespace <> 'pg_catalog'::regnamespace "
             "AND p.pronamespace <> 'information_schema'::regnamespace AND (p.pronamespace = "
             "'guildhall'::regnamespace OR r.rolname = ANY($1::text[]) OR ((r.rolsuper OR r.rolbypassrls) "
             "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = "
             "p.oid AND d.deptype = 'e') AND EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = "
             "ANY($2::text[]) AND has_function_privilege(o.oid, p.oid, 'EXECUTE')))) ORDER BY 1",
             {array_of(roles), array_of({std::string(kAppRole), std::string(kTickRole)})})) {
      add(row[0], "is a function that runs with its owner's rights",
          as_role(row[1], fmt::format("ALTER ROUTINE {} SECURITY INVOKER", row[0])));
    }
  }

  store::SchemaSession& session_;
  const TableCatalog& tables_;
  std::set<std::string> present_;
  std::set<std::string> with_tenant_;  // tables that have the tenant column
  CatalogFaults faults_;
};

}  // namespace

CatalogFaults find_postgres_faults(store::SchemaSession& session, const TableCatalog& tables,
                                   const ConnectedLogin& bot, const ConnectedLogin& cross_server) {
  return PostgresCatalog(session, tables).find(bot, cross_server);
}

}  // namespace guildhall::tenancy
