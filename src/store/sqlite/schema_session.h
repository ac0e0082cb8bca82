// A plain connection that may change the schema: for the migrator alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/sqlite/connection.h"

namespace guildhall::store {

class SchemaSession {
 public:
  /// Opens or creates the database behind a sqlite: URL and checks that the file is one. Error
  /// `storage` names the file and the way out.
  static Result<SchemaSession> open(const std::string& url, const std::string& data_dir);

  /// All of these throw DatabaseError.
  void execute(const std::string& script) { connection_->execute(script.c_str()); }
  std::vector<std::vector<std::string>> query(const std::string& sql,
                                              const std::vector<std::string>& values = {}) {
    return connection_->query(sql, values);
  }
  bool in_transaction() const { return connection_->in_transaction(); }
  const std::string& file() const { return file_; }

 private:
  SchemaSession(std::string file, std::unique_ptr<sqlite::Connection> connection)
      : file_(std::move(file)), connection_(std::move(connection)) {}

  std::string file_;
  std::unique_ptr<sqlite::Connection> connection_;
};

}  // namespace guildhall::store
