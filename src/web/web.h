// web: the dashboard's API, sign-in, live updates and webhooks, on one HTTP server.
//
//   openapi.yaml    the contract of /api/v1; the dashboard's types are generated from it
//   sessions.h      one-time codes, sessions, CSRF tokens, limits
//   discord_sign_in.h  /auth/discord: signing in by Discord
//   accounts.h      whom the operator has disabled
//   rights.h        what a session may at a server, as Discord says it
//   doors.h         what it asks of the platforms' rooms
//   api.h           /api/v1: the session, the servers, and the routes that features declare
//   link_pages.h    /link: where members prove a stream account; visitor_page.h writes these pages
//   live.h          /api/v1/events: what changed, as it changes
//   static_files.h  the built dashboard, from memory
//   web_server.h    puts all of it, /healthz, /readyz, /metrics and the webhooks behind one port
//
// Called by cli. It promises: nothing of a server without a session that may open it, or a signed address
// that names the member whom it concerns; a change needs the session's CSRF token, or the key of the page's
// form; every answer carries a strict content policy; what members wrote leaves as JSON, and on the pages of
// linking as escaped text. It holds no rules of any feature.
#pragma once
