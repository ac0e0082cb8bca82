// Command lines of members and viewers, and the texts that are answered in chat.
#include <fmt/format.h>

#include "base/text.h"
#include "bot/feature.h"
#include "platforms/kick/client.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {
namespace {

using namespace bot;

void require_argument(const ArgumentSpec& spec, const ArgumentValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    require(spec.kind == ArgumentKind::integer && *number >= spec.least && *number <= spec.most,
            "a number beyond its limits got through");
  } else if (const auto* person = std::get_if<PersonArgument>(&value)) {
    require(spec.kind == ArgumentKind::person && !(person->id.empty() && person->name.empty()),
            "nobody got through as a person");
    require(is_clean_utf8(person->name), "a broken name got through");
  } else {
    require(is_clean_utf8(std::get<std::string>(value)), "broken text got through");
  }
}

void read_at(Door door, std::string_view platform, std::string_view line) {
  const auto parsed = declarations().commands.parse(door, line);
  if (!parsed) return;
  require(parsed->command->open_at(door), "a command that is not open here was found");
  const auto read = read_words(*parsed, platform);
  for (const ArgumentSpec& spec : parsed->command->arguments) {
    const auto found = read.arguments.find(spec.name);
    if (found != read.arguments.end()) require_argument(spec, found->second);
    require(read.refusal || !spec.required || found != read.arguments.end(),
            "a required argument is missing without a refusal");
  }
}

void require_amount(std::string_view text) {
  const auto amount = parse_amount(text);
  if (!amount) return;
  require(parse_amount(fmt::format("{}", *amount)) == *amount, "an amount is not what it is written as");
  require(text.find_first_not_of("-0123456789") == std::string_view::npos, "an amount of other signs");
}

std::string without_spaces(std::string_view text) {
  std::string plain;
  for (const std::string_view word : split_words(text)) plain += word;
  return plain;
}

void require_pieces(std::string_view input) {
  const std::string text = clean_utf8(input);
  std::string joined;
  for (const std::string& piece : split_for_chat(text, kick::kLongestChat)) {
    require(!piece.empty() && is_clean_utf8(piece), "a piece of chat is empty or broken");
    require(shorten(piece, kick::kLongestChat) == piece, "a piece of chat is too long");
    joined += piece;
  }
  require(without_spaces(joined) == without_spaces(text), "a text was not wholly said");
}

}  // namespace

void fuzz_command(std::string_view input) {
  read_at(Door::prefix, kDiscord, input);
  read_at(Door::chat, kKick, input);
  require_amount(input);
  require_pieces(input);
  const std::string folded = fold_name(clean_utf8(input));
  require(fold_name(folded) == folded, "a folded name folds again");
}

}  // namespace guildhall::fuzz
