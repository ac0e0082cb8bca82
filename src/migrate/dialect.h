#pragma once

namespace guildhall::migrate {

/// Whose SQL it is.
enum class Dialect { sqlite, postgres };

}  // namespace guildhall::migrate
