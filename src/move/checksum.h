// How two tables are compared without putting either in order: each row becomes a number, and the numbers are
// added.
#pragma once

#include <cstdint>
#include <string>

#include "store/schema_session.h"
#include "store/value.h"

namespace guildhall::move {

/// Of any number of rows. Made from typed values, so that it is the same whatever database holds them; a
/// NULL, an empty text and empty bytes are three different things.
class Checksum {
 public:
  void add(const store::ValueRow& row);
  void add(const Checksum& other);

  std::uint64_t rows() const { return rows_; }
  /// 32 hexadecimal digits.
  std::string str() const;

  friend bool operator==(const Checksum&, const Checksum&) = default;

 private:
  std::uint64_t rows_ = 0;
  // Sums modulo 2^64 of two halves of each row's SHA-256.
  std::uint64_t first_ = 0;
  std::uint64_t second_ = 0;
};

}  // namespace guildhall::move
