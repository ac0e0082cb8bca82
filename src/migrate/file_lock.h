// The system's lock on a file of its own: beside a SQLite database, or in a folder of them. It ends with its
// holder, however that ends; the file that a killed one leaves is taken over.
#pragma once

#include <string>

namespace guildhall::migrate {

class FileLock {
 public:
  explicit FileLock(std::string file) : file_(std::move(file)) {}
  /// Takes the file away where the lock is ours.
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  /// Asks, and does not wait. Throws ErrorException `forbidden` where the file cannot be made.
  bool try_take();
  /// Once it is taken: for others to read.
  void write(const std::string& text) const;

 private:
  bool is_still_there(int descriptor) const;

  std::string file_;
  int descriptor_ = -1;
};

}  // namespace guildhall::migrate
