#include "convert/row_hash.h"

#include <array>
#include <bit>

#include "convert/sums_parts.h"

namespace guildhall::convert {
namespace {

using Kind = store::Cell::Kind;

void append_number(std::string& bytes, std::uint64_t number) {
  const auto raw = std::bit_cast<std::array<char, sizeof number>>(number);
  bytes.append(raw.data(), raw.size());
}

}  // namespace

void RowHash::add(const store::Cell& cell) {
  bytes_ += static_cast<char>(cell.kind);
  switch (cell.kind) {
    case Kind::null: break;
    case Kind::integer: append_number(bytes_, static_cast<std::uint64_t>(cell.integer)); break;
    case Kind::real: append_number(bytes_, std::bit_cast<std::uint64_t>(cell.real)); break;
    case Kind::text:
    case Kind::blob:
      append_number(bytes_, cell.bytes.size());
      bytes_ += cell.bytes;
      break;
  }
}

std::int64_t RowHash::take() {
  const std::int64_t hash = hash_of(bytes_);
  bytes_.clear();
  return hash;
}

}  // namespace guildhall::convert
