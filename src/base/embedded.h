// Files that travel inside the binary (cmake/embed.cmake): migrations, messages, the dashboard.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace guildhall {

struct EmbeddedFile {
  std::string_view name;  // relative to its folder, with '/'
  std::string_view content;
};

}  // namespace guildhall
