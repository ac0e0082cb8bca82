// discord: the wire formats and the client of Discord (API version 10, gateway version 10).
//
//   types.h          what we read from Discord, as plain structs
//   parse.h          Discord's JSON -> types.h
//   permissions.h    permission sets and what a member may do in a guild
//   gateway.h        one shard: connect, identify, resume, heartbeat; events to a GatewayHandler
//   rest.h           the HTTP calls, behind every limit that Discord announces
//   commands_json.h  application commands: definition, normal form, hash
//   timing.h         real time and chance, injected
// Inside only: protocol.h, connection.h and memory_keeper.h serve the gateway; rest_call.h,
// rest_errors.h, rest_sender.h, rate_limits.h and window_limit.h serve the HTTP calls.
//
// `bot` and `cli` call it. It promises: a session is resumed whenever it can be and never identified
// in a loop; no limit is run into twice; no answer pings anybody; an unknown field, event or number is
// normal. It never logs a token or a message, and it knows nothing of features, tenancy or databases.
// "Guild" is Discord's word for a server and appears in this room only.
#pragma once
