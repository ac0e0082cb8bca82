// guildhall server list, add, begin-anew
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/workspace.h"
#include "store/server_file.h"

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

/// While no bot runs. The audit row is the first work of the server, which makes its file.
Result<std::optional<Answer>> begin_anew(const Arguments& arguments) {
  const Config& config = arguments.config;
  const auto place = store::find_place(config);
  if (!place) return std::unexpected(place.error());
  if (place->layout != store::Layout::sqlite_per_server) {
    return fail(ErrorCode::usage, "the servers have no files of their own here",
                "This command is for a database at sqlite-per-server:FOLDER.");
  }
  const SystemClock clock;
  auto workspace = Workspace::open(config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  // A running bot may have the file open still, and would write on where nobody finds it.
  const auto lock = InstanceLock::take(*place, Exclusive::bot);
  if (!lock) return std::unexpected(lock.error());
  const auto scope = (*workspace)->scope(arguments.require("ID"));
  if (!scope) return std::unexpected(scope.error());
  const auto homes = (*workspace)->declarations().tables.homes();
  if (auto given_up = store::give_up_server_file(*place, homes, scope->server()); !given_up)
    return std::unexpected(given_up.error());
  const std::string id = scope->server().str();
  const tenancy::AuditEntry entry{command_line_operator(), "server.begin_anew", id, std::nullopt,
                                  std::nullopt};
  net::run_to_end(scope->transact(
      [&](store::Tx& tx) -> store::TxTask<void> { co_await tenancy::audit(tx, clock.now(), entry); }));
  return Answer{fmt::format("Server {} begins anew, with nothing but its name.\n", id), {{"id", id}}};
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
  commands.push_back({{"server", "begin-anew"},
                      "gives up what was in a server's own file that is gone, and makes a new one",
                      "guildhall server begin-anew 112233445566778899",
                      {{"ID", "the server, as `guildhall server list` shows it"}},
                      {},
                      begin_anew});
}

}  // namespace guildhall::cli
