#include "bot/kick_hearing.h"

#include <algorithm>

#include "bot/persons.h"

namespace guildhall::bot {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoRow;
using store::TxTask;

/// A restart, or an update, takes no longer.
constexpr Duration kUnnoticed = std::chrono::minutes(3);
/// Gaps are shown for so long.
constexpr Duration kShown = std::chrono::days(30);

struct OfPlatform {
  std::string platform = kKick;
};
BOOST_DESCRIBE_STRUCT(OfPlatform, (), (platform))
struct OfChannel {
  std::string platform;
  std::string user;
};
BOOST_DESCRIBE_STRUCT(OfChannel, (), (platform, user))
struct ChannelNow {
  std::string platform;
  std::string user;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(ChannelNow, (), (platform, user, now))
struct PlatformNow {
  std::string platform;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(PlatformNow, (), (platform, now))
struct StoppedParams {
  std::string platform;
  TimePoint before;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(StoppedParams, (), (platform, before, now))
struct DoubtParams {
  std::string platform;
  std::string user;
  TimePoint since;
  std::string doubt;
};
BOOST_DESCRIBE_STRUCT(DoubtParams, (), (platform, user, since, doubt))
struct BeforeParams {
  std::string platform;
  TimePoint before;
};
BOOST_DESCRIBE_STRUCT(BeforeParams, (), (platform, before))

struct UserRow {
  std::string platform_user_id;
};
BOOST_DESCRIBE_STRUCT(UserRow, (), (platform_user_id))
struct GapRow {
  TimePoint gap_from;
  TimePoint gap_until;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(GapRow, (), (gap_from, gap_until, reason))
struct OpenRow {
  TimePoint heard_until;
  std::string doubt;
};
BOOST_DESCRIBE_STRUCT(OpenRow, (), (heard_until, doubt))

constexpr GlobalStatement<OfPlatform, UserRow> kHeard{
    "kick_hearing.list", "SELECT platform_user_id FROM channel_hearing WHERE platform = :platform"};

constexpr GlobalStatement<ChannelNow, NoRow> kBegin{
    "kick_hearing.begin",
    "INSERT INTO channel_hearing (platform, platform_user_id, heard_until, doubt) "
    "VALUES (:platform, :user, :now, '') ON CONFLICT (platform, platform_user_id) DO NOTHING"};

/// Only what nobody has doubted before: the first doubt says since when.
constexpr GlobalStatement<DoubtParams, NoRow> kDoubt{
    "kick_hearing.doubt",
    "UPDATE channel_hearing SET doubt = :doubt, "
    "heard_until = CASE WHEN heard_until < :since THEN heard_until ELSE :since END "
    "WHERE platform = :platform AND platform_user_id = :user AND doubt = ''"};

constexpr GlobalStatement<ChannelNow, UserRow> kCloseGap{
    "kick_hearing.close_gap",
    "INSERT INTO channel_gaps (platform, platform_user_id, gap_from, gap_until, reason) "
    "SELECT platform, platform_user_id, heard_until, :now, doubt FROM channel_hearing "
    "WHERE platform = :platform AND platform_user_id = :user AND doubt <> '' AND heard_until < :now "
    "ON CONFLICT (platform, platform_user_id, gap_from) DO UPDATE SET gap_until = excluded.gap_until "
    "RETURNING platform_user_id"};

constexpr GlobalStatement<ChannelNow, NoRow> kTrust{
    "kick_hearing.trust",
    "UPDATE channel_hearing SET doubt = '', heard_until = :now "
    "WHERE platform = :platform AND platform_user_id = :user AND doubt <> ''"};

constexpr GlobalStatement<StoppedParams, UserRow> kStopped{
    "kick_hearing.stopped",
    "INSERT INTO channel_gaps (platform, platform_user_id, gap_from, gap_until, reason) "
    "SELECT platform, platform_user_id, heard_until, :now, 'stopped' FROM channel_hearing "
    "WHERE platform = :platform AND doubt = '' AND heard_until < :before "
    "ON CONFLICT (platform, platform_user_id, gap_from) DO UPDATE SET gap_until = excluded.gap_until "
    "RETURNING platform_user_id"};

constexpr GlobalStatement<PlatformNow, NoRow> kHear{
    "kick_hearing.hear",
    "UPDATE channel_hearing SET heard_until = :now "
    "WHERE platform = :platform AND doubt = '' AND heard_until < :now"};

constexpr GlobalStatement<OfChannel, NoRow> kForget{
    "kick_hearing.forget",
    "DELETE FROM channel_hearing WHERE platform = :platform AND platform_user_id = :user"};

constexpr GlobalStatement<BeforeParams, NoRow> kDropOld{
    "kick_hearing.drop_old", "DELETE FROM channel_gaps WHERE platform = :platform AND gap_until < :before"};

constexpr GlobalStatement<OfChannel, GapRow> kGaps{
    "kick_hearing.gaps",
    "SELECT gap_from, gap_until, reason FROM channel_gaps WHERE platform = :platform "
    "AND platform_user_id = :user ORDER BY gap_from DESC LIMIT 20"};

constexpr GlobalStatement<OfChannel, OpenRow> kOpen{
    "kick_hearing.open",
    "SELECT heard_until, doubt FROM channel_hearing WHERE platform = :platform "
    "AND platform_user_id = :user AND doubt <> ''"};

}  // namespace

Task<std::vector<std::string>> KickHearing::hear(TimePoint now) {
  const auto rows = co_await global_.transact([now](GlobalTx& tx) -> TxTask<std::vector<UserRow>> {
    const auto missed = co_await tx.all(kStopped, {kKick, now - kUnnoticed, now});
    co_await tx.change(kHear, {kKick, now});
    co_await tx.change(kDropOld, {kKick, now - kShown});
    co_return missed;
  });
  std::vector<std::string> broadcasters;
  for (const UserRow& row : rows) broadcasters.push_back(row.platform_user_id);
  co_return broadcasters;
}

Task<bool> KickHearing::doubt(std::string broadcaster, TimePoint since, std::string reason) {
  const DoubtParams params{kKick, std::move(broadcaster), since, std::move(reason)};
  co_return co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<bool> { co_return co_await tx.change(kDoubt, params) > 0; });
}

Task<bool> KickHearing::trust(std::string broadcaster, TimePoint now) {
  const ChannelNow params{kKick, std::move(broadcaster), now};
  co_return co_await global_.transact([params](GlobalTx& tx) -> TxTask<bool> {
    co_await tx.change(kBegin, params);
    const auto missed = co_await tx.all(kCloseGap, params);
    co_await tx.change(kTrust, params);
    co_return !missed.empty();
  });
}

Task<void> KickHearing::keep(std::vector<std::string> broadcasters) {
  co_await global_.transact([broadcasters](GlobalTx& tx) -> TxTask<void> {
    for (const UserRow& row : co_await tx.all(kHeard, {})) {
      if (std::ranges::find(broadcasters, row.platform_user_id) == broadcasters.end())
        co_await tx.change(kForget, {kKick, row.platform_user_id});
    }
  });
}

Task<std::vector<ChannelGap>> KickHearing::gaps(std::string broadcaster) const {
  const OfChannel params{kKick, std::move(broadcaster)};
  co_return co_await global_.read([params](GlobalTx& tx) -> TxTask<std::vector<ChannelGap>> {
    std::vector<ChannelGap> gaps;
    for (const OpenRow& row : co_await tx.all(kOpen, params))
      gaps.push_back({row.heard_until, std::nullopt, row.doubt});
    for (const GapRow& row : co_await tx.all(kGaps, params))
      gaps.push_back({row.gap_from, row.gap_until, row.reason});
    co_return gaps;
  });
}

TxTask<void> rehearse_kick_hearing(GlobalTx& tx, TimePoint now) {
  const ChannelNow channel{kKick, "a rehearsal", now};
  co_await tx.change(kBegin, channel);
  co_await tx.all(kHeard, {});
  co_await tx.all(kStopped, {kKick, now + kUnnoticed, now + kUnnoticed});
  co_await tx.change(kHear, {kKick, now + kUnnoticed});
  co_await tx.change(kDoubt, {kKick, channel.user, now, kUnsubscribed});
  co_await tx.all(kOpen, {kKick, channel.user});
  co_await tx.all(kCloseGap, {kKick, channel.user, now + kUnnoticed});
  co_await tx.change(kTrust, channel);
  co_await tx.all(kGaps, {kKick, channel.user});
  co_await tx.change(kDropOld, {kKick, now + kShown});
  co_await tx.change(kForget, {kKick, channel.user});
}

void declare_kick_hearing(store::StatementRegistry& statements) {
  statements.add("kick_hearing", kHeard, kBegin, kDoubt, kCloseGap, kTrust, kStopped, kHear, kForget,
                 kDropOld, kGaps, kOpen);
}

}  // namespace guildhall::bot
