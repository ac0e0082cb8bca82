#include "move/ends.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "migrate/migrate.h"
#include "store/database_error.h"
#include "store/server_file.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::move {
namespace {

namespace fs = std::filesystem;
using store::DatabasePlace;
using store::Layout;
using store::SchemaSession;

[[noreturn]] void refuse(ErrorCode code, std::string message, std::string hint = {}) {
  throw ErrorException({code, std::move(message), std::move(hint)});
}

template <class T>
T taken(Result<T> result) {
  if (!result) throw ErrorException(result.error());
  return *std::move(result);
}

migrate::Dialect dialect_of(Layout layout) {
  return layout == Layout::postgres ? migrate::Dialect::postgres : migrate::Dialect::sqlite;
}

/// Long readings are no fault here, and every plan goes by the key: nobody has counted these tables yet.
void settle_in(SchemaSession& session, Layout layout) {
  if (layout != Layout::postgres) return;
  session.execute(
      "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET enable_seqscan = off; "
      "SET enable_bitmapscan = off");
}

std::string of_another_server(ServerId server) {
  return fmt::format("{} <> {}", store::kTenantColumn, server.str());
}

std::vector<ServerId> files_of(const DatabasePlace& place) { return taken(store::servers_with_file(place)); }

void act_as_owner(SchemaSession& session) {
  const auto may =
      session.query("SELECT 1 FROM pg_roles WHERE rolname = $1 AND pg_has_role(current_user, oid, 'MEMBER')",
                    {std::string(tenancy::kOwnerRole)});
  if (may.empty()) {
    refuse(ErrorCode::refused_by_guard,
           fmt::format("the login for '{}' may not act as {}", session.name(), tenancy::kOwnerRole),
           "Give --to the address of guildhall_migrate (database.migrate_url) in a database with Guildhall's "
           "roles.");
  }
  session.execute(fmt::format("SET ROLE {}", tenancy::kOwnerRole));
}

/// The moment at which the server was started, and the database there.
void refuse_same(SchemaSession& source, SchemaSession& target) {
  const auto identity = [](SchemaSession& session) {
    return session.query(
        "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()");
  };
  if (identity(source) == identity(target))
    refuse(ErrorCode::usage, fmt::format("--from and --to are one database, '{}'", target.name()));
}

}  // namespace

std::string mark_of(const DatabasePlace& source) {
  if (source.layout == Layout::postgres) return "postgres://" + source.name();
  const std::string scheme = source.layout == Layout::sqlite ? "sqlite:" : "sqlite-per-server:";
  return scheme + fs::weakly_canonical(source.path).string();
}

void keep_others_out(SchemaSession& session, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause{50};
  const std::string take_lock = fmt::format("SELECT pg_try_advisory_lock({}, {})", store::kLockClass,
                                            static_cast<int>(store::DatabaseLock::bot));
  // A process that has just ended may still be listed.
  for (auto waited = std::chrono::milliseconds(0);; waited += kPause) {
    const auto others = session.query(
        "SELECT pid, usename FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND (application_name = 'guildhall' "
        "OR usename IN ('guildhall_app', 'guildhall_tick')) ORDER BY pid");
    // Held as long as the session: a bot that begins now is refused.
    if (others.empty() && session.query(take_lock)[0][0] == "t") return;
    if (waited >= patience) {
      const std::string first =
          others.empty() ? ""
                         : fmt::format(", the first is process {} of login {}", others[0][0], others[0][1]);
      refuse(ErrorCode::other_instance,
             fmt::format("Guildhall uses '{}' already: {} sessions{}", session.name(), others.size(), first),
             "Stop the bot first, and whatever else of Guildhall runs there.");
    }
    std::this_thread::sleep_for(kPause);
  }
}

bool has_table(SchemaSession& session, Layout layout, std::string_view table) {
  const std::string sql =
      layout == Layout::postgres
          ? fmt::format("SELECT c.oid FROM pg_class c WHERE c.oid = to_regclass('{}')", table)
          : fmt::format("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = '{}'", table);
  return !session.query(sql).empty();
}

Source::Source(const DatabasePlace& place, std::chrono::milliseconds patience) : place_(place) {
  // Before the reading begins, which sees everything as of its first moment.
  if (place.layout == Layout::postgres) {
    guard_ = taken(store::open_postgres_session(place.url));
    keep_others_out(*guard_, patience);
  }
  beside_ = taken(store::open_reading_session(place));
  settle_in(*beside_, place.layout);
  check_version(*beside_);
  if (has_table(*beside_, place.layout, kProgressTable)) {
    refuse(ErrorCode::refused_by_guard,
           fmt::format("'{}' is itself the target of a move that has not ended", place.name()),
           "End that move first.");
  }
  for (const auto& row : beside_->query("SELECT discord_server_id FROM servers ORDER BY discord_server_id"))
    servers_.push_back(*ServerId::parse(row[0]));
  files_ = files_of(place);
  const auto vanished = place.layout == Layout::sqlite_per_server ? store::vanished_files(*beside_, place)
                                                                  : std::vector<ServerId>{};
  if (!vanished.empty()) {
    refuse(
        ErrorCode::storage,
        fmt::format("the file of server {} in '{}' is gone", vanished.front().str(), place.name()),
        fmt::format("Put it back, from a backup if need be. `guildhall server begin-anew {}` gives up what "
                    "was in it.",
                    vanished.front().str()));
  }
  for (const ServerId file : files_) {
    if (std::ranges::binary_search(servers_, file)) continue;
    refuse(ErrorCode::refused_by_guard,
           fmt::format("there is a file of server {} in '{}', and no such server in its directory",
                       file.str(), place.name()),
           "Put the file elsewhere, or the directory that belongs to it in place.");
  }
}

void Source::check_version(SchemaSession& session) {
  if (!has_table(session, place_.layout, "migration_journal")) {
    refuse(ErrorCode::schema, fmt::format("'{}' holds no Guildhall database", session.name()),
           "Name the database that the bot uses: `guildhall config show`, database.url.");
  }
  const auto dialect = dialect_of(place_.layout);
  const auto checked = migrate::check_version(session, migrate::own_migrations(dialect), dialect);
  if (!checked) throw ErrorException(checked.error());
}

SchemaSession* Source::of(ServerId server) {
  if (place_.layout != Layout::sqlite_per_server) return beside_.get();
  if (open_file_ && open_server_ == server) return open_file_.get();
  open_file_.reset();
  if (!std::ranges::binary_search(files_, server)) return nullptr;
  open_file_ = taken(store::open_reading_session(place_, server));
  open_server_ = server;
  check_file(*open_file_, server);
  return open_file_.get();
}

void Source::check_file(SchemaSession& session, ServerId server) {
  check_version(session);
  const bool marked = has_table(session, place_.layout, "server_marker");
  const auto marker =
      marked ? session.query("SELECT discord_server_id FROM server_marker") : SchemaSession::Rows{};
  if (marker.size() == 1 && marker[0][0] == server.str()) return;
  refuse(ErrorCode::refused_by_guard,
         fmt::format("database file '{}' is not marked as that of server {}", session.name(), server.str()),
         "Put the right file in its place.");
}

std::uint64_t Source::count(const std::vector<Table>& tables) {
  const bool files = place_.layout == Layout::sqlite_per_server;
  std::uint64_t rows = 0;
  const auto add = [&](SchemaSession& session, const Table& table, const std::string& misplaced) {
    const auto strays = misplaced.empty() ? 0 : count_rows(session, table, misplaced);
    if (strays > 0) {
      refuse(ErrorCode::failed,
             fmt::format("table '{}' in '{}' has {} rows that belong to no server there", table.name,
                         session.name(), strays),
             "The database was changed from outside: restore it, or remove these rows.");
    }
    rows += count_rows(session, table);
  };
  for (const Table& table : tables) {
    if (!table.of_servers()) {
      add(*beside_, table, "");
    } else {
      add(*beside_, table,
          files ? "true" : "discord_server_id NOT IN (SELECT discord_server_id FROM servers)");
    }
  }
  for (const ServerId server : files_) {
    for (const Table& table : tables) {
      if (table.of_servers()) add(*of(server), table, of_another_server(server));
    }
  }
  return rows;
}

Target::Target(Source& source, const DatabasePlace& place, const tenancy::TableCatalog& catalog,
               const Options& options)
    : place_(place), homes_(catalog.homes()), rows_per_commit_(options.batch) {
  check_program();
  place_.migrate_url.clear();  // the rights are those of the login that was named
  beside_ = taken(store::open_schema_session(place_));
  settle_in(*beside_, place.layout);
  if (place.layout == Layout::postgres) {
    act_as_owner(*beside_);
    place_.migrate_url = place.url;
    if (source.layout() == Layout::postgres) refuse_same(source.beside(), *beside_);
    keep_others_out(*beside_, options.patience);
  }
  taken(migrate::prepare_schema(place_, catalog));
  if (place.layout == Layout::sqlite_per_server) fs::create_directories(fs::path(place.path) / "servers");
}

/// A file with the tables of another program gets none of ours.
void Target::check_program() {
  if (place_.layout == Layout::postgres) return;
  auto session = store::open_reading_session(place_);
  if (!session) {
    // What is not there is made; what is there and cannot be read is said when it is opened to be written.
    return;
  }
  if (has_table(**session, place_.layout, "migration_journal") ||
      (*session)->query("SELECT 1 FROM sqlite_schema").empty())
    return;
  refuse(ErrorCode::refused_by_guard,
         fmt::format("database file '{}' belongs to another program", (*session)->name()),
         "Name a file that does not exist yet.");
}

SchemaSession* Target::of(ServerId server) {
  if (place_.layout != Layout::sqlite_per_server) return beside_.get();
  if (open_file_ && open_server_ == server) return open_file_.get();
  commit();
  open_file_.reset();
  auto session = store::open_server_session(place_, server);
  if (!session && session.error().code == ErrorCode::not_found) return nullptr;
  open_file_ = taken(std::move(session));
  open_server_ = server;
  return open_file_.get();
}

SchemaSession& Target::made(ServerId server) {
  if (place_.layout != Layout::sqlite_per_server) return *beside_;
  if (open_file_ && open_server_ == server) return *open_file_;
  commit();
  const store::FileOptions options{migrate::file_preparation()};
  if (auto made = store::make_server_file(place_, homes_, options, server); !made)
    throw ErrorException(made.error());
  return *of(server);
}

std::string Target::mark() {
  if (!has_table(*beside_, place_.layout, kProgressTable)) return "";
  return beside_->query(fmt::format("SELECT source FROM {}", kProgressTable)).at(0).at(0);
}

void Target::set_mark(const std::string& source, TimePoint now) {
  beside_->begin();
  beside_->execute(
      fmt::format("CREATE TABLE {} (source TEXT NOT NULL, started_at BIGINT NOT NULL)", kProgressTable));
  beside_->insert(std::string(kProgressTable),
                  {{"source", store::ValueType::text}, {"started_at", store::ValueType::integer}},
                  {{source, to_micros(now)}});
  beside_->execute("COMMIT");
}

void Target::clear_mark() { beside_->execute(fmt::format("DROP TABLE {}", kProgressTable)); }

std::vector<ServerId> Target::files() const {
  if (place_.layout != Layout::sqlite_per_server) return {};
  std::error_code error;
  if (!fs::exists(fs::path(place_.path) / "servers", error)) return {};
  return files_of(place_);
}

std::string Target::occupied(const std::vector<Table>& tables) {
  for (const Table& table : tables) {
    if (!beside_->query(fmt::format("SELECT 1 FROM \"{}\" LIMIT 1", table.name)).empty())
      return fmt::format("table '{}' has rows", table.name);
  }
  const auto there = files();
  return there.empty() ? "" : fmt::format("server {} has a file", there.front().str());
}

std::uint64_t Target::count(const std::vector<Table>& tables) {
  std::uint64_t rows = 0;
  for (const Table& table : tables) rows += count_rows(*beside_, table);
  for (const ServerId server : files()) {
    for (const Table& table : tables) {
      if (table.of_servers()) rows += count_rows(*of(server), table);
    }
  }
  return rows;
}

void Target::insert(SchemaSession& session, const Table& table, const std::vector<store::ValueRow>& rows) {
  if (writing_ != &session) {
    commit();
    session.begin();
    writing_ = &session;
  }
  session.insert(table.name, table.columns, rows);
  uncommitted_ += rows.size();
  if (uncommitted_ >= rows_per_commit_) commit();
}

void Target::commit() {
  if (writing_ == nullptr) return;
  std::exchange(writing_, nullptr)->execute("COMMIT");
  uncommitted_ = 0;
}

void Target::continue_numbers(const std::vector<Table>& tables) {
  if (place_.layout != Layout::postgres) return;  // SQLite goes on after the largest by itself
  for (const Table& table : tables) {
    if (table.numbered_column.empty()) continue;
    beside_->query(
        fmt::format("SELECT setval(pg_get_serial_sequence('{0}', '{1}'), max({1})) FROM {0} "
                    "HAVING max({1}) > 0",
                    table.name, table.numbered_column));
  }
}

void Target::look_at_rows(const std::vector<Table>& tables) {
  if (place_.layout != Layout::postgres) return;
  for (const Table& table : tables) beside_->execute(fmt::format("ANALYZE \"{}\"", table.name));
}

}  // namespace guildhall::move
