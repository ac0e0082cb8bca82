// PostgreSQL: what somebody else made since the conversion began, and what cannot stay when the conversion is
// taken back, since it needs something that goes then: a server's column, one of our keys, the registry that
// the conversion made. Asked of the catalog's own record of what hangs on what. What steps made is told from
// the rest by their records (Records::made).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "convert/scheme.h"
#include "convert/step.h"
#include "store/schema_session.h"

namespace guildhall::convert {

struct Dependent {
  std::string what;   // for people: "policy own_rows of points"
  std::string needs;  // "the column server of points"
  std::string drop;   // SQL that takes it away; "" where nobody can say that in one statement
};

/// What goes with a way back to `before`.
class Leaving {
 public:
  /// All of them outlive it. `conversion`: its number in the records.
  Leaving(const Scheme& scheme, const OldSchema& before, const MadeThings& made, std::int64_t conversion)
      : scheme_(scheme), before_(before), made_(made), conversion_(conversion) {}

  /// What stands in its way, by name. In the transaction that is open, whose search path
  /// it changes. Throws DatabaseError.
  std::vector<Dependent> dependents(store::SchemaSession& session) const;

  /// The table's server column was not there before.
  bool leaves_column(const SchemeTable& one) const;
  /// The conversion made this index, or made a constraint of it.
  bool leaves_index(const SchemeTable& one, const Index& index) const;
  /// The conversion made the registry.
  bool leaves_registry() const;
  /// SQL, for the transaction in which the table's column goes: an error (SQLSTATE 2BP01) where something
  /// hangs on it that came behind everybody's back.
  std::string guard(const SchemeTable& one) const;

 private:
  std::string question(const std::vector<const SchemeTable*>& tables) const;
  std::string question_of_registry() const;
  std::string resolved(const std::string& found) const;

  const Scheme& scheme_;
  const OldSchema& before_;
  const MadeThings& made_;
  const std::int64_t conversion_;
};

}  // namespace guildhall::convert
