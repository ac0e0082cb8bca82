#include "cli/migrate_doctor.h"

#include <fmt/format.h>

#include "cli/migrate_answers.h"
#include "migrate/doctor.h"
#include "migrate/migration_docs.h"

namespace guildhall::cli {
namespace {

using migrate::Checkup;
using migrate::Level;

const char* word_of(Level level) {
  return level == Level::error ? "problem" : level == Level::warning ? "warn" : "ok";
}

Answer answer_of(const std::vector<Checkup>& report) {
  Answer answer;
  boost::json::array rows;
  std::int64_t problems = 0;
  std::int64_t warnings = 0;
  for (const Checkup& one : report) {
    answer.text += fmt::format("{:<7}  {:<12}  {}\n", word_of(one.level), one.topic, one.text);
    if (!one.hint.empty()) answer.text += fmt::format("{:>23}hint: {}\n", "", one.hint);
    rows.push_back(
        {{"topic", one.topic}, {"level", word_of(one.level)}, {"text", one.text}, {"hint", one.hint}});
    if (one.level == Level::warning) ++warnings;
    if (one.level != Level::error) continue;
    ++problems;
    if (answer.exit_code == 0) answer.exit_code = static_cast<int>(one.exit);
  }
  answer.text += doctors_word(problems, warnings);
  answer.json = {{"command", "doctor"},       {"ok", problems == 0},  {"exit", answer.exit_code},
                 {"checks", std::move(rows)}, {"problems", problems}, {"warnings", warnings}};
  return answer;
}

}  // namespace

std::string doctors_word(std::int64_t problems, std::int64_t warnings) {
  return fmt::format("doctor: {} problem{}, {} warning{}\n", problems, problems == 1 ? "" : "s", warnings,
                     warnings == 1 ? "" : "s");
}

Result<std::optional<Answer>> migrate_doctor(const Arguments& arguments) {
  const auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return answer_of("doctor", target.error());
  migrate::DoctorOptions options;
  std::optional<migrate::MigrationSet> set;
  if (is_own(arguments) || arguments.has("--dir")) {
    auto read = set_of(arguments, target->dialect);
    if (!read) return answer_of("doctor", read.error());
    set = *std::move(read);
    options.set = &*set;
  }
  options.backups = backup_dir_of(arguments);
  options.now = SystemClock().now();
  return answer_of(migrate::examine(*target, options));
}

Result<std::optional<Answer>> migrate_docs(const Arguments& arguments) {
  const auto rows = journal_of(arguments);
  if (!rows) return answer_of("docs", rows.error());
  const bool with_state = url_of(arguments).has_value();
  migrate::Dialect dialect = migrate::dialects_of(arguments.require("--dir")).front();
  if (with_state) {
    const auto target = target_of(arguments, migrate::Missing::is_an_error);
    if (!target) return answer_of("docs", target.error());
    dialect = target->dialect;
  }
  const auto set = set_of(arguments, dialect);
  if (!set) return answer_of("docs", set.error());
  const auto notes = migrate::describe(*set, compare(*set, *rows), dialect);
  boost::json::array described;
  for (const auto& note : notes) {
    described.push_back({{"name", note.name},
                         {"purpose", note.purpose},
                         {"date", note.date},
                         {"changes", note.changes},
                         {"way_back", note.way_back},
                         {"risk", note.risk},
                         {"impact", note.impact},
                         {"state", with_state ? boost::json::value(note.state) : nullptr}});
  }
  return Answer{as_markdown(notes, with_state),
                {{"command", "docs"}, {"ok", true}, {"migrations", std::move(described)}}};
}

}  // namespace guildhall::cli
