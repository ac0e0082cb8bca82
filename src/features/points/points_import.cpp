#include "features/points/points_import.h"

#include <fmt/format.h>

#include <algorithm>

#include "bot/import_trace.h"
#include "bot/ledger.h"
#include "bot/links.h"
#include "features/points/points_store.h"

namespace guildhall::features::points {
namespace {

using store::TxTask;

constexpr std::int64_t kMinute = 60'000'000;
constexpr const char* kKind = "import";

std::string reason_of(const bot::ImportEntry& entry) {
  return entry.remark.empty() ? "taken over from the old bot"
                              : fmt::format("taken over from the old bot: {}", entry.remark);
}

/// What takes more than it gives: only what the holder still has.
TxTask<std::string> take(store::Tx& tx, const bot::ImportCall& call, const bot::ImportEntry& entry,
                         bot::Opening opening) {
  const auto balance = co_await bot::balance_of(tx, bot::kPoints, opening.holder);
  if (balance.balance + opening.credit < opening.debit)
    co_return fmt::format("the old bot has taken back {} points since, and {} are left here",
                          opening.debit - opening.credit, balance.balance);
  bot::LedgerOperation taking{fmt::format("import:{}:taken#{}:{}", call.source, entry.times + 1, entry.key),
                              kKind,
                              opening.reason,
                              call.actor.name,
                              {{opening.holder, -opening.debit}}};
  opening.debit = 0;
  if (opening.credit > 0)
    co_await bot::book_openings(tx, bot::kPoints, kKind, call.actor.name, {opening}, call.now);
  const auto taken = co_await bot::apply(tx, bot::kPoints, std::move(taking), call.now);
  if (!taken) throw ErrorException(taken.error());
  co_return "";
}

TxTask<std::vector<bot::ImportEntry>> book_points(store::Tx& tx, const bot::ImportCall& call,
                                                  std::vector<bot::ImportEntry> entries) {
  std::vector<bot::Opening> openings;
  std::vector<std::size_t> takings;
  std::vector<bot::Brought> brought;
  const auto opening_of = [&](const bot::ImportEntry& entry) {
    // What the old bot corrected downwards is the other side's line.
    const auto up = [](std::int64_t number) { return std::max<std::int64_t>(number, 0); };
    return bot::Opening{entry.viewer.identity.person_id, up(entry.credited) + up(-entry.debited),
                        up(entry.debited) + up(-entry.credited),
                        bot::points_operation(call.source, entry.times + 1, entry.key), reason_of(entry)};
  };
  for (std::size_t i = 0; i < entries.size(); ++i) {
    bot::Opening opening = opening_of(entries[i]);
    if (opening.credit < opening.debit) {
      takings.push_back(i);
    } else if (opening.credit > 0) {
      openings.push_back(std::move(opening));
    }
  }
  co_await bot::book_openings(tx, bot::kPoints, kKind, call.actor.name, std::move(openings), call.now);
  for (const std::size_t i : takings)
    entries[i].refused = co_await take(tx, call, entries[i], opening_of(entries[i]));
  for (const bot::ImportEntry& entry : entries) {
    const bot::Identity& viewer = entry.viewer.identity;
    if (entry.refused.empty() && viewer.person_id != viewer.home_person_id)
      brought.push_back({viewer.home_person_id, entry.credited - entry.debited, Duration(0)});
  }
  co_await bot::note_brought(tx, std::move(brought));
  co_return entries;
}

/// No balance is another one than its lines say, and those of imports are what was carried.
TxTask<std::string> check_points(store::Tx& tx, bot::CarriedTotals totals) {
  const std::int64_t booked = co_await bot::booked_in_all(tx, bot::kPoints, kKind);
  if (booked != totals.credited - totals.debited)
    co_return fmt::format("{} points were carried, and the ledger has {} of them",
                          totals.credited - totals.debited, booked);
  const std::int64_t wrong = co_await bot::count_ledger_mismatches(tx);
  co_return wrong == 0 ? "" : fmt::format("{} balances are not the sum of their ledger's lines", wrong);
}

bot::Reckoned reckon_paid(const bot::OldRow& row) {
  return {.credited = std::max<std::int64_t>(row.numbers.at(0), 0) * kMinute};
}

TxTask<std::vector<bot::ImportEntry>> book_paid(store::Tx& tx, const bot::ImportCall&,
                                                std::vector<bot::ImportEntry> entries) {
  std::vector<AddConversionParams> rows;
  for (const bot::ImportEntry& entry : entries)
    rows.push_back({entry.viewer.identity.person_id, Duration(entry.credited), Duration(0)});
  co_await tx.batch(kAddConversion, rows);
  co_return entries;
}

}  // namespace

bot::Reckoned reckon_points(const bot::OldRow& row) {
  const std::int64_t points = row.numbers.at(0);
  const std::int64_t earned = row.numbers.at(1);
  const std::int64_t spent = row.numbers.at(2);
  bot::Reckoned reckoned;
  reckoned.credited = std::max<std::int64_t>(earned, 0) + std::max<std::int64_t>(-spent, 0);
  reckoned.debited = std::max<std::int64_t>(spent, 0) + std::max<std::int64_t>(-earned, 0);
  const std::int64_t difference = points - (reckoned.credited - reckoned.debited);
  (difference > 0 ? reckoned.credited : reckoned.debited) += difference > 0 ? difference : -difference;
  if (difference != 0)
    reckoned.remark =
        fmt::format("points {} are not earned {} less spent {}: {} booked as {}", points, earned, spent,
                    difference > 0 ? difference : -difference, difference > 0 ? "earned" : "spent");
  if (points < 0) {
    reckoned.debited += points;
    reckoned.remark +=
        fmt::format("{}a balance of {} counts as 0", reckoned.remark.empty() ? "" : "; ", points);
  }
  return reckoned;
}

void declare_import(bot::Declarations& declarations) {
  bot::Importer points;
  points.source = "kick";
  points.item = "points";
  points.title = "points";
  points.from = {
      {.table = "user_points", .key = "kick_username", .numbers = {"points", "total_earned", "total_spent"}}};
  points.measures = {"earned", "spent"};
  points.adds_up = true;
  points.reckon = reckon_points;
  points.book = book_points;
  points.check = check_points;
  declarations.importers.push_back(std::move(points));

  bot::Importer paid;
  paid.source = "kick";
  paid.item = "paid_minutes";
  paid.title = "minutes that were paid for";
  // Where the old bot kept no account of it, all minutes count as paid.
  paid.from = {
      {.table = "points_watchtime_converted", .key = "kick_username", .numbers = {"minutes_converted"}},
      {.table = "watchtime", .key = "username", .numbers = {"minutes"}}};
  paid.measures = {"microseconds"};
  paid.reckon = reckon_paid;
  paid.book = book_paid;
  declarations.importers.push_back(std::move(paid));
}

}  // namespace guildhall::features::points
