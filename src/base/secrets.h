// Tokens at rest. Each value is sealed with AES-256-GCM under a key of its own file (never in the
// database, never in a backup). The key's id stands in every ciphertext, so that keys can rotate;
// the associated data names the row and column, so that a ciphertext cannot be moved to another. Texts that
// come back to us through others are signed with the same keys.
//
// Key file: one key per line, "ID HEX" with 32 bytes as 64 hex digits; the last line seals, all open. It may
// be changed while the program runs (`guildhall keys rotate`).
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace guildhall {

/// Copies are the same keys; safe to use from any thread.
class Secrets {
 public:
  /// Reads the key file. Error `configuration` (exit code 78) when it is missing, empty, readable by
  /// others than its owner, or holds a malformed or short key; the message names file and line.
  static Result<Secrets> load(const std::filesystem::path& key_file);
  /// Makes a key file with one fresh key, readable by its owner alone. Refuses to replace a file.
  static Result<void> create(const std::filesystem::path& key_file);

  /// Adds a fresh key, which seals and signs from now on, or takes one away. The file is replaced as a whole,
  /// so that nobody ever reads half of it. Errors: `configuration` as of `load`, or it cannot be written;
  /// `other_instance`: somebody else changes it just now; of
  /// `remove` besides `not_found`, and `refused_by_guard` for the one that seals.
  static Result<std::string> add_key(const std::filesystem::path& key_file);
  static Result<void> remove_key(const std::filesystem::path& key_file, std::string_view id);

  /// Looks whether the file has changed, and takes over what it holds now; keys that it lacks are forgotten.
  /// A file that cannot be read changes nothing: error as of `load`.
  Result<void> refresh() const;

  /// The oldest first; the last seals.
  std::vector<std::string> key_ids() const;
  /// The id of the key that a ciphertext needs; empty: it is none.
  static std::string key_id_of(std::string_view sealed);

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
  struct Ring {
    std::vector<std::pair<std::string, std::string>> keys;  // id, key; the last seals
    const std::string* find(std::string_view id) const;
  };
  struct Holder {
    std::filesystem::path file;
    std::mutex mutex;
    std::shared_ptr<const Ring> ring;
    std::string state;  // of the file when it was read
  };

  static Result<Ring> read(const std::filesystem::path& key_file);
  static Result<void> write(const std::string& name, const Ring& ring);
  static bool signed_by(const Ring& keys, std::string_view text, std::string_view purpose,
                        std::string_view signature);
  std::shared_ptr<const Ring> ring() const;

  std::shared_ptr<Holder> holder_ = std::make_shared<Holder>();
};

/// What a sealed column of a platform account is bound to.
std::string token_context(std::string_view platform, std::string_view platform_user_id,
                          std::string_view column);

}  // namespace guildhall
