// Where a database holds rows of several servers and does not say whose each is: which server's every such
// row is, by a map that the operator wrote (row_map.h), by the evidence of other tables (RowEvidence), or
// else the default that was named; and why. PostgreSQL.
//
// Looked for before anything is changed, into a temporary table; kept as guildhall_conversion_map when the
// conversion begins, so that a run that was killed goes on with the same servers, whatever the file and the
// other tables say by then. Rows that the old program makes later are the home's, like those of any
// conversion.
//
// A row is known by its table's map key: TableRule::map_key, else the primary key, else the first unique key
// without NULL; the tenant column left out. Rows of a child are asked for only where they have no parent.
//
//   CV-MAP           a line of the map that cannot be so (error), or has no row (warning)
//   CV-UNATTRIBUTED  rows that nothing tells the server of, while no default is named
//   CV-UNLISTED      a server that the registry does not have
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "convert/conversion.h"
#include "convert/row_map.h"
#include "convert/scheme.h"

namespace guildhall::convert {

struct AttributionWish {
  std::optional<RowMap> map = {};
  bool by_evidence = false;
  /// What nothing tells the server of is the home's.
  bool rest_is_home = false;
  bool register_found = false;  // servers that the registry does not have join it

  bool is_on() const { return map || by_evidence; }
  /// The same for the same wish: "by evidence, map 5f7a..."
  std::string text() const;
};

/// Rows of one table for which the same was found.
struct AttributedRows {
  std::string table;
  std::string server;  // "" where nothing tells it
  std::string reason;
  std::int64_t rows = 0;
};

struct Attributed {
  Attribution attribution;
  migrate::Findings findings;
};

/// Looks at every row that names no server. `scheme` has its home; `session` is in no transaction, and keeps
/// what was found until it ends. Problem `usage`: evidence is wanted and none declared. Throws DatabaseError.
migrate::Outcome<Attributed> attribute(store::SchemaSession& session, const Scheme& scheme,
                                       const AttributionWish& wish);

/// Within the transaction that begins the conversion: keeps what was found.
void keep_attribution(store::SchemaSession& session, Records& records, std::int64_t conversion,
                      const AttributionWish& wish, Attribution& attribution);
/// Of a conversion that has begun; off where it began without. `things`: what is remembered of it.
Attribution kept_attribution(const Conversion& conversion, const std::vector<Before>& things);
/// What the wish was that this conversion began with; "" without one.
std::string kept_wish(const std::vector<Before>& things);

/// Once the conversion was taken back.
void forget_attribution(store::SchemaSession& session, std::int64_t conversion);

/// By table, server and reason.
std::vector<AttributedRows> attributed_rows(store::SchemaSession& session, const Attribution& attribution);
/// All of it as a map file, line by line; rows of which nothing tells the server have none there.
void write_row_map(store::SchemaSession& session, const Attribution& attribution,
                   const std::function<void(const std::string&)>& write);

/// SQL of a row `alias` that the map's entry `map` is for and that has another server yet, which it may have
/// from the conversion alone.
std::string is_misplaced(const Scheme& scheme, const SchemeTable& table, std::string_view alias,
                         std::string_view map);

}  // namespace guildhall::convert
