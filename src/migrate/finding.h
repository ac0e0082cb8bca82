// What the tool has to say of somebody's migrations or database, and how each thing is said: `CODE: text`,
// and a line that begins with "hint:".
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace guildhall::migrate {

enum class Level { info, warning, error };

struct Finding {
  std::string code;  // "E-DUPNUM", "W-STRAY", "L03", "MG-23514"
  Level level = Level::error;
  std::string name;      // of the migration or the file; "" when it is of none
  std::size_t line = 0;  // in that file, from 1; 0: of the whole file
  std::string text;      // one plain sentence
  std::string hint;      // the way out, or ""
};

using Findings = std::vector<Finding>;

}  // namespace guildhall::migrate
