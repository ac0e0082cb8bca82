// What a gateway remembers between two starts of the process, so that it resumes instead of identifying.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

/// A set of event groups that are asked for. Source: gateway documentation, "Gateway Intents".
using Intents = std::uint32_t;

inline constexpr Intents kGuilds = 1U << 0;
inline constexpr Intents kGuildMembers = 1U << 1;
inline constexpr Intents kGuildPresences = 1U << 8;
inline constexpr Intents kGuildMessages = 1U << 9;
inline constexpr Intents kMessageContent = 1U << 15;
/// Those that need a switch in the developer portal.
inline constexpr Intents kPrivilegedIntents = kGuildMembers | kGuildPresences | kMessageContent;
inline constexpr Intents kDefaultIntents = kGuilds | kGuildMembers | kGuildMessages | kMessageContent;

/// The privileged ones among them as the developer portal names them: "Server Members Intent, ...".
std::string privileged_names(Intents intents);
/// The privileged ones that are switched on, by an application's flags. Source: developer documentation,
/// "Application Flags": each has a bit for large bots, and beside it one for the others.
Intents switched_on(std::uint64_t application_flags);

struct SavedSession {
  std::string id;
  std::string resume_url;  // as Discord gave it, without a query
  std::int64_t sequence = 0;
  Intents intents = 0;  // that were asked for when it began
  /// Every guild that the session has told of: a resumed session tells of none again.
  std::vector<ServerId> guilds;
  Shard shard = {};
  DiscordUserId self = {};    // the bot, whom no event of a resumed session names
  std::string presence = {};  // that members see, as it was configured

  friend bool operator==(const SavedSession&, const SavedSession&) = default;
};

/// Where the session is kept, none if there is none; called on the gateway's loop. An implementation has its
/// own deadline. If it fails, the gateway goes on and identifies anew after the next start.
class SessionStore {
 public:
  virtual ~SessionStore() = default;
  virtual Task<std::optional<SavedSession>> load() = 0;
  virtual Task<void> save(std::optional<SavedSession> session) = 0;
};

/// It as one JSON text, for stores that keep texts. Anything unreadable is no session.
std::string write_session(const std::optional<SavedSession>& session);
std::optional<SavedSession> read_session(std::string_view text);

}  // namespace guildhall::discord
