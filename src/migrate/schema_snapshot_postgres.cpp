// PostgreSQL 15's schema, read from its catalogs by one statement for each of Catalog. All rows have one
// form, see `Field`. Objects of extensions and of the database itself are left out; the letters of `relkind`,
// `contype` and so on are explained in the manual's chapter "System Catalogs".
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <map>

#include "migrate/schema_reading.h"

namespace guildhall::migrate {
namespace {

/// What a row holds. Properties have their names from `property_names`.
enum Field { kPart, kKind, kOf, kOwn, kGrants, kComment, kInherited, kFirstProperty };
constexpr std::size_t kProperties = 7;

using Names = std::array<std::string_view, kProperties>;

const Names& property_names(const std::string& kind) {
  static const Names kOnlyDefinition = {"definition"};
  static const std::map<std::string, Names, std::less<>> kNames = {
      {"table", {"persistence", "partition", "partitioned by", "inherits", "row security", "options"}},
      {"foreign table", {"persistence", "partition", "", "inherits", "row security", "options"}},
      {"column", {"type", "not null", "default", "identity", "generated", "collation", "position"}},
      {"index", {"definition", "validity"}},
      {"view", {"definition", "columns", "options"}},
      {"materialized view", {"definition", "columns", "options"}},
      {"sequence", {"parameters", "owned by", "identity"}},
      {"function", {"definition", "arguments", "returns"}},
      {"procedure", {"definition", "arguments", "returns"}},
      {"trigger", {"definition", "enabled"}},
      {"rule", {"definition", "enabled"}},
      {"enum", {"labels"}},
      {"type", {"columns"}},
      {"domain", {"type", "not null", "default", "collation"}},
      {"extension", {"version", "schema"}},
      {"schema", {}},
  };
  const auto found = kNames.find(kind);
  return found == kNames.end() ? kOnlyDefinition : found->second;
}

/// A literal list for "= ANY", where no name needs more quoting than this.
template <class List>
std::string name_list(const List& names) {
  return fmt::format("('{}')", fmt::join(names, "', '"));
}

std::string comment_on(std::string_view catalog, std::string_view oid, std::string_view column = "0") {
  return fmt::format(
      "(SELECT description FROM pg_description WHERE objoid = {} AND classoid = '{}'::regclass "
      "AND objsubid = {})",
      oid, catalog, column);
}

/// Or, of routines, of a range type.
std::string is_of_extension(std::string_view catalog, std::string_view oid) {
  return fmt::format(
      "EXISTS (SELECT FROM pg_depend WHERE classid = '{}'::regclass AND objid = {} AND deptype IN ({}))",
      catalog, oid, catalog == "pg_proc" ? "'e', 'i'" : "'e'");
}

std::string is_own_schema(std::string_view schema) {
  return fmt::format("{0} !~ '^pg_' AND {0} <> 'information_schema'", schema);
}

std::string one_of(std::string_view oid, std::string_view wanted) {
  return wanted.empty() ? "true" : fmt::format("{} = ANY ({})", oid, wanted);
}

/// The relations that all other selections of a relation's parts join: r(oid, kind, name, ...).
std::string relations(std::string_view wanted) {
  return fmt::format(R"(
WITH r AS MATERIALIZED (
  SELECT c.oid, c.relkind, c.relpersistence, c.relispartition, c.relpartbound, c.relrowsecurity,
         c.relforcerowsecurity, c.reloptions, c.relhastriggers, c.relhasrules,
         c.relacl IS NOT NULL OR c.relowner::regrole::text <> quote_ident(current_user) AS grants,
         format('%I.%I', n.nspname, c.relname) AS name, {0} AS comment
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND {1} AND {2} AND NOT {3} AND NOT {4}
     AND NOT (c.relkind = 'S' AND EXISTS (
           SELECT FROM pg_depend d JOIN pg_class owner ON owner.oid = d.refobjid
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
              AND d.deptype IN ('a', 'i') AND {5}))))",
                     comment_on("pg_class", "c.oid"), one_of("c.oid", wanted), is_own_schema("n.nspname"),
                     is_of_extension("pg_class", "c.oid"), is_tools_relation("c.relname"),
                     is_tools_relation("owner.relname"));
}

constexpr std::string_view kTables = R"(
SELECT oid, CASE relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END, NULL, name, grants, comment, NULL,
       CASE relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
       CASE WHEN relispartition THEN format('of %s %s', parent.names, pg_get_expr(relpartbound, oid)) END,
       CASE relkind WHEN 'p' THEN pg_get_partkeydef(oid) END,
       CASE WHEN NOT relispartition THEN parent.names END,
       CASE WHEN relrowsecurity AND relforcerowsecurity THEN 'forced' WHEN relrowsecurity THEN 'on'
            WHEN relforcerowsecurity THEN 'forced when on' END,
       array_to_string(reloptions, ', '), NULL
  FROM r, LATERAL (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) AS names
                     FROM pg_inherits WHERE inhrelid = r.oid) parent
 WHERE relkind IN ('r', 'p', 'f'))";

constexpr std::string_view kViews = R"(
SELECT oid, CASE relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, NULL, name, grants, comment, NULL,
       pg_get_viewdef(oid),
       (SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', '
                          ORDER BY attnum)
          FROM pg_attribute WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped),
       array_to_string(reloptions, ', '), NULL, NULL, NULL, NULL
  FROM r WHERE relkind IN ('v', 'm'))";

constexpr std::string_view kColumnTypes = R"(
SELECT oid, 'type', NULL, name, grants,
       (SELECT description FROM pg_description JOIN pg_type t ON t.oid = objoid
         WHERE t.typrelid = r.oid AND classoid = 'pg_type'::regclass AND objsubid = 0), NULL,
       (SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', '
                          ORDER BY attnum)
          FROM pg_attribute WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped),
       NULL, NULL, NULL, NULL, NULL, NULL
  FROM r WHERE relkind = 'c')";

constexpr std::string_view kSequences = R"(
SELECT r.oid, 'sequence', NULL, r.name, grants, comment, NULL,
       format('AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s',
              format_type(seqtypid, NULL), seqstart, seqincrement, seqmin, seqmax, seqcache,
              CASE WHEN seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END),
       owner.name, CASE owner.deptype WHEN 'i' THEN 'yes' END, NULL, NULL, NULL, NULL
  FROM r JOIN pg_sequence ON seqrelid = r.oid
  LEFT JOIN LATERAL (
       SELECT deptype, refobjid::regclass::text || '.' || quote_ident(attname) AS name
         FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
        WHERE classid = 'pg_class'::regclass AND objid = r.oid AND refclassid = 'pg_class'::regclass
          AND deptype IN ('a', 'i')) owner ON true
 WHERE relkind = 'S')";

std::string columns() {
  return fmt::format(R"(
SELECT r.oid, 'column', name, quote_ident(attname), attacl IS NOT NULL, {},
       CASE WHEN attinhcount > 0 AND NOT attislocal THEN 'yes' END,
       format_type(atttypid, atttypmod),
       CASE WHEN attnotnull THEN 'yes' END,
       CASE attgenerated WHEN '' THEN pg_get_expr(adbin, adrelid) END,
       CASE attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
       CASE attgenerated WHEN 's' THEN pg_get_expr(adbin, adrelid) END,
       CASE WHEN attcollation <> typcollation THEN attcollation::regcollation::text END,
       rank() OVER (PARTITION BY r.oid ORDER BY attnum)::text
  FROM r JOIN pg_attribute a ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped
  JOIN pg_type t ON t.oid = atttypid
  LEFT JOIN pg_attrdef ON adrelid = r.oid AND adnum = attnum
 WHERE relkind IN ('r', 'p', 'f'))",
                     comment_on("pg_class", "r.oid", "attnum"));
}

/// Those of a partition that its parent gave it are told there.
std::string constraints() {
  return fmt::format(R"(
SELECT r.oid, 'constraint', name, quote_ident(conname), false, {},
       CASE WHEN coninhcount > 0 AND NOT conislocal THEN 'yes' END,
       pg_get_constraintdef(c.oid), NULL, NULL, NULL, NULL, NULL, NULL
  FROM r JOIN pg_constraint c ON conrelid = r.oid
 WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND conparentid = 0)",
                     comment_on("pg_constraint", "c.oid"));
}

/// Without those that a constraint made.
std::string indexes() {
  return fmt::format(R"(
SELECT r.oid, 'index', r.name, format('%I.%I', n.nspname, c.relname), false, {}, NULL,
       pg_get_indexdef(indexrelid), CASE WHEN NOT indisvalid THEN 'invalid' END,
       NULL, NULL, NULL, NULL, NULL
  FROM r JOIN pg_index ON indrelid = r.oid
  JOIN pg_class c ON c.oid = indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT c.relispartition
   AND NOT EXISTS (SELECT FROM pg_constraint
                    WHERE conrelid = r.oid AND conindid = indexrelid AND contype IN ('p', 'u', 'x')))",
                     comment_on("pg_class", "indexrelid"));
}

std::string triggers() {
  return fmt::format(R"(
SELECT r.oid, 'trigger', name, quote_ident(tgname), false, {}, NULL, pg_get_triggerdef(t.oid),
       CASE tgenabled WHEN 'D' THEN 'never' WHEN 'R' THEN 'on replicas' WHEN 'A' THEN 'always' END,
       NULL, NULL, NULL, NULL, NULL
  FROM r JOIN pg_trigger t ON tgrelid = r.oid
 WHERE NOT tgisinternal AND tgparentid = 0)",
                     comment_on("pg_trigger", "t.oid"));
}

std::string rules() {
  return fmt::format(R"(
SELECT r.oid, 'rule', name, quote_ident(rulename), false, {}, NULL, pg_get_ruledef(w.oid),
       CASE ev_enabled WHEN 'D' THEN 'never' WHEN 'R' THEN 'on replicas' WHEN 'A' THEN 'always' END,
       NULL, NULL, NULL, NULL, NULL
  FROM r JOIN pg_rewrite w ON ev_class = r.oid
 WHERE rulename <> '_RETURN')",
                     comment_on("pg_rewrite", "w.oid"));
}

std::string policies() {
  return fmt::format(R"(
SELECT r.oid, 'policy', name, quote_ident(polname), false, {}, NULL,
       format('AS %s FOR %s TO %s', CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
              CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                          WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
              (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE role::regrole::text END, ', '
                                 ORDER BY role::regrole::text COLLATE "C")
                 FROM unnest(polroles) AS role))
         || coalesce(' USING (' || pg_get_expr(polqual, polrelid) || ')', '')
         || coalesce(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', ''),
       NULL, NULL, NULL, NULL, NULL, NULL
  FROM r JOIN pg_policy p ON polrelid = r.oid)",
                     comment_on("pg_policy", "p.oid"));
}

std::string statistics() {
  return fmt::format(R"(
SELECT r.oid, 'statistics', name, format('%I.%I', nspname, stxname), false, {}, NULL,
       pg_get_statisticsobjdef(s.oid), NULL, NULL, NULL, NULL, NULL, NULL
  FROM r JOIN pg_statistic_ext s ON stxrelid = r.oid JOIN pg_namespace n ON n.oid = stxnamespace)",
                     comment_on("pg_statistic_ext", "s.oid"));
}

std::string select_relations(std::string_view wanted, std::initializer_list<std::string> selections) {
  return relations(wanted) + fmt::format("{}", fmt::join(selections, "\nUNION ALL"));
}

std::string relations_sql(std::string_view wanted) {
  return select_relations(
      wanted, {std::string(kTables), std::string(kViews), std::string(kColumnTypes), std::string(kSequences),
               columns(), constraints(), indexes(), triggers(), rules(), policies(), statistics()});
}

/// What tables seldom have: the server starts each selection of a statement, also one that finds nothing.
constexpr std::string_view kHasMore = R"(
SELECT oid, 'more', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM r
 WHERE relkind NOT IN ('r', 'p', 'f') OR relhasrules
    OR relhastriggers AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = r.oid AND NOT tgisinternal)
    OR EXISTS (SELECT FROM pg_policy WHERE polrelid = r.oid)
    OR EXISTS (SELECT FROM pg_statistic_ext WHERE stxrelid = r.oid))";

/// An aggregate has no definition that the database would write itself.
std::string routines_sql(std::string_view wanted) {
  return fmt::format(R"(
SELECT p.oid, CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, NULL,
       format('%I.%I(%s)', nspname, proname, oidvectortypes(proargtypes)),
       proacl IS NOT NULL OR proowner::regrole::text <> quote_ident(current_user), {}, NULL,
       CASE prokind WHEN 'a' THEN
         (SELECT format('(%s) SFUNC %s STYPE %s FINALFUNC %s COMBINEFUNC %s '
                        'INITCOND %L SORTOP %s KIND %s %s %s',
                        pg_get_function_arguments(p.oid), aggtransfn, format_type(aggtranstype, NULL),
                        aggfinalfn, aggcombinefn, agginitval, aggsortop::regoperator, aggkind,
                        provolatile, proparallel)
            FROM pg_aggregate WHERE aggfnoid = p.oid)
       ELSE pg_get_functiondef(p.oid) END,
       CASE WHEN prokind <> 'a' THEN pg_get_function_arguments(p.oid) END,
       CASE WHEN prokind <> 'a' THEN pg_get_function_result(p.oid) END, NULL, NULL, NULL, NULL
  FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
 WHERE p.oid >= 16384 AND {} AND {} AND NOT {}
   AND NOT (nspname = '{}' AND starts_with(proname, '{}')))",
                     comment_on("pg_proc", "p.oid"), one_of("p.oid", wanted), is_own_schema("nspname"),
                     is_of_extension("pg_proc", "p.oid"), kToolSchema, kToolFunctions);
}

/// With the constraints of domains.
std::string types_sql(std::string_view wanted) {
  return fmt::format(R"(
WITH r AS MATERIALIZED (
  SELECT t.*, format('%I.%I', nspname, typname) AS name,
         typacl IS NOT NULL OR typowner::regrole::text <> quote_ident(current_user) AS grants, {0} AS comment
    FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
   WHERE typtype IN ('e', 'd', 'r') AND {1} AND {2} AND NOT {3})
SELECT oid, 'enum', NULL, name, grants, comment, NULL,
       (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum
         WHERE enumtypid = r.oid), NULL, NULL, NULL, NULL, NULL, NULL
  FROM r WHERE typtype = 'e'
UNION ALL
SELECT r.oid, 'domain', NULL, r.name, grants, comment, NULL, format_type(r.typbasetype, r.typtypmod),
       CASE WHEN r.typnotnull THEN 'yes' END, pg_get_expr(r.typdefaultbin, 0),
       CASE WHEN r.typcollation <> b.typcollation THEN r.typcollation::regcollation::text END,
       NULL, NULL, NULL
  FROM r JOIN pg_type b ON b.oid = r.typbasetype WHERE r.typtype = 'd'
UNION ALL
SELECT r.oid, 'domain constraint', name, quote_ident(conname), false, {4}, NULL,
       pg_get_constraintdef(c.oid), NULL, NULL, NULL, NULL, NULL, NULL
  FROM r JOIN pg_constraint c ON contypid = r.oid
UNION ALL
SELECT r.oid, 'range type', NULL, name, grants, comment, NULL,
       format('SUBTYPE = %s, MULTIRANGE_TYPE_NAME = %s', format_type(rngsubtype, NULL),
              format_type(rngmultitypid, NULL))
         || CASE WHEN rngcollation <> 0 THEN format(', COLLATION = %s', rngcollation::regcollation)
                 ELSE '' END,
       NULL, NULL, NULL, NULL, NULL, NULL
  FROM r JOIN pg_range ON rngtypid = r.oid)",
                     comment_on("pg_type", "t.oid"), one_of("t.oid", wanted), is_own_schema("nspname"),
                     is_of_extension("pg_type", "t.oid"), comment_on("pg_constraint", "c.oid"));
}

std::string schemas_sql(std::string_view wanted) {
  return fmt::format(R"(
SELECT n.oid, 'schema', NULL, quote_ident(nspname), false, {}, NULL,
       NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text
  FROM pg_namespace n WHERE {} AND {} AND nspname <> '{}' AND NOT {})",
                     comment_on("pg_namespace", "n.oid"), one_of("n.oid", wanted), is_own_schema("nspname"),
                     kToolSchema, is_of_extension("pg_namespace", "n.oid"));
}

std::string extensions_sql(std::string_view wanted) {
  return fmt::format(R"(
SELECT e.oid, 'extension', NULL, quote_ident(extname), false, NULL, NULL,
       extversion, quote_ident(nspname), NULL, NULL, NULL, NULL, NULL
  FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE {})",
                     one_of("e.oid", wanted));
}

bool is_named_with_schema(const std::string& kind) { return kind == "index" || kind == "statistics"; }

std::string full_name(const SchemaObject& object) {
  if (object.of.empty() || is_named_with_schema(object.kind)) return object.own;
  return object.of + "." + object.own;
}

SchemaObject object_of(const std::vector<std::string>& row, const SnapshotOptions& options) {
  SchemaObject object{row[kKind], "", row[kOf], row[kOwn]};
  object.name = full_name(object);
  object.has_grants = row[kGrants] == "t";
  const Names& names = property_names(object.kind);
  for (std::size_t i = 0; i < kProperties; ++i) {
    const std::string& value = row[kFirstProperty + i];
    const bool is_left_out = names[i] == "position" && !options.strict_order;
    if (!value.empty() && !is_left_out) object.properties.emplace_back(names[i], value);
  }
  if (!row[kInherited].empty()) object.properties.emplace_back("inherited", row[kInherited]);
  if (options.comments && !row[kComment].empty()) object.properties.emplace_back("comment", row[kComment]);
  return object;
}

}  // namespace

std::string is_tools_relation(std::string_view name) {
  return fmt::format("{} IN {}", name, name_list(kToolRelations));
}

std::string postgres_parts_sql(Catalog catalog, std::string_view wanted) {
  switch (catalog) {
    case Catalog::relation: return relations_sql(wanted);
    case Catalog::routine: return routines_sql(wanted);
    case Catalog::type: return types_sql(wanted);
    case Catalog::schema: return schemas_sql(wanted);
    case Catalog::extension: break;
  }
  return extensions_sql(wanted);
}

std::string postgres_tables_sql(std::string_view wanted) {
  return select_relations(wanted,
                          {std::string(kTables), columns(), constraints(), indexes(), std::string(kHasMore)});
}

std::string postgres_beyond_tables_sql(std::string_view wanted) {
  return select_relations(wanted, {std::string(kViews), std::string(kColumnTypes), std::string(kSequences),
                                   triggers(), rules(), policies(), statistics()});
}

bool says_more(const std::vector<std::string>& row) { return row[kKind] == "more"; }

std::vector<SchemaSnapshot::Part> postgres_parts(Catalog catalog, const store::SchemaSession::Rows& rows,
                                                 const SnapshotOptions& options) {
  std::map<std::string, std::vector<SchemaObject>> objects;
  for (const auto& row : rows)
    objects[static_cast<char>(catalog) + row[kPart]].push_back(object_of(row, options));
  std::vector<SchemaSnapshot::Part> parts;
  parts.reserve(objects.size());
  for (auto& [id, of_part] : objects) {
    leave_out(of_part, options);
    parts.push_back(std::make_shared<const SchemaPart>(id, std::move(of_part)));
  }
  return parts;
}

SchemaSnapshot read_postgres(store::SchemaSession& session, const SnapshotOptions& options) {
  std::vector<SchemaSnapshot::Part> all;
  for (const Catalog catalog : kCatalogs) {
    auto parts = postgres_parts(catalog, session.query(postgres_parts_sql(catalog, "")), options);
    all.insert(all.end(), parts.begin(), parts.end());
  }
  return SchemaSnapshot(std::move(all));
}

}  // namespace guildhall::migrate
