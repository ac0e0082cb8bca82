// What a body may await, on every layout.
#include "store/tx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/test_world.h"

namespace guildhall::store {
namespace {

struct EntryParams {
  std::int64_t id;
  std::string subject;
  std::optional<std::string> before;
};
BOOST_DESCRIBE_STRUCT(EntryParams, (), (id, subject, before))
struct SettingParams {
  std::string key;
  std::int64_t at;
};
BOOST_DESCRIBE_STRUCT(SettingParams, (), (key, at))

constexpr Statement<EntryParams, NoRow> kAdd{
    "test.add",
    "INSERT INTO audit_log (discord_server_id, entry_id, at, actor, door, action, subject, before, after) "
    "VALUES (:server, :id, 0, 'test', 'test', 'test', :subject, :before, NULL)"};
constexpr Statement<NoParams, EntryParams> kEntries{"test.entries",
                                                    "SELECT entry_id AS id, subject, before FROM audit_log "
                                                    "WHERE discord_server_id = :server ORDER BY entry_id"};
constexpr Statement<SettingParams, NoRow> kAddMissing{
    "test.add_missing",
    "INSERT INTO settings (discord_server_id, key, value, updated_at) "
    "VALUES (:server, :key, 'x', :at) ON CONFLICT (discord_server_id, key) DO NOTHING"};
constexpr Statement<SettingParams, NoRow> kPut{
    "test.put",
    "INSERT INTO settings (discord_server_id, key, value, updated_at) "
    "VALUES (:server, :key, 'x', :at) ON CONFLICT (discord_server_id, key) "
    "DO UPDATE SET updated_at = settings.updated_at + excluded.updated_at"};
constexpr Statement<NoParams, SettingParams> kSettings{
    "test.settings",
    "SELECT key, updated_at AS at FROM settings WHERE discord_server_id = :server ORDER BY key"};

struct TokenParams {
  std::string id;
  std::optional<Blob> token;
};
BOOST_DESCRIBE_STRUCT(TokenParams, (), (id, token))
constexpr GlobalStatement<TokenParams, NoRow> kAddChannel{
    "test.add_channel",
    "INSERT INTO channels (platform, platform_user_id, slug, name, live, access_token, token_state, "
    "updated_at) "
    "VALUES ('kick', :id, :id, :id, 'unknown', :token, 'none', 0)"};
constexpr GlobalStatement<NoParams, TokenParams> kTokens{
    "test.tokens",
    "SELECT platform_user_id AS id, access_token AS token FROM channels ORDER BY platform_user_id"};

class Batch : public testing::Test {
 protected:
  Batch() {
    world_.declarations.statements.add("test", kAdd, kEntries, kAddMissing, kPut, kSettings);
    world_.reopen();
    world_.server(1);
    world_.server(2);
  }

  template <class P>
  std::int64_t run(const Statement<P, NoRow>& statement, const std::type_identity_t<std::vector<P>>& rows) {
    return world_.in(1,
                     [&](Tx& tx) -> TxTask<std::int64_t> { co_return co_await tx.batch(statement, rows); });
  }
  std::vector<EntryParams> entries(std::int64_t server = 1) {
    return net::run_to_end(world_.server(server).all(kEntries));
  }

  test::TestWorld world_;
};

TEST_F(Batch, EveryValueArrivesAsItIs) {
  const std::vector<EntryParams> rows{{std::numeric_limits<std::int64_t>::min(), "text", "text"},
                                      {-2, "{braces,\"quotes\"}\\ 'and' NULL", {}},
                                      {3, "", ""},
                                      {std::numeric_limits<std::int64_t>::max(), "Grüße 🦉", "NULL"}};
  EXPECT_EQ(run(kAdd, rows), 4);
  const auto read = entries();
  ASSERT_EQ(read.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(read[i].id, rows[i].id);
    EXPECT_EQ(read[i].subject, rows[i].subject);
    EXPECT_EQ(read[i].before, rows[i].before) << i;
  }
  EXPECT_THAT(entries(2), testing::IsEmpty());
}

TEST_F(Batch, OfNothingDoesNothing) { EXPECT_EQ(run(kAdd, {}), 0); }

TEST_F(Batch, OfThousandsIsWhole) {
  std::vector<EntryParams> rows;
  for (std::int64_t i = 0; i < 12'000; ++i) rows.push_back({i, std::string(100, 'x'), {}});
  EXPECT_EQ(run(kAdd, rows), 12'000);
  EXPECT_THAT(entries(), testing::SizeIs(12'000));
}

TEST_F(Batch, ThatFailsLeavesNothing) {
  try {
    run(kAdd, {{1, "a", {}}, {2, "b", {}}, {1, "c", {}}});
    ADD_FAILURE() << "it went through";
  } catch (const DatabaseError& error) {
    EXPECT_EQ(error.code(), DbCode::unique);
  }
  EXPECT_THAT(entries(), testing::IsEmpty());
}

TEST_F(Batch, RowsOfOneKeyFollowEachOther) {
  EXPECT_EQ(run(kAddMissing, {{"a", 1}, {"a", 2}, {"b", 3}}), 2);
  EXPECT_EQ(run(kPut, {{"a", 10}, {"a", 100}, {"c", 5}}), 3);
  EXPECT_THAT(net::run_to_end(world_.server(1).all(kSettings)),
              testing::ElementsAre(testing::FieldsAre("a", 111), testing::FieldsAre("b", 3),
                                   testing::FieldsAre("c", 5)));
}

TEST(GlobalBatch, BytesAndMissingOnesArriveToo) {
  test::TestWorld world;
  world.declarations.statements.add("test", kAddChannel, kTokens);
  world.reopen();
  const std::vector<TokenParams> rows{{"1", Blob{std::string("\0\xFF\\", 3)}}, {"2", {}}, {"3", Blob{""}}};
  const auto read =
      net::run_to_end(world.tenancy->global().transact([&](GlobalTx& tx) -> TxTask<std::vector<TokenParams>> {
        if (co_await tx.batch(kAddChannel, rows) != 3) throw std::runtime_error("not every row was added");
        co_return co_await tx.all(kTokens);
      }));
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read[0].token.value().bytes, std::string("\0\xFF\\", 3));
  EXPECT_FALSE(read[1].token);
  EXPECT_EQ(read[2].token.value().bytes, "");
}

}  // namespace
}  // namespace guildhall::store
