#include "bot/page_links.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "bot/short_signature.h"

namespace guildhall::bot {
namespace {

constexpr std::size_t kLongest = 300;

/// What is signed for one page is worth nothing at another.
std::string purpose_of(std::string_view page) { return fmt::format("page.{}", page); }

std::int64_t seconds_of(TimePoint at) { return to_micros(at) / 1'000'000; }

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string PageLinks::address(ServerId server, const PageLink& link, TimePoint now) const {
  const std::string text =
      fmt::format("{}.{}.{}.{}", server.str(), link.member, link.key, seconds_of(now + link.life));
  return fmt::format("{}/{}/{}.{}", config_.public_url(), link.page, text,
                     short_signature(secrets_, text, purpose_of(link.page)));
}

Result<PageLinks::Visit> PageLinks::read(std::string_view page, std::string_view token, TimePoint now) const {
  const auto not_ours = fail(ErrorCode::invalid, "not an address of ours");
  const auto end = token.rfind('.');
  if (token.size() > kLongest || end == std::string_view::npos) return not_ours;
  const std::string_view text = token.substr(0, end);
  if (!has_signed(secrets_, text, purpose_of(page), token.substr(end + 1))) return not_ours;
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const auto dot = std::min(text.find('.', from), text.size());
    parts.push_back(text.substr(from, dot - from));
    from = dot + 1;
  }
  if (parts.size() != 4) return not_ours;
  const auto server = ServerId::parse(parts[0]);
  const auto until = number(parts[3]);
  if (!server || !until) return not_ours;
  return Visit{*server, std::string(parts[1]), std::string(parts[2]), *until < seconds_of(now)};
}

}  // namespace guildhall::bot
