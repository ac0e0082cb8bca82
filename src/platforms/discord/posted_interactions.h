// Interactions that Discord posts to us instead of telling them over the gateway: to all applications that
// have registered an address. Source: developer documentation, "Receiving and Responding to Interactions".
#pragma once

#include "base/clock.h"
#include "base/crypto.h"
#include "base/error.h"
#include "net/http.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

class PostedInteractions {
 public:
  /// `clock` outlives it; `key`: the application's.
  PostedInteractions(const Clock& clock, Ed25519PublicKey key) : clock_(clock), key_(std::move(key)) {}

  /// Nothing of the body is looked at before its signature is known to be right: Discord posts wrong ones on
  /// purpose, and takes the address away where one is believed. Of a ping the type alone is read. Errors:
  /// `unauthenticated` (signature missing or wrong, older or newer than five minutes), `invalid` (no
  /// interaction).
  Result<Interaction> read(const net::HttpRequest& request) const;

 private:
  Result<void> verify(const net::HttpRequest& request) const;

  const Clock& clock_;
  Ed25519PublicKey key_;
};

}  // namespace guildhall::discord
