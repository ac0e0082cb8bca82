// Whose the amounts of old names became when they were taken over. Names change hands: the viewer who has one
// now need not be the one who had it then. So an import notes with each old name how much of it was booked
// for whom (`Carried::value` of the importers by name), by the person that the viewer's identity was born
// with, which stays with it whatever he is called and linked to. What was taken over before that was noted
// has "" there; for points the ledger says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "store/tx.h"

namespace guildhall::bot {

/// How much of an old name's amount was booked for which viewer.
struct Part {
  PersonId home;            // of the viewer's identity
  std::int64_t amount = 0;  // credited less debited, as the importer measures
};
/// Of "7=100 12=-5". What cannot be read so has no parts.
std::vector<Part> parse_parts(std::string_view value);
/// With one more. A part that has come to nothing is left out, unless it is the only one.
std::string add_part(std::string_view value, Part part);

/// The id of the ledger's operation that books an old name's points for the so many-th time, from 1.
std::string points_operation(const std::string& source, std::int64_t times, const std::string& key);
struct PointsBooking {
  std::int64_t times = 0;
  std::string key;
};
/// Nothing for other ids.
std::optional<PointsBooking> parse_points_operation(const std::string& source, const std::string& id);

/// An operation of an import and whose balance it changed: the viewer's own person's, or the one's that he
/// was linked to then.
struct BookedPoints {
  std::string operation_id;
  PersonId holder_id;
};
BOOST_DESCRIBE_STRUCT(BookedPoints, (), (operation_id, holder_id))
/// Of the operations behind `last` ("" for the first), in the order of their ids, so many at most.
store::TxTask<std::vector<BookedPoints>> booked_points_behind(store::Tx& tx, std::string source,
                                                              std::string last, std::int64_t limit);

/// What was booked of an old name.
struct OldName {
  std::string old_key;
  std::int64_t credited = 0;
  std::int64_t debited = 0;
  std::string value = {};
  TimePoint carried_at = {};  // the last time
};
BOOST_DESCRIBE_STRUCT(OldName, (), (old_key, credited, debited, value, carried_at))
/// Of those behind `last`, bytewise, so many at most.
store::TxTask<std::vector<OldName>> old_names_behind(store::Tx& tx, std::string source, std::string item,
                                                     std::string last, std::int64_t limit);

/// A platform's user who is linked.
struct LinkedViewer {
  std::string platform_user_id;
  PersonId person_id;
  PersonId home_person_id;
};
BOOST_DESCRIBE_STRUCT(LinkedViewer, (), (platform_user_id, person_id, home_person_id))
/// Of the users behind `last` in the order of their numbers, bytewise, so many at most.
store::TxTask<std::vector<LinkedViewer>> linked_viewers(store::Tx& tx, std::string platform, std::string last,
                                                        std::int64_t limit);

void declare_import_trace(store::StatementRegistry& statements);

}  // namespace guildhall::bot
