// The pieces of old_reading.h's script, with tags (tagged_text.h): l0, from_l1, until_l1, from_l2, l3,
// stored, code, nasty. Words in {braces} are values.
#pragma once

#include <string_view>

namespace guildhall::test {

extern const std::string_view kOldReadingTables;
extern const std::string_view kOldReadingRows;
extern const std::string_view kOldReadingNastyRows;
extern const std::string_view kOldReadingSecondGeneration;
extern const std::string_view kOldReadingThirdGeneration;
extern const std::string_view kOldReadingOperator;

}  // namespace guildhall::test
