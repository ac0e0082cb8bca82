#include "bot/due_work.h"

#include "base/log.h"
#include "bot/find_servers.h"

namespace guildhall::bot {

Task<void> DueWorker::run_due() {
  const TimePoint now = clock_.now();
  for (const DueWork& due : declarations_.due_work) {
    const auto servers = co_await find_servers(
        tenancy_, due.name, now,
        [&due, now](store::CrossTx& tx, store::ServerRange range) { return due.find(tx, range, now); });
    for (const ServerId server : servers) co_await run(due, server);
  }
}

Task<void> DueWorker::run(const DueWork& due, ServerId server) {
  const auto scope = tenancy_.scopes().for_job(server);
  if (!scope) co_return;
  try {
    const TimePoint now = clock_.now();
    const auto context = co_await scope->transact([&](store::Tx& tx) -> store::TxTask<ServerContext> {
      ServerContext made{server, now,
                         co_await load_settings(tx, declarations_.settings, *declarations_.config),
                         &declarations_.texts};
      co_await due.work(tx, made);
      co_return made;
    });
    told_(*scope, context);
  } catch (const std::exception& error) {
    log::error("due work failed", {log::field("work", due.name), log::field("server", server.str()),
                                   log::field("error", error.what())});
  }
}

}  // namespace guildhall::bot
