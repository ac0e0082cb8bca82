// The one primitive by which money-like values (points, later tickets and stock) change. A change is
// a guarded update of the balance and a ledger row with an operation id, in the caller's transaction.
// No feature updates a balance by itself.
//
// True after every commit: balance >= 0; balance = total_credited - total_debited = sum of the
// holder's ledger rows; entries = number of those rows; (server, operation id, line) is unique.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/tx.h"
#include "tenancy/audit.h"

namespace guildhall::bot {

inline constexpr const char* kPoints = "points";

struct LedgerEntry {
  PersonId holder;
  std::int64_t amount = 0;  // > 0 credits, < 0 debits; never 0, never beyond 9e15
};

struct LedgerOperation {
  std::string id;    // unique per server: message id, interaction id, "link:7", ...
  std::string kind;  // admin_adjust, link, watchtime, ...
  std::string reason;
  std::string actor;
  std::vector<LedgerEntry> entries;
};

struct LedgerReceipt {
  /// False: the operation had been booked before; nothing changed, the balances are those of then.
  bool booked = true;
  std::vector<std::int64_t> balances;  // after it, one per entry
};

struct BalanceRow {
  std::int64_t balance = 0;
  std::int64_t total_credited = 0;
  std::int64_t total_debited = 0;
};
BOOST_DESCRIBE_STRUCT(BalanceRow, (), (balance, total_credited, total_debited))

/// Books all entries or none. Errors, with nothing changed: `invalid` (0 or too large an amount),
/// `conflict` (a holder has less than is debited; the message says how much), `too_large` (a balance
/// would pass 9e15).
store::TxTask<Result<LedgerReceipt>> apply(store::Tx& tx, std::string unit, LedgerOperation operation,
                                           TimePoint now);

/// What one holder gets and gives at once; one line of the ledger for each that is not 0.
struct Opening {
  PersonId holder;
  std::int64_t credit = 0;  // 0 and more, and at least the debit
  std::int64_t debit = 0;
  std::string id;  // of the operation, unique per server
  std::string reason;
};

/// Books many operations at once that take nothing from anybody: what was earned and spent elsewhere, before.
/// Their ids must be new. Throws ErrorException (`too_large`) where a balance would pass 9e15.
store::TxTask<void> book_openings(store::Tx& tx, std::string unit, std::string kind, std::string actor,
                                  std::vector<Opening> openings, TimePoint now);

/// 0 everywhere for a holder who never had any.
store::TxTask<BalanceRow> balance_of(store::Tx& tx, std::string unit, PersonId holder);

struct RichRow {
  PersonId person_id;
  std::string display_name;
  std::int64_t balance = 0;
};
BOOST_DESCRIBE_STRUCT(RichRow, (), (person_id, display_name, balance))

/// The largest balances above 0, largest first, behind the first `skip`; of units whose holders are persons.
store::TxTask<std::vector<RichRow>> richest(store::Tx& tx, std::string unit, std::int64_t count,
                                            std::int64_t skip = 0);

/// Set-based, for ticks: books what lies in `ledger_postings` for the servers of [first, last] and
/// empties it. Postings are credits; their operation ids must be new.
store::TxTask<void> book_postings(store::CrossTx& tx, ServerId first, ServerId last, TimePoint now);

/// What all lines of one kind ("import") come to: credits less debits.
store::TxTask<std::int64_t> booked_in_all(store::Tx& tx, std::string unit, std::string kind);

/// Holders whose balance is not the sum of their ledger rows, in one server. 0 unless something is
/// badly wrong.
store::TxTask<std::int64_t> count_ledger_mismatches(store::Tx& tx);

void declare_ledger(store::StatementRegistry& statements);

}  // namespace guildhall::bot
