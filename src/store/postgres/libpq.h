// What libpq gives and takes, wrapped: connections and results with an owner, values in binary, errors in
// the one enum. Only this folder sees libpq-fe.h.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/database_error.h"
#include "store/schema_session.h"
#include "store/value.h"

namespace guildhall::store::postgres {

using ConnectionPtr = std::shared_ptr<PGconn>;

struct ResultClearer {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultClearer>;

/// Schema of all of Guildhall's tables.
inline constexpr std::string_view kSchema = "guildhall";

/// Connects and waits for it, ten seconds at most. `settings` are server settings of the session
/// ("-csearch_path=guildhall ..."). Throws DatabaseError(connection_lost), without the password.
ConnectionPtr connect(const std::string& url, const std::string& settings);

/// The error of a result that is one.
DatabaseError error_of(const PGresult* result, std::string_view doing);
/// The same with everything that the server says of it; `statement` is what was sent.
StatementError statement_error(const PGresult* result, std::string_view statement);
DatabaseError connection_error(const PGconn* connection, std::string_view doing);
DbCode code_of(std::string_view sqlstate);

/// Type numbers of parameters, as the server's catalog has them.
Oid oid_of(ValueType type);
/// Of an array of such values.
Oid array_oid_of(ValueType type);

/// Values in the form that libpq takes: three arrays that point into these values.
class Parameters {
 public:
  void reserve(std::size_t count);
  /// `value` must outlive this object.
  void add(const Value& value);

  int count() const { return static_cast<int>(pointers_.size()); }
  const char* const* pointers() const { return pointers_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  std::vector<std::array<char, 8>> numbers_;  // never grows beyond what was reserved: pointed into
  std::vector<const char*> pointers_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

/// One row of a result in binary form.
class RowCells final : public Cells {
 public:
  explicit RowCells(const PGresult* result) : result_(result) {}
  void go_to(int row) {
    row_ = row;
    shown_.clear();
  }

  int count() const override { return PQnfields(result_); }
  bool is_null(int column) const override { return PQgetisnull(result_, row_, column) == 1; }
  std::int64_t integer(int column) const override;
  std::string_view text(int column) const override;
  std::string_view bytes(int column) const override;
  /// By the type that the server says it has.
  Value value(int column) const;

 private:
  const PGresult* result_;
  int row_ = 0;
  mutable std::deque<std::string> shown_;  // numbers of this row as text
};

}  // namespace guildhall::store::postgres
