// What somebody who signed in by Discord may do with a server on the dashboard: by Discord's word, which is a
// minute old at most, and by the roles that the server's administrators chose for its dashboard.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bot/discord_bridge.h"
#include "bot/settings.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

/// Ids of the Discord roles whose members may look at the server's dashboard.
Result<std::string> normalise_roles(std::string_view text);
inline constexpr TextSetting kDashboardRoles{"dashboard_roles", "", false, normalise_roles};

/// `roles`: his, of which one may open the dashboard to him as far as looking goes.
tenancy::Access with_roles(tenancy::Access access, const std::vector<discord::RoleId>& roles,
                           const Settings& settings);

/// Somebody's place in a server.
struct DashboardPlace {
  tenancy::Access access = tenancy::Access::none;  // without what his roles may add
  std::vector<discord::RoleId> roles;
};

/// Lives on the bridge's loop.
class DashboardAccess {
 public:
  using Standing = DiscordBridge::Standing;
  using Ask = std::function<Task<Result<std::optional<Standing>>>(ServerId, DiscordUserId)>;

  DashboardAccess(boost::asio::io_context& loop, std::shared_ptr<discord::Timing> timing, Ask ask);
  ~DashboardAccess();

  /// Whoever asks while the same is being asked waits for that, for five seconds. Error `unavailable`:
  /// Discord does not answer; that is not kept.
  Task<Result<DashboardPlace>> of(ServerId server, DiscordUserId user);

 private:
  struct Entry;
  Task<void> ask(ServerId server, DiscordUserId user, std::shared_ptr<Entry> entry);
  void forget_old();

  boost::asio::io_context& loop_;
  std::shared_ptr<discord::Timing> timing_;
  Ask ask_;
  std::map<std::pair<ServerId, DiscordUserId>, std::shared_ptr<Entry>> known_;
};

}  // namespace guildhall::bot
