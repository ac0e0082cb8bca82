#include "bot/discord_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "base/text.h"
#include "platforms/discord/permissions.h"

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
  if (spec.kind == ArgumentKind::text && spec.most > 0) option.most = spec.most;
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

std::optional<discord::Permissions> shown_to(Permission permission) {
  switch (permission) {
    case Permission::everyone: return std::nullopt;
    case Permission::manager: return discord::kManageGuild;
    case Permission::administrator: return 0;
  }
  return 0;
}

discord::CommandDefinition slash_command(const CommandSpec& command, const Catalogue& texts) {
  discord::CommandDefinition definition;
  definition.name = command.slash_name();
  definition.names = in_german(texts, command.name_key());
  definition.description = texts.text("en", command.description_key());
  definition.translations = in_german(texts, command.description_key());
  definition.options = options_of(command, texts);
  definition.default_permissions = shown_to(command.permission);
  return definition;
}

const ArgumentSpec& argument_of(const CommandSpec& command, std::string_view name) {
  const auto found = std::ranges::find(command.arguments, name, &ArgumentSpec::name);
  if (found == command.arguments.end())
    throw std::logic_error(fmt::format("{} has no argument {}", command.path, name));
  return *found;
}

discord::Select choice_of(const ArgumentSpec& spec, const Catalogue& texts, std::string_view language) {
  discord::Select select;
  if (spec.kind == ArgumentKind::person) select.kind = discord::SelectKind::user;
  for (const std::string& choice : spec.choices)
    select.options.push_back({texts.text(language, "choice." + choice), choice});
  return select;
}

/// A line of text as long as the argument can be.
discord::TextInput text_of(const ArgumentSpec& spec) {
  discord::TextInput input;
  input.required = spec.required;
  if (spec.kind == ArgumentKind::integer) {
    input.most = static_cast<int>(
        std::max(fmt::formatted_size("{}", spec.least), fmt::formatted_size("{}", spec.most)));
  } else if (spec.most > 0) {
    input.most = static_cast<int>(spec.most);
  }
  return input;
}

discord::Field field_of(const ArgumentSpec& spec, const Catalogue& texts, std::string_view language) {
  discord::Field field;
  field.label = texts.text(language, "argument." + spec.name);
  if (spec.kind == ArgumentKind::integer || spec.kind == ArgumentKind::text) {
    auto input = text_of(spec);
    input.custom_id = spec.name;
    field.input = std::move(input);
  } else {
    auto select = choice_of(spec, texts, language);
    select.custom_id = spec.name;
    select.least = spec.required ? 1 : 0;
    field.input = std::move(select);
  }
  return field;
}

discord::CommandDefinition user_menu(const CommandSpec& command, const Catalogue& texts) {
  discord::CommandDefinition definition;
  definition.kind = discord::CommandKind::user_menu;
  definition.name = texts.text("en", command.menu_key());
  definition.names = in_german(texts, command.menu_key());
  definition.default_permissions = shown_to(command.permission);
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

Permission permission_by(discord::Permissions held) {
  if ((held & discord::kAdministrator) != 0) return Permission::administrator;
  return (held & discord::kManageGuild) != 0 ? Permission::manager : Permission::everyone;
}

bool may_call(const CommandSpec& command, const discord::Interaction& interaction) {
  return permission_by(interaction.permissions) >= command.permission;
}

std::vector<std::string> left_open(const CommandSpec& command) {
  std::vector<std::string> open;
  bool needed = false;
  for (const ArgumentSpec& spec : command.arguments) {
    if (&spec == person_of(command)) continue;
    open.push_back(spec.name);
    needed = needed || spec.required;
  }
  if (!needed) open.clear();
  return open;
}

discord::Modal form_of(const CommandSpec& command, const OfferedCall& call, std::string title,
                       const Catalogue& texts, std::string_view language) {
  discord::Modal form;
  form.title = std::move(title);
  for (const std::string& name : call.open)
    form.fields.push_back(field_of(argument_of(command, name), texts, language));
  return form;
}

discord::Select select_of(const CommandSpec& command, const OfferedCall& call, const Catalogue& texts,
                          std::string_view language) {
  const std::string& name = call.open.front();
  discord::Select select = choice_of(argument_of(command, name), texts, language);
  const auto now = call.options.find(name);
  for (discord::Option& option : select.options)
    option.chosen = now != call.options.end() && now->second == option.value;
  return select;
}

void fill_in(OfferedCall& call, const discord::Interaction& interaction) {
  for (const std::string& name : call.open) {
    const auto field = interaction.fields.find(name);
    const auto& values = field == interaction.fields.end() ? interaction.values : field->second;
    const std::string_view value = values.empty() ? std::string_view() : trim(values.front());
    if (!value.empty()) call.options[name] = value;
  }
}

bool types_viewer(const CommandSpec& command, const discord::Interaction& interaction) {
  return person_of(command) != nullptr && interaction.focused == kViewer;
}

std::string_view typed_viewer(std::string_view text) { return text.starts_with('@') ? text.substr(1) : text; }

}  // namespace guildhall::bot
