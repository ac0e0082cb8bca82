// Whether a converted database holds what it held, and is what it has to be: sums.h of before and of now
// compared, every row's server, every child's parent, keys, constraints, and the seal tried out. Nothing is
// changed by it.
//
//   CV-SUM         a table's rows are not those that were there before
//   CV-SERVERSUM   a server has not the rows that it had, and got
//   CV-OWNER       rows of a child are about somebody else than before
//   CV-FEWER       others write, and a table has fewer rows than before: whether they deleted them cannot be
//                  told (warning)
//   CV-NOSERVER, CV-ZERO, CV-RANGE, CV-TEXTID, CV-UNLISTED, CV-CONTRADICT   rows, as in conflicts.h
//   CV-MAP         rows that have another server than was found for them (while others write: warning)
//   CV-KEY         a key or foreign key that holds between servers, once contract is done
//   CV-INVALID     a constraint that was never validated, an index that was never finished
//   CV-REFERENCE   SQLite: other references lead nowhere than before
//   CV-SEQUENCE    SQLite: an id may be given a second time
//   CV-MARKER      SQLite: a file of one server that is not marked as its own
//   CV-SHAPE       such a file: a table is not what it was, but for its column
//   CV-DAMAGED     SQLite finds the file damaged
//   CV-LEFT        SQLite: tables that were replaced are still to be taken away (warning)
//   CV-NOSUMS      such a file: nothing was added up before it, so that rows cannot be compared (warning)
//   CV-HASHING     the sums of before were hashed in another way: nothing can be compared with them
//   CV-SEAL        rows that are not sealed off: no row security, no policy, or the probe got at them
//   CV-NOPROBE     the seal could not be tried out (warning)
//   CV-UNKNOWN     what could not be looked at (error: what is not known is not verified)
//
// A difference that the refused rows account for is none: as many rows fewer as those of them that were taken
// out, their values fewer in the totals (none fewer where the rule is "sum"), and no more buckets touched
// than they can have touched. Where a conversion of a SQLite file put down what it made of such a table
// (sqlite_sums.h), no other difference is explained by them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "convert/conflicts.h"
#include "convert/conversion.h"
#include "convert/scheme.h"
#include "convert/sums.h"

namespace guildhall::convert {

/// Whether anybody but the tool has written since the sums of before.
enum class Writers { stopped, running };

enum class Verdict {
  equal,      // row by row
  explained,  // but for the refused rows
  written,    // what others have not written since is equal, the rest cannot be compared
  differs
};
std::string_view name_of(Verdict verdict);

struct TotalComparison {
  std::string column;
  std::string before;
  std::string after;
};

struct ServerComparison {
  std::string server;       // "NULL": of rows that named none
  std::int64_t before = 0;  // rows
  std::int64_t after = 0;
};

struct TableComparison {
  std::string table;
  TableClass table_class = TableClass::tenant;
  Verdict verdict = Verdict::equal;
  std::int64_t rows_before = 0;
  std::int64_t rows_after = 0;
  std::int64_t proven = 0;   // rows that are shown to be what they were
  std::int64_t refused = 0;  // rows that gave way or were taken out
  std::vector<TotalComparison> totals = {};
  std::vector<ServerComparison> servers = {};
};

/// Of whom the rows of a child are.
struct OwnerComparison {
  std::string table;
  std::string parent;  // "gtb_sessions by session_id"
  Verdict verdict = Verdict::equal;
  std::int64_t proven = 0;
  std::int64_t rows = 0;
};

/// A question with its answer, for people.
struct Answered {
  std::string title;  // "No row is without a server"
  bool holds = true;
  std::string text = {};  // what was looked at, or what is wrong
};

struct ListRow {
  std::string server;
  std::string name;
  std::string before;
  std::string after;  // "" where the row is not there any more
};

struct ListComparison {
  std::string title;
  std::vector<ListRow> rows;
};

struct Verification {
  bool ok = true;  // no finding is an error
  Writers writers = Writers::running;
  bool contracted = false;
  /// Not with Proof::servers, nor of a SQLite file that became one server's own without being added up
  /// before: its rows are not compared, `tables`, `owners` and `lists` are empty.
  bool is_compared = true;
  /// It is of one server, and stays so.
  bool is_of_one_server = false;
  std::size_t converted = 0;  // tables
  std::vector<TableComparison> tables = {};
  std::vector<OwnerComparison> owners = {};
  std::vector<Answered> checks = {};
  std::vector<ListComparison> lists = {};
  std::vector<Refused> refused = {};
  std::vector<Twins> twins = {};
  migrate::Findings findings = {};
  Sums sums = {};  // of now
};

/// What is held against before.
enum class Proof {
  rows,    // every value of every row, by sums
  servers  // nothing: whether each row has its server is looked at, and all that is not about rows
};

struct VerifyOptions {
  Proof proof = Proof::rows;
  Writers writers = Writers::running;
  bool contracted = false;
  /// PostgreSQL: whoever the new program signs in as; "": rows are not sealed off.
  std::string role = {};
  /// Names that look alike: for those who read the report, since they are no fault.
  bool with_twins = true;
  migrate::Reporting reporting = {};
};

/// CV-HASHING, before anything is done: `verify` could not compare with the sums that were put down. Throws
/// DatabaseError.
migrate::Outcome<void> check_hashing(const Records& records, std::int64_t conversion,
                                     migrate::Dialect dialect);

/// `scheme` is of the schema as it is now, with the home chosen; `session` is in no transaction. Problems:
/// `refused` (no sums of before, where the way that was taken writes rows; or sums that were hashed in
/// another way than this build's), those of take_sums, and what the database refuses.
migrate::Outcome<Verification> verify(store::SchemaSession& session, const Scheme& scheme, Records& records,
                                      std::int64_t conversion, const VerifyOptions& options);

}  // namespace guildhall::convert
