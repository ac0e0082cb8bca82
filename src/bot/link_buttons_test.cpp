#include "bot/link_buttons.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::bot {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text) {
  const auto parsed = parse_link_buttons(text, "{url}");
  return parsed ? "" : parsed.error().message;
}
std::string refusal_of_url(std::string_view url) {
  return refusal(fmt::format(R"([{{"label": "Go", "url": "{}"}}])", url));
}

TEST(LinkButtons, AreReadAsTheyWereWritten) {
  const auto parsed = parse_link_buttons(
      R"([{"label": " Shop ", "url": "https://shop.example/a?b=c#d", "emoji": "🛒"},
          {"label": "Watch", "url": "{url}"},
          {"label": "Ours", "url": "http://one.example:8080", "emoji": "<a:owl_1:123456789012345678>"},
          {"label": "Bot", "url": "{url}", "emoji": "app:live"}])",
      "{url}");
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->size(), 4U);
  EXPECT_EQ(parsed->front(), (LinkButton{"Shop", "https://shop.example/a?b=c#d", "🛒"}));
  EXPECT_EQ(read_link_buttons(write_link_buttons(*parsed)), *parsed);
  EXPECT_EQ(write_link_buttons({}), "");
  EXPECT_TRUE(read_link_buttons("").empty());
}

TEST(LinkButtons, LeadOnlyWhereEverybodyCanBeSent) {
  EXPECT_EQ(refusal_of_url("https://kick.com/owl"), "");
  for (const char* url : {"javascript:alert(1)", "data:text/html,x", "discord://app", "ws://a.example", "",
                          "kick.com", "ftp://a.example", "HTTPS//x.example"})
    EXPECT_THAT(refusal_of_url(url), HasSubstr("button 1 needs an address that begins with")) << url;
  for (const char* url :
       {"https://", "https://localhost/", "https://user:word@evil.example/", "https://a..example",
        "https://.example", "https:///path", "https://a.example:port/"})
    EXPECT_THAT(refusal_of_url(url), HasSubstr("leads nowhere")) << url;
  for (const char* url : {"https://a.example/ b", "https://a.example/\\nb", "https://a.example/<b>",
                          "https://ä.example", "https://a.example/{title}"})
    EXPECT_THAT(refusal_of_url(url), HasSubstr("no address may hold")) << url;
  EXPECT_THAT(refusal_of_url("https://a.example/" + std::string(500, 'x')), HasSubstr("longer than 512"));
}

TEST(LinkButtons, SayWhatIsWrongWithThem) {
  EXPECT_THAT(refusal("Shop"), HasSubstr("must be a JSON list"));
  EXPECT_THAT(refusal(R"({"label": "a"})"), HasSubstr("must be a JSON list"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("button 1 must be written as"));
  EXPECT_THAT(refusal(R"([{"label": "a", "url": "{url}"}, {"label": "", "url": "{url}"}])"),
              HasSubstr("button 2 needs a label"));
  EXPECT_THAT(refusal(fmt::format(R"([{{"label": "{}", "url": "{{url}}"}}])", std::string(81, 'x'))),
              HasSubstr("at most 80"));
  EXPECT_THAT(refusal(R"([{"label": "a", "url": "{url}", "style": 1}])"), HasSubstr("knows no 'style'"));
  for (const char* emoji : {"x", "smile", ":smile:", "<:owl:1>", "ä", "🛒x", "app:", "app:no way"}) {
    EXPECT_THAT(refusal(fmt::format(R"([{{"label": "a", "url": "{{url}}", "emoji": "{}"}}])", emoji)),
                HasSubstr("is not an emoji"));
  }
  std::string many = "[";
  for (int i = 0; i < 6; ++i) many += std::string(i > 0 ? "," : "") + R"({"label": "a", "url": "{url}"})";
  EXPECT_THAT(refusal(many + "]"), HasSubstr("at most 5 buttons"));
}

}  // namespace
}  // namespace guildhall::bot
