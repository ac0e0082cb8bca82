#include "platforms/discord/member_requests.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "platforms/discord/parse.h"
#include "platforms/discord/protocol.h"

namespace guildhall::discord {
namespace {

/// More at once would only wait for each other: chunks come as fast as they are read.
constexpr std::size_t kMostAtOnce = 4;
/// Source: gateway documentation, "Request Guild Members": one such request per guild in 30 s.
constexpr std::chrono::seconds kBetweenLists{30};
constexpr std::chrono::seconds kChunkTimeout{60};
/// As often somebody may be missing before the list is left as it is.
constexpr int kMostTries = 3;
/// Of a list; a guild has 25 million members at most, and a chunk 1,000.
constexpr std::int64_t kMostChunks = 100'000;
constexpr std::chrono::hours kLongestRefusal{1};
constexpr std::string_view kListsName = "guildhall_discord_member_lists_total";
constexpr std::string_view kListsHelp =
    "Lists of a server's members that were asked for, and how they ended.";

/// Does it list fewer members than it has?
bool is_partial(const json::Value& guild) {
  const auto count = json::integer(guild, "member_count").value_or(0);
  return count > static_cast<std::int64_t>(json::array(guild, "members").size());
}

std::chrono::nanoseconds pause_of(const json::Value& refusal) {
  const double seconds = json::number(refusal, "retry_after").value_or(0);
  const auto longest = std::chrono::duration<double>(kLongestRefusal).count();
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::clamp(seconds, 1.0, longest) * 1e9));
}

}  // namespace

MemberRequests::MemberRequests(Metrics& metrics)
    : complete_(metrics.counter(kListsName, kListsHelp, "outcome=\"complete\"")),
      incomplete_(metrics.counter(kListsName, kListsHelp, "outcome=\"incomplete\"")) {}

void MemberRequests::follow(std::string_view event, const json::Value& data, SteadyTime now) {
  if (event == "GUILD_MEMBERS_CHUNK") chunk_came(data, now);
  if (event == "GUILD_CREATE") guild_came(data, now);
  if (event == "RATE_LIMITED") refused(data, now);
  if (event == "GUILD_DELETE") forget(read_id<ServerId>(data, "id").value_or(ServerId()));
  if (event == "READY") forget_all();
}

/// What is on its way was asked for before the state began anew.
void MemberRequests::guild_came(const json::Value& guild, SteadyTime now) {
  const auto id = read_id<ServerId>(guild, "id");
  if (!id || json::boolean(guild, "unavailable").value_or(false)) return;
  forget(*id);
  if (is_partial(guild)) want({*id}, now);
}

/// Those that nobody waits for any more are in the state all the same.
void MemberRequests::chunk_came(const json::Value& chunk, SteadyTime now) {
  Asked* asked = asked_by(json::text_or(chunk, "nonce", ""));
  const auto index = json::integer(chunk, "chunk_index").value_or(-1);
  const auto count = json::integer(chunk, "chunk_count").value_or(0);
  if (asked == nullptr || index < 0 || index >= count || count > kMostChunks) return;
  asked->received.resize(static_cast<std::size_t>(count));
  asked->received[static_cast<std::size_t>(index)] = true;
  asked->deadline = now + kChunkTimeout;
  if (std::ranges::find(asked->received, false) != asked->received.end()) return;
  take_back(*asked);
  complete_.add();
}

void MemberRequests::refused(const json::Value& refusal, SteadyTime now) {
  const json::Value* about = json::find(refusal, "meta");
  const Asked* asked = about == nullptr ? nullptr : asked_by(json::text_or(*about, "nonce", ""));
  if (asked != nullptr) want(take_back(*asked).what, now + pause_of(refusal));
}

void MemberRequests::wait_longer(std::chrono::nanoseconds time) {
  for (Asked& asked : asked_) asked.deadline += time;
}

void MemberRequests::connection_lost(SteadyTime now) {
  while (!asked_.empty()) want(take_back(asked_.front()).what, now);
}

SteadyTime MemberRequests::due() const {
  SteadyTime due = SteadyTime::max();
  for (const Asked& asked : asked_) due = std::min(due, asked.deadline);
  if (asked_.size() < kMostAtOnce && !waiting_.empty()) due = std::min(due, waiting_.begin()->first);
  return due;
}

std::optional<std::string> MemberRequests::next(SteadyTime now) {
  give_up_late_ones(now);
  const auto first = waiting_.begin();
  if (asked_.size() >= kMostAtOnce || first == waiting_.end() || first->first > now) return std::nullopt;
  Asked asked{first->second, fmt::format("members-{}", ++nonces_), now, now + kChunkTimeout, {}};
  waiting_.erase(first);
  std::erase_if(recent_, [&](const auto& one) { return now - one.second >= kBetweenLists; });
  recent_.emplace_back(asked.what.guild, now);
  std::string frame = members_frame(asked.what.guild, asked.nonce);
  asked_.push_back(std::move(asked));
  return frame;
}

void MemberRequests::give_up_late_ones(SteadyTime now) {
  for (;;) {
    const auto late = std::ranges::find_if(asked_, [&](const Asked& asked) { return asked.deadline <= now; });
    if (late == asked_.end()) return;
    const Asked asked = take_back(*late);
    const auto chunks = std::ranges::count(asked.received, true);
    log::warning("discord: not all members of a server were told",
                 {log::field("server", asked.what.guild.str()), log::field("chunks", chunks),
                  log::field("of", asked.received.size())});
    if (asked.what.tries + 1 < kMostTries) {
      want({asked.what.guild, asked.what.tries + 1}, now);
    } else {
      incomplete_.add();
    }
  }
}

void MemberRequests::want(Wanted what, SteadyTime from) {
  waiting_.emplace(std::max(from, allowed_from(what.guild, from)), what);
}

SteadyTime MemberRequests::allowed_from(ServerId guild, SteadyTime now) const {
  const auto last =
      std::ranges::find(recent_.rbegin(), recent_.rend(), guild, &std::pair<ServerId, SteadyTime>::first);
  return last == recent_.rend() ? now : last->second + kBetweenLists;
}

void MemberRequests::forget(ServerId guild) {
  std::erase_if(waiting_, [&](const auto& one) { return one.second.guild == guild; });
  std::erase_if(asked_, [&](const Asked& asked) { return asked.what.guild == guild; });
}

void MemberRequests::forget_all() {
  waiting_.clear();
  asked_.clear();
}

MemberRequests::Asked* MemberRequests::asked_by(std::string_view nonce) {
  const auto known = std::ranges::find(asked_, nonce, &Asked::nonce);
  return known == asked_.end() ? nullptr : &*known;
}

MemberRequests::Asked MemberRequests::take_back(const Asked& asked) {
  const auto place = asked_.begin() + (&asked - asked_.data());
  Asked taken = std::move(*place);
  asked_.erase(place);
  return taken;
}

}  // namespace guildhall::discord
