// Discord's OAuth2: consent, tokens, refresh, revocation. Tokens carry what they grant and a signature, so
// that they stay valid when the simulation is restarted with the same seed; which of them have ended, and
// the addresses that are registered, stand in its journal. All lives are the world's time.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http.h"
#include "sim/stage.h"

namespace guildhall::sim {

/// What a valid access token allows.
struct DiscordGrant {
  Snowflake user = 0;
  std::string scope;
  TimePoint expires_at;
  bool has_scope(std::string_view wanted) const;
};

class DiscordOAuth {
 public:
  explicit DiscordOAuth(Stage& stage);

  /// The application's id, which is the bot's.
  const std::string& client_id() const { return client_id_; }
  const std::string& client_secret() const { return client_secret_; }

  /// GET /oauth2/authorize: a page that asks who one is; with `as` or `cancel` it leads back at once.
  net::HttpResponse authorize(const net::HttpRequest& request);

  /// Is it one of those that `answer` knows? They stand below /api, with or without a version.
  static bool serves(std::string_view endpoint);
  /// POST oauth2/token, oauth2/token/revoke.
  net::HttpResponse answer(std::string_view endpoint, const net::HttpRequest& request);

  /// The grant of `Authorization: Bearer ...`, if it is valid now.
  std::optional<DiscordGrant> grant_of(const net::HttpRequest& request) const;

  /// The addresses that a consent may lead back to, each in full; while there are none, any http address of
  /// this machine. Error `invalid`: one is no address; then nothing is changed.
  Result<void> set_redirect_uris(const json::Array& uris);
  const json::Array& redirect_uris() const { return redirect_uris_; }

  /// A line that an earlier run wrote.
  void recall(const json::Value& line);

 private:
  struct Code {
    std::string code;
    std::string redirect_uri;
    std::string challenge;  // empty: none
    std::string scope;
    Snowflake user = 0;
    TimePoint made;
    std::string grant;
    bool used = false;
  };
  enum class Kind { access, refresh };
  struct Token {
    Kind kind = Kind::access;
    Snowflake user = 0;
    std::string scope;
    TimePoint issued_at;
    std::string grant;   // shared by all tokens of one consent
    std::string serial;  // of this token
  };

  bool leads_back_to(const std::string& address) const;
  net::HttpResponse consent_page(const net::HttpRequest& request) const;
  const std::string& make_code(const net::Query& query, Snowflake user);
  bool is_client(const net::HttpRequest& request, const net::Query& form) const;
  net::HttpResponse token(const net::Query& form);
  net::HttpResponse by_code(const net::Query& form);
  net::HttpResponse by_refresh(const net::Query& form);
  net::HttpResponse revoke(const net::Query& form);
  bool fits(const Code& code, const net::Query& form) const;
  net::HttpResponse pair(Snowflake user, const std::string& scope, const std::string& grant);

  std::string write(const Token& token) const;
  std::optional<Token> read(std::string_view text) const;
  bool alive(const Token& token) const;
  /// Takes a fact over and keeps it.
  void note(json::Object line);

  Stage& stage_;
  std::string client_id_;
  std::string client_secret_;
  json::Array redirect_uris_;
  std::deque<Code> codes_;
  std::set<std::string> used_;   // serials of refresh tokens
  std::set<std::string> ended_;  // grants
};

}  // namespace guildhall::sim
