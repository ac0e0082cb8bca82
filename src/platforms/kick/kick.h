// kick: Kick's wire formats and clients.
//
//   types.h      what Kick tells, as plain structs
//   webhook.h    verifies and reads what Kick posts to us
//   client.h     OAuth with PKCE, channels, chat
//   chat_socket.h  chats as Kick's own site hears them; pusher.h: their frames; chatroom.h: their numbers
//
// Called by bot (kick_bridge.h, kick_chat_fallback.h) and cli. It promises: a webhook is read only after its
// signature over the raw bytes and its age were checked; a chat message is sent at most once; unknown fields
// and event types are ignored. It knows nothing of servers, features or the database.
#pragma once
