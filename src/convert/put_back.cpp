#include "convert/put_back.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

constexpr std::string_view kWhere = "each as it was: table guildhall.guildhall_conversion_refused";

/// How many there are again.
std::size_t put_back(store::SchemaSession& session, std::int64_t conversion, const OldSchema& schema,
                     const Table& table) {
  std::vector<std::string> columns;
  for (const Column& column : table.columns) {
    if (!column.is_generated) columns.push_back(column.name);
  }
  return session
      .query(
          fmt::format(
              "INSERT INTO {0} ({1}) OVERRIDING SYSTEM VALUE SELECT {2} FROM "
              "guildhall.guildhall_conversion_refused AS gone, jsonb_populate_record(NULL::{0}, "
              "gone.row_text::jsonb) AS was WHERE gone.conversion = $1::bigint AND gone.table_name = $2 AND "
              "gone.done = 'put aside' ORDER BY gone.seq ON CONFLICT DO NOTHING RETURNING 1",
              qualified(schema, table.name), column_list(columns), column_list(columns, "was.")),
          {std::to_string(conversion), table.name})
      .size();
}

}  // namespace

void put_back_rows(store::SchemaSession& session, const Records& records, std::int64_t conversion,
                   const OldSchema& schema, const std::function<void(const std::string&)>& say) {
  std::map<std::string, std::size_t> put_aside;
  std::map<std::string, std::size_t> merged;
  for (const Refused& row : records.refused(conversion)) {
    if (schema.find(row.table) == nullptr) continue;
    if (row.done == "put aside") ++put_aside[row.table];
    if (row.done == "merged") ++merged[row.table];
  }
  for (const auto& [name, rows] : merged)
    say(fmt::format("{}: {} rows were added to others, and live on in them; {}", name, rows, kWhere));
  for (const auto& [name, rows] : put_aside) {
    const std::size_t back = put_back(session, conversion, schema, *schema.find(name));
    say(fmt::format("{}: {} rows that had been put aside are there again", name, back));
    if (back < rows) say(fmt::format("{}: of {} the place is taken by now; {}", name, rows - back, kWhere));
  }
}

}  // namespace guildhall::convert
