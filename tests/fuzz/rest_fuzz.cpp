// Answers of Discord's HTTP API. The input's first line is the status, then come headers, an empty line, the
// body.
#include "base/metrics.h"
#include "base/text.h"
#include "platforms/discord/rest.h"
#include "platforms/discord/scripted.h"
#include "platforms/discord/state.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {
namespace {

using namespace discord;

constexpr std::string_view kToken = "abcdefgh.the-token";
/// However Discord answers, a call is over by then, and a channel is free again.
constexpr std::chrono::hours kOver{1};
constexpr std::chrono::hours kForgotten{25};

std::string_view take_line(std::string_view& input) {
  const auto end = std::min(input.find('\n'), input.size());
  const std::string_view line = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return line;
}

net::HttpResponse read_answer(std::string_view input) {
  net::HttpResponse answer;
  answer.status = static_cast<int>(parse_amount(take_line(input)).value_or(200) % 600);
  for (std::string_view line = take_line(input); !line.empty(); line = take_line(input)) {
    const auto colon = std::min(line.find(':'), line.size());
    answer.headers.emplace_back(to_lower_ascii(line.substr(0, colon)),
                                std::string(line.substr(std::min(colon + 2, line.size()))));
  }
  answer.body = input;
  return answer;
}

/// A client that is given the same answer to each request.
class Calls : public TestLoop {
 public:
  explicit Calls(net::HttpResponse answer) : answer_(std::move(answer)) {}

  /// Its value, which is there within the hour.
  template <class T>
  Result<T> finish(Task<Result<T>> task) {
    const auto value = start(std::move(task));
    advance(kOver);
    require(value->has_value(), "a call does not end");
    if (!**value) require_error((*value)->error());
    return **value;
  }

  bool broken = true;  // false: from now on all is well

 private:
  Task<Result<net::HttpResponse>> answer() {
    if (broken) co_return answer_;
    co_return net::make_response(200, "application/json", R"({"id":"77"})");
  }
  static void require_error(const Error& error) {
    require(is_clean_utf8(error.message), "broken text in an error");
    require(error.message.find(kToken) == std::string::npos, "an error shows the token");
  }

  net::HttpResponse answer_;
  Metrics metrics_;

 public:
  RestClient client{loop,
                    {.api_url = "https://discord.test/api", .token = std::string(kToken), .project_url = "x"},
                    [this](const net::HttpRequest&) { return answer(); },
                    timing,
                    metrics_};
};

void require_text(const std::string& text) { require(is_clean_utf8(text), "broken text got through"); }

void require_readers(Calls& calls) {
  if (const auto info = calls.finish(calls.client.gateway_info())) {
    require_text(info->url);
    require(info->shards >= 1, "no shard at all");
    require(!info->identifies || info->identifies->at_once >= 1, "nobody may ever identify");
  }
  if (const auto application = calls.finish(calls.client.application())) require_text(application->name);
  if (const auto self = calls.finish(calls.client.self())) require_text(self->name);
  if (const auto guild = calls.finish(calls.client.guild(ServerId(1)))) {
    Metrics metrics;
    State state({.channels = true, .members = true}, metrics);
    state.put_guild(*guild);
  }
}

}  // namespace

void fuzz_rest(std::string_view input) {
  const net::HttpResponse answer = read_answer(input);
  Calls calls(answer);
  require_readers(calls);
  const auto send = [&] {
    return calls.finish(calls.client.create_message(DiscordChannelId(5), NewMessage{std::string("hi")}));
  };
  (void)send();
  calls.broken = false;
  calls.advance(kForgotten);
  // A token that was refused once stays so.
  require(answer.status == 401 || send().has_value(), "a channel is lost for ever");
}

}  // namespace guildhall::fuzz
