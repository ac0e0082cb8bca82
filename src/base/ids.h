// Strong 64-bit ids: a PersonId cannot be passed where a ServerId is meant.
#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace guildhall {

/// A 64-bit id of one kind. `Tag` only distinguishes kinds. Shown to the outside as a decimal string,
/// because JavaScript loses digits above 2^53.
template <class Tag>
class StrongId {
 public:
  using Number = std::int64_t;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Number value) : value_(value) {}

  constexpr Number value() const { return value_; }
  std::string str() const { return std::to_string(value_); }

  /// Reads a decimal number that fills the whole text; nothing else (no sign '+', no spaces).
  static std::optional<StrongId> parse(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return StrongId(value);
  }

  friend constexpr auto operator<=>(StrongId, StrongId) = default;

 private:
  Number value_ = 0;
};

/// A Discord server, the tenant. Ids below 0 stand for streamers without a Discord server.
/// 0 is no server: nothing accepts it.
using ServerId = StrongId<struct ServerTag>;
/// Who holds minutes and points in one server. Numbered per server, so it means nothing without one.
using PersonId = StrongId<struct PersonTag>;
/// A Discord user, channel, message, ... as Discord numbers them.
using DiscordUserId = StrongId<struct DiscordUserTag>;
using DiscordChannelId = StrongId<struct DiscordChannelTag>;

}  // namespace guildhall

template <class Tag>
struct std::hash<guildhall::StrongId<Tag>> {
  std::size_t operator()(guildhall::StrongId<Tag> id) const noexcept {
    // Snowflakes differ mostly in their high bits; mix, so that buckets and loops fill evenly.
    auto x = static_cast<std::uint64_t>(id.value());
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    return static_cast<std::size_t>(x);
  }
};
