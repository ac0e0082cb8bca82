// Interactions of Discord: each becomes a call, and is answered in time, once, and to whom it may be shown.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/secrets.h"
#include "base/task.h"
#include "bot/custom_ids.h"
#include "bot/dispatcher.h"
#include "bot/member_budget.h"
#include "bot/page_links.h"
#include "bot/posts.h"
#include "platforms/discord/rest.h"
#include "tenancy/scope.h"

namespace guildhall::bot {

struct BridgeServices;

/// Lives on the bridge's loop.
class DiscordInteractions {
 public:
  /// All of it outlives this.
  DiscordInteractions(const BridgeServices& services, const Secrets& secrets, discord::RestClient& rest,
                      std::shared_ptr<discord::Timing> timing);
  ~DiscordInteractions();

  /// `scope`: of the server that it comes from, if we know that one. `told_again`: it may have come before,
  /// and an earlier process may have answered it. A command, a press or a form that this process has taken
  /// before, by whichever road, it does not take again.
  void take(std::optional<tenancy::ServerScope> scope, discord::Interaction interaction, bool told_again);
  /// The same of one that Discord posted: what its request is answered.
  Task<net::HttpResponse> take_posted(std::optional<tenancy::ServerScope> scope,
                                      discord::Interaction interaction);

  /// What is said to `user`, with what is offered below.
  discord::MessageBody body_of(const Answer& answer, ServerId server, const std::string& user) const;
  /// What a post says.
  discord::MessageBody body_of(const PostBody& post, ServerId server) const;

 private:
  class Pending;
  class Request;
  using RequestPtr = std::shared_ptr<Request>;
  struct Taken {
    discord::InteractionId id;
    discord::SteadyTime at;
  };
  /// What an interaction asks for.
  struct Wish {
    CommandRequest request;
    bool private_answer = false;
    std::optional<discord::Modal> form = {};  // shown first: something is to be written in it
  };

  /// False: it was taken before, or is none of those that we ask for. `request`: that brought it; may be
  /// null.
  bool begin(std::optional<tenancy::ServerScope> scope, discord::Interaction interaction, bool told_again,
             RequestPtr request);
  void serve(tenancy::ServerScope scope, discord::Interaction interaction, bool told_again,
             RequestPtr request);
  /// Not taken before, as far as a request can still come again.
  bool is_new(discord::InteractionId id);
  /// On the request that brought it, if that is still open.
  Task<Result<void>> answer_first(RequestPtr request, discord::Asked asked, discord::FirstAnswer answer);
  /// Gives an answer that can neither be put off nor come later.
  Task<void> answer_once(discord::Interaction interaction, RequestPtr request, discord::FirstAnswer answer);
  /// Offers names to whoever is typing one.
  Task<void> suggest(tenancy::ServerScope scope, discord::Interaction interaction, RequestPtr request);
  Task<std::vector<discord::CommandChoice>> choices(tenancy::ServerScope scope,
                                                    discord::Interaction interaction);
  Wish wish_of(const discord::Interaction& interaction);
  Wish command_wish(const discord::Interaction& interaction);
  /// Of a button, a select or a form.
  Wish offered_wish(const discord::Interaction& interaction);
  /// What the menu of a user does not tell is asked for, in the caller's language. Empty: it tells all, or
  /// the caller may not call that command at all.
  std::optional<discord::Modal> form_for(const CommandSpec& command, const CommandRequest& request,
                                         const discord::Interaction& interaction);
  void remember_names(const discord::Interaction& interaction);
  /// Empty: nobody has told it lately.
  std::string name_of(ServerId server, const std::string& user) const;

  Task<void> take_up(tenancy::ServerScope scope, std::shared_ptr<Pending> pending, CommandRequest request);
  void call(tenancy::ServerScope scope, std::shared_ptr<Pending> pending, CommandRequest request);
  /// False: it came to nothing, the message is as it was.
  using Change = std::function<Task<bool>()>;
  /// One after the other for each message; of those that wait the latest is made, and an older one only if
  /// that fails.
  Task<void> change_latest(discord::MessageId message, Change change);
  std::string say_plainly(std::string_view key) const;
  /// False: there is no room for it.
  bool add_offer(std::vector<discord::Row>& rows, const ShownOffer& offer, std::string id,
                 std::string_view language) const;

  const BridgeServices& services_;
  discord::RestClient& rest_;
  std::shared_ptr<discord::Timing> timing_;
  CustomIds offer_ids_;
  CustomIds form_ids_;
  PageLinks pages_;
  /// Of those whom forms are about, by number: of each server the last ones.
  std::map<ServerId, std::deque<std::pair<std::string, std::string>>> names_;
  std::unordered_set<discord::InteractionId> taken_;
  std::deque<Taken> taken_order_;  // the oldest first
  MemberBudget presses_;
  MemberBudget strokes_;
  std::map<discord::MessageId, std::vector<Change>> changes_;  // that wait behind one under way
};

}  // namespace guildhall::bot
