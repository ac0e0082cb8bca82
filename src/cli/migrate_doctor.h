// guildhall migrate doctor, docs
#pragma once

#include "cli/command.h"

namespace guildhall::cli {

Result<std::optional<Answer>> migrate_doctor(const Arguments& arguments);
/// The line in which every doctor says how many there are.
std::string doctors_word(std::int64_t problems, std::int64_t warnings);

Result<std::optional<Answer>> migrate_docs(const Arguments& arguments);

}  // namespace guildhall::cli
