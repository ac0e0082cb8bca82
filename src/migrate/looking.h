// Looking at a live database before anything is done to it: one transaction that can only read and sees one
// state, in which a question that fails or takes too long ends that question alone.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <vector>

#include "migrate/dialect.h"
#include "migrate/interrupt.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// Why a question has no answer, in the database's words.
struct Unanswered {
  std::string sqlstate;
  std::string message;
};

class Looking {
 public:
  using Rows = store::SchemaSession::Rows;

  /// `session` is in no transaction; it is in one while this lives. After an interrupt nothing is answered
  /// any more. Throws DatabaseError.
  Looking(store::SchemaSession& session, Dialect dialect, std::chrono::milliseconds statement_timeout,
          Interrupt* interrupt = nullptr);
  Looking(const Looking&) = delete;
  Looking& operator=(const Looking&) = delete;
  ~Looking();

  Dialect dialect() const { return dialect_; }
  /// Within the transaction.
  store::SchemaSession& session() { return session_; }
  /// Throws DatabaseError only when the connection is gone.
  std::expected<Rows, Unanswered> ask(const std::string& sql, const std::vector<std::string>& values = {});

 private:
  store::SchemaSession& session_;
  Dialect dialect_;
  std::chrono::milliseconds timeout_;
  Interrupt* interrupt_;
};

}  // namespace guildhall::migrate
