#include "convert/postgres_dependents.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>

#include "convert/postgres_keys.h"
#include "convert/postgres_steps.h"
#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;
using store::quoted_text;

/// {schema}, {conversion}, {views}: those that are made again as they were; {own}: our triggers; {found}: a
/// question with (classid, objid, needs). Of a partition's parts of an index or a constraint the whole is
/// told.
constexpr std::string_view kResolved = R"(
WITH own AS (
  SELECT substr(kind, 6) AS kind, table_name, name, definition FROM guildhall.guildhall_conversion_before
   WHERE conversion = {conversion} AND kind LIKE 'made %'),
hanging AS (SELECT classid, objid, min(needs) AS needs FROM ({found}) AS found GROUP BY 1, 2),
told AS (
  SELECT format('index %s of %s', i.relname, t.relname) AS what, format('DROP INDEX %I.%I', n.nspname, i.relname) AS remedy, needs
    FROM hanging JOIN pg_index x ON classid = 'pg_class'::regclass AND indexrelid = objid
    JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid JOIN pg_namespace n ON n.oid = i.relnamespace
   WHERE NOT i.relispartition AND NOT (n.nspname = {schema} AND EXISTS (
         SELECT FROM own WHERE kind = 'index' AND table_name = t.relname AND own.name = i.relname))
   UNION ALL
  SELECT format('%s %s of %s', CASE contype WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' ELSE 'key' END, conname,
                CASE n.nspname WHEN {schema} THEN t.relname ELSE format('%s.%s', n.nspname, t.relname) END),
         format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, t.relname, conname), needs
    FROM hanging JOIN pg_constraint con ON classid = 'pg_constraint'::regclass AND con.oid = objid
    JOIN pg_class t ON t.oid = conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
   WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND conparentid = 0 AND conislocal AND NOT (n.nspname = {schema} AND EXISTS (
         SELECT FROM own WHERE kind = CASE contype WHEN 'f' THEN 'reference' WHEN 'c' THEN 'check' ELSE 'index' END
            AND table_name = t.relname AND own.name = conname))
   UNION ALL
  SELECT format('policy %s of %s', polname, t.relname), format('DROP POLICY %I ON %I.%I', polname, n.nspname, t.relname), needs
    FROM hanging JOIN pg_policy p ON classid = 'pg_policy'::regclass AND p.oid = objid
    JOIN pg_class t ON t.oid = polrelid JOIN pg_namespace n ON n.oid = t.relnamespace
   WHERE NOT (n.nspname = {schema} AND EXISTS (
         SELECT FROM own WHERE kind = 'policy' AND table_name = t.relname AND own.name = polname))
   UNION ALL
  SELECT CASE WHEN v.relkind IN ('v', 'm') THEN format('%sview %s', CASE v.relkind WHEN 'm' THEN 'materialised ' ELSE '' END, v.relname)
              ELSE format('rule %s of %s', rulename, v.relname) END,
         CASE WHEN v.relkind IN ('v', 'm')
              THEN format('DROP %sVIEW %I.%I', CASE v.relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END, n.nspname, v.relname)
              ELSE format('DROP RULE %I ON %I.%I', rulename, n.nspname, v.relname) END, needs
    FROM hanging JOIN pg_rewrite r ON classid = 'pg_rewrite'::regclass AND r.oid = objid
    JOIN pg_class v ON v.oid = ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
   WHERE NOT (n.nspname = {schema} AND v.relname = ANY ({views}) AND EXISTS (
         SELECT FROM own WHERE kind = 'view' AND own.name = v.relname AND own.definition = pg_get_viewdef(v.oid)))
   UNION ALL
  SELECT format('trigger %s of %s', tgname, t.relname), format('DROP TRIGGER %I ON %I.%I', tgname, n.nspname, t.relname), needs
    FROM hanging JOIN pg_trigger g ON classid = 'pg_trigger'::regclass AND g.oid = objid
    JOIN pg_class t ON t.oid = tgrelid JOIN pg_namespace n ON n.oid = t.relnamespace
   WHERE NOT tgisinternal AND tgname <> ALL ({own})
   UNION ALL
  SELECT format('column %s of %s', attname, t.relname),
         format('ALTER TABLE %I.%I DROP COLUMN %I', n.nspname, t.relname, attname), needs
    FROM hanging JOIN pg_attrdef d ON classid = 'pg_attrdef'::regclass AND d.oid = objid
    JOIN pg_attribute a ON attrelid = adrelid AND attnum = adnum
    JOIN pg_class t ON t.oid = adrelid JOIN pg_namespace n ON n.oid = t.relnamespace
   WHERE attgenerated <> ''
   UNION ALL
  SELECT pg_describe_object(classid, objid, 0),
         CASE classid WHEN 'pg_proc'::regclass THEN format('DROP ROUTINE %s', objid::regprocedure)
                      WHEN 'pg_statistic_ext'::regclass THEN (SELECT format('DROP STATISTICS %I.%I', nspname, stxname)
                        FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = stxnamespace WHERE s.oid = objid)
                      ELSE '' END, needs
    FROM hanging
   WHERE classid NOT IN ('pg_constraint'::regclass, 'pg_policy'::regclass, 'pg_rewrite'::regclass, 'pg_trigger'::regclass,
                         'pg_attrdef'::regclass, 'pg_type'::regclass)
     AND NOT (classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_index WHERE indexrelid = objid)))
SELECT DISTINCT what, remedy, needs FROM told ORDER BY 1, 3)";

std::string text_array(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(quoted_text(text));
  return fmt::format("ARRAY[{}]::text[]", fmt::join(quoted, ", "));
}

std::vector<std::string> views_of(const OldSchema& schema, const std::vector<std::string>& constraints) {
  std::vector<std::string> views;
  for (const View& view : views_on(schema, constraints)) views.push_back(view.name);
  return views;
}

std::string resolve(const OldSchema& schema, std::int64_t conversion, const std::vector<std::string>& views,
                    const std::string& found) {
  return fmt::format(fmt::runtime(kResolved), fmt::arg("conversion", conversion),
                     fmt::arg("schema", quoted_text(schema.schema)), fmt::arg("views", text_array(views)),
                     fmt::arg("own", text_array({std::string(kFillTrigger), std::string(kHomeTrigger)})),
                     fmt::arg("found", found));
}

/// What hangs on a view's row type hangs on the view. What is a view's own goes and comes with it.
constexpr std::string_view kHangingOnKeys = R"(
WITH v AS (SELECT c.oid, reltype, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE nspname = {schema} AND relname = ANY ({views})),
gone AS (
  SELECT 'pg_class'::regclass AS class, oid, format('the view %s', relname) AS needs FROM v
   UNION ALL
  SELECT 'pg_type'::regclass, t.oid, format('the view %s', relname) FROM v JOIN pg_type t ON reltype IN (t.oid, t.typelem)
   UNION ALL
  SELECT 'pg_constraint'::regclass, con.oid, format('the key %s', conname)
    FROM pg_constraint con JOIN pg_namespace n ON n.oid = connamespace
   WHERE nspname = {schema} AND contype IN ('p', 'u', 'x') AND conname = ANY ({constraints}))
SELECT classid, objid, needs FROM gone JOIN pg_depend ON refclassid = class AND refobjid = gone.oid AND deptype = 'n'
 WHERE NOT (classid = 'pg_rewrite'::regclass AND EXISTS (
         SELECT FROM pg_rewrite r JOIN v ON v.oid = ev_class WHERE r.oid = objid))
   AND NOT (classid = 'pg_constraint'::regclass AND EXISTS (SELECT FROM pg_constraint f WHERE f.oid = objid AND contype = 'f')))";

std::string question_of_keys(const OldSchema& schema, std::int64_t conversion,
                             const std::vector<std::string>& constraints) {
  const std::vector<std::string> views = views_of(schema, constraints);
  return resolve(
      schema, conversion, views,
      fmt::format(fmt::runtime(kHangingOnKeys), fmt::arg("schema", quoted_text(schema.schema)),
                  fmt::arg("views", text_array(views)), fmt::arg("constraints", text_array(constraints))));
}

/// Each thing once.
void ask(store::SchemaSession& session, const std::string& question, std::vector<Dependent>& all) {
  for (const auto& row : session.query(question)) {
    if (std::ranges::find(all, row[0], &Dependent::what) == all.end())
      all.push_back({.what = row[0], .needs = row[2], .drop = row[1]});
  }
}

/// Texts of views are compared: names in them have to look the same each time.
void name_everything_in_full(store::SchemaSession& session) {
  session.query("SELECT set_config('search_path', 'pg_catalog', true)");
}

}  // namespace

std::vector<Dependent> dependents_of_keys(store::SchemaSession& session, const OldSchema& schema,
                                          std::int64_t conversion,
                                          const std::vector<std::string>& constraints) {
  name_everything_in_full(session);
  std::vector<Dependent> all;
  ask(session, question_of_keys(schema, conversion, constraints), all);
  return all;
}

migrate::Outcome<void> refuse(const std::vector<Dependent>& found, std::string_view why) {
  if (found.empty()) return {};
  std::vector<std::string> texts;
  std::vector<std::string> remedies;
  for (const Dependent& one : found) {
    texts.push_back(fmt::format("{} needs {}", one.what, one.needs));
    if (!one.drop.empty()) remedies.push_back(one.drop);
  }
  return migrate::stop(
      migrate::Exit::refused, "CV-DEPENDS", fmt::format("{}: {}", why, fmt::join(texts, "; ")),
      fmt::format("Keep what you want of them, then take them away yourself{}{}. Nothing was changed.",
                  remedies.empty() ? "" : ": ", fmt::join(remedies, "; ")));
}

bool Leaving::leaves_column(const SchemeTable& one) const {
  const Table* old = before_.find(one.name());
  return old != nullptr && old->column(one.column()) == nullptr && one.has_column();
}

bool Leaving::leaves_index(const SchemeTable& one, const Index& index) const {
  if (made_.contains({"index", one.name(), index.name})) return true;
  const Table* old = before_.find(one.name());
  const Index* was = old == nullptr ? nullptr : old->index(index.name);
  return was != nullptr && was->constraint.empty() && !index.constraint.empty();
}

bool Leaving::leaves_registry() const {
  return scheme_.registry() != nullptr && before_.find(scheme_.description.registry.table) == nullptr;
}

bool Leaving::is_told_without(const SchemeTable& one) const {
  // Tables may be each other's parents.
  std::set<std::string> asked;
  const std::function<bool(const SchemeTable&)> is_told = [&](const SchemeTable& table) {
    const Table* old = before_.find(table.name());
    if (old == nullptr || old->column(table.column()) != nullptr) return true;
    return std::ranges::any_of(table.rule.parents, [&](const Parent& parent) {
      const SchemeTable* other = scheme_.find(parent.table);
      return other != nullptr && asked.insert(parent.table).second && is_told(*other);
    });
  };
  asked.insert(one.name());
  return is_told(one);
}

/// Of tables that stay.
std::vector<std::string> Leaving::leaving_constraints() const {
  std::vector<std::string> constraints;
  for (const SchemeTable& one : scheme_.tables) {
    for (const Index& index : one.table->indexes) {
      if (!index.constraint.empty() && leaves_index(one, index)) constraints.push_back(index.constraint);
    }
  }
  return constraints;
}

std::string Leaving::resolved(const std::string& found) const {
  return resolve(*scheme_.schema, conversion_, views_of(*scheme_.schema, leaving_constraints()), found);
}

std::string Leaving::question(const std::vector<const SchemeTable*>& tables) const {
  std::vector<std::string> asked;
  for (const SchemeTable* one : tables) {
    std::vector<std::string> keys;
    for (const Index& index : one->table->indexes) {
      if (leaves_index(*one, index)) keys.push_back(index.name);
    }
    const bool leaves = leaves_column(*one);
    const std::string needs = leaves ? fmt::format("the column {} of {}", one->column(), one->name())
                                     : fmt::format("a key of {}", one->name());
    asked.push_back(fmt::format("({}::regclass::oid, {}, {}, {})",
                                quoted_text(qualified(*scheme_.schema, one->name())), text_array(keys),
                                leaves ? quoted_text(one->column()) : "NULL", quoted_text(needs)));
  }
  // What hangs on one of our keys is a reference from elsewhere; views that do are made again.
  return resolved(fmt::format(
      "WITH asked(tab, keys, col, needs) AS (VALUES {}) "
      "SELECT 'pg_constraint'::regclass::oid AS classid, con.oid AS objid, needs FROM asked JOIN "
      "pg_constraint con ON contype = 'f' AND confrelid = tab JOIN pg_class i ON i.oid = conindid AND "
      "i.relname = ANY (keys) UNION ALL SELECT d.classid, d.objid, needs FROM asked JOIN pg_attribute a ON "
      "attrelid = tab AND attname = col JOIN pg_depend d ON refclassid = 'pg_class'::regclass AND "
      "refobjid = tab AND refobjsubid = attnum AND deptype IN ('n', 'a')",
      fmt::join(asked, ", ")));
}

/// What DROP TABLE would be refused for: its own parts go along.
std::string Leaving::question_of_registry() const {
  const std::string table =
      quoted_text(qualified(*scheme_.schema, scheme_.description.registry.table)) + "::regclass";
  return resolved(fmt::format(
      "SELECT classid, objid, {1} AS needs FROM pg_depend WHERE deptype = 'n' AND ((refclassid = "
      "'pg_class'::regclass AND refobjid = {0}) OR (refclassid = 'pg_type'::regclass AND refobjid "
      "= (SELECT reltype FROM pg_class WHERE oid = {0}))) AND NOT (classid = 'pg_constraint'::regclass "
      "AND EXISTS (SELECT FROM pg_constraint con WHERE con.oid = objid AND conrelid = {0}))",
      table, quoted_text(fmt::format("the table {}", scheme_.description.registry.table))));
}

std::vector<Dependent> Leaving::dependents(store::SchemaSession& session) const {
  name_everything_in_full(session);
  std::vector<Dependent> all;
  std::vector<const SchemeTable*> tables;
  for (const SchemeTable& one : scheme_.tables) tables.push_back(&one);
  if (!tables.empty()) ask(session, question(tables), all);
  ask(session, question_of_keys(*scheme_.schema, conversion_, leaving_constraints()), all);
  if (leaves_registry()) ask(session, question_of_registry(), all);
  return all;
}

/// Nobody reads the table meanwhile: from the ends of the server's index, where there is one.
std::string Leaving::guard_of_rows(const SchemeTable& one) const {
  if (lets_all_rows_in_ || is_told_without(one)) return "";
  const auto some = [&](const std::string& condition) {
    return fmt::format("(SELECT {0} FROM {1} WHERE {0} {2} ORDER BY {0} LIMIT 1)", quoted_name(one.column()),
                       qualified(*scheme_.schema, one.name()), condition);
  };
  const std::string found =
      one.has_server_index()
          ? fmt::format("coalesce({}, {}, {})", some("< 0"),
                        some(fmt::format("BETWEEN 1 AND {}", scheme_.home - 1)),
                        some(fmt::format("> {}", scheme_.home)))
          : fmt::format("(SELECT {0} FROM {1} WHERE {0} NOT IN (0, {2}) LIMIT 1)", quoted_name(one.column()),
                        qualified(*scheme_.schema, one.name()), scheme_.home);
  return fmt::format(
      "IF {} IS NOT NULL THEN RAISE EXCEPTION USING ERRCODE = '23000', MESSAGE = {}, "
      "HINT = {}; END IF; ",
      found,
      quoted_text(fmt::format("other servers than {} got rows meanwhile, which would be the home's then",
                              scheme_.home)),
      quoted_text("Stop the programs that write them, and run the same command again: it says what is to be "
                  "done with these rows."));
}

/// What hangs on it is asked twice: to plan the question takes longer than to answer it, and is done by the
/// first time, when nobody waits yet.
std::string Leaving::guard(const SchemeTable& one) const {
  return fmt::format(
      "DO $guard$ DECLARE found text; BEGIN "
      "PERFORM set_config('search_path', 'pg_catalog', true); "
      "FOR round IN 1..2 LOOP SELECT string_agg(what, ', ') INTO found FROM ({}) AS asked; "
      "IF found IS NOT NULL THEN RAISE EXCEPTION USING ERRCODE = '2BP01', "
      "MESSAGE = format('something needs what is about to go: %s', found); END IF; "
      "IF round = 1 THEN LOCK TABLE {} IN ACCESS EXCLUSIVE MODE; END IF; END LOOP; {}END $guard$",
      question({&one}), qualified(*scheme_.schema, one.name()), guard_of_rows(one));
}

}  // namespace guildhall::convert
