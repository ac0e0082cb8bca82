#include "features/points/points.h"

#include <algorithm>

#include "bot/ledger.h"
#include "features/points/points_commands.h"
#include "features/points/points_import.h"
#include "features/points/points_store.h"

namespace guildhall::features::points {
namespace {

using store::Tx;
using store::TxTask;

TxTask<void> award(store::CrossTx& tx, const bot::TickChunk& chunk) {
  co_await tx.change(kPostAwards,
                     {chunk.first, chunk.last, chunk.now, kRate.builtin, kSubscriberRate.builtin});
  co_await tx.change(kConvert, {chunk.first, chunk.last, chunk.now});
  co_await bot::book_postings(tx, chunk.first, chunk.last, chunk.now);
}

/// Watch time that changes its person takes what was paid for it along, so that nothing is paid twice.
/// On the way back all of it counts as paid: at most the rest of one interval is lost.
TxTask<void> on_move(Tx& tx, bot::PersonMove move) {
  const auto held = (co_await tx.one(kConversion, {move.from})).value_or(ConversionRow{});
  Duration plain = held.plain_us;
  Duration subscribed = held.subscribed_us;
  if (move.undo) {
    plain = std::min(plain, move.watched - move.subscribed);
    subscribed = std::min(subscribed, move.subscribed);
  }
  co_await tx.change(kAddConversion, {move.to, plain, subscribed});
  co_await tx.change(kAddConversion, {move.from, -plain, -subscribed});
}

}  // namespace

void declare(bot::Declarations& declarations) {
  declarations.tables.add({"point_conversions", tenancy::TableClass::tenant, "points", true});
  declarations.statements.add("points", kPostAwards, kConvert, kConversion, kAddConversion, kHistory,
                              kTotals);
  declarations.settings.add("points", kEnabled);
  declarations.settings.add("points", kRate);
  declarations.settings.add("points", kSubscriberRate);
  declarations.on_move.push_back(on_move);
  declarations.minute_stages.push_back(award);
  declare_commands(declarations);
  declare_routes(declarations);
  declare_import(declarations);
}

}  // namespace guildhall::features::points
