// Kick's webhooks: how many of them a core takes, and how long one waits for its answer at 500 a second.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "base/crypto.h"
#include "bench/bench.h"
#include "bench/kick_posts.h"
#include "net/http_server.h"

namespace guildhall::bench {
namespace {

constexpr std::size_t kServers = 200;
constexpr std::size_t kMessages = 6'000;
constexpr std::size_t kVerified = 5'000;
constexpr std::size_t kPerSecond = 500;
/// What a webhook's answer may take at that pace, but for one in a hundred.
constexpr double kPromised = 50;
constexpr std::size_t kEverybody = kServers * 20;

/// Processor time of the whole process.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// The same signatures, looked at by OpenSSL and nothing around it.
double verifications_per_second(const ServedBot& bot, const std::vector<net::HttpRequest>& requests) {
  const auto key = *RsaPublicKey::from_pem(bot.signing_key.public_pem());
  std::vector<std::pair<std::string, std::string>> signed_texts;
  for (const net::HttpRequest& request : requests) {
    signed_texts.emplace_back(
        kick::signed_text(*request.header("kick-event-message-id"),
                          *request.header("kick-event-message-timestamp"), request.body),
        *base64_decode(*request.header("kick-event-signature")));
  }
  const double begin = cpu_seconds();
  for (const auto& [text, signature] : signed_texts)
    if (!key.verify(text, signature)) throw std::runtime_error("a signature is wrong");
  return static_cast<double>(requests.size()) / (cpu_seconds() - begin);
}

/// A bot on a busy evening: every channel is live, and everybody has written before.
void open_evening(ServedBot& bot, const KickPosts& kick) {
  std::vector<net::HttpRequest> streams;
  for (std::size_t i = 0; i < kServers; ++i) streams.push_back(kick.status(i));
  Posting(bot, std::move(streams)).run();
  Posting(bot, kick.messages(0, kEverybody)).run();
}

Figure per_core(ServedBot& bot, const KickPosts& kick) {
  progress("webhooks: as many as there can be");
  auto requests = kick.messages(kEverybody, kMessages);
  const double floor = verifications_per_second(
      bot, {requests.begin(), requests.begin() + static_cast<std::ptrdiff_t>(kVerified)});
  Posting posting(bot, std::move(requests));
  const double begin = cpu_seconds();
  posting.run();
  const double seconds = cpu_seconds() - begin;
  return {.name = "webhooks",
          .value = static_cast<double>(kMessages) / seconds,
          .unit = "per core/s",
          .reference = "their signatures by OpenSSL alone",
          .reference_value = floor,
          .bound = 0.05,
          .note = fmt::format("{} of {} channels, verified, committed and answered", kMessages, kServers)};
}

/// Posts at an even pace over HTTP, whatever the answers take, and keeps how long each took.
class Paced {
 public:
  Paced(std::string address, std::vector<net::HttpRequest> requests)
      : address_(std::move(address)), requests_(std::move(requests)) {
    loops_.start();
  }
  ~Paced() { loops_.stop(); }

  /// In milliseconds, ascending.
  std::vector<double> run() {
    net::spawn(loops_.main(), "pace", [this] { return post_all(); });
    wait_until("answers", [this] { return answered_ == requests_.size(); });
    if (refused_ > 0) throw std::runtime_error(fmt::format("{} webhooks were refused", refused_.load()));
    std::ranges::sort(took_);
    return took_;
  }

 private:
  using Steady = std::chrono::steady_clock;

  Task<void> post_all() {
    const auto begin = Steady::now();
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      const auto due = begin + std::chrono::microseconds(1'000'000 * i / kPerSecond);
      if (const auto left = due - Steady::now(); left.count() > 0) co_await net::sleep_for(left);
      net::spawn(loops_.main(), "post", [this, i, due] { return post(i, due); });
    }
  }
  /// Measured from when it was due: a client that lags hides nothing.
  Task<void> post(std::size_t number, Steady::time_point due) {
    net::HttpRequest request = std::move(requests_[number]);
    request.url = address_ + request.url;
    const auto response = co_await client_.send(std::move(request));
    took_.push_back(std::chrono::duration<double, std::milli>(Steady::now() - due).count());
    if (!response || response->status != 200) ++refused_;
    ++answered_;
  }

  std::string address_;
  std::vector<net::HttpRequest> requests_;
  net::Loops loops_{1};
  net::HttpClient client_{loops_.main(), {}};
  std::vector<double> took_;  // on the loop
  std::atomic<std::size_t> answered_ = 0;
  std::atomic<int> refused_ = 0;
};

Figure paced(ServedBot& bot, const KickPosts& kick, Size size) {
  const std::size_t count = kPerSecond * (size == Size::full ? 60 : 5);
  progress(fmt::format("webhooks: {} a second over HTTP", kPerSecond));
  net::HttpServerOptions options;
  options.listen = {"127.0.0.1", 0};
  const auto server = *net::HttpServer::start(bot.loops().main(), options, [&bot](net::HttpRequest request) {
    return bot.kick().handle_webhook(std::move(request));
  });
  const auto took =
      Paced(fmt::format("http://127.0.0.1:{}", server->port()), kick.messages(kEverybody + kMessages, count))
          .run();
  server->stop();
  const double p99 = took[took.size() * 99 / 100];
  return figure("webhooks-p99", p99, "ms", "what is promised", kPromised, size == Size::full ? 1 : 10,
                "50 ms",
                fmt::format("{} at {} a second, median {:.1f} ms, longest {:.1f} ms", count, kPerSecond,
                            took[took.size() / 2], took.back()));
}

}  // namespace

Figures measure_webhooks(Size size) {
  progress("webhooks: a bot with 200 servers and channels");
  ServedBot bot;
  bot.add_servers(kServers);
  net::run_to_end(listen_to_channels(bot, kServers));
  const KickPosts kick(bot, kServers);
  open_evening(bot, kick);
  return {per_core(bot, kick), paced(bot, kick, size)};
}

}  // namespace guildhall::bench
