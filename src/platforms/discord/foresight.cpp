#include "platforms/discord/foresight.h"

#include <fmt/format.h>

#include "platforms/discord/rest_errors.h"

namespace guildhall::discord {
namespace {

/// The role that is given or taken.
std::optional<RoleId> role_in(const RestCall& call) {
  const RouteSpec* route = call.route;
  if (route != &routes::kAddMemberRole && route != &routes::kRemoveMemberRole) return std::nullopt;
  return RoleId::parse(std::string_view(call.path).substr(call.path.rfind('/') + 1));
}

}  // namespace

Result<void> foresee(const State& state, const RestCall& call, TimePoint now) {
  const auto guild = call.in_guild();
  if (!guild) return {};
  const Permissions missing = state.own_lacks(*guild, call.in_channel(), call.needs);
  if (missing != 0) return std::unexpected(lacks(call, missing));
  if ((call.needs & ~kInTimeout) != 0 && state.is_timed_out(*guild, now)) {
    return fail(ErrorCode::forbidden, fmt::format("the bot is in a timeout in server {}", guild->str()),
                "In Discord: right click on the bot > Remove Timeout.");
  }
  const auto role = role_in(call);
  if (role && state.is_assignable(*guild, *role) == false) {
    return fail(
        ErrorCode::forbidden,
        fmt::format("role {} in server {} does not stand below the bot's own", role->str(), guild->str()),
        "In Discord: Server Settings > Roles, drag the bot's role above it. Roles of integrations and "
        "@everyone can be given by nobody.");
  }
  return {};
}

}  // namespace guildhall::discord
