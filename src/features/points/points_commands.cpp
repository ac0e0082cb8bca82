#include "features/points/points_commands.h"

#include <fmt/format.h>

#include "base/text.h"
#include "bot/activity.h"
#include "bot/ledger.h"
#include "bot/outbox.h"
#include "bot/targets.h"
#include "features/points/points.h"
#include "features/points/points_store.h"
#include "tenancy/audit.h"

namespace guildhall::features::points {
namespace {

using bot::CommandCall;
using bot::Reply;
using bot::ServerContext;
using store::Tx;
using store::TxTask;

constexpr std::int64_t kLongestReason = 200;

Reply balance_reply(const CommandCall& call, const bot::Target& target, const bot::BalanceRow& row) {
  const bool own_in_chat = call.door == bot::Door::chat && target.is_caller;
  return bot::say(own_in_chat ? "points.balance_chat" : "points.balance", {{"name", MemberText{target.name}},
                                                                           {"points", row.balance},
                                                                           {"earned", row.total_credited},
                                                                           {"spent", row.total_debited}});
}

TxTask<Reply> points(Tx& tx, ServerContext& context, const CommandCall& call) {
  const auto target = co_await bot::find_target(tx, call, "user", context.now);
  if (target.refusal) co_return *target.refusal;
  const auto row = co_await bot::balance_of(tx, bot::kPoints, target.person);
  Reply reply = balance_reply(call, target, row);
  if (row.total_credited == 0 && target.is_caller)
    reply = bot::say("points." + co_await bot::none_yet(tx, context, call, target));
  bot::offer_others(reply, call, target, "points", "user");
  co_return reply;
}

tenancy::Actor actor_of(const CommandCall& call) {
  return {fmt::format("{}:{}", call.caller.user.platform, call.caller.user.id),
          call.door == bot::Door::chat ? "chat" : "discord"};
}

/// One correction, signed: ledger row, audit row, recent events and a word in the log channel.
TxTask<Reply> correct(Tx& tx, ServerContext& context, const CommandCall& call, std::int64_t amount) {
  const auto target = co_await bot::find_or_make_target(tx, call, "user", context.now);
  if (target.refusal) co_return *target.refusal;
  const std::string reason = call.text("reason").value_or("");
  const tenancy::Actor actor = actor_of(call);
  bot::LedgerOperation operation{
      call.operation_id, "admin_adjust", reason, actor.name, {{target.person, amount}}};
  const auto booked = co_await bot::apply(tx, bot::kPoints, std::move(operation), context.now);
  if (!booked) {
    const auto held = co_await bot::balance_of(tx, bot::kPoints, target.person);
    co_return bot::refuse(
        booked.error().code == ErrorCode::conflict ? "points.not_enough" : "points.too_much",
        {{"name", MemberText{target.name}}, {"points", held.balance}, {"most", kLargestAmount}});
  }
  const std::int64_t balance = booked->balances.front();
  if (booked->booked) {
    const tenancy::AuditEntry entry{actor, amount > 0 ? "points.add" : "points.remove", target.name,
                                    fmt::format("{}", balance - amount),
                                    fmt::format("{} ({})", balance, reason)};
    co_await tenancy::audit(tx, context.now, entry);
    co_await bot::note_activity(tx, {context.now, "points_changed", target.name, amount, call.operation_id});
    const Message note{"points.log_entry",
                       {{"name", MemberText{target.name}},
                        {"amount", amount},
                        {"points", balance},
                        {"actor", MemberText{call.caller.user.name}},
                        {"reason", MemberText{reason}}}};
    co_await bot::post_to_log_channel(tx, context, note);
    context.changed.insert({"points", "activity"});
  }
  co_return bot::say(
      amount > 0 ? "points.added" : "points.removed",
      {{"name", MemberText{target.name}}, {"amount", amount > 0 ? amount : -amount}, {"points", balance}});
}

TxTask<Reply> add(Tx& tx, ServerContext& context, const CommandCall& call) {
  return correct(tx, context, call, call.integer("amount").value_or(0));
}

TxTask<Reply> remove(Tx& tx, ServerContext& context, const CommandCall& call) {
  return correct(tx, context, call, -call.integer("amount").value_or(0));
}

/// About sixty buckets, however long the time.
Duration bucket_for(std::int64_t hours) {
  return std::max<Duration>(std::chrono::minutes(5),
                            std::chrono::duration_cast<Duration>(std::chrono::hours(hours)) / 60);
}

Task<Result<bot::RouteAnswer>> get_history(bot::RouteCall call) {
  const auto hours = call.integer_query("hours", 24, 1, 720);
  if (!hours) co_return std::unexpected(hours.error());
  const Duration bucket = bucket_for(*hours);
  // Whole buckets, so that two looks within one show the same.
  const TimePoint since =
      from_micros(to_micros(call.now) / bucket.count() * bucket.count() + bucket.count()) -
      std::chrono::hours(*hours);
  const auto rows = co_await call.scope.all(kHistory, {since, bucket});
  boost::json::array buckets;
  std::int64_t next = 0;
  const std::int64_t count = std::chrono::duration_cast<Duration>(std::chrono::hours(*hours)) / bucket;
  const auto add_bucket = [&](std::int64_t number, std::int64_t credited, std::int64_t debited) {
    buckets.push_back(
        {{"at", format_rfc3339(since + number * bucket)}, {"credited", credited}, {"debited", debited}});
  };
  for (const HistoryRow& row : rows) {
    while (next < row.number) add_bucket(next++, 0, 0);
    add_bucket(row.number, row.credited, row.debited);
    next = row.number + 1;
  }
  while (next < count) add_bucket(next++, 0, 0);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(bucket).count();
  co_return bot::RouteAnswer{{{"bucket_seconds", seconds}, {"buckets", std::move(buckets)}}};
}

/// What points adds to the overview of a server.
TxTask<void> overview(Tx& tx, ServerContext&, boost::json::object& out) {
  const auto totals = co_await tx.one(kTotals);
  out["points_total"] = totals->points;
  out["people"] = totals->people;
}

bot::CommandSpec correction(std::string path, bot::CommandHandler handler) {
  bot::CommandSpec command;
  command.owner = "points";
  command.path = std::move(path);
  command.doors = {bot::Door::slash, bot::Door::prefix};
  command.permission = bot::Permission::administrator;
  command.arguments = {{"user", bot::ArgumentKind::person, true},
                       {"amount", bot::ArgumentKind::integer, true, 1, kLargestAmount},
                       {"reason", bot::ArgumentKind::text, true, 0, kLongestReason}};
  command.user_menu = true;
  command.handler = std::move(handler);
  return command;
}

}  // namespace

void declare_commands(bot::Declarations& declarations) {
  bot::CommandSpec show;
  show.owner = "points";
  show.path = "points";
  show.aliases = {"balance", "pts"};
  show.doors = {bot::Door::slash, bot::Door::prefix, bot::Door::chat, bot::Door::button};
  show.arguments = {{"user", bot::ArgumentKind::person}};
  show.user_menu = true;
  show.cooldown = std::chrono::seconds(5);
  show.handler = points;
  declarations.commands.add(std::move(show));
  declarations.commands.add(correction("points add", add));
  declarations.commands.add(correction("points remove", remove));
}

void declare_routes(bot::Declarations& declarations) {
  declarations.routes.add({"points", "GET", "/points/history", tenancy::Access::viewer, get_history});
  declarations.on_overview.push_back(overview);
}

}  // namespace guildhall::features::points
