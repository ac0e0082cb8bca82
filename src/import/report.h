// What a run brought, for people and as JSON (64-bit numbers as text).
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "bot/imports.h"
#include "import/old_database.h"

namespace guildhall::importing {

/// An old key that a rule was applied to, or that was not taken over.
struct Note {
  std::string key;
  std::string text;
};

struct ItemReport {
  std::string item;
  std::string title;
  std::string table = {};  // "" where the old database has none of its tables
  std::vector<std::string> measures = {};
  std::int64_t rows = 0;  // old keys
  std::int64_t booked = 0;
  std::int64_t waiting = 0;
  /// What the old rows come to, those left out that were refused or wait.
  std::int64_t credited = 0;
  std::int64_t debited = 0;
  /// What this run booked, or in a dry run would book.
  std::int64_t new_credited = 0;
  std::int64_t new_debited = 0;
  std::vector<Note> remarks = {};
  std::vector<Note> refused = {};
  std::vector<std::string> waiting_keys = {};
  std::string fault = {};  // what does not add up; "" where all does
};

/// Names that fold to one.
struct Twins {
  std::vector<std::string> names;
  bool adds_up = false;  // amounts of several of them would go to one person
};

struct Report {
  ServerId server;
  ServerId home;
  std::string old_database = {};
  std::string zone = {};
  bool is_converted = false;
  bool is_dry = false;
  std::int64_t viewers = 0;  // without a link, who were not known here before
  std::vector<ItemReport> items = {};
  std::vector<Twins> twins = {};
  std::vector<OldDatabase::TableRows> waiting = {};

  bool adds_up() const;
};

std::string text_of(const Report& report);
boost::json::object json_of(const Report& report);

}  // namespace guildhall::importing
