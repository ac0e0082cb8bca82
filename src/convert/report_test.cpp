#include "convert/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>

#include "base/json.h"
#include "tests/support/old_club.h"

namespace guildhall::convert {
namespace {

using testing::HasSubstr;
using testing::Not;

ReportHead head() {
  return {"club on localhost",
          "2026-11-27 22:00:00",
          {.number = 3,
           .state = State::contracted,
           .home = kHome,
           .begun_at = "2026-11-27 21:00:00",
           .backup_file = "backups/club.dump"},
          "servers",
          {{std::to_string(kHome), "The <old> club"}}};
}

Verification good() {
  Verification found;
  found.writers = Writers::stopped;
  found.contracted = true;
  TableComparison& members = found.tables.emplace_back();
  members.table = "members";
  members.rows_before = members.rows_after = members.proven = 1'234'567;
  members.totals = {{"points", "9223372036854775808", "9223372036854775808"}};
  members.servers = {{"NULL", 1'234'567, 0}, {std::to_string(kHome), 0, 1'234'567}};
  found.owners = {{"tickets", "raffles by raffle_id", Verdict::equal, 4, 4}};
  found.checks = {{"No row was lost, added or changed", true, "compared"}};
  found.lists = {{"Richest", {{std::to_string(kHome), "<script>alert(1)</script>", "1000", "1000"}}}};
  found.refused = {
      {"tickets", R"({"id":900000000000000001,"member":"a&b","note":null})", "it has no raffle", "kept"}};
  found.twins = {{"members", "name", std::to_string(kHome), {"Bob", "bob"}}};
  return found;
}

/// Of a file that became one server's own, and was not added up before.
Verification not_compared() {
  Verification found;
  found.is_compared = false;
  found.is_of_one_server = true;
  found.converted = 7;
  found.checks = {{"The file is marked as its server's own", true, "looked at"}};
  return found;
}

Verification bad() {
  Verification found = good();
  found.ok = false;
  found.tables[0].verdict = Verdict::differs;
  found.tables[0].rows_after = 1'234'566;
  found.checks[0] = {"No row was lost, added or changed", false, "members has 1234566 rows and had 1234567"};
  found.findings = {{"CV-SUM", migrate::Level::error, "", 0, "members is not the same", ""}};
  return found;
}

TEST(ConversionReport, WhatWasNotComparedIsNotSaidToBeEqual) {
  const std::string page = report_html(head(), not_compared());
  for (const std::string& text : {report_text(head(), not_compared()), page}) {
    EXPECT_THAT(text, HasSubstr("Rows were not added up before, so they cannot be compared"));
    EXPECT_THAT(text, HasSubstr("In 7 tables"));
    EXPECT_THAT(text, Not(HasSubstr("as it was, row by row")));
    EXPECT_THAT(text, Not(HasSubstr("contract")));
  }
  EXPECT_THAT(page, Not(HasSubstr("every table was added up")));
  EXPECT_EQ(report_json(head(), not_compared()).at("rows_compared"), false);
}

// --- text

TEST(ConversionReport, TextSaysItAllInOrder) {
  const std::string text = report_text(head(), good());
  for (const char* part :
       {"Everything is as it was, row by row.", "belong to The <old> club (server 900000000000000001)",
        "ok   No row was lost", "= members", "1,234,567 rows", "points 9223372036854775808",
        "Richest\n  = <script>", "tickets (id 900000000000000001, member a&b): it has no raffle; kept",
        "members.name: Bob, bob"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("BAD")));
}

TEST(ConversionReport, TextSaysWhatIsWrong) {
  const std::string text = report_text(head(), bad());
  EXPECT_THAT(text, HasSubstr("Something is not as it has to be."));
  EXPECT_THAT(text, HasSubstr("BAD  No row was lost, added or changed: members has 1234566"));
  EXPECT_THAT(text, HasSubstr("! members"));
  EXPECT_THAT(text, HasSubstr("1,234,567 -> 1,234,566 rows"));
}

TEST(ConversionReport, TextCountsWhatItDoesNotList) {
  Verification found = good();
  found.refused.resize(25, found.refused[0]);
  EXPECT_THAT(report_text(head(), found), HasSubstr("... and 5 more"));
}

TEST(ConversionReport, UnderWritersNothingIsClaimedOfWhatTheyWrote) {
  Verification found = good();
  found.writers = Writers::running;
  found.tables[0].verdict = Verdict::written;
  found.tables[0].proven = 1'234'000;
  const std::string text = report_text(head(), found);
  EXPECT_THAT(text, HasSubstr("Everything that nobody has written to since is as it was"));
  EXPECT_THAT(text, HasSubstr("1,234,000 proved equal"));
}

TEST(ConversionReport, NumbersAreGroupedAndNeverRounded) {
  EXPECT_EQ(shown_number("1234567.50"), "1,234,567.50");
  EXPECT_EQ(shown_number("-1234"), "-1,234");
  EXPECT_EQ(shown_number("-0.5"), "-0.5");
  EXPECT_EQ(shown_number("18446744073709551613"), "18446744073709551613");
  EXPECT_EQ(shown_number(""), "");
  EXPECT_EQ(shown_number("NaN"), "NaN");
}

// --- JSON

TEST(ConversionReport, JsonHasIdsAsTextAndCountsAsNumbers) {
  const json::Value value = *json::parse(json::write(report_json(head(), good())));
  EXPECT_TRUE(value.at("ok").as_bool());
  EXPECT_EQ(value.at("conversion").at("home").as_string(), "900000000000000001");
  EXPECT_EQ(value.at("conversion").at("state").as_string(), "contracted");
  const json::Value& members = value.at("tables").at(0);
  EXPECT_EQ(members.at("rows_after").as_int64(), 1'234'567);
  EXPECT_EQ(members.at("verdict").as_string(), "equal");
  EXPECT_EQ(members.at("totals").at(0).at("after").as_string(), "9223372036854775808");
  EXPECT_EQ(members.at("servers").at(1).at("server").as_string(), "900000000000000001");
  const json::Value& refused = value.at("refused").at(0);
  EXPECT_EQ(refused.at("row").at("id").as_string(), "900000000000000001");
  EXPECT_TRUE(refused.at("row").at("note").is_null());
  EXPECT_EQ(value.at("twins").at(0).at("names").at(1).as_string(), "bob");
  EXPECT_EQ(value.at("lists").at(0).at("rows").at(0).at("before").as_string(), "1000");
  EXPECT_EQ(value.at("owners").at(0).at("parent").as_string(), "raffles by raffle_id");
  EXPECT_TRUE(value.at("checks").at(0).at("holds").as_bool());
}

TEST(ConversionReport, WhatARowHeldKeepsItsDigits) {
  Verification found = good();
  found.refused[0].row =
      R"({"a":0.10,"b":12345678901234567890123,"c":-5,"d":"1, 2\\\"3","e":true,"f":[1.50],"g":null})";
  const json::Value value = *json::parse(json::write(report_json(head(), found)));
  const json::Value& row = value.at("refused").at(0).at("row");
  EXPECT_EQ(row.at("a").as_string(), "0.10");
  EXPECT_EQ(row.at("b").as_string(), "12345678901234567890123");
  EXPECT_EQ(row.at("c").as_string(), "-5");
  EXPECT_EQ(row.at("d").as_string(), "1, 2\\\"3");
  EXPECT_EQ(row.at("e").as_string(), "true");
  EXPECT_EQ(row.at("f").as_string(), R"(["1.50"])");
  EXPECT_TRUE(row.at("g").is_null());
}

TEST(ConversionReport, JsonHasEveryFindingWithItsCode) {
  const json::Value value = *json::parse(json::write(report_json(head(), bad())));
  EXPECT_FALSE(value.at("ok").as_bool());
  EXPECT_EQ(value.at("findings").at(0).at("code").as_string(), "CV-SUM");
  EXPECT_EQ(value.at("findings").at(0).at("level").as_string(), "error");
}

// --- the page

TEST(ConversionReport, NoNameInThePageIsMarkup) {
  const std::string page = report_html(head(), good());
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(page, HasSubstr("a&amp;b"));
  EXPECT_THAT(page, Not(HasSubstr("The <old> club")));
}

TEST(ConversionReport, ThePageNeedsNothingElse) {
  const std::string page = report_html(head(), good());
  for (const char* outside : {"http://", "https://", "src=", "href=", "url(", "@import", "<link", "<iframe"})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(page, HasSubstr("width=device-width"));
}

TEST(ConversionReport, ThePageShowsEveryRefusedRow) {
  Verification found = good();
  found.refused.resize(250, found.refused[0]);
  const std::string page = report_html(head(), found);
  std::size_t count = 0;
  for (std::size_t at = page.find("it has no raffle"); at != std::string::npos;
       at = page.find("it has no raffle", at + 1))
    ++count;
  EXPECT_EQ(count, 250U);
}

TEST(ConversionReport, ThePageSaysWhatIsWrong) {
  EXPECT_THAT(report_html(head(), good()), HasSubstr("class=\"banner good\""));
  const std::string page = report_html(head(), bad());
  EXPECT_THAT(page, HasSubstr("class=\"banner bad\""));
  EXPECT_THAT(page, HasSubstr("members has 1234566 rows and had 1234567"));
  EXPECT_THAT(page, HasSubstr("≠"));
}

// --- the file

constexpr std::string_view kFile = R"(
tenant_column = "discord_server_id"
[registry]
table = "servers"
column = "discord_server_id"
[table.members]
class = "tenant"
person = ["discord_id"]
)";
constexpr std::string_view kList = R"([[report]]
title = "Richest"
table = "members"
name = "name"
value = "points"
per = "top"
)";

TEST(ConversionReport, TheDescriptionSaysWhatIsShown) {
  const auto description = parse_description(std::string(kFile) + std::string(kList), "club.toml");
  ASSERT_TRUE(description) << description.error().finding.text;
  ASSERT_EQ(description->reports.size(), 1U);
  EXPECT_EQ(description->reports[0].value, "points");
  EXPECT_EQ(description->reports[0].per, ReportList::Per::top);
  EXPECT_EQ(description->find("members")->person, std::vector<std::string>{"discord_id"});
  const auto again = parse_description(write_description(*description), "club.toml");
  ASSERT_TRUE(again) << again.error().finding.text;
  EXPECT_EQ(write_description(*again), write_description(*description));
  EXPECT_EQ(again->reports.size(), 1U);
  EXPECT_EQ(again->find("members")->person, std::vector<std::string>{"discord_id"});
}

TEST(ConversionReport, WhatIsWrongInTheDescriptionIsNamed) {
  const auto wrong = [](std::string list, std::string_view from, std::string_view to) {
    list.replace(list.find(from), from.size(), to);
    const auto description = parse_description(std::string(kFile) + std::string(kList) + list, "club.toml");
    return description ? "" : description.error().finding.text;
  };
  EXPECT_THAT(wrong(std::string(kList), "\"Richest\"", "\"Richest\""),
              HasSubstr("is another list's already"));
  EXPECT_THAT(wrong(std::string(kList), "title = \"Richest\"", ""), HasSubstr("report.title is missing"));
  EXPECT_THAT(wrong(std::string(kList), "Richest\"\ntable = \"members", "Others\"\ntable = \"nobody"),
              HasSubstr("report.table is 'nobody'"));
  EXPECT_THAT(wrong(std::string(kList), "Richest\"", "Others\"\ncolour = \"red\""),
              HasSubstr("report.colour is not known"));
  EXPECT_THAT(wrong(std::string(kList), "\"top\"", "\"tops\""),
              HasSubstr("is 'tops', which is none of top, group"));
}

TEST(ConversionReport, EachPresetsListsAreOfItsOwnTables) {
  for (const EmbeddedFile& preset : embedded_presets()) {
    const auto description = read_description(std::string(preset.name.substr(0, preset.name.rfind('.'))));
    ASSERT_TRUE(description) << description.error().finding.text;
    EXPECT_FALSE(description->reports.empty()) << preset.name;
  }
}

// --- of a database

using AnyDatabaseReport = ClubTest<test::OnAnyDatabase>;

TEST_F(AnyDatabaseReport, ServersHaveTheirNamesOfTheRegistry) {
  const auto names = server_names(session(), scheme());
  EXPECT_EQ(names.at(std::to_string(kHome)), "The <old> club");
  run("ALTER TABLE servers DROP COLUMN server_name");
  EXPECT_TRUE(server_names(session(), scheme()).empty());
}

}  // namespace
}  // namespace guildhall::convert
