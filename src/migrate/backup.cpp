#include "migrate/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "migrate/dump_reader.h"
#include "migrate/pooled_session.h"
#include "store/place.h"
#include "store/postgres/address.h"
#include "store/sqlite/whole_file.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using store::DatabaseError;
using store::DbCode;
using store::SchemaSession;

constexpr std::string_view kSqliteHead{"SQLite format 3\0", 16};
constexpr std::size_t kShownRights = 5;
/// For whoever changes a table while pg_dump wants to read it.
constexpr std::string_view kLockWait = "--lock-wait-timeout=60000";
/// Scratch and reading sessions work as long as it takes.
constexpr std::string_view kNoTimeout = "-cstatement_timeout=0";

Error stopped() { return {ErrorCode::unavailable, "it was ended before it was done"}; }

/// A file in memory, as far as it is looked at.
class MappedFile {
 public:
  explicit MappedFile(const fs::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    const off_t end = ::lseek(descriptor, 0, SEEK_END);
    if (end > 0) {
      size_ = static_cast<std::size_t>(end);
      memory_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    ::close(descriptor);
  }
  ~MappedFile() {
    if (has_memory()) ::munmap(memory_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view text() const {
    return has_memory() ? std::string_view(static_cast<const char*>(memory_), size_) : std::string_view();
  }

 private:
  bool has_memory() const { return memory_ != nullptr && memory_ != MAP_FAILED; }

  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

Result<std::string> sum_of(const fs::path& file, std::uintmax_t size, const Reporting& reporting) {
  std::atomic<std::uintmax_t> done = 0;
  const Step step(reporting, "reading the backup", [&] { return Step::Amount{done.load(), size}; });
  return sha256_of_file(file, [&](std::uintmax_t read) {
    done = read;
    return !reporting.stop.stop_requested();
  });
}

Result<void> check_end(const fs::path& file, const fs::path& shown, Dialect dialect) {
  const MappedFile content(file);
  if (dialect == Dialect::sqlite ? content.text().starts_with(kSqliteHead) : has_trailer(content.text()))
    return {};
  return fail(
      ErrorCode::invalid,
      dialect == Dialect::sqlite
          ? fmt::format("'{}' is no SQLite database", shown.string())
          : fmt::format("'{}' is no dump that pg_dump finished: its last line is missing", shown.string()),
      "Restore another backup.");
}

/// One without all rows says nothing of the size of one with them.
bool is_whole(const BackupFile& backup) {
  const auto record = load_record(backup.path);
  return record && record->is_whole();
}

/// The rules of the work that both databases have in common.
class Work {
 public:
  explicit Work(const BackupOptions& options) : options_(options) {}
  virtual ~Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 protected:
  Result<PartialBackup> begin_file(Dialect dialect, const std::string& database) {
    const auto wait = [this](Duration time) {
      if (options_.wait) return options_.wait(time);
      std::this_thread::sleep_for(options_.clock->real(time));
    };
    return PartialBackup::begin(options_.folder, database, dialect, *options_.clock, wait);
  }

  BackupRecord begin_record(const std::string& database, const PartialBackup& backup) const {
    BackupRecord record;
    record.database = database;
    record.taken_at = backup.name().at;
    record.run_token = options_.run_token;
    return record;
  }

  Result<void> add_sum(BackupRecord& record, const PartialBackup& backup) const {
    std::error_code error;
    record.size = fs::file_size(backup.partial(), error);
    auto sum = sum_of(backup.partial(), record.size, options_.reporting);
    if (!sum) return std::unexpected(sum.error());
    record.sha256 = *std::move(sum);
    return {};
  }

  Proof proof_for(std::uintmax_t size) const {
    if (options_.coverage == Coverage::schema_and_touched)
      return options_.proof == Proof::whole ? Proof::whole : Proof::read;
    if (options_.proof != Proof::by_size) return options_.proof;
    return size <= kLargestRestored ? Proof::restored : Proof::read;
  }

  std::string fingerprint_of(SchemaSession& session) const {
    if (!options_.fingerprint) return "";
    const Step step(options_.reporting, "reading the schema", {}, session.canceller());
    return options_.fingerprint(session);
  }

  /// Proved or not at all: then nothing of it stays.
  Result<Backup> finish(PartialBackup& backup, BackupRecord record, Proof proof) {
    record.verified = static_cast<int>(proof);
    if (options_.reporting.stop.stop_requested()) return std::unexpected(stopped());
    if (auto published = backup.publish(record); !published) return std::unexpected(published.error());
    return Backup{backup.file(), std::move(record)};
  }

  const BackupOptions& options_;
};

/// Loads it into a database of its own and compares.
Result<void> restore_to_prove(const fs::path& file, const BackupRecord& record, SchemaSession& like,
                              const BackupOptions& options) {
  const auto psql = find_psql(record, options.programs);
  if (!psql) return std::unexpected(psql.error());
  const std::string& url = options.scratch_url.empty() ? options.url : options.scratch_url;
  const auto scratch = ScratchDatabase::make(url, like, options.clock->now());
  if (!scratch) return std::unexpected(scratch.error());
  {
    const Step step(options.reporting, "restoring the backup to prove it");
    if (auto loaded = load_sql(*psql, url, scratch->name(), file, options.reporting.stop); !loaded)
      return loaded;
  }
  const auto address = store::address_of_database(url, scratch->name());
  if (!address) return std::unexpected(address.error());
  auto copy = store::open_any_session({.url = *address, .settings = std::string(kNoTimeout)});
  if (!copy) return std::unexpected(copy.error());
  begin_reading(**copy, options.reader);
  return compare_copy(**copy, Dialect::postgres, record, options);
}

Result<void> prove_dump(const fs::path& file, const BackupRecord& record, Proof proof, SchemaSession& like,
                        const BackupOptions& options) {
  if (proof >= Proof::read) {
    const Step step(options.reporting, "reading the backup");
    if (auto read = read_backup(file, record); !read) return read;
  }
  return proof >= Proof::restored ? restore_to_prove(file, record, like, options) : Result<void>{};
}

/// Proof failed: what that means for whoever waits for the backup.
Error as_proof_error(Error error, const fs::path& shown) {
  if (error.code == ErrorCode::unavailable || error.code == ErrorCode::too_large) return error;
  error.message = fmt::format("the backup '{}' is not proved: {}", shown.string(), error.message);
  if (error.code == ErrorCode::storage || error.code == ErrorCode::usage) error.code = ErrorCode::failed;
  return error;
}

class PostgresWork final : public Work {
 public:
  using Work::Work;

  Result<Backup> take() {
    auto opened = open_direct_session(options_.url);
    if (!opened) return std::unexpected(opened.error());
    session_ = *std::move(opened);
    try {
      if (auto ready = get_ready(); !ready) return std::unexpected(ready.error());
      auto backup = begin_file(Dialect::postgres, database_);
      if (!backup) return std::unexpected(backup.error());
      return take_into(*backup);
    } catch (const DatabaseError& error) {
      return std::unexpected(backup_error(error, options_.reporting));
    }
  }

 private:
  Result<void> get_ready() {
    const auto row =
        session_->query("SELECT current_database(), current_setting('server_version_num')").at(0);
    database_ = row[0];
    server_ = server_version(std::stoi(row[1]));
    const auto found =
        find_program("pg_dump", server_, options_.programs.empty() ? program_folders() : options_.programs);
    if (!found) return std::unexpected(found.error());
    pg_dump_ = *found;
    if (auto known = resolve_touched(); !known) return known;
    // Who holds a table is not waited for longer than pg_dump would.
    session_->execute("SET lock_timeout = '60s'");
    const auto [sql, values] = size_to_back_up(Dialect::postgres, options_);
    return check_backup_space(options_, database_, std::stoull(session_->query(sql, values).at(0).at(0)),
                              share_of_database(Dialect::postgres));
  }

  /// Also the partitions and the children of a table that is touched.
  Result<void> resolve_touched() {
    for (const std::string& table : options_.touched) {
      const auto rows = session_->query(
          "WITH RECURSIVE t(oid) AS (SELECT to_regclass($1)::oid UNION SELECT i.inhrelid FROM pg_inherits i "
          "JOIN t ON i.inhparent = t.oid) SELECT format('%I.%I', n.nspname, c.relname) FROM t JOIN pg_class "
          "c "
          "ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace",
          {table});
      if (rows.empty())
        return fail(ErrorCode::usage, fmt::format("there is no table {} in '{}'", table, session_->name()));
      for (const auto& row : rows) touched_.insert(row.at(0));
    }
    return {};
  }

  Result<Backup> take_into(PartialBackup& backup) {
    begin_reading(*session_, options_.reader);
    const std::string snapshot = session_->query("SELECT pg_export_snapshot()").at(0).at(0);
    BackupRecord record = begin_record(database_, backup);
    record.server_version = server_.text();
    record.dump_version = pg_dump_.version.text();
    if (auto dumped = dump(backup, snapshot); !dumped) return std::unexpected(dumped.error());
    record.tables = count_rows(*session_, Dialect::postgres, options_.reporting);
    for (TableRows& table : record.tables) table.has_data = is_dumped(table.table);
    record.fingerprint = fingerprint_of(*session_);
    record.journal_head = Journal(*session_, Dialect::postgres).head();
    session_->execute("COMMIT");
    if (auto synced = backup.sync(); !synced) return std::unexpected(synced.error());
    if (auto summed = add_sum(record, backup); !summed) return std::unexpected(summed.error());
    const Proof proof = proof_for(record.size);
    auto proved = check_end(backup.partial(), backup.file(), Dialect::postgres);
    if (proved) proved = prove_dump(backup.partial(), record, proof, *session_, options_);
    if (!proved) return std::unexpected(as_proof_error(proved.error(), backup.file()));
    return finish(backup, std::move(record), proof);
  }

  bool is_dumped(const std::string& table) const {
    return options_.coverage == Coverage::whole || touched_.contains(table);
  }

  std::vector<std::string> arguments(const std::string& snapshot) {
    std::vector<std::string> arguments{pg_dump_.path.string(), "--format=plain", "--no-password",
                                       std::string(kLockWait), "--snapshot=" + snapshot};
    if (!options_.reader.role.empty()) arguments.push_back("--role=" + options_.reader.role);
    if (options_.reader.sees_all_by_policy) arguments.emplace_back("--enable-row-security");
    if (options_.coverage == Coverage::schema_and_touched) {
      const auto rows = session_->query(
          "SELECT format('%I.%I', n.nspname, c.relname), n.nspname, c.relname FROM pg_class c JOIN "
          "pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND n.nspname <> "
          "'information_schema' AND n.nspname NOT LIKE 'pg\\_%'");
      for (const auto& row : rows) {
        if (!touched_.contains(row[0]))
          arguments.push_back(fmt::format("--exclude-table-data={}.{}", tenancy::quoted_name(row[1]),
                                          tenancy::quoted_name(row[2])));
      }
    }
    return arguments;
  }

  Result<void> dump(const PartialBackup& backup, const std::string& snapshot) {
    const auto environment = program_environment(options_.url);
    if (!environment) return std::unexpected(environment.error());
    const fs::path file = backup.partial();
    const Step step(options_.reporting, "dumping", [&] {
      std::error_code ignored;
      return Step::Amount{fs::file_size(file, ignored), 0};
    });
    const auto end =
        run_child({arguments(snapshot), *environment, backup.descriptor()}, options_.reporting.stop);
    if (!end) return std::unexpected(end.error());
    if (end->succeeded()) return {};
    return std::unexpected(dump_error(*end, file));
  }

  Error dump_error(const ChildEnd& end, const fs::path& file) {
    if (end.ended_by_us) return stopped();
    if (speaks_of_full_disk(end)) {
      std::error_code ignored;
      return {
          ErrorCode::too_large,
          fmt::format("the disk of '{}' was full when {} of the backup were written: {}",
                      options_.folder.string(), shown_bytes(fs::file_size(file, ignored)), own_words(end)),
          "Free some space, or name another folder. Nothing of the backup was kept."};
    }
    const auto rights = missing_rights(*session_);
    if (rights.empty()) return {ErrorCode::failed, fmt::format("pg_dump failed: {}", own_words(end))};
    const std::size_t shown = std::min(rights.size(), kShownRights);
    return {ErrorCode::failed,
            fmt::format("the role lacks a permission that a backup needs. pg_dump says: {}", own_words(end)),
            fmt::format("As an administrator: {}{}; or take the backup with the login that owns the tables.",
                        fmt::join(std::span(rights).first(shown), "; "),
                        rights.size() > shown ? fmt::format("; and {} more", rights.size() - shown) : "")};
  }

  std::unique_ptr<SchemaSession> session_;
  std::string database_;
  ProgramVersion server_;
  Program pg_dump_;
  std::set<std::string> touched_;  // as `TableRows` names them
};

Result<std::unique_ptr<SchemaSession>> open_sqlite(const fs::path& file) {
  store::DatabasePlace place;
  place.layout = store::Layout::sqlite;
  place.path = file.string();
  return store::open_reading_session(place);
}

Result<void> prove_copy(const fs::path& file, const BackupRecord& record, const BackupOptions& options) {
  auto copy = open_sqlite(file);
  if (!copy) return std::unexpected(copy.error());
  return compare_copy(**copy, Dialect::sqlite, record, options);
}

class SqliteWork final : public Work {
 public:
  using Work::Work;

  Result<Backup> take(const fs::path& file) {
    auto session = open_sqlite(file);
    if (!session) return std::unexpected(session.error());
    const std::string database = file.stem().string();
    try {
      const auto rows = (*session)->query(size_to_back_up(Dialect::sqlite, options_).sql);
      const auto size = std::stoull(rows.at(0).at(0));
      if (auto fits = check_backup_space(options_, database, size, share_of_database(Dialect::sqlite)); !fits)
        return std::unexpected(fits.error());
      auto backup = begin_file(Dialect::sqlite, database);
      if (!backup) return std::unexpected(backup.error());
      return take_into(*backup, **session, database);
    } catch (const DatabaseError& error) {
      return std::unexpected(backup_error(error, options_.reporting));
    }
  }

 private:
  Result<Backup> take_into(PartialBackup& backup, SchemaSession& session, const std::string& database) {
    BackupRecord record = begin_record(database, backup);
    record.server_version = session.query("SELECT sqlite_version()").at(0).at(0);
    if (!copy(session, backup.partial())) return std::unexpected(stopped());
    record.tables = count_rows(session, Dialect::sqlite, options_.reporting);
    record.fingerprint = fingerprint_of(session);
    record.journal_head = Journal(session, Dialect::sqlite).head();
    if (auto synced = backup.sync(); !synced) return std::unexpected(synced.error());
    if (auto summed = add_sum(record, backup); !summed) return std::unexpected(summed.error());
    const Proof proof = proof_for(record.size);
    auto proved = check_end(backup.partial(), backup.file(), Dialect::sqlite);
    if (proved && proof >= Proof::read) proved = prove_copy(backup.partial(), record, options_);
    if (!proved) return std::unexpected(as_proof_error(proved.error(), backup.file()));
    return finish(backup, std::move(record), proof);
  }

  bool copy(SchemaSession& session, const fs::path& file) {
    std::atomic<std::uintmax_t> done = 0;
    std::atomic<std::uintmax_t> pages = 0;
    const Step step(options_.reporting, "copying", [&] { return Step::Amount{done.load(), pages.load()}; });
    return store::copy_sqlite(session, file.string(), [&](std::int64_t copied, std::int64_t all) {
      done = static_cast<std::uintmax_t>(copied);
      pages = static_cast<std::uintmax_t>(all);
      return !options_.reporting.stop.stop_requested();
    });
  }
};

Result<Backup> take_external(const BackupOptions& options, const store::DatabasePlace& place) {
  if (options.external.empty())
    return fail(ErrorCode::usage, "the program that takes the backup is not named",
                "Name it: --backup=external COMMAND");
  Environment environment = own_environment();
  if (place.layout == store::Layout::sqlite) {
    environment["GUILDHALL_BACKUP_FILE"] = fs::absolute(place.path).string();
  } else {
    auto of_address = program_environment(options.url);
    if (!of_address) return std::unexpected(of_address.error());
    environment = *std::move(of_address);
  }
  const Step step(options.reporting, "backup by " + options.external.front());
  const auto end = run_child({options.external, std::move(environment)}, options.reporting.stop);
  if (!end) return std::unexpected(end.error());
  if (end->ended_by_us) return std::unexpected(stopped());
  if (!end->succeeded()) {
    return fail(speaks_of_full_disk(*end) ? ErrorCode::too_large : ErrorCode::failed,
                fmt::format("the program '{}' that takes the backup failed: {}", options.external.front(),
                            own_words(*end)));
  }
  auto database = database_of(options.url);
  if (!database) return std::unexpected(database.error());
  Backup backup;
  backup.record.database = *std::move(database);
  backup.record.taken_at = options.clock->now();
  backup.record.run_token = options.run_token;
  return backup;
}

Result<store::DatabasePlace> place_of(const std::string& url) {
  auto place = store::find_place(url, ".");
  if (place && place->layout != store::Layout::sqlite_per_server) return place;
  return fail(ErrorCode::usage, fmt::format("'{}' is neither sqlite:FILE nor postgres://USER@HOST/DATABASE",
                                            store::shown_url(url)));
}

}  // namespace

Fault fault_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::too_large: return Fault::no_space;
    case ErrorCode::forbidden: return Fault::permission;
    case ErrorCode::storage: return Fault::unreachable;
    case ErrorCode::conflict:
    case ErrorCode::refused_by_guard: return Fault::refused;
    case ErrorCode::usage: return Fault::usage;
    default: return Fault::failed;
  }
}

Error backup_error(const DatabaseError& error, const Reporting& reporting) {
  if (reporting.stop.stop_requested()) return stopped();
  switch (error.code()) {
    case DbCode::full:
      return {ErrorCode::too_large, fmt::format("the disk is full: {}", error.what()), "Free some space."};
    case DbCode::connection_lost:
    case DbCode::unreachable:
      return {ErrorCode::storage, fmt::format("the connection to the database was lost: {}", error.what()),
              "When it answers again, make the backup again."};
    default: return {ErrorCode::failed, fmt::format("the database refused: {}", error.what())};
  }
}

Result<std::string> database_of(const std::string& url) {
  const auto place = place_of(url);
  if (!place) return std::unexpected(place.error());
  if (place->layout == store::Layout::sqlite) return fs::path(place->path).stem().string();
  auto environment = program_environment(url);
  if (!environment) return std::unexpected(environment.error());
  // As libpq chooses.
  for (const char* name : {"PGDATABASE", "PGUSER"}) {
    if (!(*environment)[name].empty()) return (*environment)[name];
  }
  return fail(ErrorCode::usage, fmt::format("'{}' names no database", store::shown_url(url)));
}

Result<BackupRecord> check_backup(const fs::path& file, Dialect dialect, const Reporting& reporting) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (!fs::exists(status))
    return fail(ErrorCode::not_found, fmt::format("there is no backup '{}'", file.string()));
  if (!fs::is_regular_file(status))
    return fail(ErrorCode::invalid, fmt::format("'{}' is no file", file.string()), "Name one backup.");
  const std::uintmax_t size = fs::file_size(file, error);
  if (size == 0)
    return fail(ErrorCode::invalid, fmt::format("'{}' is empty", file.string()), "Restore another backup.");
  auto record = load_record(file);
  if (!record) return record;
  if (size != record->size) {
    return fail(ErrorCode::invalid,
                fmt::format("'{}' was {} after it was written: it has {} bytes, and {} were written down",
                            file.string(), size < record->size ? "cut" : "made longer", size, record->size),
                "Restore another backup.");
  }
  const auto sum = sum_of(file, size, reporting);
  if (!sum) return std::unexpected(sum.error());
  if (*sum != record->sha256) {
    return fail(
        ErrorCode::invalid,
        fmt::format("'{}' was altered after it was written: its SHA-256 is {}, and {} was written down",
                    file.string(), *sum, record->sha256),
        "Restore another backup.");
  }
  if (auto ends = check_end(file, file, dialect); !ends) return std::unexpected(ends.error());
  return record;
}

Result<void> read_backup(const fs::path& file, const BackupRecord& record) {
  const MappedFile content(file);
  const auto dump = read_dump(content.text());
  if (!dump) return std::unexpected(dump.error());
  for (const TableRows& table : record.tables) {
    const std::string key = table_key(table.table);
    if (!dump->tables.contains(key))
      return fail(ErrorCode::invalid, fmt::format("table {} is not in it", table.table));
    const auto rows = dump->rows.find(key);
    const std::int64_t found = rows == dump->rows.end() ? 0 : rows->second;
    if (found != (table.has_data ? table.rows : 0)) {
      return fail(ErrorCode::invalid,
                  fmt::format("it has {} rows of table {}, which has {}", found, table.table, table.rows));
    }
  }
  return {};
}

Result<void> compare_copy(SchemaSession& copy, Dialect dialect, const BackupRecord& record,
                          const BackupOptions& options) {
  try {
    if (dialect == Dialect::sqlite) {
      const Step step(options.reporting, "checking the copy", {}, copy.canceller());
      const auto findings = copy.query("PRAGMA integrity_check(1)");
      if (findings.empty() || findings[0][0] != "ok")
        return fail(ErrorCode::failed,
                    fmt::format("SQLite finds it damaged: {}", findings.empty() ? "?" : findings[0][0]));
    }
    const auto differs = difference(record.tables, count_rows(copy, dialect, options.reporting));
    if (!differs.empty())
      return fail(ErrorCode::failed, fmt::format("what comes of it is another database: {}", differs));
    if (!options.fingerprint || record.fingerprint.empty()) return {};
    const Step step(options.reporting, "reading the schema", {}, copy.canceller());
    const std::string fingerprint = options.fingerprint(copy);
    if (fingerprint != record.fingerprint) {
      return fail(ErrorCode::failed,
                  fmt::format("what comes of it has another schema: its fingerprint is {} and not {}",
                              fingerprint, record.fingerprint));
    }
    return {};
  } catch (const DatabaseError& error) {
    return std::unexpected(backup_error(error, options.reporting));
  }
}

Result<Program> find_psql(const BackupRecord& record, const std::vector<fs::path>& programs) {
  const ProgramVersion dumped = parse_program_version("(PostgreSQL) " + record.dump_version);
  auto psql = find_program("psql", dumped, programs.empty() ? program_folders() : programs);
  if (!psql || !knows_restrict(dumped) || knows_restrict(psql->version)) return psql;
  return fail(ErrorCode::failed,
              fmt::format("{} {} cannot load what pg_dump {} wrote: it does not know \\restrict",
                          psql->path.string(), psql->version.text(), record.dump_version),
              "Bring the client programs of PostgreSQL up to date.");
}

Question size_to_back_up(Dialect dialect, const BackupOptions& options) {
  if (dialect == Dialect::sqlite)
    return {"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", {}};
  if (options.coverage != Coverage::schema_and_touched)
    return {"SELECT pg_database_size(current_database())", {}};
  Question question{
      "SELECT coalesce(sum(pg_total_relation_size(relid)), 0) FROM (SELECT NULL::regclass AS relid", {}};
  for (const std::string& table : options.touched) {
    question.values.push_back(table);
    question.sql += fmt::format(
        " UNION SELECT to_regclass(${0}::text) UNION SELECT relid FROM "
        "pg_partition_tree(to_regclass(${0}::text))",
        question.values.size());
  }
  question.sql += ") AS tables";
  return question;
}

double share_of_database(Dialect dialect) { return dialect == Dialect::postgres ? 0.5 : 1.2; }

Result<BackupSpace> backup_space(const BackupOptions& options, const std::string& database,
                                 std::uintmax_t size, double share_of_database) {
  const auto backups = list_backups(options.folder, database);
  if (!backups) return std::unexpected(backups.error());
  if (!backups->empty() && options.coverage != Coverage::schema_and_touched && is_whole(backups->back())) {
    const std::uintmax_t last = backups->back().size;
    return BackupSpace{static_cast<std::uintmax_t>(static_cast<double>(last) * 1.2),
                       fmt::format("the last backup has {}", shown_bytes(last))};
  }
  return BackupSpace{static_cast<std::uintmax_t>(static_cast<double>(size) * share_of_database),
                     fmt::format("{} {}",
                                 options.coverage == Coverage::schema_and_touched ? "the touched tables have"
                                                                                  : "the database has",
                                 shown_bytes(size))};
}

Result<void> check_backup_space(const BackupOptions& options, const std::string& database,
                                std::uintmax_t size, double share_of_database) {
  const auto free = options.free_space(options.folder);
  if (!free) return std::unexpected(free.error());
  const auto needed = backup_space(options, database, size, share_of_database);
  if (!needed) return std::unexpected(needed.error());
  if (*free >= needed->bytes) return {};
  return fail(ErrorCode::too_large,
              fmt::format("a backup in '{}' needs about {} ({}), and {} are free", options.folder.string(),
                          shown_bytes(needed->bytes), needed->reckoned, shown_bytes(*free)),
              "Free some space, name another folder, or remove old backups (prune).");
}

Result<Backup> take_backup(const BackupOptions& options) {
  const auto place = place_of(options.url);
  if (!place) return std::unexpected(place.error());
  if (options.coverage == Coverage::external) return take_external(options, *place);
  if (place->layout == store::Layout::postgres) return PostgresWork(options).take();
  if (options.coverage == Coverage::schema_and_touched)
    return fail(ErrorCode::usage, "a SQLite database is copied whole: there is no backup of some tables");
  return SqliteWork(options).take(place->path);
}

Result<void> verify_backup(const fs::path& file, const BackupOptions& options) {
  const auto place = place_of(options.url);
  if (!place) return std::unexpected(place.error());
  const bool is_file = place->layout == store::Layout::sqlite;
  const auto record = check_backup(file, is_file ? Dialect::sqlite : Dialect::postgres, options.reporting);
  if (!record) return std::unexpected(record.error());
  Proof proof = options.proof;
  if (proof == Proof::by_size) proof = record->size <= kLargestRestored ? Proof::restored : Proof::read;
  if (!record->is_whole()) proof = std::min(proof, Proof::read);
  if (proof == Proof::whole) return {};
  Result<void> proved;
  if (is_file) {
    proved = prove_copy(file, *record, options);
  } else {
    auto like = store::open_any_session({.url = options.url, .settings = std::string(kNoTimeout)});
    if (!like) return std::unexpected(like.error());
    try {
      proved = prove_dump(file, *record, proof, **like, options);
    } catch (const DatabaseError& error) {
      proved = std::unexpected(backup_error(error, options.reporting));
    }
  }
  return proved ? proved : std::unexpected(as_proof_error(proved.error(), file));
}

}  // namespace guildhall::migrate
