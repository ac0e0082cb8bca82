// Runs what features do for a server when its time has come (Declarations::due_work).
#pragma once

#include <functional>

#include "base/clock.h"
#include "bot/feature.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

class DueWorker {
 public:
  /// `told`: after each commit, with what the work changed. All of it outlives this.
  using Told = std::function<void(tenancy::ServerScope scope, const ServerContext& context)>;
  DueWorker(tenancy::Tenancy& tenancy, const Declarations& declarations, const Clock& clock, Told told)
      : tenancy_(tenancy), declarations_(declarations), clock_(clock), told_(std::move(told)) {}

  /// One look, and what it finds. What fails in a server is reported, and tried again the next time.
  Task<void> run_due();

 private:
  Task<void> run(const DueWork& due, ServerId server);

  tenancy::Tenancy& tenancy_;
  const Declarations& declarations_;
  const Clock& clock_;
  Told told_;
};

}  // namespace guildhall::bot
