// Which past made the schema that is there: files are tried in databases of their own, in the order of their
// numbers, then with each of them passed over, coming last, or failing, until one comes out the same.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migrate/proofs.h"
#include "migrate/schema_watch.h"

namespace guildhall::migrate {

enum class Past {
  in_order,     // the files up to one of them, in the order of their numbers
  passed_over,  // without `odd`, which failed and was rolled back, or never ran
  late,         // `odd` came after all others
  torn,         // `odd` came last, failed, and some of its statements stayed
  pushed,   // no set of files; all tables of the nearest are there and more, and what a tool that writes a
            // schema straight from a model does not know (checks, comments, routines) is missing
  unknown,  // no set of files
};
/// "in order", "passed over", ...
std::string_view name_of(Past past);

struct SchemaMatch {
  Past past = Past::unknown;
  std::vector<const Migration*> order;  // that make it, without `odd` unless it came late; else the nearest
  const Migration* odd = nullptr;       // of the nearest: the one that is not in it
  std::string odd_failure;              // what the database says to `odd` behind those; "": it can be applied
  std::vector<std::string> differences;  // of the live schema from what `order` makes
  /// With `odd`: of the live schema from what all files, up to the last of `order` or `odd`, make in the
  /// order of their numbers, where those can be applied at all.
  std::vector<std::string> from_number_order;

  /// Is it known which files made the schema?
  bool is_found() const { return past != Past::pushed && past != Past::unknown; }
};

/// Says nothing of files that leave the schema as it is: they count as applied with those before them.
/// GRANT and REVOKE may fail, as rights are no part of the schema. Problems as of ScratchTarget. Throws
/// DatabaseError.
Outcome<SchemaMatch> match_schema(const Target& target, const MigrationSet& set, const SchemaSnapshot& live,
                                  const std::string& scratch_url);

/// One line for each object, and one for a table that is missing or added with all that is part of it.
std::vector<std::string> difference_lines(const SchemaSnapshot& from, const SchemaSnapshot& to);

/// A database of its own in which files are applied one after the other.
class TrialDatabase {
 public:
  static Outcome<TrialDatabase> make(const Target& target, const std::string& scratch_url);

  /// Why it failed, in the database's words, with the line; "" when it did not. It stops there, and what it
  /// did stays; with `at_failure` it calls that once and goes on behind each statement that fails.
  std::string apply(const Migration& migration, const std::function<void()>& at_failure = {});
  SchemaSnapshot schema() { return watch_->update(); }
  /// The same, read anew with other options.
  SchemaSnapshot schema(const SnapshotOptions& options) const;

 private:
  TrialDatabase() = default;

  std::unique_ptr<ScratchTarget> scratch_;
  std::unique_ptr<store::SchemaSession> session_;
  std::unique_ptr<SchemaWatch> watch_;
};

}  // namespace guildhall::migrate
