// The road of an event and of a command, from the bytes that come in to the commit on the file.
#include <fmt/format.h>

#include <atomic>
#include <optional>
#include <stdexcept>

#include "base/crypto.h"
#include "bench/bench.h"
#include "bench/raw_sqlite.h"
#include "bench/served_bot.h"

namespace guildhall::bench {
namespace {

constexpr std::size_t kServers = 200;
constexpr std::size_t kJoins = 20'000;
constexpr std::size_t kCorrections = 6'000;
/// As many people as may be waiting for an answer at once on a busy evening.
constexpr std::size_t kAsking = 64;
constexpr std::size_t kMessages = 6'000;
constexpr std::size_t kPosting = 256;
/// What one commit holds when there is always more to do.
constexpr std::size_t kFullGroup = 256;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Runs `work` and puts its pace beside that of the same rows alone, in groups of that size or, without
/// one, in groups as large as those that there were.
Figure against_raw(ServedBot& bot, std::string name, std::size_t events, std::vector<std::string> tables,
                   const std::function<void()>& work, std::optional<std::size_t> raw_group = std::nullopt) {
  const auto before = bot.commits();
  const Stopwatch watch;
  work();
  const double seconds = watch.seconds();
  const auto after = bot.commits();
  const auto groups = std::max<std::int64_t>(after.groups - before.groups, 1);
  const auto group =
      static_cast<std::size_t>(std::max<std::int64_t>((after.units - before.units) / groups, 1));

  Figure figure;
  figure.name = std::move(name);
  figure.value = static_cast<double>(events) / seconds;
  figure.unit = "events/s";
  figure.reference = "the same rows by SQLite alone";
  progress(figure.name + ": the same rows by SQLite alone");
  figure.reference_value = raw_events_per_second(
      {bot.world.database_file(), std::move(tables), events, raw_group.value_or(group)});
  figure.note = fmt::format("{} events of {} servers, {} per commit", events, kServers, group);
  return figure;
}

Dispatch join(std::size_t number) {
  return {"GUILD_MEMBER_ADD",
          fmt::format(R"({{"guild_id":"{}","user":{{"id":"{}","username":"member{}","global_name":null}},)"
                      R"("nick":null,"roles":[],"joined_at":"2027-01-15T08:00:00+00:00"}})",
                      server_id(number % kServers), 5'000'000 + number, number)};
}

Dispatch correction(std::size_t number) {
  const std::size_t member = 7'000'000 + number / kServers % 50;
  return {"INTERACTION_CREATE",
          fmt::format(
              R"({{"id":"{}","application_id":"2","type":2,"token":"t{}","guild_id":"{}","channel_id":"4",)"
              R"("locale":"en-GB","member":{{"permissions":"8","user":{{"id":"9","username":"moderator"}}}},)"
              R"("data":{{"name":"points-add","options":[{{"name":"user","type":6,"value":"{}"}},)"
              R"({{"name":"amount","type":4,"value":5}},{{"name":"reason","type":3,"value":"raid"}}],)"
              R"("resolved":{{"users":{{"{}":{{"id":"{}","username":"viewer"}}}}}}}}}})",
              10'000'000 + number, number, server_id(number % kServers), member, member, member)};
}

std::string subscription_id(std::string_view event, std::size_t channel) {
  return fmt::format("{} of {}", event, channel);
}

/// What Kick posts, signed before the measuring begins.
class KickPost {
 public:
  explicit KickPost(ServedBot& bot) : bot_(bot), now_(bot.world.clock.now()) {}

  net::HttpRequest status(std::size_t channel) const {
    return signed_request("livestream.status.updated", channel, fmt::format("live{}", channel),
                          fmt::format(R"({{"broadcaster":{},"is_live":true,"title":"t","started_at":"{}"}})",
                                      user(channel), format_rfc3339(now_ - std::chrono::hours(1))));
  }
  net::HttpRequest message(std::size_t number) const {
    const std::size_t viewer = 2'000'000 + number / kServers % 20;
    const TimePoint at = now_ - std::chrono::minutes(1) + Duration(number);
    return signed_request(
        "chat.message.sent", number % kServers, fmt::format("m{}", number),
        fmt::format(R"({{"message_id":"m{}","broadcaster":{},"sender":{{"is_anonymous":false,"user_id":{},)"
                    R"("username":"Viewer{}","identity":{{"badges":[{{"type":"subscriber","count":4}}]}}}},)"
                    R"("content":"what a game","emotes":[],"created_at":"{}"}})",
                    number, user(number % kServers), viewer, viewer, format_rfc3339(at)));
  }

 private:
  static std::string user(std::size_t channel) {
    return fmt::format(R"({{"is_anonymous":false,"user_id":{},"username":"Streamer{}"}})", 900'000 + channel,
                       channel);
  }
  net::HttpRequest signed_request(std::string type, std::size_t channel, const std::string& id,
                                  std::string body) const {
    const std::string timestamp = format_rfc3339(now_);
    const std::string signature = bot_.signing_key.sign(kick::signed_text(id, timestamp, body));
    net::HttpRequest request{"POST", "/webhooks/kick"};
    request.headers = {{"kick-event-message-id", id},
                       {"kick-event-message-timestamp", timestamp},
                       {"kick-event-signature", base64(signature)},
                       {"kick-event-subscription-id", subscription_id(type, channel)},
                       {"kick-event-type", std::move(type)}};
    request.body = std::move(body);
    return request;
  }

  ServedBot& bot_;
  TimePoint now_;
};

/// Posts all of them, so many at a time.
class Posting {
 public:
  Posting(ServedBot& bot, std::vector<net::HttpRequest> requests)
      : bot_(bot), requests_(std::move(requests)) {}

  void run() {
    for (std::size_t i = 0; i < kPosting; ++i)
      net::spawn(bot_.loops().main(), "post", [this] { return post_until_done(); });
    wait_until("webhooks", [this] { return answered_ == requests_.size(); });
    if (refused_ > 0) throw std::runtime_error(fmt::format("{} webhooks were refused", refused_.load()));
  }

 private:
  Task<void> post_until_done() {
    while (next_ < requests_.size()) {
      const auto response = co_await bot_.kick().handle_webhook(std::move(requests_[next_++]));
      if (response.status != 200) ++refused_;
      ++answered_;
    }
  }

  ServedBot& bot_;
  std::vector<net::HttpRequest> requests_;
  std::size_t next_ = 0;  // on the loop
  std::atomic<std::size_t> answered_ = 0;
  std::atomic<int> refused_ = 0;
};

Task<void> listen_to_channels(ServedBot& bot) {
  auto& channels = bot.world.tenancy->channels();
  std::vector<kick::Subscription> held;
  for (std::size_t i = 0; i < kServers; ++i) {
    const tenancy::ChannelKey key{bot::kKick, fmt::format("{}", 900'000 + i)};
    co_await channels.know(key, fmt::format("streamer{}", i), fmt::format("Streamer{}", i),
                           bot.world.clock.now());
    co_await bot.world.tenancy->grants().grant(key, {"discord:1"}, "chat:write", {}, ServerId(server_id(i)),
                                               bot.world.clock.now());
    for (const char* event : {"livestream.status.updated", "chat.message.sent"})
      held.push_back({subscription_id(event, i), key.platform_user_id, event});
  }
  co_await bot::KickRoutes(bot.world.tenancy->global()).add(std::move(held));
}

std::vector<net::HttpRequest> sign_messages(const KickPost& kick, std::size_t first, std::size_t count) {
  std::vector<net::HttpRequest> requests;
  for (std::size_t i = 0; i < count; ++i) requests.push_back(kick.message(first + i));
  return requests;
}

}  // namespace

Figures measure_joins(Size) {
  progress("joins: a bot with 200 servers");
  ServedBot bot;
  bot.add_servers(kServers);
  std::vector<Dispatch> joins;
  for (std::size_t i = 0; i < kJoins; ++i) joins.push_back(join(i));
  const auto before = bot.committed();
  Figure figure = against_raw(
      bot, "joins", kJoins, {"activity", "counters"},
      [&] {
        bot.discord.send(std::move(joins));
        wait_until("joins", [&] { return bot.committed() - before == static_cast<std::int64_t>(kJoins); });
      },
      kFullGroup);
  figure.bound = 0.1;
  return {figure};
}

Figures measure_corrections(Size) {
  progress("corrections: a bot with 200 servers");
  ServedBot bot;
  bot.add_servers(kServers);
  std::atomic<std::size_t> sent = 0;
  bot.discord.follow_answers_with([&]() -> std::optional<Dispatch> {
    const std::size_t number = sent++;
    return number < kCorrections ? std::optional(correction(number)) : std::nullopt;
  });
  const std::vector<std::string> tables{"balances", "ledger", "audit_log", "activity", "counters"};
  Figure figure = against_raw(bot, "corrections", kCorrections, tables, [&] {
    std::vector<Dispatch> first;
    while (first.size() < kAsking) first.push_back(correction(sent++));
    bot.discord.send(std::move(first));
    wait_until("answers", [&] { return bot.discord.answers() == static_cast<std::int64_t>(kCorrections); });
    bot.committed();
  });
  figure.bound = 0.04;
  return {figure};
}

Figures measure_presence(Size) {
  progress("presence: a bot with 200 servers and channels");
  ServedBot bot;
  bot.add_servers(kServers);
  net::run_to_end(listen_to_channels(bot));
  const KickPost kick(bot);
  std::vector<net::HttpRequest> streams;
  for (std::size_t i = 0; i < kServers; ++i) streams.push_back(kick.status(i));
  Posting(bot, std::move(streams)).run();
  progress("presence: signing messages");
  // Everybody has written before: what is measured is an evening, not its first minute.
  constexpr std::size_t kEverybody = kServers * 20;
  Posting(bot, sign_messages(kick, 0, kEverybody)).run();
  Posting measured(bot, sign_messages(kick, kEverybody, kMessages));
  Figure figure = against_raw(bot, "presence", kMessages, {"presence"}, [&] { measured.run(); });
  figure.bound = 0.07;
  return {figure};
}

}  // namespace guildhall::bench
