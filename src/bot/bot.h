// bot: what happens when something happens.
//
//   events.h      what platforms tell us, normalised
//   context.h     what a feature sees of the server while it handles an event
//   feature.h     Declarations: everything that a feature tells the program about itself
//   commands.h    one declaration per command: registration, parsing, permission, help and docs
//   settings.h    values per server, with defaults behind them
//   persons.h     who is who; links.h joins two identities
//   ledger.h      the one primitive for points and the like
//   dispatcher.h  the road of an event: server's queue -> features -> one transaction -> answers
//   jobs.h        set-based ticks, claimed in the database
//   outbox.h      messages that must survive a crash
//   posts.h       messages that are changed later where they stand;
//                 link_buttons.h: their buttons, app_emojis.h: emojis on them
//   role_changes.h  roles that members get in Discord
//   page_links.h  addresses of pages that are made for one person, signed (short_signature.h)
//   due_work.h    what features do when its time has come; find_servers.h: where
//   topics.h      what changed, for every open page
//   imports.h     how a feature takes over what an old bot kept
//   import_trace.h  whose the amounts of old names became
//   routes.h      how a feature declares its dashboard routes
//   leases.h      what only one of several processes may do at a time
//   discord_shards.h  the shards of Discord that this process serves
//   discord_bridge.h, kick_bridge.h   between the platforms' clients and all of the above
//   kick_accounts.h                   who somebody is at Kick
//   kick_subscriptions.h              what Kick posts to us; kick_routes.h: under which subscription
//   kick_hearing.h                    when not all of it reached us
//   kick_chat_fallback.h              chat from elsewhere, where Kick posts none
//   discord_needs.h                   what Discord is asked for, as features declare it
//   custom_ids.h                      what a button, select or form in Discord calls for, signed
//   discord_commands.h                our commands as Discord knows them, with their forms and selects
//   discord_interactions.h            what people ask for in Discord, answered in time and once
//   member_budget.h                   how often each may press, choose, or type
//   under_way.h                       how much of what Discord tells is being handled
//   discord_checkup.h                 what people have to set right in Discord, looked at from outside
//
// Features, web and cli call it. It promises: events of one server are handled in the order of their
// arrival and each in one transaction; an event that comes twice has its effect once; answers go out
// after the commit. It never touches a server's rows without that server's scope and names no feature.
#pragma once
