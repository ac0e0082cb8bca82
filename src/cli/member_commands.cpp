// guildhall member link, unlink
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/workspace.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

struct Target {
  DiscordUserId member;
  std::string platform;
};

Result<Target> read_target(const Arguments& arguments) {
  const auto member = DiscordUserId::parse(arguments.require("DISCORD_ID"));
  if (!member || member->value() <= 0) {
    return fail(ErrorCode::usage,
                fmt::format("'{}' is not a Discord user's id", arguments.require("DISCORD_ID")));
  }
  if (arguments.require("PLATFORM") != bot::kKick) {
    return fail(ErrorCode::usage, fmt::format("'{}' is no platform to link; this version knows: kick",
                                              arguments.require("PLATFORM")));
  }
  return Target{*member, bot::kKick};
}

Answer answer_of(const std::string& verb, const Target& target, const bot::LinkOutcome& outcome) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(outcome.watched).count();
  return {
      fmt::format("Member {} {}: {} points and {} minutes moved{}.\n", target.member.str(), verb,
                  outcome.points, minutes, outcome.provisional ? "; the viewer has not been seen yet" : ""),
      {{"member", target.member.str()},
       {"person", outcome.person.str()},
       {"points", outcome.points},
       {"minutes", minutes},
       {"provisional", outcome.provisional}}};
}

using Change = std::function<store::TxTask<Result<bot::LinkOutcome>>(
    store::Tx&, const std::vector<bot::MoveHandler>&, const Target&, TimePoint)>;

Outcome change(const Arguments& arguments, const Change& body, const std::string& verb) {
  const auto target = read_target(arguments);
  if (!target) return std::unexpected(target.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  const auto scope = (*workspace)->scope(arguments.require("--server"));
  if (!scope) return std::unexpected(scope.error());
  const auto outcome = net::run_to_end(scope->transact(
      [&](store::Tx& tx) { return body(tx, (*workspace)->declarations().on_move, *target, clock.now()); }));
  if (!outcome) return std::unexpected(outcome.error());
  return answer_of(verb, *target, *outcome);
}

Outcome link(const Arguments& arguments) {
  const std::string name = arguments.require("NAME");
  return change(
      arguments,
      [&](store::Tx& tx, const std::vector<bot::MoveHandler>& handlers, const Target& target, TimePoint now) {
        return bot::link_member(tx, handlers, {target.member, target.platform, name}, command_line_operator(),
                                now);
      },
      "linked to " + arguments.require("PLATFORM") + " " + name);
}

Outcome unlink(const Arguments& arguments) {
  return change(
      arguments,
      [](store::Tx& tx, const std::vector<bot::MoveHandler>& handlers, const Target& target, TimePoint now) {
        return bot::unlink_member(tx, handlers, target.member, target.platform, command_line_operator(), now);
      },
      "unlinked from " + arguments.require("PLATFORM"));
}

}  // namespace

void add_member_commands(std::vector<Command>& commands) {
  const ArgumentSpec member{"DISCORD_ID", "the member's Discord id"};
  const ArgumentSpec platform{"PLATFORM", "kick"};
  commands.push_back({{"member", "link"},
                      "makes a Discord member and a stream viewer one person; reversible",
                      "guildhall member link --server 81384788765712384 80351110224678912 kick nightowl_7",
                      {member, platform, {"NAME", "the viewer's name in the stream's chat"}},
                      {server_option()},
                      link});
  commands.push_back({{"member", "unlink"},
                      "undoes a link: what the viewer had brought goes back",
                      "guildhall member unlink --server 81384788765712384 80351110224678912 kick",
                      {member, platform},
                      {server_option()},
                      unlink});
}

}  // namespace guildhall::cli
