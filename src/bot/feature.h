// Declarations: everything that a feature tells the program about itself, in one place. The gate, the
// lint, the isolation proof, the help and the docs read these lists and nothing else.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded.h"
#include "base/messages.h"
#include "bot/commands.h"
#include "bot/context.h"
#include "bot/events.h"
#include "bot/imports.h"
#include "bot/links.h"
#include "bot/routes.h"
#include "bot/settings.h"
#include "store/tx.h"
#include "tenancy/sealed_rows.h"
#include "tenancy/table.h"

namespace guildhall::bot {

/// Runs inside the event's transaction.
template <class Event>
using EventHandler = std::function<store::TxTask<void>(store::Tx&, ServerContext&, const Event&)>;

/// Some servers of a set-based tick, cut at server boundaries.
struct TickChunk {
  ServerId first;  // all servers with first <= id <= last
  ServerId last;
  TimePoint now;
};

/// One step of a tick, for all servers of the chunk at once. What it throws undoes the chunk, and its halves
/// are tried; so one that finds more to do for several servers than should be done at once says so before it
/// begins.
using TickStage = std::function<store::TxTask<void>(store::CrossTx&, const TickChunk&)>;

/// What is done for a server when its time has come, besides the minute's tick: the servers are found all at
/// once, the work is done in a transaction of each, and what it changed is told as after an event.
struct DueWork {
  std::string name;
  std::function<store::TxTask<std::vector<ServerId>>(store::CrossTx&, store::ServerRange, TimePoint now)>
      find;
  std::function<store::TxTask<void>(store::Tx&, ServerContext&)> work;
};

/// What the isolation proof runs once, in units of work that are rolled back, to see statements that the
/// ordinary life of a server does not come to: errors, other programs' looks, tables of no server. Each
/// shows its room's statements at work, so that each returns or changes a row.
struct Rehearsals {
  std::vector<std::function<store::TxTask<void>(store::Tx&, ServerContext&)>> server;
  std::vector<std::function<store::TxTask<void>(store::GlobalTx&, TimePoint)>> global;
  std::vector<TickStage> cross_server;
};

/// What features want remembered of each Discord server beside its roles. Each costs memory, and a session
/// that has to tell it all is not taken up again after a restart.
struct Remembered {
  bool channels = false;  // with what each is allowed there, threads too
  bool members = false;   // everybody, with roles
};

class Declarations {
 public:
  /// Throws when the embedded texts cannot be read, which is a fault of the build.
  explicit Declarations(const Config& config);

  const Config* config;
  Catalogue texts;
  store::StatementRegistry statements;
  tenancy::TableCatalog tables;
  SettingRegistry settings;
  CommandRegistry commands;
  RouteRegistry routes;

  std::vector<EventHandler<ChatMessage>> on_chat;
  std::vector<EventHandler<StreamStatus>> on_stream;
  std::vector<EventHandler<StreamsOver>> on_streams_over;
  std::vector<EventHandler<GiftedSubs>> on_gift;
  std::vector<EventHandler<MemberJoined>> on_join;
  std::vector<EventHandler<MemberLeft>> on_leave;
  std::vector<EventHandler<RoleGiven>> on_role_given;
  /// The server's settings changed, or were read anew: in the transaction of the change.
  std::vector<std::function<store::TxTask<void>(store::Tx&, ServerContext&)>> on_settings;
  std::vector<MoveHandler> on_move;

  /// A feature sets what it needs.
  Remembered remembered;

  /// Adds a feature's figures to the overview of a server on the dashboard.
  std::vector<std::function<store::TxTask<void>(store::Tx&, ServerContext&, boost::json::object&)>>
      on_overview;

  /// The minute's tick: watch time first, then what is paid for it.
  std::vector<TickStage> minute_stages;

  std::vector<DueWork> due_work;

  /// What is taken over from old bots, in this order.
  std::vector<Importer> importers;
  /// Something of an old bot's was booked: in the transaction of it.
  std::vector<std::function<store::TxTask<void>(store::Tx&)>> on_import;

  Rehearsals rehearsals;

  /// Made of `tables` when every room has declared its own (`rows.declare`).
  tenancy::SealedRows rows;

  template <class Event>
  const std::vector<EventHandler<Event>>& handlers() const;
};

template <>
inline const std::vector<EventHandler<ChatMessage>>& Declarations::handlers() const {
  return on_chat;
}
template <>
inline const std::vector<EventHandler<StreamStatus>>& Declarations::handlers() const {
  return on_stream;
}
template <>
inline const std::vector<EventHandler<StreamsOver>>& Declarations::handlers() const {
  return on_streams_over;
}
template <>
inline const std::vector<EventHandler<GiftedSubs>>& Declarations::handlers() const {
  return on_gift;
}
template <>
inline const std::vector<EventHandler<MemberJoined>>& Declarations::handlers() const {
  return on_join;
}
template <>
inline const std::vector<EventHandler<MemberLeft>>& Declarations::handlers() const {
  return on_leave;
}

/// messages/*.toml
std::span<const EmbeddedFile> embedded_messages();

/// Changes a setting of a server (bot/settings.h) and lets every feature that follows settings take it
/// over in the same transaction.
store::TxTask<Result<SettingChange>> change_server_setting(store::Tx& tx, const Declarations& declarations,
                                                           ServerId server, SettingWish wish,
                                                           tenancy::Actor actor, TimePoint now);

/// What bot itself declares: persons, ledger, settings, links, jobs, outbox, the help command.
void declare_bot(Declarations& declarations);
void declare_bot_routes(Declarations& declarations);

}  // namespace guildhall::bot
