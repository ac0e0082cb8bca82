// What libFuzzer calls. A property that does not hold is an exception that nobody catches.
#include <boost/preprocessor/cat.hpp>
#include <cstddef>
#include <cstdint>

#include "base/log.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool quiet = [] {
    guildhall::log::set_level(guildhall::log::Level::error);
    return true;
  }();
  static_cast<void>(quiet);
  guildhall::fuzz::BOOST_PP_CAT(fuzz_, GUILDHALL_FUZZ_TARGET)({reinterpret_cast<const char*>(data), size});
  return 0;
}
