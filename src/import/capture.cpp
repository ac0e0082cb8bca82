#include "import/capture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thread>

#include "convert/sql_names.h"

namespace guildhall::importing {
namespace {

using store::quoted_name;
using store::quoted_text;

constexpr std::string_view kMade = R"sql(
CREATE SCHEMA IF NOT EXISTS guildhall_follow;
CREATE TABLE IF NOT EXISTS guildhall_follow.changes (
  number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  of_table text NOT NULL,
  key      text
);
CREATE OR REPLACE FUNCTION guildhall_follow.note() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $note$
DECLARE
  told text := 'INSERT INTO guildhall_follow.changes (of_table, key) SELECT DISTINCT %L, %I::text FROM %I WHERE %2$I IS NOT NULL';
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO guildhall_follow.changes (of_table) VALUES (TG_TABLE_NAME);
  END IF;
  IF TG_OP IN ('INSERT', 'UPDATE') THEN
    EXECUTE format(told, TG_TABLE_NAME, TG_ARGV[0], 'guildhall_new');
  END IF;
  IF TG_OP IN ('DELETE', 'UPDATE') THEN
    EXECUTE format(told, TG_TABLE_NAME, TG_ARGV[0], 'guildhall_old');
  END IF;
  RETURN NULL;
END $note$;
CREATE OR REPLACE FUNCTION guildhall_follow.refuse() RETURNS trigger LANGUAGE plpgsql AS $refuse$
BEGIN
  RAISE EXCEPTION 'the data of this bot has moved to Guildhall: stop this bot'
    USING HINT = 'guildhall import kick --let-go gives the old database back to it';
END $refuse$;
REVOKE ALL ON SCHEMA guildhall_follow FROM PUBLIC;
GRANT USAGE ON SCHEMA guildhall_follow TO PUBLIC;
)sql";

constexpr const char* kEvents[] = {"insert", "update", "delete", "truncate"};

std::string referencing(std::string_view event) {
  if (event == "insert") return "REFERENCING NEW TABLE AS guildhall_new ";
  if (event == "update") return "REFERENCING OLD TABLE AS guildhall_old NEW TABLE AS guildhall_new ";
  if (event == "delete") return "REFERENCING OLD TABLE AS guildhall_old ";
  return "";
}

}  // namespace

Capture::Capture(OldDatabase& old, std::vector<bot::OldSource> sources, CaptureLimits limits)
    : old_(old), sources_(std::move(sources)), limits_(limits) {}

std::string Capture::table(const bot::OldSource& source) const {
  return convert::qualified(*old_.scheme().schema, source.table);
}

/// A transaction whose locks may not be there at once.
Result<void> Capture::insist(const std::string& what, const std::function<void()>& attempt) {
  auto& session = old_.session();
  for (int tries = 1;; ++tries) {
    try {
      session.execute(fmt::format("BEGIN; SET LOCAL lock_timeout = {}", limits_.lock_timeout.count()));
      attempt();
      return {};
    } catch (const store::DatabaseError& error) {
      if (session.in_transaction()) session.execute("ROLLBACK");
      const bool waited = error.sqlstate() == "55P03" || error.sqlstate() == "40P01";
      if (error.sqlstate() == "42501")
        return fail(ErrorCode::forbidden, fmt::format("{}: {}", what, error.what()),
                    "Give --from the login that owns the old bot's tables.");
      if (!waited) throw;
      if (tries == limits_.tries)
        return fail(ErrorCode::unavailable, fmt::format("{}: a lock was not there in {} tries", what, tries),
                    "A transaction of somebody else holds it: see pg_stat_activity.");
    }
    std::this_thread::sleep_for(limits_.pause);
  }
}

bool Capture::is_fenced() {
  return old_.session()
             .query("SELECT 1 FROM pg_trigger WHERE tgname = 'guildhall_follow_fence' LIMIT 1")
             .size() == 1;
}

Result<void> Capture::begin() {
  if (auto made = insist("making guildhall_follow",
                         [&] {
                           old_.session().execute(std::string(kMade));
                           old_.session().execute("COMMIT");
                         });
      !made)
    return made;
  for (const bot::OldSource& source : sources_) {
    auto made = insist(fmt::format("following {}", source.table), [&] {
      for (const char* event : kEvents)
        old_.session().execute(fmt::format(
            "CREATE OR REPLACE TRIGGER guildhall_follow_{0} AFTER {0} ON {1} {2}FOR EACH STATEMENT "
            "EXECUTE FUNCTION guildhall_follow.note({3})",
            event, table(source), referencing(event), quoted_text(source.key)));
      old_.session().execute("COMMIT");
    });
    if (!made) return made;
    index_keys(source);
  }
  return {};
}

/// Beside whoever writes. Without it all goes as well, and the pause grows with the table: who cannot get it
/// in time does without.
void Capture::index_keys(const bot::OldSource& source) {
  auto& session = old_.session();
  const std::string name = "guildhall_follow_keys_" + source.table;
  if (!session
           .query("SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = "
                  "i.indkey[0] WHERE i.indrelid = $1::regclass AND a.attname = $2 AND i.indisvalid AND "
                  "i.indpred "
                  "IS NULL LIMIT 1",
                  {table(source), source.key})
           .empty())
    return;
  const std::string drop =
      "DROP INDEX CONCURRENTLY IF EXISTS " + convert::qualified(*old_.scheme().schema, name);
  session.execute("SET lock_timeout = '10s'");
  try {
    session.run(drop);  // what a killed run left half done
    session.run(fmt::format("CREATE INDEX CONCURRENTLY {} ON {} ({})", quoted_name(name), table(source),
                            quoted_name(source.key)));
  } catch (const store::DatabaseError& error) {
    if (error.sqlstate() != "55P03" && error.sqlstate() != "40P01") throw;
    session.run(drop);
  }
  session.execute("RESET lock_timeout");
}

std::map<std::string, ChangedKeys> Capture::changes() {
  std::map<std::string, ChangedKeys> changed;
  for (const auto& row : old_.session().query(
           "SELECT DISTINCT of_table, coalesce(key, ''), (key IS NULL)::int FROM guildhall_follow.changes")) {
    ChangedKeys& keys = changed[row[0]];
    if (row[2] == "1") {
      keys.all = true;
    } else {
      keys.keys.insert(row[1]);
    }
  }
  return changed;
}

void Capture::forget_changes() { old_.session().execute("DELETE FROM guildhall_follow.changes"); }

Result<std::chrono::steady_clock::time_point> Capture::fence() {
  std::chrono::steady_clock::time_point since;
  const auto fenced = insist("putting up the fence", [&] {
    since = std::chrono::steady_clock::now();
    std::vector<std::string> tables;
    for (const bot::OldSource& source : sources_) tables.push_back(table(source));
    auto& session = old_.session();
    session.execute(fmt::format("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", fmt::join(tables, ", ")));
    for (const std::string& one : tables)
      session.execute(
          fmt::format("CREATE OR REPLACE TRIGGER guildhall_follow_fence BEFORE INSERT OR UPDATE OR DELETE OR "
                      "TRUNCATE ON {} "
                      "FOR EACH STATEMENT EXECUTE FUNCTION guildhall_follow.refuse()",
                      one));
  });
  if (!fenced) return std::unexpected(fenced.error());
  return since;
}

Result<void> Capture::remove() {
  return insist("taking guildhall_follow away", [&] {
    auto& session = old_.session();
    for (const auto& row :
         session.query("SELECT t.tgname, t.tgrelid::regclass::text FROM pg_trigger t WHERE t.tgname LIKE "
                       "'guildhall\\_follow\\_%'"))
      session.execute(fmt::format("DROP TRIGGER {} ON {}", quoted_name(row[0]), row[1]));
    for (const auto& row :
         session.query("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'i' AND relname LIKE "
                       "'guildhall\\_follow\\_keys\\_%'"))
      session.execute("DROP INDEX " + row[0]);
    session.execute("DROP SCHEMA IF EXISTS guildhall_follow CASCADE; COMMIT");
  });
}

}  // namespace guildhall::importing
