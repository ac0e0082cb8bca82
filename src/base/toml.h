// toml++ with our switches; header-only and large, so that only config.cpp and messages.cpp include it.
#pragma once

// Its assertions would end the process over a typing error in a file ("[$x]"): without them it goes on to
// its own error message. With NDEBUG they would be promises to the compiler that files do not keep.
#ifdef NDEBUG
#error "toml++ must be built without NDEBUG"
#endif
#define TOML_ASSERT(expr) static_assert(true)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>
