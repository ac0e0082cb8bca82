// What a feature sees of the server while it handles one event, command or request.
#pragma once

#include <map>
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

/// A call that a button makes when it is pressed: of a command that is open at Door::button (commands.h).
struct ButtonCall {
  std::string command;                                      // its path
  std::map<std::string, std::string, std::less<>> options;  // its arguments as text
};

/// Stands below a reply where the platform has buttons, and is left out elsewhere.
struct Button {
  Message label;
  ButtonCall call;
  bool enabled = true;
  bool for_all = false;  // otherwise only who asked may press it
};

/// What is said to whoever asked: lines in the language of the server, escaped for where they appear.
struct Reply {
  std::vector<Message> lines;
  bool refused = false;  // shown to the asker alone where the platform can
  std::vector<Button> buttons = {};
  bool replaces = false;  // when a button was pressed: in place of the message that it stands below
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
