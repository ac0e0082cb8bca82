// What members and viewers write: everyday chat, and now and then a text that a careless program
// stumbles over.
#pragma once

#include <string>

#include "sim/random.h"

namespace guildhall::sim {

std::string everyday_text(Random& random);
/// Markdown, mentions of everyone, HTML, right-to-left and zero-width characters, emotes, SQL, or as
/// many characters as fit (`longest`, counted as UTF-16 units).
std::string hostile_text(Random& random, std::size_t longest);

}  // namespace guildhall::sim
