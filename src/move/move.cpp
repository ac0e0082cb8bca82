#include "move/move.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "move/checksum.h"
#include "move/ends.h"
#include "move/tables.h"
#include "store/database_error.h"
#include "store/failure.h"

namespace guildhall::move {
namespace {

namespace fs = std::filesystem;
using store::DatabaseError;
using store::DatabasePlace;
using store::DbCode;
using store::Layout;
using store::SchemaSession;
using store::ValueRow;

constexpr const char* kAgain = "Mend that, then give the same command with --resume.";
/// Of a difference, at most so many tables are named.
constexpr std::size_t kNamed = 10;

/// Did the database refuse the values themselves? Then trying again does not help.
bool is_about_values(const DatabaseError& error) {
  switch (error.code()) {
    case DbCode::unique:
    case DbCode::check:
    case DbCode::foreign_key:
    case DbCode::not_null:
    case DbCode::sealed: return true;
    default: return error.sqlstate().starts_with("22");  // data exception
  }
}

std::string place_of(const Table& table, ServerId server) {
  return table.of_servers() ? fmt::format("table '{}' of server {}", table.name, server.str())
                            : fmt::format("table '{}'", table.name);
}

/// Does a part of the work and says where it failed.
template <class F>
auto at(SchemaSession& session, const Table& table, ServerId server, F part) {
  try {
    return part();
  } catch (const DatabaseError& error) {
    const bool values = is_about_values(error);
    throw ErrorException(
        {values ? ErrorCode::failed : ErrorCode::storage,
         error.code() == DbCode::full
             ? fmt::format("the disk of '{}' is full ({})", session.name(), place_of(table, server))
             : fmt::format("database '{}', {}: {}", session.name(), place_of(table, server), error.what()),
         values ? "The source is as it was. Mend the row there, remove the target and move again." : kAgain});
  }
}

class Run {
 public:
  Run(const DatabasePlace& from, const DatabasePlace& to, const tenancy::TableCatalog& catalog,
      const Clock& clock, const Options& options)
      : from_(from),
        options_(options),
        clock_(clock),
        source_(from, options.patience),
        target_(source_, to, catalog, options),
        tables_(read_tables(target_.beside(), to.layout, catalog)) {}

  Report run() {
    progress_.of = source_.count(tables_);
    begin();
    copy(ServerId{});
    target_.commit();
    for (const ServerId server : source_.servers()) copy(server);
    target_.commit();
    target_.continue_numbers(tables_);
    target_.look_at_rows(tables_);
    compare();
    target_.clear_mark();
    return report();
  }

 private:
  void begin() {
    const std::string mark = target_.mark();
    const std::string source = mark_of(from_);
    if (!mark.empty()) return resume(mark, source);
    const std::string occupied = target_.occupied(tables_);
    if (!occupied.empty()) {
      throw ErrorException(
          {ErrorCode::refused_by_guard,
           fmt::format("the target is not empty: {} in '{}'", occupied, target_.beside().name()),
           "Name a database that is new; what is there is not touched."});
    }
    target_.set_mark(source, clock_.now());
    tell();
  }

  void resume(const std::string& mark, const std::string& source) {
    const std::string name = target_.beside().name();
    if (mark != source) {
      throw ErrorException({ErrorCode::refused_by_guard,
                            fmt::format("'{}' holds part of a move from another source, '{}'", name, mark),
                            "Go on with that one, or name a database that is new."});
    }
    if (!options_.resume) {
      throw ErrorException({ErrorCode::refused_by_guard,
                            fmt::format("'{}' holds part of a move from there that was interrupted", name),
                            "Add --resume to go on with it."});
    }
    resumed_ = true;
    progress_.rows = target_.count(tables_);
    tell();
  }

  void tell() {
    if (options_.on_progress) options_.on_progress(progress_);
  }

  /// Of this server, or with 0 of what lies beside the servers.
  void copy(ServerId server) {
    const bool of_servers = server != ServerId{};
    SchemaSession* from = of_servers ? source_.of(server) : &source_.beside();
    if (from == nullptr) return;
    for (const Table& table : tables_) {
      if (table.of_servers() == of_servers) copy(*from, table, server);
    }
  }

  void copy(SchemaSession& from, const Table& table, ServerId server) {
    std::optional<ValueRow> last;
    if (resumed_) {
      if (SchemaSession* to = session_of(target_, table, server))
        last = at(*to, table, server, [&] { return last_row(*to, table, server); });
    }
    for (;;) {
      const auto rows =
          at(from, table, server, [&] { return rows_after(from, table, server, last, options_.batch); });
      if (rows.empty()) return;
      SchemaSession& to = table.of_servers() ? target_.made(server) : target_.beside();
      at(to, table, server, [&] { target_.insert(to, table, rows); });
      last = rows.back();
      progress_.rows += rows.size();
      tell();
    }
  }

  template <class End>
  static SchemaSession* session_of(End& end, const Table& table, ServerId server) {
    return table.of_servers() ? end.of(server) : &end.beside();
  }

  void compare() {
    progress_ = {Progress::Step::comparing, 0, progress_.of};
    tell();
    compare(ServerId{});
    for (const ServerId server : source_.servers()) compare(server);
    // Rows of servers that the source does not have would be in none of these sums.
    std::uint64_t compared = 0;
    for (const auto& [table, sum] : sums_) compared += sum.rows();
    const std::uint64_t there = target_.count(tables_);
    if (differences_.empty() && there != compared)
      differences_.push_back(
          fmt::format("the target has {} rows, and only {} were compared", there, compared));
    if (differences_.empty()) return;
    const std::size_t more = differences_.size() - std::min(differences_.size(), kNamed);
    differences_.resize(differences_.size() - more);
    throw ErrorException({ErrorCode::failed,
                          fmt::format("source and target differ: {}{}", fmt::join(differences_, "; "),
                                      more == 0 ? "" : fmt::format("; and {} more", more)),
                          "The source is as it was. Do not use the target: remove it, make sure that nobody "
                          "changes the source "
                          "meanwhile, and move again."});
  }

  void compare(ServerId server) {
    const bool of_servers = server != ServerId{};
    for (const Table& table : tables_) {
      if (table.of_servers() != of_servers) continue;
      const Checksum source = sum_of(session_of(source_, table, server), table, server, true);
      const Checksum target = sum_of(session_of(target_, table, server), table, server, false);
      sums_[table.name].add(source);
      if (source == target) continue;
      differences_.push_back(
          source.rows() == target.rows()
              ? fmt::format("{} ({} rows each, not the same)", place_of(table, server), source.rows())
              : fmt::format("{} ({} rows in the source, {} in the target)", place_of(table, server),
                            source.rows(), target.rows()));
    }
  }

  Checksum sum_of(SchemaSession* session, const Table& table, ServerId server, bool counted) {
    Checksum sum;
    if (session == nullptr) return sum;
    std::optional<ValueRow> last;
    for (;;) {
      const auto rows = at(*session, table, server,
                           [&] { return rows_after(*session, table, server, last, options_.batch); });
      if (rows.empty()) return sum;
      for (const ValueRow& row : rows) sum.add(row);
      last = rows.back();
      if (!counted) continue;
      progress_.rows += rows.size();
      tell();
    }
  }

  Report report() const {
    Report report;
    report.servers = source_.servers().size();
    report.resumed = resumed_;
    for (const auto& [table, sum] : sums_) {
      report.rows += sum.rows();
      report.tables.push_back({table, sum.rows(), sum.str()});
    }
    return report;
  }

  const DatabasePlace from_;
  const Options& options_;
  const Clock& clock_;
  Source source_;
  Target target_;
  std::vector<Table> tables_;
  bool resumed_ = false;
  Progress progress_;
  std::map<std::string, Checksum> sums_;
  std::vector<std::string> differences_;
};

/// The folder of which this file is a part, or "".
fs::path folder_of_part(const fs::path& file) {
  const fs::path folder = file.parent_path();
  std::error_code none;
  if (file.filename() == "directory.db" && fs::is_directory(folder / "servers", none)) return folder;
  if (folder.filename() == "servers" && fs::exists(folder.parent_path() / "directory.db", none))
    return folder.parent_path();
  return {};
}

Result<void> check_whole(const DatabasePlace& place, std::string_view option) {
  if (place.layout != Layout::sqlite) return {};
  const fs::path folder = folder_of_part(fs::absolute(place.path));
  if (folder.empty()) return {};
  return fail(
      ErrorCode::usage,
      fmt::format("{}: '{}' is one file of a database that has a file per server", option, place.path),
      fmt::format("Name the whole: sqlite-per-server:{}", folder.string()));
}

}  // namespace

Result<void> check_places(const DatabasePlace& from, const DatabasePlace& to) {
  if (auto whole = check_whole(from, "--from"); !whole) return whole;
  if (auto whole = check_whole(to, "--to"); !whole) return whole;
  const bool files = from.layout != Layout::postgres && to.layout != Layout::postgres;
  if (files && fs::weakly_canonical(from.path) == fs::weakly_canonical(to.path))
    return fail(ErrorCode::usage, fmt::format("--from and --to are one place, '{}'", from.path));
  std::error_code error;
  const fs::path there =
      from.layout == Layout::sqlite_per_server ? fs::path(from.path) / "directory.db" : fs::path(from.path);
  if (from.layout != Layout::postgres && !fs::is_regular_file(there, error))
    return fail(ErrorCode::storage, fmt::format("there is no database '{}'", there.string()),
                "`guildhall config show` tells which one the bot uses (database.url, data.dir).");
  return {};
}

Result<Report> move_database(const DatabasePlace& from, const DatabasePlace& to,
                             const tenancy::TableCatalog& catalog, const Clock& clock,
                             const Options& options) {
  if (auto checked = check_places(from, to); !checked) return std::unexpected(checked.error());
  try {
    return Run(from, to, catalog, clock, options).run();
  } catch (const ErrorException& error) {
    return std::unexpected(error.error());
  } catch (const DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("the move was interrupted: {}", error.what()), kAgain);
  }
}

Result<void> refuse_unfinished(const DatabasePlace& place) {
  auto session = store::open_schema_session(place);
  if (!session) return std::unexpected(session.error());
  try {
    if (!has_table(**session, place.layout, kProgressTable)) return {};
  } catch (const DatabaseError& error) {
    return std::unexpected(store::failure_of(fmt::format("database '{}'", place.name()), error));
  }
  return fail(ErrorCode::refused_by_guard,
              fmt::format("database '{}' is the target of a move that has not ended", place.name()),
              "Go on with it: `guildhall move --from ... --to ... --resume`.");
}

}  // namespace guildhall::move
