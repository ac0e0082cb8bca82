#include "bot/discord_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace guildhall::bot {
namespace {

constexpr std::string_view kViewer = "viewer";

discord::OptionType option_type(ArgumentKind kind) {
  switch (kind) {
    case ArgumentKind::person: return discord::OptionType::user;
    case ArgumentKind::integer: return discord::OptionType::integer;
    case ArgumentKind::choice:
    case ArgumentKind::text: return discord::OptionType::text;
  }
  return discord::OptionType::text;
}

discord::Translations in_german(const Catalogue& texts, const std::string& key) {
  return {{"de", texts.text("de", key)}};
}

discord::CommandOption named_option(discord::OptionType type, const std::string& name,
                                    const Catalogue& texts) {
  discord::CommandOption option;
  option.type = type;
  option.name = name;
  option.names = in_german(texts, "argument_name." + name);
  option.description = texts.text("en", "argument." + name);
  option.translations = in_german(texts, "argument." + name);
  return option;
}

discord::CommandOption option_of(const ArgumentSpec& spec, const Catalogue& texts) {
  discord::CommandOption option = named_option(option_type(spec.kind), spec.name, texts);
  option.required = spec.required && spec.kind != ArgumentKind::person;
  if (spec.kind == ArgumentKind::integer) {
    option.least = spec.least;
    option.most = spec.most;
  }
  for (const std::string& choice : spec.choices) {
    const std::string key = "choice." + choice;
    option.choices.push_back({texts.text("en", key), choice, in_german(texts, key)});
  }
  return option;
}

const ArgumentSpec* person_of(const CommandSpec& command) {
  const auto found = std::ranges::find(command.arguments, ArgumentKind::person, &ArgumentSpec::kind);
  return found == command.arguments.end() ? nullptr : &*found;
}

/// Those first that must be filled in, as Discord wants it.
std::vector<discord::CommandOption> options_of(const CommandSpec& command, const Catalogue& texts) {
  std::vector<discord::CommandOption> options;
  std::vector<discord::CommandOption> others;
  for (const ArgumentSpec& spec : command.arguments) {
    discord::CommandOption option = option_of(spec, texts);
    (option.required ? options : others).push_back(std::move(option));
  }
  if (person_of(command) != nullptr) {
    auto viewer = named_option(discord::OptionType::text, std::string(kViewer), texts);
    viewer.autocomplete = true;
    others.push_back(std::move(viewer));
  }
  std::ranges::move(others, std::back_inserter(options));
  return options;
}

discord::CommandDefinition slash_command(const CommandSpec& command, const Catalogue& texts) {
  discord::CommandDefinition definition;
  definition.name = command.slash_name();
  definition.names = in_german(texts, command.name_key());
  definition.description = texts.text("en", command.description_key());
  definition.translations = in_german(texts, command.description_key());
  definition.options = options_of(command, texts);
  if (command.permission == Permission::administrator) definition.default_permissions = 0;
  return definition;
}

discord::CommandDefinition user_menu(const CommandSpec& command, const Catalogue& texts) {
  discord::CommandDefinition definition;
  definition.kind = discord::CommandKind::user_menu;
  definition.name = texts.text("en", command.menu_key());
  definition.names = in_german(texts, command.menu_key());
  if (command.permission == Permission::administrator) definition.default_permissions = 0;
  return definition;
}

}  // namespace

std::vector<discord::CommandDefinition> command_definitions(const Declarations& declarations) {
  std::vector<discord::CommandDefinition> definitions;
  for (const CommandSpec& command : declarations.commands.all()) {
    if (!command.open_at(Door::slash)) continue;
    definitions.push_back(slash_command(command, declarations.texts));
    if (command.user_menu) definitions.push_back(user_menu(command, declarations.texts));
  }
  return definitions;
}

const CommandSpec* called_command(const Declarations& declarations, const discord::Interaction& interaction) {
  if (interaction.kind == discord::CommandKind::slash)
    return declarations.commands.find(Door::slash, interaction.command);
  if (interaction.kind != discord::CommandKind::user_menu) return nullptr;
  for (const CommandSpec& command : declarations.commands.all()) {
    // Names come back as they are by default, whatever the caller's language.
    if (command.user_menu && declarations.texts.text("en", command.menu_key()) == interaction.command)
      return &command;
  }
  return nullptr;
}

std::optional<std::map<std::string, std::string, std::less<>>> called_options(
    const CommandSpec& command, const discord::Interaction& interaction) {
  auto options = interaction.options;
  const ArgumentSpec* person = person_of(command);
  if (person == nullptr) return options;
  if (interaction.target) options[person->name] = DiscordUserId(*interaction.target).str();
  const auto viewer = options.find(kViewer);
  if (viewer == options.end()) return options;
  if (options.contains(person->name)) return std::nullopt;
  // With the sign a name of digits is still a name.
  options[person->name] = fmt::format("@{}", typed_viewer(viewer->second));
  options.erase(std::string(kViewer));
  return options;
}

bool types_viewer(const CommandSpec& command, const discord::Interaction& interaction) {
  return person_of(command) != nullptr && interaction.focused == kViewer;
}

std::string_view typed_viewer(std::string_view text) { return text.starts_with('@') ? text.substr(1) : text; }

}  // namespace guildhall::bot
