// Commands. A feature declares each once; the Discord registration, the parsers of prefix and chat
// commands, the permission check, the help and the reference page all come from that declaration. One
// handler, whichever door a call came through, so that no rule differs between doors.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bot/context.h"
#include "bot/persons.h"
#include "store/tx.h"

namespace guildhall::bot {

/// What is offered below a reply is a door like others: a button makes the call that was written into it when
/// it was shown, a select the same with what was chosen.
enum class Door { slash, prefix, chat, button };

/// Who may call, each also what stands before: managers have Discord's permission Manage Server.
enum class Permission { everyone, manager, administrator };

enum class ArgumentKind {
  person,   // a Discord member (mention, id or option) or, in chat, a viewer's name
  integer,  // within [least, most]
  choice,   // one of `choices`
  text,     // the rest of the line
};

struct ArgumentSpec {
  std::string name;  // "amount": also the key of its description, "argument.amount", and of its names
  ArgumentKind kind = ArgumentKind::text;
  bool required = false;
  std::int64_t least = 0;
  std::int64_t most = 0;  // of a text: so many characters are kept; 0: all
  std::vector<std::string> choices = {};
  bool by_name_only = false;  // where words are told apart by their place, none is it
};

/// A user as an argument names him: by platform number, or by name alone.
struct PersonArgument {
  std::string platform;
  std::string id;    // empty: known by name only
  std::string name;  // as typed or as the platform showed it; empty: known by number only
};

using ArgumentValue = std::variant<std::int64_t, std::string, PersonArgument>;

/// Who called.
struct Caller {
  PlatformUser user;
  Permission permission = Permission::everyone;
  /// By which the platform tells him from everybody else, where it shows another name; empty: not told.
  std::string handle = {};
};

struct CommandCall {
  Door door = Door::slash;
  Caller caller;
  std::string place;         // the channel it was called in: cooldowns may be per place
  std::string operation_id;  // unique: an effect of this call is booked under it
  std::map<std::string, ArgumentValue, std::less<>> arguments;

  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<PersonArgument> person(std::string_view name) const;
};

using CommandHandler = std::function<store::TxTask<Reply>(store::Tx&, ServerContext&, const CommandCall&)>;

struct CommandSpec {
  std::string owner;                 // feature; its switch turns the command off
  std::string path;                  // "points" or "points add"; described by "command.points_add"
  std::vector<std::string> aliases;  // of the whole path, for prefix and chat
  std::vector<Door> doors;
  Permission permission = Permission::everyone;
  bool private_answer = false;  // Discord shows the answer to the caller alone
  /// Also in Discord's menu of a user, who is the first argument then; called "menu.points_add". If others
  /// are required too, a form asks for all the rest, of which Discord takes five. Such answers are the
  /// caller's alone.
  bool user_menu = false;
  std::vector<ArgumentSpec> arguments;
  Duration cooldown{0};             // administrators have none
  bool cooldown_per_place = false;  // otherwise per caller
  CommandHandler handler;
  int offer_version = 1;  // raised when a button, select or form of before would call for something else now

  bool open_at(Door door) const;
  /// "points-add": a slash command is one word, and Discord hides whole commands from who may not.
  std::string slash_name() const;
  /// "command.points_add"; its names by language are "command_name.points_add".
  std::string description_key() const;
  std::string name_key() const;
  std::string menu_key() const;
};

/// A command line taken apart: the command and its raw argument texts.
struct ParsedCommand {
  const CommandSpec* command = nullptr;
  std::vector<std::string_view> words;
  std::string_view rest;  // everything after the command's own words
};

class CommandRegistry {
 public:
  void add(CommandSpec command);

  const std::vector<CommandSpec>& all() const { return commands_; }
  /// By its slash name, if it is open at that door.
  const CommandSpec* find(Door door, std::string_view slash_name) const;
  /// Throws where no command of that path is open at that door.
  const CommandSpec& at(Door door, std::string_view path) const;
  /// Longest path first: "points add @x 5" is the command "points add", "points @x" is "points".
  std::optional<ParsedCommand> parse(Door door, std::string_view line) const;

 private:
  std::vector<CommandSpec> commands_;
};

/// Raw argument texts into values, or what to tell the caller about them.
struct ArgumentsOrReply {
  std::map<std::string, ArgumentValue, std::less<>> arguments;
  std::optional<Reply> refusal;
};

/// From prefix or chat words; the last argument of kind text takes the rest of the line.
ArgumentsOrReply read_words(const ParsedCommand& parsed, std::string_view platform);
/// One argument from its text. Empty: not a value of its kind; `refusal` says so.
std::optional<ArgumentValue> read_argument(const ArgumentSpec& spec, std::string_view text,
                                           std::string_view platform, std::optional<Reply>& refusal);
/// Are all required arguments there?
std::optional<Reply> refuse_missing(const CommandSpec& command,
                                    const std::map<std::string, ArgumentValue, std::less<>>& arguments);
/// Buttons to the pages before and behind this one, for a command that shows a list page by page: it is open
/// at Door::button and has an argument "page", from 1 on. `call`: of this page.
void add_page_buttons(Reply& reply, OfferedCall call, std::int64_t page, bool more);

/// "points add <user> <amount> <reason>"
std::string usage(const CommandSpec& command);

}  // namespace guildhall::bot
