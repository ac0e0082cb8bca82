// One connection in pipeline mode, driven by an event loop: what is sent does not wait for what was sent
// before, and answers come in that order. Used by one thread.
//
// Commands are sent in groups. A group ends with a sync: when one of its commands fails, the rest of the
// group is skipped; outside of BEGIN and COMMIT a group is one transaction.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "store/database.h"
#include "store/postgres/libpq.h"
#include "store/postgres/prepared_text.h"

namespace guildhall::store::postgres {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Told once for each group: nothing, or the error of the command that failed.
  using Done = std::move_only_function<void(std::exception_ptr)>;

  /// Takes over an established connection. `lost` is called at most once, when it can be used no more.
  static std::shared_ptr<Connection> adopt(boost::asio::io_context& loop, ConnectionPtr connection,
                                           std::function<void()> lost);
  ~Connection();

  // The commands of a group, up to `end_group`:

  /// A fixed statement without parameters ("BEGIN").
  void command(const char* sql);
  /// Sets the scope for the rest of the transaction.
  void set_scope(ServerId server);
  /// The same, and waits until no other unit of work of that server is under way anywhere.
  void set_scope_and_lock(ServerId server);
  /// Waits the same, without a scope.
  void lock(ServerId server);
  /// Waits the same for every server of the range.
  void lock_range(ServerRange range);
  /// Tells every process that listens, the sender's name being `payload`.
  void notify(const std::string& payload);
  /// One registered statement for all calls of the execution, which must live until the group is done.
  void run(const StatementInfo& info, const PreparedTexts& texts, ServerId server, Execution& execution);
  void end_group(Done done);

  /// Ends it from our side; what is under way is told that it is lost.
  void close() { lose("we closed it"); }
  /// After the groups that are under way.
  void close_when_done() {
    closing_ = true;
    if (groups_.empty()) close();
  }

  bool is_lost() const { return lost_; }
  std::size_t groups_under_way() const { return groups_.size(); }
  /// The turn of the oldest of them began then; for ever in the future when there is none.
  std::chrono::steady_clock::time_point waiting_since() const {
    return groups_.empty() ? std::chrono::steady_clock::time_point::max() : groups_.front().since;
  }

 private:
  Connection(boost::asio::io_context& loop, ConnectionPtr connection, std::function<void()> lost);

  enum class Reply { prepare, fixed, rows, sync };
  struct Expected {
    Reply reply;
    const StatementInfo* info = nullptr;
    Execution* execution = nullptr;
    std::string prepares = {};  // name to forget when preparing failed
  };
  struct Group {
    Done done;
    std::exception_ptr error = nullptr;
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  };

  void run_each(const StatementInfo& info, const PreparedText& text, const Value& server, Calls calls,
                Execution& execution);
  void run_arrays(const StatementInfo& info, const PreparedText& text, const Value& server, Calls calls,
                  Execution& execution);
  void send_prepared(const std::string& name, const char* sql, const std::vector<Oid>& types,
                     const Parameters& parameters, Expected expected);
  void prepare_once(const std::string& name, const char* sql, const std::vector<Oid>& types);
  void expect(bool sent, Expected expected);
  void flush();
  void listen_for_answers();
  void read_answers();
  /// False: no answer is there yet.
  bool read_one();
  void take(const Expected& expected, PGresult* result);
  void take_rows(const Expected& expected, PGresult* result);
  void fail_group(const DatabaseError& error);
  void lose(std::string_view why);

  boost::asio::io_context& loop_;
  ConnectionPtr connection_;
  boost::asio::posix::stream_descriptor socket_;
  std::function<void()> on_lost_;
  std::vector<std::string> prepared_;  // names, sorted
  std::deque<Expected> expected_;
  std::deque<Group> groups_;
  bool reading_ = false;
  bool writing_ = false;
  bool lost_ = false;
  bool closing_ = false;
};

}  // namespace guildhall::store::postgres
