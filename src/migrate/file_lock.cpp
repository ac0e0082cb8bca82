#include "migrate/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "migrate/backup_files.h"

namespace guildhall::migrate {

FileLock::~FileLock() {
  if (descriptor_ < 0) return;
  unlink(file_.c_str());
  close(descriptor_);
}

bool FileLock::try_take() {
  while (true) {
    const int descriptor = open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      throw ErrorException({ErrorCode::forbidden, fmt::format("'{}' cannot be made", file_),
                            "Give this user the right to write in the folder of the database."});
    }
    const bool locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    // Whoever held it may have taken the file away between the two calls: then this is nobody's lock.
    if (locked && is_still_there(descriptor)) {
      descriptor_ = descriptor;
      return true;
    }
    close(descriptor);
    if (!locked) return false;
  }
}

void FileLock::write(const std::string& text) const {
  const bool written = ftruncate(descriptor_, 0) == 0 &&
                       pwrite(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!written) throw ErrorException(file_error(errno, "cannot write", file_));
}

bool FileLock::is_still_there(int descriptor) const {
  struct stat held{};
  struct stat named{};
  return fstat(descriptor, &held) == 0 && stat(file_.c_str(), &named) == 0 && held.st_ino == named.st_ino &&
         held.st_dev == named.st_dev;
}

}  // namespace guildhall::migrate
