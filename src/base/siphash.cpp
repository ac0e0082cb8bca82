#include "base/siphash.h"

#include <array>
#include <bit>
#include <cstring>

namespace guildhall {
namespace {

class State {
 public:
  explicit State(SipKey key)
      : v_{key.first ^ 0x736f6d6570736575, key.second ^ 0x646f72616e646f6d, key.first ^ 0x6c7967656e657261,
           key.second ^ 0x7465646279746573} {}

  void add(std::uint64_t word) {
    v_[3] ^= word;
    mix();
    mix();
    v_[0] ^= word;
  }
  std::uint64_t finish() {
    v_[2] ^= 0xff;
    for (int round = 0; round < 4; ++round) mix();
    return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
  }

 private:
  void mix() {
    v_[0] += v_[1];
    v_[1] = std::rotl(v_[1], 13) ^ v_[0];
    v_[0] = std::rotl(v_[0], 32);
    v_[2] += v_[3];
    v_[3] = std::rotl(v_[3], 16) ^ v_[2];
    v_[0] += v_[3];
    v_[3] = std::rotl(v_[3], 21) ^ v_[0];
    v_[2] += v_[1];
    v_[1] = std::rotl(v_[1], 17) ^ v_[2];
    v_[2] = std::rotl(v_[2], 32);
  }

  std::array<std::uint64_t, 4> v_;
};

/// Of up to eight bytes, the first the lowest.
std::uint64_t word_of(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, count);
  if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
  return word;
}

}  // namespace

std::uint64_t siphash(SipKey key, std::string_view bytes) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  State state(key);
  const std::size_t whole = bytes.size() / kWord * kWord;
  for (std::size_t i = 0; i < whole; i += kWord) state.add(word_of(bytes.data() + i, kWord));
  const std::uint64_t length = static_cast<std::uint64_t>(bytes.size()) << 56;
  state.add(length | word_of(bytes.data() + whole, bytes.size() - whole));
  return state.finish();
}

}  // namespace guildhall
