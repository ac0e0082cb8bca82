// What the report shows of the rows themselves: the lists of the description, as they were and as they are.
#pragma once

#include <string>
#include <vector>

#include "convert/scheme.h"
#include "store/schema_session.h"

namespace guildhall::convert {

struct ShownRow {
  std::string server;  // that it belongs to, or will; "" while the home is not chosen
  std::string name;    // "" where the row has none
  std::string value;   // decimal
};

struct Shown {
  std::string title;
  std::vector<ShownRow> rows;
};

/// Of a group: so many names, no more.
inline constexpr int kShownGroups = 200;

/// Each of the description's lists whose table and columns are there. With `before`: the same servers and
/// names as that has, in its order, with what they have now; "" where they have no row any more. Throws
/// DatabaseError.
std::vector<Shown> take_shown(store::SchemaSession& session, const Scheme& scheme,
                              const std::vector<Shown>* before = nullptr);

}  // namespace guildhall::convert
