// Each table's protections taken away one at a time: the catalog gate names it, and with both gates taken
// away as well a server's login reaches the other's rows exactly then.
#include "tests/isolation/tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "doctor/ground.h"
#include "store/sqlite/server_files.h"
#include "tenancy/catalog.h"
#include "tenancy/postgres_roles.h"
#include "tests/isolation/matrix.h"
#include "tests/isolation/peeling.h"

namespace guildhall::test {
namespace {

using store::Layout;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;

// PostgreSQL ---------------------------------------------------------------------------------------------

struct Protection {
  const char* name;
  const char* damage;  // {} is the table
  const char* fault;   // that the catalog gate finds
  Breach breach;       // behind both gates
};

constexpr Breach kSealed{.owns = true};
constexpr Breach kOpen{true, true, true, true, true};

const Protection kProtections[] = {
    {"the condition of its policy",
     "ALTER POLICY server ON {} USING (true)",
     "policy server is another one",
     {.reads = true, .erases = true, .owns = true}},
    {"the check of its policy",
     "ALTER POLICY server ON {} WITH CHECK (true)",
     "policy server is another one",
     {.inserts = true, .owns = true}},
    {"row-level security", "ALTER TABLE {} DISABLE ROW LEVEL SECURITY", "row-level security is off", kOpen},
    {"FORCE, for a login that owns it",
     "ALTER TABLE {0} NO FORCE ROW LEVEL SECURITY; ALTER TABLE {0} OWNER TO guildhall_app", "is not forced",
     kOpen},
};

bool is_named(const std::vector<std::string>& faults, const std::string& table, const std::string& reason) {
  return std::any_of(faults.begin(), faults.end(), [&](const std::string& fault) {
    return fault.starts_with(table + ": ") && fault.find(reason) != std::string::npos;
  });
}

class Tables : public testing::Test {
 protected:
  void SetUp() override { tables_ = tables_with_rows(world_); }
  std::string each() const { return fmt::format("each of {} tables, one at a time", tables_.size()); }

  TestWorld world_;
  std::vector<std::string> tables_;
};

TEST_F(Tables, EachPolicyHoldsByItself) {
  if (tested_layout() != Layout::postgres) return;
  amid_two_servers(world_, [this] {
    PostgresTrial trial(world_);
    ASSERT_EQ(trial.faults(""), std::vector<std::string>{});
    for (const std::string& table : tables_) {
      EXPECT_EQ(trial.breach(table, ""), kSealed) << table;
      EXPECT_EQ(trial.breach(table, fmt::format("ALTER TABLE {} OWNER TO guildhall_app", table)), kSealed)
          << table << ": FORCE binds its owner";
      // Never told, or told in a transaction that is over.
      EXPECT_THAT(trial.error_without_scope(table),
                  AnyOf(HasSubstr("guildhall.server_id"), HasSubstr("type bigint")))
          << table;
      const std::string dropped = fmt::format("DROP POLICY server ON {}", table);
      EXPECT_EQ(trial.breach(table, dropped), Breach{}) << table << ": without a policy nobody sees anything";
      EXPECT_TRUE(is_named(trial.faults(dropped), table, "policy server is missing"));
      for (const Protection& one : kProtections) {
        const std::string damage = fmt::format(fmt::runtime(one.damage), table);
        EXPECT_TRUE(is_named(trial.faults(damage), table, one.fault)) << damage;
        EXPECT_EQ(trial.breach(table, damage), one.breach) << damage;
      }
    }
  });
  write_to_matrix({"the policy of " + each(), "-", kCatalogGate, this_test()});
  write_to_matrix(
      {"the policy of " + each(), "both gates", "row-level security: it lets nothing through", this_test()});
  for (const Protection& one : kProtections) {
    write_to_matrix({fmt::format("{}: {}", one.name, each()), "-", kCatalogGate, this_test()});
    write_to_matrix({fmt::format("{}: {}", one.name, each()), "both gates, a predicate",
                     "a count of the other server's rows", this_test()});
  }
}

TEST_F(Tables, ALoginThatIsAboveThePoliciesIsRefused) {
  if (tested_layout() != Layout::postgres) return;
  amid_two_servers(world_, [this] {
    PostgresTrial trial(world_);
    const std::string damage = "ALTER ROLE guildhall_app BYPASSRLS";
    EXPECT_THAT(trial.faults(damage), Contains(HasSubstr("guildhall_app")));
    for (const std::string& table : tables_) EXPECT_EQ(trial.breach(table, damage), kOpen) << table;
  });
  write_to_matrix({"NOBYPASSRLS of the bot's login", "-", kCatalogGate, this_test()});
  write_to_matrix({"NOBYPASSRLS of the bot's login", "both gates, a predicate",
                   "a count of the other server's rows", this_test()});
}

std::string with_key(const std::string& table, const std::vector<std::string>& key) {
  return fmt::format(
      "ALTER TABLE {0} DROP CONSTRAINT {0}_pkey CASCADE; ALTER TABLE {0} ADD PRIMARY KEY ({1})", table,
      fmt::join(key, ", "));
}

TEST_F(Tables, EachKeyBeginsWithTheServer) {
  if (tested_layout() != Layout::postgres) return;
  std::vector<std::string> collide;
  amid_two_servers(world_, [&] {
    PostgresTrial trial(world_);
    for (const std::string& table : tables_) {
      std::vector<std::string> key = trial.key_of(table);
      if (key.empty()) continue;  // one row for each server
      if (trial.error_of(with_key(table, key)).find("could not create unique index") != std::string::npos)
        collide.push_back(table);
      key.emplace_back(store::kTenantColumn);
      EXPECT_TRUE(is_named(trial.faults(with_key(table, key)), table, "does not begin with")) << table;
    }
  });
  EXPECT_GE(collide.size(), tables_.size() / 2) << fmt::format("{}", fmt::join(collide, " "));
  write_to_matrix({"the server at the front of the key of " + each(), "-", kCatalogGate, this_test()});
  write_to_matrix({fmt::format("the server in the key of each of {} tables", collide.size()), kCatalogGate,
                   "keys: two servers' rows cannot both be", this_test()});
}

// SQLite -------------------------------------------------------------------------------------------------

/// A table made anew with another key, in a file that has rows of one server or of both.
class SqliteTrial {
 public:
  explicit SqliteTrial(const std::string& file) : session_(*store::open_existing_session(file)) {
    session_->execute("PRAGMA foreign_keys=OFF");
  }

  /// With `key` in place of its own; what stands in the way of its rows then, and what the gate says.
  struct Result {
    std::string error;
    std::vector<std::string> faults;
  };
  Result with_key(const tenancy::TableCatalog& tables, const std::string& table, bool without_server) {
    static const std::regex kKey(R"(PRIMARY KEY \(discord_server_id, ([^)]*)\))");
    const std::string sql =
        session_->query("SELECT sql FROM sqlite_schema WHERE name = $1", {table}).at(0).at(0);
    Result result;
    session_->execute("BEGIN");
    session_->execute(fmt::format("CREATE TEMP TABLE kept AS SELECT {} FROM {}", columns(table), table));
    session_->execute(fmt::format("DROP TABLE {}", table));
    const char* key = without_server ? "PRIMARY KEY ($1)" : "PRIMARY KEY ($1, discord_server_id)";
    session_->execute(std::regex_replace(sql, kKey, key));
    try {
      session_->execute(fmt::format("INSERT INTO {} ({}) SELECT * FROM temp.kept", table, columns(table)));
    } catch (const store::DatabaseError& error) {
      result.error = error.what();
    }
    for (const auto& fault : tenancy::find_sqlite_faults(*session_, tables))
      result.faults.push_back(fault.table + ": " + fault.reason);
    session_->execute("ROLLBACK");
    return result;
  }
  bool has_longer_key(const std::string& table) {
    return session_->query("SELECT count(*) FROM pragma_table_info($1) WHERE pk > 0", {table})[0][0] != "1";
  }

 private:
  std::string columns(const std::string& table) {
    std::vector<std::string> names;
    for (const auto& row : session_->query("SELECT name FROM pragma_table_info($1)", {table}))
      names.push_back(row[0]);
    return fmt::format("{}", fmt::join(names, ", "));
  }

  std::unique_ptr<store::SchemaSession> session_;
};

TEST_F(Tables, EachKeyInAFileBeginsWithTheServer) {
  if (tested_layout() == Layout::postgres) return;
  std::vector<std::string> collide;
  amid_two_servers(world_, [&] {
    SqliteTrial trial(world_.file_of(doctor::kSecondServer.value()));
    for (const std::string& table : tables_) {
      if (!trial.has_longer_key(table)) continue;  // one row for each server
      const auto behind = trial.with_key(world_.declarations.tables, table, false);
      EXPECT_EQ(behind.error, "") << table;
      EXPECT_TRUE(is_named(behind.faults, table, "does not begin with")) << table;
      const auto without = trial.with_key(world_.declarations.tables, table, true);
      EXPECT_TRUE(is_named(without.faults, table, "does not begin with")) << table;
      if (without.error.find("UNIQUE constraint") != std::string::npos) collide.push_back(table);
    }
  });
  write_to_matrix({"the server at the front of the key of " + each(), "-", kCatalogGate, this_test()});
  if (tested_layout() == Layout::sqlite_per_server) {
    EXPECT_EQ(collide, std::vector<std::string>{}) << "a file has one server's rows";
    write_to_matrix({"the server in the key of " + each(), kCatalogGate,
                     "file: it has no other server's rows", this_test()});
    return;
  }
  EXPECT_GE(collide.size(), tables_.size() / 2) << fmt::format("{}", fmt::join(collide, " "));
  write_to_matrix({fmt::format("the server in the key of each of {} tables", collide.size()), kCatalogGate,
                   "keys: two servers' rows cannot both be", this_test()});
}

}  // namespace
}  // namespace guildhall::test
