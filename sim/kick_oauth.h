// Kick's OAuth 2.1: consent with PKCE, tokens, refresh, revocation. Tokens carry what they grant and a
// signature, so that they stay valid when the simulation is restarted with the same seed. Token lives
// are the world's time.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "net/http.h"
#include "sim/router.h"
#include "sim/stage.h"

namespace guildhall::sim {

/// What a valid access token allows.
struct KickGrant {
  bool app = false;
  KickId user = 0;  // of a user token
  std::string scope;
  TimePoint expires_at;
  bool has_scope(std::string_view wanted) const;
};

class KickOAuth {
 public:
  explicit KickOAuth(Stage& stage);

  const std::string& client_id() const { return client_id_; }
  const std::string& client_secret() const { return client_secret_; }

  /// GET /oauth/authorize, POST /oauth/token, /oauth/revoke, /oauth/token/introspect.
  net::HttpResponse answer(const net::HttpRequest& request);

  /// The grant of `Authorization: Bearer ...`, if it is valid now.
  std::optional<KickGrant> grant_of(const net::HttpRequest& request) const;

  /// The access tokens that he gave until now end; what renews them does not.
  void end_access(KickId user) { access_ends_[user] = stage_.clock.now(); }
  /// On Kick's own pages he takes back everything that he consented to.
  void take_back(KickId user);
  /// What became tokens since the start, the oldest first: [{user, scope, renewals, revoked}].
  json::Array consents() const;
  /// What is nobody's to read but the application's: the newest codes and tokens that it was given.
  json::Array secrets() const { return json::Array(secrets_.begin(), secrets_.end()); }

 private:
  struct Code {
    std::string code;
    std::string redirect_uri;
    std::string challenge;
    std::string scope;
    KickId user = 0;
    std::chrono::steady_clock::time_point made;
  };
  enum class Kind { access, refresh, app };
  struct Token {
    Kind kind = Kind::access;
    KickId user = 0;
    std::string scope;
    TimePoint issued_at;
    std::string grant;   // shared by all tokens of one consent
    std::string serial;  // of this token
  };

  net::HttpResponse authorize(Call& call);
  net::HttpResponse token(Call& call);
  net::HttpResponse revoke(Call& call);
  net::HttpResponse introspect(Call& call);
  net::HttpResponse consent_page(const Call& call) const;
  net::HttpResponse by_code(const net::Query& form);
  net::HttpResponse by_refresh(const net::Query& form);
  net::HttpResponse for_app();
  /// May it be used, for the first time or once more?
  bool use(const Token& token);
  net::HttpResponse pair(KickId user, const std::string& scope, const std::string& grant);

  std::string write(const Token& token);
  void note_secret(std::string secret);
  std::optional<Token> read(std::string_view text) const;
  bool alive(const Token& token) const;

  Stage& stage_;
  std::string client_id_;
  std::string client_secret_;
  std::deque<Code> codes_;
  std::deque<std::string> secrets_;
  struct Consent {
    KickId user = 0;
    std::string scope;
    std::int64_t renewals = 0;
  };

  std::map<std::string, Consent> consents_;  // by grant: their ids grow
  std::map<std::string, TimePoint> used_;    // serials of refresh tokens, and when they worked first
  std::map<KickId, TimePoint> access_ends_;  // what was issued until then
  std::set<std::string> revoked_;            // grants
};

}  // namespace guildhall::sim
