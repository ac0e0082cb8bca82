// What a way back does not hold, and what is to be done about it.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <string_view>

#include "import/revert.h"

namespace guildhall::importing {
namespace {

constexpr std::size_t kShown = 20;

struct Words {
  LeftOut::Reason reason;
  std::string_view name;  // in JSON
  std::string_view text;
};
constexpr Words kReasons[] = {
    {LeftOut::Reason::may_be_lost, "may_be_lost",
     "have no old row that is known, and may be who had one of those names: what they have is not in the "
     "script. "
     "Find out which row is whose, and write there what he has here"},
    {LeftOut::Reason::shared, "shared",
     "share their old row with another, as its name changed hands: what came since is not in the script. Add "
     "it "
     "to the row of each by hand"},
    {LeftOut::Reason::name_taken, "name_taken",
     "have no old row, and one under their name is another's, who has or had the same name: what came since "
     "is "
     "not in the script. Give it to them under the name that they have now"},
};

/// The first of them, one a line.
template <class Rows, class Line>
std::string listed(const Rows& rows, const Line& line) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, rows.size()); ++i) text += "  " + line(rows[i]) + "\n";
  if (rows.size() > kShown) text += "  ... (all of them with --json)\n";
  return text;
}

}  // namespace

std::string text_of(const WayBack& back) {
  std::string text;
  if (!back.lost.empty())
    text += fmt::format("{} old names lead to nobody here any more; their rows stay as they are:\n{}",
                        back.lost.size(), listed(back.lost, [](const LostName& one) {
                          return fmt::format("'{}': {} {}", one.old_name, one.amount, one.measure);
                        }));
  for (const Words& words : kReasons) {
    std::vector<LeftOut> of;
    std::ranges::copy_if(back.left_out, std::back_inserter(of),
                         [&](const LeftOut& one) { return one.reason == words.reason; });
    if (!of.empty())
      text += fmt::format("{} amounts of people who {}:\n{}", of.size(), words.text,
                          listed(of, [](const LeftOut& one) {
                            return fmt::format("'{}': {} {}", one.name, one.amount, one.measure);
                          }));
  }
  return text;
}

boost::json::object json_of(const WayBack& back) {
  boost::json::array lost;
  for (const LostName& one : back.lost)
    lost.push_back(
        {{"name", one.old_name}, {"measure", one.measure}, {"amount", std::to_string(one.amount)}});
  boost::json::array left_out;
  for (const LeftOut& one : back.left_out) {
    const auto* words = std::ranges::find(kReasons, one.reason, &Words::reason);
    left_out.push_back({{"name", one.name},
                        {"measure", one.measure},
                        {"amount", std::to_string(one.amount)},
                        {"reason", words->name}});
  }
  return {{"people", back.people},
          {"minutes", std::to_string(back.minutes)},
          {"points", std::to_string(back.points)},
          {"nameless", back.nameless},
          {"nameless_points", std::to_string(back.nameless_points)},
          {"lost", std::move(lost)},
          {"left_out", std::move(left_out)}};
}

}  // namespace guildhall::importing
