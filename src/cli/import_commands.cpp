// guildhall import kick, revert
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <atomic>

#include "cli/commands.h"
#include "cli/signals.h"
#include "cli/workspace.h"
#include "convert/scheme.h"
#include "import/follow.h"
#include "import/revert.h"

namespace guildhall::cli {
namespace {

using Answered = Result<std::optional<Answer>>;

Result<std::optional<std::int64_t>> server_of(const Arguments& arguments, std::string_view option) {
  const auto text = arguments.get(option);
  if (!text) return std::nullopt;
  const auto server = convert::parse_server(*text);
  if (server) return server;
  return fail(ErrorCode::usage, fmt::format("{}: '{}' is not the id of a Discord server", option, *text),
              "It is a whole number above 0: in Discord, right-click on the server, \"Copy Server ID\".");
}

Result<importing::Whose> whose_of(const Arguments& arguments) {
  const auto server = server_of(arguments, "--server");
  if (!server) return std::unexpected(server.error());
  const auto home = server_of(arguments, "--home");
  if (!home) return std::unexpected(home.error());
  return importing::Whose{*server, *home};
}

/// The server here, made known where it is not; nothing in a dry run for one that is not.
Result<std::optional<tenancy::ServerScope>> scope_of(Workspace& workspace, const importing::OldDatabase& old,
                                                     bool dry_run) {
  auto& servers = workspace.tenancy().servers();
  const std::string id = old.server().str();
  if (!servers.is_known(old.server())) {
    if (dry_run) return std::nullopt;
    const std::string name = old.server_name().empty() ? "Server " + id : old.server_name();
    const TimePoint now = workspace.clock().now();
    net::run_to_end(servers.arrived(old.server(), name, now));
    const auto made = workspace.scope(id);
    if (!made) return std::unexpected(made.error());
    const tenancy::AuditEntry entry{command_line_operator(), "server.add", id, std::nullopt, name};
    net::run_to_end(made->transact(
        [&](store::Tx& tx) -> store::TxTask<void> { co_await tenancy::audit(tx, now, entry); }));
  }
  auto scope = workspace.scope(id);
  if (!scope) return std::unexpected(scope.error());
  return *std::move(scope);
}

/// PostgreSQL chooses its ways by statistics of the tables, and keeps to what it chose for a prepared
/// statement when they were empty. With the rights of whoever owns them, where they are at hand.
std::function<void()> looking_at_tables(const Config& config) {
  const auto place = store::find_place(config);
  if (!place || place->layout != store::Layout::postgres) return [] {};
  return [place = *place] {
    const auto session = store::open_schema_session(place, "-clock_timeout=2s");
    if (!session) return;
    try {
      for (const auto& row : (*session)->query(
               "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = "
               "'guildhall'::regnamespace AND pg_has_role(relowner, 'USAGE')"))
        (*session)->execute("ANALYZE guildhall." + row[0]);
    } catch (const store::DatabaseError&) {  // slower, and nothing else
    }
  };
}

Answered followed(importing::OldDatabase& old, Workspace& workspace, const tenancy::ServerScope& scope,
                  const importing::FollowOptions& options) {
  const auto done = importing::follow(old, workspace.declarations(), scope, workspace.clock(), options);
  if (!done) return std::unexpected(done.error());
  Answer answer{importing::text_of(done->report), importing::json_of(done->report)};
  auto& json = answer.json.as_object();
  json["rounds"] = done->rounds;
  json["changed_keys"] = done->keys;
  json["missed_keys"] = done->missed;
  if (done->pause) {
    json["pause_ms"] = done->pause->count();
    answer.text += fmt::format("Followed for {} rounds, {} keys; the old bot's writes waited {} ms. ",
                               done->rounds, done->keys, done->pause->count());
  }
  answer.text += "The old bot is fenced off: stop it.\n";
  if (!done->report.adds_up()) answer.exit_code = static_cast<int>(ExitCode::failed);
  return answer;
}

Answered let_go(importing::OldDatabase& old, const Workspace& workspace) {
  if (auto gone = importing::let_go(old, workspace.declarations()); !gone)
    return std::unexpected(gone.error());
  return Answer{fmt::format("{} is as it was: nothing is followed and nobody is fenced off.\n", old.name()),
                {{"from", old.name()}, {"let_go", true}}};
}

/// Each of them is another thing to do.
Result<void> check_ways(const Arguments& arguments) {
  std::vector<std::string_view> named;
  for (const std::string_view way : {"--dry-run", "--follow", "--let-go"})
    if (arguments.has(way)) named.push_back(way);
  if (named.size() < 2) return {};
  return fail(ErrorCode::usage, fmt::format("{} exclude each other", fmt::join(named, " and ")));
}

/// How far it is, for whoever watches.
std::function<void(const std::string&)> teller(const Arguments& arguments) {
  if (arguments.json || isatty(STDERR_FILENO) != 1) return [](const std::string&) {};
  return [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
}

Answered kick(const Arguments& arguments) {
  if (auto checked = check_ways(arguments); !checked) return std::unexpected(checked.error());
  const auto whose = whose_of(arguments);
  if (!whose) return std::unexpected(whose.error());
  auto old = importing::OldDatabase::open(arguments.require("--from"), "kick", *whose);
  if (!old) return std::unexpected(old.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  if (arguments.has("--let-go")) return let_go(*old, **workspace);
  importing::FollowOptions options;
  options.dry_run = arguments.has("--dry-run");
  options.merge_twins = arguments.has("--merge-twins");
  options.actor = command_line_operator();
  options.say = teller(arguments);
  std::atomic<bool> stopped = false;
  Signals signals;
  signals.on_stop([&stopped](int) { stopped = true; });
  options.is_stopped = [&stopped] { return stopped.load(); };
  options.has_grown = looking_at_tables(arguments.config);
  const auto scope = scope_of(**workspace, *old, options.dry_run);
  if (!scope) return std::unexpected(scope.error());
  try {
    if (arguments.has("--follow")) return followed(*old, **workspace, **scope, options);
    const auto report = importing::take_over(*old, (*workspace)->declarations(), *scope, clock, options);
    if (!report) return std::unexpected(report.error());
    Answer answer{importing::text_of(*report), importing::json_of(*report)};
    if (report->will_be_refused()) answer.exit_code = static_cast<int>(ExitCode::refused);
    if (!report->adds_up()) answer.exit_code = static_cast<int>(ExitCode::failed);
    return answer;
  } catch (const store::DatabaseError& error) {
    return fail(ErrorCode::storage, error.what(), "What was taken over stays; the same command goes on.");
  }
}

Answered revert(const Arguments& arguments) {
  const auto whose = whose_of(arguments);
  if (!whose) return std::unexpected(whose.error());
  const auto old = importing::OldDatabase::open(arguments.require("--from"), "kick", *whose);
  if (!old) return std::unexpected(old.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  const auto scope = (*workspace)->scope(old->server().str());
  if (!scope) return std::unexpected(scope.error());
  const std::string file = arguments.require("--write");
  std::atomic<bool> stopped = false;
  Signals signals;
  signals.on_stop([&stopped](int) { stopped = true; });
  importing::WayBackOptions options;
  options.is_stopped = [&stopped] { return stopped.load(); };
  options.say = teller(arguments);
  const auto back = importing::write_way_back(*old, *scope, file, options);
  if (!back) return std::unexpected(back.error());
  Answer answer{fmt::format("{}: {} minutes and {} points of {} people, for {}.\n", file, back->minutes,
                            back->points, back->people, old->name()),
                importing::json_of(*back)};
  answer.json.as_object()["file"] = file;
  if (back->nameless > 0)
    answer.text += fmt::format("{} people have no name in the chat: their {} points have no place there.\n",
                               back->nameless, back->nameless_points);
  answer.text += importing::text_of(*back);
  return answer;
}

}  // namespace

void add_import_commands(std::vector<Command>& commands) {
  commands.push_back(
      {{"import", "kick"},
       "takes over an old Kick bot's data: links, settings, watch time, points; again, it brings what is new",
       "guildhall import kick --from postgres://bot@localhost/kickbot --server 1100000000000000001 --dry-run",
       {},
       {{"--from", "URL", "the old bot's database; only --follow writes there, in a schema of its own", true},
        {"--server", "ID", "whose rows are taken over, where there are those of several"},
        {"--home", "ID", "whose those are that name no server; that one, if it is not said"},
        {"--dry-run", "", "the whole report, and nothing is written"},
        {"--follow", "", "goes on while the old bot writes, fences it off and takes the last of it"},
        {"--let-go", "", "takes away what --follow made in the old database, the fence too"},
        {"--merge-twins", "", "names that differ in case alone become one viewer, and theirs is added up"}},
       kick});
  commands.push_back({{"import", "revert"},
                      "writes what was earned and spent here since an import as SQL for the old bot's tables",
                      "guildhall import revert --from postgres://bot@localhost/kickbot --write back.sql",
                      {},
                      {{"--from", "URL", "the old bot's database; it is only read", true},
                       {"--write", "FILE", "the script, a new file", true},
                       {"--server", "ID", "whose rows, where there are those of several"},
                       {"--home", "ID", "whose those are that name no server; that one, if it is not said"}},
                      revert});
}

}  // namespace guildhall::cli
