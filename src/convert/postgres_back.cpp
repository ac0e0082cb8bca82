// The way back on PostgreSQL, and what it put aside brought back.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "convert/archive.h"
#include "convert/postgres_dependents.h"
#include "convert/postgres_preflight.h"
#include "convert/put_back.h"
#include "convert/routine_text.h"
#include "convert/schema_text.h"
#include "convert/sql_names.h"
#include "convert/ways.h"

namespace guildhall::convert {

using migrate::Dialect;
using migrate::Exit;
using migrate::Outcome;

namespace {

/// Of values that this key would not let stand beside each other.
std::int64_t count_twins(store::SchemaSession& session, const Look& found, const SchemeTable& one,
                         const Index& key) {
  std::vector<std::string> parts;
  std::vector<std::string> conditions;
  for (const IndexPart& part : key.parts) {
    parts.push_back(compared_sql(part, "t"));
    if (!key.nulls_not_distinct) conditions.push_back(fmt::format("{} IS NOT NULL", parts.back()));
  }
  if (!key.predicate.empty()) conditions.push_back(key.predicate);
  const auto rows = session.query(fmt::format(
      "SELECT count(*) FROM (SELECT 1 FROM ONLY {} AS t{}{} GROUP BY {} HAVING count(*) > 1) twins",
      qualified(*found.schema, one.name()), conditions.empty() ? "" : " WHERE ",
      fmt::join(conditions, " AND "), fmt::join(parts, ", ")));
  return std::stoll(rows[0][0]);
}

/// What a single-server schema has no place for.
struct Lost {
  std::set<std::string> tables;
  std::vector<std::string> others;  // rows of other servers, which would be the home's after it
  std::vector<std::string> twins;   // rows that the old keys would not let stand beside each other
};

Lost find_lost(ConversionRun& run, const OldSchema& before, const Leaving& leaving) {
  const Look& found = run.found();
  Lost lost;
  for (const SchemeTable& one : found.scheme.tables) {
    const ServerCounts* counts = run.facts().find(one.name());
    if (counts == nullptr) continue;
    // What all servers have and what the home has of its own may be the same under the old key.
    const bool has_both = one.is_override() && counts->zeros > 0 && counts->has_homes;
    if (counts->others == 0 && !has_both) continue;
    if (counts->others > 0 && !leaving.is_told_without(one)) {
      lost.others.push_back(fmt::format("{} in {}", counts->others, one.name()));
      lost.tables.insert(one.name());
    }
    const Table* old = before.find(one.name());
    for (const Index& key : old == nullptr ? std::vector<Index>{} : old->indexes) {
      if (!key.is_unique || key.has(one.column()) || one.table->index(key.name) != nullptr) continue;
      const std::int64_t count = count_twins(run.session(), found, one, key);
      if (count == 0) continue;
      lost.twins.push_back(fmt::format("{} of {} in {}", count, key.name, one.name()));
      lost.tables.insert(one.name());
    }
  }
  return lost;
}

Outcome<void> check_lost(const Look& found, const Lost& lost) {
  if (lost.tables.empty()) return {};
  return migrate::stop(
      Exit::refused, lost.others.empty() ? "CV-KEYS" : "CV-OTHERS",
      lost.others.empty()
          ? fmt::format("two servers have rows with the same key, and the old keys allow one: {}",
                        fmt::join(lost.twins, ", "))
          : fmt::format("other servers than {} have rows, which would be the home's then: {}",
                        found.scheme.home, fmt::join(lost.others, ", ")),
      "With --archive they are put aside, and 'guildhall convert restore' brings them back after a later "
      "conversion. "
      "Nothing was changed.");
}

/// A column that a publication names cannot be dropped.
Outcome<void> check_publications(ConversionRun& run) {
  const auto found = publications_of_columns(run.session(), run.found().scheme, true);
  if (found.empty()) return {};
  return migrate::stop(
      Exit::refused, "CV-PUBLICATION",
      fmt::format("these publications have the server among their columns, which would go: {}",
                  fmt::join(found, ", ")),
      "Of each table: ALTER PUBLICATION ... DROP TABLE, and ADD TABLE without it. Nothing was "
      "changed.");
}

/// Keys and references that somebody made between apply and contract, which took them. What has the server in
/// it was not taken.
void add_replaced(const Scheme& scheme, const MadeThings& made, const OldSchema& replaced,
                  OldSchema& before) {
  for (const auto& [name, then] : replaced.tables) {
    const SchemeTable* one = scheme.find(name);
    const auto was = before.tables.find(name);
    if (one == nullptr || was == before.tables.end()) continue;
    for (const Index& index : then.indexes) {
      if (index.is_unique && index.is_valid && !index.has_at(0, one->column()) &&
          was->second.index(index.name) == nullptr && !made.contains({"index", name, index.name}))
        was->second.indexes.push_back(index);
    }
    for (const ForeignKey& key : then.foreign_keys) {
      if (scheme.find(key.table) != nullptr && !key.has(one->column()) &&
          was->second.foreign_key(key.name) == nullptr && !made.contains({"reference", name, key.name}))
        was->second.foreign_keys.push_back(key);
    }
  }
}

/// With tables that came later as they were when they did, and views as they were when their keys went.
Outcome<OldSchema> remembered_schema(ConversionRun& run, const MadeThings& made) {
  std::optional<OldSchema> schema;
  std::map<std::string, Table> later;
  OldSchema replaced;
  for (const Before& thing : Records(run.session(), Dialect::postgres).before(run.number())) {
    if (thing.kind == "schema") schema = parse_schema(thing.definition);
    if (thing.kind == "table") later.merge(parse_schema(thing.definition).tables);
    if (thing.kind == "replaced") {
      OldSchema one = parse_schema(thing.definition);
      replaced.tables.merge(one.tables);
      replaced.views.merge(one.views);
    }
  }
  if (!schema)
    return migrate::stop(Exit::failed, "CV-BEFORE", "how the schema was before is not remembered here");
  schema->tables.merge(later);
  add_replaced(run.found().scheme, made, replaced, *schema);
  for (auto& [name, view] : replaced.views) schema->views.insert_or_assign(name, std::move(view));
  return *std::move(schema);
}

/// What others made and what hangs on something that is about to go. Where that cannot stay it is for them to
/// take it away.
Outcome<void> check_dependents(ConversionRun& run, const Leaving& leaving) {
  run.session().execute("BEGIN");
  const auto found = leaving.dependents(run.session());
  run.session().execute("ROLLBACK");
  return refuse(found, "these were made since the conversion began, and what they need would go");
}

/// They stay, since nothing in the catalog says that they hang on the column, and fail from then on.
void say_routines(ConversionRun& run, const Leaving& leaving) {
  const Scheme& scheme = run.found().scheme;
  for (const Routine& routine : scheme.schema->routines) {
    const auto named = std::ranges::find_if(scheme.tables, [&](const SchemeTable& one) {
      return leaving.leaves_column(one) && names_column(routine, one);
    });
    if (named != scheme.tables.end())
      run.options().say(fmt::format("{} names the column {} of {}, which goes: write it anew for one server",
                                    routine.name, named->column(), named->name()));
  }
}

/// Rows that gave way to others and are to be there again.
Outcome<void> check_places(ConversionRun& run, const OldSchema& before, const MadeThings& made) {
  const auto found = rows_without_place(run.session(), run.found().scheme, before, made, run.number());
  if (found.empty()) return {};
  return migrate::stop(
      Exit::refused, "CV-PLACE",
      fmt::format("these rows gave way to others, would come back now and are not let in: {}",
                  fmt::join(found, "; ")),
      "Make a place for them; or, where they may stay as they are written down, in table "
      "guildhall.guildhall_conversion_refused: --leave-aside. Nothing was changed.");
}

/// Until contract the old keys hold over all rows, and which server's each is was found from nothing but the
/// rows themselves: the old schema has a place for every one. Of a run that goes on its beginning tells.
constexpr const char* kBeforeContract = "rollback before contract";
bool is_before_contract(ConversionRun& run) {
  if (!run.found().scheme.attribution.is_on()) return false;
  const State state = run.found().conversion->state;
  return state == State::expanding || state == State::expanded ||
         (state == State::rolling_back &&
          Records(run.session(), Dialect::postgres).last(run.number(), kBeforeContract));
}

/// The state and what it began from, both or none.
void begin_way_back(ConversionRun& run, bool has_place) {
  if (run.found().conversion->state == State::rolling_back) return;
  run.session().execute("BEGIN");
  if (has_place) run.records().note(run.number(), kBeforeContract, "begun");
  run.set_state(State::rolling_back);
  run.session().execute("COMMIT");
}

/// But for views that somebody has changed since they were made again: these are theirs.
MadeThings made_and_unchanged(ConversionRun& run) {
  MadeThings made = run.records().made(run.number());
  run.session().execute("BEGIN; SET LOCAL search_path = pg_catalog");
  const auto changed = run.session().query(
      "SELECT name FROM guildhall.guildhall_conversion_before WHERE conversion = $1::bigint AND kind = 'made "
      "view' AND definition <> pg_get_viewdef(to_regclass(format('%I.%I', $2::text, name)))",
      {std::to_string(run.number()), run.found().schema->schema});
  run.session().execute("ROLLBACK");
  for (const auto& row : changed) made.erase({"view", "", row[0]});
  return made;
}

/// Everything is asked: from here on nothing may be refused for good.
Outcome<void> take_back(ConversionRun& run, const OldSchema& before, bool has_place) {
  begin_way_back(run, has_place);
  const auto steps = [&] {
    const Scheme& scheme = run.found().scheme;
    const MadeThings made = made_and_unchanged(run);
    Leaving leaving(scheme, before, made, run.number());
    if (has_place) leaving.let_all_rows_in();
    return rollback_steps(scheme, before, made, leaving);
  };
  if (auto done = run.run_until_done(steps); !done) return done;
  run.say_unfilled();
  run.remove_added_servers();
  forget_attribution(run.session(), run.number());
  run.end_way_back();
  return {};
}

}  // namespace

Outcome<RunReport> roll_back_postgres(ConversionRun& run, const RollbackOptions& options) {
  if (auto connected = run.connect(); !connected) return std::unexpected(connected.error());
  const auto newest = run.newest();
  if (!newest)
    return migrate::stop(Exit::refused, "CV-STATE", "no conversion has begun here",
                         "There is nothing to take back.");
  // By a run that was killed before it could say so, or long ago.
  if (newest->state == State::rolled_back)
    return RunReport{.conversion = newest->number, .state = newest->state, .home = newest->home};
  if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
  const std::initializer_list<State> fitting{State::expanding, State::expanded, State::contracting,
                                             State::contracted, State::rolling_back};
  if (auto fits = run.check_state(fitting, "There is nothing to take back."); !fits)
    return std::unexpected(fits.error());
  if (auto fits = check_publications(run); !fits) return std::unexpected(fits.error());
  const MadeThings made = Records(run.session(), Dialect::postgres).made(run.number());
  const auto before = remembered_schema(run, made);
  if (!before) return std::unexpected(before.error());
  // Of the database as it was looked at last.
  const auto leaving = [&] { return Leaving(run.found().scheme, *before, made, run.number()); };
  const auto check_others = [&]() -> Outcome<void> {
    if (auto fits = check_dependents(run, leaving()); !fits) return fits;
    return options.leave_aside ? Outcome<void>() : check_places(run, *before, made);
  };
  if (auto fits = check_others(); !fits) return std::unexpected(fits.error());
  const auto check = [&] {
    return is_before_contract(run) ? Outcome<void>()
                                   : check_lost(run.found(), find_lost(run, *before, leaving()));
  };
  if (auto fits = check(); !fits && !options.archive) return std::unexpected(fits.error());
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  drop_copies(run.session());
  if (auto fits = check_others(); !fits) return std::unexpected(fits.error());
  const bool has_place = is_before_contract(run);
  if (options.archive && !has_place) {
    if (auto archived = run.archive(find_lost(run, *before, leaving()).tables, *before); !archived)
      return std::unexpected(archived.error());
  }
  if (auto fits = check(); !fits) return std::unexpected(fits.error());
  say_routines(run, leaving());
  if (auto done = take_back(run, *before, has_place); !done) return std::unexpected(done.error());
  return run.report();
}

Outcome<RunReport> bring_back_postgres(ConversionRun& run) {
  if (auto connected = run.connect(); !connected) return std::unexpected(connected.error());
  if (const auto newest = run.newest(); !newest || newest->state == State::rolled_back)
    return migrate::stop(Exit::refused, "CV-STATE",
                         newest ? "the conversion was taken back, and no later one has begun here"
                                : "no conversion has begun here",
                         "What was put aside has its place in a database that is converted again: first "
                         "'guildhall convert apply' and 'contract', then this.");
  if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
  if (auto fits = run.check_state({State::contracted},
                                  "More than one server has a place after 'guildhall convert contract'.");
      !fits)
    return std::unexpected(fits.error());
  if (!has_archive(run.session()))
    return migrate::stop(Exit::refused, "CV-ARCHIVE", "there is no archive here",
                         "Nothing is to be brought back.");
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (auto restored = run.restore(); !restored) return std::unexpected(restored.error());
  return run.report();
}

}  // namespace guildhall::convert
