// store: the database, behind one interface.
//
//   statement.h   Statement<Params, Row>: a named SQL constant with typed parameters and rows
//   tx.h          Tx, GlobalTx, CrossTx and TxTask<T>: what a transaction body sees and is
//   database.h    Database: runs units of work; answers after the commit
//   place.h       where the data lies: the URL and what it means
//   failure.h     what a command says of a database that failed
//   lines.h       work that waits, the servers in turns
//   schema_session.h   a plain connection that may change the schema
//   sqlite/       SQLite: in one shared file (sqlite_database.h), in a file per server
//                 (per_server_database.h)
//   postgres/     PostgreSQL (postgres_database.h), over libpq in pipeline mode
//
// Who calls it: `tenancy` alone executes (Passkey); features declare statements and write bodies.
// It promises: a unit of work is all or nothing and answered only after its commit; serialisation
// and busy errors are retried inside; bodies of one server run in the order of submission; a body
// can wait for nothing but its own statements. It never builds SQL, never runs a statement that was
// not registered and passed by the gate, and never chooses a server by itself.
#pragma once
