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
enum class OptionType : int { text = 3, integer = 4, boolean = 5, user = 6, channel = 7, role = 8 };

struct CommandChoice {
  std::string name;   // as people see it
  std::string value;  // as the interaction brings it
};

struct CommandOption {
  OptionType type = OptionType::text;
  std::string name;         // lower case, at most 32 characters
  std::string description;  // at most 100
  Translations translations = {};
  bool required = false;                   // required ones come first
  std::optional<std::int64_t> least = {};  // of an integer
  std::optional<std::int64_t> most = {};
  std::vector<CommandChoice> choices = {};  // of a text, at most 25
};

/// A slash command for guilds where the bot is installed.
struct CommandDefinition {
  std::string name;
  std::string description;
  Translations translations = {};
  std::vector<CommandOption> options = {};  // at most 25
  /// Who sees the command unless a server decides otherwise; so it replaces no check. 0: administrators.
  std::optional<Permissions> default_permissions = {};
};

/// The body of a bulk overwrite.
json::Value commands_json(const std::vector<CommandDefinition>& commands);

/// Two lists of commands mean the same if and only if their normal forms are equal: the order of
/// commands, and everything that Discord adds by itself (ids, versions, defaults), is left out.
std::string normal_form(const json::Value& commands);

/// Of the normal form; the same as long as the definitions mean the same.
std::string commands_hash(const std::vector<CommandDefinition>& commands);

}  // namespace guildhall::discord
