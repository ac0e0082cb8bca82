// Signing in by Discord (OAuth 2, authorization code with PKCE): who somebody is, and which guilds he is in.
// Nothing more is asked for, and the token is forgotten at once: what he may do there is asked of Discord
// anew each time, with the bot's own token. Source: developer documentation, "OAuth2".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/task.h"
#include "net/http.h"
#include "platforms/discord/rest_sender.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

struct SignInOptions {
  std::string api_url = "https://discord.com/api";  // without the version
  std::string client_secret;
  std::string project_url;
};

/// Where that application's people say who they are; `client` is its id.
std::string sign_in_address(const SignInOptions& options, ApplicationId client, std::string_view redirect_uri,
                            std::string_view state, std::string_view challenge);

struct SignedIn {
  User user;
  std::vector<ServerId> servers;  // his guilds, at most 200
};

class SignInClient {
 public:
  SignInClient(SignInOptions options, HttpSender http)
      : options_(std::move(options)), http_(std::move(http)) {}

  /// What came back: a code, with what it was asked for by. Errors: `invalid` (the code is no good),
  /// `configuration` (Discord does not know the secret), `rate_limited`, `unavailable`, `timeout`.
  struct Proof {
    std::string code;
    std::string verifier;
    std::string redirect_uri;  // exactly the one of before
  };
  Task<Result<SignedIn>> finish(ApplicationId client, Proof proof);

 private:
  net::HttpRequest request_to(std::string_view path) const;
  Task<Result<std::string>> exchange(ApplicationId client, Proof proof);
  Task<Result<SignedIn>> read(std::string token);
  Task<Result<json::Value>> get(std::string path, std::string token);

  SignInOptions options_;
  HttpSender http_;
};

}  // namespace guildhall::discord
