// The road of an event: from whoever heard of it, through the queue of its server, to the features, in
// one transaction; then, after the commit, to whoever waits for an answer and to every open page.
//
// A server lives on one loop. Its events are started in the order in which they were submitted, and
// each starts its transaction before anything else of it waits, so that they also commit in that
// order; only the answers wait for their own commit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "bot/feature.h"
#include "bot/topics.h"
#include "net/loops.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

enum class Outcome {
  committed,   // effects are in the database; for a call: it was answered
  failed,      // nothing of it remains; the log says why
  overloaded,  // the server's queue is full; nothing was started
  postponed,   // the database did not take it, or its answer was lost: the same may be tried again a moment
               // later, and its operation id keeps it from being done twice
};

/// An offer in the language of the server.
struct ShownOffer {
  std::string label;
  OfferedCall call;
  bool enabled = true;
  bool for_all = false;
  std::optional<PageLink> page = {};
};

/// What goes back to the door that a call came through.
struct Answer {
  std::string text;
  bool private_answer = false;
  std::vector<ShownOffer> offers = {};
  bool replaces = false;      // the message whose offer was taken
  std::string language = {};  // of the server: for what the door itself writes into the offers
};

/// A call of a command as a door understood it.
struct CommandRequest {
  Door door = Door::slash;
  Caller caller;
  std::string place;
  std::string operation_id;
  /// Slash and button: the command's slash name and its options as text; a person's name by its id.
  std::string slash_name;
  std::map<std::string, std::string, std::less<>> options;
  std::map<std::string, std::string, std::less<>> person_names;
  /// Prefix: the whole message. It is a call only if it begins with the server's prefix.
  std::string line;
  /// The door knows already that it comes to nothing: the key of what is said, in the server's language.
  std::string refusal;
};

class Dispatcher {
 public:
  using Done = std::function<void(Outcome)>;
  /// `answer` is empty when there is nothing to say.
  using Answered = std::function<void(Outcome, std::optional<Answer> answer)>;
  /// The transaction of one event: what is said when it is over.
  using Body = std::function<store::TxTask<std::optional<Reply>>(store::Tx&, ServerContext&)>;

  Dispatcher(net::Loops& loops, const Declarations& declarations, const Clock& clock, TopicHub& topics,
             Metrics& metrics);
  ~Dispatcher();

  /// From any thread; `done` is called on the server's loop.
  void submit(tenancy::ServerScope scope, StreamStatus event, Done done);
  void submit(tenancy::ServerScope scope, StreamsOver event, Done done);
  void submit(tenancy::ServerScope scope, GiftedSubs event, Done done);
  void submit(tenancy::ServerScope scope, MemberJoined event, Done done);
  void submit(tenancy::ServerScope scope, MemberLeft event, Done done);
  /// A message of a stream's chat, and the command in it if there is one.
  void submit(tenancy::ServerScope scope, ChatMessage event, Answered answered);
  /// A slash command, an offer that was taken, or a Discord message that may be a call. `answered` with
  /// `committed` and no answer: it was not a call.
  void submit(tenancy::ServerScope scope, CommandRequest request, Answered answered);

  /// Reads the server's settings anew before its next event, and lets the features follow them.
  void refresh(tenancy::ServerScope scope);

  /// What a transaction beside the line has changed: pages fetch it anew, and the outbox is looked at.
  void tell(tenancy::ServerScope scope, const ServerContext& context);
  /// Something was put into the outbox elsewhere.
  void wake_outbox(tenancy::ServerScope scope) {
    if (wake_outbox_) wake_outbox_(scope);
  }
  /// Called after a commit that put something into the outbox.
  void on_outbox(std::function<void(tenancy::ServerScope)> wake) { wake_outbox_ = std::move(wake); }

 private:
  class Lane;

  std::shared_ptr<Lane> lane(ServerId server);
  std::size_t longest_line();
  template <class Event>
  void submit_event(tenancy::ServerScope scope, Event event, Done done);

  net::Loops& loops_;
  const Declarations& declarations_;
  const Clock& clock_;
  TopicHub& topics_;
  std::function<void(tenancy::ServerScope)> wake_outbox_;
  Counter& committed_;
  Counter& failed_;
  Counter& overloaded_;
  Counter& commands_;
  Histogram& seconds_;
  std::mutex mutex_;
  std::map<ServerId, std::shared_ptr<Lane>> lanes_;
};

}  // namespace guildhall::bot
