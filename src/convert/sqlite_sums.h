// The sums (sums.h) of a way that is one transaction. Those of before are taken while others may write, and
// once more in the transaction if anybody did. Those of tables of which rows were refused are taken in it at
// its end, too: rows that were set right, put aside or added to others make such a table another than it was,
// and from then on it has to stay what the conversion, row by row, found right.
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

/// The phase under which these are put down.
inline constexpr std::string_view kConvertedSums = "converted";

/// Within the conversion's transaction, all tables being what they will be. Nothing is done where no row was
/// refused, or nothing was added up before.
migrate::Outcome<void> keep_converted_sums(store::SchemaSession& session, const Scheme& scheme,
                                           Records& records, std::int64_t conversion);

}  // namespace guildhall::convert
