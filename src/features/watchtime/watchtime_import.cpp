#include "features/watchtime/watchtime_import.h"

#include <fmt/format.h>

#include "bot/links.h"
#include "features/watchtime/watchtime_store.h"

namespace guildhall::features::watchtime {
namespace {

using store::TxTask;

constexpr std::int64_t kMinute = 60'000'000;

struct ImportedParams {
  PersonId person;
  Duration watched;
  TimePoint last_active;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(ImportedParams, (), (person, watched, last_active, now))

/// Nothing is paid for these rows by a tick: `updated_at` is no tick's moment.
constexpr Statement<ImportedParams, NoRow> kAddImported{
    "watchtime.add_imported",
    "INSERT INTO watchtime (discord_server_id, person_id, watched_us, subscribed_us, last_active_at, "
    "updated_at) VALUES (:server, :person, :watched, 0, :last_active, :now) "
    "ON CONFLICT (discord_server_id, person_id) DO UPDATE SET "
    "watched_us = watchtime.watched_us + excluded.watched_us, "
    "last_active_at = CASE WHEN excluded.last_active_at > watchtime.last_active_at "
    "THEN excluded.last_active_at ELSE watchtime.last_active_at END, updated_at = excluded.updated_at"};

struct TakenParams {
  PersonId person;
  Duration watched;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(TakenParams, (), (person, watched, now))

/// Not of time that was watched as a subscriber: the old bot knew none.
constexpr Statement<TakenParams, NoRow> kTakeImported{
    "watchtime.take_imported",
    "UPDATE watchtime SET watched_us = watched_us - :watched, updated_at = :now "
    "WHERE discord_server_id = :server AND person_id = :person AND watched_us - subscribed_us >= :watched"};

bot::Reckoned reckon(const bot::OldRow& row) {
  bot::Reckoned reckoned;
  const std::int64_t minutes = row.numbers.at(0);
  if (minutes < 0) {
    reckoned.remark = fmt::format("{} minutes count as none", minutes);
  } else {
    reckoned.credited = minutes * kMinute;
  }
  return reckoned;
}

TxTask<std::vector<bot::ImportEntry>> book(store::Tx& tx, const bot::ImportCall& call,
                                           std::vector<bot::ImportEntry> entries) {
  std::vector<ImportedParams> more;
  std::vector<bot::Brought> brought;
  for (bot::ImportEntry& entry : entries) {
    const bot::Identity& viewer = entry.viewer.identity;
    const Duration watched(entry.credited);
    if (watched.count() >= 0) {
      more.push_back({viewer.person_id, watched, entry.moment.value_or(TimePoint{}), call.now});
    } else if (co_await tx.change(kTakeImported, {viewer.person_id, -watched, call.now}) == 0) {
      entry.refused = "the old bot has taken minutes back that are not there any more";
      continue;
    }
    if (viewer.person_id != viewer.home_person_id) brought.push_back({viewer.home_person_id, 0, watched});
  }
  co_await tx.batch(kAddImported, more);
  co_await bot::note_brought(tx, std::move(brought));
  co_return entries;
}

/// Watch time only grows here, and moves between people of the server.
TxTask<std::string> check(store::Tx& tx, bot::CarriedTotals totals) {
  const auto all = co_await tx.one(kTotal);
  if (all->watched_us.count() >= totals.credited) co_return "";
  co_return fmt::format("{} minutes were carried, and people here have {}", totals.credited / kMinute,
                        all->watched_us.count() / kMinute);
}

TxTask<void> rehearse(store::Tx& tx, bot::ServerContext& context) {
  const bot::ImportCall call{"kick", context.server, context.now, {"operator", "command_line"}};
  const auto viewers = co_await bot::identities_of_names(tx, bot::kKick, {"isolationwatched"}, call.now);
  for (const std::int64_t watched : {2 * kMinute, -kMinute}) {
    std::vector<bot::ImportEntry> entries(1);
    entries[0].viewer = viewers[0];
    entries[0].credited = watched;
    co_await book(tx, call, std::move(entries));
  }
}

}  // namespace

void declare_import(bot::Declarations& declarations) {
  declarations.statements.add("watchtime", kAddImported, kTakeImported);
  bot::Importer importer;
  importer.source = "kick";
  importer.item = "watchtime";
  importer.title = "watch time";
  importer.from = {
      {.table = "watchtime", .key = "username", .numbers = {"minutes"}, .moment = "last_active"}};
  importer.measures = {"microseconds"};
  importer.adds_up = true;
  importer.reckon = reckon;
  importer.book = book;
  importer.check = check;
  declarations.importers.push_back(std::move(importer));
  declarations.rehearsals.server.push_back(rehearse);
}

}  // namespace guildhall::features::watchtime
