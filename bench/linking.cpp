// Members who link their accounts: each presses the panel's button in Discord, opens the page that he is
// given, goes on to Kick, consents there, and comes back to the page that says that it is done.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <map>
#include <numeric>
#include <stdexcept>

#include "base/json.h"
#include "bench/bench.h"
#include "bench/served_bot.h"
#include "bot/custom_ids.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "sim/sim.h"
#include "web/link_pages.h"

namespace guildhall::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kAlone = 50;
/// Kick answers so many of our calls at once, and so many a second after that (bot/kick_accounts.cpp); each
/// member costs one of them.
constexpr std::size_t kAtOnce = 600;
constexpr double kPerSecond = 10;
constexpr std::size_t kUnhindered = 500;
constexpr std::size_t kTogether = 1'000;
constexpr const char* kReturn = "/auth/kick/callback";

/// A Kick where so many have accounts, on a loop of its own.
class Kick {
 public:
  explicit Kick(std::size_t accounts) {
    sim::SimOptions options;
    options.clock = &clock_;
    options.size = {.servers = 1, .kick_channels = 1, .members = 1, .viewers = 2 * accounts};
    auto started = sim::Simulation::start(loops_.main(), options);
    if (!started) throw ErrorException(started.error());
    sim_ = *std::move(started);
    auto& world = sim_->world();
    for (const sim::Viewer& viewer : world.kick_channels.front().viewers)
      if (!viewer.bot && slugs_.size() < accounts) slugs_.push_back(world.kick_user(viewer.user)->slug);
    if (slugs_.size() < accounts) throw std::runtime_error("too few have an account at the simulated Kick");
    loops_.start();
  }
  ~Kick() {
    sim_->stop();
    loops_.stop();
  }

  void name_in(Config& config) const {
    const json::Value contract = *json::parse(sim_->contract_json());
    const json::Value& kick = contract.at("kick");
    config.kick_oauth_url = json::text_or(kick, "oauth", "");
    config.kick_api_url = json::text_or(kick, "api", "");
    config.kick_client_id = json::text_or(kick, "client_id", "");
    config.kick_client_secret = json::text_or(kick, "client_secret", "");
  }
  const std::string& slug(std::size_t number) const { return slugs_.at(number); }

 private:
  SystemClock clock_;
  net::Loops loops_{1};
  std::unique_ptr<sim::Simulation> sim_;
  std::vector<std::string> slugs_;
};

/// A bot with one server, and its pages over HTTP.
class House {
 public:
  explicit House(const Kick& kick) : bot([&](Config& config) { kick.name_in(config); }) {
    bot.add_servers(1);
    net::HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    options.trusted_proxies = {"127.0.0.1"};
    server_ = *net::HttpServer::start(
        bot.loops().main(), options, [this](net::HttpRequest request) { return answer(std::move(request)); });
  }
  ~House() { server_->stop(); }

  std::string address() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }
  /// What stands behind the button of the panel.
  std::string button() const {
    const bot::CustomIds ids(bot.secrets(), bot.world.declarations.commands, bot::Door::button);
    return *ids.make(ServerId(server_id(0)), {"link", {}}, std::nullopt);
  }

  ServedBot bot;

 private:
  Task<net::HttpResponse> answer(net::HttpRequest request) {
    if (request.url != kReturn) co_return co_await pages_.handle(std::move(request));
    auto finished = co_await pages_.finish(std::move(request));
    co_return finished ? *std::move(finished) : net::make_response(404, "text/plain", "nobody\n");
  }

  SystemClock people_;
  bot::PageLinks links_{bot.world.config, bot.secrets()};
  web::Sessions sessions_{bot.world.tenancy->global(), bot.world.clock};
  const web::AccountDoor door_{
      .address =
          [this](std::string browser, ServerId server, std::string back_to) {
            return bot.kick().accounts().begin(std::move(browser), server, std::move(back_to));
          },
      .came = [this](std::string state, std::string browser) -> Task<std::optional<web::AccountDoor::Came>> {
        auto came = co_await bot.kick().accounts().returned(std::move(state), std::move(browser));
        if (!came) co_return std::nullopt;
        co_return web::AccountDoor::Came{std::move(came->verifier), std::move(came->back_to)};
      },
      .account = [this](std::string code, std::string verifier) -> Task<Result<bot::PlatformUser>> {
        const auto user = co_await bot.kick().accounts().account(std::move(code), std::move(verifier));
        if (!user) co_return std::unexpected(user.error());
        co_return bot::PlatformUser{bot::kKick, user->id, user->name};
      }};
  web::LinkPages pages_{*bot.world.tenancy,
                        bot.world.declarations,
                        bot.dispatcher(),
                        sessions_,
                        links_,
                        {bot.world.clock, people_},
                        door_,
                        bot.world.metrics};
  std::unique_ptr<net::HttpServer> server_;
};

/// Between two texts; throws where they are not.
std::string between(const std::string& text, std::string_view before, std::string_view after) {
  const auto at = text.find(before);
  const auto end = at == std::string::npos ? at : text.find(after, at + before.size());
  if (end == std::string::npos) throw std::runtime_error(fmt::format("a page without '{}'", before));
  return text.substr(at + before.size(), end - at - before.size());
}

/// As a browser reads an attribute.
std::string unescaped(std::string text) {
  for (auto at = text.find("&amp;"); at != std::string::npos; at = text.find("&amp;", at + 1))
    text.erase(at + 1, 4);
  return text;
}

/// Members, each with a browser of his own.
class Members {
 public:
  Members(House& house, const Kick& kick) : house_(house), kick_(kick), button_(house.button()) {
    house.bot.discord.show_calls_to([this](const net::HttpRequest& call) { hear(call); });
    loops_.start();
  }
  ~Members() { loops_.stop(); }

  /// The next ones; how long it took each of them, in milliseconds, ascending.
  std::vector<double> run(std::size_t count, std::size_t at_once) {
    end_ = next_ + count;
    linked_ = 0;
    took_.clear();
    net::spawn(loops_.main(), "press", [this, at_once]() -> Task<void> {
      for (std::size_t i = 0; i < at_once; ++i) press();
      co_return;
    });
    wait_until("links", [&] { return linked_ + failed_ == count; });
    if (failed_ > 0) throw std::runtime_error(fmt::format("{} members were not linked", failed_.load()));
    std::ranges::sort(took_);
    return took_;
  }

 private:
  void press() {
    if (next_ == end_) return;
    const std::size_t number = next_++;
    began_[number] = Steady::now();
    house_.bot.discord.send(
        {{"INTERACTION_CREATE",
          fmt::format(
              R"({{"id":"{}","application_id":"2","type":3,"token":"t{}","guild_id":"{}","channel_id":"4",)"
              R"("locale":"en-GB","member":{{"permissions":"0","user":{{"id":"{}","username":"member{}"}}}},)"
              R"("message":{{"id":"3","channel_id":"4","content":""}},)"
              R"("data":{{"component_type":2,"custom_id":"{}"}}}})",
              20'000'000 + number, number, server_id(0), 5'000'000 + number, number, button_)}});
  }

  /// The answer to a press bears the address of the page. On the stub's loop.
  void hear(const net::HttpRequest& call) {
    const auto token = call.url.find("/t");
    const auto link = call.body.find("/link/");
    if (token == std::string::npos || link == std::string::npos) return;
    const std::size_t number = std::stoul(call.url.substr(token + 2));
    net::spawn(loops_.main(), "member",
               [this, number, path = call.body.substr(link, call.body.find('"', link) - link)] {
                 return visit(number, path);
               });
  }

  Task<void> visit(std::size_t number, std::string path) {
    bool linked = false;
    try {
      co_await link(number, path);
      took_.push_back(std::chrono::duration<double, std::milli>(Steady::now() - began_[number]).count());
      linked = true;
    } catch (const std::exception& error) {
      progress(error.what());
    }
    press();
    ++(linked ? linked_ : failed_);
  }

  Task<void> link(std::size_t number, std::string path) {
    const auto page = co_await ask("GET", number, path);
    const std::string set = page.header("set-cookie").value_or("");
    const std::string cookie = set.substr(0, set.find(';'));
    const std::string form = "key=" + between(page.body, "name=\"key\" value=\"", "\"") +
                             "&do=" + between(page.body, "name=\"do\" value=\"", "\"");
    const auto onward = co_await ask("POST", number, path, cookie, form);
    net::HttpRequest consent;
    consent.url = unescaped(between(onward.body, "href=\"http", "\""));
    consent.url = "http" + consent.url + "&as=" + kick_.slug(number);
    const auto back = co_await client_.send(std::move(consent));
    const std::string location = back ? back->header("location").value_or("") : "";
    const auto at = location.find(kReturn);
    if (at == std::string::npos) throw std::runtime_error("Kick sends nobody back");
    co_await ask("GET", number, location.substr(at), cookie);
    const auto done = co_await ask("GET", number, path, cookie);
    if (done.body.find("is linked") == std::string::npos) throw std::runtime_error("a member is not linked");
  }

  Task<net::HttpResponse> ask(std::string method, std::size_t number, std::string path,
                              std::string cookie = "", std::string body = "") {
    net::HttpRequest request{std::move(method), house_.address() + path};
    // Each from an address of his own, as they come.
    request.headers = {{"cookie", std::move(cookie)},
                       {"sec-fetch-site", "same-origin"},
                       {"x-forwarded-for", fmt::format("10.0.{}.{}", number / 250, number % 250 + 1)}};
    request.body = std::move(body);
    auto response = co_await client_.send(std::move(request));
    if (!response) throw ErrorException(response.error());
    if (response->status >= 400)
      throw std::runtime_error(fmt::format("{} is answered {}", path, response->status));
    co_return *std::move(response);
  }

  House& house_;
  const Kick& kick_;
  net::Loops loops_{1};
  net::HttpClient client_{loops_.main(), {.timeout = std::chrono::minutes(2)}};
  std::size_t next_ = 0;  // on the loop
  std::size_t end_ = 0;
  const std::string button_;
  std::map<std::size_t, Steady::time_point> began_;  // on the loop
  std::vector<double> took_;                         // on the loop
  std::atomic<std::size_t> linked_ = 0;
  std::atomic<std::size_t> failed_ = 0;
};

double p99(const std::vector<double>& took) { return took[took.size() * 99 / 100]; }

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// As many as Kick answers in one go: what it takes is our own doing.
Figure unhindered(const Kick& kick) {
  House house(kick);
  Members members(house, kick);
  progress("linking: one after the other");
  const auto alone = members.run(kAlone, 1);
  const double each = std::accumulate(alone.begin(), alone.end(), 0.0) / static_cast<double>(alone.size());
  progress(fmt::format("linking: {} at once", kUnhindered));
  const double before = cpu_seconds();
  const auto took = members.run(kUnhindered, kUnhindered);
  const double used = (cpu_seconds() - before) * 1'000 / kUnhindered;
  return figure(
      "linking-p99", p99(took), "ms", "as many, one after the other", each * kUnhindered, 0.6, "",
      fmt::format("{} at once, median {:.0f} ms; one alone {:.1f} ms; {:.2f} ms of CPU each, Kick's part and "
                  "the browser's among it",
                  kUnhindered, took[took.size() / 2], each, used));
}

/// More: the last of them wait for Kick.
Figure together(const Kick& kick) {
  House house(kick);
  progress(fmt::format("linking: {} at once", kTogether));
  const auto took = Members(house, kick).run(kTogether, kTogether);
  const double waits = (kTogether * 0.99 - kAtOnce) / kPerSecond * 1'000;
  return figure("linking-1000-p99", p99(took), "ms", "the wait for Kick's limit alone", waits, 1.25, "",
                fmt::format("{} at once, median {:.0f} ms", kTogether, took[took.size() / 2]));
}

}  // namespace

Figures measure_linking(Size size) {
  progress("linking: a Kick with so many accounts");
  const Kick kick(kTogether);
  Figures figures{unhindered(kick)};
  if (size == Size::full) figures.push_back(together(kick));
  return figures;
}

}  // namespace guildhall::bench
