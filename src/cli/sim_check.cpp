// guildhall sim check
#include <fmt/format.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/demo_check.h"
#include "cli/workspace.h"
#include "net/http_client.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

Result<json::Value> fetch(const std::string& url) {
  net::Loops loops(1);
  loops.start();
  net::HttpClient client(loops.main(), {});
  net::HttpRequest request;
  request.url = url;
  const auto response = net::run_to_end(client.send(std::move(request)));
  if (!response) return std::unexpected(response.error());
  return json::parse(response->body);
}

Outcome check(const Arguments& arguments) {
  const std::string control = arguments.require("--control");
  const auto world = fetch(control + "/world");
  if (!world) return std::unexpected(world.error());
  const auto witness = fetch(control + "/witness");
  if (!witness) return std::unexpected(witness.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  std::vector<WitnessedServer> servers;
  for (const auto& server : (*workspace)->tenancy().servers().list()) {
    const auto channel = (*workspace)->tenancy().channels().of_server(server.discord_server_id, "kick");
    if (channel) servers.push_back({server.discord_server_id, channel->slug});
  }
  const DemoCounts counts = check_demo(**workspace, *witness, servers);
  const json::Object object{{"servers", static_cast<std::int64_t>(servers.size())},
                            {"discord_events", counts.discord_events},
                            {"kick_events", counts.kick_events},
                            {"commands", counts.commands},
                            {"points_awarded", counts.points_awarded},
                            {"ledger_mismatches", counts.ledger_mismatches},
                            {"foreign_rows", counts.foreign_rows},
                            {"witness_mismatches", counts.witness_mismatches}};
  if (counts.ledger_mismatches + counts.foreign_rows + counts.witness_mismatches > 0) {
    return fail(ErrorCode::failed,
                "the database is not what the platforms were told: " + json::write(object));
  }
  return Answer{json::write(object) + "\n", object};
}

}  // namespace

void add_sim_check_command(std::vector<Command>& commands) {
  commands.push_back({{"sim", "check"},
                      "compares a bot's database with what simulated platforms recorded",
                      "guildhall sim check --control http://127.0.0.1:40001 --data-dir demo-data --json",
                      {},
                      {{"--control", "URL", "of the simulation, as it printed it", true}},
                      check});
}

}  // namespace guildhall::cli
