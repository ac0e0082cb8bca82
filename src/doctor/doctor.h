// doctor: shows the operator, on the own installation, that no server sees another's rows.
//
//   isolation.h   the proof: two throw-away servers, everything that is declared, own ids and foreign ones
//   report.h      what was tried and found
//   life.h        the life of one of the two servers, made from the registries
//   examples.h    calls, requests and values made from declarations
//   ground.h      what of it lies in the database, and how that goes away
//   proof_bot.h   the bot that the two live with: the real roads, no platforms
//   recorder.h    every statement that was run, with its values
//   replay.h      the same statements once more, in work that is rolled back
//
// Called by cli. It promises: nothing of it is seen by a bot that runs beside it, and nothing of it stays
// but lines in the operator's log and counts in cross_server_log; whatever is registered is tried, and what
// could not be tried is said. It never touches another server's rows, and lists nothing by hand.
#pragma once
