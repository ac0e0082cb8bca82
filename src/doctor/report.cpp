#include "doctor/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>

namespace guildhall::doctor {
namespace {

std::string verdict(const Line& line) {
  if (line.leaks()) return "LEAK";
  return line.is_unreached() ? "not reached" : "sealed";
}

std::string row_of(const Line& line) {
  return fmt::format("{:<44} {:>8} {:>8}  {}\n", line.name, line.own, line.foreign, verdict(line));
}

}  // namespace

Line& Report::line(const std::string& kind, const std::string& name) {
  Line*& found = by_name_[{kind, name}];
  if (found == nullptr) found = &lines_.emplace_back(Line{kind, name});
  return *found;
}

void Report::leak(const std::string& kind, const std::string& name, std::int64_t foreign,
                  std::string finding) {
  Line& found = line(kind, name);
  found.foreign += foreign;
  if (std::find(found.findings.begin(), found.findings.end(), finding) == found.findings.end())
    found.findings.push_back(std::move(finding));
}

std::int64_t Report::count(const std::string& kind) const {
  return std::count_if(lines_.begin(), lines_.end(), [&](const Line& line) { return line.kind == kind; });
}

std::int64_t Report::leaks() const {
  return std::count_if(lines_.begin(), lines_.end(), [](const Line& line) { return line.leaks(); });
}

std::vector<std::string> Report::unreached() const {
  std::vector<std::string> names;
  for (const Line& line : lines_) {
    if (line.is_unreached()) names.push_back(line.kind + " " + line.name);
  }
  return names;
}

std::string Report::text() const {
  std::string out;
  std::vector<std::string> kinds;
  for (const Line& line : lines_) {
    if (std::find(kinds.begin(), kinds.end(), line.kind) == kinds.end()) kinds.push_back(line.kind);
  }
  for (const std::string& kind : kinds) {
    out += fmt::format("{:<44} {:>8} {:>8}  {}\n", kind, "own", "foreign", "verdict");
    for (const Line& line : lines_) {
      if (line.kind == kind) out += row_of(line);
    }
    out += '\n';
  }
  for (const Line& line : lines_) {
    for (const std::string& finding : line.findings)
      out += fmt::format("LEAK: {} {}: {}\n", line.kind, line.name, finding);
  }
  for (const std::string& name : unreached()) out += fmt::format("Not reached: {}\n", name);
  for (const std::string& trouble : troubles_) out += fmt::format("Trouble: {}\n", trouble);
  out += fmt::format(
      "{} statements, {} commands, {} routes, {} memories and outputs: {} leaks, {} not reached.\n",
      count("statement"), count("command"), count("route"), count("cache") + count("output"), leaks(),
      unreached().size());
  return out;
}

boost::json::object Report::json() const {
  boost::json::array findings;
  boost::json::array table;
  for (const Line& line : lines_) {
    for (const std::string& finding : line.findings)
      findings.push_back({{"kind", line.kind}, {"name", line.name}, {"finding", finding}});
    table.push_back({{"kind", line.kind},
                     {"name", line.name},
                     {"own", line.own},
                     {"foreign", line.foreign},
                     {"verdict", verdict(line)}});
  }
  boost::json::array missing;
  for (const std::string& name : unreached()) missing.emplace_back(name);
  boost::json::array troubles;
  for (const std::string& trouble : troubles_) troubles.emplace_back(trouble);
  return {{"statements", count("statement")},
          {"commands", count("command")},
          {"routes", count("route")},
          {"caches", count("cache")},
          {"outputs", count("output")},
          {"leaks", leaks()},
          {"not_reached", static_cast<std::int64_t>(missing.size())},
          {"missing", std::move(missing)},
          {"findings", std::move(findings)},
          {"troubles", std::move(troubles)},
          {"table", std::move(table)}};
}

}  // namespace guildhall::doctor
