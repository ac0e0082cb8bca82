#include "bot/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace guildhall::bot {
namespace {

/// Member text in Discord reads <@123>, <@!123> or the bare number.
std::optional<std::string> mentioned_id(std::string_view text) {
  if (text.starts_with("<@") && text.ends_with('>')) {
    text = text.substr(2, text.size() - 3);
    if (text.starts_with('!')) text.remove_prefix(1);
  }
  const auto id = DiscordUserId::parse(text);
  if (!id || id->value() <= 0) return std::nullopt;
  return id->str();
}

std::optional<ArgumentValue> read_person(std::string_view text, std::string_view platform) {
  const std::string_view name = text.starts_with('@') ? text.substr(1) : text;
  if (name.empty() || !is_clean_utf8(name)) return std::nullopt;
  if (platform == kDiscord) {
    if (const auto id = mentioned_id(text)) return PersonArgument{kDiscord, *id, ""};
    // In Discord a viewer can be named too: by his name in the stream's chat.
    return PersonArgument{kKick, "", std::string(name)};
  }
  return PersonArgument{std::string(platform), "", std::string(name)};
}

std::string key_of(std::string path) {
  std::replace(path.begin(), path.end(), ' ', '_');
  return path;
}

}  // namespace

std::optional<std::int64_t> CommandCall::integer(std::string_view name) const {
  const auto found = arguments.find(name);
  if (found == arguments.end()) return std::nullopt;
  return std::get<std::int64_t>(found->second);
}

std::optional<std::string> CommandCall::text(std::string_view name) const {
  const auto found = arguments.find(name);
  if (found == arguments.end()) return std::nullopt;
  return std::get<std::string>(found->second);
}

std::optional<PersonArgument> CommandCall::person(std::string_view name) const {
  const auto found = arguments.find(name);
  if (found == arguments.end()) return std::nullopt;
  return std::get<PersonArgument>(found->second);
}

bool CommandSpec::open_at(Door door) const {
  return std::find(doors.begin(), doors.end(), door) != doors.end();
}

std::string CommandSpec::slash_name() const {
  std::string name = path;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string CommandSpec::description_key() const { return "command." + key_of(path); }

std::string CommandSpec::name_key() const { return "command_name." + key_of(path); }

std::string CommandSpec::menu_key() const { return "menu." + key_of(path); }

void CommandRegistry::add(CommandSpec command) {
  for (const CommandSpec& other : commands_) {
    if (other.path == command.path) throw std::logic_error("command declared twice: " + command.path);
  }
  commands_.push_back(std::move(command));
}

const CommandSpec* CommandRegistry::find(Door door, std::string_view slash_name) const {
  for (const CommandSpec& command : commands_) {
    if (command.open_at(door) && command.slash_name() == slash_name) return &command;
  }
  return nullptr;
}

const CommandSpec& CommandRegistry::at(Door door, std::string_view path) const {
  for (const CommandSpec& command : commands_) {
    if (command.path == path && command.open_at(door)) return command;
  }
  throw std::logic_error(fmt::format("no command {} is open there", path));
}

std::optional<ParsedCommand> CommandRegistry::parse(Door door, std::string_view line) const {
  const auto words = split_words(line);
  std::optional<ParsedCommand> best;
  std::size_t best_length = 0;
  const auto try_name = [&](const CommandSpec& command, std::string_view name) {
    const auto wanted = split_words(name);
    if (wanted.size() > words.size() || wanted.size() <= best_length) return;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (to_lower_ascii(words[i]) != wanted[i]) return;
    }
    const auto used =
        wanted.empty() ? 0 : words[wanted.size() - 1].data() + words[wanted.size() - 1].size() - line.data();
    best = ParsedCommand{&command,
                         {words.begin() + static_cast<std::ptrdiff_t>(wanted.size()), words.end()},
                         trim(line.substr(static_cast<std::size_t>(used)))};
    best_length = wanted.size();
  };
  for (const CommandSpec& command : commands_) {
    try_name(command, command.path);
    for (const std::string& alias : command.aliases) try_name(command, alias);
  }
  // "points add" in a stream's chat is that command, which is not open there, and not "points" of "add".
  if (best && !best->command->open_at(door)) best.reset();
  return best;
}

std::optional<ArgumentValue> read_argument(const ArgumentSpec& spec, std::string_view text,
                                           std::string_view platform, std::optional<Reply>& refusal) {
  switch (spec.kind) {
    case ArgumentKind::person:
      if (auto person = read_person(text, platform)) return person;
      refusal = refuse("common.bad_person", {{"argument", spec.name}});
      return std::nullopt;
    case ArgumentKind::integer: {
      const auto number = parse_amount(text);
      if (number && *number >= spec.least && *number <= spec.most) return ArgumentValue(*number);
      refusal =
          refuse("common.bad_number", {{"argument", spec.name}, {"least", spec.least}, {"most", spec.most}});
      return std::nullopt;
    }
    case ArgumentKind::choice:
      for (const std::string& choice : spec.choices) {
        if (to_lower_ascii(text) == choice) return ArgumentValue(choice);
      }
      refusal = refuse("common.bad_choice", {{"argument", spec.name},
                                             {"choices", fmt::format("{}", fmt::join(spec.choices, ", "))}});
      return std::nullopt;
    case ArgumentKind::text: {
      std::string clean = clean_utf8(text);
      if (spec.most > 0) clean = shorten(clean, static_cast<std::size_t>(spec.most));
      return ArgumentValue(std::move(clean));
    }
  }
  return std::nullopt;
}

namespace {

const ArgumentSpec* last_by_place(const CommandSpec& command) {
  const ArgumentSpec* last = nullptr;
  for (const ArgumentSpec& spec : command.arguments) {
    if (!spec.by_name_only) last = &spec;
  }
  return last;
}

}  // namespace

ArgumentsOrReply read_words(const ParsedCommand& parsed, std::string_view platform) {
  ArgumentsOrReply result;
  std::size_t word = 0;
  const ArgumentSpec* last = last_by_place(*parsed.command);
  for (const ArgumentSpec& spec : parsed.command->arguments) {
    if (word >= parsed.words.size()) break;
    if (spec.by_name_only) continue;
    std::string_view text = parsed.words[word];
    if (spec.kind == ArgumentKind::text && &spec == last) {
      const auto begin = static_cast<std::size_t>(text.data() - parsed.rest.data());
      text = parsed.rest.substr(begin);
      word = parsed.words.size();
    } else {
      ++word;
    }
    std::optional<Reply> refusal;
    auto value = read_argument(spec, text, platform, refusal);
    // An optional argument that does not fit may be the next one: "leaderboard 5".
    if (!value && !spec.required && &spec != last) {
      --word;
      continue;
    }
    if (!value) {
      result.refusal = std::move(refusal);
      return result;
    }
    result.arguments.emplace(spec.name, std::move(*value));
  }
  result.refusal = refuse_missing(*parsed.command, result.arguments);
  return result;
}

std::optional<Reply> refuse_missing(const CommandSpec& command,
                                    const std::map<std::string, ArgumentValue, std::less<>>& arguments) {
  for (const ArgumentSpec& spec : command.arguments) {
    if (spec.required && !arguments.contains(spec.name)) {
      return refuse("common.missing_argument", {{"argument", spec.name}, {"usage", usage(command)}});
    }
  }
  return std::nullopt;
}

void add_page_buttons(Reply& reply, OfferedCall call, std::int64_t page, bool more) {
  reply.replaces = true;
  if (page == 1 && !more) return;
  const auto add = [&](std::string label, std::int64_t number, bool there) {
    call.options["page"] = fmt::format("{}", number);
    reply.offers.push_back({{std::move(label)}, call, there});
  };
  add("page.previous", page - 1, page > 1);
  add("page.next", page + 1, more);
}

std::string usage(const CommandSpec& command) {
  std::string text = command.path;
  for (const ArgumentSpec& spec : command.arguments) {
    text += spec.required ? fmt::format(" <{}>", spec.name) : fmt::format(" [{}]", spec.name);
  }
  return text;
}

}  // namespace guildhall::bot
