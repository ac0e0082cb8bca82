// tenancy: how servers are sealed off from each other.
//
//   table.h      the class of every table: who owns its rows
//   seal.h       the gate that every statement passes before it may run
//   catalog.h    the gate that the tables themselves pass at every start: keys, policies, rights, logins
//   sql_shape.h  the part of the gate that reads the SQL itself
//   scope.h      ServerScope, GlobalScope, CrossServerDoor: the only ways to the rows
//   scopes.h     the five places where a ServerScope comes from
//   registry.h   which servers there are, and in which state
//   channels.h   which stream channel feeds which servers
//   sealed_rows.h  every row of a server: read, erased
//   counters.h   numbers that run per server
//   audit.h      who changed what, per server, from the first setting on
//
// Everyone above the database goes through here. It promises: a statement on a server's rows runs
// only with a scope for that server, and binds it on every table; a scope for a server that is unknown
// does not exist, and no event or job gets one for a server that is inactive; work on several servers leaves
// a row in cross_server_log. It never has a default server, an "all servers" or a current server.
#pragma once
