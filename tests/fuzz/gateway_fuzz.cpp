// Frames of Discord's gateway, on through the router to the handler; and the session that is kept.
#include "base/metrics.h"
#include "base/text.h"
#include "platforms/discord/event_router.h"
#include "platforms/discord/protocol.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {
namespace {

using namespace discord;

/// One that events may be about.
constexpr std::string_view kGuild =
    R"({"id":"1","owner_id":"2","roles":[{"id":"1","name":"@everyone","permissions":"0"}],)"
    R"("channels":[{"id":"3","type":0,"name":"a"}],"members":[{"user":{"id":"4"},"roles":["1"]}]})";

/// What comes out may go into the database and to people. The router catches what a handler throws, so
/// what is wrong is kept until it is done.
class Handler final : public GatewayHandler {
 public:
  void on_ready(Ready ready, Receipt) override { look_at(ready.self); }
  void on_intents_refused(Intents) override {}
  void on_guild(GuildSnapshot guild, GuildArrival, Receipt) override {
    if (guild.unavailable) broken_ = "an outage was told as an arrival";
    look_at(guild.name);
  }
  void on_guild_renamed(ServerId, std::string name, Receipt) override { look_at(name); }
  void on_guild_unavailable(ServerId) override {}
  void on_guild_removed(ServerId, Receipt) override {}
  void on_member_joined(MemberJoin join, Receipt) override { look_at(join.user); }
  void on_member_left(MemberLeave leave, Receipt) override { look_at(leave.user); }
  void on_message(Message message) override {
    look_at(message.author);
    look_at(message.content);
  }
  void on_interaction(Interaction interaction) override {
    look_at(interaction.user);
    look_at(interaction.command);
    for (const auto& [name, value] : interaction.options) look_at(value);
    for (const auto& [id, name] : interaction.users) look_at(name);
    for (const auto& [id, name] : interaction.roles) look_at(name);
    for (const auto& [id, name] : interaction.channels) look_at(name);
    for (const auto& [id, file] : interaction.attachments) look_at(file.name + file.type + file.url);
    look_at(interaction.custom_id);
    for (const std::string& value : interaction.values) look_at(value);
    for (const auto& [id, values] : interaction.fields) {
      look_at(id);
      for (const std::string& value : values) look_at(value);
    }
    if (interaction.target_message) look_at(interaction.target_message->content);
  }

  const std::string& broken() const { return broken_; }

 private:
  void look_at(const std::string& text) {
    if (!is_clean_utf8(text)) broken_ = "broken text got through";
  }
  void look_at(const User& user) {
    look_at(user.name);
    look_at(user.display_name);
  }

  std::string broken_;
};

void require_stable_memory(std::string_view input) {
  const auto session = read_session(input);
  const auto again = read_session(write_session(session));
  require(session == again, "a kept session changed");
  if (const auto budget = read_budget(input))
    require(read_budget(write_budget(*budget)) == budget, "a kept budget changed");
}

/// However its members are ordered, a frame is read as if all of it had been parsed at once.
void require_same_as_parsed_whole(std::string_view input, const Frame& frame) {
  const auto whole = json::parse(input);
  if (!whole) return;
  require(static_cast<Op>(json::integer(*whole, "op").value_or(-1)) == frame.op, "another op");
  require(json::integer(*whole, "s") == frame.sequence, "another sequence");
  const json::Value* event = json::find(*whole, "t");
  require(
      (event != nullptr && event->is_string() ? std::string_view(event->get_string()) : "") == frame.event,
      "another event");
  const json::Value* data = json::find(*whole, "d");
  require((data == nullptr ? json::Value() : *data) == *frame.data, "other data");
}

}  // namespace

void fuzz_gateway(std::string_view input) {
  require_stable_memory(input);
  static FrameParser parser;
  auto frame = parser.parse(input);
  if (!frame || !parser.parse_data(*frame)) return;
  require(frame->data != nullptr, "a frame without data");
  require_same_as_parsed_whole(input, *frame);
  if (frame->op != Op::dispatch) return;
  Metrics metrics;
  Handler handler;
  State state({.channels = true, .members = true}, metrics);
  state.put_guild(*json::parse(kGuild));
  EventRouter router(handler, state, {}, metrics, nullptr);
  router.route(frame->event, frame->data, frame->sequence.value_or(1));
  require(handler.broken().empty(), handler.broken());
  for (const ChannelInfo& channel : state.channels(ServerId(1)))
    require(is_clean_utf8(channel.name), "a channel's broken name got through");
}

}  // namespace guildhall::fuzz
