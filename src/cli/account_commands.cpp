// guildhall account disable, enable, list
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/workspace.h"
#include "web/accounts.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

constexpr std::size_t kLongestReason = 300;

Result<DiscordUserId> read_member(const Arguments& arguments) {
  const auto member = DiscordUserId::parse(arguments.require("DISCORD_ID"));
  if (member && member->value() > 0) return *member;
  return fail(
      ErrorCode::usage, fmt::format("'{}' is not a Discord user's id", arguments.require("DISCORD_ID")),
      "In Discord: Settings > Advanced > Developer Mode; then right click on the person > Copy User ID.");
}

Outcome disable(const Arguments& arguments) {
  const auto member = read_member(arguments);
  if (!member) return std::unexpected(member.error());
  std::string reason = arguments.get("--reason").value_or("");
  if (reason.size() > kLongestReason)
    return fail(ErrorCode::usage, fmt::format("--reason: at most {} bytes", kLongestReason));
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  web::Accounts accounts((*workspace)->tenancy().global(), clock);
  const bool disabled =
      net::run_to_end(accounts.disable(*member, std::move(reason), command_line_operator()));
  return Answer{fmt::format("Account {} {}.\n", member->str(),
                            disabled ? "is disabled: within five seconds it is signed out everywhere, and it "
                                       "cannot sign in"
                                     : "was disabled already"),
                {{"member", member->str()}, {"disabled", true}, {"changed", disabled}}};
}

Outcome enable(const Arguments& arguments) {
  const auto member = read_member(arguments);
  if (!member) return std::unexpected(member.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  web::Accounts accounts((*workspace)->tenancy().global(), clock);
  const bool enabled = net::run_to_end(accounts.enable(*member, command_line_operator()));
  return Answer{
      fmt::format("Account {} {}.\n", member->str(), enabled ? "can sign in again" : "was not disabled"),
      {{"member", member->str()}, {"disabled", false}, {"changed", enabled}}};
}

Outcome list(const Arguments& arguments) {
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  const web::Accounts accounts((*workspace)->tenancy().global(), clock);
  Answer answer;
  boost::json::array rows;
  for (const web::DisabledAccount& account : net::run_to_end(accounts.disabled())) {
    answer.text += fmt::format("{:<28} {}  by {}  {}\n", account.principal,
                               format_rfc3339(account.disabled_at), account.disabled_by, account.reason);
    rows.push_back({{"principal", account.principal},
                    {"disabled_at", format_rfc3339(account.disabled_at)},
                    {"disabled_by", account.disabled_by},
                    {"reason", account.reason}});
  }
  if (rows.empty()) answer.text = "No account is disabled.\n";
  answer.json = {{"accounts", std::move(rows)}};
  return answer;
}

}  // namespace

void add_account_commands(std::vector<Command>& commands) {
  const ArgumentSpec member{"DISCORD_ID", "the person's Discord id"};
  commands.push_back({{"account", "disable"},
                      "keeps somebody out of the dashboard, and signs him out within five seconds",
                      "guildhall account disable 80351110224678912 --reason 'sold points'",
                      {member},
                      {{"--reason", "TEXT", "why, for the operator's log and the list"}},
                      disable});
  commands.push_back({{"account", "enable"},
                      "lets somebody sign in again who was disabled",
                      "guildhall account enable 80351110224678912",
                      {member},
                      {},
                      enable});
  commands.push_back({{"account", "list"},
                      "shows who is disabled, since when, by whom and why",
                      "guildhall account list",
                      {},
                      {},
                      list});
}

}  // namespace guildhall::cli
