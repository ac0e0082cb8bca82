// Sends Kick's events to the bot's address: signed, in order per channel, again with growing pauses
// until they are answered 2xx or ten minutes old. The pauses are real time, the age is the world's.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "net/http_client.h"
#include "sim/random.h"
#include "sim/signing.h"
#include "sim/stage.h"

namespace guildhall::sim {

struct KickEvent {
  KickFact fact;  // without the message id, which is made here
  std::string subscription_id;
  json::Object body;
};

struct KickWebhookOptions {
  std::string address;       // empty: nothing is sent
  std::size_t parallel = 1;  // per channel; with more than one the order is not promised
};

class KickWebhooks {
 public:
  KickWebhooks(Stage& stage, SigningKey key, KickWebhookOptions options);

  void set_address(std::string address) { options_.address = std::move(address); }
  /// Told how each attempt with a genuine signature ended.
  void on_attempt(std::function<void(const std::string& event, bool taken)> listener) {
    attempted_ = std::move(listener);
  }
  const SigningKey& key() const { return key_; }

  /// Queues it behind the earlier ones of its channel. The oldest of very many is given up.
  void send(KickEvent event);
  /// Not answered yet.
  std::size_t waiting() const;

 private:
  struct Pending {
    KickFact fact;
    std::string subscription_id;
    std::string body;
    std::string signed_at;
    TimePoint signed_time;
    bool overtaken = false;
  };
  struct Lane {
    std::deque<Pending> queue;
    std::size_t workers = 0;
    std::size_t in_flight = 0;
  };

  Task<void> work(Lane& lane);
  Task<void> deliver(Pending pending);
  /// After a pause, for which those behind it do not wait.
  Task<void> deliver_late(Lane& lane, Pending pending);
  /// Attempts until it is accepted or too old.
  Task<Delivery> tell(const Pending& pending);
  Task<int> post(const Pending& pending, std::string signature);
  std::string signature_of(const Pending& pending) const;
  bool too_old(const Pending& pending) const;

  Stage& stage_;
  SigningKey key_;
  KickWebhookOptions options_;
  Random random_;
  net::HttpClient client_;
  std::map<KickId, Lane> lanes_;
  std::function<void(const std::string&, bool)> attempted_ = [](const std::string&, bool) {};
};

}  // namespace guildhall::sim
