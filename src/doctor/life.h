// The life of one of the two servers, from the first event to the last: events of every kind, every command
// at every door, every route, every setting, links, ticks, the outbox, a restart. It is made from the
// registries; the only things told by name are kinds of events.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "doctor/examples.h"
#include "doctor/proof_bot.h"
#include "doctor/report.h"

namespace guildhall::doctor {

class Life {
 public:
  /// `other`: whose marks must not appear.
  Life(ProofBot& bot, Report& report, Marks own, Marks other);

  /// Lives it, on a clock of its own that begins at the same moment for every life. Before and after it
  /// the server is inactive.
  void run();

  /// Calls and requests with what only the other server knows, each compared with the same about what
  /// nobody knows.
  void ask_for_the_other();

  /// Every statement that was run for it.
  const std::vector<Run>& runs() const { return runs_; }
  /// What failed, by step.
  const std::map<std::string, std::string>& failures() const { return failures_; }

  /// What a statement came to in one step, all runs together.
  struct Effect {
    std::int64_t runs = 0;
    std::int64_t rows = 0;
    std::int64_t changes = 0;
    bool operator==(const Effect&) const = default;
  };
  /// By step; of those in which both lives do the same.
  const std::map<std::string, std::map<std::size_t, Effect>>& effects() const { return effects_; }

  /// Ticks and rehearsals at this moment, in work that is rolled back: what each of their statements came
  /// to, in order.
  std::vector<Run> rehearse();

  /// A call by a member of the server who is no administrator.
  Said call_by_member(const std::string& line, const std::string& operation_id);

 private:
  struct Seen {
    std::string answer;
    std::vector<std::string> statements;  // with what they returned and changed, in order
    bool operator==(const Seen&) const = default;
  };

  /// Runs one step. Returns the statements that it ran; what it throws is kept under its name. Two lives do
  /// the same in it, but for those that are `its_own`.
  std::vector<Run> step(const std::string& name, const std::function<void()>& body, bool its_own = false);
  /// What was run since; it belongs to this life.
  std::vector<Run> keep_runs();
  void check(const std::string& kind, const std::string& name, const std::string& text);
  void note(const std::string& kind, const std::string& name, const std::vector<Run>& runs, bool answered);

  void change_settings();
  void set(const std::string& key, const std::optional<std::string>& value);
  void stream();
  void say(int viewer, TimePoint at, bool live_known);
  void tick_at(TimePoint at);
  void link_people();
  void link_themselves();
  void link(std::int64_t member, const std::string& viewer);
  void unlink(std::int64_t member);
  void call_commands();
  Said call(const bot::CommandSpec& command, bot::Door door, const CallExample& example);
  bot::ChatMessage chat_call(const std::string& words, const std::string& id) const;
  void call_again();
  void request_routes();
  void request(const std::string& name, const bot::RouteSpec& route, const bot::RouteExample& example);
  void list_servers();
  void crowd();
  void earn_roles();
  void show_role();
  void stay();
  void leave_roles_and_posts();
  void carry(bool second);
  void write(int viewer, TimePoint from);
  void keep_channel();
  void consent(const tenancy::ChannelKey& channel, const char* streamer);
  void keep_grant();
  void deliver();

  void ask(const bot::CommandSpec& command, bot::Door door);
  std::vector<Seen> seen_of(const bot::CommandSpec& command, bot::Door door, const Named& named);
  void ask(const bot::RouteSpec& route);

  std::string member_name(std::int64_t number) const;
  bot::Caller caller(bot::Permission permission) const;
  std::int64_t next_amount() { return own_.amount - 7 * ++amounts_; }

  ProofBot& bot_;
  Report& report_;
  Marks own_;
  Marks other_;
  TimePoint begin_;
  TimePoint rehearsed_at_;
  std::vector<Run> runs_;
  std::map<std::string, std::string> failures_;
  std::map<std::string, std::map<std::size_t, Effect>> effects_;
  std::map<std::string, bot::CommandRequest> last_slash_;  // by command
  std::int64_t calls_ = 0;
  std::int64_t asked_ = 0;
  std::int64_t amounts_ = 0;
};

}  // namespace guildhall::doctor
