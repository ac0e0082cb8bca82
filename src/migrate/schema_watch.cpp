#include "migrate/schema_watch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "migrate/schema_reading.h"

namespace guildhall::migrate {

SchemaWatch::SchemaWatch(store::SchemaSession& session, Dialect dialect, const SnapshotOptions& options)
    : source_(!session.stays_the_same()      ? watch_by_reading(session, dialect, options)
              : dialect == Dialect::postgres ? watch_postgres(session, options)
                                             : watch_sqlite(session, options)) {}

const SchemaSnapshot& SchemaWatch::update(Changed changed) {
  SchemaSnapshot next = now_;
  source_->update(next, changed);
  before_ = std::exchange(now_, std::move(next));
  return now_;
}

void SchemaWatch::undo() {
  source_->undo();
  now_ = before_;
}

namespace {

class SqliteSource final : public SchemaWatch::Source {
 public:
  SqliteSource(store::SchemaSession& session, const SnapshotOptions& options)
      : session_(session), options_(options) {}

  void update(SchemaSnapshot& kept, SchemaWatch::Changed) override {
    const SchemaReading reading(session_, Dialect::sqlite);
    // The number grows with each change of the schema, and falls with a rollback: undo() takes it back.
    State next{session_.query("PRAGMA schema_version").at(0).at(0), {}};
    before_.reset();
    if (next.version == state_.version) return;
    next.entries = sqlite_entries(session_);
    read_changes(kept, next.entries);
    before_ = std::exchange(state_, std::move(next));
  }

  void undo() override {
    if (before_) state_ = *std::exchange(before_, std::nullopt);
  }

 private:
  using Entries = std::vector<SqliteEntry>;
  using Run = std::span<const SqliteEntry>;
  struct State {
    std::string version;
    Entries entries;
  };

  static Run run_at(const Entries& entries, std::size_t from) {
    std::size_t until = from;
    while (until < entries.size() && entries[until].table == entries[from].table) ++until;
    return Run(entries).subspan(from, until - from);
  }

  /// Both are ordered by table.
  void read_changes(SchemaSnapshot& kept, const Entries& entries) {
    std::vector<std::string> ids;
    std::vector<SchemaSnapshot::Part> parts;
    std::size_t old = 0;
    for (std::size_t at = 0; at < entries.size();) {
      const Run now = run_at(entries, at);
      at += now.size();
      while (old < state_.entries.size() && state_.entries[old].table < now[0].table)
        ids.push_back(sqlite_part_id(state_.entries[old++]));
      const Run was = run_at(state_.entries, old);
      const bool is_same_table = !was.empty() && was[0].table == now[0].table;
      if (is_same_table) old += was.size();
      if (is_same_table && std::ranges::equal(was, now)) continue;
      ids.push_back(sqlite_part_id(now[0]));
      parts.push_back(read_sqlite_part(session_, now, options_));
    }
    while (old < state_.entries.size()) ids.push_back(sqlite_part_id(state_.entries[old++]));
    kept.replace(ids, std::move(parts));
  }

  store::SchemaSession& session_;
  SnapshotOptions options_;
  State state_;
  std::optional<State> before_;  // the last update, where that changed anything
};

/// Needs nothing that has to stay in the session.
class ReadingSource final : public SchemaWatch::Source {
 public:
  ReadingSource(store::SchemaSession& session, Dialect dialect, const SnapshotOptions& options)
      : session_(session), dialect_(dialect), options_(options) {}

  void update(SchemaSnapshot& kept, SchemaWatch::Changed) override {
    kept = read_snapshot(session_, dialect_, options_);
  }
  void undo() override {}

 private:
  store::SchemaSession& session_;
  Dialect dialect_;
  SnapshotOptions options_;
};

}  // namespace

std::unique_ptr<SchemaWatch::Source> watch_by_reading(store::SchemaSession& session, Dialect dialect,
                                                      const SnapshotOptions& options) {
  return std::make_unique<ReadingSource>(session, dialect, options);
}

std::unique_ptr<SchemaWatch::Source> watch_sqlite(store::SchemaSession& session,
                                                  const SnapshotOptions& options) {
  return std::make_unique<SqliteSource>(session, options);
}

}  // namespace guildhall::migrate
