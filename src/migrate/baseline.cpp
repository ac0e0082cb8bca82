#include "migrate/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "migrate/checksums.h"

namespace guildhall::migrate {
namespace {

using Order = std::vector<const Migration*>;

class Baseline {
 public:
  Baseline(const Target& target, const MigrationSet& set, const BaselineOptions& options)
      : target_(target), set_(set), options_(options) {}

  Outcome<BaselineReport> run() {
    auto session = open_work_session(target_, options_.limits);
    if (!session) return std::unexpected(session.error());
    session_ = *std::move(session);
    if (auto fresh = check_fresh(); !fresh) return std::unexpected(fresh.error());
    live_ = read_snapshot(*session_, target_.dialect, target_.snapshot);
    report_.fingerprint = live_.fingerprint();
    if (auto chosen = choose(); !chosen) return std::unexpected(chosen.error());
    if (!report_.match) {
      if (auto compared = compare_schemas(); !compared) return std::unexpected(compared.error());
    }
    if (!options_.accept || (report_.match && !report_.match->is_found())) return std::move(report_);
    if (auto written = write(); !written) return std::unexpected(written.error());
    return std::move(report_);
  }

 private:
  Outcome<void> check_fresh() {
    for (const Finding& one : set_.findings) {
      if (one.level == Level::error)
        return stop(Exit::drift, one.code, fmt::format("{}: {}", one.name, one.text), one.hint);
    }
    const auto rows = Journal(*session_, target_.dialect).read();
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) return {};
    return stop(Exit::drift, "MG-ADOPTED", fmt::format("'{}' has a journal already", target_.name),
                "`guildhall migrate status` shows it; a database is adopted once.");
  }

  Outcome<void> choose() {
    if (!options_.at.empty()) return choose_at();
    return options_.match ? choose_match() : import_drizzle();
  }

  void adopt(const Order& order) {
    for (const Migration* one : order) report_.adopted.push_back({one, "", false});
  }

  Outcome<void> choose_at() {
    const auto standings = compare(set_, {});
    const auto found = find_standing(standings, options_.at);
    if (!found) return std::unexpected(found.error());
    Order order;
    for (const Migration& one : set_.migrations) {
      order.push_back(&one);
      if (&one == (*found)->migration) break;
    }
    adopt(order);
    return {};
  }

  // --- what another tool wrote down

  bool has_table(const std::string& table) {
    if (target_.dialect == Dialect::postgres)
      return !session_->query("SELECT 1 FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'r'", {table})
                  .empty();
    return !session_->query("SELECT 1 FROM sqlite_schema WHERE name = $1 AND type = 'table'", {table})
                .empty();
  }

  Outcome<void> import_drizzle() {
    if (has_table("drizzle_migrations")) return import_runner("drizzle_migrations");
    for (const char* table : {"drizzle.__drizzle_migrations", "__drizzle_migrations"}) {
      if (has_table(table)) return import_kit(table);
    }
    return stop(Exit::usage, "E-NOTHING",
                "there is neither drizzle_migrations nor drizzle.__drizzle_migrations",
                "--at NAME says by hand which are applied; --match looks at the schema itself.");
  }

  /// StreamBot's own runner: id, filename, applied_at, checksum (SHA-256 of the file).
  Outcome<void> import_runner(const std::string& table) {
    for (const auto& row : session_->query(
             fmt::format("SELECT filename, checksum FROM {} ORDER BY applied_at, filename", table))) {
      std::string name = row[0];
      if (name.ends_with(".sql")) name.resize(name.size() - 4);
      const Migration* migration = set_.find(name);
      if (migration == nullptr) {
        report_.unknown.push_back(row[0]);
        continue;
      }
      const bool differs = !row[1].empty() && digits_of(migration->up->checksum) != row[1];
      report_.adopted.push_back({migration, row[1].empty() ? "" : "sha256:" + row[1], differs});
    }
    return {};
  }

  /// Drizzle Kit: id, hash (SHA-256 of the file), created_at (`when` of its list).
  Outcome<void> import_kit(const std::string& table) {
    std::map<std::string, std::string> tags;
    for (const DrizzleEntry& one : set_.generated) tags[std::to_string(one.when_ms)] = one.tag;
    for (const auto& row :
         session_->query(fmt::format("SELECT hash, created_at FROM {} ORDER BY id", table))) {
      const auto same = std::ranges::find_if(
          set_.migrations, [&](const Migration& one) { return digits_of(one.up->checksum) == row[0]; });
      const Migration* migration = same != set_.migrations.end() ? &*same : nullptr;
      if (migration == nullptr && tags.contains(row[1])) migration = set_.find(tags.at(row[1]));
      if (migration == nullptr) {
        report_.unknown.push_back(row[0].substr(0, 12));
        continue;
      }
      report_.adopted.push_back(
          {migration, "sha256:" + row[0], digits_of(migration->up->checksum) != row[0]});
    }
    return {};
  }

  // --- what the schema itself says

  Outcome<void> choose_match() {
    auto match = match_schema(target_, set_, live_, options_.scratch_url);
    if (!match) return std::unexpected(match.error());
    report_.differences = match->differences;
    if (match->is_found()) adopt(match->order);
    report_.match = *std::move(match);
    return {};
  }

  /// With what the adopted files make.
  Outcome<void> compare_schemas() {
    auto trial = TrialDatabase::make(target_, options_.scratch_url);
    if (!trial) return std::unexpected(trial.error());
    for (const Adopted& one : report_.adopted) {
      report_.unbuilt = trial->apply(*one.migration);
      if (!report_.unbuilt.empty()) return {};
    }
    report_.differences = difference_lines(trial->schema(), live_);
    return {};
  }

  // --- writing it down

  Outcome<void> write() {
    auto lock = Lock::take(target_, *session_,
                           {"baseline", options_.lock_wait, options_.lock, options_.interrupt, options_.say});
    if (!lock) return std::unexpected(lock.error());
    if (auto fresh = check_fresh(); !fresh) return fresh;
    Journal journal(*session_, target_.dialect);
    const std::string who = who_runs(*session_, target_.dialect);
    session_->execute("BEGIN");
    for (std::size_t i = 0; i < report_.adopted.size(); ++i) {
      const Adopted& one = report_.adopted[i];
      JournalRow row;
      row.name = one.migration->name;
      row.direction = "baseline";
      row.state = "applied";
      row.checksum = one.checksum.empty() ? one.migration->up->checksum : one.checksum;
      row.token_checksum = one.differs ? "" : one.migration->up->token_checksum;
      row.down_source = one.migration->down ? "file" : "none";
      row.applied_by = who;
      row.tool_version = GUILDHALL_VERSION;
      row.lock_token = (*lock)->token();
      if (i + 1 == report_.adopted.size()) row.fingerprint_after = report_.fingerprint;
      row.note = "adopted";
      journal.add(row);
    }
    auto ours = (*lock)->check(*session_);
    session_->execute(ours ? "COMMIT" : "ROLLBACK");
    report_.written = ours.has_value();
    return ours;
  }

  const Target& target_;
  const MigrationSet& set_;
  const BaselineOptions& options_;
  std::unique_ptr<store::SchemaSession> session_;
  SchemaSnapshot live_;
  BaselineReport report_;
};

}  // namespace

Outcome<BaselineReport> baseline(const Target& target, const MigrationSet& set,
                                 const BaselineOptions& options) {
  try {
    return Baseline(target, set, options).run();
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_of(error));
  } catch (const ErrorException& error) {
    return std::unexpected(problem_of(error.error()));
  }
}

}  // namespace guildhall::migrate
