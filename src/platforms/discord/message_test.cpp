#include "platforms/discord/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/text.h"

namespace guildhall::discord {
namespace {

using testing::ElementsAre;

json::Object written(const MessageBody& body) { return message_json(body).value(); }

std::string text_of(const json::Value& object, std::string_view key) {
  return json::text_or(object, key, "(none)");
}

TEST(MessageBody, SaysWhatIsInItAndPingsNobody) {
  MessageBody body("Most points:\n1. Owl");
  Embed embed;
  embed.title = "Raffle";
  embed.fields = {{"Prize", "A book", true}};
  embed.footer = "ends soon";
  embed.author = "Club";
  embed.color = 0x1'00'33'99;
  embed.at = from_micros(1'777'629'600'000'000);
  body.embeds = {embed, Embed{}};
  EXPECT_EQ(json::Value(written(body)), *json::parse(R"({
      "content":"Most points:\n1. Owl","allowed_mentions":{"parse":[]},
      "embeds":[{"title":"Raffle","author":{"name":"Club"},"footer":{"text":"ends soon"},"color":13209,
        "fields":[{"name":"Prize","value":"A book","inline":true}],"timestamp":"2026-05-01T10:00:00Z"}]})"));
}

TEST(MessageBody, AnEditTakesAwayWhatIsNotThereAnyMore) {
  EXPECT_EQ(json::Value(edited_message_json("x").value()),
            *json::parse(R"({"content":"x","embeds":[],"components":[],"allowed_mentions":{"parse":[]}})"));
}

TEST(MessageBody, NothingToSayIsAnError) {
  for (const char* blank : {"", "  \n ", "\u3000\u00A0"}) {
    EXPECT_EQ(message_json(blank).error().code, ErrorCode::invalid);
    EXPECT_EQ(edited_message_json(blank).error().code, ErrorCode::invalid);
  }
}

TEST(MessageBody, AListLosesWholeLines) {
  std::string rows;
  for (int i = 1; i <= 200; ++i) rows += std::to_string(i) + ". somebody with a name\n";
  const std::string text = text_of(written(rows), "content");
  EXPECT_LE(text.size(), kLongestMessage + 2);  // … has three bytes and is one unit
  EXPECT_TRUE(text.ends_with("somebody with a name\n…")) << text.substr(text.size() - 60);
}

TEST(MessageBody, AFieldWithoutAWordIsStillOne) {
  MessageBody body;
  Embed embed;
  embed.fields = {{"", "value"}, {"name", " \u00A0"}};
  body.embeds = {embed};
  const json::Object json = written(body);
  const json::Array& fields = json::array(json.at("embeds").get_array().at(0), "fields");
  EXPECT_EQ(text_of(fields.at(0), "name"), "\u200B");
  EXPECT_EQ(text_of(fields.at(1), "value"), "\u200B");
}

TEST(MessageBody, WhatIsTooMuchGoesFromTheEnd) {
  MessageBody body;
  Embed embed;
  embed.description = std::string(3'000, 'a');
  embed.fields.assign(30, {"name", "value"});
  body.embeds.assign(12, embed);
  const json::Object json = written(body);
  const json::Array& embeds = json.at("embeds").get_array();
  ASSERT_GE(embeds.size(), 2U);
  EXPECT_EQ(text_of(embeds.at(0), "description").size(), 3'000U);
  EXPECT_EQ(json::array(embeds.at(0), "fields").size(), 25U);
  EXPECT_TRUE(text_of(embeds.at(1), "description").ends_with("…")) << "what was left of 6,000";
}

/// Texts of every length around the limits, of everything that is hard to cut.
class Random {
 public:
  explicit Random(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string text(std::size_t limit) {
    static const std::vector<std::string_view> kPieces{"word",
                                                       " ",
                                                       "\n",
                                                       "e\u0301\u0323",
                                                       "👩‍👩‍👧‍👦",
                                                       "🇩🇪",
                                                       "\U0001D54F",
                                                       "\u3000",
                                                       "\\",
                                                       "*",
                                                       "<@1>",
                                                       "@everyone",
                                                       "\xED\xA0\x80",
                                                       "\xFF",
                                                       "\u202E",
                                                       "\u200D",
                                                       std::string_view("\0", 1)};
    const std::size_t wanted = below(4) == 0 ? below(8) : limit - limit / 8 + below(limit / 4 + 2);
    std::string text;
    while (text.size() < wanted) text += kPieces[below(kPieces.size())];
    return text;
  }

  Embed embed() {
    Embed embed;
    embed.title = text(256);
    embed.description = below(3) == 0 ? text(4'096) : "";
    embed.footer = below(2) == 0 ? text(2'048) : "";
    embed.author = below(2) == 0 ? text(256) : "";
    for (std::size_t i = below(30); i > 0; --i)
      embed.fields.push_back({text(256), below(2) == 0 ? text(1'024) : "x"});
    return embed;
  }

 private:
  std::mt19937 random_;
};

/// Text as Discord takes it; its length.
std::size_t checked(const json::Value& object, std::string_view key, std::size_t limit, bool required) {
  const json::Value* found = json::find(object, key);
  if (found == nullptr) {
    EXPECT_FALSE(required) << key;
    return 0;
  }
  const std::string_view text = found->get_string();
  const std::size_t length = utf16_length(text);
  EXPECT_TRUE(is_clean_utf8(text)) << text;
  EXPECT_GE(length, 1U) << key;
  EXPECT_LE(length, limit) << key;
  return length;
}

std::size_t checked_embed(const json::Value& embed) {
  std::size_t total = checked(embed, "title", 256, false) + checked(embed, "description", 4'096, false);
  if (const json::Value* footer = json::find(embed, "footer")) total += checked(*footer, "text", 2'048, true);
  if (const json::Value* author = json::find(embed, "author")) total += checked(*author, "name", 256, true);
  EXPECT_LE(json::array(embed, "fields").size(), 25U);
  for (const json::Value& field : json::array(embed, "fields"))
    total += checked(field, "name", 256, true) + checked(field, "value", 1'024, true);
  EXPECT_GT(total, 0U) << "an embed that says nothing";
  return total;
}

TEST(MessageBody, WhateverIsPutInGoesOutWithinTheLimits) {
  Random random(11);
  int full = 0;
  for (int round = 0; round < 150; ++round) {
    MessageBody body(random.text(kLongestMessage));
    for (std::size_t i = random.below(13); i > 0; --i) body.embeds.push_back(random.embed());
    const auto made = message_json(body);
    if (!made) continue;  // there was nothing in it
    const json::Value json = *made;
    EXPECT_EQ(json::write(json.at("allowed_mentions")), R"({"parse":[]})");
    checked(json, "content", kLongestMessage, false);
    const json::Array& embeds = json::array(json, "embeds");
    EXPECT_LE(embeds.size(), kMostEmbeds);
    std::size_t total = 0;
    for (const json::Value& embed : embeds) total += checked_embed(embed);
    EXPECT_LE(total, kLongestEmbeds);
    if (total > kLongestEmbeds - 10) ++full;
  }
  EXPECT_GT(full, 20) << "the limit of all embeds together was hardly ever reached";
}

}  // namespace
}  // namespace guildhall::discord
