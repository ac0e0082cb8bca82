#include "features/alerts/alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "features/alerts/alert_text.h"
#include "features/alerts/alerts_store.h"

namespace guildhall::features::alerts {
namespace {

using bot::ServerContext;
using bot::StreamStatus;
using store::Tx;
using store::TxTask;

/// By then nobody tells of a stream any more.
constexpr Duration kKept = std::chrono::days(7);

std::string post_name(const tenancy::ChannelKey& channel, TimePoint started_at) {
  return fmt::format("live_alert:{}:{}:{}", channel.platform, channel.platform_user_id,
                     to_micros(started_at));
}

std::string post_name(const AlertRow& alert) {
  return post_name({alert.platform, alert.platform_user_id}, alert.started_at);
}

/// What a word tells that is still unknown, or is told anew.
void learn(AlertRow& alert, const StreamStatus& status) {
  const auto take = [](std::string& known, const std::string& told) {
    if (!told.empty()) known = told;
  };
  take(alert.streamer, status.channel_name);
  take(alert.channel, status.channel_slug);
  take(alert.title, status.title);
  take(alert.category, status.category);
}

std::optional<TimePoint> end_of(const ServerContext& context, const StreamStatus& status) {
  if (status.live) return std::nullopt;
  return std::max(status.started_at, status.ended_at.value_or(context.now));
}

/// Does this word belong to the alert's stream, or to what it was restarted as? One that nobody said to have
/// ended was live when it was last heard of.
bool is_same_stream(const AlertRow& alert, const StreamStatus& status) {
  return status.started_at < std::max(alert.latest_start, alert.ended_at.value_or(alert.heard_at)) + kRestart;
}

TxTask<void> change(Tx& tx, ServerContext& context, const AlertRow alert) {
  co_await tx.change(kGoOn, alert);
  co_await bot::change_post(tx, context, post_name(alert), alert_body(context, alert));
}

TxTask<void> forget_old(Tx& tx, ServerContext& context, const StreamStatus newest) {
  const tenancy::ChannelKey& channel = newest.channel;
  const OldParams old{channel.platform, channel.platform_user_id, newest.started_at, context.now - kKept};
  for (const StartRow& alert : co_await tx.all(kForgetOld, old))
    co_await bot::forget_post(tx, post_name(channel, alert.started_at));
}

TxTask<void> begin(Tx& tx, ServerContext& context, const StreamStatus status) {
  AlertRow alert{status.channel.platform,
                 status.channel.platform_user_id,
                 status.started_at,
                 status.started_at,
                 context.now,
                 end_of(context, status)};
  alert.channel = context.settings->get(bot::kKickChannel);
  learn(alert, status);
  const bool first = co_await tx.change(kBegin, alert) > 0;
  if (first) co_await forget_old(tx, context, status);
  const std::string channel = context.settings->get(kChannelId);
  if (!first || !status.live || channel.empty() || !context.settings->get(kEnabled)) co_return;
  co_await bot::put_post(tx, context, post_name(alert), channel, alert_body(context, alert));
}

TxTask<void> go_on(Tx& tx, ServerContext& context, AlertRow alert, const StreamStatus status) {
  const bool goes_on = status.started_at > alert.latest_start || status.resumed;
  if (status.started_at < alert.latest_start || (alert.ended_at && !goes_on)) co_return;  // an old word
  alert.latest_start = status.started_at;
  alert.ended_at = end_of(context, status);
  if (status.live) alert.heard_at = std::max(alert.heard_at, context.now);
  learn(alert, status);
  co_await change(tx, context, std::move(alert));
}

/// Words about one stream come from several processes, again and again, late, and in any order.
TxTask<void> on_stream(Tx& tx, ServerContext& context, const StreamStatus& status) {
  auto newest = co_await tx.one(kTakeNewest, {status.channel.platform, status.channel.platform_user_id});
  if (newest && is_same_stream(*newest, status)) {
    co_await go_on(tx, context, *std::move(newest), status);
    co_return;
  }
  if (newest && !newest->ended_at) {  // nobody told its end
    newest->ended_at = newest->heard_at;
    co_await change(tx, context, *std::move(newest));
  }
  co_await begin(tx, context, status);
}

/// They end where they were last heard of, the oldest first whatever order the database has them in.
TxTask<void> on_streams_over(Tx& tx, ServerContext& context, const bot::StreamsOver&) {
  auto open = co_await tx.all(kTakeOpen);
  std::ranges::sort(open, {},
                    [](const AlertRow& alert) { return std::tie(alert.started_at, alert.platform_user_id); });
  for (AlertRow& alert : open) {
    alert.ended_at = alert.heard_at;
    co_await change(tx, context, std::move(alert));
  }
}

TxTask<void> rehearse(Tx& tx, ServerContext& context) {
  const tenancy::ChannelKey channel{"kick", "rehearsal"};
  const TimePoint before = context.now - 2 * kKept;
  co_await on_stream(tx, context, {channel, false, before, before, ""});
  co_await on_stream(tx, context, {channel, true, context.now, std::nullopt, ""});
  co_await on_streams_over(tx, context, {});
}

TxTask<Result<void>> post_test(Tx& tx, ServerContext& context) {
  const std::string channel = context.settings->get(kChannelId);
  if (channel.empty()) {
    co_return std::unexpected(Error{ErrorCode::invalid, "no channel is chosen for live alerts",
                                    "Set live_alert_channel_id first.", "live_alert_channel_id"});
  }
  co_await bot::post_to_channel(tx, context, channel, test_body(context));
  co_return Result<void>{};
}

Task<Result<bot::RouteAnswer>> test(const bot::Declarations& declarations, bot::RouteCall call) {
  bot::RouteAnswer answer{boost::json::object{}};
  const auto posted = co_await call.scope.transact([&](Tx& tx) -> TxTask<Result<void>> {
    ServerContext context{call.scope.server(), call.now,
                          co_await bot::load_settings(tx, declarations.settings, *declarations.config),
                          &declarations.texts};
    auto done = co_await post_test(tx, context);
    answer.outbox = context.outbox;
    co_return done;
  });
  if (!posted) co_return std::unexpected(posted.error());
  co_return answer;
}

}  // namespace

void declare(bot::Declarations& declarations) {
  declarations.tables.add({"live_alerts", tenancy::TableClass::tenant, "live_alert"});
  declarations.statements.add("live_alert", kTakeNewest, kTakeOpen, kBegin, kForgetOld, kGoOn);
  declarations.settings.add("live_alert", kEnabled);
  for (const auto& setting : {kChannelId, kTitle, kDescription, kLinkText, kFooter, kEndText, kButtons})
    declarations.settings.add("live_alert", setting);
  for (const auto key : {kEnabled.key, kChannelId.key, kTitle.key, kDescription.key, kLinkText.key,
                         kFooter.key, kButtons.key}) {
    declarations.settings.call(fmt::format("kick_{}", key), key);
    // "live_alert_title": "stream_notification_title" before there were two platforms.
    const auto what = std::string_view(key).substr(std::string_view("live_alert").size());
    declarations.settings.call(fmt::format("stream_notification{}", what), key, true);
  }
  declarations.on_stream.push_back(on_stream);
  declarations.on_streams_over.push_back(on_streams_over);
  declarations.rehearsals.server.push_back(rehearse);
  declarations.routes.add(
      {"live_alert", "POST", "/live-alert/test", tenancy::Access::administrator,
       [&declarations](bot::RouteCall call) { return test(declarations, std::move(call)); }});
}

}  // namespace guildhall::features::alerts
