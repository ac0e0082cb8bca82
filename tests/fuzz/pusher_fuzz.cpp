// Frames of the service behind the chat of Kick's own site.
#include "base/text.h"
#include "platforms/kick/pusher.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {

using namespace kick;

void fuzz_pusher(std::string_view input) {
  const auto frame = read_frame(input);
  if (!frame) return;
  require(!frame->event.empty(), "a frame without an event got through");
  require(is_clean_utf8(frame->event) && is_clean_utf8(frame->channel), "broken text got through");
  const auto room = chatroom_of(frame->channel);
  if (room) require(*room > 0, "a chatroom without a number got through");
  const User streamer{"900001", "StreamerOne", "streamerone"};
  const TimePoint now = from_micros(1'777'629'600'000'000);
  const auto message = read_chat_event(frame->data, room.value_or(668), streamer, now);
  if (!message) return;
  require(message->broadcaster.id == streamer.id, "a message of another channel got through");
  require(!message->message_id.empty() && !message->sender.id.empty(), "a nameless message got through");
  require(is_clean_utf8(message->content) && is_clean_utf8(message->sender.name), "broken text got through");
}

}  // namespace guildhall::fuzz
