// guildhall migrate status
#include "cli/migrate_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/migrate_answers.h"
#include "cli/migrate_fleet.h"
#include "migrate/lock.h"

namespace guildhall::cli {
namespace {

using migrate::Dialect;
using migrate::Exit;
using migrate::Outcome;
using migrate::Standing;
using migrate::State;

/// The one that a run took last. Whether it is proved stands beside it, and holds for that file alone.
struct LastBackup {
  std::string file;
  std::string sha256;
  TimePoint at;
  int level = 0;  // of its proof (migrate::Proof); 0: none that still counts
  std::string proof;
};

LastBackup look_at(const std::filesystem::path& folder, const migrate::JournalRow& row) {
  const auto name = migrate::parse_backup_name(row.backup_file);
  LastBackup last{row.backup_file, row.backup_sha256, name ? name->at : row.started_at};
  const auto file = folder / row.backup_file;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    last.proof = fmt::format("not in {}", folder.string());
    return last;
  }
  const auto record = migrate::load_record(file);
  const bool is_same = record && record->sha256 == row.backup_sha256 &&
                       std::filesystem::file_size(file, ignored) == record->size;
  if (is_same) last.level = record->verified;
  last.proof = record && !is_same ? "not the one that was taken"
               : last.level == 3  ? "verified"
               : last.level == 2  ? "verified: read to its end, not restored"
               : last.level == 1  ? "verified: its end and sum alone"
                                  : "not verified";
  return last;
}

std::optional<LastBackup> last_backup(const std::filesystem::path& folder,
                                      const std::vector<migrate::JournalRow>& rows) {
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (!row->backup_file.empty()) return look_at(folder, *row);
  }
  return std::nullopt;
}

/// Everything that there is to say.
struct Facts {
  migrate::Target target;
  migrate::MigrationSet set;
  std::string version;
  bool has_journal = false;
  migrate::LockHolder lock;
  std::vector<migrate::JournalRow> rows;
  std::vector<Standing> standings;
  std::optional<LastBackup> backup;

  std::size_t count(State state) const {
    return static_cast<std::size_t>(std::ranges::count(standings, state, &Standing::state));
  }
  std::size_t applied() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(standings, [](const Standing& one) { return is_applied(one.state); }));
  }
  /// For which nothing would be run: two files of one number, one that cannot be read, ...
  std::vector<const migrate::Finding*> errors() const {
    std::vector<const migrate::Finding*> found;
    for (const migrate::Finding& one : set.findings) {
      if (one.level == migrate::Level::error && one.code.starts_with("E-")) found.push_back(&one);
    }
    return found;
  }
  std::size_t pending() const { return count(State::pending) + count(State::failed) + count(State::late); }
  std::size_t drift() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(standings, [](const Standing& one) { return is_drift(one.state); }));
  }
};

Outcome<Facts> look(const Arguments& arguments) {
  Facts facts;
  auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return std::unexpected(target.error());
  facts.target = *std::move(target);
  const Dialect dialect = facts.target.dialect;
  auto set = set_of(arguments, dialect);
  if (!set) return std::unexpected(set.error());
  facts.set = *std::move(set);
  const auto session = facts.target.open("");
  if (!session) {
    migrate::Problem problem = migrate::problem_of(session.error());
    problem.exit = Exit::no_database;
    return std::unexpected(std::move(problem));
  }
  try {
    facts.version = (*session)
                        ->query(dialect == Dialect::postgres ? "SELECT current_setting('server_version')"
                                                             : "SELECT sqlite_version()")
                        .at(0)
                        .at(0);
    const migrate::Journal journal(**session, dialect);
    facts.has_journal = journal.exists();
    auto rows = journal.read();
    if (!rows) return std::unexpected(rows.error());
    facts.rows = *std::move(rows);
    facts.lock = migrate::look_at_lock(**session, dialect);
  } catch (const store::DatabaseError& error) {
    migrate::Problem problem = migrate::problem_of(error);
    if (problem.exit == Exit::failed) problem.exit = Exit::no_database;
    return std::unexpected(std::move(problem));
  }
  facts.standings = compare(facts.set, facts.rows);
  facts.backup = last_backup(backup_dir_of(arguments), facts.rows);
  return facts;
}

std::string state_of(const Standing& one) {
  if (one.state != State::partial) return std::string(name_of(one.state));
  if (!one.row->batch_key.empty()) return fmt::format("partial, {} rows", one.row->batch_rows);
  return fmt::format("partial {}/{}", one.row->statements_done, one.row->statements_total);
}

std::string text_of(const Facts& facts) {
  std::string text = fmt::format("Database: {} ({} {})   Directory: {} ({} files)\n", facts.target.name,
                                 facts.target.dialect == Dialect::postgres ? "PostgreSQL" : "SQLite",
                                 facts.version, facts.set.directory, facts.set.migrations.size());
  if (!facts.has_journal) text += "no journal: nothing has been applied by this tool\n";
  std::size_t width = 4;
  for (const Standing& one : facts.standings) width = std::max(width, one.name.size());
  if (!facts.standings.empty())
    text += fmt::format("  {:<12}  {:<{}}  {:<19}  {:>7}  {}\n", "STATE", "NAME", width, "APPLIED (UTC)",
                        "MS", "DOWN");
  for (const Standing& one : facts.standings) {
    const bool timed = one.row && is_applied(one.state);
    text += fmt::format("  {:<12}  {:<{}}  {:<19}  {:>7}  {}\n", state_of(one), one.name, width,
                        timed ? show_time(one.row->applied_at) : "-",
                        timed ? std::to_string(one.row->duration_ms) : "-", way_back(one));
  }
  return text +
         fmt::format("Applied {}, pending {}, drift {}. Lock: {}. Last backup: {}\n", facts.applied(),
                     facts.pending(), facts.drift(),
                     facts.lock.held ? fmt::format("held by {}@{} pid {} since {}", facts.lock.locked_by,
                                                   facts.lock.host, facts.lock.os_pid, facts.lock.locked_at)
                                     : "free",
                     facts.backup ? fmt::format("{} ({})", facts.backup->file, facts.backup->proof) : "none");
}

boost::json::value json_of(const Facts& facts) {
  boost::json::array migrations;
  for (const Standing& one : facts.standings) {
    boost::json::object row{
        {"name", one.name},
        {"number", one.number},
        {"state", name_of(one.state)},
        {"applied_at", nullptr},
        {"duration_ms", nullptr},
        {"checksum", one.migration != nullptr ? one.migration->up->checksum : one.row->checksum},
        {"norm_checksum",
         one.migration != nullptr ? one.migration->up->token_checksum : one.row->token_checksum},
        {"down", way_back(one) == "-" ? "none" : way_back(one)}};
    if (one.row && is_applied(one.state)) {
      row["applied_at"] = one.row->applied_at ? boost::json::value(show_time(one.row->applied_at)) : nullptr;
      row["duration_ms"] = one.row->duration_ms;
    }
    if (one.state == State::partial) {
      row["statements_done"] = one.row->statements_done;
      if (!one.row->batch_key.empty()) row["batch_rows"] = one.row->batch_rows;
      row["statements_total"] = one.row->statements_total;
    }
    migrations.push_back(std::move(row));
  }
  boost::json::object lock{{"held", facts.lock.held}};
  if (facts.lock.held) {
    lock["by"] = facts.lock.locked_by;
    lock["host"] = facts.lock.host;
    lock["pid"] = facts.lock.os_pid;
    lock["token"] = facts.lock.token;
    lock["since"] = facts.lock.locked_at;
    lock["migration"] = facts.lock.current_migration;
  }
  boost::json::value backup = nullptr;
  if (facts.backup)
    backup = {{"file", facts.backup->file},
              {"sha256", facts.backup->sha256},
              {"verified", facts.backup->level > 0},
              {"level", facts.backup->level},
              {"at", show_time(facts.backup->at)}};
  return {{"command", "status"},
          {"ok", true},
          {"database",
           {{"name", facts.target.name},
            {"server_version", facts.version},
            {"storage", facts.target.dialect == Dialect::postgres ? "postgres" : "sqlite"}}},
          {"lock", std::move(lock)},
          {"migrations", std::move(migrations)},
          {"counts",
           {{"applied", facts.applied()},
            {"pending", facts.pending()},
            {"changed", facts.count(State::changed)},
            {"cosmetic", facts.count(State::cosmetic)},
            {"missing", facts.count(State::missing)},
            {"late", facts.count(State::late)},
            {"partial", facts.count(State::partial)}}},
          {"last_backup", std::move(backup)}};
}

}  // namespace

Result<std::optional<Answer>> migrate_status(const Arguments& arguments) {
  if (folder_of(arguments)) return migrate_fleet_status(arguments);
  const auto facts = look(arguments);
  if (!facts) return answer_of("status", facts.error());
  Answer answer;
  answer.text = text_of(*facts);
  for (const migrate::Finding* one : facts->errors()) answer.problems += show(*one);
  answer.json = json_of(*facts);
  if (!arguments.has("--check")) return answer;
  const Exit exit = facts->count(State::partial) > 0                 ? Exit::midway
                    : facts->drift() > 0 || !facts->errors().empty() ? Exit::drift
                    : facts->pending() > 0                           ? Exit::pending
                                                                     : Exit::done;
  answer.exit_code = static_cast<int>(exit);
  return answer;
}

}  // namespace guildhall::cli
