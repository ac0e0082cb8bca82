#include "bench/raw_postgres.h"

#include <fmt/format.h>

#include <cstdlib>

namespace guildhall::bench {

using store::Value;
using store::postgres::Parameters;
using store::postgres::ResultPtr;

namespace {

Parameters parameters_of(const std::vector<Value>& values) {
  Parameters parameters;
  parameters.reserve(values.size());
  for (const Value& value : values) parameters.add(value);
  return parameters;
}

}  // namespace

RawPostgres::RawPostgres(const std::string& url, std::string_view schema)
    : connection_(store::postgres::connect(url, fmt::format("-csearch_path={}", schema))) {}

std::int64_t RawPostgres::rows_of(PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK: return PQntuples(result);
    case PGRES_COMMAND_OK: return std::strtoll(PQcmdTuples(result), nullptr, 10);
    default:
      if (result == nullptr) throw store::postgres::connection_error(connection_.get(), "raw libpq");
      throw store::postgres::error_of(result, "raw libpq");
  }
}

void RawPostgres::execute(const std::string& sql) {
  rows_of(ResultPtr(PQexec(connection_.get(), sql.c_str())).get());
}

void RawPostgres::prepare(const std::string& name, const std::string& sql) {
  rows_of(ResultPtr(PQprepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr)).get());
}

std::int64_t RawPostgres::run(const Call& call) {
  const Parameters values = parameters_of(call.values);
  return rows_of(ResultPtr(PQexecPrepared(connection_.get(), call.name, values.count(), values.pointers(),
                                          values.lengths(), values.formats(), 1))
                     .get());
}

std::int64_t RawPostgres::run_together(std::initializer_list<Call> calls) {
  PGconn* connection = connection_.get();
  PQenterPipelineMode(connection);
  for (const Call& call : calls) {
    const Parameters values = parameters_of(call.values);
    PQsendQueryPrepared(connection, call.name, values.count(), values.pointers(), values.lengths(),
                        values.formats(), 1);
  }
  PQpipelineSync(connection);
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    rows = rows_of(ResultPtr(PQgetResult(connection)).get());
    PQgetResult(connection);  // the end of this answer
  }
  const ResultPtr sync(PQgetResult(connection));
  if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(connection) != 1)
    throw store::postgres::connection_error(connection, "raw libpq: pipeline");
  return rows;
}

void RawPostgres::copy_in(const std::string& copy, const std::string& lines) {
  PGconn* connection = connection_.get();
  const ResultPtr begun(PQexec(connection, copy.c_str()));
  if (PQresultStatus(begun.get()) != PGRES_COPY_IN) rows_of(begun.get());
  if (PQputCopyData(connection, lines.data(), static_cast<int>(lines.size())) != 1 ||
      PQputCopyEnd(connection, nullptr) != 1)
    throw store::postgres::connection_error(connection, "raw libpq: COPY");
  rows_of(ResultPtr(PQgetResult(connection)).get());
  PQgetResult(connection);
}

}  // namespace guildhall::bench
