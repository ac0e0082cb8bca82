// guildhall migrate baseline
#include "cli/migrate_baseline.h"

#include <fmt/format.h>

#include "cli/migrate_answers.h"
#include "migrate/baseline.h"

namespace guildhall::cli {
namespace {

std::string text_of(const migrate::BaselineReport& report) {
  std::string text;
  for (const auto& one : report.adopted)
    text += fmt::format("  {}{}\n", one.migration->name,
                        one.differs ? "   its file is another than was applied" : "");
  for (const auto& name : report.unknown)
    text += fmt::format("W-UNKNOWN: {} was applied, and no file is it\n", name);
  if (!report.unbuilt.empty())
    text += fmt::format("W-UNBUILT: the schema could not be compared: {}\n", report.unbuilt);
  for (const auto& line : report.differences) text += fmt::format("differs: {}\n", line);
  text +=
      fmt::format("{} {} as applied, {} differences.\n", report.adopted.size(),
                  report.written ? "are written down" : "would be written down", report.differences.size());
  if (!report.written) text += "hint: If that is right: the same with --accept\n";
  return text;
}

boost::json::value json_of(const migrate::BaselineReport& report) {
  boost::json::array adopted;
  for (const auto& one : report.adopted)
    adopted.push_back({{"name", one.migration->name}, {"differs", one.differs}});
  boost::json::array differences;
  for (const auto& line : report.differences) differences.push_back(boost::json::value(line));
  boost::json::array unknown;
  for (const auto& name : report.unknown) unknown.push_back(boost::json::value(name));
  return {{"command", "baseline"},
          {"ok", true},
          {"adopted", std::move(adopted)},
          {"differences", std::move(differences)},
          {"unknown", std::move(unknown)},
          {"unbuilt", report.unbuilt},
          {"fingerprint", report.fingerprint},
          {"written", report.written}};
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
  return Answer{text_of(*report), json_of(*report)};
}

}  // namespace guildhall::cli
