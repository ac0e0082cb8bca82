#include "base/siphash.h"

#include <gtest/gtest.h>

#include <string>

namespace guildhall {
namespace {

/// The bytes 0, 1, 2, ...
std::string counting(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST(SipHash, IsWhatItsAuthorsPublished) {
  constexpr SipKey kPublished{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ(siphash(kPublished, counting(0)), 0x726fdb47dd0e0e31);
  EXPECT_EQ(siphash(kPublished, counting(1)), 0x74f839c593dc67fd);
  EXPECT_EQ(siphash(kPublished, counting(8)), 0x93f5f5799a932462);
  EXPECT_EQ(siphash(kPublished, counting(15)), 0xa129ca6149be45e5);
}

TEST(SipHash, EveryByteAndTheLengthCount) {
  const SipKey key{1, 2};
  EXPECT_NE(siphash(key, std::string("a\0b", 3)), siphash(key, std::string("a\0c", 3)));
  EXPECT_NE(siphash(key, std::string("a")), siphash(key, std::string("a\0", 2)));
  EXPECT_NE(siphash(key, "a"), siphash({1, 3}, "a"));
}

}  // namespace
}  // namespace guildhall
