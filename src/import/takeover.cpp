#include "import/takeover.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "bot/import_trace.h"
#include "net/run_to_end.h"
#include "tenancy/registry.h"

namespace guildhall::importing {
namespace {

using bot::Carried;
using bot::ImportEntry;
using bot::Importer;
using bot::OldRow;
using store::TxTask;

constexpr std::int64_t kGrowth = 8;

/// So many are named in a message; all are in the report.
constexpr std::size_t kNamed = 20;

std::string folded(const std::string& name) { return fold_name(bot::kept_name(name)); }

/// What one walk over some keys found out, before and after its bookings.
struct Findings {
  std::int64_t rows = 0;
  std::int64_t booked = 0;
  std::int64_t viewers = 0;
  std::int64_t credited = 0;
  std::int64_t debited = 0;
  std::int64_t new_credited = 0;
  std::int64_t new_debited = 0;
  std::vector<Note> remarks;
  std::vector<Note> refused;
  std::vector<std::string> waiting;
};

void add(ItemReport& item, Findings findings) {
  item.rows += findings.rows;
  item.booked += findings.booked;
  item.credited += findings.credited;
  item.debited += findings.debited;
  item.new_credited += findings.new_credited;
  item.new_debited += findings.new_debited;
  item.waiting += static_cast<std::int64_t>(findings.waiting.size());
  std::ranges::move(findings.remarks, std::back_inserter(item.remarks));
  std::ranges::move(findings.refused, std::back_inserter(item.refused));
  std::ranges::move(findings.waiting, std::back_inserter(item.waiting_keys));
}

using CarriedByKey = std::map<std::string, Carried>;

/// What is to be booked of one old row; nothing: it is as it was carried, or is not taken over.
std::optional<ImportEntry> difference(const Importer& importer, const OldRow& row, const Carried* carried,
                                      Findings& findings) {
  bot::Reckoned reckoned = importer.reckon(row);
  if (importer.by_name && folded(row.key).empty()) reckoned.refused = "a row without a name";
  if (reckoned.waits) {
    findings.waiting.push_back(row.key);
    return std::nullopt;
  }
  if (!reckoned.refused.empty()) {
    findings.refused.push_back({row.key, reckoned.refused});
    return std::nullopt;
  }
  if (!reckoned.remark.empty()) findings.remarks.push_back({row.key, reckoned.remark});
  findings.credited += reckoned.credited;
  findings.debited += reckoned.debited;
  const Carried before = carried != nullptr ? *carried : Carried{};
  if (carried != nullptr && before.credited == reckoned.credited && before.debited == reckoned.debited &&
      (importer.by_name || before.value == reckoned.text))
    return std::nullopt;
  ImportEntry entry;
  entry.key = row.key;
  entry.credited = reckoned.credited - before.credited;
  entry.debited = reckoned.debited - before.debited;
  entry.text = reckoned.text;
  entry.before = before.value;
  entry.moment = row.moment;
  entry.times = before.times;
  entry.remark = reckoned.remark;
  return entry;
}

/// The old row is gone.
std::optional<ImportEntry> way_back(const Importer& importer, const Carried& carried) {
  const bool has_text = !importer.by_name && !carried.value.empty();
  if (carried.credited == 0 && carried.debited == 0 && !has_text) return std::nullopt;
  ImportEntry entry;
  entry.key = carried.old_key;
  entry.credited = -carried.credited;
  entry.debited = -carried.debited;
  entry.before = carried.value;
  entry.times = carried.times;
  entry.remark = "gone from the old database";
  return entry;
}

std::vector<ImportEntry> differences(const Importer& importer, const std::vector<OldRow>& rows,
                                     const CarriedByKey& carried, Findings& findings) {
  std::vector<ImportEntry> entries;
  CarriedByKey gone = carried;
  for (const OldRow& row : rows) {
    const auto found = carried.find(row.key);
    gone.erase(row.key);
    ++findings.rows;
    auto entry = difference(importer, row, found == carried.end() ? nullptr : &found->second, findings);
    if (entry) entries.push_back(*std::move(entry));
  }
  for (const auto& [key, one] : gone) {
    if (auto entry = way_back(importer, one)) entries.push_back(*std::move(entry));
  }
  return entries;
}

/// Makes people known for the names, and lets the importer book.
TxTask<std::vector<ImportEntry>> book(store::Tx& tx, const Importer& importer, const bot::ImportCall& call,
                                      std::vector<ImportEntry> entries, Findings& findings) {
  if (importer.by_name) {
    std::vector<std::string> names;
    for (const ImportEntry& entry : entries) names.push_back(entry.key);
    const auto viewers = co_await bot::identities_of_names(tx, bot::kKick, std::move(names), call.now);
    std::set<PersonId> made;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      entries[i].viewer = viewers[i];
      if (viewers[i].made) made.insert(viewers[i].identity.person_id);
    }
    findings.viewers = static_cast<std::int64_t>(made.size());
  }
  co_return co_await importer.book(tx, call, std::move(entries));
}

/// One state of the old database, for as long as it lives.
class Reading {
 public:
  explicit Reading(OldDatabase& old) : old_(old) { old.begin_reading(); }
  ~Reading() {
    try {
      old_.end_reading();
    } catch (const store::DatabaseError&) {  // the connection is gone, and the reading with it
    }
  }

 private:
  OldDatabase& old_;
};

/// What is carried from now on.
std::vector<Carried> carried_by(const Importer& importer, const std::vector<ImportEntry>& entries,
                                const CarriedByKey& before) {
  std::vector<Carried> rows;
  for (const ImportEntry& entry : entries) {
    if (!entry.refused.empty()) continue;
    const auto found = before.find(entry.key);
    Carried row = found == before.end() ? Carried{entry.key} : found->second;
    row.credited += entry.credited;
    row.debited += entry.debited;
    row.value =
        importer.by_name
            ? bot::add_part(row.value, {entry.viewer.identity.home_person_id, entry.credited - entry.debited})
            : entry.text;
    ++row.times;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

/// Some keys in their order, with their rows; either from `after` (not among them, if there is one) to
/// `last`, whatever of it was carried, or these and no others.
struct Takeover::Chunk {
  std::vector<OldRow> rows;
  std::optional<std::string> after = {};
  std::string last = {};
  std::vector<std::string> keys = {};
};

Takeover::Takeover(OldDatabase& old, const bot::Declarations& declarations,
                   std::optional<tenancy::ServerScope> scope, const Clock& clock, const Options& options)
    : old_(old), declarations_(declarations), scope_(std::move(scope)), clock_(clock), options_(options) {
  for (const bool acts : {false, true}) {
    for (const Importer& importer : declarations.importers) {
      if (importer.source != "kick" || importer.acts != acts) continue;
      importers_.push_back(&importer);
      ItemReport item;
      item.item = importer.item;
      item.title = importer.title;
      item.measures = importer.measures;
      if (const bot::OldSource* source = old.source_of(importer)) item.table = source->table;
      report_.items.push_back(std::move(item));
    }
  }
  report_.server = old.server();
  report_.home = old.home();
  report_.old_database = old.name();
  report_.zone = old.zone();
  report_.is_converted = old.is_converted();
  report_.is_dry = options.dry_run;
  report_.may_merge = options.merge_twins;
}

ItemReport& Takeover::item_of(const Importer& importer) {
  return *std::ranges::find(report_.items, importer.item, &ItemReport::item);
}

bot::ImportCall Takeover::call(const Importer& importer) const {
  return {importer.source, report_.server, clock_.now(), options_.actor};
}

/// Keys that several names have.
std::vector<std::uint64_t> Takeover::doubled(const std::vector<Heard>& heard) {
  std::vector<std::uint64_t> twice;
  for (std::size_t i = 1; i < heard.size(); ++i) {
    if (heard[i].folded == heard[i - 1].folded) twice.push_back(heard[i].folded);
  }
  return twice;
}

/// In two readings of the names: the first keeps hashes alone, which may agree by chance; the second looks at
/// the names whose hashes agree.
Result<void> Takeover::look_for_twins() {
  report_.twins.clear();
  heard_.clear();
  const auto each_name = [&](const auto& take) {
    for (const Importer* importer : importers_) {
      const bot::OldSource* source = old_.source_of(*importer);
      const std::string column = source == nullptr   ? ""
                                 : importer->by_name ? source->key
                                                     : importer->named_in;
      if (column.empty()) continue;
      old_.read_names(*source, column, [&](const std::string& name) { take(*importer, name, folded(name)); });
    }
  };
  constexpr std::hash<std::string> kHash;
  std::vector<Heard> all;
  each_name([&](const Importer& importer, const std::string& name, const std::string& key) {
    const Heard one{kHash(key), kHash(name)};
    all.push_back(one);
    if (importer.adds_up) heard_[&importer].push_back(one);
  });
  const auto sort = [](std::vector<Heard>& names) {
    std::ranges::sort(names);
    const auto same = std::ranges::unique(names);
    names.erase(same.begin(), same.end());
  };
  sort(all);
  for (auto& [importer, names] : heard_) sort(names);
  const std::vector<std::uint64_t> twice = doubled(all);
  if (twice.empty()) return {};
  std::map<std::string, std::set<std::string>> spellings;
  std::map<std::pair<const Importer*, std::string>, std::set<std::string>> summed;
  each_name([&](const Importer& importer, const std::string& name, const std::string& key) {
    if (key.empty() || !std::ranges::binary_search(twice, kHash(key))) return;
    spellings[key].insert(name);
    if (importer.adds_up) summed[{&importer, key}].insert(name);
  });
  std::set<std::string> adding;
  for (const auto& [where, names] : summed) {
    if (names.size() > 1) adding.insert(where.second);
  }
  for (const auto& [key, names] : spellings) {
    if (names.size() > 1) report_.twins.push_back({{names.begin(), names.end()}, adding.contains(key)});
  }
  if (adding.empty() || options_.merge_twins || options_.dry_run) return {};
  std::vector<std::string> shown;
  for (const std::string& key : adding) {
    if (shown.size() < kNamed) shown.push_back(fmt::format("{}", fmt::join(spellings[key], " / ")));
  }
  return fail(
      ErrorCode::refused_by_guard,
      fmt::format("{} viewers stand there in several spellings, each with minutes or points of its own: "
                  "{}{}",
                  adding.size(), fmt::join(shown, "; "), adding.size() > kNamed ? "; ..." : ""),
      "Merge them in the old database, or let them be added up: --merge-twins.");
}

void Takeover::set_twins_aside(const Importer& importer, std::vector<ImportEntry>& entries) const {
  const auto heard = heard_.find(&importer);
  if (options_.merge_twins || options_.dry_run || heard == heard_.end()) return;
  constexpr std::hash<std::string> kHash;
  for (ImportEntry& entry : entries) {
    if (entry.times > 0) continue;
    const auto others = std::ranges::equal_range(heard->second, kHash(folded(entry.key)), {}, &Heard::folded);
    const bool has_twin =
        std::ranges::any_of(others, [&](const Heard& other) { return other.exact != kHash(entry.key); });
    if (has_twin) entry.refused = "another spelling of a viewer who is there already (--merge-twins)";
  }
}

Result<void> Takeover::carry(const Importer& importer, Chunk chunk) {
  if (options_.is_stopped())
    return fail(ErrorCode::failed, "stopped; what was taken over stays",
                "The same command goes on where it was.");
  const bot::ImportCall how = call(importer);
  const auto carried_so_far = [&importer, &chunk](store::Tx& tx) -> TxTask<CarriedByKey> {
    CarriedByKey carried;
    auto rows = chunk.keys.empty() ? co_await bot::carried_between(tx, importer.source, importer.item,
                                                                   chunk.after.value_or(""), chunk.last)
                                   : co_await bot::carried_of(tx, importer.source, importer.item, chunk.keys);
    for (Carried& one : rows) {
      if (!chunk.after || one.old_key != *chunk.after) carried.emplace(one.old_key, std::move(one));
    }
    co_return carried;
  };
  const auto reckon = [&](const CarriedByKey& carried, Findings& findings) {
    auto entries = differences(importer, chunk.rows, carried, findings);
    set_twins_aside(importer, entries);
    return entries;
  };
  const auto count = [](const std::vector<ImportEntry>& entries, Findings& findings) {
    for (const ImportEntry& entry : entries) {
      if (!entry.refused.empty()) {
        findings.refused.push_back({entry.key, entry.refused});
        findings.credited -= entry.credited;
        findings.debited -= entry.debited;
        continue;
      }
      ++findings.booked;
      findings.new_credited += entry.credited;
      findings.new_debited += entry.debited;
    }
  };
  Findings findings;
  if (!scope_) {
    count(reckon({}, findings), findings);
  } else if (options_.dry_run) {
    findings = net::run_to_end(scope_->read([&](store::Tx& tx) -> TxTask<Findings> {
      Findings found;
      count(reckon(co_await carried_so_far(tx), found), found);
      co_return found;
    }));
  } else {
    findings = net::run_to_end(scope_->transact([&](store::Tx& tx) -> TxTask<Findings> {
      Findings found;
      const CarriedByKey before = co_await carried_so_far(tx);
      auto entries = reckon(before, found);
      std::vector<ImportEntry> aside;
      std::ranges::copy_if(entries, std::back_inserter(aside),
                           [](const auto& one) { return !one.refused.empty(); });
      std::erase_if(entries, [](const auto& one) { return !one.refused.empty(); });
      count(aside, found);
      if (entries.empty()) co_return found;
      entries = co_await book(tx, importer, how, std::move(entries), found);
      for (const auto& handler : declarations_.on_import) co_await handler(tx);
      co_await bot::set_carried(tx, importer.source, importer.item, carried_by(importer, entries, before),
                                how.now);
      count(entries, found);
      co_return found;
    }));
  }
  report_.viewers += findings.viewers;
  add(item_of(importer), std::move(findings));
  return {};
}

std::optional<std::string> Takeover::carried_behind(const Importer& importer, const std::string& last) {
  if (!scope_) return std::nullopt;
  const auto carried = net::run_to_end(scope_->read([&](store::Tx& tx) {
    return bot::carried_behind(tx, importer.source, importer.item, last,
                               static_cast<std::int64_t>(options_.at_once));
  }));
  return carried.empty() ? std::nullopt : std::optional(carried.back().old_key);
}

Result<void> Takeover::carry_all(const Importer& importer, bool grows) {
  const bot::OldSource* source = old_.source_of(importer);
  if (source == nullptr) return {};
  options_.say(fmt::format("{}: {} ...", importer.title, source->table));
  std::optional<std::string> after;
  Result<void> done;
  std::int64_t chunks = 0;
  std::int64_t growth = 1;
  std::size_t rows_done = 0;
  auto said = std::chrono::steady_clock::now();
  old_.read_all(*source, options_.at_once, [&](std::vector<OldRow> rows) {
    if (!done) return;
    Chunk chunk{std::move(rows), after};
    chunk.last = chunk.rows.back().key;
    after = chunk.last;
    rows_done += chunk.rows.size();
    done = carry(importer, std::move(chunk));
    if (const auto now = std::chrono::steady_clock::now(); now - said >= options_.between_lines) {
      options_.say(fmt::format("{}: {} keys", importer.title, rows_done));
      said = now;
    }
    if (grows && ++chunks == growth && !options_.dry_run) {
      options_.has_grown();
      growth *= kGrowth;
    }
  });
  if (!done) return done;
  while (auto last = carried_behind(importer, after.value_or(""))) {
    Chunk chunk{{}, after};
    chunk.last = *std::move(last);
    after = chunk.last;
    if (done = carry(importer, std::move(chunk)); !done) return done;
  }
  return {};
}

Result<void> Takeover::carry_keys(const Importer& importer, const std::vector<std::string>& keys) {
  const bot::OldSource* source = old_.source_of(importer);
  if (source == nullptr) return {};
  for (std::size_t from = 0; from < keys.size(); from += options_.at_once) {
    Chunk chunk;
    chunk.keys.assign(
        keys.begin() + static_cast<std::ptrdiff_t>(from),
        keys.begin() + static_cast<std::ptrdiff_t>(std::min(from + options_.at_once, keys.size())));
    chunk.rows = old_.read_keys(*source, chunk.keys);
    if (auto done = carry(importer, std::move(chunk)); !done) return done;
  }
  return {};
}

void Takeover::check_item(const Importer& importer, ItemReport& item) {
  item.fault = net::run_to_end(scope_->read([&](store::Tx& tx) -> TxTask<std::string> {
    const auto totals = co_await bot::carried_totals(tx, importer.source, importer.item);
    if (totals.credited != item.credited || totals.debited != item.debited)
      co_return fmt::format("{} and {} in the old database, {} and {} carried", item.credited, item.debited,
                            totals.credited, totals.debited);
    if (!importer.check) co_return "";
    co_return co_await importer.check(tx, totals);
  }));
}

void Takeover::verify() {
  options_.say("comparing ...");
  report_.waiting = old_.other_tables(declarations_.importers);
  if (!scope_ || options_.dry_run) return;
  std::int64_t booked = 0;
  for (const Importer* importer : importers_) {
    ItemReport& item = item_of(*importer);
    booked += item.booked;
    if (!item.table.empty()) check_item(*importer, item);
  }
  if (booked == 0) return;
  const tenancy::AuditEntry entry{options_.actor, "import.kick", report_.server.str(), std::nullopt,
                                  fmt::format("{} rows of {}", booked, report_.old_database)};
  net::run_to_end(scope_->transact([&](store::Tx& tx) -> TxTask<void> {
    co_await tenancy::audit(tx, clock_.now(), entry);
    co_await tenancy::bump_revision(tx);
  }));
}

Result<void> Takeover::walk(bool looked) {
  const Reading reading(old_);
  for (ItemReport& item : report_.items) {
    item.rows = item.waiting = item.credited = item.debited = 0;
    item.remarks.clear();
    item.refused.clear();
    item.waiting_keys.clear();
  }
  options_.say("names ...");
  if (auto twins = look_for_twins(); !twins && !looked) return twins;
  for (const Importer* importer : importers_) {
    if (auto carried = carry_all(*importer, !importer->acts); !carried) return carried;
  }
  verify();
  return {};
}

Result<Report> take_over(OldDatabase& old, const bot::Declarations& declarations,
                         const std::optional<tenancy::ServerScope>& scope, const Clock& clock,
                         const Options& options) {
  Takeover run(old, declarations, scope, clock, options);
  if (auto walked = run.walk(); !walked) return std::unexpected(walked.error());
  return std::move(run.report());
}

}  // namespace guildhall::importing
