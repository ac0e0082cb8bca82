// guildhall doctor isolation, discord
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cstdio>

#include "cli/commands.h"
#include "cli/doctor_catalog.h"
#include "cli/doctor_discord.h"
#include "cli/workspace.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

/// What was found is said on stdout in any case; a leak is an error besides.
Outcome isolation(const Arguments& arguments) {
  if (arguments.has("--catalog")) return doctor_catalog(arguments);
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  const auto lock = take_proof_lock(arguments.config);
  if (!lock) return std::unexpected(lock.error());
  const bool watched = isatty(STDERR_FILENO) == 1;
  const auto report = doctor::prove_isolation((*workspace)->installation(), [&](std::string_view step) {
    if (watched) fmt::print(stderr, "{} ...\n", step);
  });
  if (!report) return std::unexpected(report.error());
  if (report->leaks() == 0) return Answer{report->text(), report->json()};
  fmt::print("{}\n", arguments.json ? boost::json::serialize(report->json()) : report->text());
  std::fflush(stdout);
  return fail(ErrorCode::failed, fmt::format("{} leaks between servers were found", report->leaks()),
              "Stop the bot and report what stands above.");
}

}  // namespace

void add_doctor_commands(std::vector<Command>& commands) {
  commands.push_back({{"doctor", "discord"},
                      "looks at token, intents, permissions and commands in Discord, and says the way out",
                      "guildhall doctor discord --server 81384788765712384",
                      {},
                      doctor_discord_options(),
                      doctor_discord});
  commands.push_back(
      {{"doctor", "isolation"},
       "proves on this database that no server sees another's rows",
       "guildhall doctor isolation --json",
       {},
       {{"--catalog", "", "only compares keys, policies, rights and logins with what is declared"}},
       isolation});
}

}  // namespace guildhall::cli
