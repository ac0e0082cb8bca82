#include "sim/faults.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace guildhall::sim {
namespace {

constexpr std::array<std::string_view, kFaults> kNames = {"discord_global_429",
                                                          "discord_user_429",
                                                          "discord_shared_429",
                                                          "discord_cdn_429",
                                                          "discord_5xx",
                                                          "discord_posted_5xx",
                                                          "discord_token_5xx",
                                                          "discord_cdn_403",
                                                          "discord_slow_ms",
                                                          "discord_down",
                                                          "gateway_beat_ms",
                                                          "gateway_withhold_acks",
                                                          "gateway_numeric_ids",
                                                          "gateway_duplicates",
                                                          "gateway_no_privileged",
                                                          "gateway_refuse_resumes",
                                                          "gateway_early_reconnects",
                                                          "gateway_reconnects",
                                                          "gateway_early_invalid",
                                                          "gateway_refuse_identifies",
                                                          "gateway_later_resumes",
                                                          "gateway_cut_replays",
                                                          "gateway_replay_overlap",
                                                          "gateway_zombies",
                                                          "gateway_reorder",
                                                          "gateway_lost",
                                                          "gateway_lost_chunks",
                                                          "gateway_outage_creates",
                                                          "gateway_dead_guild",
                                                          "kick_duplicates",
                                                          "kick_delay_ms",
                                                          "kick_reorder",
                                                          "kick_lost",
                                                          "kick_wrong_signature",
                                                          "kick_late_seconds",
                                                          "kick_spaces",
                                                          "kick_bot_chat_500",
                                                          "kick_bot_chat_400",
                                                          "kick_429",
                                                          "kick_5xx",
                                                          "kick_subscription_errors",
                                                          "kick_subscription_cap",
                                                          "kick_single_use_refresh",
                                                          "kick_refresh_grace_seconds",
                                                          "kick_oauth_slow_ms",
                                                          "kick_retry_after",
                                                          "kick_chat_refused",
                                                          "kick_site_403",
                                                          "kick_socket_mute",
                                                          "kick_socket_activity"};

std::optional<std::size_t> index_of(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return i;
  }
  return std::nullopt;
}

std::optional<std::int64_t> value_of(const json::Value& value) {
  if (value.is_bool()) return value.get_bool() ? 1 : 0;
  if (value.is_int64() && value.get_int64() >= 0) return value.get_int64();
  return std::nullopt;
}

}  // namespace

bool Faults::strikes(Fault fault) {
  auto& left = values_[static_cast<std::size_t>(fault)];
  if (left == 0) return false;
  --left;
  return true;
}

Result<void> Faults::set(const json::Value& switches) {
  if (!switches.is_object()) return fail(ErrorCode::invalid, "an object of switches is needed");
  auto changed = values_;
  for (const auto& [name, wanted] : switches.get_object()) {
    const auto index = index_of(name);
    const auto value = value_of(wanted);
    if (!index)
      return fail(ErrorCode::invalid, fmt::format("no switch is named '{}'", std::string_view(name)));
    if (!value) {
      return fail(ErrorCode::invalid,
                  fmt::format("'{}' takes true, false or a number from 0", std::string_view(name)));
    }
    changed[*index] = *value;
  }
  values_ = changed;
  return {};
}

json::Object Faults::list() const {
  json::Object out;
  for (std::size_t i = 0; i < kFaults; ++i) out[kNames[i]] = values_[i];
  return out;
}

}  // namespace guildhall::sim
