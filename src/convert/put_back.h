// PostgreSQL, at the end of the way back: rows that gave way to others under keys that are no more, and
// servers that the conversion put into the registry. What others made since may stand in the way of both; the
// way back ends all the same.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "convert/conversion.h"
#include "convert/old_schema.h"
#include "convert/scheme.h"

namespace guildhall::convert {

/// Rows that were "put aside" are there again, as they were, but for those whose place another row has taken
/// since or which a constraint or a trigger forbids by now; what was "merged" lives on in the row that it was
/// added to. All are counted by `say`, and each row stays written down. In the transaction that is open;
/// `schema` is as it was before the conversion. Throws DatabaseError.
void put_back_rows(store::SchemaSession& session, const Records& records, std::int64_t conversion,
                   const OldSchema& schema, const std::function<void(const std::string&)>& say);

/// Before anything is taken back: rows that were "put aside" and would not be let in, each with the reason:
/// "the row (id 3) of guesses: the check guesses_amount_check". At most some of each constraint. `scheme` is
/// of the schema as it is. Of constraints that steps made nothing is asked. Throws DatabaseError.
std::vector<std::string> rows_without_place(store::SchemaSession& session, const Scheme& scheme,
                                            const OldSchema& before, const MadeThings& made,
                                            std::int64_t conversion);

/// Deletes that row of the registry, in a transaction of its own; why not, where something refers to it (also
/// what would go along), or "". Throws DatabaseError.
std::string remove_server(store::SchemaSession& session, const Scheme& scheme, const std::string& server);

}  // namespace guildhall::convert
