// The moment in which the tables of a SQLite file become those of many servers: within one transaction, with
// all that is found out before and compared after.
//
// The old table is dropped, or given another name, while nothing that mentions it is rewritten; then the new
// one takes its name. The other way round SQLite would rewrite views, triggers and references to follow the
// old table. What goes with a dropped table without a word (indexes, triggers, the counter of its numbers) is
// made again, triggers last: rows that are copied are no news to them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "convert/sqlite_plan.h"
#include "convert/sqlite_proof.h"
#include "convert/sqlite_rows.h"
#include "convert/sqlite_run.h"

namespace guildhall::convert {

class SqliteSwitch {
 public:
  /// All outlive it.
  SqliteSwitch(store::SchemaSession& session, const Scheme& scheme, const SqlitePlan& plan, Records& records,
               const SqliteOptions& options);

  /// Within a transaction that is the caller's to commit, when this says so. `filled`: tables whose new rows
  /// are there already, and were compared; their old ones are only given another name. Problems as of
  /// sqlite_proof.h and sqlite_rows.h; CV-CHANGED, where somebody altered a table since the plan was made.
  migrate::Outcome<SqliteReport> run(std::int64_t conversion, const std::set<std::string>& filled);

 private:
  migrate::Outcome<void> check_texts() const;
  void remember();
  migrate::Outcome<void> fill(const SqliteTable& table, SqliteRows& rows);
  void exchange(const SqliteTable& table);
  void put_away(const SqliteTable& table);
  void drop_changed_indexes(const SqliteTable& table);
  void take_indexes(const SqliteTable& table);
  void make_again();
  void set_counters();
  migrate::Outcome<void> add_servers();
  void recount(const SqliteTable& table);
  migrate::Outcome<void> check(const SqliteRows& rows);
  migrate::Outcome<void> check_views(const SqliteRows& rows);
  void say_version();
  bool is_filled(const SqliteTable& table) const { return filled_.contains(table.name()); }
  std::string target_of(std::string_view table) const;

  store::SchemaSession& session_;
  const Scheme& scheme_;
  const SqlitePlan& plan_;
  Records& records_;
  const SqliteOptions& options_;
  std::set<std::string> filled_;
  SqliteReport report_;
  References references_;
  std::map<std::string, std::int64_t> views_;
  std::map<std::string, std::int64_t> counters_;
  std::vector<Before> parts_;    // indexes and triggers, as they were
  std::set<std::string> taken_;  // names of indexes that the new tables have already
};

/// The table of servers, where there is none yet.
void make_registry(store::SchemaSession& session, const Scheme& scheme, const SqlitePlan& plan,
                   Records& records, std::int64_t conversion);
/// Problem CV-REGISTRY: that table takes no such row.
migrate::Outcome<void> register_servers(store::SchemaSession& session, const Scheme& scheme,
                                        const SqlitePlan& plan, const std::set<std::int64_t>& servers);
/// The texts of what a dropped table takes with it, of the tables of the plan: kinds "table", "index",
/// "trigger".
std::vector<Before> read_parts(store::SchemaSession& session, const SqlitePlan& plan);
/// The statements that make what the description wants of indexes; on `target`, which is the table or will
/// be.
std::vector<std::string> wanted_indexes(const SqliteTable& table, std::string_view target);
/// The name of an index of a table's successor, until it has the old one's.
std::string passing_index(std::string_view name);
/// What AUTOINCREMENT counted to, by table.
std::map<std::string, std::int64_t> read_counters(store::SchemaSession& session);
/// Never less than it was: the number of a row that is gone is not given out again.
void set_counter(store::SchemaSession& session, const std::string& table, std::int64_t least);

}  // namespace guildhall::convert
