#include "bot/kick_accounts.h"

#include "base/log.h"

namespace guildhall::bot {
namespace {

/// What a viewer comes back for: never for a channel, or to sign in.
constexpr const char* kPurpose = "kick.account";

/// Each call bears the token of somebody else. Refusals were seen from 690 a minute on.
constexpr double kCallsPerMinute = 600;

}  // namespace

KickAccounts::KickAccounts(const Config& config, OAuthStates& states, kick::Client::Send send)
    : config_(config),
      states_(states),
      client_({config.kick_oauth_url, config.kick_api_url, config.kick_client_id, config.kick_client_secret,
               kCallsPerMinute},
              std::move(send)) {}

std::string kick_callback(const Config& config) { return config.public_url() + "/auth/kick/callback"; }

Task<std::string> KickAccounts::begin(std::string browser_hash, ServerId server, std::string back_to) {
  OAuthStates::Intent intent{kPurpose, std::move(browser_hash), server, std::move(back_to)};
  const auto begun = co_await states_.begin(std::move(intent));
  co_return client_.authorize_url(kick_callback(config_), begun.state, begun.challenge, kick::kViewerScopes);
}

Task<std::optional<OAuthStates::Returned>> KickAccounts::returned(std::string state,
                                                                  std::string browser_hash) {
  co_return co_await states_.take(std::move(state), kPurpose, std::move(browser_hash));
}

Task<Result<kick::User>> KickAccounts::account(std::string code, std::string verifier) {
  const auto tokens =
      co_await client_.exchange_code(std::move(code), std::move(verifier), kick_callback(config_));
  if (!tokens) co_return std::unexpected(tokens.error());
  auto user = co_await client_.own_user(tokens->access_token);
  // Nothing else is asked in his name. Should Kick not hear of it: the token is kept nowhere.
  const auto revoked = co_await client_.revoke(tokens->refresh_token);
  if (!revoked)
    log::info("a viewer's token was not given back", {log::field("error", revoked.error().message)});
  co_return user;
}

}  // namespace guildhall::bot
