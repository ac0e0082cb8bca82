// Which old rows cannot go on as they are, and what becomes of each: by the rules of the description alone.
// Found and written down before a row is copied.
//
// A row that is written down is a JSON object, column -> SQL literal of its value: exact for numbers of any
// size, for bytes, and for text that is no text.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "convert/conversion.h"
#include "convert/sqlite_plan.h"
#include "convert/sqlite_run.h"

namespace guildhall::convert {

/// By table, the keys (SqliteTable::old_key) of rows that do not go on, or not as they were.
using RowKeys = std::map<std::string, std::set<std::string>>;

class SqliteRows {
 public:
  /// Makes a temporary table for as long as it lives. In the transaction of the conversion.
  SqliteRows(store::SchemaSession& session, Records& records, std::int64_t conversion);
  SqliteRows(const SqliteRows&) = delete;
  SqliteRows& operator=(const SqliteRows&) = delete;
  ~SqliteRows();

  /// Looks for them in one table. Problems CV-ZERO, CV-DUPLICATES, CV-PARENT: no rule says what is to become
  /// of rows that are in the way.
  migrate::Outcome<void> look_at(const SqliteTable& table);
  /// " WHERE ...", for what copies: the rows that go on.
  std::string who_goes_on(const SqliteTable& table) const;
  /// Adds to the rows that are left what gave way to them; after the copy.
  void sum_up(const SqliteTable& table, std::string_view target);

  std::int64_t left_out(const SqliteTable& table) const;
  std::int64_t merged(const SqliteTable& table) const;
  const RowKeys& changed() const { return changed_; }

 private:
  struct Case {
    std::string condition;  // SQL over `t`
    std::string reason;     // SQL of a text
    std::string done;
  };
  void write_down(const SqliteTable& table, const Case& found);
  migrate::Outcome<void> look_for_servers(const SqliteTable& table);
  void look_for_nulls(const SqliteTable& table);
  migrate::Outcome<void> look_for_duplicates(const SqliteTable& table);
  migrate::Outcome<void> look_for_duplicates(const SqliteTable& table, const std::vector<std::string>& key);
  void look_for_changed(const SqliteTable& table);
  void remember_value(const SqliteTable& table, const SqliteTable::Copied& changed);
  std::string still_there(const SqliteTable& table) const;
  std::int64_t count(const SqliteTable& table, std::string_view done) const;

  store::SchemaSession& session_;
  Records& records_;
  std::int64_t conversion_;
  RowKeys changed_;
};

/// INSERT INTO table (...) VALUES (...), of a row that was written down. Error `invalid`.
Result<std::string> insert_again(const std::string& table, const std::string& row);

}  // namespace guildhall::convert
