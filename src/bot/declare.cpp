#include "bot/feature.h"
#include "bot/ledger.h"

namespace guildhall::bot {

void declare_bot(Declarations& declarations) {
  declare_persons(declarations.statements);
  declare_links(declarations.statements);
  declare_ledger(declarations.statements);
  declare_settings(declarations.statements, declarations.settings);
}

store::TxTask<Result<SettingChange>> change_server_setting(store::Tx& tx, const Declarations& declarations,
                                                           ServerId server, std::string key,
                                                           std::optional<std::string> value, tenancy::Actor actor,
                                                           TimePoint now) {
  auto changed = co_await change_setting(tx, declarations.settings, std::move(key), std::move(value), std::move(actor), now);
  if (!changed || changed->before == changed->after) co_return changed;
  ServerContext context{server, now, co_await load_settings(tx, declarations.settings, *declarations.config)};
  for (const auto& handler : declarations.on_settings) co_await handler(tx, context);
  co_return changed;
}

}  // namespace guildhall::bot
