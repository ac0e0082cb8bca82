#include "platforms/discord/inflate.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

namespace guildhall::discord {
namespace {

/// What ends a message of zlib-stream (Z_SYNC_FLUSH).
constexpr std::string_view kMessageEnd{"\x00\x00\xFF\xFF", 4};
/// A buffer that one large message made is given back with the next small one.
constexpr std::size_t kKeptBuffer = std::size_t{512} << 10;
constexpr std::size_t kFirstBuffer = std::size_t{16} << 10;

std::unexpected<Error> damaged(std::string_view how) {
  return fail(ErrorCode::unavailable,
              fmt::format("discord gateway: the compressed stream is damaged: {}", how));
}

std::unexpected<Error> too_large() {
  return fail(ErrorCode::unavailable,
              fmt::format("discord gateway: a message of more than {} bytes", kLargestMessage));
}

/// Where a message is put together; not filled with zeros first.
class Output {
 public:
  void begin() {
    size_ = 0;
    if (capacity_ > kKeptBuffer) capacity_ = 0;
    if (capacity_ == 0) grow_to(kFirstBuffer);
  }
  char* free_space() { return bytes_.get() + size_; }
  std::size_t room() const { return capacity_ - size_; }
  void wrote(std::size_t count) { size_ += count; }
  /// False: it may not grow any more.
  bool make_room() {
    if (room() > 0) return true;
    if (capacity_ >= kLargestMessage) return false;
    grow_to(std::min(2 * capacity_, kLargestMessage));
    return true;
  }
  std::string_view text() const { return {bytes_.get(), size_}; }

 private:
  void grow_to(std::size_t capacity) {
    auto grown = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(grown.get(), bytes_.get(), size_);
    bytes_ = std::move(grown);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// One message may come in several frames; its end is marked.
class ZlibStream final : public Inflater {
 public:
  ZlibStream() {
    if (inflateInit(&stream_) != Z_OK) throw std::bad_alloc();
  }
  ~ZlibStream() override { inflateEnd(&stream_); }
  ZlibStream(const ZlibStream&) = delete;
  ZlibStream& operator=(const ZlibStream&) = delete;

  Result<std::optional<std::string_view>> add(std::string_view frame) override {
    if (ended_) output_.begin();
    if (const auto read = inflate_frame(frame); !read) return std::unexpected(read.error());
    tail_ += frame.substr(frame.size() - std::min(frame.size(), kMessageEnd.size()));
    if (tail_.size() > kMessageEnd.size()) tail_.erase(0, tail_.size() - kMessageEnd.size());
    ended_ = tail_ == kMessageEnd;
    return ended_ ? std::optional(output_.text()) : std::nullopt;
  }

 private:
  Result<void> inflate_frame(std::string_view packed) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));  // NOLINT: it only reads
    stream_.avail_in = static_cast<uInt>(packed.size());
    do {
      if (!output_.make_room()) return too_large();
      stream_.next_out = reinterpret_cast<Bytef*>(output_.free_space());
      const std::size_t room = output_.room();
      stream_.avail_out = static_cast<uInt>(room);
      const int result = inflate(&stream_, Z_SYNC_FLUSH);
      output_.wrote(room - stream_.avail_out);
      // No progress is possible: all of it has been read and written.
      if (result == Z_BUF_ERROR) break;
      if (result != Z_OK) return damaged(stream_.msg != nullptr ? stream_.msg : "zlib");
    } while (stream_.avail_out == 0 || stream_.avail_in > 0);
    return {};
  }

  z_stream stream_{};
  Output output_;
  std::string tail_;   // the last bytes that came
  bool ended_ = true;  // the message before this frame
};

/// Each frame is a message; the zstd frame around them never ends.
class ZstdStream final : public Inflater {
 public:
  ZstdStream() : stream_(ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
  }

  Result<std::optional<std::string_view>> add(std::string_view frame) override {
    output_.begin();
    ZSTD_inBuffer in{frame.data(), frame.size(), 0};
    bool full = false;
    while (in.pos < in.size || full) {
      if (!output_.make_room()) return too_large();
      ZSTD_outBuffer out{output_.free_space(), output_.room(), 0};
      const std::size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
      output_.wrote(out.pos);
      if (ZSTD_isError(result) != 0) return damaged(ZSTD_getErrorName(result));
      full = out.pos == out.size;
    }
    return output_.text();
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  Output output_;
};

}  // namespace

std::string_view stream_name(Compression compression) {
  switch (compression) {
    case Compression::none: return "";
    case Compression::zlib: return "zlib-stream";
    case Compression::zstd: return "zstd-stream";
  }
  return "";
}

std::unique_ptr<Inflater> make_inflater(Compression compression) {
  switch (compression) {
    case Compression::none: return nullptr;
    case Compression::zlib: return std::make_unique<ZlibStream>();
    case Compression::zstd: return std::make_unique<ZstdStream>();
  }
  return nullptr;
}

}  // namespace guildhall::discord
