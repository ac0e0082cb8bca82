// A simulated Kick for one test.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/config.h"
#include "base/json.h"
#include "sim/sim.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::test {

struct SimulatedKick {
  std::unique_ptr<sim::Simulation> sim;
  std::string control;  // where a test tells it what to do
};

/// `config` leads there from then on. Its key takes longer than a whole test, so it is made once.
inline SimulatedKick start_kick(boost::asio::io_context& loop, const Clock& clock, Config& config) {
  static const TemporaryFolder kKeys;
  sim::SimOptions options;
  options.clock = &clock;
  options.key_file = kKeys.path() / "kick.pem";
  auto started = sim::Simulation::start(loop, options);
  if (!started) throw ErrorException(started.error());
  const json::Value contract = *json::parse((*started)->contract_json());
  const json::Value& kick = contract.at("kick");
  config.kick_oauth_url = json::text_or(kick, "oauth", "");
  config.kick_api_url = json::text_or(kick, "api", "");
  config.kick_client_id = json::text_or(kick, "client_id", "");
  config.kick_client_secret = json::text_or(kick, "client_secret", "");
  return {*std::move(started), json::text_or(contract, "control", "")};
}

}  // namespace guildhall::test
