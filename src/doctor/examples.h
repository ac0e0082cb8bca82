// Calls, requests and values made from what features declare, so that whatever is declared is tried.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bot/feature.h"

namespace guildhall::doctor {

/// What differs between the two servers, whose ids, people and names are otherwise the same.
struct Marks {
  ServerId server;
  std::size_t number = 0;      // 0 or 1
  std::string canary;          // in every text that may differ
  std::string name;            // of the server: the one text of it that belongs to no server
  std::int64_t amount = 0;     // the largest that is used
  std::string prefix;          // of commands
  std::string only_member;     // a Discord user whom only this server knows
  std::string only_viewer;     // a viewer's name that only this server knows
  std::string renamed_viewer;  // what this server knows a viewer by whom the other knows by another name
};

/// A value that the setting accepts, of its own for each server where that can be, and whether it is a
/// feature that has to stay on.
struct SettingExample {
  std::string value;
  bool keep = true;  // false: taken back after it was tried
};
std::optional<SettingExample> setting_example(const bot::SettingSpec& spec, const Marks& marks);

/// Who may be named in a call.
struct Named {
  std::string member;  // a Discord user's id
  std::string viewer;  // a stream viewer's name
};

/// The arguments of one call, by name.
using CallExample = std::map<std::string, std::string, std::less<>>;

/// A role that any server may have.
inline const std::string kRoleExample = "4243";

/// Ways to call the command at this door: with what it needs, and with everything, for each choice and
/// each way to name a person. `amount` gives a number to each call.
std::vector<CallExample> call_examples(const bot::CommandSpec& command, bot::Door door, const Named& named,
                                       const std::string& text, const std::function<std::int64_t()>& amount);

/// The same as a line of text behind the prefix.
std::string words_of(const bot::CommandSpec& command, const CallExample& example);

bool takes_person(const bot::CommandSpec& command);

}  // namespace guildhall::doctor
