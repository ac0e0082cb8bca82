// The offline way to many servers in one SQLite file: every table of the scheme is made anew with the server
// in its keys, all in one transaction. Others read on meanwhile where the file has a write-ahead log; writes
// wait. Rows keep their numbers; what is not part of the scheme stays as it is.
//
// It is committed only when every row, every parent of a row, every reference that dangled before and every
// view was found again, one by one, and SQLite finds the file sound; else nothing is changed.
//
// The sums of before (sums.h) are taken while others may write, and again in the transaction if anybody did.
#pragma once

#include "convert/sqlite_plan.h"
#include "convert/sqlite_run.h"

namespace guildhall::convert {

/// `session` is in no transaction. `conversion`: what is written down of it, with its description, home and
/// backup; number and state are given here. Where the newest conversion that the file remembers is done
/// already, so is this. Problems CV-..., those of `plan_sqlite` first; nothing was changed then.
migrate::Outcome<SqliteReport> rebuild_sqlite(store::SchemaSession& session, const Scheme& scheme,
                                              const Conversion& conversion,
                                              const SqliteOptions& options = {});

/// What `user_version` says of a file that was converted and said nothing (0) before.
inline constexpr int kConvertedVersion = 1;

}  // namespace guildhall::convert
