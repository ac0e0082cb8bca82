#include "features/activity/activity.h"

#include <fmt/format.h>

#include "bot/activity.h"

namespace guildhall::features::activity {
namespace {

using bot::ServerContext;
using store::Tx;
using store::TxTask;

TxTask<void> note(Tx& tx, ServerContext& context, bot::Activity entry) {
  co_await bot::note_activity(tx, std::move(entry));
  context.changed.insert("activity");
}

TxTask<void> on_stream(Tx& tx, ServerContext& context, const bot::StreamStatus& status) {
  const TimePoint at = status.live ? status.started_at : status.ended_at.value_or(context.now);
  // The same stream starts and ends once, however often we hear of it.
  const std::string id = fmt::format("{}:{}:{}", status.live ? "live" : "offline",
                                     status.channel.platform_user_id, to_micros(status.started_at));
  return note(tx, context,
              {at, status.live ? "stream_live" : "stream_offline", status.channel_name, std::nullopt, id});
}

TxTask<void> on_gift(Tx& tx, ServerContext& context, const bot::GiftedSubs& gift) {
  return note(tx, context,
              {gift.at, "gifted_subs", gift.gifter.value_or(""), gift.count, "gift:" + gift.event_id});
}

TxTask<void> on_join(Tx& tx, ServerContext& context, const bot::MemberJoined& member) {
  const std::string id = fmt::format("join:{}:{}", member.user.str(), to_micros(member.at));
  return note(tx, context, {member.at, "member_joined", member.name, std::nullopt, id});
}

TxTask<void> on_leave(Tx& tx, ServerContext& context, const bot::MemberLeft& member) {
  const std::string id = fmt::format("leave:{}:{}", member.user.str(), member.event_id);
  return note(tx, context, {member.at, "member_left", member.name, std::nullopt, id});
}

Task<Result<bot::RouteAnswer>> get_activity(bot::RouteCall call) {
  const auto limit = call.integer_query("limit", 20, 1, 100);
  if (!limit) co_return std::unexpected(limit.error());
  const auto rows = co_await bot::read_activity(call.scope, *limit);
  boost::json::array out;
  for (const auto& row : rows) {
    out.push_back({{"id", fmt::format("{}", row.activity_id)},
                   {"at", format_rfc3339(row.at)},
                   {"kind", row.kind},
                   {"name", row.name},
                   {"amount", row.amount ? boost::json::value(*row.amount) : boost::json::value(nullptr)}});
  }
  co_return bot::RouteAnswer{{{"rows", std::move(out)}}};
}

}  // namespace

void declare(bot::Declarations& declarations) {
  declarations.on_stream.push_back(on_stream);
  declarations.on_gift.push_back(on_gift);
  declarations.on_join.push_back(on_join);
  declarations.on_leave.push_back(on_leave);
  declarations.routes.add({"activity", "GET", "/activity", tenancy::Access::viewer, get_activity});
}

}  // namespace guildhall::features::activity
