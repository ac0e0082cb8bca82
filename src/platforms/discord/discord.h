// discord: the wire formats and the client of Discord (API version 10, gateway version 10).
//
//   types.h, parse.h   what we read from Discord, as plain structs, and how it is read
//   permissions.h      permission sets: what a member may do in a guild and in a channel
//   state.h            what is remembered of guilds, as far as features ask for it
//   gateway.h          one shard: a session kept alive, its events to a GatewayHandler
//   session.h          what the gateway remembers over a restart
//   receipts.h         which of its events are handled
//   identify_turns.h   whose turn it is to identify, of all shards of a bot
//   rest.h             the HTTP calls, behind every limit of Discord's
//   rest_routes.h      which calls there are         upload.h   files that go with a message
//   foresight.h        which calls would be refused for want of a permission
//   message.h          what a message says, always within Discord's limits
//   components.h       buttons, selects and modals
//   answers.h          the first answers to an interaction, and which of them it takes
//   posted_interactions.h  interactions that come over HTTP, with their signatures
//   sign_in.h          signing in by Discord: who somebody is
//   commands_json.h    application commands: definition, normal form, hash
//   timing.h           real time and chance, injected
// Inside only: protocol.h, inflate.h, connection.h, event_router.h, member_requests.h and session_keeper.h
// serve the gateway;
// name_pool.h the state;
// rest_call.h, rest_errors.h, rest_sender.h, rate_limits.h, fair_queue.h and refusals.h the calls;
// window_limit.h both.
//
// `bot` and `cli` call it. It promises: a session is resumed whenever it can be and never identified
// in a loop; no message pings anybody; an unknown field, event or number is normal. It never logs a
// token or a message, and it knows nothing of features, tenancy or databases. "Guild" is Discord's
// word for a server and appears in this room only.
#pragma once
