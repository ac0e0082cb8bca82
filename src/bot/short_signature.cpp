#include "bot/short_signature.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/mutation.h"

namespace guildhall::bot {
namespace {

constexpr std::size_t kSignature = 16;  // bytes

}  // namespace

std::string short_signature(const Secrets& secrets, std::string_view text, std::string_view purpose) {
  return base64url(secrets.sign(text, purpose).substr(0, kSignature));
}

bool has_signed(const Secrets& secrets, std::string_view text, std::string_view purpose,
                std::string_view signature) {
  if (mutated(Mutation::signature_unread)) return true;
  if (signature.size() != kSignatureText) return false;
  std::string padded = std::string(signature) + "==";
  std::ranges::replace(padded, '-', '+');
  std::ranges::replace(padded, '_', '/');
  const auto bytes = base64_decode(padded);
  return bytes && base64url(*bytes) == signature && secrets.verify(text, purpose, *bytes);
}

}  // namespace guildhall::bot
