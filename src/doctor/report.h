// What the proof tried and what it found: a line per statement, command, route, memory and output.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace guildhall::doctor {

struct Line {
  std::string kind;  // "statement", "command", "route", "cache", ...
  std::string name;
  std::int64_t own = 0;                    // what came of it with the server's own ids: rows, or answers
  std::int64_t foreign = 0;                // what of the other server came out or was changed
  std::vector<std::string> findings = {};  // each a leak, in words

  bool leaks() const { return foreign > 0 || !findings.empty(); }
  /// With its own ids it returned and changed nothing: that it gives nothing of others proves nothing.
  bool is_unreached() const { return own == 0; }
};

class Report {
 public:
  /// The line of that name, made at the first call. The reference stays valid.
  Line& line(const std::string& kind, const std::string& name);
  /// A leak: `foreign` rows or texts, and what they are.
  void leak(const std::string& kind, const std::string& name, std::int64_t foreign, std::string finding);
  /// Something that went wrong without showing anything of the other server.
  void trouble(std::string what) { troubles_.push_back(std::move(what)); }

  const std::deque<Line>& lines() const { return lines_; }
  const std::vector<std::string>& troubles() const { return troubles_; }
  std::int64_t count(const std::string& kind) const;
  std::int64_t leaks() const;
  std::vector<std::string> unreached() const;  // "kind name"

  /// A table for people.
  std::string text() const;
  /// {"statements", "commands", "routes", "caches", "outputs", "leaks", "not_reached", "findings", ...}
  boost::json::object json() const;

 private:
  std::deque<Line> lines_;
  std::map<std::pair<std::string, std::string>, Line*> by_name_;
  std::vector<std::string> troubles_;
};

}  // namespace guildhall::doctor
