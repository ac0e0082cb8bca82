// A whole bot without platforms on the operator's own database, which knows the reserved servers alone:
// its dispatcher, ticks, outbox and dashboard are the product's own.
#pragma once

#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bot/dispatcher.h"
#include "bot/jobs.h"
#include "bot/outbox.h"
#include "bot/role_changes.h"
#include "doctor/isolation.h"
#include "doctor/recorder.h"
#include "web/api.h"

namespace guildhall::doctor {

/// What came back to the door that a call came through.
struct Said {
  bot::Outcome outcome = bot::Outcome::failed;
  bool answered = false;
  bool private_answer = false;
  std::string text;
};

class ProofBot {
 public:
  static Result<std::unique_ptr<ProofBot>> open(const Installation& installation);
  /// Ends its session; stops.
  ~ProofBot();

  const bot::Declarations& declarations() const { return declarations_; }
  tenancy::Tenancy& tenancy() { return *tenancy_; }
  ManualClock& clock() { return clock_; }
  Metrics& metrics() { return metrics_; }
  Recorder& recorder() { return recorder_; }

  /// As the operator's commands get it.
  tenancy::ServerScope scope(ServerId server) const;
  /// Events of that server are waited for with `wait`.
  template <class Event>
  void tell(ServerId server, Event event) {
    dispatcher_->submit(discord_scope(server), std::move(event), expect());
  }
  void tell_channel(ServerId server, bot::StreamStatus event);
  void tell_channel(ServerId server, bot::GiftedSubs event);
  void chat(ServerId server, bot::ChatMessage event);
  /// Throws ErrorException when one of the events failed.
  void wait();

  Said call_chat(ServerId server, bot::ChatMessage event);
  /// `restarted`: by the process that comes after this one and remembers nothing of it.
  Said call(ServerId server, bot::CommandRequest request, bool restarted = false);
  /// Reads the server's settings anew, and has done so when it returns.
  void refresh(ServerId server);
  /// Waits until the server has read its settings, if a request made it do so.
  void settle(ServerId server);
  void tick();
  /// What is due in any server.
  void work_due();
  /// Works on the outbox: once nobody is there; then the first message is refused, the next are sent, so
  /// many in all, and the rest stays. Returns what was given out.
  std::vector<std::string> deliver(ServerId server, std::size_t count);
  /// Works on what roles are wanted: each is done.
  void change_roles();
  net::HttpResponse request(const std::string& method, const std::string& path,
                            std::map<std::string, std::string, std::less<>> query, const std::string& body);

  tenancy::ServerRows rows(ServerId server) const;
  std::vector<std::string> take_topics();
  /// How many scopes were given for events and jobs since it was asked last.
  std::int64_t take_scopes() { return std::exchange(scopes_, 0); }
  /// Those that were for another server than the one they were asked for.
  std::vector<std::string> take_wrong_scopes() { return std::exchange(wrong_scopes_, {}); }
  const tenancy::ChannelKey& channel() const { return channel_; }

 private:
  explicit ProofBot(const Installation& installation);
  Result<void> start();
  tenancy::ServerScope discord_scope(ServerId server);
  tenancy::ServerScope channel_scope(ServerId server);
  tenancy::ServerScope checked(tenancy::ServerScope scope, ServerId asked, const char* from);
  bot::Dispatcher::Done expect();
  bot::OutboxSender& sender(bot::OutboxSender::Send send);

  const Installation& installation_;
  const bot::Declarations& declarations_;
  const tenancy::ChannelKey channel_;
  Recorder recorder_;
  Metrics metrics_;
  ManualClock clock_;
  std::unique_ptr<tenancy::Tenancy> tenancy_;
  bot::TopicHub topics_;
  std::mutex mutex_;
  std::vector<std::string> heard_;
  std::shared_ptr<void> listening_;
  std::int64_t scopes_ = 0;
  std::vector<std::string> wrong_scopes_;
  std::vector<std::future<bot::Outcome>> under_way_;
  net::Loops loops_{2};
  std::unique_ptr<bot::Dispatcher> dispatcher_;
  std::unique_ptr<bot::Dispatcher> restarted_;
  std::unique_ptr<bot::TickRunner> ticks_;
  std::deque<std::unique_ptr<bot::OutboxSender>> senders_;
  std::deque<std::unique_ptr<bot::RoleWorker>> role_workers_;
  std::unique_ptr<web::Sessions> sessions_;
  const web::Doors doors_;
  std::unique_ptr<web::Api> api_;
  std::string cookie_;
  std::string csrf_;
};

}  // namespace guildhall::doctor
