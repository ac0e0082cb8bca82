#include "features/roles/roles.h"

#include <fmt/format.h>

#include "base/text.h"
#include "bot/outbox.h"
#include "features/roles/roles_commands.h"
#include "features/roles/roles_import.h"
#include "features/roles/roles_store.h"

namespace guildhall::features::roles {
namespace {

using bot::ServerContext;
using store::CrossTx;
using store::Tx;
using store::TxTask;

/// Both sides: one may earn what the other loses.
TxTask<void> on_move(Tx& tx, bot::PersonMove move) {
  for (const PersonId person : {move.from, move.to}) co_await tx.change(kCheck, {person});
}

/// Settings are read at every start, and whenever any of them may have changed: what has to be done after a
/// change of these two is done once, by whoever comes first.
TxTask<void> on_settings(Tx& tx, ServerContext& context) {
  const bool enabled = context.settings->get(kEnabled);
  const std::string linked = context.settings->get(kLinkedRole);
  if (co_await tx.change(kFollow, {fmt::format("{} {}", enabled, linked), context.now}) == 0) co_return;
  co_await bot::cancel_other_roles(tx, "linked", linked);
  if (enabled) {
    co_await bot::release_roles(tx, "watchtime");
  } else {
    co_await bot::hold_roles(tx, "watchtime");
  }
  co_await tx.change(kCheckAll);
}

TxTask<void> on_join(Tx& tx, ServerContext& context, const bot::MemberJoined& event) {
  co_await restore(tx, context, event.user.str());
}

/// Whoever was taken over may have earned something by now.
TxTask<void> on_import(Tx& tx) { co_await tx.change(kCheckAll); }

/// In private alone, and nothing where he takes no messages.
TxTask<void> on_role_given(Tx& tx, ServerContext& context, const bot::RoleGiven& given) {
  if (given.reason != "watchtime" || !context.settings->get(kMessage)) co_return;
  const Message text{given.role_name.empty() ? "roles.earned_unnamed" : "roles.earned",
                     {{"server", MemberText{given.server_name}},
                      {"role", MemberText{given.role_name}},
                      {"minutes", given.rank},
                      {"hours", hours(given.rank)}}};
  const bot::PostBody body{context.texts->render(context.language(), text, Markup::discord)};
  co_await bot::post_to_member(tx, context, given.member, body, "");
}

TxTask<void> find_changes(CrossTx& tx, const bot::TickChunk& chunk) {
  co_await tx.change(kCheckCrossed, {chunk.first, chunk.last, chunk.now});
  co_await tx.change(kTakeChecks, {chunk.first, chunk.last});
  co_await tx.change(kAddReached, {chunk.first, chunk.last});
  co_await tx.change(kAddLinked, {chunk.first, chunk.last});
  co_await tx.change(kTakeLinked, {chunk.first, chunk.last});
  co_await tx.change(kDropChecks, {chunk.first, chunk.last});
}

}  // namespace

TxTask<std::int64_t> restore(Tx& tx, const ServerContext& context, std::optional<std::string> member_id) {
  const std::string linked = context.settings->get(kLinkedRole);
  std::vector<bot::Restored> given{{"watchtime", "", !context.settings->get(kEnabled)}};
  if (!linked.empty()) given.push_back({"linked", linked});
  std::int64_t count = 0;
  for (const bot::Restored& what : given) {
    if (member_id) {
      count += co_await bot::restore_roles(tx, *member_id, what);
    } else {
      count += co_await bot::restore_all_roles(tx, what, context.now);
    }
  }
  co_return count;
}

Result<std::string> normalise_minutes(std::string_view text) {
  std::string made;
  std::int64_t before = 0;
  std::size_t count = 0;
  for (const std::string_view word : split_list(text)) {
    const auto minutes = parse_amount(word);
    if (!minutes || *minutes <= before || *minutes > kMostMinutes || ++count > kMostThresholds)
      return fail(ErrorCode::invalid,
                  "must be whole numbers of minutes with commas between, such as 120, 600, "
                  "2000, each greater than the one before");
    made += fmt::format("{}{}", made.empty() ? "" : ", ", *minutes);
    before = *minutes;
  }
  return made;
}

std::vector<std::int64_t> read_minutes(std::string_view text) {
  std::vector<std::int64_t> all;
  for (const std::string_view word : split_list(text)) all.push_back(parse_amount(word).value_or(0));
  return all;
}

std::string hours(std::int64_t minutes) { return fmt::format("{:.1f}", static_cast<double>(minutes) / 60.0); }

void declare(bot::Declarations& declarations) {
  for (const char* table : {"watchtime_roles", "role_checks"})
    declarations.tables.add({table, tenancy::TableClass::tenant, "roles", true});
  declarations.statements.add("roles", kThresholds, kPutThreshold, kDropThreshold, kHolders, kFollow, kCheck,
                              kCheckAll, kCheckCrossed, kTakeChecks, kDropChecks, kAddReached, kAddLinked,
                              kTakeLinked);
  declarations.settings.add("roles", kEnabled);
  declarations.settings.add("roles", kMessage);
  declarations.settings.add("roles", kUsualMinutes);
  declarations.settings.add("roles", kLinkedRole);
  declarations.on_move.push_back(on_move);
  declarations.on_settings.push_back(on_settings);
  declarations.on_join.push_back(on_join);
  declarations.on_role_given.push_back(on_role_given);
  declarations.on_import.push_back(on_import);
  declarations.minute_stages.push_back(find_changes);
  declare_commands(declarations);
  declare_import(declarations);
}

}  // namespace guildhall::features::roles
