// guildhall migrate baseline
#include "cli/migrate_baseline.h"

#include <fmt/format.h>

#include "cli/migrate_answers.h"
#include "migrate/baseline.h"

namespace guildhall::cli {
namespace {

/// Which past the schema has, in a sentence.
std::string sentence_of(const migrate::SchemaMatch& match) {
  using migrate::Past;
  const std::string last = match.order.empty() ? "" : match.order.back()->name;
  const std::string odd = match.odd == nullptr ? "" : match.odd->name;
  const std::string fails =
      match.odd_failure.empty() ? "" : fmt::format(": applied now it fails ({})", match.odd_failure);
  switch (match.past) {
    case Past::in_order:
      return fmt::format("The schema is what the files make in the order of their numbers, up to {}.", last);
    case Past::passed_over:
      return fmt::format(
          "The schema is what the files up to {} make without {}, which was rolled back or "
          "never ran{}.",
          last, odd, fails);
    case Past::late:
      return fmt::format("The schema is what the files make when {} comes after all others.", odd);
    case Past::torn:
      return fmt::format(
          "The schema is what the files make when {} comes last, and some of its statements "
          "stayed{}.",
          odd, fails);
    case Past::pushed:
      return fmt::format(
          "No set of the files makes the schema. It looks like one that was pushed from a "
          "model: the tables up to {} are there and more, without checks or comments.",
          last);
    case Past::unknown: break;
  }
  return match.order.empty()
             ? std::string("No set of the files makes the schema, and none is near to it.")
             : fmt::format("No set of the files makes the schema; the nearest goes up to {}{}.", last,
                           odd.empty() ? "" : " without " + odd);
}

std::string text_of(const migrate::BaselineReport& report) {
  std::string text;
  if (report.match) text += sentence_of(*report.match) + "\n";
  for (const auto& one : report.adopted)
    text += fmt::format("  {}{}\n", one.migration->name,
                        one.differs ? "   its file is another than was applied" : "");
  for (const auto& name : report.unknown)
    text += fmt::format("W-UNKNOWN: {} was applied, and no file is it\n", name);
  if (!report.unbuilt.empty())
    text += fmt::format("W-UNBUILT: the schema could not be compared: {}\n", report.unbuilt);
  for (const auto& line : report.differences) text += fmt::format("differs: {}\n", line);
  if (report.match) {
    for (const auto& line : report.match->from_number_order)
      text += fmt::format("differs from the order of the numbers: {}\n", line);
    if (!report.match->is_found()) return text;
  }
  text +=
      fmt::format("{} {} as applied, {} differences.\n", report.adopted.size(),
                  report.written ? "are written down" : "would be written down", report.differences.size());
  if (!report.written) text += "hint: If that is right: the same with --accept\n";
  return text;
}

boost::json::array to_json(const std::vector<std::string>& lines) {
  boost::json::array rows;
  for (const auto& line : lines) rows.push_back(boost::json::value(line));
  return rows;
}

boost::json::value to_json(const migrate::SchemaMatch& match) {
  boost::json::array order;
  for (const auto* one : match.order) order.push_back(boost::json::value(one->name));
  return {{"past", std::string(name_of(match.past))},
          {"files", std::move(order)},
          {"odd", match.odd == nullptr ? boost::json::value() : boost::json::value(match.odd->name)},
          {"odd_failure", match.odd_failure},
          {"from_number_order", to_json(match.from_number_order)}};
}

Answer answer_of(const migrate::BaselineReport& report) {
  boost::json::array adopted;
  for (const auto& one : report.adopted)
    adopted.push_back({{"name", one.migration->name}, {"differs", one.differs}});
  const bool is_found = !report.match || report.match->is_found();
  Answer answer;
  answer.text = text_of(report);
  if (!is_found) {
    answer.exit_code = static_cast<int>(migrate::Exit::drift);
    answer.problems = fmt::format(
        "MG-NOMATCH: no set of these files makes the schema that is there: {} differences from "
        "the nearest\nhint: `guildhall migrate baseline --at NAME --accept` adopts it as it is.\n",
        report.differences.size());
  }
  answer.json = {{"command", "baseline"},
                 {"ok", is_found},
                 {"exit", answer.exit_code},
                 {"adopted", std::move(adopted)},
                 {"match", report.match ? to_json(*report.match) : nullptr},
                 {"differences", to_json(report.differences)},
                 {"unknown", to_json(report.unknown)},
                 {"unbuilt", report.unbuilt},
                 {"fingerprint", report.fingerprint},
                 {"written", report.written}};
  return answer;
}

}  // namespace

Result<std::optional<Answer>> migrate_baseline(const Arguments& arguments) {
  migrate::BaselineOptions options;
  options.at = arguments.get("--at").value_or("");
  options.from = arguments.get("--from").value_or("");
  options.match = arguments.has("--match");
  options.accept = arguments.has("--accept");
  options.scratch_url = arguments.get("--scratch-url").value_or("");
  const int ways = (options.at.empty() ? 0 : 1) + (options.from.empty() ? 0 : 1) + (options.match ? 1 : 0);
  if (ways != 1)
    return fail(ErrorCode::usage,
                "guildhall migrate baseline: say one of --at NAME, --from drizzle and --match");
  if (!options.from.empty() && options.from != "drizzle")
    return fail(ErrorCode::usage, fmt::format("--from: '{}' is not drizzle", options.from));
  const auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return answer_of("baseline", target.error());
  const auto set = set_of(arguments, target->dialect);
  if (!set) return answer_of("baseline", set.error());
  const auto report = migrate::baseline(*target, *set, options);
  if (!report) return answer_of("baseline", report.error());
  return answer_of(*report);
}

}  // namespace guildhall::cli
