// libpq and nothing around it, as references are measured.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "store/postgres/libpq.h"
#include "store/value.h"

namespace guildhall::bench {

class RawPostgres {
 public:
  /// `schema`: where names of tables are looked up. Everything throws what fails.
  RawPostgres(const std::string& url, std::string_view schema);

  /// One trip, as text.
  void execute(const std::string& sql);
  void prepare(const std::string& name, const std::string& sql);

  struct Call {
    const char* name;  // of what was prepared
    const std::vector<store::Value>& values;
  };
  /// One trip for each. How many rows it answered or changed.
  std::int64_t run(const Call& call);
  /// One trip for all of them, as one transaction. The rows of the last.
  std::int64_t run_together(std::initializer_list<Call> calls);
  /// Begins `copy`, a `COPY ... FROM STDIN`, and sends it a text of several lines.
  void copy_in(const std::string& copy, const std::string& lines);

 private:
  std::int64_t rows_of(PGresult* result);

  store::postgres::ConnectionPtr connection_;
};

}  // namespace guildhall::bench
