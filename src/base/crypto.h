// Hashes, random bytes and encodings, all from OpenSSL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace guildhall {

/// Bytes travel as std::string (they are not text) where a library wants char data.
std::string random_bytes(std::size_t count);
/// A number in [0, bound); bound > 0. Uniform.
std::uint64_t random_below(std::uint64_t bound);

std::string sha256(std::string_view data);  // 32 bytes

/// The same of what comes piece by piece.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view piece);
  std::string finish();  // 32 bytes; once

 private:
  std::shared_ptr<void> context_;
};

std::string hex(std::string_view bytes);  // lower case
/// Digits in either case.
Result<std::string> hex_decode(std::string_view text);
std::string base64(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);
std::string base64url(std::string_view bytes);  // without padding
/// Equal in a time that does not depend on where the texts differ.
bool equal_constant_time(std::string_view a, std::string_view b);

/// A public RSA key that verifies PKCS#1 v1.5 signatures over SHA-256 (Kick's webhooks).
class RsaPublicKey {
 public:
  /// `pem` is a PUBLIC KEY block. Error: not a usable RSA key.
  static Result<RsaPublicKey> from_pem(std::string_view pem);
  bool verify(std::string_view message, std::string_view signature) const;

 private:
  explicit RsaPublicKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;
};

/// A public Ed25519 key (RFC 8032, without pre-hashing): Discord's, of posted interactions.
class Ed25519PublicKey {
 public:
  /// 32 bytes, as 64 hex digits. Error: anything else.
  static Result<Ed25519PublicKey> from_hex(std::string_view text);
  bool verify(std::string_view message, std::string_view signature) const;

 private:
  explicit Ed25519PublicKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;
};

}  // namespace guildhall
