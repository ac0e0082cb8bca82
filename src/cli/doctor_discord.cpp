#include "cli/doctor_discord.h"

#include <fmt/format.h>

#include "bot/discord_checkup.h"
#include "bot/outbox.h"
#include "cli/migrate_doctor.h"
#include "cli/workspace.h"
#include "net/http_client.h"

namespace guildhall::cli {
namespace {

using bot::CheckedServer;
using bot::Checkup;
using bot::Finding;

Result<CheckedServer> read_server(Workspace& workspace, const tenancy::ServerRow& row) {
  const auto scope = workspace.scope(row.discord_server_id.str());
  if (!scope) return std::unexpected(scope.error());
  const auto settings = net::run_to_end(scope->read([&](store::Tx& tx) {
    return bot::load_settings(tx, workspace.declarations().settings, workspace.config());
  }));
  CheckedServer server{row.discord_server_id, row.name, {}, {}};
  if (const auto channel = DiscordChannelId::parse(settings->get(bot::kLogChannel)))
    server.channels.push_back(*channel);
  return server;
}

/// The one that was named, or all that the bot is in.
Result<std::vector<CheckedServer>> servers_of(Workspace& workspace, const Arguments& arguments) {
  std::optional<ServerId> named;
  if (arguments.has("--server")) {
    const auto scope = workspace.scope(arguments.require("--server"));
    if (!scope) return std::unexpected(scope.error());
    named = scope->server();
  }
  std::vector<CheckedServer> servers;
  for (const tenancy::ServerRow& row : workspace.tenancy().servers().list()) {
    const bool in_discord = row.discord_server_id.value() > 0 && row.state == "active";
    if (named ? row.discord_server_id != *named : !in_discord) continue;
    auto server = read_server(workspace, row);
    if (!server) return std::unexpected(server.error());
    servers.push_back(*std::move(server));
  }
  return servers;
}

/// The one that --role names.
Result<std::optional<discord::RoleId>> role_of(const Arguments& arguments) {
  if (!arguments.has("--role")) return std::nullopt;
  if (!arguments.has("--server"))
    return fail(ErrorCode::usage, "--role needs --server ID", "A role is one server's.");
  const auto role = discord::RoleId::parse(arguments.require("--role"));
  if (role) return role;
  return fail(ErrorCode::usage, fmt::format("'{}' is not a role's id", arguments.require("--role")),
              "In Discord: Server Settings > Roles, right click on the role > Copy Role ID.");
}

Answer answer_of(const Checkup& checkup) {
  Answer answer;
  boost::json::array findings;
  std::int64_t problems = 0;
  std::int64_t warnings = 0;
  for (const Finding& finding : checkup.findings) {
    const std::string place = finding.server ? "server " + finding.server->str() + ": " : "";
    answer.text +=
        fmt::format("{:<7}  {:<12} {}{}\n", word_of(finding.level), finding.topic, place, finding.text);
    if (!finding.hint.empty()) answer.text += fmt::format("{:>22}hint: {}\n", "", finding.hint);
    findings.push_back(bot::to_json(finding));
    if (finding.level == Finding::Level::warning) ++warnings;
    if (finding.level != Finding::Level::problem) continue;
    ++problems;
    if (answer.exit_code == 0) answer.exit_code = static_cast<int>(exit_code(finding.code));
  }
  answer.text += doctors_word(problems, warnings);
  if (!checkup.invite.empty()) answer.text += fmt::format("to add the bot to a server: {}\n", checkup.invite);
  answer.json = {{"ok", problems == 0},
                 {"problems", problems},
                 {"warnings", warnings},
                 {"invite", checkup.invite},
                 {"findings", std::move(findings)}};
  return answer;
}

}  // namespace

Result<std::optional<Answer>> doctor_discord(const Arguments& arguments) {
  const Config& config = arguments.config;
  if (config.discord_token.empty()) {
    return fail(ErrorCode::configuration, "discord.token is not set",
                "docs/guide/discord.md tells how to make the application and where the token is.");
  }
  const auto role = role_of(arguments);
  if (!role) return std::unexpected(role.error());
  const SystemClock clock;
  auto workspace = Workspace::open(config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  auto servers = servers_of(**workspace, arguments);
  if (!servers) return std::unexpected(servers.error());
  if (*role) servers->front().roles.push_back(**role);
  net::Loops loops(1);
  loops.start();
  net::HttpClient http(loops.main(), {.ca_file = config.net_ca_file});
  bot::DiscordCheckup checkup(loops.main(), (*workspace)->declarations(), http, clock,
                              (*workspace)->metrics());
  const Checkup report = net::run_to_end(checkup.run(*std::move(servers)));
  loops.stop();
  return answer_of(report);
}

std::vector<OptionSpec> doctor_discord_options() {
  return {{"--server", "ID", "only this server, as `guildhall server list` shows it"},
          {"--role", "ID", "with --server: can the bot give this role?"}};
}

}  // namespace guildhall::cli
