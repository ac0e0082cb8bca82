// The chat of channels of which Kick posts none, from the service that Kick's own site uses: only where the
// operator has configured it (kick.chat_socket), and only while Kick does not keep a subscription to their
// chat.
//
// Which chatroom is a channel's is the operator's word or that of Kick's site, never a server's: a site that
// keeps us out is asked again later and later, and what it said once holds. Like the bridge it runs in the
// one process that does everything, so that nobody listens beside it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bot/discord_bridge.h"
#include "platforms/kick/chat_socket.h"
#include "platforms/kick/client.h"
#include "tenancy/channels.h"

namespace guildhall::bot {

/// Lives on the bridge's loop.
class KickChatFallback {
 public:
  struct Hooks {
    std::function<void(kick::ChatMessageSent)> chat;
    /// How a channel's chat comes meanwhile, or why it does not; empty: there is nothing to say.
    std::function<void(const std::string& broadcaster, std::string word)> tell;
  };

  KickChatFallback(BridgeServices services, Hooks hooks);

  void start();
  void stop();
  /// Of these, and of no others, Kick posts no chat.
  void listen_to(const std::vector<tenancy::Channel>& channels);

 private:
  static constexpr Duration kFirstPause = std::chrono::seconds(30);

  struct Channel {
    kick::User streamer;
    std::int64_t room = 0;  // 0: not known yet
    std::string trouble;    // why not
    TimePoint look_up_at{};
    Duration pause = kFirstPause;  // behind the next failure; it doubles
  };

  Task<void> look_up();
  Task<void> load();
  Task<void> look_up(std::string broadcaster);
  void note_site(const Result<std::int64_t>& answer);
  Task<void> keep_found();
  std::int64_t known_room(const Channel& channel) const;
  void follow();
  void tell() const;
  std::string word_of(const Channel& channel) const;

  BridgeServices services_;
  Hooks hooks_;
  kick::ChatSocket socket_;
  std::map<std::string, std::int64_t> configured_;  // by slug
  std::map<std::string, std::int64_t> found_;       // by broadcaster
  bool loaded_ = false;
  bool stopped_ = false;
  TimePoint ask_site_at_{};
  Duration site_pause_ = kFirstPause;        // behind its next refusal; it doubles
  std::map<std::string, Channel> channels_;  // by broadcaster
};

}  // namespace guildhall::bot
