#include "convert/conversion.h"

#include <fmt/format.h>

#include <utility>

#include "migrate/target.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;

constexpr std::pair<State, std::string_view> kStates[] = {
    {State::expanding, "expanding"},       {State::expanded, "expanded"},
    {State::contracting, "contracting"},   {State::contracted, "contracted"},
    {State::rolling_back, "rolling back"}, {State::rolled_back, "rolled back"},
};

State state_of(std::string_view name) {
  for (const auto& [state, text] : kStates) {
    if (text == name) return state;
  }
  throw store::DatabaseError(store::DbCode::other, "",
                             fmt::format("the table conversion has a state that this program does not know: "
                                         "'{}'",
                                         name));
}

/// Of what a step made, before its own kind.
constexpr std::string_view kMade = "made ";

/// A moment as people read it, from a column of the journal's type.
std::string shown(Dialect dialect, std::string_view column) {
  return dialect == Dialect::postgres
             ? fmt::format("to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')", column)
             : fmt::format("strftime('%Y-%m-%d %H:%M:%S', {} / 1000000, 'unixepoch')", column);
}

constexpr std::string_view kTables = R"(
CREATE TABLE IF NOT EXISTS {conversion} (
  number {serial},
  state text NOT NULL,
  description text NOT NULL,
  home bigint NOT NULL,
  begun_at {time} NOT NULL,
  changed_at {time} NOT NULL,
  backup_file text NOT NULL DEFAULT '',
  tool_version text NOT NULL);
CREATE TABLE IF NOT EXISTS {conversion_steps} (
  seq {serial},
  conversion bigint NOT NULL,
  at {time} NOT NULL,
  step text NOT NULL,
  state text NOT NULL,
  detail text NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS {conversion_before} (
  seq {serial},
  conversion bigint NOT NULL,
  kind text NOT NULL,
  table_name text NOT NULL,
  name text NOT NULL,
  definition text NOT NULL,
  UNIQUE (conversion, kind, table_name, name));
CREATE TABLE IF NOT EXISTS {conversion_sums} (
  conversion bigint NOT NULL,
  phase text NOT NULL,
  table_name text NOT NULL,
  server text NOT NULL,
  row_count bigint NOT NULL,
  hash text NOT NULL,
  totals text NOT NULL,
  PRIMARY KEY (conversion, phase, table_name, server));
CREATE TABLE IF NOT EXISTS {conversion_facts} (
  conversion bigint NOT NULL,
  phase text NOT NULL,
  kind text NOT NULL,
  table_name text NOT NULL,
  fact text NOT NULL,
  PRIMARY KEY (conversion, phase, kind, table_name));
CREATE TABLE IF NOT EXISTS {conversion_refused} (
  seq {serial},
  conversion bigint NOT NULL,
  table_name text NOT NULL,
  row_text text NOT NULL,
  reason text NOT NULL,
  done text NOT NULL);
)";

constexpr std::string_view kMapTable = R"(
CREATE TABLE IF NOT EXISTS guildhall.guildhall_conversion_map (
  conversion bigint NOT NULL,
  table_name text NOT NULL,
  row_key text[] NOT NULL,
  server bigint NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (conversion, table_name, row_key));
)";

}  // namespace

std::string_view name_of(State state) {
  for (const auto& [known, text] : kStates) {
    if (known == state) return text;
  }
  std::unreachable();
}

std::string Records::table(std::string_view name) const {
  return migrate::own_table(dialect_, fmt::format("guildhall_{}", name));
}

bool Records::exist() const {
  const auto rows =
      dialect_ == Dialect::postgres
          ? session_.query("SELECT 1 FROM pg_class WHERE oid = to_regclass($1)", {table("conversion")})
          : session_.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1",
                           {table("conversion")});
  return !rows.empty();
}

void Records::prepare() {
  const bool is_postgres = dialect_ == Dialect::postgres;
  if (is_postgres) session_.execute("CREATE SCHEMA IF NOT EXISTS guildhall");
  session_.execute(
      fmt::format(fmt::runtime(kTables), fmt::arg("conversion", table("conversion")),
                  fmt::arg("conversion_steps", table("conversion_steps")),
                  fmt::arg("conversion_before", table("conversion_before")),
                  fmt::arg("conversion_sums", table("conversion_sums")),
                  fmt::arg("conversion_facts", table("conversion_facts")),
                  fmt::arg("conversion_refused", table("conversion_refused")),
                  fmt::arg("serial", is_postgres ? "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
                                                 : "INTEGER PRIMARY KEY AUTOINCREMENT"),
                  fmt::arg("time", is_postgres ? "timestamptz" : "bigint")));
  if (is_postgres) session_.execute(std::string(kMapTable));
}

std::optional<Conversion> Records::newest() const {
  if (!exist()) return std::nullopt;
  const auto rows = session_.query(
      fmt::format("SELECT number, state, description, home, {}, {}, backup_file, tool_version FROM {} "
                  "ORDER BY number DESC LIMIT 1",
                  shown(dialect_, "begun_at"), shown(dialect_, "changed_at"), table("conversion")));
  if (rows.empty()) return std::nullopt;
  const auto& row = rows.front();
  return Conversion{.number = std::stoll(row[0]),
                    .state = state_of(row[1]),
                    .description = row[2],
                    .home = std::stoll(row[3]),
                    .begun_at = row[4],
                    .changed_at = row[5],
                    .backup_file = row[6],
                    .tool_version = row[7]};
}

std::int64_t Records::begin(const Conversion& conversion) {
  const std::string now(migrate::now_of(dialect_));
  const auto rows = session_.query(
      fmt::format(
          "INSERT INTO {} (state, description, home, begun_at, changed_at, backup_file, tool_version) "
          "VALUES ($1, $2, CAST($3 AS bigint), {}, {}, $4, $5) RETURNING number",
          table("conversion"), now, now),
      {std::string(name_of(conversion.state)), conversion.description, std::to_string(conversion.home),
       conversion.backup_file, conversion.tool_version});
  return std::stoll(rows.at(0).at(0));
}

void Records::set_state(std::int64_t conversion, State state) {
  session_.query(fmt::format("UPDATE {} SET state = $1, changed_at = {} WHERE number = CAST($2 AS bigint)",
                             table("conversion"), migrate::now_of(dialect_)),
                 {std::string(name_of(state)), std::to_string(conversion)});
}

void Records::set_backup(std::int64_t conversion, const std::string& file) {
  session_.query(
      fmt::format("UPDATE {} SET backup_file = $1 WHERE number = CAST($2 AS bigint)", table("conversion")),
      {file, std::to_string(conversion)});
}

void Records::note(std::int64_t conversion, const std::string& step, const std::string& state,
                   const std::string& detail) {
  session_.query(fmt::format("INSERT INTO {} (conversion, at, step, state, detail) "
                             "VALUES (CAST($1 AS bigint), {}, $2, $3, $4)",
                             table("conversion_steps"), migrate::now_of(dialect_)),
                 {std::to_string(conversion), step, state, detail});
}

std::optional<std::pair<std::string, std::string>> Records::last(std::int64_t conversion,
                                                                 const std::string& step) const {
  const auto rows =
      session_.query(fmt::format("SELECT state, detail FROM {} WHERE conversion = CAST($1 AS bigint) "
                                 "AND step = $2 ORDER BY seq DESC LIMIT 1",
                                 table("conversion_steps")),
                     {std::to_string(conversion), step});
  if (rows.empty()) return std::nullopt;
  return std::pair(rows[0][0], rows[0][1]);
}

void Records::remember(std::int64_t conversion, const std::vector<Before>& things) {
  for (const Before& thing : things) {
    session_.query(fmt::format("INSERT INTO {} (conversion, kind, table_name, name, definition) "
                               "VALUES (CAST($1 AS bigint), $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                               table("conversion_before")),
                   {std::to_string(conversion), thing.kind, thing.table, thing.name, thing.definition});
  }
}

std::vector<Before> Records::before(std::int64_t conversion) const {
  std::vector<Before> things;
  for (const auto& row : session_.query(fmt::format("SELECT kind, table_name, name, definition FROM {} "
                                                    "WHERE conversion = CAST($1 AS bigint) ORDER BY seq",
                                                    table("conversion_before")),
                                        {std::to_string(conversion)}))
    things.push_back({row[0], row[1], row[2], row[3]});
  return things;
}

void Records::remember(std::int64_t conversion, const std::vector<Made>& things) {
  for (const Made& thing : things)
    remember(conversion, {Before{fmt::format("{}{}", kMade, thing.kind), thing.table, thing.name, ""}});
}

MadeThings Records::made(std::int64_t conversion) const {
  MadeThings things;
  for (const Before& thing : before(conversion)) {
    if (thing.kind.starts_with(kMade))
      things.insert({thing.kind.substr(kMade.size()), thing.table, thing.name});
  }
  return things;
}

void Records::add(std::int64_t conversion, const Sum& sum) {
  session_.query(
      fmt::format("INSERT INTO {} (conversion, phase, table_name, server, row_count, hash, totals) "
                  "VALUES (CAST($1 AS bigint), $2, $3, $4, CAST($5 AS bigint), $6, $7) "
                  "ON CONFLICT DO NOTHING",
                  table("conversion_sums")),
      {std::to_string(conversion), sum.phase, sum.table, sum.server, std::to_string(sum.rows), sum.hash,
       sum.totals});
}

std::vector<Sum> Records::sums(std::int64_t conversion, std::string_view phase) const {
  std::vector<Sum> sums;
  for (const auto& row : session_.query(
           fmt::format("SELECT table_name, server, row_count, hash, totals FROM {} "
                       "WHERE conversion = CAST($1 AS bigint) AND phase = $2 ORDER BY table_name, server",
                       table("conversion_sums")),
           {std::to_string(conversion), std::string(phase)}))
    sums.push_back({std::string(phase), row[0], row[1], std::stoll(row[2]), row[3], row[4]});
  return sums;
}

void Records::add(std::int64_t conversion, const Fact& fact) {
  session_.query(fmt::format("INSERT INTO {} (conversion, phase, kind, table_name, fact) "
                             "VALUES (CAST($1 AS bigint), $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                             table("conversion_facts")),
                 {std::to_string(conversion), fact.phase, fact.kind, fact.table, fact.value});
}

std::vector<Fact> Records::facts(std::int64_t conversion, std::string_view phase) const {
  std::vector<Fact> facts;
  for (const auto& row : session_.query(
           fmt::format("SELECT kind, table_name, fact FROM {} "
                       "WHERE conversion = CAST($1 AS bigint) AND phase = $2 ORDER BY kind, table_name",
                       table("conversion_facts")),
           {std::to_string(conversion), std::string(phase)}))
    facts.push_back({std::string(phase), row[0], row[1], row[2]});
  return facts;
}

void Records::refuse(std::int64_t conversion, const Refused& row) {
  session_.query(fmt::format("INSERT INTO {} (conversion, table_name, row_text, reason, done) "
                             "VALUES (CAST($1 AS bigint), $2, $3, $4, $5)",
                             table("conversion_refused")),
                 {std::to_string(conversion), row.table, row.row, row.reason, row.done});
}

std::vector<Refused> Records::refused(std::int64_t conversion) const {
  std::vector<Refused> rows;
  for (const auto& row : session_.query(fmt::format("SELECT table_name, row_text, reason, done FROM {} "
                                                    "WHERE conversion = CAST($1 AS bigint) ORDER BY seq",
                                                    table("conversion_refused")),
                                        {std::to_string(conversion)}))
    rows.push_back({row[0], row[1], row[2], row[3]});
  return rows;
}

}  // namespace guildhall::convert
