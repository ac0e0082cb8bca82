#include "features/linking/linking_commands.h"

#include <fmt/format.h>

#include "bot/renamed_links.h"
#include "bot/targets.h"
#include "features/linking/linking.h"
#include "features/linking/panel.h"

namespace guildhall::features::linking {
namespace {

using bot::CommandCall;
using bot::Door;
using bot::Identity;
using bot::kDiscord;
using bot::kKick;
using bot::Permission;
using bot::Reply;
using bot::ServerContext;
using store::Tx;
using store::TxTask;

tenancy::Actor actor_of(const CommandCall& call) {
  return {fmt::format("{}:{}", call.caller.user.platform, call.caller.user.id), "discord"};
}

DiscordUserId member_of(const CommandCall& call) {
  return DiscordUserId::parse(call.caller.user.id).value_or(DiscordUserId());
}

/// The channel where it was called: a place names the platform first.
std::string channel_of(const CommandCall& call) { return call.place.substr(call.place.find(':') + 1); }

/// An address for him alone; one that he was given before is of no use from now on.
TxTask<Reply> link(const bot::Declarations& declarations, Tx& tx, ServerContext& context,
                   const CommandCall& call) {
  if (declarations.config->kick_client_id.empty()) co_return bot::refuse("link.unavailable");
  const Linking linking(declarations);
  if (const Duration wait = co_await linking.wait_for_next(tx, context, member_of(call)); wait.count() > 0) {
    const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    co_return bot::refuse("link.wait", {{"seconds", seconds}});
  }
  const std::string key = co_await linking.invite(tx, context, call.caller, channel_of(call));
  const auto held = co_await bot::linked_account(tx, member_of(call), kKick);
  Reply reply = held ? bot::say("link.go_again", {{"account", MemberText{held->name}}}) : bot::say("link.go");
  bot::Offer offer{{"link.go_button"}, {}};
  offer.page = {kLinkPage, call.caller.user.id, key,
                std::chrono::duration_cast<std::chrono::seconds>(kAddressLives)};
  reply.offers.push_back(std::move(offer));
  co_return reply;
}

TxTask<Reply> unlink(const Linking linking, Tx& tx, ServerContext& context, const CommandCall& call) {
  const auto held = co_await bot::linked_account(tx, member_of(call), kKick);
  if (!held) co_return bot::refuse("link.none");
  const auto undone = co_await linking.undo(tx, context, member_of(call), actor_of(call));
  if (!undone) throw ErrorException(undone.error());
  Reply reply = bot::say(
      "link.undone",
      {{"account", MemberText{held->name}}, {"points", undone->points}, {"minutes", minutes_of(*undone)}});
  if (const auto days = context.settings->get(kPauseDays); days > 0)
    reply.lines.push_back({"link.undone_pause", {{"days", days}}});
  co_return reply;
}

TxTask<Reply> keep(const Linking linking, Tx& tx, ServerContext& context, const CommandCall& call) {
  const int ended = co_await linking.object(tx, context, member_of(call), std::nullopt);
  co_return ended > 0 ? bot::say("link.kept") : bot::refuse("link.nothing_to_keep");
}

/// The member whom the argument names, himself or by his viewer's name.
struct Member {
  DiscordUserId id;
  std::string name;
  std::optional<Reply> refusal = {};
};

TxTask<Member> find_member(Tx& tx, ServerContext& context, const CommandCall& call) {
  const auto target = co_await bot::find_or_make_target(tx, call, "user", context.now);
  if (target.refusal) co_return Member{{}, "", target.refusal};
  for (const Identity& identity : co_await bot::identities_of(tx, target.person)) {
    if (identity.platform == kDiscord)
      co_return Member{*DiscordUserId::parse(identity.platform_user_id), identity.name};
  }
  co_return Member{{}, "", bot::refuse("link.no_member", {{"name", MemberText{target.name}}})};
}

TxTask<Reply> remove(const Linking linking, Tx& tx, ServerContext& context, const CommandCall& call) {
  const Member member = co_await find_member(tx, context, call);
  if (member.refusal) co_return *member.refusal;
  const auto held = co_await bot::linked_account(tx, member.id, kKick);
  if (!held) co_return bot::refuse("link.none_of", {{"name", MemberText{member.name}}});
  const auto undone = co_await linking.undo(tx, context, member.id, actor_of(call));
  if (!undone) throw ErrorException(undone.error());
  co_return bot::say(
      "link.removed",
      {{"name", MemberText{member.name}}, {"points", undone->points}, {"minutes", minutes_of(*undone)}});
}

/// By an administrator's word: also for a viewer who was called otherwise when he was linked, and was not
/// seen since. What his old name had brought stays his.
TxTask<Reply> set(const Linking linking, Tx& tx, ServerContext& context, const CommandCall& call) {
  const Member member = co_await find_member(tx, context, call);
  if (member.refusal) co_return *member.refusal;
  const std::string account = call.text("account").value_or("");
  const auto viewer = co_await bot::find_identity_by_name(tx, kKick, account);
  const auto holder = viewer ? co_await bot::linked_member(tx, *viewer) : std::optional<Identity>{};
  if (holder) {
    co_return bot::refuse("link.set_taken",
                          {{"account", MemberText{viewer->name}}, {"name", MemberText{holder->name}}});
  }
  const auto held = co_await bot::linked_account(tx, member.id, kKick);
  const auto made = co_await linking.link_instead(tx, context, {member.id, kKick, account}, actor_of(call));
  if (!made) throw ErrorException(made.error());
  const Message line{"link.log_set",
                     {{"actor", MemberText{call.caller.user.name}},
                      {"member", fmt::format("<@{}>", member.id.str())},
                      {"account", MemberText{account}}}};
  co_await write_log(tx, context, line);
  Reply reply =
      bot::say("link.set",
               {{"name", MemberText{member.name}}, {"points", made->points}, {"minutes", minutes_of(*made)}});
  if (held && bot::is_known_by_name(*held))
    reply.lines.push_back({"link.set_renamed", {{"name", MemberText{member.name}}}});
  co_return reply;
}

/// Puts the panel up where it is called, and nowhere else.
TxTask<Reply> panel(const bot::Declarations& declarations, Tx& tx, ServerContext& context,
                    const CommandCall& call) {
  const bot::SettingWish wish{std::string(kPanelChannel.key), channel_of(call)};
  const auto changed = co_await bot::change_server_setting(tx, declarations, context.server, wish,
                                                           actor_of(call), context.now);
  if (!changed) co_return bot::refuse("link.panel_not_here");
  context.settings = co_await bot::load_settings(tx, declarations.settings, *declarations.config);
  co_await put_panel(tx, context, context.settings->get(kPanelChannel));
  co_return bot::say("link.panel_put");
}

bot::CommandSpec command(std::string path, std::vector<Door> doors, bot::CommandHandler handler) {
  bot::CommandSpec spec;
  spec.owner = "linking";
  spec.path = std::move(path);
  spec.doors = std::move(doors);
  spec.private_answer = true;
  spec.handler = std::move(handler);
  return spec;
}

bot::CommandSpec for_those(Permission permission, bot::CommandSpec spec,
                           std::vector<bot::ArgumentSpec> arguments = {}) {
  spec.permission = permission;
  spec.arguments = std::move(arguments);
  return spec;
}

}  // namespace

void declare_commands(bot::Declarations& declarations) {
  const Linking linking(declarations);
  const bot::ArgumentSpec user{"user", bot::ArgumentKind::person, true};
  const bot::ArgumentSpec account{"account", bot::ArgumentKind::text, true, 0, 100};
  bot::CommandSpec own = command("link", {Door::slash, Door::button},
                                 [&declarations](Tx& tx, ServerContext& context, const CommandCall& call) {
                                   return link(declarations, tx, context, call);
                                 });
  own.cooldown = std::chrono::seconds(10);
  declarations.commands.add(std::move(own));
  bot::CommandSpec undo =
      command("unlink", {Door::slash}, [linking](Tx& tx, ServerContext& context, const CommandCall& call) {
        return unlink(linking, tx, context, call);
      });
  undo.cooldown = std::chrono::seconds(300);
  declarations.commands.add(std::move(undo));
  declarations.commands.add(
      command("link keep", {Door::slash}, [linking](Tx& tx, ServerContext& context, const CommandCall& call) {
        return keep(linking, tx, context, call);
      }));
  declarations.commands.add(
      for_those(Permission::administrator,
                command("link set", {Door::slash, Door::prefix},
                        [linking](Tx& tx, ServerContext& context, const CommandCall& call) {
                          return set(linking, tx, context, call);
                        }),
                {user, account}));
  declarations.commands.add(
      for_those(Permission::manager,
                command("link remove", {Door::slash, Door::prefix},
                        [linking](Tx& tx, ServerContext& context, const CommandCall& call) {
                          return remove(linking, tx, context, call);
                        }),
                {user}));
  declarations.commands.add(for_those(
      Permission::manager, command("link panel", {Door::slash, Door::prefix},
                                   [&declarations](Tx& tx, ServerContext& context, const CommandCall& call) {
                                     return panel(declarations, tx, context, call);
                                   })));
}

}  // namespace guildhall::features::linking
