// What each table adds up to, so that before and after can be compared: taken in one transaction that sees
// one state, over all tables in one pass each.
//
// Per table: the rows, and the sum of a 64-bit hash of each row over every column but the tenant column. The
// order of rows and of columns makes no difference, nor does the width of a whole number or a text; NULL, ''
// and 'NULL' do. PostgreSQL hashes by itself (hashtextextended and its like; of bytea and date
// hash_record_extended, from version 14 on), of SQLite the rows are read in pages and hashed here. Two
// databases of different kinds cannot be compared, nor sums that were hashed in different ways: the way has a
// number, which is kept beside them. The totals of TableRule::sums are exact; of SQLite's REAL each value
// counts to six decimals.
//
// Also of whom each row of a child is: per parent, the hash of what people know the child's row by (all of it
// but its id and its reference) and of what they know the parent's by (TableRule::person, else its first key
// that is no number of its own making, else all of it but its id). Numbers that were given anew everywhere do
// not show there, one that was not does: so "who owns which row" is compared row by row, not counted.
//
// While others write, before and after differ though nothing is wrong. So each sum is kept in buckets by the
// hash of the row's old key, 64 to 4,096 of them by the table's size, and `before` remembers the snapshot
// that it saw. `after` counts per bucket, besides everything, the rows whose version is of a transaction
// that had ended by then: they have not been written since, and hold what they held then. If a bucket has as
// many of those as it had rows, no row of it has been changed or deleted since, whatever was added; its hash
// over them has to be what it was. If it has fewer, some were written or deleted, and it proves nothing. If
// it has more, rows have come from nowhere. A row version that is too old to be told from a new one (its
// number has come round) counts as written, which proves less and never too much; what the conversion itself
// writes (a column that is filled row by row, merged rows) does so as well. SQLite keeps no such numbers:
// there equal buckets prove that nothing was written, and the others nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "convert/conversion.h"
#include "convert/scheme.h"
#include "convert/shown.h"
#include "convert/wide.h"
#include "migrate/outcome.h"
#include "migrate/progress.h"

namespace guildhall::convert {

struct Amount {
  std::int64_t rows = 0;
  Wide hash = 0;

  Amount& operator+=(const Amount& other) {
    rows += other.rows;
    hash += other.hash;
    return *this;
  }
  friend bool operator==(const Amount&, const Amount&) = default;
};

/// By bucket; those without rows are left out.
using Buckets = std::map<std::size_t, Amount>;
Amount all_of(const Buckets& buckets);

/// Of what a row's hash and its bucket are made.
struct Measure {
  std::string kind;  // "rows", or "parent NAME by COLUMN"
  std::string table;
  std::vector<std::string> columns;              // of its own
  std::optional<Parent> parent = {};             // that the rows lead to
  std::vector<std::string> parent_columns = {};  // of that
  std::vector<std::string> key;                  // decides the bucket
  std::size_t buckets = 64;
};

/// Of one server; "NULL" where a row names none.
struct ServerSum {
  std::string server;
  Amount amount;
  std::map<std::string, std::string> totals = {};  // column -> exact decimal
};

struct Measured {
  Measure measure;
  Buckets all;
  Buckets unwritten = {};               // since the snapshot that was asked for
  std::vector<ServerSum> servers = {};  // of "rows", where the tenant column is there
  std::map<std::string, std::string> totals = {};
};

/// The number of the way in which rows of such a database are hashed by this build. Whoever changes a hash,
/// or what goes into it, counts it up.
int hashing_of(migrate::Dialect dialect);

struct Sums {
  /// In which they were; of count_servers 0.
  int hashing = 0;
  /// PostgreSQL: pg_current_snapshot(), as it writes it.
  std::string snapshot = {};
  std::vector<Measured> measured = {};
  std::vector<Shown> shown = {};
  /// SQLite: rows that break a foreign key ("child 5 -> parent"), and how far a table has counted its ids.
  std::optional<Amount> violations = {};
  std::map<std::string, std::int64_t> sequences = {};

  const Measured* find(std::string_view table, std::string_view kind = "rows") const;
};

struct SumOptions {
  /// What was taken before: the same columns and buckets are measured, and what was not written since then.
  const Sums* before = nullptr;
  migrate::Reporting reporting = {};
};

/// Of every table of the scheme. `session` is in a transaction that sees one state (PostgreSQL: repeatable
/// read); a few of its settings hold until its end. Problems: what the database refuses, `interrupted`
/// (asked to stop), `drift` (a column that was measured before is gone).
migrate::Outcome<Sums> take_sums(store::SchemaSession& session, const Scheme& scheme,
                                 const SumOptions& options = {});

/// Of every table that has the tenant column how many rows each server has, and nothing else: the hashes are
/// 0. Throws DatabaseError.
Sums count_servers(store::SchemaSession& session, const Scheme& scheme);

/// As take_sums, in a transaction of its own, which only reads.
migrate::Outcome<Sums> take_sums_apart(store::SchemaSession& session, const Scheme& scheme,
                                       const SumOptions& options = {});

/// Puts them down, all or none; what was put down for that phase stays. Within the transaction that is open,
/// or one of its own.
void remember(store::SchemaSession& session, Records& records, std::int64_t conversion,
              const std::string& phase, const Sums& sums);
/// Nothing where none were put down.
std::optional<Sums> remembered_sums(const Records& records, std::int64_t conversion, std::string_view phase);

}  // namespace guildhall::convert
