#include "bot/leases.h"

namespace guildhall::bot {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoRow;
using store::TxTask;

struct KindParams {
  std::string kind;
};
BOOST_DESCRIBE_STRUCT(KindParams, (), (kind))
struct NameParams {
  std::string kind;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(NameParams, (), (kind, name))
struct HeldParams {
  std::string kind;
  std::string name;
  std::string holder;
};
BOOST_DESCRIBE_STRUCT(HeldParams, (), (kind, name, holder))
struct TakeParams {
  std::string kind;
  std::string name;
  std::string holder;
  std::string seen_holder;
  std::int64_t seen_beats;
};
BOOST_DESCRIBE_STRUCT(TakeParams, (), (kind, name, holder, seen_holder, seen_beats))
struct SeenParams {
  std::string kind;
  std::string name;
  std::string seen_holder;
  std::int64_t seen_beats;
};
BOOST_DESCRIBE_STRUCT(SeenParams, (), (kind, name, seen_holder, seen_beats))
struct KeepParams {
  std::string kind;
  std::string name;
  std::string holder;
  std::string kept;
};
BOOST_DESCRIBE_STRUCT(KeepParams, (), (kind, name, holder, kept))
struct HolderParams {
  std::string holder;
};
BOOST_DESCRIBE_STRUCT(HolderParams, (), (holder))

struct LeaseRow {
  std::string name;
  std::string holder;
  std::int64_t beats = 0;
};
BOOST_DESCRIBE_STRUCT(LeaseRow, (), (name, holder, beats))
struct KeptRow {
  std::string kept;
};
BOOST_DESCRIBE_STRUCT(KeptRow, (), (kept))
struct NameRow {
  std::string kind;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(NameRow, (), (kind, name))

constexpr GlobalStatement<NameParams, NoRow> kMake{
    "leases.make",
    "INSERT INTO leases (kind, name, holder, beats, kept) VALUES (:kind, :name, '', 0, '') "
    "ON CONFLICT (kind, name) DO NOTHING"};

constexpr GlobalStatement<KindParams, LeaseRow> kLook{
    "leases.look", "SELECT name, holder, beats FROM leases WHERE kind = :kind ORDER BY name"};

constexpr GlobalStatement<TakeParams, KeptRow> kTake{
    "leases.take",
    "UPDATE leases SET holder = :holder, beats = beats + 1 WHERE kind = :kind AND name = :name "
    "AND holder = :seen_holder AND beats = :seen_beats RETURNING kept"};

constexpr GlobalStatement<KeepParams, NoRow> kKeep{
    "leases.keep", "UPDATE leases SET kept = :kept WHERE kind = :kind AND name = :name AND holder = :holder"};

constexpr GlobalStatement<HeldParams, NoRow> kGiveBack{
    "leases.give_back",
    "UPDATE leases SET holder = '', beats = beats + 1 WHERE kind = :kind AND name = :name AND holder = "
    ":holder"};

constexpr GlobalStatement<HolderParams, NameRow> kRaise{
    "leases.beat", "UPDATE leases SET beats = beats + 1 WHERE holder = :holder RETURNING kind, name"};

constexpr GlobalStatement<SeenParams, NoRow> kRemove{
    "leases.remove",
    "DELETE FROM leases WHERE kind = :kind AND name = :name AND holder = :seen_holder AND beats = "
    ":seen_beats"};

}  // namespace

Leases::Leases(tenancy::GlobalScope global, std::string holder, std::string predecessors,
               std::function<SteadyTime()> now)
    : global_(global),
      holder_(std::move(holder)),
      predecessors_(std::move(predecessors)),
      now_(std::move(now)) {}

Task<void> Leases::make(std::string kind, std::vector<std::string> names) {
  co_await global_.transact([kind, names](GlobalTx& tx) -> TxTask<void> {
    for (const std::string& name : names) co_await tx.change(kMake, {kind, name});
  });
}

Task<std::vector<Lease>> Leases::look(std::string kind) {
  const auto rows = co_await global_.read(
      [kind](GlobalTx& tx) -> TxTask<std::vector<LeaseRow>> { co_return co_await tx.all(kLook, {kind}); });
  std::vector<Lease> seen;
  for (const LeaseRow& row : rows) {
    Sight& sight = sights_[{kind, row.name}];
    if (sight.holder != row.holder || sight.beats != row.beats) sight = {row.holder, row.beats, now_()};
    seen.push_back({kind, row.name, row.holder, row.beats});
  }
  co_return seen;
}

bool Leases::is_predecessor(const std::string& holder) const {
  return !predecessors_.empty() && holder.starts_with(predecessors_);
}

Leases::State Leases::state_of(const Lease& seen) const {
  if (seen.holder.empty()) return State::free;
  if (seen.holder == holder_) return State::ours;
  if (is_predecessor(seen.holder)) return State::dead;
  const auto sight = sights_.find({seen.kind, seen.name});
  const bool silent = sight != sights_.end() && sight->second.holder == seen.holder &&
                      sight->second.beats == seen.beats && now_() - sight->second.since >= kSilence;
  return silent ? State::dead : State::others;
}

Task<std::optional<std::string>> Leases::take(Lease seen) {
  const TakeParams params{seen.kind, seen.name, holder_, seen.holder, seen.beats};
  const auto row = co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<std::optional<KeptRow>> { co_return co_await tx.one(kTake, params); });
  co_return row ? std::optional(row->kept) : std::nullopt;
}

Task<void> Leases::keep(std::string kind, std::string name, std::string kept) {
  const KeepParams params{std::move(kind), std::move(name), holder_, std::move(kept)};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kKeep, params); });
}

Task<void> Leases::give_back(std::string kind, std::string name) {
  const HeldParams params{std::move(kind), std::move(name), holder_};
  co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kGiveBack, params); });
}

Task<std::set<std::pair<std::string, std::string>>> Leases::beat() {
  const HolderParams params{holder_};
  const auto rows = co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<std::vector<NameRow>> { co_return co_await tx.all(kRaise, params); });
  std::set<std::pair<std::string, std::string>> ours;
  for (const NameRow& row : rows) ours.emplace(row.kind, row.name);
  co_return ours;
}

Task<void> Leases::remove(Lease seen) {
  const SeenParams params{seen.kind, seen.name, seen.holder, seen.beats};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kRemove, params); });
  sights_.erase({seen.kind, seen.name});
}

TxTask<void> rehearse_leases(GlobalTx& tx, TimePoint) {
  co_await tx.change(kMake, {"rehearsal", "one"});
  co_await tx.all(kLook, {"rehearsal"});
  co_await tx.one(kTake, {"rehearsal", "one", "its holder", "", 0});
  co_await tx.change(kKeep, {"rehearsal", "one", "its holder", "a text"});
  co_await tx.all(kRaise, {"its holder"});
  co_await tx.change(kGiveBack, {"rehearsal", "one", "its holder"});
  co_await tx.change(kRemove, {"rehearsal", "one", "", 3});
}

void declare_leases(store::StatementRegistry& statements) {
  statements.add("leases", kMake, kLook, kTake, kKeep, kGiveBack, kRaise, kRemove);
}

}  // namespace guildhall::bot
