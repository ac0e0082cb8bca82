#include "move/checksum.h"

#include <fmt/format.h>

#include "base/crypto.h"

namespace guildhall::move {
namespace {

void append_number(std::string& bytes, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>((number >> shift) & 0xFF);
}

std::uint64_t number_at(const std::string& bytes, std::size_t from) {
  std::uint64_t number = 0;
  for (std::size_t i = from; i < from + 8; ++i) number = (number << 8) | static_cast<unsigned char>(bytes[i]);
  return number;
}

/// A letter for the type, then the number, or the length and the bytes: no two rows have the same encoding.
std::string encoded(const store::ValueRow& row) {
  std::string bytes;
  for (const store::Value& value : row) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      bytes += 'i';
      append_number(bytes, static_cast<std::uint64_t>(*number));
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      bytes += 't';
      append_number(bytes, text->size());
      bytes += *text;
    } else if (const auto* blob = std::get_if<store::Blob>(&value)) {
      bytes += 'b';
      append_number(bytes, blob->bytes.size());
      bytes += blob->bytes;
    } else {
      bytes += 'n';
    }
  }
  return bytes;
}

}  // namespace

void Checksum::add(const store::ValueRow& row) {
  const std::string hash = sha256(encoded(row));
  ++rows_;
  first_ += number_at(hash, 0);
  second_ += number_at(hash, 8);
}

void Checksum::add(const Checksum& other) {
  rows_ += other.rows_;
  first_ += other.first_;
  second_ += other.second_;
}

std::string Checksum::str() const { return fmt::format("{:016x}{:016x}", first_, second_); }

}  // namespace guildhall::move
