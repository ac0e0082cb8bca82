// Under which subscription which events of which channel come: what Kick posts names its subscription, and is
// believed to be about that channel alone. Kick signs everybody's events with one key, so that a genuine one
// may have been made for another's application; the subscription tells it apart. Kept in the database, so
// that a start need not wait for Kick's list.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "platforms/kick/types.h"
#include "tenancy/scope.h"

namespace guildhall::bot {

/// Lives on the bridge's loop.
class KickRoutes {
 public:
  explicit KickRoutes(tenancy::GlobalScope global) : global_(global) {}

  /// What the database holds: another process may have asked Kick since.
  Task<void> load();
  bool loaded() const { return loaded_; }

  /// Kick has these.
  Task<void> add(std::vector<kick::Subscription> held);
  /// Kick has these, and no others.
  Task<void> keep(std::vector<kick::Subscription> held);

  std::optional<kick::Subscription> find(const std::string& id) const;

 private:
  tenancy::GlobalScope global_;
  bool loaded_ = false;
  std::map<std::string, kick::Subscription> by_id_;
};

store::TxTask<void> rehearse_kick_routes(store::GlobalTx& tx, TimePoint now);

void declare_kick_routes(store::StatementRegistry& statements);

}  // namespace guildhall::bot
