// Transport compression of the gateway: one context for the whole life of a connection.
// Source: gateway documentation, "Transport Compression".
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace guildhall::discord {

/// zstd costs the least to read, and Discord recommends it.
enum class Compression { none, zlib, zstd };

/// As the gateway's address names it: "zstd-stream", "" for none.
std::string_view stream_name(Compression compression);

/// No message inflates to more, in bytes; the largest are GUILD_CREATEs of several MB.
inline constexpr std::size_t kLargestMessage = std::size_t{64} << 20;

class Inflater {
 public:
  virtual ~Inflater() = default;
  /// The next message, once its last frame is there; it lives until the next call. An Error: the stream is
  /// damaged, or a message too large; nothing behind it can be read any more.
  virtual Result<std::optional<std::string_view>> add(std::string_view frame) = 0;
};

/// Null for none.
std::unique_ptr<Inflater> make_inflater(Compression compression);

}  // namespace guildhall::discord
