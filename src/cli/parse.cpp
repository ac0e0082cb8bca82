#include "cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace guildhall::cli {
namespace {

/// Options that every command has.
const std::vector<OptionSpec>& common_options() {
  static const std::vector<OptionSpec> options = {
      {"--config", "FILE", "configuration file (guildhall.toml)"},
      {"--data-dir", "DIR", "folder for database and keys", false, "data.dir"},
      {"--url", "URL", "the database: sqlite:FILE, sqlite-per-server:DIR or postgres://...", false,
       "database.url"},
      {"--json", "", "one JSON object on stdout, everything else on stderr"},
      {"--verbose", "", "more of what happens, on stderr"},
      {"--no-color", "", "accepted: nothing is printed in colour"},
  };
  return options;
}

/// Stands for the value of an option that was given none.
constexpr std::string_view kAlone = "alone";

std::string full_name(const Command& command) {
  return fmt::format("guildhall {}", fmt::join(command.path, " "));
}

std::string help_line(std::string_view left, std::string_view right) {
  return fmt::format("  {:<24} {}\n", left, right);
}

std::string help_of_all(const std::vector<Command>& commands, const std::vector<std::string>& prefix) {
  std::string text =
      "Guildhall: a community bot for many Discord servers, each sealed off from the others.\n\nCommands:\n";
  for (const Command& command : commands) {
    if (!std::equal(prefix.begin(), prefix.end(), command.path.begin(),
                    command.path.begin() +
                        static_cast<std::ptrdiff_t>(std::min(prefix.size(), command.path.size())))) {
      continue;
    }
    text += help_line(fmt::format("{}", fmt::join(command.path, " ")), command.summary);
  }
  return text + "\n`guildhall COMMAND --help` tells more and shows an example.\n";
}

/// The command whose path the words begin with.
const Command* find_command(const std::vector<Command>& commands, const std::vector<std::string>& words) {
  const Command* best = nullptr;
  for (const Command& command : commands) {
    if (command.path.size() <= words.size() &&
        std::equal(command.path.begin(), command.path.end(), words.begin()) &&
        (best == nullptr || command.path.size() > best->path.size())) {
      best = &command;
    }
  }
  return best;
}

std::unexpected<Error> unknown_command(const std::vector<Command>& commands,
                                       const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(fmt::format("{}", fmt::join(command.path, " ")));
  const std::string typed = fmt::format("{}", fmt::join(words, " "));
  const auto meant = closest(typed, names);
  return fail(
      ErrorCode::usage, fmt::format("unknown command '{}'", typed),
      meant ? fmt::format("Did you mean 'guildhall {}'?", *meant) : "`guildhall --help` lists the commands.");
}

std::unexpected<Error> unknown_option(const Command& command, const std::string& typed) {
  std::vector<std::string> names;
  for (const auto* list : {&command.options, &common_options()}) {
    for (const auto& option : *list) names.push_back(option.name);
  }
  const auto meant = closest(typed.substr(0, typed.find('=')), names);
  return fail(ErrorCode::usage,
              typed.starts_with('-')
                  ? fmt::format("{}: unknown option '{}'", full_name(command), typed)
                  : fmt::format("{}: '{}' is one argument too many", full_name(command), typed),
              meant ? fmt::format("Did you mean '{}'?", *meant)
                    : fmt::format("See `{} --help`.", full_name(command)));
}

Result<void> read_options(const Command& command, std::vector<std::string> words, Arguments& arguments) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::map<std::string, std::string> values;
  for (const auto* list : {&command.options, &common_options()}) {
    for (const auto& option : *list) {
      if (option.value.empty()) {
        app.add_flag(option.name == "--verbose" ? "-v,--verbose" : option.name);
      } else {
        app.add_option(option.name, values[option.name]);
      }
    }
  }
  for (std::string& word : words) {
    // What may stand alone is told so: the parser would take the next word for its value.
    const bool stands_alone = std::ranges::any_of(command.options, [&](const OptionSpec& option) {
      return option.name == word && option.value.starts_with('[');
    });
    if (stands_alone) word += "=" + std::string(kAlone);
  }
  std::reverse(words.begin(), words.end());  // the parser takes them from the back
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return fail(ErrorCode::usage, fmt::format("{}: {}", full_name(command), error.what()),
                fmt::format("See `{} --help`.", full_name(command)));
  }
  for (const auto* list : {&command.options, &common_options()}) {
    for (const auto& option : *list) {
      if (app.count(option.name) > 0)
        arguments.values[option.name] =
            option.value.empty() || values[option.name] == kAlone ? "" : values[option.name];
      if (option.required && app.count(option.name) == 0) {
        return fail(ErrorCode::usage,
                    fmt::format("{}: {} {} is missing", full_name(command), option.name, option.value),
                    fmt::format("Example: {}", command.example));
      }
    }
  }
  const auto extras = app.remaining();
  std::size_t position = 0;
  for (const std::string& extra : extras) {
    const bool negative_number = extra.size() > 1 && extra[0] == '-' && extra[1] >= '0' && extra[1] <= '9';
    if ((extra.starts_with('-') && !negative_number && extra != "-") ||
        position >= command.arguments.size()) {
      return unknown_option(command, extra);
    }
    arguments.values[command.arguments[position++].name] = extra;
  }
  if (position < command.arguments.size() && command.arguments[position].required) {
    return fail(ErrorCode::usage,
                fmt::format("{}: {} is missing", full_name(command), command.arguments[position].name),
                fmt::format("Example: {}", command.example));
  }
  return {};
}

Result<Config> read_config(const Command& command, const Arguments& arguments,
                           const std::vector<std::pair<std::string, std::string>>& environment) {
  ConfigInput input;
  input.environment = environment;
  if (const auto file = arguments.get("--config")) input.file = *file;
  for (const auto* list : {&command.options, &common_options()}) {
    for (const auto& option : *list) {
      const auto value = arguments.get(option.name);
      if (value && !option.config_key.empty()) input.flags.emplace_back(option.config_key, *value);
    }
  }
  return load_config(input);
}

bool asks_for_help(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const auto& word) { return word == "--help" || word == "-h"; });
}

}  // namespace

std::string help_of(const Command& command) {
  std::string usage = full_name(command);
  for (const auto& argument : command.arguments) {
    usage += argument.required ? fmt::format(" {}", argument.name) : fmt::format(" [{}]", argument.name);
  }
  std::string text = fmt::format("{}\n\nUsage: {} [options]\n", command.summary, usage);
  if (!command.arguments.empty()) text += "\nArguments:\n";
  for (const auto& argument : command.arguments) text += help_line(argument.name, argument.help);
  text += "\nOptions:\n";
  for (const auto* list : {&command.options, &common_options()}) {
    for (const auto& option : *list) {
      const std::string_view gap = option.value.empty() || option.value.starts_with('[') ? "" : " ";
      text += help_line(option.name + std::string(gap) + option.value,
                        option.help + (option.required ? " (required)" : ""));
    }
  }
  return text + help_line("--help", "this text") + fmt::format("\nExample:\n  {}\n", command.example);
}

std::optional<std::string> Arguments::get(std::string_view name) const {
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

Result<std::int64_t> Arguments::integer(std::string_view name, std::int64_t otherwise, std::int64_t least,
                                        std::int64_t most) const {
  const auto text = get(name);
  if (!text) return otherwise;
  const auto value = parse_amount(*text);
  if (value && *value >= least && *value <= most) return *value;
  return fail(ErrorCode::usage, fmt::format("{}: must be a whole number from {} to {}", name, least, most));
}

Result<Parsed> parse(const std::vector<Command>& commands, const std::vector<std::string>& argv,
                     const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<std::string> words;  // up to the first option: where the command's name can be
  for (const std::string& word : argv) {
    if (word.starts_with('-')) break;
    words.push_back(word);
  }
  Parsed parsed;
  parsed.command = find_command(commands, words);
  if (parsed.command == nullptr) {
    if (asks_for_help(argv) || argv.empty() || argv[0] == "help") {
      parsed.help =
          help_of_all(commands, words.empty() || words[0] == "help" ? std::vector<std::string>{} : words);
      return parsed;
    }
    if (!argv.empty() && argv[0] == "--version") {
      parsed.help = fmt::format("guildhall {}\n", GUILDHALL_VERSION);
      return parsed;
    }
    return words.empty() ? fail(ErrorCode::usage, fmt::format("unknown option '{}'", argv[0]),
                                "`guildhall --help` lists the commands.")
                         : unknown_command(commands, words);
  }
  if (asks_for_help(argv)) {
    parsed.help = help_of(*parsed.command);
    return parsed;
  }
  const std::vector<std::string> rest(argv.begin() + static_cast<std::ptrdiff_t>(parsed.command->path.size()),
                                      argv.end());
  if (auto read = read_options(*parsed.command, rest, parsed.arguments); !read)
    return std::unexpected(read.error());
  parsed.arguments.json = parsed.arguments.has("--json");
  parsed.arguments.verbose = parsed.arguments.has("--verbose");
  const bool is_about_other = std::ranges::any_of(
      parsed.command->config_unless, [&](const std::string& option) { return parsed.arguments.has(option); });
  if (!parsed.command->needs_config || is_about_other) return parsed;
  auto config = read_config(*parsed.command, parsed.arguments, environment);
  if (!config) return std::unexpected(config.error());
  parsed.arguments.config = std::move(*config);
  parsed.arguments.has_config = true;
  return parsed;
}

}  // namespace guildhall::cli
