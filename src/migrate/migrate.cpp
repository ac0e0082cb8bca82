#include "migrate/migrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "migrate/run.h"
#include "migrate/script_rules.h"
#include "store/database_error.h"
#include "store/failure.h"
#include "store/server_file.h"
#include "tenancy/catalog.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::migrate {
namespace {

/// Processes that start at once wait for the one that was first.
constexpr std::chrono::minutes kPatience{5};

bool is_pending(const Standing& one) { return !is_applied(one.state); }

Result<void> check(const std::string& database, const std::vector<Standing>& standings) {
  for (const Standing& one : standings) {
    if (one.state == State::missing) {
      return fail(
          ErrorCode::schema,
          fmt::format("database '{}' is newer than this program: it has migration {}", database, one.name),
          "Start the newer version of Guildhall again.");
    }
    if (one.state == State::changed) {
      return fail(
          ErrorCode::schema,
          fmt::format("migration {} was changed after it had been applied to '{}'", one.name, database),
          "Use a build whose migration files are the released ones.");
    }
  }
  return {};
}

ErrorCode code_of(Exit exit) {
  switch (exit) {
    case Exit::locked: return ErrorCode::other_instance;
    case Exit::drift: return ErrorCode::schema;
    case Exit::refused:
    case Exit::no_backup: return ErrorCode::refused_by_guard;
    case Exit::interrupted:
    case Exit::terminated: return ErrorCode::failed;
    default: return ErrorCode::storage;
  }
}

Error error_of(const Problem& problem, const std::string& database) {
  std::string message = fmt::format("database '{}': {}", database, problem.finding.text);
  if (problem.exit == Exit::interrupted || problem.exit == Exit::terminated)
    return {code_of(problem.exit), std::move(message), "The next start goes on."};
  if (!problem.finding.name.empty()) {
    const std::string where = problem.where();
    message = fmt::format("migration {} on '{}' {}: {}{}{}", problem.finding.name, database,
                          problem.exit == Exit::midway ? "stopped midway"
                          : problem.was_run            ? "failed and was rolled back"
                                                       : "was refused",
                          problem.finding.text, where.empty() ? "" : " ", where);
  }
  return {code_of(problem.exit), std::move(message), problem.finding.hint};
}

std::string how_to_bring_up(Dialect dialect) {
  return dialect == Dialect::sqlite
             ? "`guildhall migrate up` brings it up to date, and so does the start of the bot."
             : "`guildhall migrate up` brings it up to date, and so does the start of the bot: both with "
               "database.migrate_url, the login that may change the schema.";
}

std::unexpected<Error> older(const store::SchemaSession& session, Dialect dialect, const std::string& lacks) {
  return fail(ErrorCode::schema,
              fmt::format("database '{}' is older than this program: {}", session.name(), lacks),
              how_to_bring_up(dialect));
}

/// The bot uses the tables of the journal, too. Throws DatabaseError.
Result<void> check_whole(store::SchemaSession& session, const MigrationSet& set, Dialect dialect) {
  if (auto checked = check_version(session, set, dialect); !checked) return checked;
  if (Journal(session, dialect).is_older())
    return older(session, dialect, "its journal of migrations is of an earlier version");
  return {};
}

UpOptions options_of(const Target& target, const std::vector<Standing>& standings, const Preparation& how) {
  const bool is_new = std::ranges::all_of(standings, is_pending);
  UpOptions options;
  options.lock_wait = kPatience;
  options.interrupt = how.interrupt;
  options.together = std::ranges::all_of(standings, [&](const Standing& one) {
    return !is_pending(one) || one.migration == nullptr ||
           runs_in_transaction(*one.migration->up, target.dialect);
  });
  options.why_no_backup = is_new ? "" : "without a backup: not asked for";
  options.say = [is_new, &target](const std::string& line) {
    const auto database = log::field("database", target.name);
    is_new ? log::debug(line, {database}) : log::info(line, {database});
  };
  if (is_new || how.backups.empty()) return options;
  options.backup.emplace();
  options.backup->folder = how.backups;
  // The login that changes the schema makes no databases, in which a dump could be proved by loading it.
  if (target.dialect == Dialect::postgres) options.backup->proof = Proof::read;
  return options;
}

/// Seals the tables that are not sealed as they are declared: new ones, and those whose class is another one
/// now. The others are left alone, since whoever reads them would have to be waited for.
void seal_present(store::SchemaSession& session, const tenancy::TableCatalog& tables) {
  std::set<std::string> at_fault;
  for (const auto& fault : tenancy::find_postgres_faults(session, tables, {std::string(tenancy::kAppRole)},
                                                         {std::string(tenancy::kTickRole)}))
    at_fault.insert(fault.table);
  std::string script;
  for (const auto& row : session.query("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND "
                                       "relnamespace = 'guildhall'::regnamespace ORDER BY relname")) {
    const auto declared = tables.all().find(row[0]);
    if (declared == tables.all().end() || !at_fault.contains(row[0])) continue;
    for (const std::string& statement : tenancy::seal_table(declared->second)) script += statement + ";\n";
  }
  if (!script.empty()) session.execute(script + tenancy::let_backups_read_sequences());
}

}  // namespace

const MigrationSet& own_migrations(Dialect dialect) {
  static const MigrationSet kPostgres =
      read_migrations(embedded_files(), "Guildhall's own", Dialect::postgres);
  static const MigrationSet kSqlite = read_migrations(embedded_files(), "Guildhall's own", Dialect::sqlite);
  return dialect == Dialect::postgres ? kPostgres : kSqlite;
}

Dialect dialect_of(store::Layout layout) {
  return layout == store::Layout::postgres ? Dialect::postgres : Dialect::sqlite;
}

Target own_target(const store::DatabasePlace& place, const tenancy::TableCatalog& tables) {
  if (place.layout != store::Layout::postgres) return own_file(place.file());
  const std::string& url = place.migrate_url.empty() ? place.url : place.migrate_url;
  Target target = *any_target(url, Missing::is_an_error);
  target.is_own = true;
  target.snapshot.seal = false;
  target.reader = {.role = std::string(tenancy::kOwnerRole), .sees_all_by_policy = true};
  target.open = [place](const std::string& settings) { return store::open_schema_session(place, settings); };
  target.seal = [&tables](store::SchemaSession& session) { seal_present(session, tables); };
  return target;
}

Target own_file(const std::string& file, const std::string& readers_file) {
  Target target;
  target.dialect = Dialect::sqlite;
  target.url = "sqlite:" + file;
  target.name = file;
  target.database = std::filesystem::path(file).stem().string();
  target.is_own = true;
  target.snapshot.seal = false;
  target.open = [file](const std::string&) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored) ? store::open_existing_session(file)
                                                  : store::open_schema_session(file);
  };
  if (readers_file != file) target.readers_file = readers_file;
  target.seal = store::pin_server_file;
  return target;
}

Result<Report> bring_up_to_date(store::SchemaSession& session, const Target& target, const MigrationSet& set,
                                const Preparation& how) {
  try {
    const Journal journal(session, target.dialect);
    const auto rows = journal.read();
    if (!rows) return fail(ErrorCode::schema, rows.error().finding.text, rows.error().finding.hint);
    if (!how.migrates && !rows->empty()) {
      if (auto same = check_whole(session, set, target.dialect); !same) return std::unexpected(same.error());
      return Report{};
    }
    const auto standings = compare(set, *rows);
    if (auto usable = check(session.name(), standings); !usable) return std::unexpected(usable.error());
    if (std::ranges::none_of(standings, is_pending) && !journal.is_older()) return Report{};
    const RunReport run = up(target, set, options_of(target, standings, how));
    if (run.failed) return std::unexpected(error_of(*run.failed, session.name()));
    Report report;
    for (const Applied& one : run.applied) report.applied.push_back(one.name);
    return report;
  } catch (const store::DatabaseError& error) {
    return std::unexpected(store::failure_of(fmt::format("database '{}'", session.name()), error));
  }
}

Result<void> check_version(store::SchemaSession& session, const MigrationSet& set, Dialect dialect) {
  try {
    const auto rows = Journal(session, dialect).read();
    if (!rows) return fail(ErrorCode::schema, rows.error().finding.text, rows.error().finding.hint);
    const auto standings = compare(set, *rows);
    if (auto usable = check(session.name(), standings); !usable) return usable;
    const auto missing = std::ranges::find_if(standings, is_pending);
    if (missing == standings.end()) return {};
    return older(session, dialect, "it lacks migration " + missing->name);
  } catch (const store::DatabaseError& error) {
    return std::unexpected(store::failure_of(fmt::format("database '{}'", session.name()), error));
  }
}

std::string schema_script(Dialect dialect) {
  std::string script;
  std::vector<JournalRow> rows;
  for (const Migration& one : own_migrations(dialect).migrations) {
    script += fmt::format("\n{}\n", one.up->sql);
    JournalRow& row = rows.emplace_back();
    row.name = one.name;
    row.direction = "up";
    row.state = "applied";
    row.checksum = one.up->checksum;
    row.token_checksum = one.up->token_checksum;
    row.down_source = one.down ? "file" : "none";
    row.down_checksum = one.down ? one.down->checksum : "";
    row.statements_total = row.statements_done = static_cast<std::int64_t>(one.up->statements.size());
    row.applied_by = "a script of guildhall setup";
    row.tool_version = GUILDHALL_VERSION;
  }
  return journal_script(dialect, rows) + script;
}

Result<Report> prepare_schema(const store::DatabasePlace& place, const tenancy::TableCatalog& tables,
                              const Preparation& how) {
  if (place.layout == store::Layout::postgres && place.migrate_url.empty()) {
    if (auto same = compare_schema(place); !same) return std::unexpected(same.error());
    return Report{};
  }
  auto session = store::open_schema_session(place);
  if (!session) return std::unexpected(session.error());
  return bring_up_to_date(**session, own_target(place, tables), own_migrations(dialect_of(place.layout)),
                          how);
}

Result<void> compare_schema(const store::DatabasePlace& place) {
  const auto session = store::open_schema_session(place);
  if (!session) return std::unexpected(session.error());
  const Dialect dialect = dialect_of(place.layout);
  try {
    return check_whole(**session, own_migrations(dialect), dialect);
  } catch (const store::DatabaseError& error) {
    return std::unexpected(store::failure_of(fmt::format("database '{}'", place.name()), error));
  }
}

std::function<Result<void>(store::SchemaSession&)> file_preparation(Preparation how) {
  return [how = std::move(how)](store::SchemaSession& session) -> Result<void> {
    const Target target = own_file(session.name(), store::directory_beside(session.name()));
    const auto report = bring_up_to_date(session, target, own_migrations(Dialect::sqlite), how);
    if (!report) return std::unexpected(report.error());
    return {};
  };
}

}  // namespace guildhall::migrate
