#include "bot/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "store/database_error.h"

namespace guildhall::bot {
namespace {

using store::CrossServerStatement;
using store::NoParams;
using store::NoRow;
using store::Statement;
using store::TxTask;

struct HolderParams {
  std::string unit;
  PersonId holder;
};
BOOST_DESCRIBE_STRUCT(HolderParams, (), (unit, holder))

struct ChangeParams {
  std::string unit;
  PersonId holder;
  std::int64_t amount;  // always positive
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(ChangeParams, (), (unit, holder, amount, now))

struct CreditParams {
  std::string unit;
  PersonId holder;
  std::int64_t amount;
  std::int64_t room;  // the largest balance that can take the amount
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(CreditParams, (), (unit, holder, amount, room, now))

struct ChangedRow {
  std::int64_t balance = 0;
  std::int64_t entries = 0;
};
BOOST_DESCRIBE_STRUCT(ChangedRow, (), (balance, entries))

struct LedgerRow {
  std::string unit;
  PersonId holder;
  std::int64_t entry_no;
  std::int64_t amount;
  std::int64_t balance_after;
  std::string kind;
  std::string operation_id;
  std::int64_t line;
  std::string reason;
  std::string actor;
  TimePoint created_at;
};
BOOST_DESCRIBE_STRUCT(LedgerRow, (),
                      (unit, holder, entry_no, amount, balance_after, kind, operation_id, line, reason, actor,
                       created_at))

struct OperationParams {
  std::string operation_id;
};
BOOST_DESCRIBE_STRUCT(OperationParams, (), (operation_id))

struct BookedRow {
  std::int64_t balance_after = 0;
};
BOOST_DESCRIBE_STRUCT(BookedRow, (), (balance_after))

struct RangeParams {
  ServerId first;
  ServerId last;
};
BOOST_DESCRIBE_STRUCT(RangeParams, (), (first, last))

struct BookParams {
  ServerId first;
  ServerId last;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(BookParams, (), (first, last, now))

struct RichestParams {
  std::string unit;
  std::int64_t count;
  std::int64_t skip;
};
BOOST_DESCRIBE_STRUCT(RichestParams, (), (unit, count, skip))

struct CountRow {
  std::int64_t mismatches = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (mismatches))

constexpr Statement<OperationParams, BookedRow> kBooked{
    "ledger.find_operation",
    "SELECT balance_after FROM ledger WHERE discord_server_id = :server AND operation_id = :operation_id "
    "ORDER BY line"};

constexpr Statement<HolderParams, BalanceRow> kBalance{
    "ledger.balance",
    "SELECT balance, total_credited, total_debited FROM balances "
    "WHERE discord_server_id = :server AND unit = :unit AND holder_id = :holder"};

constexpr Statement<CreditParams, ChangedRow> kCredit{
    "ledger.credit",
    "INSERT INTO balances (discord_server_id, unit, holder_id, balance, total_credited, total_debited, "
    "entries, "
    "updated_at) VALUES (:server, :unit, :holder, :amount, :amount, 0, 1, :now) "
    "ON CONFLICT (discord_server_id, unit, holder_id) DO UPDATE SET "
    "balance = balances.balance + excluded.balance, "
    "total_credited = balances.total_credited + excluded.total_credited, "
    "entries = balances.entries + 1, updated_at = excluded.updated_at "
    "WHERE balances.balance <= :room RETURNING balance, entries"};

constexpr Statement<ChangeParams, ChangedRow> kDebit{
    "ledger.debit",
    "UPDATE balances SET balance = balance - :amount, total_debited = total_debited + :amount, "
    "entries = entries + 1, updated_at = :now "
    "WHERE discord_server_id = :server AND unit = :unit AND holder_id = :holder AND balance >= :amount "
    "RETURNING balance, entries"};

constexpr Statement<LedgerRow, NoRow> kBook{"ledger.book",
                                            "INSERT INTO ledger (discord_server_id, unit, holder_id, "
                                            "entry_no, amount, balance_after, kind, operation_id, "
                                            "line, reason, actor, created_at) VALUES (:server, :unit, "
                                            ":holder, :entry_no, :amount, :balance_after, :kind, "
                                            ":operation_id, :line, :reason, :actor, :created_at)"};

struct OpeningParams {
  std::string unit;
  PersonId holder;
  std::int64_t balance;
  std::int64_t credit;
  std::int64_t debit;
  std::int64_t entries;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(OpeningParams, (), (unit, holder, balance, credit, debit, entries, now))

constexpr Statement<OpeningParams, NoRow> kOpen{
    "ledger.open",
    "INSERT INTO balances (discord_server_id, unit, holder_id, balance, total_credited, total_debited, "
    "entries, updated_at) VALUES (:server, :unit, :holder, :balance, :credit, :debit, :entries, :now) "
    "ON CONFLICT (discord_server_id, unit, holder_id) DO UPDATE SET "
    "balance = balances.balance + excluded.balance, "
    "total_credited = balances.total_credited + excluded.total_credited, "
    "total_debited = balances.total_debited + excluded.total_debited, "
    "entries = balances.entries + excluded.entries, updated_at = excluded.updated_at "
    "WHERE balances.balance <= 9000000000000000 - excluded.balance"};

struct OpeningLine {
  std::string unit;
  PersonId holder;
  std::int64_t behind;  // lines of the same operation that come after it
  std::int64_t amount;
  std::int64_t less;  // what those lines take from the balance
  std::string kind;
  std::string operation_id;
  std::int64_t line;
  std::string reason;
  std::string actor;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(OpeningLine, (),
                      (unit, holder, behind, amount, less, kind, operation_id, line, reason, actor, now))

constexpr Statement<OpeningLine, NoRow> kOpenLine{
    "ledger.open_line",
    "INSERT INTO ledger (discord_server_id, unit, holder_id, entry_no, amount, balance_after, kind, "
    "operation_id, line, reason, actor, created_at) "
    "SELECT :server, b.unit, b.holder_id, b.entries - :behind, :amount, b.balance + :less, :kind, "
    ":operation_id, :line, :reason, :actor, :now FROM balances b "
    "WHERE b.discord_server_id = :server AND b.unit = :unit AND b.holder_id = :holder"};

/// The names of those alone who are on the page: who is skipped is read off the index.
constexpr Statement<RichestParams, RichRow> kRichest{
    "ledger.richest",
    "SELECT b.holder_id AS person_id, p.display_name, b.balance FROM (SELECT r.holder_id, r.balance "
    "FROM balances r WHERE r.discord_server_id = :server AND r.unit = :unit AND r.balance > 0 "
    "ORDER BY r.balance DESC, r.holder_id LIMIT :count OFFSET :skip) b "
    "JOIN persons p ON p.discord_server_id = :server AND p.person_id = b.holder_id "
    "ORDER BY b.balance DESC, b.holder_id"};

constexpr Statement<NoParams, CountRow> kMismatches{
    "ledger.count_mismatches",
    "SELECT count(*) AS mismatches FROM balances b LEFT JOIN ("
    "SELECT unit, holder_id, CAST(sum(amount) AS BIGINT) AS total, count(*) AS entries FROM ledger "
    "WHERE discord_server_id = :server GROUP BY unit, holder_id) l ON l.unit = b.unit AND l.holder_id = "
    "b.holder_id "
    "WHERE b.discord_server_id = :server AND "
    "(b.balance <> COALESCE(l.total, 0) OR b.entries <> COALESCE(l.entries, 0) OR "
    "b.balance <> b.total_credited - b.total_debited)"};

struct KindParams {
  std::string unit;
  std::string kind;
};
BOOST_DESCRIBE_STRUCT(KindParams, (), (unit, kind))

struct AmountRow {
  std::int64_t amount = 0;
};
BOOST_DESCRIBE_STRUCT(AmountRow, (), (amount))

constexpr Statement<KindParams, AmountRow> kInAll{
    "ledger.booked_in_all",
    "SELECT CAST(COALESCE(sum(amount), 0) AS BIGINT) AS amount FROM ledger "
    "WHERE discord_server_id = :server AND unit = :unit AND kind = :kind"};

constexpr std::string_view kTickReason =
    "set-based award of what a tick earned, for the servers of one chunk";

constexpr CrossServerStatement<BookParams, NoRow> kPostBalances{
    "ledger.post_balances", kTickReason,
    "INSERT INTO balances (discord_server_id, unit, holder_id, balance, total_credited, total_debited, "
    "entries, "
    "updated_at) SELECT p.discord_server_id, p.unit, p.holder_id, p.amount, p.amount, 0, 1, :now "
    "FROM ledger_postings p WHERE p.discord_server_id BETWEEN :first AND :last "
    "ORDER BY p.discord_server_id, p.unit, p.holder_id "
    "ON CONFLICT (discord_server_id, unit, holder_id) DO UPDATE SET "
    "balance = balances.balance + excluded.balance, "
    "total_credited = balances.total_credited + excluded.total_credited, "
    "entries = balances.entries + 1, updated_at = excluded.updated_at"};

constexpr CrossServerStatement<BookParams, NoRow> kPostLedger{
    "ledger.post_ledger", kTickReason,
    "INSERT INTO ledger (discord_server_id, unit, holder_id, entry_no, amount, balance_after, kind, "
    "operation_id, "
    "line, reason, actor, created_at) "
    "SELECT p.discord_server_id, p.unit, p.holder_id, b.entries, p.amount, b.balance, p.kind, "
    "p.operation_id, 0, "
    "p.reason, 'system', :now FROM ledger_postings p JOIN balances b ON b.discord_server_id = "
    "p.discord_server_id "
    "AND b.unit = p.unit AND b.holder_id = p.holder_id WHERE p.discord_server_id BETWEEN :first AND :last "
    "ORDER BY p.discord_server_id, p.unit, p.holder_id"};

constexpr CrossServerStatement<RangeParams, NoRow> kClearPostings{
    "ledger.clear_postings", kTickReason,
    "DELETE FROM ledger_postings WHERE discord_server_id BETWEEN :first AND :last"};

/// Why an operation cannot be booked, before anything of it is.
TxTask<Result<void>> check(store::Tx& tx, const std::string& unit, const LedgerOperation& operation) {
  for (const LedgerEntry& entry : operation.entries) {
    if (entry.amount == 0) co_return fail(ErrorCode::invalid, "an amount of 0 changes nothing");
    if (entry.amount > kLargestAmount || entry.amount < -kLargestAmount) {
      co_return fail(ErrorCode::invalid, fmt::format("an amount is at most {}", kLargestAmount));
    }
    const BalanceRow before = co_await balance_of(tx, unit, entry.holder);
    if (before.balance + entry.amount < 0) {
      co_return fail(ErrorCode::conflict,
                     fmt::format("the balance is {}, less than {}", before.balance, -entry.amount));
    }
    if (before.balance + entry.amount > kLargestAmount) {
      co_return fail(ErrorCode::too_large, fmt::format("a balance is at most {}", kLargestAmount));
    }
  }
  co_return Result<void>{};
}

TxTask<ChangedRow> change_balance(store::Tx& tx, const std::string& unit, const LedgerEntry& entry,
                                  TimePoint now) {
  std::optional<ChangedRow> changed;
  if (entry.amount > 0) {
    changed =
        co_await tx.one(kCredit, {unit, entry.holder, entry.amount, kLargestAmount - entry.amount, now});
  } else {
    changed = co_await tx.one(kDebit, {unit, entry.holder, -entry.amount, now});
  }
  // The check just before said yes: another transaction came between. Both start anew.
  if (!changed) throw store::DatabaseError(store::DbCode::serialisation, "", "the balance changed meanwhile");
  co_return *changed;
}

}  // namespace

TxTask<Result<LedgerReceipt>> apply(store::Tx& tx, std::string unit, LedgerOperation operation,
                                    TimePoint now) {
  LedgerReceipt receipt;
  for (const BookedRow& row : co_await tx.all(kBooked, {operation.id})) {
    receipt.booked = false;
    receipt.balances.push_back(row.balance_after);
  }
  if (!receipt.booked) co_return receipt;
  if (const auto checked = co_await check(tx, unit, operation); !checked)
    co_return std::unexpected(checked.error());

  // Ascending holders, so that two operations can never wait for each other.
  std::vector<std::size_t> order(operation.entries.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return operation.entries[a].holder < operation.entries[b].holder; });
  receipt.balances.resize(order.size());
  for (const std::size_t i : order) {
    const LedgerEntry& entry = operation.entries[i];
    const ChangedRow after = co_await change_balance(tx, unit, entry, now);
    receipt.balances[i] = after.balance;
    const LedgerRow row{unit,
                        entry.holder,
                        after.entries,
                        entry.amount,
                        after.balance,
                        operation.kind,
                        operation.id,
                        static_cast<std::int64_t>(i),
                        operation.reason,
                        operation.actor,
                        now};
    co_await tx.change(kBook, row);
  }
  co_return receipt;
}

TxTask<void> book_openings(store::Tx& tx, std::string unit, std::string kind, std::string actor,
                           std::vector<Opening> openings, TimePoint now) {
  // A holder's operations follow each other: each line shows the balance after its own.
  while (!openings.empty()) {
    std::set<PersonId> holders;
    std::vector<Opening> later;
    std::vector<OpeningParams> balances;
    std::vector<OpeningLine> lines;
    for (Opening& one : openings) {
      if (!holders.insert(one.holder).second) {
        later.push_back(std::move(one));
        continue;
      }
      const std::int64_t debits = one.debit > 0 ? 1 : 0;
      const std::int64_t credits = one.credit > 0 ? 1 : 0;
      balances.push_back(
          {unit, one.holder, one.credit - one.debit, one.credit, one.debit, credits + debits, now});
      if (credits > 0)
        lines.push_back(
            {unit, one.holder, debits, one.credit, one.debit, kind, one.id, 0, one.reason, actor, now});
      if (debits > 0)
        lines.push_back({unit, one.holder, 0, -one.debit, 0, kind, one.id, credits, one.reason, actor, now});
    }
    if (co_await tx.batch(kOpen, balances) != static_cast<std::int64_t>(balances.size()))
      throw ErrorException({ErrorCode::too_large, fmt::format("a balance is at most {}", kLargestAmount)});
    co_await tx.batch(kOpenLine, lines);
    openings = std::move(later);
  }
}

TxTask<BalanceRow> balance_of(store::Tx& tx, std::string unit, PersonId holder) {
  const auto row = co_await tx.one(kBalance, {std::move(unit), holder});
  co_return row.value_or(BalanceRow{});
}

TxTask<std::vector<RichRow>> richest(store::Tx& tx, std::string unit, std::int64_t count, std::int64_t skip) {
  co_return co_await tx.all(kRichest, {std::move(unit), count, skip});
}

TxTask<void> book_postings(store::CrossTx& tx, ServerId first, ServerId last, TimePoint now) {
  co_await tx.change(kPostBalances, {first, last, now});
  co_await tx.change(kPostLedger, {first, last, now});
  co_await tx.change(kClearPostings, {first, last});
}

TxTask<std::int64_t> booked_in_all(store::Tx& tx, std::string unit, std::string kind) {
  const auto row = co_await tx.one(kInAll, {std::move(unit), std::move(kind)});
  co_return row->amount;
}

TxTask<std::int64_t> count_ledger_mismatches(store::Tx& tx) {
  const auto row = co_await tx.one(kMismatches);
  co_return row->mismatches;
}

void declare_ledger(store::StatementRegistry& statements) {
  statements.add("ledger", kBooked, kBalance, kCredit, kDebit, kBook, kOpen, kOpenLine, kInAll, kRichest,
                 kMismatches, kPostBalances, kPostLedger, kClearPostings);
}

}  // namespace guildhall::bot
