#include "base/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/toml.h"

namespace guildhall {
namespace {

void collect(const toml::table& table, const std::string& prefix,
             std::map<std::string, std::string, std::less<>>& into) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* inner = node.as_table()) collect(*inner, key + ".", into);
    if (const auto text = node.value<std::string>()) into[key] = *text;
  }
}

/// A member's text is part of a line: it begins none of its own, and does not turn around what stands
/// behind it.
std::string within_a_line(std::string_view text) {
  constexpr auto kBreaks =
      std::to_array<std::string_view>({"\r\n", "\n", "\r", "\v", "\f", "\u0085", "\u2028", "\u2029"});
  constexpr auto kTurns = std::to_array<std::string_view>(
      {"\u202A", "\u202B", "\u202C", "\u202D", "\u202E", "\u2066", "\u2067", "\u2068", "\u2069"});
  std::string out;
  while (!text.empty()) {
    const auto begins = [&](std::string_view sign) { return text.starts_with(sign); };
    const auto line = std::ranges::find_if(kBreaks, begins);
    const auto turn = std::ranges::find_if(kTurns, begins);
    if (line != std::end(kBreaks)) {
      out += ' ';
      text.remove_prefix(line->size());
    } else if (turn != std::end(kTurns)) {
      text.remove_prefix(turn->size());
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

std::string shown(const MessageArgument& argument, std::string_view language, Markup markup) {
  if (const auto* number = std::get_if<std::int64_t>(&argument)) {
    return group_digits(*number, language == "de" ? "." : ",");
  }
  if (const auto* plain = std::get_if<std::string>(&argument)) return *plain;
  const std::string text = within_a_line(std::get<MemberText>(argument).text);
  return markup == Markup::discord ? escape_markdown(text) : text;
}

}  // namespace

Result<Catalogue> Catalogue::parse(const std::map<std::string, std::string>& files) {
  Catalogue catalogue;
  for (const auto& [language, content] : files) {
    const toml::parse_result parsed = toml::parse(content);
    if (!parsed) {
      return fail(ErrorCode::invalid,
                  fmt::format("messages/{}.toml line {}: {}", language, parsed.error().source().begin.line,
                              parsed.error().description()));
    }
    collect(parsed.table(), "", catalogue.languages_[language]);
  }
  return catalogue;
}

std::string Catalogue::text(std::string_view language, std::string_view key) const {
  for (const std::string_view tried : {language, std::string_view("en")}) {
    const auto& texts = entries(tried);
    if (const auto found = texts.find(key); found != texts.end()) return found->second;
  }
  return std::string(key);
}

std::string Catalogue::render(std::string_view language, const Message& message, Markup markup) const {
  return fill_in(text(language, message.key), message.arguments, language, markup);
}

std::string fill_in(std::string_view pattern,
                    const std::vector<std::pair<std::string, MessageArgument>>& arguments,
                    std::string_view language, Markup markup) {
  std::string out;
  // One pass: what an argument brings in is never expanded again.
  for (std::size_t i = 0; i < pattern.size();) {
    const auto close = pattern[i] == '{' ? pattern.find('}', i) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += pattern[i++];
      continue;
    }
    const std::string_view name = pattern.substr(i + 1, close - i - 1);
    for (const auto& [argument, value] : arguments) {
      if (argument == name) out += shown(value, language, markup);
    }
    i = close + 1;
  }
  return out;
}

const std::map<std::string, std::string, std::less<>>& Catalogue::entries(std::string_view language) const {
  static const std::map<std::string, std::string, std::less<>> kNone;
  const auto found = languages_.find(language);
  return found == languages_.end() ? kNone : found->second;
}

}  // namespace guildhall
