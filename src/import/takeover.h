// One run of an import. Each item's rows and what was carried of them are walked side by side in the order of
// their keys; what differs is booked, some thousand keys in one transaction with what is carried from then
// on. A key that is gone from the old database is booked back.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "bot/feature.h"
#include "import/old_database.h"
#include "import/report.h"
#include "tenancy/scope.h"

namespace guildhall::importing {

struct Options {
  bool dry_run = false;
  /// Names that fold to one become one person, and their amounts are added.
  bool merge_twins = false;
  std::size_t at_once = 2'000;  // keys in one transaction
  tenancy::Actor actor;
  std::function<bool()> is_stopped = [] { return false; };
  /// Called when an item's rows here have become eight times as many: a database that chooses its ways by
  /// what it last saw of its tables, which were empty, is to look again.
  std::function<void()> has_grown = [] {};
  std::function<void(const std::string&)> say = [](const std::string&) {};
  /// So often at most how far an item is.
  std::chrono::milliseconds between_lines{2'000};
};

/// The parts of a run, for whoever does them more than once.
class Takeover {
 public:
  /// All outlive it.
  Takeover(OldDatabase& old, const bot::Declarations& declarations, std::optional<tenancy::ServerScope> scope,
           const Clock& clock, const Options& options);

  /// What this old bot's importers are, in the order in which they are run: those that make the bot act last.
  const std::vector<const bot::Importer*>& importers() const { return importers_; }

  /// Everything, within a reading of its own, compared at the end. What was booked before by this object
  /// stays in the report. `looked`: twins were looked for, and are no reason to refuse everything any more.
  /// Errors as of take_over.
  Result<void> walk(bool looked = false);

  /// Within a reading: names that fold to one. Error `refused_by_guard` where amounts would be added to one
  /// person and nobody asked for that.
  Result<void> look_for_twins();
  /// Within a reading: all keys. Error `failed`: stopped. `grows`: they may be many, and nobody waits for
  /// them (Options::has_grown).
  Result<void> carry_all(const bot::Importer& importer, bool grows);
  /// These keys alone; sorted bytewise, each once.
  Result<void> carry_keys(const bot::Importer& importer, const std::vector<std::string>& keys);
  Report& report() { return report_; }

 private:
  /// What does not add up is noted, and the audit row is written.
  void verify();
  struct Chunk;
  Result<void> carry(const bot::Importer& importer, Chunk chunk);
  /// The last key of the next ones that were carried and come behind this one; nothing: there are none.
  std::optional<std::string> carried_behind(const bot::Importer& importer, const std::string& last);
  /// A new name that is another spelling of one that is there already: refused by itself.
  void set_twins_aside(const bot::Importer& importer, std::vector<bot::ImportEntry>& entries) const;
  void check_item(const bot::Importer& importer, ItemReport& item);
  ItemReport& item_of(const bot::Importer& importer);
  bot::ImportCall call(const bot::Importer& importer) const;

  OldDatabase& old_;
  const bot::Declarations& declarations_;
  std::optional<tenancy::ServerScope> scope_;
  const Clock& clock_;
  const Options& options_;
  std::vector<const bot::Importer*> importers_;
  Report report_;
  /// Of importers whose rows add up, where twins are not merged: names as hashes, sorted.
  struct Heard {
    std::uint64_t folded;
    std::uint64_t exact;
    auto operator<=>(const Heard&) const = default;
  };
  static std::vector<std::uint64_t> doubled(const std::vector<Heard>& heard);
  std::map<const bot::Importer*, std::vector<Heard>> heard_;
};

/// The whole of it. `scope`: of the server that the old database's rows are taken over for; nothing: a dry
/// run for a server that is not known here yet. Errors: `refused_by_guard` (twins, which are listed),
/// `failed` (stopped). Throws DatabaseError. What does not add up is in the report.
Result<Report> take_over(OldDatabase& old, const bot::Declarations& declarations,
                         const std::optional<tenancy::ServerScope>& scope, const Clock& clock,
                         const Options& options);

}  // namespace guildhall::importing
