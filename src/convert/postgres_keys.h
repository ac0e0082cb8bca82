// Keys and references of a table as they are and as they are to be: the same columns with the server before
// them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "convert/scheme.h"
#include "convert/step.h"

namespace guildhall::convert {

/// A key that a table is to have.
struct WantedKey {
  std::vector<IndexPart> parts;  // the server first
  bool is_unique = true;
  bool nulls_not_distinct = false;
  std::string method = "btree";
  std::vector<std::string> included = {};
  std::string predicate = {};
  std::string name_base;       // what its name begins with
  const Index* old = nullptr;  // whose place it takes, where there is one
};

/// One for each old key, each declared one and each index of the description.
std::vector<WantedKey> wanted_keys(const SchemeTable& table);
/// The index that is this one already, valid or not; nullptr when there is none.
const Index* find_index(const Table& table, const WantedKey& wanted);
/// CREATE [UNIQUE] INDEX CONCURRENTLY ...
std::string create_index(const OldSchema& schema, const SchemeTable& table, const WantedKey& wanted,
                         const std::string& name);

/// A reference from one server's row to another of the same server.
struct WantedReference {
  std::string name_base;
  std::vector<std::string> columns;
  std::string table;
  std::vector<std::string> referenced;
  const ForeignKey* old = nullptr;  // whose place it takes; nullptr: to the registry
};

enum class Phase { expand, contract };
/// While the old program runs there is none to the registry from rows that it writes with server 0.
std::vector<WantedReference> wanted_references(const Scheme& scheme, const SchemeTable& table, Phase phase);
/// The foreign key that is this one already, valid or not.
const ForeignKey* find_reference(const Table& table, const WantedReference& wanted);
/// "FOREIGN KEY (...) REFERENCES ... NOT VALID"
std::string reference_clause(const OldSchema& schema, const WantedReference& wanted);

/// The key of a partitioned table, and the index of each partition that is to stand behind it.
struct PartitionedKey {
  std::string constraint;
  bool is_primary = false;
  std::vector<std::string> columns;
  std::string deferral;
  std::vector<std::pair<std::string, std::string>> indexes = {};  // partition and index
};
/// Statements, of one transaction, that make that key of finished indexes: PostgreSQL knows no USING INDEX
/// for the table itself.
std::vector<std::string> make_partitioned_key(const OldSchema& schema, const std::string& table,
                                              const PartitionedKey& key);

/// Views that hang on one of these constraints, and what reads those, each behind what it reads.
std::vector<View> views_on(const OldSchema& schema, const std::vector<std::string>& constraints);
std::string drop_view(const OldSchema& schema, const View& view);
/// Makes it again, a materialised one without its rows: they are read over tables that nobody else can read
/// or write while their keys are swapped. Until `fill_steps` have filled it, behind that, whoever asks it is
/// told that it has not been populated. `makes`: so that those find it, where it had rows.
std::string create_unfilled(const View& view, std::vector<Made>& makes);
/// Statements that make it again so, with what hung on it. What it has become is put down, unless somebody
/// has made it theirs: the way back knows by that whether it has been changed since.
std::vector<std::string> make_view(const OldSchema& schema, const View& view, std::vector<Made>& makes,
                                   bool is_ours = true);
/// The view as it has to be while the primary keys of these tables begin with the server: what groups by the
/// old one, of `keys`, groups by the server too.
struct KeyOfView {
  std::string table;
  std::vector<std::string> columns;  // of the old primary key
  std::string server;
};
View grouped_by_server(View view, const std::vector<KeyOfView>& keys);
/// Of such views those that have no rows yet, each behind what it reads.
Steps fill_steps(const OldSchema& schema, const MadeThings& made);
/// The kind of Made of one whose rows could not be read, with the reason.
inline constexpr std::string_view kUnfillable = "unfillable";

/// What a constraint that takes the place of this one says of when it is checked: " DEFERRABLE", or "".
std::string deferral(const Index& old);

/// The function behind kFillTrigger of that table, as SQL has it.
std::string fill_function(const std::string& table);

/// Names for what is made.
class NewNames {
 public:
  explicit NewNames(const OldSchema& schema) : schema_(schema) {}
  /// One that nothing has yet, and that was not given before, in at most 63 bytes: `base` with `ending`,
  /// shortened where it has to be.
  std::string give(const std::string& base, std::string_view ending);

 private:
  const OldSchema& schema_;
  std::set<std::string> given_;
};

}  // namespace guildhall::convert
