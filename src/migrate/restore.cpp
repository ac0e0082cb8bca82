#include "migrate/restore.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/crypto.h"
#include "base/log.h"
#include "migrate/pooled_session.h"
#include "migrate/restore_sqlite.h"
#include "store/place.h"
#include "store/postgres/address.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using store::DatabaseError;
using store::SchemaSession;
using tenancy::quoted_name;

constexpr std::string_view kNoTimeout = "-cstatement_timeout=0";
/// Of PostgreSQL's names, in bytes.
constexpr std::size_t kLongestName = 63;
constexpr std::size_t kShownSessions = 10;
/// PostgreSQL waits five seconds for sessions to end that keep a database from being renamed.
constexpr std::chrono::milliseconds kBetweenEnds{50};

/// Where databases can be renamed from: a session on another database of the server.
Result<std::unique_ptr<SchemaSession>> open_beside(const std::string& url, const std::string& database) {
  Result<std::unique_ptr<SchemaSession>> session = fail(ErrorCode::storage, "no database to work from");
  for (const std::string name : {"postgres", "template1"}) {
    if (name == database) continue;
    const auto address = store::address_of_database(url, name);
    if (!address) return std::unexpected(address.error());
    session = open_direct_session(*address);
    if (session || session.error().code == ErrorCode::refused_by_guard) return session;
  }
  return session;
}

/// NAME_before_TIME, with the name cut where it gets too long.
std::string kept_name(std::string name, TimePoint now) {
  const std::string behind = "_before_" + file_time(now);
  std::size_t left = std::min(name.size(), kLongestName - behind.size());
  while (left > 0 && left < name.size() && (static_cast<unsigned char>(name[left]) & 0xC0) == 0x80) --left;
  return name.substr(0, left) + behind;
}

constexpr std::string_view kSessionsOf =
    "FROM pg_stat_activity WHERE datname = $1 AND coalesce(backend_type, 'client backend') = 'client "
    "backend'";

/// Ends the sessions of a database, and those that come while it lives.
class SessionEnder {
 public:
  /// Throws DatabaseError when they cannot be ended.
  SessionEnder(std::unique_ptr<SchemaSession> session, std::string database)
      : session_(std::move(session)), database_(std::move(database)) {
    end_all();
    thread_ = std::jthread([this](const std::stop_token& stop) { go_on(stop); });
  }

 private:
  void end_all() {
    session_->query(fmt::format("SELECT pg_terminate_backend(pid) {}", kSessionsOf), {database_});
  }

  void go_on(const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    try {
      while (!wake.wait_for(lock, stop, kBetweenEnds, [&] { return stop.stop_requested(); })) end_all();
    } catch (const DatabaseError& error) {
      // Whoever is left keeps the database from being renamed, which says so.
      log::warning("a session cannot be ended", {log::field("error", error.what())});
    }
  }

  std::unique_ptr<SchemaSession> session_;
  std::string database_;
  std::jthread thread_;
};

class PostgresRestore {
 public:
  PostgresRestore(const fs::path& file, const RestoreOptions& options, BackupRecord record)
      : file_(file), options_(options), record_(std::move(record)) {}

  Result<Restored> run() {
    auto target = database_of(options_.url);
    if (!target) return std::unexpected(target.error());
    target_ = *std::move(target);
    auto opened = open_beside(options_.url, target_);
    if (!opened) return std::unexpected(opened.error());
    session_ = *std::move(opened);
    try {
      if (auto clear = check_way(); !clear) return std::unexpected(clear.error());
      auto done = load_and_swap();
      if (!done) drop_made();
      return done;
    } catch (const DatabaseError& error) {
      drop_made();
      Error said = backup_error(error, options_.reporting);
      if (error.code() == store::DbCode::sealed) {
        said.code = ErrorCode::forbidden;
        said.hint =
            "The login must be able to make databases, and own this one: as an administrator, ALTER "
            "ROLE ... CREATEDB.";
      }
      return std::unexpected(std::move(said));
    }
  }

 private:
  bool replaces() const { return options_.into.empty(); }

  bool exists(const std::string& database) {
    return !session_->query("SELECT 1 FROM pg_database WHERE datname = $1", {database}).empty();
  }

  /// Nothing has been done yet; what stands in the way now would later, too.
  Result<void> check_way() {
    const auto lock = session_->query(
        fmt::format("SELECT pg_try_advisory_lock({}, hashtext('restore ' || $1))", store::kLockClass),
        {target_});
    if (lock.at(0).at(0) != "t") {
      return fail(ErrorCode::conflict, fmt::format("another restore of database '{}' is under way", target_),
                  "Wait for its end.");
    }
    has_target_ = exists(target_);
    if (!replaces()) {
      if (!exists(options_.into)) return {};
      return fail(ErrorCode::conflict, fmt::format("database '{}' exists already", options_.into),
                  "Name another with --into, or drop it.");
    }
    if (!record_.is_whole()) {
      return fail(ErrorCode::refused_by_guard,
                  fmt::format("'{}' has the rows of some tables only, so it cannot take the database's place",
                              file_.string()),
                  "Restore it beside the database with --into NAME, and copy from there what you need.");
    }
    return options_.terminate ? Result<void>{} : refuse_sessions();
  }

  Result<void> refuse_sessions() {
    const auto rows = session_->query(
        fmt::format("SELECT format('%s (pid %s%s)', coalesce(usename, 'somebody'), pid, CASE WHEN "
                    "coalesce(application_name, '') = '' THEN '' ELSE ', ' || application_name END) {} ORDER "
                    "BY pid",
                    kSessionsOf),
        {target_});
    if (rows.empty()) return {};
    std::vector<std::string> shown;
    for (const auto& row : rows) {
      if (shown.size() < kShownSessions) shown.push_back(row.at(0));
    }
    return fail(ErrorCode::conflict,
                fmt::format("{} {} connected to database '{}': {}{}", rows.size(),
                            rows.size() == 1 ? "session is" : "sessions are", target_, fmt::join(shown, ", "),
                            rows.size() > shown.size() ? ", ..." : ""),
                "Stop the programs that use it, or let them be ended with --terminate.");
  }

  Result<Restored> load_and_swap() {
    const auto psql = find_psql(record_, options_.programs);
    if (!psql) return std::unexpected(psql.error());
    make_database();
    {
      const Step step(options_.reporting, "restoring");
      if (auto loaded = load_sql(*psql, options_.url, made_, file_, options_.reporting.stop); !loaded)
        return std::unexpected(loaded.error());
    }
    if (auto same = check_made(); !same) return std::unexpected(same.error());
    if (has_target_ && replaces()) take_over_properties();
    if (options_.reporting.stop.stop_requested())
      return fail(ErrorCode::unavailable, "it was ended before it was done");
    return take_place();
  }

  void make_database() {
    const std::string name = replaces() ? fmt::format("guildhall_restore_{}_{}",
                                                      to_micros(options_.clock->now()), hex(random_bytes(4)))
                                        : options_.into;
    const std::string like = has_target_ ? target_ : session_->query("SELECT current_database()").at(0).at(0);
    std::string sql = create_database_like(*session_, like, name);
    if (has_target_) {
      const auto owner =
          session_->query("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", {target_});
      sql += " OWNER " + quoted_name(owner.at(0).at(0));
    }
    session_->execute(sql);
    made_ = name;
  }

  /// It holds what was written down; then without the lock that the backup's own run held.
  Result<void> check_made() {
    const auto address = store::address_of_database(options_.url, made_);
    if (!address) return std::unexpected(address.error());
    auto opened = store::open_any_session({.url = *address, .settings = std::string(kNoTimeout)});
    if (!opened) return std::unexpected(opened.error());
    SchemaSession& copy = **opened;
    BackupOptions comparing;
    comparing.fingerprint = options_.fingerprint;
    comparing.reporting = options_.reporting;
    begin_reading(copy, options_.reader);
    if (auto same = compare_copy(copy, Dialect::postgres, record_, comparing); !same) return same;
    copy.execute("COMMIT");
    copy.execute("BEGIN");
    if (!options_.reader.role.empty()) copy.execute("SET LOCAL ROLE " + quoted_name(options_.reader.role));
    for (const auto& row : copy.query(
             "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = "
             "c.relnamespace WHERE c.relname = 'migration_lock' AND c.relkind IN ('r', 'p') AND n.nspname "
             "NOT "
             "LIKE 'pg\\_%'"))
      copy.execute("DELETE FROM " + row.at(0));
    copy.execute("COMMIT");
    return {};
  }

  /// What belongs to a database and stands in no dump of it: rights, limit, settings, comment.
  void take_over_properties() {
    const std::string to = quoted_name(made_);
    std::vector<std::string> rights;
    for (
        const auto& row : session_->query(
            "SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, $2::text, CASE a.grantee "
            "WHEN 0 "
            "THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, CASE WHEN a.is_grantable THEN ' "
            "WITH GRANT OPTION' ELSE '' END) FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = $1",
            {target_, made_}))
      rights.push_back(row.at(0));
    const auto row = session_
                         ->query(
                             "SELECT datacl IS NOT NULL, datconnlimit, shobj_description(oid, 'pg_database') "
                             "IS NOT NULL, quote_literal(coalesce(shobj_description(oid, 'pg_database'), "
                             "'')) FROM pg_database WHERE datname = $1",
                             {target_})
                         .at(0);
    if (row[0] == "t") session_->execute("REVOKE ALL ON DATABASE " + to + " FROM PUBLIC");
    for (const std::string& right : rights) session_->execute(right);
    session_->execute(fmt::format("ALTER DATABASE {} CONNECTION LIMIT {}", to, row[1]));
    if (row[2] == "t") session_->execute(fmt::format("COMMENT ON DATABASE {} IS {}", to, row[3]));
    take_over_settings(to);
  }

  /// A setting is taken over from this session, which has it for a moment: so PostgreSQL quotes its value.
  void take_over_settings(const std::string& to) {
    for (const auto& row : session_->query(
             "SELECT CASE s.setrole WHEN 0 THEN '' ELSE quote_ident(pg_get_userbyid(s.setrole)) END, "
             "split_part(c, '=', 1), substr(c, strpos(c, '=') + 1) FROM pg_db_role_setting s JOIN "
             "pg_database d "
             "ON d.oid = s.setdatabase, unnest(s.setconfig) c WHERE d.datname = $1",
             {target_})) {
      const std::string whose =
          row[0].empty() ? fmt::format("DATABASE {}", to) : fmt::format("ROLE {} IN DATABASE {}", row[0], to);
      session_->execute("BEGIN");
      session_->query("SELECT set_config($1, $2, true)", {row[1], row[2]});
      session_->execute(fmt::format("ALTER {} SET {} FROM CURRENT", whose, quoted_setting(row[1])));
      session_->execute("COMMIT");
    }
  }

  /// "search_path", "guildhall.server_id": each part of a setting's name is a name.
  static std::string quoted_setting(std::string_view name) {
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) return quoted_name(name);
    return quoted_name(name.substr(0, dot)) + "." + quoted_name(name.substr(dot + 1));
  }

  Result<Restored> take_place() {
    if (!replaces()) return Restored{made_, "", std::move(record_)};
    std::string kept;
    if (has_target_) {
      kept = kept_name(target_, options_.clock->now());
      if (auto moved = swap(kept); !moved) return std::unexpected(moved.error());
    } else {
      session_->execute(rename(made_, target_));
    }
    return Restored{target_, std::move(kept), std::move(record_)};
  }

  static std::string rename(const std::string& from, const std::string& to) {
    return fmt::format("ALTER DATABASE {} RENAME TO {}", quoted_name(from), quoted_name(to));
  }

  Result<void> swap(const std::string& kept) {
    if (exists(kept))
      return fail(ErrorCode::conflict, fmt::format("database '{}' exists already", kept), "Try again.");
    std::unique_ptr<SchemaSession> beside;
    if (options_.terminate) {
      auto opened = open_beside(options_.url, target_);
      if (!opened) return std::unexpected(opened.error());
      beside = *std::move(opened);
    } else if (auto clear = refuse_sessions(); !clear) {
      return clear;
    }
    try {
      std::optional<SessionEnder> ender;
      if (beside) ender.emplace(std::move(beside), target_);
      // The first waits some seconds for sessions to end, and lets no new one in.
      session_->execute("BEGIN");
      session_->execute(rename(target_, kept));
      session_->execute(rename(made_, target_));
      session_->execute("COMMIT");
      return {};
    } catch (const DatabaseError& error) {
      if (session_->in_transaction()) session_->execute("ROLLBACK");
      return fail(ErrorCode::conflict,
                  fmt::format("database '{}' cannot give way to the restored one: {}", target_, error.what()),
                  "Nothing was changed. Stop the programs that use it; the login must own the database.");
    }
  }

  void drop_made() {
    if (made_.empty()) return;
    try {
      if (session_->in_transaction()) session_->execute("ROLLBACK");
      session_->execute("DROP DATABASE IF EXISTS " + quoted_name(made_) + " WITH (FORCE)");
    } catch (const DatabaseError& error) {
      log::warning("a database that was to be restored is left behind",
                   {log::field("database", made_), log::field("error", error.what())});
    }
  }

  const fs::path& file_;
  const RestoreOptions& options_;
  BackupRecord record_;
  std::string target_;
  bool has_target_ = false;
  std::string made_;                        // the database that the backup is loaded into, once it is there
  std::unique_ptr<SchemaSession> session_;  // on another database of the server
};

}  // namespace

Result<Restored> restore_backup(const fs::path& file, const RestoreOptions& options) {
  const auto place = store::find_place(options.url, ".");
  if (!place || place->layout == store::Layout::sqlite_per_server) {
    return fail(ErrorCode::usage, fmt::format("'{}' is neither sqlite:FILE nor postgres://USER@HOST/DATABASE",
                                              store::shown_url(options.url)));
  }
  const bool is_file = place->layout == store::Layout::sqlite;
  auto record = check_backup(file, is_file ? Dialect::sqlite : Dialect::postgres, options.reporting);
  if (!record) return std::unexpected(record.error());
  if (is_file) return restore_sqlite(file, place->path, options, *std::move(record));
  {
    const Step step(options.reporting, "reading the backup");
    if (auto read = read_backup(file, *record); !read) {
      return fail(
          ErrorCode::invalid,
          fmt::format("'{}' is no backup that can be restored: {}", file.string(), read.error().message),
          "Restore another backup.");
    }
  }
  return PostgresRestore(file, options, *std::move(record)).run();
}

}  // namespace guildhall::migrate
