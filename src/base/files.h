// What files need beyond the standard library: a name that nothing else has yet, and that it lasts.
#pragma once

#include <filesystem>

namespace guildhall {

/// Brings the names in a folder to the disk: 0, or the system's number of the error.
int sync_folder(const std::filesystem::path& folder);

/// Gives a file a name that nothing has, in the same filesystem: 0, or the system's number of the error
/// (EEXIST: something has it). What has the name already is never replaced.
int rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to);

/// The same on filesystems whose own renaming replaces what is there: the file has both names for a moment,
/// and when the process ends between, it keeps them.
int link_to_new(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace guildhall
