#include "convert/attribution.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/json.h"
#include "convert/rows.h"
#include "convert/sql_names.h"
#include "migrate/text_array.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using migrate::Level;
using migrate::Outcome;
using store::quoted_name;
using store::quoted_text;

constexpr std::string_view kLooked = "pg_temp.guildhall_conversion_map";
constexpr std::string_view kKept = "guildhall.guildhall_conversion_map";
/// So many of a kind are named, and the others counted.
constexpr int kExamples = 3;
constexpr std::string_view kNothing = "nothing tells whose it is";
constexpr int kLinesAtOnce = 10'000;

/// What a map knows a row of the table by; empty: nothing that a row is known by for certain.
std::vector<std::string> map_key_of(const SchemeTable& one) {
  const auto without_server = [&](std::vector<std::string> columns) {
    std::erase(columns, one.column());
    return columns;
  };
  const auto is_never_null = [&](const std::string& name) {
    const Column* column = one.table->column(name);
    return column != nullptr && column->not_null;
  };
  const auto fits = [&](const Index& index) {
    // A row of server 0 beside the same one of the home: only while the old program keeps the 0 are they told
    // apart.
    const bool tells = !index.has(one.column()) || one.rule.zero == Zero::home_at_contract;
    return index.is_unique && index.is_valid && index.predicate.empty() && tells &&
           !without_server(index.columns()).empty() && std::ranges::all_of(index.columns(), is_never_null);
  };
  const auto as_set = [](const std::vector<std::string>& columns) {
    return std::set<std::string>(columns.begin(), columns.end());
  };
  if (!one.rule.map_key.empty()) {
    const bool is_key = std::ranges::any_of(one.table->indexes, [&](const Index& index) {
      return fits(index) && as_set(without_server(index.columns())) == as_set(one.rule.map_key);
    });
    return is_key ? one.rule.map_key : std::vector<std::string>{};
  }
  for (const bool wants_primary : {true, false}) {
    for (const Index& index : one.table->indexes) {
      if (fits(index) && (index.is_primary || !wants_primary)) return without_server(index.columns());
    }
  }
  return {};
}

/// SQL of row c: it says no server by itself, nor by its parents; "" of a table whose rows all do.
std::string says_nothing(const Scheme& scheme, const SchemeTable& one) {
  if (one.is_override() && (one.has_column() || one.rule.absent == Absent::all)) return "";
  if (one.has_column() && !has_number_column(scheme, one)) return "";
  const std::string parents = has_no_parent(scheme, one, "c");
  if (!one.has_column()) return parents;
  const std::string column = column_sql("c", one.column());
  const std::string zero = one.rule.zero == Zero::refuse ? "" : fmt::format(" OR {} = 0", column);
  return fmt::format("({} IS NULL{}) AND {}", column, zero, parents);
}

class Attributing {
 public:
  Attributing(store::SchemaSession& session, const Scheme& scheme, const AttributionWish& wish)
      : session_(session), scheme_(scheme), wish_(wish) {}

  Outcome<Attributed> run() {
    if (wish_.by_evidence && std::ranges::all_of(scheme_.description.tables, [](const auto& entry) {
          return entry.second.evidence.empty();
        }))
      return migrate::stop(
          Exit::usage, "CV-FILE",
          fmt::format("{} declares no evidence for any table", scheme_.description.name),
          "evidence = [{ table = ..., columns = [...], referenced = [...] }] under a table.");
    found_.attribution.relation = kLooked;
    // A temporary table is no change of the database, also in a session that only looks.
    session_.execute("BEGIN READ WRITE");
    make_tables();
    for (const SchemeTable& one : scheme_.tables) take_key(one);
    if (wish_.map) load_lines();
    for (const SchemeTable& one : scheme_.tables) look_at(one);
    session_.execute("ANALYZE pg_temp.guildhall_conversion_map");
    if (wish_.map) check_lines();
    check_servers();
    settle_the_rest();
    session_.execute("COMMIT");
    return std::move(found_);
  }

 private:
  void find(Level level, std::string code, std::string text, std::string hint = {}) {
    found_.findings.push_back({std::move(code), level, "", 0, std::move(text), std::move(hint)});
  }
  void wrong_line(const MapLine& line, std::string_view what, std::string hint = {}) {
    find(Level::error, "CV-MAP", fmt::format("{} line {}: {}", wish_.map->file, line.line, what),
         std::move(hint));
  }

  void make_tables() {
    session_.execute(
        "CREATE TEMP TABLE IF NOT EXISTS guildhall_conversion_map (conversion bigint NOT NULL, "
        "table_name text NOT NULL, row_key text[] NOT NULL, server bigint, reason text NOT NULL, "
        "PRIMARY KEY (conversion, table_name, row_key));"
        "CREATE TEMP TABLE IF NOT EXISTS guildhall_map_lines (line bigint NOT NULL, table_name text NOT "
        "NULL, "
        "row_key text[] NOT NULL, server bigint NOT NULL, PRIMARY KEY (table_name, row_key));"
        "TRUNCATE pg_temp.guildhall_conversion_map, pg_temp.guildhall_map_lines");
  }

  void take_key(const SchemeTable& one) {
    if (says_nothing(scheme_, one).empty()) return;
    const auto key = map_key_of(one);
    if (!key.empty()) {
      found_.attribution.keys[one.name()] = key;
    } else if (!one.rule.map_key.empty()) {
      find(Level::error, "CV-FILE",
           fmt::format("{} line {}: table.{}.map_key names no key of the table that is unique and never NULL",
                       scheme_.description.name, one.rule.line, one.name()));
    }
  }

  // --- the lines of the map

  /// Whether rows of that table can be in it.
  bool is_good(const MapLine& line) {
    const SchemeTable* one = scheme_.find(line.table);
    if (one == nullptr) {
      wrong_line(line, fmt::format("there is no table {} that is converted", line.table),
                 "'guildhall convert inspect' lists those that are.");
      return false;
    }
    if (says_nothing(scheme_, *one).empty()) {
      wrong_line(line, fmt::format("every row of {} says by itself whose it is", line.table));
      return false;
    }
    if (found_.attribution.find(line.table) == nullptr) {
      wrong_line(line, fmt::format("{} has no key by which its rows could be told apart", line.table),
                 "One that is unique and never NULL.");
      return false;
    }
    return true;
  }

  void load_lines() {
    std::vector<std::string> numbers, tables, keys, servers;
    std::map<std::pair<std::string, std::vector<std::string>>, std::size_t> seen;
    for (const MapLine& line : wish_.map->lines) {
      if (!is_good(line)) continue;
      if (line.is_all) {
        all_of_[line.table] = line.server;
        continue;
      }
      const auto& columns = *found_.attribution.find(line.table);
      const auto key = key_values(line.key, columns.size());
      if (key.empty()) {
        wrong_line(line,
                   fmt::format("'{}' is no list of the {} values of {}", line.key, columns.size(),
                               fmt::join(columns, ", ")),
                   "As [\"first\",\"second\"].");
        continue;
      }
      const auto [at, is_new] = seen.try_emplace({line.table, key}, line.line);
      if (!is_new) {
        wrong_line(line, fmt::format("'{}' of {} has a server in line {} already", line.key, line.table,
                                     at->second));
        continue;
      }
      numbers.push_back(std::to_string(line.line));
      tables.push_back(line.table);
      keys.push_back(migrate::text_array(key));
      servers.push_back(std::to_string(line.server));
    }
    session_.query(
        "INSERT INTO pg_temp.guildhall_map_lines SELECT line, table_name, row_key::text[], server "
        "FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS l(line, table_name, row_key, "
        "server)",
        {migrate::text_array(numbers), migrate::text_array(tables), migrate::text_array(keys),
         migrate::text_array(servers)});
    session_.execute("ANALYZE pg_temp.guildhall_map_lines");
  }

  /// Lines that are not in what was found.
  void check_lines() {
    std::set<std::string> tables;
    for (const MapLine& line : wish_.map->lines) tables.insert(line.table);
    for (const std::string& table : tables) {
      if (found_.attribution.find(table) == nullptr) continue;
      check_lines_of(*scheme_.find(table));
    }
  }

  void check_lines_of(const SchemeTable& one) {
    const auto& key = *found_.attribution.find(one.name());
    const std::string says = one.has_column() ? column_sql("c", one.column()) : "NULL::bigint";
    const std::string differs =
        one.has_column() ? fmt::format(" AND {} IS DISTINCT FROM l.server", says) : "";
    const std::string unused = fmt::format(
        "l.table_name = {} AND NOT EXISTS (SELECT 1 FROM {} map WHERE {} AND map.row_key = l.row_key)",
        quoted_text(one.name()), kLooked, own(one, "map"));
    const auto taken = session_.query(fmt::format(
        "SELECT l.line, {}, count(*) OVER () FROM pg_temp.guildhall_map_lines l JOIN {} c ON {} = l.row_key "
        "WHERE {}{} ORDER BY l.line LIMIT {}",
        says, of(one), map_key_sql(key, "c"), unused, differs, kExamples));
    for (const auto& row : taken)
      find(Level::error, "CV-MAP",
           fmt::format("{} line {}: that row of {} {}", wish_.map->file, row[0], one.name(),
                       row[1].empty() ? "goes with its parent"
                                      : fmt::format("says by itself that it is server {}'s", row[1])),
           row[2] == std::to_string(taken.size()) ? "" : fmt::format("{} lines are so.", row[2]));
    const auto without = session_.query(fmt::format(
        "SELECT l.line, count(*) OVER () FROM pg_temp.guildhall_map_lines l WHERE {} AND NOT EXISTS "
        "(SELECT 1 FROM {} c WHERE {} = l.row_key) ORDER BY l.line LIMIT {}",
        unused, of(one), map_key_sql(key, "c"), kExamples));
    std::vector<std::string> lines;
    for (const auto& row : without) lines.push_back(row[0]);
    if (!without.empty())
      find(Level::warning, "CV-MAP",
           fmt::format("{}: {} has no row for {} line{} (line {}{})", wish_.map->file, one.name(),
                       without[0][1], without[0][1] == "1" ? "" : "s", fmt::join(lines, ", "),
                       without[0][1] == std::to_string(without.size()) ? "" : ", ..."),
           fmt::format("A row is known there by {}.", fmt::join(key, ", ")));
  }

  // --- the rows

  std::string of(const SchemeTable& one) const { return qualified(*scheme_.schema, one.name()); }
  std::string own(const SchemeTable& one, std::string_view map) const {
    return fmt::format("{0}.conversion = 0 AND {0}.table_name = {1}", map, quoted_text(one.name()));
  }

  /// What may tell something, best first: SQL of a server, and what that is for people.
  struct Source {
    std::string server;
    std::string reason;
    std::string many = {};  // SQL of how many it names, where it may be several
  };

  void look_at(const SchemeTable& one) {
    const std::string condition = says_nothing(scheme_, one);
    if (condition.empty()) return;
    const auto* key = found_.attribution.find(one.name());
    if (key == nullptr) return count_without_key(one, condition);
    std::vector<Source> sources;
    std::string from = fmt::format("{} c", of(one));
    if (wish_.map) {
      from += fmt::format(" LEFT JOIN pg_temp.guildhall_map_lines l ON l.table_name = {} AND l.row_key = {}",
                          quoted_text(one.name()), map_key_sql(*key, "c"));
      sources.push_back({"l.server", "the map"});
      if (const auto all = all_of_.find(one.name()); all != all_of_.end())
        sources.push_back({std::to_string(all->second), "the map, of the whole table"});
    }
    if (wish_.by_evidence) add_evidence(one, sources, from);
    session_.query(fmt::format("INSERT INTO {} SELECT 0, {}, {}, {}, {} FROM {} WHERE {}", kLooked,
                               quoted_text(one.name()), map_key_sql(*key, "c"), server_sql(sources),
                               reason_sql(sources), from, condition));
  }

  static std::string server_sql(const std::vector<Source>& sources) {
    std::string servers;
    for (const Source& source : sources) servers += source.server + ", ";
    return fmt::format("coalesce({}NULL::bigint)", servers);
  }
  static std::string reason_sql(const std::vector<Source>& sources) {
    std::string cases;
    for (const Source& source : sources)
      cases += fmt::format(" WHEN {} IS NOT NULL THEN {}", source.server, quoted_text(source.reason));
    for (const Source& source : sources) {
      if (!source.many.empty())
        cases += fmt::format(" WHEN {} > 1 THEN {}", source.many,
                             quoted_text(source.reason + " names several servers"));
    }
    return cases.empty() ? quoted_text(kNothing)
                         : fmt::format("CASE{} ELSE {} END", cases, quoted_text(kNothing));
  }

  void add_evidence(const SchemeTable& one, std::vector<Source>& sources, std::string& from) {
    for (std::size_t at = 0; at < one.rule.evidence.size(); ++at) {
      const RowEvidence& evidence = one.rule.evidence[at];
      if (!is_there(one, evidence)) continue;
      const auto value = [&](std::string_view alias, const std::string& column) {
        const std::string text = fmt::format("{}::text", column_sql(alias, column));
        return evidence.folded ? fmt::format("lower({})", text) : text;
      };
      std::vector<std::string> keys, places, equal;
      for (std::size_t i = 0; i < evidence.columns.size(); ++i) {
        keys.push_back(fmt::format("{} AS k{}", value("w", evidence.referenced[i]), i));
        places.push_back(std::to_string(i + 1));
        equal.push_back(fmt::format("e{}.k{} = {}", at, i, value("c", evidence.columns[i])));
      }
      const std::string server = whole_number(column_sql("w", evidence.server));
      from += fmt::format(
          " LEFT JOIN (SELECT {0}, CASE count(DISTINCT {1}) WHEN 1 THEN min({1}) END AS server, "
          "count(DISTINCT {1}) AS many FROM {2} w GROUP BY {3}) e{4} ON {5}",
          fmt::join(keys, ", "), server, qualified(*scheme_.schema, evidence.table), fmt::join(places, ", "),
          at, fmt::join(equal, " AND "));
      sources.push_back(
          {fmt::format("e{}.server", at), evidence.name(), fmt::format("coalesce(e{}.many, 0)", at)});
    }
  }

  /// SQL: a server's id, whatever type the column has; NULL where it is none.
  static std::string whole_number(const std::string& column) {
    return fmt::format(
        "(CASE WHEN {0}::text ~ '^[1-9][0-9]{{0,18}}$' THEN CASE WHEN {0}::text::numeric <= "
        "9223372036854775807 THEN {0}::text::bigint END END)",
        column);
  }

  bool is_there(const SchemeTable& one, const RowEvidence& evidence) {
    const Table* table = scheme_.schema->find(evidence.table);
    if (table == nullptr) {
      find(Level::info, "CV-ABSENT",
           fmt::format("{} cannot tell the server of rows of {}: there is no such table", evidence.table,
                       one.name()));
      return false;
    }
    std::vector<std::string> missing;
    const auto need = [&](const Table& of, const std::string& column) {
      if (of.column(column) == nullptr) missing.push_back(fmt::format("{}.{}", of.name, column));
    };
    for (const std::string& column : evidence.columns) need(*one.table, column);
    for (const std::string& column : evidence.referenced) need(*table, column);
    need(*table, evidence.server);
    if (!missing.empty())
      find(Level::error, "CV-FILE",
           fmt::format("{} line {}: table.{}.evidence names {}, which is not there", scheme_.description.name,
                       one.rule.line, one.name(), fmt::join(missing, ", ")));
    return missing.empty();
  }

  void count_without_key(const SchemeTable& one, const std::string& condition) {
    const auto rows = session_.query(fmt::format("SELECT count(*) FROM {} c WHERE {}", of(one), condition));
    if (rows[0][0] != "0")
      unattributed_.push_back(fmt::format("{} of {}, which has no key", rows[0][0], one.name()));
  }

  // --- what was found

  void check_servers() {
    const Registry& registry = scheme_.description.registry;
    const Table* table = scheme_.registry();
    const std::string listed =
        table == nullptr
            ? ""
            : fmt::format(" AND map.server NOT IN (SELECT r.{} FROM {} r)", quoted_name(registry.column),
                          qualified(*scheme_.schema, registry.table));
    for (const auto& row : session_.query(fmt::format(
             "SELECT map.server, min(map.table_name), count(*), min(map.reason), min(l.line) FROM {} map "
             "LEFT JOIN pg_temp.guildhall_map_lines l ON l.table_name = map.table_name AND "
             "l.row_key = map.row_key AND map.reason = 'the map' "
             "WHERE map.server <> {}{} GROUP BY 1 ORDER BY 1",
             kLooked, scheme_.home, listed))) {
      const std::string place = row[4].empty() ? "" : fmt::format("{} line {}: ", wish_.map->file, row[4]);
      find(wish_.register_found ? Level::info : Level::error, "CV-UNLISTED",
           fmt::format("{}server {}, which {} does not have, has {} row{} of {} by {}", place, row[0],
                       registry.table, row[2], row[2] == "1" ? "" : "s", row[1], row[3]),
           wish_.register_found ? "It is added to it."
                                : "Is it a server of this bot? Then --register-found adds it.");
    }
  }

  void settle_the_rest() {
    for (const auto& row : session_.query(fmt::format(
             "SELECT table_name, count(*) FROM {} WHERE server IS NULL GROUP BY 1 ORDER BY 1", kLooked)))
      unattributed_.push_back(fmt::format("{} of {}", row[1], row[0]));
    if (unattributed_.empty()) return;
    if (!wish_.rest_is_home) {
      find(Level::error, "CV-UNATTRIBUTED",
           fmt::format("nothing tells whose these rows are: {}", fmt::join(unattributed_, ", ")),
           "Name a server for them, --default ID; or say whose each is: 'guildhall convert plan --write-map "
           "FILE' lists them, and --map FILE reads them.");
      return;
    }
    session_.query(
        fmt::format("UPDATE {} SET server = {}, reason = 'the default: ' || reason WHERE server IS NULL",
                    kLooked, scheme_.home));
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  const AttributionWish& wish_;
  Attributed found_;
  std::map<std::string, std::int64_t> all_of_;  // server of a whole table
  std::vector<std::string> unattributed_;
};

}  // namespace

std::string AttributionWish::text() const {
  std::vector<std::string> parts;
  if (by_evidence) parts.emplace_back("by evidence");
  if (map) parts.push_back(fmt::format("map {}", map->hash));
  if (rest_is_home) parts.emplace_back("with a default");
  return fmt::format("{}", fmt::join(parts, ", "));
}

Outcome<Attributed> attribute(store::SchemaSession& session, const Scheme& scheme,
                              const AttributionWish& wish) {
  return Attributing(session, scheme, wish).run();
}

void keep_attribution(store::SchemaSession& session, Records& records, std::int64_t conversion,
                      const AttributionWish& wish, Attribution& attribution) {
  session.query(
      fmt::format("INSERT INTO {} SELECT {}, table_name, row_key, server, reason FROM {} "
                  "WHERE server IS NOT NULL",
                  kKept, conversion, attribution.relation));
  std::vector<Before> things{{"map", "", "", wish.text()}};
  for (const auto& [table, key] : attribution.keys) {
    for (const std::string& column : key) things.push_back({"map key", table, column, ""});
  }
  records.remember(conversion, things);
  session.execute(fmt::format("ANALYZE {}", kKept));
  attribution.relation = kKept;
  attribution.conversion = conversion;
}

Attribution kept_attribution(const Conversion& conversion, const std::vector<Before>& things) {
  Attribution attribution;
  for (const Before& thing : things) {
    if (thing.kind == "map") attribution.relation = kKept;
    if (thing.kind == "map key") attribution.keys[thing.table].push_back(thing.name);
  }
  attribution.conversion = conversion.number;
  switch (conversion.state) {
    case State::expanding: attribution.stage = Attribution::Stage::filling; break;
    case State::expanded:
    case State::contracting: attribution.stage = Attribution::Stage::settled; break;
    default: attribution.stage = Attribution::Stage::done;
  }
  return attribution;
}

std::string kept_wish(const std::vector<Before>& things) {
  const auto found = std::ranges::find(things, "map", &Before::kind);
  return found == things.end() ? "" : found->definition;
}

void forget_attribution(store::SchemaSession& session, std::int64_t conversion) {
  session.query(fmt::format("DELETE FROM {} WHERE conversion = {}", kKept, conversion));
}

std::vector<AttributedRows> attributed_rows(store::SchemaSession& session, const Attribution& attribution) {
  std::vector<AttributedRows> rows;
  if (!attribution.is_on()) return rows;
  for (const auto& row : session.query(fmt::format(
           "SELECT table_name, server, reason, count(*) FROM {} WHERE conversion = {} GROUP BY 1, 2, 3 "
           "ORDER BY 1, 2, 3",
           attribution.relation, attribution.conversion)))
    rows.push_back({row[0], row[1], row[2], std::stoll(row[3])});
  return rows;
}

void write_row_map(store::SchemaSession& session, const Attribution& attribution,
                   const std::function<void(const std::string&)>& write) {
  write("table,key,server,reason\n");
  if (!attribution.is_on()) return;
  session.execute(
      fmt::format("BEGIN; DECLARE guildhall_lines CURSOR FOR SELECT table_name, "
                  "array_to_json(row_key)::text, server, reason FROM {} WHERE conversion = {} "
                  "ORDER BY table_name, server IS NOT NULL, row_key",
                  attribution.relation, attribution.conversion));
  for (bool goes_on = true; goes_on;) {
    const auto rows = session.query(fmt::format("FETCH {} FROM guildhall_lines", kLinesAtOnce));
    for (const auto& row : rows) {
      std::vector<std::string> key;
      if (const auto values = json::parse(row[1]); values && values->is_array()) {
        for (const auto& value : values->as_array()) key.emplace_back(value.as_string());
      }
      write(map_line(row[0], key, row[2], row[3]));
    }
    goes_on = !rows.empty();
  }
  session.execute("COMMIT");
}

std::string is_misplaced(const Scheme& scheme, const SchemeTable& one, std::string_view alias,
                         std::string_view map) {
  const std::string column = column_sql(alias, one.column());
  // Of a row of server 0 beside the same one of the home the latter has said so itself.
  const bool home_too = one.rule.zero != Zero::home_at_contract;
  const std::string zero = one.is_override() ? "" : fmt::format(" OR {} = 0", column);
  const std::string home = home_too ? fmt::format(" OR {} = {}", column, scheme.home) : "";
  const auto& key = *scheme.attribution.find(one.name());
  // By the columns themselves, so that their index finds it.
  std::vector<std::string> same;
  for (const std::string& name : key)
    same.push_back(fmt::format("{} = {}", column_sql("there", name), column_sql(alias, name)));
  return fmt::format(
      "{0} AND {1}.row_key = {2} AND {3} IS DISTINCT FROM {1}.server AND ({3} IS NULL{4}{5}) AND {6} AND NOT "
      "EXISTS (SELECT 1 FROM {7} there WHERE {8} AND {9} = {1}.server)",
      is_mapped(scheme, one, map), map, map_key_sql(key, alias), column, zero, home,
      has_no_parent(scheme, one, alias), qualified(*scheme.schema, one.name()), fmt::join(same, " AND "),
      column_sql("there", one.column()));
}

}  // namespace guildhall::convert
