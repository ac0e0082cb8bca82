// A row of a SQLite file as 64 bits.
#pragma once

#include <cstdint>
#include <string>

#include "store/sqlite/row_reading.h"

namespace guildhall::convert {

/// Of values one after another: their kinds, their order and each byte of them count. Used again and again,
/// as it keeps its memory.
class RowHash {
 public:
  void add(const store::Cell& cell);
  /// Of what was added since the last time.
  std::int64_t take();

 private:
  std::string bytes_;
};

}  // namespace guildhall::convert
