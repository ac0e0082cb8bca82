#include "platforms/discord/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace guildhall::discord {
namespace {

using testing::HasSubstr;

Modal small_modal() {
  Field field;
  field.label = "Why";
  field.input = TextInput{"reason"};
  return {"report", "Report", {field}};
}

/// One of each, in the order of the alternatives.
std::vector<FirstAnswer> one_of_each() {
  return {Pong{}, Say{"hi"}, Defer{}, DeferUpdate{}, Update{"hi"}, Suggest{}, Ask{small_modal()}};
}

/// Which of Discord's callback numbers go through for such an interaction.
std::vector<std::int64_t> taken(InteractionType type, bool from_message = false) {
  std::vector<std::int64_t> numbers;
  for (const FirstAnswer& answer : one_of_each()) {
    const auto json = answer_json({InteractionId(1), "t", type, from_message}, answer);
    if (json) numbers.push_back(json->at("type").as_int64());
  }
  return numbers;
}

TEST(Answers, EachInteractionTakesItsOwn) {
  using Numbers = std::vector<std::int64_t>;
  EXPECT_EQ(taken(InteractionType::ping), (Numbers{1}));
  EXPECT_EQ(taken(InteractionType::command), (Numbers{4, 5, 9}));
  EXPECT_EQ(taken(InteractionType::component, true), (Numbers{4, 5, 6, 7, 9}));
  EXPECT_EQ(taken(InteractionType::autocomplete), (Numbers{8}));
  EXPECT_EQ(taken(InteractionType::modal), (Numbers{4, 5}));
  EXPECT_EQ(taken(InteractionType::modal, true), (Numbers{4, 5, 6, 7})) << "no form after a form";
  EXPECT_EQ(taken(static_cast<InteractionType>(77)), (Numbers{}));
}

json::Object body_of(InteractionType type, const FirstAnswer& answer) {
  return answer_json({InteractionId(1), "t", type, true}, answer).value();
}

TEST(Answers, ADeferralSaysWhoWillSeeTheAnswerAndNothingElse) {
  EXPECT_EQ(json::write(body_of(InteractionType::command, Defer{true})), R"({"type":5,"data":{"flags":64}})");
  EXPECT_EQ(json::write(body_of(InteractionType::command, Defer{})), R"({"type":5})");
  EXPECT_EQ(json::write(body_of(InteractionType::component, DeferUpdate{})), R"({"type":6})");
}

TEST(Answers, AtMostTwentyFiveChoicesGoOutAndNoneAsAnother) {
  Suggest suggest;
  suggest.choices = {
      {std::string(120, 'n'), "long name"}, {"long value", std::string(101, 'v')}, {" ", "blank"}, {"x", ""}};
  for (int i = 0; i < 40; ++i) suggest.choices.push_back({"owl " + std::to_string(i), std::to_string(i)});
  const json::Object body = body_of(InteractionType::autocomplete, suggest);
  const json::Array& choices = json::array(body.at("data"), "choices");
  ASSERT_EQ(choices.size(), 25U);
  EXPECT_EQ(json::text(choices[0], "value"), "long name");
  EXPECT_EQ(json::text_or(choices[0], "name", "").size(), 99U + 3U);
  EXPECT_EQ(json::text(choices[1], "value"), "0") << "a value that had to be cut would be another";
  EXPECT_EQ(json::write(body_of(InteractionType::autocomplete, Suggest{})),
            R"({"type":8,"data":{"choices":[]}})");
}

Result<json::Array> rows_of(Row row) { return rows_json({std::move(row)}); }

std::string refusal(const std::vector<Row>& rows) {
  const auto json = rows_json(rows);
  return json ? "" : json.error().message;
}

TEST(Components, ButtonsOfEveryStyle) {
  ButtonRow row;
  for (const ButtonStyle style :
       {ButtonStyle::primary, ButtonStyle::secondary, ButtonStyle::success, ButtonStyle::danger})
    row.emplace_back(
        Button{"b" + std::to_string(row.size()), std::string(90, 'x'), style, style == ButtonStyle::danger});
  row.emplace_back(LinkButton{"https://example.org/a", "Open"});
  const json::Array rows = rows_of(row).value();
  const json::Array& buttons = json::array(rows.at(0), "components");
  ASSERT_EQ(buttons.size(), 5U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(json::integer(buttons[static_cast<std::size_t>(i)], "style"), i + 1);
    EXPECT_EQ(json::text_or(buttons[static_cast<std::size_t>(i)], "label", "").size(), 79U + 3U);
  }
  EXPECT_EQ(json::write(buttons[4]),
            R"({"type":2,"style":5,"label":"Open","url":"https://example.org/a","disabled":false})");
}

TEST(Components, SelectsOfEveryKind) {
  for (const SelectKind kind :
       {SelectKind::text, SelectKind::user, SelectKind::role, SelectKind::mentionable, SelectKind::channel}) {
    Select select{kind, "s"};
    if (kind == SelectKind::text) select.options = {{"Owl", "owl", "a bird", true}, {"Fox", "fox"}};
    if (kind == SelectKind::channel) select.channel_types = {0, 5};
    select.least = 0;
    const json::Array rows = rows_of(select).value();
    const json::Value& written = json::array(rows.at(0), "components").at(0);
    EXPECT_EQ(json::integer(written, "type"), static_cast<int>(kind));
    EXPECT_EQ(json::integer(written, "min_values"), 0);
    EXPECT_EQ(json::find(written, "required"), nullptr) << "a word of modals";
  }
}

TEST(Components, WhatCannotBeCutIsRefused) {
  const Button good{"id", "label"};
  EXPECT_EQ(refusal({ButtonRow{good}}), "");
  EXPECT_THAT(refusal({ButtonRow{Button{"", "label"}}}), HasSubstr("custom id"));
  EXPECT_THAT(refusal({ButtonRow{Button{std::string(101, 'x'), "label"}}}), HasSubstr("custom id"));
  EXPECT_THAT(refusal({ButtonRow{good}, ButtonRow{good}}), HasSubstr("used twice"));
  EXPECT_THAT(refusal({ButtonRow{Button{"id", " "}}}), HasSubstr("label"));
  EXPECT_THAT(refusal({ButtonRow{}}), HasSubstr("number of buttons"));
  EXPECT_THAT(refusal({ButtonRow(6, LinkButton{"https://example.org", "x"})}),
              HasSubstr("number of buttons"));
  EXPECT_THAT(refusal({ButtonRow{LinkButton{"javascript:x", "x"}}}), HasSubstr("address"));
  EXPECT_THAT(refusal({ButtonRow{LinkButton{"https://" + std::string(512, 'x'), "x"}}}),
              HasSubstr("address"));
  EXPECT_THAT(refusal(std::vector<Row>(6, ButtonRow{LinkButton{"https://example.org", "x"}})),
              HasSubstr("rows"));
  EXPECT_THAT(refusal({Select{SelectKind::text, "s"}}), HasSubstr("number of options"));
  Select select{SelectKind::text, "s", {{"a", "same"}, {"b", "same"}}};
  EXPECT_THAT(refusal({select}), HasSubstr("an option twice"));
  select.options = {{"a", std::string(101, 'v')}};
  EXPECT_THAT(refusal({select}), HasSubstr("option's value"));
  select.options.assign(26, {"a", "a"});
  for (std::size_t i = 0; i < 26; ++i) select.options[i].value += std::to_string(i);
  EXPECT_THAT(refusal({select}), HasSubstr("number of options"));
  Select users{SelectKind::user, "s"};
  users.most = 26;
  EXPECT_THAT(refusal({users}), HasSubstr("may be chosen"));
  users.most = 1;
  users.least = 2;
  EXPECT_THAT(refusal({users}), HasSubstr("may be chosen"));
}

TEST(Components, AModalHasLabelsWithOneFieldEach) {
  Modal modal{"report", std::string(50, 't'), {}};
  modal.fields.push_back({"Text", "What happened", TextInput{"text", true, 5, 9'000}});
  Select who{SelectKind::user, "who"};
  who.least = 0;
  modal.fields.push_back({"Who", "", who});
  modal.fields.push_back({"Kind", "", RadioGroup{"kind", {{"A", "a"}, {"B", "b"}}, false}});
  modal.fields.push_back({"Rules", "", CheckboxGroup{"rules", {{"One", "1"}}}});
  modal.fields.push_back({"Sure", "", Checkbox{"sure", true}});
  EXPECT_EQ(json::Value(modal_json(modal).value()), *json::parse(R"({"custom_id":"report",
    "title":"tttttttttttttttttttttttttttttttttttttttttttt…","components":[
    {"type":18,"label":"Text","description":"What happened","component":{"type":4,"custom_id":"text","style":2,
      "min_length":5,"max_length":4000,"required":true}},
    {"type":18,"label":"Who","component":{"type":5,"custom_id":"who","min_values":0,"max_values":1,"required":false}},
    {"type":18,"label":"Kind","component":{"type":21,"custom_id":"kind","required":false,
      "options":[{"label":"A","value":"a"},{"label":"B","value":"b"}]}},
    {"type":18,"label":"Rules","component":{"type":22,"custom_id":"rules","min_values":1,"max_values":1,
      "required":true,"options":[{"label":"One","value":"1"}]}},
    {"type":18,"label":"Sure","component":{"type":23,"custom_id":"sure","default":true}}]})"));
}

TEST(Components, AModalThatDiscordWouldRefuseIsAnError) {
  const auto error_of = [](const Modal& modal) { return modal_json(modal).error().message; };
  Modal modal = small_modal();
  modal.fields.clear();
  EXPECT_THAT(error_of(modal), HasSubstr("number of fields"));
  modal = small_modal();
  modal.fields.assign(6, modal.fields[0]);
  EXPECT_THAT(error_of(modal), HasSubstr("number of fields"));
  modal = small_modal();
  modal.custom_id = "";
  EXPECT_THAT(error_of(modal), HasSubstr("custom id"));
  modal = small_modal();
  modal.title = "";
  EXPECT_THAT(error_of(modal), HasSubstr("title"));
  modal = small_modal();
  Select select{SelectKind::role, "s"};
  select.disabled = true;
  modal.fields[0].input = select;
  EXPECT_THAT(error_of(modal), HasSubstr("disabled"));
  modal.fields[0].input = FileUpload{"f", 0, 11};
  EXPECT_THAT(error_of(modal), HasSubstr("may be chosen"));
}

}  // namespace
}  // namespace guildhall::discord
