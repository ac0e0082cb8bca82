#include "bot/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

class Ledger : public testing::Test {
 protected:
  Result<LedgerReceipt> book(std::int64_t server, std::string id, std::vector<LedgerEntry> entries) {
    LedgerOperation operation{std::move(id), "test", "why", "tester", std::move(entries)};
    return world_.in(server,
                     [&](store::Tx& tx) { return apply(tx, kPoints, operation, world_.clock.now()); });
  }
  std::int64_t balance(std::int64_t server, std::int64_t holder) {
    return world_.in(server, [&](store::Tx& tx) { return balance_of(tx, kPoints, PersonId(holder)); })
        .balance;
  }
  std::int64_t mismatches(std::int64_t server) {
    return world_.in(server, [](store::Tx& tx) { return count_ledger_mismatches(tx); });
  }

  test::TestWorld world_;
};

TEST_F(Ledger, BooksACreditAndADebit) {
  EXPECT_EQ(book(1, "a", {{PersonId(1), 100}})->balances, std::vector<std::int64_t>{100});
  EXPECT_EQ(book(1, "b", {{PersonId(1), -30}})->balances, std::vector<std::int64_t>{70});
  EXPECT_EQ(world_.dump("SELECT balance, total_credited, total_debited, entries FROM balances"),
            "70|100|30|2\n");
  EXPECT_EQ(world_.dump("SELECT entry_no, amount, balance_after FROM ledger"), "1|100|100\n2|-30|70\n");
  EXPECT_EQ(mismatches(1), 0);
}

TEST_F(Ledger, TheSameOperationPaysOnce) {
  EXPECT_TRUE(book(1, "a", {{PersonId(1), 100}})->booked);
  const auto again = book(1, "a", {{PersonId(1), 100}});
  EXPECT_FALSE(again->booked);
  EXPECT_EQ(again->balances, std::vector<std::int64_t>{100});
  EXPECT_EQ(balance(1, 1), 100);
}

TEST_F(Ledger, ServersDoNotShareOperationIds) {
  EXPECT_TRUE(book(1, "a", {{PersonId(1), 100}})->booked);
  EXPECT_TRUE(book(2, "a", {{PersonId(1), 7}})->booked);
  EXPECT_EQ(balance(1, 1), 100);
  EXPECT_EQ(balance(2, 1), 7);
}

TEST_F(Ledger, NeverGoesBelowZero) {
  book(1, "a", {{PersonId(1), 10}});
  const auto refused = book(1, "b", {{PersonId(1), -11}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(balance(1, 1), 10);
  EXPECT_FALSE(book(1, "c", {{PersonId(9), -1}}));
}

TEST_F(Ledger, ATransferIsAllOrNothing) {
  book(1, "a", {{PersonId(1), 10}});
  EXPECT_FALSE(book(1, "b", {{PersonId(2), 11}, {PersonId(1), -11}}));
  EXPECT_EQ(balance(1, 1), 10);
  EXPECT_EQ(balance(1, 2), 0);
  EXPECT_EQ(book(1, "c", {{PersonId(2), 4}, {PersonId(1), -4}})->balances, (std::vector<std::int64_t>{4, 6}));
  EXPECT_EQ(mismatches(1), 0);
}

TEST_F(Ledger, RefusesAmountsThatCannotBeMeant) {
  EXPECT_EQ(book(1, "a", {{PersonId(1), 0}}).error().code, ErrorCode::invalid);
  EXPECT_EQ(book(1, "b", {{PersonId(1), kLargestAmount + 1}}).error().code, ErrorCode::invalid);
  EXPECT_EQ(book(1, "c", {{PersonId(1), INT64_MIN}}).error().code, ErrorCode::invalid);
  EXPECT_TRUE(book(1, "d", {{PersonId(1), kLargestAmount}}));
  EXPECT_EQ(book(1, "e", {{PersonId(1), 1}}).error().code, ErrorCode::too_large);
  EXPECT_EQ(balance(1, 1), kLargestAmount);
}

TEST_F(Ledger, SixtyFourSpendersNeverOverspend) {
  book(1, "a", {{PersonId(1), 40}});
  const auto scope = world_.server(1);
  boost::asio::io_context loop;
  int paid = 0;
  for (int i = 0; i < 64; ++i) {
    auto body = [this, i](store::Tx& tx) {
      LedgerOperation spend{"spend:" + std::to_string(i), "test", "", "tester", {{PersonId(1), -1}}};
      return apply(tx, kPoints, std::move(spend), world_.clock.now());
    };
    boost::asio::co_spawn(loop, scope.transact(body),
                          [&](std::exception_ptr, Result<LedgerReceipt> r) { paid += r ? 1 : 0; });
  }
  loop.run();
  EXPECT_EQ(paid, 40);
  EXPECT_EQ(balance(1, 1), 0);
  EXPECT_EQ(mismatches(1), 0);
}

/// Two processes on one database, and 64 people who give to each other at once.
TEST_F(Ledger, OppositeTransfersOfTwoProcessesLoseNothing) {
  book(1, "a", {{PersonId(1), 32}});
  book(1, "b", {{PersonId(2), 32}});
  const auto other = world_.beside();
  const tenancy::ServerScope scopes[] = {world_.server(1), *other->scopes().for_operator(ServerId(1))};
  boost::asio::io_context loop;
  int paid = 0;
  for (int i = 0; i < 64; ++i) {
    const PersonId from(1 + i % 2);
    const PersonId to(2 - i % 2);
    auto body = [this, i, from, to](store::Tx& tx) {
      LedgerOperation gift{"gift:" + std::to_string(i), "test", "", "tester", {{to, 1}, {from, -1}}};
      return apply(tx, kPoints, std::move(gift), world_.clock.now());
    };
    boost::asio::co_spawn(loop, scopes[i / 2 % 2].transact(body),
                          [&](std::exception_ptr, Result<LedgerReceipt> r) { paid += r ? 1 : 0; });
  }
  loop.run();
  EXPECT_EQ(paid, 64);
  EXPECT_EQ(balance(1, 1), 32);
  EXPECT_EQ(balance(1, 2), 32);
  EXPECT_EQ(mismatches(1), 0);
}

/// As a platform repeats its message to two processes.
TEST_F(Ledger, TheSameEventAHundredTimesAtOncePaysOnce) {
  const auto ours = world_.server(1);
  const auto other = world_.beside();
  const tenancy::ServerScope scopes[] = {ours, *other->scopes().for_operator(ServerId(1))};
  boost::asio::io_context loop;
  int booked = 0;
  int known = 0;
  for (int i = 0; i < 100; ++i) {
    auto body = [this](store::Tx& tx) {
      return apply(tx, kPoints, {"kick:gift:7", "test", "", "tester", {{PersonId(1), 5}}},
                   world_.clock.now());
    };
    boost::asio::co_spawn(loop, scopes[i % 2].transact(body),
                          [&](std::exception_ptr, Result<LedgerReceipt> r) {
                            booked += r && r->booked ? 1 : 0;
                            known += r && !r->booked ? 1 : 0;
                          });
  }
  loop.run();
  EXPECT_EQ(booked, 1);
  EXPECT_EQ(known, 99);
  EXPECT_EQ(balance(1, 1), 5);
  EXPECT_EQ(mismatches(1), 0);
}

TEST_F(Ledger, TheMismatchCountSeesAnAlteredBalance) {
  book(1, "a", {{PersonId(1), 10}});
  world_.execute("UPDATE balances SET balance = 11, total_credited = 11", 1);
  EXPECT_EQ(mismatches(1), 1);
}

}  // namespace
}  // namespace guildhall::bot
