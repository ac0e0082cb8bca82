// A SQLite file of a bot that served one server, for tests of its conversion.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "convert/scheme.h"
#include "convert/sqlite_rebuild.h"
#include "convert/verify.h"
#include "store/quoting.h"
#include "tests/support/any_database.h"

namespace guildhall::test {

inline constexpr std::int64_t kHome = 700'000'000'000'000'001;
inline constexpr std::int64_t kOther = 700'000'000'000'000'002;

class SqliteConversion : public OnSqlite {
 protected:
  // The tests are not of what the disk keeps, and would wait for it most of the time.
  SqliteConversion() { execute("PRAGMA synchronous=OFF"); }

  void execute(const std::string& sql) { session().execute(sql); }

  /// Rows as "a|b\n".
  std::string dump(const std::string& sql) {
    std::string text;
    for (const auto& row : session().query(sql)) {
      for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : "|") + row[i];
      text += '\n';
    }
    return text;
  }

  /// All that is in the file, texts and rows, but for what the tool remembers.
  std::string whole_file() {
    std::string text;
    for (const auto& row : session().query(
             "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema "
             "WHERE name NOT LIKE 'guildhall_conversion%' AND tbl_name NOT LIKE 'guildhall_conversion%' "
             "ORDER BY type, name")) {
      text += row[0] + " " + row[1] + " " + row[2] + " " + row[3] + "\n";
      if (row[0] != "table") continue;
      const std::string own = row[1] == "sqlite_sequence" ? " WHERE name NOT LIKE 'guildhall%'" : "";
      text += dump("SELECT * FROM " + store::quoted_name(row[1]) + own);
    }
    return text + dump("PRAGMA user_version");
  }

  const convert::Scheme& read(std::string_view description, std::int64_t home = kHome) {
    auto parsed = convert::parse_description(description, "test.toml");
    if (!parsed) throw std::runtime_error(parsed.error().finding.text);
    return read(*parsed, home);
  }
  const convert::Scheme& read(const convert::Description& description, std::int64_t home = kHome) {
    return read_of(session(), description, home);
  }
  /// The same of another file.
  const convert::Scheme& read_of(store::SchemaSession& file, const convert::Description& description,
                                 std::int64_t home = kHome) {
    schema_ = convert::read_sqlite_schema(file);
    scheme_ = convert::make_scheme(schema_, description);
    scheme_.home = home;
    return scheme_;
  }

  migrate::Outcome<convert::SqliteReport> rebuild(const convert::SqliteOptions& options = {}) {
    return convert::rebuild_sqlite(session(), scheme_, {.description = "test"}, options);
  }

  /// Of now, of the newest conversion, by the description that was read last; while nobody writes.
  convert::Verification verified(bool contracted = true) {
    convert::Records records(session(), migrate::Dialect::sqlite);
    const convert::Description description = scheme_.description;
    read(description, scheme_.home);
    auto found = convert::verify(session(), scheme_, records, records.newest()->number,
                                 {.writers = convert::Writers::stopped, .contracted = contracted});
    if (!found) throw std::runtime_error(problem(found));
    return *std::move(found);
  }
  /// What is wrong as that says, "CODE text" a line.
  static std::string findings_of(const convert::Verification& found,
                                 migrate::Level level = migrate::Level::error) {
    std::string texts;
    for (const auto& finding : found.findings) {
      if (finding.level == level) texts += finding.code + " " + finding.text + "\n";
    }
    return texts;
  }

  /// A step of a run is where it ends, as by a kill.
  struct Killed {};

  /// "" where it went well, else the problem's code and text.
  template <class Done>
  static std::string problem(const migrate::Outcome<Done>& outcome) {
    return outcome ? "" : outcome.error().finding.code + ": " + outcome.error().finding.text;
  }

  convert::OldSchema schema_;
  convert::Scheme scheme_;
};

}  // namespace guildhall::test
