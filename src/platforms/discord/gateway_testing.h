// For tests of the gateway: a handler that does nothing and one that writes down what it is told, a session's
// store in memory, and a gateway whose other end the test plays. What takes long to compile is defined once,
// in gateway_test.cpp.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "platforms/discord/gateway.h"
#include "platforms/discord/scripted.h"

namespace guildhall::discord {

struct DeafHandler : GatewayHandler {
  void on_ready(Ready, Receipt) override {}
  void on_intents_refused(Intents) override {}
  void on_guild(GuildSnapshot, GuildArrival, Receipt) override {}
  void on_guild_renamed(ServerId, std::string, Receipt) override {}
  void on_guild_unavailable(ServerId) override {}
  void on_guild_removed(ServerId, Receipt) override {}
  void on_member_joined(MemberJoin, Receipt) override {}
  void on_member_left(MemberLeave, Receipt) override {}
  void on_message(Message) override {}
  void on_interaction(Interaction) override {}
};

/// Writes down what it is told.
class Listener final : public GatewayHandler {
 public:
  void on_ready(Ready ready, Receipt receipt) override;
  void on_intents_refused(Intents refused) override;
  void on_guild(GuildSnapshot guild, GuildArrival arrival, Receipt receipt) override;
  void on_guild_renamed(ServerId guild, std::string name, Receipt receipt) override;
  void on_guild_unavailable(ServerId guild) override;
  void on_guild_removed(ServerId guild, Receipt receipt) override;
  void on_permissions_changed(ServerId guild) override;
  void on_member_joined(MemberJoin join, Receipt receipt) override;
  void on_member_left(MemberLeave leave, Receipt receipt) override;
  /// Of one that says "throw" it throws.
  void on_message(Message message) override;
  void on_interaction(Interaction interaction) override;
  bool is_full() const override { return full; }

  std::vector<std::string> notes;
  bool keeps = false;  // the receipts of members that join
  std::vector<Receipt> kept;
  bool full = false;

 private:
  void note(std::string_view what, const std::string& which);
};

class MemoryStore final : public SessionStore {
 public:
  Task<std::optional<SavedSession>> load() override;
  Task<void> save(std::optional<SavedSession> next) override;

  std::optional<SavedSession> session;
  std::shared_ptr<Timing> timing;  // set: saving takes 3 s
};

/// Of the turns to identify; nobody else wants one.
class MemoryRecord final : public IdentifyRecord {
 public:
  Task<Claim> claim(int key) override;
  Task<void> release(int key) override;
  Task<std::optional<IdentifyBudget>> budget() override;
  Task<void> write(IdentifyBudget budget) override;

  std::optional<IdentifyBudget> kept;
  bool broken = false;
  std::shared_ptr<Timing> timing;  // set: writing takes 3 s
};

struct GatewayTest : testing::Test, TestLoop {
  GatewayTest();
  ~GatewayTest() override;

  /// As a process does when it starts; with `other` in place of `store`.
  void begin(std::shared_ptr<SessionStore> other = nullptr);
  Task<Result<std::unique_ptr<net::WebSocket>>> connect(std::string url);
  Task<Result<GatewayInfo>> discover();

  GatewayPeer& peer() { return *peers.back(); }
  void say(const std::string& message);
  void hello(int interval_ms = 40'000);
  void event(std::string_view name, const std::string& data, int sequence);
  void ready(const std::string& guilds = "[]");
  void message(const std::string& text, int sequence);
  void member(int user, int sequence);
  /// Connects and brings the session up.
  void come_up(const std::string& guilds = "[]", int interval_ms = 40'000);
  void close(int code);
  void stop();

  /// Op codes of what the present peer got.
  std::vector<std::int64_t> ops();
  json::Value last_frame() { return *json::parse(peer().from_client.back()); }
  std::int64_t beats() { return std::ranges::count(ops(), 1); }

  GatewayOptions options{
      .token = "a-token", .intents = kDefaultIntents, .gateway_url = {}, .compression = Compression::none};
  Listener listener;
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  std::shared_ptr<MemoryRecord> record = std::make_shared<MemoryRecord>();
  std::shared_ptr<IdentifyTurns> turns;
  Metrics metrics;
  State state{{}, metrics};
  State* remembered = &state;
  Result<GatewayInfo> discovered =
      GatewayInfo{"wss://main", 1, IdentifyLimit{1000, 999, std::chrono::hours(24)}};
  int asked = 0;
  std::vector<std::string> unreachable;
  bool hanging = false;
  std::vector<std::string> dialled;
  std::vector<std::shared_ptr<GatewayPeer>> peers;
  std::unique_ptr<Gateway> gateway;
  std::shared_ptr<std::optional<Result<void>>> ended;
};

}  // namespace guildhall::discord
