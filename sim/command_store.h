// The application commands that the bot registered, global and per server.
#pragma once

#include <map>
#include <vector>

#include "sim/discord_error.h"
#include "sim/stage.h"

namespace guildhall::sim {

class CommandStore {
 public:
  explicit CommandStore(Stage& stage) : stage_(stage) {}

  // `scope` is a server's id, or 0 for the global commands. Errors: 50035 with the fields, 30032 too
  // many of one type, 30034 too many creates in a day.
  ApiAnswer list(Snowflake scope, bool with_localizations) const;
  ApiAnswer overwrite(Snowflake scope, const json::Value& definitions);
  ApiAnswer upsert(Snowflake scope, const json::Value& definition);
  ApiAnswer erase(Snowflake scope, Snowflake id);

  /// What the server's people have changed of who sees which command where: a list as Discord answers it, of
  /// {id, permissions: [{id, type, permission}]}.
  ApiAnswer permissions(Snowflake server) const;
  void set_permissions(Snowflake server, json::Array permissions);

  /// The command that a member of the server sees under that name: the server's own first.
  const json::Object* find(Snowflake server, std::string_view name) const;
  /// Every command with its scope.
  json::Array all() const;

  /// A line of kind "commands" that an earlier run wrote.
  void recall(const json::Value& line);

 private:
  using Commands = std::vector<json::Object>;

  ApiAnswer store(Snowflake scope, Commands commands, ApiReply reply);
  /// The definition as the server keeps it: with id, version and the defaults.
  json::Object complete(Snowflake scope, const json::Value& definition);
  const json::Object* same_name(Snowflake scope, const json::Value& definition) const;

  Stage& stage_;
  std::map<Snowflake, Commands> scopes_;
  std::map<Snowflake, json::Array> permissions_;  // by server
  std::map<Snowflake, int> created_;              // in this run, per scope
};

}  // namespace guildhall::sim
