#include "store/sqlite/sqlite_database.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/failure.h"
#include "store/sqlite/connection.h"

namespace guildhall::store {
namespace {

constexpr std::size_t kReaders = 2;

}  // namespace

Result<std::unique_ptr<Database>> SqliteDatabase::open(const DatabaseOptions& options) {
  auto homes = sqlite::check_statements(options.place.path, options);
  if (!homes) return std::unexpected(homes.error());
  try {
    return std::unique_ptr<Database>(new SqliteDatabase(options, *std::move(homes)));
  } catch (const DatabaseError& error) {
    return std::unexpected(failure_of(fmt::format("database '{}'", options.place.path), error));
  }
}

SqliteDatabase::SqliteDatabase(const DatabaseOptions& options, std::vector<sqlite::StatementHome> homes)
    : runner_(options, std::move(homes)),
      writer_(std::make_unique<sqlite::Connection>(options.place.path, sqlite::Role::writer)) {
  if (options.metrics != nullptr) {
    sqlite::show_waiting(
        *options.metrics, [this] { return waiting(); },
        [this] { return std::max(writes_.longest(), reads_.longest()); });
  }
  watch_.begin(writer_->data_version());
  for (std::size_t i = 0; i < kReaders; ++i) {
    readers_.push_back(std::make_unique<sqlite::Connection>(options.place.path, sqlite::Role::reader));
  }
  threads_.emplace_back([this] { write_loop(*writer_); });
  for (const auto& reader : readers_) threads_.emplace_back([this, &reader] { read_loop(*reader); });
}

SqliteDatabase::~SqliteDatabase() {
  writes_.close();
  reads_.close();
}

void SqliteDatabase::submit(WorkScope scope, Mode mode, Work& work, Completion done) {
  (mode == Mode::write ? writes_ : reads_).push(sqlite::Unit{scope, &work, std::move(done)});
}

std::size_t SqliteDatabase::waiting() const { return writes_.size(); }

Task<bool> SqliteDatabase::changed_elsewhere(Passkey key) {
  sqlite::Passage passage;
  co_await perform(key, sqlite::kDirectoryScope, Mode::write, passage);
  co_return watch_.tell();
}

void SqliteDatabase::write_loop(sqlite::Connection& connection) {
  for (auto group = writes_.take(sqlite::kLargestGroup); !group.empty();
       group = writes_.take(sqlite::kLargestGroup)) {
    runner_.commit(connection, group);
    watch_.look(connection);
    for (sqlite::Unit& unit : group) finish(unit);
  }
}

void SqliteDatabase::read_loop(sqlite::Connection& connection) {
  while (auto unit = reads_.take_held()) {
    const ServerId line = unit->line;
    runner_.read(connection, *unit);
    finish(*unit);
    reads_.release(line);
  }
}

}  // namespace guildhall::store
