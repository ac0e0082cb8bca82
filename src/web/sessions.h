// Who is signed in. The operator signs in with a one-time code that `guildhall login-code` prints on the
// host (15 minutes, single use, logged), everybody else by Discord (discord_sign_in.h), but for those whom
// the operator has disabled (accounts.h). Only hashes of codes and session ids are stored.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "bot/feature.h"
#include "net/http.h"
#include "net/rate_limit.h"
#include "tenancy/audit.h"
#include "tenancy/scopes.h"

namespace guildhall::web {

inline constexpr const char* kSessionCookie = "guildhall_session";

/// Who may be signed in: the operator, and the isolation proof while it runs.
inline constexpr const char* kOperator = "operator";
inline constexpr const char* kProof = "isolation proof";

struct Session {
  std::string hash;  // of the id in the cookie
  std::string principal;
  std::string csrf_token;
  std::string name;               // as Discord calls who signed in by it
  std::vector<ServerId> servers;  // his, where Guildhall was when he signed in

  /// Who signed in by Discord; nothing: somebody else.
  std::optional<DiscordUserId> member() const;
};

std::string principal_of(DiscordUserId member);

/// Ends every session of that name, in that transaction.
store::TxTask<void> end_sessions(store::GlobalTx& tx, std::string principal);

class Sessions {
 public:
  Sessions(tenancy::GlobalScope global, const Clock& clock) : global_(global), clock_(clock) {}

  static void declare(bot::Declarations& declarations);

  /// A fresh code, logged in the operator's log.
  Task<std::string> make_login_code(tenancy::Actor actor);
  /// The id for the cookie, or nothing when the code is wrong, used or too old. Uses the code up.
  Task<std::optional<std::string>> sign_in(std::string code, std::string principal = kOperator);
  /// The id for the cookie of somebody whom Discord has named, or nothing when his account is disabled. It is
  /// in the operator's log.
  struct Member {
    DiscordUserId id;
    std::string name;
    std::vector<ServerId> servers;
    /// The session that his browser came with, which ends.
    std::string session_before = {};
  };
  Task<std::optional<std::string>> sign_in_member(Member member);
  /// Another id for the cookie of that session, with which it goes on; what its pages have under way with the
  /// one before is answered for a minute more. Nothing: it has ended, or somebody else has just done that.
  Task<std::optional<std::string>> renew(std::string hash);
  /// The session behind a cookie: at most seven days old, seen within the last day.
  Task<std::optional<Session>> find(std::string session_id);
  /// Under whatever id it goes on since: a page that listens goes on listening.
  Task<std::optional<Session>> find_by_hash(std::string hash);
  /// The hash of the id under which it goes on, or will in a moment.
  std::string present(std::string hash) const;
  Task<void> sign_out(std::string hash);
  /// Ends every session of that name.
  Task<void> sign_out_all(std::string principal);

 private:
  struct Renewed {
    std::string hash;
    TimePoint until;  // so long the id before is answered
  };

  /// False: somebody else has begun it, or done it.
  bool begin_renewal(const std::string& before, const std::string& after);
  void forget_renewal(const std::string& before);
  std::optional<Renewed> renewal_of(const std::string& hash) const;

  tenancy::GlobalScope global_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Renewed> renewed_;  // by the hash before
};

/// What the request has in that cookie; empty: nothing.
std::string cookie_of(const net::HttpRequest& request, std::string_view name);
/// What the database has of a secret that a browser keeps.
std::string hash_of_secret(std::string_view secret);
/// The session id in a request's cookies.
std::string session_id_of(const net::HttpRequest& request);
/// Set-Cookie for a new session, or for the end of one (empty id).
std::string session_cookie(const std::string& session_id);

/// So many at once per key.
class Places {
 public:
  explicit Places(std::size_t most) : most_(most) {}
  /// Held as long as it is kept, also beyond this. Null: all are taken.
  std::shared_ptr<void> take(const std::string& key);

 private:
  struct Taken {
    std::mutex mutex;
    std::map<std::string, std::size_t> count;
  };
  const std::size_t most_;
  std::shared_ptr<Taken> taken_ = std::make_shared<Taken>();
};

/// Whose address that is, for limits: of IPv6 the /64, as one customer has at least so many addresses.
std::string network_of(const std::string& address);

/// So many calls per key and time; bounded in memory.
class CallLimit {
 public:
  CallLimit(double count, std::chrono::seconds period) : count_(count), period_(period) {}
  /// Seconds to wait; 0: go on.
  std::int64_t take(const std::string& key);
  /// Of the network that a request comes from (`network_of`).
  std::int64_t take_of(const net::HttpRequest& request) { return take(network_of(request.peer)); }

 private:
  using Time = net::TokenBucket::Time;
  struct Caller {
    net::TokenBucket bucket;
    Time seen;
  };
  void make_room(Time now);

  double count_;
  std::chrono::seconds period_;
  std::map<std::string, Caller> callers_;
};

}  // namespace guildhall::web
