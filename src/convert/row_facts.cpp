#include "convert/row_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "convert/attribution.h"
#include "convert/conflicts.h"
#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

constexpr auto kAsLongAsItTakes = std::chrono::hours(24 * 7);
/// Folded names that are asked for in one question.
constexpr std::size_t kNamesAtOnce = 500;

class Counting {
 public:
  Counting(store::SchemaSession& session, const Scheme& scheme) : session_(session), scheme_(scheme) {}

  RowFacts read() {
    if (const Table* registry = scheme_.registry(); registry != nullptr)
      facts_.home_is_registered =
          !session_
               .query(fmt::format("SELECT 1 FROM {} WHERE {} = {}",
                                  qualified(*scheme_.schema, registry->name),
                                  store::quoted_name(scheme_.description.registry.column), scheme_.home))
               .empty();
    for (const SchemeTable& one : scheme_.tables) {
      if (one.has_column()) count_servers(one);
    }
    if (scheme_.attribution.is_on() && scheme_.attribution.stage != Attribution::Stage::done) read_map();
    for (const SchemeTable& one : scheme_.tables) {
      if (one.has_column() && !facts_.is_home_alone(one.name())) find_unregistered(one);
    }
    for (const SchemeTable& one : scheme_.tables) {
      if (one.is_child()) count_contradicting(one);
    }
    for (const SchemeTable& one : scheme_.tables) {
      for (const RowKey& key : promised_keys(one)) find_alike(one, key);
    }
    return std::move(facts_);
  }

 private:
  void count_servers(const SchemeTable& one) {
    if (one.has_server_index() && has_homes_alone(one)) {
      facts_.servers[one.name()] = {.has_homes = true};
      return;
    }
    const std::string column = store::quoted_name(one.column());
    const auto row = session_.query(
        fmt::format("SELECT count(*) FILTER (WHERE {0} IS NULL), count(*) FILTER (WHERE {0} = 0), "
                    "count(*) FILTER (WHERE {0} NOT IN (0, {1})), count(*) FILTER (WHERE {0} = {1}) FROM {2}",
                    column, scheme_.home, qualified(*scheme_.schema, one.name())))[0];
    facts_.servers[one.name()] = {std::stoll(row[0]), std::stoll(row[1]), std::stoll(row[2]), row[3] != "0"};
  }

  /// The first row and the last one of such an index say so; NULL is the greatest.
  bool has_homes_alone(const SchemeTable& one) {
    const auto end = [&](std::string_view order) {
      return fmt::format("(SELECT {0} FROM {1} ORDER BY {0}{2} LIMIT 1) = {3}",
                         store::quoted_name(one.column()), qualified(*scheme_.schema, one.name()), order,
                         scheme_.home);
    };
    return session_.query(fmt::format("SELECT COALESCE({} AND {}, false)", end(""), end(" DESC")))[0][0] ==
           "t";
  }

  void read_map() {
    for (const SchemeTable& one : scheme_.tables) {
      if (scheme_.attribution.find(one.name()) != nullptr) count_misplaced(one);
    }
    for (const auto& row : session_.query(fmt::format(
             "SELECT map.server, count(*) FROM {} map WHERE map.conversion = {} AND {} GROUP BY 1",
             scheme_.attribution.relation, scheme_.attribution.conversion, unregistered("map.server"))))
      facts_.unregistered[std::stoll(row[0])] += std::stoll(row[1]);
  }

  void count_misplaced(const SchemeTable& one) {
    Misplaced& count = facts_.misplaced[one.name()];
    if (!one.has_column()) {
      const auto rows = session_.query(
          fmt::format("SELECT count(*) FROM {} map WHERE {} AND map.server <> {}",
                      scheme_.attribution.relation, is_mapped(scheme_, one, "map"), scheme_.home));
      count.rows = std::stoll(rows[0][0]);
      return;
    }
    const auto row =
        session_.query(fmt::format("SELECT count(*) FILTER (WHERE c.{0} IS DISTINCT FROM 0), count(*) FILTER "
                                   "(WHERE c.{0} = 0) FROM {1} c "
                                   "JOIN {2} map ON {3}",
                                   store::quoted_name(one.column()), qualified(*scheme_.schema, one.name()),
                                   scheme_.attribution.relation, is_misplaced(scheme_, one, "c", "map")))[0];
    count = {std::stoll(row[0]), std::stoll(row[1])};
  }

  /// SQL of a server above 0 that is neither the home nor in the registry.
  std::string unregistered(const std::string& server) const {
    const std::string other = fmt::format("{} NOT IN (0, {})", server, scheme_.home);
    const Table* registry = scheme_.registry();
    if (registry == nullptr) return other;
    return fmt::format("{} AND NOT EXISTS (SELECT 1 FROM {} r WHERE r.{} = {})", other,
                       qualified(*scheme_.schema, registry->name),
                       store::quoted_name(scheme_.description.registry.column), server);
  }

  /// Of rows whose parent does not decide.
  void find_unregistered(const SchemeTable& one) {
    const std::string column = fmt::format("c.{}", store::quoted_name(one.column()));
    std::string condition = unregistered(column);
    if (one.is_child()) condition += fmt::format(" AND {} IS NULL", server_of_parents(scheme_, one));
    const auto rows =
        session_.query(fmt::format("SELECT {}, count(*) FROM {} c {} WHERE {} GROUP BY 1", column,
                                   qualified(*scheme_.schema, one.name()),
                                   one.is_child() ? parent_joins(scheme_, one, "c") : "", condition));
    for (const auto& row : rows) facts_.unregistered[std::stoll(row[0])] += std::stoll(row[1]);
  }

  /// A parent's rows that have no server, or 0, will be what the map says, or the home's. Where a parent is a
  /// child and moves itself, its own children have to be looked at behind it.
  void count_contradicting(const SchemeTable& one) {
    const bool may_be_another = std::ranges::any_of(
        one.rule.parents, [&](const Parent& parent) { return !facts_.is_home_alone(parent.table); });
    std::int64_t moving = 0;
    for (const Parent& parent : one.rule.parents) {
      const auto found = facts_.contradicting.find(parent.table);
      if (found != facts_.contradicting.end() && parent.table != one.name()) moving += found->second;
    }
    if (facts_.is_home_alone(one.name()) && !may_be_another && moving == 0) return;
    const std::string own = one.has_column() ? server_of(one, "c") : std::to_string(scheme_.home);
    const auto rows = session_.query(
        fmt::format("SELECT count(*) FROM {} c {} WHERE {} <> {}", qualified(*scheme_.schema, one.name()),
                    parent_joins(scheme_, one, "c"), own, server_of_parents(scheme_, one)));
    facts_.contradicting[one.name()] = std::stoll(rows[0][0]) + moving;
  }

  void find_alike(const SchemeTable& one, const RowKey& key) {
    if (key.folded.empty()) {
      if (!session_.query(ask_for_duplicates(scheme_, one, key)).empty())
        facts_.alike.push_back({one.name(), key.name()});
      return;
    }
    if (Folded names = agreeing(one, key, twins_of(one, key.folded)); !names.empty())
      facts_.alike.push_back({one.name(), key.name(), std::move(names)});
  }

  /// Nothing is passed over: who cannot be told from his twin now would be left out for good.
  Folded twins_of(const SchemeTable& one, const std::string& column) {
    migrate::Looking looking(session_, scheme_.schema->dialect, kAsLongAsItTakes);
    const auto twins = find_twins(looking, scheme_, one, column);
    if (!twins)
      throw store::DatabaseError(store::DbCode::other, twins.error().sqlstate, twins.error().message);
    Folded names;
    for (const Twins& some : *twins) {
      for (const std::string& name : some.names) names[fold_name(name)].insert(name);
    }
    return names;
  }

  /// Those of the names under which rows agree in the rest of the key too.
  Folded agreeing(const SchemeTable& one, const RowKey& key, const Folded& names) {
    Folded found;
    for (auto from = names.begin(); from != names.end();) {
      Folded some;
      std::vector<const std::string*> numbered;
      for (; from != names.end() && some.size() < kNamesAtOnce; ++from) {
        some.insert(*from);
        numbered.push_back(&from->first);
      }
      for (const auto& row : session_.query(ask_for_duplicates(scheme_, one, key, some))) {
        const std::string& folded = *numbered.at(std::stoul(row.at(0)) - 1);
        found[folded] = names.at(folded);
      }
    }
    return found;
  }

  std::string server_of(const SchemeTable& one, std::string_view alias) const {
    return fmt::format("coalesce(nullif({}.{}, 0), {})", alias, store::quoted_name(one.column()),
                       scheme_.home);
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  RowFacts facts_;
};

}  // namespace

const ServerCounts* RowFacts::find(const std::string& table) const {
  const auto found = servers.find(table);
  return found == servers.end() ? nullptr : &found->second;
}

const RowsAlike* RowFacts::find(const std::string& table, const RowKey& key) const {
  const auto found = std::ranges::find_if(
      alike, [&](const RowsAlike& one) { return one.table == table && one.key == key.name(); });
  return found == alike.end() ? nullptr : &*found;
}

bool RowFacts::is_home_alone(const std::string& table) const {
  const ServerCounts* counts = find(table);
  const auto moving = misplaced.find(table);
  return (counts == nullptr || counts->others == 0) &&
         (moving == misplaced.end() || moving->second.rows + moving->second.zeros == 0);
}

RowFacts read_row_facts(store::SchemaSession& session, const Scheme& scheme) {
  return Counting(session, scheme).read();
}

}  // namespace guildhall::convert
