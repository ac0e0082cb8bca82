#include "migrate/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/text.h"

namespace guildhall::migrate {
namespace {

/// What the journal says of one name.
struct Record {
  std::optional<JournalRow> applied;  // the row that applied it; its checksums are those last accepted
  std::optional<JournalRow> open;     // started and not finished
  std::optional<JournalRow> failed;
};

void take(Record& record, const JournalRow& row) {
  const bool forward = row.direction == "up" || row.direction == "baseline";
  if (row.state == "started" || row.state == "partial") {
    record.open = row;
  } else if (row.state == "failed") {
    record.failed = row;
    record.open.reset();
  } else if (row.state != "applied") {
    return;
  } else if (forward) {
    record = {row, std::nullopt, std::nullopt};
  } else if (row.direction == "down") {
    record = {};
  } else if (record.applied) {  // repair
    record.applied->checksum = row.checksum;
    record.applied->token_checksum = row.token_checksum;
  }
}

State state_of(const Record& record, const Migration* migration) {
  // Without its file nobody can go on with it.
  const bool is_lost = migration == nullptr && record.open && record.open->direction != "down";
  if (record.open) return is_lost ? State::missing : State::partial;
  if (!record.applied) return record.failed ? State::failed : State::pending;
  if (migration == nullptr) return State::missing;
  const Script& up = *migration->up;
  if (up.checksum != record.applied->checksum) {
    const bool same = !up.token_checksum.empty() && up.token_checksum == record.applied->token_checksum;
    return same ? State::cosmetic : State::changed;
  }
  return record.applied->direction == "baseline" ? State::baseline : State::applied;
}

std::int64_t leading_number(std::string_view name) {
  std::int64_t number = 0;
  std::from_chars(name.data(), name.data() + name.size(), number);
  return number;
}

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::pending: return "pending";
    case State::late: return "late";
    case State::applied: return "applied";
    case State::baseline: return "baseline";
    case State::cosmetic: return "cosmetic";
    case State::changed: return "changed";
    case State::missing: return "missing";
    case State::partial: return "partial";
    case State::failed: return "failed";
  }
  return "";
}

bool is_applied(State state) {
  return state == State::applied || state == State::baseline || state == State::cosmetic ||
         state == State::changed || state == State::missing;
}

bool is_drift(State state) {
  return state == State::changed || state == State::missing || state == State::late;
}

std::vector<Standing> compare(const MigrationSet& set, const std::vector<JournalRow>& journal) {
  std::map<std::string, Record> records;
  for (const JournalRow& row : journal) take(records[row.name], row);
  std::vector<Standing> standings;
  for (const Migration& migration : set.migrations) {
    const Record record = records[migration.name];
    records.erase(migration.name);
    standings.push_back({migration.name, migration.number, state_of(record, &migration), &migration,
                         record.open      ? record.open
                         : record.applied ? record.applied
                                          : record.failed,
                         record.applied});
  }
  for (const auto& [name, record] : records) {
    if (record.applied || record.open)
      standings.push_back({name, leading_number(name), state_of(record, nullptr), nullptr,
                           record.open ? record.open : record.applied, record.applied});
  }
  std::ranges::sort(standings, [](const Standing& a, const Standing& b) {
    return std::tie(a.number, a.name) < std::tie(b.number, b.name);
  });
  std::int64_t newest = -1;
  for (const Standing& one : standings) {
    if (is_applied(one.state) || one.state == State::partial) newest = std::max(newest, one.number);
  }
  for (Standing& one : standings) {
    if ((one.state == State::pending || one.state == State::failed) && one.number < newest)
      one.state = State::late;
  }
  return standings;
}

std::vector<const Standing*> in_order_of_application(const std::vector<Standing>& standings) {
  std::vector<const Standing*> applied;
  for (const Standing& one : standings) {
    if (is_applied(one.state)) applied.push_back(&one);
  }
  std::ranges::sort(applied, {}, [](const Standing* one) { return one->row->seq; });
  return applied;
}

Outcome<const Standing*> find_standing(const std::vector<Standing>& standings, std::string_view name) {
  std::vector<const Standing*> meant;
  std::vector<std::string> names;
  for (const Standing& one : standings) {
    if (one.name == name) return &one;
    names.push_back(one.name);
    if (one.name.starts_with(std::string(name) + "_")) meant.push_back(&one);
  }
  if (meant.size() == 1) return meant[0];
  const auto close = closest(name, names);
  return stop(Exit::usage, "E-NAME", fmt::format("there is no migration '{}'", name),
              close ? fmt::format("Did you mean '{}'?", *close) : "`guildhall migrate status` lists them.");
}

}  // namespace guildhall::migrate
