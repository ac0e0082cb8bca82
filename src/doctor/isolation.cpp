#include "doctor/isolation.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "base/crypto.h"
#include "base/log.h"
#include "doctor/ground.h"
#include "doctor/life.h"
#include "doctor/proof_bot.h"
#include "doctor/replay.h"

namespace guildhall::doctor {
namespace {

using namespace std::chrono_literals;

/// Each opening of the cross-server door is a commit of its own; their values are times and ranges.
constexpr std::size_t kCrossServerSamples = 2;

std::string word(std::string_view animal) { return fmt::format("{}{}", animal, hex(random_bytes(5))); }

Marks marks_of(ServerId server, std::size_t number) {
  Marks marks;
  marks.server = server;
  marks.number = number;
  marks.canary = word(number == 0 ? "heron" : "osprey");
  marks.name = "isolation proof " + word(number == 0 ? "wren" : "finch");
  marks.amount = number == 0 ? 40'000 : 90'000;
  marks.prefix = number == 0 ? "a!" : "b!";
  marks.only_member = fmt::format("{}", 9'100'000'000'000'000'200 + static_cast<std::int64_t>(number));
  marks.only_viewer = fmt::format("isolationonly{}", number);
  marks.renamed_viewer = fmt::format("isolationrenamed{}", number);
  return marks;
}

bool holds(const std::string& text, const std::string& mark) { return text.find(mark) != std::string::npos; }

std::string described(const Outcome& outcome) {
  return outcome.error.empty() ? fmt::format("{} rows", outcome.count()) : outcome.error;
}

/// The lines of the program's log while the proof runs.
class LogLines {
 public:
  std::vector<std::string> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
  log::Capture capture_{[this](std::string_view line) {
    const std::scoped_lock lock(mutex_);
    lines_.emplace_back(line);
  }};
};

class Proof {
 public:
  Proof(const Progress& progress, ProofBot& bot) : progress_(progress), bot_(bot) {
    list_everything();
    const Marks marks[] = {marks_of(kFirstServer, 0), marks_of(kSecondServer, 1)};
    marks_.assign(std::begin(marks), std::end(marks));
    second_.emplace(bot, report_, marks[1], marks[0]);
    first_.emplace(bot, report_, marks[0], marks[1]);
  }

  void run() {
    live();
    compare_failures();
    compare_effects();
    progress_("memory of the process");
    try_caches();
    progress_("the other server's ids");
    const auto rows = bot_.rows(kSecondServer);
    first_->ask_for_the_other();
    compare_rows(kSecondServer, rows, "was changed by calls with its ids at the other server");
    try_rights();
    progress_("every statement with the other's values");
    try_without_the_second();
    look_at_outputs();
  }

  /// When its servers are erased, which is a part of it.
  Report finish() {
    collect();
    count_statements();
    return std::move(report_);
  }

 private:
  using Outcomes = std::map<std::size_t, std::vector<Outcome>>;

  /// So that what is never reached stands there too.
  void list_everything() {
    for (const auto& info : bot_.declarations().statements.all()) report_.line("statement", info.name);
    for (const auto& [name, spec] : bot_.declarations().tables.all()) {
      if (spec.table_class != tenancy::TableClass::global && !spec.transient) report_.line("table", name);
    }
    for (const char* name : {"steps", "scopes"}) report_.line("life", name);
    for (const char* name : {"settings", "cooldowns", "recent ids"}) report_.line("cache", name);
    for (const char* name : {"outbox messages", "live topics", "metrics", "log lines"})
      report_.line("output", name);
  }

  void collect() {
    auto runs = bot_.recorder().take();
    ending_.insert(ending_.end(), runs.begin(), runs.end());
  }

  void live();
  void compare_failures();
  void compare_effects();
  void compare_rehearsals(const std::vector<Run>& there, const std::vector<Run>& gone);
  void compare_rows(ServerId server, const tenancy::ServerRows& before, const std::string& finding);
  void check_rows();
  void check_topics(ServerId server);
  void try_caches();
  void try_rights();
  Samples samples_from(const Life& life) const;
  Outcomes replay_all(ServerId server, const Samples& samples);
  void compare(const Samples& samples, const Outcomes& there, const Outcomes& gone);
  void check_answers(const Samples& samples, const Outcomes& outcomes, const Marks& own, const Marks& other);
  void try_without_the_second();
  void look_at_outputs();
  void count_statements();

  const Progress& progress_;
  ProofBot& bot_;
  LogLines logs_;
  Report report_;
  std::vector<Marks> marks_;
  std::optional<Life> first_;
  std::optional<Life> second_;
  std::vector<Run> ending_;
};

void Proof::compare_rows(ServerId server, const tenancy::ServerRows& before, const std::string& finding) {
  for (const auto& [table, rows] : bot_.rows(server)) {
    const auto found = before.find(table);
    if (found->second == rows) continue;
    std::vector<std::string> differing;
    std::set_symmetric_difference(rows.begin(), rows.end(), found->second.begin(), found->second.end(),
                                  std::back_inserter(differing));
    report_.leak("table", table, static_cast<std::int64_t>(differing.size()),
                 "a row of one server " + finding);
  }
}

/// Each holds something in every table, so that whatever reaches too far finds something; and no text of the
/// other.
void Proof::check_rows() {
  for (const auto& [own, other] : {std::pair{&marks_[0], &marks_[1]}, std::pair{&marks_[1], &marks_[0]}}) {
    for (const auto& [table, rows] : bot_.rows(own->server)) {
      Line& line = report_.line("table", table);
      const auto held = static_cast<std::int64_t>(rows.size());
      line.own = own->number == 0 ? held : std::min(line.own, held);
      for (const std::string& row : rows) {
        if (holds(row, other->canary) || holds(row, other->name))
          report_.leak("table", table, 1, "a row of one server holds a text of the other");
      }
    }
  }
}

/// What every open page is told must be of the server that lives.
void Proof::check_topics(ServerId server) {
  for (const std::string& topic : bot_.take_topics()) {
    if (!topic.starts_with("server/")) continue;
    ++report_.line("output", "live topics").own;
    if (!topic.starts_with(fmt::format("server/{}/", server.str())))
      report_.leak("output", "live topics", 1, "a page of the other server was told " + topic);
  }
}

/// One after the other. The statements of the second are tried before and after the first has lived, so that
/// whatever the first one's rows change in them is seen.
void Proof::live() {
  collect();
  progress_("the second server's life");
  const auto empty = bot_.rows(kFirstServer);
  bot_.rows(kSecondServer);  // what stands in its way is said now, and not by each event that waits for it
  second_->run();
  check_topics(kSecondServer);
  compare_rows(kFirstServer, empty, "was changed while the other lived");
  const Samples samples = samples_from(*second_);
  const Outcomes alone = replay_all(kSecondServer, samples);
  const auto rows = bot_.rows(kSecondServer);
  progress_("the first server's life");
  first_->run();
  check_topics(kFirstServer);
  compare_rows(kSecondServer, rows, "was changed while the other lived");
  check_rows();
  const Outcomes together = replay_all(kSecondServer, samples);
  check_answers(samples, together, marks_[1], marks_[0]);
  compare(samples, together, alone);
}

/// The two do the same: what fails for the one that comes later fails because of the other.
void Proof::compare_failures() {
  for (const auto& [step, what] : second_->failures()) report_.trouble(fmt::format("{}: {}", step, what));
  for (const auto& [step, what] : first_->failures()) {
    if (second_->failures().contains(step)) continue;
    report_.leak("life", "steps", 1,
                 fmt::format("{} failed at a server because another had done the same: {}", step, what));
  }
}

/// The second lived while the first had nothing, the first beside all that the second has: each statement
/// came to as many rows in both.
void Proof::compare_effects() {
  for (const auto& [step, effects] : first_->effects()) {
    const auto mirrored = second_->effects().find(step);
    if (mirrored == second_->effects().end() || first_->failures().contains(step)) continue;
    for (const auto& [statement, effect] : effects) {
      const auto& info = bot_.declarations().statements.all()[statement];
      const auto alone = mirrored->second.find(statement);
      if (info.access == store::Access::global || alone == mirrored->second.end() || effect == alone->second)
        continue;
      const auto more = effect.rows + effect.changes - alone->second.rows - alone->second.changes;
      report_.leak("statement", info.name, std::max<std::int64_t>(std::abs(more), 1),
                   fmt::format("{}: {} runs came to {} rows beside another server, {} to {} without", step,
                               effect.runs, effect.rows + effect.changes, alone->second.runs,
                               alone->second.rows + alone->second.changes));
    }
  }
}

void Proof::compare_rehearsals(const std::vector<Run>& there, const std::vector<Run>& gone) {
  if (!std::ranges::equal(there, gone, {}, &Run::statement, &Run::statement)) {
    report_.leak("life", "steps", 1,
                 "a rehearsal ran other statements beside the other server than without it");
    return;
  }
  for (std::size_t i = 0; i < there.size(); ++i) {
    const auto& info = bot_.declarations().statements.all()[there[i].statement];
    if (info.access == store::Access::global) continue;
    const auto more = there[i].rows + there[i].changes - gone[i].rows - gone[i].changes;
    const bool same_values = as_text(there[i].values) == as_text(gone[i].values);
    if (more == 0 && same_values && there[i].failed == gone[i].failed) continue;
    report_.leak("statement", info.name, std::max<std::int64_t>(std::abs(more), 1),
                 fmt::format("a rehearsal came to {} rows beside the other server and to {} without it",
                             there[i].rows + there[i].changes, gone[i].rows + gone[i].changes));
  }
}

/// The same call under the same id at the same moment, at one server and at once at the other.
void Proof::try_caches() {
  const auto& commands = bot_.declarations().commands.all();
  const auto command = std::find_if(commands.begin(), commands.end(), [](const bot::CommandSpec& spec) {
    return spec.cooldown > 0s && spec.permission == bot::Permission::everyone && !spec.private_answer &&
           spec.open_at(bot::Door::prefix);
  });
  if (command == commands.end()) return;
  for (const Marks& marks : marks_)
    net::run_to_end(bot_.tenancy().servers().arrived(marks.server, marks.name, bot_.clock().now()));
  for (const Marks& marks : marks_) bot_.refresh(marks.server);
  bot_.clock().advance(1h);
  const auto leak = [this](const char* name, const char* finding) {
    report_.leak("cache", name, 1, finding);
  };
  for (const auto& [life, own, other] :
       {std::tuple{&*second_, &marks_[1], &marks_[0]}, std::tuple{&*first_, &marks_[0], &marks_[1]}}) {
    const Said foreign = life->call_by_member(other->prefix + command->path, "cache 0");
    const Said first = life->call_by_member(own->prefix + command->path, "cache 1");
    const Said again = life->call_by_member(own->prefix + command->path, "cache 1");
    const Said soon = life->call_by_member(own->prefix + command->path, "cache 2");
    if (foreign.answered) leak("settings", "a server follows the settings of the other");
    if (!first.answered) leak("recent ids", "a call was taken for one that the other server had before");
    if (first.answered && first.private_answer) leak("cooldowns", "a call at one server held up the other");
    if (first.answered) ++report_.line("cache", "settings").own;
    if (first.answered && !again.answered) ++report_.line("cache", "recent ids").own;
    if (soon.answered && soon.private_answer) ++report_.line("cache", "cooldowns").own;
  }
  for (const Marks& marks : marks_)
    net::run_to_end(bot_.tenancy().servers().left(marks.server, bot_.clock().now()));
  bot_.take_topics();
}

/// A session without rights: a server that is there and one that is not look the same.
void Proof::try_rights() {
  const auto& scopes = bot_.tenancy().scopes();
  Line& line = report_.line("route", "/servers/{server} without rights");
  if (scopes.for_session(kFirstServer, {true})) ++line.own;
  const auto refusal = [&](ServerId server) {
    const auto scope = scopes.for_session(server, {});
    if (scope) return std::string("open");
    std::string text = scope.error().message;
    if (const auto at = text.find(server.str()); at != std::string::npos)
      text.replace(at, server.str().size(), "?");
    return fmt::format("{} {}", static_cast<int>(scope.error().code), text);
  };
  const std::string nobodys = refusal(tenancy::kReservedServers.first);
  for (const ServerId server : {kFirstServer, kSecondServer}) {
    if (refusal(server) != nobodys)
      report_.leak("route", line.name, 1, "who has no rights can tell servers that are there from others");
  }
}

Samples Proof::samples_from(const Life& life) const {
  Samples samples = samples_of(life.runs(), bot_.declarations().statements);
  for (auto& [statement, runs] : samples) {
    const auto access = bot_.declarations().statements.all()[statement].access;
    if (access == store::Access::cross_server && runs.size() > kCrossServerSamples)
      runs.resize(kCrossServerSamples);
  }
  return samples;
}

Proof::Outcomes Proof::replay_all(ServerId server, const Samples& samples) {
  collect();
  const auto& statements = bot_.declarations().statements.all();
  Outcomes outcomes;
  for (const auto& [statement, runs] : samples) {
    for (const Run& run : runs) {
      outcomes[statement].push_back(
          replay(bot_.tenancy(), statements[statement], run, server, bot_.clock().now()));
    }
  }
  bot_.recorder().take();
  return outcomes;
}

/// Texts of the other server, unless they were among the values; of a statement of no server, of either.
void Proof::check_answers(const Samples& samples, const Outcomes& outcomes, const Marks& own,
                          const Marks& other) {
  for (const auto& [statement, runs] : samples) {
    const auto& info = bot_.declarations().statements.all()[statement];
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const std::string values = as_text(runs[i].values);
      std::vector<std::string> marks{other.canary};
      marks.push_back(info.access == store::Access::global ? own.canary : other.name);
      for (const std::string& mark : marks) {
        if (holds(values, mark)) continue;
        const auto& rows = outcomes.at(statement)[i].rows;
        const auto hits =
            std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return holds(row, mark); });
        if (hits > 0)
          report_.leak("statement", info.name, hits, "returned rows with texts of another server");
      }
    }
  }
}

/// A server's statement comes to the same whether the other server is there or not.
void Proof::compare(const Samples& samples, const Outcomes& there, const Outcomes& gone) {
  for (const auto& [statement, runs] : samples) {
    const auto& info = bot_.declarations().statements.all()[statement];
    if (info.access == store::Access::global) continue;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const Outcome& with = there.at(statement)[i];
      const Outcome& without = gone.at(statement)[i];
      if (with == without) continue;
      const auto rows = std::max<std::int64_t>(std::abs(with.count() - without.count()), 1);
      report_.leak("statement", info.name, rows,
                   fmt::format("comes to {} beside the other server and to {} without it", described(with),
                               with.count() == without.count() ? "others" : described(without)));
    }
  }
}

void Proof::try_without_the_second() {
  collect();
  for (const Marks& marks : marks_)
    net::run_to_end(bot_.tenancy().servers().arrived(marks.server, marks.name, bot_.clock().now()));
  const std::vector<Run> rehearsed = first_->rehearse();
  const Samples own = samples_from(*first_);
  const Samples foreign = samples_from(*second_);
  const Outcomes own_there = replay_all(kFirstServer, own);
  const Outcomes foreign_there = replay_all(kFirstServer, foreign);
  check_answers(own, own_there, marks_[0], marks_[1]);
  check_answers(foreign, foreign_there, marks_[0], marks_[1]);
  progress_("the same without the second server");
  const auto rows = bot_.rows(kFirstServer);
  net::run_to_end(bot_.declarations().rows.erase(bot_.scope(kSecondServer), bot_.tenancy().global()));
  compare_rows(kFirstServer, rows, "was changed by the erasure of the other");
  compare_rehearsals(rehearsed, first_->rehearse());
  compare(own, own_there, replay_all(kFirstServer, own));
  compare(foreign, foreign_there, replay_all(kFirstServer, foreign));
}

void Proof::look_at_outputs() {
  const std::string metrics = bot_.metrics().text();
  report_.line("output", "metrics").own = std::count(metrics.begin(), metrics.end(), '\n');
  const auto lines = logs_.take();
  for (const Marks& marks : marks_) {
    for (const std::string& mark : {marks.canary, marks.name, marks.server.str()}) {
      if (holds(metrics, mark)) report_.leak("output", "metrics", 1, "name a server or hold a text of it");
    }
    for (const std::string& line : lines) {
      if (holds(line, "server=" + marks.server.str())) ++report_.line("output", "log lines").own;
      if (holds(line, marks.canary))
        report_.leak("output", "log lines", 1, "hold a text of a server: " + line);
    }
  }
}

void Proof::count_statements() {
  const auto& statements = bot_.declarations().statements.all();
  std::map<std::size_t, std::int64_t> effects;
  for (const std::vector<Run>* runs :
       {&first_->runs(), &second_->runs(), std::addressof(std::as_const(ending_))}) {
    for (const Run& run : *runs) {
      if (!run.failed) effects[run.statement] += run.rows + run.changes;
    }
  }
  for (const auto& [statement, effect] : effects)
    report_.line("statement", statements[statement].name).own = effect;
}

}  // namespace

Result<Report> prove_isolation(const Installation& installation, const Progress& progress) {
  if (auto swept = sweep(installation); !swept) return std::unexpected(swept.error());
  auto bot = ProofBot::open(installation);
  if (!bot) return std::unexpected(bot.error());
  std::optional<Error> trouble;
  std::optional<Proof> proof;
  try {
    proof.emplace(progress, **bot);
    proof->run();
    progress("clearing away");
    clear((*bot)->tenancy(), installation.declarations, installation.clock);
    return proof->finish();
  } catch (const store::DatabaseError& error) {
    trouble = to_error(error);
  } catch (const ErrorException& error) {
    trouble = error.error();
  } catch (const std::exception& error) {
    trouble = Error{ErrorCode::failed, fmt::format("the proof ended early: {}", error.what())};
  }
  clear((*bot)->tenancy(), installation.declarations, installation.clock);
  return std::unexpected(*trouble);
}

Result<void> sweep(const Installation& installation) {
  Metrics metrics;
  tenancy::OpenOptions options;
  options.servers = tenancy::kReservedServers;
  auto tenancy = installation.open(std::move(options), metrics);
  if (!tenancy) return std::unexpected(tenancy.error());
  net::run_to_end((*tenancy)->load());
  if (!(*tenancy)->servers().list().empty()) clear(**tenancy, installation.declarations, installation.clock);
  return {};
}

}  // namespace guildhall::doctor
