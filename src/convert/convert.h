// convert: a live database of a bot that served one Discord server becomes one of a bot that serves many, in
// its own schema and in place, while the old program goes on writing.
//
//   description.h      which tables there are and whose rows each holds: convert.toml, and the presets
//   old_schema.h       the database as it stands, read from its catalog: never assumed
//   scheme.h           the two together: what each table is to become, or why that cannot be told
//   step.h             what is done, one step after another, each with its lock and the stall that it means
//   conflicts.h        what in the rows stands in the way, asked before anything is changed
//   sums.h             what each table adds up to, and of whom each row is: taken before and after
//   verify.h           the two compared, and all that has to hold of what it has become
//   report.h           the same for people and for programs
//   conversion.h       what the tool remembers in the database that it converts
//
// A SQLite file goes its own ways, as no ALTER TABLE changes a key there:
//
//   sqlite_checks.h    is the file fit for it?
//   sqlite_rebuild.h   all tables made anew with the server in their keys, in one transaction
//   sqlite_online.h    the same while the old program writes on
//   sqlite_file_way.h  the file becomes its server's own
//   sqlite_rollback.h  the way back from each
//   sqlite_others.h    what tables of one server have no place for
//   sqlite_archive.h   that put aside, and brought back
//
// Called by `guildhall convert` alone. Three phases: *expand* only adds, so that the old program's statements
// work as they did; then the new program takes over; *contract* takes away what only the old one needed. It
// promises: nothing is changed before a proved backup; no statement of others waits longer than the lock
// timeout; a run that was killed anywhere is gone on with by the same command; nothing is guessed (what
// cannot be told is asked for, exit code 6); a rollback removes what the conversion added, and no row.
// It never merges or drops a row that no rule of the description names, and never touches a table that is
// not in the scheme.
#pragma once
