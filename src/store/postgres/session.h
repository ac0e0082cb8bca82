// A blocking connection with the rights of one login: for changes of the schema, the catalog's account of
// itself, and what the database says of a statement before it is registered.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/database_error.h"
#include "store/postgres/libpq.h"
#include "store/postgres/prepared_text.h"
#include "store/schema_session.h"

namespace guildhall::store::postgres {

class Session final : public SchemaSession {
 public:
  /// Throws DatabaseError.
  Session(const std::string& url, std::string name);
  /// Anybody's database, with these settings.
  Session(const std::string& url, std::string name, const std::string& settings);

  void execute(const std::string& script) override;
  std::int64_t run(const std::string& statement) override;
  Rows query(const std::string& sql, const std::vector<std::string>& values = {}) override;
  void later(const std::string& sql, const std::vector<std::string>& values = {}) override;
  std::vector<ValueRow> read(const std::string& sql, const ValueRow& values = {}) override;
  void insert(const std::string& table, const std::vector<Column>& columns,
              const std::vector<ValueRow>& rows) override;
  void begin() override;
  bool in_transaction() const override;
  std::function<void()> canceller() const override;
  std::int64_t backend() const override { return PQbackendPID(connection_.get()); }
  const std::string& name() const override { return name_; }

  int server_version() const { return PQserverVersion(connection_.get()); }

  struct Inspected {
    std::vector<StatementFacts> facts;     // in the order of the texts
    std::optional<DatabaseError> refused;  // why there are none of the next one and all behind it
  };
  /// What the database says of statements, without running them: as it plans them when every way but an
  /// index is out of question, with values unknown. Inside a transaction with a scope; many at a time go in
  /// one round trip.
  Inspected inspect(std::span<const PreparedText* const> texts);

 private:
  struct Statement {
    std::string sql;
    std::vector<std::string> values;
  };
  /// Parameters in the form that libpq takes.
  struct Bound {
    int count = 0;
    const Oid* types = nullptr;
    const char* const* values = nullptr;
    const int* lengths = nullptr;
    const int* formats = nullptr;
    int wanted_format = 0;  // of the answer: 0 text, 1 binary
  };

  void refuse_errors(PGresult* result, std::string_view doing) const;
  /// One statement by the extended protocol, and ahead of it what is waiting.
  ResultPtr ask(const std::string& sql, const Bound& bound);
  ResultPtr ask_together(const std::vector<Statement>& first, const std::string& sql, const Bound& bound);
  void inspect_together(std::span<const PreparedText* const> texts, Inspected& seen);
  ResultPtr next_answer();
  void end_pipeline();
  void send_waiting();

  std::string name_;
  ConnectionPtr connection_;
  std::vector<Statement> waiting_;  // for the next statement
};

}  // namespace guildhall::store::postgres
