#include "base/crypto.h"

#include <gtest/gtest.h>

namespace guildhall {
namespace {

TEST(Sha256, OfPiecesIsThatOfTheWhole) {
  Sha256 sum;
  sum.add("a");
  sum.add("");
  sum.add("bc");
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(hex(sum.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace guildhall
