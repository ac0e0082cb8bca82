// guildhall server list, add
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/workspace.h"

namespace guildhall::cli {
namespace {

Result<std::optional<Answer>> list(const Arguments& arguments) {
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  Answer answer;
  boost::json::array rows;
  for (const auto& server : (*workspace)->tenancy().servers().list()) {
    const auto channel = (*workspace)->tenancy().channels().of_server(server.discord_server_id, "kick");
    const std::string slug = channel ? channel->slug : "";
    rows.push_back({{"id", server.discord_server_id.str()},
                    {"name", server.name},
                    {"state", server.state},
                    {"kick_channel", slug}});
    answer.text += fmt::format("{:<20} {:<9} {:<24} {}\n", server.discord_server_id.str(), server.state, slug,
                               server.name);
  }
  if (answer.text.empty()) answer.text = "No servers yet: the bot adds one when it joins it.\n";
  answer.json = {{"servers", std::move(rows)}};
  return answer;
}

Result<std::optional<Answer>> add(const Arguments& arguments) {
  const auto id = ServerId::parse(arguments.require("ID"));
  if (!id || id->value() >= 0) {
    return fail(ErrorCode::usage, fmt::format("'{}' is not an id below 0", arguments.require("ID")),
                "Discord servers are added by inviting the bot; this command is for streamers without one.");
  }
  if (!tenancy::kAllServers.contains(*id)) {
    return fail(ErrorCode::usage, fmt::format("{} is reserved for the isolation proof", id->str()),
                fmt::format("Take a number above {}: -1, -2, ...", tenancy::kReservedServers.last.str()));
  }
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  auto& servers = (*workspace)->tenancy().servers();
  const auto arrival = net::run_to_end(servers.arrived(*id, arguments.require("NAME"), clock.now()));
  const bool added = arrival == tenancy::Arrival::added;
  const auto scope = (*workspace)->scope(id->str());
  if (added && scope) {
    const tenancy::AuditEntry entry{command_line_operator(), "server.add", id->str(), std::nullopt,
                                    arguments.require("NAME")};
    net::run_to_end(scope->transact(
        [&](store::Tx& tx) -> store::TxTask<void> { co_await tenancy::audit(tx, clock.now(), entry); }));
  }
  return Answer{fmt::format("Server {} {}.\n", id->str(), added ? "added" : "was there already"),
                {{"id", id->str()}, {"added", added}}};
}

}  // namespace

void add_server_commands(std::vector<Command>& commands) {
  commands.push_back({{"server", "list"}, "lists the servers", "guildhall server list --json", {}, {}, list});
  commands.push_back({{"server", "add"},
                      "adds a server for a streamer without Discord (an id below 0)",
                      "guildhall server add -1 \"Night stream\"",
                      {{"ID", "a number below 0"}, {"NAME", "how it is called"}},
                      {},
                      add});
}

}  // namespace guildhall::cli
