// What streamers have granted: who connected a channel, with which tokens, and which servers it may feed. A
// channel is one owner's; whoever else proves to have the same account is refused while that grant holds. The
// platform is asked elsewhere (bot/kick_tokens.h); here one statement decides each time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "tenancy/channels.h"
#include "tenancy/scope.h"

namespace guildhall::tenancy {

/// A channel's tokens as they lie in the database: sealed (base/secrets.h).
struct SealedTokens {
  std::optional<store::Blob> access_token;
  std::optional<store::Blob> refresh_token;
  std::optional<TimePoint> token_expires_at;
};

/// Why a grant is of no use.
inline constexpr const char* kRanOut = "ran_out";   // nobody used it for too long
inline constexpr const char* kRevoked = "revoked";  // taken back at the platform
inline constexpr const char* kWithdrawn =
    "withdrawn";  // taken back here, and the platform is still to be told

struct ChannelGrant {
  std::string platform;
  std::string platform_user_id;
  std::string slug;
  std::string name;
  std::string grant_owner;  // a session's principal; empty: from before that was noted
  std::string grant_scopes;
  std::optional<TimePoint> granted_at;
  std::string grant_end;  // empty, or why it is of no use
  std::optional<store::Blob> access_token;
  std::optional<store::Blob> refresh_token;
  std::optional<TimePoint> token_expires_at;
  std::int64_t token_version = 0;
  TimePoint token_renewed_at;
  ChannelKey key() const { return {platform, platform_user_id}; }
};
BOOST_DESCRIBE_STRUCT(ChannelGrant, (),
                      (platform, platform_user_id, slug, name, grant_owner, grant_scopes, granted_at,
                       grant_end, access_token, refresh_token, token_expires_at, token_version,
                       token_renewed_at))

/// Who acts on a grant: the principal of a session, and whether it is the operator's, whom no owner stops.
struct Granter {
  std::string principal;
  bool is_operator = false;
};

/// One sealed value of a channel, wherever its server is.
struct SealedValue {
  ChannelKey channel;
  std::string column;  // access_token, refresh_token
  store::Blob sealed;
};

class ChannelGrants {
 public:
  /// `channels` shows what is changed here, and outlives this.
  ChannelGrants(GlobalScope global, ChannelDirectory& channels) : global_(global), channels_(&channels) {}

  static void declare(store::StatementRegistry& statements);

  /// What there is; nothing where a channel was never connected.
  Task<std::optional<ChannelGrant>> of(ChannelKey channel) const;
  /// Of the channels that the directory shows.
  Task<std::vector<ChannelGrant>> list() const;

  /// The owner of a known channel consents that the server listens to it, instead of another. False, and
  /// nothing is changed: the channel is another person's. The operator's consent leaves it to whose it is.
  /// What another person consented to before ends.
  Task<bool> grant(ChannelKey channel, Granter by, std::string scopes, SealedTokens tokens, ServerId server,
                   TimePoint now);

  /// May the caller ask for tokens in place of those of that version? Nobody else may until then.
  Task<bool> begin_renewal(ChannelKey channel, std::int64_t version, TimePoint now, TimePoint until);
  /// It could not be done; others may try.
  Task<void> give_up_renewal(ChannelKey channel, std::int64_t version);
  /// The new pair. False: there is another grant by now.
  Task<bool> renewed(ChannelKey channel, std::int64_t version, SealedTokens tokens, TimePoint now);
  /// The platform takes the tokens of that version no more.
  Task<void> ended(ChannelKey channel, std::int64_t version, std::string why, TimePoint now);

  /// What was revoked at the platform feeds no server any more. False: it did not, or is granted anew.
  Task<bool> unbind_revoked(ChannelKey channel);

  /// Servers are told of the grant's state now, by the caller alone. False: somebody has told them since
  /// `before`.
  Task<bool> begin_notice(ChannelKey channel, TimePoint now, TimePoint before);

  /// The owner takes everything back: no server listens any more. False: it is not his. The tokens stay until
  /// the platform knows (`forget`).
  Task<bool> withdraw(ChannelKey channel, Granter by, TimePoint now);
  /// The owner takes it back for one server. False: it is not his, or that server does not listen.
  Task<bool> withdraw_from(ChannelKey channel, Granter by, ServerId server);
  /// The platform knows: nothing of the withdrawn grant is kept.
  Task<void> forget(ChannelKey channel, std::int64_t version);

  /// All that is sealed with the keys of base/secrets.h.
  Task<std::vector<SealedValue>> sealed_values() const;
  /// The same value under another key. False: it is another one by now.
  Task<bool> reseal(SealedValue value, store::Blob resealed);

 private:
  Task<std::vector<ChannelGrant>> read_all() const;

  GlobalScope global_;
  ChannelDirectory* channels_;
};

}  // namespace guildhall::tenancy
