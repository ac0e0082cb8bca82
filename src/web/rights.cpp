#include "web/rights.h"

#include <algorithm>

namespace guildhall::web {

using tenancy::Access;

namespace {
constexpr std::size_t kMostSessions = 20'000;
}

bool Rights::is_operator(const Session& session) const {
  if (session.principal == kOperator || session.principal == kProof) return true;
  const auto member = session.member();
  return member && door_.is_operator && door_.is_operator(*member);
}

bool Rights::is_listed(const Session& session, ServerId server) const {
  return is_operator(session) || std::ranges::find(session.servers, server) != session.servers.end();
}

Task<Result<Rights::Place>> Rights::at(Session session, ServerId server) const {
  if (is_operator(session)) co_return Place{{.instance_owner = true}};
  const auto member = session.member();
  if (!member || !door_.place || !is_listed(session, server)) co_return Place{};
  const auto place = co_await door_.place(server, *member);
  if (!place)
    co_return fail(ErrorCode::unavailable, "Discord cannot be asked just now what you may do here",
                   "Try again in a minute.");
  co_return Place{{.server = server, .access = place->access}, place->under};
}

void SeenRights::note(const std::string& session_hash, ServerId server, Access access) {
  if (seen_.size() >= kMostSessions) seen_.clear();  // each gets a new id for that, and no memory grows
  Seen& seen = seen_[session_hash];
  Access& known = seen.access.try_emplace(server, Access::none).first->second;
  seen.changed = seen.changed || known != access;
  known = access;
}

bool SeenRights::changed(const std::string& session_hash) const {
  const auto found = seen_.find(session_hash);
  return found != seen_.end() && found->second.changed;
}

void SeenRights::renewed(const std::string& before, const std::string& after) {
  auto node = seen_.extract(before);
  if (node.empty()) return;
  seen_.erase(after);  // noted in the same moment, and the same
  node.key() = after;
  node.mapped().changed = false;
  seen_.insert(std::move(node));
}

std::string_view access_name(Access access) {
  switch (access) {
    case Access::none:
    case Access::member: break;
    case Access::viewer: return "viewer";
    case Access::moderator: return "moderator";
    case Access::administrator: return "administrator";
    case Access::owner: return "owner";
  }
  return "none";
}

}  // namespace guildhall::web
