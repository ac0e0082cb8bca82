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

TEST(Hex, IsReadInEitherCase) {
  EXPECT_EQ(*hex_decode("00ffA0"), std::string("\0\xff\xa0", 3));
  EXPECT_EQ(*hex_decode(""), "");
  for (const char* wrong : {"0", "0g", "0x", " 0", "+1"}) EXPECT_FALSE(hex_decode(wrong)) << wrong;
}

/// RFC 8032, section 7.1, test 2.
TEST(Ed25519, VerifiesWhatItsKeySigned) {
  const auto key =
      Ed25519PublicKey::from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  ASSERT_TRUE(key);
  std::string signature = *hex_decode(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(key->verify("\x72", signature));
  EXPECT_FALSE(key->verify("\x73", signature));
  EXPECT_FALSE(key->verify("\x72", signature + '\0'));
  EXPECT_FALSE(key->verify("\x72", ""));
  signature[40] = static_cast<char>(signature[40] ^ 1);
  EXPECT_FALSE(key->verify("\x72", signature));
  EXPECT_FALSE(Ed25519PublicKey::from_hex(std::string(62, 'a')));
  EXPECT_FALSE(Ed25519PublicKey::from_hex(std::string(64, 'g')));
}

}  // namespace
}  // namespace guildhall
