// The catalogue of every text that the bot says to people: one TOML file per language, keys in
// sections by room ("points.balance_self"), arguments as {name}. A missing key is a fault of the
// code and is caught by a test; at run time the key itself is shown.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace guildhall {

/// Text that a member wrote (a name, a reason): escaped for the place where it is shown.
struct MemberText {
  std::string text;
};

/// Numbers are grouped as the language does; plain text (mentions, command names) is taken as it is.
using MessageArgument = std::variant<std::int64_t, std::string, MemberText>;

/// A text not yet in any language: key and arguments.
struct Message {
  std::string key;
  std::vector<std::pair<std::string, MessageArgument>> arguments = {};
};

enum class Markup { plain, discord };

/// A pattern with its arguments in the place of {name}; what is no argument is left out.
std::string fill_in(std::string_view pattern,
                    const std::vector<std::pair<std::string, MessageArgument>>& arguments,
                    std::string_view language, Markup markup);

class Catalogue {
 public:
  /// `files`: language code -> TOML text. Error `invalid` names the language and line.
  static Result<Catalogue> parse(const std::map<std::string, std::string>& files);

  /// The text in `language`, else in English, else the key. Never throws.
  std::string render(std::string_view language, const Message& message, Markup markup) const;
  /// Shorthand for a text without arguments.
  std::string text(std::string_view language, std::string_view key) const;

  /// All keys of a language with their raw texts.
  const std::map<std::string, std::string, std::less<>>& entries(std::string_view language) const;

 private:
  std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> languages_;
};

}  // namespace guildhall
