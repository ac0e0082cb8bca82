// net: HTTP and WebSocket, client and server, with TLS, and what goes with them.
//
//   loops.h             event loops, one thread each      all_of.h       coroutines side by side
//   http.h              requests and responses as plain structs
//   http_client.h       pooled HTTP/HTTPS client      http_server.h  server with server-sent events
//   websocket_client.h  transport for gateways        websocket_server.h  the other end (simulators)
//   oauth.h             state and PKCE                rate_limit.h   token buckets
//   url.h               addresses and query strings
// Inside only: resolve.h looks up addresses, tls.h, listener.h and websocket_stream.h serve both ends.
//
// Platforms, web and the simulators call it. It promises: every wait has a real-time deadline; TLS
// certificates and host names are verified, always; bodies and frames have a bound. Only the .cpp
// files of this folder include Beast or asio/ssl. It knows nothing of servers, platforms or features.
#pragma once
