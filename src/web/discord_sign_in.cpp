#include "web/discord_sign_in.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/mutation.h"
#include "base/text.h"
#include "net/oauth.h"
#include "web/answers.h"

namespace guildhall::web {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr const char* kPurpose = "discord.sign_in";
/// Which browser began.
constexpr const char* kBrowserCookie = "guildhall_sign_in";
constexpr std::size_t kLongestPath = 300;

/// Lives as long as the state that belongs to it. Empty: forget it.
std::string browser_cookie(const std::string& secret) {
  return fmt::format("{}={}; Path=/auth/discord; Max-Age={}; Secure; HttpOnly; SameSite=Lax", kBrowserCookie,
                     secret, secret.empty() ? 0 : 600);
}

/// To the sign-in page, which says it in words.
HttpResponse refused(std::string_view why) { return redirect(fmt::format("/sign-in?error={}", why)); }

/// 429, for a browser that goes there by itself.
HttpResponse refused_for(std::int64_t seconds) {
  HttpResponse response =
      net::make_response(429, "text/html; charset=utf-8",
                         "<!DOCTYPE html><title>Too many attempts</title>"
                         "<meta http-equiv=\"refresh\" content=\"0;url=/sign-in?error=too_many\">Too many "
                         "attempts: try again later.\n");
  response.headers.emplace_back("retry-after", fmt::format("{}", seconds));
  return response;
}

/// Another site sent the browser here: nobody has asked for it.
bool comes_from_elsewhere(const HttpRequest& request) {
  const std::string site = request.header("sec-fetch-site").value_or("none");
  return site != "none" && site != "same-origin";
}

std::string parameter(const HttpRequest& request, std::string_view name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

}  // namespace

std::string local_path(std::string_view wanted) {
  // Browsers take "//host" and "/\host" for another machine.
  const bool local = wanted.starts_with('/') && !wanted.starts_with("//") &&
                     wanted.find('\\') == std::string_view::npos && wanted.size() <= kLongestPath &&
                     std::ranges::none_of(wanted, [](char c) { return c > '\0' && c <= ' '; });
  if (mutated(Mutation::onward_anywhere)) return std::string(wanted);
  return local && is_clean_utf8(wanted) ? std::string(wanted) : "/";
}

Task<HttpResponse> DiscordSignIn::start(HttpRequest request) {
  if (!is_offered()) co_return net::make_response(404, "text/plain", "not found\n");
  if (comes_from_elsewhere(request)) co_return redirect("/sign-in");
  if (const auto wait = starts_.take_of(request); wait > 0) co_return refused_for(wait);
  const std::string browser = net::random_token();
  bot::OAuthStates::Intent intent{
      kPurpose, hash_of_secret(browser), {}, local_path(parameter(request, "to"))};
  const auto begun = co_await states_.begin(std::move(intent));
  const auto address = co_await door_.address(begun.state, begun.challenge);
  if (!address) {
    log::warning("sign-in by Discord", {log::field("error", address.error().message)});
    co_return refused("unavailable");
  }
  HttpResponse response = redirect(*address);
  response.headers.emplace_back("set-cookie", browser_cookie(browser));
  co_return response;
}

Task<HttpResponse> DiscordSignIn::finish(HttpRequest request) {
  if (!is_offered()) co_return net::make_response(404, "text/plain", "not found\n");
  if (const auto wait = returns_.take_of(request); wait > 0) co_return refused_for(wait);
  const std::string browser = cookie_of(request, kBrowserCookie);
  const auto begun = co_await states_.take(parameter(request, "state"), kPurpose, hash_of_secret(browser));
  if (!begun || browser.empty()) co_return refused("expired");
  HttpResponse response = co_await admit(request, *begun);
  response.headers.emplace_back("set-cookie", browser_cookie(""));
  co_return response;
}

/// Who came back in the browser that began.
Task<HttpResponse> DiscordSignIn::admit(HttpRequest request, bot::OAuthStates::Returned begun) {
  const std::string code = parameter(request, "code");
  if (code.empty()) co_return refused("denied");
  auto person = co_await door_.person(code, begun.verifier);
  if (!person) {
    log::warning("sign-in by Discord", {log::field("error", person.error().message)});
    co_return refused(person.error().code == ErrorCode::invalid ? "expired" : "unavailable");
  }
  std::erase_if(person->servers, [&](ServerId server) { return !tenancy_.servers().is_active(server); });
  if (const auto wait = accounts_.take(person->id.str()); wait > 0) co_return refused_for(wait);
  const auto session = co_await sessions_.sign_in_member(
      {person->id, person->name, std::move(person->servers), session_id_of(request)});
  if (!session) co_return refused("disabled");
  HttpResponse response = redirect(begun.back_to);
  response.headers.emplace_back("set-cookie", session_cookie(*session));
  co_return response;
}

}  // namespace guildhall::web
