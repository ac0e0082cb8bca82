// A session that counts what goes to the database: each call but `later` is a round trip.
#pragma once

#include "store/schema_session.h"

namespace guildhall::test {

class CountingSession final : public store::SchemaSession {
 public:
  explicit CountingSession(store::SchemaSession& session) : session_(session) {}

  std::size_t round_trips() const { return round_trips_; }

  void execute(const std::string& script) override { counted().execute(script); }
  std::int64_t run(const std::string& statement) override { return counted().run(statement); }
  Rows query(const std::string& sql, const std::vector<std::string>& values) override {
    return counted().query(sql, values);
  }
  void later(const std::string& sql, const std::vector<std::string>& values) override {
    session_.later(sql, values);
  }
  std::vector<store::ValueRow> read(const std::string& sql, const store::ValueRow& values) override {
    return counted().read(sql, values);
  }
  void insert(const std::string& table, const std::vector<store::Column>& columns,
              const std::vector<store::ValueRow>& rows) override {
    counted().insert(table, columns, rows);
  }
  void begin() override { counted().begin(); }
  bool in_transaction() const override { return session_.in_transaction(); }
  bool stays_the_same() const override { return session_.stays_the_same(); }
  std::function<void()> canceller() const override { return session_.canceller(); }
  std::int64_t backend() const override { return session_.backend(); }
  const std::string& name() const override { return session_.name(); }

 private:
  store::SchemaSession& counted() {
    ++round_trips_;
    return session_;
  }

  store::SchemaSession& session_;
  std::size_t round_trips_ = 0;
};

}  // namespace guildhall::test
