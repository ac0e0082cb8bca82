// Short questions to an old bot's database on PostgreSQL, for tests whose whole point is what it answers.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "store/database_error.h"
#include "store/schema_session.h"

namespace guildhall::test {

/// What a fixture asks `session()`.
class Questions {
 public:
  virtual ~Questions() = default;
  virtual store::SchemaSession& session() = 0;

 protected:
  void execute(const std::string& sql) { session().execute(sql); }
  /// "SQLSTATE message" of the error that ends it, its transaction rolled back; "" when it goes through.
  std::string error_of(const std::string& sql, const std::vector<std::string>& values = {}) {
    try {
      if (values.empty())
        session().execute(sql);
      else
        session().query(sql, values);
      return "";
    } catch (const store::DatabaseError& error) {
      if (session().in_transaction()) session().execute("ROLLBACK");
      return error.sqlstate() + " " + error.what();
    }
  }
  /// The first cell of the first row.
  std::string ask(const std::string& sql) { return session().query(sql).at(0).at(0); }
  std::int64_t count(const std::string& from) { return std::stoll(ask("SELECT count(*) FROM " + from)); }
  /// The first column.
  std::vector<std::string> list(const std::string& sql) {
    std::vector<std::string> values;
    for (const auto& row : session().query(sql)) values.push_back(row.at(0));
    return values;
  }
  std::int64_t of_server(const std::string& table, std::int64_t server) {
    return count(fmt::format("{} WHERE discord_server_id = {}", table, server));
  }
  bool has_column(const std::string& table) { return count(column_of(table)) == 1; }
  bool may_be_null(const std::string& table) {
    return count(column_of(table) + " AND is_nullable = 'YES'") == 1;
  }

 private:
  static std::string column_of(const std::string& table) {
    return fmt::format(
        "information_schema.columns WHERE table_schema = 'public' AND table_name = '{}' AND "
        "column_name = 'discord_server_id'",
        table);
  }
};

}  // namespace guildhall::test
