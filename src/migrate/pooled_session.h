// A connection pooler that gives each transaction another session of the server (pgbouncer's transaction
// mode): how it is noticed, and what may still be done through it.
//
// Nothing of a session stays there: no setting, no advisory lock, no prepared statement, no temporary table.
// What such a thing would do to the session stays with whoever gets it next. So each transaction has to bring
// its settings itself and to leave nothing, the lock is its row alone, and what cannot be done within one
// transaction is not done at all.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "migrate/outcome.h"
#include "migrate/target.h"

namespace guildhall::migrate {

/// Does the session belong to another process of the server than the one that we were told of when we
/// connected? Throws DatabaseError.
bool is_pooled(store::SchemaSession& session);
/// Some poolers refuse settings for the session at once, in these words.
bool speaks_of_pooler(const Error& error);

/// The same target, whose sessions work through a pooler: each transaction sets what it was opened with, and
/// what is run outside of one gets one of its own. At COMMIT everything that was set, made or locked for the
/// session is taken back.
Target behind_pooler(const Target& target);

/// `direct`, once it is sure that it is the database to which `pooled` leads through a pooler. Problems
/// `refused` (MG-DIRECT): it is another; `usage`, `no_database`.
Outcome<Target> direct_target(const Target& pooled, Target direct);

/// A session without a limit of time, for programs and transactions that need one of their own. Error
/// `refused_by_guard`: there is a pooler.
Result<std::unique_ptr<store::SchemaSession>> open_direct_session(const std::string& url);

}  // namespace guildhall::migrate
