#include "sim/signing.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <fstream>
#include <sstream>

#include "base/crypto.h"

namespace guildhall::sim {
namespace {

std::shared_ptr<void> owned(EVP_PKEY* key) {
  return {key, [](void* p) { EVP_PKEY_free(static_cast<EVP_PKEY*>(p)); }};
}

EVP_PKEY* raw(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }

/// What `write` puts into a memory BIO.
template <class Write>
std::string pem_of(Write write) {
  BIO* out = BIO_new(BIO_s_mem());
  write(out);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

/// `digest` is null where the scheme has one of its own.
std::string sign_with(EVP_PKEY* key, const EVP_MD* digest, std::string_view message) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  std::string signature(size, '\0');
  if (EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                     message.size()) != 1) {
    throw std::runtime_error("signing failed");
  }
  signature.resize(size);
  return signature;
}

}  // namespace

SigningKey SigningKey::generate() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  if (key == nullptr) throw std::runtime_error("no RSA key could be made");
  return SigningKey(owned(key));
}

Result<SigningKey> SigningKey::load_or_generate(const std::filesystem::path& file) {
  if (std::ifstream in(file); in) {
    std::ostringstream pem;
    pem << in.rdbuf();
    const std::string text = pem.str();
    BIO* input = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(input, nullptr, nullptr, nullptr);
    BIO_free(input);
    if (key == nullptr)
      return fail(ErrorCode::invalid, fmt::format("{} holds no private key", file.string()));
    return SigningKey(owned(key));
  }
  SigningKey made = generate();
  std::ofstream out(file);
  std::error_code ignored;
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                               ignored);
  out << made.private_pem() << std::flush;
  if (!out) return fail(ErrorCode::failed, fmt::format("{} cannot be written", file.string()));
  return made;
}

std::string SigningKey::sign(std::string_view message) const {
  return sign_with(raw(key_), EVP_sha256(), message);
}

std::string SigningKey::public_pem() const {
  return pem_of([&](BIO* out) { PEM_write_bio_PUBKEY(out, raw(key_)); });
}

std::string SigningKey::private_pem() const {
  return pem_of(
      [&](BIO* out) { PEM_write_bio_PrivateKey(out, raw(key_), nullptr, nullptr, 0, nullptr, nullptr); });
}

Ed25519Key::Ed25519Key(std::string_view secret) {
  EVP_PKEY* key = EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  if (key == nullptr) throw std::runtime_error("no Ed25519 key could be made");
  key_ = owned(key);
}

std::string Ed25519Key::sign(std::string_view message) const {
  return sign_with(raw(key_), nullptr, message);
}

std::string Ed25519Key::public_hex() const {
  std::size_t size = 32;
  std::string bytes(size, '\0');
  if (EVP_PKEY_get_raw_public_key(raw(key_), reinterpret_cast<unsigned char*>(bytes.data()), &size) != 1)
    throw std::runtime_error("an Ed25519 key has no public half");
  return hex(bytes);
}

}  // namespace guildhall::sim
