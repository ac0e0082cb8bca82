// base: what every other room may use, and what knows no other room.
//
//   ids.h        strong 64-bit ids (ServerId, PersonId, ...)
//   clock.h      the injected clock: nothing in Guildhall asks the system for the time by itself
//   error.h      the one error model: Error{code, message, hint}, Result<T>
//   task.h       Task<T>, the coroutine type of everything that waits
//   text.h       UTF-8, folding of names, numbers typed by people, suggestions for typing errors
//   graphemes.h  text cut where a character ends
//   crypto.h     hashes, random bytes, base64, hex, constant-time comparison, RSA verification
//   siphash.h    a quick hash of a text, no secret
//   secrets.h    tokens at rest: AES-256-GCM with key ids and associated data
//   config.h     guildhall.toml < environment < flags, with the source of each value
//   messages.h   the catalogue of every text that people read (English, German)
//   time_zone.h  times as people of a server see them
//   files.h      files that are given a name which nothing has, and folders brought to the disk
//   json.h       tolerant reading of other people's JSON
//   log.h        structured logs; metrics.h  counters and histograms for /metrics
//
// Everyone calls it. It promises: no threads of its own, no network, no global mutable state except
// the log's sink. It never throws for expected failures; those are Result values.
#pragma once
