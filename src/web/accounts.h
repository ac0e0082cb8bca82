// Accounts that the operator has disabled: whoever has one is signed out within seconds, and no way of
// signing in opens the dashboard to him. An account is a Discord user; the operator's one-time code is none.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "bot/feature.h"
#include "tenancy/audit.h"
#include "tenancy/scopes.h"

namespace guildhall::web {

struct DisabledAccount {
  std::string principal;  // "discord:80351110224678912"
  TimePoint disabled_at;
  std::string disabled_by;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(DisabledAccount, (), (principal, disabled_at, disabled_by, reason))

/// Each change is in the operator's log.
class Accounts {
 public:
  Accounts(tenancy::GlobalScope global, const Clock& clock) : global_(global), clock_(clock) {}

  static void declare(bot::Declarations& declarations);

  /// Ends his sessions with it. False: he was disabled already, for the reason of then.
  Task<bool> disable(DiscordUserId member, std::string reason, tenancy::Actor actor);
  /// False: he was not disabled.
  Task<bool> enable(DiscordUserId member, tenancy::Actor actor);
  /// The latest first.
  Task<std::vector<DisabledAccount>> disabled() const;

 private:
  tenancy::GlobalScope global_;
  const Clock& clock_;
};

}  // namespace guildhall::web
