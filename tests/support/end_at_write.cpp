// Put before a program with LD_PRELOAD: ends it, as kill -9 does, right before the write to a file that has
// the number GUILDHALL_END_AT_WRITE; where that is 0, the program says at its end how many there were. Writes
// are what SQLite asks of a file that is not to be lost: data, the waiting for it, the cutting off and the
// removal of a journal.
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

long wanted() {
  static const long number = [] {
    const char* text = std::getenv("GUILDHALL_END_AT_WRITE");
    return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
  }();
  return number;
}

struct Count {
  std::atomic<long> writes{0};
  ~Count() {
    if (wanted() == 0) std::fprintf(stderr, "writes: %ld\n", writes.load());
  }
} count;

void before_write() {
  if (++count.writes == wanted()) ::kill(::getpid(), SIGKILL);
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t pwrite64(int file, const void* data, size_t size, off64_t at) {
  before_write();
  static auto* const real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return real(file, data, size, at);
}

int fdatasync(int file) {
  before_write();
  static auto* const real = next<int(int)>("fdatasync");
  return real(file);
}

int ftruncate64(int file, off64_t size) noexcept {
  before_write();
  static auto* const real = next<int(int, off64_t)>("ftruncate64");
  return real(file, size);
}

int unlink(const char* file) noexcept {
  before_write();
  static auto* const real = next<int(const char*)>("unlink");
  return real(file);
}
}
