#include "migrate/space.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "migrate/plan.h"
#include "migrate/run.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

struct Need {
  fs::path folder;
  std::uintmax_t bytes = 0;
  std::string what;
};

/// Folders of one volume have one number. Of a folder that is yet to be made, that of what it will lie in.
dev_t volume_of(const fs::path& folder) {
  std::error_code ignored;
  fs::path existing = fs::absolute(folder, ignored);
  while (!fs::exists(existing, ignored) && existing.has_relative_path()) existing = existing.parent_path();
  struct stat found{};
  return ::stat(existing.c_str(), &found) == 0 ? found.st_dev : 0;
}

/// A server elsewhere, or in a container, has other numbers of processes.
bool runs_here(const std::string& backend) {
  std::string title;
  std::getline(std::ifstream(fmt::format("/proc/{}/cmdline", backend)), title);
  return title.starts_with("postgres:");
}

/// By the folder in which a table lies, as TableFact::tablespace names it.
std::map<std::string, Need> needs_by_tablespace(const TableFacts& facts, std::span<const Pending> pending,
                                                Dialect dialect) {
  std::map<std::string, Need> needs;
  Preflight preflight;
  preflight.facts = facts;
  const Plan plan = make_plan(pending, preflight, dialect);
  for (const PlannedMigration& migration : plan.migrations) {
    for (const PlannedStatement& one : migration.statements) {
      if (one.space_bytes == 0) continue;
      const TableFact* fact = facts.find(name_key(one.table, dialect));
      Need& need = needs[fact == nullptr ? "" : fact->tablespace];
      const auto bytes = static_cast<std::uintmax_t>(one.space_bytes);
      need.bytes += bytes;
      need.what += fmt::format("{}{} line {}: {} for {}", need.what.empty() ? "" : ", ", migration.file,
                               one.line, shown_bytes(bytes), one.table);
    }
  }
  return needs;
}

/// Whether any of it may need space at all: to measure tables takes its time.
bool may_need_space(std::span<const Pending> pending, Dialect dialect) {
  const TableFacts unknown;
  for (const Pending& one : pending) {
    const auto readings = read_pending(one, dialect);
    for (const StatementReading* reading : with_inner(readings)) {
      const StatementCost cost = cost_of(*reading, unknown, dialect);
      if (cost.rewrites || cost.builds_index) return true;
    }
  }
  return false;
}

std::vector<Need> needs_of_data(Looking& looking, const Target& target, std::span<const Pending> pending,
                                const TableFacts& known) {
  std::vector<Need> needs;
  if (!may_need_space(pending, target.dialect)) return needs;
  const TableFacts facts = known.known ? known : read_table_facts(looking.session(), target.dialect, pending);
  for (auto& [tablespace, need] : needs_by_tablespace(facts, pending, target.dialect)) {
    if (target.dialect == Dialect::sqlite) {
      need.folder = fs::absolute(looking.session().name()).parent_path();
    } else if (const fs::path data = data_directory(looking); !data.empty()) {
      need.folder = tablespace.empty() ? data : fs::path(tablespace);
    }
    std::error_code unreadable;
    if (!need.folder.empty() && fs::exists(need.folder, unreadable)) needs.push_back(std::move(need));
  }
  return needs;
}

Outcome<Need> need_of_backup(Looking& looking, const Target& target, const BackupOptions& backup) {
  const auto [sql, values] = size_to_back_up(target.dialect, backup);
  const auto size = looking.ask(sql, values);
  // A table that somebody holds is not waited for: the backup asks again.
  if (!size) return Need{backup.folder, 0, ""};
  const auto needed =
      backup_space(backup, target.database, std::stoull(size->front()[0]), share_of_database(target.dialect));
  if (!needed) return std::unexpected(problem_of_backup(needed.error()));
  return Need{backup.folder, needed->bytes,
              fmt::format("a backup {} ({})", shown_bytes(needed->bytes), needed->reckoned)};
}

Outcome<void> check_volume(const std::vector<Need>& needs, const FreeSpaceOf& free_space) {
  std::uintmax_t all = 0;
  std::vector<std::string> whats;
  for (const Need& need : needs) {
    all += need.bytes;
    whats.push_back(need.what);
  }
  const auto free = free_space(needs.front().folder);
  if (!free) return std::unexpected(problem_of_backup(free.error()));
  if (*free >= all) return {};
  return stop(
      Exit::no_space, "MG-SPACE",
      fmt::format("where '{}' lies {} are free, and about {} are needed: {}", needs.front().folder.string(),
                  shown_bytes(*free), shown_bytes(all), fmt::join(whats, ", ")),
      "Free some space there (guildhall migrate prune removes old backups), name another folder with "
      "--backup-dir, or run fewer migrations at once.");
}

}  // namespace

fs::path data_directory(Looking& looking) {
  const auto rows = looking.ask(
      "SELECT pg_backend_pid(), CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN "
      "current_setting('data_directory') ELSE '' END");
  return rows && runs_here(rows->front()[0]) ? rows->front()[1] : "";
}

Outcome<void> check_space(Looking& looking, const Target& target, std::span<const Pending> pending,
                          const TableFacts& facts, const BackupOptions* backup,
                          const FreeSpaceOf& free_space) {
  std::map<dev_t, std::vector<Need>> volumes;
  if (backup != nullptr && backup->coverage != Coverage::external) {
    auto need = need_of_backup(looking, target, *backup);
    if (!need) return std::unexpected(need.error());
    volumes[volume_of(need->folder)].push_back(*std::move(need));
  }
  for (Need& need : needs_of_data(looking, target, pending, facts))
    volumes[volume_of(need.folder)].push_back(std::move(need));
  for (const auto& [volume, needs] : volumes) {
    if (auto fits = check_volume(needs, free_space); !fits) return fits;
  }
  return {};
}

}  // namespace guildhall::migrate
