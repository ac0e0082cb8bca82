#include "bot/channel_attempts.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "tenancy/audit.h"

namespace guildhall::bot {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::TxTask;
using tenancy::ChannelKey;

constexpr Duration kAttemptsCount = std::chrono::hours(24);
constexpr std::int64_t kAlarming = 3;
constexpr std::size_t kHashBytes = 16;
constexpr const char* kAttempt = "channel.taken";
constexpr const char* kAlarm = "channel.alarm";

struct EventsParams {
  std::string action;
  std::string subject;
  TimePoint since;
};
BOOST_DESCRIBE_STRUCT(EventsParams, (), (action, subject, since))
struct EventsRow {
  std::int64_t events;
};
BOOST_DESCRIBE_STRUCT(EventsRow, (), (events))
struct AlarmsParams {
  std::string action;
  TimePoint since;
};
BOOST_DESCRIBE_STRUCT(AlarmsParams, (), (action, since))
struct AlarmRow {
  std::string subject;
  TimePoint at;
  std::optional<std::string> after;
};
BOOST_DESCRIBE_STRUCT(AlarmRow, (), (subject, at, after))

constexpr GlobalStatement<EventsParams, EventsRow> kCountEvents{
    "channel_attempts.count",
    "SELECT count(*) AS events FROM operator_log WHERE action = :action AND subject = :subject AND at > "
    ":since"};

constexpr GlobalStatement<AlarmsParams, AlarmRow> kListAlarms{
    "channel_attempts.alarms",
    "SELECT subject, at, after FROM operator_log WHERE action = :action AND at > :since ORDER BY at"};

/// An attempt, and the alarm if it makes one.
TxTask<ChannelAttempts::Noted> keep_attempt(GlobalTx& tx, tenancy::AuditEntry attempt, TimePoint now) {
  const TimePoint since = now - kAttemptsCount;
  const std::string hash = attempt.subject;
  co_await tenancy::log_operator(tx, now, std::move(attempt));
  const auto attempts = co_await tx.one(kCountEvents, {kAttempt, hash, since});
  const auto alarms = co_await tx.one(kCountEvents, {kAlarm, hash, since});
  const ChannelAttempts::Noted noted{attempts->events, attempts->events >= kAlarming && alarms->events == 0};
  if (noted.alarm) {
    tenancy::AuditEntry alarm{{"guildhall", "system"}, kAlarm, hash, std::nullopt, std::nullopt};
    alarm.after = fmt::format("{}", noted.attempts);
    co_await tenancy::log_operator(tx, now, std::move(alarm));
  }
  co_return noted;
}

}  // namespace

/// There are few numbers of channels: who has a plain hash has the number.
std::string ChannelAttempts::hash_of(const ChannelKey& channel) const {
  const std::string signature = secrets_.sign(channel.platform_user_id, "channel attempts");
  return fmt::format("{}:{}", channel.platform, hex(signature.substr(0, kHashBytes)));
}

Task<ChannelAttempts::Noted> ChannelAttempts::note(ChannelKey channel, std::string principal,
                                                   std::string address) {
  const TimePoint now = clock_.now();
  const tenancy::AuditEntry attempt{
      {std::move(principal), "dashboard"}, kAttempt, hash_of(channel), std::nullopt, std::move(address)};
  const Noted noted =
      co_await global_.transact([attempt, now](GlobalTx& tx) { return keep_attempt(tx, attempt, now); });
  if (noted.alarm) {
    const std::scoped_lock lock(mutex_);
    alarms_[std::move(channel)] = {now, fmt::format("{}", noted.attempts)};
  }
  co_return noted;
}

Task<void> ChannelAttempts::load(std::vector<tenancy::Channel> channels) {
  const AlarmsParams params{kAlarm, clock_.now() - kAttemptsCount};
  const auto rows = co_await global_.read([params](GlobalTx& tx) -> TxTask<std::vector<AlarmRow>> {
    co_return co_await tx.all(kListAlarms, params);
  });
  std::map<std::string, Alarm> by_hash;
  for (const AlarmRow& row : rows) by_hash[row.subject] = {row.at, row.after.value_or("")};
  const std::scoped_lock lock(mutex_);
  alarms_.clear();
  for (const tenancy::Channel& channel : channels) {
    const auto found = by_hash.find(hash_of(channel.key()));
    if (found != by_hash.end()) alarms_[channel.key()] = found->second;
  }
}

std::string ChannelAttempts::warning(const ChannelKey& channel) const {
  const std::scoped_lock lock(mutex_);
  const auto alarm = alarms_.find(channel);
  if (alarm == alarms_.end() || clock_.now() - alarm->second.at >= kAttemptsCount) return "";
  return fmt::format(
      "somebody else who can sign in to this Kick account tried {} times within a day to connect the "
      "channel; "
      "if the streamer does not know of it, he should change his password at Kick",
      alarm->second.attempts);
}

TxTask<void> rehearse_channel_attempts(GlobalTx& tx, TimePoint now) {
  for (std::int64_t i = 0; i < kAlarming; ++i)
    co_await keep_attempt(tx, {{"rehearsal", "dashboard"}, kAttempt, "rehearsal", std::nullopt, std::nullopt},
                          now);
  co_await tx.all(kListAlarms, {kAlarm, now - kAttemptsCount});
}

void declare_channel_attempts(store::StatementRegistry& statements) {
  statements.add("channel_attempts", kCountEvents, kListAlarms);
}

}  // namespace guildhall::bot
