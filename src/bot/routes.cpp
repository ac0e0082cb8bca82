#include "bot/routes.h"

#include <fmt/format.h>

#include "base/text.h"

namespace guildhall::bot {

std::string RouteCall::text_query(std::string_view name, std::string_view otherwise) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string(otherwise) : found->second;
}

Result<std::int64_t> RouteCall::integer_query(std::string_view name, std::int64_t otherwise,
                                              std::int64_t least, std::int64_t most) const {
  const auto found = query.find(name);
  if (found == query.end()) return otherwise;
  const auto number = parse_amount(found->second);
  if (number && *number >= least && *number <= most) return *number;
  return fail(ErrorCode::invalid, fmt::format("{}: must be a whole number from {} to {}", name, least, most));
}

}  // namespace guildhall::bot
