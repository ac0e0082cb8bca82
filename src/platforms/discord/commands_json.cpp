#include "platforms/discord/commands_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/crypto.h"

namespace guildhall::discord {
namespace {

constexpr int kSlashCommand = 1;
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

json::Object option_json(const CommandOption& option) {
  json::Object written{{"type", static_cast<int>(option.type)},
                       {"name", option.name},
                       {"description", option.description},
                       {"required", option.required}};
  if (!option.translations.empty())
    written["description_localizations"] = translations_json(option.translations);
  if (option.least) written["min_value"] = *option.least;
  if (option.most) written["max_value"] = *option.most;
  if (option.choices.empty()) return written;
  json::Array choices;
  for (const CommandChoice& choice : option.choices) {
    choices.push_back(json::Object{{"name", choice.name}, {"value", choice.value}});
  }
  written["choices"] = std::move(choices);
  return written;
}

json::Object command_json(const CommandDefinition& command) {
  json::Object written{{"type", kSlashCommand},
                       {"name", command.name},
                       {"description", command.description},
                       {"contexts", json::Array{kInGuilds}},
                       {"integration_types", json::Array{kInGuilds}}};
  if (!command.translations.empty())
    written["description_localizations"] = translations_json(command.translations);
  if (command.default_permissions) {
    written["default_member_permissions"] = std::to_string(*command.default_permissions);
  }
  json::Array options;
  for (const CommandOption& option : command.options) options.push_back(option_json(option));
  written["options"] = std::move(options);
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
    if (!members.contains("type")) members["type"] = kSlashCommand;
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
