#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "sim/discord_checks.h"

namespace guildhall::sim {
namespace {

constexpr std::array<std::string_view, 32> kLocales = {
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr",    "hr",    "it", "lt",
    "hu", "nl", "no", "pl",    "pt-BR", "ro",    "fi",     "sv-SE", "vi",    "tr", "cs",
    "el", "bg", "ru", "uk",    "hi",    "th",    "zh-CN",  "ja",    "zh-TW", "ko"};
constexpr std::int64_t kSubCommand = 1;
constexpr std::int64_t kSubCommandGroup = 2;
constexpr std::string_view kBadLength = "BASE_TYPE_BAD_LENGTH";
constexpr std::string_view kRequired = "BASE_TYPE_REQUIRED";
constexpr std::string_view kChoices = "BASE_TYPE_CHOICES";

bool is_name_character(utf8proc_int32_t code) {
  if (code == '-' || code == '_' || code == '\'') return true;
  const auto category = utf8proc_category(code);
  const bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
  const bool number = category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
  const bool marks =
      (code >= 0x0900 && code <= 0x097F) || (code >= 0x0E00 && code <= 0x0E7F);  // Devanagari, Thai
  return letter || number || marks;
}

/// 1..32 characters of letters, digits, - and _, lower case where there is one.
bool is_command_name(std::string_view name) {
  std::size_t count = 0;
  const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(name.data());
  for (std::size_t position = 0; position < name.size(); ++count) {
    utf8proc_int32_t code = -1;
    const auto used =
        utf8proc_iterate(data + position, static_cast<utf8proc_ssize_t>(name.size() - position), &code);
    if (used <= 0 || !is_name_character(code) || utf8proc_tolower(code) != code) return false;
    position += static_cast<std::size_t>(used);
  }
  return count >= 1 && count <= 32;
}

std::size_t longest_translation(const json::Value& object, std::string_view key) {
  std::size_t longest = utf16_length(json::text_or(object, key, ""));
  const json::Value* translations = json::find(object, fmt::format("{}_localizations", key));
  if (translations == nullptr || !translations->is_object()) return longest;
  for (const auto& [locale, text] : translations->get_object()) {
    if (text.is_string()) longest = std::max(longest, utf16_length(text.get_string()));
  }
  return longest;
}

class CommandCheck {
 public:
  explicit CommandCheck(Complaints& complaints) : complaints_(complaints) {}

  void command(const json::Value& command, const std::string& path) {
    const auto type = json::integer(command, "type").value_or(1);
    if (type < 1 || type > 4)
      complaints_.add(field_at(path, "type"), kChoices, "Value must be one of {1, 2, 3, 4}.");
    if (type == 1) {
      name(command, path);
      description(command, path);
      options(json::array(command, "options"), field_at(path, "options"), 0);
    } else {
      no_description(command, path);
    }
    numbers(command, "contexts", {0, 1, 2}, path);
    numbers(command, "integration_types", {0, 1}, path);
    member_permissions(command, path);
    if (characters_ > 8000) {
      complaints_.add(path.empty() ? "options" : path, "APPLICATION_COMMAND_TOO_LARGE",
                      "Command exceeds maximum size (8000)");
    }
  }

 private:
  void name(const json::Value& object, const std::string& path) {
    const auto given = json::text(object, "name");
    if (!given) return complaints_.add(field_at(path, "name"), kRequired, "This field is required");
    if (!is_command_name(*given)) invalid_name(field_at(path, "name"));
    localizations(object, "name", path);
    characters_ += longest_translation(object, "name");
  }

  void invalid_name(const std::string& path) {
    complaints_.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
  }

  void description(const json::Value& object, const std::string& path) {
    const std::size_t length = utf16_length(json::text_or(object, "description", ""));
    if (length == 0) complaints_.add(field_at(path, "description"), kRequired, "This field is required");
    if (length > 100)
      complaints_.add(field_at(path, "description"), kBadLength, "Must be between 1 and 100 in length.");
    localizations(object, "description", path);
    characters_ += longest_translation(object, "description");
  }

  void no_description(const json::Value& command, const std::string& path) {
    const std::size_t length = utf16_length(json::text_or(command, "name", ""));
    if (length < 1 || length > 32)
      complaints_.add(field_at(path, "name"), kBadLength, "Must be between 1 and 32 in length.");
    if (!json::text_or(command, "description", "").empty()) {
      complaints_.add(field_at(path, "description"), "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED",
                      "Context menu commands have no description");
    }
  }

  void localizations(const json::Value& object, std::string_view key, const std::string& path) {
    const std::string field = fmt::format("{}_localizations", key);
    const json::Value* translations = json::find(object, field);
    if (translations == nullptr) return;
    if (!translations->is_object())
      return complaints_.add(field_at(path, field), "DICT_TYPE_CONVERT", "Only dictionaries.");
    for (const auto& [locale, text] : translations->get_object()) {
      const std::string place = field_at(field_at(path, field), std::string_view(locale));
      if (std::find(kLocales.begin(), kLocales.end(), std::string_view(locale)) == kLocales.end()) {
        complaints_.add(place, "ENUM_TYPE_COERCE", "Not a known locale.");
      }
      const std::string_view value = text.is_string() ? std::string_view(text.get_string()) : "";
      if (key == "name" && !is_command_name(value)) invalid_name(place);
      if (key == "description" && (value.empty() || utf16_length(value) > 100)) {
        complaints_.add(place, kBadLength, "Must be between 1 and 100 in length.");
      }
    }
  }

  void options(const json::Array& list, const std::string& path, int depth) {
    if (list.size() > 25) complaints_.add(path, kBadLength, "Must be 25 or fewer in length.");
    std::set<std::string> names;
    bool optional_seen = false;
    bool plain_seen = false;
    bool nested_seen = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string place = field_at(path, i);
      option(list[i], place, depth);
      if (!names.insert(json::text_or(list[i], "name", "")).second) {
        complaints_.add(field_at(place, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                        "Option name already exists");
      }
      const bool nested = json::integer(list[i], "type").value_or(0) <= kSubCommandGroup;
      (nested ? nested_seen : plain_seen) = true;
      const bool required = json::boolean(list[i], "required").value_or(false);
      if (required && optional_seen) {
        complaints_.add(place, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                        "Required options must be placed before non-required options");
      }
      optional_seen = optional_seen || (!required && !nested);
    }
    if (plain_seen && nested_seen) {
      complaints_.add(
          path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
          "Sub-command and sub-command group option types are mutually exclusive to all other types");
    }
  }

  void option(const json::Value& option, const std::string& path, int depth) {
    const auto type = json::integer(option, "type");
    if (!type || *type < 1 || *type > 11) {
      return complaints_.add(field_at(path, "type"), kChoices,
                             "Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.");
    }
    name(option, path);
    description(option, path);
    const bool too_deep = (*type == kSubCommandGroup && depth > 0) || (*type == kSubCommand && depth > 1);
    if (too_deep) {
      complaints_.add(field_at(path, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                      "Too deeply nested");
    } else if (*type <= kSubCommandGroup) {
      options(json::array(option, "options"), field_at(path, "options"), *type == kSubCommand ? 2 : 1);
    }
    choices(option, path, *type);
  }

  void choices(const json::Value& option, const std::string& path, std::int64_t type) {
    const json::Array& list = json::array(option, "choices");
    if (list.empty()) return;
    const std::string place = field_at(path, "choices");
    const bool may_have = type == 3 || type == 4 || type == 10;
    if (!may_have || json::boolean(option, "autocomplete").value_or(false)) {
      complaints_.add(place, "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices are not allowed here");
    }
    if (list.size() > 25) complaints_.add(place, kBadLength, "Must be 25 or fewer in length.");
    for (std::size_t i = 0; i < list.size(); ++i) choice(list[i], field_at(place, i), type);
  }

  void choice(const json::Value& choice, const std::string& path, std::int64_t type) {
    const std::size_t length = utf16_length(json::text_or(choice, "name", ""));
    if (length < 1 || length > 100)
      complaints_.add(field_at(path, "name"), kBadLength, "Must be between 1 and 100 in length.");
    const json::Value* value = json::find(choice, "value");
    const bool fits = value != nullptr && (type == 3 ? value->is_string() : value->is_number());
    if (!fits)
      return complaints_.add(field_at(path, "value"), "BASE_TYPE_BAD_TYPE",
                             "The value does not fit the option's type");
    const std::size_t size = value->is_string() ? utf16_length(value->get_string()) : 0;
    if (size > 100)
      complaints_.add(field_at(path, "value"), kBadLength, "Must be between 1 and 100 in length.");
    characters_ += longest_translation(choice, "name") + size;
  }

  void numbers(const json::Value& command, std::string_view key, std::set<std::int64_t> allowed,
               const std::string& path) {
    for (const json::Value& value : json::array(command, key)) {
      if (!value.is_int64() || !allowed.contains(value.get_int64())) {
        complaints_.add(field_at(path, key), "ENUM_TYPE_COERCE", "Not a valid value.");
      }
    }
  }

  void member_permissions(const json::Value& command, const std::string& path) {
    const json::Value* value = json::find(command, "default_member_permissions");
    if (value != nullptr && !json::id(command, "default_member_permissions")) {
      complaints_.add(field_at(path, "default_member_permissions"), "NUMBER_TYPE_COERCE",
                      "Not a permission set.");
    }
  }

  Complaints& complaints_;
  std::size_t characters_ = 0;
};

}  // namespace

void check_command(const json::Value& command, const std::string& path, Complaints& complaints) {
  if (!command.is_object())
    return complaints.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used");
  CommandCheck(complaints).command(command, path);
}

}  // namespace guildhall::sim
