#include "sim/mint.h"

#include <fmt/format.h>

#include <algorithm>

namespace guildhall::sim {
namespace {

constexpr std::int64_t kDiscordEpochMillis = 1'420'070'400'000;
constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

std::int64_t millis(TimePoint at) { return to_micros(at) / 1'000; }

}  // namespace

Snowflake snowflake_at(TimePoint at) {
  return static_cast<Snowflake>(millis(at) - kDiscordEpochMillis) << 22;
}

Mint::Mint(const Clock& clock, std::uint64_t seed)
    : clock_(clock), random_(mix(seed) ^ static_cast<std::uint64_t>(to_micros(clock.now()))) {}

Snowflake Mint::snowflake() {
  last_ = std::max(last_ + 1, snowflake_at(clock_.now()));
  return last_;
}

std::string Mint::ulid() {
  std::string out(26, '0');
  auto time = static_cast<std::uint64_t>(millis(clock_.now()));
  for (std::size_t i = 10; i-- > 0; time /= 32) out[i] = kCrockford[time % 32];
  for (std::size_t i = 10; i < out.size(); ++i) out[i] = kCrockford[random_.below(32)];
  return out;
}

std::string Mint::uuid() {
  const std::uint64_t high = (random_.next() & ~0xF000ULL) | 0x4000ULL;
  const std::uint64_t low = (random_.next() & ~(3ULL << 62)) | (2ULL << 62);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF,
                     low >> 48, low & 0xFFFFFFFFFFFFULL);
}

std::string Mint::token(std::size_t length) {
  std::string out(length, '0');
  for (char& c : out) c = kLetters[random_.below(kLetters.size())];
  return out;
}

}  // namespace guildhall::sim
