// The lock of a run on many files: FOLDER/.migrate-lock, in which its holder can be read.
#pragma once

#include <memory>
#include <string>

#include "migrate/file_lock.h"
#include "migrate/fleet.h"

namespace guildhall::migrate {

/// Waits for another runner as long as `options.lock_wait`. Problems `locked` (names the holder),
/// `no_permission`, and the interrupt's.
Outcome<std::unique_ptr<FileLock>> take_fleet(const Fleet& fleet, const std::string& command,
                                              const RunOptions& options);

}  // namespace guildhall::migrate
