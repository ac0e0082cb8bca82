// guildhall migrate doctor, docs
#pragma once

#include "cli/command.h"

namespace guildhall::cli {

Result<std::optional<Answer>> migrate_doctor(const Arguments& arguments);
Result<std::optional<Answer>> migrate_docs(const Arguments& arguments);

}  // namespace guildhall::cli
