#include "net/oauth.h"

#include "base/crypto.h"

namespace guildhall::net {

std::string random_token() { return base64url(random_bytes(32)); }

std::string make_pkce_verifier() { return random_token(); }

std::string pkce_challenge(std::string_view verifier) { return base64url(sha256(verifier)); }

}  // namespace guildhall::net
