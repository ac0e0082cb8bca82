#include "migrate/phases.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "migrate/target.h"

namespace guildhall::migrate {
namespace {

constexpr std::string_view kPostgresTable =
    "CREATE TABLE guildhall.migration_readers (name TEXT PRIMARY KEY, needs TEXT NOT NULL, heartbeat_at "
    "TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())";
constexpr std::string_view kSqliteTable =
    "CREATE TABLE migration_readers (name TEXT PRIMARY KEY, needs TEXT NOT NULL, heartbeat_at INTEGER NOT "
    "NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER))) STRICT";

bool has_table(store::SchemaSession& session, Dialect dialect) {
  return !session
              .query(dialect == Dialect::sqlite
                         ? "SELECT 1 FROM sqlite_schema WHERE name = 'migration_readers'"
                         : "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
                           "n.nspname = 'guildhall' AND c.relname = 'migration_readers'")
              .empty();
}

Phase phase_of(const Migration& migration) { return migration.up->options.phase; }

/// Of a name that nobody numbered nothing is known.
std::optional<std::int64_t> number_of(std::string_view name) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

/// The last before `contract` of those phases, among what it needs if that names any of them.
const Migration* last_before(const MigrationSet& set, const Migration& contract,
                             std::initializer_list<Phase> phases) {
  const auto is_one = [&](const Migration& one) {
    return std::ranges::find(phases, phase_of(one)) != phases.end();
  };
  const Migration* nearest = nullptr;
  const Migration* needed = nullptr;
  for (const Migration& one : set.migrations) {
    if (&one == &contract) break;
    if (!one.up || !is_one(one)) continue;
    nearest = &one;
    const auto& needs = contract.up->options.needs;
    if (std::ranges::find(needs, one.name) != needs.end()) needed = &one;
  }
  return needed != nullptr ? needed : nearest;
}

/// What a program has to be written for to do without what the contract takes away.
const Migration& least_needed(const MigrationSet& set, const Migration& contract) {
  if (const auto* step = last_before(set, contract, {Phase::expand, Phase::backfill})) return *step;
  const Migration* before = &contract;
  for (const Migration& one : set.migrations) {
    if (&one == &contract) break;
    before = &one;
  }
  return *before;
}

std::string how_to_go_on(std::span<const Pending> run, const Migration& contract) {
  const Migration* before = nullptr;
  for (const Pending& one : run) {
    if (one.migration == &contract) break;
    before = one.migration;
  }
  return before == nullptr ? "" : fmt::format(" What comes before it: up --to {}", before->name);
}

std::string some_of(const std::vector<const SchemaReader*>& readers) {
  const SchemaReader& first = *readers.front();
  const std::string more =
      readers.size() > 1 ? fmt::format(" and {} more", readers.size() - 1) : std::string();
  return fmt::format("{} (written for {}, heartbeat {} s ago){}", first.name, first.needs,
                     first.heartbeat_age_ms / 1000, more);
}

std::optional<Finding> check_contract(const MigrationSet& set, std::span<const Pending> run,
                                      const Migration& contract, const std::vector<SchemaReader>& readers) {
  std::vector<const SchemaReader*> all;
  std::vector<const SchemaReader*> older;
  const Migration& least = least_needed(set, contract);
  for (const SchemaReader& one : readers) {
    const auto number = number_of(one.needs);
    if (number && *number >= contract.number) continue;  // it is written for what the contract leaves
    all.push_back(&one);
    if (!number || *number < least.number) older.push_back(&one);
  }
  if (all.empty()) return std::nullopt;
  const auto made = [&](std::string code, std::string text, std::string hint) {
    return Finding{std::move(code),   Level::error,
                   contract.up->file, 0,
                   std::move(text),   std::move(hint) + how_to_go_on(run, contract)};
  };
  const Migration* expand = last_before(set, contract, {Phase::expand});
  if (expand != nullptr && std::ranges::find(run, expand, &Pending::migration) != run.end()) {
    return made("MG-PHASE",
                fmt::format("{} and its expand, {}, are in one run, and programs use the database: {}",
                            contract.name, expand->name, some_of(all)),
                "The programs have to move over in between.");
  }
  if (older.empty()) return std::nullopt;
  return made(
      "MG-READERS",
      fmt::format("{} takes away what programs before {} need: {}", contract.name, least.name,
                  some_of(older)),
      fmt::format("Stop them or bring them up to date; {} s after its last heartbeat one does not count.",
                  kReaderCounts.count() / 1000));
}

}  // namespace

std::string_view readers_table(Dialect dialect) {
  return dialect == Dialect::postgres ? kPostgresTable : kSqliteTable;
}

std::vector<SchemaReader> read_readers(store::SchemaSession& session, Dialect dialect,
                                       const std::string& also_in) {
  std::vector<SchemaReader> readers;
  if (!also_in.empty()) {
    const auto other = store::open_any_session({.url = "sqlite:" + also_in, .reads_through = false});
    if (!other) throw ErrorException(other.error());
    readers = read_readers(**other, Dialect::sqlite);
  }
  if (!has_table(session, dialect)) return readers;
  const std::string age = dialect == Dialect::postgres
                              ? "(extract(epoch FROM clock_timestamp() - heartbeat_at) * 1000)::bigint"
                              : fmt::format("(({} - heartbeat_at) / 1000)", now_of(dialect));
  for (const auto& row :
       session.query(fmt::format("SELECT name, needs, {0} FROM {1} WHERE {0} < {2} ORDER BY name", age,
                                 own_table(dialect, "migration_readers"), kReaderCounts.count())))
    readers.push_back({row[0], row[1], std::max<std::int64_t>(0, std::stoll(row[2]))});
  return readers;
}

Findings check_phases(const MigrationSet& set, std::span<const Pending> run,
                      const std::vector<SchemaReader>& readers) {
  Findings findings;
  for (const Pending& one : run) {
    if (phase_of(*one.migration) != Phase::contract) continue;
    if (auto found = check_contract(set, run, *one.migration, readers)) findings.push_back(*std::move(found));
  }
  return findings;
}

bool has_contract(std::span<const Pending> run) {
  return std::ranges::any_of(run,
                             [](const Pending& one) { return phase_of(*one.migration) == Phase::contract; });
}

}  // namespace guildhall::migrate
