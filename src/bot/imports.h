// Taking over what an old bot kept: each feature says which of the old tables are its own and how a row of
// theirs becomes one of ours. The room `import` reads the old database and calls what is declared here.
//
// What has been booked of each old key is remembered (import_carried), and only the difference to what the
// old database says now is ever booked, in the same transaction: a run that was killed goes on, a second one
// brings what is new, and following the old bot is the same step on the keys that it changed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "bot/persons.h"
#include "store/tx.h"
#include "tenancy/audit.h"

namespace guildhall::bot {

/// Where an importer's rows are. Columns are read as whole numbers, NULL as 0.
struct OldSource {
  std::string table;
  std::string key;  // the column by which a row is known: a name, a Discord id
  std::vector<std::string> numbers = {};
  std::string text = {};    // a column, or "" for none
  std::string moment = {};  // of `timestamp` without zone, or "" for none
  /// Only rows with this value in this column, where the table has the column.
  std::string only_column = {};
  std::string only_value = {};
};

/// All rows of one old key.
struct OldRow {
  std::string key;
  std::vector<std::int64_t> numbers = {};  // summed over the key's rows
  std::string text = {};                   // of the row that names its server, where one does
  std::optional<TimePoint> moment = {};    // the latest
};

/// What an old row comes to, in the importer's own measure.
struct Reckoned {
  std::int64_t credited = 0;
  std::int64_t debited = 0;
  std::string text = {};
  std::string remark = {};   // where a rule had to decide something: for the report and the booking's reason
  std::string refused = {};  // why nothing of it is taken over
  bool waits = false;        // no feature knows it yet
};

/// What is to be booked of one old key: the differences to what was.
struct ImportEntry {
  std::string key;
  FoundIdentity viewer = {};  // of importers by name
  std::int64_t credited = 0;
  std::int64_t debited = 0;
  std::string text = {};    // as it is now; "" where the old row is gone
  std::string before = {};  // as it was carried
  std::optional<TimePoint> moment = {};
  std::int64_t times = 0;  // how often this key was booked before
  std::string remark = {};
  std::string refused = {};  // by `book`: why nothing of this entry was booked
};

struct ImportCall {
  std::string source;  // "kick"
  ServerId server;
  TimePoint now;
  tenancy::Actor actor;
};

struct CarriedTotals {
  std::int64_t keys = 0;
  std::int64_t credited = 0;
  std::int64_t debited = 0;
};
BOOST_DESCRIBE_STRUCT(CarriedTotals, (), (keys, credited, debited))

struct Importer {
  std::string source;  // "kick"
  std::string item;    // "watchtime": unique within the source, kept with every row; never changed
  std::string title;   // for people
  /// Which of these the old database has is read, the first.
  std::vector<OldSource> from;
  std::vector<std::string> measures = {};  // what credited and debited are, for people
  bool by_name = true;                     // the key is a viewer's name
  std::string named_in = {};               // else a column with one, or "" for none
  /// Its rows add up: two names that fold to one would be added to one person.
  bool adds_up = false;
  /// It makes the bot act: behind everything else, and while the old bot is followed only at the switch.
  bool acts = false;
  std::function<Reckoned(const OldRow&)> reckon;
  /// Books all entries, or says in `refused` why one is not; what it throws undoes the chunk.
  std::function<store::TxTask<std::vector<ImportEntry>>(store::Tx&, const ImportCall&,
                                                        std::vector<ImportEntry>)>
      book;
  /// What here has to agree with everything that was ever carried: why it does not, or "".
  std::function<store::TxTask<std::string>(store::Tx&, CarriedTotals)> check = {};
};

/// What was booked of an old key so far.
struct Carried {
  std::string old_key;
  std::int64_t credited = 0;
  std::int64_t debited = 0;
  std::string value = {};
  std::int64_t times = 0;
};
BOOST_DESCRIBE_STRUCT(Carried, (), (old_key, credited, debited, value, times))

/// Of the keys from `first` to `last` (bytewise, both among them), in their order.
store::TxTask<std::vector<Carried>> carried_between(store::Tx& tx, std::string source, std::string item,
                                                    std::string first, std::string last);
/// Of those behind `last`, so many at most.
store::TxTask<std::vector<Carried>> carried_behind(store::Tx& tx, std::string source, std::string item,
                                                   std::string last, std::int64_t limit);
/// Of these keys, each of which stands there once, in their order. For a transaction that may write.
store::TxTask<std::vector<Carried>> carried_of(store::Tx& tx, std::string source, std::string item,
                                               std::vector<std::string> keys);
store::TxTask<void> set_carried(store::Tx& tx, std::string source, std::string item,
                                std::vector<Carried> carried, TimePoint now);

store::TxTask<CarriedTotals> carried_totals(store::Tx& tx, std::string source, std::string item);

/// What everybody of the server has, whatever it comes from.
struct Standing {
  PersonId person_id;
  Duration watched_us{0};
  std::int64_t points = 0;
};
BOOST_DESCRIBE_STRUCT(Standing, (), (person_id, watched_us, points))
/// Of the people behind `last`, in their order, so many at most.
store::TxTask<std::vector<Standing>> standings(store::Tx& tx, PersonId last, std::int64_t limit);

/// One of the platform's users. Of several with one name the last in the order of (first_seen_at,
/// platform_user_id descending) has it.
struct Viewer {
  std::string platform_user_id;
  std::string name;
  std::string folded_name;
  PersonId person_id;
  TimePoint first_seen_at;
};
BOOST_DESCRIBE_STRUCT(Viewer, (), (platform_user_id, name, folded_name, person_id, first_seen_at))
/// Of the users behind `last` in the order of their numbers, bytewise, so many at most.
store::TxTask<std::vector<Viewer>> viewers(store::Tx& tx, std::string platform, std::string last,
                                           std::int64_t limit);

/// Whole numbers of the old database as text: a Discord id with 64 bits, above 0.
std::optional<DiscordUserId> parse_member(const std::string& text);

class Declarations;
/// What bot itself takes over: links and settings. `declarations` outlives the importers.
void declare_importers(Declarations& declarations);

}  // namespace guildhall::bot
