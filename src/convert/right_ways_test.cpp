// Guildhall's side of each trap of naive_ways_test.cpp, under the same number and on the same kind of
// database. Of some of them another test is the proof, or one more:
//
//   T2a, T7b  EveryShapeOfPostgres.IsExpandedUnderTheOldBotAndContractedAndTakenBack
//   T4f       AnyDatabaseConflicts.NamesThatDifferInCaseAloneAreToldAndKeptApart
//   T5        OldBotGoesOnInPostgres, each of them; and EveryShapeOfPostgres
//   T6        TwoServersOfPostgres.AreNotMixedByARollback, .ComeBackFromTheArchiveAsTheyWere
//
// and of what concerns the new program rather than the old tables, in Guildhall's own:
//
//   T10       ServerSettings.ServerBeatsDefaultBeatsProcessBeatsBuiltIn
//   T13, T14  Links.TheSamePeopleInTwoServersNeverMeet
//   T19       Watchtime.PointsPayWholeIntervalsOnce, ImportInto.ASecondRunBringsOnlyWhatIsNew
//   T20       Ledger.TheSameOperationPaysOnce
//   T23, T24  Scopes.AChannelsEventIsForItsServersAlone; a token is a channel's and no server's there
//             (migrations/0001_core), and import brings none along
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "convert/run.h"
#include "tests/support/any_database.h"
#include "tests/support/old_kick.h"
#include "tests/support/questions.h"

namespace guildhall::convert {
namespace {

using test::OldKick;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

constexpr std::int64_t kHome = 900'000'000'000'000'001;
constexpr std::int64_t kOther = 900'000'000'000'000'002;
constexpr auto kDashboard = OldKick::Shape::with_dashboard;

/// An old bot's database, and the commands of convert on it.
class Converting : public test::Questions {
 public:
  explicit Converting(OldKick old) {
    old.viewers = 120;
    execute(test::script(old));
  }
  store::SchemaSession& session() override { return database_.session(); }
  const migrate::Target& target() const { return database_.target(); }

  template <class AnyOptions = Options>
  static AnyOptions options(std::optional<std::int64_t> server = kHome) {
    AnyOptions options;
    options.description = *read_description("kick");
    options.server = server;
    options.register_found = true;
    options.backup_done = "of a test";
    return options;
  }
  Plan plan() { return done(convert::plan(session(), target().dialect, options())); }
  /// "CODE text" of its findings.
  static std::vector<std::string> texts_of(const Plan& plan) {
    std::vector<std::string> texts;
    for (const migrate::Finding& finding : plan.look.scheme.findings)
      texts.push_back(finding.code + " " + finding.text);
    return texts;
  }
  RunReport apply(const Options& options) { return done(convert::apply(target(), options)); }
  RunReport contract() { return done(convert::contract(target(), options<ContractOptions>())); }
  migrate::Outcome<RunReport> go_back() { return convert::rollback(target(), options<RollbackOptions>()); }
  Verification verified(Writers writers) {
    return done(check(session(), target(), options(), {.writers = writers})).found;
  }

  template <class Value>
  static Value done(migrate::Outcome<Value> outcome) {
    if (!outcome) throw std::runtime_error(outcome.error().finding.code + " " + outcome.error().finding.text);
    return *std::move(outcome);
  }

 private:
  test::AnyDatabase database_{migrate::Dialect::postgres};
};

/// "CODE text" of why it is not done.
template <class Value>
std::string refusal(const migrate::Outcome<Value>& outcome) {
  return outcome ? "" : outcome.error().finding.code + " " + outcome.error().finding.text;
}

class RightWayInPostgres : public testing::Test, public test::Questions {
 protected:
  store::SchemaSession& session() override { return made_->session(); }
  Converting& make(const OldKick& old) {
    made_ = std::make_unique<Converting>(old);
    return *made_;
  }

 private:
  std::unique_ptr<Converting> made_;
};

// There and not back.

TEST_F(RightWayInPostgres, T1a_T1b_WithoutAServerTheRowsSayWhoseTheyAre) {
  Converting& old = make({.shape = kDashboard, .servers = {}});
  EXPECT_EQ(count("servers"), 0);
  const auto report = old.apply(Converting::options(std::nullopt));
  EXPECT_EQ(report.home, kHome);
  EXPECT_EQ(of_server("servers", kHome), 1);
  for (const char* table : {"user_points", "point_sales", "points_watchtime_converted", "clips"}) {
    EXPECT_FALSE(may_be_null(table)) << table;
    EXPECT_GT(count(table), 0) << table;
    EXPECT_EQ(of_server(table, kHome), count(table)) << table;
  }
}

TEST_F(RightWayInPostgres, T1a_AndWhereNothingSaysSoItIsAskedFor) {
  Converting& old = make({.shape = kDashboard, .servers = {}});
  execute("TRUNCATE links, bot_settings, raffle_periods CASCADE");
  const auto refused = apply(old.target(), Converting::options(std::nullopt));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, migrate::Exit::refused);
  EXPECT_THAT(refusal(refused), StartsWith("CV-HOME"));
  EXPECT_FALSE(has_column("user_points"));
}

TEST_F(RightWayInPostgres, T17_RowsThatBreakAPromiseAreToldBeforeAnythingIsChanged) {
  Converting& old = make({.shape = kDashboard, .nasty = false});
  execute("CREATE UNIQUE INDEX one_active ON raffle_periods (discord_server_id) WHERE status = 'active'");
  // Of no server, and so the home's in the end.
  execute(
      "INSERT INTO raffle_periods (discord_server_id, start_date, end_date) VALUES (0, '2025-11-01', "
      "'2025-11-30')");
  const auto refused = apply(old.target(), Converting::options());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refusal(refused), AllOf(StartsWith("CV-DUPLICATE"), HasSubstr("2 rows of raffle_periods")));
  EXPECT_FALSE(has_column("user_points"));
  EXPECT_EQ(of_server("raffle_periods", 0), 1);
}

// And back.

TEST_F(RightWayInPostgres, T7b_T7c_T8_TheWayBackTakesWhatTheConversionBroughtHoweverOften) {
  Converting& old = make({.shape = kDashboard, .servers = {kHome, kOther}});
  const std::string keys =
      "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN "
      "('user_points'::regclass, 'watchtime'::regclass, 'gtb_guesses'::regclass) ORDER BY 1";
  const auto keys_before = list(keys);
  const auto of_home = of_server("gtb_sessions", kHome);
  const auto of_other = of_server("gtb_sessions", kOther);
  EXPECT_GT(of_other, 0);
  old.apply(Converting::options());
  old.contract();
  for (int time = 1; time <= 2; ++time) {
    const auto back = old.go_back();
    ASSERT_TRUE(back) << time << ": " << refusal(back);
    EXPECT_EQ(back->state, State::rolled_back);
    EXPECT_EQ(back->steps > 0, time == 1);
    EXPECT_EQ(list(keys), keys_before);
    EXPECT_FALSE(has_column("user_points"));
    EXPECT_TRUE(has_column("gtb_sessions"));
    EXPECT_TRUE(has_column("gtb_guesses"));
    EXPECT_GE(of_server("gtb_sessions", kHome), of_home);
    EXPECT_EQ(of_server("gtb_sessions", kOther), of_other);
  }
}

/// Somebody who reads watch times while they are converted, and how often he would have to wait.
class Reader {
 public:
  explicit Reader(const migrate::Target& target) : reader_(*target.open("")) {}
  void look() {
    ++looks_;
    try {
      reader_->execute("BEGIN; LOCK TABLE watchtime IN ACCESS SHARE MODE NOWAIT; ROLLBACK");
    } catch (const store::DatabaseError&) {
      reader_->execute("ROLLBACK");
      ++shut_;
    }
  }
  int looks() const { return looks_; }
  int shut() const { return shut_; }

 private:
  std::unique_ptr<store::SchemaSession> reader_;
  int looks_ = 0;
  int shut_ = 0;
};

/// The dashboard's database, of two servers; the other one's row comes first. Converted once for all tests:
/// each leaves it as it was.
class RightWayOfTwoServersInPostgres : public testing::Test, public test::Questions {
 protected:
  static void SetUpTestSuite() {
    found_ = std::make_unique<Found>(OldKick{.shape = kDashboard, .servers = {kOther, kHome}});
    found_->before();
    found_->convert();
  }
  static void TearDownTestSuite() { found_.reset(); }
  store::SchemaSession& session() override { return found_->session(); }
  void TearDown() override {
    if (session().in_transaction()) execute("ROLLBACK");
  }
  /// Whatever it writes is not there for the next test.
  void try_out() { execute("BEGIN"); }

  struct Found : Converting {
    using Converting::Converting;
    std::vector<std::string> refusals;  // of a run that is not told whose the rows are
    std::vector<std::string> findings;
    std::size_t steps_of_second_run = 0;
    std::vector<std::string> link_keys;  // of table links, behind each of the two runs
    Steps steps;                         // of the plan
    int looks = 0;                       // into watch times between two of them,
    int shut = 0;                        // in vain
    std::int64_t bytes_before = 0;       // of points_watchtime_converted
    std::int64_t bytes = 0;
    std::int64_t tickets = 0;  // all of them
    std::int64_t sessions_of_other = 0;
    std::int64_t sessions_of_none = 0;

    void before() {
      execute(
          "CREATE TABLE pets (id serial PRIMARY KEY, owner integer REFERENCES user_points (id));"
          "INSERT INTO pets (owner) SELECT id FROM user_points ORDER BY id LIMIT 3;"
          "CREATE TABLE giveaways (id serial PRIMARY KEY, discord_server_id bigint NOT NULL)");
      for (const char* touched : {"nobody", "home"}) {
        if (touched == std::string_view("home"))
          execute(
              fmt::format("UPDATE servers SET server_name = 'renamed' WHERE discord_server_id = {}", kHome));
        refusals.push_back(refusal(convert::apply(target(), options(std::nullopt))));
      }
      const Plan planned = plan();
      findings = texts_of(planned);
      steps = planned.steps;
      tickets = std::stoll(ask("SELECT sum(total_tickets) FROM raffle_tickets"));
      bytes_before = size();
      sessions_of_other = of_server("gtb_sessions", kOther);
      sessions_of_none = count("gtb_sessions WHERE discord_server_id IS NULL");
    }
    void convert() {
      Reader reader(target());
      auto watched = options();
      watched.say = [&](const std::string& line) {
        if (line.starts_with('[')) reader.look();
      };
      for (int run = 1; run <= 2; ++run) {
        steps_of_second_run = apply(watched).steps;
        for (const std::string& name : list("SELECT conname FROM pg_constraint WHERE conrelid = "
                                            "'links'::regclass AND contype IN ('p', 'u') ORDER BY 1"))
          link_keys.push_back(fmt::format("{} {}", run, name));
      }
      looks = reader.looks();
      shut = reader.shut();
      bytes = size();
      contract();
    }
    std::int64_t size() { return std::stoll(ask("SELECT pg_relation_size('points_watchtime_converted')")); }
  };
  static Found& found() { return *found_; }

 private:
  static inline std::unique_ptr<Found> found_;
};

TEST_F(RightWayOfTwoServersInPostgres, T2a_ASecondRunFindsNothingToDo) {
  EXPECT_EQ(found().steps_of_second_run, 0U);
}

TEST_F(RightWayOfTwoServersInPostgres, T3a_OfSeveralServersNoneIsTakenUnasked) {
  ASSERT_EQ(found().refusals.size(), 2U);
  EXPECT_THAT(found().refusals[0], AllOf(StartsWith("CV-HOME"), HasSubstr(fmt::format("{} (", kHome)),
                                         HasSubstr(fmt::format("{} (", kOther)), HasSubstr("rows of links")));
  EXPECT_EQ(found().refusals[1], found().refusals[0]) << "whichever row was touched last";
}

TEST_F(RightWayOfTwoServersInPostgres, T3b_BalancesAreWithTheLinksOfTheirOwners) {
  EXPECT_EQ(of_server("user_points", kHome), count("user_points"));
  const std::string linked = fmt::format(
      "user_points p JOIN links l ON l.kick_name = p.kick_username AND l.discord_server_id = {}", kHome);
  EXPECT_GT(count(linked), 70);
  EXPECT_EQ(count(linked + " AND p.discord_server_id = l.discord_server_id"), count(linked));
}

TEST_F(RightWayOfTwoServersInPostgres, T3c_GuessesFollowTheirSession) {
  EXPECT_GT(found().sessions_of_other, 0);
  EXPECT_GT(found().sessions_of_none, 0);
  EXPECT_EQ(of_server("gtb_sessions", kOther), found().sessions_of_other);
  EXPECT_GT(count("gtb_guesses g JOIN gtb_sessions s ON s.id = g.session_id"), 100);
  EXPECT_EQ(count("gtb_guesses g JOIN gtb_sessions s ON s.id = g.session_id "
                  "WHERE g.discord_server_id IS DISTINCT FROM s.discord_server_id"),
            0);
  EXPECT_GT(of_server("gtb_guesses", kOther), 0);
}

TEST_F(RightWayOfTwoServersInPostgres, T4a_WhatReferredToTheOldKeyRefersToTheNew) {
  EXPECT_THAT(list("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = "
                   "'pets'::regclass"),
              UnorderedElementsAre(
                  "FOREIGN KEY (discord_server_id) REFERENCES servers(discord_server_id)",
                  "FOREIGN KEY (discord_server_id, owner) REFERENCES user_points(discord_server_id, id)"));
  EXPECT_EQ(count("pets p JOIN user_points u ON u.id = p.owner "
                  "AND u.discord_server_id = p.discord_server_id"),
            3);
}

TEST_F(RightWayOfTwoServersInPostgres, T4c_IdsStayUnique) {
  EXPECT_THAT(
      error_of(fmt::format(
          "INSERT INTO user_points (id, kick_username, discord_server_id) VALUES (1, 'a', {})", kHome)),
      StartsWith("23505"));
}

TEST_F(RightWayOfTwoServersInPostgres, T4d_WhoForgetsTheServerIsRefused) {
  // Every table of a server's rows; and each but the settings refers to the servers.
  const auto tables = list(
      "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name "
      "= 'discord_server_id' AND table_name NOT IN (SELECT viewname FROM pg_views) ORDER BY 1");
  EXPECT_EQ(tables.size(), 34U);
  EXPECT_THAT(list("SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND "
                   "column_name = 'discord_server_id' AND table_name = ANY (SELECT tablename FROM pg_tables) "
                   "AND (is_nullable = 'YES' OR column_default IS NOT NULL)"),
              IsEmpty());
  EXPECT_THAT(
      list("SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND EXISTS "
           "(SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'discord_server_id') AND "
           "relkind = 'r' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND "
           "confrelid = 'servers'::regclass) ORDER BY 1"),
      ElementsAre("bot_settings", "feature_settings", "point_settings", "servers", "watchtime_roles"));
  EXPECT_THAT(error_of("INSERT INTO clips (kick_username, clip_duration) VALUES ('a', 30)"),
              AllOf(StartsWith("23502"), HasSubstr("discord_server_id")));
}

TEST_F(RightWayOfTwoServersInPostgres, T4f_NamesThatDifferInCaseAloneAreTold) {
  EXPECT_THAT(found().findings, Contains(AllOf(StartsWith("CV-TWINS"), HasSubstr("user_points"),
                                               HasSubstr("Viewer_0000001 and viewer_0000001"))));
  EXPECT_EQ(count("user_points WHERE LOWER(kick_username) = 'viewer_0000001'"), 2);
}

TEST_F(RightWayOfTwoServersInPostgres, T7a_TwoCommunitiesDoNotBecomeOnePot) {
  execute(fmt::format(
      "INSERT INTO user_points (kick_username, points, discord_server_id) VALUES ('of_other', 7, {})",
      kOther));
  const auto refused = found().go_back();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, migrate::Exit::refused);
  EXPECT_THAT(refusal(refused), AllOf(StartsWith("CV-OTHERS"), HasSubstr("1 in user_points")));
  EXPECT_EQ(of_server("user_points", kOther), 1);
  EXPECT_EQ(session().run("DELETE FROM user_points WHERE kick_username = 'of_other'"), 1);
}

TEST_F(RightWayOfTwoServersInPostgres, T9_EverybodyReadsOnAndTablesDoNotGrow) {
  EXPECT_THAT(found().steps, Contains(Field(&Step::grows_with_size, true)));
  for (const Step& step : found().steps) {
    if (step.grows_with_size) EXPECT_LE(step.lock, LockLevel::share_update_exclusive) << step.name();
  }
  EXPECT_GT(found().looks, 100);
  EXPECT_EQ(found().shut, 0);
  EXPECT_GT(found().bytes, 0);
  EXPECT_EQ(found().bytes, found().bytes_before);
}

// Settings, keys and whose they are.

TEST_F(RightWayOfTwoServersInPostgres, T10a_T10b_ASettingOfAllServersIsOneRowThatIsReplaced) {
  try_out();
  for (const char* value : {"60", "90"})
    execute(
        fmt::format("INSERT INTO bot_settings (key, value, discord_server_id) VALUES ('raffle_length', '{}', "
                    "0) ON CONFLICT (key, discord_server_id) DO UPDATE SET value = EXCLUDED.value",
                    value));
  const auto read = [&](std::int64_t server) {
    return ask(
        fmt::format("SELECT value FROM bot_settings WHERE key = 'raffle_length' AND discord_server_id "
                    "IN (0, {}) ORDER BY discord_server_id DESC LIMIT 1",
                    server));
  };
  EXPECT_EQ(count("bot_settings WHERE key = 'raffle_length'"), 1);
  EXPECT_EQ(read(kHome), "90");
  execute(
      fmt::format("INSERT INTO bot_settings (key, value, discord_server_id) VALUES ('raffle_length', "
                  "'30', {})",
                  kOther));
  EXPECT_EQ(read(kHome), "90");
  EXPECT_EQ(read(kOther), "30");
  EXPECT_THAT(error_of("INSERT INTO bot_settings (key, value) VALUES ('raffle_length', '1')"),
              StartsWith("23502"));
}

TEST_F(RightWayOfTwoServersInPostgres, T11_EachServerHasItsOwnSwitchOfAFeature) {
  try_out();
  execute(fmt::format(
      "INSERT INTO feature_settings (feature_name, enabled, discord_server_id) VALUES ('raffle', false, {})",
      kOther));
  EXPECT_THAT(
      list("SELECT enabled::text || ' ' || discord_server_id FROM feature_settings WHERE feature_name "
           "= 'raffle'"),
      UnorderedElementsAre(fmt::format("true {}", kHome), fmt::format("false {}", kOther)));
}

TEST_F(RightWayOfTwoServersInPostgres, T12_ABanIsOfOneServerAndASecondMayHaveItsOwn) {
  try_out();
  EXPECT_EQ(of_server("slot_call_blacklist", kOther), 0);
  execute(fmt::format(
      "INSERT INTO slot_call_blacklist (kick_username, discord_server_id) VALUES ('loud_one', {})", kOther));
  EXPECT_EQ(count("slot_call_blacklist WHERE kick_username = 'loud_one'"), 2);
}

TEST_F(RightWayOfTwoServersInPostgres, T13_WhoLinksInOneServerMayInASecond) {
  try_out();
  execute(fmt::format("INSERT INTO pending_links (discord_id, discord_server_id) VALUES ({}, {})",
                      test::viewer_id(3), kOther));
  EXPECT_EQ(count(fmt::format("pending_links WHERE discord_id = {}", test::viewer_id(3))), 2);
}

TEST_F(RightWayOfTwoServersInPostgres, T14_AVerifiedAccountIsOneServers) {
  try_out();
  const std::string claim =
      "INSERT INTO raffle_shuffle_links (shuffle_username, kick_name, discord_id, discord_server_id) VALUES "
      "('shuffle7', 'a', {}, {})";
  execute(fmt::format(fmt::runtime(claim), test::viewer_id(7), kOther));
  EXPECT_EQ(count("raffle_shuffle_links WHERE shuffle_username = 'shuffle7'"), 2);
  EXPECT_THAT(error_of(fmt::format(fmt::runtime(claim), 1, kOther)), StartsWith("23505"));
}

TEST_F(RightWayOfTwoServersInPostgres, T15_AGiftCountsInBothServersOfTheSameChannel) {
  try_out();
  const std::string gift = fmt::format(
      "INSERT INTO raffle_gifted_subs (period_id, gifter_kick_name, tickets_awarded, kick_event_id, "
      "discord_server_id) SELECT id, 'a', 15, 'event-4', {0} FROM raffle_periods WHERE discord_server_id = "
      "{0}",
      kOther);
  EXPECT_EQ(session().run(gift), 1);
  EXPECT_THAT(error_of(gift), StartsWith("23505")) << "and in each of them once";
}

TEST_F(RightWayOfTwoServersInPostgres, T16_ATicketIsOfTheServerOfItsPeriod) {
  EXPECT_EQ(count("raffle_tickets t JOIN raffle_periods p ON p.id = t.period_id "
                  "WHERE t.discord_server_id <> p.discord_server_id"),
            0);
  EXPECT_EQ(std::stoll(ask("SELECT sum(total_tickets) FROM raffle_tickets")), found().tickets);
  EXPECT_EQ(ask("SELECT reason FROM guildhall.guildhall_conversion_refused WHERE table_name = "
                "'raffle_tickets' AND row_text LIKE '%ticket_of_another_server%'"),
            fmt::format("said server {}, but its parent is server {}'s", kOther, kHome));
  EXPECT_THAT(error_of(fmt::format("INSERT INTO raffle_tickets (period_id, discord_server_id, discord_id, "
                                   "kick_name) VALUES (2, {}, 1, 'a')",
                                   kOther)),
              StartsWith("23503"));
  EXPECT_THAT(found().findings,
              Contains(AllOf(StartsWith("CV-ORPHAN 2 rows of raffle_tickets"), HasSubstr("2 name none"))));
}

TEST_F(RightWayOfTwoServersInPostgres, T18_RolesOfAllServersAreSeenByAll) {
  EXPECT_GT(count("watchtime_roles"), 3);
  EXPECT_EQ(of_server("watchtime_roles", 0), count("watchtime_roles"));
}

TEST_F(RightWayOfTwoServersInPostgres, T19_AConversionThatWasMadeTwiceStaysAsItIs) {
  EXPECT_EQ(
      count("points_watchtime_converted WHERE kick_username = 'viewer_0000004' AND minutes_converted = 5"),
      3);
  EXPECT_THAT(found().findings, Not(Contains(HasSubstr("points_watchtime_converted"))));
  const auto verified = found().verified(Writers::running);
  EXPECT_TRUE(verified.ok);
  const auto table =
      std::ranges::find(verified.tables, "points_watchtime_converted", &TableComparison::table);
  ASSERT_NE(table, verified.tables.end());
  EXPECT_EQ(table->verdict, Verdict::equal);
}

TEST_F(RightWayOfTwoServersInPostgres, T20_TheRecordOfAnAwardHasAPlaceInEachServersPeriod) {
  try_out();
  const std::string record = fmt::format(
      "INSERT INTO raffle_watchtime_converted AS was (period_id, kick_name, minutes_converted, "
      "tickets_awarded, discord_server_id) VALUES (2, '{}', 60, 10, {}) ON CONFLICT (period_id, kick_name, "
      "discord_server_id) DO UPDATE SET tickets_awarded = was.tickets_awarded + EXCLUDED.tickets_awarded",
      test::viewer_name(5), kHome);
  for (int run = 0; run < 2; ++run) execute(record);
  EXPECT_EQ(ask(fmt::format("SELECT tickets_awarded FROM raffle_watchtime_converted WHERE period_id = 2 AND "
                            "kick_name = '{}'",
                            test::viewer_name(5))),
            "20");
}

TEST_F(RightWayOfTwoServersInPostgres, T21_WinnersCanReferToTheirGiveaway) {
  try_out();
  execute(
      "CREATE TABLE giveaway_winners (giveaway_id integer, discord_server_id bigint, "
      "FOREIGN KEY (discord_server_id, giveaway_id) REFERENCES giveaways (discord_server_id, id))");
}

TEST_F(RightWayOfTwoServersInPostgres, T22_KeysAreOnceAsTheyAreToBeAndStaySo) {
  EXPECT_THAT(found().link_keys, ElementsAre("1 links_kick_name_discord_server_id_key", "1 links_pkey",
                                             "2 links_kick_name_discord_server_id_key", "2 links_pkey"));
  EXPECT_THAT(
      list("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'links'::regclass "
           "AND contype IN ('p', 'u') ORDER BY 1"),
      ElementsAre("PRIMARY KEY (discord_server_id, discord_id)", "UNIQUE (discord_server_id, kick_name)"));
}

TEST_F(RightWayOfTwoServersInPostgres, T23_EachServerHasItsOwnChannel) {
  EXPECT_THAT(list("SELECT discord_server_id || ' ' || value FROM bot_settings WHERE key = 'kick_channel' "
                   "ORDER BY 1"),
              ElementsAre(fmt::format("{} the_channel", kHome), fmt::format("{} other_channel", kOther)));
}

TEST_F(RightWayOfTwoServersInPostgres, T24_TokensGoToTheServerThatWasNamed) {
  EXPECT_EQ(of_server("kick_oauth_tokens", kHome), 2);
  EXPECT_EQ(count("kick_oauth_tokens"), 2);
}

/// The bot's own tables, with keys made by hand, settings of before December and a first try that was broken
/// off; rows of two servers and no table of servers. Converted once for all tests.
class RightWayOfTheBotAloneInPostgres : public testing::Test, public test::Questions {
 protected:
  struct Found : Converting {
    using Converting::Converting;
    std::vector<std::string> findings = texts_of(plan());
    std::optional<migrate::Problem> broken_off;  // of a run that met a reader who stays
    bool was_begun = false;                      // by that run
    std::int64_t of_home = of_server("user_points", kHome);
    std::int64_t of_other = of_server("user_points", kOther);
    std::int64_t of_all = count("user_points");

    void meet_a_reader() {
      execute("CREATE TABLE giveaways (id serial PRIMARY KEY)");
      const auto reader = *target().open("");
      reader->execute("BEGIN; SELECT count(*) FROM slot_requests");
      auto impatient = options();
      impatient.limits.lock_timeout = 5ms;
      impatient.limits.patience = 20ms;
      if (const auto met = convert::apply(target(), impatient); !met) broken_off = met.error();
      was_begun = has_column("feature_settings") && !has_column("slot_requests");
      reader->execute("ROLLBACK");
    }
  };
  static void SetUpTestSuite() {
    found_ = std::make_unique<Found>(OldKick{.settings_before_december = true,
                                             .half_migrated = true,
                                             .hand_made = true,
                                             .servers = {kHome, kOther}});
    found_->meet_a_reader();
    found_->apply(Converting::options());
    found_->contract();
  }
  static void TearDownTestSuite() { found_.reset(); }
  store::SchemaSession& session() override { return found_->session(); }
  static Found& found() { return *found_; }

 private:
  static inline std::unique_ptr<Found> found_;
};

TEST_F(RightWayOfTheBotAloneInPostgres, T1c_TheTableOfServersIsMade) {
  EXPECT_THAT(found().findings, Contains(StartsWith("CV-REGISTRY there is no table servers")));
  EXPECT_THAT(list("SELECT discord_server_id FROM servers ORDER BY 1"),
              ElementsAre(std::to_string(kHome), std::to_string(kOther)));
}

TEST_F(RightWayOfTheBotAloneInPostgres, T2b_AnErrorIsToldAndLosesNothing) {
  ASSERT_TRUE(found().broken_off);
  EXPECT_EQ(found().broken_off->exit, migrate::Exit::timed_out);
  EXPECT_EQ(found().broken_off->finding.code, "CV-BLOCKED");
  EXPECT_THAT(found().broken_off->finding.text, StartsWith("slot_requests: server column"));
  EXPECT_TRUE(found().was_begun) << "what was done stays, and the next run goes on from there";
  EXPECT_EQ(of_server("slot_requests", kHome), count("slot_requests"));
  EXPECT_EQ(count("pg_tables WHERE tablename = 'giveaways'"), 1);
}

TEST_F(RightWayOfTheBotAloneInPostgres, T4b_AUniqueOfAnotherNameGivesWayToOneOfTheServer) {
  EXPECT_EQ(
      error_of(fmt::format(
          "INSERT INTO user_points (kick_username, discord_server_id) "
          "SELECT kick_username, {} FROM user_points WHERE kick_username = '{}' AND discord_server_id = {}",
          kOther, test::viewer_name(2), kHome)),
      "");
  EXPECT_EQ(count(fmt::format("user_points WHERE kick_username = '{}'", test::viewer_name(2))), 2);
  EXPECT_THAT(
      error_of(fmt::format("INSERT INTO user_points (kick_username, discord_server_id) VALUES ('{}', {})",
                           test::viewer_name(2), kHome)),
      StartsWith("23505"));
  execute(fmt::format("DELETE FROM user_points WHERE kick_username = '{}' AND discord_server_id = {}",
                      test::viewer_name(2), kOther));
}

TEST_F(RightWayOfTheBotAloneInPostgres, T4e_AHalfDoneStateIsTakenForWhatItSays) {
  EXPECT_GT(found().of_other, 0);
  EXPECT_EQ(of_server("user_points", kOther), found().of_other);
  EXPECT_EQ(of_server("user_points", kHome), found().of_all - found().of_other);
  EXPECT_LT(found().of_home, found().of_all - found().of_other);
  EXPECT_THAT(found().findings,
              Contains("CV-ZERO 1 row of user_points name server 0: they become the home server's"));
}

TEST_F(RightWayOfTheBotAloneInPostgres, T5b_TheNewBotFindsItsColumnsAndIsToldWhichTablesAreMissing) {
  for (const char* table : {"point_settings", "gtb_guesses", "slot_requests"})
    EXPECT_GT(of_server(table, kHome), 0) << table;
  EXPECT_THAT(found().findings, Contains(AllOf(StartsWith("CV-ABSENT"), HasSubstr("custom_commands"))));
}

TEST_F(RightWayOfTheBotAloneInPostgres, T10c_OldSettingsAreTheHomes) {
  EXPECT_EQ(
      ask(fmt::format("SELECT value FROM bot_settings WHERE key = 'clip_duration' AND discord_server_id = {}",
                      kHome)),
      "30");
  EXPECT_EQ(of_server("bot_settings", kHome), count("bot_settings"));
}

/// The old key has room for one of the two, and no third server is needed for that.
TEST_F(RightWayInPostgres, T10_ASettingOfAllServersBesideTheHomesOwnIsPutAside) {
  Converting& bot = make({.shape = OldKick::Shape::bot_only, .settings_before_december = true});
  bot.apply(Converting::options());
  bot.contract();
  execute("INSERT INTO bot_settings (key, value, discord_server_id) VALUES ('clip_duration', '60', 0)");
  const auto refused = bot.go_back();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().finding.code, "CV-KEYS");
  auto how = Converting::options<RollbackOptions>();
  how.archive = true;
  const auto back = convert::rollback(bot.target(), how);
  ASSERT_TRUE(back) << back.error().finding.text;
  EXPECT_EQ(ask("SELECT value FROM bot_settings WHERE key = 'clip_duration'"), "30");
  EXPECT_EQ(ask("SELECT value FROM guildhall_archive.bot_settings"), "60");
}

TEST_F(RightWayInPostgres, T10_AlsoUnderAKeyThatFoldsTheName) {
  Converting& bot = make({.shape = OldKick::Shape::bot_only, .settings_before_december = true});
  execute("CREATE UNIQUE INDEX by_folded_key ON bot_settings (lower(key))");
  bot.apply(Converting::options());
  bot.contract();
  execute("INSERT INTO bot_settings (key, value, discord_server_id) VALUES ('Clip_Duration', '60', 0)");
  auto how = Converting::options<RollbackOptions>();
  how.archive = true;
  const auto back = convert::rollback(bot.target(), how);
  ASSERT_TRUE(back) << back.error().finding.text;
  EXPECT_EQ(ask("SELECT value FROM bot_settings WHERE lower(key) = 'clip_duration'"), "30");
  EXPECT_EQ(ask("SELECT value FROM guildhall_archive.bot_settings"), "60");
}

}  // namespace
}  // namespace guildhall::convert
