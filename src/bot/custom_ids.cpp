#include "bot/custom_ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "bot/short_signature.h"
#include "net/url.h"
#include "platforms/discord/components.h"

namespace guildhall::bot {
namespace {

constexpr std::string_view kLayout = "1";
constexpr std::string_view kOpen = "?";  // which no value is written as

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string values_text(const CommandSpec& command, const OfferedCall& call) {
  std::vector<std::string> values;
  for (const ArgumentSpec& spec : command.arguments) {
    const auto found = call.options.find(spec.name);
    values.push_back(found == call.options.end() ? "" : net::percent_encode(found->second));
    if (std::ranges::find(call.open, spec.name) != call.open.end()) values.back() = kOpen;
  }
  while (!values.empty() && values.back().empty()) values.pop_back();
  return fmt::format("{}", fmt::join(values, ","));
}

/// One signature for one server: the id itself does not name it.
std::string signed_text(ServerId server, std::string_view text) {
  return fmt::format("{}\n{}", server.str(), text);
}

std::string_view purpose_of(Door door) {
  if (door == Door::button) return "discord.buttons";
  if (door == Door::slash) return "discord.forms";
  throw std::invalid_argument("a door without custom ids");
}

}  // namespace

CustomIds::CustomIds(const Secrets& secrets, const CommandRegistry& commands, Door door)
    : secrets_(secrets), commands_(commands), door_(door), purpose_(purpose_of(door)) {}

std::optional<std::string> CustomIds::make(ServerId server, const OfferedCall& call,
                                           const std::optional<std::string>& user) const {
  const CommandSpec& command = commands_.at(door_, call.command);
  std::string id = fmt::format("{}:{}:{}:{}:{}", kLayout, command.slash_name(), command.offer_version,
                               user.value_or(""), values_text(command, call));
  if (id.size() + 1 + kSignatureText > discord::kLongestCustomId) return std::nullopt;
  return id + ":" + short_signature(secrets_, signed_text(server, id), purpose_);
}

Result<OfferedCall> CustomIds::read(ServerId server, std::string_view user, std::string_view id) const {
  const auto end = id.rfind(':');
  if (end == std::string_view::npos) return fail(ErrorCode::invalid, "not a custom id of ours");
  const std::string_view text = id.substr(0, end);
  if (!has_signed(secrets_, signed_text(server, text), purpose_, id.substr(end + 1)))
    return fail(ErrorCode::invalid, "not a custom id of ours");
  const auto parts = split(text, ':');
  if (parts.size() != 5 || parts[0] != kLayout)
    return fail(ErrorCode::conflict, "a custom id of another layout");
  const CommandSpec* command = commands_.find(door_, parts[1]);
  if (command == nullptr || parts[2] != fmt::format("{}", command->offer_version))
    return fail(ErrorCode::conflict, "a custom id of another version");
  if (!parts[3].empty() && parts[3] != user) return fail(ErrorCode::forbidden, "somebody else's custom id");
  OfferedCall call{std::string(parts[1]), {}};
  const auto values = split(parts[4], ',');
  for (std::size_t i = 0; i < std::min(values.size(), command->arguments.size()); ++i) {
    const std::string& name = command->arguments[i].name;
    if (values[i] == kOpen) {
      call.open.push_back(name);
    } else if (!values[i].empty()) {
      call.options.emplace(name, net::percent_decode(values[i]));
    }
  }
  return call;
}

}  // namespace guildhall::bot
