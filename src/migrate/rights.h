// Which rights the role of a session lacks to run these scripts, asked of PostgreSQL (has_table_privilege and
// its kin, ownership) before a backup is taken and a lock is waited for. SQLite knows no rights.
//
// Asked are: ownership of what is altered, dropped, indexed or commented on, and for triggers, policies and
// rules that of their table; CREATE on the schema in which something is made; INSERT, UPDATE, DELETE,
// TRUNCATE, TRIGGER and REFERENCES on tables; CREATE on the database for schemas, extensions and the
// journal's own schema; CREATEROLE and CREATEDB; membership of a new owner. What the run makes itself is its
// own. Not asked is what the words do not tell: the rights of functions that are called, GRANT, what a branch
// of a DO block does, and all that comes after another role or another search_path was set.
#pragma once

#include <span>

#include "migrate/looking.h"
#include "migrate/outcome.h"
#include "migrate/precheck.h"
#include "migrate/table_facts.h"

namespace guildhall::migrate {

/// Findings P-RIGHT, each right once, in the order of the statements. Throws DatabaseError.
std::vector<PrecheckFinding> find_missing_rights(Looking& looking, std::span<const Pending> pending,
                                                 const TableFacts& facts);

/// Problem `no_permission` (MG-PERMISSION) of the first of these that is P-RIGHT, with the number of others.
Outcome<void> refuse_missing_rights(const std::vector<PrecheckFinding>& findings);

}  // namespace guildhall::migrate
