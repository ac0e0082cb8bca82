// What the tool remembers in the database that it converts: that a conversion is on, its steps, how things
// were before, what the tables added up to, and which rows were refused. On PostgreSQL in schema guildhall;
// never part of a fingerprint (migrate/schema_snapshot.h).
//
//   guildhall_conversion           one row for each, the newest counts
//   guildhall_conversion_steps     append-only: what began, was done, failed
//   guildhall_conversion_before    how things were: for the way back
//   guildhall_conversion_sums      what each table added up to
//   guildhall_conversion_facts     what else was measured: by buckets, whose each row was, what people see
//   guildhall_conversion_map       the server of each row that named none, and why (attribution.h);
//   PostgreSQL guildhall_conversion_refused   rows that contradicted their parent or gave way, each with its
//   reason
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "convert/step.h"
#include "migrate/dialect.h"
#include "store/schema_session.h"

namespace guildhall::convert {

enum class State { expanding, expanded, contracting, contracted, rolling_back, rolled_back };
std::string_view name_of(State state);

struct Conversion {
  std::int64_t number = 0;
  State state = State::expanding;
  std::string description;  // the whole file, as write_description has it
  std::int64_t home = 0;
  std::string begun_at = {};  // UTC, to the second
  std::string changed_at = {};
  std::string backup_file = {};
  std::string tool_version = {};
};

/// How a thing was before. `definition` is SQL that makes it again, or for a column its state.
struct Before {
  std::string kind;  // table, column, constraint, index, foreign key, view, map, map key, "made ..."
  std::string table;
  std::string name;
  std::string definition;
};

/// What one table added up to, of one server or ("") of all.
struct Sum {
  std::string phase;  // "before", "after"
  std::string table;
  std::string server = {};
  std::int64_t rows = 0;
  std::string hash = {};    // order-free over the old columns of all rows, decimal
  std::string totals = {};  // JSON object: column -> total, as text
};

/// Something else that was measured in a phase (sums.h, shown.h).
struct Fact {
  std::string phase;
  std::string kind;   // "rows", "parent raffle_periods", "shown", "snapshot"
  std::string table;  // or the title of what is shown; "" of none
  std::string value;  // JSON, or a text
};

struct Refused {
  std::string table;
  std::string row;     // JSON object of the row as it was
  std::string reason;  // one sentence for people
  /// What became of it. Still in its table: "kept", as it was but for what the reason names, or "moved", with
  /// the server of its parent. No longer: "put aside", or "merged" into the row that stayed.
  std::string done;

  bool is_in_its_table() const { return done == "kept" || done == "moved"; }
};

/// The tables above. Each call is a statement in the transaction that is open, or one of its own. Throws
/// DatabaseError.
class Records {
 public:
  Records(store::SchemaSession& session, migrate::Dialect dialect) : session_(session), dialect_(dialect) {}

  bool exist() const;
  /// Makes the tables where they are missing.
  void prepare();
  /// The newest, whatever its state.
  std::optional<Conversion> newest() const;
  std::int64_t begin(const Conversion& conversion);
  void set_state(std::int64_t conversion, State state);
  void set_backup(std::int64_t conversion, const std::string& file);

  void note(std::int64_t conversion, const std::string& step, const std::string& state,
            const std::string& detail = {});
  /// State and detail of what was noted last of a step; nothing where it was not.
  std::optional<std::pair<std::string, std::string>> last(std::int64_t conversion,
                                                          const std::string& step) const;
  void remember(std::int64_t conversion, const std::vector<Before>& things);
  std::vector<Before> before(std::int64_t conversion) const;
  /// What steps made: the way back takes these away, and nothing else.
  void remember(std::int64_t conversion, const std::vector<Made>& things);
  MadeThings made(std::int64_t conversion) const;
  /// Taken once for each phase: what is there stays.
  void add(std::int64_t conversion, const Sum& sum);
  std::vector<Sum> sums(std::int64_t conversion, std::string_view phase) const;
  /// Taken once, too.
  void add(std::int64_t conversion, const Fact& fact);
  std::vector<Fact> facts(std::int64_t conversion, std::string_view phase) const;
  void refuse(std::int64_t conversion, const Refused& row);
  std::vector<Refused> refused(std::int64_t conversion) const;

 private:
  std::string table(std::string_view name) const;

  store::SchemaSession& session_;
  migrate::Dialect dialect_;
};

}  // namespace guildhall::convert
