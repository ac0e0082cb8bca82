// guildhall config check, show
#include <fmt/format.h>

#include "cli/commands.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

Outcome check(const Arguments& arguments) {
  return Answer{"The configuration is in order.\n", {{"ok", true}, {"data_dir", arguments.config.data_dir}}};
}

Outcome show(const Arguments& arguments) {
  Answer answer;
  boost::json::object object;
  for (const ConfigKey& key : config_keys()) {
    const std::string value = masked(key, arguments.config);
    const std::string& source = arguments.config.sources.find(key.name)->second;
    object[key.name] = {{"value", value}, {"source", source}};
    answer.text +=
        fmt::format("{:<22} {:<36} {:<32} {}\n", key.name, value.empty() ? "-" : value, source, key.help);
  }
  answer.json = std::move(object);
  return answer;
}

}  // namespace

void add_config_commands(std::vector<Command>& commands) {
  commands.push_back({{"config", "check"},
                      "reads the configuration and says what is wrong with it",
                      "guildhall config check --config /etc/guildhall.toml",
                      {},
                      {},
                      check});
  commands.push_back({{"config", "show"},
                      "shows every key, its value and where it comes from; secrets masked",
                      "guildhall config show --json",
                      {},
                      {},
                      show});
}

}  // namespace guildhall::cli
