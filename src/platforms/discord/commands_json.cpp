#include "platforms/discord/commands_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/crypto.h"

namespace guildhall::discord {
namespace {

constexpr int kInGuilds = 0;  // both as context and as integration type

/// What makes a command what it is, at any depth; everything else is Discord's own.
constexpr auto kKept = std::to_array<std::string_view>(
    {"type", "name", "name_localizations", "description", "description_localizations",
     "default_member_permissions", "nsfw", "contexts", "integration_types", "options", "required",
     "autocomplete", "choices", "value", "min_value", "max_value", "min_length", "max_length",
     "channel_types"});

json::Object translations_json(const Translations& translations) {
  json::Object written;
  for (const auto& [locale, text] : translations) written[locale] = text;
  return written;
}

json::Array choices_json(const std::vector<CommandChoice>& choices) {
  json::Array written;
  for (const CommandChoice& choice : choices) {
    json::Object one{{"name", choice.name}, {"value", choice.value}};
    if (!choice.names.empty()) one["name_localizations"] = translations_json(choice.names);
    written.push_back(std::move(one));
  }
  return written;
}

json::Array options_json(const std::vector<CommandOption>& options);

json::Object option_json(const CommandOption& option) {
  json::Object written{
      {"type", static_cast<int>(option.type)}, {"name", option.name}, {"description", option.description}};
  if (!option.names.empty()) written["name_localizations"] = translations_json(option.names);
  if (!option.translations.empty())
    written["description_localizations"] = translations_json(option.translations);
  if (option.type == OptionType::sub_command || option.type == OptionType::group) {
    written["options"] = options_json(option.options);
    return written;
  }
  written["required"] = option.required;
  const bool text = option.type == OptionType::text;
  if (option.least) written[text ? "min_length" : "min_value"] = *option.least;
  if (option.most) written[text ? "max_length" : "max_value"] = *option.most;
  if (!option.choices.empty()) written["choices"] = choices_json(option.choices);
  if (option.autocomplete) written["autocomplete"] = true;
  if (!option.channel_types.empty())
    written["channel_types"] = json::Array(option.channel_types.begin(), option.channel_types.end());
  return written;
}

json::Array options_json(const std::vector<CommandOption>& options) {
  json::Array written;
  for (const CommandOption& option : options) written.push_back(option_json(option));
  return written;
}

json::Object command_json(const CommandDefinition& command) {
  json::Object written{{"type", static_cast<int>(command.kind)},
                       {"name", command.name},
                       {"contexts", json::Array{kInGuilds}},
                       {"integration_types", json::Array{kInGuilds}}};
  if (!command.names.empty()) written["name_localizations"] = translations_json(command.names);
  if (command.default_permissions) {
    written["default_member_permissions"] = std::to_string(*command.default_permissions);
  }
  if (command.kind != CommandKind::slash) return written;
  written["description"] = command.description;
  if (!command.translations.empty())
    written["description_localizations"] = translations_json(command.translations);
  written["options"] = options_json(command.options);
  return written;
}

bool is_default(const json::Value& value) {
  if (value.is_null()) return true;
  if (value.is_bool()) return !value.get_bool();
  if (value.is_string()) return value.get_string().empty();
  if (value.is_array()) return value.get_array().empty();
  return value.is_object() && value.get_object().empty();
}

json::Value normal(std::string_view key, const json::Value& value);

/// Keys in alphabetical order, defaults left out.
json::Object normal_object(const json::Object& object, bool texts_by_locale) {
  std::map<std::string_view, const json::Value*> members;
  for (const auto& member : object) {
    const std::string_view key = member.key();
    const bool kept = texts_by_locale || std::ranges::find(kKept, key) != kKept.end();
    if (kept && !is_default(member.value())) members.emplace(key, &member.value());
  }
  json::Object written;
  for (const auto& [key, value] : members) written[key] = normal(key, *value);
  return written;
}

json::Array normal_array(std::string_view key, const json::Array& array) {
  json::Array written;
  for (const json::Value& entry : array) written.push_back(normal({}, entry));
  const bool is_set = key == "contexts" || key == "integration_types" || key == "channel_types";
  if (is_set) std::ranges::sort(written, {}, [](const json::Value& entry) { return json::write(entry); });
  return written;
}

json::Value normal(std::string_view key, const json::Value& value) {
  if (value.is_object()) return normal_object(value.get_object(), key.ends_with("_localizations"));
  if (value.is_array()) return normal_array(key, value.get_array());
  // Permission sets are texts, numbers without a fraction are integers.
  if (key == "default_member_permissions" && value.is_int64())
    return json::Value(std::to_string(value.get_int64()));
  if (value.is_double() && std::trunc(value.get_double()) == value.get_double()) {
    return static_cast<std::int64_t>(value.get_double());
  }
  return value;
}

}  // namespace

json::Value commands_json(const std::vector<CommandDefinition>& commands) {
  json::Array written;
  for (const CommandDefinition& command : commands) written.push_back(command_json(command));
  return written;
}

std::string normal_form(const json::Value& commands) {
  if (!commands.is_array()) return {};
  std::vector<std::string> texts;
  for (const json::Value& command : commands.get_array()) {
    if (!command.is_object()) continue;
    json::Object members = command.get_object();
    if (!members.contains("type")) members["type"] = static_cast<int>(CommandKind::slash);
    texts.push_back(json::write(normal_object(members, false)));
  }
  std::ranges::sort(texts);
  std::string form;
  for (const std::string& text : texts) form += text + "\n";
  return form;
}

std::string commands_hash(const std::vector<CommandDefinition>& commands) {
  return hex(sha256(normal_form(commands_json(commands))));
}

}  // namespace guildhall::discord
