// PostgreSQL: the new program's own login tries to read what it must not.
#pragma once

#include <string>
#include <vector>

#include "convert/scheme.h"
#include "convert/sums.h"

namespace guildhall::convert {

struct SealProbe {
  std::vector<std::string> leaks;    // for people: what it got at
  std::vector<std::string> unknown;  // what could not be tried, and why
};

/// As that role, in a transaction that only reads and is rolled back: without a server every table refuses;
/// with one, its own rows are there (`sums` says which servers have some) and nobody else's; with a server
/// that does not exist, none are. Throws DatabaseError only when the connection is gone.
SealProbe probe_seal(store::SchemaSession& session, const Scheme& scheme, const std::string& role,
                     const Sums& sums);

}  // namespace guildhall::convert
