#include <fmt/format.h>

#include "bot/activity.h"
#include "bot/channel_attempts.h"
#include "bot/dashboard_access.h"
#include "bot/discord_shards.h"
#include "bot/feature.h"
#include "bot/jobs.h"
#include "bot/kick_hearing.h"
#include "bot/kick_routes.h"
#include "bot/ledger.h"
#include "bot/oauth_states.h"
#include "bot/outbox.h"
#include "bot/posts.h"
#include "bot/process_state.h"
#include "bot/role_changes.h"
#include "bot/schema_reader.h"

namespace guildhall::bot {
namespace {

using store::Tx;
using store::TxTask;

Catalogue read_texts() {
  std::map<std::string, std::string> files;
  for (const EmbeddedFile& file : embedded_messages())
    files[std::string(file.name.substr(0, file.name.find('.')))] = file.content;
  auto catalogue = Catalogue::parse(files);
  if (!catalogue) throw ErrorException(catalogue.error());
  return *std::move(catalogue);
}

/// What follows a slash command, as Discord shows it in that language: " <user> [page]".
std::string slash_usage(const CommandSpec& command, const Catalogue& texts, const std::string& language) {
  std::string text;
  for (const ArgumentSpec& spec : command.arguments) {
    const std::string name = texts.text(language, "argument_name." + spec.name);
    text += spec.required ? fmt::format(" <{}>", name) : fmt::format(" [{}]", name);
  }
  return text;
}

/// What can be called at this door, one line each.
TxTask<Reply> help(const Declarations& declarations, ServerContext& context, const CommandCall& call) {
  Reply reply = say("help.title");
  const std::string prefix = call.door == Door::slash ? "/" : context.settings->get(kCommandPrefix);
  for (const CommandSpec& command : declarations.commands.all()) {
    if (!command.open_at(call.door) || call.caller.permission < command.permission) continue;
    const auto word = [&](std::string key) { return context.texts->text(context.language(), key); };
    const std::string name = call.door == Door::slash ? word(command.name_key()) : command.path;
    std::string words = usage(command).substr(command.path.size());
    if (call.door == Door::slash) words = slash_usage(command, *context.texts, context.language());
    reply.lines.push_back(
        {call.door == Door::chat ? "help.name" : "help.row",
         {{"usage", prefix + name + words},
          {"name", prefix + name},
          {"description", context.texts->text(context.language(), command.description_key())}}});
  }
  co_return reply;
}

CommandSpec help_command(const Declarations& declarations) {
  CommandSpec command;
  command.owner = "bot";
  command.path = "help";
  command.aliases = {"commands"};
  command.doors = {Door::slash, Door::prefix, Door::chat};
  command.private_answer = true;
  command.cooldown = std::chrono::seconds(10);
  command.handler = [&declarations](Tx&, ServerContext& context, const CommandCall& call) {
    return help(declarations, context, call);
  };
  return command;
}

}  // namespace

Declarations::Declarations(const Config& configuration) : config(&configuration), texts(read_texts()) {}

void declare_bot(Declarations& declarations) {
  declare_persons(declarations.statements);
  declare_links(declarations.statements);
  declare_ledger(declarations.statements);
  declare_activity(declarations.statements);
  declare_jobs(declarations.statements);
  declare_process_state(declarations.statements);
  declare_leases(declarations.statements);
  declare_discord_shards(declarations.statements);
  declare_schema_reader(declarations.statements);
  declare_oauth_states(declarations.statements);
  declare_channel_attempts(declarations.statements);
  declare_kick_routes(declarations.statements);
  declare_kick_hearing(declarations.statements);
  declare_settings(declarations.statements, declarations.settings);
  declarations.settings.add("bot", kDashboardRoles);
  declare_outbox(declarations.statements, declarations.settings);
  declare_posts(declarations.statements);
  declare_role_changes(declarations);
  declarations.commands.add(help_command(declarations));
  declare_bot_routes(declarations);
  declare_importers(declarations);
  declarations.rehearsals.server.push_back(
      [](store::Tx& tx, ServerContext&) -> TxTask<void> { co_await count_ledger_mismatches(tx); });
  declarations.rehearsals.server.push_back([](store::Tx& tx, ServerContext&) -> TxTask<void> {
    co_await names_beginning(tx, kKick, "");  // what is asked for while a name is typed
  });
  declarations.rehearsals.server.push_back(rehearse_posts);
  declarations.rehearsals.cross_server.push_back(rehearse_jobs);
  declarations.rehearsals.global.push_back(rehearse_process_state);
  declarations.rehearsals.global.push_back(rehearse_leases);
  declarations.rehearsals.global.push_back(rehearse_discord_shards);
  declarations.rehearsals.global.push_back(rehearse_schema_reader);
  declarations.rehearsals.global.push_back(rehearse_oauth_states);
  declarations.rehearsals.global.push_back(rehearse_channel_attempts);
  declarations.rehearsals.global.push_back(rehearse_kick_routes);
  declarations.rehearsals.global.push_back(rehearse_kick_hearing);
  declarations.rehearsals.global.push_back([&declarations](store::GlobalTx& tx, TimePoint now) {
    return rehearse_defaults(tx, declarations.settings, now);
  });
}

TxTask<Result<SettingChange>> change_server_setting(Tx& tx, const Declarations& declarations, ServerId server,
                                                    SettingWish wish, tenancy::Actor actor, TimePoint now) {
  auto changed = co_await change_setting(tx, declarations.settings, std::move(wish), std::move(actor), now);
  if (!changed || changed->before == changed->after) co_return changed;
  ServerContext context{server, now, co_await load_settings(tx, declarations.settings, *declarations.config),
                        &declarations.texts};
  for (const auto& handler : declarations.on_settings) co_await handler(tx, context);
  changed->outbox = context.outbox;
  co_return changed;
}

}  // namespace guildhall::bot
