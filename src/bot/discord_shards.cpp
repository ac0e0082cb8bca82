#include "bot/discord_shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "base/log.h"
#include "bot/process_state.h"
#include "net/loops.h"
#include "platforms/discord/protocol.h"

namespace guildhall::bot {
namespace {

using std::chrono::nanoseconds;
using store::GlobalStatement;
using store::GlobalTx;
using store::NoParams;
using store::NoRow;
using store::TxTask;

/// How often it is looked whether there is something to take.
constexpr std::chrono::seconds kLook{1};
/// With Discord's word on how many shards there should be, where it is known how many there were.
constexpr std::chrono::seconds kPatience{3};
constexpr const char* kShards = "discord.shard";       // "COUNT/INDEX", with the session
constexpr const char* kTurns = "discord.identify";     // the key of the turn
constexpr const char* kProcesses = "discord.process";  // the holder
constexpr const char* kBudget = "discord.identifies";  // in process_state
constexpr const char* kCount = "discord.shards";       // likewise

struct ValueRow {
  std::string value;
};
BOOST_DESCRIBE_STRUCT(ValueRow, (), (value))
struct KeyParams {
  std::string key;
};
BOOST_DESCRIBE_STRUCT(KeyParams, (), (key))
struct KeyValueParams {
  std::string key;
  std::string value;
};
BOOST_DESCRIBE_STRUCT(KeyValueParams, (), (key, value))
struct ShardRow {
  std::string name;
  std::string holder;
};
BOOST_DESCRIBE_STRUCT(ShardRow, (), (name, holder))
struct ShardParams {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(ShardParams, (), (name))
/// Of the names that begin with one number of shards.
struct NamesParams {
  std::string first;
  std::string behind;
};
BOOST_DESCRIBE_STRUCT(NamesParams, (), (first, behind))

/// Processes change what they agree on one after the other: this holds its row.
constexpr GlobalStatement<KeyParams, ValueRow> kHold{
    "discord_shards.hold",
    "INSERT INTO process_state (key, value) VALUES (:key, '') ON CONFLICT (key) DO UPDATE SET value = "
    "process_state.value RETURNING value"};
constexpr GlobalStatement<KeyValueParams, NoRow> kSet{
    "discord_shards.set", "UPDATE process_state SET value = :value WHERE key = :key"};
constexpr GlobalStatement<NoParams, ShardRow> kHolders{
    "discord_shards.holders", "SELECT name, holder FROM leases WHERE kind = 'discord.shard' ORDER BY name"};
constexpr GlobalStatement<NamesParams, NoRow> kDropOthers{
    "discord_shards.drop_others",
    "DELETE FROM leases WHERE kind = 'discord.shard' AND (name < :first OR name >= :behind)"};
constexpr GlobalStatement<ShardParams, NoRow> kAdd{
    "discord_shards.add",
    "INSERT INTO leases (kind, name, holder, beats, kept) VALUES ('discord.shard', :name, '', 0, '') "
    "ON CONFLICT (kind, name) DO NOTHING"};

std::string name_of(discord::Shard shard) { return fmt::format("{}/{}", shard.count, shard.index); }

/// '0' comes behind '/'.
NamesParams names_of(int count) { return {fmt::format("{}/", count), fmt::format("{}0", count)}; }

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

discord::Shard shard_of(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) return {0, 0};
  return {number_in(name.substr(slash + 1)), number_in(name.substr(0, slash))};
}

/// Puts the session down beside the lease of its shard.
class LeasedSession final : public discord::SessionStore {
 public:
  LeasedSession(std::shared_ptr<Leases> leases, std::string name, std::string kept)
      : leases_(std::move(leases)), name_(std::move(name)), kept_(std::move(kept)) {}
  Task<std::optional<discord::SavedSession>> load() override { co_return discord::read_session(kept_); }
  Task<void> save(std::optional<discord::SavedSession> session) override {
    co_await leases_->keep(kShards, name_, discord::write_session(session));
  }

 private:
  std::shared_ptr<Leases> leases_;
  std::string name_;
  std::string kept_;
};

class LeasedTurns final : public discord::IdentifyRecord {
 public:
  LeasedTurns(std::shared_ptr<Leases> leases, tenancy::GlobalScope global)
      : leases_(std::move(leases)), global_(global) {}

  Task<Claim> claim(int key) override {
    const std::string name = fmt::format("{}", key);
    co_await leases_->make(kTurns, {name});
    const auto turns = co_await leases_->look(kTurns);
    const auto seen = std::ranges::find(turns, name, &Lease::name);
    if (seen == turns.end()) co_return Claim::taken;
    const auto state = leases_->state_of(*seen);
    if (state == Leases::State::others) co_return Claim::taken;
    const auto taken = co_await leases_->take(*seen);
    if (!taken) co_return Claim::taken;
    co_return state == Leases::State::free ? Claim::ours : Claim::inherited;
  }
  Task<void> release(int key) override { co_await leases_->give_back(kTurns, fmt::format("{}", key)); }
  Task<std::optional<discord::IdentifyBudget>> budget() override {
    co_return discord::read_budget(co_await ProcessState(global_).read(kBudget));
  }
  Task<void> write(discord::IdentifyBudget left) override {
    co_await global_.transact([left](GlobalTx& tx) -> TxTask<void> {
      const auto noted = co_await tx.one(kHold, {kBudget});
      const auto recorded = noted ? discord::read_budget(noted->value) : std::nullopt;
      co_await tx.change(kSet, {kBudget, discord::write_budget(discord::spent(recorded, left))});
    });
  }

 private:
  std::shared_ptr<Leases> leases_;
  tenancy::GlobalScope global_;
};

}  // namespace

struct DiscordShards::Running {
  discord::Shard shard;
  std::unique_ptr<discord::Gateway> gateway;
  bool leaving = false;
};

DiscordShards::DiscordShards(Surroundings surroundings, DiscordShardsOptions options)
    : around_(std::move(surroundings)),
      options_(std::move(options)),
      leases_(std::make_shared<Leases>(around_.global, options_.holder, options_.predecessors,
                                       [timing = around_.timing] { return timing->now(); })),
      turns_(std::make_shared<discord::IdentifyTurns>(
          around_.loop, around_.timing, std::make_shared<LeasedTurns>(leases_, around_.global))),
      timer_(std::make_shared<boost::asio::steady_timer>(around_.loop)),
      fence_timer_(std::make_shared<boost::asio::steady_timer>(around_.loop)) {
  around_.metrics.gauge("guildhall_discord_shards", "Shards that this process serves.",
                        [this] { return static_cast<double>(served_.load()); });
}

DiscordShards::~DiscordShards() = default;

Task<Result<void>> DiscordShards::run() {
  if (const auto count = co_await settle_count(); !count) co_return std::unexpected(count.error());
  fencing_ = true;
  net::spawn(around_.loop, "discord.fence", [this] { return fence(); });
  while (!stopping_ && !failed_) {
    std::string trouble;
    try {
      co_await look_after();
    } catch (const std::exception& e) {
      trouble = e.what();
    }
    if (!trouble.empty()) doubt(trouble);
    co_await pause(kLook);
  }
  co_await end();
  if (failed_ && !stopping_) co_return std::unexpected(*failed_);
  co_return Result<void>{};
}

void DiscordShards::stop() {
  boost::asio::post(around_.loop, [this] {
    stopping_ = true;
    timer_->cancel();
    for (const auto& [index, one] : running_) one->gateway->stop();
  });
}

bool DiscordShards::is_up(ServerId server) const {
  return std::ranges::any_of(running_, [&](const auto& entry) {
    return entry.second->shard.has(server) && entry.second->gateway->health().connected;
  });
}

discord::GatewayHealth DiscordShards::health() const {
  discord::GatewayHealth all;
  all.connected = all_served_;
  for (const auto& [index, one] : running_) {
    const discord::GatewayHealth here = one->gateway->health();
    all.connected = all.connected && here.connected;
    all.latency = std::max(all.latency, here.latency);
    all.last_event_at = std::max(all.last_event_at, here.last_event_at);
    all.guilds += here.guilds;
    all.guilds_pending += here.guilds_pending;
    all.refused_intents |= here.refused_intents;
  }
  return all;
}

// How many shards there are ---------------------------------------------------------------------------

/// 0: unknown, as Discord does not answer; then it is what it was, if it was anything.
Task<Result<int>> DiscordShards::count_wished() {
  if (options_.count > 0) co_return options_.count;
  const auto info = co_await ask_discord();
  if (info) co_return info->shards;
  if (info.error().code == ErrorCode::token_refused) co_return std::unexpected(info.error());
  log::warning("discord does not say how many shards there should be",
               {log::field("error", info.error().message)});
  co_return 0;
}

/// Sessions wait for this to be resumed, so not for long.
Task<Result<discord::GatewayInfo>> DiscordShards::ask_discord() {
  auto answer = std::make_shared<std::optional<Result<discord::GatewayInfo>>>();
  boost::asio::co_spawn(around_.loop, around_.discovery(),
                        [answer, wake = timer_](std::exception_ptr error, Result<discord::GatewayInfo> info) {
                          if (!error) *answer = std::move(info);
                          wake->cancel();
                        });
  const auto give_up = around_.timing->now() + kPatience;
  while (!*answer && !stopping_ && around_.timing->now() < give_up)
    co_await around_.timing->wait(*timer_, give_up);
  if (!*answer) co_return fail(ErrorCode::unavailable, "no answer in time");
  co_return **answer;
}

/// Whoever seems to serve another number may be dead, which shows after a while.
Task<Result<int>> DiscordShards::settle_count() {
  const auto patience = around_.timing->now() + Leases::kSilence + 2 * kLook;
  for (int failures = 1; !stopping_; ++failures) {
    const auto wished = co_await count_wished();
    if (!wished) co_return std::unexpected(wished.error());
    const int count = co_await try_to_agree(*wished);
    const bool as_wished = *wished == 0 || count == *wished;
    if (count > 0 && !as_wished && around_.timing->now() >= patience) {
      log::warning(
          "other processes serve another number of shards, which counts until all of them have ended",
          {log::field("shards", count), log::field("wished", *wished)});
      co_return count;
    }
    if (count > 0 && as_wished) co_return count;
    co_await pause(count > 0 ? nanoseconds(kLook) : discord::backoff(failures, around_.timing->random()));
  }
  co_return 0;
}

/// 0: it is not known.
Task<int> DiscordShards::try_to_agree(int wished) {
  try {
    std::set<std::string> living = co_await living_holders();
    co_return co_await agree(wished, std::move(living));
  } catch (const std::exception& e) {
    log::warning("the number of shards is not known", {log::field("error", e.what())});
  }
  co_return 0;
}

Task<std::set<std::string>> DiscordShards::living_holders() {
  std::set<std::string> holders;
  const auto shards = co_await leases_->look(kShards);
  for (const Lease& seen : shards) {
    if (leases_->state_of(seen) == Leases::State::others) holders.insert(seen.holder);
  }
  co_return holders;
}

/// What is wished, unless one of the living serves another number.
Task<int> DiscordShards::agree(int wished, std::set<std::string> living) {
  co_return co_await around_.global.transact([wished, living](GlobalTx& tx) -> TxTask<int> {
    const auto noted = co_await tx.one(kHold, {kCount});
    const int before = noted ? number_in(noted->value) : 0;
    const auto holders = co_await tx.all(kHolders);
    const bool served = std::ranges::any_of(holders, [&](const ShardRow& row) {
      return shard_of(row.name).count == before && living.contains(row.holder);
    });
    const int agreed = wished == 0 || (served && before > 0) ? before : wished;
    if (agreed == 0) co_return 0;
    co_await tx.change(kSet, {kCount, fmt::format("{}", agreed)});
    co_await tx.change(kDropOthers, names_of(agreed));
    for (int index = 0; index < agreed; ++index) co_await tx.change(kAdd, {name_of({index, agreed})});
    co_return agreed;
  });
}

// Who serves them -------------------------------------------------------------------------------------

Task<void> DiscordShards::look_after() {
  const auto now = around_.timing->now();
  if (!beaten_at_ || now - *beaten_at_ >= Leases::kBeat) co_await show_life();
  const std::size_t processes = co_await count_processes();
  if (std::exchange(processes_, processes) != processes) around_.on_processes(processes);
  had_company_ = had_company_ || processes_ > 1;
  auto shards = co_await leases_->look(kShards);
  std::ranges::sort(shards, {}, [](const Lease& one) { return shard_of(one.name).index; });
  all_served_ = std::ranges::none_of(shards, [&](const Lease& one) { return lies_idle(one); });
  co_await share(shards, processes_);
}

/// Nobody serves it: also one that is ours by the database and did not come to be served, or to be given
/// back.
bool DiscordShards::lies_idle(const Lease& seen) const {
  const auto state = leases_->state_of(seen);
  return state != Leases::State::others &&
         (state != Leases::State::ours || !running_.contains(shard_of(seen.name).index));
}

Task<void> DiscordShards::show_life() {
  const auto now = around_.timing->now();
  auto ours = co_await leases_->beat();
  if (!ours.contains({kProcesses, leases_->holder()})) co_await join();
  beaten_at_ = now;
  for (const auto& [index, one] : running_) {
    if (ours.contains({kShards, name_of(one->shard)}) || one->leaving) continue;
    log::warning("a shard was taken over by another process, which took this one for dead",
                 {log::field("shard", name_of(one->shard))});
    leave(*one);
  }
}

Task<void> DiscordShards::join() {
  co_await leases_->make(kProcesses, {leases_->holder()});
  for (const Lease& seen : co_await leases_->look(kProcesses)) {
    if (seen.name == leases_->holder() && seen.holder.empty()) co_await leases_->take(seen);
  }
}

/// Those that live, this one among them.
Task<std::size_t> DiscordShards::count_processes() {
  std::size_t alive = 1;
  for (const Lease& seen : co_await leases_->look(kProcesses)) {
    const auto state = leases_->state_of(seen);
    if (state == Leases::State::others) ++alive;
    if (state == Leases::State::dead || (state == Leases::State::free && seen.name != leases_->holder()))
      co_await leases_->remove(seen);
  }
  co_return alive;
}

/// No process has more than its part, rounded up.
Task<void> DiscordShards::share(const std::vector<Lease>& shards, std::size_t processes) {
  const std::size_t fair = (shards.size() + processes - 1) / processes;
  for (const Lease& seen : shards) {
    if (stopping_ || !lies_idle(seen)) continue;
    if (running_.size() < fair) {
      co_await take(seen);
    } else if (leases_->state_of(seen) == Leases::State::ours) {
      co_await leases_->give_back(seen.kind, seen.name);
    }
  }
  const auto staying = std::ranges::count_if(running_, [](const auto& one) { return !one.second->leaving; });
  if (static_cast<std::size_t>(staying) > fair) hand_over_one();
}

void DiscordShards::hand_over_one() {
  const auto last =
      std::find_if(running_.rbegin(), running_.rend(), [](const auto& one) { return !one.second->leaving; });
  log::info("a shard is handed over to another process", {log::field("shard", name_of(last->second->shard))});
  leave(*last->second);
}

void DiscordShards::leave(Running& one) {
  one.leaving = true;
  one.gateway->stop();
}

Task<void> DiscordShards::take(const Lease& seen) {
  const discord::Shard shard = shard_of(seen.name);
  auto kept = co_await leases_->take(seen);
  // What is left of another connection's going away comes first, and whoever ends takes up nothing more.
  if (!kept || stopping_ || running_.contains(shard.index)) co_return;
  log::info("a shard is served here", {log::field("shard", seen.name)});
  discord::GatewayOptions options = options_.gateway;
  options.shard = shard;
  options.handed_over = had_company_;
  auto one = std::make_unique<Running>();
  one->shard = shard;
  one->gateway = std::make_unique<discord::Gateway>(
      around_.loop, std::move(options), around_.handler, around_.state,
      std::make_shared<LeasedSession>(leases_, seen.name, *std::move(kept)), turns_, around_.connector,
      around_.discovery, around_.timing, around_.metrics);
  running_[shard.index] = std::move(one);
  served_ = running_.size();
  net::spawn(around_.loop, "discord.shard", [this, index = shard.index] { return serve(index); });
}

Task<void> DiscordShards::serve(int index) {
  const Running& one = *running_.at(index);
  std::string trouble;
  try {
    const auto ended = co_await one.gateway->run();
    if (!ended && !failed_) failed_ = ended.error();
    co_await leases_->give_back(kShards, name_of(one.shard));
  } catch (const std::exception& e) {
    trouble = e.what();
  }
  if (!trouble.empty()) {
    log::warning("a shard is not given back yet",
                 {log::field("shard", name_of(one.shard)), log::field("error", trouble)});
  }
  around_.state.forget(one.shard);  // whoever serves it hears what changes
  running_.erase(index);
  served_ = running_.size();
  timer_->cancel();
}

void DiscordShards::doubt(const std::string& trouble) {
  log::warning("shards could not be looked after", {log::field("error", trouble)});
  // What others serve is not known any more; what this one serves is.
  if (processes_ > 1) all_served_ = false;
}

/// The database does not answer. Other processes, if there are any, may reach it and take this one for dead.
/// By itself, because whoever looks after the shards may be waiting for the database.
Task<void> DiscordShards::fence() {
  while (!ended_) {
    const bool silent = beaten_at_ && around_.timing->now() - *beaten_at_ >= Leases::kFence;
    for (const auto& [index, one] : running_) {
      if (silent && processes_ > 1 && !one->leaving) leave(*one);
    }
    co_await around_.timing->wait(*fence_timer_, around_.timing->now() + kLook);
  }
  fencing_ = false;
}

Task<void> DiscordShards::end() {
  for (const auto& [index, one] : running_) leave(*one);
  while (!running_.empty()) co_await pause(kLook);
  ended_ = true;
  fence_timer_->cancel();
  while (fencing_) co_await pause(kLook);
  try {
    co_await leases_->give_back(kProcesses, leases_->holder());
  } catch (const std::exception& e) {
    log::warning("the others are not told that this process ends", {log::field("error", e.what())});
  }
}

/// Whoever ends need not wait for long, whether it heard the word or not.
Task<void> DiscordShards::pause(nanoseconds time) {
  if (stopping_) time = std::min<nanoseconds>(time, kLook);
  co_await around_.timing->wait(*timer_, around_.timing->now() + time);
}

TxTask<void> rehearse_discord_shards(GlobalTx& tx, TimePoint) {
  co_await tx.one(kHold, {kCount});
  co_await tx.change(kSet, {kCount, "7"});
  co_await tx.change(kAdd, {"7/6"});
  co_await tx.change(kAdd, {"8/6"});
  co_await tx.all(kHolders);
  co_await tx.change(kDropOthers, names_of(7));
}

void declare_discord_shards(store::StatementRegistry& statements) {
  statements.add("discord_shards", kHold, kSet, kHolders, kDropOthers, kAdd);
}

}  // namespace guildhall::bot
