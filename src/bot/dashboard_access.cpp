#include "bot/dashboard_access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>

#include "base/log.h"
#include "base/text.h"
#include "net/loops.h"

namespace guildhall::bot {
namespace {

using tenancy::Access;

/// So long what Discord said is believed. With what an open page keeps (web/live.cpp) that is a minute.
constexpr std::chrono::seconds kGoodFor{45};
constexpr std::chrono::seconds kLongestWait{5};
constexpr std::size_t kMostKnown = 10'000;
constexpr std::size_t kMostRoles = 20;

Access access_of(const std::optional<DiscordBridge::Standing>& standing) {
  if (!standing) return Access::none;
  if (standing->owner) return Access::owner;
  if ((standing->permissions & discord::kAdministrator) != 0) return Access::administrator;
  return (standing->permissions & discord::kManageGuild) != 0 ? Access::moderator : Access::member;
}

}  // namespace

Result<std::string> normalise_roles(std::string_view text) {
  std::vector<std::string> ids;
  for (const std::string_view word : split_list(text)) {
    const auto id = discord::RoleId::parse(word);
    if (!id || id->value() <= 0)
      return fail(ErrorCode::invalid,
                  fmt::format("'{}' is not a role's id: it is under Copy Role ID in Discord", word));
    if (std::ranges::find(ids, id->str()) == ids.end()) ids.push_back(id->str());
  }
  if (ids.size() > kMostRoles) return fail(ErrorCode::invalid, fmt::format("at most {} roles", kMostRoles));
  return fmt::format("{}", fmt::join(ids, ","));
}

Access with_roles(Access access, const std::vector<discord::RoleId>& roles, const Settings& settings) {
  if (access != Access::member) return access;
  const std::string chosen = settings.get(kDashboardRoles);
  const auto ids = split_list(chosen);
  const bool may_look = std::ranges::any_of(
      roles, [&](discord::RoleId role) { return std::ranges::find(ids, role.str()) != ids.end(); });
  return may_look ? Access::viewer : access;
}

/// What is known of one place, or being asked.
struct DashboardAccess::Entry {
  bool asking = true;
  discord::SteadyTime good_until{};
  Result<DashboardPlace> place;
  std::vector<boost::asio::steady_timer*> waiting;  // are cancelled when it is answered
};

DashboardAccess::DashboardAccess(boost::asio::io_context& loop, std::shared_ptr<discord::Timing> timing,
                                 Ask ask)
    : loop_(loop), timing_(std::move(timing)), ask_(std::move(ask)) {}

DashboardAccess::~DashboardAccess() = default;

Task<Result<DashboardPlace>> DashboardAccess::of(ServerId server, DiscordUserId user) {
  auto& known = known_[{server, user}];
  if (!known || (!known->asking && timing_->now() >= known->good_until)) {
    known = std::make_shared<Entry>();
    net::spawn(loop_, "dashboard.access",
               [this, server, user, entry = known] { return this->ask(server, user, entry); });
  }
  const auto entry = known;
  forget_old();
  if (entry->asking) {
    boost::asio::steady_timer patience(loop_);
    entry->waiting.push_back(&patience);
    co_await timing_->wait(patience, timing_->now() + kLongestWait);
    std::erase(entry->waiting, &patience);
  }
  const bool too_old = entry->place && timing_->now() >= entry->good_until;
  if (entry->asking || too_old) co_return fail(ErrorCode::unavailable, "Discord does not answer");
  co_return entry->place;
}

/// Good for so long after the question: what changed since may not be in the answer.
Task<void> DashboardAccess::ask(ServerId server, DiscordUserId user, std::shared_ptr<Entry> entry) {
  const auto good_until = timing_->now() + kGoodFor;
  Result<std::optional<Standing>> standing = fail(ErrorCode::failed, "nobody was asked");
  try {
    standing = co_await ask_(server, user);
  } catch (const std::exception& error) {
    standing = fail(ErrorCode::failed, error.what());
  }
  entry->asking = false;
  if (standing) {
    entry->place =
        DashboardPlace{access_of(*standing), *standing ? (*standing)->roles : std::vector<discord::RoleId>()};
    entry->good_until = good_until;
  } else {
    log::warning("nobody can say what a member may do",
                 {log::field("server", server.str()), log::field("error", standing.error().message)});
    entry->place = fail(ErrorCode::unavailable, standing.error().message);
  }
  for (auto* patience : entry->waiting) patience->cancel();
}

void DashboardAccess::forget_old() {
  if (known_.size() < kMostKnown) return;
  const auto now = timing_->now();
  std::erase_if(known_,
                [&](const auto& one) { return !one.second->asking && one.second->good_until <= now; });
}

}  // namespace guildhall::bot
