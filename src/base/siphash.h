// SipHash-2-4: 64 bits that stand for a text, quick for short ones. Not for secrets: whoever knows the key
// can find two texts of one hash.
#pragma once

#include <cstdint>
#include <string_view>

namespace guildhall {

struct SipKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

/// The same on every machine.
std::uint64_t siphash(SipKey key, std::string_view bytes);

}  // namespace guildhall
