// guildhall convert: a single-server bot's database becomes a multi-server one, in place
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

#include "cli/commands.h"
#include "cli/migrate_answers.h"
#include "cli/migrate_run_options.h"
#include "cli/signals.h"
#include "convert/draft.h"
#include "convert/run.h"

namespace guildhall::cli {
namespace {

using convert::Look;
using migrate::Exit;
using migrate::Outcome;

using Answered = Result<std::optional<Answer>>;

// --- what a call says

std::unexpected<migrate::Problem> usage(std::string text, std::string hint = {}) {
  return migrate::stop(Exit::usage, "E-USAGE", std::move(text), std::move(hint));
}

Outcome<void> read_limits(const Arguments& arguments, convert::Options& options) {
  const auto read = [&](std::string_view option, std::chrono::milliseconds& into) -> Outcome<void> {
    const auto value = duration_of(arguments, option, into);
    if (!value) return std::unexpected(value.error());
    into = *value;
    return {};
  };
  if (auto done = read("--lock-wait", options.lock_wait); !done) return done;
  if (auto done = read("--lock-timeout", options.limits.lock_timeout); !done) return done;
  if (auto done = read("--patience", options.limits.patience); !done) return done;
  return read("--max-lag", options.limits.most_lag);
}

Outcome<void> read_backup(const Arguments& arguments, convert::Options& options) {
  options.backup_done = arguments.get("--backup-done").value_or("");
  if (!options.backup_done.empty()) return {};
  options.backup.emplace();
  options.backup->folder = arguments.get("--backup-dir").value_or("backups");
  options.backup->scratch_url = arguments.get("--scratch-url").value_or("");
  return {};
}

Outcome<void> read_way(const Arguments& arguments, convert::Options& options) {
  const auto way = arguments.get("--way");
  options.sums = arguments.has("--sums");
  if (options.sums && way != "file")
    return usage("--sums is for --way file", "Every other way adds the tables up anyway.");
  if (!way || *way == "rebuild") return {};
  if (*way != "online" && *way != "file")
    return usage(fmt::format("--way: '{}' is none of rebuild, online, file", *way));
  options.way = *way == "online" ? convert::SqliteWay::online : convert::SqliteWay::file;
  return {};
}

/// "a(text,integer),b": names between commas, but for those within brackets.
std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> names(1);
  int open = 0;
  for (const char c : text) {
    if (c == '(') ++open;
    if (c == ')') --open;
    if (c == ',' && open == 0)
      names.emplace_back();
    else if (c != ' ' || !names.back().empty())
      names.back() += c;
  }
  return names;
}

Outcome<std::optional<std::int64_t>> read_server(const Arguments& arguments, std::string_view option) {
  const auto text = arguments.get(option);
  if (!text) return std::nullopt;
  const auto server = convert::parse_server(*text);
  if (!server)
    return usage(fmt::format("{}: '{}' is not the id of a Discord server", option, *text),
                 "It is a whole number above 0: in Discord, right-click on the server, \"Copy Server ID\".");
  return server;
}

/// How rows that name no server get theirs.
Outcome<void> read_servers(const Arguments& arguments, convert::Options& options) {
  const auto home = read_server(arguments, "--server");
  if (!home) return std::unexpected(home.error());
  const auto rest = read_server(arguments, "--default");
  if (!rest) return std::unexpected(rest.error());
  options.server = *rest ? *rest : *home;
  options.register_found = arguments.has("--register-found");
  options.attribution.by_evidence = arguments.has("--by-evidence");
  options.attribution.rest_is_home = rest->has_value();
  options.attribution.register_found = options.register_found;
  if (const auto file = arguments.get("--map")) {
    auto map = convert::read_row_map(*file);
    if (!map) return std::unexpected(map.error());
    options.attribution.map = *std::move(map);
  }
  if (*rest && *home && *rest != *home)
    return usage(
        "--default and --server name two servers",
        "The rows that nothing tells the server of are those of the server that the old bot serves.");
  if (*rest && !options.attribution.is_on())
    return usage("--default is for --map and --by-evidence", "All rows that name no server: --server ID.");
  return {};
}

Outcome<void> read_options(const Arguments& arguments, convert::Options& options) {
  options.say = sayer(arguments);
  if (arguments.has("--preset") && arguments.has("--tables"))
    return usage("--preset and --tables exclude each other");
  const auto source = arguments.has("--preset") ? arguments.get("--preset") : arguments.get("--tables");
  if (source) {
    auto description = convert::read_description(*source);
    if (!description) return std::unexpected(description.error());
    options.description = *std::move(description);
  }
  if (auto read = read_servers(arguments, options); !read) return read;
  if (const auto accepted = arguments.get("--accept")) options.accepted = names_of(*accepted);
  if (auto read = read_way(arguments, options); !read) return read;
  if (auto read = read_limits(arguments, options); !read) return read;
  return read_backup(arguments, options);
}

/// With the target and Ctrl-C led to the statement that runs.
template <class Options, class Function>
Answered with_target(const std::string& command, const Arguments& arguments, Options options,
                     Function function) {
  auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return answer_of(command, target.error());
  if (auto read = read_options(arguments, options); !read) return answer_of(command, read.error());
  migrate::Interrupt interrupt;
  options.interrupt = &interrupt;
  Signals signals;
  signals.on_stop([&interrupt](int signal) { interrupt.raise(signal); });
  auto answer = function(*target, options);
  if (!answer) return answer_of(command, answer.error());
  return *std::move(answer);
}

/// The same with a session that only looks.
template <class Function>
Answered with_session(const std::string& command, const Arguments& arguments, Function function) {
  return with_target(command, arguments, convert::Options{},
                     [&](const migrate::Target& target, const convert::Options& options) -> Outcome<Answer> {
                       auto session = target.open("-cdefault_transaction_read_only=on");
                       if (!session) return std::unexpected(migrate::problem_of(session.error()));
                       try {
                         return function(**session, target, options);
                       } catch (const store::DatabaseError& error) {
                         return std::unexpected(migrate::problem_of(error));
                       }
                     });
}

// --- inspect

boost::json::array json_of(const std::vector<convert::Candidate>& candidates) {
  boost::json::array rows;
  for (const convert::Candidate& one : candidates) {
    boost::json::array sources;
    for (const auto& source : one.sources)
      sources.push_back({{"table", source.table}, {"rows", source.rows}});
    rows.push_back(
        {{"server", std::to_string(one.server)}, {"name", one.name}, {"sources", std::move(sources)}});
  }
  return rows;
}

std::string shown_size(std::int64_t bytes) {
  return migrate::shown_bytes(static_cast<std::uintmax_t>(bytes));
}

boost::json::object json_of(const convert::SchemeTable& one) {
  return {{"table", one.name()},
          {"class", convert::name_of(one.rule.table_class)},
          {"column", one.column()},
          {"has_column", one.has_column()},
          {"rows", one.table->rows},
          {"bytes", one.table->bytes},
          {"index_bytes", one.table->index_bytes},
          {"reason", one.reason}};
}

void show_others(const Look& found, Answer& answer) {
  answer.json.as_object()["global"] = boost::json::value_from(found.scheme.global);
  answer.json.as_object()["left_alone"] = boost::json::value_from(found.scheme.unknown);
  if (!found.scheme.global.empty())
    answer.text +=
        fmt::format("Of no server, and stay as they are: {}\n", fmt::join(found.scheme.global, ", "));
  if (!found.scheme.unknown.empty())
    answer.text +=
        fmt::format("Not known, left alone and not sealed off: {}\n", fmt::join(found.scheme.unknown, ", "));
}

void show_tables(const Look& found, Answer& answer) {
  boost::json::array tables;
  answer.text +=
      fmt::format("\n{:<28} {:<9} {:>12} {:>11}  {}\n", "table", "class", "rows", "size", "server column");
  for (const convert::SchemeTable& one : found.scheme.tables) {
    answer.text += fmt::format("{:<28} {:<9} {:>12} {:>11}  {}{}\n", one.name(),
                               convert::name_of(one.rule.table_class), one.table->rows,
                               shown_size(one.table->bytes), one.column(), one.has_column() ? "" : " (new)");
    tables.push_back(json_of(one));
  }
  answer.json.as_object()["tables"] = std::move(tables);
  show_others(found, answer);
}

void show_findings(const Look& found, Answer& answer) {
  answer.json.as_object()["findings"] = to_json(found.scheme.findings);
  for (const migrate::Finding& finding : found.scheme.findings) answer.text += show(finding);
}

Answered inspect_command(const Arguments& arguments) {
  return with_session(
      "inspect", arguments,
      [&](store::SchemaSession& session, const migrate::Target& target,
          const convert::Options& options) -> Outcome<Answer> {
        if (const auto file = arguments.get("--write")) {
          auto drafted = convert::write_draft(session, target.dialect, *file);
          if (!drafted) return std::unexpected(drafted.error());
          return Answer{fmt::format("Written: {}. Read it, decide what it leaves open, then: guildhall "
                                    "convert plan --tables {}\n",
                                    *file, *file),
                        {{"command", "inspect"},
                         {"ok", true},
                         {"exit", 0},
                         {"file", *file},
                         {"undecided", boost::json::value_from(drafted->undecided)}}};
        }
        auto found = convert::look(session, target.dialect, options);
        if (!found) return std::unexpected(found.error());
        Answer answer;
        answer.text = fmt::format("{}: {} {}, {} tables\n", target.name,
                                  target.dialect == migrate::Dialect::postgres ? "PostgreSQL" : "SQLite",
                                  found->schema->version_text, found->schema->tables.size());
        answer.json = {
            {"command", "inspect"}, {"ok", true}, {"exit", 0}, {"candidates", json_of(found->candidates)}};
        show_tables(*found, answer);
        for (const convert::Candidate& one : found->candidates) {
          answer.text += fmt::format("may be the home: {}", one.server);
          for (const auto& source : one.sources)
            answer.text += fmt::format(", {} rows of {}", source.rows, source.table);
          answer.text += "\n";
        }
        show_findings(*found, answer);
        return answer;
      });
}

// --- plan

const char* stall_of(const convert::Step& step) {
  switch (step.lock) {
    case convert::LockLevel::access_exclusive: return "all wait, ms";
    case convert::LockLevel::share_row_exclusive: return "writes wait, ms";
    case convert::LockLevel::row_exclusive:
      return step.kind == convert::StepKind::backfill || step.kind == convert::StepKind::merge
                 ? "writes of the same rows wait, ms"
                 : "none";
    default: return "none";
  }
}

boost::json::array json_of(const convert::Steps& steps) {
  boost::json::array rows;
  for (const convert::Step& step : steps)
    rows.push_back({{"table", step.table},
                    {"step", step.what},
                    {"lock", convert::name_of(step.lock)},
                    {"also_locks", boost::json::value_from(step.locks)},
                    {"bytes", step.bytes},
                    {"stall", stall_of(step)},
                    {"statements", boost::json::value_from(step.statements)}});
  return rows;
}

/// One after another, with what is sent to the database.
std::string all_of(const convert::Steps& steps) {
  std::string text;
  for (std::size_t at = 0; at < steps.size(); ++at) {
    text += fmt::format("\n{:>4}  {}: {}, {}\n", at + 1, steps[at].name(), convert::name_of(steps[at].lock),
                        stall_of(steps[at]));
    for (const std::string& statement : steps[at].statements) text += fmt::format("      {}\n", statement);
  }
  return text;
}

/// What all steps of one table come to: how many, how much they read, and the worst that others see of them.
struct Sum {
  std::size_t steps = 0;
  std::int64_t bytes = 0;
  const convert::Step* worst = nullptr;

  void add(const convert::Step& step) {
    ++steps;
    bytes += step.bytes;
    if (worst == nullptr || step.lock > worst->lock) worst = &step;
  }
};

std::string table_of(const convert::Steps& steps) {
  std::map<std::string, Sum> sums;
  for (const convert::Step& step : steps) sums[step.table].add(step);
  std::string text = fmt::format("\n{:<28} {:>5} {:>11}  {:<23} {}\n", "table", "steps", "reads",
                                 "strongest lock", "others see");
  for (const auto& [table, sum] : sums)
    text += fmt::format("{:<28} {:>5} {:>11}  {:<23} {}\n", table, sum.steps, shown_size(sum.bytes),
                        convert::name_of(sum.worst->lock), stall_of(*sum.worst));
  return text;
}

std::string plan_text(const convert::Plan& plan, bool verbose) {
  if (plan.steps.empty())
    return plan.look.scheme.can_go_on() ? "\nNothing is missing: the new program may take over.\n"
                                        : "\nNo steps yet: first what stands in the way.\n";
  const std::string steps = verbose ? all_of(plan.steps) : table_of(plan.steps);
  if (plan.look.schema->dialect == migrate::Dialect::sqlite)
    return fmt::format(
        "\n'guildhall convert apply' makes {} tables anew, in one transaction; --way online does it beside a "
        "program that "
        "writes.{}\nEach table's SQL: -v.\n",
        plan.steps.size(), steps);
  return fmt::format(
      "\n'guildhall convert apply' takes {} steps, while the old program goes on as it is.{}\n"
      "The new indexes need about {} on the server's disk. Each step's SQL: -v.\n",
      plan.steps.size(), steps, shown_size(convert::new_index_bytes(plan.look.scheme)));
}

boost::json::array json_of(const std::vector<convert::AttributedRows>& attributed) {
  boost::json::array rows;
  for (const convert::AttributedRows& one : attributed)
    rows.push_back(
        {{"table", one.table}, {"server", one.server}, {"reason", one.reason}, {"rows", one.rows}});
  return rows;
}

std::string text_of(const std::vector<convert::AttributedRows>& attributed) {
  if (attributed.empty()) return "";
  std::string text =
      fmt::format("\n{:<28} {:<20} {:>12}  {}\n", "rows without a server", "are those of", "rows", "by");
  for (const convert::AttributedRows& one : attributed)
    text += fmt::format("{:<28} {:<20} {:>12}  {}\n", one.table, one.server.empty() ? "?" : one.server,
                        one.rows, one.reason);
  return text;
}

std::string plan_head(const convert::Scheme& scheme) {
  return scheme.attribution.is_on()
             ? fmt::format("Rows that the old bot writes from now on without a server are those of {}.\n",
                           scheme.home)
             : fmt::format("Rows that name no server are those of {}.\n", scheme.home);
}

Outcome<void> write_map(store::SchemaSession& session, const convert::Attribution& attribution,
                        const std::string& file) {
  if (!attribution.is_on())
    return usage("--write-map: nothing finds out whose the rows are", "With --by-evidence or --map FILE.");
  std::ofstream output(file, std::ios::binary | std::ios::trunc);
  convert::write_row_map(session, attribution, [&](const std::string& line) { output << line; });
  output.close();
  if (!output) return usage(fmt::format("--write-map: '{}' cannot be written", file));
  return {};
}

Answered plan_command(const Arguments& arguments) {
  return with_session("plan", arguments,
                      [&](store::SchemaSession& session, const migrate::Target& target,
                          const convert::Options& options) -> Outcome<Answer> {
                        auto plan = convert::plan(session, target.dialect, options);
                        if (!plan) return std::unexpected(plan.error());
                        const convert::Scheme& scheme = plan->look.scheme;
                        Answer answer;
                        const auto fits = convert::check_findings(scheme);
                        answer.exit_code = fits ? 0 : static_cast<int>(fits.error().exit);
                        answer.json = {{"command", "plan"},
                                       {"ok", scheme.can_go_on()},
                                       {"exit", answer.exit_code},
                                       {"home", std::to_string(scheme.home)},
                                       {"attributed", json_of(plan->attributed)},
                                       {"apply", json_of(plan->steps)},
                                       {"contract", json_of(plan->later)}};
                        if (plan->look.schema->dialect == migrate::Dialect::postgres)
                          answer.json.as_object()["new_index_bytes"] = convert::new_index_bytes(scheme);
                        answer.text = plan_head(scheme) + text_of(plan->attributed);
                        if (const auto file = arguments.get("--write-map");
                            file && !plan->look.schema->is_in_recovery) {
                          if (auto written = write_map(session, scheme.attribution, *file); !written)
                            return std::unexpected(written.error());
                          answer.text += fmt::format("Written: {}\n", *file);
                        }
                        if (arguments.verbose) show_tables(plan->look, answer);
                        answer.text += plan_text(*plan, arguments.verbose);
                        show_others(plan->look, answer);
                        show_findings(plan->look, answer);
                        return answer;
                      });
}

// --- apply, contract, rollback

Answer answer_of_run(const std::string& command, const convert::RunReport& report, std::string text) {
  return Answer{std::move(text),
                {{"command", command},
                 {"ok", true},
                 {"exit", 0},
                 {"state", convert::name_of(report.state)},
                 {"home", std::to_string(report.home)},
                 {"steps", report.steps},
                 {"locks_not_in_time", report.tries_lost},
                 {"seconds_of_steps", report.stepping.count()},
                 {"seconds_of_proof", report.proving.count()},
                 {"backup", report.backup ? to_json(*report.backup) : nullptr}}};
}

/// "237 steps in 12.3 s (and the proof, 20.1 s)"
std::string done(const convert::RunReport& report) {
  return fmt::format("{} steps in {:.1f} s (and the proof, {:.1f} s)", report.steps, report.stepping.count(),
                     report.proving.count());
}

std::string applied(const convert::RunReport& report) {
  if (report.steps == 0) return "Nothing to do: it is done already.\n";
  const std::string untouched =
      report.untouched.empty()
          ? ""
          : fmt::format("Left as they were, and not sealed off: {}.\n", fmt::join(report.untouched, ", "));
  if (report.state == convert::State::contracted)
    return fmt::format(
        "Done: {} tables. The old program's statements no longer work; more servers may join.\n{}",
        report.steps, untouched);
  if (report.is_of_one_server)
    return fmt::format(
        "Done: {} tables. The file is that of server {}; the old program goes on as it is.\n{}", report.steps,
        report.home, untouched);
  return fmt::format(
      "Done: {}. The old program goes on as it is; the new one may take over. Until 'guildhall convert "
      "contract' only server {} may be active.\n{}",
      done(report), report.home, untouched);
}

Answered apply_command(const Arguments& arguments) {
  return with_target("apply", arguments, convert::Options{},
                     [&](const migrate::Target& target, const convert::Options& options) -> Outcome<Answer> {
                       const auto report = convert::apply(target, options);
                       if (!report) return std::unexpected(report.error());
                       return answer_of_run("apply", *report, applied(*report));
                     });
}

Answered contract_command(const Arguments& arguments) {
  convert::ContractOptions options;
  if (arguments.has("--seal") == arguments.has("--no-seal")) {
    return fail(
        ErrorCode::usage, "guildhall convert contract: say --seal ROLE or --no-seal",
        "--seal ROLE: the database itself keeps servers apart, for a program that signs in as ROLE and sets "
        "guildhall.server_id in each transaction. --no-seal: the program alone does.");
  }
  if (const auto role = arguments.get("--seal")) options.seal = convert::Seal{*role};
  return with_target(
      "contract", arguments, options,
      [&](const migrate::Target& target, const convert::ContractOptions& all) -> Outcome<Answer> {
        const auto report = convert::contract(target, all);
        if (!report) return std::unexpected(report.error());
        return answer_of_run(
            "contract", *report,
            fmt::format("Done: {}. The old program's statements no longer work; more servers may join.\n",
                        done(*report)));
      });
}

boost::json::array json_of(const convert::Archived& moved) {
  boost::json::array rows;
  for (const convert::ArchivedTable& one : moved) rows.push_back({{"table", one.table}, {"rows", one.rows}});
  return rows;
}

std::string shown(const convert::Archived& moved) {
  std::vector<std::string> parts;
  for (const convert::ArchivedTable& one : moved) {
    if (one.rows > 0) parts.push_back(fmt::format("{} of {}", one.rows, one.table));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

Answered rollback_command(const Arguments& arguments) {
  convert::RollbackOptions options;
  options.archive = arguments.has("--archive");
  options.leave_aside = arguments.has("--leave-aside");
  return with_target(
      "rollback", arguments, options,
      [&](const migrate::Target& target, const convert::RollbackOptions& all) -> Outcome<Answer> {
        const auto report = convert::rollback(target, all);
        if (!report) return std::unexpected(report.error());
        Answer answer = answer_of_run(
            "rollback", *report,
            fmt::format("Done: {} steps. What the conversion made is gone again, and every row is there.\n{}",
                        report->steps,
                        report->moved.empty()
                            ? ""
                            : fmt::format("In the archive (guildhall_archive) lie other servers' rows: {}.\n",
                                          shown(report->moved))));
        answer.json.as_object()["archived"] = json_of(report->moved);
        return answer;
      });
}

Answered restore_command(const Arguments& arguments) {
  return with_target("restore", arguments, convert::Options{},
                     [&](const migrate::Target& target, const convert::Options& options) -> Outcome<Answer> {
                       const auto report = convert::restore(target, options);
                       if (!report) return std::unexpected(report.error());
                       Answer answer = answer_of_run(
                           "restore", *report, fmt::format("Brought back: {}.\n", shown(report->moved)));
                       answer.json.as_object()["restored"] = json_of(report->moved);
                       return answer;
                     });
}

// --- verify

Outcome<void> write_file(const std::string& file, const std::string& content) {
  std::ofstream output(file, std::ios::binary | std::ios::trunc);
  output << content;
  output.close();
  if (!output) return usage(fmt::format("--report: '{}' cannot be written", file));
  return {};
}

Answered verify_command(const Arguments& arguments) {
  return with_session("verify", arguments,
                      [&](store::SchemaSession& session, const migrate::Target& target,
                          const convert::Options& options) -> Outcome<Answer> {
                        const auto writers = arguments.has("--quiesced") ? convert::Writers::stopped
                                                                         : convert::Writers::running;
                        const auto checked = convert::check(session, target, options, {.writers = writers});
                        if (!checked) return std::unexpected(checked.error());
                        Answer answer;
                        answer.text = convert::report_text(checked->head, checked->found);
                        answer.exit_code = checked->found.ok ? 0 : static_cast<int>(Exit::failed);
                        boost::json::object object{{"command", "verify"}, {"exit", answer.exit_code}};
                        for (const auto& [key, value] : convert::report_json(checked->head, checked->found))
                          object[key] = value;
                        answer.json = std::move(object);
                        if (const auto file = arguments.get("--report")) {
                          const auto written =
                              write_file(*file, convert::report_html(checked->head, checked->found));
                          if (!written) return std::unexpected(written.error());
                          answer.text += fmt::format("Written: {}\n", *file);
                        }
                        return answer;
                      });
}

// --- status

Answered status_command(const Arguments& arguments) {
  return with_session(
      "status", arguments,
      [&](store::SchemaSession& session, const migrate::Target& target,
          const convert::Options&) -> Outcome<Answer> {
        const auto conversion = convert::Records(session, target.dialect).newest();
        if (!conversion)
          return Answer{"No conversion has begun here.\n",
                        {{"command", "status"}, {"ok", true}, {"exit", 0}, {"conversion", nullptr}}};
        return Answer{fmt::format("The conversion is {}: home {}, begun {} UTC, changed {} UTC, backup {}.\n",
                                  convert::name_of(conversion->state), conversion->home, conversion->begun_at,
                                  conversion->changed_at, conversion->backup_file),
                      {{"command", "status"},
                       {"ok", true},
                       {"exit", 0},
                       {"conversion",
                        {{"state", convert::name_of(conversion->state)},
                         {"home", std::to_string(conversion->home)},
                         {"begun_at", conversion->begun_at},
                         {"changed_at", conversion->changed_at},
                         {"backup", conversion->backup_file},
                         {"tool_version", conversion->tool_version}}}}};
      });
}

// --- what they are called

std::vector<OptionSpec> description_options(std::vector<OptionSpec> own) {
  std::vector<OptionSpec> options{
      {"--preset", "NAME", "what the tables are: kick or reading-club"},
      {"--tables", "FILE", "the same of another database, as 'inspect --write' drafts it"},
      {"--server", "ID", "the Discord server that rows belong to which name none"},
      {"--map", "FILE", "PostgreSQL: which server's each row is that names none: lines of table,key,server"},
      {"--by-evidence", "", "PostgreSQL: the same by what other tables say, as the description declares it"},
      {"--default", "ID", "with --map or --by-evidence: whose the rows are that nothing tells the server of"},
      {"--register-found", "", "servers that rows name and the registry does not join it"}};
  for (OptionSpec& option : own) options.push_back(std::move(option));
  return options;
}

std::vector<OptionSpec> run_options_of_convert(std::vector<OptionSpec> own) {
  std::vector<OptionSpec> options = description_options(std::move(own));
  options.push_back(lock_wait_option());
  options.push_back(
      {"--lock-timeout", "DUR", "others may have to wait so long behind a step; 200ms, then it tries again"});
  options.push_back(
      {"--patience", "DUR", "tries so long for one step's lock, or waits for a standby; 30min"});
  options.push_back({"--max-lag", "DUR", "waits while a standby is further behind; 10s"});
  return options;
}

Command convert_command(std::string name, std::string summary, std::string example,
                        std::vector<OptionSpec> options, std::function<Answered(const Arguments&)> run) {
  return {.path = {"convert", std::move(name)},
          .summary = std::move(summary),
          .example = std::move(example),
          .options = std::move(options),
          .run = std::move(run),
          .needs_config = false};
}

}  // namespace

void add_convert_commands(std::vector<Command>& commands) {
  commands.push_back(convert_command(
      "inspect", "what a single-server bot's database is, table by table; or drafts a description of it",
      "guildhall convert inspect --url postgres://bot@localhost/kickbot --preset kick",
      description_options({{"--write", "FILE", "drafts a description from the catalog instead"}}),
      inspect_command));
  commands.push_back(convert_command(
      "plan", "what apply would do: steps, locks, sizes, what stands in the way; nothing is changed",
      "guildhall convert plan --url postgres://bot@localhost/kickbot --preset kick",
      description_options(
          {{"--write-map", "FILE",
            "with --by-evidence or --map: writes whose each such row is and why, as --map reads "
            "it"}}),
      plan_command));
  commands.push_back(convert_command(
      "apply", "makes the database multi-server beside the running bot; run again, it goes on where it was",
      "guildhall convert apply --url postgres://bot@localhost/kickbot --preset kick --server "
      "1100000000000000001",
      run_options_of_convert(
          {{"--backup-dir", "DIR", "where the backup goes; backups"},
           {"--backup-done", "TOKEN", "a backup was taken otherwise: this names it"},
           {"--way", "NAME",
            "SQLite: rebuild (all at once, writes wait), online (beside the running bot), file (the file "
            "becomes one server's own); rebuild"},
           {"--sums", "", "SQLite, --way file: adds the tables up first, so that verify can compare rows"},
           {"--accept", "NAME", "SQLite: this trigger writes without naming the server, and may"},
           {"--scratch-url", "URL", "a login that may make the database in which the backup is proved"}}),
      apply_command));
  commands.push_back(convert_command(
      "contract", "the old bot is stopped and the new one writes: takes away what only the old one needed",
      "guildhall convert contract --url postgres://bot@localhost/kickbot --no-seal",
      run_options_of_convert(
          {{"--seal", "ROLE", "row-level security for a program that signs in as ROLE"},
           {"--no-seal", "", "the program alone keeps servers apart"},
           {"--accept", "NAMES",
            "functions that name no server, and views that no policy covers, and may: NAME[,NAME]"}}),
      contract_command));
  commands.push_back(convert_command(
      "verify", "compares everything with what was there before the conversion, and says whose every row is",
      "guildhall convert verify --url postgres://bot@localhost/kickbot --report report.html",
      {{"--quiesced", "", "nobody has written since: everything has to be equal"},
       {"--report", "FILE", "writes the report as a page for people, too"}},
      verify_command));
  commands.push_back(convert_command(
      "rollback", "the schema as it was before the conversion; no row is lost",
      "guildhall convert rollback --url postgres://bot@localhost/kickbot --archive",
      run_options_of_convert(
          {{"--archive", "", "puts rows aside that the old schema has no place for: other servers'"},
           {"--leave-aside", "",
            "PostgreSQL: rows that gave way to others and are not let in any more stay where they are "
            "written "
            "down"}}),
      rollback_command));
  commands.push_back(convert_command("restore",
                                     "brings back what a rollback put aside, after a later conversion",
                                     "guildhall convert restore --url postgres://bot@localhost/kickbot",
                                     run_options_of_convert({}), restore_command));
  commands.push_back(convert_command("status", "where a conversion stands",
                                     "guildhall convert status --url postgres://bot@localhost/kickbot", {},
                                     status_command));
}

}  // namespace guildhall::cli
