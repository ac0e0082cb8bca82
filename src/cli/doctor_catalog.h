// guildhall doctor isolation --catalog
#pragma once

#include <optional>

#include "cli/command.h"

namespace guildhall::cli {

/// Compares the database's catalog with the declared class of every table and prints each fault with its
/// remedy; reads the catalog alone and changes nothing. Error `refused_by_guard` when there is a fault.
Result<std::optional<Answer>> doctor_catalog(const Arguments& arguments);

}  // namespace guildhall::cli
