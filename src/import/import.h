// import: takes over what an old bot kept into Guildhall's own database, while the old bot goes on.
//
//   old_database.h  the old database: whose rows it holds, and a server's rows as importers want them
//   takeover.h      one run: twins, differences to what was carried, bookings, verification
//   capture.h       what the old bot writes meanwhile, and the fence that ends it
//   follow.h        from the old bot to this one without a gap
//   revert.h        the way back, as SQL for the old bot's tables
//   report.h        what a run brought, for people and as JSON
//
// Called by `guildhall import` alone. It promises: the old database is only read, but for the
// triggers of --follow; a server's rows are written
// through that server's scope alone; nothing is taken twice, however often it is run and wherever it was
// killed; what cannot be taken over is named with its reason, and no two names are made one person unless
// that was asked for. It knows no feature: each declares what it takes over (bot/imports.h).
#pragma once
