// The gateway's compressed streams. The first byte chooses the stream, the second how large its frames are.
#include <algorithm>
#include <string>

#include "platforms/discord/inflate.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {
namespace {

using namespace discord;

struct Inflated {
  bool damaged = false;
  bool complete = false;  // the last frame ended a message
  std::string text;       // of all messages
};

Inflated inflate_in_frames(Compression compression, std::string_view packed, std::size_t size) {
  const auto inflater = make_inflater(compression);
  Inflated found;
  while (!packed.empty() && !found.damaged) {
    const auto message = inflater->add(packed.substr(0, size));
    packed.remove_prefix(std::min(size, packed.size()));
    found.damaged = !message;
    found.complete = message && message->has_value();
    if (!found.complete) continue;
    require((*message)->size() <= kLargestMessage, "a message beyond all bounds");
    found.text += **message;
  }
  return found;
}

}  // namespace

void fuzz_inflate(std::string_view input) {
  if (input.size() < 3) return;
  const Compression compression = input[0] == 's' ? Compression::zstd : Compression::zlib;
  const std::size_t size = 1 + static_cast<unsigned char>(input[1]);
  input.remove_prefix(2);
  const Inflated whole = inflate_in_frames(compression, input, input.size());
  const Inflated split = inflate_in_frames(compression, input, size);
  if (whole.damaged || !whole.complete) return;
  require(!split.damaged && split.complete, "what is right as a whole is damaged in parts");
  require(split.text == whole.text, "the parts are not the whole");
}

}  // namespace guildhall::fuzz
