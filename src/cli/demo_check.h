// Did the bot keep what it was told? Compares the database with the simulators' own record.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "cli/workspace.h"

namespace guildhall::cli {

struct DemoCounts {
  std::int64_t discord_events = 0;
  std::int64_t kick_events = 0;
  std::int64_t commands = 0;
  std::int64_t points_awarded = 0;
  std::int64_t ledger_mismatches = 0;   // balances that are not the sum of their ledger rows
  std::int64_t foreign_rows = 0;        // rows of people whom the server cannot know
  std::int64_t witness_mismatches = 0;  // watch time or points other than what follows from the record
};

/// `witness` is the simulation's report; each of `servers` is bound to the Kick channel of its slug and
/// nobody changed its settings by hand.
struct WitnessedServer {
  ServerId server;
  std::string channel;
};
DemoCounts check_demo(Workspace& workspace, const boost::json::value& witness,
                      const std::vector<WitnessedServer>& servers);

void declare_demo_check(bot::Declarations& declarations);

}  // namespace guildhall::cli
