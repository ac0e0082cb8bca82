#include "base/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>

#include "base/crypto.h"
#include "base/text.h"

namespace guildhall {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr char kVersion = 1;
constexpr std::size_t kMacBytes = 32;
/// Shorter ones could be guessed.
constexpr std::size_t kShortestSignature = 16;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* writable(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* readable(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(std::string_view key, std::string_view text) {
  std::string mac(kMacBytes, '\0');
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), readable(text), text.size(), writable(mac),
           nullptr) == nullptr)
    throw std::runtime_error("signing failed");
  return mac;
}

Result<std::string> key_from_hex(std::string_view text) {
  auto key = hex_decode(text);
  if (!key || key->size() != kKeyBytes) return fail(ErrorCode::configuration, "a key has 64 hex digits");
  return key;
}

}  // namespace

Result<Secrets> Secrets::load(const std::filesystem::path& key_file) {
  const std::string name = key_file.string();
  struct stat info{};
  if (stat(name.c_str(), &info) != 0) {
    return fail(ErrorCode::configuration, fmt::format("secrets.key_file: '{}' does not exist", name),
                "Put the key file back; without it the stored platform tokens cannot be read.");
  }
  if ((info.st_mode & 077U) != 0) {
    return fail(ErrorCode::configuration, fmt::format("secrets.key_file: '{}' is readable by others", name),
                fmt::format("chmod 600 '{}'", name));
  }
  Secrets secrets;
  std::ifstream input(name);
  std::string line;
  for (int number = 1; std::getline(input, line); ++number) {
    const auto words = split_words(line);
    if (words.empty() || words[0].starts_with('#')) continue;
    const auto key =
        words.size() == 2 ? key_from_hex(words[1]) : fail(ErrorCode::configuration, "a line is 'ID HEX'");
    if (!key) {
      return fail(ErrorCode::configuration,
                  fmt::format("secrets.key_file: '{}' line {}: {}", name, number, key.error().message));
    }
    secrets.active_ = std::string(words[0]);
    secrets.keys_[secrets.active_] = *key;
  }
  if (secrets.keys_.empty()) {
    return fail(ErrorCode::configuration, fmt::format("secrets.key_file: '{}' holds no key", name));
  }
  return secrets;
}

Result<void> Secrets::create(const std::filesystem::path& key_file) {
  const std::string name = key_file.string();
  const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0)
    return fail(ErrorCode::configuration, fmt::format("secrets.key_file: cannot create '{}'", name));
  const std::string text = fmt::format(
      "# Guildhall's key for stored platform tokens. Keep a copy apart from the database.\nk1 {}\n",
      hex(random_bytes(kKeyBytes)));
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written)
    return fail(ErrorCode::configuration, fmt::format("secrets.key_file: cannot write '{}'", name));
  return {};
}

std::string Secrets::seal(std::string_view plain, std::string_view associated) const {
  std::string out(1, kVersion);
  out += active_;
  out += '\0';
  const std::string nonce = random_bytes(kNonceBytes);
  out += nonce;
  std::string data(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int length = 0;
  const bool sealed = EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr,
                                         readable(keys_.find(active_)->second), readable(nonce)) == 1 &&
                      EVP_EncryptUpdate(context.get(), nullptr, &length, readable(associated),
                                        static_cast<int>(associated.size())) == 1 &&
                      EVP_EncryptUpdate(context.get(), writable(data), &length, readable(plain),
                                        static_cast<int>(plain.size())) == 1 &&
                      EVP_EncryptFinal_ex(context.get(), writable(data) + length, &length) == 1 &&
                      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
  if (!sealed) throw std::runtime_error("encryption failed");
  return out + data + tag;
}

Result<std::string> Secrets::open(std::string_view sealed, std::string_view associated) const {
  const auto end_of_id = sealed.find('\0');
  if (end_of_id == std::string_view::npos || sealed[0] != kVersion ||
      sealed.size() < end_of_id + 1 + kNonceBytes + kTagBytes) {
    return fail(ErrorCode::invalid, "not a sealed value");
  }
  const std::string_view key_id = sealed.substr(1, end_of_id - 1);
  const auto key = keys_.find(key_id);
  if (key == keys_.end()) {
    return fail(ErrorCode::configuration, fmt::format("secrets.key_file: key '{}' is missing", key_id));
  }
  const std::string_view nonce = sealed.substr(end_of_id + 1, kNonceBytes);
  const std::string_view data =
      sealed.substr(end_of_id + 1 + kNonceBytes, sealed.size() - end_of_id - 1 - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(data.size(), '\0');
  const CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int length = 0;
  const bool opened = EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, readable(key->second),
                                         readable(nonce)) == 1 &&
                      EVP_DecryptUpdate(context.get(), nullptr, &length, readable(associated),
                                        static_cast<int>(associated.size())) == 1 &&
                      EVP_DecryptUpdate(context.get(), writable(plain), &length, readable(data),
                                        static_cast<int>(data.size())) == 1 &&
                      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
                      EVP_DecryptFinal_ex(context.get(), writable(plain) + length, &length) == 1;
  if (!opened) return fail(ErrorCode::invalid, "the sealed value was altered or belongs to another row");
  return plain;
}

std::string Secrets::sign(std::string_view text, std::string_view purpose) const {
  return hmac(hmac(keys_.find(active_)->second, purpose), text);
}

bool Secrets::verify(std::string_view text, std::string_view purpose, std::string_view signature) const {
  if (signature.size() < kShortestSignature || signature.size() > kMacBytes) return false;
  bool signed_by_us = false;
  for (const auto& [id, key] : keys_) {
    const std::string mac = hmac(hmac(key, purpose), text);
    signed_by_us |= equal_constant_time(std::string_view(mac).substr(0, signature.size()), signature);
  }
  return signed_by_us;
}

std::string token_context(std::string_view platform, std::string_view platform_user_id,
                          std::string_view column) {
  return fmt::format("{}/{}/{}", platform, platform_user_id, column);
}

}  // namespace guildhall
