// 128 bits of HMAC-SHA256 in base64url, for texts that come back to us through others and have little room.
#pragma once

#include <string>
#include <string_view>

#include "base/secrets.h"

namespace guildhall::bot {

inline constexpr std::size_t kSignatureText = 22;  // characters

/// What is signed for one purpose is worth nothing for another.
std::string short_signature(const Secrets& secrets, std::string_view text, std::string_view purpose);
/// Only as we write it: other spellings of the same bytes are none of ours.
bool has_signed(const Secrets& secrets, std::string_view text, std::string_view purpose,
                std::string_view signature);

}  // namespace guildhall::bot
