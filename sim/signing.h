// The platforms' side of signatures: Kick's of webhooks (RSA 2048, PKCS#1 v1.5, SHA-256), Discord's of posted
// interactions (Ed25519).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace guildhall::sim {

class SigningKey {
 public:
  static SigningKey generate();
  /// Reads the key from `file`, or makes one and keeps it there (readable by its owner alone).
  static Result<SigningKey> load_or_generate(const std::filesystem::path& file);

  /// The raw signature.
  std::string sign(std::string_view message) const;
  /// A PUBLIC KEY block.
  std::string public_pem() const;

 private:
  explicit SigningKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::string private_pem() const;
  std::shared_ptr<void> key_;
};

class Ed25519Key {
 public:
  /// The same key for the same 32 bytes.
  explicit Ed25519Key(std::string_view secret);

  /// The raw signature.
  std::string sign(std::string_view message) const;
  /// 64 hex digits.
  std::string public_hex() const;

 private:
  std::shared_ptr<void> key_;
};

}  // namespace guildhall::sim
