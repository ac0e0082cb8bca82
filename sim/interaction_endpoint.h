// The address at which an application takes its interactions, instead of from the gateway. As with the real
// Discord it is tried before it counts, with a ping and with a wrong signature, and now and then again: one
// that believes what is not signed is dropped.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "net/http_client.h"
#include "sim/signing.h"
#include "sim/stage.h"

namespace guildhall::sim {

class InteractionEndpoint {
 public:
  explicit InteractionEndpoint(Stage& stage);

  /// Derived from the seed; 64 hex digits.
  std::string public_key() const { return key_.public_hex(); }
  /// Tries the address; empty: none from now on.
  void set(std::string url);
  /// It has passed, and everything goes there.
  bool counts() const { return state_ == State::accepted; }
  /// {url, state: none, trying, accepted or refused, reason}
  json::Object describe() const;

  struct Reply {
    int status = 0;  // 0: there was none
    json::Value body = nullptr;
  };
  Task<Reply> post(std::string body);

 private:
  enum class State { none, trying, accepted, refused };

  Task<void> try_out(std::string url);
  /// What speaks against the address; empty: nothing.
  Task<std::string> objection(std::string url);
  Task<bool> refuses_forged(std::string url);
  Task<Reply> send(std::string url, std::string body, bool forged);
  json::Object ping();

  Stage& stage_;
  Ed25519Key key_;
  net::HttpClient client_;
  std::string url_;
  State state_ = State::none;
  std::string reason_;
  std::size_t posted_ = 0;
};

}  // namespace guildhall::sim
