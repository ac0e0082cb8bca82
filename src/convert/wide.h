// Whole numbers of 128 bits: sums of a table's 64-bit hashes, and of its points, however many rows it has.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace guildhall::convert {

using Wide = __int128;

/// Of decimal digits with an optional '-', as a database writes them; 0 of anything else.
constexpr Wide parse_wide(std::string_view digits) {
  const bool is_negative = digits.starts_with('-');
  Wide number = 0;
  for (const char c : digits.substr(is_negative ? 1 : 0)) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + (c - '0');
  }
  return is_negative ? -number : number;
}

inline std::string digits_of(Wide number) {
  if (number == 0) return "0";
  std::string digits;
  for (Wide rest = number; rest != 0; rest /= 10) {
    const int digit = static_cast<int>(rest % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
  }
  if (number < 0) digits += '-';
  std::ranges::reverse(digits);
  return digits;
}

}  // namespace guildhall::convert
