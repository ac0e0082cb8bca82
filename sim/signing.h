// Kick's side of a webhook signature: RSA 2048, PKCS#1 v1.5, SHA-256.
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

}  // namespace guildhall::sim
