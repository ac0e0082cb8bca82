// What is still missing in a PostgreSQL database, step after step. Nothing is asked of the database here: the
// schema as it stands, the scheme and the counts say it all, so that the same state has the same steps.
//
// How the steps are made so that nobody waits:
//   column      ADD COLUMN with a constant default and NOT NULL changes the catalog alone, at any size
//   half done   a column that holds NULL and the home alone is proved to (CHECK NOT VALID, VALIDATE), then
//               dropped and added again; one with several servers' values is filled a range of pages at a
//               time
//   map         a column with the home for all of them, then those that are another's by the map a range of
//               pages at a time, before any child of theirs
//   NOT NULL    by a CHECK that is validated while others write, and only once no row lacks a server: the
//               check holds at once for every row that is written
//   keys        CREATE UNIQUE INDEX CONCURRENTLY beside the old ones, swapped in by contract
//   references  NOT VALID, then VALIDATE
// Rows that the old program writes meanwhile get their server from the column's default; where it may write
// NULL or 0 itself, and in children, from a trigger that contract takes away.
#pragma once

#include <optional>
#include <string>

#include "convert/postgres_dependents.h"
#include "convert/row_facts.h"
#include "convert/scheme.h"
#include "convert/step.h"

namespace guildhall::convert {

/// What only adds. Empty: the new program may take over.
Steps expand_steps(const Scheme& scheme, const RowFacts& facts);

/// Whoever the new program signs in as; its rows are sealed off by policies.
struct Seal {
  std::string role;
};

/// The old program has been stopped: what it kept the expansion from. Then `contract_steps`.
Steps settle_steps(const Scheme& scheme, const RowFacts& facts);
/// What takes away what only the old program needed; nothing is left to expand or to settle. `made`: by steps
/// until now.
Steps contract_steps(const Scheme& scheme, const std::optional<Seal>& seal, const MadeThings& made = {});

/// Back to the schema that was: what steps made goes, and what was before and is not comes back. What others
/// made since stays as it is; `leaving.dependents` are asked for first. Only the home server has rows.
/// `before`: the schema when the conversion began.
Steps rollback_steps(const Scheme& scheme, const OldSchema& before, const MadeThings& made,
                     const Leaving& leaving);

/// The policy by which a server's rows are its own, and that by which the tables' owner sees all.
inline constexpr std::string_view kServerPolicy = "guildhall_server";
inline constexpr std::string_view kDefaultsPolicy = "guildhall_defaults";
inline constexpr std::string_view kOwnerPolicy = "guildhall_owner";
/// What gives a row of the old program its server.
inline constexpr std::string_view kFillTrigger = "guildhall_fill_server";
/// What keeps rows of other servers out, once theirs were put aside (archive.h).
inline constexpr std::string_view kHomeTrigger = "guildhall_home_alone";

/// The unique index that begins with the server and goes on as `old` does, or nullptr.
const Index* by_server(const SchemeTable& table, const Index& old);
/// Old keys that do not begin with the server.
std::vector<const Index*> old_keys(const SchemeTable& table);

}  // namespace guildhall::convert
