// Other programs, run to their end: no shell between, argument by argument, with exactly the environment that
// is given, without input, in a process group of their own. What they write is caught, or goes into a file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"

namespace guildhall {

/// Environment variables, by name.
using Environment = std::map<std::string, std::string>;
/// Those of this process.
Environment own_environment();

struct ChildCommand {
  std::vector<std::string> arguments;  // the first names the program; without '/' it is looked for in PATH
  Environment environment;
  int output = -1;  // an open file that its standard output goes into; -1: it is caught
  std::function<void(std::int64_t pid)> on_start = {};  // told as soon as it runs
};

struct ChildEnd {
  int status = 0;      // what it exited with, when no signal ended it
  int signal = 0;      // that ended it
  std::string output;  // its standard output, where that was caught
  std::string errors;  // its standard error
  bool ended_by_us = false;

  bool succeeded() const { return status == 0 && signal == 0 && !ended_by_us; }
};

/// Runs it and waits for its end; a request to stop ends it and what it started: SIGTERM, five seconds later
/// SIGKILL. Of each stream the first and the last 32 KiB are kept. Error `failed`: it cannot be started.
Result<ChildEnd> run_child(const ChildCommand& command, const std::stop_token& stop = {});

}  // namespace guildhall
