// A verification for people and for programs: as text for a terminal, as JSON, and as one HTML page that
// needs nothing else and that somebody reads who knows the members and no SQL.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>

#include "convert/conversion.h"
#include "convert/verify.h"

namespace guildhall::convert {

/// What it is of.
struct ReportHead {
  std::string database;  // for people: the file, or host and database
  std::string made_at;   // UTC, to the second
  Conversion conversion;
  std::string registry = {};  // the table of servers
  /// Names of servers by id, as the registry has them.
  std::map<std::string, std::string> servers = {};
};

/// The registry's names; none where it has no such column. Throws DatabaseError.
std::map<std::string, std::string> server_names(store::SchemaSession& session, const Scheme& scheme);

/// Lines, each ended. Refused rows and twins: the first twenty of each, and
/// how many there are.
std::string report_text(const ReportHead& head, const Verification& found);

/// {"ok", "database", "made_at", "conversion", "writers", "contracted", "rows_compared", "tables", "owners",
/// "checks", "lists", "refused", "twins", "findings"}. Ids, totals and whatever a row held are strings,
/// counts of rows numbers.
boost::json::object report_json(const ReportHead& head, const Verification& found);

/// UTF-8, self-contained, light and dark.
std::string report_html(const ReportHead& head, const Verification& found);

// --- the same words in each of them

/// "1,234,567.50"
std::string shown_number(const std::string& decimal);
/// "everything is as it was", "..."
std::string verdict_sentence(const Verification& found);
/// What was done, in sentences for people.
std::string what_was_done(const ReportHead& head, const Verification& found);
/// "kick_username alice, points 5" of a JSON object; what holds nothing is left out.
std::string shown_row(const std::string& row);

}  // namespace guildhall::convert
