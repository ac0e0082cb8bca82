#include "base/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include "base/crypto.h"
#include "base/descriptor.h"
#include "base/files.h"
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

constexpr const char* kHeading =
    "# Guildhall's keys for stored platform tokens; the last one seals. Keep a copy apart from the "
    "database.\n";

/// Differs when it is another file, or was written to. Empty: there is none.
std::string state_of(const std::filesystem::path& file) {
  struct stat info{};
  if (stat(file.c_str(), &info) != 0) return "";
  return fmt::format("{} {} {}.{}", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

std::unexpected<Error> cannot(std::string_view what, const std::string& name) {
  return fail(ErrorCode::configuration,
              fmt::format("secrets.key_file: cannot {} '{}': {}", what, name, std::strerror(errno)));
}

/// Who changes the file has it alone: of two at a time one would write over the other's key, and with it what
/// that one has sealed.
class FileLock {
 public:
  explicit FileLock(const std::string& name) : file_(::open(name.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_.number() < 0) {
      held_ = cannot("read", name);
      return;
    }
    struct stat locked{};
    struct stat named{};
    const bool free = ::flock(file_.number(), LOCK_EX | LOCK_NB) == 0;
    // While we waited it may have been replaced.
    const bool same = ::fstat(file_.number(), &locked) == 0 && ::stat(name.c_str(), &named) == 0 &&
                      locked.st_ino == named.st_ino;
    if (!free || !same)
      held_ = fail(ErrorCode::other_instance, "another program changes the key file just now",
                   "Try again in a moment.");
  }
  const Result<void>& held() const { return held_; }

 private:
  Descriptor file_;
  Result<void> held_;
};

/// Beside the file, for whom the file is: another user than ours may run the bot. Its name.
Result<std::string> write_beside(const std::string& name, std::string_view text) {
  std::string fresh = name + ".new";
  ::unlink(fresh.c_str());  // of a run that was killed
  const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.number() < 0) return cannot("create", fresh);
  struct stat old{};
  const bool given = ::stat(name.c_str(), &old) != 0 || old.st_uid == ::geteuid() ||
                     ::fchown(file.number(), old.st_uid, old.st_gid) == 0;
  if (!given) return cannot("give to its owner", fresh);
  const bool written =
      ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file.number()) == 0;
  if (!written) return cannot("write", fresh);
  return fresh;
}

/// Never one that was there before, for the newest key never goes: what was sealed with another "k2" names it
/// still.
std::string next_id(const std::vector<std::pair<std::string, std::string>>& keys) {
  std::int64_t highest = 0;
  for (const auto& [id, key] : keys) {
    if (id.starts_with('k')) highest = std::max(highest, parse_amount(id.substr(1)).value_or(0));
  }
  return fmt::format("k{}", highest + 1);
}

/// The file itself, where its name is a link.
std::string target_of(const std::filesystem::path& file) {
  std::error_code missing;
  const auto target = std::filesystem::canonical(file, missing);
  return missing ? file.string() : target.string();
}

}  // namespace

Result<Secrets::Ring> Secrets::read(const std::filesystem::path& key_file) {
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
  Ring ring;
  std::ifstream input(name);
  if (!input) return cannot("read", name);
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
    if (ring.find(words[0]) != nullptr) {
      return fail(
          ErrorCode::configuration,
          fmt::format("secrets.key_file: '{}' line {}: there are two keys '{}'", name, number, words[0]),
          "Keep the one that stored tokens were sealed with.");
    }
    ring.keys.emplace_back(words[0], *key);
  }
  if (ring.keys.empty()) {
    return fail(ErrorCode::configuration, fmt::format("secrets.key_file: '{}' holds no key", name));
  }
  return ring;
}

Result<Secrets> Secrets::load(const std::filesystem::path& key_file) {
  Secrets secrets;
  secrets.holder_->file = key_file;
  if (auto read = secrets.refresh(); !read) return std::unexpected(read.error());
  return secrets;
}

Result<void> Secrets::refresh() const {
  // Before it is read: what changes meanwhile is seen at the next look.
  const std::string state = state_of(holder_->file);
  const std::scoped_lock lock(holder_->mutex);
  if (holder_->ring && state == holder_->state) return {};
  auto ring = read(holder_->file);
  if (!ring) return std::unexpected(ring.error());
  holder_->ring = std::make_shared<const Ring>(*std::move(ring));
  holder_->state = state;
  return {};
}

std::shared_ptr<const Secrets::Ring> Secrets::ring() const {
  const std::scoped_lock lock(holder_->mutex);
  return holder_->ring;
}

const std::string* Secrets::Ring::find(std::string_view id) const {
  const auto found = std::ranges::find(keys, id, &std::pair<std::string, std::string>::first);
  return found == keys.end() ? nullptr : &found->second;
}

std::vector<std::string> Secrets::key_ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, key] : ring()->keys) ids.push_back(id);
  return ids;
}

Result<void> Secrets::write(const std::string& name, const Ring& ring) {
  std::string text(kHeading);
  for (const auto& [id, key] : ring.keys) text += fmt::format("{} {}\n", id, hex(key));
  const auto fresh = write_beside(name, text);
  if (!fresh) return std::unexpected(fresh.error());
  // Over a loss of power, too: what is sealed next needs the new key.
  const auto folder = std::filesystem::absolute(name).parent_path();
  if (std::rename(fresh->c_str(), name.c_str()) != 0 || sync_folder(folder) != 0)
    return cannot("replace", name);
  return {};
}

/// Never in place of a file, and never half.
Result<void> Secrets::create(const std::filesystem::path& key_file) {
  const std::string name = key_file.string();
  const auto fresh = write_beside(name, fmt::format("{}k1 {}\n", kHeading, hex(random_bytes(kKeyBytes))));
  if (!fresh) return std::unexpected(fresh.error());
  const int trouble = rename_to_new(*fresh, name);
  if (trouble == 0) return {};
  ::unlink(fresh->c_str());
  errno = trouble;
  return cannot("create", name);
}

Result<std::string> Secrets::add_key(const std::filesystem::path& key_file) {
  const std::string name = target_of(key_file);
  const FileLock lock(name);
  if (!lock.held()) return std::unexpected(lock.held().error());
  auto ring = read(name);
  if (!ring) return std::unexpected(ring.error());
  std::string id = next_id(ring->keys);
  ring->keys.emplace_back(id, random_bytes(kKeyBytes));
  if (auto written = write(name, *ring); !written) return std::unexpected(written.error());
  return id;
}

Result<void> Secrets::remove_key(const std::filesystem::path& key_file, std::string_view id) {
  const std::string name = target_of(key_file);
  const FileLock lock(name);
  if (!lock.held()) return lock.held();
  auto ring = read(name);
  if (!ring) return std::unexpected(ring.error());
  if (ring->find(id) == nullptr)
    return fail(ErrorCode::not_found, fmt::format("there is no key '{}'", id),
                "`guildhall keys list` shows them.");
  if (ring->keys.back().first == id)
    return fail(ErrorCode::refused_by_guard, fmt::format("'{}' is the key that seals", id),
                "`guildhall keys rotate` makes another one first.");
  std::erase_if(ring->keys, [&](const auto& one) { return one.first == id; });
  return write(name, *ring);
}

std::string Secrets::key_id_of(std::string_view sealed) {
  const auto end_of_id = sealed.find('\0');
  const bool whole = end_of_id != std::string_view::npos && sealed[0] == kVersion &&
                     sealed.size() >= end_of_id + 1 + kNonceBytes + kTagBytes;
  return whole ? std::string(sealed.substr(1, end_of_id - 1)) : "";
}

std::string Secrets::seal(std::string_view plain, std::string_view associated) const {
  const auto keys = ring();
  const auto& [id, key] = keys->keys.back();
  std::string out(1, kVersion);
  out += id;
  out += '\0';
  const std::string nonce = random_bytes(kNonceBytes);
  out += nonce;
  std::string data(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int length = 0;
  const bool sealed =
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, readable(key), readable(nonce)) == 1 &&
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
  const std::string key_id = key_id_of(sealed);
  if (key_id.empty()) return fail(ErrorCode::invalid, "not a sealed value");
  auto keys = ring();
  if (keys->find(key_id) == nullptr && refresh()) keys = ring();  // another process may have sealed it
  const std::string* key = keys->find(key_id);
  if (key == nullptr) {
    return fail(ErrorCode::configuration, fmt::format("secrets.key_file: key '{}' is missing", key_id));
  }
  const std::size_t end_of_id = 1 + key_id.size();
  const std::string_view nonce = sealed.substr(end_of_id + 1, kNonceBytes);
  const std::string_view data =
      sealed.substr(end_of_id + 1 + kNonceBytes, sealed.size() - end_of_id - 1 - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(data.size(), '\0');
  const CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int length = 0;
  const bool opened =
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, readable(*key), readable(nonce)) == 1 &&
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
  return hmac(hmac(ring()->keys.back().second, purpose), text);
}

bool Secrets::verify(std::string_view text, std::string_view purpose, std::string_view signature) const {
  if (signature.size() < kShortestSignature || signature.size() > kMacBytes) return false;
  const auto keys = ring();
  if (signed_by(*keys, text, purpose, signature)) return true;
  // Another process may have a key already that this one has not seen.
  const bool same = !refresh() || ring() == keys;
  return !same && signed_by(*ring(), text, purpose, signature);
}

bool Secrets::signed_by(const Ring& keys, std::string_view text, std::string_view purpose,
                        std::string_view signature) {
  bool signed_by_us = false;
  for (const auto& [id, key] : keys.keys) {
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
