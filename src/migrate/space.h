// Is there space enough for a run, before it waits for the lock? For its backup, and on the volumes where the
// data lies for each table that is written anew and each index that is built (plan.h), 1.3 times the table.
//
// Volumes of a PostgreSQL server are looked at where that can be done: its process is one of this machine's,
// the role may read where the data directory is (pg_read_all_settings), and the folder is there. Elsewhere
// nothing is said of them. What the proof of a backup needs, a second database on the server, is not
// reckoned.
#pragma once

#include <filesystem>
#include <span>

#include "migrate/backup.h"
#include "migrate/looking.h"
#include "migrate/outcome.h"
#include "migrate/table_facts.h"
#include "migrate/target.h"

namespace guildhall::migrate {

/// `facts`: of `pending`; where they are unknown they are read if they are needed. `backup`: the one that is
/// going to be taken, or nothing; one by a program of the operator's needs nothing here. What lies on one
/// volume is added up. Problem `no_space` (MG-SPACE) names the volume, what needs how much there, and how
/// much is free. Throws DatabaseError.
Outcome<void> check_space(Looking& looking, const Target& target, std::span<const Pending> pending,
                          const TableFacts& facts, const BackupOptions* backup,
                          const FreeSpaceOf& free_space);

/// The folder in which a PostgreSQL server keeps what is in no tablespace of its own; "" where it cannot be
/// looked at. Throws DatabaseError only when the connection is gone.
std::filesystem::path data_directory(Looking& looking);

}  // namespace guildhall::migrate
