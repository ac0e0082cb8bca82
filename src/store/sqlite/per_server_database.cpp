#include "store/sqlite/per_server_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "store/failure.h"
#include "store/sqlite/connection.h"

namespace guildhall::store {

using sqlite::Unit;

namespace sqlite {
namespace {

/// Of each thread, files that keep all that they have prepared and read.
constexpr std::size_t kWarm = 32;

[[noreturn]] void raise_named(const DatabaseError& error, const std::string& file) {
  if (error.code() != DbCode::corrupt)
    throw DatabaseError(error.code(), error.sqlstate(),
                        fmt::format("database file '{}': {}", file, error.what()));
  const Error damage = damage_of(file, error.what());
  throw DatabaseError(DbCode::server_unusable, error.sqlstate(),
                      fmt::format("{}. {}", damage.message, damage.hint));
}

}  // namespace

OpenFiles::OpenFiles(ServerFiles& files, const CopiedTables& copied, const std::string& directory, Role role,
                     std::size_t most, News news)
    : files_(files),
      copied_(copied),
      directory_(directory, copied),
      role_(role),
      most_(most),
      news_(std::move(news)) {}

Connection& OpenFiles::ready(ServerId server) {
  const std::int64_t version = directory_.version();
  File& file = opened(server);
  if (file.version != version) freshen(file);
  file.version = version;
  return *file.connection;
}

OpenFiles::File& OpenFiles::opened(ServerId server) {
  if (const auto found = places_.find(server); found != places_.end()) {
    if (found->second->removals != files_.removals()) {
      drop(server);
      return opened(server);
    }
    auto& from = std::exchange(found->second->rests, false) ? resting_ : warm_;
    warm_.splice(warm_.begin(), from, found->second);
    make_room();
    return warm_.front();
  }
  const std::uint64_t removals = files_.removals();
  if (files_.make_ready(server, directory_)) news_.made(server);
  const std::string file = files_.file(server);
  try {
    auto connection = std::make_unique<Connection>(file, role_, Share::one_of_many);
    check_marker(*connection, file, server);
    warm_.push_front({server, std::move(connection), removals});
  } catch (const DatabaseError& error) {
    files_.distrust(server);
    raise_named(error, file);
  }
  places_[server] = warm_.begin();
  make_room();
  return warm_.front();
}

void OpenFiles::make_room() {
  if (warm_.size() > std::min(kWarm, most_)) {
    warm_.back().connection->rest();
    warm_.back().rests = true;
    resting_.splice(resting_.begin(), warm_, std::prev(warm_.end()));
  }
  if (places_.size() > most_) {
    places_.erase(resting_.back().server);
    resting_.pop_back();
  }
  size_ = places_.size();
}

void OpenFiles::freshen(File& file) {
  const Copy wanted = directory_.copy_of(file.server);
  const std::string name = files_.file(file.server);
  try {
    const auto is = copied_.read(*file.connection, file.server);
    if (!is) throw DatabaseError(DbCode::corrupt, "", "its own row of `servers` is missing");
    if (is->revision > wanted.revision) news_.raised(file.server, is->revision);
    if (is->server == wanted.server && is->shared == wanted.shared && is->revision >= wanted.revision) return;
    if (role_ == Role::writer) return copied_.take_over(*file.connection, file.server, wanted);
    Connection writer(name, Role::writer, Share::one_of_many);
    copied_.take_over(writer, file.server, wanted);
  } catch (const DatabaseError& error) {
    raise_named(error, name);
  }
}

void OpenFiles::note_damage(ServerId server, std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const DatabaseError& failure) {
    if (failure.code() != DbCode::corrupt) return;
    try {
      raise_named(failure, files_.file(server));
    } catch (...) {
      error = std::current_exception();
    }
    drop(server);
  } catch (...) {  // not of the file
  }
}

void OpenFiles::remove(ServerId server) {
  drop(server);
  files_.remove(server, directory_);
}

void OpenFiles::drop(ServerId server) {
  files_.distrust(server);
  const auto found = places_.find(server);
  if (found == places_.end()) return;
  const auto is_it = [&](const File& file) { return file.server == server; };
  warm_.remove_if(is_it);
  resting_.remove_if(is_it);
  places_.erase(found);
  size_ = places_.size();
}

}  // namespace sqlite

namespace {

/// The revision of the server, when its directory is to be told.
std::optional<std::int64_t> revision_after(sqlite::Connection& file, const std::vector<Unit>& group) {
  const auto raised = [](const Unit& unit) { return !unit.error && unit.raised_revision; };
  if (std::ranges::none_of(group, raised)) return std::nullopt;
  try {
    return std::stoll(file.query("SELECT revision FROM servers").at(0).at(0));
  } catch (const DatabaseError& error) {  // the work is committed whatever this says
    log::warning("a server's revision cannot be read", {log::field("error", error.what())});
    return std::nullopt;
  }
}

/// Servers' rows beside the servers: somebody put another layout's file here.
Result<void> refuse_foreign_directory(const std::string& file, const TableHomes& homes) {
  sqlite::Connection connection(file, sqlite::Role::schema);
  if (!connection.query("SELECT name FROM sqlite_schema WHERE name = 'server_marker'").empty()) {
    return fail(ErrorCode::refused_by_guard,
                fmt::format("database file '{}' is the file of one server", file),
                "Put the right file in its place.");
  }
  for (const auto& [table, home] : homes) {
    if (home != TableHome::server) continue;
    if (connection.query(fmt::format("SELECT 1 FROM {} LIMIT 1", table)).empty()) continue;
    return fail(
        ErrorCode::refused_by_guard,
        fmt::format("database file '{}' holds rows of servers (table '{}'), which belong into files of "
                    "their own",
                    file, table),
        "Is it a database for all servers? Then give its place as sqlite:FILE.");
  }
  return {};
}

}  // namespace

/// Stands in its server's line like any work, behind what came before.
class PerServerDatabase::FileRemoval final : public Work {
 public:
  TxTask<void> start(TxDriver&) override { co_return; }
};

/// Work on the files of several servers, one after the other.
struct PerServerDatabase::RangeRun {
  WorkScope scope;
  Mode mode;
  Work* work;
  Completion done;
  std::vector<ServerId> servers = {};
  std::size_t next = 0;
};

Result<std::unique_ptr<Database>> PerServerDatabase::open(const DatabaseOptions& options) {
  if (!options.files.prepare) throw std::logic_error("a file per server, and nobody who prepares it");
  const auto limits = sqlite::HandleLimits::of_process(options.files.open_files, kWriters, kReaders);
  if (!limits) return std::unexpected(limits.error());
  const std::string directory = sqlite::directory_file(options.place.path);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(options.place.path) / "servers", error);
  try {
    if (auto refused = refuse_foreign_directory(directory, options.tables); !refused)
      return std::unexpected(refused.error());
    sqlite::make_file_register(directory);
    auto homes = sqlite::check_statements(directory, options);
    if (!homes) return std::unexpected(homes.error());
    return std::unique_ptr<Database>(new PerServerDatabase(options, *std::move(homes), *limits));
  } catch (const DatabaseError& failure) {
    return std::unexpected(failure_of(fmt::format("database '{}'", directory), failure));
  }
}

PerServerDatabase::PerServerDatabase(const DatabaseOptions& options, std::vector<sqlite::StatementHome> homes,
                                     sqlite::HandleLimits limits)
    : copied_(sqlite::directory_file(options.place.path), options.tables),
      files_(options.place.path, options.files.prepare, copied_),
      runner_(options, std::move(homes), sqlite::raise_version) {
  const std::string directory = sqlite::directory_file(options.place.path);
  const sqlite::OpenFiles::News news{
      [this](ServerId server) { tell_made(server); },
      [this](ServerId server, std::int64_t revision) { tell_revision(server, revision, {}); }};
  directory_ = std::make_unique<sqlite::Connection>(directory, sqlite::Role::writer);
  watch_.begin(directory_->data_version());
  for (Writer& writer : writers_) {
    writer.files = std::make_unique<sqlite::OpenFiles>(files_, copied_, directory, sqlite::Role::writer,
                                                       limits.per_writer, news);
  }
  for (auto& files : reading_) {
    files = std::make_unique<sqlite::OpenFiles>(files_, copied_, directory, sqlite::Role::reader,
                                                limits.per_reader, news);
  }
  if (options.metrics != nullptr) show(*options.metrics);
  for (Writer& writer : writers_) threads_.emplace_back([this, &writer] { write_loop(writer); });
  for (auto& files : reading_) threads_.emplace_back([this, &files] { read_loop(*files); });
}

void PerServerDatabase::show(Metrics& metrics) {
  sqlite::show_waiting(
      metrics, [this] { return waiting(); },
      [this] {
        std::size_t most = reads_.longest();
        for (const Writer& writer : writers_) most = std::max(most, writer.queue.longest());
        return most;
      });
  metrics.gauge("guildhall_db_open_files", "Handles on servers' files.", [this] {
    std::size_t open = 0;
    for (const Writer& writer : writers_) open += writer.files->size();
    for (const auto& files : reading_) open += files->size();
    return static_cast<double>(open);
  });
}

PerServerDatabase::~PerServerDatabase() {
  // Work goes from queue to queue, so they are closed when nothing is under way.
  std::unique_lock lock(mutex_);
  all_answered_.wait(lock, [this] { return unanswered_ == 0; });
  lock.unlock();
  reads_.close();
  for (Writer& writer : writers_) writer.queue.close();
  threads_.clear();
}

PerServerDatabase::Writer& PerServerDatabase::writer_of(ServerId server) {
  return server == ServerId{} ? writers_.front() : writers_[std::hash<ServerId>{}(server) % kWriters];
}

sqlite::UnitQueue& PerServerDatabase::queue_of(ServerId line, Mode mode) {
  return mode == Mode::read ? reads_ : writer_of(line).queue;
}

std::size_t PerServerDatabase::waiting() const {
  std::size_t waiting = 0;
  for (const Writer& writer : writers_) waiting += writer.queue.size();
  return waiting;
}

Task<void> PerServerDatabase::forget(Passkey key, ServerId server) {
  FileRemoval removal;
  co_await perform(key, {Access::server, server}, Mode::write, removal);
}

Task<bool> PerServerDatabase::changed_elsewhere(Passkey key) {
  sqlite::Passage passage;
  co_await perform(key, sqlite::kDirectoryScope, Mode::write, passage);
  co_return watch_.tell();
}

void PerServerDatabase::submit(WorkScope scope, Mode mode, Work& work, Completion done) {
  {
    const std::scoped_lock lock(mutex_);
    ++unanswered_;
  }
  auto counted = [this, done = std::move(done)](std::exception_ptr error) mutable {
    std::exchange(done, {})(error);
    one_less();
  };
  try {
    if (scope.range) {
      plan(std::make_shared<RangeRun>(scope, mode, &work, std::move(counted)));
    } else {
      Unit unit{scope, &work, std::move(counted)};
      unit.forgets_file = dynamic_cast<FileRemoval*>(&work) != nullptr;
      queue_of(scope.server, mode).push(std::move(unit));
    }
  } catch (...) {
    one_less();
    throw;
  }
}

void PerServerDatabase::one_less() {
  const std::scoped_lock lock(mutex_);
  if (--unanswered_ == 0) all_answered_.notify_all();
}

/// The servers are asked for when the work's turn has come, as in the other layouts.
void PerServerDatabase::plan(std::shared_ptr<RangeRun> run) {
  Unit unit{sqlite::kDirectoryScope};
  unit.chore = [this, run](sqlite::Connection& directory) {
    const auto rows = directory.query(
        "SELECT discord_server_id FROM servers WHERE discord_server_id BETWEEN CAST($1 AS INTEGER) AND "
        "CAST($2 AS INTEGER) ORDER BY discord_server_id",
        {run->scope.range->first.str(), run->scope.range->last.str()});
    for (const auto& row : rows) {
      const ServerId server = *ServerId::parse(row[0]);
      if (files_.exists(server)) run->servers.push_back(server);
    }
  };
  unit.done = [this, run](std::exception_ptr error) { error ? run->done(error) : step(run); };
  reads_.push(std::move(unit));
}

void PerServerDatabase::step(std::shared_ptr<RangeRun> run) {
  if (run->next == run->servers.size()) return run->done(nullptr);
  const ServerId server = run->servers[run->next++];
  Unit unit{run->scope, run->work};
  unit.line = server;
  unit.done = [this, run](std::exception_ptr error) { error ? run->done(error) : step(run); };
  try {
    queue_of(server, run->mode).push(std::move(unit));
  } catch (...) {
    run->done(std::current_exception());
  }
}

void PerServerDatabase::write_loop(Writer& writer) {
  for (auto group = writer.queue.take_of_one_line(sqlite::kLargestGroup); !group.empty();
       group = writer.queue.take_of_one_line(sqlite::kLargestGroup)) {
    if (group.front().line == ServerId{}) {
      write_directory(group);
    } else {
      write_file(*writer.files, group);
    }
  }
}

void PerServerDatabase::write_directory(std::vector<Unit>& group) {
  runner_.commit(*directory_, group);
  watch_.look(*directory_);
  for (Unit& unit : group) finish(unit);
}

void PerServerDatabase::write_file(sqlite::OpenFiles& files, std::vector<Unit>& group) {
  const ServerId server = group.front().line;
  std::optional<std::int64_t> revision;
  try {
    if (std::ranges::any_of(group, &Unit::forgets_file)) return remove_file(files, group);
    sqlite::Connection& file = files.ready(server);
    runner_.commit(file, group);
    revision = revision_after(file, group);
  } catch (...) {
    for (Unit& unit : group) unit.error = std::current_exception();
  }
  for (Unit& unit : group) {
    if (unit.error) files.note_damage(server, unit.error);
  }
  if (revision) return tell_revision(server, *revision, std::move(group));
  for (Unit& unit : group) finish(unit);
}

/// What came together with the removal was meant for a server that is erased.
void PerServerDatabase::remove_file(sqlite::OpenFiles& files, std::vector<Unit>& group) {
  const ServerId server = group.front().line;
  files.remove(server);
  for (Unit& unit : group) {
    if (!unit.forgets_file)
      unit.error = std::make_exception_ptr(
          DatabaseError(DbCode::other, "", fmt::format("server {} is erased", server.str())));
    finish(unit);
  }
}

void PerServerDatabase::read_loop(sqlite::OpenFiles& files) {
  while (auto unit = reads_.take_held()) {
    const ServerId line = unit->line;
    read(files, *unit);
    finish(*unit);
    reads_.release(line);
  }
}

void PerServerDatabase::read(sqlite::OpenFiles& files, Unit& unit) {
  try {
    const bool beside = unit.line == ServerId{};
    runner_.read(beside ? files.directory().connection() : files.ready(unit.line), unit);
  } catch (...) {
    unit.error = std::current_exception();
  }
  if (unit.error) files.note_damage(unit.line, unit.error);
}

/// What is lost on the way is told by the next process that opens the file.
void PerServerDatabase::tell_made(ServerId server) {
  Unit unit{sqlite::kDirectoryScope};
  unit.chore = [server](sqlite::Connection& directory) { sqlite::note_file(directory, server); };
  unit.done = [server](std::exception_ptr error) {
    if (error) log::warning("a server's file was not noted", {log::field("server", server.str())});
  };
  writer_of(ServerId{}).queue.push(std::move(unit));
}

void PerServerDatabase::tell_revision(ServerId server, std::int64_t revision, std::vector<Unit> units) {
  auto waiting = std::make_shared<std::vector<Unit>>(std::move(units));
  // Committed is committed: whoever waits is answered, and a hint that was lost is told when the file is
  // opened next.
  const auto answer = [server, waiting](std::exception_ptr error) {
    if (error) log::warning("a server's revision was not told", {log::field("server", server.str())});
    for (Unit& unit : *waiting) finish(unit);
  };
  Unit unit{sqlite::kDirectoryScope};
  unit.chore = [server, revision](sqlite::Connection& directory) {
    directory.query(
        "UPDATE servers SET revision = max(revision, CAST($2 AS INTEGER)) "
        "WHERE discord_server_id = CAST($1 AS INTEGER)",
        {server.str(), std::to_string(revision)});
  };
  unit.done = answer;
  try {
    writer_of(ServerId{}).queue.push(std::move(unit));
  } catch (...) {
    answer(std::current_exception());
  }
}

}  // namespace guildhall::store
