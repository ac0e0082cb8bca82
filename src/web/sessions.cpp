#include "web/sessions.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <cmath>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mutation.h"
#include "base/text.h"
#include "bot/oauth_states.h"
#include "net/oauth.h"
#include "tenancy/audit.h"

namespace guildhall::web {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoRow;
using store::TxTask;

constexpr Duration kCodeLife = std::chrono::minutes(15);
constexpr Duration kSessionLife = std::chrono::hours(7 * 24);
constexpr Duration kIdleLife = std::chrono::hours(24);
/// `seen_at` is written at most this often.
constexpr Duration kSeenStep = std::chrono::minutes(5);
/// What a page has asked for with the id before comes in by then.
constexpr Duration kRenewalGrace = std::chrono::minutes(1);
constexpr std::size_t kMostKeys = 20'000;

struct CodeParams {
  std::string code_hash;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(CodeParams, (), (code_hash, now))

struct UseParams {
  std::string code_hash;
  TimePoint now;
  TimePoint oldest;
};
BOOST_DESCRIBE_STRUCT(UseParams, (), (code_hash, now, oldest))

struct OldestParams {
  TimePoint oldest;
};
BOOST_DESCRIBE_STRUCT(OldestParams, (), (oldest))

struct NewSessionParams {
  std::string session_hash;
  std::string principal;
  std::string csrf_token;
  std::string name;
  std::string servers;  // their ids, with a blank between
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(NewSessionParams, (), (session_hash, principal, csrf_token, name, servers, now))

struct HashParams {
  std::string session_hash;
};
BOOST_DESCRIBE_STRUCT(HashParams, (), (session_hash))

struct SeenParams {
  std::string session_hash;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(SeenParams, (), (session_hash, now))

struct RenewParams {
  std::string before;
  std::string after;
};
BOOST_DESCRIBE_STRUCT(RenewParams, (), (before, after))

struct SessionRow {
  std::string principal;
  std::string csrf_token;
  std::string name;
  std::string servers;
  TimePoint created_at;
  TimePoint seen_at;
};
BOOST_DESCRIBE_STRUCT(SessionRow, (), (principal, csrf_token, name, servers, created_at, seen_at))

constexpr GlobalStatement<CodeParams, NoRow> kNewCode{
    "web.new_login_code", "INSERT INTO login_codes (code_hash, created_at) VALUES (:code_hash, :now)"};
constexpr GlobalStatement<UseParams, NoRow> kUseCode{
    "web.use_login_code",
    "UPDATE login_codes SET used_at = :now WHERE code_hash = :code_hash AND used_at IS NULL AND created_at > "
    ":oldest"};
/// A code that was used opens nothing any more, like one that never was.
constexpr GlobalStatement<OldestParams, NoRow> kForgetCodes{
    "web.forget_login_codes", "DELETE FROM login_codes WHERE created_at <= :oldest OR used_at IS NOT NULL"};
constexpr GlobalStatement<NewSessionParams, NoRow> kNewSession{
    "web.new_session",
    "INSERT INTO sessions (session_hash, principal, csrf_token, name, servers, created_at, seen_at) "
    "SELECT :session_hash, :principal, :csrf_token, :name, :servers, :now, :now "
    "WHERE NOT EXISTS (SELECT 1 FROM disabled_accounts WHERE principal = :principal)"};
constexpr GlobalStatement<OldestParams, NoRow> kForgetSessions{
    "web.forget_sessions", "DELETE FROM sessions WHERE created_at <= :oldest"};
constexpr GlobalStatement<HashParams, SessionRow> kFindSession{
    "web.find_session",
    "SELECT principal, csrf_token, name, servers, created_at, seen_at FROM sessions "
    "WHERE session_hash = :session_hash AND NOT EXISTS "
    "(SELECT 1 FROM disabled_accounts AS d WHERE d.principal = sessions.principal)",
    {},
    store::Cost::bounded};
constexpr GlobalStatement<SeenParams, NoRow> kSeen{
    "web.session_seen", "UPDATE sessions SET seen_at = :now WHERE session_hash = :session_hash"};
constexpr GlobalStatement<RenewParams, NoRow> kRenewSession{
    "web.renew_session", "UPDATE sessions SET session_hash = :after WHERE session_hash = :before"};

struct PrincipalParams {
  std::string principal;
};
BOOST_DESCRIBE_STRUCT(PrincipalParams, (), (principal))

constexpr GlobalStatement<PrincipalParams, NoRow> kEndSessions{
    "web.end_sessions", "DELETE FROM sessions WHERE principal = :principal"};
constexpr GlobalStatement<HashParams, NoRow> kEndSession{
    "web.end_session", "DELETE FROM sessions WHERE session_hash = :session_hash"};

constexpr std::string_view kByDiscord = "discord:";

std::vector<ServerId> read_servers(std::string_view text) {
  std::vector<ServerId> servers;
  for (const std::string_view word : split_words(text)) {
    if (const auto server = ServerId::parse(word)) servers.push_back(*server);
  }
  return servers;
}

std::string written(const std::vector<ServerId>& servers) {
  std::string text;
  for (const ServerId server : servers) text += (text.empty() ? "" : " ") + server.str();
  return text;
}

/// Without letters and digits that look alike, in groups that can be read out: XXXX-XXXX-XXXX-XXXX.
std::string readable_code() {
  constexpr std::string_view kLetters = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
  std::string code;
  for (int i = 0; i < 16; ++i) {
    if (i > 0 && i % 4 == 0) code += '-';
    code += kLetters[random_below(kLetters.size())];
  }
  return code;
}

std::string normalised_code(std::string_view code) {
  std::string plain;
  for (const char c : code) {
    if (c >= 'a' && c <= 'z') plain += static_cast<char>(c - 'a' + 'A');
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) plain += c;
  }
  return plain;
}

TxTask<void> keep_code(GlobalTx& tx, CodeParams code, tenancy::Actor actor) {
  co_await tx.change(kForgetCodes, {code.now - kCodeLife});
  co_await tx.change(kNewCode, code);
  const tenancy::AuditEntry entry{std::move(actor), "login_code.made", "dashboard", std::nullopt,
                                  std::nullopt};
  co_await tenancy::log_operator(tx, code.now, entry);
}

/// `how` it came about stands in the operator's log. False: that account is disabled.
TxTask<bool> keep_session(GlobalTx& tx, NewSessionParams session, std::string how) {
  co_await tx.change(kForgetSessions, {session.now - kSessionLife});
  const auto kept = co_await tx.change(kNewSession, session);
  if (kept == 0) co_return false;
  const tenancy::AuditEntry entry{
      {session.principal, "dashboard"}, std::move(how), "dashboard", std::nullopt, std::nullopt};
  co_await tenancy::log_operator(tx, session.now, entry);
  co_return true;
}

/// False: the code opens nothing.
TxTask<bool> open_session(GlobalTx& tx, UseParams use, NewSessionParams session) {
  const auto used = co_await tx.change(kUseCode, use);
  if (used == 0) co_return false;
  co_await tx.change(kForgetCodes, {use.now - kCodeLife});
  co_return co_await keep_session(tx, std::move(session), "login_code.used");
}

TxTask<bool> renew_session(GlobalTx& tx, RenewParams renewal) {
  const auto renewed = co_await tx.change(kRenewSession, renewal);
  if (renewed == 0) co_return false;
  co_await bot::move_oauth_states(tx, renewal.before, renewal.after);
  co_return true;
}

/// Somebody signs in, comes back after more than a week, is seen and signs out; then once more, everywhere.
TxTask<void> rehearse(GlobalTx& tx, TimePoint now) {
  const TimePoint long_ago = now - kSessionLife - kCodeLife;
  for (const auto& [name, at] :
       {std::pair{"first", long_ago}, std::pair{"second", now}, std::pair{"third", now}}) {
    co_await keep_code(tx, {name, at}, {"rehearsal", "system"});
    const bool opened =
        co_await open_session(tx, {name, at, at - kCodeLife}, {name, "nobody", "token", "", "", at});
    if (!opened) throw std::logic_error("a fresh code opened nothing");
    co_await tx.one(kFindSession, {name});
    co_await tx.change(kSeen, {name, at});
  }
  co_await renew_session(tx, {"third", "fourth"});
  co_await tx.change(kEndSession, {"second"});
  co_await tx.change(kEndSessions, {"nobody"});
}

}  // namespace

void Sessions::declare(bot::Declarations& declarations) {
  declarations.statements.add("web", kNewCode, kUseCode, kForgetCodes, kNewSession, kForgetSessions,
                              kFindSession, kSeen, kRenewSession, kEndSession, kEndSessions);
  declarations.rehearsals.global.push_back(rehearse);
}

Task<std::string> Sessions::make_login_code(tenancy::Actor actor) {
  const std::string code = readable_code();
  const CodeParams params{hash_of_secret(normalised_code(code)), clock_.now()};
  co_await global_.transact([params, actor](GlobalTx& tx) { return keep_code(tx, params, actor); });
  co_return code;
}

Task<std::optional<std::string>> Sessions::sign_in(std::string code, std::string principal) {
  const std::string id = net::random_token();
  const TimePoint now = clock_.now();
  const UseParams use{hash_of_secret(normalised_code(code)), now, now - kCodeLife};
  const NewSessionParams session{hash_of_secret(id), std::move(principal), net::random_token(), "", "", now};
  const bool signed_in =
      co_await global_.transact([use, session](GlobalTx& tx) { return open_session(tx, use, session); });
  co_return signed_in ? std::optional(id) : std::nullopt;
}

Task<std::optional<std::string>> Sessions::sign_in_member(Member member) {
  const bool chosen = mutated(Mutation::session_chosen) && !member.session_before.empty();
  const std::string id = chosen ? member.session_before : net::random_token();
  const NewSessionParams session{hash_of_secret(id),     principal_of(member.id), net::random_token(),
                                 std::move(member.name), written(member.servers), clock_.now()};
  const HashParams before{present(hash_of_secret(member.session_before))};
  const bool kept = co_await global_.transact([session, before](GlobalTx& tx) -> TxTask<bool> {
    if (!mutated(Mutation::session_kept)) co_await tx.change(kEndSession, before);
    co_return co_await keep_session(tx, session, "discord.signed_in");
  });
  co_return kept ? std::optional(id) : std::nullopt;
}

Task<std::optional<std::string>> Sessions::renew(std::string hash) {
  const std::string id = net::random_token();
  const RenewParams renewal{hash, hash_of_secret(id)};
  if (!begin_renewal(renewal.before, renewal.after)) co_return std::nullopt;
  bool renewed = false;
  try {
    renewed = co_await global_.transact([renewal](GlobalTx& tx) { return renew_session(tx, renewal); });
  } catch (...) {
    forget_renewal(renewal.before);
    throw;
  }
  if (!renewed) forget_renewal(renewal.before);
  co_return renewed ? std::optional(id) : std::nullopt;
}

/// Known before it is committed, so that nobody in between finds neither the one nor the other.
bool Sessions::begin_renewal(const std::string& before, const std::string& after) {
  const TimePoint now = clock_.now();
  const std::scoped_lock lock(mutex_);
  std::erase_if(renewed_, [&](const auto& entry) { return entry.second.until + kSessionLife <= now; });
  return renewed_.try_emplace(before, Renewed{after, now + kRenewalGrace}).second;
}

void Sessions::forget_renewal(const std::string& before) {
  const std::scoped_lock lock(mutex_);
  renewed_.erase(before);
}

std::optional<Sessions::Renewed> Sessions::renewal_of(const std::string& hash) const {
  const std::scoped_lock lock(mutex_);
  const auto found = renewed_.find(hash);
  if (found == renewed_.end()) return std::nullopt;
  return found->second;
}

std::string Sessions::present(std::string hash) const {
  for (auto renewal = renewal_of(hash); renewal; renewal = renewal_of(hash)) hash = renewal->hash;
  return hash;
}

Task<std::optional<Session>> Sessions::find(std::string session_id) {
  if (session_id.empty()) co_return std::nullopt;
  std::string hash = hash_of_secret(session_id);
  const auto renewal = renewal_of(hash);
  if (renewal && renewal->until <= clock_.now()) co_return std::nullopt;
  co_return co_await find_by_hash(std::move(hash));
}

Task<std::optional<Session>> Sessions::find_by_hash(std::string hash) {
  auto row = co_await global_.one(kFindSession, {hash});
  for (auto renewal = renewal_of(hash); !row && renewal; renewal = renewal_of(hash)) {
    hash = renewal->hash;
    row = co_await global_.one(kFindSession, {hash});
  }
  const TimePoint now = clock_.now();
  if (!row || row->created_at + kSessionLife <= now || row->seen_at + kIdleLife <= now)
    co_return std::nullopt;
  if (row->seen_at + kSeenStep <= now) {
    // Whoever only looks goes on looking when nothing can be written.
    try {
      const SeenParams seen{hash, now};
      co_await global_.transact([seen](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kSeen, seen); });
    } catch (const store::DatabaseError& error) {
      log::warning("a session's last use was not written", {log::field("error", error.what())});
    }
  }
  co_return Session{std::move(hash), row->principal, row->csrf_token, row->name, read_servers(row->servers)};
}

Task<void> Sessions::sign_out(std::string hash) {
  const HashParams params{std::move(hash)};
  co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kEndSession, params); });
}

Task<void> Sessions::sign_out_all(std::string principal) {
  co_await global_.transact([principal](GlobalTx& tx) { return end_sessions(tx, principal); });
}

std::optional<DiscordUserId> Session::member() const {
  if (!principal.starts_with(kByDiscord)) return std::nullopt;
  return DiscordUserId::parse(std::string_view(principal).substr(kByDiscord.size()));
}

std::string principal_of(DiscordUserId member) { return std::string(kByDiscord) + member.str(); }

store::TxTask<void> end_sessions(store::GlobalTx& tx, std::string principal) {
  co_await tx.change(kEndSessions, {std::move(principal)});
}

std::string hash_of_secret(std::string_view secret) { return hex(sha256(secret)); }

std::string session_id_of(const net::HttpRequest& request) {
  const auto in_address = request.query.find(kSessionCookie);
  if (mutated(Mutation::session_in_address) && in_address != request.query.end()) return in_address->second;
  return cookie_of(request, kSessionCookie);
}

std::string cookie_of(const net::HttpRequest& request, std::string_view name) {
  std::string_view cookies;
  const auto header = request.header("cookie");
  if (header) cookies = *header;
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    const std::string_view cookie = trim(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    const auto equals = cookie.find('=');
    if (equals != std::string_view::npos && cookie.substr(0, equals) == name)
      return std::string(cookie.substr(equals + 1));
  }
  return {};
}

std::string session_cookie(const std::string& session_id) {
  const auto age =
      session_id.empty() ? 0 : std::chrono::duration_cast<std::chrono::seconds>(kSessionLife).count();
  return fmt::format("{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax", kSessionCookie, session_id,
                     age);
}

std::shared_ptr<void> Places::take(const std::string& key) {
  const std::scoped_lock lock(taken_->mutex);
  std::size_t& count = taken_->count[key];
  if (count >= most_) return nullptr;
  ++count;
  return {taken_.get(), [taken = taken_, key](void*) {
            const std::scoped_lock again(taken->mutex);
            if (--taken->count[key] == 0) taken->count.erase(key);
          }};
}

std::string network_of(const std::string& address) {
  boost::system::error_code none;
  const auto read = boost::asio::ip::make_address(address, none);
  if (none || !read.is_v6()) return address;
  const auto six = read.to_v6();
  if (six.is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, six).to_string();
  return boost::asio::ip::make_network_v6(six, 64).canonical().to_string();
}

std::int64_t CallLimit::take(const std::string& key) {
  const Time now = std::chrono::steady_clock::now();
  if (callers_.size() >= kMostKeys) make_room(now);
  Caller& caller = callers_.try_emplace(key, net::TokenBucket(count_, period_), now).first->second;
  caller.seen = now;
  return static_cast<std::int64_t>(std::ceil(caller.bucket.take(now).count()));
}

/// Whoever was not there for a whole period has all of his calls again. A flood of others is forgiven rather
/// than growing.
void CallLimit::make_room(Time now) {
  std::erase_if(callers_, [&](const auto& entry) { return now - entry.second.seen >= period_; });
  if (callers_.size() >= kMostKeys) callers_.clear();
}

}  // namespace guildhall::web
