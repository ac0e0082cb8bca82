// Each fault that the gate knows, planted alone: it is found and named, and its remedy mends it.
#include "tenancy/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "features/features.h"
#include "tenancy/postgres_roles.h"
#include "tests/support/test_world.h"
#include "web/sessions.h"

namespace guildhall::tenancy {
namespace {

using store::Layout;
using testing::HasSubstr;
using testing::IsEmpty;

bool has_postgres() { return std::getenv("GUILDHALL_TEST_POSTGRES") != nullptr; }
constexpr const char* kWithoutServer = "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";

const TableCatalog& declared() {
  static const Config config;
  static const auto all = [] {
    auto made = std::make_unique<bot::Declarations>(config);
    Tenancy::declare(made->statements, made->tables);
    bot::declare_bot(*made);
    features::declare_all(*made);
    return made;
  }();
  return all->tables;
}

std::string text_of(const CatalogFaults& faults) {
  std::string text;
  for (const auto& fault : faults)
    text += fmt::format("{}: {}\n    {}\n", fault.table, fault.reason, fault.remedy.text);
  return text;
}

/// One fault and how it comes about.
struct Planted {
  const char* name;
  const char* plant;   // {database} is its name
  const char* table;   // what is named
  const char* reason;  // a part of what is said
  /// Where the remedy is for a hand (or mends a part of it only), or what else is to be cleared away.
  const char* undo = "";
};

std::ostream& operator<<(std::ostream& out, const Planted& planted) { return out << planted.name; }

/// A database of its own, without the program that would use it.
class Database {
 public:
  explicit Database(Layout layout) : layout_(layout) {
    config_.data_dir = folder_.path().string();
    made_.emplace(config_, declared(), layout);
  }

  CatalogFaults faults() const {
    auto found = find_catalog_faults(made_->place(), declared());
    if (!found) throw ErrorException(found.error());
    return *std::move(found);
  }

  /// With every right that there is: as the file's user, or as superuser, who can also be the owner.
  void execute(std::string sql) const {
    if (layout_ != Layout::postgres) return made_->execute(sql, 0);
    for (auto at = sql.find("{database}"); at != std::string::npos; at = sql.find("{database}"))
      sql.replace(at, 10, name());
    const auto session = store::open_postgres_session(test::postgres_url("postgres", name()));
    if (!session) throw ErrorException(session.error());
    (*session)->execute(sql);
  }

  std::string name() const {
    const std::string& url = made_->place().url;
    return url.substr(url.rfind('/') + 1);
  }
  const store::DatabasePlace& place() const { return made_->place(); }

 private:
  Layout layout_;
  test::TemporaryFolder folder_;
  Config config_;
  std::optional<test::TestDatabase> made_;
};

/// What one remedy mends may show the next fault: a table that changed hands has lost rights.
CatalogFaults mend(const Database& database, CatalogFaults faults) {
  const auto mendable = [](const CatalogFault& fault) { return fault.remedy.by != Remedy::By::hand; };
  for (int round = 0; round < 3 && std::ranges::any_of(faults, mendable); ++round) {
    for (const CatalogFault& fault : faults) {
      if (mendable(fault)) database.execute(fault.remedy.text);
    }
    faults = database.faults();
  }
  return faults;
}

/// In a database without a fault, which it is again afterwards.
void expect_found_and_mended(const Database& database, const Planted& planted) {
  database.execute(planted.plant);
  CatalogFaults faults = database.faults();
  const bool named = std::any_of(faults.begin(), faults.end(), [&](const CatalogFault& fault) {
    return fault.table == planted.table && fault.reason.find(planted.reason) != std::string::npos;
  });
  EXPECT_TRUE(named) << text_of(faults);
  for (const CatalogFault& fault : faults) EXPECT_NE(fault.remedy.text, "") << fault.reason;
  faults = mend(database, std::move(faults));
  if (*planted.undo != '\0') {
    database.execute(planted.undo);
    faults = database.faults();
  }
  EXPECT_EQ(text_of(faults), "");
}

std::string name_of(const testing::TestParamInfo<Planted>& info) { return info.param.name; }

// SQLite -------------------------------------------------------------------------------------------------

constexpr const char* kAnew =
    "DROP TABLE IF EXISTS point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER NOT "
    "NULL, "
    "person_id INTEGER NOT NULL, plain_us INTEGER NOT NULL, subscribed_us INTEGER NOT NULL, PRIMARY KEY "
    "(discord_server_id, person_id), FOREIGN KEY (discord_server_id, person_id) REFERENCES persons) STRICT, "
    "WITHOUT ROWID";

const Planted kInSqlite[] = {
    {"View", "CREATE VIEW rich AS SELECT * FROM balances", "rich", "is a view"},
    {"Trigger", "CREATE TRIGGER t AFTER INSERT ON persons BEGIN DELETE FROM persons; END", "persons",
     "has the trigger t"},
    {"NotStrict",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER NOT NULL, "
     "person_id INTEGER, PRIMARY KEY (discord_server_id, person_id))",
     "point_conversions", "is not STRICT", kAnew},
    {"MayBeNull",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER, person_id "
     "INTEGER PRIMARY KEY) STRICT",
     "point_conversions", "may be NULL", kAnew},
    {"OfAnotherType",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id TEXT NOT NULL, "
     "person_id INTEGER, PRIMARY KEY (discord_server_id, person_id)) STRICT",
     "point_conversions", "is not an INTEGER", kAnew},
    {"WithDefault",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER NOT NULL "
     "DEFAULT 1, person_id INTEGER, PRIMARY KEY (discord_server_id, person_id)) STRICT",
     "point_conversions", "has a default", kAnew},
    {"Generated",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (person_id INTEGER PRIMARY KEY, "
     "discord_server_id INTEGER NOT NULL AS (person_id) STORED) STRICT",
     "point_conversions", "is generated", kAnew},
    {"WithoutTenant",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (person_id INTEGER PRIMARY KEY) STRICT",
     "point_conversions", "has no column discord_server_id", kAnew},
    {"PrimaryKeyInAnotherOrder",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER NOT NULL, "
     "person_id INTEGER NOT NULL, PRIMARY KEY (person_id, discord_server_id)) STRICT, WITHOUT ROWID",
     "point_conversions", "primary key does not begin", kAnew},
    {"WithoutPrimaryKey",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER NOT NULL) "
     "STRICT",
     "point_conversions", "primary key does not begin", kAnew},
    {"RegistryWithAnotherKey",
     "DROP TABLE jobs; CREATE TABLE jobs (discord_server_id INTEGER NOT NULL, kind TEXT PRIMARY KEY) STRICT",
     "jobs", "primary key does not begin",
     "DROP TABLE jobs; CREATE TABLE jobs (discord_server_id INTEGER NOT NULL, kind TEXT NOT NULL, PRIMARY "
     "KEY (discord_server_id, kind)) STRICT"},
    {"UniqueIndex", "CREATE UNIQUE INDEX one ON persons (display_name)", "persons", "unique index one"},
    {"PartialUniqueIndex", "CREATE UNIQUE INDEX one2 ON persons (display_name) WHERE person_id > 5",
     "persons", "unique index one2"},
    {"UniqueIndexOfAnExpression",
     "CREATE UNIQUE INDEX one3 ON persons (lower(display_name), discord_server_id)", "persons",
     "unique index one3"},
    {"UniqueConstraint",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER NOT NULL, "
     "person_id INTEGER UNIQUE, PRIMARY KEY (discord_server_id, person_id)) STRICT",
     "point_conversions", "unique index", kAnew},
    {"ForeignKeyWithoutTenant",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER NOT NULL, "
     "person_id INTEGER REFERENCES persons (person_id), PRIMARY KEY (discord_server_id, person_id)) STRICT",
     "point_conversions", "foreign key to persons", kAnew},
    {"ForeignKeyWithTheTenantOnOneSide",
     "DROP TABLE point_conversions; CREATE TABLE point_conversions (discord_server_id INTEGER NOT NULL, "
     "person_id INTEGER NOT NULL, PRIMARY KEY (discord_server_id, person_id), FOREIGN KEY "
     "(discord_server_id, person_id) REFERENCES persons (person_id, discord_server_id)) STRICT",
     "point_conversions", "foreign key to persons", kAnew},
    {"ForeignKeyFromNoServer",
     "DROP TABLE login_codes; CREATE TABLE login_codes (s INTEGER, p INTEGER, FOREIGN KEY (s, p) REFERENCES "
     "persons (discord_server_id, person_id)) STRICT",
     "login_codes", "belongs to no server, but",
     "DROP TABLE login_codes; CREATE TABLE login_codes (code_hash TEXT PRIMARY KEY) STRICT"},
    {"UndeclaredTable", "CREATE TABLE notes (a INTEGER) STRICT", "notes", "no declared class",
     "DROP TABLE notes"},
    {"MissingTable", "DROP TABLE point_conversions", "point_conversions", "is missing", kAnew},
};

/// The cases share a database: each leaves it as it was, or the next gets a new one.
template <Layout layout>
class OfCatalog : public testing::TestWithParam<Planted> {
 protected:
  static Database& database() {
    if (!shared_) {
      shared_ = std::make_unique<Database>(layout);
      EXPECT_EQ(text_of(shared_->faults()), "");
    }
    return *shared_;
  }
  void TearDown() override {
    if (HasFailure()) shared_.reset();
  }
  static void TearDownTestSuite() { shared_.reset(); }

 private:
  static inline std::unique_ptr<Database> shared_;
};

using InSqlite = OfCatalog<Layout::sqlite>;

TEST_P(InSqlite, IsFoundAndMended) { expect_found_and_mended(database(), GetParam()); }

INSTANTIATE_TEST_SUITE_P(CatalogFault, InSqlite, testing::ValuesIn(kInSqlite), name_of);

TEST(SqliteCatalog, ForeignKeysThatAreOffAreFound) {
  const Database database(Layout::sqlite);
  const auto session = *store::open_login_session(database.place(), store::Login::bot);
  EXPECT_EQ(text_of(find_sqlite_faults(*session, declared())), "");
  session->execute("PRAGMA foreign_keys = OFF");
  const auto faults = find_sqlite_faults(*session, declared());
  ASSERT_EQ(faults.size(), 1U) << text_of(faults);
  EXPECT_THAT(faults[0].reason, HasSubstr("foreign keys are not enforced"));
  session->execute(faults[0].remedy.text);
  EXPECT_EQ(text_of(find_sqlite_faults(*session, declared())), "");
}

// PostgreSQL ---------------------------------------------------------------------------------------------

#define OWNER "SET ROLE guildhall_owner; SET search_path TO guildhall; "

const Planted kInPostgres[] = {
    {"SecurityOff", OWNER "ALTER TABLE balances DISABLE ROW LEVEL SECURITY", "balances",
     "row-level security is off"},
    {"SecurityNotForced", OWNER "ALTER TABLE balances NO FORCE ROW LEVEL SECURITY", "balances",
     "is not forced"},
    {"SecurityWithoutPolicies", OWNER "ALTER TABLE jobs ENABLE ROW LEVEL SECURITY", "jobs",
     "has row-level security"},
    {"PolicyMissing", OWNER "DROP POLICY server ON balances", "balances", "policy server is missing"},
    {"PolicyBesides", OWNER "CREATE POLICY all_of_it ON balances USING (true)", "balances",
     "policy all_of_it is not one of ours"},
    {"PolicyOfAnotherClass", OWNER "CREATE POLICY server ON sessions USING (true)", "sessions",
     "policy server is not one of ours"},
    {"PolicyWithAnotherCondition", OWNER "ALTER POLICY server ON balances USING (true)", "balances",
     "policy server is another one"},
    {"PolicyWithAnotherCheck", OWNER "ALTER POLICY server ON balances WITH CHECK (true)", "balances",
     "policy server is another one"},
    {"PolicyThatIsSilentWithoutAScope",
     OWNER "ALTER POLICY server ON balances USING (discord_server_id = "
           "nullif(current_setting('guildhall.server_id', true), '')::bigint)",
     "balances", "policy server is another one"},
    {"PolicyForAnotherCommand",
     OWNER "DROP POLICY backup ON balances; CREATE POLICY backup ON balances TO guildhall_ro USING (true)",
     "balances", "policy backup is another one"},
    {"PolicyForAnotherRole", OWNER "ALTER POLICY tick ON balances TO guildhall_app, guildhall_tick",
     "balances", "policy tick is another one"},
    {"PolicyForEverybody", OWNER "ALTER POLICY migration ON balances TO PUBLIC", "balances",
     "policy migration is another one"},
    {"PolicyThatRestricts",
     OWNER "DROP POLICY backup ON balances; CREATE POLICY backup ON balances AS RESTRICTIVE FOR SELECT TO "
           "guildhall_ro USING (true)",
     "balances", "policy backup is another one"},
    {"DoorOpenToAnotherTable", OWNER "CREATE POLICY tick ON persons TO guildhall_tick USING (true)",
     "persons", "policy tick is not one of ours"},
    {"MayBeNull",
     OWNER "ALTER TABLE outbox DROP CONSTRAINT outbox_pkey; ALTER TABLE outbox ALTER discord_server_id DROP "
           "NOT NULL",
     "outbox", "may be NULL",
     OWNER "ALTER TABLE outbox ADD PRIMARY KEY (discord_server_id, destination, sequence)"},
    {"OfAnotherType",
     OWNER "DROP POLICY server ON outbox; ALTER TABLE outbox ALTER discord_server_id TYPE integer; CREATE "
           "POLICY server ON outbox TO guildhall_app USING (discord_server_id = "
           "current_setting('guildhall.server_id')::bigint) WITH CHECK (discord_server_id = "
           "current_setting('guildhall.server_id')::bigint)",
     "outbox", "is integer, not bigint"},
    {"RegistryOfAnotherType", OWNER "ALTER TABLE jobs ALTER discord_server_id TYPE integer", "jobs",
     "is integer, not bigint"},
    {"WithDefault", OWNER "ALTER TABLE outbox ALTER discord_server_id SET DEFAULT 5", "outbox",
     "has a default"},
    {"Generated",
     OWNER
     "ALTER TABLE watch_settlements DROP COLUMN discord_server_id CASCADE; ALTER TABLE "
     "watch_settlements ADD discord_server_id bigint GENERATED ALWAYS AS (settled_until) STORED PRIMARY "
     "KEY; CREATE POLICY server ON watch_settlements TO guildhall_app USING (discord_server_id = "
     "current_setting('guildhall.server_id')::bigint) WITH CHECK (discord_server_id = "
     "current_setting('guildhall.server_id')::bigint)",
     "watch_settlements", "is generated"},
    {"CountsByItself",
     OWNER "ALTER TABLE outbox ALTER discord_server_id ADD GENERATED BY DEFAULT AS IDENTITY", "outbox",
     "counts by itself"},
    {"WithoutTenant", OWNER "ALTER TABLE watch_settlements DROP COLUMN discord_server_id CASCADE",
     "watch_settlements", "has no column discord_server_id",
     OWNER "ALTER TABLE watch_settlements ADD discord_server_id bigint PRIMARY KEY; CREATE POLICY server ON "
           "watch_settlements TO guildhall_app USING (discord_server_id = "
           "current_setting('guildhall.server_id')::bigint) WITH CHECK (discord_server_id = "
           "current_setting('guildhall.server_id')::bigint)"},
    {"PrimaryKey",
     OWNER "ALTER TABLE outbox DROP CONSTRAINT outbox_pkey; ALTER TABLE outbox ADD CONSTRAINT outbox_pkey "
           "PRIMARY KEY (destination, discord_server_id, sequence)",
     "outbox", "primary key outbox_pkey does not begin"},
    {"RegistryWithAnotherKey",
     OWNER "ALTER TABLE jobs DROP CONSTRAINT jobs_pkey; ALTER TABLE jobs ADD CONSTRAINT jobs_pkey PRIMARY "
           "KEY (kind)",
     "jobs", "primary key jobs_pkey does not begin"},
    {"WithoutPrimaryKey", OWNER "ALTER TABLE outbox DROP CONSTRAINT outbox_pkey", "outbox",
     "has no primary key",
     OWNER "ALTER TABLE outbox ADD PRIMARY KEY (discord_server_id, destination, sequence)"},
    {"UniqueIndex", OWNER "CREATE UNIQUE INDEX one12 ON persons (display_name)", "persons",
     "unique index one12 does not begin"},
    {"PartialUniqueIndex", OWNER "CREATE UNIQUE INDEX one13 ON persons (display_name) WHERE person_id > 5",
     "persons", "unique index one13 does not begin"},
    {"UniqueIndexOfAnExpression",
     OWNER "CREATE UNIQUE INDEX one14 ON persons (lower(display_name), discord_server_id)", "persons",
     "unique index one14 does not begin"},
    {"UniqueConstraint",
     OWNER "ALTER TABLE persons ADD CONSTRAINT one15 UNIQUE (person_id, discord_server_id)", "persons",
     "unique index one15 does not begin"},
    {"Exclusion", OWNER "ALTER TABLE persons ADD CONSTRAINT one16 EXCLUDE USING btree (person_id WITH =)",
     "persons", "exclusion one16 does not begin"},
    {"ForeignKeyWithoutTenant",
     OWNER
     "CREATE UNIQUE INDEX one17 ON persons (person_id); ALTER TABLE outbox ADD CONSTRAINT f FOREIGN KEY "
     "(sequence) REFERENCES persons (person_id) ON DELETE CASCADE",
     "outbox", "foreign key to persons does not begin"},
    {"ForeignKeyInAnotherOrder",
     OWNER
     "ALTER TABLE outbox ADD CONSTRAINT f2 FOREIGN KEY (sequence, discord_server_id) REFERENCES persons "
     "(person_id, discord_server_id)",
     "outbox", "foreign key to persons does not begin"},
    {"ForeignKeyToAnotherColumn",
     OWNER "ALTER TABLE outbox ADD CONSTRAINT f3 FOREIGN KEY (sequence) REFERENCES servers", "outbox",
     "foreign key to servers does not begin", OWNER "ALTER TABLE outbox DROP CONSTRAINT f3"},
    {"ForeignKeyFromNoServer",
     OWNER "ALTER TABLE login_codes ADD s bigint, ADD p bigint, ADD CONSTRAINT f4 FOREIGN KEY (s, p) "
           "REFERENCES persons (discord_server_id, person_id)",
     "login_codes", "belongs to no server, but"},
    {"ForeignKeyOutOfTheSchema",
     "CREATE TABLE public.elsewhere (a bigint PRIMARY KEY); GRANT REFERENCES ON public.elsewhere TO "
     "guildhall_owner; " OWNER
     "ALTER TABLE outbox ADD CONSTRAINT f5 FOREIGN KEY (sequence) REFERENCES public.elsewhere",
     "outbox", "leads out of the schema"},
    {"UndeclaredTable", OWNER "CREATE TABLE notes (a bigint)", "notes", "no declared class",
     OWNER "DROP TABLE notes"},
    {"Inheritance", OWNER "CREATE TABLE heirs () INHERITS (persons)", "persons", "is not a plain table",
     OWNER "DROP TABLE heirs"},
    {"MissingTable", OWNER "ALTER TABLE point_conversions SET SCHEMA public", "point_conversions",
     "is missing", "ALTER TABLE public.point_conversions SET SCHEMA guildhall"},
    {"TableOfTheBot", "ALTER TABLE guildhall.activity OWNER TO guildhall_app", "activity",
     "belongs to guildhall_app"},
    {"Truncate", OWNER "GRANT TRUNCATE ON balances TO guildhall_app", "balances",
     "guildhall_app may DELETE, INSERT, SELECT, TRUNCATE, UPDATE"},
    {"References", OWNER "GRANT REFERENCES ON balances TO guildhall_tick", "balances", "guildhall_tick may"},
    {"TriggerRight", OWNER "GRANT TRIGGER ON balances TO guildhall_app", "balances", "guildhall_app may"},
    {"GrantOption", OWNER "GRANT SELECT ON balances TO guildhall_app WITH GRANT OPTION", "balances",
     "SELECT WITH GRANT OPTION"},
    {"RightOfPublic", OWNER "GRANT SELECT ON setting_defaults TO PUBLIC", "setting_defaults",
     "PUBLIC may SELECT"},
    {"RightOfAnotherRole", OWNER "GRANT SELECT ON balances TO operator", "balances",
     "operator may SELECT, and should nothing"},
    {"RightOnAColumn", OWNER "GRANT SELECT (balance) ON balances TO PUBLIC", "balances",
     "may SELECT its column balance"},
    {"RightThatIsMissing", OWNER "REVOKE UPDATE ON balances FROM guildhall_app", "balances",
     "guildhall_app may DELETE, INSERT, SELECT, and should"},
    {"DoorWithARightTooMany", OWNER "GRANT SELECT ON persons TO guildhall_tick", "persons",
     "guildhall_tick may SELECT, and should nothing"},
    {"CreateInTheSchema", OWNER "GRANT CREATE ON SCHEMA guildhall TO guildhall_app", "schema guildhall",
     "guildhall_app may make tables"},
    {"CreateInTheDatabase", "GRANT CREATE ON DATABASE {database} TO guildhall_tick", "guildhall_tick",
     "may make schemas"},
    {"BotIsSuperuser", "ALTER ROLE guildhall_app SUPERUSER", "guildhall_app", "is a role with SUPERUSER"},
    {"DoorBypasses", "ALTER ROLE guildhall_tick BYPASSRLS", "guildhall_tick", "is a role with BYPASSRLS"},
    {"BotMakesRoles", "ALTER ROLE guildhall_app CREATEROLE", "guildhall_app", "is a role with CREATEROLE"},
    {"BackupReplicates", "ALTER ROLE guildhall_ro REPLICATION", "guildhall_ro", "is a role with REPLICATION"},
    {"OwnerSignsIn", "ALTER ROLE guildhall_owner LOGIN", "guildhall_owner", "may sign in"},
    {"BotIsTheOwner", "GRANT guildhall_owner TO guildhall_app", "guildhall_app",
     "is a member of guildhall_owner"},
    {"BotIsTheDoor", "GRANT guildhall_tick TO guildhall_app", "guildhall_app",
     "is a member of guildhall_tick"},
    {"DoorReadsEverything", "GRANT pg_read_all_data TO guildhall_tick", "guildhall_tick",
     "is a member of pg_read_all_data"},
    {"BotIsTheOwnerThroughAnother",
     "CREATE ROLE between; GRANT guildhall_owner TO between; GRANT between TO guildhall_app", "guildhall_app",
     "is a member of guildhall_owner", "DROP ROLE between"},
    {"ScopeOfARole", "ALTER ROLE guildhall_app SET guildhall.server_id = '5'", "guildhall_app",
     "begin in the scope of server 5"},
    {"ScopeOfTheDatabase", "ALTER DATABASE {database} SET guildhall.server_id = '6'", "guildhall_tick",
     "begin in the scope of server 6"},
    {"View", OWNER "CREATE VIEW rich AS SELECT * FROM balances", "rich", "with its owner's rights"},
    {"ViewOverAView",
     OWNER "CREATE VIEW inner_one WITH (security_invoker = on) AS SELECT * FROM balances; CREATE VIEW "
           "outer_one AS SELECT * FROM inner_one",
     "outer_one", "with its owner's rights"},
    {"ViewElsewhere", "CREATE VIEW public.rich2 AS SELECT * FROM guildhall.balances", "public.rich2",
     "with its owner's rights"},
    {"MaterialisedView", OWNER "CREATE MATERIALIZED VIEW rich3 AS SELECT balance FROM balances", "rich3",
     "which no policy covers"},
    {"FunctionWithOtherRights",
     OWNER "CREATE FUNCTION f(bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT $1'",
     "f(bigint)", "runs with its owner's rights"},
    {"FunctionElsewhere",
     "CREATE FUNCTION public.f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'; ALTER "
     "FUNCTION public.f() OWNER TO guildhall_migrate",
     "public.f()", "runs with its owner's rights"},
    {"FunctionOfAnAdministrator",
     "CREATE FUNCTION public.g() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'",
     "public.g()", "runs with its owner's rights"},
    {"Trigger",
     OWNER
     "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t "
     "BEFORE INSERT ON persons FOR EACH ROW EXECUTE FUNCTION f()",
     "persons", "has the trigger t"},
    {"Rule", OWNER "CREATE RULE r AS ON INSERT TO persons DO ALSO SELECT 1", "persons", "has the rule r"},
};

#undef OWNER

using InPostgres = OfCatalog<Layout::postgres>;

TEST_P(InPostgres, IsFoundAndMended) {
  if (!has_postgres()) GTEST_SKIP() << kWithoutServer;
  expect_found_and_mended(database(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(CatalogFault, InPostgres, testing::ValuesIn(kInPostgres), name_of);

TEST(PostgresCatalog, EachAddressSignsInAsItsOwnRole) {
  if (!has_postgres()) GTEST_SKIP() << kWithoutServer;
  const Database database(Layout::postgres);
  store::DatabasePlace place = database.place();
  std::swap(place.url, place.tick_url);
  const auto faults = *find_catalog_faults(place, declared());
  ASSERT_EQ(faults.size(), 2U) << text_of(faults);
  EXPECT_THAT(faults[0].reason, HasSubstr("who database.url signs in as; that should be guildhall_app"));
  EXPECT_THAT(faults[1].reason, HasSubstr("who database.tick_url signs in as"));
}

TEST(PostgresCatalog, ARoleThatIsMissingIsNamed) {
  if (!has_postgres()) GTEST_SKIP() << kWithoutServer;
  const Database database(Layout::postgres);
  database.execute("ALTER ROLE guildhall_ro RENAME TO guildhall_gone");
  const auto faults = database.faults();
  database.execute("ALTER ROLE guildhall_gone RENAME TO guildhall_ro");
  EXPECT_THAT(text_of(faults), HasSubstr("guildhall_ro: is a role that is missing"));
  EXPECT_THAT(text_of(faults), HasSubstr("balances: guildhall_gone may SELECT, and should nothing"));
  EXPECT_EQ(text_of(database.faults()), "");
}

TEST(PostgresCatalog, AViewWithTheReadersRightsIsNoFault) {
  if (!has_postgres()) GTEST_SKIP() << kWithoutServer;
  const Database database(Layout::postgres);
  database.execute(
      "SET ROLE guildhall_owner; CREATE VIEW guildhall.own WITH (security_invoker = on) AS SELECT * FROM "
      "guildhall.balances; CREATE VIEW guildhall.free AS SELECT * FROM guildhall.setting_defaults");
  EXPECT_EQ(text_of(database.faults()), "");
}

// At every start -----------------------------------------------------------------------------------------

TEST(Catalog, ATableWithTheTenantColumnCannotBelongToNoServer) {
  TableCatalog wrong;
  for (const auto& [name, spec] : declared().all())
    wrong.add(name == "persons" ? TableSpec{"persons", TableClass::global, "test"} : spec);
  for (const Layout layout : {Layout::sqlite, Layout::postgres}) {
    if (layout == Layout::postgres && !has_postgres()) continue;
    const Database database(layout);
    const auto faults = *find_catalog_faults(database.place(), wrong);
    EXPECT_THAT(text_of(faults),
                HasSubstr("persons: is declared to belong to no server, but has the column"));
  }
}

TEST(Catalog, TheFirstFaultIsNamedWithItsRemedyAndTheOthersAreCounted) {
  EXPECT_TRUE(refuse_faults("here", {}));
  const CatalogFault one{"balances", "row-level security is off", {Remedy::By::owner, "ALTER ..."}};
  const auto refused = refuse_faults("host/db", {one, one, one});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused_by_guard);
  EXPECT_EQ(refused.error().message,
            "the seal of 'host/db' is open: balances: row-level security is off (and 2 more)");
  EXPECT_THAT(refused.error().hint, HasSubstr("ALTER ..."));
  EXPECT_THAT(refused.error().hint, HasSubstr("doctor isolation --catalog"));
}

/// Opens the world's database once more, and says what was refused.
std::string refusal_of(test::TestWorld& world) {
  try {
    world.reopen();
    return "";
  } catch (const ErrorException& error) {
    EXPECT_EQ(error.error().code, ErrorCode::refused_by_guard);
    return error.what();
  }
}

TEST(Catalog, WhatIsOpenedBehindTheRunningProgramStopsItsNextStart) {
  test::TestWorld world;
  world.server(1);
  const bool postgres = store::Layout::postgres == world.place().layout;
  world.execute(postgres ? "DROP POLICY server ON balances" : "CREATE VIEW rich AS SELECT * FROM balances");
  EXPECT_THAT(refusal_of(world),
              HasSubstr(postgres ? "balances: the policy server is missing" : "rich: is a view"));
  for (const auto& fault : *find_catalog_faults(world.place(), world.declarations.tables))
    (*store::open_schema_session(world.place()))->execute(fault.remedy.text);
  EXPECT_EQ(refusal_of(world), "");
}

TEST(Catalog, AFaultInOneServersFileStopsThatServerAlone) {
  test::TestWorld world(Layout::sqlite_per_server);
  const auto write = [](store::Tx&) -> store::TxTask<void> { co_return; };
  world.in(1, write);
  world.in(2, write);
  world.execute("CREATE VIEW rich AS SELECT * FROM balances", 1);
  world.reopen();
  world.in(2, write);
  try {
    world.in(1, write);
    ADD_FAILURE() << "server 1 was opened";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("rich: is a view"));
  }
}

}  // namespace
}  // namespace guildhall::tenancy
