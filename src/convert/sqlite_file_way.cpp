#include "convert/sqlite_file_way.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <set>

#include "convert/sqlite_plan.h"
#include "convert/sqlite_proof.h"
#include "convert/sqlite_sums.h"
#include "convert/sqlite_switch.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using store::quoted_name;

class FileWay {
 public:
  FileWay(store::SchemaSession& session, const Scheme& scheme, Records& records, const SqliteOptions& options)
      : session_(session), scheme_(scheme), records_(records), options_(options) {}

  /// Reads what has to be read through, while others may write.
  migrate::Outcome<void> look() {
    if (scheme_.home <= 0)
      return migrate::stop(Exit::refused, "CV-HOME", "no server was chosen whose file this is to be",
                           "Say which: --server ID.");
    looked_at_ = written_state(session_);
    if (auto alone = check_alone(); !alone) return alone;
    find_gaps();
    return {};
  }

  /// Within a transaction.
  migrate::Outcome<SqliteReport> run(const Conversion& conversion, SumsOfBefore* sums) {
    if (written_state(session_) != looked_at_) {
      if (auto looked = look(); !looked) return std::unexpected(looked.error());
    }
    records_.prepare();
    Conversion begun = conversion;
    begun.state = State::expanding;
    begun.home = scheme_.home;
    report_ = {
        .conversion = records_.begin(begun), .tables = scheme_.tables.size(), .untouched = scheme_.unknown};
    if (sums != nullptr) {
      if (auto kept = sums->keep(records_, report_.conversion); !kept) return std::unexpected(kept.error());
    }
    if (auto marked = mark(); !marked) return std::unexpected(marked.error());
    remember();
    const auto views = try_views(session_, *scheme_.schema);
    for (const SchemeTable& table : scheme_.tables) add_column(table);
    if (auto same = compare_views(views, try_views(session_, *scheme_.schema)); !same)
      return std::unexpected(same.error());
    records_.set_state(report_.conversion, State::expanded);
    return std::move(report_);
  }

 private:
  std::int64_t value_of(const SchemeTable& table) const {
    return table.has_column() ? table.null_value(scheme_.home) : table.absent_value(scheme_.home);
  }

  /// No row is another server's.
  migrate::Outcome<void> check_alone() {
    std::vector<std::string> others;
    for (const SchemeTable& table : scheme_.tables) {
      if (!table.has_column()) continue;
      for (const auto& row : session_.query(fmt::format(
               "SELECT {0}, count(*) FROM {1} WHERE {0} IS NOT NULL AND {0} <> '' AND CAST({0} AS TEXT) <> "
               "'{2}'{3} "
               "GROUP BY 1 ORDER BY 2 DESC",
               quoted_name(table.column()), quoted_name(table.name()), scheme_.home,
               table.is_override() ? fmt::format(" AND {} <> 0", quoted_name(table.column())) : "")))
        others.push_back(fmt::format("{}: {} of server {}", table.name(), row[1], row[0]));
    }
    if (others.empty()) return {};
    return migrate::stop(Exit::refused, "CV-OTHERS",
                         fmt::format("the file holds rows of other servers than {}: {}", scheme_.home,
                                     fmt::join(others, "; ")),
                         "Make it a file of many servers instead.");
  }

  /// Tables whose column is there, with rows that have nothing in it.
  void find_gaps() {
    gaps_.clear();
    for (const SchemeTable& table : scheme_.tables) {
      if (table.has_column() &&
          !session_
               .query(fmt::format("SELECT 1 FROM {1} WHERE {0} IS NULL OR {0} = '' LIMIT 1",
                                  quoted_name(table.column()), quoted_name(table.name())))
               .empty())
        gaps_.insert(table.name());
    }
  }

  /// For the way back and for whoever verifies it.
  void remember() {
    records_.remember(report_.conversion, {{"marker", "", std::string(kServerMarker), ""}});
    records_.remember(report_.conversion, remembered_tables(scheme_));
    const auto counters = read_counters(session_);
    for (const SchemeTable& table : scheme_.tables) {
      records_.remember(report_.conversion, {{"table", table.name(), table.name(), table.table->sql}});
      if (const auto counter = counters.find(table.name()); counter != counters.end())
        records_.remember(report_.conversion,
                          {{"counter", table.name(), table.name(), std::to_string(counter->second)}});
    }
  }

  migrate::Outcome<void> mark() {
    options_.at("marker");
    const std::string column = quoted_name(scheme_.description.tenant_column);
    const bool is_marked = number_of(session_, "SELECT count(*) FROM sqlite_schema WHERE name = $1",
                                     {std::string(kServerMarker)}) > 0;
    if (!is_marked) {
      session_.execute(
          fmt::format("CREATE TABLE {0} ({1} INTEGER PRIMARY KEY NOT NULL CHECK ({1} = {2})); "
                      "INSERT INTO {0} VALUES ({2})",
                      kServerMarker, column, scheme_.home));
      return {};
    }
    const auto marked = session_.query(fmt::format("SELECT * FROM {}", kServerMarker));
    if (marked.size() == 1 && marked[0][0] == std::to_string(scheme_.home)) return {};
    return migrate::stop(
        Exit::refused, "CV-MARKER",
        fmt::format("the file is marked as that of server {}", marked.empty() ? "?" : marked[0][0]),
        "Choose that server, or another file.");
  }

  void add_column(const SchemeTable& table) {
    options_.at(fmt::format("{}: tenant column", table.name()));
    const std::string name = quoted_name(table.name());
    const std::string column = quoted_name(table.column());
    if (!table.has_column()) {
      session_.execute(fmt::format("ALTER TABLE {} ADD COLUMN {} INTEGER NOT NULL DEFAULT {}", name, column,
                                   value_of(table)));
      records_.remember(report_.conversion, {{"column", table.name(), table.column(), ""}});
    } else if (gaps_.contains(table.name())) {
      const TriggersAside triggers(session_, table.name());  // nothing happened that they are about
      session_.execute(fmt::format("UPDATE {0} SET {1} = {2} WHERE {1} IS NULL OR {1} = ''", name, column,
                                   value_of(table)));
      triggers.put_back();
    }
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  Records& records_;
  const SqliteOptions& options_;
  SqliteReport report_;
  std::string looked_at_;
  std::set<std::string> gaps_;
};

std::optional<SqliteReport> done_before(const Records& records, const Scheme& scheme) {
  const auto newest = records.newest();
  const bool is_done = newest && newest->home == scheme.home &&
                       (newest->state == State::expanded || newest->state == State::contracted);
  if (!is_done) return std::nullopt;
  return SqliteReport{.conversion = newest->number, .was_done = true};
}

}  // namespace

migrate::Outcome<SqliteReport> give_file_to_server(store::SchemaSession& session, const Scheme& scheme,
                                                   const Conversion& conversion,
                                                   const SqliteOptions& options) try {
  Records records(session, migrate::Dialect::sqlite);
  const SqliteSettings settings(session, options.wait);
  if (auto done = done_before(records, scheme)) return *done;
  FileWay way(session, scheme, records, options);
  if (auto looked = way.look(); !looked) return std::unexpected(looked.error());
  SumsOfBefore sums(session, scheme, options);
  if (options.sums) {
    if (auto taken = sums.take(); !taken) return std::unexpected(taken.error());
  }
  options.at("write lock");
  SqliteTransaction transaction(session);
  if (auto done = done_before(records, scheme)) return *done;
  auto report = way.run(conversion, options.sums ? &sums : nullptr);
  if (!report) return report;
  options.at("commit");
  transaction.commit();
  return report;
} catch (const store::DatabaseError& error) {
  return std::unexpected(sqlite_problem(error));
}

}  // namespace guildhall::convert
