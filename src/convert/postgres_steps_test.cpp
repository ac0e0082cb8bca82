// The steps are found from a schema that no server has: what state has which steps.
#include "convert/postgres_steps.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace guildhall::convert {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// servers, points(id, name UNIQUE), guesses(id, session -> points.id)
OldSchema schema() {
  OldSchema made;
  made.schema = "public";
  made.version = 150'000;
  const auto key = [](std::string name, std::string column, bool primary) {
    return Index{.name = name,
                 .parts = {{column, column}},
                 .is_unique = true,
                 .is_primary = primary,
                 .constraint = name,
                 .definition = fmt::format("{} ({})", primary ? "PRIMARY KEY" : "UNIQUE", column)};
  };
  made.tables["servers"] = {.name = "servers",
                            .columns = {{.name = "server", .type = "bigint", .not_null = true}},
                            .indexes = {key("servers_pkey", "server", true)}};
  made.tables["points"] = {
      .name = "points",
      .columns = {{.name = "id", .type = "integer", .not_null = true}, {.name = "name", .type = "text"}},
      .indexes = {key("points_name_key", "name", false), key("points_pkey", "id", true)}};
  made.tables["guesses"] = {
      .name = "guesses",
      .columns = {{.name = "id", .type = "integer", .not_null = true}, {.name = "of", .type = "integer"}},
      .indexes = {key("guesses_pkey", "id", true)},
      .foreign_keys = {{.name = "guesses_of_fkey",
                        .columns = {"of"},
                        .table = "points",
                        .referenced = {"id"},
                        .on_delete = 'n',
                        .definition = "FOREIGN KEY (of) REFERENCES points(id) ON DELETE SET NULL"}}};
  return made;
}

Description description() {
  return *parse_description(
      "tenant_column = \"server\"\n[registry]\ntable = \"servers\"\ncolumn = \"server\"\n"
      "[table.points]\nclass = \"tenant\"\n"
      "[table.guesses]\nclass = \"child\"\n"
      "parents = [{ table = \"points\", columns = [\"of\"], referenced = [\"id\"] }]\n",
      "test");
}

Scheme scheme_of(const OldSchema& schema) {
  Scheme scheme = make_scheme(schema, description());
  scheme.home = 7;
  return scheme;
}

std::vector<std::string> texts(const Steps& steps) {
  std::vector<std::string> all;
  for (const Step& step : steps) all.insert(all.end(), step.statements.begin(), step.statements.end());
  return all;
}

std::vector<std::string> expansion(const OldSchema& schema,
                                   const RowFacts& facts = {.home_is_registered = true}) {
  const Scheme scheme = scheme_of(schema);
  return texts(expand_steps(scheme, facts));
}

TEST(PostgresSteps, AddAColumnThatChangesTheCatalogAlone) {
  EXPECT_THAT(expansion(schema()),
              Contains("ALTER TABLE \"public\".\"points\" ADD COLUMN \"server\" bigint NOT NULL DEFAULT 7"));
}

TEST(PostgresSteps, BuildEachKeyAgainBehindTheServer) {
  const auto all = expansion(schema());
  EXPECT_THAT(
      all,
      Contains(
          "CREATE UNIQUE INDEX CONCURRENTLY \"points_pkey_by_server\" ON \"public\".\"points\" USING btree "
          "(\"server\", id)"));
  EXPECT_THAT(all, Contains(HasSubstr("\"points_name_key_by_server\"")));
}

TEST(PostgresSteps, KeepTheServerWhereAParentGoes) {
  EXPECT_THAT(expansion(schema()),
              Contains(HasSubstr(
                  "FOREIGN KEY (\"server\", \"of\") REFERENCES \"public\".\"points\" (\"server\", \"id\") "
                  "ON UPDATE NO ACTION ON DELETE SET NULL (\"of\") NOT VALID")));
}

TEST(PostgresSteps, GoOnFromAnIndexThatWasNotFinished) {
  OldSchema half = schema();
  half.tables["points"].columns.push_back(
      {.name = "server", .type = "bigint", .not_null = true, .default_expression = "'7'::bigint"});
  half.tables["points"].indexes.push_back({.name = "points_pkey_by_server",
                                           .parts = {{"server", "server"}, {"id", "id"}},
                                           .is_unique = true,
                                           .is_valid = false});
  const auto all = expansion(half);
  EXPECT_THAT(all, Contains("DROP INDEX CONCURRENTLY \"public\".\"points_pkey_by_server\""));
  EXPECT_THAT(all, Not(Contains(HasSubstr("\"points\" ADD COLUMN"))));
}

TEST(PostgresSteps, FillBeforeTheyForbidNull) {
  OldSchema half = schema();
  half.tables["points"].columns.push_back({.name = "server", .type = "bigint"});
  RowFacts facts{.home_is_registered = true};
  facts.servers["points"] = {.nulls = 2, .others = 1, .has_homes = true};
  const Scheme scheme = scheme_of(half);
  std::vector<std::string> names;
  for (const Step& step : expand_steps(scheme, facts)) {
    if (step.table == "points") names.push_back(step.what);
  }
  ASSERT_GE(names.size(), 6U);
  names.resize(6);
  EXPECT_THAT(names, ElementsAre("default server", "rows without a server get theirs",
                                 "server of rows that have none", "no row without a server, from now on",
                                 "no row without a server, proved", "server NOT NULL"));
}

TEST(PostgresSteps, MakeAColumnAnewThatHoldsNothingElse) {
  OldSchema half = schema();
  half.tables["points"].columns.push_back({.name = "server", .type = "bigint"});
  RowFacts facts{.home_is_registered = true};
  facts.servers["points"] = {.nulls = 40'000, .has_homes = true};
  EXPECT_THAT(expansion(half, facts),
              Contains(HasSubstr("DROP COLUMN \"server\", ADD COLUMN \"server\" bigint NOT NULL DEFAULT 7")));
  half.views["v"] = {.name = "v", .reads = {"points"}};
  EXPECT_THAT(expansion(half, facts), Not(Contains(HasSubstr("DROP COLUMN")))) << "a view may name it";
}

TEST(PostgresSteps, BuildAPromisedKeyWhenItMayHold) {
  const OldSchema made = schema();
  Description promising = description();
  promising.tables["guesses"].unique = {{"of"}};
  const auto built = [&](Duplicates rule, auto steps_of) {
    promising.tables["guesses"].duplicates = rule;
    Scheme scheme = make_scheme(made, promising);
    scheme.home = 7;
    const auto all = texts(steps_of(scheme, RowFacts{.home_is_registered = true}));
    return std::ranges::any_of(all,
                               [](const auto& text) { return text.contains("\"guesses_of_by_server\""); });
  };
  EXPECT_TRUE(built(Duplicates::refuse, expand_steps));
  // The old program may break it until it has stopped.
  EXPECT_FALSE(built(Duplicates::sum, expand_steps));
  EXPECT_TRUE(built(Duplicates::sum, settle_steps));
  EXPECT_FALSE(built(Duplicates::keep_all, expand_steps));
  EXPECT_FALSE(built(Duplicates::keep_all, settle_steps));
}

TEST(PostgresSteps, ContractSwapsKeysInOneStatement) {
  OldSchema expanded = schema();
  Table& points = expanded.tables["points"];
  points.columns.push_back(
      {.name = "server", .type = "bigint", .not_null = true, .default_expression = "'7'::bigint"});
  for (const auto& [old, column] : {std::pair{"points_pkey", "id"}, std::pair{"points_name_key", "name"}})
    points.indexes.push_back({.name = fmt::format("{}_by_server", old),
                              .parts = {{"server", "server"}, {column, column}},
                              .is_unique = true});
  const Scheme scheme = scheme_of(expanded);
  EXPECT_THAT(
      texts(contract_steps(scheme, std::nullopt)),
      Contains(
          "ALTER TABLE \"public\".\"points\" DROP CONSTRAINT \"points_pkey\", DROP CONSTRAINT "
          "\"points_name_key\", "
          "ADD CONSTRAINT \"points_pkey_by_server\" PRIMARY KEY USING INDEX \"points_pkey_by_server\", "
          "ADD CONSTRAINT \"points_name_key_by_server\" UNIQUE USING INDEX \"points_name_key_by_server\", "
          "ALTER COLUMN \"server\" DROP DEFAULT"));
  const MadeThings nothing;
  EXPECT_THAT(texts(rollback_steps(scheme, expanded, nothing, Leaving(scheme, expanded, nothing, 1))),
              IsEmpty())
      << "nothing was changed";
}

TEST(PostgresSteps, WhatIsNotDescribedGoesWithItsParentAlsoOnceItHasTheColumn) {
  Description silent = description();
  silent.tables.erase("guesses");
  for (const bool has_column : {false, true}) {
    OldSchema made = schema();
    if (has_column) made.tables["guesses"].columns.push_back({.name = "server", .type = "bigint"});
    const Scheme scheme = make_scheme(made, silent);
    const SchemeTable* guesses = scheme.find("guesses");
    ASSERT_NE(guesses, nullptr);
    EXPECT_TRUE(guesses->is_child()) << guesses->reason;
    ASSERT_EQ(guesses->rule.parents.size(), 1U);
    EXPECT_EQ(guesses->rule.parents[0].table, "points");
  }
  // Its parents' server is in the reference already, or the row is its own parent.
  OldSchema made = schema();
  Table& guesses = made.tables["guesses"];
  guesses.columns.push_back({.name = "server", .type = "bigint"});
  guesses.foreign_keys[0].columns = {"server", "of"};
  guesses.foreign_keys.push_back(
      {.name = "next", .columns = {"of"}, .table = "guesses", .referenced = {"id"}});
  EXPECT_FALSE(make_scheme(made, silent).find("guesses")->is_child());
}

}  // namespace
}  // namespace guildhall::convert
