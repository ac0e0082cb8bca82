// What the dashboard needs of the platforms' bridges. A door that is not there is empty.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/task.h"
#include "bot/finding.h"
#include "bot/kick_hearing.h"
#include "bot/persons.h"
#include "bot/settings.h"
#include "tenancy/scopes.h"

namespace guildhall::web {

struct KickDoor {
  std::function<Task<Result<std::string>>(std::string session_hash, ServerId server)> start_connect;
  /// `allowed`: may a channel be connected for that server? Before anything is asked of Kick.
  using Allowed = std::function<Task<Result<void>>(ServerId server)>;
  /// The server for which it was begun listens to the streamer's channel then. `address`: from where he came.
  std::function<Task<Result<ServerId>>(std::string state, std::string code, std::string session_hash,
                                       tenancy::Granter granter, std::string address, Allowed allowed)>
      finish_connect;
  std::function<Task<Result<void>>(ServerId server, tenancy::Actor actor)> disconnect;
  /// For one server, or (nothing) altogether. Error `not_found`, also where it is not his.
  std::function<Task<Result<void>>(tenancy::ChannelKey channel, tenancy::Granter granter,
                                   std::optional<ServerId> server)>
      withdraw;
  std::function<std::string(ServerId server)> channel_problem;
  std::function<Task<std::vector<bot::ChannelGap>>(ServerId server)> gaps;
};

/// Of viewers who prove at Kick who they are.
struct AccountDoor {
  struct Came {
    std::string verifier;
    std::string back_to;
  };
  /// Where he says so; `back_to` comes back with him, in that browser.
  std::function<Task<std::string>(std::string browser_hash, ServerId server, std::string back_to)> address;
  /// Nothing: he did not begin in that browser, or it is too late.
  std::function<Task<std::optional<Came>>(std::string state, std::string browser_hash)> came;
  /// Whose account it is. Error `unauthenticated`: the code is no good; others: Kick cannot be asked.
  std::function<Task<Result<bot::PlatformUser>>(std::string code, std::string verifier)> account;
};

/// Of members who sign in by Discord.
struct DiscordDoor {
  struct Person {
    DiscordUserId id;
    std::string name;
    std::vector<ServerId> servers;  // his, whether Guildhall is there or not
  };
  /// What somebody is to a server.
  struct Place {
    tenancy::Access access = tenancy::Access::none;
    /// With what the server's settings add for his roles.
    std::function<tenancy::Access(const bot::Settings& settings)> under;
  };
  /// Where he says who he is.
  std::function<Task<Result<std::string>>(std::string state, std::string challenge)> address;
  /// Who came back. Error `invalid`: the code is no good; others: Discord cannot be asked.
  std::function<Task<Result<Person>>(std::string code, std::string verifier)> person;
  /// At most a minute old. An error: Discord cannot be asked.
  std::function<Task<Result<Place>>(ServerId server, DiscordUserId user)> place;
  /// Does he run all of this?
  std::function<bool(DiscordUserId user)> is_operator;
};

/// What the operator has to set right, looked at now.
using CheckupDoor = std::function<Task<bot::Checkup>()>;

/// Why a server's messages are not sent to Discord: what lacks, where, and the way out.
using UnsentDoor = std::function<std::vector<Error>(ServerId server)>;

struct Doors {
  KickDoor kick = {};
  AccountDoor accounts = {};
  DiscordDoor discord = {};
  UnsentDoor unsent = {};
  CheckupDoor checkup = {};
};

}  // namespace guildhall::web
