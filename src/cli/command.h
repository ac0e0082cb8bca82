// What a command declares about itself.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/error.h"

namespace guildhall::cli {

struct OptionSpec {
  std::string name;   // "--server"
  std::string value;  // "ID"; empty: a switch; "[=MORE]": a switch that may be told more
  std::string help;
  bool required = false;
  std::string config_key;  // sets this key of the configuration
};

struct ArgumentSpec {
  std::string name;  // "KEY"
  std::string help;
  bool required = true;
};

/// The arguments of one call.
struct Arguments {
  std::map<std::string, std::string, std::less<>> values;  // by option or argument name
  Config config;
  bool has_config = false;  // it was read
  bool json = false;
  bool verbose = false;

  std::optional<std::string> get(std::string_view name) const;
  /// A whole number in [least, most], or `otherwise` when it was not given. Error `usage`.
  Result<std::int64_t> integer(std::string_view name, std::int64_t otherwise, std::int64_t least,
                               std::int64_t most) const;
  std::string require(std::string_view name) const { return values.find(name)->second; }
  bool has(std::string_view name) const { return values.contains(name); }
};

/// What a command answers: text for people, or one JSON object.
struct Answer {
  std::string text;
  boost::json::value json = nullptr;
  std::string problems = {};  // for stderr, whatever the form of the answer
  int exit_code = 0;
};

struct Command {
  std::vector<std::string> path;  // {"settings", "set"}
  std::string summary;
  std::string example;
  std::vector<ArgumentSpec> arguments = {};
  std::vector<OptionSpec> options = {};
  /// Error codes become exit codes (base/error.h). Commands that write as they go return no answer.
  std::function<Result<std::optional<Answer>>(const Arguments&)> run;
  /// Works without reading the configuration first.
  bool needs_config = true;
  /// With one of these it is about something else, and works without reading the configuration too.
  std::vector<std::string> config_unless = {};
};

/// Every command, in the order of the help.
const std::vector<Command>& commands();

}  // namespace guildhall::cli
