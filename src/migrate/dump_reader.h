// Reads what pg_dump wrote as SQL: all of it as statements, and the rows between COPY and "\.", which are no
// SQL. A dump that can be read to its end was not cut, and what it holds can be compared with what it should.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"

namespace guildhall::migrate {

struct DumpContents {
  std::set<std::string> tables;              // that it makes, by `table_key`
  std::map<std::string, std::int64_t> rows;  // of each table whose rows stand behind a COPY
  bool is_restricted = false;                // has \restrict, which psql knows since 2025
};

/// The same table has the same key however its name is written: "public.users", "public"."users".
/// "" for what is no name.
std::string table_key(std::string_view name);

/// Does it end as pg_dump ends every dump that it finished?
bool has_trailer(std::string_view dump);

/// Error `invalid` names the line and what is wrong with it. The one thing for psql itself that a dump may
/// hold is \restrict and its end.
Result<DumpContents> read_dump(std::string_view dump);

}  // namespace guildhall::migrate
