// web: the dashboard's API, sign-in, live updates and webhooks, on one HTTP server.
//
//   openapi.yaml    the contract of /api/v1; the dashboard's types are generated from it
//   sessions.h      one-time codes, sessions, CSRF tokens, limits
//   accounts.h      whom the operator has disabled
//   api.h           /api/v1: the session, the servers, and the routes that features declare
//   live.h          /api/v1/events: what changed, as it changes
//   static_files.h  the built dashboard, from memory
//   web_server.h    puts all of it, /healthz, /readyz, /metrics and the webhooks behind one port
//
// Called by cli. It promises: nothing of a server without a session that may open it; a change needs
// the session's CSRF token; every answer carries a strict content policy; what members wrote leaves as
// JSON only. It holds no rules of any feature.
#pragma once
