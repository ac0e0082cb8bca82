#include "convert/postgres_preflight.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>

#include "convert/postgres_keys.h"
#include "convert/routine_text.h"
#include "convert/sql_names.h"
#include "migrate/space.h"

namespace guildhall::convert {
namespace {

using migrate::Finding;
using migrate::Findings;
using migrate::Level;
namespace json = boost::json;

/// $1: the registry as SQL has it; $2: milliseconds that a standby may be behind. One JSON object. Of slots
/// those alone that are told of.
constexpr std::string_view kQuestion = R"(
SELECT json_build_object(
  'make_in_schema', coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
  'make_schema', CASE WHEN to_regnamespace('guildhall') IS NULL THEN has_database_privilege(current_database(), 'CREATE')
                      ELSE has_schema_privilege('guildhall', 'CREATE') AND has_schema_privilege('guildhall', 'USAGE') END,
  'refer', to_regclass($1) IS NULL OR has_table_privilege(to_regclass($1), 'REFERENCES'),
  'register', to_regclass($1) IS NULL OR (has_table_privilege(to_regclass($1), 'INSERT')
                                          AND has_table_privilege(to_regclass($1), 'DELETE')),
  'login', current_user,
  'sees_statistics', pg_has_role('pg_read_all_stats', 'USAGE'),
  'index_folder', coalesce((SELECT nullif(pg_tablespace_location(t.oid), '') FROM pg_tablespace t, pg_database d
     WHERE d.datname = current_database() AND t.oid = coalesce(
       (SELECT oid FROM pg_tablespace WHERE spcname = nullif(current_setting('default_tablespace'), '')), d.dattablespace)), ''),
  'slots', (SELECT coalesce(json_agg(json_build_object(
       'name', slot_name, 'active', active, 'state', coalesce(wal_status, 'unknown'), 'kept', kept) ORDER BY slot_name), '[]')
     FROM (SELECT *, coalesce(pg_wal_lsn_diff(CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END,
                                              restart_lsn), 0)::bigint AS kept FROM pg_replication_slots) s
    WHERE NOT active OR coalesce(wal_status, 'lost') <> 'reserved'),
  'standbys', (SELECT coalesce(json_agg(json_build_object(
       'name', coalesce(nullif(application_name, ''), 'process ' || pid), 'known', state IS NOT NULL,
       'lag', coalesce(extract(epoch FROM replay_lag) * 1000, 0)::bigint) ORDER BY application_name, pid), '[]')
     FROM pg_stat_replication
    WHERE state IS NULL OR extract(epoch FROM replay_lag) * 1000 > $2::bigint),
  'publications', (SELECT coalesce(json_agg(json_build_object(
       'name', pubname, 'table', tablename, 'columns', coalesce(to_json(columns), '[]')) ORDER BY pubname, tablename), '[]')
     FROM (SELECT p.pubname, c.relname AS tablename,
                  (SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute
                    WHERE attrelid = c.oid AND attnum = ANY (r.prattrs::int2[])) AS columns
             FROM pg_publication p JOIN pg_publication_tables t USING (pubname)
             JOIN pg_class c ON c.oid = to_regclass(quote_ident(t.schemaname) || '.' || quote_ident(t.tablename))
             LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
            WHERE t.schemaname = current_schema()) published))
)";

bool is(const json::object& from, std::string_view key) { return from.at(key).as_bool(); }
std::string text(const json::object& from, std::string_view key) {
  return json::value_to<std::string>(from.at(key));
}
std::int64_t number(const json::object& from, std::string_view key) {
  return from.at(key).to_number<std::int64_t>();
}

bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

/// As a word of its own, whatever its case.
bool names(std::string_view text, std::string_view word) {
  const auto same = [](char one, char other) {
    return std::tolower(static_cast<unsigned char>(one)) == std::tolower(static_cast<unsigned char>(other));
  };
  for (auto at = text.begin();;) {
    const auto found = std::ranges::search(std::ranges::subrange(at, text.end()), word, same);
    if (found.empty()) return false;
    const bool begins = found.begin() == text.begin() || !is_letter(*(found.begin() - 1));
    const bool ends = found.end() == text.end() || !is_letter(*found.end());
    if (begins && ends) return true;
    at = found.begin() + 1;
  }
}

/// Of a key that is to be built, in bytes: as its forerunner with the server in each entry, or reckoned.
std::int64_t size_of(const SchemeTable& one, const WantedKey& wanted) {
  constexpr std::int64_t kServer = 8;
  constexpr std::int64_t kEntry = 16;   // what each takes beside its values
  constexpr std::int64_t kColumn = 16;  // a value, when nothing is known of it
  const std::int64_t rows = one.table->rows;
  if (wanted.old != nullptr) return rows > 0 ? wanted.old->bytes + rows * kServer : wanted.old->bytes * 2;
  if (rows <= 0) return one.table->bytes;
  return rows * (kEntry + kServer + kColumn * (std::ssize(wanted.parts) - 1));
}

class Preflight {
 public:
  Preflight(migrate::Looking& looking, const Scheme& scheme, const RowFacts& facts,
            const ServerLimits& limits)
      : looking_(looking), scheme_(scheme), facts_(facts), limits_(limits) {}

  Findings look(bool has_begun) {
    const auto rows =
        looking_.ask(std::string(kQuestion), {qualified(*scheme_.schema, scheme_.description.registry.table),
                                              std::to_string(limits_.most_lag.count())});
    if (!rows) {
      find(Level::warning, "CV-UNKNOWN",
           fmt::format("the server could not be looked at: {}", rows.error().message));
      return std::move(findings_);
    }
    const json::value answer = json::parse(rows->at(0).at(0));
    const json::object& server = answer.as_object();
    check_rights(server);
    if (!has_begun) check_unfinished();
    check_space(server);
    say_transactions(server);
    say_slots(server);
    say_standbys(server);
    say_publications(server);
    say_routines();
    say_materialized();
    return std::move(findings_);
  }

 private:
  void find(Level level, std::string code, std::string text, std::string hint = {}) {
    findings_.push_back({std::move(code), level, "", 0, std::move(text), std::move(hint)});
  }

  // --- what stands in the way

  void check_rights(const json::object& server) {
    const std::string login = store::quoted_name(text(server, "login"));
    const std::string& registry = scheme_.description.registry.table;
    const std::string table = qualified(*scheme_.schema, registry);
    const bool adds_servers = !facts_.home_is_registered || !facts_.unregistered.empty();
    std::vector<std::string> missing;
    if (!is(server, "make_in_schema"))
      missing.push_back(
          fmt::format("GRANT CREATE ON SCHEMA {} TO {}", store::quoted_name(scheme_.schema->schema), login));
    if (!is(server, "make_schema"))
      missing.push_back(
          fmt::format("GRANT CREATE ON DATABASE ... TO {}, or CREATE SCHEMA guildhall "
                      "AUTHORIZATION {}",
                      login, login));
    if (!is(server, "refer")) missing.push_back(fmt::format("GRANT REFERENCES ON {} TO {}", table, login));
    if (adds_servers && !is(server, "register"))
      missing.push_back(fmt::format("GRANT INSERT, DELETE ON {} TO {}", table, login));
    if (missing.empty()) return;
    find(Level::error, "CV-RIGHTS",
         fmt::format("the login {} owns the tables, but may not make what the conversion needs beside them",
                     text(server, "login")),
         fmt::format("As an administrator: {}", fmt::join(missing, "; ")));
  }

  /// A verification would find them in the end, when everything else is done.
  void check_unfinished() {
    for (const SchemeTable& one : scheme_.tables) {
      const std::vector<WantedKey> wanted = wanted_keys(one);
      for (const Index& index : one.table->indexes) {
        const bool is_made_again = std::ranges::any_of(
            wanted, [&](const WantedKey& key) { return find_index(*one.table, key) == &index; });
        if (!index.is_valid && !is_made_again)
          find(Level::error, "CV-INVALID",
               fmt::format("the index {} of {} is not finished: somebody builds it, or did and was "
                           "interrupted",
                           index.name, one.name()),
               fmt::format("Wait for it, or: DROP INDEX CONCURRENTLY {}",
                           qualified(*scheme_.schema, index.name)));
      }
      for (const ForeignKey& key : one.table->foreign_keys) check_validated(one, key.name, key.is_valid);
      for (const Check& check : one.table->checks) check_validated(one, check.name, check.is_valid);
    }
  }

  void check_validated(const SchemeTable& one, const std::string& constraint, bool is_valid) {
    if (is_valid) return;
    const std::string table = qualified(*scheme_.schema, one.name());
    const std::string name = store::quoted_name(constraint);
    find(Level::error, "CV-INVALID",
         fmt::format("the constraint {} of {} was never checked: rows may be there that it forbids",
                     constraint, one.name()),
         fmt::format("ALTER TABLE {0} VALIDATE CONSTRAINT {1}; where rows stand against it: ALTER TABLE {0} "
                     "DROP CONSTRAINT {1}",
                     table, name));
  }

  void check_space(const json::object& server) {
    const std::int64_t indexes = new_index_bytes(scheme_);
    if (indexes == 0) return;
    const auto needed = static_cast<std::uintmax_t>(indexes) * 12 / 10;
    std::filesystem::path folder = migrate::data_directory(looking_);
    if (const std::string own = text(server, "index_folder"); !folder.empty() && !own.empty()) folder = own;
    std::error_code ignored;
    const bool is_here = !folder.empty() && std::filesystem::exists(folder, ignored);
    const auto free = is_here ? limits_.free_space(folder) : Result<std::uintmax_t>(0);
    if (!is_here || !free) {
      find(Level::info, "CV-SPACE",
           fmt::format(
               "the new indexes need about {} on the server's disk, of which {} should be free; how much "
               "is cannot be seen from here",
               migrate::shown_bytes(static_cast<std::uintmax_t>(indexes)), migrate::shown_bytes(needed)));
    } else if (*free < needed) {
      find(Level::error, "CV-SPACE",
           fmt::format(
               "where '{}' lies {} are free, and the new indexes need about {}, of which {} should be "
               "free",
               folder.string(), migrate::shown_bytes(*free),
               migrate::shown_bytes(static_cast<std::uintmax_t>(indexes)), migrate::shown_bytes(needed)),
           "Free some space there, and run the same command again.");
    }
  }

  // --- what should be known

  void say_transactions(const json::object& server) {
    for (const std::string& one : old_transactions(looking_.session(), limits_.old_transaction))
      find(Level::warning, "CV-TRANSACTION", fmt::format("{}: the conversion waits until it ends", one),
           "End it before, or let 'guildhall convert apply' wait: so long as --patience says for each step.");
    if (!is(server, "sees_statistics"))
      find(Level::info, "CV-TRANSACTION",
           "how long other logins' transactions last already cannot be seen by this login",
           fmt::format("As an administrator: GRANT pg_read_all_stats TO {}",
                       store::quoted_name(text(server, "login"))));
  }

  void say_slots(const json::object& server) {
    for (const json::value& value : server.at("slots").as_array()) {
      const json::object& slot = value.as_object();
      const std::string state = text(slot, "state");
      const std::string kept = migrate::shown_bytes(static_cast<std::uintmax_t>(number(slot, "kept")));
      find(
          Level::warning, "CV-SLOT",
          is(slot, "active")
              ? fmt::format("the replication slot {} is far behind: the server keeps {} for it ({})",
                            text(slot, "name"), kept, state)
              : fmt::format("nobody reads from the replication slot {}: the server keeps {} for it ({}), and "
                            "all that the conversion writes",
                            text(slot, "name"), kept, state),
          "Let its reader catch up first; or drop it where it has none: SELECT "
          "pg_drop_replication_slot(...).");
    }
  }

  void say_standbys(const json::object& server) {
    for (const json::value& value : server.at("standbys").as_array()) {
      const json::object& standby = value.as_object();
      if (is(standby, "known"))
        find(
            Level::warning, "CV-LAG",
            fmt::format("the standby {} is {} ms behind; while it is more than {} ms, nothing large is begun",
                        text(standby, "name"), number(standby, "lag"), limits_.most_lag.count()),
            "Wait for it, or name another limit: --max-lag.");
      else
        find(Level::info, "CV-LAG",
             fmt::format("how far the standby {} is behind cannot be seen by this login: --max-lag does "
                         "nothing",
                         text(standby, "name")),
             fmt::format("As an administrator: GRANT pg_read_all_stats TO {}",
                         store::quoted_name(text(server, "login"))));
    }
  }

  void say_publications(const json::object& server) {
    for (const json::value& value : server.at("publications").as_array()) {
      const json::object& one = value.as_object();
      const SchemeTable* table = scheme_.find(text(one, "table"));
      if (table == nullptr) continue;
      const auto columns = json::value_to<std::vector<std::string>>(one.at("columns"));
      if (std::ranges::find(columns, table->column()) != columns.end()) continue;
      const std::string column = store::quoted_name(table->column());
      if (!columns.empty())
        find(Level::warning, "CV-PUBLICATION",
             fmt::format("the publication {} names the columns of {}, and {} is not among them: contract is "
                         "refused until it is",
                         text(one, "name"), table->name(), table->column()),
             fmt::format("The subscribers get the column first ({} bigint), then the publication.", column));
      else if (!table->has_column())
        find(Level::warning, "CV-PUBLICATION",
             fmt::format("the publication {} has {}: a subscriber stops at the first row that has a column "
                         "which it lacks",
                         text(one, "name"), table->name()),
             fmt::format("At each subscriber, before apply: ALTER TABLE {} ADD COLUMN {} bigint",
                         store::quoted_name(table->name()), column));
    }
  }

  void say_routines() {
    const auto of_one_server = routines_of_one_server(scheme_);
    for (const Routine* routine : of_one_server) {
      const std::vector<std::string> failing = writes_of(*routine, scheme_).failing;
      find(Level::warning, "CV-ROUTINE",
           fmt::format("{} writes into {} and names no server{}: it works until contract, which is refused "
                       "while it is left",
                       routine->name, fmt::join(routine->writes, ", "),
                       failing.empty() ? "" : fmt::format(" ({})", fmt::join(failing, ", "))),
           fmt::format("Write it anew for several servers; or, where it may stay: guildhall convert contract "
                       "--accept '{}'",
                       routine->name));
    }
    for (const Routine& routine : scheme_.schema->routines) {
      const std::vector<std::string> doubtful = writes_of(routine, scheme_).doubtful;
      if (doubtful.empty() || std::ranges::find(of_one_server, &routine) != of_one_server.end()) continue;
      find(Level::warning, "CV-ROUTINE",
           fmt::format("{} knows servers, but {}", routine.name, fmt::join(doubtful, ", ")),
           "Read it: is that meant for the rows of all servers? Contract does not ask about it.");
    }
  }

  void say_materialized() {
    for (const auto& [name, view] : scheme_.schema->views) {
      if (!view.is_materialized || !reads_converted(scheme_, view)) continue;
      find(Level::warning, "CV-MATERIAL",
           fmt::format("the materialised view {} holds rows of converted tables, and no policy covers it: it "
                       "will show those of all servers",
                       name),
           "Make it anew with the server among its columns once the tables have it, and ask it by server.");
    }
  }

  migrate::Looking& looking_;
  const Scheme& scheme_;
  const RowFacts& facts_;
  const ServerLimits& limits_;
  Findings findings_;
};

}  // namespace

Findings look_at_server(migrate::Looking& looking, const Scheme& scheme, const RowFacts& facts,
                        const ServerLimits& limits, bool has_begun) {
  return Preflight(looking, scheme, facts, limits).look(has_begun);
}

std::int64_t new_index_bytes(const Scheme& scheme) {
  std::int64_t bytes = 0;
  for (const SchemeTable& one : scheme.tables) {
    if (one.table->relation == Relation::partitioned) continue;
    for (const WantedKey& wanted : wanted_keys(one)) {
      const Index* found = find_index(*one.table, wanted);
      if (found == nullptr || !found->is_valid) bytes += size_of(one, wanted);
    }
  }
  return bytes;
}

std::vector<const Routine*> routines_of_one_server(const Scheme& scheme) {
  std::vector<const Routine*> found;
  for (const Routine& routine : scheme.schema->routines) {
    const bool writes_without = std::ranges::any_of(routine.writes, [&](const std::string& name) {
      const SchemeTable* table = scheme.find(name);
      return table != nullptr && !names(routine.text, table->column());
    });
    if ((writes_without || !writes_of(routine, scheme).failing.empty()) &&
        !routine.name.starts_with("guildhall."))
      found.push_back(&routine);
  }
  return found;
}

std::vector<std::string> publications_of_columns(store::SchemaSession& session, const Scheme& scheme,
                                                 bool with_server) {
  std::vector<std::string> found;
  for (const SchemeTable& one : scheme.tables) {
    const auto rows =
        session.query(fmt::format("SELECT format('%I of %I', pubname, $3::text) FROM pg_publication_rel r "
                                  "JOIN pg_publication p ON p.oid = prpubid "
                                  "WHERE prrelid = to_regclass($1) AND prattrs IS NOT NULL AND {} EXISTS "
                                  "(SELECT FROM pg_attribute WHERE attrelid = prrelid AND attname = $2 "
                                  "AND attnum = ANY (prattrs::int2[])) ORDER BY 1",
                                  with_server ? "" : "(pubupdate OR pubdelete) AND NOT"),
                      {qualified(*scheme.schema, one.name()), one.column(), one.name()});
    for (const auto& row : rows) found.push_back(row[0]);
  }
  return found;
}

bool reads_converted(const Scheme& scheme, const View& view) {
  return std::ranges::any_of(view.reads, [&](const std::string& name) {
    const auto other = scheme.schema->views.find(name);
    return scheme.find(name) != nullptr ||
           (other != scheme.schema->views.end() && reads_converted(scheme, other->second));
  });
}

std::vector<std::string> old_transactions(store::SchemaSession& session, std::chrono::milliseconds older) {
  const auto rows = session.query(
      "SELECT shown.text FROM ("
      "SELECT xact_start AS since, format('process %s (%s), in a transaction', pid, "
      "coalesce(nullif(application_name, ''), backend_type)) AS text "
      "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
      "AND leader_pid IS NULL AND backend_type <> 'autovacuum worker' "
      "UNION ALL SELECT prepared, format('the prepared transaction %L of %s', gid, owner) "
      "FROM pg_prepared_xacts WHERE database = current_database()) old "
      "CROSS JOIN LATERAL (SELECT old.text || to_char(since AT TIME ZONE 'UTC', "
      "'\" since \"YYYY-MM-DD HH24:MI:SS\" UTC\"')) AS shown(text) "
      "WHERE since <= clock_timestamp() - $1::bigint * interval '1 millisecond' ORDER BY since LIMIT 10",
      {std::to_string(older.count())});
  std::vector<std::string> texts;
  for (const auto& row : rows) texts.push_back(row[0]);
  return texts;
}

}  // namespace guildhall::convert
