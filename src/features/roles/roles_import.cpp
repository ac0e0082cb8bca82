// The old bot's thresholds, those that are switched on. Whom it gave their roles has them in Discord; that
// they are given once more changes nothing there, and from then on they are known here.
#include "features/roles/roles_import.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "features/roles/roles.h"
#include "features/roles/roles_commands.h"
#include "features/roles/roles_store.h"

namespace guildhall::features::roles {
namespace {

using bot::ImportCall;
using bot::ImportEntry;
using store::Tx;
using store::TxTask;

/// "ROLE MINUTES", as it is carried.
std::optional<ThresholdRow> parse_carried(std::string_view text) {
  const auto words = split_words(text);
  if (words.size() != 2) return std::nullopt;
  return ThresholdRow{std::string(words[0]), parse_amount(words[1]).value_or(0), "", true};
}

bot::Reckoned reckon(const bot::OldRow& row) {
  const std::int64_t minutes = row.numbers.at(0);
  const std::int64_t role = row.numbers.at(1);
  bot::Reckoned reckoned;
  if (minutes < 1 || minutes > kMostMinutes) {
    reckoned.refused =
        fmt::format("'{}' from {} minutes on: 1 to {} are possible", row.text, minutes, kMostMinutes);
  } else if (role <= 0) {
    reckoned.refused =
        fmt::format("the old bot knows the role '{}' by its name alone: `/roles-add` with it and {} minutes",
                    row.text, minutes);
  } else {
    reckoned.text = fmt::format("{} {}", role, minutes);
  }
  return reckoned;
}

const ThresholdRow* find(const std::vector<ThresholdRow>& all, const std::string& role) {
  const auto found = std::ranges::find(all, role, &ThresholdRow::role_id);
  return found == all.end() ? nullptr : &*found;
}

TxTask<void> note(Tx& tx, const ImportCall& call, std::string action, std::string role,
                  const ThresholdRow* before, const ThresholdRow* after) {
  tenancy::AuditEntry entry{call.actor, std::move(action), std::move(role), std::nullopt, std::nullopt};
  if (before != nullptr) entry.before = described(*before);
  if (after != nullptr) entry.after = described(*after);
  co_await tenancy::audit(tx, call.now, entry);
}

/// The old bot has it no more, or for another role. Who has the role keeps it.
TxTask<void> drop(Tx& tx, const ImportCall& call, std::string role) {
  const auto all = co_await tx.all(kThresholds);
  const ThresholdRow* here = find(all, role);
  if (here == nullptr) co_return;
  co_await tx.change(kDropThreshold, {role});
  co_await bot::forget_role(tx, role, "watchtime");
  co_await note(tx, call, "roles.removed", role, here, nullptr);
}

/// Why it is not put, or "". One that was set here stays, and keeps its group.
TxTask<std::string> put(Tx& tx, const ImportCall& call, ThresholdRow wanted, bool is_carried) {
  const auto all = co_await tx.all(kThresholds);
  const ThresholdRow* here = find(all, wanted.role_id);
  if (here != nullptr && !is_carried)
    co_return fmt::format("the role {} has a threshold here: {}", wanted.role_id, described(*here));
  if (here == nullptr && all.size() >= kMostThresholds)
    co_return fmt::format("there can be {} roles for watch time", kMostThresholds);
  if (here != nullptr) wanted.role_group = here->role_group;
  co_await tx.change(kPutThreshold, wanted);
  co_await note(tx, call, here == nullptr ? "roles.added" : "roles.updated", wanted.role_id, here, &wanted);
  co_return "";
}

TxTask<std::string> take_over(Tx& tx, const ImportCall& call, const ImportEntry& entry) {
  const auto before = parse_carried(entry.before);
  auto wanted = parse_carried(entry.text);
  const bool is_same_role = before && wanted && before->role_id == wanted->role_id;
  if (before && !is_same_role) co_await drop(tx, call, before->role_id);
  if (!wanted) co_return "";
  co_return co_await put(tx, call, *std::move(wanted), is_same_role);
}

TxTask<std::vector<ImportEntry>> book(Tx& tx, const ImportCall& call, std::vector<ImportEntry> entries) {
  for (ImportEntry& entry : entries) entry.refused = co_await take_over(tx, call, entry);
  co_return entries;
}

}  // namespace

void declare_import(bot::Declarations& declarations) {
  bot::OldSource thresholds{.table = "watchtime_roles",
                            .key = "id",
                            .numbers = {"minutes_required", "role_id"},
                            .text = "role_name"};
  thresholds.only_column = "enabled";
  thresholds.only_value = "true";
  bot::Importer importer;
  importer.source = "kick";
  importer.item = thresholds.table;
  importer.title = "roles for watch time";
  importer.from = {std::move(thresholds)};
  importer.by_name = false;
  importer.acts = true;
  importer.reckon = reckon;
  importer.book = book;
  declarations.importers.push_back(std::move(importer));
}

}  // namespace guildhall::features::roles
