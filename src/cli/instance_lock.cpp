#include "cli/instance_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace guildhall::cli {

Result<InstanceLock> InstanceLock::take(const std::string& file, const std::string& what) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return fail(ErrorCode::configuration, fmt::format("cannot create '{}'", file));
  InstanceLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 64> text{};
    const auto length = ::pread(descriptor, text.data(), text.size() - 1, 0);
    const std::string holder =
        length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : "another process";
    return fail(ErrorCode::other_instance, fmt::format("{} runs already: {} holds '{}'", what, holder, file),
                "Stop it first, or give this one a database of its own (data.dir, database.url).");
  }
  const std::string holder = fmt::format("process {}", getpid());
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, holder.data(), holder.size(), 0) < 0) {
    return fail(ErrorCode::configuration, fmt::format("cannot write '{}'", file));
  }
  return lock;
}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

InstanceLock::~InstanceLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace guildhall::cli
