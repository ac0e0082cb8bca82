#include "store/sqlite/server_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/mutation.h"
#include "store/failure.h"
#include "store/schema_session.h"
#include "store/server_file.h"
#include "store/sqlite/units.h"

namespace guildhall::store::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kServers = "servers";

/// What stands in the way of one server's file, on its way through code that cannot return an Error.
[[noreturn]] void raise(const Error& error) {
  if (error.code == ErrorCode::unavailable) throw DatabaseError(DbCode::busy, "", error.message);
  throw DatabaseError(DbCode::server_unusable, "",
                      error.hint.empty() ? error.message : fmt::format("{}. {}", error.message, error.hint));
}

[[noreturn]] void raise_system(std::string_view doing, const std::string& file) {
  const DbCode code = errno == ENOSPC ? DbCode::full : DbCode::other;
  throw DatabaseError(code, "", fmt::format("{} '{}': {}", doing, file, std::strerror(errno)));
}

class Descriptor {
 public:
  Descriptor(const std::string& file, int flags)
      : file_(file), number_(::open(file.c_str(), flags | O_CLOEXEC)) {
    if (number_ < 0) raise_system("cannot open", file_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(number_); }

  void sync() const {
    if (::fsync(number_) != 0) raise_system("cannot write", file_);
  }
  /// Until this object goes; whoever else wants it waits, in this process and others.
  void lock() const {
    while (::flock(number_, LOCK_EX) != 0) {
      if (errno != EINTR) raise_system("cannot lock", file_);
    }
  }

 private:
  std::string file_;
  int number_;
};

/// One transaction on a file that others may be writing to.
void transact(Connection& connection, const std::string& script) {
  for (int attempt = 0;; ++attempt) {
    try {
      connection.execute("BEGIN IMMEDIATE");
      connection.execute(script.c_str());
      connection.execute("COMMIT");
      return;
    } catch (...) {
      const auto error = std::current_exception();
      if (connection.in_transaction()) connection.execute("ROLLBACK");
      if (!is_busy(error) || attempt + 1 == kAttempts) std::rethrow_exception(error);
    }
    pause_with_jitter(attempt);
  }
}

std::vector<std::string> columns_of(Connection& connection, const std::string& table) {
  std::vector<std::string> columns;
  for (const auto& row : connection.query("SELECT name FROM pragma_table_info($1)", {table}))
    columns.push_back(row[0]);
  return columns;
}

/// An expression: the values of these columns as one text, "'a',1,NULL".
std::string literals(const std::vector<std::string>& columns) {
  std::vector<std::string> quoted;
  for (const std::string& column : columns) quoted.push_back(fmt::format("quote({})", column));
  return fmt::format("{}", fmt::join(quoted, " || ',' || "));
}

std::string pin(ServerId server) {
  return fmt::format("file_server INTEGER GENERATED ALWAYS AS ({0}) VIRTUAL CHECK ({1} = {0})", server.str(),
                     kTenantColumn);
}

/// Every table with the tenant column refuses any other server, whichever program writes: also tables
/// that a migration has just made, or made anew.
void pin_tables(SchemaSession& session, ServerId server) {
  const std::string wanted = pin(server);
  const auto tables = session.query(
      "SELECT m.name, m.sql FROM sqlite_schema m WHERE m.type = 'table' AND m.name <> 'server_marker' "
      "AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = $1) ORDER BY m.name",
      {std::string(kTenantColumn)});
  const auto is_pinned = [&](const auto& table) { return table[1].find(wanted) != std::string::npos; };
  if (mutated(Mutation::pins_off) || std::ranges::all_of(tables, is_pinned)) return;
  const bool is_within = session.in_transaction();
  if (!is_within) session.begin();
  for (const auto& table : tables) {
    if (!is_pinned(table)) session.execute(fmt::format("ALTER TABLE \"{}\" ADD COLUMN {}", table[0], wanted));
  }
  if (!is_within) session.execute("COMMIT");
}

void write_marker(SchemaSession& session, ServerId server) {
  session.execute(
      fmt::format("CREATE TABLE server_marker ({1} INTEGER PRIMARY KEY NOT NULL CHECK ({1} = {0})) STRICT; "
                  "INSERT INTO server_marker VALUES ({0})",
                  server.str(), kTenantColumn));
}

[[noreturn]] void raise_foreign(const std::string& file, ServerId server, const std::string& owner) {
  raise({ErrorCode::refused_by_guard,
         fmt::format("database file '{}' bears the name of server {} and is marked as that of server {}",
                     file, server.str(), owner),
         "Give it its own name back, and put the right file in its place"});
}

[[noreturn]] void raise_unmarked(const std::string& file) {
  raise({ErrorCode::refused_by_guard,
         fmt::format("database file '{}' has no marker: it is not the file of a server", file),
         "Put the right file in its place"});
}

[[noreturn]] void raise_vanished(const std::string& file, ServerId server) {
  raise({ErrorCode::storage, fmt::format("database file '{}' is gone", file),
         fmt::format("Put it back, from a backup if need be. `guildhall server begin-anew {}` gives up what "
                     "was in it",
                     server.str())});
}

/// `Session` queries: a SchemaSession or a Connection.
template <class Session>
bool has_marker(Session& session) {
  return !session.query("SELECT name FROM sqlite_schema WHERE name = 'server_marker'").empty();
}

template <class Session>
void compare_marker(Session& session, const std::string& file, ServerId server) {
  if (!has_marker(session)) raise_unmarked(file);
  if (mutated(Mutation::marker_unread)) return;
  const auto marker = session.query(fmt::format("SELECT {} FROM server_marker", kTenantColumn));
  if (marker.size() != 1) raise_unmarked(file);
  if (marker[0][0] != server.str()) raise_foreign(file, server, marker[0][0]);
}

}  // namespace

std::string directory_file(const std::string& folder) { return (fs::path(folder) / "directory.db").string(); }

std::string server_file(const std::string& folder, ServerId server) {
  const std::string name = mutated(Mutation::file_shared) ? "all" : server.str();
  return (fs::path(folder) / "servers" / (name + ".db")).string();
}

CopiedTables::CopiedTables(const std::string& file, const TableHomes& homes) {
  Connection connection(file, Role::schema);
  for (const auto& [name, home] : homes) {
    if (home != TableHome::copied) continue;
    auto columns = columns_of(connection, name);
    if (name == kServers) {
      std::erase(columns, "revision");
      std::erase(columns, kTenantColumn);  // never written: every table of the file refers to it
      server_columns_ = fmt::format("{}", fmt::join(columns, ", "));
      server_select_ = fmt::format("SELECT {}, revision FROM servers WHERE {} = CAST($1 AS INTEGER)",
                                   literals(columns), kTenantColumn);
      continue;
    }
    const std::string rows = literals(columns);
    shared_.push_back({name, fmt::format("{}", fmt::join(columns, ", ")),
                       fmt::format("SELECT '(' || {} || ')' FROM {} ORDER BY 1", rows, name)});
  }
}

std::optional<Copy> CopiedTables::read(Connection& connection, ServerId server) const {
  const auto own = connection.query(server_select_, {server.str()});
  if (own.empty()) return std::nullopt;
  Copy copy{own[0][0], std::stoll(own[0][1]), {}};
  for (const Shared& table : shared_) {
    std::string rows;
    for (const auto& row : connection.query(table.select)) rows += (rows.empty() ? "" : ",") + row[0];
    copy.shared.push_back(std::move(rows));
  }
  return copy;
}

std::string CopiedTables::refill(const Copy& directory) const {
  std::string script;
  for (std::size_t i = 0; i < shared_.size(); ++i) {
    script += fmt::format("DELETE FROM {};", shared_[i].name);
    if (!directory.shared[i].empty())
      script += fmt::format("INSERT INTO {} ({}) VALUES {};", shared_[i].name, shared_[i].columns,
                            directory.shared[i]);
  }
  return script;
}

std::string CopiedTables::first(ServerId server, const Copy& directory) const {
  return refill(directory) + fmt::format("INSERT INTO servers ({}, revision, {}) VALUES ({}, {}, {})",
                                         kTenantColumn, server_columns_, server.str(), directory.revision,
                                         directory.server);
}

void CopiedTables::take_over(Connection& file, ServerId server, const Copy& directory) const {
  transact(file, refill(directory) +
                     fmt::format("UPDATE servers SET ({}) = ({}), revision = max(revision, {}) WHERE {} = {}",
                                 server_columns_, directory.server, directory.revision, kTenantColumn,
                                 server.str()));
}

Directory::Directory(const std::string& file, const CopiedTables& copied)
    : file_(file), copied_(copied), connection_(file, Role::reader) {}

std::int64_t Directory::version() {
  // Cheap, and it moves with every commit; the version itself moves only with those that matter here.
  const std::int64_t seen = connection_.data_version();
  if (std::exchange(seen_, seen) == seen) return version_;
  const auto rows = connection_.query("SELECT value FROM process_state WHERE key = 'copied.version'");
  version_ = rows.empty() ? 0 : std::stoll(rows[0][0]);
  return version_;
}

bool Directory::knows(ServerId server) { return copied_.read(connection_, server).has_value(); }

/// A server that was erased and came anew is another one: it joined at another moment.
bool Directory::has_file(ServerId server) {
  return !connection_
              .query(
                  "SELECT 1 FROM server_files f JOIN servers s ON s.discord_server_id = f.server "
                  "AND s.joined_at = f.joined_at WHERE f.server = CAST($1 AS INTEGER)",
                  {server.str()})
              .empty();
}

void Directory::forget_file(ServerId server) {
  Connection writer(file_, Role::writer);
  transact(writer, fmt::format("DELETE FROM server_files WHERE server = {}", server.str()));
}

Copy Directory::copy_of(ServerId server) {
  auto copy = copied_.read(connection_, server);
  if (copy) return *std::move(copy);
  raise({ErrorCode::not_found, fmt::format("there is no server {} in '{}'", server.str(), file_),
         "`guildhall server list` shows the servers"});
}

void make_file_register(const std::string& directory_file) {
  Connection(directory_file, Role::schema)
      .execute(
          "CREATE TABLE IF NOT EXISTS server_files (server INTEGER PRIMARY KEY NOT NULL, "
          "joined_at INTEGER NOT NULL) STRICT");
}

void note_file(Connection& directory, ServerId server) {
  directory.query(
      fmt::format(
          "INSERT OR REPLACE INTO server_files (server, joined_at) SELECT {0}, joined_at FROM servers "
          "WHERE {0} = CAST($1 AS INTEGER)",
          kTenantColumn),
      {server.str()});
}

void raise_version(Connection& directory) {
  directory.execute(
      "INSERT INTO process_state (key, value) VALUES ('copied.version', '1') "
      "ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)");
}

bool ServerFiles::exists(ServerId server) const {
  std::error_code ignored;
  return fs::exists(file(server), ignored);
}

bool ServerFiles::make_ready(ServerId server, Directory& directory) {
  const Copy copy = directory.copy_of(server);
  {
    const std::scoped_lock lock(mutex_);
    if (ready_.contains(server) && exists(server)) return false;
  }
  if (exists(server)) {
    check(server);
  } else {
    create(server, copy, directory);
  }
  const bool is_news = !directory.has_file(server);
  const std::scoped_lock lock(mutex_);
  ready_.insert(server);
  return is_news;
}

void ServerFiles::distrust(ServerId server) {
  const std::scoped_lock lock(mutex_);
  ready_.erase(server);
}

void ServerFiles::remove(ServerId server, Directory& directory) {
  if (directory.knows(server))
    throw DatabaseError(DbCode::other, "", fmt::format("server {} is not erased", server.str()));
  distrust(server);
  directory.forget_file(server);
  std::error_code ignored;
  if (!mutated(Mutation::file_shared))
    for (const char* end : {"-wal", "-shm", ""}) fs::remove(file(server) + end, ignored);
  ++removals_;
}

/// Whoever comes second, in this process or another, finds the file made.
void ServerFiles::create(ServerId server, const Copy& copy, Directory& directory) {
  const std::string file = this->file(server);
  const Descriptor folder(fs::path(file).parent_path().string(), O_RDONLY | O_DIRECTORY);
  folder.lock();
  if (exists(server)) return check(server);
  if (directory.has_file(server)) raise_vanished(file, server);
  // What a crash left half made is made anew.
  const std::string half = file + ".new";
  const auto clear = [&half] {
    for (const char* end : {"", "-wal", "-shm", "-journal"}) fs::remove(half + end);
  };
  clear();
  try {
    build(half, server, copy);
  } catch (...) {
    clear();
    throw;
  }
  Descriptor(half, O_RDWR).sync();
  if (std::rename(half.c_str(), file.c_str()) != 0) raise_system("cannot make", file);
  folder.sync();
}

void ServerFiles::build(const std::string& file, ServerId server, const Copy& copy) {
  {
    auto session = open_schema_session(file);
    if (!session) raise(session.error());
    (*session)->execute("PRAGMA synchronous=OFF");  // nobody knows the file before it is synced as a whole
    write_marker(**session, server);
    if (auto prepared = prepare_(**session); !prepared) raise(prepared.error());
    pin_tables(**session, server);
    (*session)->execute(copied_.first(server, copy));
  }
  // The last to close a file leaves its log empty. If it could not, the file alone is not whole.
  if (fs::exists(file + "-wal"))
    throw DatabaseError(DbCode::full, "", fmt::format("cannot write '{}'", file));
}

void ServerFiles::check(ServerId server) {
  const std::string file = this->file(server);
  auto session = open_schema_session(file);
  if (!session) raise(session.error());
  compare_marker(**session, file, server);
  if (auto prepared = prepare_(**session); !prepared) raise(prepared.error());
  pin_tables(**session, server);
}

void check_marker(Connection& connection, const std::string& file, ServerId server) {
  compare_marker(connection, file, server);
}

Result<HandleLimits> HandleLimits::fit(std::size_t wanted, std::size_t permitted, std::size_t writers,
                                       std::size_t readers) {
  // A reader's share is a quarter of a writer's: what it reads was mostly written a moment ago.
  const auto handles = [&](std::size_t files) {
    const std::size_t per_writer = std::max<std::size_t>(files / writers, 1);
    const std::size_t per_reader = std::max<std::size_t>(per_writer / 4, 1);
    return HandleLimits{
        per_writer, per_reader,
        kOtherDescriptors + kDescriptorsPerHandle * (writers * per_writer + readers * per_reader)};
  };
  std::size_t files = wanted == 0 ? kMostFiles : wanted;
  const std::size_t fewest = std::min(files, kFewestFiles);
  while (files > fewest && handles(files).descriptors > permitted) files -= writers;
  const HandleLimits limits = handles(std::max(files, fewest));
  if (limits.descriptors <= permitted) return limits;
  return fail(ErrorCode::configuration,
              fmt::format("a SQLite file per server needs {} open files, and this process may have {}",
                          limits.descriptors, permitted),
              "Raise the limit: `ulimit -n 8192`, or LimitNOFILE=8192 in the systemd unit.");
}

Result<HandleLimits> HandleLimits::of_process(std::size_t wanted, std::size_t writers, std::size_t readers) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fail(ErrorCode::configuration, "the limit on open files cannot be read");
  const auto limits = fit(wanted, limit.rlim_max, writers, readers);
  if (!limits || limits->descriptors <= limit.rlim_cur) return limits;
  limit.rlim_cur = limits->descriptors;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fail(ErrorCode::configuration, "the limit on open files cannot be raised");
  return limits;
}

}  // namespace guildhall::store::sqlite

namespace guildhall::store {

Result<void> make_server_file(const DatabasePlace& place, const TableHomes& homes, const FileOptions& options,
                              ServerId server) {
  const std::string directory_file = sqlite::directory_file(place.path);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(place.path) / "servers", error);
  try {
    sqlite::make_file_register(directory_file);
    const sqlite::CopiedTables copied(directory_file, homes);
    sqlite::Directory directory(directory_file, copied);
    if (sqlite::ServerFiles(place.path, options.prepare, copied).make_ready(server, directory)) {
      sqlite::Connection writer(directory_file, sqlite::Role::writer);
      sqlite::note_file(writer, server);
    }
    return {};
  } catch (const DatabaseError& failure) {
    return std::unexpected(
        failure_of(fmt::format("database file '{}'", sqlite::server_file(place.path, server)), failure));
  }
}

Result<void> give_up_server_file(const DatabasePlace& place, const TableHomes& homes, ServerId server) {
  const std::string file = sqlite::server_file(place.path, server);
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored))
    return fail(ErrorCode::usage, fmt::format("the file of server {} is there: '{}'", server.str(), file),
                "Move it away first, if what is in it is to be given up.");
  try {
    const std::string directory_file = sqlite::directory_file(place.path);
    sqlite::make_file_register(directory_file);
    const sqlite::CopiedTables copied(directory_file, homes);
    sqlite::Directory(directory_file, copied).forget_file(server);
    return {};
  } catch (const DatabaseError& failure) {
    return std::unexpected(failure_of(fmt::format("database file '{}'", file), failure));
  }
}

void pin_server_file(SchemaSession& file) {
  if (!sqlite::has_marker(file)) return;
  const auto marker = file.query(fmt::format("SELECT {} FROM server_marker", kTenantColumn));
  if (marker.size() == 1) sqlite::pin_tables(file, *ServerId::parse(marker[0][0]));
}

std::string directory_beside(const std::string& server_file) {
  const std::filesystem::path folder = std::filesystem::path(server_file).parent_path().parent_path();
  return sqlite::directory_file(folder.string());
}

std::vector<ServerId> vanished_files(SchemaSession& directory, const DatabasePlace& place) {
  std::vector<ServerId> vanished;
  if (directory.query("SELECT 1 FROM sqlite_schema WHERE name = 'server_files'").empty()) return vanished;
  for (const auto& row : directory.query("SELECT s.discord_server_id FROM servers s JOIN server_files f ON "
                                         "f.server = s.discord_server_id AND f.joined_at = s.joined_at "
                                         "ORDER BY s.discord_server_id")) {
    const ServerId server = *ServerId::parse(row[0]);
    std::error_code ignored;
    if (!std::filesystem::exists(sqlite::server_file(place.path, server), ignored))
      vanished.push_back(server);
  }
  return vanished;
}

}  // namespace guildhall::store
