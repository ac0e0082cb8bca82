#include "features/watchtime/watchtime_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "bot/ledger.h"
#include "bot/targets.h"
#include "features/watchtime/watchtime.h"
#include "features/watchtime/watchtime_store.h"

namespace guildhall::features::watchtime {
namespace {

using bot::CommandCall;
using bot::Reply;
using bot::ServerContext;
using store::Tx;
using store::TxTask;

constexpr std::int64_t kShown = 10;
constexpr std::int64_t kShownInChat = 5;
constexpr std::int64_t kMostShown = 25;
constexpr std::int64_t kLastPage = 1'000;

std::int64_t whole_minutes(Duration time) {
  return std::chrono::duration_cast<std::chrono::minutes>(time).count();
}

std::string hours_text(Duration time) {
  return fmt::format("{:.1f}", static_cast<double>(whole_minutes(time)) / 60.0);
}

Reply time_reply(const bot::Target& target, Duration watched) {
  if (watched.count() == 0) return bot::say("watchtime.none_of", {{"name", MemberText{target.name}}});
  return bot::say("watchtime.of", {{"name", MemberText{target.name}},
                                   {"minutes", whole_minutes(watched)},
                                   {"hours", hours_text(watched)}});
}

TxTask<Reply> watchtime(Tx& tx, ServerContext& context, const CommandCall& call) {
  const auto target = co_await bot::find_target(tx, call, "user", context.now);
  if (target.refusal) co_return *target.refusal;
  const auto row = co_await tx.one(kMinutes, {target.person});
  const Duration watched = row ? row->watched_us : Duration{0};
  Reply reply = time_reply(target, watched);
  if (watched.count() == 0 && target.is_caller)
    reply = bot::say("watchtime." + co_await bot::none_yet(tx, context, call, target));
  bot::offer_others(reply, call, target, "watchtime", "user");
  co_return reply;
}

/// Of a ranking: its places (number - 1) * size + 1 to number * size.
struct Page {
  std::string of;
  std::int64_t size = kShown;
  std::int64_t number = 1;

  std::int64_t skipped() const { return (number - 1) * size; }
};

/// The page's rows, and one more if there are more.
TxTask<std::vector<Message>> page_rows(Tx& tx, Page page) {
  std::vector<Message> rows;
  std::int64_t rank = page.skipped();
  if (page.of == "points") {
    for (const bot::RichRow& row : co_await bot::richest(tx, bot::kPoints, page.size + 1, page.skipped())) {
      rows.push_back({"leaderboard.points_row",
                      {{"rank", ++rank}, {"name", MemberText{row.display_name}}, {"points", row.balance}}});
    }
    co_return rows;
  }
  for (const TopRow& row : co_await tx.all(kTop, {page.size + 1, page.skipped()})) {
    rows.push_back({"leaderboard.watchtime_row",
                    {{"rank", ++rank},
                     {"name", MemberText{row.display_name}},
                     {"minutes", whole_minutes(row.watched_us)},
                     {"hours", hours_text(row.watched_us)}}});
  }
  co_return rows;
}

TxTask<Reply> leaderboard(Tx& tx, ServerContext& context, const CommandCall& call) {
  Page page{call.text("of").value_or("watchtime"),
            call.integer("count").value_or(call.door == bot::Door::chat ? kShownInChat : kShown),
            call.integer("page").value_or(1)};
  if (!context.settings->is_on(page.of)) co_return bot::refuse("common.feature_off");
  auto rows = co_await page_rows(tx, page);
  if (rows.empty() && page.number > 1) {  // the ranking has become shorter
    page.number = 1;
    rows = co_await page_rows(tx, page);
  }
  Reply reply = bot::say(rows.empty() ? "leaderboard.empty" : fmt::format("leaderboard.{}_title", page.of));
  const bool more = std::ssize(rows) > page.size;
  if (more) rows.pop_back();
  std::ranges::move(rows, std::back_inserter(reply.lines));
  bot::OfferedCall same{"leaderboard", {{"of", page.of}, {"count", fmt::format("{}", page.size)}}};
  bot::add_page_buttons(reply, same, page.number, more && page.number < kLastPage);
  if (context.settings->is_on("points") && context.settings->is_on("watchtime")) {
    same.open = {"of"};
    reply.offers.push_back({{"leaderboard.of"}, std::move(same)});
  }
  co_return reply;
}

using Rows = boost::json::array;

boost::json::object ranked(std::int64_t rank, PersonId person, const std::string& name, std::int64_t value,
                           const std::vector<bot::Identity>& identities) {
  boost::json::array platforms;
  for (const auto& identity : identities) platforms.emplace_back(identity.platform);
  return {{"rank", rank},
          {"person", person.str()},
          {"name", name},
          {"identities", std::move(platforms)},
          {"value", value}};
}

TxTask<Rows> ranking(Tx& tx, bool points, std::int64_t count) {
  Rows rows;
  if (points) {
    for (const bot::RichRow& row : co_await bot::richest(tx, bot::kPoints, count)) {
      const auto identities = co_await bot::identities_of(tx, row.person_id);
      rows.push_back(ranked(static_cast<std::int64_t>(rows.size()) + 1, row.person_id, row.display_name,
                            row.balance, identities));
    }
    co_return rows;
  }
  for (const TopRow& row : co_await tx.all(kTop, {count, 0})) {
    const auto identities = co_await bot::identities_of(tx, row.person_id);
    rows.push_back(ranked(static_cast<std::int64_t>(rows.size()) + 1, row.person_id, row.display_name,
                          whole_minutes(row.watched_us), identities));
  }
  co_return rows;
}

Task<Result<bot::RouteAnswer>> get_leaderboard(bot::RouteCall call) {
  const std::string of = call.text_query("of", "watchtime");
  const auto limit = call.integer_query("limit", kShown, 1, kMostShown);
  if (!limit) co_return std::unexpected(limit.error());
  if (of != "points" && of != "watchtime")
    co_return fail(ErrorCode::invalid, "of: must be points or watchtime");
  const bool points = of == "points";
  Rows rows =
      co_await call.scope.read([points, count = *limit](Tx& tx) { return ranking(tx, points, count); });
  co_return bot::RouteAnswer{{{"of", of}, {"rows", std::move(rows)}}};
}

/// What watchtime adds to the overview of a server.
TxTask<void> overview(Tx& tx, ServerContext& context, boost::json::object& out) {
  const auto viewers = co_await tx.one(kActiveViewers, {context.now - kWindow});
  const auto total = co_await tx.one(kTotal);
  out["active_viewers"] = viewers->viewers;
  out["watched_minutes_total"] = whole_minutes(total->watched_us);
}

}  // namespace

void declare_commands(bot::Declarations& declarations) {
  const std::vector<bot::Door> everywhere{bot::Door::slash, bot::Door::prefix, bot::Door::chat,
                                          bot::Door::button};
  bot::CommandSpec watch;
  watch.owner = "watchtime";
  watch.path = "watchtime";
  watch.aliases = {"wt"};
  watch.doors = everywhere;
  watch.arguments = {{"user", bot::ArgumentKind::person}};
  watch.user_menu = true;
  watch.cooldown = std::chrono::seconds(15);
  watch.handler = watchtime;
  declarations.commands.add(std::move(watch));

  bot::CommandSpec board;
  board.owner = "leaderboard";  // each ranking obeys the switch of its own feature
  board.path = "leaderboard";
  board.aliases = {"lb", "top"};
  board.doors = everywhere;
  board.arguments = {{"of", bot::ArgumentKind::choice, false, 0, 0, {"points", "watchtime"}},
                     {"count", bot::ArgumentKind::integer, false, 1, kMostShown},
                     {.name = "page",
                      .kind = bot::ArgumentKind::integer,
                      .least = 1,
                      .most = kLastPage,
                      .by_name_only = true}};
  board.cooldown = std::chrono::seconds(30);
  board.cooldown_per_place = true;
  board.handler = leaderboard;
  declarations.commands.add(std::move(board));
}

void declare_routes(bot::Declarations& declarations) {
  declarations.routes.add({"watchtime",
                           "GET",
                           "/leaderboard",
                           tenancy::Access::viewer,
                           get_leaderboard,
                           {{{}, {{"of", "watchtime"}}}, {{}, {{"of", "points"}, {"limit", "25"}}}}});
  declarations.on_overview.push_back(overview);
}

}  // namespace guildhall::features::watchtime
