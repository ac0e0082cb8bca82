#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "convert/conflicts.h"
#include "convert/postgres_preflight.h"
#include "convert/run.h"
#include "convert/schema_text.h"
#include "convert/sql_names.h"
#include "convert/sqlite_plan.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using migrate::Level;
using migrate::Outcome;

Outcome<Description> description_of(const std::optional<Conversion>& conversion, bool has_begun,
                                    const Options& options) {
  if (has_begun) {
    auto remembered = parse_description(conversion->description, "the description that was remembered");
    if (!remembered || !options.description) return remembered;
    if (write_description(*options.description) == conversion->description) return *options.description;
    return migrate::stop(
        Exit::refused, "CV-FILE", "this conversion began with another description",
        "Go on without naming one; or take the conversion back first, with 'guildhall convert rollback'.");
  }
  if (options.description) return *options.description;
  return migrate::stop(
      Exit::usage, "CV-FILE", "no description of the database is named",
      "Name a preset (--preset kick, --preset reading-club) or a file (--tables FILE); 'guildhall "
      "convert inspect --write FILE' drafts one.");
}

/// How the schema was when the conversion began.
std::optional<OldSchema> past_schema(const std::vector<Before>& things) {
  const auto found = std::ranges::find(things, "schema", &Before::kind);
  return found == things.end() ? std::nullopt : std::optional(parse_schema(found->definition));
}

/// Tables that it does not name are what they were when the conversion began: a column that came since tells
/// nothing, nor a reference that went.
void add_found_tables(const OldSchema& past, Description& description) {
  for (const SchemeTable& one : make_scheme(past, description).tables)
    description.tables.try_emplace(one.name(), one.rule);
}

void mark_new_columns(const OldSchema& past, Scheme& scheme) {
  for (SchemeTable& one : scheme.tables) {
    const Table* old = past.find(one.name());
    one.is_column_new = old != nullptr && old->column(one.column()) == nullptr;
  }
}

/// Of one question to the rows.
constexpr std::chrono::milliseconds kQuestionTimeout{600'000};

Exit exit_of(const std::string& code) {
  if (code == "CV-OWNER" || code == "CV-RIGHTS") return Exit::no_permission;
  if (code == "CV-SPACE") return Exit::no_space;
  if (code == "CV-STANDBY") return Exit::no_database;
  if (code == "CV-FILE") return Exit::usage;
  return Exit::refused;
}

/// One for each table; of a file that is done none.
Outcome<Steps> steps_of_sqlite(Look& found, const Options& options) {
  if (found.has_begun() && found.conversion->state != State::expanding) return Steps{};
  auto planned = plan_sqlite(found.scheme, options.accepted);
  if (!planned) return std::unexpected(planned.error());
  for (migrate::Finding& finding : planned->findings) found.scheme.findings.push_back(std::move(finding));
  Steps steps;
  for (const SqliteTable& table : planned->tables) {
    auto made = table.made_anew(table.name());
    if (!made) return std::unexpected(made.error());
    steps.push_back({.table = table.name(),
                     .what = "made anew, with the server in its keys",
                     .lock = LockLevel::share_row_exclusive,
                     .statements = {std::move(made->text), table.copy_into(table.name())},
                     .bytes = table.scheme->table->bytes,
                     .grows_with_size = true});
  }
  return steps;
}

std::string shown(const Candidate& candidate) {
  std::vector<std::string> sources;
  for (const Candidate::Source& source : candidate.sources)
    sources.push_back(fmt::format("{} rows of {}", source.rows, source.table));
  return fmt::format("{}{} ({})", candidate.server, candidate.name.empty() ? "" : " " + candidate.name,
                     fmt::join(sources, ", "));
}

}  // namespace

bool Look::has_begun() const { return conversion && conversion->state != State::rolled_back; }
bool Look::is_expanding() const { return !has_begun() || conversion->state == State::expanding; }

Outcome<Look> look(store::SchemaSession& session, migrate::Dialect dialect, const Options& options) {
  Look found;
  const Records records(session, dialect);
  found.conversion = records.newest();
  auto description = description_of(found.conversion, found.has_begun(), options);
  if (!description) return std::unexpected(description.error());
  const std::vector<Before> things =
      found.has_begun() ? records.before(found.conversion->number) : std::vector<Before>{};
  const auto past = past_schema(things);
  if (past) add_found_tables(*past, *description);
  found.schema = std::make_unique<OldSchema>(read_old_schema(session, dialect));
  found.scheme = make_scheme(*found.schema, *description);
  if (past) mark_new_columns(*past, found.scheme);
  if (found.has_begun()) found.scheme.attribution = kept_attribution(*found.conversion, things);
  found.candidates = find_candidates(session, found.scheme);
  if (found.scheme.tables.empty())
    found.scheme.findings.push_back(
        {"CV-UNKNOWN", Level::error, "", 0,
         fmt::format("none of the {} tables here is one that the description '{}' names",
                     found.schema->tables.size(), description->name),
         "This is another program's database, or another schema: the tables have to be in the first schema "
         "of the "
         "search path."});
  return found;
}

Outcome<std::int64_t> choose_home(const Look& found, const Options& options) {
  if (found.has_begun()) {
    if (!options.server || *options.server == found.conversion->home) return found.conversion->home;
    return migrate::stop(
        Exit::refused, "CV-HOME",
        fmt::format("this conversion began with server {}, not {}", found.conversion->home, *options.server),
        "Go on with that one; or take the conversion back first, with 'guildhall convert rollback'.");
  }
  if (options.server) return *options.server;
  if (found.candidates.size() == 1) return found.candidates.front().server;
  if (found.candidates.empty())
    return migrate::stop(Exit::refused, "CV-HOME", "nothing here says which server the rows belong to",
                         "Say it: --server ID, the id of the bot's Discord server.");
  std::vector<std::string> lines;
  for (const Candidate& candidate : found.candidates) lines.push_back(shown(candidate));
  return migrate::stop(Exit::refused, "CV-HOME",
                       fmt::format("the rows that name no server may be of any of {}: {}", lines.size(),
                                   fmt::join(lines, "; ")),
                       "Say whose they are: --server ID. Or have it found row by row, --by-evidence or --map "
                       "FILE, and say whose the others are: --default ID.");
}

Outcome<void> attribute_rows(store::SchemaSession& session, Look& found, const Options& options) {
  if (!options.attribution.is_on()) return {};
  if (found.schema->dialect == migrate::Dialect::sqlite)
    return migrate::stop(Exit::refused, "CV-SQLITE", "--map and --by-evidence are for PostgreSQL",
                         "Give the rows their servers in the file first: what says its server keeps it.");
  if (found.has_begun()) {
    const Records records(session, found.schema->dialect);
    if (kept_wish(records.before(found.conversion->number)) == options.attribution.text()) return {};
    return migrate::stop(
        Exit::refused, "CV-MAP",
        "this conversion began with another map, or other ways to find rows' servers",
        "Go on without naming any; or take the conversion back first, with 'guildhall convert rollback'.");
  }
  auto attributed = attribute(session, found.scheme, options.attribution);
  if (!attributed) return std::unexpected(attributed.error());
  found.scheme.attribution = std::move(attributed->attribution);
  std::ranges::move(attributed->findings, std::back_inserter(found.scheme.findings));
  return {};
}

void survey(store::SchemaSession& session, Look& found, const Options& options) {
  migrate::Looking looking(session, found.schema->dialect, kQuestionTimeout, options.interrupt);
  Conflicts conflicts = find_conflicts(looking, found.scheme);
  for (migrate::Finding& finding : conflicts.findings) {
    if (finding.code == "CV-UNLISTED" && options.register_found) {
      finding.level = Level::info;
      finding.hint = "They are added to it.";
    } else if (finding.code == "CV-UNLISTED") {
      finding.hint += " Are they servers of this bot? Then --register-found adds them.";
    }
    found.scheme.findings.push_back(std::move(finding));
  }
}

void preflight(store::SchemaSession& session, Look& found, const RowFacts& facts, const Options& options) {
  migrate::Looking looking(session, found.schema->dialect, kQuestionTimeout, options.interrupt);
  ServerLimits limits = options.server_limits;
  limits.most_lag = options.limits.most_lag;
  for (migrate::Finding& finding : look_at_server(looking, found.scheme, facts, limits, found.has_begun()))
    found.scheme.findings.push_back(std::move(finding));
}

Outcome<void> check_findings(const Scheme& scheme) {
  if (scheme.can_go_on()) return {};
  std::vector<const migrate::Finding*> errors;
  for (const migrate::Finding& finding : scheme.findings) {
    if (finding.level == Level::error) errors.push_back(&finding);
  }
  migrate::Problem problem{exit_of(errors.front()->code), *errors.front()};
  if (errors.size() > 1) {
    std::vector<std::string> texts;
    for (const migrate::Finding* error : errors)
      texts.push_back(fmt::format("{}: {}", error->code, error->text));
    problem.finding.text =
        fmt::format("{} things stand in the way: {}", errors.size(), fmt::join(texts, "; "));
    problem.finding.hint = "Each with its way out: guildhall convert plan.";
  }
  return std::unexpected(std::move(problem));
}

Outcome<Plan> plan(store::SchemaSession& session, migrate::Dialect dialect, const Options& options) {
  auto found = look(session, dialect, options);
  if (!found) return std::unexpected(found.error());
  Plan plan{.look = *std::move(found)};
  const auto fits = check_findings(plan.look.scheme);
  if (!fits && !plan.look.scheme.is_readable()) return std::unexpected(fits.error());
  const auto home = choose_home(plan.look, options);
  if (!home) return std::unexpected(fits ? home.error() : fits.error());
  plan.look.scheme.home = *home;
  // On a standby nothing can be made, also no place for what is found; a finding says so already.
  if (!plan.look.schema->is_in_recovery) {
    if (auto attributed = attribute_rows(session, plan.look, options); !attributed)
      return std::unexpected(attributed.error());
  }
  // Of a conversion that has begun the rows are in the middle of it.
  if (!plan.look.has_begun()) survey(session, plan.look, options);
  if (dialect == migrate::Dialect::sqlite) {
    auto steps = steps_of_sqlite(plan.look, options);
    if (!steps) return std::unexpected(steps.error());
    plan.steps = *std::move(steps);
    return plan;
  }
  if (!fits) return plan;
  plan.attributed = attributed_rows(session, plan.look.scheme.attribution);
  const RowFacts facts = read_row_facts(session, plan.look.scheme);
  if (plan.look.is_expanding()) preflight(session, plan.look, facts, options);
  plan.steps = expand_steps(plan.look.scheme, facts);
  plan.later = settle_steps(plan.look.scheme, facts);
  std::ranges::move(contract_steps(plan.look.scheme, std::nullopt), std::back_inserter(plan.later));
  return plan;
}

}  // namespace guildhall::convert
