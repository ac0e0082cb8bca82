#include "migrate/outcome.h"

#include <fmt/format.h>

#include <csignal>

#include "store/schema_session.h"

namespace guildhall::migrate {
namespace {

using store::DbCode;

Exit exit_of(DbCode code, const std::string& sqlstate) {
  if (sqlstate.starts_with("53")) return Exit::no_space;
  switch (code) {
    case DbCode::busy:
    case DbCode::timed_out: return Exit::timed_out;
    case DbCode::full: return Exit::no_space;
    case DbCode::sealed: return Exit::no_permission;
    case DbCode::connection_lost:
    case DbCode::unreachable:
    case DbCode::read_only: return Exit::no_database;
    default: return Exit::failed;
  }
}

std::string hint_of(Exit exit) {
  switch (exit) {
    case Exit::timed_out: return "Something else holds what it needs: wait until it is done and start again.";
    case Exit::no_space: return "Free some space where the database lies and start again.";
    case Exit::no_permission: return "Use the login that owns these objects, or grant it the right.";
    default: return "";
  }
}

}  // namespace

Problem interruption(int signal, std::string text) {
  return {signal == SIGTERM ? Exit::terminated : Exit::interrupted,
          {"MG-INTERRUPTED", Level::error, "", 0, std::move(text), "`guildhall migrate up` goes on."}};
}

std::string Problem::where() const {
  if (place.file.empty()) return "";
  if (finding.line == 0) return "in " + place.file;
  const std::string at = fmt::format("at {} line {}", place.file, finding.line);
  return place.statement == 0 ? at
                              : fmt::format("{}, statement {} of {}", at, place.statement, place.statements);
}

std::string_view Problem::ending() const {
  if (exit == Exit::midway) return "stopped midway";
  return was_run ? "rolled back" : "refused";
}

Problem problem_of(const store::DatabaseError& error) {
  Problem problem;
  problem.exit = exit_of(error.code(), error.sqlstate());
  problem.sqlstate = error.sqlstate();
  problem.finding.code = error.sqlstate().empty() ? "MG-CONNECTION" : "MG-" + error.sqlstate();
  problem.finding.text = error.what();
  problem.finding.hint = hint_of(problem.exit);
  const auto* statement = dynamic_cast<const store::StatementError*>(&error);
  if (statement == nullptr) return problem;
  const auto& account = statement->account();
  if (!account.detail.empty()) problem.finding.text += fmt::format(" ({})", account.detail);
  if (!account.hint.empty()) problem.finding.hint = account.hint;
  return problem;
}

Problem problem_of(const Error& error) {
  const auto made = [&](Exit exit, std::string code) {
    return Problem{exit, {std::move(code), Level::error, "", 0, error.message, error.hint}};
  };
  switch (error.code) {
    case ErrorCode::usage: return made(Exit::usage, "E-USAGE");
    case ErrorCode::forbidden: return made(Exit::no_permission, "E-ACCESS");
    case ErrorCode::not_found: return made(Exit::usage, "E-NOTFOUND");
    case ErrorCode::unavailable: return made(Exit::timed_out, "MG-BUSY");
    default: return made(Exit::no_database, "MG-CONNECTION");
  }
}

}  // namespace guildhall::migrate
