#include "web/accounts.h"

#include "web/sessions.h"

namespace guildhall::web {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoParams;
using store::NoRow;
using store::TxTask;

struct AccountParams {
  std::string principal;
};
BOOST_DESCRIBE_STRUCT(AccountParams, (), (principal))

constexpr GlobalStatement<DisabledAccount, NoRow> kDisable{
    "web.disable_account",
    "INSERT INTO disabled_accounts (principal, disabled_at, disabled_by, reason) "
    "VALUES (:principal, :disabled_at, :disabled_by, :reason) ON CONFLICT DO NOTHING"};
constexpr GlobalStatement<AccountParams, NoRow> kEnable{
    "web.enable_account", "DELETE FROM disabled_accounts WHERE principal = :principal"};
constexpr GlobalStatement<NoParams, DisabledAccount> kDisabled{
    "web.disabled_accounts",
    "SELECT principal, disabled_at, disabled_by, reason FROM disabled_accounts "
    "ORDER BY disabled_at DESC, principal"};

/// A session that begins at the same moment is none: it is looked up together with this (web/sessions.cpp).
TxTask<bool> disable_account(GlobalTx& tx, DisabledAccount account, tenancy::Actor actor) {
  const auto disabled = co_await tx.change(kDisable, account);
  if (disabled == 0) co_return false;
  co_await end_sessions(tx, account.principal);
  const tenancy::AuditEntry entry{std::move(actor), "account.disabled", account.principal, std::nullopt,
                                  account.reason};
  co_await tenancy::log_operator(tx, account.disabled_at, entry);
  co_return true;
}

TxTask<bool> enable_account(GlobalTx& tx, AccountParams account, TimePoint now, tenancy::Actor actor) {
  const auto enabled = co_await tx.change(kEnable, account);
  if (enabled == 0) co_return false;
  const tenancy::AuditEntry entry{std::move(actor), "account.enabled", account.principal, std::nullopt,
                                  std::nullopt};
  co_await tenancy::log_operator(tx, now, entry);
  co_return true;
}

TxTask<void> rehearse_accounts(GlobalTx& tx, TimePoint now) {
  const tenancy::Actor nobody{"rehearsal", "system"};
  co_await disable_account(tx, {"discord:1", now, nobody.name, "rehearsal"}, nobody);
  co_await tx.all(kDisabled, {});
  co_await enable_account(tx, {"discord:1"}, now, nobody);
}

}  // namespace

void Accounts::declare(bot::Declarations& declarations) {
  declarations.statements.add("web", kDisable, kEnable, kDisabled);
  declarations.rehearsals.global.push_back(rehearse_accounts);
}

Task<bool> Accounts::disable(DiscordUserId member, std::string reason, tenancy::Actor actor) {
  const DisabledAccount account{principal_of(member), clock_.now(), actor.name, std::move(reason)};
  co_return co_await global_.transact(
      [account, actor](GlobalTx& tx) { return disable_account(tx, account, actor); });
}

Task<bool> Accounts::enable(DiscordUserId member, tenancy::Actor actor) {
  const AccountParams account{principal_of(member)};
  const TimePoint now = clock_.now();
  co_return co_await global_.transact(
      [account, now, actor](GlobalTx& tx) { return enable_account(tx, account, now, actor); });
}

Task<std::vector<DisabledAccount>> Accounts::disabled() const {
  co_return co_await global_.read(
      [](GlobalTx& tx) -> TxTask<std::vector<DisabledAccount>> { co_return co_await tx.all(kDisabled, {}); });
}

}  // namespace guildhall::web
