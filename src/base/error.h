// The one error model. Expected failures are values: Result<T> holds a T or an Error. Broken promises
// of the code, and a database that fails under a unit of work, are exceptions that end the unit of
// work and never the process (store/database_error.h).
#pragma once

#include <expected>
#include <stdexcept>
#include <string>
#include <utility>

namespace guildhall {

enum class ErrorCode {
  failed,            // did not work; the message says why
  invalid,           // input that cannot be meant
  not_found,         // no such thing (or not yours: the two look the same)
  conflict,          // somebody else was first, or it exists already
  forbidden,         // known, but may not
  unauthenticated,   // not known
  too_large,         // over a stated limit
  rate_limited,      // later
  timeout,           // a deadline passed
  unavailable,       // the other side cannot be reached or is busy
  refused_by_guard,  // a safety rule of ours said no
  configuration,     // a setting of the process is missing or wrong
  usage,             // wrong flags
  storage,           // database unreachable or damaged
  other_instance,    // another process holds it
  schema,            // database newer than the program, or changed behind its back
  port_in_use,
  token_refused,
};

struct Error {
  ErrorCode code = ErrorCode::failed;
  std::string message;     // one plain sentence: what is wrong, with the file, line or field
  std::string hint = {};   // the way out, or empty
  std::string field = {};  // of the input that is at fault, where there are fields
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), std::move(hint)});
}

/// An Error on its way out of code that cannot return one (a transaction body, a constructor).
class ErrorException : public std::runtime_error {
 public:
  explicit ErrorException(Error error) : std::runtime_error(error.message), error_(std::move(error)) {}
  const Error& error() const { return error_; }

 private:
  Error error_;
};

/// Exit codes of the binary, except `migrate` and `convert`, which have their own.
enum class ExitCode : int {
  done = 0,
  failed = 1,
  usage = 2,
  storage = 3,
  other_instance = 4,
  schema = 5,
  refused = 6,
  port_in_use = 69,
  token_refused = 77,
  configuration = 78,
};

constexpr ExitCode exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return ExitCode::usage;
    case ErrorCode::storage: return ExitCode::storage;
    case ErrorCode::other_instance: return ExitCode::other_instance;
    case ErrorCode::schema: return ExitCode::schema;
    case ErrorCode::refused_by_guard: return ExitCode::refused;
    case ErrorCode::port_in_use: return ExitCode::port_in_use;
    case ErrorCode::token_refused: return ExitCode::token_refused;
    case ErrorCode::configuration: return ExitCode::configuration;
    default: return ExitCode::failed;
  }
}

}  // namespace guildhall
