// Tokens at rest. Each value is sealed with AES-256-GCM under a key of its own file (never in the
// database, never in a backup). The key's id stands in every ciphertext, so that keys can rotate;
// the associated data names the row and column, so that a ciphertext cannot be moved to another. Texts that
// come back to us through others are signed with the same keys.
//
// Key file: one key per line, "ID HEX" with 32 bytes as 64 hex digits; the last line seals, all open.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace guildhall {

class Secrets {
 public:
  /// Reads the key file. Error `configuration` (exit code 78) when it is missing, empty, readable by
  /// others than its owner, or holds a malformed or short key; the message names file and line.
  static Result<Secrets> load(const std::filesystem::path& key_file);
  /// Makes a key file with one fresh key, readable by its owner alone. Refuses to replace a file.
  static Result<void> create(const std::filesystem::path& key_file);

  /// Ciphertext: version byte, key id, NUL, 12-byte nonce, data, 16-byte tag.
  std::string seal(std::string_view plain, std::string_view associated) const;
  /// Error `invalid` when the ciphertext was altered or belongs elsewhere; `configuration` when its
  /// key is not in the file (the message names the key id).
  Result<std::string> open(std::string_view sealed, std::string_view associated) const;

  /// HMAC-SHA256 (32 bytes) of a text that goes through other people's hands, with a key of its own for each
  /// purpose: what is signed for one is worth nothing for another.
  std::string sign(std::string_view text, std::string_view purpose) const;
  /// Did one of the keys sign it? The beginning of a signature is enough, from 16 bytes on.
  bool verify(std::string_view text, std::string_view purpose, std::string_view signature) const;

 private:
  std::map<std::string, std::string, std::less<>> keys_;
  std::string active_;
};

/// What a sealed column of a platform account is bound to.
std::string token_context(std::string_view platform, std::string_view platform_user_id,
                          std::string_view column);

}  // namespace guildhall
