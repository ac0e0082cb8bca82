// What people press, choose and fill in: buttons and selects below a message, and modals. Source:
// documentation "Component Reference"; the numbers are Discord's.
//
// Texts that are too long are cut (base/graphemes.h). What cannot be mended by cutting is an error of kind
// `invalid`: an empty or too long custom id, nothing or too much to choose from, too many rows.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace guildhall::discord {

inline constexpr std::size_t kLongestCustomId = 100;
inline constexpr std::size_t kButtonsInARow = 5;
inline constexpr std::size_t kMostRows = 5;

enum class ButtonStyle : int { primary = 1, secondary = 2, success = 3, danger = 4 };

struct Button {
  std::string custom_id;  // comes back with the press; unique in the message
  std::string label;      // at most 80
  ButtonStyle style = ButtonStyle::secondary;
  bool disabled = false;
};

/// Opens an address; nobody hears of it.
struct LinkButton {
  std::string url;  // at most 512
  std::string label;
  bool disabled = false;
  std::string emoji = {};  // one of Unicode's, or a server's own as people write it: <:name:id>; empty: none
};

struct Option {
  std::string label;  // at most 100, as the two below
  std::string value;
  std::string description = {};  // of a select's alone
  bool chosen = false;
};

/// What a select offers. All but `text` are lists that Discord fills itself.
enum class SelectKind : int { text = 3, user = 5, role = 6, mentionable = 7, channel = 8 };

struct Select {
  SelectKind kind = SelectKind::text;
  std::string custom_id;
  std::vector<Option> options = {};     // of `text`: 1 to 25
  std::vector<int> channel_types = {};  // of `channel`; empty: all
  std::string placeholder = {};         // at most 150
  int least = 1;                        // how many must be chosen, 0 to 25
  int most = 1;                         // 1 to 25
  bool disabled = false;                // not in a modal
};

using ButtonRow = std::vector<std::variant<Button, LinkButton>>;  // at most 5
using Row = std::variant<ButtonRow, Select>;

/// At most 5 rows.
Result<json::Array> rows_json(const std::vector<Row>& rows);

// A modal's fields. One that is not required may come back empty.

struct TextInput {
  std::string custom_id;
  bool paragraph = false;
  int least = 0;     // characters
  int most = 4'000;  // at most that
  bool required = true;
  std::string value = {};        // there from the beginning
  std::string placeholder = {};  // at most 100
};
struct FileUpload {
  std::string custom_id;
  int least = 1;  // 0 to 10
  int most = 1;   // 1 to 10
};
/// One of 2 to 10.
struct RadioGroup {
  std::string custom_id;
  std::vector<Option> options;
  bool required = true;
};
/// Any of 1 to 10.
struct CheckboxGroup {
  std::string custom_id;
  std::vector<Option> options;
  int least = 1;
  int most = 1;
};
struct Checkbox {
  std::string custom_id;
  bool checked = false;
};

struct Field {
  std::string label;             // at most 45
  std::string description = {};  // at most 100
  std::variant<TextInput, Select, FileUpload, RadioGroup, CheckboxGroup, Checkbox> input;
};

struct Modal {
  std::string custom_id;
  std::string title;          // at most 45
  std::vector<Field> fields;  // 1 to 5
};

Result<json::Object> modal_json(const Modal& modal);

}  // namespace guildhall::discord
