// What a feature sees of the server while it handles one event, command or request.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/messages.h"
#include "bot/settings.h"

namespace guildhall::bot {

/// Made anew for every attempt of a transaction; what is collected here takes effect after the commit.
struct ServerContext {
  std::string language() const { return settings->get(kLanguage); }

  ServerId server;
  TimePoint now;
  SettingsPtr settings;
  const Catalogue* texts = nullptr;
  /// What every open page of this server has to fetch again: "points", "stream", "activity", ...
  std::set<std::string> changed = {};
  /// Something was put into the outbox.
  bool outbox = false;
};

/// A call that is one press or one choice away: of a command that is open at Door::button (commands.h).
struct OfferedCall {
  std::string command;                                      // its path
  std::map<std::string, std::string, std::less<>> options;  // its arguments as text
  /// The arguments that are left to whoever makes it.
  std::vector<std::string> open = {};
};

/// A page of ours that is made for one person (page_links.h).
struct PageLink {
  std::string page;    // "link"
  std::string member;  // for whom, by Discord's number
  std::string key;     // what it is about
  std::chrono::seconds life{};

  friend bool operator==(const PageLink&, const PageLink&) = default;
};

/// Stands below a reply where the platform has such things, and is left out elsewhere: a button, or, where an
/// argument of the call is open, a select of that argument's choices or of the server's members.
struct Offer {
  Message label;
  OfferedCall call;  // with one open argument at most; what it is now may be among the options too
  bool enabled = true;
  bool for_all = false;  // otherwise only who asked may take it
  /// In place of a call: opens that page, in a reply to this person alone.
  std::optional<PageLink> page = {};
};

/// What is said to whoever asked: lines in the language of the server, escaped for where they appear.
struct Reply {
  std::vector<Message> lines;
  bool refused = false;  // shown to the asker alone where the platform can
  std::vector<Offer> offers = {};
  bool replaces = false;  // when an offer was taken: in place of the message that it stands below
};

inline Reply say(std::string key, std::vector<std::pair<std::string, MessageArgument>> arguments = {}) {
  Reply reply;
  reply.lines.push_back({std::move(key), std::move(arguments)});
  return reply;
}

inline Reply refuse(std::string key, std::vector<std::pair<std::string, MessageArgument>> arguments = {}) {
  Reply reply = say(std::move(key), std::move(arguments));
  reply.refused = true;
  return reply;
}

}  // namespace guildhall::bot
