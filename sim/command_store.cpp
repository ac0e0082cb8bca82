#include "sim/command_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/discord_checks.h"

namespace guildhall::sim {
namespace {

constexpr int kCreatesPerDay = 200;

std::int64_t type_of(const json::Value& definition) { return json::integer(definition, "type").value_or(1); }

std::size_t most_of(std::int64_t type) { return type == 1 ? 100 : type == 4 ? 1 : 15; }

bool has_text(const json::Object& command, std::string_view key, std::string_view text) {
  const json::Value* value = command.if_contains(key);
  return value != nullptr && value->is_string() && std::string_view(value->get_string()) == text;
}

json::Object without_localizations(json::Object command) {
  for (const char* key : {"name_localizations", "description_localizations"}) {
    if (command.contains(key)) command.erase(key);
  }
  if (json::Value* options = command.if_contains("options"); options != nullptr && options->is_array()) {
    for (json::Value& option : options->get_array()) {
      if (option.is_object()) option = without_localizations(option.get_object());
    }
  }
  return command;
}

/// The server drops what is the default anyway.
void drop_defaults(json::Value& options) {
  if (!options.is_array()) return;
  for (json::Value& option : options.get_array()) {
    json::Object& fields = option.get_object();
    for (const char* key : {"required", "autocomplete"}) {
      if (fields.contains(key) && fields[key] == json::Value(false)) fields.erase(key);
    }
    if (json::Value* inner = fields.if_contains("options")) drop_defaults(*inner);
  }
}

}  // namespace

ApiAnswer CommandStore::list(Snowflake scope, bool with_localizations) const {
  json::Array out;
  if (const auto found = scopes_.find(scope); found != scopes_.end()) {
    for (const json::Object& command : found->second) {
      out.emplace_back(with_localizations ? command : without_localizations(command));
    }
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer CommandStore::overwrite(Snowflake scope, const json::Value& definitions) {
  if (!definitions.is_array()) return api_error::make(400, 50109, "The request body contains invalid JSON.");
  Complaints complaints;
  const json::Array& list = definitions.get_array();
  for (std::size_t i = 0; i < list.size(); ++i) check_command(list[i], std::to_string(i), complaints);
  if (!complaints.empty()) return complaints.refuse();
  Commands commands;
  json::Array answer;
  for (const json::Value& definition : list) {
    commands.push_back(complete(scope, definition));
    answer.emplace_back(commands.back());
  }
  return store(scope, std::move(commands), {200, std::move(answer)});
}

ApiAnswer CommandStore::upsert(Snowflake scope, const json::Value& definition) {
  Complaints complaints;
  check_command(definition, "", complaints);
  if (!complaints.empty()) return complaints.refuse();
  const bool existed = same_name(scope, definition) != nullptr;
  json::Object command = complete(scope, definition);
  Commands commands = scopes_[scope];
  std::erase_if(commands, [&](const json::Object& other) { return other.at("id") == command.at("id"); });
  commands.push_back(command);
  return store(scope, std::move(commands), {existed ? 200 : 201, std::move(command)});
}

ApiAnswer CommandStore::erase(Snowflake scope, Snowflake id) {
  Commands commands = scopes_[scope];
  const auto gone = std::erase_if(
      commands, [&](const json::Object& command) { return has_text(command, "id", std::to_string(id)); });
  if (gone == 0) return api_error::make(404, 10063, "Unknown application command");
  return store(scope, std::move(commands), {204, nullptr});
}

ApiAnswer CommandStore::store(Snowflake scope, Commands commands, ApiReply reply) {
  std::map<std::int64_t, std::size_t> per_type;
  int created = 0;
  for (const json::Object& command : commands) {
    if (++per_type[type_of(command)] > most_of(type_of(command))) {
      return api_error::make(400, 30032, "Maximum number of application commands reached");
    }
    if (same_name(scope, command) == nullptr) ++created;
  }
  if (created_[scope] + created > kCreatesPerDay) {
    return api_error::make(400, 30034,
                           "Max number of daily application command creates has been reached (200)");
  }
  created_[scope] += created;
  scopes_[scope] = std::move(commands);
  json::Array lines;
  for (const json::Object& command : scopes_[scope]) lines.emplace_back(command);
  stage_.journal.write("commands", {{"scope", std::to_string(scope)}, {"commands", std::move(lines)}});
  return reply;
}

void CommandStore::recall(const json::Value& line) {
  Commands& commands = scopes_[static_cast<Snowflake>(json::id(line, "scope").value_or(0))];
  commands.clear();
  for (const json::Value& command : json::array(line, "commands")) commands.push_back(command.as_object());
}

json::Object CommandStore::complete(Snowflake scope, const json::Value& definition) {
  const json::Object* existing = same_name(scope, definition);
  json::Object out{
      {"id", existing != nullptr ? existing->at("id") : json::Value(std::to_string(stage_.mint.snowflake()))},
      {"application_id", std::to_string(stage_.world.bot.id)},
      {"version", std::to_string(stage_.mint.snowflake())},
      {"type", 1},
      {"description", ""},
      {"name_localizations", nullptr},
      {"description_localizations", nullptr},
      {"default_permission", true},
      {"default_member_permissions", nullptr},
      {"dm_permission", scope == 0},
      {"contexts", nullptr},
      {"integration_types", json::Array{0}},
      {"nsfw", false}};
  if (scope != 0) out["guild_id"] = std::to_string(scope);
  for (const auto& [key, value] : definition.get_object()) {
    if (key != "id" && key != "version") out[key] = value;
  }
  if (const auto bits = json::id(definition, "default_member_permissions")) {
    out["default_member_permissions"] = std::to_string(*bits);
  }
  if (json::Value* options = out.if_contains("options")) drop_defaults(*options);
  return out;
}

const json::Object* CommandStore::same_name(Snowflake scope, const json::Value& definition) const {
  const auto found = scopes_.find(scope);
  if (found == scopes_.end()) return nullptr;
  for (const json::Object& command : found->second) {
    const bool same_type = command.at("type") == json::Value(type_of(definition));
    if (same_type && has_text(command, "name", json::text_or(definition, "name", ""))) return &command;
  }
  return nullptr;
}

ApiAnswer CommandStore::permissions(Snowflake server) const {
  const auto changed = permissions_.find(server);
  json::Array out;
  for (json::Value one : changed == permissions_.end() ? json::Array{} : changed->second) {
    json::Object& entry = one.get_object();
    entry["application_id"] = std::to_string(stage_.world.bot.id);
    entry["guild_id"] = std::to_string(server);
    out.push_back(std::move(one));
  }
  return ApiReply{200, std::move(out)};
}

void CommandStore::set_permissions(Snowflake server, json::Array permissions) {
  permissions_[server] = std::move(permissions);
}

const json::Object* CommandStore::find(Snowflake server, std::string_view name) const {
  for (const Snowflake scope : {server, Snowflake{0}}) {
    const auto found = scopes_.find(scope);
    if (found == scopes_.end()) continue;
    for (const json::Object& command : found->second) {
      if (has_text(command, "name", name)) return &command;
    }
  }
  return nullptr;
}

json::Array CommandStore::all() const {
  json::Array out;
  for (const auto& [scope, commands] : scopes_) {
    for (const json::Object& command : commands) {
      json::Object line = command;
      line["guild_id"] = scope == 0 ? json::Value(nullptr) : json::Value(std::to_string(scope));
      out.emplace_back(std::move(line));
    }
  }
  return out;
}

}  // namespace guildhall::sim
