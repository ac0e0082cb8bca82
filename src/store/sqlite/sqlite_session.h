// A schema session (store/schema_session.h) on one SQLite file.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "store/schema_session.h"
#include "store/sqlite/connection.h"

namespace guildhall::store::sqlite {

class SqliteSession final : public SchemaSession {
 public:
  SqliteSession(const std::string& file, Role role) : file_(file), connection_(file, role) {}

  void execute(const std::string& script) override { connection_.execute(script.c_str()); }
  std::int64_t run(const std::string& statement) override { return connection_.run_one(statement); }
  std::function<void()> canceller() const override { return connection_.interrupter(); }
  std::int64_t backend() const override { return 0; }
  Rows query(const std::string& sql, const std::vector<std::string>& values) override {
    return connection_.query(sql, values);
  }
  void later(const std::string& sql, const std::vector<std::string>& values) override {
    connection_.query(sql, values);
  }
  std::vector<ValueRow> read(const std::string& sql, const ValueRow& values) override {
    return connection_.read(sql, values);
  }
  void insert(const std::string& table, const std::vector<Column>& columns,
              const std::vector<ValueRow>& rows) override {
    std::string names;
    std::string places;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      names += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", columns[i].name);
      places += fmt::format("{}${}", i == 0 ? "" : ", ", i + 1);
    }
    connection_.run_for_each(fmt::format("INSERT INTO \"{}\" ({}) VALUES ({})", table, names, places), rows);
  }
  void begin() override { connection_.execute("BEGIN IMMEDIATE"); }
  bool in_transaction() const override { return connection_.in_transaction(); }
  const std::string& name() const override { return file_; }

  Connection& connection() { return connection_; }

 private:
  std::string file_;
  Connection connection_;
};

}  // namespace guildhall::store::sqlite
