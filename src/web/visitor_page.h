// Pages that are made for one visitor: words and at most one thing to do, without a script, so that they work
// in whatever a phone opens an address with. Their look is dashboard/public/pages.css.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/http.h"

namespace guildhall::web {

struct VisitorPage {
  std::string language = "en";
  std::string place = {};  // above the title
  std::string title = {};
  std::vector<std::string> paragraphs = {};
  std::string warning = {};
  /// Sent as a form: what it does, as the page's own address understands it, and a secret of that visit.
  struct Action {
    std::string label;
    std::string does;
    std::string key;
  };
  std::optional<Action> action = {};
  /// The browser goes there by itself; for where it does not, the address and what it is called.
  struct Onward {
    std::string address;
    std::string label;
  };
  std::optional<Onward> onward = {};
};

/// Texts are plain; whatever stands in them is shown as it is.
net::HttpResponse answer_of(const VisitorPage& page, int status = 200);

/// For HTML, in texts and in quoted attributes.
std::string escape_html(std::string_view text);

}  // namespace guildhall::web
