// Reads the command line, runs one command, says what came of it.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "base/log.h"
#include "cli/migrate_answers.h"
#include "cli/parse.h"
#include "store/database_error.h"

extern char** environ;  // NOLINT

namespace {

using guildhall::Error;
using guildhall::ErrorCode;
namespace cli = guildhall::cli;

std::vector<std::pair<std::string, std::string>> read_environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string::npos) variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

int report(const std::vector<std::string>& words, const Error& error) {
  if (const auto object = cli::json_of(words, error)) {
    fmt::print("{}\n", boost::json::serialize(*object));
    std::fflush(stdout);
  }
  fmt::print(stderr, "guildhall: {}\n", error.message);
  if (!error.hint.empty()) fmt::print(stderr, "hint: {}\n", error.hint);
  return static_cast<int>(guildhall::exit_code(error.code));
}

int run(const std::vector<std::string>& words, const cli::Parsed& parsed) {
  if (parsed.arguments.verbose) guildhall::log::set_level(guildhall::log::Level::debug);
  const auto answer = parsed.command->run(parsed.arguments);
  if (!answer) return report(words, answer.error());
  if (!*answer) return 0;
  const bool json = parsed.arguments.json;
  fmt::print("{}{}", json ? boost::json::serialize((*answer)->json) : (*answer)->text, json ? "\n" : "");
  std::fflush(stdout);
  fmt::print(stderr, "{}", (*answer)->problems);
  return (*answer)->exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  umask(077);  // whatever we write holds members' data: for this user alone
  // A file that may not grow any more is like a full disk: an error to whoever writes, not the end of us.
  std::signal(SIGXFSZ, SIG_IGN);
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  try {
    const auto parsed = cli::parse(cli::commands(), words, read_environment());
    if (!parsed) return report(words, parsed.error());
    if (parsed->help) {
      fmt::print("{}", *parsed->help);
      return 0;
    }
    return run(words, *parsed);
  } catch (const guildhall::store::DatabaseError& error) {
    return report(words, to_error(error));
  } catch (const guildhall::ErrorException& error) {
    return report(words, error.error());
  } catch (const std::exception& error) {
    return report(words, {ErrorCode::failed, error.what()});
  }
}
