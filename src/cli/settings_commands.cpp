// guildhall settings list, get, set, unset: of one server (--server ID), or the defaults for all
// (--global).
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/workspace.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

std::vector<OptionSpec> target_options() {
  return {{"--server", "ID", "the server, as `guildhall server list` shows it"},
          {"--global", "", "the default for all servers that chose none"}};
}

/// Exactly one of the two must be named: never a default server, never "all" by omission.
Result<void> check_target(const Arguments& arguments) {
  if (arguments.has("--server") != arguments.has("--global")) return {};
  return fail(ErrorCode::usage, "name either --server ID or --global",
              "`guildhall server list` shows the servers.");
}

boost::json::value json_of(const std::optional<std::string>& value) {
  return value ? boost::json::value(*value) : boost::json::value(nullptr);
}

Result<bot::SettingsPtr> read_server(Workspace& workspace, const Arguments& arguments) {
  const auto scope = workspace.scope(arguments.require("--server"));
  if (!scope) return std::unexpected(scope.error());
  return net::run_to_end(scope->read([&](store::Tx& tx) {
    return bot::load_settings(tx, workspace.declarations().settings, workspace.config());
  }));
}

/// Key -> value and where it comes from.
using Values = std::map<std::string, bot::Settings::Effective, std::less<>>;

Result<Values> read_values(Workspace& workspace, const Arguments& arguments) {
  if (arguments.has("--server")) {
    const auto settings = read_server(workspace, arguments);
    if (!settings) return std::unexpected(settings.error());
    return (*settings)->all();
  }
  const auto rows = net::run_to_end(workspace.tenancy().global().read(bot::load_defaults));
  Values values = bot::Settings(workspace.declarations().settings, workspace.config(), {}, rows).all();
  std::erase_if(values, [&](const auto& entry) {
    return !workspace.declarations().settings.all().at(entry.first).has_default;
  });
  return values;
}

Outcome list(const Arguments& arguments) {
  if (auto target = check_target(arguments); !target) return std::unexpected(target.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  const auto values = read_values(**workspace, arguments);
  if (!values) return std::unexpected(values.error());
  Answer answer;
  boost::json::object object;
  for (const auto& [key, effective] : *values) {
    object[key] = {{"value", effective.value}, {"source", effective.source}};
    answer.text += fmt::format("{:<28} {:<24} {}\n", key, effective.value, effective.source);
  }
  answer.json = std::move(object);
  return answer;
}

Outcome get(const Arguments& arguments) {
  if (auto target = check_target(arguments); !target) return std::unexpected(target.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  const auto spec = (*workspace)->declarations().settings.find(arguments.require("KEY"));
  if (!spec) return std::unexpected(spec.error());
  const auto values = read_values(**workspace, arguments);
  if (!values) return std::unexpected(values.error());
  const auto found = values->find((*spec)->key);
  if (found == values->end()) {
    return fail(ErrorCode::invalid, fmt::format("{} is set per server only", (*spec)->key),
                "Use --server ID.");
  }
  return Answer{found->second.value + "\n",
                {{"key", found->first}, {"value", found->second.value}, {"source", found->second.source}}};
}

Result<bot::SettingChange> change_server(Workspace& workspace, const Arguments& arguments,
                                         const std::optional<std::string>& value) {
  const auto scope = workspace.scope(arguments.require("--server"));
  if (!scope) return std::unexpected(scope.error());
  const bot::Declarations& declarations = workspace.declarations();
  const TimePoint now = workspace.clock().now();
  return net::run_to_end(scope->transact([&](store::Tx& tx) {
    const bot::SettingWish wish{arguments.require("KEY"), value};
    return bot::change_server_setting(tx, declarations, scope->server(), wish, command_line_operator(), now);
  }));
}

Outcome change(const Arguments& arguments, const std::optional<std::string>& value) {
  if (auto target = check_target(arguments); !target) return std::unexpected(target.error());
  const SystemClock clock;
  auto opened = Workspace::open(arguments.config, clock);
  if (!opened) return std::unexpected(opened.error());
  Workspace& workspace = **opened;
  const auto changed =
      arguments.has("--server")
          ? change_server(workspace, arguments, value)
          : net::run_to_end(workspace.tenancy().global().transact([&](store::GlobalTx& tx) {
              return bot::change_default(tx, workspace.declarations().settings, arguments.require("KEY"),
                                         value, command_line_operator(), clock.now());
            }));
  if (!changed) return std::unexpected(changed.error());
  return Answer{
      fmt::format("{}: {} -> {}\n", changed->key, changed->before.value_or("(not set)"),
                  changed->after.value_or("(not set)")),
      {{"key", changed->key}, {"before", json_of(changed->before)}, {"after", json_of(changed->after)}}};
}

Outcome set(const Arguments& arguments) { return change(arguments, arguments.require("VALUE")); }
Outcome unset(const Arguments& arguments) { return change(arguments, std::nullopt); }

}  // namespace

void add_settings_commands(std::vector<Command>& commands) {
  const ArgumentSpec key{"KEY", "the setting"};
  commands.push_back({{"settings", "list"},
                      "shows all settings, their values and where these come from",
                      "guildhall settings list --server 81384788765712384",
                      {},
                      target_options(),
                      list});
  commands.push_back({{"settings", "get"},
                      "shows one setting",
                      "guildhall settings get --server 81384788765712384 points_per_5min",
                      {key},
                      target_options(),
                      get});
  commands.push_back({{"settings", "set"},
                      "changes a setting; a running bot takes it over at once",
                      "guildhall settings set --server 81384788765712384 points_per_5min 3",
                      {key, {"VALUE", "its new value; empty unsets it"}},
                      target_options(),
                      set});
  commands.push_back({{"settings", "unset"},
                      "goes back to the default",
                      "guildhall settings unset --global points_per_5min",
                      {key},
                      target_options(),
                      unset});
}

}  // namespace guildhall::cli
