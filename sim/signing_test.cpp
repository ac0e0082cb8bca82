#include "sim/signing.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>

#include "base/crypto.h"
#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

/// Verifies with OpenSSL's RSA calls alone, with the padding named.
bool verifies(const std::string& pem, const std::string& message, const std::string& signature) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  EVP_PKEY_CTX* settings = nullptr;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestVerifyInit(context.get(), &settings, EVP_sha256(), nullptr, key.get());
  EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PADDING);
  const auto* bytes = reinterpret_cast<const unsigned char*>(signature.data());
  EVP_DigestVerifyUpdate(context.get(), message.data(), message.size());
  return EVP_PKEY_get_bits(key.get()) == 2048 &&
         EVP_DigestVerifyFinal(context.get(), bytes, signature.size()) == 1;
}

TEST(SigningKey, SignaturesVerifyAndAlteredOnesDoNot) {
  const auto key = SigningKey::generate();
  const std::string message = "01ID.2026-05-01T10:00:00Z.{\"a\":1}";
  std::string signature = key.sign(message);
  EXPECT_TRUE(verifies(key.public_pem(), message, signature));
  EXPECT_FALSE(verifies(key.public_pem(), message + " ", signature));
  EXPECT_FALSE(verifies(SigningKey::generate().public_pem(), message, signature));
  signature[17] = static_cast<char>(signature[17] ^ 4);
  EXPECT_FALSE(verifies(key.public_pem(), message, signature));
}

TEST(SigningKey, IsKeptInItsFile) {
  const TemporaryFolder folder;
  const auto first = SigningKey::load_or_generate(folder / "key.pem");
  const auto second = SigningKey::load_or_generate(folder / "key.pem");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->public_pem(), second->public_pem());
  EXPECT_TRUE(verifies(second->public_pem(), "m", first->sign("m")));
  std::ofstream(folder / "broken.pem") << "no key";
  EXPECT_EQ(SigningKey::load_or_generate(folder / "broken.pem").error().code, ErrorCode::invalid);
}

/// RFC 8032, section 7.1, test 1.
TEST(Ed25519Key, SignsAsItsStandardSays) {
  const Ed25519Key key(*hex_decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  EXPECT_EQ(key.public_hex(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(hex(key.sign("")),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b");
}

}  // namespace
}  // namespace guildhall::sim
