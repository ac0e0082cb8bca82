#include "base/crypto.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

namespace guildhall {
namespace {

const unsigned char* bytes_of(std::string_view data) {
  return reinterpret_cast<const unsigned char*>(data.data());
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1) {
    throw std::runtime_error("the system gave no random bytes");
  }
  return out;
}

std::uint64_t random_below(std::uint64_t bound) {
  // Numbers from the incomplete last range are drawn again, so that every result is equally likely.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    std::uint64_t number = 0;
    const std::string bytes = random_bytes(sizeof number);
    for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
    if (number < limit) return number % bound;
  }
}

namespace {

/// Fetched once: asked for each time, the library looks for it among its providers again.
const EVP_MD* sha256_method() {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (method == nullptr) throw std::runtime_error("this OpenSSL has no SHA-256");
  return method;
}

}  // namespace

std::string sha256(std::string_view data) {
  std::string digest(32, '\0');
  unsigned int length = 0;
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), &length,
             sha256_method(), nullptr);
  return digest;
}

namespace {

EVP_MD_CTX* digest_of(const std::shared_ptr<void>& context) {
  return static_cast<EVP_MD_CTX*>(context.get());
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new(), [](void* p) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(p)); }) {
  if (EVP_DigestInit_ex(digest_of(context_), EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 cannot begin");
}

void Sha256::add(std::string_view piece) {
  if (EVP_DigestUpdate(digest_of(context_), piece.data(), piece.size()) != 1)
    throw std::runtime_error("SHA-256 cannot go on");
}

std::string Sha256::finish() {
  std::string digest(32, '\0');
  if (EVP_DigestFinal_ex(digest_of(context_), reinterpret_cast<unsigned char*>(digest.data()), nullptr) != 1)
    throw std::runtime_error("SHA-256 cannot end");
  return digest;
}

std::string hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<std::string> hex_decode(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (text.size() % 2 != 0) return fail(ErrorCode::invalid, "not hexadecimal");
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return fail(ErrorCode::invalid, "not hexadecimal");
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return fail(ErrorCode::invalid, "not base64");
  std::string out(text.size() / 4 * 3 + 1, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text),
                                     static_cast<int>(text.size()));
  if (length < 0) return fail(ErrorCode::invalid, "not base64");
  // The decoder counts padding as zero bytes.
  const auto padding = text.ends_with("==") ? 2U : text.ends_with("=") ? 1U : 0U;
  out.resize(static_cast<std::size_t>(length) - padding);
  return out;
}

std::string base64url(std::string_view bytes) {
  std::string out = base64(bytes);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  out.erase(out.find_last_not_of('=') + 1);
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

namespace {

std::shared_ptr<void> owned(EVP_PKEY* key) {
  return {key, [](void* p) { EVP_PKEY_free(static_cast<EVP_PKEY*>(p)); }};
}

/// `digest` is null where the scheme has one of its own.
bool verifies(const std::shared_ptr<void>& key, const EVP_MD* digest, std::string_view message,
              std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, static_cast<EVP_PKEY*>(key.get())) ==
             1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

}  // namespace

Result<RsaPublicKey> RsaPublicKey::from_pem(std::string_view pem) {
  BIO* input = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PUBKEY(input, nullptr, nullptr, nullptr);
  BIO_free(input);
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
    EVP_PKEY_free(key);
    return fail(ErrorCode::invalid, "not an RSA public key in PEM form");
  }
  return RsaPublicKey(owned(key));
}

bool RsaPublicKey::verify(std::string_view message, std::string_view signature) const {
  return verifies(key_, EVP_sha256(), message, signature);
}

Result<Ed25519PublicKey> Ed25519PublicKey::from_hex(std::string_view text) {
  constexpr std::size_t kBytes = 32;
  const auto bytes = hex_decode(text);
  if (!bytes || bytes->size() != kBytes) return fail(ErrorCode::invalid, "not 64 hexadecimal digits");
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*bytes), kBytes);
  if (key == nullptr) return fail(ErrorCode::invalid, "not an Ed25519 key");
  return Ed25519PublicKey(owned(key));
}

bool Ed25519PublicKey::verify(std::string_view message, std::string_view signature) const {
  return verifies(key_, nullptr, message, signature);
}

}  // namespace guildhall
