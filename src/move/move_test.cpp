#include "move/move.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <regex>

#include "base/crypto.h"
#include "bot/settings.h"
#include "features/features.h"
#include "migrate/migrate.h"
#include "move/checksum.h"
#include "move/ends.h"
#include "store/database_error.h"
#include "store/server_file.h"
#include "tests/support/full_counts.h"
#include "tests/support/test_world.h"

namespace guildhall::move {
namespace {

namespace fs = std::filesystem;
using store::DatabasePlace;
using store::Layout;
using store::SchemaSession;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

/// Servers with rows, in the order of their ids; and one without.
const std::vector<std::int64_t> kServers{kLeast, -7, 1, 9'007'199'254'740'993, kMost};
constexpr std::int64_t kQuiet = 42;

bool has_postgres() { return std::getenv("GUILDHALL_TEST_POSTGRES") != nullptr; }

const tenancy::TableCatalog& catalog() {
  static const auto declarations = [] {
    static const Config config;
    auto made = std::make_unique<bot::Declarations>(config);
    tenancy::Tenancy::declare(made->statements, made->tables);
    bot::declare_bot(*made);
    features::declare_all(*made);
    return made;
  }();
  return declarations->tables;
}

// --- rows for every table, made from the schema -------------------------------------------------------

/// Fills a SQLite database with rows that its constraints accept: odd values are tried until enough were.
class Filler {
 public:
  Filler(SchemaSession& session, int rows) : session_(session), rows_(rows) {
    for (const auto& row : session_.query("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
      sql_[row[0]] = row[1];
  }

  void fill(const std::vector<std::int64_t>& servers, std::int64_t quiet) {
    servers_ = servers;
    const auto tables = read_tables(session_, Layout::sqlite, catalog());
    for (const std::int64_t server : servers) add_server(server);
    add_server(quiet);
    for (const Table& table : tables) {
      if (table.name == "servers") continue;
      const bool sealed = catalog().is_sealed(table.name);
      for (const std::int64_t server : sealed ? servers : std::vector<std::int64_t>{0}) fill(table, server);
    }
  }

 private:
  void add_server(std::int64_t server) {
    session_.insert(
        "servers", {{"discord_server_id"}, {"name"}, {"state"}, {"joined_at"}, {"left_at"}, {"revision"}},
        {{server, fmt::format("Sörver '{}'", server), std::string(server < 0 ? "inactive" : "active"), kLeast,
          server < 0 ? store::Value(kMost) : store::Value(), std::int64_t{3}}});
  }

  void fill(const Table& table, std::int64_t server) {
    const bool one_only = table.of_servers() && table.key.size() == 1;
    int made = 0;
    for (int tries = 0; made < (one_only ? 1 : rows_); ++tries) {
      // Some have no room for more: one row for each server.
      if (tries == kTries) break;
      const auto parents = parents_of(table.name, server);
      store::ValueRow row;
      for (const store::Column& column : table.columns)
        row.push_back(value_for(table, column, server, parents));
      try {
        session_.insert(table.name, table.columns, {row});
        ++made;
      } catch (const store::DatabaseError&) {  // a constraint: another try
      }
    }
    EXPECT_GT(made, 0) << table.name;
  }

  /// Column to the value that a row of the table that it refers to has, one row per reference.
  std::map<std::string, store::Value> parents_of(const std::string& table, std::int64_t server) {
    std::map<std::string, store::Value> values;
    for (const auto& reference : session_.query(
             "SELECT DISTINCT id, \"table\" FROM pragma_foreign_key_list($1) ORDER BY id", {table})) {
      if (reference[1] == "servers") continue;
      const auto columns = session_.query(
          "SELECT \"from\", \"to\" FROM pragma_foreign_key_list($1) WHERE id = CAST($2 AS INTEGER)",
          {table, reference[0]});
      std::vector<std::string> wanted;
      for (const auto& column : columns) wanted.push_back(fmt::format("\"{}\"", column[1]));
      const std::string where =
          catalog().is_sealed(reference[1]) ? fmt::format(" WHERE discord_server_id = {}", server) : "";
      const auto rows = session_.read(fmt::format("SELECT {} FROM {}{} ORDER BY random() LIMIT 1",
                                                  fmt::join(wanted, ", "), reference[1], where));
      for (std::size_t i = 0; i < columns.size(); ++i) values[columns[i][0]] = rows.at(0).at(i);
    }
    return values;
  }

  store::Value value_for(const Table& table, const store::Column& column, std::int64_t server,
                         const std::map<std::string, store::Value>& parents) {
    if (column.name == store::kTenantColumn) return server;
    if (const auto found = parents.find(column.name); found != parents.end()) return found->second;
    if (column.name == "bound_server_id") return pick(servers_);
    const std::string& sql = sql_[table.name];
    std::smatch match;
    const std::regex not_null(fmt::format(R"(\b{}\s+\w+\s+(NOT NULL|PRIMARY KEY))", column.name));
    const bool key =
        std::ranges::any_of(table.key, [&](auto k) { return table.columns[k].name == column.name; });
    if (!key && !std::regex_search(sql, not_null) && chance(3)) return {};
    const std::regex choices(fmt::format(R"(CHECK \({} IN \(('[^)]*)\)\))", column.name));
    if (std::regex_search(sql, match, choices)) return pick(words_of(match[1]));
    switch (column.type) {
      case store::ValueType::integer: return number();
      case store::ValueType::text: return text();
      case store::ValueType::blob: return store::Blob{text() + std::string("\0\xff\xfe\\x", 5)};
    }
    return {};
  }

  static std::vector<std::string> words_of(const std::string& list) {
    static const std::regex word("'([^']*)'");
    std::vector<std::string> words;
    for (auto at = std::sregex_iterator(list.begin(), list.end(), word); at != std::sregex_iterator(); ++at)
      words.push_back((*at)[1]);
    return words;
  }

  std::int64_t number() {
    return pick(std::vector<std::int64_t>{kLeast, kMost, -1, 0, 0, 1, 1, 2, 3, 255, 256, 65'536, kLeast + 1});
  }

  std::string text() {
    static const std::vector<std::string> odd{"",
                                              " ",
                                              "'",
                                              "\"",
                                              "\\",
                                              "\\N",
                                              "\\x41",
                                              "NULL",
                                              "a\tb\nc\r",
                                              "ünï — 日本 😀",
                                              "%s {} $1 :server ?",
                                              "\x01\x7f",
                                              "0",
                                              "-1",
                                              std::string(3'000, 'x')};
    return pick(odd) + (chance(2) ? std::to_string(random_()) : "");
  }

  template <class T>
  T pick(const std::vector<T>& from) {
    return from[random_() % from.size()];
  }
  bool chance(unsigned of) { return random_() % of == 0; }

  static constexpr int kTries = 3'000;

  SchemaSession& session_;
  const int rows_;
  std::vector<std::int64_t> servers_;
  std::map<std::string, std::string> sql_;
  std::minstd_rand random_{7};
};

// --- an account of a database that shares nothing with the engine ---------------------------------------

/// Every value of every row of a table as type and hexadecimal bytes, sorted.
std::string account(SchemaSession& session, bool postgres, const std::string& table) {
  std::vector<std::string> columns;
  const auto named = postgres
                         ? session.query(
                               "SELECT column_name, data_type FROM information_schema.columns WHERE "
                               "table_schema = 'guildhall' AND table_name = $1 ORDER BY ordinal_position",
                               {table})
                         : session.query("SELECT name, type FROM pragma_table_info($1)", {table});
  for (const auto& row : named) {
    const std::string bytes =
        !postgres           ? fmt::format("typeof(\"{0}\") || ':' || hex(\"{0}\")", row[0])
        : row[1] == "bytea" ? fmt::format("'blob:' || upper(encode(\"{}\", 'hex'))", row[0])
                            : fmt::format("'{1}:' || upper(encode(convert_to(\"{0}\"::text, 'UTF8'), 'hex'))",
                                          row[0], row[1] == "text" ? "text" : "integer");
    columns.push_back(fmt::format("CASE WHEN \"{}\" IS NULL THEN 'null' ELSE {} END", row[0], bytes));
  }
  std::vector<std::string> lines;
  for (const auto& row :
       session.query(fmt::format("SELECT {} FROM \"{}\"", fmt::join(columns, " || '|' || "), table)))
    lines.push_back(table + " " + row[0]);
  std::ranges::sort(lines);
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

std::string account(const DatabasePlace& place) {
  const bool postgres = place.layout == Layout::postgres;
  auto beside = *store::open_schema_session(place);
  std::map<std::string, std::string> tables;
  const auto homes = catalog().homes();
  for (const auto& [table, home] : homes) {
    if (!table.starts_with("migration_")) tables[table] = account(*beside, postgres, table);
  }
  for (const ServerId server : *store::servers_with_file(place)) {
    auto file = *store::open_server_session(place, server);
    for (const auto& [table, home] : homes) {
      if (home != store::TableHome::server) continue;
      EXPECT_EQ(account(*beside, false, table), "\n") << table << " has rows beside the servers";
      tables[table] += account(*file, false, table);
    }
  }
  std::string text;
  for (auto& [table, rows] : tables) {
    std::vector<std::string> lines;
    std::istringstream input(rows);
    for (std::string line; std::getline(input, line);) {
      if (!line.empty()) lines.push_back(line);
    }
    std::ranges::sort(lines);
    text += fmt::format("{}\n", fmt::join(lines, "\n"));
  }
  return text;
}

// --- databases
// ----------------------------------------------------------------------------------------------

/// Somewhere to move to, gone with the object.
class Place {
 public:
  explicit Place(Layout layout) {
    config_.data_dir = folder_.path().string();
    if (layout == Layout::postgres) {
      made_.emplace(config_, catalog(), layout);
      bot = made_->place();
      place = *store::find_place(bot.migrate_url, "");
      place.migrate_url = bot.migrate_url;
      return;
    }
    place = *store::find_place(layout == Layout::sqlite ? "sqlite:some.db" : "sqlite-per-server:some",
                               config_.data_dir);
    bot = place;
  }

  DatabasePlace place;
  DatabasePlace bot;  // with the logins of the bot
  fs::path folder() const { return folder_.path(); }

 private:
  test::TemporaryFolder folder_;
  Config config_;
  std::optional<test::TestDatabase> made_;
};

class Move : public testing::Test {
 protected:
  Result<Report> move(const Place& from, const Place& to, Options options = {}) {
    return move_database(from.place, to.place, catalog(), clock_, options);
  }
  static std::string message(const Result<Report>& result) {
    return result ? "moved" : result.error().message + " / " + result.error().hint;
  }
  /// A SQLite file with rows in every table.
  void fill(const Place& place, int rows = 4, const std::vector<std::int64_t>& servers = kServers) {
    ASSERT_TRUE(migrate::prepare_schema(place.place, catalog()));
    auto session = *store::open_schema_session(place.place);
    session->execute("PRAGMA synchronous=OFF; BEGIN");
    Filler(*session, rows).fill(servers, kQuiet);
    session->execute("COMMIT");
  }
  /// The same, in this layout.
  std::unique_ptr<Place> filled(Layout layout, int rows = 4,
                                const std::vector<std::int64_t>& servers = kServers) {
    auto file = std::make_unique<Place>(Layout::sqlite);
    fill(*file, rows, servers);
    if (layout == Layout::sqlite) return file;
    auto place = std::make_unique<Place>(layout);
    const auto moved = move(*file, *place);
    EXPECT_TRUE(moved) << message(moved);
    return place;
  }
  static Error refusal(const Result<Report>& result) {
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
  }

  const ManualClock clock_{from_micros(1'800'000'000'000'000)};
};

struct Interrupted {};

/// Interrupts at the n-th step, counted from 1.
Options interrupted_at(int n) {
  Options options;
  options.batch = 3;
  options.on_progress = [n, seen = 0](const Progress& progress) mutable {
    // Comparing changes nothing: interrupted there at its beginning, it is as good as anywhere.
    const bool step = progress.step == Progress::Step::copying || progress.rows == 0;
    if (step && ++seen == n) throw Interrupted();
  };
  return options;
}

Options resuming() {
  Options options;
  options.resume = true;
  options.batch = 3;
  return options;
}

// --- tests
// --------------------------------------------------------------------------------------------------

class MoveBetween : public Move, public testing::WithParamInterface<std::pair<Layout, Layout>> {};

TEST_P(MoveBetween, EveryValueArrivesAsItWas) {
  const auto [from, to] = GetParam();
  if ((from == Layout::postgres || to == Layout::postgres) && !has_postgres())
    GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
  const auto original = filled(Layout::sqlite);
  const std::string expected = account(original->place);
  for (const auto& [table, home] : catalog().homes()) {
    if (!table.starts_with("migration_"))
      EXPECT_THAT(expected, HasSubstr("\n" + table + " ")) << "the test has no rows";
  }
  Place source(from);
  ASSERT_TRUE(from == Layout::sqlite || move(*original, source));
  const Place& real_source = from == Layout::sqlite ? *original : source;
  Place target(to);
  Options options;
  options.batch = 3;
  const auto moved = move(real_source, target, options);
  ASSERT_TRUE(moved) << message(moved);
  EXPECT_EQ(account(target.place), expected);
  EXPECT_EQ(account(real_source.place), expected);
  EXPECT_EQ(moved->servers, kServers.size() + 1);
  EXPECT_EQ(moved->rows, static_cast<std::uint64_t>(std::ranges::count(expected, '\n')));
  EXPECT_EQ(store::servers_with_file(target.place)->size(),
            to == Layout::sqlite_per_server ? kServers.size() : 0)
      << "a server without rows has a file";
  EXPECT_TRUE(refuse_unfinished(target.place));
}

constexpr Layout kFile = Layout::sqlite;
constexpr Layout kFiles = Layout::sqlite_per_server;
constexpr Layout kServer = Layout::postgres;

INSTANTIATE_TEST_SUITE_P(Layouts, MoveBetween,
                         testing::Values(std::pair{kFile, kFiles}, std::pair{kFile, kServer},
                                         std::pair{kFiles, kFile}, std::pair{kFiles, kServer},
                                         std::pair{kServer, kFile}, std::pair{kServer, kFiles},
                                         std::pair{kFile, kFile}, std::pair{kFiles, kFiles},
                                         std::pair{kServer, kServer}),
                         [](const auto& info) {
                           const auto name = [](Layout layout) {
                             return layout == kFile ? "File" : layout == kFiles ? "Files" : "Server";
                           };
                           return fmt::format("{}To{}", name(info.param.first), name(info.param.second));
                         });

class MoveInterrupted : public Move, public testing::WithParamInterface<std::pair<Layout, Layout>> {
 protected:
  /// Interrupted once at the n-th step, then resumed. False when there is no n-th step.
  bool interrupt_and_resume(const Place& source, const std::string& expected, int n) {
    const Place target(GetParam().second);
    try {
      EXPECT_TRUE(move(source, target, interrupted_at(n)));
      return false;
    } catch (const Interrupted&) {
    }
    EXPECT_FALSE(refuse_unfinished(target.place));
    EXPECT_THAT(refusal(move(source, target)).hint, HasSubstr("--resume"));
    const auto resumed = move(source, target, resuming());
    EXPECT_TRUE(resumed) << "step " << n << ": " << message(resumed);
    EXPECT_TRUE(resumed && resumed->resumed);
    EXPECT_EQ(account(target.place), expected) << "step " << n;
    return true;
  }
};

TEST_P(MoveInterrupted, GoesOnFromWhereverItWas) {
  const auto [from, to] = GetParam();
  const bool postgres = from == Layout::postgres || to == Layout::postgres;
  if (postgres && !has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
  const auto source = filled(from, 4, {-7, 1});
  const std::string expected = account(source->place);
  // In a whole run every step once; where another direction has shown them all, every eleventh.
  const bool shows_all = from == Layout::sqlite && to == Layout::sqlite_per_server;
  const int stride = !shows_all ? 11 : test::full_counts() ? 1 : 4;
  int n = 1;
  while (interrupt_and_resume(*source, expected, n)) n += stride;
  EXPECT_GT(n, 80) << "hardly a step";
}

INSTANTIATE_TEST_SUITE_P(Layouts, MoveInterrupted,
                         testing::Values(std::pair{kFile, kFiles}, std::pair{kFiles, kFile},
                                         std::pair{kFile, kServer}));

/// What lies in the folder: names and contents.
std::string contents(const fs::path& folder) {
  std::string text;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    std::ifstream input(file, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(input)), {});
    text += fmt::format("{} {}\n", file.string(), hex(sha256(bytes)));
  }
  return text;
}

TEST_F(Move, TheSourceStaysAsItWasByteForByte) {
  for (const Layout layout : {Layout::sqlite, Layout::sqlite_per_server}) {
    const auto source = filled(layout);
    const std::string before = contents(source->folder());
    ASSERT_TRUE(move(*source, Place(Layout::sqlite)));
    EXPECT_EQ(contents(source->folder()), before);
  }
}

TEST_F(Move, WhatLiesInTheLogOfABotThatWasKilledIsMoved) {
  const Place source(Layout::sqlite);
  fill(source);
  auto session = *store::open_schema_session(source.place);
  session->execute("UPDATE servers SET name = 'only in the log' WHERE discord_server_id = 1");
  // As after kill -9: copied while the log was not yet in the file.
  const Place copy(Layout::sqlite);
  for (const char* end : {"", "-wal"}) fs::copy_file(source.place.path + end, copy.place.path + end);
  const std::string before = contents(copy.folder());
  const Place target(Layout::sqlite_per_server);
  ASSERT_TRUE(move(copy, target));
  EXPECT_THAT((*store::open_schema_session(target.place))->query("SELECT name FROM servers").size(), 6);
  EXPECT_EQ(account(target.place), account(source.place));
  fs::remove(copy.place.path + "-shm");  // an index that SQLite makes of the log
  EXPECT_EQ(contents(copy.folder()), before);
}

TEST_F(Move, ARowThatIsNotTheSameIsFoundAndNamed) {
  struct Case {
    Layout to;
    std::int64_t server;
    std::string sql;
    std::string named;
  };
  const std::vector<Case> cases{
      {Layout::sqlite, 0,
       "UPDATE persons SET display_name = display_name || ' ' WHERE discord_server_id = -7",
       "table 'persons' of server -7 (4 rows each, not the same)"},
      {Layout::sqlite_per_server, -7, "UPDATE settings SET value = value || 'x'",
       "table 'settings' of server -7 (4 rows each"},
      {Layout::sqlite_per_server, 1, "DELETE FROM outbox",
       "table 'outbox' of server 1 (4 rows in the source, 0 in the target)"},
      {Layout::sqlite_per_server, 0, "UPDATE operator_log SET before = 'x', after = NULL",
       "table 'operator_log' (4 rows each"},
  };
  const auto source = filled(Layout::sqlite, 4, {-7, 1});
  for (const Case& c : cases) {
    const Place target(c.to);
    Options options;
    options.on_progress = [&](const Progress& progress) {
      if (progress.step != Progress::Step::comparing || progress.rows > 0) return;
      auto session = c.server == 0 ? store::open_schema_session(target.place)
                                   : store::open_server_session(target.place, ServerId(c.server));
      (*session)->execute(c.sql);
    };
    const Error error = refusal(move(*source, target, options));
    EXPECT_EQ(error.code, ErrorCode::failed);
    EXPECT_THAT(error.message, HasSubstr(c.named));
    EXPECT_FALSE(refuse_unfinished(target.place)) << "the bot would open it";
  }
}

TEST_F(Move, RowsThatTheSourceDoesNotHaveAreFound) {
  const auto source = filled(Layout::sqlite, 4, {-7, 1});
  const Place target(Layout::sqlite_per_server);
  Options options;
  options.on_progress = [&](const Progress& progress) {
    if (progress.step != Progress::Step::comparing || progress.rows > 0) return;
    ASSERT_TRUE(store::make_server_file(target.place, catalog().homes(), {migrate::file_preparation()},
                                        ServerId(kQuiet)));
    (*store::open_server_session(target.place, ServerId(kQuiet)))
        ->execute(fmt::format("INSERT INTO settings VALUES ({}, 'language', 'de', 0)", kQuiet));
  };
  const Error error = refusal(move(*source, target, options));
  EXPECT_EQ(error.code, ErrorCode::failed);
  EXPECT_THAT(error.message,
              HasSubstr("table 'settings' of server 42 (0 rows in the source, 1 in the target)"));
}

TEST_F(Move, TheBotOpensWhatWasMoved) {
  for (const Layout layout : {Layout::sqlite, Layout::sqlite_per_server, Layout::postgres}) {
    if (layout == Layout::postgres && !has_postgres()) continue;
    test::TestWorld world(Layout::sqlite);
    world.server(-5);
    world.server(6);
    world.execute("INSERT INTO settings VALUES (-5, 'language', 'de', 7)", -5);
    world.execute("INSERT INTO setting_defaults VALUES ('time_zone', 'Europe/Berlin', 7)");
    world.tenancy.reset();
    const Place target(layout);
    const auto moved = move_database(world.place(), target.place, world.declarations.tables, world.clock, {});
    ASSERT_TRUE(moved) << message(moved);
    tenancy::OpenOptions options;
    options.files.prepare = world.file_preparation();
    auto tenancy = tenancy::Tenancy::open(target.bot, world.declarations.statements,
                                          world.declarations.tables, &world.metrics, std::move(options));
    ASSERT_TRUE(tenancy) << tenancy.error().message;
    net::run_to_end((*tenancy)->load());
    EXPECT_EQ((*tenancy)->servers().list().size(), 2);
    for (const auto& [server, language] : {std::pair{-5, "de"}, std::pair{6, "en"}}) {
      const auto scope = (*tenancy)->scopes().for_operator(ServerId(server));
      ASSERT_TRUE(scope);
      const auto settings =
          net::run_to_end(scope->transact([&](store::Tx& tx) -> store::TxTask<bot::SettingsPtr> {
            co_return co_await bot::load_settings(tx, world.declarations.settings, world.config);
          }));
      EXPECT_EQ(settings->get(bot::kLanguage), language);
      EXPECT_EQ(settings->get(bot::kTimeZone), "Europe/Berlin");
    }
  }
}

TEST_F(Move, NumbersOfTheDatabaseGoOnBehindThoseThatCame) {
  if (!has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
  const Place source(Layout::sqlite);
  ASSERT_TRUE(migrate::prepare_schema(source.place, catalog()));
  (*store::open_schema_session(source.place))
      ->execute(
          "INSERT INTO operator_log VALUES (3, 0, 'a', 'b', 'c', NULL, NULL), (900, 0, 'a', 'b', 'c', NULL, "
          "NULL)");
  const Place target(Layout::postgres);
  ASSERT_TRUE(move(source, target));
  auto session = *store::open_schema_session(target.place);
  session->execute("INSERT INTO operator_log (at, actor, action, subject) VALUES (1, 'x', 'y', 'z')");
  const auto ids = session->query("SELECT entry_id FROM operator_log ORDER BY entry_id");
  EXPECT_THAT(ids, testing::ElementsAre(testing::ElementsAre("3"), testing::ElementsAre("900"),
                                        testing::ElementsAre("901")));
}

TEST_F(Move, PostgresKnowsHowManyRowsCame) {
  if (!has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
  const auto source = filled(Layout::sqlite);
  const Place target(Layout::postgres);
  ASSERT_TRUE(move(*source, target));
  auto session = *store::open_schema_session(target.place);
  for (const std::string table : {"persons", "balances", "ledger", "servers"}) {
    const auto known = session->query(fmt::format(
        "SELECT reltuples, (SELECT count(*) FROM {0}) FROM pg_class WHERE oid = '{0}'::regclass", table));
    EXPECT_NE(known.at(0).at(1), "0") << table;
    EXPECT_EQ(known.at(0).at(0), known.at(0).at(1)) << table;
  }
}

TEST_F(Move, OnePlaceTwiceIsRefused) {
  const Place place(Layout::sqlite);
  fill(place, 1, {1});
  EXPECT_EQ(refusal(move(place, place)).code, ErrorCode::usage);
  Place other(Layout::sqlite);
  other.place.path = (place.folder() / "." / "some.db").string();
  EXPECT_EQ(refusal(move(place, other)).code, ErrorCode::usage);
  if (!has_postgres()) return;
  const Place server(Layout::postgres);
  EXPECT_EQ(refusal(move(server, server)).code, ErrorCode::usage);
}

TEST_F(Move, ATargetThatIsNotEmptyIsRefusedAndStaysAsItWas) {
  const auto source = filled(Layout::sqlite, 1, {1});
  for (const Layout layout : {Layout::sqlite, Layout::sqlite_per_server, Layout::postgres}) {
    if (layout == Layout::postgres && !has_postgres()) continue;
    const auto target = filled(layout, 2, {-7});
    const std::string before = account(target->place);
    for (const bool resume : {false, true}) {
      Options options;
      options.resume = resume;
      const Error error = refusal(move(*source, *target, options));
      EXPECT_EQ(error.code, ErrorCode::refused_by_guard);
      EXPECT_THAT(error.message, HasSubstr("not empty"));
    }
    EXPECT_EQ(account(target->place), before);
  }
}

TEST_F(Move, AMoveIsResumedFromItsOwnSourceOnly) {
  const auto source = filled(Layout::sqlite, 2, {1});
  const auto another = filled(Layout::sqlite, 2, {1});
  const Place target(Layout::sqlite_per_server);
  EXPECT_THROW(move(*source, target, interrupted_at(9)), Interrupted);
  const Error error = refusal(move(*another, target, resuming()));
  EXPECT_EQ(error.code, ErrorCode::refused_by_guard);
  EXPECT_THAT(error.message, HasSubstr(source->place.path));
  EXPECT_THAT(refusal(move(target, Place(Layout::sqlite))).message, HasSubstr("itself the target"));
  EXPECT_TRUE(move(*source, target, resuming()));
}

TEST_F(Move, WhatIsNoGuildhallDatabaseIsRefused) {
  const Place target(Layout::sqlite);
  const Place nothing(Layout::sqlite);
  EXPECT_EQ(refusal(move(nothing, target)).code, ErrorCode::storage);
  EXPECT_FALSE(fs::exists(nothing.place.path));
  const Place foreign(Layout::sqlite);
  (*store::open_schema_session(foreign.place))->execute("CREATE TABLE notes (x TEXT)");
  EXPECT_EQ(refusal(move(foreign, target)).code, ErrorCode::schema);
  EXPECT_FALSE(fs::exists(target.place.path)) << "made before the source was looked at";
  const Place source(Layout::sqlite);
  fill(source, 1, {1});
  const Error error = refusal(move(source, foreign));
  EXPECT_EQ(error.code, ErrorCode::refused_by_guard);
  EXPECT_THAT(error.message, HasSubstr("another program"));
  EXPECT_EQ((*store::open_schema_session(foreign.place))->query("SELECT name FROM sqlite_schema").size(), 1);
  const Place damaged(Layout::sqlite);
  std::ofstream(damaged.place.path) << "no database at all";
  EXPECT_EQ(refusal(move(damaged, target)).code, ErrorCode::storage);
}

TEST_F(Move, AnotherVersionOfTheSchemaIsRefused) {
  const Place newer(Layout::sqlite);
  fill(newer, 1, {1});
  (*store::open_schema_session(newer.place))
      ->execute(
          "INSERT INTO migration_journal (name, direction, state, checksum, started_at, applied_by, "
          "tool_version) VALUES ('9999_later', 'up', 'applied', 'x', 0, 'x', 'x')");
  EXPECT_EQ(refusal(move(newer, Place(Layout::sqlite))).code, ErrorCode::schema);
  const auto older = filled(Layout::sqlite_per_server, 1, {-7, 1});
  (*store::open_server_session(older->place, ServerId(1)))
      ->execute("DROP TRIGGER migration_journal_no_delete; DELETE FROM migration_journal WHERE seq = 3");
  const Error error = refusal(move(*older, Place(Layout::sqlite)));
  EXPECT_EQ(error.code, ErrorCode::schema);
  EXPECT_THAT(error.message, HasSubstr("1.db' is older"));
  EXPECT_THAT(error.hint, HasSubstr("`guildhall migrate up`"));
}

TEST_F(Move, AFileOfAServersFolderIsNoDatabase) {
  const auto folder = filled(Layout::sqlite_per_server, 1, {-7, 1});
  for (const char* file : {"directory.db", "servers/1.db"}) {
    Place part(Layout::sqlite);
    part.place.path = (fs::path(folder->place.path) / file).string();
    EXPECT_EQ(refusal(move(part, Place(Layout::sqlite))).code, ErrorCode::usage);
    EXPECT_EQ(refusal(move(*filled(Layout::sqlite, 1, {1}), part)).code, ErrorCode::usage);
  }
}

TEST_F(Move, RowsInTheWrongFileAreNotLeftBehind) {
  const auto source = filled(Layout::sqlite_per_server, 1, {-7, 1});
  const fs::path servers = fs::path(source->place.path) / "servers";
  fs::copy_file(servers / "1.db", servers / "5.db");
  EXPECT_THAT(refusal(move(*source, Place(Layout::sqlite))).message, HasSubstr("a file of server 5"));
  fs::rename(servers / "5.db", servers / "-7.db");
  EXPECT_THAT(refusal(move(*source, Place(Layout::sqlite))).message,
              HasSubstr("not marked as that of server -7"));

  const Place stray(Layout::sqlite);
  fill(stray, 1, {1});
  (*store::open_schema_session(stray.place))
      ->execute("PRAGMA foreign_keys=OFF; INSERT INTO settings VALUES (77, 'language', 'de', 0)");
  EXPECT_THAT(
      refusal(move(stray, Place(Layout::sqlite))).message,
      HasSubstr("table 'settings' in '" + stray.place.path + "' has 1 rows that belong to no server"));
}

TEST_F(Move, AValueThatTheTargetRefusesIsNamed) {
  if (!has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
  const Place source(Layout::sqlite);
  fill(source, 1, {-7, 1});
  (*store::open_schema_session(source.place))
      ->execute("UPDATE settings SET value = CAST(X'410042' AS TEXT) WHERE discord_server_id = -7");
  const Place target(Layout::postgres);
  const Error error = refusal(move(source, target));
  EXPECT_EQ(error.code, ErrorCode::failed);
  EXPECT_THAT(error.message, HasSubstr("table 'settings' of server -7"));
  // SQLite takes it, and it is the same there.
  EXPECT_TRUE(move(source, Place(Layout::sqlite_per_server)));
}

TEST_F(Move, AFullDiskIsSaidAndTheMoveGoesOnAfterwards) {
  const Place source(Layout::sqlite);
  fill(source, 4);
  const Place target(Layout::sqlite_per_server);
  // Files of this process may not grow beyond this; the schema alone fits.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{190'000, before.rlim_max};
  Options options = resuming();
  options.on_progress = [&](const Progress&) { ::setrlimit(RLIMIT_FSIZE, &small); };
  const auto moved = move(source, target, options);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  const Error error = refusal(moved);
  EXPECT_EQ(error.code, ErrorCode::storage) << error.message;
  EXPECT_THAT(error.hint, HasSubstr("--resume"));
  const auto resumed = move(source, target, resuming());
  ASSERT_TRUE(resumed) << message(resumed);
  EXPECT_EQ(account(target.place), account(source.place));
}

TEST_F(Move, LoginsThatMayNotDoItAreRefused) {
  if (!has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
  const auto server = filled(Layout::postgres, 1, {1});
  Place as_bot(Layout::sqlite);
  as_bot.place = server->bot;
  EXPECT_EQ(refusal(move(as_bot, Place(Layout::sqlite))).code, ErrorCode::refused_by_guard);
  // Of backups: reads everything.
  Place as_backup(Layout::sqlite);
  as_backup.place = *store::find_place(
      std::regex_replace(server->place.url, std::regex("guildhall_migrate"), "guildhall_ro"), "");
  const Place copy(Layout::sqlite);
  const auto moved = move(as_backup, copy);
  ASSERT_TRUE(moved) << message(moved);
  EXPECT_EQ(account(copy.place), account(server->place));
  Place nowhere(Layout::postgres);
  nowhere.place.url = "postgres://guildhall_migrate@%2Fnowhere/nothing";
  EXPECT_EQ(refusal(move(copy, nowhere)).code, ErrorCode::storage);
  const Place target(Layout::postgres);
  Place weak(Layout::sqlite);
  weak.place = target.bot;
  EXPECT_EQ(refusal(move(copy, weak)).code, ErrorCode::refused_by_guard);
}

TEST_F(Move, WhileSomebodyUsesEitherEndItIsRefused) {
  if (!has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
  const auto source = filled(Layout::sqlite, 1, {1});
  const Place target(Layout::postgres);
  Options impatient;
  impatient.patience = std::chrono::milliseconds(0);
  {
    DatabasePlace as_bot = target.bot;
    as_bot.migrate_url.clear();
    const auto bot = *store::open_schema_session(as_bot);
    EXPECT_EQ(refusal(move(*source, target, impatient)).code, ErrorCode::other_instance);
  }
  ASSERT_TRUE(move(*source, target));
  const auto bot = *store::open_schema_session(target.bot);
  EXPECT_EQ(refusal(move(target, Place(Layout::sqlite), impatient)).code, ErrorCode::other_instance);
}

TEST_F(Move, NoBotBeginsAtEitherEndMeanwhile) {
  if (!has_postgres()) GTEST_SKIP() << "GUILDHALL_TEST_POSTGRES names no PostgreSQL server";
  const auto source = filled(Layout::sqlite, 1, {1});
  const Place first(Layout::postgres);
  const Place second(Layout::postgres);
  // Not one of Guildhall's logins, which are seen without a lock.
  const auto session_at = [](const Place& place) {
    const std::string& url = place.place.url;
    auto session =
        *store::open_postgres_session(test::postgres_url("postgres", url.substr(url.rfind('/') + 1)));
    session->execute("SET application_name = 'somebody'");
    return session;
  };
  const auto take = [](store::SchemaSession& session) {
    return session.query(fmt::format("SELECT pg_try_advisory_lock({}, {})", store::kLockClass,
                                     static_cast<int>(store::DatabaseLock::bot)))[0][0] == "t";
  };
  Options impatient;
  impatient.patience = std::chrono::milliseconds(0);
  {
    const auto bot = session_at(first);
    ASSERT_TRUE(take(*bot));
    EXPECT_EQ(refusal(move(*source, first, impatient)).code, ErrorCode::other_instance);
  }
  ASSERT_TRUE(move(*source, first));
  const auto at_first = session_at(first);
  const auto at_second = session_at(second);
  bool was_open = false;
  Options watching;
  watching.on_progress = [&](const Progress&) { was_open = was_open || take(*at_first) || take(*at_second); };
  ASSERT_TRUE(move(first, second, watching));
  EXPECT_FALSE(was_open);
}

TEST(MoveChecksum, DoesNotDependOnTheOrder) {
  const store::ValueRow a{std::int64_t{1}, std::string("x")};
  const store::ValueRow b{std::int64_t{2}, store::Value()};
  Checksum forward;
  forward.add(a);
  forward.add(b);
  Checksum backward;
  backward.add(b);
  backward.add(a);
  EXPECT_EQ(forward, backward);
  EXPECT_EQ(forward.str().size(), 32);
  EXPECT_EQ(forward.rows(), 2);
}

TEST(MoveChecksum, TellsRowsApartThatLookAlike) {
  const std::vector<store::ValueRow> rows{{store::Value()},
                                          {std::string()},
                                          {store::Blob{}},
                                          {std::int64_t{0}},
                                          {std::string("0")},
                                          {store::Blob{"0"}},
                                          {std::string("ab"), std::string("c")},
                                          {std::string("a"), std::string("bc")},
                                          {std::string("c"), std::string("ab")}};
  std::set<std::string> sums;
  for (const auto& row : rows) {
    Checksum sum;
    sum.add(row);
    sums.insert(sum.str());
  }
  EXPECT_EQ(sums.size(), rows.size());
}

}  // namespace
}  // namespace guildhall::move
