#include "features/linking/linking.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/crypto.h"
#include "bot/activity.h"
#include "bot/renamed_links.h"
#include "features/linking/linking_commands.h"
#include "features/linking/linking_import.h"
#include "features/linking/linking_store.h"
#include "features/linking/panel.h"
#include "tenancy/audit.h"
#include "tenancy/counters.h"

namespace guildhall::features::linking {
namespace {

using bot::Identity;
using bot::kDiscord;
using bot::kKick;
using bot::ServerContext;
using store::Tx;
using store::TxTask;

/// From so many attempts at one account on, in that time, moderators are told.
constexpr std::int64_t kAlarm = 3;
constexpr std::size_t kKeyBytes = 24;
/// Between two addresses: so long, for each that he has asked for in a row, and that at most.
constexpr Duration kWait = std::chrono::seconds(10);
constexpr Duration kLongestWait = std::chrono::seconds(60);

struct StepName {
  Step step;
  std::string_view name;
};
constexpr std::array kStepNames{StepName{Step::open, ""},          StepName{Step::linked, "linked"},
                                StepName{Step::taken, "taken"},    StepName{Step::held, "held"},
                                StepName{Step::paused, "paused"},  StepName{Step::asked, "asked"},
                                StepName{Step::refused, "refused"}};

std::string name_of(Step step) {
  return std::string(std::ranges::find(kStepNames, step, &StepName::step)->name);
}

Step step_of(std::string_view name) {
  const auto* found = std::ranges::find(kStepNames, name, &StepName::name);
  return found == kStepNames.end() ? Step::gone : found->step;
}

tenancy::Actor actor_of(DiscordUserId member) {
  return {fmt::format("discord:{}", member.str()), "link page"};
}

/// As moderators see a member in the log: by name and mention.
MemberText shown(const std::string& name) { return {name}; }
std::string mention(const std::string& member) { return fmt::format("<@{}>", member); }

/// As Discord shows a time to everybody in his own zone.
std::string discord_time(TimePoint at) { return fmt::format("<t:{}:f>", to_micros(at) / 1'000'000); }

/// Of an account that somebody tried to link: recognised, and not to be read.
std::string account_hash(const bot::PlatformUser& account) {
  return hex(sha256(account.platform + ":" + account.id)).substr(0, 32);
}

/// In private, or where he asked.
TxTask<void> tell(Tx& tx, ServerContext& context, std::string member, Message message, std::string place) {
  const auto id = DiscordUserId::parse(member);
  if (!id) co_return;
  const bot::PostBody body{context.texts->render(context.language(), message, Markup::discord)};
  co_await bot::post_to_member(tx, context, *id, body, std::move(place));
}

/// What is kept of an address's key.
std::string hash_of_key(std::string_view key) { return base64url(sha256(key)); }

/// His request, locked until the end of the transaction; nothing: it is another browser's, or of no use.
TxTask<std::optional<RequestRow>> take_request(Tx& tx, Visit visit) {
  const OpenRequest wanted{kKick, visit.member.str(), hash_of_key(visit.key), visit.browser_hash};
  co_return co_await tx.one(kOpenRequest, wanted);
}

/// Everybody may call himself as somebody else is called.
std::string unmistakable(const RequestRow& row) {
  const std::string& handle = row.member_handle;
  return handle.empty() ? row.member_name : fmt::format("{} (@{})", row.member_name, handle);
}

}  // namespace

std::int64_t minutes_of(const bot::LinkOutcome& outcome) {
  return std::chrono::duration_cast<std::chrono::minutes>(outcome.watched).count();
}

TxTask<void> write_log(Tx& tx, ServerContext& context, Message line, Weight weight) {
  const std::string channel = context.settings->get(kLogChannel);
  if (!channel.empty()) {
    co_await bot::post_to_channel(tx, context, channel, std::move(line));
  } else if (weight == Weight::alarm) {
    co_await bot::post_to_log_channel(tx, context, std::move(line));
  }
}

namespace {

/// Him, and every open page.
TxTask<void> tell_linked(Tx& tx, ServerContext& context, std::string member, const bot::LinkOutcome made,
                         std::string account, std::string place) {
  context.changed.insert({"points", "watchtime", "activity", "overview"});
  const Message told{
      "link.dm_linked",
      {{"account", MemberText{account}}, {"points", made.points}, {"minutes", minutes_of(made)}}};
  co_await tell(tx, context, std::move(member), told, std::move(place));
}

}  // namespace

/// What he has proved, in which request.
struct Linking::Proof {
  Visit visit;
  RequestRow request;
  bot::PlatformUser account;
};

// The page of a link ---

TxTask<Duration> Linking::wait_for_next(Tx& tx, ServerContext& context, DiscordUserId member) const {
  const auto row = co_await tx.one(kUnopened, {kKick, member.str()});
  if (!row || row->made_at > context.now) co_return Duration(0);
  const TimePoint until = row->made_at + std::min<Duration>(kWait * row->asked_in_a_row, kLongestWait);
  co_return std::max<Duration>(until - context.now, Duration(0));
}

TxTask<std::string> Linking::invite(Tx& tx, ServerContext& context, bot::Caller member,
                                    std::string place) const {
  std::string key = base64url(random_bytes(kKeyBytes));
  const NewRequest row{kKick,
                       std::move(member.user.id),
                       std::move(member.user.name),
                       std::move(member.handle),
                       std::move(place),
                       hash_of_key(key),
                       context.now,
                       context.now - 2 * kLongestWait};
  co_await tx.change(kNewRequest, row);
  co_return key;
}

TxTask<Standing> Linking::look(Tx& tx, ServerContext& context, Visit visit) const {
  if (!context.settings->get(kEnabled)) co_return Standing{Step::off};
  const auto row = co_await tx.one(kRequest, {kKick, visit.member.str(), hash_of_key(visit.key)});
  if (!row) co_return Standing{};
  if (!row->browser_hash.empty() && row->browser_hash != visit.browser_hash)
    co_return Standing{Step::elsewhere};
  Standing standing{step_of(row->step), unmistakable(*row), row->account_name, "", row->step_until};
  if (const auto held = co_await bot::linked_account(tx, visit.member, kKick)) {
    standing.held = held->name;
    standing.keeps = bot::is_known_by_name(*held);
  }
  co_return standing;
}

TxTask<Standing> Linking::open(Tx& tx, ServerContext& context, Visit visit) const {
  const auto before = co_await look(tx, context, visit);
  if (before.step == Step::off || before.step == Step::gone) co_return before;
  co_await take_request(tx, visit);
  co_return co_await look(tx, context, std::move(visit));
}

TxTask<Standing> Linking::prove(Tx& tx, ServerContext& context, Visit visit,
                                bot::PlatformUser account) const {
  auto row = co_await take_request(tx, visit);
  const bool settled = row && (row->step == name_of(Step::linked) || row->step == name_of(Step::asked));
  if (!row || settled || !context.settings->get(kEnabled)) co_return co_await look(tx, context, visit);
  co_return co_await decide(tx, context, {std::move(visit), *std::move(row), std::move(account)});
}

TxTask<Standing> Linking::decide(Tx& tx, ServerContext& context, Proof proof) const {
  if (auto stopped = co_await stop(tx, context, proof)) co_return *std::move(stopped);
  if (co_await bot::linked_account(tx, proof.visit.member, proof.account.platform))
    co_return co_await settle(tx, context, std::move(proof), Step::held);
  co_return co_await link(tx, context, std::move(proof));
}

/// What keeps this account from being linked to him. Nothing: that he has another at most.
TxTask<std::optional<Standing>> Linking::stop(Tx& tx, ServerContext& context, const Proof proof) const {
  co_await bot::person_of(tx, proof.account, context.now);
  const auto account = co_await bot::find_identity(tx, proof.account.platform, proof.account.id);
  if (account->person_id != account->home_person_id) {
    const auto holder = co_await bot::linked_member(tx, *account);
    if (holder && holder->platform_user_id == proof.visit.member.str()) {
      co_await keep(tx, context, proof);
      co_return co_await settle(tx, context, proof, Step::linked);
    }
    co_await note_attempt(tx, context, proof);
    co_return co_await settle(tx, context, proof, Step::taken);
  }
  const auto left =
      co_await bot::undone_to_others(tx, proof.visit.member, *account, actor_of(proof.visit.member).name);
  const auto free = left.value_or(TimePoint()) + std::chrono::days(context.settings->get(kPauseDays));
  if (!left || free <= context.now) co_return std::nullopt;
  co_return co_await settle(tx, context, proof, Step::paused, free);
}

TxTask<Standing> Linking::link(Tx& tx, ServerContext& context, Proof proof) const {
  bot::LinkRequest request{proof.visit.member, proof.account.platform, proof.account.name, proof.account.id,
                           proof.request.member_name};
  const auto made = co_await link_instead(tx, context, std::move(request), actor_of(proof.visit.member));
  if (!made) throw ErrorException(made.error());
  co_await keep(tx, context, proof);  // if he had it before, and somebody has asked for it
  co_await tell_linked(tx, context, proof.visit.member.str(), *made, proof.account.name,
                       proof.request.place_id);
  co_return co_await settle(tx, context, std::move(proof), Step::linked);
}

TxTask<Standing> Linking::settle(Tx& tx, ServerContext& context, Proof proof, Step step,
                                 std::optional<TimePoint> until) const {
  const std::string member = proof.visit.member.str();
  co_await tx.change(kSettleRequest, {proof.account.platform, member, proof.account.id, proof.account.name,
                                      context.now, name_of(step), until});
  if (step != Step::held) {
    Message line{"link.log_" + name_of(step),
                 {{"member", mention(member)},
                  {"name", shown(proof.request.member_name)},
                  {"account", MemberText{proof.account.name}}}};
    if (until) line.arguments.emplace_back("until", discord_time(*until));
    co_await write_log(tx, context, std::move(line), step == Step::asked ? Weight::alarm : Weight::line);
  }
  co_return co_await look(tx, context, std::move(proof.visit));
}

TxTask<Standing> Linking::come_back_in_vain(Tx& tx, ServerContext& context, Visit visit,
                                            std::string trouble) const {
  const std::string member = visit.member.str();
  Standing standing = co_await look(tx, context, std::move(visit));
  if (standing.step == Step::open) {
    const Message line{"link.log_" + trouble,
                       {{"member", mention(member)}, {"name", shown(standing.member_name)}}};
    co_await write_log(tx, context, line);
  }
  co_return standing;
}

/// Somebody has proved an account that is another's: harmless once, an attack perhaps when it goes on.
TxTask<void> Linking::note_attempt(Tx& tx, ServerContext& context, const Proof proof) const {
  const std::string hash = account_hash(proof.account);
  const TimePoint since = context.now - kAttemptsKept;
  co_await tx.change(kNoteAttempt, {kKick, hash, context.now, proof.visit.member.str()});
  const tenancy::AuditEntry entry{actor_of(proof.visit.member), "member.link_taken", hash, std::nullopt,
                                  "from " + proof.visit.from};
  co_await tenancy::audit(tx, context.now, entry);
  const auto attempts = co_await tx.one(kCountAttempts, {kKick, hash, since});
  if (attempts->count != kAlarm) co_return;
  Message alarm{"link.log_alarm", {{"account", MemberText{proof.account.name}}, {"count", attempts->count}}};
  co_await write_log(tx, context, std::move(alarm), Weight::alarm);
}

// What he may do about it ---

namespace {

/// What was proved can be built upon for as long as an address lives.
bool is_fresh(const std::optional<RequestRow>& row, Step step, TimePoint now) {
  return row && row->step == name_of(step) && row->proved_at && *row->proved_at + kAddressLives > now;
}

}  // namespace

TxTask<Standing> Linking::replace(Tx& tx, ServerContext& context, Visit visit) const {
  auto row = co_await take_request(tx, visit);
  if (!is_fresh(row, Step::held, context.now) || !context.settings->get(kEnabled))
    co_return co_await look(tx, context, std::move(visit));
  const Proof proof{std::move(visit), *row, {kKick, row->account_id, row->account_name}};
  if (auto stopped = co_await stop(tx, context, proof)) co_return *std::move(stopped);
  co_return co_await link(tx, context, proof);
}

TxTask<Standing> Linking::ask_to_move(Tx& tx, ServerContext& context, Visit visit) const {
  auto row = co_await take_request(tx, visit);
  const bool holds_another = (co_await bot::linked_account(tx, visit.member, kKick)).has_value();
  if (!is_fresh(row, Step::taken, context.now) || holds_another || !context.settings->get(kEnabled))
    co_return co_await look(tx, context, std::move(visit));
  Proof proof{std::move(visit), *row, {kKick, row->account_id, row->account_name}};
  const auto account = co_await bot::find_identity(tx, kKick, row->account_id);
  const auto holder = account ? co_await bot::linked_member(tx, *account) : std::optional<Identity>{};
  if (!holder) co_return co_await decide(tx, context, std::move(proof));
  const auto in_the_way = co_await tx.one(kInTheWay, {kKick, row->account_id, context.now - kFrozen});
  if (in_the_way) {
    const bool is_open = in_the_way->state == "open";
    const bool is_his = is_open && in_the_way->wanted_by == proof.visit.member.str();
    const TimePoint until = in_the_way->due_at + (is_open ? Duration(0) : Duration(kFrozen));
    co_return co_await settle(tx, context, std::move(proof), is_his ? Step::asked : Step::refused, until);
  }
  const TimePoint due = context.now + kObjectionTime;
  const auto move = co_await tenancy::next_number(tx, "link_move");
  co_await tx.change(kNewMove, {move, kKick, row->account_id, row->account_name, holder->platform_user_id,
                                proof.visit.member.str(), row->member_name, row->place_id, context.now, due});
  const tenancy::AuditEntry entry{actor_of(proof.visit.member), "member.link_move_asked",
                                  fmt::format("kick {}", row->account_name), holder->platform_user_id,
                                  proof.visit.member.str()};
  co_await tenancy::audit(tx, context.now, entry);
  co_await tell_holder(tx, context, proof, *holder, move, due);
  co_return co_await settle(tx, context, std::move(proof), Step::asked, due);
}

TxTask<void> Linking::tell_holder(Tx& tx, ServerContext& context, const Proof proof, Identity holder,
                                  std::int64_t move, TimePoint due) const {
  const Message text{"link.dm_wanted",
                     {{"account", MemberText{proof.account.name}}, {"until", discord_time(due)}}};
  bot::PostBody body{context.texts->render(context.language(), text, Markup::discord)};
  bot::LinkButton button{context.texts->text(context.language(), "link.object_button"), ""};
  button.page = bot::PageLink{kObjectionPage, holder.platform_user_id, fmt::format("{}", move),
                              std::chrono::duration_cast<std::chrono::seconds>(kObjectionTime)};
  body.buttons.push_back(std::move(button));
  const auto id = DiscordUserId::parse(holder.platform_user_id);
  // Nowhere but in private: a mention would tell everybody whose account it is.
  if (id) co_await bot::post_to_member(tx, context, *id, std::move(body), "", kObjectionTime);
}

// Moves ---

TxTask<std::optional<Objection>> Linking::look_at_move(Tx& tx, DiscordUserId holder,
                                                       std::int64_t move) const {
  const auto row = co_await tx.one(kMoveOfHolder, {holder.str(), move});
  if (!row) co_return std::nullopt;
  co_return Objection{row->account_name, row->due_at, row->state == "open"};
}

TxTask<int> Linking::object(Tx& tx, ServerContext& context, DiscordUserId holder,
                            std::optional<std::int64_t> move) const {
  int ended = 0;
  for (const MoveRow& row : co_await tx.all(kOpenOfHolder, {holder.str()})) {
    if (move && row.move_id != *move) continue;
    if (co_await object_to(tx, context, holder, row)) ++ended;
  }
  co_return ended;
}

/// There is no better objection than to prove the account once more. Others that he had are not spoken for.
TxTask<void> Linking::keep(Tx& tx, ServerContext& context, const Proof proof) const {
  for (const MoveRow& row : co_await tx.all(kOpenOfHolder, {proof.visit.member.str()})) {
    const bool is_proved = row.platform == proof.account.platform && row.account_id == proof.account.id;
    if (is_proved) co_await object_to(tx, context, proof.visit.member, row);
  }
}

TxTask<bool> Linking::object_to(Tx& tx, ServerContext& context, DiscordUserId holder,
                                const MoveRow move) const {
  if (co_await tx.change(kEndMove, {move.move_id, "objected", context.now}) == 0) co_return false;
  const tenancy::AuditEntry entry{actor_of(holder), "member.link_move_objected",
                                  fmt::format("kick {}", move.account_name), move.wanted_by, holder.str()};
  co_await tenancy::audit(tx, context.now, entry);
  const Message told{"link.dm_objected", {{"account", MemberText{move.account_name}}}};
  co_await tell(tx, context, move.wanted_by, told, move.place_id);
  const Message line{"link.log_objected",
                     {{"member", mention(move.holder_id)}, {"account", MemberText{move.account_name}}}};
  co_await write_log(tx, context, line);
  co_return true;
}

TxTask<void> Linking::move_due(Tx& tx, ServerContext& context) const {
  if (!context.settings->get(kEnabled)) co_return;
  for (MoveRow& row : co_await tx.all(kDueMoves, {context.now})) {
    const auto wanted_by = DiscordUserId::parse(row.wanted_by);
    const auto account = co_await bot::find_identity(tx, row.platform, row.account_id);
    const auto holder = account ? co_await bot::linked_member(tx, *account) : std::optional<Identity>{};
    const bool has_another =
        wanted_by && (co_await bot::linked_account(tx, *wanted_by, row.platform)).has_value();
    // Much can have happened in three days: then nothing is moved, and everybody is where he was.
    const bool moves = account && !has_another && (!holder || holder->platform_user_id == row.holder_id);
    if (co_await tx.change(kEndMove, {row.move_id, moves ? "moved" : "ended", context.now}) == 0) continue;
    co_await (moves ? carry_out(tx, context, std::move(row), holder.has_value())
                    : end_in_vain(tx, context, std::move(row)));
  }
}

TxTask<void> Linking::forget_old(Tx& tx, ServerContext& context) const {
  co_await tx.change(kForgetRequests, {context.now - kAddressLives - kRequestsKept});
  co_await tx.change(kForgetAttempts, {context.now - kAttemptsKept});
  co_await tx.change(kForgetMoves, {context.now - kMovesKept});
}

TxTask<void> Linking::end_in_vain(Tx& tx, ServerContext& context, MoveRow move) const {
  const tenancy::AuditEntry entry{{"guildhall", "link move"},
                                  "member.link_move_ended",
                                  fmt::format("kick {}", move.account_name),
                                  move.holder_id,
                                  move.wanted_by};
  co_await tenancy::audit(tx, context.now, entry);
  const Message told{"link.dm_not_moved", {{"account", MemberText{move.account_name}}}};
  co_await tell(tx, context, move.wanted_by, told, move.place_id);
  const Message line{"link.log_not_moved",
                     {{"member", mention(move.wanted_by)}, {"account", MemberText{move.account_name}}}};
  co_await write_log(tx, context, line);
}

TxTask<void> Linking::carry_out(Tx& tx, ServerContext& context, MoveRow move, bool is_held) const {
  const tenancy::Actor actor{"guildhall", "link move"};
  if (is_held) {
    const auto undone = co_await bot::unlink_member(
        tx, declarations_.on_move, *DiscordUserId::parse(move.holder_id), move.platform, actor, context.now);
    if (!undone) throw ErrorException(undone.error());
    const Message gone{"link.dm_moved_away", {{"account", MemberText{move.account_name}}}};
    co_await tell(tx, context, move.holder_id, gone, "");
  }
  bot::LinkRequest request{*DiscordUserId::parse(move.wanted_by), move.platform, move.account_name,
                           move.account_id, move.wanted_by_name};
  const auto made =
      co_await bot::link_member(tx, declarations_.on_move, std::move(request), actor, context.now);
  if (!made) throw ErrorException(made.error());
  co_await tell_linked(tx, context, move.wanted_by, *made, move.account_name, move.place_id);
  const Message line{"link.log_moved",
                     {{"member", mention(move.wanted_by)},
                      {"holder", mention(move.holder_id)},
                      {"account", MemberText{move.account_name}}}};
  co_await write_log(tx, context, line);
}

TxTask<Result<bot::LinkOutcome>> Linking::link_instead(Tx& tx, ServerContext& context,
                                                       bot::LinkRequest request, tenancy::Actor actor) const {
  const auto held = co_await bot::linked_account(tx, request.member, request.platform);
  if (held && bot::is_known_by_name(*held)) {
    const auto left = co_await bot::leave_old_name(tx, request.member, request.platform, actor, context.now);
    if (!left) co_return std::unexpected(left.error());
    const Message line{"link.log_renamed",
                       {{"member", mention(request.member.str())},
                        {"held", MemberText{held->name}},
                        {"account", MemberText{request.name}}}};
    co_await write_log(tx, context, line);
  } else if (held) {
    const auto undone = co_await undo(tx, context, request.member, actor);
    if (!undone) co_return undone;
  }
  context.changed.insert({"points", "watchtime", "activity", "overview"});
  co_return co_await bot::link_member(tx, declarations_.on_move, std::move(request), std::move(actor),
                                      context.now);
}

TxTask<Result<bot::LinkOutcome>> Linking::undo(Tx& tx, ServerContext& context, DiscordUserId member,
                                               tenancy::Actor actor) const {
  const auto held = co_await bot::linked_account(tx, member, kKick);
  const auto undone =
      co_await bot::unlink_member(tx, declarations_.on_move, member, kKick, std::move(actor), context.now);
  if (!undone) co_return undone;
  context.changed.insert({"points", "watchtime", "activity", "overview"});
  const Message line{"link.log_unlinked",
                     {{"member", mention(member.str())}, {"account", MemberText{held->name}}}};
  co_await write_log(tx, context, line);
  co_return undone;
}

// Declarations ---

namespace {

TxTask<std::vector<ServerId>> servers_with_due_moves(store::CrossTx& tx, store::ServerRange range,
                                                     TimePoint now) {
  std::vector<ServerId> servers;
  for (const ServerRow& row : co_await tx.all(kServersWithDueMoves, {range.first, range.last, now}))
    servers.push_back(row.discord_server_id);
  co_return servers;
}

TxTask<std::vector<ServerId>> servers_with_old_rows(store::CrossTx& tx, store::ServerRange range,
                                                    TimePoint now) {
  std::set<ServerId> servers;
  const auto add = [&](const std::vector<ServerRow>& rows) {
    for (const ServerRow& row : rows) servers.insert(row.discord_server_id);
  };
  add(co_await tx.all(kServersWithOldRequests,
                      {range.first, range.last, now - kAddressLives - kRequestsKept}));
  add(co_await tx.all(kServersWithOldAttempts, {range.first, range.last, now - kAttemptsKept}));
  add(co_await tx.all(kServersWithOldMoves, {range.first, range.last, now - kMovesKept}));
  co_return std::vector<ServerId>(servers.begin(), servers.end());
}

}  // namespace

void declare(bot::Declarations& declarations) {
  for (const char* table : {"link_requests", "link_attempts", "link_moves"})
    declarations.tables.add({table, tenancy::TableClass::tenant, "linking", true});
  declarations.statements.add("linking", kNewRequest, kUnopened, kRequest, kOpenRequest, kSettleRequest,
                              kNoteAttempt, kCountAttempts, kNewMove, kInTheWay, kMoveOfHolder, kOpenOfHolder,
                              kDueMoves, kEndMove, kServersWithDueMoves, kForgetRequests, kForgetAttempts,
                              kForgetMoves, kServersWithOldRequests, kServersWithOldAttempts,
                              kServersWithOldMoves);
  declarations.settings.add("linking", kEnabled);
  declarations.settings.add("linking", kPanelChannel);
  declarations.settings.add("linking", kLogChannel);
  declarations.settings.add("linking", kPauseDays);
  declarations.due_work.push_back({"link moves", servers_with_due_moves,
                                   [linking = Linking(declarations)](Tx& tx, ServerContext& context) {
                                     return linking.move_due(tx, context);
                                   }});
  declarations.due_work.push_back(
      {"old links", servers_with_old_rows, [linking = Linking(declarations)](Tx& tx, ServerContext& context) {
         return linking.forget_old(tx, context);
       }});
  declare_panel(declarations);
  declare_commands(declarations);
  declare_import(declarations);
}

}  // namespace guildhall::features::linking
