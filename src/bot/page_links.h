// Addresses of pages that are made for one person: they reach him in Discord, in private, and name the
// server, the person and what it is about, signed, so that a visitor has proved that we gave him the address
// before anything is looked up. What may be done there once, the page has to see to.
//
// ".../link/SERVER.MEMBER.KEY.SECONDS.SIGNATURE": good until then (seconds since 1970), 128 bits of
// HMAC-SHA256 in base64url.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/config.h"
#include "base/secrets.h"
#include "bot/context.h"

namespace guildhall::bot {

class PageLinks {
 public:
  /// Both outlive it.
  PageLinks(const Config& config, const Secrets& secrets) : config_(config), secrets_(secrets) {}

  /// As browsers reach it. `now`: people's own time.
  std::string address(ServerId server, const PageLink& link, TimePoint now) const;

  struct Visit {
    ServerId server;
    std::string member;
    std::string key;
    bool is_over = false;  // it was good once
  };
  /// What an address of that page says behind the page's name. Error `invalid`: we did not make it.
  Result<Visit> read(std::string_view page, std::string_view token, TimePoint now) const;

 private:
  const Config& config_;
  const Secrets& secrets_;
};

}  // namespace guildhall::bot
