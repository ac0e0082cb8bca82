// One bot per database, and one isolation proof: a second is refused and told who is first. Other commands
// may run beside them.
#pragma once

#include <string>

#include "base/error.h"

namespace guildhall::cli {

class InstanceLock {
 public:
  /// Error `other_instance` names what runs and the process that holds `file`; `configuration` when the
  /// file cannot be made. The lock goes with the process, however it ends.
  static Result<InstanceLock> take(const std::string& file, const std::string& what = "the bot");

  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&&) = delete;
  ~InstanceLock();

 private:
  explicit InstanceLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace guildhall::cli
