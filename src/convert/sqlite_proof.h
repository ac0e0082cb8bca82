// That a conversion of a SQLite file did what it should, asked of the old rows and the new ones while both
// are there: row by row, never by counts, which a mix-up leaves as they are.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "convert/sqlite_plan.h"
#include "convert/sqlite_rows.h"

namespace guildhall::convert {

/// A row that refers to one that is not there.
struct Dangling {
  std::string table;
  std::string row;  // SqliteTable::old_key, or the row's number
  std::string parent;
  std::string columns;  // in lower case, without the tenant column

  auto operator<=>(const Dangling&) const = default;
};

struct References {
  std::set<Dangling> dangling;
  /// Of these, through a reference that has the server in it: they may lead somewhere once it is filled in.
  std::set<Dangling> by_server;
  std::set<std::string>
      mismatched;  // tables of which SQLite itself cannot tell: their parents have no such key
};

/// Of all tables as they stand, whether they are part of the conversion or not. `is_new`: they are converted.
References read_references(store::SchemaSession& session, const OldSchema& schema, const SqlitePlan& plan,
                           bool is_new);
/// Problem CV-FKCHECK: what dangles now that did not, or does no more and nobody changed it.
migrate::Outcome<void> compare_references(const References& before, const References& after,
                                          const RowKeys& changed);

/// Every old row that goes on is there once, and each of its values is what it has to be; each row's parent
/// is the one that it was. `target`: where the new rows are. Problem CV-ROWS.
migrate::Outcome<void> compare_rows(store::SchemaSession& session, const SqliteTable& table,
                                    std::string_view target, std::int64_t left_out = 0,
                                    bool has_sums = false);
/// Each row's parent, found through its new reference, is what became of the old one's. Problem CV-PARENT.
/// `target_of` names where the new rows of a table are.
migrate::Outcome<void> compare_parents(store::SchemaSession& session, const SqlitePlan& plan,
                                       const SqliteTable& table,
                                       const std::function<std::string(std::string_view)>& target_of);

/// Rows that each view answers; less than 0 of one that cannot be read.
std::map<std::string, std::int64_t> count_views(store::SchemaSession& session, const OldSchema& schema);
/// Only whether: 0 of one that can be read. Nothing of it is, for where somebody waits.
std::map<std::string, std::int64_t> try_views(store::SchemaSession& session, const OldSchema& schema);
/// Problem CV-VIEW: one that could be read, and cannot any more.
migrate::Outcome<void> compare_views(const std::map<std::string, std::int64_t>& before,
                                     const std::map<std::string, std::int64_t>& after);
/// PRAGMA integrity_check. Problem CV-DAMAGED with its first line.
migrate::Outcome<void> check_integrity(store::SchemaSession& session);
/// The same promise for tables that were just made, where somebody waits: every page of the file is in its
/// place and belongs to one table or index, NOT NULL and CHECK hold (PRAGMA quick_check), and each index of
/// the tables has an entry for each row, with its values, and no other (of a table and an index alike hashes
/// of the entries are added up). integrity_check looks each row up in each index for that, which takes many
/// times as long; it alone would see an index that is out of order, or whose key is there twice, although
/// SQLite has sorted it just now. Indexes with expressions, of columns that are made from others, or of
/// a part of the rows, and tables WITHOUT ROWID, are left to it. Problem CV-DAMAGED.
migrate::Outcome<void> check_new_tables(store::SchemaSession& session, const std::vector<std::string>& names);

}  // namespace guildhall::convert
