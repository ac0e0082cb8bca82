#include "migrate/backup_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/crypto.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TimePoint at(const std::string& text) { return *parse_rfc3339(text); }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

TEST(BackupName, HoldsDatabaseAndTimeInUtc) {
  const BackupName name{"streambot", at("2025-11-15T10:30:00Z"), Dialect::postgres};
  EXPECT_EQ(name.text(), "streambot_2025-11-15T10-30-00.sql");
  EXPECT_EQ((BackupName{"a", at("2025-11-15T10:30:00+02:00"), Dialect::sqlite}.text()),
            "a_2025-11-15T08-30-00.db");
  const auto parsed = parse_backup_name("a_2020-01-01T00-00-00_2025-11-15T10-30-00.db");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->database, "a_2020-01-01T00-00-00");
  EXPECT_EQ(parsed->at, at("2025-11-15T10:30:00Z"));
  EXPECT_EQ(parsed->dialect, Dialect::sqlite);
}

TEST(BackupName, WhatIsNamedOtherwiseIsNone) {
  for (const char* name :
       {"notes.sql", "_2025-11-15T10-30-00.sql", "a_2025-11-15T10:30:00.sql", "a_2025-13-15T10-30-00.sql",
        "a_2025-11-15T10-30-00.123Z.sql", "a_2025-11-15T10-30-00.sql.json", "a2025-11-15T10-30-00.sql",
        "a_2025-11-15T10-30-60.sql", "a_2025-11-15 10-30-00.sql", "a_2025-11-15t10-30-00.sql", ""}) {
    EXPECT_FALSE(parse_backup_name(name)) << name;
  }
}

TEST(BackupName, ADatabasesNameIsMadeSafe) {
  EXPECT_EQ(safe_file_name("Stream-bot_2.x"), "Stream-bot_2.x");
  EXPECT_EQ(safe_file_name("../a b/%"), "%2E.%2Fa%20b%2F%25");
  EXPECT_EQ(safe_file_name("-rf"), "%2Drf");
  EXPECT_EQ(safe_file_name("\xc3\xa4\n"), "%C3%A4%0A");
  const std::string longest(63, '\n');  // of PostgreSQL
  EXPECT_NE(safe_file_name(longest), safe_file_name(longest.substr(1)));
  EXPECT_NE(safe_file_name(std::string(250, 'a')), safe_file_name(std::string(251, 'a')));
  EXPECT_LT(safe_file_name(std::string(250, ' ')).size(), 190U);
}

class BackupFiles : public testing::Test {
 protected:
  Result<PartialBackup> begin(std::string_view database = "bot") {
    return PartialBackup::begin(backups_, database, Dialect::postgres, clock_, [this](Duration wait) {
      waited_ += wait;
      clock_.advance(wait);
    });
  }
  void put(const std::string& name, std::string_view text = "x") {
    fs::create_directories(backups_);
    std::ofstream(backups_ / name) << text;
  }
  static BackupRecord record() {
    BackupRecord record;
    record.sha256 = std::string(64, 'a');
    record.size = 5;
    record.database = "bot";
    record.server_version = "15.20";
    record.dump_version = "15.20";
    record.taken_at = at("2025-11-15T10:30:00.25Z");
    record.tables = {{"public.users", 3, true}, {"public.\"A b\"", 0, false}};
    record.fingerprint = "f0";
    record.journal_head = {4, "0004_x"};
    record.run_token = 7;
    record.verified = 3;
    return record;
  }
  test::TemporaryFolder folder_;
  const fs::path backups_ = folder_.path() / "data" / "backups";
  ManualClock clock_{at("2025-11-15T10:30:00.25Z")};
  Duration waited_{0};
};

TEST_F(BackupFiles, AppearWholeOrNotAtAll) {
  {
    auto backup = *begin();
    ASSERT_EQ(::write(backup.descriptor(), "hello", 5), 5);
    EXPECT_THAT(names_in(backups_), ElementsAre("bot_2025-11-15T10-30-00.sql.partial"));
    ASSERT_TRUE(backup.publish(record()));
  }
  EXPECT_THAT(names_in(backups_),
              ElementsAre("bot_2025-11-15T10-30-00.sql", "bot_2025-11-15T10-30-00.sql.json"));
  clock_.advance(std::chrono::seconds(1));
  {
    auto torso = *begin();
    ASSERT_EQ(::write(torso.descriptor(), "hel", 3), 3);
  }
  EXPECT_EQ(names_in(backups_).size(), 2U);
}

TEST_F(BackupFiles, AreTheirOwnersAlone) {
  const mode_t before = ::umask(0);
  auto backup = *begin();
  const auto published = backup.publish(record());
  ::umask(before);
  ASSERT_TRUE(published);
  const auto mode = [](const fs::path& path) {
    struct stat found{};
    ::stat(path.c_str(), &found);
    return found.st_mode & 0777U;
  };
  EXPECT_EQ(mode(backups_), 0700U);
  EXPECT_EQ(mode(backup.file()), 0600U);
  EXPECT_EQ(mode(record_file(backup.file())), 0600U);
}

TEST_F(BackupFiles, ASecondOneInTheSameSecondWaitsForTheNext) {
  auto first = *begin();
  auto second = *begin();
  EXPECT_EQ(second.name().text(), "bot_2025-11-15T10-30-01.sql");
  EXPECT_EQ(waited_, std::chrono::milliseconds(750));
  ASSERT_TRUE(first.publish(record()));
  clock_.set(at("2025-11-15T10:30:00.5Z"));
  EXPECT_EQ(begin()->name().text(), "bot_2025-11-15T10-30-02.sql");
  EXPECT_EQ(begin("other")->name().text(), "other_2025-11-15T10-30-02.sql");
}

TEST_F(BackupFiles, ARecordSurvivesItsFile) {
  auto backup = *begin();
  ASSERT_TRUE(backup.publish(record()));
  const auto read = load_record(backup.file());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(write_record(*read), write_record(record()));
  EXPECT_EQ(read->tables[1].table, "public.\"A b\"");
  EXPECT_FALSE(read->is_whole());
}

TEST_F(BackupFiles, ARecordThatIsNoneSaysWhy) {
  put("a.sql");
  EXPECT_EQ(load_record(backups_ / "a.sql").error().code, ErrorCode::not_found);
  for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "a.sql.json"},
           {"{}", "'format'"},
           {R"({"format":2})", "newer"},
           {R"({"format":1,"size":-1})", "'size'"},
           {R"({"format":1,"size":1,"sha256":"ab"})", "'sha256'"}}) {
    put("a.sql.json", text);
    const auto refused = load_record(backups_ / "a.sql");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
    EXPECT_THAT(refused.error().message, HasSubstr(why));
  }
}

TEST_F(BackupFiles, PruneKeepsThirtyDaysTheNewestThreeAndWhatIsReferenced) {
  for (const char* day : {"01", "02", "03", "04", "05"}) {
    put(fmt::format("bot_2025-01-{}T00-00-00.sql", day));
    put(fmt::format("bot_2025-01-{}T00-00-00.sql.json", day));
  }
  put("bot_2025-02-10T00-00-00.sql");
  put("bot_2025-02-11T00-00-00.sql");
  put("other_2025-01-01T00-00-00.sql");
  put("notes.txt");
  put("bot.sql");
  // 02 is one second too young, 03 is referenced, the newest three are 05 and two of February.
  const auto removed = prune(backups_, "bot", at("2025-02-01T00:00:00Z"), {"bot_2025-01-03T00-00-00.sql"});
  EXPECT_THAT(*removed, ElementsAre("bot_2025-01-01T00-00-00.sql"));
  const auto more = prune(backups_, "bot", at("2026-02-01T00:00:00Z"), {"bot_2025-01-03T00-00-00.sql"});
  EXPECT_THAT(*more, ElementsAre("bot_2025-01-02T00-00-00.sql", "bot_2025-01-04T00-00-00.sql"));
  EXPECT_THAT(names_in(backups_),
              ElementsAre("bot.sql", "bot_2025-01-03T00-00-00.sql", "bot_2025-01-03T00-00-00.sql.json",
                          "bot_2025-01-05T00-00-00.sql", "bot_2025-01-05T00-00-00.sql.json",
                          "bot_2025-02-10T00-00-00.sql", "bot_2025-02-11T00-00-00.sql", "notes.txt",
                          "other_2025-01-01T00-00-00.sql"));
}

TEST_F(BackupFiles, PruneTakesTheNamesTimeAndNotTheFiles) {
  for (const char* day : {"01", "02", "03", "04"}) put(fmt::format("bot_2025-01-{}T00-00-00.sql", day));
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(backups_ / "bot_2025-01-01T00-00-00.sql", now);
  EXPECT_THAT(*prune(backups_, "bot", at("2025-03-01T00:00:00Z"), {}),
              ElementsAre("bot_2025-01-01T00-00-00.sql"));
}

TEST_F(BackupFiles, PruneTakesWhatAKilledWriterLeftBehind) {
  put("bot_2025-01-01T00-00-00.sql.partial");
  put("bot_2025-01-01T00-00-00.sql.json.partial");
  put("bot_2025-01-01T00-00-01.db.partial-journal");
  put("other_2025-01-01T00-00-00.sql.partial");
  put("bot_2025-01-02T00-00-00.sql.partial");
  EXPECT_THAT(
      *prune(backups_, "bot", at("2025-01-02T12:00:00Z"), {}),
      UnorderedElementsAre("bot_2025-01-01T00-00-00.sql.partial", "bot_2025-01-01T00-00-00.sql.json.partial",
                           "bot_2025-01-01T00-00-01.db.partial-journal"));
  EXPECT_THAT(names_in(backups_),
              ElementsAre("bot_2025-01-02T00-00-00.sql.partial", "other_2025-01-01T00-00-00.sql.partial"));
}

TEST_F(BackupFiles, NoFolderIsNoBackups) {
  EXPECT_THAT(*list_backups(backups_), IsEmpty());
  EXPECT_THAT(*prune(backups_, "bot", clock_.now(), {}), IsEmpty());
}

TEST_F(BackupFiles, AFileInPlaceOfTheFolderIsNamed) {
  std::ofstream(folder_.path() / "data") << "x";
  const auto refused = begin();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(backups_.string()));
}

TEST_F(BackupFiles, TheSystemsErrorsHaveTheirKinds) {
  EXPECT_EQ(file_error(EACCES, "x", "f").code, ErrorCode::forbidden);
  EXPECT_EQ(file_error(ENOSPC, "x", "f").code, ErrorCode::too_large);
  EXPECT_EQ(file_error(EIO, "x", "f").code, ErrorCode::failed);
}

TEST_F(BackupFiles, TheSumOfAFileIsThatOfItsBytes) {
  put("a", std::string(600'000, 'q'));
  EXPECT_EQ(*sha256_of_file(backups_ / "a"), hex(sha256(std::string(600'000, 'q'))));
  EXPECT_EQ(sha256_of_file(backups_ / "b").error().code, ErrorCode::not_found);
  EXPECT_EQ(sha256_of_file(backups_).error().code, ErrorCode::failed);
  EXPECT_EQ(sha256_of_file(backups_ / "a", [](std::uintmax_t) { return false; }).error().code,
            ErrorCode::unavailable);
}

TEST_F(BackupFiles, FreeSpaceIsThatOfTheNearestFolder) {
  EXPECT_GT(*free_space(backups_ / "not" / "there"), 0U);
  EXPECT_EQ(shown_bytes(1023), "1023 bytes");
  EXPECT_EQ(shown_bytes(1'258'291), "1.2 MiB");
}

}  // namespace
}  // namespace guildhall::migrate
