#include "web/rights.h"

#include <algorithm>

namespace guildhall::web {

using tenancy::Access;

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
