#pragma once

#include <string>

namespace guildhall::migrate {

/// The commit that a directory stands at, as git keeps it on disk (40 hex digits); "" where it is in no
/// repository, or in a form that is not known.
std::string revision_of(const std::string& directory);

}  // namespace guildhall::migrate
