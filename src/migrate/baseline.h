// Adopting a database that has a past: which of the files were applied to it, by another tool or by hand, and
// what speaks against it, object by object. Rows are written only where the operator accepts that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/run.h"
#include "migrate/schema_match.h"

namespace guildhall::migrate {

struct BaselineOptions : RunOptions {
  std::string at;       // all files up to this one
  std::string from;     // "drizzle": what its tables say
  bool match = false;   // what the live schema says
  bool accept = false;  // write the rows, whatever differs
  std::string scratch_url;
};

/// One file that counts as applied.
struct Adopted {
  const Migration* migration = nullptr;
  std::string checksum;  // as the other tool wrote it down; "": it did not
  bool differs = false;  // from the file
};

struct BaselineReport {
  std::vector<Adopted> adopted;      // in order; none where the schema is of no set of files
  std::optional<SchemaMatch> match;  // what the live schema says, where that was asked
  std::vector<std::string> unknown;  // what the other tool applied, and no file is it
  /// The live schema against one that these files (of no set: the nearest) make: "missing index ...",
  /// "added column ...". Nothing where it could not be built; then `unbuilt` says why.
  std::vector<std::string> differences;
  std::string unbuilt;
  std::string fingerprint;  // of the live schema
  bool written = false;
};

/// Where no set of files makes the schema, nothing is written, whatever was accepted. Problems: `usage` (no
/// such name, nothing to import), `drift` (the journal already has rows, or the files have errors), `locked`.
Outcome<BaselineReport> baseline(const Target& target, const MigrationSet& set,
                                 const BaselineOptions& options);

}  // namespace guildhall::migrate
