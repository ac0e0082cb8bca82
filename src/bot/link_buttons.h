// Buttons below a message that open an address, as people write them in a setting and as the outbox keeps
// them: a JSON list of {"label", "url", "emoji"}. In the outbox some call a command ({"label", "command"}),
// or open a page of ours that is made for one person ({"label", "page", "member", "key", "life"}).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "bot/context.h"

namespace guildhall::bot {

inline constexpr std::size_t kMostLinkButtons = 5;

struct LinkButton {
  std::string label;
  std::string url;
  std::string emoji =
      {};  // one of Unicode's, a server's as <:name:id>, the application's as app:name; or none
  /// In place of an address, of buttons of the program's own: the path of a command that is open at
  /// Door::button and needs no arguments, for whoever presses it; or a page.
  std::string command = {};
  std::optional<PageLink> page = {};

  friend bool operator==(const LinkButton&, const LinkButton&) = default;
};

/// Error `invalid`: it is no address of the web that everybody can be sent to (https or http).
Result<void> check_web_address(std::string_view url);

/// What a person wrote. `address`: the one placeholder that may stand for an address. Error `invalid` says
/// which button is wrong, and why.
Result<std::vector<LinkButton>> parse_link_buttons(std::string_view text, std::string_view address);

/// Empty without buttons.
std::string write_link_buttons(const std::vector<LinkButton>& buttons);
/// What `write_link_buttons` wrote; anything else is no buttons.
std::vector<LinkButton> read_link_buttons(std::string_view written);

}  // namespace guildhall::bot
