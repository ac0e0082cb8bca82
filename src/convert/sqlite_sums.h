// The sums of before (sums.h) of a way that is one transaction: taken while others may write, and once more
// in the transaction if anybody did.
#pragma once

#include <optional>
#include <string>

#include "convert/sqlite_run.h"
#include "convert/sums.h"

namespace guildhall::convert {

class SumsOfBefore {
 public:
  /// All outlive it.
  SumsOfBefore(store::SchemaSession& session, const Scheme& scheme, const SqliteOptions& options)
      : session_(session), scheme_(scheme), options_(options) {}

  /// In no transaction.
  migrate::Outcome<void> take();
  /// Within the conversion's: puts them down.
  migrate::Outcome<void> keep(Records& records, std::int64_t conversion);

 private:
  store::SchemaSession& session_;
  const Scheme& scheme_;
  const SqliteOptions& options_;
  std::string measured_;
  Sums sums_;
};

}  // namespace guildhall::convert
