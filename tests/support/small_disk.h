// A disk of some kilobytes, mounted where a test wants it; gone with the object.
#pragma once

#include <sys/mount.h>

#include <filesystem>
#include <string>

namespace guildhall::test {

class SmallDisk {
 public:
  SmallDisk(std::filesystem::path folder, int kilobytes) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    const std::string size = "size=" + std::to_string(kilobytes) + "k";
    mounted_ = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  /// From now on nobody may write there.
  void make_read_only() const { ::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr); }
  /// Not everybody may mount.
  bool is_mounted() const { return mounted_; }

 private:
  std::filesystem::path folder_;
  bool mounted_ = false;
};

}  // namespace guildhall::test
