#include "web/link_pages.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mutation.h"
#include "base/time_zone.h"
#include "net/oauth.h"
#include "web/answers.h"

namespace guildhall::web {
namespace {

using features::linking::kLinkPage;
using features::linking::kObjectionPage;
using features::linking::Standing;
using features::linking::Step;
using net::HttpRequest;
using net::HttpResponse;
using store::Tx;
using store::TxTask;

/// Which browser it is: for the pages, and when it comes back from the platform. A sibling host cannot plant
/// it.
constexpr const char* kBrowserCookie = "__Host-guildhall_link";

std::string browser_cookie(const std::string& secret) {
  return fmt::format("{}={}; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax", kBrowserCookie, secret);
}

std::string path_of(std::string_view page, std::string_view token) {
  return fmt::format("/{}/{}", page, token);
}

/// The page of this name that the path leads to; nothing: another.
std::optional<std::string> token_of(std::string_view path, std::string_view page) {
  const std::string before = path_of(page, "");
  if (!path.starts_with(before)) return std::nullopt;
  return std::string(path.substr(before.size()));
}

/// What the forms of a browser's pages bear, and no other site can know.
std::string form_key(const std::string& browser) { return base64url(sha256("form of " + browser)); }

/// What is confirmed is what the page showed, whatever another tab has proved since.
std::string does_with(const std::string& what, const Standing& standing) {
  return what + "." + base64url(sha256(standing.account + "\n" + standing.held)).substr(0, 16);
}

std::string_view key_of(Step step) {
  switch (step) {
    case Step::off: return "off";
    case Step::gone: return "gone";
    case Step::elsewhere: return "elsewhere";
    case Step::open: return "open";
    case Step::linked: return "linked";
    case Step::taken: return "taken";
    case Step::held: return "held";
    case Step::paused: return "paused";
    case Step::asked: return "asked";
    case Step::refused: return "refused";
  }
  return "gone";
}

std::string parameter(const HttpRequest& request, std::string_view name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

HttpResponse too_many_visits(std::int64_t seconds) {
  HttpResponse response = answer_of(
      {.title = "Too many attempts", .paragraphs = {fmt::format("Please try again in {} s.", seconds)}}, 429);
  response.headers.emplace_back("retry-after", fmt::format("{}", seconds));
  return response;
}

}  // namespace

struct LinkPages::Guest {
  tenancy::ServerScope scope;
  std::string token;
  features::linking::Visit visit;
  std::string key;      // what it is about
  std::string browser;  // its secret
  std::string server_name;
  bot::SettingsPtr settings;
  const Catalogue* texts = nullptr;

  std::string language() const { return settings->get(bot::kLanguage); }
  std::string say(std::string which,
                  std::vector<std::pair<std::string, MessageArgument>> arguments = {}) const {
    return texts->render(language(), {"link_page." + std::move(which), std::move(arguments)}, Markup::plain);
  }
  VisitorPage page(std::string title) const { return {language(), server_name, std::move(title)}; }
  HttpResponse answer(const VisitorPage& page) const {
    HttpResponse response = answer_of(page);
    response.headers.emplace_back("set-cookie", browser_cookie(browser));
    return response;
  }
};

LinkPages::LinkPages(tenancy::Tenancy& tenancy, const bot::Declarations& declarations,
                     bot::Dispatcher& dispatcher, Sessions& sessions, const bot::PageLinks& links,
                     Clocks clocks, const AccountDoor& door, Metrics& metrics)
    : tenancy_(tenancy),
      declarations_(declarations),
      dispatcher_(dispatcher),
      sessions_(sessions),
      links_(links),
      clocks_(clocks),
      door_(door),
      linking_(declarations),
      taken_(metrics.counter("guildhall_links_taken_total",
                             "Attempts to link an account that is another member's.")) {}

bool LinkPages::is_page(std::string_view path) {
  return token_of(path, kLinkPage).has_value() || token_of(path, kObjectionPage).has_value();
}

Task<HttpResponse> LinkPages::handle(HttpRequest request) {
  if (request.method != "GET" && request.method != "POST")
    co_return net::make_response(405, "text/plain", "not allowed\n");
  CallLimit& limit = request.method == "GET" ? visits_ : presses_;
  if (const auto wait = limit.take_of(request); wait > 0) co_return too_many_visits(wait);
  if (auto token = token_of(request.url, kLinkPage))
    co_return co_await link_page(std::move(request), *std::move(token));
  auto token = token_of(request.url, kObjectionPage);
  co_return co_await objection_page(std::move(request), *std::move(token));
}

/// Of a server whose member was given a signed address: it opens what concerns him there, and nothing else.
std::optional<tenancy::ServerScope> LinkPages::scope_of(ServerId server) const {
  if (!tenancy_.servers().is_active(server)) return std::nullopt;
  const tenancy::SessionRights rights{false, server, tenancy::Access::member};
  auto scope = tenancy_.scopes().for_session(server, rights);
  if (!scope) return std::nullopt;
  return *std::move(scope);
}

Task<std::optional<LinkPages::Guest>> LinkPages::guest_of(const HttpRequest& request, std::string page,
                                                          std::string token) const {
  const auto read = links_.read(page, token, clocks_.people.now());
  const auto member = read ? DiscordUserId::parse(read->member) : std::nullopt;
  if (!member || read->is_over) co_return std::nullopt;
  const auto scope = scope_of(read->server);
  const auto server = tenancy_.servers().find(read->server);
  if (!scope || !server) co_return std::nullopt;
  std::string browser = cookie_of(request, kBrowserCookie);
  if (browser.empty()) browser = net::random_token();
  auto settings = co_await scope->read(
      [this](Tx& tx) { return bot::load_settings(tx, declarations_.settings, *declarations_.config); });
  features::linking::Visit visit{*member, read->key, hash_of_secret(browser), request.peer};
  co_return Guest{*scope,       std::move(token),    std::move(visit),    read->key, std::move(browser),
                  server->name, std::move(settings), &declarations_.texts};
}

/// Without a server whose language it could be in.
HttpResponse LinkPages::no_page(int status, std::string_view which) const {
  const std::string& language = declarations_.config->language;
  const auto text = [&](std::string_view what) {
    return declarations_.texts.text(language, fmt::format("link_page.{}_{}", which, what));
  };
  return answer_of({.language = language, .title = text("title"), .paragraphs = {text("text")}}, status);
}

/// One transaction. Two who prove one account at once: the later one is tried again, and finds it taken.
template <class Body>
Task<Standing> LinkPages::change(tenancy::ServerScope scope, Body body) {
  struct Unit {
    Standing standing;
    std::optional<bot::ServerContext> context;
  };
  Unit unit;
  for (bool last = false;; last = true) {
    try {
      unit = co_await scope.transact([&](Tx& tx) -> TxTask<Unit> {
        bot::ServerContext context{
            scope.server(), clocks_.world.now(),
            co_await bot::load_settings(tx, declarations_.settings, *declarations_.config),
            &declarations_.texts};
        Standing standing = co_await body(tx, context);
        co_return Unit{std::move(standing), std::move(context)};
      });
      break;
    } catch (const store::DatabaseError& error) {
      if (last || error.code() != store::DbCode::unique) throw;
    }
  }
  dispatcher_.tell(scope, *unit.context);
  co_return unit.standing;
}

// Linking
// -----------------------------------------------------------------------------------------------------

Task<HttpResponse> LinkPages::link_page(HttpRequest request, std::string token) {
  const auto guest = co_await guest_of(request, kLinkPage, std::move(token));
  if (!guest) co_return no_page(404, "gone");
  if (co_await is_somebody_else(request, guest->visit.member)) co_return no_page(403, "not_you");
  if (request.method == "POST") co_return co_await press(std::move(request), *guest);
  const auto standing = co_await guest->scope.read([&](Tx& tx) -> TxTask<Standing> {
    bot::ServerContext context{guest->scope.server(), clocks_.world.now(), guest->settings, guest->texts};
    co_return co_await linking_.look(tx, context, guest->visit);
  });
  co_return show(*guest, standing, parameter(request, "trouble"));
}

/// In a browser where another member is signed in to the dashboard.
Task<bool> LinkPages::is_somebody_else(const HttpRequest& request, DiscordUserId member) const {
  if (mutated(Mutation::visitor_unread)) co_return false;
  const auto session = co_await sessions_.find(session_id_of(request));
  const auto signed_in = session ? session->member() : std::nullopt;
  co_return signed_in && *signed_in != member;
}

/// Pressed on our page, in the browser that shows it.
bool LinkPages::is_own_press(const HttpRequest& request, const std::string& browser) const {
  if (mutated(Mutation::press_from_anywhere)) return true;
  if (request.header("sec-fetch-site").value_or("same-origin") != "same-origin") return false;
  const auto form = net::parse_query(request.body);
  const auto key = form.find("key");
  return !cookie_of(request, kBrowserCookie).empty() && key != form.end() &&
         equal_constant_time(key->second, form_key(browser));
}

Task<HttpResponse> LinkPages::press(HttpRequest request, Guest guest) {
  if (!is_own_press(request, guest.browser)) co_return no_page(403, "not_here");
  const auto form = net::parse_query(request.body);
  const auto does = form.find("do");
  const std::string what = does == form.end() ? "" : does->second;
  if (what == "continue") co_return co_await go_on(std::move(guest));
  co_await change(guest.scope, [&](Tx& tx, bot::ServerContext& context) -> TxTask<Standing> {
    Standing standing = co_await linking_.look(tx, context, guest.visit);
    if (what == does_with("replace", standing)) co_return co_await linking_.replace(tx, context, guest.visit);
    if (what == does_with("move", standing))
      co_return co_await linking_.ask_to_move(tx, context, guest.visit);
    co_return standing;
  });
  co_return redirect(path_of(kLinkPage, guest.token));
}

/// To Kick, which asks whether it may say who he is. By a page of its own: a form may lead nowhere else.
Task<HttpResponse> LinkPages::go_on(Guest guest) {
  if (!door_.address) co_return no_page(503, "unavailable");
  const auto standing = co_await change(guest.scope, [&](Tx& tx, bot::ServerContext& context) {
    return linking_.open(tx, context, guest.visit);
  });
  if (standing.step != Step::open) co_return redirect(path_of(kLinkPage, guest.token));
  const std::string address =
      co_await door_.address(guest.visit.browser_hash, guest.scope.server(), path_of(kLinkPage, guest.token));
  VisitorPage page = guest.page(guest.say("going_title"));
  page.onward = {address, guest.say("going_on")};
  co_return guest.answer(page);
}

Task<std::optional<HttpResponse>> LinkPages::finish(HttpRequest request) {
  const std::string browser = cookie_of(request, kBrowserCookie);
  if (browser.empty() || !door_.came) co_return std::nullopt;
  if (const auto wait = returns_.take_of(request); wait > 0) co_return too_many_visits(wait);
  const auto came = co_await door_.came(parameter(request, "state"), hash_of_secret(browser));
  if (!came) {
    const auto session = co_await sessions_.find(session_id_of(request));
    if (session) co_return std::nullopt;  // a streamer, it seems
    co_return no_page(403, "expired");
  }
  const auto token = token_of(came->back_to, kLinkPage);
  const auto guest = token ? co_await guest_of(request, kLinkPage, *token) : std::optional<Guest>{};
  if (!guest) co_return no_page(404, "gone");
  const std::string code = parameter(request, "code");
  if (code.empty()) co_return co_await come_back_in_vain(*guest, came->back_to, "denied");
  const auto account = co_await door_.account(code, came->verifier);
  if (!account) {
    log::warning("a viewer's account is not known", {log::field("server", guest->scope.server().str()),
                                                     log::field("error", account.error().message)});
    co_return co_await come_back_in_vain(*guest, came->back_to, "kick");
  }
  const auto standing = co_await change(guest->scope, [&](Tx& tx, bot::ServerContext& context) {
    return linking_.prove(tx, context, guest->visit, *account);
  });
  if (standing.step == Step::taken) taken_.add();
  if (standing.step == Step::taken && mutated(Mutation::taken_asked_again))
    co_await door_.account(code, came->verifier);
  co_return redirect(came->back_to);
}

/// Who cancels at Kick again and again does not fill the moderators' channel with it.
Task<HttpResponse> LinkPages::come_back_in_vain(Guest guest, std::string back_to, std::string trouble) {
  const std::string who = fmt::format("{} {}", guest.scope.server().str(), guest.visit.member.str());
  if (failures_.take(who) == 0)
    co_await change(guest.scope, [&](Tx& tx, bot::ServerContext& context) {
      return linking_.come_back_in_vain(tx, context, guest.visit, trouble);
    });
  co_return redirect(back_to + "?trouble=" + trouble);
}

HttpResponse LinkPages::show(const Guest& guest, const Standing& standing, std::string_view trouble) const {
  const std::string step(key_of(standing.step));
  std::vector<std::pair<std::string, MessageArgument>> facts{{"member", MemberText{standing.member_name}},
                                                             {"account", MemberText{standing.account}},
                                                             {"held", MemberText{standing.held}}};
  if (standing.until)
    facts.emplace_back("until", format_local(*standing.until, guest.settings->get(bot::kTimeZone)));
  VisitorPage page = guest.page(guest.say(step + "_title", facts));
  page.paragraphs = {
      guest.say(step + (standing.step == Step::held && standing.keeps ? "_keeps" : "_text"), facts)};
  const auto action = [&](const char* does) {
    const std::string button = guest.say(fmt::format("{}_button", does), facts);
    const bool is_about_account = standing.step != Step::open;
    page.action = {button, is_about_account ? does_with(does, standing) : does, form_key(guest.browser)};
  };
  const bool is_known_trouble = trouble == "denied" || trouble == "kick";
  if (standing.step == Step::open) {
    if (is_known_trouble)
      page.paragraphs.insert(page.paragraphs.begin(), guest.say("trouble_" + std::string(trouble)));
    page.warning = guest.say("open_warning", facts);
    action("continue");
  }
  if (standing.step == Step::held) action("replace");
  if (standing.step == Step::taken && standing.held.empty()) {
    page.paragraphs.push_back(guest.say("taken_move", facts));
    action("move");
  }
  if (standing.step == Step::taken && !standing.held.empty())
    page.paragraphs.push_back(guest.say("taken_held", facts));
  return guest.answer(page);
}

// Objecting
// ---------------------------------------------------------------------------------------------------

Task<HttpResponse> LinkPages::objection_page(HttpRequest request, std::string token) {
  const auto guest = co_await guest_of(request, kObjectionPage, std::move(token));
  if (!guest) co_return no_page(404, "late");
  const DiscordUserId holder = guest->visit.member;
  if (co_await is_somebody_else(request, holder)) co_return no_page(403, "not_you");
  const std::int64_t number = std::strtoll(guest->key.c_str(), nullptr, 10);
  if (request.method == "POST") {
    if (!is_own_press(request, guest->browser)) co_return no_page(403, "not_here");
    co_await change(guest->scope, [&](Tx& tx, bot::ServerContext& context) -> TxTask<Standing> {
      co_await linking_.object(tx, context, holder, number);
      co_return Standing{};
    });
    co_return redirect(path_of(kObjectionPage, guest->token));
  }
  const auto move =
      co_await guest->scope.read([&](Tx& tx) { return linking_.look_at_move(tx, holder, number); });
  if (!move) co_return no_page(404, "gone");
  const std::vector<std::pair<std::string, MessageArgument>> facts{
      {"account", MemberText{move->account}},
      {"until", format_local(move->due, guest->settings->get(bot::kTimeZone))}};
  const std::string which = move->is_open ? "objection" : "objection_over";
  VisitorPage page = guest->page(guest->say(which + "_title", facts));
  page.paragraphs = {guest->say(which + "_text", facts)};
  if (move->is_open) page.action = {guest->say("object_button"), "object", form_key(guest->browser)};
  co_return guest->answer(page);
}

}  // namespace guildhall::web
