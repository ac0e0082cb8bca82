#include "migrate/full_place.h"

#include <fmt/format.h>

#include <filesystem>

namespace guildhall::migrate {
namespace {

constexpr std::string_view kDiskFull = "53100";

/// Where tablespaces lie is everybody's to know, the data directory is not.
constexpr const char* kPlace =
    "SELECT t.spcname, coalesce(nullif(pg_tablespace_location(t.oid), ''), CASE WHEN "
    "pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') ELSE 'the data "
    "directory of the server' END) FROM pg_tablespace t WHERE t.oid = CASE WHEN $1::oid <> 0 THEN $1::oid "
    "ELSE (SELECT dattablespace FROM pg_database WHERE datname = current_database()) END";

std::string place_in_postgres(store::SchemaSession& session, const std::string& message) {
  const std::string number = full_tablespace(message);
  if (number.empty()) return "";
  const auto rows = session.query(kPlace, {number});
  return rows.empty() ? "" : fmt::format("tablespace {} ({})", rows[0][0], rows[0][1]);
}

}  // namespace

std::string full_tablespace(std::string_view message) {
  constexpr std::string_view kOwn = "\"pg_tblspc/";
  if (const auto at = message.find(kOwn); at != std::string_view::npos) {
    const std::string_view rest = message.substr(at + kOwn.size());
    return std::string(rest.substr(0, rest.find_first_not_of("0123456789")));
  }
  return message.find("\"base/") != std::string_view::npos ? "0" : "";
}

void name_full_place(Problem& problem, store::SchemaSession& session, const Target& target) {
  // That of a backup names its folder itself.
  if (problem.finding.code == "MG-SPACE") return;
  std::string place;
  if (target.dialect == Dialect::sqlite) {
    place = fmt::format("the disk of '{}'", std::filesystem::absolute(session.name()).parent_path().string());
  } else if (problem.sqlstate == kDiskFull) {
    try {
      place = place_in_postgres(session, problem.finding.text);
    } catch (const store::DatabaseError&) {
      // The problem itself is what counts.
    }
  }
  if (place.empty()) return;
  problem.finding.text += fmt::format("; full is {}", place);
  problem.finding.hint = fmt::format("Free some space there, and start again: {}.", place);
}

}  // namespace guildhall::migrate
