// What each command does on each database; for run.cpp alone.
#pragma once

#include "convert/conversion_run.h"

namespace guildhall::convert {

migrate::Outcome<RunReport> expand_postgres(ConversionRun& run);
migrate::Outcome<RunReport> contract_postgres(ConversionRun& run, const ContractOptions& options);
migrate::Outcome<RunReport> roll_back_postgres(ConversionRun& run, const RollbackOptions& options);
migrate::Outcome<RunReport> bring_back_postgres(ConversionRun& run);

/// Whole at once: a file has one way or another when it is done, and nothing is left to contract.
migrate::Outcome<RunReport> convert_sqlite(ConversionRun& run);
migrate::Outcome<RunReport> roll_back_sqlite(ConversionRun& run, const RollbackOptions& options);
migrate::Outcome<RunReport> bring_back_sqlite(ConversionRun& run);

}  // namespace guildhall::convert
