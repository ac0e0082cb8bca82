// A descriptor of an open file that is closed with the object.
#pragma once

#include <unistd.h>

namespace guildhall {

class Descriptor {
 public:
  /// Below 0: none, as `open` answers when it failed.
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace guildhall
