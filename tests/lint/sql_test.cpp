// Every registered statement, looked at by PostgreSQL's own parser: it is in the shared dialect, and by
// this second and independent reading, too, each sealed table is bound to :server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pg_query.h>

#include <boost/json/parse.hpp>
#include <regex>
#include <set>

#include "base/json.h"
#include "cli/demo_check.h"
#include "tests/support/test_world.h"

namespace guildhall {
namespace {

using json::Value;
using store::Access;
using store::StatementInfo;

/// :name -> $n, as the PostgreSQL side will do it; returns the numbers by name.
std::string numbered(const std::string& sql, std::map<std::string, int>& numbers) {
  std::string out;
  static const std::regex kName(R"(:([a-z_]+))");
  auto from = sql.cbegin();
  for (std::sregex_iterator it(sql.begin(), sql.end(), kName), end; it != end; ++it) {
    const int next = static_cast<int>(numbers.size()) + 1;
    const int number = numbers.try_emplace((*it)[1], next).first->second;
    out.append(from, (*it)[0].first);
    out += fmt::format("${}", number);
    from = (*it)[0].second;
  }
  out.append(from, sql.cend());
  return out;
}

struct Parsed {
  Value tree;
  std::map<std::string, int> numbers;
  std::string error;
};

Parsed parse(const std::string& sql) {
  Parsed parsed;
  const std::string text = numbered(sql, parsed.numbers);
  const PgQueryParseResult result = pg_query_parse(text.c_str());
  if (result.error != nullptr) {
    parsed.error = fmt::format("{} in: {}", result.error->message, text);
  } else {
    boost::json::parse_options options;
    options.max_depth = 256;
    parsed.tree = boost::json::parse(result.parse_tree, {}, options);
  }
  pg_query_free_parse_result(result);
  return parsed;
}

/// A visitor over PostgreSQL's tree that keeps, per query level, the tables and the AND terms.
class TenantCheck {
 public:
  TenantCheck(const tenancy::TableCatalog& tables, int server_parameter)
      : tables_(tables), server_(server_parameter) {}

  std::vector<std::string> problems;

  void visit(const Value& node) {
    if (const auto* array = node.if_array()) {
      for (const Value& item : *array) visit(item);
      return;
    }
    const auto* object = node.if_object();
    if (object == nullptr) return;
    for (const auto& [key, value] : *object) {
      if (key == "SelectStmt" || key == "UpdateStmt" || key == "DeleteStmt") {
        level(value);
      } else if (key == "InsertStmt") {
        insert(value);
      } else {
        visit(value);
      }
    }
  }

 private:
  using Aliases = std::map<std::string, std::string>;  // alias -> sealed table

  static std::string name_of(const Value& range) {
    const Value* alias = json::find(range, "alias");
    return alias != nullptr ? json::text_or(*alias, "aliasname", "") : json::text_or(range, "relname", "");
  }

  void add_table(const Value& range, Aliases& aliases) {
    const std::string table = json::text_or(range, "relname", "");
    if (!ctes_.contains(table) && tables_.is_sealed(table)) aliases[name_of(range)] = table;
  }

  /// Tables and ON conditions of a FROM clause; subqueries are levels of their own.
  void collect(const Value& node, Aliases& aliases, std::set<std::string>& bound) {
    if (const auto* array = node.if_array()) {
      for (const Value& item : *array) collect(item, aliases, bound);
      return;
    }
    const auto* object = node.if_object();
    if (object == nullptr) return;
    for (const auto& [key, value] : *object) {
      if (key == "RangeVar") {
        add_table(value, aliases);
      } else if (key == "JoinExpr") {
        for (const char* side : {"larg", "rarg"}) {
          if (const Value* found = json::find(value, side)) collect(*found, aliases, bound);
        }
        if (const Value* quals = json::find(value, "quals")) terms(*quals, bound);
      } else {
        visit(value);
      }
    }
  }

  /// `alias.discord_server_id = $server` among the AND terms.
  void terms(const Value& node, std::set<std::string>& bound) {
    visit(node);
    if (const Value* both = json::find(node, "BoolExpr")) {
      if (json::text_or(*both, "boolop", "") != "AND_EXPR") return;
      for (const Value& part : json::array(*both, "args")) terms(part, bound);
      return;
    }
    const Value* equals = json::find(node, "A_Expr");
    if (equals == nullptr || json::write(json::array(*equals, "name")).find("\"=\"") == std::string::npos)
      return;
    const Value* left = json::find(*equals, "lexpr");
    const Value* right = json::find(*equals, "rexpr");
    if (left == nullptr || right == nullptr) return;
    for (const auto& [column, parameter] : {std::pair{left, right}, std::pair{right, left}}) {
      if (is_server(*parameter)) {
        if (const auto alias = tenant_alias(*column)) bound.insert(*alias);
      }
    }
  }

  bool is_server(const Value& node) const {
    const Value* parameter = json::find(node, "ParamRef");
    return parameter != nullptr && json::integer(*parameter, "number") == server_;
  }

  /// "" for an unqualified tenant column.
  static std::optional<std::string> tenant_alias(const Value& node) {
    const Value* reference = json::find(node, "ColumnRef");
    if (reference == nullptr) return std::nullopt;
    std::vector<std::string> parts;
    for (const Value& field : json::array(*reference, "fields")) {
      const Value* text = json::find(field, "String");
      if (text != nullptr) parts.push_back(json::text_or(*text, "sval", ""));
    }
    if (parts.empty() || parts.back() != tenancy::kTenantColumn) return std::nullopt;
    return parts.size() == 1 ? "" : parts.front();
  }

  void with(const Value& statement) {
    const Value* clause = json::find(statement, "withClause");
    if (clause == nullptr) return;
    for (const Value& cte : json::array(*clause, "ctes")) {
      const Value* expression = json::find(cte, "CommonTableExpr");
      ctes_.insert(json::text_or(*expression, "ctename", ""));
      visit(*json::find(*expression, "ctequery"));
    }
  }

  void level(const Value& statement) {
    with(statement);
    Aliases aliases;
    std::set<std::string> bound;
    if (const Value* target = json::find(statement, "relation")) add_table(*target, aliases);
    for (const char* clause : {"fromClause", "usingClause"}) {
      if (const Value* from = json::find(statement, clause)) collect(*from, aliases, bound);
    }
    if (const Value* where = json::find(statement, "whereClause")) terms(*where, bound);
    for (const auto& [alias, table] : aliases) {
      const bool alone = aliases.size() == 1 && bound.contains("");
      if (!bound.contains(alias) && !alone)
        problems.push_back(fmt::format("table '{}' is not bound to :server", table));
    }
    const auto* object = statement.if_object();
    for (const auto& [key, value] : *object) {
      if (key != "withClause" && key != "relation" && key != "fromClause" && key != "usingClause" &&
          key != "whereClause")
        visit(value);
    }
  }

  void insert(const Value& statement) {
    with(statement);
    const Value* target = json::find(statement, "relation");
    const std::string table = json::text_or(*target, "relname", "");
    const Value* source = json::find(statement, "selectStmt", "SelectStmt");
    if (tables_.is_sealed(table)) {
      std::size_t position = 0;
      bool named = false;
      for (const Value& column : json::array(statement, "cols")) {
        const Value* result = json::find(column, "ResTarget");
        named = named || json::text_or(*result, "name", "") == tenancy::kTenantColumn;
        if (!named) ++position;
      }
      if (!named) problems.push_back(fmt::format("table '{}': the insert names no tenant column", table));
      for (const Value& row : json::array(*source, "valuesLists")) {
        const Value* items = json::find(row, "List");
        if (!is_server(json::array(*items, "items").at(position)))
          problems.push_back(fmt::format("table '{}': a row for another server", table));
      }
      if (json::array(*source, "valuesLists").empty()) {
        const Value* item = json::find(json::array(*source, "targetList").at(position), "ResTarget", "val");
        if (!is_server(*item)) problems.push_back(fmt::format("table '{}': a row for another server", table));
      }
    }
    level(*source);
    if (const Value* conflict = json::find(statement, "onConflictClause")) visit(*conflict);
  }

  const tenancy::TableCatalog& tables_;
  int server_;
  std::set<std::string> ctes_;
};

class Sql : public testing::Test {
 protected:
  Sql() { cli::declare_demo_check(world_.declarations); }
  const std::vector<StatementInfo>& statements() { return world_.declarations.statements.all(); }
  test::TestWorld world_;
};

TEST_F(Sql, IsUnderstoodByPostgreSql) {
  ASSERT_GT(statements().size(), 50U);
  for (const StatementInfo& info : statements()) EXPECT_EQ(parse(info.postgres).error, "") << info.name;
}

TEST_F(Sql, BindsTheServerByASecondReading) {
  int checked = 0;
  for (const StatementInfo& info : statements()) {
    if (info.access != Access::server) continue;
    const Parsed parsed = parse(info.postgres);
    const auto server = parsed.numbers.find("server");
    TenantCheck check(world_.declarations.tables, server == parsed.numbers.end() ? -1 : server->second);
    check.visit(parsed.tree);
    EXPECT_THAT(check.problems, testing::IsEmpty()) << info.name;
    ++checked;
  }
  EXPECT_GT(checked, 40);
}

/// The second reading is worth something only if it sees what is wrong.
TEST_F(Sql, TheSecondReadingSeesWhatIsMissing) {
  for (const char* sql :
       {"SELECT balance FROM balances WHERE unit = 'x' AND :server = 1",
        "SELECT b.balance FROM balances b JOIN persons p ON p.person_id = b.holder_id WHERE "
        "b.discord_server_id = :server",
        "SELECT balance FROM balances WHERE discord_server_id = :server OR unit = 'x'",
        "DELETE FROM settings WHERE key = 'a' AND :server = 1",
        "INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (5, 'a', 'b', :server)"}) {
    const Parsed parsed = parse(sql);
    TenantCheck check(world_.declarations.tables, parsed.numbers.at("server"));
    check.visit(parsed.tree);
    EXPECT_THAT(check.problems, testing::Not(testing::IsEmpty())) << sql;
  }
}

/// What only one of the two databases understands, or means otherwise.
TEST_F(Sql, StaysInTheSharedDialect) {
  const std::vector<std::pair<std::regex, std::string>> rules{
      {std::regex(R"(\bnow\s*\()", std::regex::icase), "times are passed in"},
      {std::regex(R"(\bcurrent_timestamp\b)", std::regex::icase), "times are passed in"},
      {std::regex(R"(\bINSERT\s+OR\b)", std::regex::icase), "write ON CONFLICT"},
      {std::regex(R"(\bREPLACE\s+INTO\b)", std::regex::icase), "write ON CONFLICT"},
      {std::regex(R"(\b(LOWER|UPPER)\s*\()", std::regex::icase), "fold in C++"},
      {std::regex(R"(\bLIKE\b)", std::regex::icase), "compare bytewise"},
      {std::regex(R"(\b(ifnull|strftime|julianday|random)\s*\()", std::regex::icase), "known to SQLite only"},
      {std::regex(R"(\bNUMERIC\b|\bREAL\b|\bFLOAT\b)", std::regex::icase), "amounts are integers"},
      {std::regex(R"(\browid\b)", std::regex::icase), "known to SQLite only"}};
  for (const StatementInfo& info : statements()) {
    for (const auto& [rule, why] : rules)
      EXPECT_FALSE(std::regex_search(info.sqlite, rule)) << info.name << ": " << why;
    std::string compact;
    for (const char c : info.sqlite) compact += c == '\n' ? ' ' : c;
    static const std::regex kCast(R"(CAST\((COALESCE\()?sum\()");
    if (std::regex_search(compact, std::regex(R"(\bsum\()"))) {
      const auto count = [&](const std::regex& pattern) {
        return std::distance(std::sregex_iterator(compact.begin(), compact.end(), pattern), {});
      };
      EXPECT_EQ(count(std::regex(R"(\bsum\()")), count(kCast)) << info.name << ": a sum is cast to BIGINT";
    }
  }
}

}  // namespace
}  // namespace guildhall
