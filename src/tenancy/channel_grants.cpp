#include "tenancy/channel_grants.h"

#include "base/mutation.h"

namespace guildhall::tenancy {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoParams;
using store::NoRow;
using store::TxTask;

constexpr const char* kAccessToken = "access_token";
constexpr const char* kRefreshToken = "refresh_token";

struct ChannelParams {
  std::string platform;
  std::string user;
};
BOOST_DESCRIBE_STRUCT(ChannelParams, (), (platform, user))

struct GrantParams {
  std::string platform;
  std::string user;
  std::string owner;
  std::int64_t as_operator;
  std::string scopes;
  std::optional<store::Blob> access;
  std::optional<store::Blob> refresh;
  std::optional<TimePoint> expires;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(GrantParams, (),
                      (platform, user, owner, as_operator, scopes, access, refresh, expires, now))

struct OwnerParams {
  std::string platform;
  std::string user;
  std::string owner;
};
BOOST_DESCRIBE_STRUCT(OwnerParams, (), (platform, user, owner))

struct BindParams {
  std::string platform;
  std::string user;
  ServerId bound;
  std::string by;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(BindParams, (), (platform, user, bound, by, now))

struct ServerParams {
  std::string platform;
  ServerId bound;
};
BOOST_DESCRIBE_STRUCT(ServerParams, (), (platform, bound))

struct RenewalParams {
  std::string platform;
  std::string user;
  std::int64_t version;
  TimePoint now;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(RenewalParams, (), (platform, user, version, now, until))

struct VersionParams {
  std::string platform;
  std::string user;
  std::int64_t version;
};
BOOST_DESCRIBE_STRUCT(VersionParams, (), (platform, user, version))

struct RenewedParams {
  std::string platform;
  std::string user;
  std::int64_t version;
  std::optional<store::Blob> access;
  std::optional<store::Blob> refresh;
  std::optional<TimePoint> expires;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(RenewedParams, (), (platform, user, version, access, refresh, expires, now))

struct EndedParams {
  std::string platform;
  std::string user;
  std::int64_t version;
  std::string why;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(EndedParams, (), (platform, user, version, why, now))

struct NoticeParams {
  std::string platform;
  std::string user;
  TimePoint now;
  TimePoint before;
};
BOOST_DESCRIBE_STRUCT(NoticeParams, (), (platform, user, now, before))

struct WithdrawParams {
  std::string platform;
  std::string user;
  std::string owner;
  std::int64_t as_operator;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(WithdrawParams, (), (platform, user, owner, as_operator, now))

struct WithdrawFromParams {
  std::string platform;
  std::string user;
  std::string owner;
  std::int64_t as_operator;
  ServerId bound;
};
BOOST_DESCRIBE_STRUCT(WithdrawFromParams, (), (platform, user, owner, as_operator, bound))

struct ResealParams {
  std::string platform;
  std::string user;
  store::Blob before;
  store::Blob after;
};
BOOST_DESCRIBE_STRUCT(ResealParams, (), (platform, user, before, after))

/// What an older program left has no word for why it ended, nor when it was renewed: about when it expires.
constexpr GlobalStatement<ChannelParams, ChannelGrant> kOne{
    "grants.one",
    "SELECT platform, platform_user_id, slug, name, grant_owner, grant_scopes, granted_at, "
    "CASE WHEN token_state = 'needs_reauth' AND grant_end = '' THEN 'ran_out' ELSE grant_end END AS "
    "grant_end, access_token, refresh_token, token_expires_at, token_version, "
    "CASE WHEN token_renewed_at = 0 THEN COALESCE(token_expires_at, 0) ELSE token_renewed_at END AS "
    "token_renewed_at FROM channels "
    "WHERE platform = :platform AND platform_user_id = :user AND token_state <> 'none'"};

constexpr GlobalStatement<NoParams, ChannelGrant> kAll{
    "grants.all",
    "SELECT platform, platform_user_id, slug, name, grant_owner, grant_scopes, granted_at, "
    "CASE WHEN token_state = 'needs_reauth' AND grant_end = '' THEN 'ran_out' ELSE grant_end END AS "
    "grant_end, access_token, refresh_token, token_expires_at, token_version, "
    "CASE WHEN token_renewed_at = 0 THEN COALESCE(token_expires_at, 0) ELSE token_renewed_at END AS "
    "token_renewed_at FROM channels "
    "WHERE token_state <> 'none' ORDER BY platform, platform_user_id"};

/// A grant that holds and has an owner is nobody else's. One that the operator's own session made is the
/// first person's who comes with the same account.
constexpr GlobalStatement<GrantParams, NoRow> kGrant{
    "grants.grant",
    "UPDATE channels SET grant_owner = CASE WHEN :as_operator = 1 AND token_state = 'connected' AND "
    "grant_owner "
    "<> '' THEN grant_owner ELSE :owner END, grant_scopes = :scopes, granted_at = :now, grant_end = '', "
    "grant_told_at = NULL, access_token = :access, refresh_token = :refresh, token_expires_at = :expires, "
    "token_state = 'connected', token_version = token_version + 1, token_renewing_until = 0, "
    "token_renewed_at = :now, updated_at = :now "
    "WHERE platform = :platform AND platform_user_id = :user AND (:as_operator = 1 OR "
    "token_state <> 'connected' OR grant_owner = :owner OR substr(grant_owner, 1, 8) <> 'discord:')"};

/// Of former owners; not of the operator, nor from before anybody was asked.
constexpr GlobalStatement<OwnerParams, NoRow> kUnbindStrangers{
    "grants.unbind_strangers",
    "DELETE FROM channel_bindings WHERE platform = :platform AND platform_user_id = :user "
    "AND substr(consented_by, 1, 8) = 'discord:' AND consented_by <> :owner"};

constexpr GlobalStatement<ServerParams, NoRow> kLeave{
    "grants.leave_channel",
    "DELETE FROM channel_bindings WHERE platform = :platform AND bound_server_id = :bound"};

constexpr GlobalStatement<BindParams, NoRow> kBind{
    "grants.bind",
    "INSERT INTO channel_bindings (platform, platform_user_id, bound_server_id, consented_by, consented_at) "
    "VALUES (:platform, :user, :bound, :by, :now)"};

constexpr GlobalStatement<RenewalParams, NoRow> kBeginRenewal{
    "grants.begin_renewal",
    "UPDATE channels SET token_renewing_until = :until WHERE platform = :platform AND platform_user_id = "
    ":user "
    "AND token_version = :version AND token_state = 'connected' AND token_renewing_until <= :now"};

constexpr GlobalStatement<VersionParams, NoRow> kGiveUpRenewal{
    "grants.give_up_renewal",
    "UPDATE channels SET token_renewing_until = 0 WHERE platform = :platform AND platform_user_id = :user "
    "AND token_version = :version"};

constexpr GlobalStatement<RenewedParams, NoRow> kRenewed{
    "grants.renewed",
    "UPDATE channels SET access_token = :access, refresh_token = :refresh, token_expires_at = :expires, "
    "token_version = token_version + 1, token_renewing_until = 0, token_renewed_at = :now "
    "WHERE platform = :platform AND platform_user_id = :user AND token_version = :version "
    "AND token_state = 'connected'"};

constexpr GlobalStatement<EndedParams, NoRow> kEnded{
    "grants.ended",
    "UPDATE channels SET token_state = 'needs_reauth', grant_end = :why, grant_told_at = NULL, "
    "token_renewing_until = 0, updated_at = :now WHERE platform = :platform AND platform_user_id = :user "
    "AND token_version = :version AND token_state = 'connected'"};

constexpr GlobalStatement<ChannelParams, NoRow> kUnbindRevoked{
    "grants.unbind_revoked",
    "DELETE FROM channel_bindings WHERE platform = :platform AND platform_user_id = :user "
    "AND EXISTS (SELECT 1 FROM channels c WHERE c.platform = channel_bindings.platform "
    "AND c.platform_user_id = channel_bindings.platform_user_id AND c.grant_end = 'revoked')"};

constexpr GlobalStatement<NoticeParams, NoRow> kBeginNotice{
    "grants.begin_notice",
    "UPDATE channels SET grant_told_at = :now WHERE platform = :platform AND platform_user_id = :user "
    "AND (grant_told_at IS NULL OR grant_told_at <= :before)"};

constexpr GlobalStatement<WithdrawParams, NoRow> kWithdraw{
    "grants.withdraw",
    "UPDATE channels SET token_state = 'needs_reauth', grant_end = 'withdrawn', updated_at = :now "
    "WHERE platform = :platform AND platform_user_id = :user AND token_state <> 'none' "
    "AND (:as_operator = 1 OR grant_owner = :owner)"};

constexpr GlobalStatement<ChannelParams, NoRow> kUnbindAll{
    "grants.unbind_all",
    "DELETE FROM channel_bindings WHERE platform = :platform AND platform_user_id = :user"};

constexpr GlobalStatement<WithdrawFromParams, NoRow> kWithdrawFrom{
    "grants.withdraw_from",
    "DELETE FROM channel_bindings WHERE platform = :platform AND platform_user_id = :user "
    "AND bound_server_id = :bound AND EXISTS (SELECT 1 FROM channels c "
    "WHERE c.platform = channel_bindings.platform AND c.platform_user_id = channel_bindings.platform_user_id "
    "AND (:as_operator = 1 OR c.grant_owner = :owner))"};

constexpr GlobalStatement<VersionParams, NoRow> kForgetGrant{
    "grants.forget",
    "UPDATE channels SET token_state = 'none', grant_end = '', grant_owner = '', grant_scopes = '', "
    "granted_at = NULL, grant_told_at = NULL, access_token = NULL, refresh_token = NULL, "
    "token_expires_at = NULL WHERE platform = :platform AND platform_user_id = :user "
    "AND token_version = :version AND grant_end = 'withdrawn'"};

/// Not what a renewal has brought meanwhile.
constexpr GlobalStatement<ResealParams, NoRow> kResealAccess{
    "grants.reseal_access_token",
    "UPDATE channels SET access_token = :after "
    "WHERE platform = :platform AND platform_user_id = :user AND access_token = :before"};
constexpr GlobalStatement<ResealParams, NoRow> kResealRefresh{
    "grants.reseal_refresh_token",
    "UPDATE channels SET refresh_token = :after "
    "WHERE platform = :platform AND platform_user_id = :user AND refresh_token = :before"};

std::int64_t flag(bool set) { return set ? 1 : 0; }

TxTask<bool> put_grant(GlobalTx& tx, GrantParams grant, ServerId server) {
  const auto granted = co_await tx.change(kGrant, grant);
  if (granted == 0) co_return false;
  if (grant.as_operator == 0) co_await tx.change(kUnbindStrangers, {grant.platform, grant.user, grant.owner});
  co_await tx.change(kLeave, {grant.platform, server});
  co_await tx.change(kBind, {grant.platform, grant.user, server, grant.owner, grant.now});
  co_return true;
}

TxTask<bool> put_withdrawal(GlobalTx& tx, WithdrawParams withdrawal) {
  const auto withdrawn = co_await tx.change(kWithdraw, withdrawal);
  if (withdrawn == 0) co_return false;
  co_await tx.change(kUnbindAll, {withdrawal.platform, withdrawal.user});
  co_return true;
}

}  // namespace

void ChannelGrants::declare(store::StatementRegistry& statements) {
  statements.add("grants", kOne, kAll, kGrant, kUnbindStrangers, kLeave, kBind, kBeginRenewal, kGiveUpRenewal,
                 kRenewed, kEnded, kUnbindRevoked, kBeginNotice, kWithdraw, kUnbindAll, kWithdrawFrom,
                 kForgetGrant, kResealAccess, kResealRefresh);
}

Task<std::optional<ChannelGrant>> ChannelGrants::of(ChannelKey channel) const {
  const ChannelParams params{std::move(channel.platform), std::move(channel.platform_user_id)};
  co_return co_await global_.read([params](GlobalTx& tx) -> TxTask<std::optional<ChannelGrant>> {
    co_return co_await tx.one(kOne, params);
  });
}

Task<std::vector<ChannelGrant>> ChannelGrants::list() const {
  auto grants = co_await read_all();
  std::erase_if(grants, [this](const ChannelGrant& grant) { return !channels_->find(grant.key()); });
  co_return grants;
}

Task<std::vector<ChannelGrant>> ChannelGrants::read_all() const {
  co_return co_await global_.read(
      [](GlobalTx& tx) -> TxTask<std::vector<ChannelGrant>> { co_return co_await tx.all(kAll); });
}

Task<bool> ChannelGrants::grant(ChannelKey channel, Granter by, std::string scopes, SealedTokens tokens,
                                ServerId server, TimePoint now) {
  const GrantParams params{channel.platform,
                           channel.platform_user_id,
                           std::move(by.principal),
                           flag(by.is_operator || mutated(Mutation::owner_unread)),
                           std::move(scopes),
                           std::move(tokens.access_token),
                           std::move(tokens.refresh_token),
                           tokens.token_expires_at,
                           now};
  const bool granted =
      co_await global_.transact([params, server](GlobalTx& tx) { return put_grant(tx, params, server); });
  if (granted) co_await channels_->load();
  co_return granted;
}

Task<bool> ChannelGrants::begin_renewal(ChannelKey channel, std::int64_t version, TimePoint now,
                                        TimePoint until) {
  const RenewalParams params{channel.platform, channel.platform_user_id, version, now, until};
  const auto begun = co_await global_.transact([params](GlobalTx& tx) -> TxTask<std::int64_t> {
    co_return co_await tx.change(kBeginRenewal, params);
  });
  co_return begun == 1;
}

Task<void> ChannelGrants::give_up_renewal(ChannelKey channel, std::int64_t version) {
  const VersionParams params{channel.platform, channel.platform_user_id, version};
  co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kGiveUpRenewal, params); });
}

Task<bool> ChannelGrants::renewed(ChannelKey channel, std::int64_t version, SealedTokens tokens,
                                  TimePoint now) {
  const RenewedParams params{channel.platform,
                             channel.platform_user_id,
                             version,
                             std::move(tokens.access_token),
                             std::move(tokens.refresh_token),
                             tokens.token_expires_at,
                             now};
  const auto stored = co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<std::int64_t> { co_return co_await tx.change(kRenewed, params); });
  if (stored == 1) co_await channels_->load();
  co_return stored == 1;
}

Task<void> ChannelGrants::ended(ChannelKey channel, std::int64_t version, std::string why, TimePoint now) {
  const EndedParams params{channel.platform, channel.platform_user_id, version, std::move(why), now};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kEnded, params); });
  co_await channels_->load();
}

Task<bool> ChannelGrants::unbind_revoked(ChannelKey channel) {
  const ChannelParams params{std::move(channel.platform), std::move(channel.platform_user_id)};
  const auto unbound = co_await global_.transact([params](GlobalTx& tx) -> TxTask<std::int64_t> {
    co_return co_await tx.change(kUnbindRevoked, params);
  });
  if (unbound > 0) co_await channels_->load();
  co_return unbound > 0;
}

Task<bool> ChannelGrants::begin_notice(ChannelKey channel, TimePoint now, TimePoint before) {
  const NoticeParams params{channel.platform, channel.platform_user_id, now, before};
  const auto begun = co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<std::int64_t> { co_return co_await tx.change(kBeginNotice, params); });
  co_return begun == 1;
}

Task<bool> ChannelGrants::withdraw(ChannelKey channel, Granter by, TimePoint now) {
  const WithdrawParams params{channel.platform, channel.platform_user_id, std::move(by.principal),
                              flag(by.is_operator), now};
  const bool withdrawn =
      co_await global_.transact([params](GlobalTx& tx) { return put_withdrawal(tx, params); });
  if (withdrawn) co_await channels_->load();
  co_return withdrawn;
}

Task<bool> ChannelGrants::withdraw_from(ChannelKey channel, Granter by, ServerId server) {
  const WithdrawFromParams params{channel.platform, channel.platform_user_id, std::move(by.principal),
                                  flag(by.is_operator), server};
  const auto withdrawn = co_await global_.transact([params](GlobalTx& tx) -> TxTask<std::int64_t> {
    co_return co_await tx.change(kWithdrawFrom, params);
  });
  if (withdrawn == 1) co_await channels_->load();
  co_return withdrawn == 1;
}

Task<void> ChannelGrants::forget(ChannelKey channel, std::int64_t version) {
  const VersionParams params{channel.platform, channel.platform_user_id, version};
  co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kForgetGrant, params); });
  co_await channels_->load();
}

Task<std::vector<SealedValue>> ChannelGrants::sealed_values() const {
  const auto grants = co_await read_all();
  std::vector<SealedValue> values;
  for (const ChannelGrant& grant : grants) {
    if (grant.access_token) values.push_back({grant.key(), kAccessToken, *grant.access_token});
    if (grant.refresh_token) values.push_back({grant.key(), kRefreshToken, *grant.refresh_token});
  }
  co_return values;
}

Task<bool> ChannelGrants::reseal(SealedValue value, store::Blob resealed) {
  const bool access = value.column == kAccessToken;
  const ResealParams params{std::move(value.channel.platform), std::move(value.channel.platform_user_id),
                            std::move(value.sealed), std::move(resealed)};
  const std::int64_t changed =
      co_await global_.transact([params, access](GlobalTx& tx) -> TxTask<std::int64_t> {
        co_return co_await tx.change(access ? kResealAccess : kResealRefresh, params);
      });
  co_return changed == 1;
}

}  // namespace guildhall::tenancy
