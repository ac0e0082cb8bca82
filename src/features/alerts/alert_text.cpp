#include "features/alerts/alert_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "bot/persons.h"
#include "features/alerts/alerts.h"
#include "net/url.h"

namespace guildhall::features::alerts {
namespace {

using bot::ServerContext;
using Arguments = std::vector<std::pair<std::string, MessageArgument>>;

constexpr std::string_view kUrl = "{url}";
constexpr std::array kKnown = {"streamer", "channel", "title", "category", "url"};

Result<std::string> check_braces(std::string_view text, bool ended) {
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string_view name = text.substr(open + 1, close - open - 1);
    if (std::ranges::find(kKnown, name) != kKnown.end() || (ended && name == "duration")) continue;
    return fail(ErrorCode::invalid, fmt::format("knows no {{{}}}, only {{{}}}{}", name,
                                                fmt::join(kKnown, "} {"), ended ? " {duration}" : ""));
  }
  return std::string(text);
}

std::string address_of(const AlertRow& alert) {
  const char* site = alert.platform == bot::kKick ? "https://kick.com/" : "https://twitch.tv/";
  return site + net::percent_encode(alert.channel);
}

/// "2 h 5 min", the same in every language.
std::string duration_text(Duration duration) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(duration).count();
  return minutes < 60 ? fmt::format("{} min", minutes)
                      : fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

Arguments arguments_of(const AlertRow& alert) {
  const Duration lasted = std::max(Duration(0), alert.ended_at.value_or(alert.started_at) - alert.started_at);
  return {{"streamer", MemberText{alert.streamer}},
          {"channel", MemberText{alert.channel}},
          {"title", MemberText{alert.title}},
          {"category", MemberText{alert.category}},
          {"url", address_of(alert)},
          {"duration", duration_text(lasted)}};
}

/// The server's own words, or else those of its language.
std::string line(const ServerContext& context, const bot::TextSetting& setting, const char* otherwise,
                 const Arguments& arguments) {
  const std::string own = context.settings->get(setting);
  const std::string pattern =
      own.empty() && otherwise != nullptr ? context.texts->text(context.language(), otherwise) : own;
  return std::string(trim(fill_in(pattern, arguments, context.language(), Markup::discord)));
}

std::string link(const ServerContext& context, const AlertRow& alert, const Arguments& arguments) {
  const std::string words = line(context, kLinkText, nullptr, arguments);
  return words.empty() ? address_of(alert) : fmt::format("[{}]({})", words, address_of(alert));
}

std::vector<bot::LinkButton> buttons(const ServerContext& context, const AlertRow& alert,
                                     const Arguments& arguments) {
  const std::string own = context.settings->get(kButtons);
  if (own.empty()) return {{context.texts->text(context.language(), "live_alert.watch"), address_of(alert)}};
  auto buttons = bot::read_link_buttons(own);
  for (bot::LinkButton& button : buttons) {
    button.label = fill_in(button.label, arguments, context.language(), Markup::plain);
    if (button.url == kUrl) button.url = address_of(alert);
  }
  std::erase_if(buttons, [](const bot::LinkButton& button) { return trim(button.label).empty(); });
  return buttons;
}

}  // namespace

Result<std::string> normalise_template(std::string_view text) { return check_braces(text, false); }

Result<std::string> normalise_end_text(std::string_view text) { return check_braces(text, true); }

Result<std::string> normalise_buttons(std::string_view text) {
  const auto buttons = bot::parse_link_buttons(text, kUrl);
  if (!buttons) return std::unexpected(buttons.error());
  for (const bot::LinkButton& button : *buttons) {
    if (const auto label = normalise_template(button.label); !label) return label;
  }
  return buttons->empty() ? "[]" : bot::write_link_buttons(*buttons);
}

bot::PostBody alert_body(const ServerContext& context, const AlertRow& alert) {
  const Arguments arguments = arguments_of(alert);
  std::vector<std::string> lines{alert.ended_at ? line(context, kEndText, "live_alert.ended", arguments)
                                                : line(context, kTitle, "live_alert.title", arguments),
                                 line(context, kDescription, nullptr, arguments),
                                 link(context, alert, arguments)};
  if (const std::string footer = line(context, kFooter, nullptr, arguments); !footer.empty())
    lines.push_back("-# " + footer);
  std::erase(lines, "");
  return {fmt::format("{}", fmt::join(lines, "\n")), buttons(context, alert, arguments)};
}

bot::PostBody test_body(const ServerContext& context) {
  const std::string language = context.language();
  const std::string slug = context.settings->get(bot::kKickChannel);
  AlertRow example{.platform = std::string(bot::kKick), .streamer = slug, .channel = slug};
  if (slug.empty()) example.streamer = example.channel = "streamer";
  example.title = context.texts->text(language, "live_alert.test_title");
  example.category = context.texts->text(language, "live_alert.test_category");
  bot::PostBody body = alert_body(context, example);
  body.text = context.texts->text(language, "live_alert.test") + "\n" + body.text;
  return body;
}

}  // namespace guildhall::features::alerts
