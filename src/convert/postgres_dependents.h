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
#include "migrate/outcome.h"
#include "store/schema_session.h"

namespace guildhall::convert {

struct Dependent {
  std::string what;   // for people: "policy own_rows of points"
  std::string needs;  // "the column server of points"
  std::string drop;   // SQL that takes it away; "" where nobody can say that in one statement
};

/// What hangs on one of these keys, or on a view of the schema that does (views_on) and is made again with
/// it, and is no such view itself: it would have to go. References are not among it. In the transaction that
/// is open, whose search path it changes. Throws DatabaseError.
std::vector<Dependent> dependents_of_keys(store::SchemaSession& session, const OldSchema& schema,
                                          std::int64_t conversion,
                                          const std::vector<std::string>& constraints);

/// CV-DEPENDS: refused with what `why` says of them, and how to take them away.
migrate::Outcome<void> refuse(const std::vector<Dependent>& found, std::string_view why);

/// What goes with a way back to `before`.
class Leaving {
 public:
  /// All of them outlive it. `conversion`: its number in the records.
  Leaving(const Scheme& scheme, const OldSchema& before, const MadeThings& made, std::int64_t conversion)
      : scheme_(scheme), before_(before), made_(made), conversion_(conversion) {}
  /// Every row has a place in the schema that was, whoever it belongs to by now.
  void let_all_rows_in() { lets_all_rows_in_ = true; }

  /// What stands in its way, by name. In the transaction that is open, whose search path
  /// it changes. Throws DatabaseError.
  std::vector<Dependent> dependents(store::SchemaSession& session) const;

  /// The table's server column was not there before.
  bool leaves_column(const SchemeTable& one) const;
  /// The conversion made this index, or made a constraint of it.
  bool leaves_index(const SchemeTable& one, const Index& index) const;
  /// The conversion made the registry.
  bool leaves_registry() const;
  /// Once its column is gone, something still tells whose a row is: a column of before, or a parent's.
  bool is_told_without(const SchemeTable& one) const;
  /// SQL, for the transaction in which the table's column goes: an error where something came behind
  /// everybody's back that hangs on it (SQLSTATE 2BP01), or rows of another server that would be the home's
  /// then (23000).
  std::string guard(const SchemeTable& one) const;

 private:
  std::string question(const std::vector<const SchemeTable*>& tables) const;
  std::string question_of_registry() const;
  std::string resolved(const std::string& found) const;
  std::vector<std::string> leaving_constraints() const;
  std::string guard_of_rows(const SchemeTable& one) const;

  const Scheme& scheme_;
  const OldSchema& before_;
  const MadeThings& made_;
  const std::int64_t conversion_;
  bool lets_all_rows_in_ = false;
};

}  // namespace guildhall::convert
