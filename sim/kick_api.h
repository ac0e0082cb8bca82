// Kick's public API, version 1: users, channels, livestreams, chat, event subscriptions, public key.
#pragma once

#include <map>
#include <string>

#include "net/http.h"
#include "net/rate_limit.h"
#include "sim/kick.h"
#include "sim/kick_oauth.h"
#include "sim/router.h"

namespace guildhall::sim {

class KickApi {
 public:
  KickApi(Stage& stage, Kick& kick, KickOAuth& oauth, KickSubscriptions& subscriptions,
          std::string public_key);

  /// Answers one request to /public/v1/...
  net::HttpResponse answer(const net::HttpRequest& request);

 private:
  using Handler = net::HttpResponse (KickApi::*)(Call&, const KickGrant&);

  std::optional<net::HttpResponse> strike(const net::HttpRequest& request);
  net::HttpResponse users(Call& call, const KickGrant& grant);
  net::HttpResponse channels(Call& call, const KickGrant& grant);
  net::HttpResponse livestreams(Call& call, const KickGrant& grant);
  net::HttpResponse chat(Call& call, const KickGrant& grant);
  net::HttpResponse list_subscriptions(Call& call, const KickGrant& grant);
  net::HttpResponse subscribe(Call& call, const KickGrant& grant);
  net::HttpResponse unsubscribe(Call& call, const KickGrant& grant);
  /// {"data", "message"} where `data` is an empty object or a text, in turns, as on the real one.
  net::HttpResponse refuse(int status, std::string_view message);
  net::HttpResponse too_many();

  Stage& stage_;
  Kick& kick_;
  KickOAuth& oauth_;
  KickSubscriptions& subscriptions_;
  std::string public_key_;
  Router<Handler> router_;
  std::map<KickId, net::TokenBucket> buckets_;  // 0: the application
  bool text_next_ = false;
};

}  // namespace guildhall::sim
