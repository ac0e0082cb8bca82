// PostgreSQL's catalogs as an OldSchema. Each question answers one JSON object a row, so that lists and names
// of any letters come as they are.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <optional>

#include "convert/old_schema.h"
#include "migrate/schema_reading.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;
using store::quoted_text;

/// The tables of the schema $1 that are the program's own: c(oid, relname, ...).
constexpr std::string_view kOwnTables = R"(
WITH c AS MATERIALIZED (
  SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
     AND NOT EXISTS (SELECT FROM pg_depend
                      WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')))";

constexpr std::string_view kTables = R"(
SELECT json_build_object(
  'name', relname, 'owner', relowner::regrole::text,
  'relation', CASE WHEN relkind = 'f' THEN 'foreign' WHEN relkind = 'p' THEN 'partitioned'
                   WHEN relispartition THEN 'partition' WHEN parent.name IS NOT NULL THEN 'inheriting'
                   ELSE 'table' END,
  'parent', coalesce(parent.name, ''), 'unlogged', relpersistence = 'u',
  'owned', pg_has_role(relowner, 'USAGE'), 'readable', has_table_privilege(c.oid, 'SELECT'), 'rows', greatest(reltuples, 0)::bigint,
  'bytes', pg_table_size(c.oid), 'index_bytes', pg_indexes_size(c.oid),
  'row_security', relrowsecurity, 'forced', relforcerowsecurity,
  'replica_identity', CASE WHEN relreplident = 'i' THEN coalesce(
      (SELECT i.relname FROM pg_index JOIN pg_class i ON i.oid = indexrelid
        WHERE indrelid = c.oid AND indisreplident), '') ELSE '' END)
  FROM c LEFT JOIN LATERAL (
       SELECT relname AS name FROM pg_inherits JOIN pg_class p ON p.oid = inhparent
        WHERE inhrelid = c.oid ORDER BY inhseqno LIMIT 1) parent ON true)";

constexpr std::string_view kColumns = R"(
SELECT json_build_object(
  'table', relname, 'name', attname, 'type', format_type(atttypid, atttypmod), 'not_null', attnotnull,
  'default', coalesce(CASE WHEN attgenerated = '' THEN pg_get_expr(adbin, adrelid) END, ''),
  'generated', attgenerated <> '', 'identity', attidentity <> '', 'grants', attacl IS NOT NULL,
  'operator_schemas', coalesce(place.names, '[]'), 'open', coalesce(place.is_open, false))
  FROM c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
  LEFT JOIN LATERAL (
       WITH RECURSIVE type(oid) AS (
            SELECT atttypid WHERE atttypid >= 16384 UNION SELECT typbasetype FROM type JOIN pg_type USING (oid) WHERE typbasetype <> 0),
       place(oid) AS (
            SELECT typnamespace FROM type JOIN pg_type USING (oid)
            UNION SELECT oprnamespace FROM type JOIN pg_opclass ON opcintype = type.oid AND opcdefault
              JOIN pg_amop ON amopfamily = opcfamily AND amoplefttype = opcintype AND amoprighttype = opcintype
              JOIN pg_operator o ON o.oid = amopopr
             WHERE opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree') AND amopstrategy = 3)
       SELECT json_agg(quote_ident(nspname) ORDER BY nspname) AS names,
              bool_or(EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0 AND privilege_type = 'CREATE')) AS is_open
         FROM place JOIN pg_namespace USING (oid) WHERE nspname <> 'pg_catalog') place ON true
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 ORDER BY relname, attnum)";

constexpr std::string_view kIndexes = R"(
SELECT json_build_object(
  'table', c.relname, 'name', i.relname, 'unique', indisunique, 'primary', indisprimary,
  'valid', indisvalid AND indisready, 'exclusion', indisexclusion, 'nulls_not_distinct', indnullsnotdistinct,
  'method', amname, 'predicate', coalesce(pg_get_expr(indpred, indrelid), ''),
  'constraint', coalesce(conname, ''), 'bytes', pg_relation_size(indexrelid),
  'definition', coalesce(pg_get_constraintdef(con.oid), pg_get_indexdef(indexrelid)),
  'included', (SELECT coalesce(json_agg(attname ORDER BY at), '[]') FROM unnest(indkey::int2[]) WITH ORDINALITY k(num, at)
                 JOIN pg_attribute ON attrelid = indrelid AND attnum = num WHERE at > indnkeyatts),
  'parts', (SELECT json_agg(json_build_object('column', coalesce(attname, ''), 'sql',
                     pg_get_indexdef(indexrelid, at::int, false)
                     || CASE WHEN indcollation[at - 1] <> 0 AND indcollation[at - 1] <> coalesce(attcollation, 100)
                             THEN ' COLLATE ' || indcollation[at - 1]::regcollation ELSE '' END
                     || CASE WHEN NOT opcdefault THEN ' ' || quote_ident(opn.nspname) || '.' || quote_ident(opcname) ELSE '' END
                     || CASE WHEN amname = 'btree' AND indoption[at - 1] & 1 = 1 THEN ' DESC' ELSE '' END
                     || CASE WHEN amname = 'btree' AND (indoption[at - 1] & 3) IN (1, 2)
                             THEN CASE indoption[at - 1] & 2 WHEN 2 THEN ' NULLS FIRST' ELSE ' NULLS LAST' END
                             ELSE '' END) ORDER BY at)
              FROM unnest(indkey::int2[]) WITH ORDINALITY k(num, at)
              JOIN pg_opclass o ON o.oid = indclass[at - 1] JOIN pg_namespace opn ON opn.oid = opcnamespace
              LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = num AND num > 0
             WHERE at <= indnkeyatts))
  FROM c JOIN pg_index ON indrelid = c.oid JOIN pg_class i ON i.oid = indexrelid JOIN pg_am am ON am.oid = i.relam
  LEFT JOIN pg_constraint con ON con.conindid = indexrelid AND con.conrelid = indrelid AND contype IN ('p', 'u', 'x')
 ORDER BY c.relname, i.relname)";

constexpr std::string_view kForeignKeys = R"(
SELECT json_build_object(
  'table', c.relname, 'name', conname,
  'columns', (SELECT json_agg(attname ORDER BY at) FROM unnest(conkey) WITH ORDINALITY k(num, at)
                JOIN pg_attribute ON attrelid = conrelid AND attnum = num),
  'to', CASE WHEN p.relnamespace = c.relnamespace THEN p.relname ELSE '' END,
  'referenced', (SELECT json_agg(attname ORDER BY at) FROM unnest(confkey) WITH ORDINALITY k(num, at)
                   JOIN pg_attribute ON attrelid = confrelid AND attnum = num),
  'set_columns', (SELECT coalesce(json_agg(attname ORDER BY at), '[]') FROM unnest(confdelsetcols) WITH ORDINALITY k(num, at)
                    JOIN pg_attribute ON attrelid = conrelid AND attnum = num),
  'on_update', confupdtype, 'on_delete', confdeltype, 'valid', convalidated, 'deferrable', condeferrable,
  'deferred', condeferred, 'full', confmatchtype = 'f', 'definition', pg_get_constraintdef(con.oid))
  FROM c JOIN pg_constraint con ON conrelid = c.oid AND contype = 'f' AND conparentid = 0
  JOIN pg_class p ON p.oid = confrelid
 ORDER BY c.relname, conname)";

constexpr std::string_view kChecks = R"(
SELECT json_build_object('table', relname, 'name', conname, 'valid', convalidated,
                         'expression', pg_get_expr(conbin, conrelid))
  FROM c JOIN pg_constraint ON conrelid = c.oid AND contype = 'c' AND conislocal
 ORDER BY relname, conname)";

constexpr std::string_view kPolicies = R"(
SELECT json_build_object('table', relname, 'name', polname, 'definition',
         coalesce(pg_get_expr(polqual, polrelid), '') || ';' || coalesce(pg_get_expr(polwithcheck, polrelid), ''))
  FROM c JOIN pg_policy ON polrelid = c.oid
 ORDER BY relname, polname)";

constexpr std::string_view kTriggers = R"(
SELECT json_build_object('table', relname, 'name', tgname, 'definition', pg_get_triggerdef(t.oid))
  FROM c JOIN pg_trigger t ON tgrelid = c.oid AND NOT tgisinternal
 ORDER BY relname, tgname)";

/// What a view hangs on is what its rewrite rule hangs on.
constexpr std::string_view kViews = R"(
WITH v AS MATERIALIZED (
  SELECT c.oid, c.relname, c.relkind, c.reloptions, c.relacl, c.relowner, c.relispopulated, r.oid AS rule
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
   WHERE n.nspname = $1 AND c.relkind IN ('v', 'm')
     AND NOT EXISTS (SELECT FROM pg_depend
                      WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e'))
SELECT json_build_object(
  'name', relname, 'materialized', relkind = 'm',
  'invoker', coalesce('security_invoker=true' = ANY (reloptions) OR 'security_invoker=on' = ANY (reloptions), false),
  'definition', format('CREATE %sVIEW %I.%I%s AS %s', CASE relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END,
                       $1::text, relname, ' WITH (' || array_to_string(reloptions, ', ') || ')', rtrim(pg_get_viewdef(v.oid), ';'))
    || CASE WHEN relispopulated THEN '' ELSE ' WITH NO DATA' END,
  'reads', (SELECT coalesce(json_agg(DISTINCT t.relname), '[]') FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
             WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = rule AND d.refclassid = 'pg_class'::regclass
               AND t.oid <> v.oid),
  'constraints', (SELECT coalesce(json_agg(DISTINCT con.conname), '[]') FROM pg_depend d
                    JOIN pg_constraint con ON con.oid = d.refobjid
                   WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = rule
                     AND d.refclassid = 'pg_constraint'::regclass),
  'grants', (SELECT coalesce((SELECT jsonb_agg(pg_get_indexdef(indexrelid) ORDER BY indexrelid::regclass::text)
                               FROM pg_index WHERE indrelid = v.oid), '[]') || json_build_array(format('ALTER %sVIEW %I.%I OWNER TO %s',
                      CASE relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END, $1::text, relname, relowner::regrole))
                  ::jsonb || coalesce((SELECT jsonb_agg(format('GRANT %s ON %I.%I TO %s%s', privilege_type, $1::text, relname,
                      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                      CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END))
                     FROM aclexplode(relacl) WHERE grantee <> relowner), '[]')
                  || coalesce((SELECT jsonb_agg(format('COMMENT ON %sVIEW %I.%I IS %L',
                      CASE relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END, $1::text, relname, description))
                     FROM pg_description WHERE objoid = v.oid AND objsubid = 0 AND classoid = 'pg_class'::regclass), '[]')
                  || coalesce((SELECT jsonb_agg(line ORDER BY place, line) FROM (
                       SELECT 1 AS place, format('GRANT %s (%I) ON %I.%I TO %s%s', privilege_type, attname, $1::text, relname,
                              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
                              CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS line
                         FROM pg_attribute, aclexplode(attacl) WHERE attrelid = v.oid AND grantee <> relowner
                        UNION ALL
                       SELECT 1, format('COMMENT ON COLUMN %I.%I.%I IS %L', $1::text, relname, attname, description)
                         FROM pg_description JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid
                        WHERE objoid = v.oid AND objsubid > 0 AND classoid = 'pg_class'::regclass
                        UNION ALL
                       SELECT 1, format('ALTER VIEW %I.%I ALTER COLUMN %I SET DEFAULT %s', $1::text, relname, attname,
                              pg_get_expr(adbin, adrelid))
                         FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum WHERE adrelid = v.oid
                        UNION ALL
                       SELECT 2, pg_get_triggerdef(g.oid) FROM pg_trigger g WHERE tgrelid = v.oid AND NOT tgisinternal
                        UNION ALL
                       SELECT 3, format('COMMENT ON TRIGGER %I ON %I.%I IS %L', tgname, $1::text, relname, description)
                         FROM pg_trigger g JOIN pg_description ON objoid = g.oid AND classoid = 'pg_trigger'::regclass
                        WHERE tgrelid = v.oid
                        UNION ALL
                       SELECT 2, pg_get_ruledef(o.oid) FROM pg_rewrite o WHERE ev_class = v.oid AND rulename <> '_RETURN'
                        UNION ALL
                       SELECT 3, format('COMMENT ON RULE %I ON %I.%I IS %L', rulename, $1::text, relname, description)
                         FROM pg_rewrite o JOIN pg_description ON objoid = o.oid AND classoid = 'pg_rewrite'::regclass
                        WHERE ev_class = v.oid) AS hanging), '[]')))
  FROM v ORDER BY relname)";

/// Functions and procedures that are not of an extension, and rules of tables, with their texts: which
/// tables those name is found here, and into which they write. What a text puts together only as it runs is
/// not seen.
constexpr std::string_view kRoutines = R"(,
r AS MATERIALIZED (
  SELECT p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS text
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
   WHERE prokind IN ('f', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'guildhall')
     AND NOT EXISTS (SELECT FROM pg_depend
                      WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
   UNION ALL
  SELECT format('rule %I on %I', rulename, c.relname), pg_get_ruledef(pg_rewrite.oid)
    FROM c JOIN pg_rewrite ON ev_class = c.oid AND rulename <> '_RETURN'),
w AS MATERIALIZED (
  SELECT r.*, ARRAY(SELECT DISTINCT lower(found[1]) FROM regexp_matches(text, '[\w$]+', 'g') found) AS words FROM r),
t AS MATERIALIZED (
  SELECT relname, regexp_replace(relname, '(\W)', '\\\1', 'g') || '\M' AS word, relname ~ '^[\w$]+$' AS is_word FROM c),
m AS MATERIALIZED (
  SELECT name, text, relname, word FROM w JOIN t
      ON CASE WHEN is_word THEN lower(relname) = ANY (words) ELSE text ~* ('\m' || word) END)
SELECT json_build_object('name', name, 'text', text, 'mentions', json_agg(relname ORDER BY relname),
         'writes', coalesce(json_agg(relname ORDER BY relname) FILTER (WHERE
             text ~* ('\m(insert\s+into|update|delete\s+from|merge\s+into|truncate(\s+table)?|copy)\s+(only\s+)?'
                      || '("?[\w$]+"?\s*\.\s*)?"?' || word)), '[]'))
  FROM m GROUP BY name, text ORDER BY name)";

constexpr std::string_view kOutside = R"(
SELECT json_build_object('text', format('foreign key %I of %s to %s', conname, conrelid::regclass, confrelid::regclass))
  FROM c JOIN pg_constraint ON confrelid = c.oid AND contype = 'f'
  JOIN pg_class other ON other.oid = conrelid AND other.relnamespace <> c.relnamespace
 UNION ALL
SELECT json_build_object('text', format('table %s, which is a part of %s', other.oid::regclass, c.oid::regclass))
  FROM c JOIN pg_inherits ON inhparent = c.oid
  JOIN pg_class other ON other.oid = inhrelid AND other.relnamespace <> c.relnamespace
 UNION ALL
SELECT json_build_object('text', format('view %s over %s', v.oid::regclass, string_agg(DISTINCT c.relname, ', ')))
  FROM c JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
         AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
 WHERE v.relnamespace <> c.relnamespace
 GROUP BY v.oid)";

constexpr std::string_view kPublications = R"(
SELECT json_build_object('text', format('publication %I of %s', pubname, string_agg(DISTINCT c.relname, ', ')))
  FROM pg_publication_tables t JOIN c ON c.relname = t.tablename AND t.schemaname = $1
 GROUP BY pubname)";

std::string text(const boost::json::object& row, std::string_view key) {
  return boost::json::value_to<std::string>(row.at(key));
}
std::vector<std::string> texts(const boost::json::object& row, std::string_view key) {
  return boost::json::value_to<std::vector<std::string>>(row.at(key));
}
bool is(const boost::json::object& row, std::string_view key) { return row.at(key).as_bool(); }
std::int64_t number(const boost::json::object& row, std::string_view key) {
  return row.at(key).to_number<std::int64_t>();
}
char letter(const boost::json::object& row, std::string_view key) { return text(row, key).at(0); }

Relation relation_of(std::string_view name) {
  if (name == "foreign") return Relation::foreign;
  if (name == "partitioned") return Relation::partitioned;
  if (name == "partition") return Relation::partition;
  return name == "inheriting" ? Relation::inheriting : Relation::table;
}

class Reading {
 public:
  Reading(store::SchemaSession& session, OldSchema& schema) : session_(session), schema_(schema) {}

  void read() {
    each(kOwnTables, kTables, [&](const auto& row) { take_table(row); });
    each(kOwnTables, kColumns, [&](const auto& row) { take_column(row); });
    each(kOwnTables, kIndexes, [&](const auto& row) { take_index(row); });
    each(kOwnTables, kForeignKeys, [&](const auto& row) { take_foreign_key(row); });
    each(kOwnTables, kChecks, [&](const auto& row) {
      of(row).checks.push_back({text(row, "name"), text(row, "expression"), is(row, "valid")});
    });
    each(kOwnTables, kPolicies,
         [&](const auto& row) { of(row).policies.push_back({text(row, "name"), text(row, "definition")}); });
    each(kOwnTables, kTriggers,
         [&](const auto& row) { of(row).triggers.push_back({text(row, "name"), text(row, "definition")}); });
    each("", kViews, [&](const auto& row) { take_view(row); });
    each(kOwnTables, kRoutines, [&](const auto& row) {
      schema_.routines.push_back(
          {text(row, "name"), texts(row, "mentions"), texts(row, "writes"), text(row, "text")});
    });
    each(kOwnTables, kOutside, [&](const auto& row) { schema_.outside.push_back(text(row, "text")); });
    each(kOwnTables, kPublications,
         [&](const auto& row) { schema_.publications.push_back(text(row, "text")); });
  }

 private:
  template <class Function>
  void each(std::string_view with, std::string_view question, Function function) {
    for (const auto& row : session_.query(fmt::format("{}{}", with, question), {schema_.schema}))
      function(boost::json::parse(row.at(0)).as_object());
  }

  Table& of(const boost::json::object& row) { return schema_.tables.at(text(row, "table")); }

  void take_table(const boost::json::object& row) {
    Table& table = schema_.tables[text(row, "name")];
    table.name = text(row, "name");
    table.relation = relation_of(text(row, "relation"));
    table.parent = text(row, "parent");
    table.is_unlogged = is(row, "unlogged");
    table.owner = text(row, "owner");
    table.is_owned = is(row, "owned");
    table.is_readable = is(row, "readable");
    table.rows = number(row, "rows");
    table.bytes = number(row, "bytes");
    table.index_bytes = number(row, "index_bytes");
    table.row_security = is(row, "row_security");
    table.row_security_forced = is(row, "forced");
    table.replica_identity = text(row, "replica_identity");
  }

  void take_column(const boost::json::object& row) {
    of(row).columns.push_back({.name = text(row, "name"),
                               .type = text(row, "type"),
                               .not_null = is(row, "not_null"),
                               .default_expression = text(row, "default"),
                               .is_generated = is(row, "generated"),
                               .is_identity = is(row, "identity"),
                               .has_grants = is(row, "grants"),
                               .operator_schemas = texts(row, "operator_schemas"),
                               .has_open_schemas = is(row, "open")});
  }

  void take_index(const boost::json::object& row) {
    Index index{.name = text(row, "name"),
                .parts = {},
                .is_unique = is(row, "unique"),
                .is_primary = is(row, "primary"),
                .is_valid = is(row, "valid"),
                .is_exclusion = is(row, "exclusion"),
                .nulls_not_distinct = is(row, "nulls_not_distinct"),
                .method = text(row, "method"),
                .included = texts(row, "included"),
                .predicate = text(row, "predicate"),
                .constraint = text(row, "constraint"),
                .definition = text(row, "definition"),
                .bytes = number(row, "bytes")};
    for (const auto& part : row.at("parts").as_array())
      index.parts.push_back({text(part.as_object(), "column"), text(part.as_object(), "sql")});
    of(row).indexes.push_back(std::move(index));
  }

  void take_foreign_key(const boost::json::object& row) {
    of(row).foreign_keys.push_back({.name = text(row, "name"),
                                    .columns = texts(row, "columns"),
                                    .table = text(row, "to"),
                                    .referenced = texts(row, "referenced"),
                                    .on_update = letter(row, "on_update"),
                                    .on_delete = letter(row, "on_delete"),
                                    .set_columns = texts(row, "set_columns"),
                                    .is_valid = is(row, "valid"),
                                    .is_deferrable = is(row, "deferrable"),
                                    .is_deferred = is(row, "deferred"),
                                    .matches_full = is(row, "full"),
                                    .definition = text(row, "definition")});
  }

  void take_view(const boost::json::object& row) {
    View& view = schema_.views[text(row, "name")];
    view = {.name = text(row, "name"),
            .is_materialized = is(row, "materialized"),
            .invoker = is(row, "invoker"),
            .definition = text(row, "definition"),
            .reads = texts(row, "reads"),
            .constraints = texts(row, "constraints"),
            .grants = texts(row, "grants")};
  }

  store::SchemaSession& session_;
  OldSchema& schema_;
};

}  // namespace

OldSchema read_postgres_schema(store::SchemaSession& session) {
  OldSchema schema;
  schema.dialect = migrate::Dialect::postgres;
  const auto about = session.query(
      "SELECT coalesce(current_schema(), ''), current_setting('server_version_num'), "
      "current_setting('server_version'), CASE WHEN pg_is_in_recovery() THEN 'yes' ELSE '' END");
  schema.schema = about[0][0];
  schema.version = std::stoll(about[0][1]);
  schema.version_text = about[0][2];
  schema.is_in_recovery = !about[0][3].empty();
  const migrate::SchemaReading reading(session, migrate::Dialect::postgres);
  Reading(session, schema).read();
  return schema;
}

}  // namespace guildhall::convert
