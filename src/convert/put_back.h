// PostgreSQL, at the end of the way back: rows that gave way to others under keys that are no more.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "convert/conversion.h"
#include "convert/old_schema.h"

namespace guildhall::convert {

/// Rows that were "put aside" are there again, as they were, but for those whose place another row has taken
/// since; what was "merged" lives on in the row that it was added to. Both are counted by `say`, and each row
/// stays written down. In the transaction that is open; `schema` is as it was before the conversion. Throws
/// DatabaseError.
void put_back_rows(store::SchemaSession& session, const Records& records, std::int64_t conversion,
                   const OldSchema& schema, const std::function<void(const std::string&)>& say);

}  // namespace guildhall::convert
