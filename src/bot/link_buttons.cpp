#include "bot/link_buttons.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <regex>

#include "base/json.h"
#include "base/text.h"
#include "net/url.h"

namespace guildhall::bot {
namespace {

// Discord's limits.
constexpr std::size_t kLongestLabel = 80;
constexpr std::size_t kLongestUrl = 512;
/// An emoji of a family with all its joiners and colours is shorter.
constexpr std::size_t kLongestEmoji = 64;

/// All that an address is written in; everything else has to be escaped.
constexpr std::string_view kOfAddresses =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%";
constexpr std::string_view kOfHosts = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

bool is_web_host(std::string_view host) {
  const bool dotted = host.find('.') != std::string_view::npos && host.find("..") == std::string_view::npos;
  return dotted && !host.starts_with('.') && !host.ends_with('.') &&
         host.find_first_not_of(kOfHosts) == std::string_view::npos;
}

bool is_pictograph(utf8proc_int32_t code) {
  return (code >= 0x203C && code <= 0x2BFF) || code == 0x3030 || code == 0x303D || code == 0x3297 ||
         code == 0x3299 || (code >= 0x1F000 && code <= 0x1FAFF);
}

/// Discord refuses a whole message for one emoji that is none.
bool is_emoji(const std::string& text) {
  static const std::regex own("<a?:[A-Za-z0-9_]{2,32}:[0-9]{15,20}>|app:[A-Za-z0-9_]{2,32}");
  if (std::regex_match(text, own)) return true;
  if (text.size() > kLongestEmoji) return false;
  utf8proc_int32_t first = 0;
  utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &first);
  const bool plain = std::ranges::any_of(text, [](unsigned char c) { return c < 0x80; });
  return is_pictograph(first) && !plain;
}

Result<LinkButton> parse_button(const json::Value& value, std::string_view address) {
  if (!value.is_object()) return fail(ErrorCode::invalid, R"(must be written as {"label": ..., "url": ...})");
  for (const auto& member : value.get_object()) {
    const std::string_view key = member.key();
    if (key != "label" && key != "url" && key != "emoji")
      return fail(ErrorCode::invalid, fmt::format("knows no '{}', only label, url and emoji", key));
  }
  LinkButton button{std::string(trim(json::text_or(value, "label", ""))),
                    std::string(trim(json::text_or(value, "url", ""))),
                    std::string(trim(json::text_or(value, "emoji", "")))};
  if (button.label.empty() || utf16_length(button.label) > kLongestLabel)
    return fail(ErrorCode::invalid, fmt::format("needs a label of at most {} characters", kLongestLabel));
  if (!button.emoji.empty() && !is_emoji(button.emoji))
    return fail(ErrorCode::invalid, fmt::format("'{}' is not an emoji", button.emoji));
  if (button.url == address) return button;
  if (const auto good = check_web_address(button.url); !good) return std::unexpected(good.error());
  return button;
}

}  // namespace

Result<void> check_web_address(std::string_view url) {
  const bool web = url.starts_with("https://") || url.starts_with("http://");
  if (!web) return fail(ErrorCode::invalid, "needs an address that begins with https:// or http://");
  if (url.size() > kLongestUrl)
    return fail(ErrorCode::invalid, fmt::format("its address is longer than {} characters", kLongestUrl));
  if (url.find_first_not_of(kOfAddresses) != std::string_view::npos)
    return fail(ErrorCode::invalid, "its address holds characters that no address may hold, or a blank");
  const auto parsed = net::parse_url(url);
  if (!parsed || !is_web_host(parsed->host)) return fail(ErrorCode::invalid, "its address leads nowhere");
  return {};
}

Result<std::vector<LinkButton>> parse_link_buttons(std::string_view text, std::string_view address) {
  const auto parsed = json::parse(text);
  if (!parsed || !parsed->is_array())
    return fail(ErrorCode::invalid,
                R"(must be a JSON list, such as [{"label": "Shop", "url": "https://..."}])");
  const json::Array& list = parsed->get_array();
  if (list.size() > kMostLinkButtons)
    return fail(ErrorCode::invalid, fmt::format("at most {} buttons", kMostLinkButtons));
  std::vector<LinkButton> buttons;
  for (const json::Value& one : list) {
    auto button = parse_button(one, address);
    if (!button)
      return fail(ErrorCode::invalid,
                  fmt::format("button {} {}", buttons.size() + 1, button.error().message));
    buttons.push_back(*std::move(button));
  }
  return buttons;
}

std::string write_link_buttons(const std::vector<LinkButton>& buttons) {
  if (buttons.empty()) return "";
  json::Array list;
  for (const LinkButton& button : buttons) {
    json::Object one{{"label", button.label}};
    if (!button.command.empty()) {
      one["command"] = button.command;
    } else if (button.page) {
      one["page"] = button.page->page;
      one["member"] = button.page->member;
      one["key"] = button.page->key;
      one["life"] = button.page->life.count();
    } else {
      one["url"] = button.url;
    }
    if (!button.emoji.empty()) one["emoji"] = button.emoji;
    list.push_back(std::move(one));
  }
  return json::write(list);
}

std::vector<LinkButton> read_link_buttons(std::string_view written) {
  std::vector<LinkButton> buttons;
  const auto parsed = json::parse(written);
  if (!parsed || !parsed->is_array()) return buttons;
  for (const json::Value& one : parsed->get_array()) {
    LinkButton button{json::text_or(one, "label", ""), json::text_or(one, "url", ""),
                      json::text_or(one, "emoji", ""), json::text_or(one, "command", "")};
    if (std::string page = json::text_or(one, "page", ""); !page.empty()) {
      button.page = {std::move(page), json::text_or(one, "member", ""), json::text_or(one, "key", ""),
                     std::chrono::seconds(json::integer(one, "life").value_or(0))};
    }
    buttons.push_back(std::move(button));
  }
  return buttons;
}

}  // namespace guildhall::bot
