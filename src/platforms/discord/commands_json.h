// Application commands: how ours are written, and whether what Discord has is the same.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

/// Texts by Discord's locale code ("de", "en-US"). Discord knows about 31 of them.
using Translations = std::map<std::string, std::string, std::less<>>;

/// Source: developer documentation, "Application Command Option Type".
enum class OptionType : int {
  sub_command = 1,
  group = 2,  // of sub-commands
  text = 3,
  integer = 4,
  boolean = 5,
  user = 6,
  channel = 7,
  role = 8,
  mentionable = 9,  // a user or a role
  number = 10,      // with a fraction, maybe
  attachment = 11,
};

struct CommandChoice {
  std::string name;   // as people see it
  std::string value;  // as the interaction brings it
  Translations names = {};
};

struct CommandOption {
  OptionType type = OptionType::text;
  std::string name;                // lower case, at most 32 characters
  std::string description;         // at most 100
  Translations translations = {};  // of the description
  bool required = false;           // required ones come first
  /// Of an integer or a number the value, of a text its length (0 to 6,000).
  std::optional<std::int64_t> least = {};
  std::optional<std::int64_t> most = {};
  std::vector<CommandChoice> choices = {};  // of a text, at most 25
  bool autocomplete = false;                // we are asked while it is typed; without choices
  std::vector<int> channel_types = {};      // of a channel; empty: all
  std::vector<CommandOption> options = {};  // of a sub-command or a group
  Translations names = {};                  // by the rules of the name
};

/// A command for guilds where the bot is installed.
struct CommandDefinition {
  std::string name;
  std::string description = {};             // of a slash command alone
  Translations translations = {};           // of the description
  std::vector<CommandOption> options = {};  // at most 25; a command with sub-commands has no others
  /// Who sees the command unless a server decides otherwise; so it replaces no check. 0: administrators.
  std::optional<Permissions> default_permissions = {};
  Translations names = {};  // by the rules of the name
  CommandKind kind = CommandKind::slash;
};

/// The body of a bulk overwrite.
json::Value commands_json(const std::vector<CommandDefinition>& commands);

/// Two lists of commands mean the same if and only if their normal forms are equal: the order of
/// commands, and everything that Discord adds by itself (ids, versions, defaults), is left out.
std::string normal_form(const json::Value& commands);

/// Of the normal form; the same as long as the definitions mean the same.
std::string commands_hash(const std::vector<CommandDefinition>& commands);

}  // namespace guildhall::discord
