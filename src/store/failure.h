// What a command says of a database that failed while it was looked at or made ready: with the way out.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/database_error.h"

namespace guildhall::store {

/// Error `storage`; `what` is "database 'x'" or "database file 'x'".
inline Error failure_of(std::string_view what, const DatabaseError& failure) {
  const auto hint = [&]() -> std::string {
    switch (failure.code()) {
      case DbCode::connection_lost:
      case DbCode::unreachable:
      case DbCode::timed_out:
      case DbCode::busy:
        return "When it answers again, do the same again: nothing is lost, and what was begun is gone on "
               "with.";
      case DbCode::full: return "Free some space, then do the same again.";
      case DbCode::read_only: return "Give an address and a login that may write there.";
      default: return "The database's own log may say more.";
    }
  };
  return {ErrorCode::storage, fmt::format("{}: {}", what, failure.what()), hint()};
}

}  // namespace guildhall::store
