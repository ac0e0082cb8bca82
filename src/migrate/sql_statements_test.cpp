#include "migrate/sql_statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pg_query.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>

namespace guildhall::migrate {
namespace {

using testing::ElementsAre;

std::vector<std::string> split(std::string_view sql, Dialect dialect = Dialect::postgres) {
  std::vector<std::string> texts;
  const auto statements = split_statements(sql, dialect);
  if (!statements) return {"error: " + statements.error().message};
  for (const SqlStatement& statement : *statements) texts.emplace_back(statement.text);
  return texts;
}

TEST(SqlStatements, EndAtSemicolonsThatAreNotWithinThem) {
  EXPECT_THAT(split(";; SELECT ';' ; /* ; */ ; -- ;\n SELECT 2 -- end\n"),
              ElementsAre("SELECT ';'", "SELECT 2"));
  EXPECT_THAT(split("CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b); SELECT 1"),
              ElementsAre("CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)", "SELECT 1"));
  EXPECT_THAT(split(""), testing::IsEmpty());
  EXPECT_THAT(split("-- nothing"), testing::IsEmpty());
}

TEST(SqlStatements, TheBodyOfAFunctionIsOfIt) {
  const std::string body =
      "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; "
      "END";
  EXPECT_THAT(split(body + "; SELECT 3;"), ElementsAre(body, "SELECT 3"));
  EXPECT_THAT(split("BEGIN; SELECT 1; END; SELECT 2"), ElementsAre("BEGIN", "SELECT 1", "END", "SELECT 2"));
  EXPECT_THAT(split("DO $$ BEGIN PERFORM 1; END $$; SELECT 1"),
              ElementsAre("DO $$ BEGIN PERFORM 1; END $$", "SELECT 1"));
}

TEST(SqlStatements, TheBodyOfATriggerIsOfIt) {
  const std::string trigger =
      "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = CASE WHEN 1 THEN 2 END; DELETE FROM b; "
      "END";
  EXPECT_THAT(split(trigger + "; SELECT 1", Dialect::sqlite), ElementsAre(trigger, "SELECT 1"));
}

/// Drizzle puts a mark between its statements, and cuts the text there whatever it lies in.
TEST(SqlStatements, AMarkOfDrizzleIsACommentAndWithinATextIsText) {
  EXPECT_THAT(split("SELECT '--> statement-breakpoint';\n--> statement-breakpoint\nSELECT 2"),
              ElementsAre("SELECT '--> statement-breakpoint'", "SELECT 2"));
}

namespace fs = std::filesystem;
namespace json = boost::json;

/// Kinds of objects, as they are called in PostgreSQL's parse trees.
const std::map<std::string, std::string> kObjects{{"ACCESS_METHOD", "ACCESS METHOD"},
                                                  {"ATTRIBUTE", "TYPE"},
                                                  {"DOMCONSTRAINT", "DOMAIN"},
                                                  {"EVENT_TRIGGER", "EVENT TRIGGER"},
                                                  {"FDW", "FOREIGN DATA WRAPPER"},
                                                  {"FOREIGN_SERVER", "SERVER"},
                                                  {"FOREIGN_TABLE", "FOREIGN TABLE"},
                                                  {"MATVIEW", "MATERIALIZED VIEW"},
                                                  {"OPCLASS", "OPERATOR CLASS"},
                                                  {"OPFAMILY", "OPERATOR FAMILY"},
                                                  {"STATISTIC_EXT", "STATISTICS"},
                                                  {"TABCONSTRAINT", "TABLE"},
                                                  {"TSCONFIGURATION", "TEXT SEARCH CONFIGURATION"},
                                                  {"TSDICTIONARY", "TEXT SEARCH DICTIONARY"}};

std::string text_of(const json::object& node, std::string_view field) {
  const auto* value = node.if_contains(field);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}
bool is_true(const json::object& node, std::string_view field) {
  const auto* value = node.if_contains(field);
  return value != nullptr && value->is_bool() && value->as_bool();
}

/// The kind of object in a field such as "OBJECT_MATVIEW"; a column is one of what holds it.
std::string object_of(const json::object& node, std::string_view field) {
  std::string name = text_of(node, field);
  if (name == "OBJECT_COLUMN") name = text_of(node, "relationType");
  name = name.substr(std::min(name.size(), std::string_view("OBJECT_").size()));
  const auto found = kObjects.find(name);
  return found == kObjects.end() ? name : found->second;
}

/// Trees whose kind is all that there is to know.
const std::map<std::string, std::string> kNodes{
    {"CreateStmt", "CREATE TABLE"},
    {"IndexStmt", "CREATE INDEX"},
    {"ViewStmt", "CREATE VIEW"},
    {"CreateSeqStmt", "CREATE SEQUENCE"},
    {"CreateSchemaStmt", "CREATE SCHEMA"},
    {"CreateExtensionStmt", "CREATE EXTENSION"},
    {"CreateTrigStmt", "CREATE TRIGGER"},
    {"CreateEventTrigStmt", "CREATE EVENT TRIGGER"},
    {"CreatePolicyStmt", "CREATE POLICY"},
    {"CreateRoleStmt", "CREATE ROLE"},
    {"CreateEnumStmt", "CREATE TYPE"},
    {"CreateRangeStmt", "CREATE TYPE"},
    {"CompositeTypeStmt", "CREATE TYPE"},
    {"CreateDomainStmt", "CREATE DOMAIN"},
    {"CreateStatsStmt", "CREATE STATISTICS"},
    {"CreatedbStmt", "CREATE DATABASE"},
    {"CreateForeignTableStmt", "CREATE FOREIGN TABLE"},
    {"CreateUserMappingStmt", "CREATE USER MAPPING"},
    {"CreateCastStmt", "CREATE CAST"},
    {"CreatePLangStmt", "CREATE LANGUAGE"},
    {"CreatePublicationStmt", "CREATE PUBLICATION"},
    {"CreateSubscriptionStmt", "CREATE SUBSCRIPTION"},
    {"CreateForeignServerStmt", "CREATE SERVER"},
    {"CreateFdwStmt", "CREATE FOREIGN DATA WRAPPER"},
    {"CreateAmStmt", "CREATE ACCESS METHOD"},
    {"CreateOpFamilyStmt", "CREATE OPERATOR FAMILY"},
    {"CreateOpClassStmt", "CREATE OPERATOR CLASS"},
    {"CreateConversionStmt", "CREATE CONVERSION"},
    {"CreateTableSpaceStmt", "CREATE TABLESPACE"},
    {"RuleStmt", "CREATE RULE"},
    {"AlterDomainStmt", "ALTER DOMAIN"},
    {"AlterEnumStmt", "ALTER TYPE"},
    {"AlterPolicyStmt", "ALTER POLICY"},
    {"AlterRoleStmt", "ALTER ROLE"},
    {"AlterRoleSetStmt", "ALTER ROLE"},
    {"AlterDatabaseStmt", "ALTER DATABASE"},
    {"AlterDatabaseSetStmt", "ALTER DATABASE"},
    {"AlterDefaultPrivilegesStmt", "ALTER DEFAULT PRIVILEGES"},
    {"AlterExtensionStmt", "ALTER EXTENSION"},
    {"AlterSystemStmt", "ALTER SYSTEM"},
    {"AlterEventTrigStmt", "ALTER EVENT TRIGGER"},
    {"AlterForeignServerStmt", "ALTER SERVER"},
    {"AlterPublicationStmt", "ALTER PUBLICATION"},
    {"AlterSubscriptionStmt", "ALTER SUBSCRIPTION"},
    {"AlterStatsStmt", "ALTER STATISTICS"},
    {"AlterTSConfigurationStmt", "ALTER TEXT SEARCH CONFIGURATION"},
    {"AlterSeqStmt", "ALTER SEQUENCE"},
    {"DropRoleStmt", "DROP ROLE"},
    {"DropdbStmt", "DROP DATABASE"},
    {"DropTableSpaceStmt", "DROP TABLESPACE"},
    {"DropUserMappingStmt", "DROP USER MAPPING"},
    {"DropOwnedStmt", "DROP OWNED"},
    {"DropSubscriptionStmt", "DROP SUBSCRIPTION"},
    {"SelectStmt", "SELECT"},
    {"InsertStmt", "INSERT"},
    {"UpdateStmt", "UPDATE"},
    {"DeleteStmt", "DELETE"},
    {"MergeStmt", "MERGE"},
    {"CommentStmt", "COMMENT"},
    {"DoStmt", "DO"},
    {"CallStmt", "CALL"},
    {"CopyStmt", "COPY"},
    {"TruncateStmt", "TRUNCATE"},
    {"LockStmt", "LOCK"},
    {"ReindexStmt", "REINDEX"},
    {"ClusterStmt", "CLUSTER"},
    {"RefreshMatViewStmt", "REFRESH"},
    {"ImportForeignSchemaStmt", "IMPORT"},
    {"ReassignOwnedStmt", "REASSIGN"},
    {"SecLabelStmt", "SECURITY"},
    {"VariableShowStmt", "SHOW"},
    {"DiscardStmt", "DISCARD"},
    {"ListenStmt", "LISTEN"},
    {"UnlistenStmt", "UNLISTEN"},
    {"NotifyStmt", "NOTIFY"},
    {"LoadStmt", "LOAD"},
    {"CheckPointStmt", "CHECKPOINT"},
    {"PrepareStmt", "PREPARE"},
    {"ExecuteStmt", "EXECUTE"},
    {"DeallocateStmt", "DEALLOCATE"},
    {"DeclareCursorStmt", "DECLARE"},
    {"FetchStmt", "FETCH"},
    {"ClosePortalStmt", "CLOSE"},
    {"ExplainStmt", "EXPLAIN"},
};

std::string tag_of_transaction(const std::string& kind) {
  const std::string what = kind.substr(std::string_view("TRANS_STMT_").size());
  if (what == "START") return "BEGIN";
  if (what == "PREPARE") return "PREPARE TRANSACTION";
  return what.substr(0, what.find('_'));  // COMMIT_PREPARED, ROLLBACK_TO
}

/// What PostgreSQL's own grammar makes of it, in the words of command_tag.
std::string tag_of_tree(const std::string& kind, const json::object& node) {
  if (const auto found = kNodes.find(kind); found != kNodes.end()) return found->second;
  if (kind == "CreateTableAsStmt")
    return object_of(node, "objtype") == "TABLE" ? "CREATE TABLE AS" : "CREATE MATERIALIZED VIEW";
  if (kind == "CreateFunctionStmt")
    return is_true(node, "is_procedure") ? "CREATE PROCEDURE" : "CREATE FUNCTION";
  if (kind == "DefineStmt") return "CREATE " + object_of(node, "kind");
  if (kind == "DropStmt") return "DROP " + object_of(node, "removeType");
  if (kind == "RenameStmt") return "ALTER " + object_of(node, "renameType");
  if (kind == "AlterObjectSchemaStmt" || kind == "AlterOwnerStmt")
    return "ALTER " + object_of(node, "objectType");
  if (kind == "AlterTableStmt" || kind == "AlterTableMoveAllStmt" || kind == "AlterFunctionStmt")
    return "ALTER " + object_of(node, "objtype");
  if (kind == "GrantStmt" || kind == "GrantRoleStmt") return is_true(node, "is_grant") ? "GRANT" : "REVOKE";
  if (kind == "VacuumStmt") return is_true(node, "is_vacuumcmd") ? "VACUUM" : "ANALYZE";
  if (kind == "VariableSetStmt") return text_of(node, "kind").starts_with("VAR_RESET") ? "RESET" : "SET";
  if (kind == "TransactionStmt") return tag_of_transaction(text_of(node, "kind"));
  return "unknown: " + kind;
}

struct Theirs {
  std::string text;
  std::string tag;
};

/// Cut by PostgreSQL's own parser.
std::vector<Theirs> split_by_postgres(const std::string& sql) {
  std::vector<Theirs> statements;
  const PgQueryParseResult parsed = pg_query_parse(sql.c_str());
  if (parsed.error != nullptr) {
    ADD_FAILURE() << parsed.error->message << " at "
                  << sql.substr(static_cast<std::size_t>(parsed.error->cursorpos) - 1, 60);
    pg_query_free_parse_result(parsed);
    return statements;
  }
  const json::value tree = json::parse(parsed.parse_tree);
  pg_query_free_parse_result(parsed);
  for (const json::value& item : tree.at("stmts").as_array()) {
    const json::object& raw = item.as_object();
    const auto number = [&](const char* field) {
      const auto* value = raw.if_contains(field);
      return value == nullptr ? std::size_t{0} : value->to_number<std::size_t>();
    };
    const std::size_t length = number("stmt_len");  // none: to the end
    const auto& [kind, node] = *raw.at("stmt").as_object().begin();
    statements.push_back({sql.substr(number("stmt_location"), length == 0 ? std::string::npos : length),
                          tag_of_tree(std::string(kind), node.as_object())});
  }
  return statements;
}

/// Every file of tests/sql_corpus.
TEST(SqlStatements, AreSplitAndNamedAsPostgresDoes) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(GUILDHALL_SOURCE_DIR) / "tests/sql_corpus")) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string sql{std::istreambuf_iterator<char>(file), {}};
    const auto ours = split_statements(sql, Dialect::postgres);
    ASSERT_TRUE(ours) << ours.error().message;
    const auto theirs = split_by_postgres(sql);
    EXPECT_EQ(ours->size(), theirs.size());
    if (ours->size() != theirs.size()) continue;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      const SqlStatement& statement = (*ours)[i];
      const std::size_t place = theirs[i].text.find(statement.text);
      ASSERT_NE(place, std::string::npos) << statement.text << "\nis not in\n" << theirs[i].text;
      const auto around = lex(theirs[i].text, Dialect::postgres);
      ASSERT_TRUE(around);
      const auto is_part = [](const Token& token) { return token.kind != TokenKind::comment; };
      EXPECT_EQ(static_cast<std::size_t>(std::ranges::count_if(*around, is_part)), statement.tokens.size())
          << theirs[i].text << "\nis more than\n"
          << statement.text;
      EXPECT_EQ(command_tag(statement), theirs[i].tag) << statement.text;
    }
    count += theirs.size();
  }
  EXPECT_GE(count, 300U);
}

}  // namespace
}  // namespace guildhall::migrate
