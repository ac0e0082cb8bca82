// The statements of live alerts.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "store/statement.h"

namespace guildhall::features::alerts {

using store::NoParams;
using store::NoRow;
using store::Statement;

struct ChannelParams {
  std::string platform;
  std::string user;
};
BOOST_DESCRIBE_STRUCT(ChannelParams, (), (platform, user))

/// A stream, with those that it was restarted as.
struct AlertRow {
  std::string platform;
  std::string platform_user_id;
  TimePoint started_at;
  TimePoint latest_start;
  TimePoint heard_at;  // that it was live
  std::optional<TimePoint> ended_at;
  std::string streamer;
  std::string channel;
  std::string title;
  std::string category;
};
BOOST_DESCRIBE_STRUCT(AlertRow, (),
                      (platform, platform_user_id, started_at, latest_start, heard_at, ended_at, streamer,
                       channel, title, category))

/// The newest of a channel, locked: what another process does with it is seen, or waits.
inline constexpr Statement<ChannelParams, AlertRow> kTakeNewest{
    "live_alert.take_newest",
    "UPDATE live_alerts SET heard_at = heard_at "
    "WHERE discord_server_id = :server AND platform = :platform AND platform_user_id = :user "
    "AND started_at = (SELECT max(a.started_at) FROM live_alerts a "
    "WHERE a.discord_server_id = :server AND a.platform = :platform AND a.platform_user_id = :user) "
    "RETURNING platform, platform_user_id, started_at, latest_start, heard_at, ended_at, streamer, channel, "
    "title, category"};

/// Those that nobody said to have ended, locked.
inline constexpr Statement<NoParams, AlertRow> kTakeOpen{
    "live_alert.take_open",
    "UPDATE live_alerts SET heard_at = heard_at WHERE discord_server_id = :server AND ended_at IS NULL "
    "RETURNING platform, platform_user_id, started_at, latest_start, heard_at, ended_at, streamer, channel, "
    "title, category"};

/// Changes nothing when it is known already.
inline constexpr Statement<AlertRow, NoRow> kBegin{
    "live_alert.begin",
    "INSERT INTO live_alerts (discord_server_id, platform, platform_user_id, started_at, latest_start, "
    "heard_at, ended_at, streamer, channel, title, category) "
    "VALUES (:server, :platform, :platform_user_id, :started_at, :latest_start, :heard_at, :ended_at, "
    ":streamer, :channel, :title, :category) "
    "ON CONFLICT (discord_server_id, platform, platform_user_id, started_at) DO NOTHING"};

struct OldParams {
  std::string platform;
  std::string user;
  TimePoint newest;
  TimePoint before;
};
BOOST_DESCRIBE_STRUCT(OldParams, (), (platform, user, newest, before))
struct StartRow {
  TimePoint started_at;
};
BOOST_DESCRIBE_STRUCT(StartRow, (), (started_at))

/// Streams before the newest that ended before that moment.
inline constexpr Statement<OldParams, StartRow> kForgetOld{
    "live_alert.forget_old",
    "DELETE FROM live_alerts WHERE discord_server_id = :server AND platform = :platform "
    "AND platform_user_id = :user AND started_at < :newest AND ended_at < :before RETURNING started_at"};

inline constexpr Statement<AlertRow, NoRow> kGoOn{
    "live_alert.go_on",
    "UPDATE live_alerts SET latest_start = :latest_start, heard_at = :heard_at, ended_at = :ended_at, "
    "streamer = :streamer, channel = :channel, title = :title, category = :category "
    "WHERE discord_server_id = :server AND platform = :platform AND platform_user_id = :platform_user_id "
    "AND started_at = :started_at"};

}  // namespace guildhall::features::alerts
