// Where the old bot had its panel, and its log of links: ours come up in the same channels. Its own messages
// stay where they are; whoever presses their buttons gets no answer any more, and a moderator deletes them.
#include "features/linking/linking_import.h"

#include "features/linking/linking.h"

namespace guildhall::features::linking {
namespace {

using bot::ImportCall;
using bot::ImportEntry;
using store::Tx;
using store::TxTask;

TxTask<std::vector<ImportEntry>> set_channel(Tx& tx, const bot::Declarations& declarations,
                                             const ImportCall call, std::string key,
                                             std::vector<ImportEntry> entries) {
  for (ImportEntry& entry : entries) {
    if (entry.text.empty()) continue;  // it is gone there: what stands here stays
    const bot::SettingWish wish{key, entry.text};
    const auto changed =
        co_await bot::change_server_setting(tx, declarations, call.server, wish, call.actor, call.now);
    if (!changed) entry.refused = changed.error().message;
  }
  co_return entries;
}

bot::Importer importer(const bot::Declarations& declarations, std::string title, bot::OldSource from,
                       std::string_view key) {
  bot::Importer made;
  made.source = "kick";
  made.item = from.table;
  made.title = std::move(title);
  made.from = {std::move(from)};
  made.by_name = false;
  made.acts = true;
  made.reckon = [](const bot::OldRow& row) { return bot::Reckoned{.text = row.key}; };
  made.book = [&declarations, key = std::string(key)](Tx& tx, const ImportCall& call,
                                                      std::vector<ImportEntry> entries) {
    return set_channel(tx, declarations, call, key, std::move(entries));
  };
  return made;
}

}  // namespace

void declare_import(bot::Declarations& declarations) {
  bot::OldSource panels{.table = "link_panels", .key = "channel_id"};
  panels.only_column = "panel_type";
  panels.only_value = "kick_link";
  declarations.importers.push_back(
      importer(declarations, "the panel for linking (link_panels)", panels, kPanelChannel.key));

  bot::OldSource logs{.table = "link_logs_config", .key = "channel_id"};
  logs.only_column = "enabled";
  logs.only_value = "true";
  declarations.importers.push_back(
      importer(declarations, "the log of links (link_logs_config)", logs, kLogChannel.key));
}

}  // namespace guildhall::features::linking
