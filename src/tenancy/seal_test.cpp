// Every way around the seal that we could think of, each with the reason for which it is refused.
#include "tenancy/seal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/sqlite/connection.h"
#include "tenancy/sql_shape.h"
#include "tests/support/test_world.h"

namespace guildhall::tenancy {
namespace {

using store::Access;
using testing::HasSubstr;

class Seal : public testing::Test {
 protected:
  std::string refusal(Access access, const std::string& sql, std::vector<std::string> parameters = {},
                      std::string reason = "because") {
    store::StatementInfo info{
        nullptr, "test", "test.statement", access, store::Cost::open, std::move(reason), sql, sql, {}, {}};
    for (auto& name : parameters) info.parameters.push_back({name, store::ValueType::integer});
    return refuse_statement(world_.declarations.tables, info, connection_.inspect(sql)).value_or("");
  }
  std::string server(const std::string& sql, std::vector<std::string> parameters = {}) {
    return refusal(Access::server, sql, std::move(parameters));
  }

  /// What the reading of the SQL alone says.
  std::string shape_refusal(std::string_view sql) const {
    return read_shape(sql,
                      [&](std::string_view table) { return world_.declarations.tables.is_sealed(table); })
        .refusal.value_or("");
  }

  test::TestWorld world_{store::Layout::sqlite};
  store::sqlite::Connection connection_{world_.database_file(), store::sqlite::Role::checker};
};

TEST_F(Seal, AcceptsWhatBindsTheServerOnEveryTable) {
  EXPECT_EQ(server("SELECT balance FROM balances WHERE discord_server_id = :server AND unit = 'points'"), "");
  EXPECT_EQ(server("SELECT b.balance FROM balances b JOIN persons p ON p.discord_server_id = :server AND "
                   "p.person_id = b.holder_id WHERE b.discord_server_id = :server AND b.unit = 'points'"),
            "");
  EXPECT_EQ(
      server(
          "INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (:server, 'a', 'b', 0)"),
      "");
  EXPECT_EQ(server("INSERT INTO settings (key, discord_server_id, value, updated_at) SELECT d.key, :server, "
                   "d.value, 0 "
                   "FROM setting_defaults d WHERE true ON CONFLICT (discord_server_id, key) DO NOTHING"),
            "");
  EXPECT_EQ(server("UPDATE balances SET balance = 0 WHERE discord_server_id = :server AND unit = 'x' AND "
                   "holder_id = 1"),
            "");
  EXPECT_EQ(server("DELETE FROM settings WHERE :server = discord_server_id AND key = 'a'"), "");
  EXPECT_EQ(server("WITH mine AS (SELECT holder_id FROM balances WHERE discord_server_id = :server) "
                   "SELECT count(*) FROM mine"),
            "");
  EXPECT_EQ(server("SELECT key FROM setting_defaults"), "");
}

TEST_F(Seal, RefusesAMissingPredicateAndNamesTheTable) {
  EXPECT_THAT(server("SELECT balance FROM balances"), HasSubstr("does not bind :server"));
  EXPECT_THAT(server("SELECT balance FROM balances WHERE unit = 'x' AND :server = 1"),
              HasSubstr("table 'balances'"));
  EXPECT_THAT(server("SELECT b.balance FROM balances b JOIN persons p ON p.person_id = b.holder_id "
                     "WHERE b.discord_server_id = :server"),
              HasSubstr("table 'persons'"));
  EXPECT_THAT(server("UPDATE balances SET balance = 0 WHERE holder_id = :server"),
              HasSubstr("table 'balances'"));
  EXPECT_THAT(server("DELETE FROM settings WHERE key = :server"), HasSubstr("table 'settings'"));
  EXPECT_THAT(
      server("SELECT (SELECT max(balance) FROM balances) FROM persons WHERE discord_server_id = :server"),
      HasSubstr("table 'balances'"));
}

TEST_F(Seal, RefusesAPredicateThatDoesNotBind) {
  for (const char* sql : {
           "SELECT balance FROM balances WHERE discord_server_id = :server OR unit = 'x'",
           "SELECT balance FROM balances WHERE discord_server_id >= :server",
           "SELECT balance FROM balances WHERE discord_server_id = :server + 1",
           "SELECT balance FROM balances WHERE NOT discord_server_id = :server",
           "SELECT balance FROM balances WHERE discord_server_id IN (:server, 5)",
           "SELECT balance FROM balances WHERE (discord_server_id = :server OR true)",
           "SELECT balance FROM balances WHERE discord_server_id = COALESCE(:server, discord_server_id)",
           "SELECT balance FROM balances WHERE discord_server_id = discord_server_id AND :server = :server",
           "SELECT b.balance FROM balances b LEFT JOIN persons p ON b.discord_server_id = :server",
           "SELECT balance FROM balances WHERE EXISTS (SELECT 1 FROM persons WHERE discord_server_id = "
           ":server)",
       }) {
    EXPECT_NE(server(sql), "") << sql;
  }
}

/// Each reads like a predicate that binds, or hides what is written; the plan gives them away as well.
TEST_F(Seal, RefusesWhatOnlyLooksLikeAPredicate) {
  for (const char* sql : {
           "SELECT b.balance FROM setting_defaults d FULL JOIN balances b ON b.discord_server_id = :server",
           "SELECT b.balance FROM setting_defaults d RIGHT JOIN balances b ON b.discord_server_id = :server",
           "SELECT balance FROM balances WHERE holder_id BETWEEN 1 AND balances.discord_server_id = :server",
           "SELECT balance FROM balances WHERE CASE WHEN 1 AND balances.discord_server_id = :server AND 1 "
           "THEN 1 ELSE 1 END",
           "SELECT balance FROM balances WHERE 1 /* AND balances.discord_server_id = :server AND */",
           "UPDATE OR REPLACE balances SET balance = 0 WHERE :server = 1",
       }) {
    EXPECT_NE(shape_refusal(sql), "") << sql;
    EXPECT_NE(server(sql), "") << sql;
  }
  EXPECT_NE(shape_refusal("SELECT balance FROM balances WHERE discord_server_id = :SERVER"), "");
  std::string cut = "SELECT balance FROM balances WHERE discord_server_id = :server";
  cut[cut.find(" WHERE")] = '\0';
  EXPECT_NE(shape_refusal(cut), "") << "the database does not see what stands behind a NUL";
}

TEST_F(Seal, RefusesToMoveARowInOtherWords) {
  for (const char* sql : {
           "UPDATE settings SET (discord_server_id, value) = (5, 'x') WHERE discord_server_id = :server",
           "UPDATE settings SET value = 'x', (value, discord_server_id) = ('x', 5) WHERE discord_server_id = "
           ":server",
           "INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (:server, 'a', 'b', 0) "
           "ON CONFLICT (discord_server_id, key) DO UPDATE SET value = 'y' WHERE 0 "
           "ON CONFLICT DO UPDATE SET discord_server_id = 5",
           "INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (:server, 'a', 'b', 0) "
           "ON CONFLICT (discord_server_id, key) DO UPDATE SET (value, discord_server_id) = ('x', 5)",
       }) {
    EXPECT_THAT(shape_refusal(sql), HasSubstr("never changes its server")) << sql;
    EXPECT_THAT(server(sql), HasSubstr("never changes its server")) << sql;
  }
}

/// Whatever is missing of a statement, the reader does not read beyond its end.
TEST_F(Seal, ReadsPiecesOfStatementsWithoutHarm) {
  for (const std::string sql : {
           "INSERT INTO settings (discord_server_id, key) SELECT :server, 'a' WHERE true ON CONFLICT DO "
           "NOTHING",
           "UPDATE balances AS b SET balance = 0 FROM persons p WHERE b.discord_server_id = :server",
           "DELETE FROM settings AS s WHERE s.discord_server_id = :server",
           "WITH RECURSIVE x (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM x) SELECT a FROM x",
       }) {
    for (std::size_t length = 0; length <= sql.size(); ++length)
      EXPECT_NO_THROW(shape_refusal(sql.substr(0, length))) << sql.substr(0, length);
  }
}

TEST_F(Seal, RefusesInsertsForAnotherServer) {
  const std::string into = "INSERT INTO settings (discord_server_id, key, value, updated_at) ";
  EXPECT_THAT(server(into + "VALUES (5, 'a', 'b', :server)"), HasSubstr("instead of :server"));
  EXPECT_THAT(server(into + "VALUES (:server, 'a', 'b', 0), (5, 'a', 'b', 0)"),
              HasSubstr("instead of :server"));
  EXPECT_THAT(
      server(
          into +
          "SELECT s.discord_server_id + 1, 'a', 'b', 0 FROM servers s WHERE s.discord_server_id = :server"),
      HasSubstr("instead of :server"));
  EXPECT_THAT(server("INSERT INTO settings VALUES (:server, 'a', 'b', 0)"), HasSubstr("lists no columns"));
}

TEST_F(Seal, RefusesToMoveARow) {
  EXPECT_THAT(
      server("UPDATE settings SET discord_server_id = 5 WHERE discord_server_id = :server AND key = 'a'"),
      HasSubstr("never changes its server"));
  EXPECT_THAT(
      server("INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (:server, 'a', 'b', 0) "
             "ON CONFLICT (discord_server_id, key) DO UPDATE SET discord_server_id = 5"),
      HasSubstr("never changes its server"));
}

TEST_F(Seal, RefusesTablesThatHide) {
  EXPECT_THAT(server("SELECT balance FROM \"balances\" WHERE discord_server_id = :server"),
              HasSubstr("quoted"));
  EXPECT_THAT(server("SELECT balance FROM main.balances WHERE discord_server_id = :server"),
              HasSubstr("schema"));
  EXPECT_THAT(server("WITH balances AS (SELECT * FROM persons WHERE discord_server_id = :server) SELECT * "
                     "FROM balances"),
              HasSubstr("hidden by a WITH"));
  EXPECT_NE(server("SELECT name FROM sqlite_schema"), "");
}

TEST_F(Seal, RefusesAPlanThatDoesNotSearchByTheServer) {
  const std::string sql = "SELECT balance FROM balances WHERE discord_server_id = :server";
  const store::StatementInfo info{
      nullptr, "test", "test.statement", Access::server, store::Cost::open, "", sql, sql, {}, {}};
  auto facts = connection_.inspect(sql);
  for (const char* step : {"SCAN balances", "SCAN balances USING COVERING INDEX balances_ranking",
                           "SEARCH balances USING INDEX by_holder (holder_id=?)"}) {
    facts.plan = {step};
    EXPECT_THAT(refuse_statement(world_.declarations.tables, info, facts).value_or(""),
                HasSubstr("not searched by discord_server_id"));
  }
}

/// As a view or a trigger would bring it in.
TEST_F(Seal, RefusesATableThatTheTextDoesNotShow) {
  const std::string sql = "SELECT balance FROM balances WHERE discord_server_id = :server";
  const store::StatementInfo info{
      nullptr, "test", "test.statement", Access::server, store::Cost::open, "", sql, sql, {}, {}};
  auto facts = connection_.inspect(sql);
  facts.accesses.push_back({"persons", "display_name", store::StatementFacts::Touch::read});
  EXPECT_THAT(refuse_statement(world_.declarations.tables, info, facts).value_or(""),
              HasSubstr("table 'persons' is reached in a way that the statement does not show"));
}

TEST_F(Seal, RefusesWritesToTablesOfNoServer) {
  EXPECT_THAT(server("UPDATE setting_defaults SET value = 'x' WHERE key = 'a'"),
              HasSubstr("may only be read"));
}

TEST_F(Seal, RefusesToReadTablesOfNoServer) {
  EXPECT_EQ(server("SELECT value FROM setting_defaults WHERE key = 'a'"), "");
  for (const char* sql : {"SELECT csrf_token FROM sessions", "SELECT bound_server_id FROM channel_bindings",
                          "SELECT refresh_token FROM channels", "SELECT value FROM process_state"}) {
    EXPECT_THAT(server(sql), HasSubstr("not open to servers")) << sql;
  }
}

TEST_F(Seal, GlobalStatementsReachNoServersRows) {
  EXPECT_EQ(refusal(Access::global, "SELECT name FROM servers"), "");
  EXPECT_THAT(refusal(Access::global, "SELECT balance FROM balances"), HasSubstr("needs a server's scope"));
  EXPECT_THAT(refusal(Access::global, "SELECT balance FROM balances WHERE discord_server_id = :server"),
              HasSubstr(":server"));
}

TEST_F(Seal, CrossServerStatementsNeedAReasonAndADeclaredTable) {
  EXPECT_EQ(refusal(Access::cross_server, "SELECT count(*) FROM balances"), "");
  EXPECT_THAT(refusal(Access::cross_server, "SELECT count(*) FROM balances", {}, ""), HasSubstr("reason"));
  EXPECT_THAT(refusal(Access::cross_server, "SELECT count(*) FROM audit_log"),
              HasSubstr("not open to cross-server"));
}

TEST_F(Seal, ParametersAndColumnsMustAgree) {
  EXPECT_THAT(
      server("SELECT balance FROM balances WHERE discord_server_id = :server AND holder_id = :person"),
      HasSubstr("uses :person"));
  EXPECT_THAT(server("SELECT balance FROM balances WHERE discord_server_id = :server", {"person"}),
              HasSubstr("does not bind :person"));
}

TEST_F(Seal, EveryTableOfTheSchemaHasAClassAndATenantFirstKey) {
  store::sqlite::Connection schema(world_.database_file(), store::sqlite::Role::schema);
  const auto tables =
      schema.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  ASSERT_FALSE(tables.empty());
  for (const auto& row : tables) {
    const TableSpec* spec = world_.declarations.tables.find(row[0]);
    ASSERT_NE(spec, nullptr) << row[0];
    const auto keys = schema.query(
        "SELECT i.name, (SELECT c.name FROM pragma_index_info(i.name) c ORDER BY c.seqno LIMIT 1) "
        "FROM pragma_index_list($1) i",
        {row[0]});
    if (spec->table_class == TableClass::global) continue;
    EXPECT_FALSE(keys.empty()) << row[0];
    for (const auto& key : keys) EXPECT_EQ(key[1], kTenantColumn) << row[0] << ", index " << key[0];
    const auto column = schema.query(
        "SELECT \"notnull\", dflt_value IS NULL FROM pragma_table_info($1) WHERE name = 'discord_server_id'",
        {row[0]});
    ASSERT_EQ(column.size(), 1U) << row[0];
    EXPECT_EQ(column[0][0], "1") << row[0] << ": the tenant column may be NULL";
    EXPECT_EQ(column[0][1], "1") << row[0] << ": the tenant column has a default";
  }
}

}  // namespace
}  // namespace guildhall::tenancy
