// Several servers shared one database, and its rows do not say whose they are.
#include "convert/attribution.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/run.h"
#include "migrate/schema_snapshot.h"
#include "tests/support/any_database.h"
#include "tests/support/old_kick.h"

namespace guildhall::convert {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Servers 5 and 7 share it; links say of some members where they are. Notes are not described.
constexpr const char* kDatabase = R"(
CREATE TABLE servers (server bigint PRIMARY KEY, name text);
INSERT INTO servers VALUES (5, 'five'), (7, 'seven');
CREATE TABLE links (id serial PRIMARY KEY, name text NOT NULL, server bigint NOT NULL, UNIQUE (name, server));
INSERT INTO links (name, server) VALUES ('alice', 5), ('bob', 7), ('carol', 5), ('carol', 7);
CREATE TABLE points (id serial PRIMARY KEY, name text NOT NULL UNIQUE, points integer NOT NULL DEFAULT 0);
INSERT INTO points (name, points) VALUES ('Alice', 10), ('bob', 20), ('carol', 30), ('dave', 40), ('eve', 50);
CREATE TABLE items (id serial PRIMARY KEY, title text, server bigint);
INSERT INTO items (title, server) VALUES ('own', 7), ('hat', NULL), ('cup', NULL);
CREATE TABLE sales (id serial PRIMARY KEY, item integer REFERENCES items (id), buyer text);
INSERT INTO sales (item, buyer) VALUES (1, 'alice'), (2, 'alice'), (NULL, 'bob'), (NULL, 'zoe');
CREATE TABLE notes (id serial PRIMARY KEY, sale integer REFERENCES sales (id), text text);
INSERT INTO notes (sale, text) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (NULL, 'e');
CREATE TABLE pairs (a text, b text, PRIMARY KEY (a, b));
INSERT INTO pairs VALUES ('a', 'b'), ('a', 'c');
)";

constexpr const char* kDescription = R"(
tenant_column = "server"
[registry]
table = "servers"
column = "server"
[[evidence]]
table = "links"
column = "server"
[table.servers]
class = "registry"
[table.links]
class = "tenant"
[table.points]
class = "tenant"
sums = ["points"]
map_key = ["name"]
evidence = [{ table = "links", columns = ["name"], referenced = ["name"], folded = true }]
[table.items]
class = "tenant"
[table.sales]
class = "child"
parents = [{ table = "items", columns = ["item"], referenced = ["id"] }]
evidence = [{ table = "links", columns = ["buyer"], referenced = ["name"], server = "server" }]
[table.pairs]
class = "tenant"
)";

constexpr const char* kMap =
    "items,2,7\n"
    "items,*,5\n"
    "points,carol,5\n"
    "points,dave,7\n"
    "sales,4,5\n"
    "pairs,\"[\"\"a\"\",\"\"c\"\"]\",7\n";

/// What every row's server is then, with 5 for the rest.
constexpr const char* kServers =
    "items 5: cup, items 7: hat own, links 5: alice carol, links 7: bob carol, notes 5: d e, notes 7: a b c, "
    "pairs 5: ab, pairs 7: ac, points 5: Alice carol eve, points 7: bob dave, sales 5: zoe, sales 7: alice "
    "alice bob";

class AttributionInPostgres : public test::OnPostgres {
 protected:
  void SetUp() override { session().execute(kDatabase); }

  static Options options(std::string_view map = kMap, bool has_default = true) {
    Options options;
    options.description = *parse_description(kDescription, "test.toml");
    options.server = 5;
    options.backup_done = "none is needed";
    options.attribution.map = *parse_row_map(map, "map.csv");
    options.attribution.by_evidence = true;
    options.attribution.rest_is_home = has_default;
    return options;
  }
  /// Nothing is named again: a conversion that has begun remembers.
  static Options going_on() {
    Options options;
    options.backup_done = "none is needed";
    return options;
  }

  std::string problem(const Options& options) {
    const auto report = apply(target(), options);
    return report ? "" : fmt::format("{}: {}", report.error().finding.code, report.error().finding.text);
  }
  std::string contraction() {
    ContractOptions options;
    static_cast<Options&>(options) = going_on();
    const auto report = contract(target(), options);
    return report ? "" : fmt::format("{}: {}", report.error().finding.code, report.error().finding.text);
  }
  std::string way_back() {
    RollbackOptions options;
    static_cast<Options&>(options) = going_on();
    const auto report = rollback(target(), options);
    return report ? "" : fmt::format("{}: {}", report.error().finding.code, report.error().finding.text);
  }
  /// Nobody has written.
  std::vector<std::string> errors() {
    const auto checked = check(session(), target(), going_on(), {.writers = Writers::stopped});
    if (!checked) return {checked.error().finding.text};
    std::vector<std::string> texts;
    for (const migrate::Finding& one : checked->found.findings) {
      if (one.level == migrate::Level::error) texts.push_back(one.code + ": " + one.text);
    }
    return texts;
  }
  std::vector<std::string> findings_of_plan(const Options& options) {
    const auto plan = convert::plan(session(), migrate::Dialect::postgres, options);
    if (!plan) return {plan.error().finding.text};
    std::vector<std::string> texts;
    for (const migrate::Finding& one : plan->look.scheme.findings)
      texts.push_back(
          fmt::format("{}{}: {}", one.level == migrate::Level::error ? "" : "(", one.code, one.text));
    return texts;
  }

  std::string ask(const std::string& sql) { return session().query(sql).at(0).at(0); }
  std::string servers() {
    std::string all;
    const std::pair<const char*, const char*> shown[] = {{"items", "title"}, {"links", "name"},
                                                         {"notes", "text"},  {"pairs", "a || b"},
                                                         {"points", "name"}, {"sales", "buyer"}};
    for (const auto& [table, name] : shown)
      for (const auto& row : session().query(fmt::format("SELECT server, string_agg({0}, ' ' ORDER BY {0} "
                                                         "COLLATE \"C\") FROM {1} GROUP BY 1 ORDER BY 1",
                                                         name, table)))
        all += fmt::format("{}{} {}: {}", all.empty() ? "" : ", ", table, row[0], row[1]);
    return all;
  }
};

TEST_F(AttributionInPostgres, EveryRowGetsTheServerThatIsFoundForItAndItsChildrenFollow) {
  const auto before = migrate::read_snapshot(session(), migrate::Dialect::postgres);
  ASSERT_EQ(problem(options()), "");
  EXPECT_EQ(servers(), kServers);
  EXPECT_THAT(errors(), IsEmpty());
  EXPECT_EQ(ask("SELECT count(*) FROM guildhall.guildhall_conversion_refused"), "0")
      << "no row said anything that it was refused";
  // The old program goes on, and its new rows are the home's.
  session().execute(
      "INSERT INTO points (name, points) VALUES ('bob', 1), ('frank', 1) ON CONFLICT (name) DO UPDATE SET "
      "points = points.points + 1; INSERT INTO sales (item, buyer) VALUES (2, 'frank')");
  EXPECT_EQ(ask("SELECT string_agg(name || server, ' ' ORDER BY id) FROM points WHERE id IN (2, 7)"),
            "bob7 frank5");
  EXPECT_EQ(ask("SELECT server FROM sales WHERE buyer = 'frank'"), "7");
  // Until contract the old schema has a place for all of it.
  EXPECT_EQ(way_back(), "");
  for (const auto& one :
       migrate::differences(before, migrate::read_snapshot(session(), migrate::Dialect::postgres)))
    ADD_FAILURE() << one.text();
  EXPECT_EQ(ask("SELECT count(*) FROM points"), "6");
  EXPECT_EQ(ask("SELECT count(*) FROM items WHERE server IS NULL"), "0")
      << "values of a column that was there before stay";
}

TEST_F(AttributionInPostgres, WhatTheOldProgramMadeAnewIsSetRightAtContract) {
  ASSERT_EQ(problem(options()), "");
  session().execute(
      "DELETE FROM points WHERE name = 'bob'; INSERT INTO points (name, points) VALUES ('bob', 21)");
  EXPECT_THAT(errors(), Contains(HasSubstr("CV-MAP: 1 rows of points have another server")));
  ASSERT_EQ(contraction(), "");
  EXPECT_EQ(ask("SELECT server FROM points WHERE name = 'bob'"), "7");
  // From here on there may be another of that name, and the first stays where it is.
  session().execute("INSERT INTO points (server, name) VALUES (5, 'bob')");
  EXPECT_EQ(contraction(), "");
  EXPECT_EQ(ask("SELECT string_agg(server::text, ' ' ORDER BY server) FROM points WHERE name = 'bob'"),
            "5 7");
  EXPECT_THAT(errors(), Not(Contains(HasSubstr("CV-MAP"))));
  EXPECT_THAT(way_back(), HasSubstr("CV-OTHERS"));
}

TEST_F(AttributionInPostgres, WithoutADefaultWhatNothingTellsTheServerOfStopsIt) {
  Options strict = options("points,dave,7\n", false);
  EXPECT_THAT(problem(strict),
              AllOf(HasSubstr("CV-UNATTRIBUTED"), HasSubstr("2 of items"), HasSubstr("2 of pairs"),
                    HasSubstr("2 of points"), HasSubstr("1 of sales")));
  EXPECT_EQ(
      ask("SELECT count(*) FROM pg_attribute WHERE attrelid = 'points'::regclass AND attname = 'server'"),
      "0");
  const auto plan = convert::plan(session(), migrate::Dialect::postgres, strict);
  ASSERT_TRUE(plan) << plan.error().finding.text;
  std::string found;
  for (const AttributedRows& one : plan->attributed)
    if (one.table == "points") found += fmt::format("{} {} {}\n", one.server, one.rows, one.reason);
  EXPECT_EQ(found,
            "5 1 links by name\n7 1 links by name\n7 1 the map\n 1 links by name names several servers\n"
            " 1 nothing tells whose it is\n");
  // Written out, filled in by hand, and read again.
  std::string written;
  write_row_map(session(), plan->look.scheme.attribution, [&](const std::string& line) { written += line; });
  EXPECT_THAT(written, HasSubstr("\npoints,carol,,links by name names several servers\n"));
  for (std::size_t at = 0; (at = written.find(",,", at)) != std::string::npos;) written.replace(at, 2, ",7,");
  strict.attribution.map = *parse_row_map(written, "filled.csv");
  strict.attribution.by_evidence = false;
  ASSERT_EQ(problem(strict), "");
  EXPECT_THAT(servers(), HasSubstr("points 5: Alice, points 7: bob carol dave eve"));
}

TEST_F(AttributionInPostgres, LinesThatCannotBeSoAreNamed) {
  session().execute("CREATE TABLE logs (line text); INSERT INTO logs VALUES ('x')");
  Options wrong = options(
      "nowhere,1,5\n"
      "items,1,5\n"
      "links,1,7\n"
      "sales,2,5\n"
      "pairs,a,5\n"
      "pairs,\"[\"\"a\"\",\"\"b\"\"]\",5\n"
      "pairs,\"[\"\"a\"\", \"\"b\"\"]\",7\n"
      "points,dave,9\n"
      "points,nobody,7\n"
      "logs,x,5\n");
  wrong.description->tables["logs"] = {.table = "logs", .column = "server"};
  EXPECT_THAT(
      findings_of_plan(wrong),
      AllOf(Contains("CV-MAP: map.csv line 1: there is no table nowhere that is converted"),
            Contains("CV-MAP: map.csv line 2: that row of items says by itself that it is server 7's"),
            Contains("CV-MAP: map.csv line 3: that row of links says by itself that it is server 5's"),
            Contains("CV-MAP: map.csv line 4: that row of sales goes with its parent"),
            Contains("CV-MAP: map.csv line 5: 'a' is no list of the 2 values of a, b"),
            Contains(HasSubstr("CV-MAP: map.csv line 7: ")),
            Contains("CV-UNLISTED: map.csv line 8: server 9, which servers does not have, has 1 row of "
                     "points by the map"),
            Contains("(CV-MAP: map.csv: points has no row for 1 line (line 9)"),
            Contains("CV-MAP: map.csv line 10: logs has no key by which its rows could be told apart")));
  EXPECT_THAT(problem(wrong), HasSubstr("things stand in the way"));
  // The server may join; the other lines are left out.
  Options joining = options("points,dave,9\n");
  joining.attribution.register_found = joining.register_found = true;
  ASSERT_EQ(problem(joining), "");
  EXPECT_EQ(ask("SELECT server FROM points WHERE name = 'dave'"), "9");
  EXPECT_EQ(ask("SELECT count(*) FROM servers WHERE server = 9"), "1");
  ASSERT_EQ(way_back(), "");
  EXPECT_EQ(ask("SELECT count(*) FROM servers WHERE server = 9"), "0");
}

TEST_F(AttributionInPostgres, EvidenceThatIsNotThereIsNamed) {
  Options wrong = options();
  wrong.description->tables["points"].evidence[0].referenced = {"nick"};
  wrong.description->tables["sales"].evidence[0].table = "gone";
  EXPECT_THAT(findings_of_plan(wrong),
              AllOf(Contains(HasSubstr("CV-FILE: test.toml line 13: table.points.evidence names links.nick")),
                    Contains(HasSubstr("(CV-ABSENT: gone cannot tell the server of rows of sales"))));
  for (auto& [name, rule] : wrong.description->tables) rule.evidence.clear();
  EXPECT_THAT(findings_of_plan(wrong), ElementsAre("test.toml declares no evidence for any table"));
}

TEST_F(AttributionInPostgres, ARunThatWasStoppedGoesOnWithTheSameServers) {
  int runs = 0;
  for (bool is_done = false; !is_done; ++runs) {
    ASSERT_LT(runs, 30);
    Options some = runs == 0 ? options() : going_on();
    migrate::Interrupt interrupt;
    some.interrupt = &interrupt;
    int steps = 0;
    some.say = [&](const std::string& line) {
      if (line.starts_with("[") && ++steps == 7) interrupt.raise(2);
    };
    const auto report = apply(target(), some);
    is_done = report.has_value();
    if (!is_done) {
      ASSERT_EQ(report.error().exit, migrate::Exit::interrupted) << report.error().finding.text;
    }
    // What the servers were found by may change from now on, and the old program writes.
    if (runs == 0) session().execute("UPDATE links SET server = 5 WHERE name = 'bob'");
    session().execute(
        "UPDATE points SET points = points + 1; UPDATE items SET title = title; UPDATE sales SET buyer = "
        "buyer");
  }
  EXPECT_GT(runs, 4);
  session().execute("UPDATE links SET server = 7 WHERE name = 'bob'");
  EXPECT_EQ(servers(), kServers);
  EXPECT_THAT(problem(options("points,dave,5\n")),
              HasSubstr("CV-MAP: this conversion began with another map"));
  EXPECT_EQ(problem(options()), "") << "the same may be said again";
}

/// What the reference script strands: the balances of members that are linked elsewhere.
TEST(AttributionOfTheKickBotInPostgres, EachMembersBalanceIsWhereTheMemberIsLinked) {
  test::AnyDatabase database(migrate::Dialect::postgres);
  test::OldKick old;
  old.shape = test::OldKick::Shape::with_dashboard;
  old.servers = {900'000'000'000'000'777, old.home};
  old.viewers = 60;
  database.session().execute(test::script(old));
  database.session().execute(fmt::format(
      "UPDATE links SET discord_server_id = {} WHERE kick_name IN ('{}', '{}') AND discord_server_id = {}",
      old.other(), test::viewer_name(3), test::viewer_name(4), old.home));
  Options options;
  options.description = *read_description("kick");
  options.server = old.home;
  options.register_found = true;
  options.backup_done = "none is needed";
  options.attribution = {.by_evidence = true, .rest_is_home = true, .register_found = true};
  const auto report = apply(database.target(), options);
  ASSERT_TRUE(report) << report.error().finding.text;
  const auto count = [&](const std::string& condition) {
    return database.session().query(
        "SELECT count(*) FROM user_points p JOIN (SELECT lower(kick_name) AS name, "
        "min(discord_server_id) AS server FROM links WHERE discord_server_id <> 0 GROUP BY 1 "
        "HAVING count(DISTINCT discord_server_id) = 1) l ON l.name = lower(p.kick_username) "
        "WHERE " +
        condition)[0][0];
  };
  EXPECT_EQ(count("p.discord_server_id <> l.server"), "0");
  EXPECT_NE(count(fmt::format("p.discord_server_id = {}", old.other())), "0");
  EXPECT_NE(count(fmt::format("p.discord_server_id = {}", old.home)), "0");
  for (const test::OldStatement& statement : test::old_bot_statements(old, 2))
    EXPECT_NO_THROW(database.session().query(statement.sql, statement.values)) << statement.name;
  ContractOptions contracting;
  static_cast<Options&>(contracting) = options;
  const auto contracted = contract(database.target(), contracting);
  ASSERT_TRUE(contracted) << contracted.error().finding.text;
  EXPECT_EQ(count("p.discord_server_id <> l.server"), "0");
}

TEST(AttributionInSqlite, IsRefused) {
  test::AnyDatabase database(migrate::Dialect::sqlite);
  database.session().execute(
      "CREATE TABLE servers (server INTEGER PRIMARY KEY); CREATE TABLE links (id INTEGER "
      "PRIMARY KEY, name TEXT, server INTEGER)");
  Options options;
  options.description = *parse_description(kDescription, "test.toml");
  options.server = 5;
  options.backup_done = "none is needed";
  options.attribution.by_evidence = true;
  const auto report = apply(database.target(), options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().finding.code, "CV-SQLITE");
  EXPECT_EQ(report.error().exit, migrate::Exit::refused);
}

}  // namespace
}  // namespace guildhall::convert
