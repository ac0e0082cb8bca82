// The text of a CREATE TABLE of SQLite, taken apart and put together again: the only way to another key
// there, as no ALTER TABLE changes one. What is not touched stays word for word: types, defaults, collations,
// checks, generated columns, STRICT and WITHOUT ROWID.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migrate/outcome.h"

namespace guildhall::convert {

/// A name without its quotes.
std::string unquoted(std::string_view written);
/// Whether SQLite takes both for one name.
bool is_same_name(std::string_view a, std::string_view b);
bool has_name(const std::vector<std::string>& names, std::string_view name);
/// That a text has this name in it; of one that is not understood it may.
bool mentions(const std::string& sql, std::string_view name);
/// What a table or an index of it is made of, its columns not called by the table's name (`t.a`, `main.t.a`):
/// SQLite reads such a text under the table's own name alone, and ALTER TABLE ... RENAME does not follow it.
std::string without_own_name(const std::string& sql, std::string_view table);

/// REFERENCES ..., of a column or a table.
struct ReferenceText {
  std::string table;                 // without quotes
  std::vector<std::string> columns;  // empty: the primary key
  std::string rest = {};             // SQL: ON DELETE CASCADE DEFERRABLE ...
  bool unsets = false;               // ON DELETE or ON UPDATE: SET NULL or SET DEFAULT
};

struct ClauseText {
  enum class Kind { primary_key, unique, reference, not_null, default_value, check, other };
  Kind kind = Kind::other;
  std::string sql;             // all of it, with CONSTRAINT name
  std::string name = {};       // SQL: "CONSTRAINT name", or ""
  std::string conflict = {};   // SQL: "ON CONFLICT REPLACE", or ""
  bool autoincrement = false;  // of a primary key
  bool descending = false;     // of a column's own primary key
  ReferenceText reference = {};
};

struct KeyPart {
  std::string column;  // without quotes
  std::string sql;     // with its collation and order
};

/// A column, or a constraint of the table.
struct ItemText {
  std::string column = {};               // without quotes; "" of a constraint
  std::string head = {};                 // SQL: of a column its name and type
  std::string type = {};                 // SQL
  std::vector<ClauseText> clauses = {};  // of a constraint: that one
  std::vector<KeyPart> parts = {};       // of a key's or a foreign key's constraint
};

struct TableText {
  std::vector<ItemText> items;
  std::string options;  // SQL behind the parentheses: "STRICT, WITHOUT ROWID"

  const ItemText* column(std::string_view name) const;
  /// The column whose value is the row's number (INTEGER PRIMARY KEY), or nothing.
  const ItemText* row_number() const;
  /// Counts on behind rows that are gone (AUTOINCREMENT).
  bool counts_on() const;
  /// Of the primary key, in its order.
  std::vector<KeyPart> primary_key() const;
  bool has_rowid() const;
};

/// Problem CV-SQL: a text that is not understood, with the table.
migrate::Outcome<TableText> read_table_text(std::string_view table, std::string_view sql);

/// What becomes of a table.
struct TableChange {
  std::string tenant;         // the column, added behind the others where it is missing
  std::string registry = {};  // SQL behind REFERENCES, for the tenant column: "servers" ("id"); "" for none
  /// Its row number is a key that means something (a Discord id), and not one that the database gives.
  bool natural = false;
  std::string surrogate = {};  // a row number of this name is added where there is none; "": it is not
  std::vector<std::vector<std::string>> keys = {};  // further ones, without the tenant column
  std::vector<std::string> not_null = {};
  struct Parent {
    std::string table;
    std::string tenant;
    /// What a reference without columns means.
    std::vector<std::string> primary_key;
    /// Its keys as they are now.
    std::vector<std::vector<std::string>> keys;
    /// A row number that stays one key on its own.
    std::string row_number;
  };
  std::vector<Parent> parents = {};  // tables that get a tenant column, too
};

struct ChangedTable {
  std::string text;  // CREATE TABLE ...
  /// The same without its keys, the row's number excepted; "" where they cannot be taken apart from it:
  /// WITHOUT ROWID, and where the server alone is a key.
  std::string bare = {};
  std::vector<std::string> keys = {};  // SQL of the columns of each that `bare` has not, in the text's order
};

/// The table under another name, each key with the tenant column first, each reference to a table that has
/// one with both. Problem CV-FK where a reference cannot become one of two columns.
migrate::Outcome<ChangedTable> changed_table(const std::string& table, const TableText& text,
                                             const TableChange& change, std::string_view new_name);

/// CREATE TABLE of the same columns, for rows that lie there already: without constraints and references, and
/// without keys but what a row lies by, its number or the primary key of WITHOUT ROWID. An index on its
/// columns holds what it held.
std::string columns_alone(const TableText& text, std::string_view name);

/// CREATE UNIQUE INDEX ... with the tenant column first; any other index as it is.
std::string changed_index(const std::string& sql, std::string_view tenant);
/// What CREATE INDEX ... is over, one after another, without COLLATE and order; nothing of a text that is not
/// understood.
std::vector<std::string> indexed_values(const std::string& sql);
/// CREATE INDEX ... under another name, on another table, whose name is not within it.
std::string moved_index(const std::string& sql, std::string_view name, std::string_view table);

}  // namespace guildhall::convert
