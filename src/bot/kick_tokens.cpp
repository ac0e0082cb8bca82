#include "bot/kick_tokens.h"

#include "base/log.h"
#include "net/loops.h"
#include "store/database_error.h"

namespace guildhall::bot {
namespace {

using tenancy::ChannelGrant;
using tenancy::ChannelKey;

/// A token with less than this left is renewed before it is used; one with less than the other is not used.
constexpr Duration kRenewBefore = std::chrono::minutes(30);
constexpr Duration kBarely = std::chrono::minutes(1);
/// Without use.
constexpr Duration kRenewAfter = std::chrono::hours(20);
/// Kick's own limit, as users found it (KickDevDocs #397).
constexpr Duration kRefreshLife = std::chrono::hours(24 * 30);
/// Who may ask for the next pair has so long for it; when it dies, another may then.
constexpr Duration kRenewal = std::chrono::seconds(30);
/// For somebody else's renewal.
constexpr std::chrono::milliseconds kLookAgain{200};
constexpr int kLooks = 50;
constexpr int kTriesToKeep = 5;
constexpr std::chrono::seconds kBetweenTries{1};

constexpr const char* kAccess = "access_token";
constexpr const char* kRefresh = "refresh_token";

std::string context_of(const ChannelKey& channel, std::string_view column) {
  return token_context(channel.platform, channel.platform_user_id, column);
}

std::unexpected<Error> not_connected() {
  return fail(ErrorCode::unauthenticated, "the streamer has to connect the channel",
              "The button \"Connect Kick\" is on the server's page of the dashboard.");
}

/// Told, or nothing that Kick knows.
bool is_told(const Result<void>& told) {
  if (told) return true;
  const ErrorCode code = told.error().code;
  return code == ErrorCode::refused_by_guard || code == ErrorCode::not_found ||
         code == ErrorCode::unauthenticated;
}

bool holds(const std::optional<ChannelGrant>& grant) {
  return grant && grant->grant_end.empty() && grant->access_token && grant->refresh_token;
}

}  // namespace

KickTokens::KickTokens(kick::Client& client, tenancy::ChannelGrants& grants, const Secrets& secrets,
                       const Clock& clock, Metrics& metrics, std::function<void(ChannelKey)> ended)
    : client_(client),
      grants_(grants),
      secrets_(secrets),
      clock_(clock),
      ended_(std::move(ended)),
      renewed_(metrics.counter("guildhall_kick_tokens_renewed_total", "Pairs of tokens that Kick renewed.")),
      refused_(metrics.counter("guildhall_kick_tokens_refused_total",
                               "Grants of streamers that Kick takes no more.")) {}

tenancy::SealedTokens KickTokens::seal(const ChannelKey& channel, const kick::Tokens& tokens) const {
  return {store::Blob{secrets_.seal(tokens.access_token, context_of(channel, kAccess))},
          store::Blob{secrets_.seal(tokens.refresh_token, context_of(channel, kRefresh))},
          clock_.now() + tokens.expires_in};
}

Result<std::string> KickTokens::open(const ChannelGrant& grant, bool access) const {
  const auto& sealed = access ? grant.access_token : grant.refresh_token;
  return secrets_.open(sealed->bytes, context_of(grant.key(), access ? kAccess : kRefresh));
}

bool KickTokens::is_good(const ChannelGrant& grant, Duration at_least) const {
  return grant.token_expires_at && *grant.token_expires_at - at_least > clock_.now();
}

Task<Result<std::string>> KickTokens::access(ChannelKey channel, std::string refused) {
  for (int look = 0; look < kLooks; ++look) {
    const auto grant = co_await grants_.of(channel);
    if (!holds(grant)) co_return not_connected();
    const auto present = open(*grant, true);
    if (!present) co_return std::unexpected(present.error());
    const bool usable = *present != refused;
    if (usable && is_good(*grant, kRenewBefore)) co_return *present;
    const TimePoint now = clock_.now();
    const bool ours = co_await grants_.begin_renewal(channel, grant->token_version, now, now + kRenewal);
    if (ours) {
      const auto fresh = co_await renew(*grant);
      if (fresh && *fresh) co_return **fresh;
      if (!fresh && !(usable && is_good(*grant, kBarely))) co_return std::unexpected(fresh.error());
    }
    // Somebody is at it, or could not do it just now: the present one will do.
    if (usable && is_good(*grant, kBarely)) co_return *present;
    co_await net::sleep_for(kLookAgain);
  }
  co_return fail(ErrorCode::unavailable, "the channel's token is being renewed");
}

Task<bool> KickTokens::are_good(ChannelKey channel) {
  const auto grant = co_await grants_.of(channel);
  if (!holds(grant)) co_return false;
  const TimePoint now = clock_.now();
  const bool ours = co_await grants_.begin_renewal(channel, grant->token_version, now, now + kRenewal);
  if (!ours) co_return true;  // somebody is at it
  const auto fresh = co_await renew(*grant);
  co_return fresh || fresh.error().code != ErrorCode::unauthenticated;
}

Task<Result<std::optional<std::string>>> KickTokens::renew(ChannelGrant grant) {
  const auto refresh = open(grant, false);
  if (!refresh) {
    co_await grants_.give_up_renewal(grant.key(), grant.token_version);
    co_return std::unexpected(refresh.error());
  }
  const auto tokens = co_await client_.refresh(*refresh);
  if (tokens) {
    const bool kept = co_await keep(grant, seal(grant.key(), *tokens));
    if (!kept) {
      co_await give_back(grant.key(), *tokens);
      co_return std::optional<std::string>{};
    }
    renewed_.add();
    co_return std::optional(tokens->access_token);
  }
  if (tokens.error().code == ErrorCode::unauthenticated) {
    co_await note_refusal(grant);
    co_return not_connected();
  }
  co_await grants_.give_up_renewal(grant.key(), grant.token_version);
  co_return std::unexpected(tokens.error());
}

/// The owner may have withdrawn his consent while Kick gave a new pair for it; of that pair nobody knows.
/// Where the grant holds, another pair of the same consent is in use.
Task<void> KickTokens::give_back(ChannelKey channel, kick::Tokens tokens) {
  const auto grant = co_await grants_.of(channel);
  if (holds(grant)) co_return;
  const auto told = co_await client_.revoke(tokens.refresh_token);
  if (!told)
    log::warning(
        "kick is not told that a pair of tokens is of no use",
        {log::field("channel", channel.platform_user_id), log::field("error", told.error().message)});
}

/// Kick may take the pair before no more, so a database that stumbles is tried again.
Task<bool> KickTokens::keep(const ChannelGrant& grant, tenancy::SealedTokens tokens) {
  for (int attempt = 1;; ++attempt) {
    try {
      co_return co_await grants_.renewed(grant.key(), grant.token_version, tokens, clock_.now());
    } catch (const store::DatabaseError& error) {
      if (attempt == kTriesToKeep) throw;
      log::warning("renewed tokens are not kept yet",
                   {log::field("channel", grant.platform_user_id), log::field("error", error.what())});
    }
    co_await net::sleep_for(kBetweenTries);
  }
}

Task<void> KickTokens::note_refusal(const ChannelGrant& grant) {
  const bool too_old = clock_.now() - grant.token_renewed_at >= kRefreshLife;
  co_await grants_.ended(grant.key(), grant.token_version, too_old ? tenancy::kRanOut : tenancy::kRevoked,
                         clock_.now());
  refused_.add();
  log::warning("kick takes a channel's tokens no more", {log::field("channel", grant.platform_user_id)});
  ended_(grant.key());
}

Task<void> KickTokens::renew_idle() {
  const auto grants = co_await grants_.list();
  for (const ChannelGrant& grant : grants) {
    if (!holds(grant) || clock_.now() - grant.token_renewed_at < kRenewAfter) continue;
    std::string trouble;
    try {
      co_await renew_idle_one(grant);
    } catch (const store::DatabaseError& error) {
      trouble = error.what();
    }
    if (!trouble.empty())
      log::error("a channel's tokens are not renewed",
                 {log::field("channel", grant.platform_user_id), log::field("error", trouble)});
  }
}

Task<void> KickTokens::renew_idle_one(const ChannelGrant& grant) {
  const TimePoint now = clock_.now();
  const bool ours = co_await grants_.begin_renewal(grant.key(), grant.token_version, now, now + kRenewal);
  if (!ours) co_return;
  const auto fresh = co_await renew(grant);
  if (!fresh)
    log::warning("a channel's tokens are not renewed",
                 {log::field("channel", grant.platform_user_id), log::field("error", fresh.error().message)});
}

/// What cannot be read, or what Kick does not know, is done with too.
Task<void> KickTokens::end_withdrawn() {
  const auto grants = co_await grants_.list();
  for (const ChannelGrant& grant : grants) {
    if (grant.grant_end != tenancy::kWithdrawn) continue;
    if (grant.refresh_token) {
      const auto refresh = open(grant, false);
      const auto told = refresh ? co_await client_.revoke(*refresh) : Result<void>{};
      if (!is_told(told)) {
        log::warning(
            "kick is not told yet that a consent is withdrawn",
            {log::field("channel", grant.platform_user_id), log::field("error", told.error().message)});
        continue;
      }
    }
    co_await grants_.forget(grant.key(), grant.token_version);
    log::info("a channel's consent is withdrawn", {log::field("channel", grant.platform_user_id)});
  }
}

}  // namespace guildhall::bot
