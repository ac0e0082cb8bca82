// Fuzz targets: every parser that reads bytes from outside, with what must be true of it whatever the
// bytes are.
//
//   NAME_fuzz.cpp       fuzz_NAME(input): throws when a property does not hold
//   corpus/NAME/        a few small inputs by hand, from which libFuzzer sets out
//   libfuzzer_main.cpp  one program per target (preset `fuzz`, cmake/fuzz.cmake)
//   corpus_test.cpp     the same functions on the corpus and on small changes of it, in unit_tests
//
// A target promises to be deterministic and to leave nothing behind that the next input could see. It
// never touches the network, and no file but its own temporary one.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace guildhall::fuzz {

void fuzz_gateway(std::string_view input);
void fuzz_inflate(std::string_view input);
void fuzz_rest(std::string_view input);
void fuzz_webhook(std::string_view input);
void fuzz_pusher(std::string_view input);
void fuzz_command(std::string_view input);
void fuzz_sql(std::string_view input);
void fuzz_config(std::string_view input);
void fuzz_setting(std::string_view input);
void fuzz_http(std::string_view input);
void fuzz_lexer(std::string_view input);

/// Throws `broken` as what went wrong.
inline void require(bool holds, std::string_view broken) {
  if (!holds) throw std::logic_error(std::string(broken));
}

}  // namespace guildhall::fuzz

namespace guildhall::bot {
class Declarations;
}

namespace guildhall::fuzz {

/// Every command and setting of the program, made at the first call.
const bot::Declarations& declarations();

}  // namespace guildhall::fuzz
