#include "platforms/discord/posted_interactions.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"

namespace guildhall::discord {
namespace {

class Posted : public testing::Test {
 protected:
  Posted() {
    std::ifstream file(GUILDHALL_SOURCE_DIR "/tests/fixtures/official/vectors.json");
    std::stringstream text;
    text << file.rdbuf();
    vector_ = json::parse(text.str())->at("discord_http_interaction");
    key_ = json::text_or(vector_, "public_key_hex", "");
    clock_.set(signed_at());
    request_.method = "POST";
    request_.headers = {{"x-signature-ed25519", json::text_or(vector_, "signature_hex", "")},
                        {"x-signature-timestamp", json::text_or(vector_, "timestamp", "")}};
    request_.body = json::text_or(vector_, "body", "");
  }

  TimePoint signed_at() const {
    return TimePoint(std::chrono::seconds(std::stoll(json::text_or(vector_, "timestamp", ""))));
  }
  std::string& header(std::size_t index) { return request_.headers[index].second; }
  /// Empty: it is believed.
  std::optional<ErrorCode> refusal() const {
    const auto read = PostedInteractions(clock_, *Ed25519PublicKey::from_hex(key_)).read(request_);
    return read ? std::nullopt : std::optional(read.error().code);
  }

  json::Value vector_;
  ManualClock clock_{TimePoint()};
  std::string key_;
  net::HttpRequest request_;
};

TEST_F(Posted, TheVectorIsAPing) {
  const auto read = PostedInteractions(clock_, *Ed25519PublicKey::from_hex(key_)).read(request_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->type, InteractionType::ping);
}

TEST_F(Posted, WhateverDiffersFromWhatWasSignedIsRefused) {
  const net::HttpRequest genuine = request_;
  const auto refuses = [&](const char* what) {
    EXPECT_EQ(refusal(), ErrorCode::unauthenticated) << what;
    request_ = genuine;
  };
  request_.body += ' ';
  refuses("a byte more");
  request_.body[8] = '2';
  refuses("another type");
  request_.body = "not even JSON";
  refuses("what nobody signed is not read");
  header(1).back() = '1';
  refuses("another time");
  header(1) = " " + header(1);
  refuses("another text of the time");
  header(0)[5] = header(0)[5] == '0' ? '1' : '0';
  refuses("another signature");
  header(0).resize(126);
  refuses("a byte less");
  header(0) = "";
  refuses("no signature");
  header(0) = std::string(128, 'z');
  refuses("no hexadecimal digits");
  request_.headers.pop_back();
  refuses("no time");
  request_.headers.erase(request_.headers.begin());
  refuses("no signature at all");
  key_[0] = key_[0] == '0' ? '1' : '0';
  refuses("another application's key");
}

TEST_F(Posted, WhatWasRecordedCannotBePostedAgainLater) {
  for (const auto age : {std::chrono::seconds(300), std::chrono::seconds(-300)}) {
    clock_.set(signed_at() + age);
    EXPECT_EQ(refusal(), std::nullopt) << age.count();
    clock_.set(signed_at() + age + age / 300);
    EXPECT_EQ(refusal(), ErrorCode::unauthenticated) << age.count();
  }
}

}  // namespace
}  // namespace guildhall::discord
