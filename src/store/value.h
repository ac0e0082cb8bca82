// What travels between C++ and a database: values with their codecs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/ids.h"

namespace guildhall::store {

/// Bytes that are no text (sealed tokens, hashes).
struct Blob {
  std::string bytes;
};

using Value = std::variant<std::monostate, std::int64_t, std::string, Blob>;

enum class ValueType { integer, text, blob };

/// One row of an answer, by column position. Text and bytes are valid until the next row; text shows a
/// value of any type.
class Cells {
 public:
  virtual ~Cells() = default;
  /// How many columns the answer has.
  virtual int count() const = 0;
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual std::string_view bytes(int column) const = 0;
};

/// How a C++ type is written to and read from a database. Not specialised = does not compile.
template <class T>
struct Codec;

template <>
struct Codec<std::int64_t> {
  static constexpr ValueType type = ValueType::integer;
  static Value encode(std::int64_t value) { return value; }
  static std::int64_t decode(const Cells& cells, int column) { return cells.integer(column); }
};

template <>
struct Codec<bool> {
  static constexpr ValueType type = ValueType::integer;
  static Value encode(bool value) { return std::int64_t{value ? 1 : 0}; }
  static bool decode(const Cells& cells, int column) { return cells.integer(column) != 0; }
};

template <>
struct Codec<std::string> {
  static constexpr ValueType type = ValueType::text;
  static Value encode(std::string value) { return Value(std::move(value)); }
  static std::string decode(const Cells& cells, int column) { return std::string(cells.text(column)); }
};

template <>
struct Codec<Blob> {
  static constexpr ValueType type = ValueType::blob;
  static Value encode(Blob value) { return Value(std::move(value)); }
  static Blob decode(const Cells& cells, int column) { return Blob{std::string(cells.bytes(column))}; }
};

template <>
struct Codec<TimePoint> {
  static constexpr ValueType type = ValueType::integer;
  static Value encode(TimePoint value) { return to_micros(value); }
  static TimePoint decode(const Cells& cells, int column) { return from_micros(cells.integer(column)); }
};

template <>
struct Codec<Duration> {
  static constexpr ValueType type = ValueType::integer;
  static Value encode(Duration value) { return std::int64_t{value.count()}; }
  static Duration decode(const Cells& cells, int column) { return Duration(cells.integer(column)); }
};

template <class Tag>
struct Codec<StrongId<Tag>> {
  static constexpr ValueType type = ValueType::integer;
  static Value encode(StrongId<Tag> value) { return value.value(); }
  static StrongId<Tag> decode(const Cells& cells, int column) { return StrongId<Tag>(cells.integer(column)); }
};

template <class T>
struct Codec<std::optional<T>> {
  static constexpr ValueType type = Codec<T>::type;
  static Value encode(std::optional<T> value) {
    return value ? Codec<T>::encode(*std::move(value)) : Value();
  }
  static std::optional<T> decode(const Cells& cells, int column) {
    if (cells.is_null(column)) return std::nullopt;
    return Codec<T>::decode(cells, column);
  }
};

}  // namespace guildhall::store
