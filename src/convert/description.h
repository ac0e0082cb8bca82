// What somebody has to know of a single-server database to make it a multi-server one, in a file:
// convert.toml. The presets `kick` and `reading-club` are such files, and `convert inspect --write` drafts
// one.
//
//   tenant_column = "discord_server_id"
//   zero = "home"                    # of each table that says nothing else; "refuse" without it
//
//   [registry]                       # the table of servers; made where it is missing
//   table = "servers"
//   column = "discord_server_id"
//   name = "server_name"             # optional: what a server is called
//
//   [[evidence]]                     # where a database says whose it is, best first
//   table = "links"
//   column = "discord_server_id"
//
//   [table.user_points]
//   class = "tenant"                 # tenant, child, override, global, registry
//   sums = ["points", "total_earned"]
//   folded = ["kick_username"]
//   twins = "merge"                  # names that differ in case alone are one: `duplicates` says how
//   duplicates = "sum"
//   newest_by = "last_updated"
//
//   map_key = ["kick_username"]      # what a map file knows its rows by; its primary key without it
//   evidence = [{ table = "links", columns = ["kick_username"], referenced = ["kick_name"],
//                 server = "discord_server_id", folded = true }]
//                                    # --by-evidence: the server of the link of that name, in whatever case
//
//   [table.gtb_guesses]
//   class = "child"
//   parents = [{ table = "gtb_sessions", columns = ["session_id"], referenced = ["id"] }]
//
//   [table.user_progress]            # rows that a new key has no place for; most of it of SQLite alone
//   class = "child"
//   parents = [{ table = "users", columns = ["user_id"], referenced = ["id"], mistaken = "discord_id" }]
//   unique = [["user_id", "item"]]
//   duplicates = "best"              # refuse, sum, newest, first, best, keep_all
//   best_by = ["chapters_read DESC", "id"]
//   not_null = ["name"]              # rows without it are put aside,
//   fill = { name = "'user-' || id" }  # but for those that get it from here
//
//   [table.steam_users]
//   class = "tenant"
//   natural = true                   # its INTEGER PRIMARY KEY is a person's id
//   surrogate = "id"                 # and its rows get a number beside
//
//   [[report]]                       # a list that the report shows before and after
//   title = "Richest members"
//   table = "user_points"
//   name = "kick_username"
//   value = "points"
//   per = "top"                      # the ten greatest; "group": each name with the sum of its values
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded.h"
#include "migrate/outcome.h"

namespace guildhall::convert {

/// Whose rows a table holds.
enum class TableClass {
  tenant,    // each row belongs to one server
  child,     // the same, and a row of another table says to which
  override,  // settings: a row of a server, or with server 0 of all that have none of their own
  global,    // none's: the catalogue of a platform, the program's own
  registry   // the servers themselves
};
std::string_view name_of(TableClass table_class);

/// A row's server is that of the row of `table` whose `referenced` columns have the values of `columns`.
struct Parent {
  std::string table;
  std::vector<std::string> columns;
  std::vector<std::string> referenced;
  /// A column of `table` that programs took for the one of `referenced`: a row that none of those matches and
  /// exactly one of these gets the right value. "" for none.
  std::string mistaken = {};
};

/// A row that says no server is of the one server that the rows of `table` name whose `referenced` columns
/// have the values of `columns`. It says nothing where they name several.
struct RowEvidence {
  std::string table;
  std::vector<std::string> columns;
  std::vector<std::string> referenced;
  std::string server;   // column of `table`
  bool folded = false;  // upper and lower case are the same

  /// "links by kick_username"
  std::string name() const;
};

/// A count that rows of another table give, too: never less than they say.
struct Recount {
  std::string column;                // of the table that the rule is of
  std::string table;                 // whose rows are counted, of the same server
  std::vector<std::string> columns;  // of the first,
  std::vector<std::string> counted;  // and of the second: the same values
};

/// What becomes of rows that could not stand beside each other under a new key.
enum class Duplicates {
  refuse,   // the conversion is refused until somebody has decided
  sum,      // one row with the sum of `sums` and the newest of the rest
  newest,   // the one with the greatest `newest_by`
  first,    // the one with the least key
  best,     // the first in the order of `best_by`
  keep_all  // an append-only log: there is no such key
};
std::string_view name_of(Duplicates rule);
/// One of such rows stays, by a rule that both databases know: sum, newest, first.
bool makes_one(Duplicates rule);

/// What becomes of names that differ in case alone (`folded`).
enum class TwinNames {
  keep,  // each stays what it is, and is reported
  merge  // under a key they count for one, and what they have in common is a duplicate
};
std::string_view name_of(TwinNames rule);

/// What a server of 0 means in rows of a table that is not an override.
enum class Zero {
  refuse,           // nobody has said
  home,             // the home's; also of rows that come with 0
  home_at_contract  // the same, but while the old program runs it goes on writing and reading 0
};
std::string_view name_of(Zero rule);

/// Whose the rows of a table are that has no tenant column yet: the home server's, or of an override all
/// servers'.
enum class Absent { home, all };

struct TableRule {
  std::string table;
  TableClass table_class = TableClass::tenant;
  /// The name that its tenant column has, or gets: "guild_id" where an old table has that.
  std::string column;
  std::vector<Parent> parents = {};      // of a child, the first that has such a row decides
  std::vector<std::string> sums = {};    // columns whose total stays what it is: points, minutes, prices
  std::vector<std::string> folded = {};  // names: values that differ in case alone are reported
  TwinNames twins = TwinNames::keep;
  /// What a row is known by, whatever id it has: "discord_id". Of a parent: who a child's row is about.
  std::vector<std::string> person = {};
  /// Keys that the old program only promised: unique within a server from now on.
  std::vector<std::vector<std::string>> unique = {};
  std::vector<std::string> indexes = {};  // behind the tenant column: "points DESC"
  Duplicates duplicates = Duplicates::refuse;
  std::string newest_by = {};
  std::vector<std::string> best_by = {};  // SQL: "chapters_read DESC", "status = 'completed' DESC"
  /// Columns that may not be NULL any more: rows that are so are refused, but for those of `fill`.
  std::vector<std::string> not_null = {};
  /// SQL that takes the place of NULL, by column: "'user-' || id".
  std::map<std::string, std::string> fill = {};
  /// SQLite, of an INTEGER PRIMARY KEY: is it a key that means something (a person's id), and unique within a
  /// server alone, or only the row's number? Has to be said where the database does not count it on.
  std::optional<bool> natural = {};
  /// SQLite: a row's number of this name is added where there is none. "": it is not.
  std::string surrogate = {};
  std::optional<Recount> recount = {};
  /// What a map of rows knows one by: unique, and never NULL. Empty: its primary key, or else its first key.
  std::vector<std::string> map_key = {};
  std::vector<RowEvidence> evidence = {};  // the first that says anything counts
  Zero zero = Zero::refuse;
  Absent absent = Absent::home;
  std::size_t line = 0;  // of the file
};

struct Registry {
  std::string table;
  std::string column;
  std::string name = {};  // "" where it has no such column
};

struct Evidence {
  std::string table;
  std::string column;
};

/// What the report shows of a table, as it was and as it is, for somebody who knows the members and no SQL.
struct ReportList {
  enum class Per {
    top,   // the ten names with the greatest sum of values
    group  // every name, in its own order: the tickets of each raffle
  };
  std::string title;
  std::string table;
  std::string name;   // column
  std::string value;  // column, of numbers
  Per per = Per::top;
  std::size_t line = 0;  // of the file
};
std::string_view name_of(ReportList::Per per);

struct Description {
  std::string name;  // "kick", or the file's
  std::string tenant_column;
  Zero zero = Zero::refuse;
  Registry registry;
  std::vector<Evidence> evidence = {};
  std::map<std::string, TableRule> tables = {};  // by name
  std::vector<ReportList> reports = {};

  const TableRule* find(std::string_view table) const;
};

/// Problem `usage` names file, line and field. `file` is for messages.
migrate::Outcome<Description> parse_description(std::string_view content, const std::string& file);
/// Of a file, or the preset of that name: "kick", "reading-club". Problem `usage`.
migrate::Outcome<Description> read_description(const std::string& file_or_preset);
/// As a file would say it; what it says of itself is what was read.
std::string write_description(const Description& description);

/// The presets' files, NAME.toml.
std::span<const EmbeddedFile> embedded_presets();

}  // namespace guildhall::convert
