// A small bot's database as it was before it knew more than one Discord server, in SQL that both databases
// read, and what the conversion is told of it: for tests of what looks at rows.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "convert/conversion.h"
#include "convert/scheme.h"
#include "convert/sums.h"
#include "tests/support/any_database.h"

namespace guildhall::convert {

/// The server that the bot served, and another.
inline constexpr std::int64_t kHome = 900'000'000'000'000'001;
inline constexpr std::int64_t kOther = 900'000'000'000'000'002;

inline constexpr std::string_view kOldClub = R"(
CREATE TABLE servers (discord_server_id bigint PRIMARY KEY, server_name text);
INSERT INTO servers VALUES (900000000000000001, 'The <old> club'), (900000000000000002, 'The other');
CREATE TABLE members (id integer PRIMARY KEY, name text NOT NULL UNIQUE, points bigint, note text);
INSERT INTO members VALUES (1, 'alice', 50, 'first'), (2, 'bob', 30, NULL), (3, 'Bob', 20, ''), (4, 'eve', 0, 'NULL');
CREATE TABLE raffles (id integer PRIMARY KEY, label text, discord_server_id bigint);
INSERT INTO raffles VALUES (1, 'spring', 900000000000000001), (2, 'summer', NULL);
CREATE TABLE tickets (id integer PRIMARY KEY, raffle_id integer, member text, amount integer,
  UNIQUE (raffle_id, member));
INSERT INTO tickets VALUES (1, 1, 'alice', 5), (2, 1, 'bob', 7), (3, 2, 'alice', 11), (4, 2, 'eve', 13);
CREATE TABLE settings (key text NOT NULL, value text, discord_server_id bigint,
  UNIQUE (key, discord_server_id));
INSERT INTO settings VALUES ('prefix', '!', NULL), ('prefix', '?', 900000000000000001);
CREATE TABLE history (member text, change integer);
INSERT INTO history VALUES ('alice', 5), ('alice', 5), ('bob', -2);
)";

inline Description club_description() {
  Description club;
  club.name = "club";
  club.tenant_column = "discord_server_id";
  club.registry = {"servers", "discord_server_id", "server_name"};
  const auto add = [&](TableRule rule) {
    rule.column = club.tenant_column;
    club.tables[rule.table] = std::move(rule);
  };
  add({.table = "servers", .table_class = TableClass::registry});
  add({.table = "members", .sums = {"points"}, .folded = {"name"}});
  add({.table = "raffles"});
  add({.table = "tickets",
       .table_class = TableClass::child,
       .parents = {{"raffles", {"raffle_id"}, {"id"}}},
       .sums = {"amount"}});
  add({.table = "settings", .table_class = TableClass::override});
  add({.table = "history", .sums = {"change"}, .duplicates = Duplicates::keep_all});
  club.reports = {{"Richest", "members", "name", "points", ReportList::Per::top},
                  {"Tickets", "tickets", "raffle_id", "amount", ReportList::Per::group}};
  return club;
}

template <class Fixture>
class ClubTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void SetUp() override { session().execute(std::string(kOldClub)); }

  migrate::Dialect dialect() const { return target().dialect; }
  bool postgres() const { return dialect() == migrate::Dialect::postgres; }
  void run(const std::string& sql) { session().execute(sql); }

  /// Of the schema as it is now; good until the next one is read.
  const Scheme& scheme(std::int64_t home = kHome) {
    schema_ = std::make_unique<OldSchema>(read_old_schema(session(), dialect()));
    scheme_ = std::make_unique<Scheme>(make_scheme(*schema_, description_));
    scheme_->home = home;
    return *scheme_;
  }

  Sums sums(const Sums* before = nullptr) {
    auto taken = take_sums_apart(session(), scheme(), {before, {}});
    if (!taken) throw std::runtime_error(taken.error().finding.text);
    return *std::move(taken);
  }

  /// What each table gets that has no server yet, as a conversion does it that only adds.
  void add_columns() {
    for (const char* table : {"members", "history"})
      run(fmt::format("ALTER TABLE {} ADD COLUMN discord_server_id bigint NOT NULL DEFAULT {}", table,
                      kHome));
    run(fmt::format("ALTER TABLE tickets ADD COLUMN discord_server_id bigint NOT NULL DEFAULT {}", kHome));
    run(fmt::format("UPDATE raffles SET discord_server_id = {} WHERE discord_server_id IS NULL", kHome));
    run("UPDATE settings SET discord_server_id = 0 WHERE discord_server_id IS NULL");
  }

  Description description_ = club_description();

 private:
  std::unique_ptr<OldSchema> schema_;
  std::unique_ptr<Scheme> scheme_;
};

}  // namespace guildhall::convert
