#include "tests/support/old_reading.h"

#include <fmt/format.h>

#include "tests/support/old_reading_parts.h"
#include "tests/support/tagged_text.h"

namespace guildhall::test {
namespace {

using Generation = OldReading::Generation;

std::set<std::string, std::less<>> tags_of(const OldReading& database) {
  std::set<std::string, std::less<>> tags;
  tags.insert(database.generation == Generation::l0 ? "l0" : "from_l1");
  tags.insert(database.generation <= Generation::l1 ? "until_l1" : "from_l2");
  tags.insert(database.made_by_code ? "code" : "stored");
  if (database.nasty) tags.insert("nasty");
  return tags;
}

/// 1 to `count`.
std::string numbers(std::string_view column, std::int64_t count) {
  return fmt::format(
      "(WITH RECURSIVE n({0}) AS (SELECT 1 UNION ALL SELECT {0} + 1 FROM n WHERE {0} < {1}) SELECT {0} FROM "
      "n)",
      column, count);
}

std::string id_of(std::string_view member) { return fmt::format("(400000000000000000 + {} * 7919)", member); }

std::string with_values(std::string text, const OldReading& database) {
  const std::pair<std::string_view, std::string> values[] = {
      {"{all}", numbers("v", database.members)},
      {"{twenty}", numbers("k", 20)},
      {"{name}", "('reader_' || v)"},
      {"{id}", id_of("v")},
      {"{id_of_k}", id_of("k")},
      {"{id_of_1_to_5}", id_of("(1 + v % 5)")},
      {"{home}", std::to_string(database.home)},
      {"{other}", std::to_string(database.other())},
      {"{id_of_1}", std::to_string(reader_id(1))},
      {"{id_of_2}", std::to_string(reader_id(2))},
      {"{id_of_3}", std::to_string(reader_id(3))},
      {"{id_of_4}", std::to_string(reader_id(4))},
  };
  for (const auto& [word, value] : values) text = replace_all(std::move(text), word, value);
  return text;
}

}  // namespace

std::int64_t reader_id(std::int64_t member) { return 400'000'000'000'000'000 + member * 7'919; }

std::string script(const OldReading& database) {
  const auto tags = tags_of(database);
  // Rows without their parent are put in as they were found.
  std::string text = "PRAGMA foreign_keys = OFF;\nBEGIN;\n";
  text += pick_lines(kOldReadingTables, tags);
  text += pick_lines(kOldReadingRows, tags);
  if (database.nasty) text += pick_lines(kOldReadingNastyRows, tags);
  if (database.generation >= Generation::l2) text += pick_lines(kOldReadingSecondGeneration, tags);
  if (database.generation == Generation::l3) text += pick_lines(kOldReadingThirdGeneration, tags);
  if (database.operator_made) text += pick_lines(kOldReadingOperator, tags);
  text += "COMMIT;\n";
  return with_values(std::move(text), database);
}

}  // namespace guildhall::test
