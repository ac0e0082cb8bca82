#include "cli/demo.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <fstream>
#include <future>

#include "base/json.h"
#include "base/log.h"
#include "bot/links.h"
#include "cli/demo_check.h"
#include "sim/witness.h"

namespace guildhall::cli {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kLinkedMembers = 4;

/// The world's clock goes on where it was when the demo ended: its stored moments are never ahead of it.
std::unique_ptr<Clock> resume_clock(const std::filesystem::path& file, int speed) {
  const TimePoint now = SystemClock().now();
  std::int64_t saved = 0;
  std::ifstream(file) >> saved;
  const TimePoint start = std::max(now, from_micros(saved) + std::chrono::seconds(1));
  return std::make_unique<ScaledClock>(now, start, speed);
}

void save_time(const std::filesystem::path& file, TimePoint now) {
  const auto fresh = file.string() + ".new";
  std::ofstream(fresh) << to_micros(now) << "\n";
  std::error_code ignored;
  std::filesystem::rename(fresh, file, ignored);
}

/// A browser without a window: what a person would click when the streamer connects the channel.
class Browser {
 public:
  Browser(net::HttpClient& http, std::string base) : http_(http), base_(std::move(base)) {}

  Task<Result<void>> sign_in(std::string code) {
    net::HttpRequest request = post("/api/v1/session", {{"code", code}});
    const auto response = co_await http_.send(std::move(request));
    if (!response) co_return std::unexpected(response.error());
    const std::string cookie = response->header("set-cookie").value_or("");
    cookie_ = cookie.substr(0, cookie.find(';'));
    const auto session = co_await http_.send(get(base_ + "/api/v1/session"));
    const auto body = session ? json::parse(session->body) : std::unexpected(session.error());
    if (!body) co_return std::unexpected(body.error());
    csrf_ = json::text_or(*body, "csrf_token", "");
    co_return Result<void>{};
  }

  Task<Result<void>> connect(ServerId server, std::string slug) {
    const auto begun = co_await http_.send(
        post(fmt::format("/api/v1/servers/{}/kick/connect", server.str()), json::Object{}));
    const auto body = begun ? json::parse(begun->body) : std::unexpected(begun.error());
    if (!body) co_return std::unexpected(body.error());
    const auto consent =
        co_await http_.send(get(json::text_or(*body, "url", "") + "&as=" + net::percent_encode(slug)));
    if (!consent) co_return std::unexpected(consent.error());
    const auto back = co_await http_.send(get(consent->header("location").value_or("")));
    if (!back) co_return std::unexpected(back.error());
    const std::string where = back->header("location").value_or("");
    if (where.find("connected=kick") == std::string::npos)
      co_return fail(ErrorCode::failed, "the channel was not connected: " + where);
    co_return Result<void>{};
  }

 private:
  net::HttpRequest get(std::string url) const {
    net::HttpRequest request;
    request.url = std::move(url);
    request.headers.emplace_back("cookie", cookie_);
    return request;
  }
  net::HttpRequest post(const std::string& path, const json::Value& body) const {
    net::HttpRequest request = get(base_ + path);
    request.method = "POST";
    request.headers.emplace_back("content-type", "application/json");
    request.headers.emplace_back("x-csrf-token", csrf_);
    request.body = json::write(body);
    return request;
  }

  net::HttpClient& http_;
  std::string base_;
  std::string cookie_;
  std::string csrf_;
};

/// Asks the simulation on its own loop.
template <class F>
auto ask(boost::asio::io_context& loop, F question) {
  std::promise<decltype(question())> answer;
  boost::asio::post(loop, [&] { answer.set_value(question()); });
  return answer.get_future().get();
}

}  // namespace

Demo::Demo(Config config, DemoOptions options)
    : config_(std::move(config)),
      options_(options),
      clock_file_(std::filesystem::path(config_.data_dir) / "demo-clock"),
      clock_(resume_clock(clock_file_, options.speed)) {}

Result<std::unique_ptr<Demo>> Demo::start(Config config, DemoOptions options) {
  if (auto prepared = prepare_data_dir(config); !prepared) return std::unexpected(prepared.error());
  std::unique_ptr<Demo> demo(new Demo(std::move(config), options));
  if (auto opened = demo->open_world(); !opened) return std::unexpected(opened.error());
  auto app = App::start(demo->config_, *demo->clock_);
  if (!app) return std::unexpected(app.error());
  demo->app_ = *std::move(app);
  demo->simulation_->set_kick_webhook(demo->app_->url() + "/webhooks/kick");
  demo->simulation_->set_discord_redirect(demo->app_->public_url() + "/auth/discord/callback");
  if (auto ready = net::run_to_end(demo->set_up()); !ready) return std::unexpected(ready.error());
  demo->simulation_->start_members();
  return demo;
}

Demo::~Demo() {
  if (simulation_) simulation_->stop_members();
  app_.reset();
  if (simulation_) simulation_->stop();
  sim_loops_.stop();
  save_time(clock_file_, clock_->now());
}

Result<void> Demo::open_world() {
  sim::SimOptions options;
  options.seed = static_cast<std::uint64_t>(options_.seed);
  options.clock = clock_.get();
  options.events_per_minute = static_cast<double>(options_.events_per_minute);
  options.webhooks_unasked = false;
  options.log_file = std::filesystem::path(config_.data_dir) / "demo-witness.jsonl";
  options.key_file = std::filesystem::path(config_.data_dir) / "demo-kick.pem";
  auto simulation = sim::Simulation::start(sim_loops_.main(), options);
  if (!simulation) return std::unexpected(simulation.error());
  simulation_ = *std::move(simulation);
  const auto& world = simulation_->world();
  for (const auto& server : world.servers)
    places_.push_back({ServerId(static_cast<std::int64_t>(server.id)), server.suggested_channel});
  const auto& viewers = world.kick_channels.front().viewers;
  for (const auto& [id, member] : world.servers.front().members) {
    // The first viewer is the broadcaster himself.
    const std::size_t viewer = links_.size() + 1;
    if (links_.size() >= kLinkedMembers || viewer >= viewers.size() || id == world.bot.id) continue;
    links_.emplace_back(fmt::format("{}", id), world.kick_user(viewers[viewer].user)->username);
  }
  const auto contract = json::parse(simulation_->contract_json());
  const auto& discord = *json::find(*contract, "discord");
  const auto& kick = *json::find(*contract, "kick");
  control_url_ = *json::text(*contract, "control");
  config_.discord_api_url = *json::text(discord, "rest");
  config_.discord_gateway_url = *json::text(discord, "gateway");
  config_.discord_token = *json::text(discord, "token");
  config_.discord_client_secret = *json::text(discord, "client_secret");
  config_.kick_oauth_url = *json::text(kick, "oauth");
  config_.kick_api_url = *json::text(kick, "api");
  config_.kick_client_id = *json::text(kick, "client_id");
  config_.kick_client_secret = *json::text(kick, "client_secret");
  sim_loops_.start();
  net::repeat(sim_loops_.main(), "demo.clock", std::chrono::seconds(1), [this]() -> Task<void> {
    save_time(clock_file_, clock_->now());
    co_return;
  });
  return {};
}

Task<Result<void>> Demo::set_up() {
  if (auto done = co_await wait_for_servers(); !done) co_return done;
  if (auto done = co_await connect_streamers(); !done) co_return done;
  co_return co_await link_members();
}

Task<Result<void>> Demo::wait_for_servers() {
  const auto begin = std::chrono::steady_clock::now();
  const auto& servers = app_->workspace().tenancy().servers();
  const auto all_there = [&] {
    return std::all_of(places_.begin(), places_.end(),
                       [&](const Place& place) { return servers.is_active(place.server); });
  };
  while (!all_there()) {
    if (std::chrono::steady_clock::now() - begin > kPatience)
      co_return fail(ErrorCode::failed, "the simulated servers did not appear");
    co_await net::sleep_for(std::chrono::milliseconds(20));
  }
  co_return Result<void>{};
}

/// Some members of the first server are viewers of its channel too. After the first start they are
/// linked already.
Task<Result<void>> Demo::link_members() {
  auto& workspace = app_->workspace();
  const auto scope = workspace.scope(places_.front().server.str());
  if (!scope) co_return std::unexpected(scope.error());
  for (const auto& [member, viewer] : links_) {
    const bot::LinkRequest request{*DiscordUserId::parse(member), bot::kKick, viewer};
    const auto linked = co_await scope->transact([&](store::Tx& tx) {
      return bot::link_member(tx, workspace.declarations().on_move, request, command_line_operator(),
                              clock_->now());
    });
    if (!linked && linked.error().code != ErrorCode::conflict) co_return std::unexpected(linked.error());
  }
  co_return Result<void>{};
}

Task<Result<void>> Demo::connect_streamers() {
  const std::string code = co_await app_->sessions().make_login_code(command_line_operator());
  Browser browser(app_->http(), app_->url());
  if (auto signed_in = co_await browser.sign_in(code); !signed_in) co_return signed_in;
  for (const Place& place : places_) {
    const auto channel = app_->workspace().tenancy().channels().of_server(place.server, bot::kKick);
    if (channel && channel->slug == place.channel && channel->token_state == "connected") continue;
    if (auto connected = co_await browser.connect(place.server, place.channel); !connected)
      co_return connected;
  }
  co_return Result<void>{};
}

std::string Demo::sign_in_url() {
  const std::string code = net::run_to_end(app_->sessions().make_login_code(command_line_operator()));
  return fmt::format("{}/sign-in?code={}", app_->url(), code);
}

boost::json::object Demo::count() {
  simulation_->stop_members();
  // What is on its way arrives; then the record and the database are compared at the same settled moment.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto witness =
      ask(sim_loops_.main(), [this] { return simulation_->witness().report(simulation_->world()); });
  std::vector<WitnessedServer> servers;
  for (const Place& place : places_) servers.push_back({place.server, place.channel});
  const DemoCounts counts = check_demo(app_->workspace(), witness, servers);
  return {{"servers", static_cast<std::int64_t>(places_.size())},
          {"speed", options_.speed},
          {"discord_events", counts.discord_events},
          {"kick_events", counts.kick_events},
          {"commands", counts.commands},
          {"ticks", app_->workspace()
                        .metrics()
                        .counter("guildhall_ticks_total", "Ticks of servers that were committed.")
                        .value()},
          {"points_awarded", counts.points_awarded},
          {"ledger_mismatches", counts.ledger_mismatches},
          {"foreign_rows", counts.foreign_rows},
          {"witness_mismatches", counts.witness_mismatches}};
}

}  // namespace guildhall::cli
