// Text of which some lines are for some cases alone: a line may begin with tags, "[nasty][others] ...", and
// stays when all of them hold.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace guildhall::test {

/// The lines whose tags are all in `tags`, without their tags.
std::string pick_lines(std::string_view text, const std::set<std::string, std::less<>>& tags);

/// Every `what` becomes `with`.
std::string replace_all(std::string text, std::string_view what, std::string_view with);

}  // namespace guildhall::test
