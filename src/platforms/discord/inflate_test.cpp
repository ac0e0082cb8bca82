#include "platforms/discord/inflate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <vector>

namespace guildhall::discord {
namespace {

using testing::HasSubstr;

/// The other side, written by the libraries' manuals: one context, a flush behind each message.
class Sender {
 public:
  explicit Sender(Compression compression) : compression_(compression), zstd_(ZSTD_createCStream()) {
    EXPECT_EQ(deflateInit(&zlib_, 6), Z_OK);
  }
  ~Sender() {
    deflateEnd(&zlib_);
    ZSTD_freeCStream(zstd_);
  }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  std::string pack(std::string text) {
    std::string out(text.size() + 1024, '\0');
    if (compression_ == Compression::zstd) {
      ZSTD_inBuffer in{text.data(), text.size(), 0};
      ZSTD_outBuffer to{out.data(), out.size(), 0};
      EXPECT_EQ(ZSTD_compressStream2(zstd_, &to, &in, ZSTD_e_flush), 0U);
      out.resize(to.pos);
      return out;
    }
    zlib_.next_in = reinterpret_cast<Bytef*>(text.data());
    zlib_.avail_in = static_cast<uInt>(text.size());
    zlib_.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib_.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&zlib_, Z_SYNC_FLUSH), Z_OK);
    out.resize(out.size() - zlib_.avail_out);
    return out;
  }

 private:
  Compression compression_;
  z_stream zlib_{};
  ZSTD_CStream* zstd_;
};

class Inflation : public testing::TestWithParam<Compression> {
 protected:
  std::string message(const std::string& frame) {
    const auto text = inflater_->add(frame);
    if (!text) return text.error().message;
    return *text ? std::string(**text) : "(not yet)";
  }

  Sender sender_{GetParam()};
  std::unique_ptr<Inflater> inflater_ = make_inflater(GetParam());
};

TEST_P(Inflation, EachMessageIsReadInTheLightOfThoseBefore) {
  std::size_t packed = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string text =
        R"({"op":0,"t":"MESSAGE_CREATE","d":{"content":"hello )" + std::to_string(i) + "\"}}";
    const std::string frame = sender_.pack(text);
    packed += frame.size();
    ASSERT_EQ(message(frame), text);
  }
  EXPECT_LT(packed, 100 * 30U) << "each with a context of its own?";
}

TEST_P(Inflation, LargeOnesComeWholeAndSmallOnesBehindThem) {
  std::string noise;
  std::uint32_t state = 1;
  while (noise.size() < 3'000'000)
    noise += static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 24) % 26);
  for (const std::string& text :
       {std::string("small"), noise, std::string(1 << 20, 'x'), std::string("small again")})
    ASSERT_TRUE(message(sender_.pack(text)) == text) << text.size();
}

/// Exactly as large as a buffer of any power of two, and one byte beside it.
TEST_P(Inflation, NoSizeIsSpecial) {
  for (std::size_t size = 8192; size <= 1 << 20; size *= 2) {
    for (const std::size_t at : {size - 1, size, size + 1}) {
      const std::string text(at, 'y');
      ASSERT_TRUE(message(sender_.pack(text)) == text) << at;
    }
  }
}

TEST_P(Inflation, WhatIsDamagedIsAnError) {
  message(sender_.pack("first"));
  std::string frame = sender_.pack("second, which is long enough to have a middle that can be damaged");
  for (std::size_t i = 0; i + 4 < frame.size(); ++i) frame[i] = static_cast<char>(0xA5);
  EXPECT_THAT(message(frame), HasSubstr("damaged"));
}

TEST_P(Inflation, ABombIsRefused) {
  const std::string zeros(1 << 20, '\0');
  std::string frame;
  // One message, flushed now and then: as small as it gets.
  for (std::size_t size = 0; size <= kLargestMessage; size += zeros.size()) frame += sender_.pack(zeros);
  ASSERT_LT(frame.size(), kLargestMessage / 100);
  EXPECT_THAT(message(frame), HasSubstr("more than"));
}

TEST_P(Inflation, WhatIsNotCompressedAtAllIsSeenAtOnce) {
  EXPECT_THAT(message(R"({"op":10,"d":{"heartbeat_interval":41250}})"), HasSubstr("damaged"));
}

TEST_P(Inflation, AnEmptyFrameDoesNoHarm) {
  EXPECT_EQ(message(sender_.pack("first")), "first");
  const auto nothing = inflater_->add("");
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->value_or(""), "");
  EXPECT_EQ(message(sender_.pack("second")), "second");
}

INSTANTIATE_TEST_SUITE_P(Streams, Inflation, testing::Values(Compression::zlib, Compression::zstd),
                         [](const auto& info) { return info.param == Compression::zlib ? "Zlib" : "Zstd"; });

TEST(ZlibStream, AMessageMayComeInSeveralFrames) {
  Sender sender(Compression::zlib);
  const auto inflater = make_inflater(Compression::zlib);
  for (const std::string text : {"one", "two, which is longer", "three"}) {
    const std::string frame = sender.pack(text);
    for (std::size_t i = 0; i + 1 < frame.size(); ++i) {
      const auto part = inflater->add(frame.substr(i, 1));
      ASSERT_TRUE(part && !*part);
    }
    EXPECT_EQ(**inflater->add(frame.substr(frame.size() - 1)), text);
  }
}

TEST(Compression, NothingIsInflatedWithoutIt) { EXPECT_EQ(make_inflater(Compression::none), nullptr); }

}  // namespace
}  // namespace guildhall::discord
