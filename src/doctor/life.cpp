#include "doctor/life.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "bot/import_trace.h"
#include "bot/imports.h"
#include "bot/ledger.h"
#include "bot/links.h"
#include "bot/posts.h"

namespace guildhall::doctor {
namespace {

using namespace std::chrono_literals;
using bot::Door;

/// Above every number that Discord or Kick gave to anybody.
constexpr const char* kStreamer = "discord:1";
constexpr const char* kNextOwner = "discord:2";
constexpr std::int64_t kPeople = 9'100'000'000'000'000'000;
constexpr int kViewers = 4;
/// The one whose name changed between his visits to the two servers.
constexpr int kRenamed = 0;
constexpr int kWatchedMinutes = 12;
/// More than calls about strangers make known.
constexpr int kMorePeople = 6;
/// More than a server's recent events hold.
constexpr int kCrowd = 510;
constexpr std::string_view kLogPlace = "4242";

std::string name_of(const bot::CommandSpec& command, Door door) {
  const char* names[] = {"slash", "message", "chat", "button"};
  return fmt::format("{} ({})", command.path, names[static_cast<int>(door)]);
}

std::string number_of(std::int64_t person) { return fmt::format("{}", kPeople + person); }
std::string viewer_name(int viewer) { return fmt::format("isolationviewer{}", viewer); }

/// Whom neither server knows until they are called for; each stands beside another one.
const Named kNobody{number_of(299), "isolationonly9"};
const Named kNobodyElse{number_of(298), "isolationrenamed9"};
const std::string kUnknownMember = number_of(297);

std::string replaced(std::string text, const std::string& what) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at)
    text.replace(at, what.size(), "?");
  return text;
}

std::int64_t effect_of(const std::vector<Run>& runs) {
  std::int64_t sum = 0;
  for (const Run& run : runs) sum += run.rows + run.changes;
  return sum;
}

std::string filled(std::string path, const std::map<std::string, std::string, std::less<>>& values) {
  for (const auto& [name, value] : values) {
    const std::string segment = "{" + name + "}";
    if (const auto at = path.find(segment); at != std::string::npos) path.replace(at, segment.size(), value);
  }
  return path;
}

std::vector<std::string> parameters_of(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = path.find('{', at)) != std::string::npos; ++at)
    names.push_back(path.substr(at + 1, path.find('}', at) - at - 1));
  return names;
}

std::string body_of(const bot::RouteExample& example) {
  return example.body.is_null() ? "{}" : boost::json::serialize(example.body);
}

}  // namespace

Life::Life(ProofBot& bot, Report& report, Marks own, Marks other)
    : bot_(bot), report_(report), own_(std::move(own)), other_(std::move(other)), begin_(bot.clock().now()) {}

void Life::run() {
  bot_.clock().set(begin_);
  step("arrive", [&] { net::run_to_end(bot_.tenancy().servers().arrived(own_.server, own_.name, begin_)); });
  step("channel", [&] { keep_channel(); });
  step("settings", [&] { change_settings(); });
  step("stream", [&] { stream(); });
  step("links", [&] { link_people(); });
  step("linking", [&] { link_themselves(); });
  step("roles", [&] { earn_roles(); });
  step("role changes", [&] { bot_.change_roles(); }, true);
  step("role members", [&] { show_role(); });
  call_commands();
  step("redelivery", [&] { call_again(); });
  request_routes();
  step("outbox", [&] { deliver(); }, true);
  step("crowd", [&] { crowd(); });
  rehearsed_at_ = bot_.clock().now();
  rehearse();
  step("last events", [&] { stay(); }, true);
  step("leave", [&] { net::run_to_end(bot_.tenancy().servers().left(own_.server, bot_.clock().now())); });
  report_.line("life", "scopes").own += bot_.take_scopes();
  for (const std::string& from : bot_.take_wrong_scopes())
    report_.leak("life", "scopes", 1, from + " got the scope of another server");
}

std::vector<Run> Life::step(const std::string& name, const std::function<void()>& body, bool its_own) {
  keep_runs();
  try {
    body();
    ++report_.line("life", "steps").own;
  } catch (const ErrorException& error) {
    // Whoever never answered once will not answer the next hundred times.
    if (error.error().code == ErrorCode::timeout) throw;
    failures_.emplace(name, error.what());
  } catch (const std::exception& error) {
    failures_.emplace(name, error.what());
  }
  std::vector<Run> runs = keep_runs();
  for (const Run& run : runs) {
    if (its_own) break;
    Effect& effect = effects_[name][run.statement];
    ++effect.runs;
    effect.rows += run.rows;
    effect.changes += run.changes;
  }
  return runs;
}

std::vector<Run> Life::keep_runs() {
  std::vector<Run> runs = bot_.recorder().take();
  runs_.insert(runs_.end(), runs.begin(), runs.end());
  return runs;
}

void Life::check(const std::string& kind, const std::string& name, const std::string& text) {
  for (const std::string& mark :
       {other_.canary, other_.name, other_.only_member, other_.only_viewer, other_.renamed_viewer}) {
    if (text.find(mark) != std::string::npos)
      report_.leak(kind, name, 1, fmt::format("a text of the other server came out ({})", mark));
  }
}

void Life::note(const std::string& kind, const std::string& name, const std::vector<Run>& runs,
                bool answered) {
  Line& line = report_.line(kind, name);
  if (answered) line.own += std::max<std::int64_t>(effect_of(runs), 1);
}

std::string Life::member_name(std::int64_t number) const {
  return fmt::format("Member {} {}", number, own_.canary);
}

bot::Caller Life::caller(bot::Permission permission) const {
  return {{bot::kDiscord, number_of(1), member_name(1)}, permission};
}

/// In the end something lies in every table, and no two servers hold the same: one has people beyond those
/// of the other; in each another viewer writes, and what he wrote waits to be settled when the other's last
/// tick comes.
void Life::stay() {
  const bool second = own_.number == 1;
  const TimePoint from = bot_.clock().now() + 1h;
  bot_.clock().set(from);
  carry(second);  // while both have as many people
  bot_.tell_channel(own_.server,
                    bot::StreamStatus{bot_.channel(), true, from, std::nullopt, "Stream " + own_.canary});
  for (int viewer = kViewers + 2; second && viewer < kViewers + 2 + kMorePeople; ++viewer)
    say(viewer, from, true);
  bot_.wait();
  write(kRenamed, from);  // who is linked, and earns a role
  if (second) write(kViewers + 2 + kMorePeople, from);
  tick_at(from + (second ? 1h : 3h));
  link(2, own_.only_viewer);
  bot_.clock().set(from + 4h);
  write(second ? 2 : 1, from + 2h - (second ? 5s : 0s));
  const bot::StreamStatus next{bot_.channel(), true, from + 160min, std::nullopt, "Stream " + own_.canary};
  bot_.tell_channel(own_.server, next);
  bot_.wait();
  leave_roles_and_posts();
}

/// Under the names by which rehearsals know them, and one that is this server's alone.
void Life::leave_roles_and_posts() {
  const auto& declarations = bot_.declarations();
  net::run_to_end(bot_.scope(own_.server).transact([&](store::Tx& tx) -> store::TxTask<void> {
    co_await bot::leave_role_changes(tx, fmt::format("{}", 20 + own_.number), rehearsed_at_);
    const auto settings = co_await bot::load_settings(tx, declarations.settings, *declarations.config);
    bot::ServerContext context{own_.server, bot_.clock().now(), settings, &declarations.texts};
    co_await bot::put_post(tx, context, "rehearsal", "1", {own_.canary});
  }));
}

/// As much as an old bot kept of one viewer, who was linked, or of two.
void Life::carry(bool second) {
  const TimePoint now = bot_.clock().now();
  const tenancy::Actor actor{own_.canary, "system"};
  std::vector<bot::Carried> carried{{"isolationold1", own_.amount, 0, own_.canary, 1}};
  if (second) carried.push_back({"isolationold2", own_.amount, 1, own_.canary, 1});
  const bot::KnownLink link{DiscordUserId(kPeople + 402), "isolationimport3"};
  net::run_to_end(bot_.scope(own_.server).transact([&](store::Tx& tx) -> store::TxTask<void> {
    co_await bot::link_known(tx, bot_.declarations().on_move, bot::kKick, {link}, actor, now);
    const auto viewer = co_await bot::find_identity_by_name(tx, bot::kKick, link.name);
    co_await bot::note_brought(tx, {{viewer->home_person_id, own_.amount, Duration(0)}});
    const std::string id = bot::points_operation("kick", 1, "isolationold1");
    const bot::Opening opening{viewer->person_id, own_.amount, 1, id, own_.canary};
    co_await bot::book_openings(tx, bot::kPoints, "import", own_.canary, {opening}, now);
    co_await bot::set_carried(tx, "kick", "isolation", carried, now);
  }));
}

/// One viewer, every minute.
void Life::write(int viewer, TimePoint from) {
  bot_.clock().set(std::max(bot_.clock().now(), from + kWatchedMinutes * 1min));
  for (int minute = 0; minute < kWatchedMinutes; ++minute) say(viewer, from + minute * 1min, false);
  bot_.wait();
}

void Life::keep_channel() {
  auto& channels = bot_.tenancy().channels();
  const tenancy::ChannelKey& key = bot_.channel();
  const TimePoint now = bot_.clock().now();
  net::run_to_end(channels.know(key, "isolation_proof", "isolation proof", now));
  keep_grant();
  consent(key, kStreamer);
  net::run_to_end(channels.unbind(own_.server, key.platform));
  consent(key, kStreamer);
  consent(key, kStreamer);  // once more for the same server
  net::run_to_end(channels.set_live(key, true, now, now));
}

/// A grant belongs to no server, so it says nothing of one.
void Life::consent(const tenancy::ChannelKey& channel, const char* streamer) {
  const TimePoint now = bot_.clock().now();
  const tenancy::SealedTokens tokens{store::Blob{"sealed"}, store::Blob{"sealed"}, now};
  net::run_to_end(bot_.tenancy().grants().grant(channel, {streamer}, "chat:write", tokens, own_.server, now));
}

/// Everything that may become of a grant, the last of all its withdrawal: of a channel that no other server
/// listens to.
void Life::keep_grant() {
  auto& grants = bot_.tenancy().grants();
  const tenancy::ChannelKey key{bot_.channel().platform, tenancy::kReservedServers.last.str()};
  const TimePoint now = bot_.clock().now();
  const tenancy::SealedTokens tokens{store::Blob{"renewed"}, store::Blob{"renewed"}, now};
  const auto version = [&] { return net::run_to_end(grants.of(key))->token_version; };
  net::run_to_end(bot_.tenancy().channels().know(key, "isolation_proof", "isolation proof", now));
  consent(key, kStreamer);
  net::run_to_end(grants.begin_renewal(key, version(), now, now));
  net::run_to_end(grants.give_up_renewal(key, version()));
  net::run_to_end(grants.renewed(key, version(), tokens, now));
  for (const auto& value : net::run_to_end(grants.sealed_values()))
    net::run_to_end(grants.reseal(value, store::Blob{"resealed"}));
  net::run_to_end(grants.withdraw_from(key, {kStreamer}, own_.server));
  consent(key, kStreamer);
  net::run_to_end(grants.ended(key, version(), tenancy::kRanOut, now));
  net::run_to_end(grants.begin_notice(key, now, now));
  consent(key, kNextOwner);
  net::run_to_end(grants.ended(key, version(), tenancy::kRevoked, now));
  net::run_to_end(grants.unbind_revoked(key));
  consent(key, kStreamer);
  net::run_to_end(grants.withdraw(key, {kStreamer}, now));
  net::run_to_end(grants.forget(key, version()));
}

void Life::set(const std::string& key, const std::optional<std::string>& value) {
  bot::SettingWish wish{key, value};
  wish.of_program = true;
  const auto changed = net::run_to_end(bot_.scope(own_.server).transact([&](store::Tx& tx) {
    return bot::change_server_setting(tx, bot_.declarations(), own_.server, wish, {own_.canary, "system"},
                                      bot_.clock().now());
  }));
  if (!changed) throw ErrorException(changed.error());
}

/// Each is tried; what the operator's defaults may hold then has no say in the life.
void Life::change_settings() {
  for (const auto& [key, spec] : bot_.declarations().settings.all()) {
    bot_.clock().advance(1s);  // what a setting begins and ends is known by its moment
    const auto example = setting_example(spec, own_);
    if (!example) throw ErrorException({ErrorCode::failed, "no value is known for the setting " + key});
    set(key, example->value);
    bot_.clock().advance(1s);
    if (!example->keep) set(key, std::nullopt);
  }
  bot_.refresh(own_.server);
}

void Life::say(int viewer, TimePoint at, bool live_known) {
  const bool only = viewer == kViewers + 1;
  const std::string name = only                 ? own_.only_viewer
                           : viewer == kRenamed ? own_.renamed_viewer
                                                : viewer_name(viewer);
  const bot::Chatter sender{
      only ? number_of(200 + static_cast<std::int64_t>(own_.number)) : number_of(100 + viewer), name,
      viewer % 2 == 0};
  bot_.chat(own_.server, {bot_.channel(), fmt::format("message {} {}", viewer, to_micros(at)), sender,
                          "hello " + own_.canary, at, live_known});
}

void Life::tick_at(TimePoint at) {
  bot_.clock().set(at);
  bot_.tick();
}

void Life::stream() {
  const TimePoint from = bot_.clock().now();
  const bot::StreamStatus live{bot_.channel(), true, from, std::nullopt, "Stream " + own_.canary};
  bot_.tell_channel(own_.server, live);
  bot_.tell_channel(own_.server, bot::GiftedSubs{bot_.channel(), "gift", "Giver " + own_.canary,
                                                 own_.amount % 100 + 1, from});
  bot_.tell(own_.server, bot::MemberJoined{DiscordUserId(kPeople + 1), member_name(1), from});
  bot_.tell(own_.server, bot::MemberLeft{DiscordUserId(kPeople + 1), member_name(1), "leave", from});
  bot_.wait();
  for (int minute = 0; minute < kWatchedMinutes; ++minute) {
    bot_.clock().set(from + minute * 1min);
    for (int viewer = kRenamed; viewer <= kViewers + 1; ++viewer)
      say(viewer, from + minute * 1min, minute > 1);
    bot_.wait();
  }
  tick_at(from + kWatchedMinutes * 1min);
  const TimePoint ended = from + (kWatchedMinutes + 1) * 1min;
  bot_.clock().set(ended);
  bot_.tell_channel(own_.server,
                    bot::StreamStatus{bot_.channel(), false, from, ended, "Stream " + own_.canary});
  bot_.wait();
  tick_at(ended + 10min);
}

void Life::link(std::int64_t member, const std::string& viewer) {
  const bot::LinkRequest request{DiscordUserId(kPeople + member), bot::kKick, viewer};
  const auto linked = net::run_to_end(bot_.scope(own_.server).transact([&](store::Tx& tx) {
    return bot::link_member(tx, bot_.declarations().on_move, request, {own_.canary, "system"},
                            bot_.clock().now());
  }));
  if (!linked) throw ErrorException(linked.error());
}

void Life::unlink(std::int64_t member) {
  const auto undone = net::run_to_end(bot_.scope(own_.server).transact([&](store::Tx& tx) {
    return bot::unlink_member(tx, bot_.declarations().on_move, DiscordUserId(kPeople + member), bot::kKick,
                              {own_.canary, "system"}, bot_.clock().now());
  }));
  if (!undone) throw ErrorException(undone.error());
}

/// A viewer with minutes, points and presence that is not settled yet; then one who is heard of before
/// anybody sees him.
void Life::link_people() {
  say(2, bot_.clock().now(), true);
  bot_.wait();
  link(2, viewer_name(2));
  unlink(2);
  link(4, own_.renamed_viewer);
  link(3, viewer_name(9));
  bot::ChatMessage first = chat_call("hello", "message of one who was heard of");
  first.sender = {number_of(109), viewer_name(9)};
  bot_.chat(own_.server, first);
  bot_.wait();
}

/// One role for watch time, which other calls leave alone, and the one of who is linked: given, and taken
/// from somebody whose link is undone.
void Life::earn_roles() {
  const auto& commands = bot_.declarations().commands;
  const std::string minutes = fmt::format("{}", 1 + own_.number);
  call(commands.at(Door::prefix, "roles add"), Door::prefix, {{"role", "4244"}, {"minutes", minutes}});
  tick_at(bot_.clock().now() + 1min);
  unlink(3);
  tick_at(bot_.clock().now() + 1min);
  link(3, viewer_name(9));
}

/// Whom the linked role was given, whose id is what every setting of an id is set to.
void Life::show_role() {
  const bot::CommandSpec& members = bot_.declarations().commands.at(Door::prefix, "roles members");
  check("command", members.path, call(members, Door::prefix, {{"role", "4242"}}).text);
}

bot::ChatMessage Life::chat_call(const std::string& words, const std::string& id) const {
  const bot::Chatter sender{number_of(101), viewer_name(1)};
  return {bot_.channel(), id, sender, own_.prefix + words, bot_.clock().now()};
}

Said Life::call(const bot::CommandSpec& command, Door door, const CallExample& example) {
  bot_.clock().advance(command.cooldown + 1s);
  const std::string id = fmt::format("call {}", ++calls_);
  if (door == Door::chat) return bot_.call_chat(own_.server, chat_call(words_of(command, example), id));
  bot::CommandRequest request;
  request.door = door;
  request.caller = caller(command.permission);
  request.place = "discord:" + std::string(kLogPlace);
  request.operation_id = id;
  if (door == Door::prefix) {
    request.line = own_.prefix + words_of(command, example);
  } else {
    request.slash_name = command.slash_name();
    request.options = example;
    request.person_names[number_of(2)] = member_name(2);
    last_slash_[command.path] = request;
  }
  return bot_.call(own_.server, std::move(request));
}

Said Life::call_by_member(const std::string& line, const std::string& operation_id) {
  bot::CommandRequest request;
  request.door = Door::prefix;
  request.caller = caller(bot::Permission::everyone);
  request.place = "discord:" + std::string(kLogPlace);
  request.operation_id = operation_id;
  request.line = line;
  return bot_.call(own_.server, std::move(request));
}

/// At every door that it is open at; one that gives no answer there counts for nothing.
void Life::call_commands() {
  const Named named{number_of(2), viewer_name(3)};
  for (const bot::CommandSpec& command : bot_.declarations().commands.all()) {
    for (const Door door : command.doors) {
      const std::string name = name_of(command, door);
      report_.line("command", name);
      const auto examples =
          call_examples(command, door, named, own_.canary, [this] { return next_amount(); });
      for (std::size_t i = 0; i < examples.size(); ++i) {
        Said said;
        const auto runs =
            step(fmt::format("{} {}", name, i), [&] { said = call(command, door, examples[i]); });
        check("command", name, said.text);
        const bool refused = said.private_answer && !command.private_answer;
        note("command", name, runs, said.answered && said.outcome == bot::Outcome::committed && !refused);
      }
    }
  }
}

/// A new process is told again what the old one had done.
void Life::call_again() {
  for (const auto& [path, request] : last_slash_)
    check("command", path + " (slash)", bot_.call(own_.server, request, true).text);
}

void Life::request(const std::string& name, const bot::RouteSpec& route, const bot::RouteExample& example) {
  net::HttpResponse response;
  const auto runs = step(name, [&] {
    const std::string path =
        fmt::format("/servers/{}{}", own_.server.str(), filled(route.path, example.path));
    response = bot_.request(route.method, path, example.query, body_of(example));
    bot_.settle(own_.server);
  });
  check("route", name, response.body);
  note("route", name, runs, response.status == 200 && effect_of(runs) > 0);
}

void Life::request_routes() {
  static const bot::RouteSpec overview{"web", "GET", "", tenancy::Access::viewer, {}};
  request("GET /servers/{server}", overview, {});
  for (const bot::RouteSpec& route : bot_.declarations().routes.all()) {
    const std::string name = fmt::format("{} /servers/{{server}}{}", route.method, route.path);
    if (route.examples.empty()) request(name, route, {});
    for (const bot::RouteExample& example : route.examples) request(name, route, example);
  }
  list_servers();
}

/// The list shows both to who may see both; each with its own figures alone.
void Life::list_servers() {
  net::HttpResponse response;
  const auto runs = step("GET /servers", [&] { response = bot_.request("GET", "/servers", {}, ""); }, true);
  const json::Value body = json::parse(response.body).value_or(json::Value());
  bool found = false;
  for (const json::Value& server : json::array(body, "servers")) {
    if (json::text_or(server, "id", "") != own_.server.str()) continue;
    found = true;
    check("route", "GET /servers", json::write(server));
  }
  note("route", "GET /servers", runs, found);
}

void Life::crowd() {
  for (int i = 0; i < kCrowd; ++i) {
    bot_.tell(own_.server, bot::MemberJoined{DiscordUserId(kPeople + 1'000 + i), member_name(1'000 + i),
                                             bot_.clock().now() + i * 1us});
  }
  bot_.wait();
}

/// What the commands put there.
void Life::deliver() {
  for (const std::string& message : bot_.deliver(own_.server, 3 + own_.number)) {
    check("output", "outbox messages", message);
    ++report_.line("output", "outbox messages").own;
  }
}

std::vector<Run> Life::rehearse() {
  const auto& declarations = bot_.declarations();
  const TimePoint now = bot_.clock().now();
  struct Undo {};
  const auto undone = [this](auto task) {
    try {
      net::run_to_end(std::move(task));
    } catch (const Undo&) {  // as it should
    } catch (const std::exception& error) {
      failures_.emplace("rehearsal", error.what());
    }
  };
  keep_runs();
  for (const auto& body : declarations.rehearsals.server) {
    undone(bot_.scope(own_.server).transact([&](store::Tx& tx) -> store::TxTask<void> {
      const auto settings = co_await bot::load_settings(tx, declarations.settings, *declarations.config);
      bot::ServerContext context{own_.server, now, settings, &declarations.texts};
      co_await body(tx, context);
      throw Undo{};
    }));
  }
  for (const auto& body : declarations.rehearsals.global) {
    undone(bot_.tenancy().global().transact([&](store::GlobalTx& tx) -> store::TxTask<void> {
      co_await body(tx, now);
      throw Undo{};
    }));
  }
  const bot::TickChunk chunk{own_.server, own_.server, now};
  for (const bot::TickStage& body : declarations.rehearsals.cross_server) {
    undone(bot_.tenancy().door().transact("isolation.proof", now,
                                          [&](store::CrossTx& tx) -> store::TxTask<void> {
                                            co_await body(tx, chunk);
                                            throw Undo{};
                                          }));
  }
  undone(bot_.tenancy().door().transact("isolation.proof", now, {own_.server, own_.server},
                                        [&](store::CrossTx& tx) -> store::TxTask<void> {
                                          for (const bot::TickStage& stage : declarations.minute_stages)
                                            co_await stage(tx, chunk);
                                          throw Undo{};
                                        }));
  return keep_runs();
}

std::vector<Life::Seen> Life::seen_of(const bot::CommandSpec& command, Door door, const Named& named) {
  std::vector<Seen> all;
  // A word of its own each time: what one call has left is not what the next one meets.
  const std::string word = fmt::format("because{}", ++asked_);
  for (const CallExample& example : call_examples(command, door, named, word, [] { return 11; })) {
    Said said;
    const auto runs = step(name_of(command, door) + " foreign", [&] { said = call(command, door, example); });
    check("command", name_of(command, door), replaced(replaced(said.text, named.member), named.viewer));
    Seen seen{
        replaced(replaced(fmt::format("{} {}", static_cast<int>(said.outcome), said.text), named.member),
                 named.viewer)};
    for (const Run& run : runs) {
      seen.statements.push_back(fmt::format(
          "{} {} {}", bot_.declarations().statements.all()[run.statement].name, run.rows, run.changes));
    }
    all.push_back(std::move(seen));
  }
  return all;
}

void Life::ask(const bot::CommandSpec& command, Door door) {
  for (const auto& [theirs, nobodys] :
       {std::pair{Named{other_.only_member, other_.only_viewer}, kNobody},
        std::pair{Named{kUnknownMember, other_.renamed_viewer}, kNobodyElse}}) {
    if (seen_of(command, door, theirs) != seen_of(command, door, nobodys))
      report_.leak("command", name_of(command, door), 1,
                   "is answered otherwise for a person of the other server than for nobody");
  }
}

void Life::ask(const bot::RouteSpec& route) {
  const std::string name = fmt::format("{} /servers/{{server}}{}", route.method, route.path);
  const auto parameters = parameters_of(route.path);
  bot::RouteExample example = route.examples.empty() ? bot::RouteExample{} : route.examples.front();
  const auto answer = [&](const std::string& parameter, const std::string& value) {
    bot::RouteExample asked = example;
    asked.path[parameter] = value;
    const std::string path = fmt::format("/servers/{}{}", own_.server.str(), filled(route.path, asked.path));
    const auto response = bot_.request(route.method, path, asked.query, body_of(asked));
    return fmt::format("{} {}", response.status, replaced(response.body, value));
  };
  for (const std::string& parameter : parameters) {
    for (const auto& [theirs, nobodys] :
         {std::pair{other_.only_member, kNobody.member}, std::pair{other_.only_viewer, kNobody.viewer},
          std::pair{other_.renamed_viewer, kNobodyElse.viewer}}) {
      if (answer(parameter, theirs) != answer(parameter, nobodys))
        report_.leak("route", name, 1,
                     "is answered otherwise for an id of the other server than for nobody's");
    }
  }
}

void Life::ask_for_the_other() {
  net::run_to_end(bot_.tenancy().servers().arrived(own_.server, own_.name, bot_.clock().now()));
  bot_.refresh(own_.server);
  for (const bot::CommandSpec& command : bot_.declarations().commands.all()) {
    if (!takes_person(command)) continue;
    for (const Door door : command.doors) ask(command, door);
  }
  for (const bot::RouteSpec& route : bot_.declarations().routes.all()) ask(route);
  net::run_to_end(bot_.tenancy().servers().left(own_.server, bot_.clock().now()));
}

}  // namespace guildhall::doctor
