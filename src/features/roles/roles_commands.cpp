#include "features/roles/roles_commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "bot/targets.h"
#include "features/roles/roles.h"
#include "features/roles/roles_store.h"
#include "tenancy/audit.h"

namespace guildhall::features::roles {
namespace {

using bot::CommandCall;
using bot::Reply;
using bot::ServerContext;
using store::Tx;
using store::TxTask;

constexpr std::int64_t kLongestGroup = 32;

/// What a call is about, a role if it names one, or what to say instead.
struct Subject {
  std::string role;
  std::vector<ThresholdRow> all;
  std::optional<ThresholdRow> threshold;
  std::optional<Reply> refusal;
};

TxTask<Subject> find_subject(Tx& tx, const ServerContext& context, const CommandCall& call) {
  const auto role = bot::normalise_role_id(call.text("role").value_or(""));
  // The role @everyone has the server's own number, and can be given to nobody.
  if (!role || *role == context.server.str()) co_return Subject{.refusal = bot::refuse("roles.bad_role")};
  Subject subject{.role = *role, .all = co_await tx.all(kThresholds)};
  const auto found = std::ranges::find(subject.all, *role, &ThresholdRow::role_id);
  if (found != subject.all.end()) subject.threshold = *found;
  co_return subject;
}

TxTask<Subject> find_threshold(Tx& tx, const ServerContext& context, const CommandCall& call) {
  Subject subject = co_await find_subject(tx, context, call);
  if (!subject.refusal && !subject.threshold)
    subject.refusal = bot::refuse("roles.unknown", {{"role", bot::role_mention(subject.role)}});
  co_return subject;
}

/// In one group the minutes say which role is the higher one.
bool is_ambiguous(const Subject& subject, const ThresholdRow& wanted) {
  return !wanted.role_group.empty() && std::ranges::any_of(subject.all, [&](const ThresholdRow& other) {
    return other.role_id != wanted.role_id && other.role_group == wanted.role_group &&
           other.minutes == wanted.minutes;
  });
}

TxTask<void> note(Tx& tx, ServerContext& context, const CommandCall& call, std::string action,
                  const Subject& subject, std::optional<std::string> after) {
  const tenancy::Actor actor{fmt::format("{}:{}", call.caller.user.platform, call.caller.user.id), "discord"};
  std::optional<std::string> before;
  if (subject.threshold) before = described(*subject.threshold);
  const tenancy::AuditEntry entry{actor, std::move(action), subject.role, before, after};
  co_await tenancy::audit(tx, context.now, entry);
}

/// Puts a threshold in its new state and lets the next tick find who has reached it already, whoever waits
/// for it included.
TxTask<Reply> put(Tx& tx, ServerContext& context, const CommandCall& call, Subject subject,
                  ThresholdRow wanted, std::string said) {
  if (is_ambiguous(subject, wanted))
    co_return bot::refuse("roles.same_minutes",
                          {{"group", MemberText{wanted.role_group}}, {"minutes", wanted.minutes}});
  co_await tx.change(kPutThreshold, wanted);
  co_await bot::rank_role(tx, wanted.role_id, "watchtime", wanted.role_group, wanted.minutes);
  co_await bot::cancel_roles(tx, "watchtime", wanted.role_id);
  co_await tx.change(kCheckAll);
  co_await note(tx, context, call, said, subject, described(wanted));
  co_return bot::say(said, {{"role", bot::role_mention(wanted.role_id)},
                            {"minutes", wanted.minutes},
                            {"hours", hours(wanted.minutes)}});
}

/// The first that no role of that group has yet; nothing: all have one.
std::optional<std::int64_t> next_usual_minutes(const ServerContext& context, const Subject& subject,
                                               const std::string& group) {
  for (const std::int64_t minutes : read_minutes(context.settings->get(kUsualMinutes))) {
    const bool taken = std::ranges::any_of(subject.all, [&](const ThresholdRow& row) {
      return row.role_group == group && row.minutes == minutes;
    });
    if (!taken) return minutes;
  }
  return std::nullopt;
}

TxTask<Reply> add(Tx& tx, ServerContext& context, const CommandCall& call) {
  Subject subject = co_await find_subject(tx, context, call);
  if (subject.refusal) co_return *subject.refusal;
  if (subject.threshold) co_return bot::refuse("roles.exists", {{"role", bot::role_mention(subject.role)}});
  if (subject.all.size() >= kMostThresholds)
    co_return bot::refuse("roles.too_many", {{"most", std::int64_t{kMostThresholds}}});
  const std::string group(trim(call.text("group").value_or("")));
  auto minutes = call.integer("minutes");
  if (!minutes) minutes = next_usual_minutes(context, subject, group);
  if (!minutes) co_return bot::refuse("roles.no_minutes");
  const ThresholdRow wanted{subject.role, *minutes, group, true};
  co_return co_await put(tx, context, call, std::move(subject), wanted, "roles.added");
}

TxTask<Reply> update(Tx& tx, ServerContext& context, const CommandCall& call) {
  Subject subject = co_await find_threshold(tx, context, call);
  if (subject.refusal) co_return *subject.refusal;
  ThresholdRow wanted = *subject.threshold;
  wanted.minutes = call.integer("minutes").value_or(0);
  co_return co_await put(tx, context, call, std::move(subject), wanted, "roles.updated");
}

TxTask<Reply> switch_to(Tx& tx, ServerContext& context, const CommandCall& call, bool enabled) {
  Subject subject = co_await find_threshold(tx, context, call);
  if (subject.refusal) co_return *subject.refusal;
  ThresholdRow wanted = *subject.threshold;
  wanted.enabled = enabled;
  co_return co_await put(tx, context, call, std::move(subject), wanted,
                         enabled ? "roles.enabled" : "roles.disabled");
}

TxTask<Reply> enable(Tx& tx, ServerContext& context, const CommandCall& call) {
  return switch_to(tx, context, call, true);
}

TxTask<Reply> disable(Tx& tx, ServerContext& context, const CommandCall& call) {
  return switch_to(tx, context, call, false);
}

TxTask<Reply> remove(Tx& tx, ServerContext& context, const CommandCall& call) {
  const Subject subject = co_await find_threshold(tx, context, call);
  if (subject.refusal) co_return *subject.refusal;
  co_await tx.change(kDropThreshold, {subject.role});
  co_await bot::forget_role(tx, subject.role, "watchtime");
  co_await note(tx, context, call, "roles.removed", subject, std::nullopt);
  co_return bot::say("roles.removed", {{"role", bot::role_mention(subject.role)}});
}

TxTask<Reply> list(Tx& tx, ServerContext& context, const CommandCall&) {
  const auto rows = co_await tx.all(kThresholds);
  Reply reply = bot::say(rows.empty() ? "roles.none" : "roles.title");
  if (!context.settings->get(kEnabled)) reply.lines.push_back({"roles.off"});
  for (const ThresholdRow& row : rows) {
    const std::string key = row.role_group.empty() ? "roles.row" : "roles.row_group";
    reply.lines.push_back({row.enabled ? key : key + "_off",
                           {{"role", bot::role_mention(row.role_id)},
                            {"id", row.role_id},
                            {"minutes", row.minutes},
                            {"hours", hours(row.minutes)},
                            {"group", MemberText{row.role_group}}}});
  }
  co_return reply;
}

TxTask<Reply> members(Tx& tx, ServerContext& context, const CommandCall& call) {
  const Subject subject = co_await find_subject(tx, context, call);
  if (subject.refusal) co_return *subject.refusal;
  const auto rows = co_await tx.all(kHolders, {subject.role});
  Reply reply = bot::say(rows.empty() ? "roles.no_members" : "roles.members_title",
                         {{"role", bot::role_mention(subject.role)}});
  for (const HolderRow& row : rows) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(row.watched_us).count();
    reply.lines.push_back({"roles.member",
                           {{"name", MemberText{row.display_name}},
                            {"minutes", std::int64_t{minutes}},
                            {"hours", hours(minutes)}}});
  }
  co_return reply;
}

/// Of the member that the call names, or of everybody; whoever was never given what he has earned is looked
/// at as well.
TxTask<Reply> restore_given(Tx& tx, ServerContext& context, const CommandCall& call) {
  Subject subject{.role = "everybody"};
  std::int64_t count = 0;
  if (call.person("member")) {
    const auto target = co_await bot::find_target(tx, call, "member", context.now);
    if (target.refusal) co_return *target.refusal;
    for (const bot::Identity& identity : co_await bot::identities_of(tx, target.person)) {
      if (identity.platform == bot::kDiscord)
        count += co_await restore(tx, context, identity.platform_user_id);
    }
    co_await tx.change(kCheck, {target.person});
    subject.role = fmt::format("person {}", target.person.str());
  } else {
    count = co_await restore(tx, context, std::nullopt);
    co_await tx.change(kCheckAll);
  }
  co_await note(tx, context, call, "roles.restored", subject, std::nullopt);
  Reply reply = bot::say("roles.restored", {{"count", count}});
  if (!context.settings->get(kEnabled)) reply.lines.push_back({"roles.off"});
  co_return reply;
}

void declare_one(bot::Declarations& declarations, std::string path, std::vector<bot::ArgumentSpec> arguments,
                 bot::CommandHandler handler) {
  bot::CommandSpec command;
  command.owner = "roles";
  command.path = std::move(path);
  command.doors = {bot::Door::slash, bot::Door::prefix};
  command.permission = bot::Permission::administrator;
  command.private_answer = true;
  command.arguments = std::move(arguments);
  command.handler = std::move(handler);
  declarations.commands.add(std::move(command));
}

}  // namespace

std::string described(const ThresholdRow& row) {
  return fmt::format("{} minutes{}{}", row.minutes, row.role_group.empty() ? "" : ", group " + row.role_group,
                     row.enabled ? "" : ", off");
}

void declare_commands(bot::Declarations& declarations) {
  const bot::ArgumentSpec role{"role", bot::ArgumentKind::text, true};
  const bot::ArgumentSpec minutes{"minutes", bot::ArgumentKind::integer, true, 1, kMostMinutes};
  const bot::ArgumentSpec group{"group", bot::ArgumentKind::text, false, 0, kLongestGroup};
  bot::ArgumentSpec usual = minutes;
  usual.required = false;
  declare_one(declarations, "roles add", {role, usual, group}, add);
  declare_one(declarations, "roles list", {}, list);
  declare_one(declarations, "roles update", {role, minutes}, update);
  declare_one(declarations, "roles disable", {role}, disable);
  declare_one(declarations, "roles enable", {role}, enable);
  declare_one(declarations, "roles members", {role}, members);
  declare_one(declarations, "roles remove", {role}, remove);
  declare_one(declarations, "roles restore", {{"member", bot::ArgumentKind::person}}, restore_given);
}

}  // namespace guildhall::features::roles
