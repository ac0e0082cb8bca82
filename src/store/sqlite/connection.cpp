#include "store/sqlite/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "base/mutation.h"
#include "store/schema_session.h"

namespace guildhall::store::sqlite {
namespace {

/// So many steps of SQLite's machine lie between two looks at the time: some microseconds.
constexpr int kStepsBetweenLooks = 4'000;

/// How long a connection waits for another process's write before it reports "busy".
constexpr int kBusyMilliseconds = 1000;

/// Of one among many: pages in memory (negative: KiB), and pages in the log before they go into the file.
constexpr const char* kSmallMemory = "PRAGMA cache_size=-128";
constexpr const char* kSmallLog = "PRAGMA wal_autocheckpoint=128";

DbCode code_of(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return DbCode::unique;
    case SQLITE_CONSTRAINT_CHECK: return DbCode::check;
    case SQLITE_CONSTRAINT_FOREIGNKEY: return DbCode::foreign_key;
    case SQLITE_CONSTRAINT_NOTNULL: return DbCode::not_null;
    default: break;
  }
  switch (extended & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return DbCode::busy;
    case SQLITE_FULL: return DbCode::full;
    case SQLITE_INTERRUPT: return DbCode::timed_out;
    case SQLITE_READONLY: return DbCode::read_only;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return DbCode::corrupt;
    default: return DbCode::other;
  }
}

/// A quota, a limit on the size of files, no room for the log's index: SQLite itself calls only some of them
/// full. Right after the call that failed: for a COMMIT it does not keep the system's own error.
bool is_out_of_space(int extended) {
  const int why = errno;
  const int kind = extended & 0xFF;
  return (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN) &&
         (why == ENOSPC || why == EDQUOT || why == EFBIG);
}

[[noreturn]] void fail_with(sqlite3* db, std::string_view doing) {
  const int extended = sqlite3_extended_errcode(db);
  const DbCode code = is_out_of_space(extended) ? DbCode::full : code_of(extended);
  throw DatabaseError(code, fmt::format("SQLITE_{}", extended),
                      fmt::format("{}: {}", doing, sqlite3_errmsg(db)));
}

/// The second wall at run time: whatever a statement says, it cannot change the schema or reach
/// another file.
int deny_outside_of_data(void*, int action, const char* first, const char*, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_RECURSIVE:
    case SQLITE_FUNCTION:  // load_extension is off unless a program switches it on
      return SQLITE_OK;
    case SQLITE_PRAGMA: return std::string_view(first) == "data_version" ? SQLITE_OK : SQLITE_DENY;
    default: return SQLITE_DENY;
  }
}

int note_access(void* facts, int action, const char* first, const char* second, const char*, const char*) {
  auto& accesses = static_cast<StatementFacts*>(facts)->accesses;
  const auto add = [&](StatementFacts::Touch touch) {
    accesses.push_back({first, second == nullptr ? "" : second, touch});
  };
  switch (action) {
    case SQLITE_READ: add(StatementFacts::Touch::read); break;
    case SQLITE_INSERT: add(StatementFacts::Touch::insert); break;
    case SQLITE_UPDATE: add(StatementFacts::Touch::update); break;
    case SQLITE_DELETE: add(StatementFacts::Touch::erase); break;
    default: return deny_outside_of_data(nullptr, action, first, second, nullptr, nullptr);
  }
  return SQLITE_OK;
}

class RowCells final : public Cells {
 public:
  explicit RowCells(sqlite3_stmt* statement) : statement_(statement) {}
  int count() const override { return sqlite3_column_count(statement_); }
  bool is_null(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  std::string_view text(int column) const override {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  std::string_view bytes(int column) const override {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

Value value_of(sqlite3_stmt* statement, const RowCells& cells, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL: return {};
    case SQLITE_INTEGER: return cells.integer(column);
    case SQLITE_TEXT: return std::string(cells.text(column));
    case SQLITE_BLOB: return Blob{std::string(cells.bytes(column))};
    default:
      throw DatabaseError(
          DbCode::other, "",
          fmt::format("column '{}' holds a floating-point number, which Guildhall has none of",
                      sqlite3_column_name(statement, column)));
  }
}

/// Leaves the statement ready for its next run, however the current one ends.
struct ResetGuard {
  sqlite3_stmt* statement;
  ~ResetGuard() { sqlite3_reset(statement); }
};

struct FinalizeGuard {
  sqlite3_stmt* statement;
  ~FinalizeGuard() { sqlite3_finalize(statement); }
};

}  // namespace

Error damage_of(const std::string& file, std::string_view why) {
  return {ErrorCode::storage, fmt::format("database file '{}' is damaged: {}", file, why),
          fmt::format("Put a backup in its place, or save what can be read: "
                      "sqlite3 '{0}' .recover | sqlite3 '{0}.recovered'",
                      file)};
}

namespace {

/// With a log that nobody has put into the file yet, a visitor may only read, else it would do that when it
/// closes. Without one it opens as a writer: a pure reader could not take away again what SQLite puts beside
/// the file.
int flags_of(const std::string& file, Role role, Share share) {
  std::error_code none;
  if (role == Role::reader) return SQLITE_OPEN_READONLY;
  if (role == Role::visitor) {
    const auto log = std::filesystem::file_size(file + "-wal", none);
    return !none && log > 0 ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  }
  return SQLITE_OPEN_READWRITE | (share == Share::whole ? SQLITE_OPEN_CREATE : 0);
}

}  // namespace

Connection::Connection(const std::string& file, Role role, Share share) {
  const int flags = flags_of(file, role, share);
  if (sqlite3_open_v2(file.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr) !=
      SQLITE_OK) {
    const int extended = sqlite3_extended_errcode(db_);
    const DatabaseError error(is_out_of_space(extended) ? DbCode::full : code_of(extended), "",
                              fmt::format("cannot open: {}", sqlite3_errmsg(db_)));
    sqlite3_close_v2(db_);
    throw error;
  }
  try {
    sqlite3_busy_timeout(db_, kBusyMilliseconds);
    if (role == Role::guest) return;
    if (role != Role::reader && role != Role::visitor) use_write_ahead_log();
    if (role == Role::visitor) execute("PRAGMA query_only=ON");
    execute("PRAGMA synchronous=FULL");
    execute(role == Role::checker ? "PRAGMA foreign_keys=OFF" : "PRAGMA foreign_keys=ON");
    execute("PRAGMA temp_store=MEMORY");
    execute(share == Share::whole ? "PRAGMA cache_size=-16000" : kSmallMemory);
    if (share == Share::one_of_many) execute(kSmallLog);
    // Migrations and moves take as long as they take.
    if (role == Role::reader || role == Role::writer)
      sqlite3_progress_handler(db_, kStepsBetweenLooks, is_overdue, this);
    // The first use of this function declares its columns, which the authorizer would take for DDL.
    execute("SELECT 1 FROM json_each('[]')");
    if (role != Role::schema && role != Role::visitor && !mutated(Mutation::authorizer_off))
      sqlite3_set_authorizer(db_, deny_outside_of_data, nullptr);
  } catch (...) {
    sqlite3_close_v2(db_);
    throw;
  }
}

Connection::~Connection() {
  for (const Prepared& prepared : prepared_) sqlite3_finalize(prepared.statement);
  sqlite3_close_v2(db_);
}

/// Where several processes switch a new file at once, SQLite tells all but one "busy" without waiting.
void Connection::use_write_ahead_log() {
  const auto latest = std::chrono::steady_clock::now() + std::chrono::milliseconds(kBusyMilliseconds);
  while (true) {
    try {
      return execute("PRAGMA journal_mode=WAL");
    } catch (const DatabaseError& failure) {
      if (failure.code() != DbCode::busy || std::chrono::steady_clock::now() > latest) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
}

void Connection::rest() {
  for (Prepared& prepared : prepared_) {
    if (prepared.is_set_based) continue;
    sqlite3_finalize(prepared.statement);
    prepared = {};
  }
  sqlite3_db_release_memory(db_);
}

void Connection::begin_statement() { deadline_ = std::chrono::steady_clock::now() + longest_; }

int Connection::is_overdue(void* self) {
  return std::chrono::steady_clock::now() > static_cast<Connection*>(self)->deadline_ ? 1 : 0;
}

void Connection::execute(const char* sql) {
  begin_statement();
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail_with(db_, "executing");
}

namespace {

[[noreturn]] void fail_statement(sqlite3* db) {
  const int extended = sqlite3_extended_errcode(db);
  const DbCode code = is_out_of_space(extended) ? DbCode::full : code_of(extended);
  StatementError::Account account;
  account.message = sqlite3_errmsg(db);
  if (const int offset = sqlite3_error_offset(db); offset >= 0)
    account.position = static_cast<std::size_t>(offset);
  throw StatementError(code, fmt::format("SQLITE_{}", extended), std::move(account));
}

}  // namespace

std::int64_t Connection::run_one(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  if (sqlite3_prepare_v3(db_, sql.c_str(), static_cast<int>(sql.size()) + 1, 0, &statement, &tail) !=
      SQLITE_OK)
    fail_statement(db_);
  const FinalizeGuard guard{statement};
  if (statement == nullptr) return 0;  // a comment
  const auto before = sqlite3_total_changes64(db_);
  std::int64_t rows = 0;
  int result = SQLITE_ROW;
  begin_statement();
  while ((result = sqlite3_step(statement)) == SQLITE_ROW) ++rows;
  if (result != SQLITE_DONE) fail_statement(db_);
  return rows > 0 ? rows : sqlite3_total_changes64(db_) - before;
}

std::function<void()> Connection::interrupter() const {
  return [db = db_] { sqlite3_interrupt(db); };
}

std::vector<std::vector<std::string>> Connection::query(const std::string& sql,
                                                        const std::vector<std::string>& values) {
  const FinalizeGuard guard{prepare(sql, false)};
  const std::vector<Value> bound(values.begin(), values.end());  // bound, not copied: lives until the end
  bind_numbered(guard.statement, bound);
  std::vector<std::vector<std::string>> rows;
  int result = SQLITE_ROW;
  begin_statement();
  while ((result = sqlite3_step(guard.statement)) == SQLITE_ROW) {
    auto& row = rows.emplace_back();
    const RowCells cells(guard.statement);
    for (int c = 0; c < sqlite3_column_count(guard.statement); ++c) row.emplace_back(cells.text(c));
  }
  if (result != SQLITE_DONE) fail_with(db_, "querying");
  return rows;
}

std::vector<std::vector<Value>> Connection::read(const std::string& sql, const std::vector<Value>& values) {
  const FinalizeGuard guard{prepare(sql, false)};
  bind_numbered(guard.statement, values);
  std::vector<std::vector<Value>> rows;
  int result = SQLITE_ROW;
  begin_statement();
  while ((result = sqlite3_step(guard.statement)) == SQLITE_ROW) {
    auto& row = rows.emplace_back();
    const RowCells cells(guard.statement);
    for (int c = 0; c < sqlite3_column_count(guard.statement); ++c)
      row.push_back(value_of(guard.statement, cells, c));
  }
  if (result != SQLITE_DONE) fail_with(db_, "querying");
  return rows;
}

namespace {

Cell cell_of(sqlite3_stmt* statement, int column) {
  const RowCells cells(statement);
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL: return {};
    case SQLITE_INTEGER: return {.kind = Cell::Kind::integer, .integer = cells.integer(column)};
    case SQLITE_FLOAT: return {.kind = Cell::Kind::real, .real = sqlite3_column_double(statement, column)};
    case SQLITE_TEXT: return {.kind = Cell::Kind::text, .bytes = cells.text(column)};
    default: return {.kind = Cell::Kind::blob, .bytes = cells.bytes(column)};
  }
}

}  // namespace

void Connection::read_each(const std::string& sql, const std::function<bool(CellRow)>& see) {
  const FinalizeGuard guard{prepare(sql, false)};
  std::vector<Cell> row(static_cast<std::size_t>(sqlite3_column_count(guard.statement)));
  int result = SQLITE_ROW;
  begin_statement();
  while ((result = sqlite3_step(guard.statement)) == SQLITE_ROW) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = cell_of(guard.statement, static_cast<int>(i));
    if (!see(row)) return;
  }
  if (result != SQLITE_DONE) fail_with(db_, "reading");
}

void Connection::run_for_each(const std::string& sql, const std::vector<std::vector<Value>>& rows) {
  const FinalizeGuard guard{prepare(sql, false)};
  for (const auto& row : rows) {
    const ResetGuard reset{guard.statement};
    bind_numbered(guard.statement, row);
    if (sqlite3_step(guard.statement) != SQLITE_DONE) fail_with(db_, "writing");
  }
}

namespace {

/// Between two reports.
constexpr int kPagesAtOnce = 256;
/// How often a writer in the way is waited for, some milliseconds each time.
constexpr int kMostWaits = 1'000;
constexpr int kWaitMilliseconds = 5;

struct Closer {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};

}  // namespace

bool Connection::copy_to(const std::string& file,
                         const std::function<bool(std::int64_t, std::int64_t)>& progress) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(
      file.c_str(), &opened,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  const std::unique_ptr<sqlite3, Closer> target(opened);
  if (result != SQLITE_OK) fail_with(target.get(), "cannot open the copy");
  sqlite3_backup* copying = sqlite3_backup_init(target.get(), "main", db_, "main");
  if (copying == nullptr) fail_with(target.get(), "cannot begin the copy");
  int waits = 0;
  int step = SQLITE_OK;
  bool wanted = true;
  while (wanted && step != SQLITE_DONE) {
    step = sqlite3_backup_step(copying, kPagesAtOnce);
    if ((step & 0xFF) == SQLITE_BUSY || (step & 0xFF) == SQLITE_LOCKED) {
      if (++waits > kMostWaits) break;
      sqlite3_sleep(kWaitMilliseconds);
    } else if (step != SQLITE_OK && step != SQLITE_DONE) {
      break;
    }
    const std::int64_t all = sqlite3_backup_pagecount(copying);
    wanted = progress(all - sqlite3_backup_remaining(copying), all);
  }
  const bool out_of_space = is_out_of_space(step);
  const int ended = sqlite3_backup_finish(copying);
  if (!wanted) return false;
  if (step == SQLITE_DONE && ended == SQLITE_OK) return true;
  throw DatabaseError(out_of_space ? DbCode::full : code_of(step == SQLITE_DONE ? ended : step),
                      fmt::format("SQLITE_{}", step), fmt::format("copying: {}", sqlite3_errstr(step)));
}

void Connection::keep_log() {
  int yes = 1;
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_PERSIST_WAL, &yes);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

std::int64_t Connection::data_version() { return std::stoll(query("PRAGMA data_version").at(0).at(0)); }

sqlite3_stmt* Connection::prepare(const std::string& sql, bool persistent) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  if (sqlite3_prepare_v3(db_, sql.c_str(), static_cast<int>(sql.size()) + 1,
                         persistent ? SQLITE_PREPARE_PERSISTENT : 0, &statement, &tail) != SQLITE_OK) {
    fail_with(db_, "preparing");
  }
  if (statement == nullptr ||
      std::string_view(tail).find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    sqlite3_finalize(statement);
    throw DatabaseError(DbCode::other, "", "exactly one statement is allowed");
  }
  return statement;
}

const Connection::Prepared& Connection::prepared(std::size_t index, const StatementInfo& info) {
  if (index >= prepared_.size()) prepared_.resize(index + 1);
  Prepared& found = prepared_[index];
  if (found.statement != nullptr) return found;
  Prepared made;
  made.is_set_based = info.access == Access::cross_server;
  made.statement = prepare(info.sqlite, true);
  made.server_position = sqlite3_bind_parameter_index(made.statement, ":server");
  for (const auto& parameter : info.parameters) {
    made.positions.push_back(sqlite3_bind_parameter_index(made.statement, (":" + parameter.name).c_str()));
  }
  for (const std::string& column : info.columns) {
    int position = sqlite3_column_count(made.statement) - 1;
    while (position >= 0 && sqlite3_column_name(made.statement, position) != column) --position;
    made.columns.push_back(position);
  }
  found = std::move(made);
  return found;
}

void Connection::bind(sqlite3_stmt* statement, int position, const Value& value) {
  int result = SQLITE_OK;
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    result = sqlite3_bind_int64(statement, position, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    result = sqlite3_bind_text64(statement, position, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    result = sqlite3_bind_blob64(statement, position, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
  } else {
    result = sqlite3_bind_null(statement, position);
  }
  if (result != SQLITE_OK) fail_with(db_, "binding");
}

void Connection::bind_numbered(sqlite3_stmt* statement, const std::vector<Value>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    // SQLite numbers these names as they appear.
    const int position = sqlite3_bind_parameter_index(statement, fmt::format("${}", i + 1).c_str());
    if (position != 0) bind(statement, position, values[i]);
  }
}

void Connection::run(const StatementInfo& info, WorkScope scope, Execution& execution) {
  const Prepared& ready = prepared(execution.statement, info);
  const RowCells cells(ready.statement);
  for (const auto& values : execution.calls) {
    const ResetGuard guard{ready.statement};
    if (ready.server_position != 0) bind(ready.statement, ready.server_position, scope.server.value());
    for (std::size_t i = 0; i < values.size(); ++i) bind(ready.statement, ready.positions[i], values[i]);
    int result = SQLITE_ROW;
    begin_statement();
    while ((result = sqlite3_step(ready.statement)) == SQLITE_ROW) execution.row(cells, ready.columns);
    if (result != SQLITE_DONE) fail_with(db_, info.name);
    if (sqlite3_stmt_readonly(ready.statement) == 0) execution.changes += sqlite3_changes64(db_);
  }
}

StatementFacts Connection::inspect(const std::string& sql) {
  StatementFacts facts;
  facts.sql = sql;
  sqlite3_set_authorizer(db_, note_access, &facts);
  const auto restore = [this] { sqlite3_set_authorizer(db_, deny_outside_of_data, nullptr); };
  try {
    const FinalizeGuard guard{prepare(sql, false)};
    facts.read_only = sqlite3_stmt_readonly(guard.statement) != 0;
    for (int i = 1; i <= sqlite3_bind_parameter_count(guard.statement); ++i) {
      const char* name = sqlite3_bind_parameter_name(guard.statement, i);
      facts.parameters.emplace_back(name == nullptr ? "?" : name);
    }
    for (int i = 0; i < sqlite3_column_count(guard.statement); ++i) {
      facts.columns.emplace_back(sqlite3_column_name(guard.statement, i));
    }
  } catch (...) {
    restore();
    throw;
  }
  restore();
  for (const auto& row : query("EXPLAIN QUERY PLAN " + sql)) facts.plan.push_back(row.at(3));
  return facts;
}

}  // namespace guildhall::store::sqlite
