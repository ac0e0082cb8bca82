// old_database: the database of an old bot, as SQL on standard output.
#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/old_kick.h"
#include "tests/support/old_reading.h"

namespace guildhall::test {
namespace {

constexpr std::string_view kHelp = R"(old_database: the database of an old bot, as SQL.

  old_database kick [--shape bot_only|with_dashboard] [--viewers N] [--home ID] [--servers ID,ID,...]
                    [--settings-before-december] [--half-migrated] [--hand-made] [--tame]
      PostgreSQL. --servers "" makes an empty table of servers.

  old_database reading [--generation l0|l1|l2|l3] [--members N] [--home ID] [--made-by-code]
                       [--operator-made] [--tame]
      SQLite.

  old_database kick --shape with_dashboard --servers 900000000000000001,900000000000000002 | psql -q old
  old_database reading --generation l2 | sqlite3 old.db

  --tame   without what data of years holds: twins, contradictions, NULL, names of every kind
)";

struct Failed {
  std::string message;
};

std::int64_t number_in(std::string_view text, std::string_view option) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || end != text.end())
    throw Failed{fmt::format("{}: \"{}\" is not a number", option, text)};
  return number;
}

std::int64_t number_between(std::int64_t least, std::int64_t most, std::string_view text,
                            std::string_view option) {
  const std::int64_t number = number_in(text, option);
  if (number < least || number > most) throw Failed{fmt::format("{} is from {} to {}", option, least, most)};
  return number;
}

std::vector<std::int64_t> numbers_in(std::string_view text, std::string_view option) {
  std::vector<std::int64_t> numbers;
  while (!text.empty()) {
    const auto one = text.substr(0, text.find(','));
    numbers.push_back(number_in(one, option));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return numbers;
}

/// Words of the command line, one after another.
class Words {
 public:
  Words(int count, char** words) : words_(words + 1, words + count) {}
  bool any() const { return at_ < words_.size(); }
  std::string_view next(std::string_view of = {}) {
    if (!any()) throw Failed{fmt::format("{} has no value", of)};
    return words_[at_++];
  }

 private:
  std::vector<std::string_view> words_;
  std::size_t at_ = 0;
};

std::string kick(Words& words) {
  OldKick database;
  while (words.any()) {
    const std::string_view option = words.next();
    if (option == "--shape") {
      const std::string_view shape = words.next(option);
      if (shape != "bot_only" && shape != "with_dashboard")
        throw Failed{fmt::format("--shape: \"{}\" is neither bot_only nor with_dashboard", shape)};
      database.shape = shape == "bot_only" ? OldKick::Shape::bot_only : OldKick::Shape::with_dashboard;
    } else if (option == "--viewers") {
      database.viewers = number_between(2, 9'999'999, words.next(option), option);
    } else if (option == "--home") {
      database.home = number_between(1, INT64_MAX - 1, words.next(option), option);
    } else if (option == "--servers") {
      database.servers = numbers_in(words.next(option), option);
    } else if (option == "--settings-before-december") {
      database.settings_before_december = true;
    } else if (option == "--half-migrated") {
      database.half_migrated = true;
    } else if (option == "--hand-made") {
      database.hand_made = true;
    } else if (option == "--tame") {
      database.nasty = false;
    } else {
      throw Failed{fmt::format("unknown option {}", option)};
    }
  }
  return script(database);
}

std::string reading(Words& words) {
  OldReading database;
  while (words.any()) {
    const std::string_view option = words.next();
    if (option == "--generation") {
      const std::string_view name = words.next(option);
      if (name.size() != 2 || name[0] != 'l' || name[1] < '0' || name[1] > '3')
        throw Failed{fmt::format("--generation: \"{}\" is none of l0, l1, l2, l3", name)};
      database.generation = static_cast<OldReading::Generation>(name[1] - '0');
    } else if (option == "--members") {
      database.members = number_between(5, 9'999'999, words.next(option), option);
    } else if (option == "--home") {
      database.home = number_between(1, INT64_MAX - 1, words.next(option), option);
    } else if (option == "--made-by-code") {
      database.made_by_code = true;
    } else if (option == "--operator-made") {
      database.operator_made = true;
    } else if (option == "--tame") {
      database.nasty = false;
    } else {
      throw Failed{fmt::format("unknown option {}", option)};
    }
  }
  return script(database);
}

int run(int count, char** arguments) {
  Words words(count, arguments);
  const std::string_view which = words.any() ? words.next() : "--help";
  if (which == "--help") {
    fmt::print("{}", kHelp);
  } else if (which == "kick") {
    fmt::print("{}", kick(words));
  } else if (which == "reading") {
    fmt::print("{}", reading(words));
  } else {
    throw Failed{fmt::format("unknown database {}", which)};
  }
  return 0;
}

}  // namespace
}  // namespace guildhall::test

int main(int count, char** arguments) {
  try {
    return guildhall::test::run(count, arguments);
  } catch (const guildhall::test::Failed& failed) {
    fmt::print(stderr, "old_database: {}. See --help.\n", failed.message);
    return 2;
  }
}
