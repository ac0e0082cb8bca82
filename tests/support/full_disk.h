// A disk without space, for the files of this process: while it lives, none of them can be written behind its
// first 4 KiB. So it is about the layouts in files; a PostgreSQL server has files of its own.
#pragma once

#include <sys/resource.h>

#include <csignal>

namespace guildhall::test {

class FullDisk {
 public:
  FullDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = 4'096;
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

}  // namespace guildhall::test
