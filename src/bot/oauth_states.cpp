#include "bot/oauth_states.h"

#include "base/crypto.h"
#include "base/mutation.h"
#include "net/oauth.h"

namespace guildhall::bot {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoRow;
using store::TxTask;

constexpr Duration kStateLife = std::chrono::minutes(10);

struct NewStateParams {
  std::string state_hash;
  std::string browser_hash;
  std::string verifier;
  ServerId server_id;
  std::string purpose;
  std::string back_to;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(NewStateParams, (),
                      (state_hash, browser_hash, verifier, server_id, purpose, back_to, now))

struct TakeStateParams {
  std::string state_hash;
  std::string browser_hash;
  std::string purpose;
  TimePoint oldest;
};
BOOST_DESCRIBE_STRUCT(TakeStateParams, (), (state_hash, browser_hash, purpose, oldest))

struct MoveStatesParams {
  std::string from_browser;
  std::string to_browser;
};
BOOST_DESCRIBE_STRUCT(MoveStatesParams, (), (from_browser, to_browser))

struct StateRow {
  std::string verifier;
  ServerId server_id;
  std::string back_to;
};
BOOST_DESCRIBE_STRUCT(StateRow, (), (verifier, server_id, back_to))

struct OldStatesParams {
  TimePoint oldest;
};
BOOST_DESCRIBE_STRUCT(OldStatesParams, (), (oldest))

constexpr GlobalStatement<NewStateParams, NoRow> kNewState{
    "oauth.new_state",
    "INSERT INTO oauth_states (state_hash, session_hash, verifier, server_id, purpose, back_to, created_at) "
    "VALUES (:state_hash, :browser_hash, :verifier, :server_id, :purpose, :back_to, :now)"};

/// Single use: whoever takes it has it alone.
constexpr GlobalStatement<TakeStateParams, StateRow> kTakeState{
    "oauth.take_state",
    "DELETE FROM oauth_states WHERE state_hash = :state_hash AND session_hash = :browser_hash "
    "AND purpose = :purpose AND created_at > :oldest "
    "RETURNING verifier, server_id, back_to"};

constexpr GlobalStatement<MoveStatesParams, NoRow> kMoveStates{
    "oauth.move_states",
    "UPDATE oauth_states SET session_hash = :to_browser WHERE session_hash = :from_browser"};

constexpr GlobalStatement<OldStatesParams, NoRow> kForgetStates{
    "oauth.forget_states", "DELETE FROM oauth_states WHERE created_at <= :oldest"};

/// What a state is bound to, with the faults that a test puts in.
std::string bound_browser(std::string browser_hash) {
  return mutated(Mutation::state_of_any_browser) ? "any" : std::move(browser_hash);
}
std::string bound_purpose(std::string purpose) {
  return mutated(Mutation::state_for_anything) ? "any" : std::move(purpose);
}

}  // namespace

Task<OAuthStates::Begun> OAuthStates::begin(Intent intent) {
  const std::string state = net::random_token();
  const std::string verifier = net::make_pkce_verifier();
  const TimePoint now = clock_.now();
  const NewStateParams row{hex(sha256(state)),
                           bound_browser(std::move(intent.browser_hash)),
                           verifier,
                           intent.server,
                           bound_purpose(std::move(intent.purpose)),
                           std::move(intent.back_to),
                           now};
  co_await global_.transact([row](GlobalTx& tx) -> TxTask<void> {
    co_await tx.change(kForgetStates, {row.now - kStateLife});
    co_await tx.change(kNewState, row);
  });
  co_return Begun{state, net::pkce_challenge(verifier)};
}

Task<std::optional<OAuthStates::Returned>> OAuthStates::take(std::string state, std::string purpose,
                                                             std::string browser_hash) {
  const TimePoint now = clock_.now();
  const TakeStateParams params{hex(sha256(state)), bound_browser(std::move(browser_hash)),
                               bound_purpose(std::move(purpose)), now - kStateLife};
  const auto row = co_await global_.transact([params, now](GlobalTx& tx) -> TxTask<std::optional<StateRow>> {
    auto taken = co_await tx.one(kTakeState, params);
    if (taken && mutated(Mutation::state_kept))
      co_await tx.change(kNewState, {params.state_hash, params.browser_hash, taken->verifier,
                                     taken->server_id, params.purpose, taken->back_to, now});
    co_return taken;
  });
  if (!row) co_return std::nullopt;
  co_return Returned{row->verifier, row->server_id, row->back_to};
}

TxTask<void> move_oauth_states(GlobalTx& tx, std::string from_browser, std::string to_browser) {
  co_await tx.change(kMoveStates, {std::move(from_browser), std::move(to_browser)});
}

/// Somebody who goes away and comes back with another secret, and one who does not.
TxTask<void> rehearse_oauth_states(GlobalTx& tx, TimePoint now) {
  const ServerId server = tenancy::kReservedServers.first;
  co_await tx.change(kNewState, {"rehearsal", "browser", "verifier", server, "rehearsal", "", now});
  co_await move_oauth_states(tx, "browser", "another browser");
  co_await tx.one(kTakeState, {"rehearsal", "another browser", "rehearsal", now - kStateLife});
  co_await tx.change(kNewState,
                     {"rehearsal", "browser", "verifier", server, "rehearsal", "", now - 2 * kStateLife});
  co_await tx.change(kForgetStates, {now - kStateLife});
}

void declare_oauth_states(store::StatementRegistry& statements) {
  statements.add("oauth", kNewState, kTakeState, kMoveStates, kForgetStates);
}

}  // namespace guildhall::bot
