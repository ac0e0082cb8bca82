#include "migrate/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "migrate/checksums.h"
#include "migrate/proofs.h"

namespace guildhall::migrate {
namespace {

using Order = std::vector<const Migration*>;

/// More than this many sets are not tried.
constexpr std::size_t kMostLeftOut = 20;

/// A schema that files made in a database of its own.
struct Built {
  SchemaSnapshot schema;
  std::string failed;  // why it could not be built to its end; "" when it was
};

/// Applies one after the other; `after` sees the schema after each and may end it.
Outcome<std::string> build(const Target& target, const Order& order, const std::string& scratch_url,
                           const std::function<bool(std::size_t, const SchemaSnapshot&)>& after) {
  auto scratch = ScratchTarget::make(target, scratch_url);
  if (!scratch) return std::unexpected(scratch.error());
  const auto session = (*scratch)->target().open("");
  if (!session) return std::unexpected(problem_of(session.error()));
  SchemaWatch watch(**session, target.dialect);
  watch.update();
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const SqlStatement& statement : order[i]->up->statements) {
      try {
        (*session)->run(std::string(statement.text));
      } catch (const store::DatabaseError& error) {
        return fmt::format("{}: {}", order[i]->name, error.what());
      }
    }
    if (!after(i, watch.update())) break;
  }
  return std::string();
}

Outcome<Built> build_all(const Target& target, const Order& order, const std::string& scratch_url) {
  Built built;
  auto failed = build(target, order, scratch_url, [&](std::size_t, const SchemaSnapshot& schema) {
    built.schema = schema;
    return true;
  });
  if (!failed) return std::unexpected(failed.error());
  built.failed = *std::move(failed);
  return built;
}

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
    if (auto compared = compare_schemas(); !compared) return std::unexpected(compared.error());
    if (!options_.accept) return std::move(report_);
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
    Order all;
    for (const Migration& one : set_.migrations) all.push_back(&one);
    std::size_t length = 0;
    auto built = build(target_, all, options_.scratch_url, [&](std::size_t i, const SchemaSnapshot& schema) {
      if (schema.fingerprint() == report_.fingerprint) length = i + 1;
      return true;
    });
    if (!built) return std::unexpected(built.error());
    if (length > 0) {
      adopt(Order(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(length)));
      return {};
    }
    return match_with_one_left_out(all);
  }

  /// The past of a database whose tool passed over one of them, or where one failed for good.
  Outcome<void> match_with_one_left_out(const Order& all) {
    for (std::size_t out = 0; out < std::min(all.size(), kMostLeftOut); ++out) {
      Order order = all;
      order.erase(order.begin() + static_cast<std::ptrdiff_t>(out));
      std::size_t length = 0;
      auto built =
          build(target_, order, options_.scratch_url, [&](std::size_t i, const SchemaSnapshot& schema) {
            if (schema.fingerprint() == report_.fingerprint) length = i + 1;
            return true;
          });
      if (!built) return std::unexpected(built.error());
      if (length <= out) continue;
      adopt(Order(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(length)));
      return {};
    }
    return stop(Exit::drift, "MG-NOMATCH", "no set of these files makes the schema that is there",
                "`guildhall migrate baseline --at NAME` names what differs from the files up to NAME.");
  }

  Outcome<void> compare_schemas() {
    Order order;
    for (const Adopted& one : report_.adopted) order.push_back(one.migration);
    const auto built = build_all(target_, order, options_.scratch_url);
    if (!built) return std::unexpected(built.error());
    report_.unbuilt = built->failed;
    if (!report_.unbuilt.empty()) return {};
    for (const SchemaDifference& one : differences(built->schema, live_))
      report_.differences.push_back(one.text());
    return {};
  }

  // --- writing it down

  Outcome<void> write() {
    auto lock = Lock::take(target_, *session_, {"baseline", options_.lock_wait, options_.lock, options_.say});
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
